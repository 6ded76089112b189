/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups of one box, whatever the host has: version 2, version 1, both at once, or none.
 * Limits that no controller can hold are reported as missing; the launcher then sets rlimits.
 *
 * A group is named after the process that made it; groups of dead processes are emptied and removed
 * when the next box starts.
 */
#ifndef ASSAY_BOX_CGROUP_H
#define ASSAY_BOX_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum box_controller {
	BOX_MEMORY,
	BOX_PIDS,
	BOX_CPUACCT,
	BOX_FREEZER,
	BOX_UNIFIED, /* the version 2 tree, with or without controllers: kill, freeze, cpu.stat */
	BOX_CONTROLLERS
};

struct box_group {
	int parent;     /* borrowed; -1: not available */
	int fd;         /* -1: not available */
	bool v2;
	int sys;        /* why it is not available */
};

struct box_cgroup {
	char name[96];
	struct box_group groups[BOX_CONTROLLERS];
};

struct box_counters {
	uint64_t memory_peak;
	uint64_t anonymous;         /* memory that is not files */
	uint64_t oom_kills;         /* processes killed for want of memory */
	uint64_t memory_refused;    /* not 0: the limit on memory was reached */
	uint64_t processes_peak;
	uint64_t processes_refused; /* forks refused by the limit */
	uint64_t user_us, system_us;
	bool has_cpu;
};

/* Makes the groups and sets the limits, but for the layers of skip.  Never fails as a whole: look at
 * the groups. */
void box_cgroup_open(struct box_cgroup *cgroup, uint64_t memory, uint64_t processes, uint32_t skip);
/* Lets the launcher go, with what it needs to join and the fixed files (or -1): see struct wire_go.
 * False when it is gone. */
bool box_cgroup_send_go(struct box_cgroup *cgroup, int fixed, int sock);
/* The limit on processes from now on; the memory's peak is counted anew where the kernel can.
 * False when the limit cannot be set. */
bool box_cgroup_settle(struct box_cgroup *cgroup, uint64_t processes);
/* oom_kills, memory_refused, processes_refused */
void box_cgroup_watch(const struct box_cgroup *cgroup, struct box_counters *ret);
/* anonymous, which costs the kernel more */
void box_cgroup_weigh(const struct box_cgroup *cgroup, struct box_counters *ret);
/* The rest, at the end. */
void box_cgroup_read(const struct box_cgroup *cgroup, struct box_counters *ret);
/* Kills everything inside, as one. */
void box_cgroup_kill(struct box_cgroup *cgroup);
/* Waits until it is empty and removes it; false when processes were left after timeout_ms. */
bool box_cgroup_close(struct box_cgroup *cgroup, int timeout_ms);

#endif
