/* SPDX-License-Identifier: Apache-2.0 */
/* assay retry JOB...: jobs of the farm through the queue once more. */
#include "job_action.h"

int assay_cli_retry(int argc, char **argv);
int assay_cli_retry(int argc, char **argv)
{
	const char *socket = NULL, *store = NULL;
	const struct cli_option options[] = {
		{ "socket", CLI_TEXT, &socket },
		{ "store", CLI_TEXT, &store },
		{ NULL, CLI_FLAG, NULL },
	};
	char **args;
	int count, status = cli_parse("retry", argc, argv, options, 1, 100000, &args, &count);

	return status ? status : cli_job_action("retry", store, socket, args, count);
}
