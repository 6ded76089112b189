/* SPDX-License-Identifier: Apache-2.0 */
/* assay workers: who builds; and drain, activate or revoke one. */
#include <stdio.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/time.h"
#include "cli.h"
#include "farm.h"

enum { OFFLINE_MS = 120000 };

int assay_cli_workers(int argc, char **argv);

static void table(const json_t *answer, struct assay_buf *out)
{
	size_t i;
	json_t *worker;

	assay_buf_add_text(out, "state      job     seen  pool        worker\n");
	json_array_foreach(json_object_get(answer, "workers"), i, worker) {
		char name[200], pool[100], labels[300], age[40], job[24] = "-";
		int64_t seen = assay_json_int(worker, "seen", 0);

		if (json_object_get(worker, "job"))
			snprintf(job, sizeof(job), "%lld", (long long)assay_json_int(worker, "job", 0));
		assay_buf_printf(out, "%-9s  %-6s  %5s  %-10s  %s  %s%s\n", assay_json_text(worker, "state", ""), job,
		       cli_farm_age(seen, age, sizeof(age)), cli_farm_shown(worker, "pool", pool, sizeof(pool)),
		       cli_farm_shown(worker, "name", name, sizeof(name)),
		       cli_farm_shown(worker, "labels", labels, sizeof(labels)),
		       assay_time_now() * 1000 - seen > OFFLINE_MS ? "  (offline)" : "");
	}
}

static int set_state(const char *store, const char *socket, const char *name, const char *state)
{
	assay_auto(assay_json_freep) json_t *body = assay_json_object();
	assay_auto(assay_json_freep) json_t *answer = NULL;

	assay_json_set_text(body, "state", state);
	return cli_farm_call_on(store, socket, "POST", (const char *[]){ "/v1/workers/", name, "/state" }, body, &answer);
}

int assay_cli_workers(int argc, char **argv)
{
	const char *socket = NULL, *store = NULL, *activate = NULL, *drain = NULL, *revoke = NULL;
	bool json = false;
	const struct cli_option options[] = {
		{ "activate", CLI_TEXT, &activate }, { "drain", CLI_TEXT, &drain },
		{ "json", CLI_FLAG, &json },	     { "revoke", CLI_TEXT, &revoke },
		{ "socket", CLI_TEXT, &socket },     { "store", CLI_TEXT, &store },
		{ NULL, CLI_FLAG, NULL },
	};
	const struct {
		const char *const *name, *state;
	} changes[] = { { &activate, "active" }, { &drain, "draining" }, { &revoke, "revoked" } };
	assay_auto(assay_json_freep) json_t *answer = NULL;
	char **args;
	int count, status = cli_parse("workers", argc, argv, options, 0, 0, &args, &count);

	for (size_t i = 0; !status && i < 3; i++)
		if (*changes[i].name)
			status = set_state(store, socket, *changes[i].name, changes[i].state);
	if (!status)
		status = cli_farm_list(store, socket, "/v1/workers", "workers", &answer);
	if (status)
		return status;
	return cli_farm_print(answer, json, table);
}
