/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job as an OpenTelemetry trace: one span for the attempt, one for each of its stages below it, as the body of an
 * OTLP/HTTP request in JSON.  The attempts of a job share their trace, for its number follows from the job's.
 */
#ifndef ASSAY_WORKER_SPANS_H
#define ASSAY_WORKER_SPANS_H

#include "assay/json.h"

struct spans_attempt {
	const char *scheduler, *worker, *pool, *target, *verdict;
	int64_t job, fence;
	int64_t started_ns, ended_ns; /* since 1970 */
	int64_t dropped;	      /* spans that were lost so far */
	const json_t *report;	      /* its stages; NULL when there is none */
};

/* New reference.  *ret_count: how many spans are in it. */
json_t *spans_make(const struct spans_attempt *attempt, int64_t *ret_count);

#endif
