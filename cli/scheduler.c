/* SPDX-License-Identifier: Apache-2.0 */
/* assay scheduler: becomes the daemon that holds the queue. */
#include "assay/cleanup.h"
#include "assay/limits.h"
#include "cli.h"
#include "farm.h"
#include "retention.h"

int assay_cli_scheduler(int argc, char **argv);

int assay_cli_scheduler(int argc, char **argv)
{
	assay_auto(assay_buf_release) struct assay_buf retention = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	const char *database = "", *listen = "", *name = "", *socket = "", *store = "", *users = "", *lifetime = "";
	struct cli_retention keeping = { NULL, NULL, { NULL, 0 } };
	uint64_t minutes = 0;
	const struct cli_option options[] = {
		{ "collect-every", CLI_TEXT, &keeping.every },
		{ "database", CLI_TEXT, &database },
		{ "grace", CLI_TEXT, &keeping.grace },
		{ "keep-for", CLI_LIST, &keeping.keep },
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
		status = cli_retention_join("scheduler", &keeping, &retention);
	cli_retention_release(&keeping);
	if (status)
		return status;
	if (*lifetime && (!assay_span_parse_u64(assay_span_text(lifetime), &minutes) || minutes < 2 || minutes > 60))
		return cli_usage("scheduler", "--lifetime: want 2 to 60 minutes, have \"%s\"", lifetime);
	cli_farm_become((const char *const[]){ CLI_FARM_PROGRAM, store, database, socket, assay_buf_text(&retention),
						   listen, name, users, lifetime, NULL },
			&err);
	return cli_fail(&err);
}
