/* SPDX-License-Identifier: Apache-2.0 */
/*
 * While a box runs: one poll loop takes the log, the launcher's records and the refused calls, and
 * looks at the limits several times a second.  A limit that is reached ends the box; its end is always
 * awaited, so that whoever collects afterwards is alone.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "assay/file.h"
#include "assay/process.h"
#include "assay/time.h"
#include "native.h"
#include "notify.h"
#include "weigh.h"

#define TICK_MS 50
#define TICKS_PER_LOOK 4 /* at the control groups, which costs more than a look at the disk */
#define LOOKS_PER_WEIGHING 5 /* at all processes, where no group counts for us */
#define HOST_FLOOR_PART 16 /* of the host's memory, where no group holds a box back */
#define BLAME_TICKS 40
#define KILL_PATIENCE_S 10.0
#define GIVE_UP_S 60.0 /* a process that the kernel cannot end must not hang the worker */
#define DISK_FULL_PARTS 256 /* less than this part of the space left counts as full */

static void stop(struct box_run *run, enum assay_box_reason reason)
{
	if (run->stopped)
		return;
	run->stopped = true;
	run->reason = reason;
	run->stopped_at = assay_time_monotonic();
	/* the init's death is the death of all; the launcher lives on to tell the rest */
	if (run->init < 0 || pidfd_send_signal(run->init, SIGKILL, NULL, 0))
		kill(run->child.pid, SIGKILL);
}

static enum assay_code keep_log(struct box_run *run, const char *bytes, size_t len,
				struct assay_error *err)
{
	if (run->policy->on_output)
		run->policy->on_output(run->policy->on_output_data, bytes, len);
	if (run->policy->log_fd < 0)
		return ASSAY_OK;
	return assay_fd_write(run->policy->log_fd, bytes, len, err);
}

static enum assay_code take_log(struct box_run *run, struct assay_error *err)
{
	char block[65536], marker[80];
	ssize_t got = read(run->child.log, block, sizeof(block));
	uint64_t room;
	int len;

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return ASSAY_OK;
	if (got <= 0) {
		close(run->child.log);
		run->child.log = -1;
		return ASSAY_OK;
	}
	room = run->log_bytes < run->log_max ? run->log_max - run->log_bytes : 0;
	run->log_bytes += (uint64_t)got;
	if ((uint64_t)got <= room)
		return keep_log(run, block, (size_t)got, err);
	if (run->log_truncated)
		return ASSAY_OK;
	run->log_truncated = true;
	stop(run, ASSAY_BOX_LOG);
	if (keep_log(run, block, (size_t)room, err))
		return err->code;
	len = snprintf(marker, sizeof(marker), "\n[assay: log cut at %llu bytes]\n",
		       (unsigned long long)run->log_max);
	return keep_log(run, marker, (size_t)len, err);
}

static bool is_full(uint64_t left, uint64_t all, uint64_t own)
{
	return left < all / DISK_FULL_PARTS + 1 + own;
}

static void look_at_disk(struct box_run *run)
{
	struct statfs fs;
	uint64_t used;

	if (run->workspace < 0 || fstatfs(run->workspace, &fs))
		return;
	run->disk_was_full |= is_full(fs.f_bavail, fs.f_blocks, run->disk_own / (uint64_t)fs.f_bsize) ||
			      is_full(fs.f_ffree, fs.f_files, 0);
	used = (uint64_t)(fs.f_blocks - fs.f_bfree) * (uint64_t)fs.f_bsize;
	if (used > run->disk_own && used - run->disk_own > run->disk_peak)
		run->disk_peak = used - run->disk_own;
}

static void look_at_counters(struct box_run *run)
{
	box_cgroup_watch(&run->cgroup, &run->counters);
	if (run->counters.oom_kills)
		stop(run, run->counters.memory_refused ? ASSAY_BOX_MEMORY : ASSAY_BOX_HOST_MEMORY);
	if (run->counters.processes_refused)
		stop(run, ASSAY_BOX_PROCESSES);
}

static bool has_memory_group(const struct box_run *run)
{
	return run->cgroup.groups[BOX_MEMORY].fd >= 0;
}

/* No group counts what the kernel holds for the box, as buffers of sockets: that the host runs out of memory is
 * seen in time, and whose it was shows when it is free again. */
static void look_at_host(struct box_run *run)
{
	struct box_host_memory now;

	if (has_memory_group(run) || run->stopped || !box_weigh_host(&now))
		return;
	if (!run->host_floor)
		run->host_floor = now.total / HOST_FLOOR_PART < now.available / 2 ? now.total / HOST_FLOOR_PART
										  : now.available / 2;
	if (now.available >= run->host_floor)
		return;
	run->host_left = now.available;
	stop(run, ASSAY_BOX_HOST_MEMORY);
}

/* Segments of a namespace that is gone are freed a little later. */
static void blame(struct box_run *run)
{
	const struct timespec pause = { .tv_nsec = TICK_MS * 1000000L };
	struct box_host_memory now;

	for (int i = 0; i < BLAME_TICKS && run->host_left && run->reason != ASSAY_BOX_MEMORY; i++) {
		if (box_weigh_host(&now) && now.available > run->host_left + box_memory_allowed(run))
			run->reason = ASSAY_BOX_MEMORY;
		else
			nanosleep(&pause, NULL);
	}
}

static void weigh(struct box_run *run, unsigned look)
{
	uint64_t weight;

	if (has_memory_group(run)) {
		box_cgroup_weigh(&run->cgroup, &run->counters);
	} else if (look % LOOKS_PER_WEIGHING == 0 && !run->stopped) {
		weight = box_weigh_descendants(run->child.pid, box_memory_allowed(run));
		run->counters.anonymous = weight;
		if (weight > run->counters.memory_peak)
			run->counters.memory_peak = weight;
	}
}

static void look_at_limits(struct box_run *run, unsigned look)
{
	look_at_counters(run);
	/* the group's limit has room for files as well: memory itself is watched here */
	weigh(run, look);
	if (run->counters.anonymous > box_memory_allowed(run))
		stop(run, ASSAY_BOX_MEMORY);
	if (assay_time_monotonic() - run->started > (double)run->time_s)
		stop(run, ASSAY_BOX_TIME);
	if (assay_interrupted)
		stop(run, ASSAY_BOX_INTERRUPTED);
	if (run->stopped && assay_time_monotonic() - run->stopped_at > KILL_PATIENCE_S) {
		box_cgroup_kill(&run->cgroup);
		pidfd_send_signal(run->child.pidfd, SIGKILL, NULL, 0);
	}
}

static void reap(struct box_run *run)
{
	while (waitpid(run->child.pid, NULL, 0) < 0 && errno == EINTR)
		;
	run->ended = true;
	close(run->child.pidfd);
	run->child.pidfd = -1;
}

static enum assay_code take(struct box_run *run, const struct pollfd *fds, struct assay_error *err)
{
	/* all records first: the end of the probes must not be learnt after the first refused call */
	if (fds[1].revents | fds[2].revents)
		while (run->child.report >= 0 && box_take_records(run))
			;
	if (fds[2].revents & POLLIN)
		box_notify_answer(&run->notify);
	else if (fds[2].revents) {
		/* nobody is left under the filter */
		close(run->notify.listener);
		run->notify.listener = -1;
	}
	if (fds[4].revents)
		box_trace_take(run->trace);
	if (fds[3].revents)
		reap(run);
	return fds[0].revents ? take_log(run, err) : ASSAY_OK;
}

enum assay_code box_supervise(struct box_run *run, struct assay_error *err)
{
	double next_tick = 0;
	unsigned ticks = 0;
	enum assay_code code = ASSAY_OK;

	run->started = assay_time_monotonic();
	while (!run->ended || run->child.log >= 0 || run->child.report >= 0) {
		struct pollfd fds[] = {
			{ run->child.log, POLLIN, 0 },
			{ run->child.report, POLLIN, 0 },
			{ run->notify.listener, POLLIN, 0 },
			{ run->child.pidfd, POLLIN, 0 },
			{ box_trace_fd(run->trace), POLLIN, 0 },
		};

		if (poll(fds, sizeof(fds) / sizeof(fds[0]), TICK_MS) > 0) {
			enum assay_code taken = take(run, fds, err);

			if (taken && !code) {
				code = taken;
				stop(run, ASSAY_BOX_INTERRUPTED);
			}
		}
		if (run->stopped && assay_time_monotonic() - run->stopped_at > GIVE_UP_S)
			return assay_fail(err, ASSAY_EIO, "box: what was killed %g s ago still runs", GIVE_UP_S);
		if (assay_time_monotonic() < next_tick)
			continue;
		next_tick = assay_time_monotonic() + TICK_MS / 1000.0;
		look_at_disk(run);
		look_at_host(run);
		if (++ticks % TICKS_PER_LOOK == 0)
			look_at_limits(run, ticks / TICKS_PER_LOOK);
	}
	blame(run);
	look_at_disk(run);
	look_at_counters(run);
	box_cgroup_read(&run->cgroup, &run->counters);
	return code;
}
