/* SPDX-License-Identifier: Apache-2.0 */
/* assay cancel JOB...: ends jobs of the farm. */
#include "job_action.h"

int assay_cli_cancel(int argc, char **argv);
int assay_cli_cancel(int argc, char **argv)
{
	const char *socket = NULL, *store = NULL;
	const struct cli_option options[] = {
		{ "socket", CLI_TEXT, &socket },
		{ "store", CLI_TEXT, &store },
		{ NULL, CLI_FLAG, NULL },
	};
	char **args;
	int count, status = cli_parse("cancel", argc, argv, options, 1, 100000, &args, &count);

	return status ? status : cli_job_action("cancel", store, socket, args, count);
}
