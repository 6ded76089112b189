/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to jobs by number. */
#ifndef ASSAY_CLI_JOB_ACTION_H
#define ASSAY_CLI_JOB_ACTION_H

#include "cli.h"

/* Does it to each; goes on after one that it cannot be done to.  Returns the worst exit status. */
int cli_job_action(const char *action, const char *store, const char *socket, char **jobs, int count);

#endif
