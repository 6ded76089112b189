/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With an OCI runtime the launcher's init stays outside of the box.  It owns a user, a mount and a
 * process namespace, in which it lays out what the bundle's config.json names, and there it lets the
 * runtime create, start and delete the box: the runtime never has rights over the host, leaves nothing
 * in its file system, and whatever it starts is ours to reap and dies with us.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher.h"

#define MAX_RUNTIME_ARGS 32

static struct tree tree; /* too large for the stack, and there is only one */

static void write_file(int dir, const char *name, const struct iovec *parts, int count)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	size_t size = 0;

	for (int i = 0; i < count; i++)
		size += parts[i].iov_len;
	if (fd < 0 || writev(fd, parts, count) != (ssize_t)size)
		fail("write %.120s", name);
	close(fd);
}

/* A /proc of our own process namespace, and a place that is nobody else's. */
static void make_scratch(const struct wire_policy *p)
{
	static const char *const places[] = { WIRE_OCI_BOX, WIRE_OCI_BUNDLE, WIRE_OCI_STATE,
					      WIRE_OCI_BUNDLE "/rootfs" };
	struct iovec config = { (void *)(uintptr_t)policy_text(p, p->config), p->config_size };

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		fail("make mounts private");
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		fail("mount /proc for the runtime");
	if (p->flags & WIRE_HIDE_GROUPS &&
	    mount("tmpfs", "/sys/fs/cgroup", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k") &&
	    errno != ENOENT)
		fail("cover /sys/fs/cgroup");
	if (mount("tmpfs", WIRE_OCI_SCRATCH, "tmpfs", MS_NOSUID | MS_NODEV, "size=64m,mode=0755"))
		fail("mount a scratch place");
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (mkdir(places[i], 0755))
			fail("make %s", places[i]);
	write_file(AT_FDCWD, WIRE_OCI_BUNDLE "/config.json", &config, 1);
}

/* The runtime mounts them by config.json; here each gets its place in the root, or in what will be
 * mounted there. */
static void hold_inputs(struct tree *t, bool writable_places)
{
	const struct wire_policy *p = t->policy;
	char name[32];

	for (uint32_t i = 0; i < p->mount_count; i++) {
		const char *target = policy_text(p, p->mounts[i].target);
		bool directory = !*policy_text(p, p->mounts[i].name);
		int input;

		if (tree_is_writable_place(p, target) != writable_places)
			continue;
		snprintf(name, sizeof(name), "inputs/%u", i);
		input = tree_input(t, i);
		if (directory ? mkdir(name, 0755) : mknod(name, S_IFREG | 0644, 0))
			fail("holder: %s", name);
		if (move_mount(input, "", t->holder, name, MOVE_MOUNT_F_EMPTY_PATH))
			fail("mount the input for %.120s", target);
		close(input);
		close(tree_place(t, target, directory));
	}
}

static void hold_devices(struct tree *t)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC };
	char name[32];

	for (size_t i = 0; i < DEVICE_COUNT && !sources_have_nodes(); i++) {
		snprintf(name, sizeof(name), "fixed/dev/%s", device_names[i]);
		if (mount_setattr(sources.devices[i], "", AT_EMPTY_PATH, &attr, sizeof(attr)) ||
		    move_mount(sources.devices[i], "", t->holder, name, MOVE_MOUNT_F_EMPTY_PATH))
			fail("mount %s", name);
		close(sources.devices[i]);
	}
}

/* Process 1 of the box and its policy stay in use, nameless, as long as the box lives. */
static void make_holder(struct tree *t)
{
	const struct wire_policy *p = t->policy;
	uint64_t page = (uint64_t)getpagesize();
	struct stat st;

	if (stat("/proc/self/exe", &st))
		fail("look at the launcher");
	t->own_size = ((uint64_t)st.st_size / page + (sizeof(*p) + p->data_size) / page + 2) * page;
	t->holder = holder_make(p, t->own_size, 2);
}

/* The launcher's own code as process 1 of the box, with the policy that it reads there. */
static void hold_inside(struct tree *t)
{
	const struct wire_policy *p = t->policy;
	uid_t uid = ids_owner(p, p->uid);
	gid_t gid = ids_owner(p, p->gid);
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), dir, copy;
	static struct wire_policy whole;
	struct iovec parts[] = { { &whole, sizeof(whole) },
				 { (void *)(uintptr_t)p->data, p->data_size } };
	struct stat st;

	if (mkdirat(t->holder, "tmp/.assay-box", 0700))
		fail("make " WIRE_INSIDE);
	dir = openat(t->holder, "tmp/.assay-box", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	copy = openat(dir, "init", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0500);
	if (self < 0 || copy < 0 || fstat(self, &st) ||
	    sendfile(copy, self, NULL, (size_t)st.st_size) != st.st_size || fchown(copy, uid, gid))
		fail("copy the launcher into the box");
	close(copy);
	close(self);
	/* with what the library said last */
	whole = *p;
	whole.flags |= go_flags;
	write_file(dir, "policy", parts, 2);
	if (fchownat(dir, "policy", uid, gid, 0) || fchown(dir, uid, gid))
		fail("owner of " WIRE_INSIDE);
	close(dir);
}

/* The root without what is mounted in it: the runtime mounts that again, by config.json. */
static void make_rootfs(struct tree *t)
{
	static const char *const places[] = { "/proc", "/dev", "/sys" };
	int fd;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		close(tree_place(t, places[i], true));
	fd = open_tree(t->root, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (fd < 0 || move_mount(fd, "", AT_FDCWD, WIRE_OCI_BUNDLE "/rootfs", MOVE_MOUNT_F_EMPTY_PATH))
		fail("mount the bundle's rootfs");
	close(fd);
}

static void make_bundle(struct tree *t, int sock)
{
	const struct wire_policy *p = t->policy;

	make_holder(t);
	/* before /run is covered, where they may be */
	init_take_sources(p, sock);
	make_scratch(p);
	tree_hold(t, WIRE_OCI_BOX);
	hold_inputs(t, false);
	tree_show(t, t->holder, "tmp", "/tmp", true);
	tree_show(t, t->holder, "vartmp", "/var/tmp", true);
	tree_show(t, t->holder, "workspace", policy_text(p, p->workspace), true);
	hold_inputs(t, true);
	hold_devices(t);
	hold_inside(t);
	make_rootfs(t);
	tree_report(t);
}

/* ---- the runtime ------------------------------------------------------------------------------- */

static _Noreturn void exec_runtime(const struct wire_policy *p, uint32_t list, bool creating)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *argv[MAX_RUNTIME_ARGS + 1], *const env[] = { path, NULL };
	int count = 0, log;

	for (const char *arg = policy_text(p, list); *arg; arg += strlen(arg) + 1)
		if (count < MAX_RUNTIME_ARGS)
			argv[count++] = (char *)(uintptr_t)arg;
	argv[count] = NULL;
	if (!creating) {
		/* only the box writes to the build's log */
		log = open(WIRE_OCI_LOG, O_WRONLY | O_CREAT | O_APPEND, 0600);
		dup2(log, 1);
		dup2(log, 2);
	} else if (p->flags & WIRE_STDIO) {
		dup2(WIRE_REPORT_FD, 2);
	} else {
		fcntl(WIRE_POLICY_FD, F_SETFD, 0);
		fcntl(WIRE_REPORT_FD, F_SETFD, 0);
	}
	execve(argv[0], argv, env);
	_exit(127);
}

/* The end of the runtime's own log says what it did not like. */
static _Noreturn void fail_runtime(const char *what, int status)
{
	char text[100] = "";
	int log = open(WIRE_OCI_LOG, O_RDONLY | O_CLOEXEC);
	off_t size = log < 0 ? 0 : lseek(log, 0, SEEK_END);
	ssize_t got = 0;

	if (size > 0)
		got = pread(log, text, sizeof(text) - 1,
			    size > (off_t)sizeof(text) - 1 ? size - (off_t)sizeof(text) + 1 : 0);
	for (ssize_t i = 0; i < got; i++)
		if (text[i] < ' ' || text[i] > '~')
			text[i] = ' ';
	errno = ECHILD;
	fail("runtime, %s: exit status %d: %s", what, WIFEXITED(status) ? WEXITSTATUS(status) : -1, text);
}

static void run_runtime(const struct wire_policy *p, uint32_t list, const char *what)
{
	int status = 0;
	pid_t pid;

	report_flush();
	pid = fork();
	if (pid == 0)
		exec_runtime(p, list, list == p->create);
	if (pid < 0)
		fail("fork the runtime");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status)
		fail_runtime(what, status);
}

/* The box's network namespace, kept for its counters. */
static int open_network(void)
{
	char text[16] = "", path[64];
	int fd = open(WIRE_OCI_PID, O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		ssize_t ignored = read(fd, text, sizeof(text) - 1);

		(void)ignored;
		close(fd);
	}
	snprintf(path, sizeof(path), "/proc/%ld/ns/net", strtol(text, NULL, 10));
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Neither the runtime nor its box has the worker's id; what it mounts it mounts by rights over the second
 * namespace. */
static void leave_worker(const struct wire_policy *p)
{
	if (!ids_nested(p))
		return;
	ids_leave(p);
	if (unshare(CLONE_NEWNS))
		fail("a mount namespace for the runtime");
}

void oci_main(const struct wire_policy *p, int sock)
{
	int netns;

	tree.policy = p;
	make_bundle(&tree, sock);
	close(sock);
	leave_worker(p);
	run_runtime(p, p->create, "create");
	netns = open_network();
	/* the log ends when the last writer of the box is gone: that must not be us */
	close(1);
	close(2);
	run_runtime(p, p->start, "start");
	report(WIRE_STARTED, 0, 0, "started");
	/* its process 1 has told how the command ended; we inherit all that lives in our namespace */
	while (wait4(-1, NULL, __WALL, NULL) > 0 || errno == EINTR)
		;
	if (netns >= 0 && setns(netns, CLONE_NEWNET) == 0)
		net_report();
	run_runtime(p, p->remove, "delete");
	report_flush();
	_exit(0);
}
