/* SPDX-License-Identifier: Apache-2.0 */
/* One box of the native driver while it lives; shared by the files of the driver. */
#ifndef ASSAY_BOX_NATIVE_H
#define ASSAY_BOX_NATIVE_H

#include <sys/sysinfo.h>

#include "assay/box.h"
#include "cgroup.h"
#include "isolation.h"
#include "notify.h"
#include "oci_runtime.h"
#include "pack.h"
#include "slot.h"
#include "spawn.h"

/* The runtime between launcher and box, and what it is given. */
struct box_oci {
	const struct oci_runtime *runtime;
	struct box_bundle *bundle;
};

struct box_run {
	const struct assay_box_policy *policy;
	const struct box_oci *oci; /* or NULL */
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
	uint64_t disk_peak; /* of what the command has on it, as far as it was seen */
	uint64_t host_floor, host_left; /* bytes: what the host must keep, and what it had when it did not; or 0 */
	uint64_t disk_own; /* bytes of the workspace's file system that are ours, while init lives */
	uint64_t log_bytes;
	bool log_truncated;
	uint64_t usage[5];              /* see WIRE_USAGE */
	bool failed;                    /* the launcher could not set it up */
	bool no_range;                  /* of ids: once more without */
	struct assay_error failure;
};

/* assay_box_run with enum wire_flags, and without some layers (a bit each): for the tests that ask
 * whether each layer is missed.  A layer left out is reported as not applied. */
enum assay_code box_run_without(const struct assay_box_policy *policy, uint32_t flags,
				uint32_t skip, struct assay_box_result *ret, struct assay_error *err)
	ASSAY_CHECKED;
/* The same by an OCI runtime of the policy's choice. */
enum assay_code box_oci_run_without(const struct assay_box_policy *policy, uint32_t flags,
				    uint32_t skip, struct assay_box_result *ret,
				    struct assay_error *err) ASSAY_CHECKED;
/* What both do; oci is NULL without a runtime. */
enum assay_code box_run_with(const struct assay_box_policy *policy, uint32_t flags, uint32_t skip,
			     const struct box_oci *oci, struct assay_box_result *ret,
			     struct assay_error *err) ASSAY_CHECKED;
/* Runs until nothing is left. */
enum assay_code box_supervise(struct box_run *run, struct assay_error *err) ASSAY_CHECKED;
/* One packet of records of the launcher; false when there is none waiting. */
bool box_take_records(struct box_run *run);
/* Memory that is not files, with what a runtime needs that is the box's kernel. */
uint64_t box_memory_allowed(const struct box_run *run);
/* The OCI runtime's own processes are gone: the limits become exact. */
void box_settle(struct box_run *run);

#endif
