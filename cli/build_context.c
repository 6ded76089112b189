/* SPDX-License-Identifier: Apache-2.0 */
/* The facts of one build, from a file of the user. */
#include "build_context.h"

#include <fcntl.h>
#include <stddef.h>

#include "assay/file.h"
#include "assay/limits.h"

static const struct {
	const char *key;
	size_t offset;
} texts[] = {
	{ "path", offsetof(struct assay_build_context, path) },
	{ "hostname", offsetof(struct assay_build_context, hostname) },
	{ "user", offsetof(struct assay_build_context, user) },
	{ "kernel", offsetof(struct assay_build_context, kernel) },
	{ "timezone", offsetof(struct assay_build_context, timezone) },
	{ "locale", offsetof(struct assay_build_context, locale) },
};

static const struct {
	const char *key;
	size_t offset;
} numbers[] = {
	{ "started", offsetof(struct assay_build_context, started) },
	{ "finished", offsetof(struct assay_build_context, finished) },
	{ "source_date_epoch", offsetof(struct assay_build_context, source_date_epoch) },
};

static enum assay_code take(struct assay_build_context *build, const char *key, const json_t *value,
			    struct assay_error *err)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(key, texts[i].key) != 0)
			continue;
		if (!json_is_string(value))
			return assay_fail(err, ASSAY_EUSAGE, "%s: want a text", key);
		*(const char **)((char *)build + texts[i].offset) = json_string_value(value);
		return ASSAY_OK;
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(key, numbers[i].key) != 0)
			continue;
		if (!json_is_integer(value) || json_integer_value(value) < 0)
			return assay_fail(err, ASSAY_EUSAGE, "%s: want seconds since 1970", key);
		*(int64_t *)((char *)build + numbers[i].offset) = json_integer_value(value);
		return ASSAY_OK;
	}
	if (strcmp(key, "cpus") != 0)
		return assay_fail(err, ASSAY_EUSAGE,
				  "%s: want path, hostname, user, kernel, timezone, locale, started, "
				  "finished, source_date_epoch or cpus",
				  key);
	if (!json_is_integer(value) || json_integer_value(value) < 1 ||
	    json_integer_value(value) > ASSAY_MAX_RECIPE_CPUS)
		return assay_fail(err, ASSAY_EUSAGE, "cpus: want a number from 1 to %d",
				  ASSAY_MAX_RECIPE_CPUS);
	build->cpus = (unsigned)json_integer_value(value);
	return ASSAY_OK;
}

enum assay_code cli_build_context_read(const char *path, struct cli_build_context *ret,
				       struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_RECIPE);
	const char *key;
	json_t *value;

	if (assay_file_read(AT_FDCWD, path, &text, err) ||
	    assay_json_parse(assay_buf_span(&text), path, &ret->json, err))
		return err->code;
	if (!json_is_object(ret->json))
		return assay_fail(err, ASSAY_EUSAGE, "%s: want an object", path);
	json_object_foreach(ret->json, key, value)
		if (take(&ret->build, key, value, err))
			return assay_context(err, "%s", path);
	return ASSAY_OK;
}

void cli_build_context_release(struct cli_build_context *context)
{
	json_decref(context->json);
	context->json = NULL;
}
