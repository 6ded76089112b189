/* SPDX-License-Identifier: Apache-2.0 */
/* assay pools: how full they are; and hold one back, or let it go. */
#include <stdio.h>

#include "assay/cleanup.h"
#include "cli.h"
#include "farm.h"

int assay_cli_pools(int argc, char **argv);

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
	}
}

static int pause_pool(const char *store, const char *socket, const char *name, bool paused)
{
	assay_auto(assay_json_freep) json_t *body = assay_json_object();
	assay_auto(assay_json_freep) json_t *answer = NULL;
	char path[400];

	snprintf(path, sizeof(path), "/v1/pools/%s/pause", name);
	assay_json_set_bool(body, "paused", paused);
	return cli_farm_call(store, socket, "POST", path, body, &answer);
}

int assay_cli_pools(int argc, char **argv)
{
	const char *socket = NULL, *store = NULL, *pause = NULL, *resume = NULL;
	const struct cli_option options[] = {
		{ "pause", CLI_TEXT, &pause },	 { "resume", CLI_TEXT, &resume },
		{ "socket", CLI_TEXT, &socket }, { "store", CLI_TEXT, &store },
		{ NULL, CLI_FLAG, NULL },
	};
	assay_auto(assay_json_freep) json_t *answer = NULL;
	char **args;
	int count, status = cli_parse("pools", argc, argv, options, 0, 0, &args, &count);

	if (!status && pause)
		status = pause_pool(store, socket, pause, true);
	if (!status && resume)
		status = pause_pool(store, socket, resume, false);
	if (!status)
		status = cli_farm_call(store, socket, "GET", "/v1/pools", NULL, &answer);
	if (status)
		return status;
	print(answer);
	return fflush(stdout) ? 3 : 0;
}
