/* SPDX-License-Identifier: Apache-2.0 */
/* The farm's state as Prometheus text (exposition format 0.0.4), read from the database when asked. */
#ifndef ASSAY_SCHEDULER_METRICS_H
#define ASSAY_SCHEDULER_METRICS_H

#include "assay/buf.h"
#include "assay/database.h"

enum metrics_policy { METRICS_ADMISSION, METRICS_ACCESS, METRICS_POLICIES };
enum metrics_decision { METRICS_ALLOW, METRICS_DENY, METRICS_ERROR, METRICS_DECISIONS };

/* What this process decided; counted by several threads at once. */
struct metrics_decisions {
	int64_t count[METRICS_POLICIES][METRICS_DECISIONS];
};

static inline void metrics_decide(struct metrics_decisions *decisions, enum metrics_policy policy,
				  enum metrics_decision decision)
{
	__atomic_add_fetch(&decisions->count[policy][decision], 1, __ATOMIC_RELAXED);
}

enum assay_code metrics_write(struct assay_database *db, const struct metrics_decisions *decisions, int64_t now,
			      struct assay_buf *out, struct assay_error *err) ASSAY_CHECKED;

#endif
