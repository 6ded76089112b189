/* SPDX-License-Identifier: Apache-2.0 */
/* One box of the native driver while it lives; shared by the files of the driver. */
#ifndef ASSAY_BOX_NATIVE_H
#define ASSAY_BOX_NATIVE_H

#include <sys/sysinfo.h>

#include "assay/box.h"
#include "cgroup.h"
#include "isolation.h"
#include "notify.h"
#include "pack.h"
#include "slot.h"
#include "spawn.h"

struct box_run {
	const struct assay_box_policy *policy;
	struct box_settings settings;
	uint64_t time_s, log_max;
	struct box_slot slot;
	struct box_cgroup cgroup;
	struct box_isolation isolation;
	struct box_counters counters;
	struct sysinfo sysinfo;
	struct box_child child;
	struct box_notify notify;
	struct box_trace *trace;        /* or NULL */
	int init, workspace;            /* descriptors; init: a pidfd */
	pid_t init_pid;
	bool ready, ended, command_ended;
	int status;                     /* of the command, as wait(2) gives it */
	bool stopped;                   /* by us, for this reason */
	enum assay_box_reason reason;
	double started, stopped_at;
	bool disk_was_full;
	uint64_t log_bytes;
	bool log_truncated;
	uint64_t usage[5];              /* see WIRE_USAGE */
	bool failed;                    /* the launcher could not set it up */
	struct assay_error failure;
};

/* assay_box_run with enum wire_flags, and without some layers (a bit each): for the tests that ask
 * whether each layer is missed.  A layer left out is reported as not applied. */
enum assay_code box_run_without(const struct assay_box_policy *policy, uint32_t flags,
				uint32_t skip, struct assay_box_result *ret, struct assay_error *err)
	ASSAY_CHECKED;
/* Runs until nothing is left. */
enum assay_code box_supervise(struct box_run *run, struct assay_error *err) ASSAY_CHECKED;
/* One packet of records of the launcher; false when there is none waiting. */
bool box_take_records(struct box_run *run);

#endif
