/* SPDX-License-Identifier: Apache-2.0 */
/* Starting the launcher with exactly five descriptors. */
#ifndef ASSAY_BOX_SPAWN_H
#define ASSAY_BOX_SPAWN_H

#include <sys/types.h>

#include "assay/error.h"

struct box_child {
	pid_t pid;
	int pidfd;
	int log;    /* read end: what the command writes */
	int report; /* records; a byte sent into it lets the launcher go */
};

enum assay_code box_spawn(int policy_fd, struct box_child *ret, struct assay_error *err)
	ASSAY_CHECKED;

#endif
