/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc, /dev and /sys.  Of /proc only the processes, what belongs to the box's own namespaces and
 * the kernel's version are the kernel's; a few files are replaced by fixed ones, /proc/sys as a
 * whole, and every other entry, whatever the kernel calls it, is covered by a blank file or
 * directory.  /sys is made of the files that programs look at to count processors; /dev holds five
 * nodes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher.h"

#define FIXED "/proc/fixed/" /* see tree.c: the holder lies over the host's /proc */
#define UUID "sys/kernel/random/uuid"

/* What stays as it is: of the box's namespaces, or what uname(2) says as well. */
static const char *const shown[] = { ".", "..", "sysvipc", "version" };

/* In a container whose own /proc is masked the kernel refuses a new one. */
static int mount_proc(void)
{
	int fs = fsopen("proc", FSOPEN_CLOEXEC), proc;

	if (fs < 0)
		return -1;
	proc = fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0)
		       ? -1
		       : fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_SAFE | MOUNT_ATTR_NOEXEC);
	close(fs);
	return proc;
}

static bool is_shown(const char *name)
{
	/* processes */
	if (name[0] >= '0' && name[0] <= '9')
		return true;
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (strcmp(name, shown[i]) == 0)
			return true;
	return false;
}

/* By the fixed file or directory of that name, or a blank one.  The names are the kernel's own, and no
 * link is among them; the working directory is the box's /proc. */
static void cover(const char *name, bool directory)
{
	char fixed[300];

	snprintf(fixed, sizeof(fixed), FIXED "proc/%s", name);
	if (mount(fixed, name, NULL, MS_BIND, NULL) == 0)
		return;
	/* an entry that cannot be covered would stay visible: then there is no box */
	if (errno != ENOENT || mount(directory ? FIXED WIRE_BLANK_DIRECTORY : FIXED WIRE_BLANK_FILE, name,
				     NULL, MS_BIND, NULL))
		fail("cover /proc/%.100s", name);
}

struct entry {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

static unsigned cover_all(struct tree *t, int proc)
{
	static _Alignas(struct entry) char buffer[32768];
	unsigned count = 0;
	long got;
	int dir = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0 || fchdir(dir))
		fail("open /proc");
	while ((got = syscall(SYS_getdents64, dir, buffer, sizeof(buffer))) > 0)
		for (long at = 0; at < got;) {
			const struct entry *entry = (const struct entry *)(const void *)(buffer + at);

			at += entry->reclen;
			/* links lead to what is in the processes' directories */
			if (entry->type == DT_LNK || is_shown(entry->name))
				continue;
			cover(entry->name, entry->type == DT_DIR);
			count++;
		}
	if (got < 0 || fchdir(t->holder))
		fail("list /proc");
	close(dir);
	return count;
}

static void show_proc(struct tree *t)
{
	int proc = mount_proc(), kept, uuid;
	unsigned count;

	if (proc < 0) {
		report_layer(LAYER_PROC, errno, "no processes in /proc, only fixed files");
		tree_show(t, t->fixed, "proc", "/proc", true);
		return;
	}
	if (policy_skips(t->policy, LAYER_PROC)) {
		report_layer(LAYER_PROC, ECANCELED, "as the kernel makes it");
		tree_attach(t, proc, "/proc", true);
		return;
	}
	kept = fcntl(proc, F_DUPFD_CLOEXEC, 0);
	tree_attach(t, proc, "/proc", true);
	/* never twice the same, and said to be so: the kernel's own */
	uuid = tree_clone(kept, UUID);
	count = cover_all(t, kept);
	if (move_mount(uuid, "", kept, UUID, MOVE_MOUNT_F_EMPTY_PATH))
		fail("mount /proc/" UUID);
	close(uuid);
	close(kept);
	report_layer(LAYER_PROC, count ? 0 : EPERM,
		     "%u entries covered; sysctls are a few read-only files", count);
}

/* A mutant has the host's. */
static void show_host(struct tree *t, const char *path, enum wire_layer layer)
{
	int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	if (fd < 0)
		fail("clone %s", path);
	tree_attach(t, fd, path, true);
	report_layer(layer, ECANCELED, "the host's");
}

static void show_dev(struct tree *t)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC };
	char target[32];

	if (policy_skips(t->policy, LAYER_DEV)) {
		show_host(t, "/dev", LAYER_DEV);
		return;
	}
	tree_show(t, t->fixed, "dev", "/dev", true);
	for (size_t i = 0; i < DEVICE_COUNT && !sources_have_nodes(); i++) {
		snprintf(target, sizeof(target), "/dev/%s", device_names[i]);
		if (mount_setattr(sources.devices[i], "", AT_EMPTY_PATH, &attr, sizeof(attr)))
			fail("protect %s", target);
		tree_attach(t, sources.devices[i], target, false);
	}
	tree_show(t, t->holder, "shm", "/dev/shm", true);
	report_layer(LAYER_DEV, 0, "null, zero, full, random, urandom, shm; no terminal");
}

static void show_sys(struct tree *t)
{
	if (policy_skips(t->policy, LAYER_SYS)) {
		show_host(t, "/sys", LAYER_SYS);
		return;
	}
	tree_show(t, t->fixed, "sys", "/sys", true);
	report_layer(LAYER_SYS, 0, "no sysfs; the processors' count only");
}

void kernelfs_show(struct tree *t)
{
	show_proc(t);
	show_dev(t);
	show_sys(t);
}
