/* SPDX-License-Identifier: Apache-2.0 */
/* posix_spawn: no copy of a large address space, no code of ours between fork and exec. */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "wire.h"

#define LAUNCHER "assay-box"
#define ABOVE 16 /* sources of dup2 must not lie among its targets */

/* Beside the program, above it (tests live one folder down), or where it was installed. */
static enum assay_code find_launcher(char *out, size_t size, struct assay_error *err)
{
	static const char *const below[] = { "", "../" };
	char self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (len > 0) {
		self[len] = '\0';
		slash = strrchr(self, '/');
		slash[1] = '\0';
		for (int i = 0; i < 2; i++)
			if (snprintf(out, size, "%s%s" LAUNCHER, self, below[i]) < (int)size &&
			    access(out, X_OK) == 0)
				return ASSAY_OK;
	}
	snprintf(out, size, "%s/%s", ASSAY_LIBEXECDIR, LAUNCHER);
	if (access(out, X_OK) == 0)
		return ASSAY_OK;
	return assay_fail(err, ASSAY_ENOTFOUND,
			  "box: no " LAUNCHER " beside the program or in " ASSAY_LIBEXECDIR);
}

/* A pair of descriptors above the targets; ours is close-on-exec as well as theirs. */
static bool lift(int *fd)
{
	int high = fcntl(*fd, F_DUPFD_CLOEXEC, ABOVE);

	close(*fd);
	*fd = high;
	return high >= 0;
}

struct ends {
	int empty, log_out, log_in, report_ours, report_theirs, policy;
};

static enum assay_code open_ends(struct ends *e, int policy_fd, struct assay_error *err)
{
	int pair[2];

	*e = (struct ends){ -1, -1, -1, -1, -1, -1 };
	if (pipe2(pair, O_CLOEXEC))
		return assay_fail_errno(err, "box: pipe");
	/* reading ends at once, and no path of the host stands behind it */
	close(pair[1]);
	e->empty = pair[0];
	if (pipe2(pair, O_CLOEXEC))
		return assay_fail_errno(err, "box: pipe");
	e->log_in = pair[0];
	e->log_out = pair[1];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return assay_fail_errno(err, "box: socket pair");
	e->report_ours = pair[0];
	e->report_theirs = pair[1];
	e->policy = fcntl(policy_fd, F_DUPFD_CLOEXEC, ABOVE);
	if (e->policy < 0 || !lift(&e->empty) || !lift(&e->log_out) || !lift(&e->report_theirs))
		return assay_fail_errno(err, "box: descriptors");
	return ASSAY_OK;
}

static void close_ends(struct ends *e)
{
	int *const all[] = { &e->empty,	      &e->log_out,	 &e->log_in,
			     &e->report_ours, &e->report_theirs, &e->policy };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (*all[i] >= 0)
			close(*all[i]);
}

static int spawn(const char *path, const struct ends *e, pid_t *pid)
{
	static char name[] = LAUNCHER;
	char *const argv[] = { name, NULL }, *const env[] = { NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_adddup2(&actions, e->empty, 0);
	posix_spawn_file_actions_adddup2(&actions, e->log_out, 1);
	posix_spawn_file_actions_adddup2(&actions, e->log_out, 2);
	posix_spawn_file_actions_adddup2(&actions, e->policy, WIRE_POLICY_FD);
	posix_spawn_file_actions_adddup2(&actions, e->report_theirs, WIRE_REPORT_FD);
	posix_spawn_file_actions_addclosefrom_np(&actions, WIRE_REPORT_FD + 1);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						      POSIX_SPAWN_SETPGROUP);
	rc = posix_spawn(pid, path, &actions, &attributes, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return rc;
}

enum assay_code box_spawn(int policy_fd, struct box_child *ret, struct assay_error *err)
{
	struct ends ends;
	char path[4200];
	enum assay_code code = find_launcher(path, sizeof(path), err);

	if (code)
		return code;
	code = open_ends(&ends, policy_fd, err);
	if (!code) {
		errno = spawn(path, &ends, &ret->pid);
		if (errno)
			code = assay_fail_errno(err, "box: start %s", path);
	}
	if (!code) {
		ret->pidfd = pidfd_open(ret->pid, 0);
		if (ret->pidfd < 0) {
			code = assay_fail_errno(err, "box: pidfd");
			/* its socket closes below, and it ends */
			close_ends(&ends);
			waitpid(ret->pid, NULL, 0);
			return code;
		}
		ret->log = ends.log_in;
		ret->report = ends.report_ours;
		ends.log_in = ends.report_ours = -1;
	}
	close_ends(&ends);
	return code;
}
