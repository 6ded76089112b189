/* SPDX-License-Identifier: Apache-2.0 */
/* assay scheduler backup and restore: done by the scheduler's program, which alone knows databases. */
#include "cli.h"
#include "farm.h"

int assay_cli_scheduler_backup(int argc, char **argv);
int assay_cli_scheduler_restore(int argc, char **argv);

static int run(const char *verb, const char *how, int argc, char **argv)
{
	const char *database = "", *store = "";
	const struct cli_option options[] = {
		{ "database", CLI_TEXT, &database },
		{ "store", CLI_TEXT, &store },
		{ NULL, CLI_FLAG, NULL },
	};
	struct assay_error err = ASSAY_ERROR_INIT;
	char **args;
	int count, status = cli_parse(verb, argc, argv, options, 1, 1, &args, &count);

	if (status)
		return status;
	cli_farm_become((const char *const[]){ CLI_FARM_PROGRAM, how, store, database, args[0], NULL }, &err);
	return cli_fail(&err);
}

int assay_cli_scheduler_backup(int argc, char **argv)
{
	return run("scheduler backup", "--backup", argc, argv);
}

int assay_cli_scheduler_restore(int argc, char **argv)
{
	return run("scheduler restore", "--restore", argc, argv);
}
