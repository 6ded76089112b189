/* SPDX-License-Identifier: Apache-2.0 */
/* assay attest show: what a statement says, without asking who says it. */
#include <stdio.h>

#include "assay/attestation.h"
#include "assay/cleanup.h"
#include "assay/limits.h"
#include "cli.h"
#include "envelopes.h"

int assay_cli_attest_show(int argc, char **argv);

static enum assay_code show(void *data, const char *file, unsigned line, struct assay_span envelope,
			    struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf out = ASSAY_BUF_INIT(ASSAY_MAX_ENVELOPE * 4);
	assay_auto(assay_json_freep) json_t *statement = NULL;
	char name[200];

	(void)data;
	if (assay_dsse_peek(envelope, &statement, err))
		return assay_context(err, "%s: line %u", file, line);
	assay_buf_printf(&out, "# UNVERIFIED: %s, line %u: nobody has checked who signed this\n",
			 assay_span_show(assay_span_text(file), name, sizeof(name)), line);
	assay_json_dump(statement, &out);
	if (assay_buf_check(&out, file, err))
		return err->code;
	if (fputs(assay_buf_text(&out), stdout) == EOF)
		return assay_fail_errno(err, "standard output");
	return ASSAY_OK;
}

int assay_cli_attest_show(int argc, char **argv)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	const struct cli_option options[] = { { NULL, CLI_FLAG, NULL } };
	char **args;
	int count, status = cli_parse("attest show", argc, argv, options, 1, 1000, &args, &count);

	if (status)
		return status;
	for (int i = 0; i < count; i++)
		if (cli_envelopes_walk(args[i], show, NULL, &err))
			return cli_fail(&err);
	fputs("assay: UNVERIFIED: the signatures were not looked at; "
	      "`assay attest verify` checks them\n",
	      stderr);
	return fflush(stdout) ? 3 : 0;
}
