/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User and group ids.  As root the box gets a range of its own, far from every user of the host,
 * and the trees it sees are idmapped: what belongs to root on disk belongs to the box's root inside
 * and to nobody in between.
 *
 * Without privileges a user that has a range in /etc/subuid gets a part of it by newuidmap(1).  What the
 * box is built of belongs to the worker, and its directories may be open to nobody else: so the worker's
 * id is mapped as well, to one that nobody uses, and the command runs in a second namespace that
 * lacks it.  What it writes would be the range's, and closed to the worker: the workspace is handed over
 * through a mount that shows it as the worker's own.
 *
 * Without a range a single id is mapped.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher.h"

bool ids_privileged(const struct wire_policy *p)
{
	return p->map_count > 0 && !(p->flags & WIRE_SUBIDS);
}

bool ids_ranged(const struct wire_policy *p)
{
	return p->map_count > 0;
}

bool ids_nested(const struct wire_policy *p)
{
	return ids_ranged(p) && !ids_privileged(p);
}

uint32_t ids_owner(const struct wire_policy *p, uint32_t id)
{
	return p->flags & WIRE_OCI && !ids_ranged(p) ? 0 : id;
}

void ids_become(const struct wire_policy *p)
{
	if (ids_ranged(p) || !p->map_base)
		return;
	if (setgroups(0, NULL) || setresgid(p->map_base, p->map_base, p->map_base) ||
	    setresuid(p->map_base, p->map_base, p->map_base))
		fail("become another user than root");
	/* its files below /proc stay its own */
	prctl(PR_SET_DUMPABLE, 1);
}

static void write_proc(pid_t pid, const char *name, const char *text)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail("write %s of the box's init", name);
	close(fd);
}

#define NUMBERS 9 /* three lines of a map */

/* The range as the kernel wants it, or newuidmap(1); returns how many numbers.  A small one ends in nobody. */
static int range_map(uint32_t base, uint32_t count, uint32_t out[NUMBERS])
{
	bool small = count <= WIRE_NOBODY;
	const uint32_t map[] = { 0, base, small ? count - 1 : count, WIRE_NOBODY, base + count - 1, 1 };

	memcpy(out, map, sizeof(map));
	return small ? 6 : 3;
}

static void write_map(pid_t pid, const char *name, const uint32_t *numbers, int count)
{
	char text[160];
	int len = 0;

	for (int i = 0; i < count; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%u%c", numbers[i],
				i % 3 == 2 ? '\n' : ' ');
	write_proc(pid, name, text);
}

/* ---- a range of /etc/subuid -------------------------------------------------------------------- */

static _Noreturn void exec_helper(const char *helper, pid_t pid, const uint32_t *numbers, int count)
{
	char words[NUMBERS + 1][16], *argv[NUMBERS + 3], *const env[] = { NULL };

	snprintf(words[0], sizeof(words[0]), "%d", (int)pid);
	for (int i = 0; i < count; i++)
		snprintf(words[i + 1], sizeof(words[0]), "%u", numbers[i]);
	argv[0] = (char *)(uintptr_t)helper;
	for (int i = 0; i <= count; i++)
		argv[i + 1] = words[i];
	argv[count + 2] = NULL;
	/* only the build writes to its log */
	dup2(0, 1);
	dup2(0, 2);
	execve(helper, argv, env);
	_exit(127);
}

/* Whether it may is known only when it did: then the library goes on without a range. */
static void run_helper(const char *helper, pid_t init, uint32_t base, uint32_t count, uint32_t own)
{
	const uint32_t worker[] = { WIRE_WORKER, own, 1 };
	uint32_t numbers[NUMBERS];
	int used = range_map(base, count, numbers), status = 0;
	pid_t pid;

	memcpy(numbers + used, worker, sizeof(worker));
	report_flush();
	pid = fork();
	if (pid == 0)
		exec_helper(helper, init, numbers, used + 3);
	if (pid < 0)
		fail("fork %s", helper);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status == 0)
		return;
	report(WIRE_NO_RANGE, 0, 0, "%s ends with %d", helper,
	       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	report_flush();
	_exit(125);
}

static int boxed = -1, shown = -1; /* the two namespaces below the one of the tree */

/* A user namespace below that of the calling process. */
static int make_namespace(const uint32_t *uids, int uid_count, const uint32_t *gids, int gid_count)
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
	char path[64];
	int fd;

	if (pid < 0)
		fail("make a user namespace");
	if (pid == 0)
		for (;;)
			pause();
	write_map(pid, "uid_map", uids, uid_count);
	write_map(pid, "gid_map", gids, gid_count);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail("open a user namespace");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return fd;
}

void ids_nest(const struct wire_policy *p, int userns, int sock)
{
	const uint32_t uid[] = { p->uid, WIRE_WORKER, 1 }, gid[] = { p->gid, WIRE_WORKER, 1 };
	uint32_t same[NUMBERS];
	int count = range_map(0, p->map_count, same), fds[2];

	if (count > 3)
		same[4] = WIRE_NOBODY;
	if (setns(userns, CLONE_NEWUSER))
		fail("enter the user namespace of the tree");
	fds[0] = make_namespace(same, count, same, count);
	fds[1] = make_namespace(uid, 3, gid, 3);
	if (fds_send(sock, fds, 2))
		fail("hand user namespaces to the box's init");
}

void ids_receive(int sock)
{
	int fds[2];

	if (fds_receive(sock, fds, 2))
		fail("receive user namespaces");
	boxed = fds[0];
	shown = fds[1];
}

void ids_leave(const struct wire_policy *p)
{
	if (ids_nested(p) && setns(boxed, CLONE_NEWUSER))
		fail("enter the command's user namespace");
}

int ids_show(int dirfd, const char *name)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_RDONLY | MOUNT_SAFE,
				   .userns_fd = (uint64_t)shown };
	int tree = tree_clone(dirfd, name), fd;

	if (mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)))
		fail("show %.100s as the worker's own", name);
	fd = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(tree);
	return fd;
}

/* ------------------------------------------------------------------------------------------------ */

static void map_range(const struct wire_policy *p, pid_t init)
{
	uint32_t numbers[NUMBERS];
	int count = range_map(p->map_base, p->map_count, numbers);

	/* asserted here as well as in the library: never the host's root, never ourselves */
	errno = EPERM;
	if (p->map_base == 0 || (geteuid() >= p->map_base && geteuid() - p->map_base < p->map_count))
		fail("id map would contain the host's root or the worker's user");
	if (ids_nested(p)) {
		run_helper("/usr/bin/newuidmap", init, p->map_base, p->map_count, geteuid());
		run_helper("/usr/bin/newgidmap", init, p->gid_base, p->map_count, getegid());
		return;
	}
	write_map(init, "uid_map", numbers, count);
	write_map(init, "gid_map", numbers, count);
}

void ids_map(const struct wire_policy *p, pid_t init)
{
	char text[64];

	if (policy_skips(p, LAYER_USERNS))
		return;
	if (ids_ranged(p)) {
		map_range(p, init);
		return;
	}
	write_proc(init, "setgroups", "deny");
	snprintf(text, sizeof(text), "%u %u 1", ids_owner(p, p->uid), (unsigned)geteuid());
	write_proc(init, "uid_map", text);
	snprintf(text, sizeof(text), "%u %u 1", ids_owner(p, p->gid), (unsigned)getegid());
	write_proc(init, "gid_map", text);
}
