/* SPDX-License-Identifier: Apache-2.0 */
/* assay scheduler: becomes the daemon that holds the queue. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define PROGRAM "assay-scheduler"

int assay_cli_scheduler(int argc, char **argv);

/* Beside this program, or where it was installed; comes back only when it cannot be started. */
static void become(char *const *argv)
{
	char self[4000], path[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (len > 0) {
		self[len] = '\0';
		slash = strrchr(self, '/');
		slash[1] = '\0';
		snprintf(path, sizeof(path), "%s" PROGRAM, self);
		execv(path, argv);
	}
	execv(ASSAY_LIBEXECDIR "/" PROGRAM, argv);
}

int assay_cli_scheduler(int argc, char **argv)
{
	const char *database = "", *socket = "", *store = "";
	const struct cli_option options[] = {
		{ "database", CLI_TEXT, &database },
		{ "socket", CLI_TEXT, &socket },
		{ "store", CLI_TEXT, &store },
		{ NULL, CLI_FLAG, NULL },
	};
	struct assay_error err = ASSAY_ERROR_INIT;
	char **args;
	int count, status = cli_parse("scheduler", argc, argv, options, 0, 0, &args, &count);

	if (status)
		return status;
	become((char *const[]){ (char *)PROGRAM, (char *)store, (char *)database, (char *)socket, NULL });
	assay_fail_errno(&err, "no " PROGRAM " beside the program or in " ASSAY_LIBEXECDIR);
	return cli_fail(&err);
}
