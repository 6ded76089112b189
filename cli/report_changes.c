/* SPDX-License-Identifier: Apache-2.0 */
/* assay report changes: targets that ended otherwise than the time before. */
#include <stdio.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/limits.h"
#include "cli.h"
#include "farm.h"

int assay_cli_report_changes(int argc, char **argv);

static void table(const json_t *answer, struct assay_buf *out)
{
	const json_t *list = json_object_get(answer, "changes");
	char target[300];
	size_t i;
	json_t *row;

	json_array_foreach(list, i, row)
		assay_buf_printf(out, "%6lld  %-13s  was %-13s  %s\n", (long long)assay_json_int(row, "job", 0),
				 assay_json_text(row, "verdict", ""), assay_json_text(row, "was", ""),
				 cli_farm_shown(row, "target", target, sizeof(target)));
	if (!json_array_size(list))
		assay_buf_add_text(out, "nothing changed\n");
	if (json_array_size(json_object_get(answer, "truncated")))
		assay_buf_add_text(out, "        and more: --hours\n");
}

int assay_cli_report_changes(int argc, char **argv)
{
	const char *socket = NULL, *store = NULL, *hours = NULL;
	bool json = false;
	const struct cli_option options[] = {
		{ "hours", CLI_TEXT, &hours },	 { "json", CLI_FLAG, &json },
		{ "socket", CLI_TEXT, &socket }, { "store", CLI_TEXT, &store },
		{ NULL, CLI_FLAG, NULL },
	};
	assay_auto(assay_json_freep) json_t *answer = NULL;
	char **args, path[80];
	int64_t since;
	int count, status = cli_parse("report changes", argc, argv, options, 0, 0, &args, &count);

	if (!status)
		status = cli_farm_hours("report changes", hours, 24, &since);
	if (status)
		return status;
	snprintf(path, sizeof(path), "/v1/changes?since=%lld", (long long)since);
	status = cli_farm_call(store, socket, "GET", path, NULL, &answer);
	if (status)
		return status;
	return cli_farm_print(answer, json, table);
}
