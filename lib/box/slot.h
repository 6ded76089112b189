/* SPDX-License-Identifier: Apache-2.0 */
/* A range of host ids for one box: of root's choice, or a part of what /etc/subuid gives a user. */
#ifndef ASSAY_BOX_SLOT_H
#define ASSAY_BOX_SLOT_H

#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"

struct box_slot {
	/* count 0: no range to be had, a single id is mapped: our own, or base, which root becomes */
	uint32_t base, count;
	uint32_t gid_base; /* of /etc/subgid, with a base of /etc/subuid; else 0 */
	int lock;          /* held while the box lives; closed by the owner */
};

enum assay_code box_slot_take(struct box_slot *ret, struct assay_error *err) ASSAY_CHECKED;
/* newuidmap(1) mapped no range for us: none is taken from /etc/subuid any more. */
void box_slot_refuse(const char *why);
/* Why a worker without rights has its own id only; "" when it has more. */
void box_slot_why(char *out, size_t size);

#endif
