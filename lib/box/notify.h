/* SPDX-License-Identifier: Apache-2.0 */
/* Answers the calls that a box's filter hands to its listener. */
#ifndef ASSAY_BOX_NOTIFY_H
#define ASSAY_BOX_NOTIFY_H

#include <sys/sysinfo.h>

#include "isolation.h"
#include "trace.h"

enum { BOX_DECOY_STREAM, BOX_DECOY_DGRAM, BOX_DECOYS };

struct box_notify {
	int listener;
	bool counted; /* false while the launcher itself probes the filter */
	/* What a build gets that asks for an internet socket: a unix socket of its own network namespace,
	 * so that it goes on and says where it wants to.  -1: such sockets are refused. */
	int decoys[BOX_DECOYS];
	const struct sysinfo *sysinfo; /* what that call answers */
	struct box_isolation *isolation;
	struct box_trace *trace; /* or NULL */
};

/* Takes one notification. */
void box_notify_answer(const struct box_notify *notify);

#endif
