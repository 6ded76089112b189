/* SPDX-License-Identifier: Apache-2.0 */
/* assay compare A B...: how files or directories differ, and whether that matters. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agreement.h"
#include "assay/cleanup.h"
#include "assay/digest.h"
#include "assay/file.h"
#include "assay/verdict.h"
#include "build_context.h"
#include "cli.h"
#include "output.h"
#include "pair.h"

/* Files are still written; only standard output is closed to us. */
static bool silence(void)
{
	assay_auto(assay_fd_closep) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	return null >= 0 && dup2(null, STDOUT_FILENO) >= 0;
}

static int exit_status(const json_t *report, const char *accept)
{
	enum assay_verdict verdict = ASSAY_FARM_ERROR;

	assay_verdict_parse(assay_json_text(report, "verdict", ""), &verdict);
	return assay_verdict_exit_status(verdict, assay_json_text(report, "grade", NULL), accept);
}

static enum assay_code compare_two(char *const paths[2], const char *const files[2], json_t **ret,
				   struct assay_error *err)
{
	assay_auto(cli_build_context_release) struct cli_build_context left = { 0 };
	assay_auto(cli_build_context_release) struct cli_build_context right = { 0 };
	const struct cli_pair_contexts contexts = { files[0] ? &left.build : NULL,
						    files[1] ? &right.build : NULL };

	if (files[0] && cli_build_context_read(files[0], &left, err))
		return err->code;
	if (files[1] && cli_build_context_read(files[1], &right, err))
		return err->code;
	return cli_pair_compare(paths[0], paths[1], &contexts, ret, err);
}

int assay_cli_compare(int argc, char **argv);
int assay_cli_compare(int argc, char **argv)
{
	struct cli_outputs outputs = { 0 };
	bool quiet = false;
	const char *accept = "reproducible";
	const char *contexts[2] = { NULL, NULL };
	const struct cli_option options[] = {
		{ "accept", CLI_TEXT, &accept },
		{ "html", CLI_TEXT, &outputs.html },
		{ "json", CLI_OPTIONAL, &outputs.json },
		{ "json-format", CLI_TEXT, &outputs.json_format },
		{ "junit", CLI_TEXT, &outputs.junit },
		{ "left-context", CLI_TEXT, &contexts[0] },
		{ "markdown", CLI_TEXT, &outputs.markdown },
		{ "quiet", CLI_FLAG, &quiet },
		{ "right-context", CLI_TEXT, &contexts[1] },
		{ "sarif", CLI_TEXT, &outputs.sarif },
		{ "verbose", CLI_FLAG, &outputs.verbose },
		{ NULL, CLI_FLAG, NULL },
	};
	struct assay_error err = ASSAY_ERROR_INIT;
	char **args;
	int count, status = cli_parse("compare", argc, argv, options, 2, CLI_MAX_CANDIDATES, &args, &count);
	assay_auto(assay_json_freep) json_t *report = NULL;

	if (status)
		return status;
	if (!assay_accept_is_known(accept))
		return cli_usage("compare",
				 "--accept: want reproducible, equivalent, encoding, container or "
				 "code, have \"%s\"",
				 accept);
	status = cli_outputs_check("compare", &outputs);
	if (status)
		return status;
	outputs.accept = accept;
	if (count > 2 && (contexts[0] || contexts[1]))
		return cli_usage("compare", "--left-context and --right-context: want two files, "
					    "have %d", count);
	assay_digest_prepare();
	if (count == 2 ? compare_two(args, contexts, &report, &err) :
			 cli_agreement(args, (size_t)count, &report, &err)) {
		cli_fail(&err);
		return 2; /* trouble, as in cmp and diff */
	}
	if (quiet && !silence())
		return 2;
	status = cli_outputs_write(&outputs, report, &err);
	return status ? 2 : exit_status(report, accept);
}
