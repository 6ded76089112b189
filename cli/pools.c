/* SPDX-License-Identifier: Apache-2.0 */
/* assay pools: how full they are; and hold one back, or let it go. */
#include <stdio.h>

#include "assay/cleanup.h"
#include "cli.h"
#include "farm.h"

int assay_cli_pools(int argc, char **argv);

static void print_rules(const json_t *pool)
{
	char text[300];

	if (*assay_json_text(pool, "needs", ""))
		printf("%35s  workers: %s\n", "", cli_farm_shown(pool, "needs", text, sizeof(text)));
	if (*assay_json_text(pool, "accept", ""))
		printf("%35s  accepts: %s\n", "", cli_farm_shown(pool, "accept", text, sizeof(text)));
	if (assay_json_int(pool, "require_signature", 0))
		printf("%35s  signatures are required\n", "");
}

static void print(const json_t *answer)
{
	size_t i;
	json_t *pool;

	puts("queued  waiting  running  parked  pool");
	json_array_foreach(json_object_get(answer, "pools"), i, pool) {
		char name[200];

		printf("%6lld  %7lld  %7lld  %6lld  %s%s\n", (long long)assay_json_int(pool, "queued", 0),
		       (long long)assay_json_int(pool, "waiting", 0), (long long)assay_json_int(pool, "running", 0),
		       (long long)assay_json_int(pool, "parked", 0), cli_farm_shown(pool, "name", name, sizeof(name)),
		       assay_json_int(pool, "paused", 0) ? "  (paused)" : "");
		print_rules(pool);
	}
}

static int pause_pool(const char *store, const char *socket, const char *name, bool paused)
{
	assay_auto(assay_json_freep) json_t *body = assay_json_object();
	assay_auto(assay_json_freep) json_t *answer = NULL;

	assay_json_set_bool(body, "paused", paused);
	return cli_farm_call_on(store, socket, "POST", (const char *[]){ "/v1/pools/", name, "/pause" }, body, &answer);
}

struct rules {
	const char *pool, *needs, *accept;
	bool require_signature;
};

static int set_rules(const char *store, const char *socket, const struct rules *rules)
{
	assay_auto(assay_json_freep) json_t *body = assay_json_object();
	assay_auto(assay_json_freep) json_t *answer = NULL;

	assay_json_set_text(body, "needs", rules->needs ? rules->needs : "");
	if (rules->accept)
		assay_json_set_text(body, "accept", rules->accept);
	assay_json_set_bool(body, "require_signature", rules->require_signature);
	return cli_farm_call_on(store, socket, "POST", (const char *[]){ "/v1/pools/", rules->pool, "" }, body, &answer);
}

int assay_cli_pools(int argc, char **argv)
{
	const char *socket = NULL, *store = NULL, *pause = NULL, *resume = NULL;
	struct rules rules = { .pool = NULL };
	const struct cli_option options[] = {
		{ "accept", CLI_TEXT, &rules.accept },
		{ "needs", CLI_TEXT, &rules.needs },
		{ "pause", CLI_TEXT, &pause },
		{ "require-signature", CLI_FLAG, &rules.require_signature },
		{ "resume", CLI_TEXT, &resume },
		{ "set", CLI_TEXT, &rules.pool },
		{ "socket", CLI_TEXT, &socket },
		{ "store", CLI_TEXT, &store },
		{ NULL, CLI_FLAG, NULL },
	};
	assay_auto(assay_json_freep) json_t *answer = NULL;
	char **args;
	int count, status = cli_parse("pools", argc, argv, options, 0, 0, &args, &count);

	if (!status && !rules.pool && (rules.needs || rules.accept || rules.require_signature))
		return cli_usage("pools", "--needs, --accept and --require-signature: want --set=POOL with them");
	if (!status && rules.pool)
		status = set_rules(store, socket, &rules);
	if (!status && pause)
		status = pause_pool(store, socket, pause, true);
	if (!status && resume)
		status = pause_pool(store, socket, resume, false);
	if (!status)
		status = cli_farm_list(store, socket, "/v1/pools", "pools", &answer);
	if (status)
		return status;
	print(answer);
	return fflush(stdout) ? 3 : 0;
}
