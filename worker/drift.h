/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drift: what a divergent subject and our candidate tell of the tools that made them, side by side.
 */
#ifndef ASSAY_WORKER_DRIFT_H
#define ASSAY_WORKER_DRIFT_H

#include "job_int.h"

/* Sets "context" of the subject's report: {"subject": facts, "candidate": facts, "drift": sentences}.
 * Both files are read in the jail. */
enum assay_code drift_describe(struct assay_job *job, struct assay_subject *subject,
			       const struct assay_digest *candidate, struct assay_error *err)
	ASSAY_CHECKED;

#endif
