/* SPDX-License-Identifier: Apache-2.0 */
/* Memory where no control group counts it: of a box's processes, and what the host has left. */
#ifndef ASSAY_BOX_WEIGH_H
#define ASSAY_BOX_WEIGH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct box_host_memory {
	uint64_t total, available;
};

/* Anonymous bytes of all descendants.  What forked processes share counts once when their sum is above limit. */
uint64_t box_weigh_descendants(pid_t ancestor, uint64_t limit);
/* As the kernel estimates it; false when it does not. */
bool box_weigh_host(struct box_host_memory *ret);

#endif
