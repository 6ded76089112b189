/* SPDX-License-Identifier: Apache-2.0 */
/* What `assay submit` and `assay schedule add` alike ask of the jobs that they queue. */
#ifndef ASSAY_CLI_JOB_BODY_H
#define ASSAY_CLI_JOB_BODY_H

#include "assay/json.h"

struct cli_job_wish {
	const char *accept, *needs, *pool, *priority; /* NULL: not given */
	bool again, require_signature;
};

/* Returns 0, or the exit status after saying what was wrong. */
int cli_job_check(const char *verb, const struct cli_job_wish *wish);
/* The body of a request, without its target. */
json_t *cli_job_body(const struct cli_job_wish *wish);
/* A package URL as it is; a recipe, a file of this machine, by its whole path, by which the worker finds it.
 * malloc'ed; NULL with errno. */
char *cli_job_target(const char *given);

#endif
