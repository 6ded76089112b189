/* SPDX-License-Identifier: Apache-2.0 */
/* assay report nightly: what is new since yesterday, as text, Markdown, a page or JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/report.h"
#include "assay/time.h"
#include "cli.h"
#include "farm.h"

int assay_cli_report_nightly(int argc, char **argv);
int assay_cli_report_nightly(int argc, char **argv)
{
	const char *socket = NULL, *store = NULL, *hours = NULL;
	bool json = false, markdown = false, html = false;
	const struct cli_option options[] = {
		{ "hours", CLI_TEXT, &hours },	     { "html", CLI_FLAG, &html },
		{ "json", CLI_FLAG, &json },	     { "markdown", CLI_FLAG, &markdown },
		{ "socket", CLI_TEXT, &socket },     { "store", CLI_TEXT, &store },
		{ NULL, CLI_FLAG, NULL },
	};
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	assay_auto(assay_json_freep) json_t *digest = NULL;
	const struct assay_report_style style = { .colour = false };
	struct assay_error err = ASSAY_ERROR_INIT;
	char **args, path[80];
	int64_t since;
	int count, status = cli_parse("report nightly", argc, argv, options, 0, 0, &args, &count);

	if (!status)
		status = cli_farm_hours("report nightly", hours, 24, &since);
	if (status)
		return status;
	snprintf(path, sizeof(path), "/v1/nightly?since=%lld", (long long)since);
	status = cli_farm_call(store, socket, "GET", path, NULL, &digest);
	if (status)
		return status;
	if (json)
		assay_json_dump(digest, &text);
	else
		assay_report_nightly_find(html ? "html" : markdown ? "markdown" : "text")->write(digest, &style, &text);
	if (assay_buf_check(&text, "digest", &err))
		return cli_fail(&err);
	return fputs(assay_buf_text(&text), stdout) == EOF || fflush(stdout) ? 3 : 0;
}
