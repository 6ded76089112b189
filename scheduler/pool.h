/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools: parts of the farm with rules of their own.  A pool may be held back, want labels of its workers
 * ("isolation=full"), and bind its jobs: signatures required, no grade beyond one.  Every word may name a pool;
 * what nobody ever gave rules has none.  staging and prod come with some.
 */
#ifndef ASSAY_SCHEDULER_POOL_H
#define ASSAY_SCHEDULER_POOL_H

#include "assay/database.h"
#include "assay/json.h"

struct pool_rules {
	const char *needs;  /* sorted words that its workers must have; "" for none */
	const char *accept; /* the weakest grade that a job may ask for; NULL: any */
	bool require_signature;
};

/* ASSAY_EUSAGE for a grade that is none. */
enum assay_code pool_set(struct assay_database *db, const char *pool, const struct pool_rules *rules,
			 struct assay_error *err) ASSAY_CHECKED;
/* The options of a job that is to be queued there: unknown ones and what the pool forbids are ASSAY_EUSAGE, what it
 * demands is added. */
enum assay_code pool_admit(struct assay_database *db, const char *pool, json_t *options,
			   struct assay_error *err) ASSAY_CHECKED;

#endif
