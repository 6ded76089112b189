/* SPDX-License-Identifier: Apache-2.0 */
#include "retention.h"

#include <stdlib.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/retention.h"

static int add(const char *verb, const char *option, const char *name, const char *value, struct assay_buf *out)
{
	assay_auto(assay_buf_release) struct assay_buf one = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_retention policy;

	assay_retention_init(&policy);
	assay_buf_printf(&one, "%s%s", name, value);
	if (assay_buf_check(&one, option, &err))
		return cli_fail(&err);
	if (assay_retention_parse(&policy, assay_buf_text(&one), &err))
		return cli_usage(verb, "%s: %s", option, err.msg);
	assay_buf_printf(out, "%s%s", out->len ? "," : "", assay_buf_text(&one));
	return assay_buf_check(out, option, &err) ? cli_fail(&err) : 0;
}

int cli_retention_join(const char *verb, const struct cli_retention *retention, struct assay_buf *out)
{
	int status = 0;

	if (retention->every)
		status = add(verb, "--collect-every", "every=", retention->every, out);
	if (!status && retention->grace)
		status = add(verb, "--grace", "grace=", retention->grace, out);
	/* of two words about one class the later counts: the option's */
	for (const char **word = retention->configured; !status && word && *word; word++)
		status = add(verb, "keep-for", "", *word, out);
	for (size_t i = 0; !status && i < retention->keep.count; i++)
		status = add(verb, "--keep-for", "", retention->keep.items[i], out);
	return status;
}

void cli_retention_release(struct cli_retention *retention)
{
	free(retention->keep.items);
}
