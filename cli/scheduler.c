/* SPDX-License-Identifier: Apache-2.0 */
/* assay scheduler: becomes the daemon that holds the queue. */
#include <stdlib.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/retention.h"
#include "cli.h"
#include "farm.h"

int assay_cli_scheduler(int argc, char **argv);

/* Checked here, where it is still known which option it was. */
static int join_retention(const char *every, const char *grace, const struct cli_list *keep, struct assay_buf *out)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_retention policy;
	int64_t age;

	if (every && (assay_retention_parse_age(every, &age, &err) || !age))
		return cli_usage("scheduler", "--collect-every: %s", err.code ? err.msg : "want an age");
	if (grace && (assay_retention_parse_age(grace, &age, &err) || age == ASSAY_KEEP_FOREVER))
		return cli_usage("scheduler", "--grace: %s", err.code ? err.msg : "want an age");
	if (every)
		assay_buf_printf(out, "every=%s,", every);
	if (grace)
		assay_buf_printf(out, "grace=%s,", grace);
	for (size_t i = 0; i < keep->count; i++) {
		if (assay_retention_parse(&policy, keep->items[i], &err))
			return cli_usage("scheduler", "--keep-for: %s", err.msg);
		assay_buf_printf(out, "%s,", keep->items[i]);
	}
	return assay_buf_check(out, "--keep-for", &err) ? cli_fail(&err) : 0;
}

int assay_cli_scheduler(int argc, char **argv)
{
	assay_auto(assay_buf_release) struct assay_buf retention = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	const char *database = "", *listen = "", *name = "", *socket = "", *store = "", *users = "", *lifetime = "";
	const char *every = NULL, *grace = NULL;
	struct cli_list keep = { NULL, 0 };
	uint64_t minutes = 0;
	const struct cli_option options[] = {
		{ "collect-every", CLI_TEXT, &every },
		{ "database", CLI_TEXT, &database },
		{ "grace", CLI_TEXT, &grace },
		{ "keep-for", CLI_LIST, &keep },
		{ "lifetime", CLI_TEXT, &lifetime },
		{ "listen", CLI_TEXT, &listen },
		{ "name", CLI_TEXT, &name },
		{ "socket", CLI_TEXT, &socket },
		{ "store", CLI_TEXT, &store },
		{ "users", CLI_TEXT, &users },
		{ NULL, CLI_FLAG, NULL },
	};
	struct assay_error err = ASSAY_ERROR_INIT;
	char **args;
	int count, status = cli_parse("scheduler", argc, argv, options, 0, 0, &args, &count);

	if (!status)
		status = join_retention(every, grace, &keep, &retention);
	free(keep.items);
	if (status)
		return status;
	if (*lifetime && (!assay_span_parse_u64(assay_span_text(lifetime), &minutes) || minutes < 2 || minutes > 60))
		return cli_usage("scheduler", "--lifetime: want 2 to 60 minutes, have \"%s\"", lifetime);
	cli_farm_become((const char *const[]){ CLI_FARM_PROGRAM, store, database, socket, assay_buf_text(&retention),
						   listen, name, users, lifetime, NULL },
			&err);
	return cli_fail(&err);
}
