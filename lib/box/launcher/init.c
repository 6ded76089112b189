/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Process 1 of the box: builds the tree, forks the command, reaps what it leaves behind, and ends
 * when the command ends: the kernel then kills everything else in the box.  It holds no capability
 * and cannot be traced or read by the command.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher.h"

static struct tree tree; /* too large for the stack, and there is only one */

/* Root's other self in a container is not who the worker is; the only id of a worker without rights is. */
static void report_map(const struct wire_policy *p)
{
	bool own = !ids_ranged(p) && !p->map_base;

	if (policy_skips(p, LAYER_USERNS))
		report_layer(LAYER_USERNS, ECANCELED, "the host's");
	else if (ids_ranged(p))
		report_layer(LAYER_USERNS, 0, "%u ids mapped to %u-%u%s", p->map_count, p->map_base,
			     p->map_base + p->map_count - 1, ids_nested(p) ? ", by newuidmap" : "");
	else
		report_layer(LAYER_USERNS, own ? EPERM : 0, "one id mapped%s",
			     own ? ", the worker's own" : ": a user that root became");
}

static void become_root_inside(const struct wire_policy *p)
{
	if (ids_ranged(p) && (setgroups(0, NULL) || setresgid(0, 0, 0) || setresuid(0, 0, 0)))
		fail("become root of the user namespace");
	/* the launcher could not: it was nobody in particular */
	for (int fd = 0; fd <= 2 && ids_nested(p); fd++)
		if (fchown(fd, p->uid, p->gid))
			fail("owner of descriptor %d", fd);
	prctl(PR_SET_DUMPABLE, 0);
	/* changed credentials clear it: without the launcher there is no box */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	report_map(p);
}

static void name_host(const struct wire_policy *p)
{
	const char *name = policy_text(p, p->hostname);

	if (policy_skips(p, LAYER_UTSNS)) {
		report_layer(LAYER_UTSNS, ECANCELED, "host name left as it is");
		return;
	}
	if (sethostname(name, strlen(name)) || setdomainname("(none)", 6))
		fail("set the host name");
	report_layer(LAYER_UTSNS, 0, "host name %.64s", name);
}

void init_take_sources(const struct wire_policy *p, int sock)
{
	if (ids_privileged(p)) {
		sources_receive(p, sock);
		return;
	}
	sources_open(p);
	sources_shift(p, -1);
	if (ids_nested(p))
		ids_receive(sock);
}

static void enter_network(const struct wire_policy *p, int sock)
{
	int netns;

	if (policy_skips(p, LAYER_NETNS)) {
		report_layer(LAYER_NETNS, ECANCELED, "the host's");
		return;
	}
	if (fds_receive(sock, &netns, 1) || setns(netns, CLONE_NEWNET))
		fail("enter the network namespace");
	close(netns);
	close(sock);
	report_layer(LAYER_NETNS, 0, "empty, loopback down");
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	if (syscall(SYS_capset, &header, none))
		fail("drop the init's capabilities");
}

_Noreturn void init_reap(pid_t command)
{
	int status;

	for (;;) {
		pid_t pid = wait4(-1, &status, __WALL, NULL);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			fail("wait for the command");
		if (pid == command)
			break;
	}
	report(WIRE_EXIT, 0, status, "command ended");
	_exit(0);
}

void init_main(const struct wire_policy *p, int sock)
{
	pid_t command;
	char byte;

	if (read(sock, &byte, 1) != 1)
		_exit(125);
	prctl(PR_SET_NAME, "assay-init");
	become_root_inside(p);
	if (p->flags & WIRE_OCI)
		oci_main(p, sock);
	report_layer(LAYER_PIDNS, getpid() == 1 ? 0 : EPERM, "the box's init is process 1");
	report_layer(LAYER_IPCNS, policy_skips(p, LAYER_IPCNS) ? ECANCELED : 0, "empty");
	report_layer(LAYER_CGROUPNS, policy_skips(p, LAYER_CGROUPNS) ? ECANCELED : 0, "own root");
	name_host(p);
	tree = (struct tree){ .policy = p, .holder = holder_make(p, 0, 0) };
	init_take_sources(p, sock);
	tree_build(&tree);
	tree_enter(&tree);
	enter_network(p, sock);
	report_flush();
	/* nothing of ours is copied; the child only calls down from here */
	command = vfork();
	if (command < 0)
		fail("fork the command");
	if (command == 0)
		command_run(p);
	close(0);
	close(1);
	close(2);
	drop_capabilities();
	init_reap(command);
}
