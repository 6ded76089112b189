/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What earlier attempts of a target needed places the next one.  The rule:
 *
 *	memory	the peak of the last attempts (it falls by an eighth with each attempt that needs less), a quarter more,
 *		rounded up to 1, 2, 4 ... GiB: a wish "memory~4g" among the job's needs.  Workers that have "memory=4g"
 *		(each has all classes up to its own memory) take it at once, others after RESOURCE_PATIENCE_MS, so that a
 *		wish that nobody can fulfil strands no job.  Below 2 GiB nothing is wished, nor when the submitter
 *		asked for some "memory=" itself.
 *	disk	the same: "disk~4g" for workers that have "disk=4g"
 *	time	as long as the longest of the last attempts, a quarter more: a job with a deadline has its turn early enough
 *		that so much still fits before it.
 *
 * A target is known by its name: all versions and architectures of a package are one.
 */
#ifndef ASSAY_SCHEDULER_RESOURCE_H
#define ASSAY_SCHEDULER_RESOURCE_H

#include "assay/buf.h"
#include "queue.h"

#define RESOURCE_PATIENCE_MS (10 * 60 * 1000)

struct resource {
	int64_t memory, disk; /* bytes; 0: not known */
	int64_t duration_ms; /* 0: not known */
};

enum assay_code resource_read(struct assay_database *db, const char *target, struct resource *ret,
			      struct assay_error *err) ASSAY_CHECKED;
/* After an attempt with evidence, inside its transaction. */
enum assay_code resource_learn(struct assay_database *db, const char *target,
			       const struct resource *seen, int64_t now, struct assay_error *err) ASSAY_CHECKED;

/* The needs of a submission with what is wished beside. */
void resource_needs(const struct resource *known, const char *needs, struct assay_buf *out);
/* A rank that is early enough for a deadline. */
int64_t resource_rank(const struct resource *known, int64_t rank, int64_t deadline);

#endif
