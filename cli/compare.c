/* SPDX-License-Identifier: Apache-2.0 */
/* assay compare A B...: how files or directories differ, and whether that matters. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agreement.h"
#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/verdict.h"
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

int assay_cli_compare(int argc, char **argv);
int assay_cli_compare(int argc, char **argv)
{
	struct cli_outputs outputs = { 0 };
	bool quiet = false;
	const char *accept = "reproducible";
	const struct cli_option options[] = {
		{ "accept", CLI_TEXT, &accept },
		{ "html", CLI_TEXT, &outputs.html },
		{ "json", CLI_OPTIONAL, &outputs.json },
		{ "json-format", CLI_TEXT, &outputs.json_format },
		{ "junit", CLI_TEXT, &outputs.junit },
		{ "markdown", CLI_TEXT, &outputs.markdown },
		{ "quiet", CLI_FLAG, &quiet },
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
	if (count == 2 ? cli_pair_compare(args[0], args[1], &report, &err) :
			 cli_agreement(args, (size_t)count, &report, &err)) {
		cli_fail(&err);
		return 2; /* trouble, as in cmp and diff */
	}
	if (quiet && !silence())
		return 2;
	status = cli_outputs_write(&outputs, report, &err);
	return status ? 2 : exit_status(report, accept);
}
