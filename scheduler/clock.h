/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The farm's time: the clock of its database, so that schedulers on several machines agree.  Between two looks at it,
 * this machine's monotonic clock counts on: a wall clock that is set does not end a lease between two sweeps.
 */
#ifndef ASSAY_SCHEDULER_CLOCK_H
#define ASSAY_SCHEDULER_CLOCK_H

#include "assay/database.h"

int64_t scheduler_now(void); /* milliseconds since 1970; this machine's clock until the first look */
/* Looks at the database's clock, and changes nothing: a jump goes through queue_sweep() first, which carries over what
 * was given by the clock before. */
enum assay_code scheduler_clock_look(struct assay_database *db, int64_t *ret_now,
				     struct assay_error *err) ASSAY_CHECKED;
/* From here on it counts. */
void scheduler_clock_set(int64_t now);

#endif
