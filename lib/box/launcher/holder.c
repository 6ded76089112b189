/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tmpfs, the holder, capped in bytes and inodes, carries everything that can be written: the
 * workspace, /tmp, /var/tmp, /dev/shm and the overlay's upper layer, so that one number is the disk
 * limit.  Beside them lie the fixed files of /proc, /sys and /dev: the library's, or written here by it
 * when nothing can be mounted from outside.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher.h"

static const struct {
	const char *name;
	mode_t mode;
} held[] = {
	{ "upper", 0755 }, { "work", 0755 },  { "root", 0755 }, { "lower", 0755 },    { "blank", 0755 },
	{ "tmp", 01777 },  { "vartmp", 01777 }, { "shm", 01777 }, { "workspace", 0755 }, { "fixed", 0755 },
	{ "inputs", 0755 },
};

static int mount_tmpfs(const struct wire_policy *p, uint64_t own_size, uint64_t own_inodes)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), holder;
	char size[32], inodes[32];

	snprintf(size, sizeof(size), "%llu", (unsigned long long)(p->disk + own_size));
	snprintf(inodes, sizeof(inodes), "%llu", (unsigned long long)(p->inodes + own_inodes));
	if (policy_skips(p, LAYER_WORKSPACE))
		snprintf(size, sizeof(size), "0"); /* as large as memory */
	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "size", size, 0) ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", inodes, 0) ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) ||
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
	static const char *const places[] = { "tmp", "vartmp", "shm", "workspace", "root" };
	const struct timespec times[2] = { { .tv_sec = p->epoch }, { .tv_sec = p->epoch } };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (utimensat(holder, places[i], times, 0))
			fail("holder: times of %s", places[i]);
}

int holder_make(const struct wire_policy *p, uint64_t size, uint64_t inodes)
{
	int holder = mount_tmpfs(p, size, inodes);

	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
		/* the umask is 0 until the command's own is set */
		if (mkdirat(holder, held[i].name, held[i].mode))
			fail("holder: %s", held[i].name);
	}
	set_times(p, holder);
	if (fchownat(holder, "workspace", ids_owner(p, p->uid), ids_owner(p, p->gid), 0))
		fail("holder: owner of the workspace");
	/* the library's process fills it */
	if (ids_nested(p) && fchownat(holder, "fixed", WIRE_WORKER, WIRE_WORKER, 0))
		fail("holder: owner of the fixed files");
	return holder;
}

static void ask_for_files(int holder)
{
	int dir = openat(holder, "fixed", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char done;

	if (dir < 0)
		fail("holder: fixed");
	report_fd(WIRE_FIXED, dir, 0);
	close(dir);
	if (recv(WIRE_REPORT_FD, &done, 1, 0) != 1)
		fail("wait for the fixed files");
}

/* Clones of a read-only mount are read-only: made so once, for all. */
int holder_fix(int holder)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_SAFE | MOUNT_ATTR_NOEXEC };
	int fixed = sources.fixed;

	if (fixed < 0) {
		ask_for_files(holder);
		fixed = tree_clone(holder, "fixed");
		if (mount_setattr(fixed, "", AT_EMPTY_PATH, &attr, sizeof(attr)))
			fail("make the fixed files read-only");
	}
	if (move_mount(fixed, "", holder, "fixed", MOVE_MOUNT_F_EMPTY_PATH))
		fail("mount the fixed files");
	return fixed;
}
