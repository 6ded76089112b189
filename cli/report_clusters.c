/* SPDX-License-Identifier: Apache-2.0 */
/* assay report clusters [CAUSE]: what makes targets differ, by how many share it; or who shares one cause. */
#include <stdio.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/limits.h"
#include "cli.h"
#include "farm.h"

int assay_cli_report_clusters(int argc, char **argv);

static void causes(const json_t *answer, struct assay_buf *out)
{
	const json_t *list = json_object_get(answer, "clusters");
	char example[300];
	size_t i;
	json_t *row;

	if (!json_array_size(list)) {
		assay_buf_add_text(out, "no target differs\n");
		return;
	}
	assay_buf_add_text(out, "targets  severity   cause\n");
	json_array_foreach(list, i, row)
		assay_buf_printf(out, "%7lld  %-9s  %s, such as %s\n", (long long)assay_json_int(row, "targets", 0),
				 assay_json_text(row, "severity", ""), assay_json_text(row, "cause", ""),
				 cli_farm_shown(row, "example", example, sizeof(example)));
}

static void targets(const json_t *answer, struct assay_buf *out)
{
	char target[300];
	size_t i;
	json_t *row;

	assay_buf_add_text(out, "   job  severity   differences  target\n");
	json_array_foreach(json_object_get(answer, "targets"), i, row)
		assay_buf_printf(out, "%6lld  %-9s  %11lld  %s\n", (long long)assay_json_int(row, "job", 0),
				 assay_json_text(row, "severity", ""), (long long)assay_json_int(row, "divergences", 0),
				 cli_farm_shown(row, "target", target, sizeof(target)));
	if (assay_json_bool(answer, "truncated"))
		assay_buf_add_text(out, "        and more\n");
}

int assay_cli_report_clusters(int argc, char **argv)
{
	const char *socket = NULL, *store = NULL;
	bool json = false;
	const struct cli_option options[] = {
		{ "json", CLI_FLAG, &json },
		{ "socket", CLI_TEXT, &socket },
		{ "store", CLI_TEXT, &store },
		{ NULL, CLI_FLAG, NULL },
	};
	assay_auto(assay_json_freep) json_t *answer = NULL;
	char **args;
	int count, status = cli_parse("report clusters", argc, argv, options, 0, 1, &args, &count);

	if (status)
		return status;
	status = count ? cli_farm_call_on(store, socket, "GET", (const char *[]){ "/v1/clusters/", args[0], "" }, NULL, &answer) :
			 cli_farm_call(store, socket, "GET", "/v1/clusters", NULL, &answer);
	if (status)
		return status;
	return cli_farm_print(answer, json, count ? targets : causes);
}
