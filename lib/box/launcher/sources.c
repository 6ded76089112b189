/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a box sees from outside, as detached mounts: the environment, the inputs, five device nodes, the
 * library's fixed files.
 * With privileges the launcher opens and idmaps them, while the init makes the holder, and hands them
 * over.  Without, the init opens them in its own namespaces, where it may, and nobody can idmap
 * them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher.h"

const char *const device_names[DEVICE_COUNT] = { WIRE_DEVICES };

struct sources sources = { .fixed = -1 };

/* Whoever is not privileged may not uncover what mounts hide: they come along. */
static unsigned recursion(const struct wire_policy *p)
{
	return ids_privileged(p) ? 0 : AT_RECURSIVE;
}

static int open_clone(const char *path, unsigned recursive)
{
	int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive);

	if (fd < 0)
		fail("open tree %.120s", path);
	return fd;
}

/* Whether the fixed files have devices among them; else the host's are shown. */
bool sources_have_nodes(void)
{
	struct stat st;

	return sources.fixed >= 0 && fstatat(sources.fixed, "dev/null", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISCHR(st.st_mode);
}

void sources_open(const struct wire_policy *p)
{
	char path[32];

	sources.root = open_clone(policy_text(p, p->root), recursion(p));
	for (uint32_t i = 0; i < p->mount_count; i++)
		sources.inputs[i] = open_clone(policy_text(p, p->mounts[i].source), recursion(p));
	for (size_t i = 0; i < DEVICE_COUNT && !sources_have_nodes(); i++) {
		snprintf(path, sizeof(path), "/dev/%s", device_names[i]);
		sources.devices[i] = open_clone(path, 0);
	}
}

/* Read-only and, where its file system can, idmapped. */
static bool shift(int tree, uint64_t attributes, int userns, const char *path)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY | attributes };

	if (userns >= 0) {
		attr.attr_set |= MOUNT_ATTR_IDMAP;
		attr.userns_fd = (uint64_t)userns;
		if (mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0)
			return true;
		attr.attr_set &= ~(uint64_t)MOUNT_ATTR_IDMAP;
		attr.userns_fd = 0;
	}
	if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)))
		fail("make %.120s read-only", path);
	return false;
}

void sources_shift(const struct wire_policy *p, int userns)
{
	unsigned unmapped = 0;
	bool root;

	if (policy_skips(p, LAYER_IDMAP))
		userns = -1;
	root = shift(sources.root, MOUNT_SAFE, userns, policy_text(p, p->root));
	if (sources.fixed >= 0)
		shift(sources.fixed, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, userns, "fixed files");
	for (uint32_t i = 0; i < p->mount_count; i++)
		unmapped += !shift(sources.inputs[i], MOUNT_SAFE, userns, policy_text(p, p->mounts[i].source));
	if (!ids_privileged(p))
		report_layer(LAYER_IDMAP, EPERM, "only root may: what is the worker's shows as %s", ids_ranged(p) ? "nobody's" : "the user's");
	else
		report_layer(LAYER_IDMAP, root ? 0 : EOPNOTSUPP,
			     "environment: %s; inputs that show as owned by nobody: %u of %u",
			     root ? "read-only clone" : "refused by its file system", unmapped,
			     p->mount_count);
}

void sources_send(const struct wire_policy *p, int sock)
{
	uint32_t devices = sources_have_nodes() ? 0 : DEVICE_COUNT;

	if (fds_send(sock, &sources.fixed, sources.fixed >= 0) || fds_send(sock, &sources.root, 1) ||
	    fds_send(sock, sources.devices, devices) ||
	    fds_send(sock, sources.inputs, p->mount_count))
		fail("hand the trees to the box's init");
}

void sources_receive(const struct wire_policy *p, int sock)
{
	if (fds_receive(sock, &sources.fixed, sources.fixed >= 0) || fds_receive(sock, &sources.root, 1) ||
	    fds_receive(sock, sources.devices, sources_have_nodes() ? 0 : DEVICE_COUNT) ||
	    fds_receive(sock, sources.inputs, p->mount_count))
		fail("receive the trees");
}
