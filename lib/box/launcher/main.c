/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assay-box: descriptor 3 is the policy, 4 the socket to the library.  This process stays outside of
 * the box: it opens what is shown of the host, clones the init, maps its ids, waits, and reads what
 * the network counters say.  It dies with the library's process, and the box dies with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher.h"

uint32_t go_flags;

/* All but the mount namespace may be left out by a mutant; an OCI runtime makes most of them itself.  The
 * network's comes later: see net.c. */

static unsigned long namespaces(const struct wire_policy *p)
{
	if (p->flags & WIRE_OCI)
		return CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID;
	return CLONE_NEWNS | CLONE_NEWUTS | (policy_skips(p, LAYER_USERNS) ? 0 : CLONE_NEWUSER) |
	       (policy_skips(p, LAYER_PIDNS) ? 0 : CLONE_NEWPID) |
	       (policy_skips(p, LAYER_IPCNS) ? 0 : CLONE_NEWIPC) |
	       (policy_skips(p, LAYER_CGROUPNS) ? 0 : CLONE_NEWCGROUP);
}

/* Until the library has made the control groups; returns the one for the init, or -1. */
static int join_groups(uint32_t *ret_layers)
{
	union {
		char bytes[CMSG_SPACE(WIRE_MAX_GO * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct wire_go go;
	int fds[WIRE_MAX_GO];
	struct iovec part = { &go, sizeof(go) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *header;
	size_t count;

	if (recvmsg(WIRE_REPORT_FD, &message, MSG_CMSG_CLOEXEC) != sizeof(go) ||
	    go.magic != WIRE_MAGIC || go.version != WIRE_VERSION || go.tasks > WIRE_MAX_TASKS ||
	    go.into > 1 || go.fixed > 1)
		_exit(125);
	count = go.tasks + go.into + go.fixed;
	header = CMSG_FIRSTHDR(&message);
	if (count && (!header || header->cmsg_len != CMSG_LEN(count * sizeof(int))))
		_exit(125);
	if (count)
		memcpy(fds, CMSG_DATA(header), count * sizeof(int));
	for (uint32_t i = 0; i < go.tasks; i++) {
		if (write(fds[i], "0", 1) != 1)
			fail("join a control group");
		close(fds[i]);
	}
	*ret_layers = go.into_layers;
	go_flags = go.flags;
	sources.fixed = go.fixed ? fds[go.tasks + go.into] : -1;
	return go.into ? fds[go.tasks] : -1;
}

static int open_userns(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail("open the box's user namespace");
	return fd;
}

/* Whoever writes to the log by name (/dev/stderr) needs to own the pipe. */
static void give_descriptors(const struct wire_policy *p)
{
	bool other = ids_privileged(p) || (!ids_ranged(p) && p->map_base); /* nested: the init does it */
	uid_t uid = other ? p->map_base + (ids_ranged(p) ? p->uid : 0) : geteuid();
	gid_t gid = other ? p->map_base + (ids_ranged(p) ? p->gid : 0) : getegid();

	for (int fd = 0; fd <= 2; fd++)
		if (fchown(fd, uid, gid))
			fail("owner of descriptor %d", fd);
}

/* What the box inherits from us; best effort. */
static void write_self(const char *name, const char *text)
{
	char path[64];
	ssize_t ignored;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ignored = write(fd, text, strlen(text));
	(void)ignored;
	close(fd);
}

/* The C library ignores its own two when it starts a program. */
static void reset_signals(void)
{
	const unsigned long none[4] = { 0 };

	for (int number = 32; number <= 33; number++)
		syscall(SYS_rt_sigaction, number, none, NULL, 8);
}

static void prepare(void)
{
	int fd;

	reset_signals();
	if (close_range(WIRE_REPORT_FD + 1, ~0U, 0))
		fail("close inherited descriptors");
	for (fd = 3; fd <= WIRE_REPORT_FD; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC))
			fail("descriptor %d", fd);
	umask(0);
	if (chdir("/"))
		fail("change to /");
	/* in a machine short of memory the build goes first */
	write_self("oom_score_adj", "500");
	write_self("coredump_filter", "0x33");
}

/* Born in the group when there is one: no move, and nothing runs outside of it. */
static pid_t clone_init(const struct wire_policy *p, int group, uint32_t layers)
{
	struct clone_args args = { .flags = namespaces(p), .exit_signal = SIGCHLD };
	pid_t init;

	if (group >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)group;
		init = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
		if (init >= 0)
			return init;
		for (int i = 0; i < LAYER_COUNT; i++)
			if (layers >> i & 1)
				report_layer((enum wire_layer)i, errno, "the group cannot be joined");
		args.flags &= ~(uint64_t)CLONE_INTO_CGROUP;
		args.cgroup = 0;
		report_flush();
	}
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static pid_t start_init(const struct wire_policy *p, int group, uint32_t layers, int pair[2])
{
	pid_t init = clone_init(p, group, layers);

	if (init < 0)
		fail("create namespaces");
	if (init == 0) {
		close(pair[1]);
		init_main(p, pair[0]);
	}
	close(pair[0]);
	return init;
}

static int wait_for(pid_t init)
{
	int status;

	while (waitpid(init, &status, 0) < 0)
		if (errno != EINTR)
			fail("wait for the box's init");
	return status;
}

/* This process dies with the library's.  A change of credentials clears that: then it is asked for again,
 * and parent is who must still be there. */
static void follow(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(125);
}

static void start_network(const struct wire_policy *p, int userns, int sock, pid_t parent)
{
	int netns;

	if (policy_skips(p, LAYER_NETNS) || p->flags & WIRE_OCI)
		return;
	/* nested: we are in there by now */
	netns = net_make(policy_skips(p, LAYER_USERNS) || ids_nested(p) ? -1 : userns);
	follow(parent);
	if (fds_send(sock, &netns, 1))
		fail("hand the network namespace to the box's init");
}

/* The init goes on as soon as its ids are mapped; what it needs next comes after. */
static void complete(const struct wire_policy *p, pid_t init, int userns, int sock)
{
	ids_map(p, init);
	if (write(sock, "", 1) != 1)
		fail("start the box's init");
	if (ids_nested(p))
		ids_nest(p, userns, sock);
	if (!ids_privileged(p))
		return;
	sources_open(p);
	sources_shift(p, userns);
	/* gVisor shuts the socket down when its box ends: what is said later is lost */
	if (p->flags & WIRE_STDIO)
		report_flush();
	sources_send(p, sock);
}

int main(int argc, char **argv)
{
	const struct wire_policy *p;
	struct rusage usage;
	int pair[2], userns, status, group;
	uint32_t layers = 0;
	pid_t init, parent = getppid();

	(void)argv;
	if (argc > 1)
		inside_main();
	prepare();
	p = policy_read(WIRE_POLICY_FD);
	give_descriptors(p);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		fail("socket pair");
	group = join_groups(&layers);
	ids_become(p);
	follow(parent);
	/* an OCI runtime may need more than the command */
	if (ids_privileged(p) && !(p->flags & WIRE_OCI))
		limits_set(p);
	init = start_init(p, group, layers, pair);
	report(WIRE_PID, (uint32_t)init, 0, "init");
	userns = open_userns(init);
	complete(p, init, userns, pair[1]);
	follow(parent);
	start_network(p, userns, pair[1], parent);
	close(pair[1]);
	/* the log ends when the last writer of the box is gone: that must not be us */
	close(1);
	close(2);
	status = wait_for(init);
	getrusage(RUSAGE_CHILDREN, &usage);
	report_usage(&usage);
	if (!policy_skips(p, LAYER_NETNS) && !(p->flags & WIRE_OCI))
		net_report();
	report(WIRE_PID, 0, status, "init ended");
	return 0;
}
