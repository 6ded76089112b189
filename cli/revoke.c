/* SPDX-License-Identifier: Apache-2.0 */
/* assay revoke: a worker or user is nobody any more, and how long that took. */
#include <stdio.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/time.h"
#include "cli.h"
#include "farm.h"

int assay_cli_revoke(int argc, char **argv);

static void print_jobs(const json_t *answer)
{
	size_t i;
	json_t *job;

	json_array_foreach(json_object_get(answer, "jobs"), i, job)
		printf("job %lld was taken away and is queued for another worker\n", (long long)json_integer_value(job));
}

/* The answer comes when it is committed: whatever is asked after it is refused. */
static int revoke_one(const char *store, const char *socket, const char *name, bool user)
{
	assay_auto(assay_json_freep) json_t *body = assay_json_object();
	assay_auto(assay_json_freep) json_t *answer = NULL;
	double began = assay_time_monotonic();
	const char *const path[] = { user ? "/v1/users/" : "/v1/workers/", name, user ? "/role" : "/state" };
	int status;

	assay_json_set_text(body, user ? "role" : "state", user ? "none" : "revoked");
	status = cli_farm_call_on(store, socket, "POST", path, body, &answer);
	if (status)
		return status;
	printf("%s %s revoked in %.0f ms; %lld certificates are void\n", user ? "user" : "worker", name,
	       (assay_time_monotonic() - began) * 1000, (long long)assay_json_int(answer, "certificates", 0));
	print_jobs(answer);
	return fflush(stdout) ? 3 : 0;
}

int assay_cli_revoke(int argc, char **argv)
{
	const char *socket = NULL, *store = NULL;
	bool user = false;
	const struct cli_option options[] = {
		{ "socket", CLI_TEXT, &socket },
		{ "store", CLI_TEXT, &store },
		{ "user", CLI_FLAG, &user },
		{ NULL, CLI_FLAG, NULL },
	};
	char **args;
	int count, worst = 0, status = cli_parse("revoke", argc, argv, options, 1, 1000, &args, &count);

	if (status)
		return status;
	for (int i = 0; i < count; i++) {
		if (strchr(args[i], '/') || strlen(args[i]) > 200)
			return cli_usage("revoke", "want names of workers, have \"%.200s\"", args[i]);
		status = revoke_one(store, socket, args[i], user);
		worst = status > worst ? status : worst;
	}
	return worst;
}
