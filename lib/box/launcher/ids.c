/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User and group ids.  As root the box gets a range of its own, far from every user of the host,
 * and the trees it sees are idmapped: what belongs to root on disk belongs to the box's root inside
 * and to nobody in between.  Without privileges a single id is mapped, and trees are cloned by the
 * init in its own namespaces.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "launcher.h"

const char *const device_names[DEVICE_COUNT] = { "null", "zero", "full", "random", "urandom" };

bool ids_privileged(const struct wire_policy *p)
{
	return p->map_count > 0;
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
	snprintf(text, sizeof(text), "%u %u 1", p->uid, (unsigned)geteuid());
	write_proc(init, "uid_map", text);
	snprintf(text, sizeof(text), "%u %u 1", p->gid, (unsigned)getegid());
	write_proc(init, "gid_map", text);
}

/* A detached copy of a host tree: read-only and, where its file system can, idmapped. */
static int open_mapped(const char *path, unsigned recursive, int userns, bool *ret_mapped)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			    MOUNT_ATTR_IDMAP,
		.userns_fd = (uint64_t)userns,
	};
	int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive);

	*ret_mapped = false;
	if (fd < 0)
		return -1;
	if (userns >= 0 && mount_setattr(fd, "", AT_EMPTY_PATH | recursive, &attr, sizeof(attr)) == 0) {
		*ret_mapped = true;
		return fd;
	}
	attr.attr_set &= ~(uint64_t)MOUNT_ATTR_IDMAP;
	attr.userns_fd = 0;
	if (mount_setattr(fd, "", AT_EMPTY_PATH | recursive, &attr, sizeof(attr))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* status 0 with a descriptor, or an errno without one */
static void send_tree(int sock, int fd, const char *path)
{
	int status = 0;

	if (fd < 0)
		fail("open tree %.120s", path);
	if (fd_send(sock, &status, sizeof(status), fd))
		fail("hand a tree to the box's init");
	close(fd);
}

void ids_send_trees(const struct wire_policy *p, pid_t init, int sock)
{
	char path[64];
	bool mapped, root_mapped;
	unsigned unmapped = 0;
	int userns, fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)init);
	userns = open(path, O_RDONLY | O_CLOEXEC);
	if (userns < 0)
		fail("open the box's user namespace");
	if (policy_skips(p, LAYER_IDMAP)) {
		close(userns);
		userns = -1;
	}
	fd = open_mapped(policy_text(p, p->root), 0, userns, &mapped);
	root_mapped = mapped;
	send_tree(sock, fd, policy_text(p, p->root));
	for (uint32_t i = 0; i < p->mount_count; i++) {
		const char *source = policy_text(p, p->mounts[i].source);

		send_tree(sock, open_mapped(source, AT_RECURSIVE, userns, &mapped), source);
		unmapped += !mapped;
	}
	report_layer(LAYER_IDMAP, root_mapped ? 0 : EOPNOTSUPP,
		     "environment: %s; inputs that show as owned by nobody: %u of %u",
		     root_mapped ? "read-only clone" : "refused by its file system", unmapped,
		     p->mount_count);
	for (size_t i = 0; i < DEVICE_COUNT; i++) {
		snprintf(path, sizeof(path), "/dev/%s", device_names[i]);
		send_tree(sock, open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), path);
	}
	close(userns);
}
