/* SPDX-License-Identifier: Apache-2.0 */
/* The ranges of ids that /etc/subuid and /etc/subgid give the user that we run as. */
#ifndef ASSAY_BOX_SUBIDS_H
#define ASSAY_BOX_SUBIDS_H

#include <stdint.h>

#define BOX_SUBIDS_WHY 96

struct box_subids {
	uint32_t uid_first, gid_first;
	uint32_t count; /* as many of both */
};

/* why: "" when there is a range of at least least; else why not. */
void box_subids_find(uint32_t least, struct box_subids *ret, char why[BOX_SUBIDS_WHY]);

#endif
