/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assay-scheduler: the daemon as a program of its own, so that nothing that reads artifacts is in it, and no database
 * in what does.  `assay scheduler` checks the command line and starts it with STORE, DATABASE, SOCKET, RETENTION,
 * LISTEN, NAME, USERS, LIFETIME and AUTHORITY-KEY, each empty for its default; and "check" when it is only to say whether it could start
 * with them.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/log.h"
#include "assay/process.h"
#include "assay/scheduler.h"
#include "backup.h"
#include "cron.h"

static const char *given(const char *text)
{
	return *text ? text : NULL;
}

int main(int argc, char **argv)
{
	struct assay_scheduler_options options;
	struct assay_error err = ASSAY_ERROR_INIT;

	bool check = argc == 11 && strcmp(argv[10], "check") == 0;

	if (argc == 4 && strcmp(argv[1], "--cron") == 0)
		return cron_answer(argv[2], argv[3]);
	if (argc == 5 && (strcmp(argv[1], "--backup") == 0 || strcmp(argv[1], "--restore") == 0))
		return backup_answer(argv[1][2] == 'r', given(argv[2]), given(argv[3]), argv[4]);
	if (argc != 10 && !check) {
		fputs("assay-scheduler: started by `assay scheduler`\n", stderr);
		return 2;
	}
	assay_log_init();
	assay_interrupt_init();
	options = (struct assay_scheduler_options){ .store = given(argv[1]),
						    .database = given(argv[2]),
						    .socket = given(argv[3]),
						    .retention = given(argv[4]),
						    .listen = given(argv[5]),
						    .name = given(argv[6]),
						    .users = given(argv[7]),
						    .lifetime_minutes = strtoll(argv[8], NULL, 10),
						    .authority_key = given(argv[9]) };
	if (check ? !assay_scheduler_check(&options, &err) : !assay_scheduler_run(&options, &err))
		return 0;
	fprintf(stderr, "assay: %s\n", err.msg);
	return assay_code_exit_status(err.code);
}
