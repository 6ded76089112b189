/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a lease, inside a transaction of the caller's. */
#ifndef ASSAY_SCHEDULER_SETTLE_H
#define ASSAY_SCHEDULER_SETTLE_H

#include "queue.h"

struct settlement {
	int64_t job, fence;
	const char *worker;
	const struct queue_outcome *outcome;
	int64_t now;
	const char *state; /* of the job from then on; set by settle() */
};

/* ASSAY_ENOTFOUND: the lease is not, or no longer, this worker's; nothing was changed. */
enum assay_code settle(struct assay_database *db, struct settlement *settlement,
		       struct assay_error *err) ASSAY_CHECKED;

#endif
