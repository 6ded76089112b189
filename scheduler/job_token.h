/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker shows to report on a job: made with the lease and with each heartbeat, bound to job, fence, worker and a
 * time that is minutes away.  It is signed and kept nowhere.  It is good for one outcome, because an outcome ends the
 * lease whose fence it names.
 */
#ifndef ASSAY_SCHEDULER_JOB_TOKEN_H
#define ASSAY_SCHEDULER_JOB_TOKEN_H

#include "assay/authority.h"

#define JOB_TOKEN_PREFIX "assay-job."
enum { JOB_TOKEN_MS = 5 * 60 * 1000, JOB_TOKEN_TEXT = 120 };

/* Into out[JOB_TOKEN_TEXT]. */
void job_token_make(const struct assay_authority *authority, int64_t job, int64_t fence, const char *worker,
		    int64_t now, char *out);
/* ASSAY_EUNTRUSTED when it is not one for this, or too old. */
enum assay_code job_token_check(const struct assay_authority *authority, const char *token, int64_t job, int64_t fence,
				const char *worker, int64_t now, struct assay_error *err) ASSAY_CHECKED;

#endif
