/* SPDX-License-Identifier: Apache-2.0 */
/* assay report nightly: what is new since yesterday, as text, Markdown or JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/time.h"
#include "cli.h"
#include "farm.h"

int assay_cli_report_nightly(int argc, char **argv);

static const struct section {
	const char *key, *title;
} sections[] = {
	{ "new_divergences", "New divergences" }, { "fixed", "Fixed" },
	{ "flaky", "Flaky" },			  { "newly_failing", "Newly failing or rejected" },
	{ "parked", "Parked" },
};

static void item(const json_t *job, bool markdown, struct assay_buf *out)
{
	char target[300], reason[300], was[40];

	assay_buf_printf(out, markdown ? "- `%s`: " : "  %s: ", cli_farm_shown(job, "target", target, sizeof(target)));
	assay_buf_add_text(out, assay_json_text(job, "verdict", "no verdict"));
	if (*assay_json_text(job, "was", ""))
		assay_buf_printf(out, ", was %s", cli_farm_shown(job, "was", was, sizeof(was)));
	if (*assay_json_text(job, "reason", ""))
		assay_buf_printf(out, markdown ? " (`%s`)" : " (%s)",
				 cli_farm_shown(job, "reason", reason, sizeof(reason)));
	assay_buf_printf(out, ", job %lld\n", (long long)assay_json_int(job, "job", 0));
}

static void totals(const json_t *digest, struct assay_buf *out)
{
	size_t i;
	json_t *row;

	json_array_foreach(json_object_get(digest, "totals"), i, row)
		assay_buf_printf(out, "%s%lld %s", i ? ", " : "", (long long)assay_json_int(row, "jobs", 0),
				 strcmp(assay_json_text(row, "state", ""), "done") == 0 ?
					 assay_json_text(row, "verdict", "") :
					 assay_json_text(row, "state", ""));
	assay_buf_add_text(out, json_array_size(json_object_get(digest, "totals")) ? "\n" : "nothing ended\n");
}

static void write_digest(const json_t *digest, bool markdown, struct assay_buf *out)
{
	char from[ASSAY_TIME_TEXT], to[ASSAY_TIME_TEXT];
	size_t k;
	json_t *row;

	assay_buf_printf(out, "%sNightly digest, %s to %s%s", markdown ? "# " : "",
			 assay_time_format(assay_json_int(digest, "from", 0) / 1000, from),
			 assay_time_format(assay_json_int(digest, "to", 0) / 1000, to), markdown ? "\n\n" : "\n");
	totals(digest, out);
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		const json_t *list = json_object_get(digest, sections[i].key);

		assay_buf_printf(out, "\n%s%s: %zu\n%s", markdown ? "## " : "", sections[i].title,
				 json_array_size(list), markdown ? "\n" : "");
		json_array_foreach(list, k, row)
			item(row, markdown, out);
	}
	assay_buf_printf(out, "\n%sSlowest\n%s", markdown ? "## " : "", markdown ? "\n" : "");
	json_array_foreach(json_object_get(digest, "slowest"), k, row) {
		char target[300];

		assay_buf_printf(out, markdown ? "- %lld s: `%s`\n" : "  %5lld s  %s\n",
				 (long long)assay_json_int(row, "ms", 0) / 1000,
				 cli_farm_shown(row, "target", target, sizeof(target)));
	}
}

int assay_cli_report_nightly(int argc, char **argv)
{
	const char *socket = NULL, *store = NULL, *hours = NULL;
	bool json = false, markdown = false;
	const struct cli_option options[] = {
		{ "hours", CLI_TEXT, &hours },	     { "json", CLI_FLAG, &json },
		{ "markdown", CLI_FLAG, &markdown }, { "socket", CLI_TEXT, &socket },
		{ "store", CLI_TEXT, &store },	     { NULL, CLI_FLAG, NULL },
	};
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	assay_auto(assay_json_freep) json_t *digest = NULL;
	char **args, path[80];
	int count, status = cli_parse("report nightly", argc, argv, options, 0, 0, &args, &count);
	long back = hours ? strtol(hours, NULL, 10) : 24;

	if (status)
		return status;
	if (back < 1 || back > 24 * 366)
		return cli_usage("report nightly", "--hours: want 1 to %d, have \"%s\"", 24 * 366, hours);
	snprintf(path, sizeof(path), "/v1/nightly?since=%lld",
		 (long long)(assay_time_now() - back * 3600) * 1000);
	status = cli_farm_call(store, socket, "GET", path, NULL, &digest);
	if (status)
		return status;
	if (json)
		assay_json_dump(digest, &text);
	else
		write_digest(digest, markdown, &text);
	return fputs(assay_buf_text(&text), stdout) == EOF || fflush(stdout) ? 3 : 0;
}
