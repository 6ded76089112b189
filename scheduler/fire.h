/* SPDX-License-Identifier: Apache-2.0 */
/* Schedules that are due: their lists are read and what is on them is queued. */
#ifndef ASSAY_SCHEDULER_FIRE_H
#define ASSAY_SCHEDULER_FIRE_H

#include "assay/database.h"
#include "assay/store.h"

/* One, if any is due; *ret_queued: jobs that are new.  ASSAY_ENOTFOUND: none is.  What is wrong with its list is noted
 * with the schedule and is no error. */
enum assay_code schedule_fire(struct assay_database *db, struct assay_store *store, size_t *ret_queued,
			      struct assay_error *err) ASSAY_CHECKED;

#endif
