/* SPDX-License-Identifier: Apache-2.0 */
#include "assay/retention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"

enum { DAY_S = 86400, AGE_MAX_DAYS = 36600 };

static const char *const names[] = {
	[ASSAY_CLASS_BLOBS] = "blobs",	     [ASSAY_CLASS_LOGS] = "logs",
	[ASSAY_CLASS_CANDIDATES] = "candidates", [ASSAY_CLASS_ENVIRONMENTS] = "environments",
	[ASSAY_CLASS_LOCKS] = "locks",	     [ASSAY_CLASS_REPORTS] = "reports",
};

const char *assay_store_class_name(enum assay_store_class class)
{
	return names[class];
}

void assay_retention_init(struct assay_retention *policy)
{
	*policy = (struct assay_retention){ .keep_s = { [ASSAY_CLASS_BLOBS] = 30 * DAY_S,
							[ASSAY_CLASS_LOGS] = 90 * DAY_S,
							[ASSAY_CLASS_CANDIDATES] = 30 * DAY_S,
							[ASSAY_CLASS_ENVIRONMENTS] = 30 * DAY_S,
							[ASSAY_CLASS_LOCKS] = 90 * DAY_S,
							[ASSAY_CLASS_REPORTS] = ASSAY_KEEP_FOREVER },
					    .grace_s = DAY_S,
					    .every_s = DAY_S };
}

enum assay_code assay_retention_parse_age(const char *text, int64_t *ret_s, struct assay_error *err)
{
	static const struct {
		const char *name;
		int64_t seconds;
	} units[] = { { "s", 1 }, { "min", 60 }, { "h", 3600 }, { "d", DAY_S }, { "w", 7 * DAY_S } };
	size_t digits = strspn(text, "0123456789");
	int64_t number = digits && digits < 12 ? strtoll(text, NULL, 10) : -1;

	if (strcmp(text, "forever") == 0) {
		*ret_s = ASSAY_KEEP_FOREVER;
		return ASSAY_OK;
	}
	for (size_t i = 0; number >= 0 && i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(text + digits, units[i].name) == 0 && number <= AGE_MAX_DAYS * (int64_t)DAY_S / units[i].seconds) {
			*ret_s = number * units[i].seconds;
			return ASSAY_OK;
		}
	return assay_fail(err, ASSAY_EUSAGE,
			  "want an age like \"90s\", \"15min\", \"12h\", \"30d\" or \"8w\", or \"forever\", have \"%s\"", text);
}

/* The setting that a text of such a length names; NULL when there is none. */
static int64_t *find_setting(struct assay_retention *policy, const char *text, size_t len)
{
	for (size_t i = 0; i < ASSAY_CLASS_COUNT; i++)
		if (strlen(names[i]) == len && strncmp(text, names[i], len) == 0)
			return &policy->keep_s[i];
	if (len != 5)
		return NULL;
	return strncmp(text, "grace", 5) == 0 ? &policy->grace_s :
	       strncmp(text, "every", 5) == 0 ? &policy->every_s : NULL;
}

static enum assay_code parse_one(struct assay_retention *policy, const char *text, struct assay_error *err)
{
	size_t len = strcspn(text, "=");
	int64_t *setting = text[len] ? find_setting(policy, text, len) : NULL;

	if (!setting)
		return assay_fail(err, ASSAY_EUSAGE, "want CLASS=AGE with blobs, logs, candidates, environments, locks or "
				  "reports, have \"%s\"", text);
	if (assay_retention_parse_age(text + len + 1, setting, err))
		return assay_context(err, "%.*s", (int)len, text);
	if (policy->grace_s == ASSAY_KEEP_FOREVER || policy->every_s == 0)
		return assay_fail(err, ASSAY_EUSAGE, "%.*s: want an age%s", (int)len, text,
				  policy->every_s ? "" : " of at least a second");
	return ASSAY_OK;
}

enum assay_code assay_retention_parse(struct assay_retention *policy, const char *text, struct assay_error *err)
{
	assay_auto(assay_freep) char *copy = strdup(text);
	char *rest = copy;

	if (!copy)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	for (char *one = strsep(&rest, ","); one; one = strsep(&rest, ","))
		if (parse_one(policy, one, err))
			return err->code;
	return ASSAY_OK;
}
