/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assay-box: descriptor 3 is the policy, 4 the socket to the library.  This process stays outside of
 * the box: it clones the init, maps its ids, hands it the trees, waits, and reads what the network
 * counters say.  It dies with the library's process, and the box dies with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
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

/* Namespaces without which no box can be built, and those that a mutant may lack. */
#define NAMESPACES (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS)

static unsigned long namespaces(const struct wire_policy *p)
{
	return NAMESPACES | (policy_skips(p, LAYER_IPCNS) ? 0 : CLONE_NEWIPC) |
	       (policy_skips(p, LAYER_NETNS) ? 0 : CLONE_NEWNET) |
	       (policy_skips(p, LAYER_CGROUPNS) ? 0 : CLONE_NEWCGROUP);
}

/* The library first puts us into the box's control groups. */
static void wait_for_go(void)
{
	char go;

	if (recv(WIRE_REPORT_FD, &go, 1, 0) != 1)
		_exit(125);
}

static int open_namespace(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Whoever writes to the log by name (/dev/stderr) needs to own the pipe. */
static void give_descriptors(const struct wire_policy *p)
{
	uid_t uid = ids_privileged(p) ? p->map_base + p->uid : geteuid();
	gid_t gid = ids_privileged(p) ? p->map_base + p->gid : getegid();

	for (int fd = 0; fd <= 2; fd++)
		if (fchown(fd, uid, gid))
			fail("owner of descriptor %d", fd);
}

static void prepare(void)
{
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (close_range(WIRE_REPORT_FD + 1, ~0U, 0))
		fail("close inherited descriptors");
	for (fd = 3; fd <= WIRE_REPORT_FD; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC))
			fail("descriptor %d", fd);
	umask(0);
	if (chdir("/"))
		fail("change to /");
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		/* in a machine short of memory the build goes first; best effort */
		ssize_t ignored = write(fd, "500", 3);

		(void)ignored;
		close(fd);
	}
}

static pid_t start_init(const struct wire_policy *p, int pair[2])
{
	pid_t init = (pid_t)syscall(SYS_clone, namespaces(p) | SIGCHLD, 0, 0, 0, 0);

	if (init < 0)
		fail("create namespaces");
	if (init == 0) {
		close(pair[0]);
		init_main(p, pair[1]);
	}
	close(pair[1]);
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

int main(void)
{
	const struct wire_policy *p;
	struct rusage usage;
	int pair[2], userns, netns, status;
	pid_t init;

	prepare();
	wait_for_go();
	p = policy_read(WIRE_POLICY_FD);
	give_descriptors(p);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		fail("socket pair");
	init = start_init(p, pair);
	report(WIRE_PID, (uint32_t)init, 0, "init");
	userns = open_namespace(init, "user");
	netns = open_namespace(init, "net");
	ids_map(p, init);
	if (send(pair[0], "", 1, MSG_NOSIGNAL) != 1)
		fail("start the box's init");
	if (ids_privileged(p))
		ids_send_trees(p, init, pair[0]);
	else
		report_layer(LAYER_IDMAP, EPERM, "needs the right to map a range of ids");
	/* the log ends when the last writer of the box is gone: that must not be us */
	close(1);
	close(2);
	status = wait_for(init);
	getrusage(RUSAGE_CHILDREN, &usage);
	report_usage(&usage);
	report(WIRE_PID, 0, status, "init ended");
	net_report(p, userns, netns);
	return 0;
}
