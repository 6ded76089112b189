/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The native driver: control groups, a range of ids and the policy are prepared here, the launcher
 * does the rest, and what the kernel counted decides why the command ended.
 */
#include "native.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/time.h"
#include "fixed.h"

static void set_limits(struct box_run *run)
{
	const struct assay_box_policy *p = run->policy;
	struct box_settings *s = &run->settings;

	s->memory = p->memory;
	s->disk = p->disk;
	s->inodes = p->inodes;
	s->processes = p->processes;
	run->time_s = p->time_s;
	run->log_max = p->log;
	run->sysinfo = box_fixed_sysinfo(p);
}

/* Launcher and init live in the group as well; with an OCI runtime, for as long as it works, its own
 * threads, and process 1 of the box; where it is the box's kernel, also its memory. */
#define OWN_PROCESSES 2
#define RUNTIME_PROCESSES 128
#define RUNTIME_MEMORY (256 * ASSAY_MIB)
/* Kernel memory of a file in a tmpfs: inode, dentry, page-cache root. */
#define INODE_COST 1280

static bool has_own_kernel(const struct box_run *run)
{
	return run->oci && run->oci->runtime->kind->own_kernel;
}

static unsigned own_processes(const struct box_run *run)
{
	return OWN_PROCESSES + (run->oci ? 1 : 0);
}

uint64_t box_memory_allowed(const struct box_run *run)
{
	return run->settings.memory + (has_own_kernel(run) ? RUNTIME_MEMORY : 0);
}

void box_settle(struct box_run *run)
{
	if (!has_own_kernel(run) &&
	    !box_cgroup_settle(&run->cgroup, run->settings.processes + own_processes(run)))
		box_isolation_layer(&run->isolation, LAYER_PROCESSES, errno, "the limit was not lowered");
}

static void open_cgroup(struct box_run *run)
{
	struct box_settings *s = &run->settings;

	/* files in the box are pages and inodes of a tmpfs, charged to whoever wrote them */
	box_cgroup_open(&run->cgroup, box_memory_allowed(run) + s->disk + s->inodes * INODE_COST,
			s->processes + own_processes(run) + (run->oci ? RUNTIME_PROCESSES : 0), s->skip);
}

static void report_groups(struct box_run *run)
{
	const struct box_settings *s = &run->settings;
	const struct box_group *groups = run->cgroup.groups;
	const struct box_group *memory = &groups[BOX_MEMORY], *pids = &groups[BOX_PIDS];
	const struct box_group *cpu = &groups[groups[BOX_UNIFIED].fd >= 0 ? BOX_UNIFIED : BOX_CPUACCT];
	bool kill = groups[BOX_UNIFIED].fd >= 0 || groups[BOX_FREEZER].fd >= 0;

	if (memory->fd >= 0)
		box_isolation_layer(&run->isolation, LAYER_MEMORY, 0,
				    "cgroup v%d: %llu bytes of memory, beside %llu of files and their "
				    "inodes",
				    memory->v2 + 1, (unsigned long long)s->memory,
				    (unsigned long long)s->disk);
	else
		box_isolation_layer(&run->isolation, LAYER_MEMORY, memory->sys,
				    "no group: the processes' sum is looked at, and that the host keeps 1/16 of its "
				    "memory; what the kernel holds for the job is not counted");
	if (pids->fd >= 0)
		box_isolation_layer(&run->isolation, LAYER_PROCESSES, 0, "cgroup v%d: %llu",
				    pids->v2 + 1, (unsigned long long)s->processes);
	else
		box_isolation_layer(&run->isolation, LAYER_PROCESSES, pids->sys, "RLIMIT_NPROC only");
	box_isolation_layer(&run->isolation, LAYER_ACCOUNTING, cpu->fd >= 0 ? 0 : cpu->sys,
			    cpu->fd >= 0 ? "cgroup v%d" : "processes that were waited for",
			    cpu->v2 + 1);
	box_isolation_layer(&run->isolation, LAYER_TEARDOWN, 0,
			    kill ? "process 1 of the namespace, then the group"
				 : "process 1 of the namespace");
}

/* What the filter has to show for the trace's sake. */
static unsigned observed(const struct box_run *run)
{
	if (!run->trace)
		return 0;
	return BOX_OBSERVE_EXEC | (box_trace_watches(run->trace) ? 0 : BOX_OBSERVE_OPEN);
}

static enum assay_code start(struct box_run *run, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int policy_fd = -1;
	assay_auto(assay_fd_closep) int fixed = -1;

	if (run->policy->trace && has_own_kernel(run))
		return assay_fail(err, ASSAY_EUNSUPPORTED,
				  "box: trace: the kernel of %s is its own and tells nothing of what a build opens; "
				  "want --box=native, runc or crun",
				  run->oci->runtime->kind->name);
	if (box_trace_open(run->policy->trace, &run->trace, err))
		return err->code;
	run->notify.trace = run->trace;
	if (box_filter_get(run->settings.skip, observed(run), &run->settings.filter, err) ||
	    (run->oci && box_filter_get(0, BOX_SILENT, &run->settings.silent, err)) ||
	    box_slot_take(&run->slot, err))
		return err->code;
	run->settings.map_base = run->slot.base;
	run->settings.gid_base = run->slot.gid_base;
	run->settings.map_count = run->slot.count;
	if (box_pack(run->policy, &run->settings, &policy_fd, err) ||
	    box_spawn(policy_fd, &run->child, err))
		return err->code;
	/* while the launcher starts */
	open_cgroup(run);
	report_groups(run);
	if (run->slot.count && !run->slot.gid_base)
		fixed = box_fixed_open(run->policy);
	/* a launcher that is gone already shows in the loop */
	(void)box_cgroup_send_go(&run->cgroup, fixed, run->child.report);
	return ASSAY_OK;
}

static void judge(struct box_run *run, struct assay_box_result *ret)
{
	bool failed;

	if (run->command_ended && WIFEXITED(run->status)) {
		ret->reason = ASSAY_BOX_EXITED;
		ret->exit_code = WEXITSTATUS(run->status);
	} else if (run->command_ended) {
		ret->reason = ASSAY_BOX_SIGNALED;
		ret->signal = WTERMSIG(run->status);
	}
	failed = ret->reason != ASSAY_BOX_EXITED || ret->exit_code;
	/* SIGXFSZ: one file larger than the whole disk */
	if (failed && (run->disk_was_full || ret->signal == SIGXFSZ))
		ret->reason = ASSAY_BOX_DISK;
	if (run->stopped)
		ret->reason = run->reason;
}

static void fill(struct box_run *run, struct assay_box_result *ret)
{
	const struct box_counters *c = &run->counters;

	judge(run, ret);
	ret->wall_s = assay_time_monotonic() - run->started;
	ret->cpu_user_s = (double)(c->has_cpu ? c->user_us : run->usage[0]) / 1e6;
	ret->cpu_system_s = (double)(c->has_cpu ? c->system_us : run->usage[1]) / 1e6;
	ret->memory_peak = c->memory_peak ? c->memory_peak : run->usage[2] * 1024;
	ret->disk_peak = run->disk_peak;
	ret->processes_peak = c->processes_peak > own_processes(run)
				      ? c->processes_peak - own_processes(run)
				      : 0;
	ret->io_read_bytes = run->usage[3] * 512;
	ret->io_write_bytes = run->usage[4] * 512;
	ret->log_bytes = run->log_bytes;
	ret->log_truncated = run->log_truncated;
	ret->workspace_fd = run->workspace;
	run->workspace = -1;
	ret->isolation = box_isolation_json(&run->isolation);
}

static void release(struct box_run *run)
{
	int *const fds[] = { &run->notify.listener, &run->notify.decoys[BOX_DECOY_STREAM],
			     &run->notify.decoys[BOX_DECOY_DGRAM], &run->init, &run->workspace,
			     &run->slot.lock, &run->child.report, &run->child.log,
			     &run->child.pidfd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
}

static enum assay_code finish(struct box_run *run, struct assay_box_result *ret,
			      struct assay_error *err)
{
	if (run->failed && !run->stopped) {
		*err = run->failure;
		return err->code;
	}
	if (!run->command_ended && !run->stopped && !(run->settings.flags & WIRE_PROBE_ONLY))
		return assay_fail(err, ASSAY_EIO, "box: the launcher died");
	if (run->isolation.memory_shown)
		box_isolation_layer(&run->isolation, LAYER_PROC, EPERM,
				    "sysinfo shows the host's memory: nobody may attach to a process here (Yama)");
	fill(run, ret);
	return ASSAY_OK;
}

static void set_oci(struct box_run *run, const struct box_oci *oci, json_t *runtime)
{
	run->oci = oci;
	run->settings.bundle = oci ? oci->bundle : NULL;
	run->isolation.driver = oci ? assay_box_oci.name : assay_box_native.name;
	run->isolation.runtime = runtime;
}

static enum assay_code run_once(const struct assay_box_policy *policy, uint32_t flags, uint32_t skip,
				const struct box_oci *oci, struct assay_box_result *ret,
				bool *ret_no_range, struct assay_error *err)
{
	assay_auto(assay_json_freep) json_t *runtime = oci ? oci_runtime_json(oci->runtime) : NULL;
	assay_auto(assay_freep) struct box_run *run = calloc(1, sizeof(*run));
	struct assay_error ignored;
	enum assay_code code;

	if (!run)
		return assay_fail(err, ASSAY_ENOMEM, "box");
	run->policy = policy;
	run->settings.flags = flags;
	run->settings.skip = skip;
	set_oci(run, oci, runtime);
	run->init = run->workspace = run->slot.lock = -1;
	run->notify = (struct box_notify){ .listener = -1, .decoys = { -1, -1 },
					   .sysinfo = &run->sysinfo, .isolation = &run->isolation };
	run->child.report = run->child.log = run->child.pidfd = -1;
	for (int i = 0; i < BOX_CONTROLLERS; i++)
		run->cgroup.groups[i] = (struct box_group){ .parent = -1, .fd = -1 };
	set_limits(run);
	code = start(run, err);
	if (!code)
		code = box_supervise(run, err);
	if (box_trace_close(run->trace, code ? &ignored : err) && !code)
		code = err->code;
	if (!box_cgroup_close(&run->cgroup, 5000) && !code)
		code = assay_fail(err, ASSAY_EIO, "box: its control group is not empty");
	if (!code)
		code = finish(run, ret, err);
	*ret_no_range = run->no_range;
	release(run);
	return code;
}

enum assay_code box_run_with(const struct assay_box_policy *policy, uint32_t flags, uint32_t skip,
			     const struct box_oci *oci, struct assay_box_result *ret,
			     struct assay_error *err)
{
	bool no_range = false;
	enum assay_code code = run_once(policy, flags, skip, oci, ret, &no_range, err);

	/* nothing ran yet, and it is not tried again by this process */
	if (code && no_range)
		code = run_once(policy, flags, skip, oci, ret, &no_range, err);
	return code;
}

enum assay_code box_run_without(const struct assay_box_policy *policy, uint32_t flags,
				uint32_t skip, struct assay_box_result *ret, struct assay_error *err)
{
	return box_run_with(policy, flags, skip, NULL, ret, err);
}

static enum assay_code run_all(const struct assay_box_policy *policy, struct assay_box_result *ret,
			       struct assay_error *err)
{
	return box_run_without(policy, 0, 0, ret, err);
}

static enum assay_code check_only(const struct assay_box_policy *policy, json_t **ret_isolation,
				  struct assay_error *err)
{
	struct assay_box_result result = { .workspace_fd = -1 };

	if (box_run_without(policy, WIRE_PROBE_ONLY, 0, &result, err))
		return err->code;
	*ret_isolation = json_incref(result.isolation);
	assay_box_result_release(&result);
	return ASSAY_OK;
}

const struct assay_box_ops assay_box_native = {
	.name = "native",
	.run = run_all,
	.check = check_only,
};
