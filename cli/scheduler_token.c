/* SPDX-License-Identifier: Apache-2.0 */
/* assay scheduler token: lets one worker or user enrol, once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/span.h"
#include "cli.h"
#include "farm.h"

int assay_cli_scheduler_token(int argc, char **argv);
int assay_cli_scheduler_token(int argc, char **argv)
{
	const char *minutes = NULL, *pool = NULL, *role = NULL, *socket = NULL, *store = NULL, *user = NULL, *worker = NULL;
	const struct cli_option options[] = {
		{ "minutes", CLI_TEXT, &minutes }, { "pool", CLI_TEXT, &pool },	  { "role", CLI_TEXT, &role },
		{ "socket", CLI_TEXT, &socket },   { "store", CLI_TEXT, &store }, { "user", CLI_TEXT, &user },
		{ "worker", CLI_TEXT, &worker },
		{ NULL, CLI_FLAG, NULL },
	};
	assay_auto(assay_json_freep) json_t *body = assay_json_object();
	assay_auto(assay_json_freep) json_t *answer = NULL;
	uint64_t number = 0;
	char **args;
	int count, status = cli_parse("scheduler token", argc, argv, options, 0, 0, &args, &count);

	if (status)
		return status;
	if (!user == !worker)
		return cli_usage("scheduler token", "want --worker=NAME, or --user=NAME and --role=ROLE");
	if (minutes && (!assay_span_parse_u64(assay_span_text(minutes), &number) || number > 60))
		return cli_usage("scheduler token", "--minutes: want 1 to 60, have \"%s\"", minutes);
	assay_json_set_text(body, "kind", user ? "user" : "worker");
	assay_json_set_text(body, "name", user ? user : worker);
	if (role)
		assay_json_set_text(body, "role", role);
	if (pool)
		assay_json_set_text(body, "pool", pool);
	if (minutes)
		assay_json_set_int(body, "minutes", (int64_t)number);
	status = cli_farm_call(store, socket, "POST", "/v1/tokens", body, &answer);
	if (status)
		return status;
	puts(assay_json_text(answer, "token", ""));
	return fflush(stdout) ? 3 : 0;
}
