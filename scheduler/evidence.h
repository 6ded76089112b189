/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an outcome says beside its verdict: which artifacts came out how, which causes were found, and where the log
 * and the statements lie.  It is what results, digests and metrics are made from; the report itself is a blob that
 * is never looked into here.
 */
#ifndef ASSAY_SCHEDULER_EVIDENCE_H
#define ASSAY_SCHEDULER_EVIDENCE_H

#include "assay/database.h"
#include "assay/json.h"

/* More than this in one outcome is refused; a worker sends the first ones. */
enum { EVIDENCE_SUBJECTS_MAX = 1000, EVIDENCE_CAUSES_MAX = 200 };

/* ASSAY_EUSAGE: "subjects", "causes" or a number is not as the API's document says. */
enum assay_code evidence_check(const json_t *outcome, struct assay_error *err) ASSAY_CHECKED;
/* Beside the attempt, inside the caller's transaction; checked before.  Done twice is done once. */
enum assay_code evidence_write(struct assay_database *db, int64_t job, int64_t fence,
			       const json_t *outcome, struct assay_error *err) ASSAY_CHECKED;

#endif
