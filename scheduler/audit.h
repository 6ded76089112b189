/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the farm remembers of who asked for what: a chain of records (assay/audit.h) in the database, each in the
 * transaction of the change it tells of.  Refusals are told too; of refusals of nobody in particular only so many in a
 * second, and how many more there were.
 */
#ifndef ASSAY_SCHEDULER_AUDIT_H
#define ASSAY_SCHEDULER_AUDIT_H

#include "assay/database.h"
#include "assay/json.h"

struct scheduler;

/* Appends a record; within the caller's transaction when there is one.  Always the last statement of it: from here to
 * the end of the transaction the chain is held. */
enum assay_code audit_append(struct assay_database *db, json_t *record, struct assay_error *err) ASSAY_CHECKED;
/* A refusal of somebody unknown: false when it is one too many in this second, and was only counted. */
bool audit_admit(struct scheduler *scheduler, int64_t now);
/* Signs the newest record, when it is newer than the last signed one, and keeps the checkpoint in the database and in
 * a file beside it; tells of refusals that were only counted. */
enum assay_code audit_sweep(struct scheduler *scheduler, struct assay_database *db, int64_t now, bool at_once,
			    struct assay_error *err) ASSAY_CHECKED;

#endif
