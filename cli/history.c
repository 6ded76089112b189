/* SPDX-License-Identifier: Apache-2.0 */
/* assay history TARGET: its runs, the last that was good, the first that was not. */
#include <stdio.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/time.h"
#include "cli.h"
#include "farm.h"

int assay_cli_history(int argc, char **argv);

static void run(const char *label, const json_t *item, struct assay_buf *out)
{
	const char *verdict = assay_json_text(item, "verdict", "");
	char when[ASSAY_TIME_TEXT], version[100], reason[160];
	int64_t finished = assay_json_int(item, "finished", 0);

	assay_buf_printf(out, "%s%6lld  %-20s  %-13s  %s", label, (long long)assay_json_int(item, "job", 0),
			 finished ? assay_time_format(finished / 1000, when) : assay_json_text(item, "state", ""), verdict,
			 cli_farm_shown(item, "version", version, sizeof(version)));
	if (*assay_json_text(item, "reason", ""))
		assay_buf_printf(out, "  %s", cli_farm_shown(item, "reason", reason, sizeof(reason)));
	assay_buf_add_text(out, "\n");
}

static void table(const json_t *answer, struct assay_buf *out)
{
	const json_t *good = json_object_get(answer, "last_good"), *bad = json_object_get(answer, "first_bad");
	size_t i;
	json_t *item;

	if (good)
		run("last good  ", good, out);
	if (bad)
		run("first bad  ", bad, out);
	if (good || bad)
		assay_buf_add_text(out, "\n");
	assay_buf_add_text(out, "   job  ended                 verdict        version\n");
	json_array_foreach(json_object_get(answer, "runs"), i, item)
		run("", item, out);
	if (json_object_get(answer, "before"))
		assay_buf_add_text(out, "        and older ones\n");
}

int assay_cli_history(int argc, char **argv)
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
	int count, status = cli_parse("history", argc, argv, options, 1, 1, &args, &count);

	if (status)
		return status;
	status = cli_farm_call_on(store, socket, "GET", (const char *[]){ "/v1/history?target=", args[0], "" }, NULL, &answer);
	if (status)
		return status;
	return cli_farm_print(answer, json, table);
}
