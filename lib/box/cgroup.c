/* SPDX-License-Identifier: Apache-2.0 */
/* See cgroup.h.  File names are those of the kernel's admin-guide, cgroup-v1 and cgroup-v2. */
#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/time.h"
#include "cgroup_find.h"
#include "wire.h"

#define TEXT_MAX (64 * 1024)
#define STALE_PREFIX "assay-box-"

#define ONE_CHARGE (4 * ASSAY_MIB) /* at most what the kernel wants at once: a huge page */

static bool read_text(int dirfd, const char *name, struct assay_buf *buf)
{
	struct assay_error err;
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	assay_buf_clear(buf);
	ok = assay_buf_read_fd(buf, fd, &err) == ASSAY_OK;
	close(fd);
	return ok;
}

static bool write_text(int dirfd, const char *name, const char *text)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

static bool write_number(int dirfd, const char *name, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return write_text(dirfd, name, text);
}

static uint64_t read_number(int dirfd, const char *name)
{
	assay_auto(assay_buf_release) struct assay_buf buf = ASSAY_BUF_INIT(TEXT_MAX);
	uint64_t value = 0;

	if (read_text(dirfd, name, &buf))
		assay_span_parse_u64(assay_span_trim(assay_buf_span(&buf)), &value);
	return value;
}

/* Start time of a process in ticks (proc(5), field 22 of stat); 0 when it is gone. */
static uint64_t start_time(pid_t pid)
{
	assay_auto(assay_buf_release) struct assay_buf buf = ASSAY_BUF_INIT(TEXT_MAX);
	char path[64], *field;
	unsigned long long ticks = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (!read_text(AT_FDCWD, path, &buf))
		return 0;
	field = strrchr(assay_buf_text(&buf), ')');
	for (int i = 0; field && i < 20; i++)
		field = strchr(field + 1, ' ');
	if (field)
		sscanf(field, " %llu", &ticks);
	return ticks;
}

static uint64_t pid_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) ? 0 : st.st_ino;
}

static void kill_members(int group)
{
	assay_auto(assay_buf_release) struct assay_buf buf = ASSAY_BUF_INIT(1 << 20);
	struct assay_span rest, line;
	uint64_t pid;

	if (!read_text(group, "cgroup.procs", &buf))
		return;
	rest = assay_buf_span(&buf);
	while (assay_span_next_line(&rest, &line))
		if (assay_span_parse_u64(line, &pid) && pid > 1)
			kill((pid_t)pid, SIGKILL);
}

static bool is_stale(const char *name, uint64_t namespace)
{
	unsigned long long ino, ticks;
	unsigned sequence;
	int pid;

	return sscanf(name, STALE_PREFIX "%llu-%d-%llu-%u", &ino, &pid, &ticks, &sequence) == 4 &&
	       ino == namespace && start_time(pid) != ticks;
}

/* A supervisor that was killed could not tidy up. */
static void remove_stale(int parent)
{
	int fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assay_auto(assay_dir_closep) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	uint64_t namespace = pid_namespace();
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		int group;

		if (!is_stale(entry->d_name, namespace))
			continue;
		group = openat(parent, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (group >= 0) {
			kill_members(group);
			close(group);
		}
		unlinkat(parent, entry->d_name, AT_REMOVEDIR);
	}
}

/* Looked up, and tidied, once per process. */
static struct box_group parents[BOX_CONTROLLERS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find_parents(void)
{
	static const char *const names[] = { "memory", "pids", "cpuacct", "freezer", "" };

	for (int i = 0; i < BOX_CONTROLLERS; i++) {
		struct box_group *group = &parents[i];

		group->parent = cgroup_find(names[i], &group->v2);
		group->sys = group->parent < 0 ? errno : 0;
		if (group->parent >= 0)
			remove_stale(group->parent);
	}
}

static void open_group(struct box_cgroup *cgroup, enum box_controller which)
{
	struct box_group *group = &cgroup->groups[which];

	*group = parents[which];
	group->fd = -1;
	if (group->parent < 0)
		return;
	/* one version 2 directory may serve several controllers */
	if (mkdirat(group->parent, cgroup->name, 0755) && errno != EEXIST) {
		group->sys = errno;
		return;
	}
	group->fd = openat(group->parent, cgroup->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	group->sys = group->fd < 0 ? errno : 0;
}

static void give_up(struct box_group *group)
{
	group->sys = errno;
	close(group->fd);
	group->fd = -1;
}

static void limit_memory(struct box_group *group, uint64_t limit)
{
	if (group->fd < 0)
		return;
	if (!write_number(group->fd, group->v2 ? "memory.max" : "memory.limit_in_bytes", limit)) {
		give_up(group);
		return;
	}
	/* absent when the kernel keeps no account of swap: then best effort */
	if (group->v2) {
		write_number(group->fd, "memory.swap.max", 0);
		write_number(group->fd, "memory.oom.group", 1);
	} else {
		write_number(group->fd, "memory.memsw.limit_in_bytes", limit);
	}
}

static bool left_out(uint32_t skip, enum box_controller which)
{
	return (which == BOX_MEMORY && skip >> LAYER_MEMORY & 1) ||
	       (which == BOX_PIDS && skip >> LAYER_PROCESSES & 1);
}

void box_cgroup_open(struct box_cgroup *cgroup, uint64_t memory, uint64_t processes, uint32_t skip)
{
	static atomic_uint sequence;
	struct box_group *pids = &cgroup->groups[BOX_PIDS];

	for (int i = 0; i < BOX_CONTROLLERS; i++)
		cgroup->groups[i] = (struct box_group){ .parent = -1, .fd = -1 };
	pthread_once(&once, find_parents);
	snprintf(cgroup->name, sizeof(cgroup->name), STALE_PREFIX "%llu-%d-%llu-%u",
		 (unsigned long long)pid_namespace(), (int)getpid(),
		 (unsigned long long)start_time(getpid()), atomic_fetch_add(&sequence, 1));
	open_group(cgroup, BOX_MEMORY);
	open_group(cgroup, BOX_PIDS);
	open_group(cgroup, BOX_UNIFIED);
	/* version 2 counts and kills by itself; each group more costs time at every start */
	if (cgroup->groups[BOX_UNIFIED].fd < 0) {
		open_group(cgroup, BOX_CPUACCT);
		open_group(cgroup, BOX_FREEZER);
	}
	for (int i = 0; i < BOX_CONTROLLERS; i++)
		if (left_out(skip, (enum box_controller)i) && cgroup->groups[i].fd >= 0) {
			errno = ECANCELED;
			give_up(&cgroup->groups[i]);
		}
	limit_memory(&cgroup->groups[BOX_MEMORY], memory);
	if (pids->fd >= 0 && !write_number(pids->fd, "pids.max", processes))
		give_up(pids);
}

static bool send_go(int sock, const struct wire_go *go, const int *fds, size_t count)
{
	union {
		char bytes[CMSG_SPACE(WIRE_MAX_GO * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec part = { (void *)(uintptr_t)go, sizeof(*go) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (count) {
		struct cmsghdr *header;

		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	}
	return sendmsg(sock, &message, MSG_NOSIGNAL) == sizeof(*go);
}

bool box_cgroup_send_go(struct box_cgroup *cgroup, int fixed, int sock)
{
	static const uint32_t layers[] = {
		[BOX_MEMORY] = 1u << LAYER_MEMORY,	  [BOX_PIDS] = 1u << LAYER_PROCESSES,
		[BOX_CPUACCT] = 1u << LAYER_ACCOUNTING, [BOX_FREEZER] = 0,
		[BOX_UNIFIED] = 1u << LAYER_ACCOUNTING,
	};
	struct wire_go go = {
		.magic = WIRE_MAGIC,
		.version = WIRE_VERSION,
	};
	int fds[WIRE_MAX_GO], into = -1;
	bool sent;

	for (int i = 0; i < BOX_CONTROLLERS; i++) {
		struct box_group *group = &cgroup->groups[i];

		if (group->fd < 0)
			continue;
		if (group->v2) {
			into = group->fd;
			go.into_layers |= layers[i];
			continue;
		}
		fds[go.tasks] = openat(group->fd, "tasks", O_WRONLY | O_CLOEXEC);
		if (fds[go.tasks] >= 0)
			go.tasks++;
		else
			give_up(group);
	}
	/* only now is it known what each group will hold */
	go.flags = (cgroup->groups[BOX_MEMORY].fd < 0 ? WIRE_LIMIT_MEMORY : 0u) |
		   (cgroup->groups[BOX_PIDS].fd < 0 ? WIRE_LIMIT_PROCESSES : 0u);
	go.into = into >= 0;
	if (go.into)
		fds[go.tasks] = into;
	go.fixed = fixed >= 0;
	if (go.fixed)
		fds[go.tasks + go.into] = fixed;
	sent = send_go(sock, &go, fds, go.tasks + go.into + go.fixed);
	for (uint32_t i = 0; i < go.tasks; i++)
		close(fds[i]);
	return sent;
}

bool box_cgroup_settle(struct box_cgroup *cgroup, uint64_t processes)
{
	struct box_group *memory = &cgroup->groups[BOX_MEMORY], *pids = &cgroup->groups[BOX_PIDS];

	/* best effort: a peak that is too high hides nothing */
	if (memory->fd >= 0 && !memory->v2)
		write_number(memory->fd, "memory.max_usage_in_bytes", 0);
	return pids->fd < 0 || write_number(pids->fd, "pids.max", processes);
}

/* Several keys of one file: "key value" lines. */
struct key {
	const char *name;
	uint64_t *value;
};

static void read_keys(int dirfd, const char *name, const struct key *keys, size_t count)
{
	assay_auto(assay_buf_release) struct assay_buf buf = ASSAY_BUF_INIT(TEXT_MAX);
	struct assay_span rest, line;

	if (!read_text(dirfd, name, &buf))
		return;
	rest = assay_buf_span(&buf);
	while (assay_span_next_line(&rest, &line))
		for (size_t i = 0; i < count; i++) {
			size_t len = strlen(keys[i].name);

			if (assay_span_starts(line, keys[i].name) && line.len > len && line.data[len] == ' ')
				assay_span_parse_u64(assay_span_cut(line, len + 1, line.len), keys[i].value);
		}
}

static void read_key(int dirfd, const char *name, const char *key, uint64_t *ret)
{
	const struct key keys[] = { { key, ret } };

	read_keys(dirfd, name, keys, 1);
}

void box_cgroup_watch(const struct box_cgroup *cgroup, struct box_counters *ret)
{
	const struct box_group *memory = &cgroup->groups[BOX_MEMORY];
	const struct box_group *pids = &cgroup->groups[BOX_PIDS];

	const struct key events[] = { { "oom_kill", &ret->oom_kills }, { "oom", &ret->memory_refused } };

	/* the kernel also kills here when a group above, or the whole host, has no memory left */
	if (memory->fd >= 0 && memory->v2)
		read_keys(memory->fd, "memory.events", events, 2);
	if (memory->fd >= 0 && !memory->v2) {
		read_keys(memory->fd, "memory.oom_control", events, 1);
		/* not every kernel counts how often (memory.failcnt), but all know the peak */
		if (ret->oom_kills)
			ret->memory_refused = read_number(memory->fd, "memory.max_usage_in_bytes") + ONE_CHARGE >=
					      read_number(memory->fd, "memory.limit_in_bytes");
	}
	if (pids->fd >= 0)
		read_key(pids->fd, "pids.events", "max", &ret->processes_refused);
}

void box_cgroup_weigh(const struct box_cgroup *cgroup, struct box_counters *ret)
{
	const struct box_group *memory = &cgroup->groups[BOX_MEMORY];

	if (memory->fd >= 0)
		read_key(memory->fd, "memory.stat", memory->v2 ? "anon" : "total_rss", &ret->anonymous);
}

void box_cgroup_read(const struct box_cgroup *cgroup, struct box_counters *ret)
{
	const struct box_group *memory = &cgroup->groups[BOX_MEMORY];
	const struct box_group *pids = &cgroup->groups[BOX_PIDS];
	const struct box_group *unified = &cgroup->groups[BOX_UNIFIED];
	const struct box_group *cpu = &cgroup->groups[BOX_CPUACCT];
	const struct key times[] = { { "user_usec", &ret->user_us }, { "system_usec", &ret->system_us } };

	if (memory->fd >= 0)
		ret->memory_peak = read_number(memory->fd, memory->v2 ? "memory.peak"
								       : "memory.max_usage_in_bytes");
	if (pids->fd >= 0)
		ret->processes_peak = read_number(pids->fd, "pids.peak");
	if (unified->fd >= 0) {
		read_keys(unified->fd, "cpu.stat", times, 2);
		ret->has_cpu = true;
	} else if (cpu->fd >= 0 && !cpu->v2) {
		ret->user_us = read_number(cpu->fd, "cpuacct.usage_user") / 1000;
		ret->system_us = read_number(cpu->fd, "cpuacct.usage_sys") / 1000;
		ret->has_cpu = true;
	}
}

void box_cgroup_kill(struct box_cgroup *cgroup)
{
	const struct box_group *unified = &cgroup->groups[BOX_UNIFIED];
	const struct box_group *freezer = &cgroup->groups[BOX_FREEZER];

	if (unified->fd >= 0 && write_text(unified->fd, "cgroup.kill", "1"))
		return;
	if (freezer->fd >= 0 && !freezer->v2) {
		write_text(freezer->fd, "freezer.state", "FROZEN");
		kill_members(freezer->fd);
		write_text(freezer->fd, "freezer.state", "THAWED");
		return;
	}
	for (int i = 0; i < BOX_CONTROLLERS; i++)
		if (cgroup->groups[i].fd >= 0)
			kill_members(cgroup->groups[i].fd);
}

static bool remove_group(struct box_cgroup *cgroup, struct box_group *group, double deadline)
{
	struct timespec pause = { .tv_nsec = 2 * 1000 * 1000 };

	while (unlinkat(group->parent, cgroup->name, AT_REMOVEDIR)) {
		if (errno == ENOENT)
			return true;
		if (errno != EBUSY || assay_time_monotonic() > deadline)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

bool box_cgroup_close(struct box_cgroup *cgroup, int timeout_ms)
{
	double deadline = assay_time_monotonic() + timeout_ms / 1000.0;
	bool empty = true;

	for (int i = 0; i < BOX_CONTROLLERS; i++) {
		struct box_group *group = &cgroup->groups[i];

		if (group->fd >= 0)
			close(group->fd);
		if (group->parent >= 0)
			empty &= remove_group(cgroup, group, deadline);
		group->fd = group->parent = -1;
	}
	return empty;
}
