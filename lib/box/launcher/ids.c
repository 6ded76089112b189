/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User and group ids.  As root the box gets a range of its own, far from every user of the host,
 * and the trees it sees are idmapped: what belongs to root on disk belongs to the box's root inside
 * and to nobody in between.  Without privileges a single id is mapped.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "launcher.h"

bool ids_privileged(const struct wire_policy *p)
{
	return p->map_count > 0;
}

uint32_t ids_owner(const struct wire_policy *p, uint32_t id)
{
	return p->flags & WIRE_OCI && !ids_privileged(p) ? 0 : id;
}

void ids_become(const struct wire_policy *p)
{
	if (ids_privileged(p) || !p->map_base)
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

void ids_map(const struct wire_policy *p, pid_t init)
{
	char text[64];

	if (policy_skips(p, LAYER_USERNS))
		return;
	if (ids_privileged(p)) {
		/* asserted here as well as in the library: never the host's root, never ourselves */
		errno = EPERM;
		if (p->map_base == 0 ||
		    (geteuid() >= p->map_base && geteuid() - p->map_base < p->map_count))
			fail("id map would contain the host's root or the worker's user");
		snprintf(text, sizeof(text), "0 %u %u", p->map_base, p->map_count);
		write_proc(init, "uid_map", text);
		write_proc(init, "gid_map", text);
		return;
	}
	write_proc(init, "setgroups", "deny");
	snprintf(text, sizeof(text), "%u %u 1", ids_owner(p, p->uid), (unsigned)geteuid());
	write_proc(init, "uid_map", text);
	snprintf(text, sizeof(text), "%u %u 1", ids_owner(p, p->gid), (unsigned)getegid());
	write_proc(init, "gid_map", text);
}
