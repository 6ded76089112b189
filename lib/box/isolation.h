/* SPDX-License-Identifier: Apache-2.0 */
/* What is known about the isolation of one box, collected while it runs, written as JSON. */
#ifndef ASSAY_BOX_ISOLATION_H
#define ASSAY_BOX_ISOLATION_H

#include "address.h"
#include "assay/json.h"
#include "wire.h"

#define BOX_MAX_REFUSED 512  /* system call numbers counted apart */
#define BOX_MAX_ATTEMPTS 256 /* network attempts listed; the rest is counted */
#define BOX_MAX_INTERFACES 16

struct box_layer {
	bool known, applied;
	int sys;
	char detail[160];
};

struct box_attempt {
	int64_t time;
	int call; /* number of the system call */
	int family, type, protocol;
	int pid;
	char address[BOX_ADDRESS_TEXT]; /* "" when the call names none */
	char process[32], program[256];
};

struct box_interface {
	char name[32];
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes;
};

struct box_isolation {
	const char *driver;
	json_t *runtime; /* borrowed; of the oci driver */
	struct box_layer layers[LAYER_COUNT];
	uint64_t refused[BOX_MAX_REFUSED], refused_other;
	struct box_attempt attempts[BOX_MAX_ATTEMPTS];
	uint64_t attempt_count;
	struct box_interface interfaces[BOX_MAX_INTERFACES];
	size_t interface_count;
	bool memory_shown; /* by sysinfo(2): the host's */
};

void box_isolation_layer(struct box_isolation *isolation, enum wire_layer layer, int sys,
			 const char *fmt, ...) ASSAY_PRINTF(4, 5);
json_t *box_isolation_json(const struct box_isolation *isolation);

#endif
