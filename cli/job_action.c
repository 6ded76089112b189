/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to jobs by number. */
#include "job_action.h"

#include <stdio.h>
#include <string.h>

#include "assay/cleanup.h"
#include "farm.h"

int cli_job_action(const char *action, const char *store, const char *socket, char **jobs, int count)
{
	int worst = 0;

	for (int i = 0; i < count; i++) {
		assay_auto(assay_json_freep) json_t *answer = NULL;
		char path[100];
		int status;

		if (strspn(jobs[i], "0123456789") != strlen(jobs[i]) || strlen(jobs[i]) > 18)
			return cli_usage(action, "want numbers of jobs, have \"%s\"", jobs[i]);
		snprintf(path, sizeof(path), "/v1/jobs/%s/%s", jobs[i], action);
		status = cli_farm_call(store, socket, "POST", path, NULL, &answer);
		if (status > worst)
			worst = status;
	}
	return worst;
}
