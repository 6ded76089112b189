/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tmpfs, the holder, capped in bytes and inodes, carries everything that can be written: the
 * workspace, /tmp, /var/tmp, /dev/shm and the overlay's upper layer, so that one number is the disk
 * limit.  Beside them lie the fixed files of /proc, /sys and /dev.
 *
 * With privileges it is made by the launcher while the library makes the control groups, and belongs
 * to the box's ids but not to its user namespace; without, by the init.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher.h"

static const struct {
	const char *name;
	mode_t mode;
} held[] = {
	{ "upper", 0755 }, { "work", 0755 },  { "root", 0755 }, { "lower", 0755 },    { "blank", 0755 },
	{ "tmp", 01777 },  { "vartmp", 01777 }, { "shm", 01777 }, { "workspace", 0755 }, { "fixed", 0755 },
};

static int mount_tmpfs(const struct wire_policy *p, unsigned owner, unsigned group)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), holder;
	char size[32], inodes[32], uid[32], gid[32];

	snprintf(size, sizeof(size), "%llu", (unsigned long long)p->disk);
	snprintf(inodes, sizeof(inodes), "%llu", (unsigned long long)p->inodes);
	snprintf(uid, sizeof(uid), "%u", owner);
	snprintf(gid, sizeof(gid), "%u", group);
	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "size", size, 0) ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", inodes, 0) ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "uid", uid, 0) ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "gid", gid, 0) ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fail("make a tmpfs of %s bytes and %s inodes", size, inodes);
	holder = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_SAFE);
	if (holder < 0)
		fail("mount a tmpfs");
	close(fs);
	return holder;
}

/* Of what the command finds in the places that it may write to. */
static void set_times(const struct wire_policy *p, int holder)
{
	static const char *const places[] = { "tmp", "vartmp", "shm", "workspace", "root", "fixed/dev" };
	const struct timespec times[2] = { { .tv_sec = p->epoch }, { .tv_sec = p->epoch } };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (utimensat(holder, places[i], times, 0))
			fail("holder: times of %s", places[i]);
}

int holder_make(const struct wire_policy *p)
{
	/* without privileges there is but one id */
	unsigned root = ids_privileged(p) ? p->map_base : p->uid;
	unsigned base = ids_privileged(p) ? p->map_base : 0;
	int holder = mount_tmpfs(p, root, ids_privileged(p) ? p->map_base : p->gid), fixed;

	if (ids_privileged(p)) {
		setfsgid(root);
		setfsuid(root);
	}
	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
		/* the umask is 0 until the command's own is set */
		if (mkdirat(holder, held[i].name, held[i].mode))
			fail("holder: %s", held[i].name);
	}
	fixed = openat(holder, "fixed", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fixed < 0)
		fail("holder: fixed");
	kernelfs_write(p, fixed);
	close(fixed);
	set_times(p, holder);
	if (ids_privileged(p)) {
		setfsgid(getegid());
		setfsuid(geteuid());
	}
	if (fchownat(holder, "workspace", base + p->uid, base + p->gid, 0))
		fail("holder: owner of the workspace");
	return holder;
}

/* Clones of a read-only mount are read-only: made so once, for all. */
int holder_fix(int holder)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_SAFE | MOUNT_ATTR_NOEXEC };
	int fixed = tree_clone(holder, "fixed");

	if (mount_setattr(fixed, "", AT_EMPTY_PATH, &attr, sizeof(attr)) ||
	    move_mount(fixed, "", holder, "fixed", MOVE_MOUNT_F_EMPTY_PATH))
		fail("make the fixed files read-only");
	return fixed;
}
