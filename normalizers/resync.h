/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where two spans of unequal length come together again.  Bytes that were put in or taken out move all that
 * follows; by position everything behind them would differ.
 */
#ifndef ASSAY_NORMALIZERS_RESYNC_H
#define ASSAY_NORMALIZERS_RESYNC_H

#include "assay/limits.h"
#include "walk.h"

struct assay_resync {
	struct assay_range ranges[ASSAY_MAX_RANGES]; /* in order; what stands between them is equal */
	size_t count;
	bool cut;	/* there are more ranges than are listed */
	uint64_t bytes; /* of all ranges, listed or not, as assay_bytes_differing() counts each */
};

/* One range, the middle between a common beginning and end, where nothing better is found or the spans are
 * larger than ASSAY_MAX_RESYNC. */
void assay_resync(struct assay_span left, struct assay_span right, struct assay_resync *ret);

#endif
