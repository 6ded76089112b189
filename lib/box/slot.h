/* SPDX-License-Identifier: Apache-2.0 */
/* A range of host ids for one box. */
#ifndef ASSAY_BOX_SLOT_H
#define ASSAY_BOX_SLOT_H

#include <stdint.h>

#include "assay/error.h"

struct box_slot {
	/* count 0: no range to be had, a single id is mapped: our own, or base, which root becomes */
	uint32_t base, count;
	int lock;             /* held while the box lives; closed by the owner */
};

enum assay_code box_slot_take(struct box_slot *ret, struct assay_error *err) ASSAY_CHECKED;

#endif
