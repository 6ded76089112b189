/* SPDX-License-Identifier: Apache-2.0 */
/* assay scheduler: becomes the daemon that holds the queue. */
#include "assay/cleanup.h"
#include "assay/config.h"
#include "assay/limits.h"
#include "cli.h"
#include "farm.h"
#include "retention.h"

int assay_cli_scheduler(int argc, char **argv);

/* The option, else what the configuration says. */
static const char *or(const char *option, const char *configured)
{
	return option ? option : configured;
}

/* The same as an argument of the daemon's: empty for its default. */
static const char *word(const char *option, const char *configured)
{
	const char *text = or(option, configured);

	return text ? text : "";
}

int assay_cli_scheduler(int argc, char **argv)
{
	assay_auto(assay_buf_release) struct assay_buf retention = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	const char *database = NULL, *listen = NULL, *name = NULL, *socket = NULL, *store = NULL, *path = NULL,
		   *users = NULL, *lifetime = NULL, *authority_key = NULL;
	struct assay_config config;
	struct cli_retention keeping = { .every = NULL };
	bool check = false;
	uint64_t minutes = 0;
	const struct cli_option options[] = {
		{ "authority-key", CLI_TEXT, &authority_key },
		{ "check-config", CLI_FLAG, &check },
		{ "collect-every", CLI_TEXT, &keeping.every },
		{ "config", CLI_TEXT, &path },
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

	if (status)
		return status;
	if (lifetime && (!assay_span_parse_u64(assay_span_text(lifetime), &minutes) || minutes < 2 || minutes > 60))
		return cli_usage("scheduler", "--lifetime: want 2 to 60 minutes, have \"%s\"", lifetime);
	if (assay_config_load(path, &config, &err))
		return cli_fail(&err);
	keeping.every = or(keeping.every, config.scheduler.collect_every);
	keeping.grace = or(keeping.grace, config.scheduler.grace);
	keeping.configured = config.scheduler.keep_for;
	status = cli_retention_join("scheduler", &keeping, &retention);
	cli_retention_release(&keeping);
	if (!status) {
		cli_farm_become((const char *const[]){ CLI_FARM_PROGRAM, word(store, config.scheduler.store),
						       word(database, config.scheduler.database),
						       word(socket, config.scheduler.socket), assay_buf_text(&retention),
						       word(listen, config.scheduler.listen), word(name, config.scheduler.name),
						       word(users, config.scheduler.users), word(lifetime, NULL),
						       word(authority_key, config.scheduler.authority_key),
						       check ? "check" : NULL, NULL },
				&err);
		status = cli_fail(&err);
	}
	assay_config_release(&config);
	return status;
}
