/* SPDX-License-Identifier: Apache-2.0 */
/* One record of the ledger. */
#ifndef ASSAY_NORMALIZERS_LEDGER_INT_H
#define ASSAY_NORMALIZERS_LEDGER_INT_H

#include "ledger.h"

struct assay_divergence {
	struct assay_span key;
	uint64_t hash;
	struct assay_span *path; /* of the first member by path */
	size_t path_count, container_count;
	const struct assay_field *field;
	const char *cause, *pass, *condition, *explanation, *diff;
	enum assay_confidence confidence;
	enum assay_severity severity;
	struct assay_values values;
	bool values_cut, ranges_cut, explained;
	struct assay_range *ranges;
	size_t range_count, range_room;
	uint64_t bytes;
	uint64_t members;
};

#endif
