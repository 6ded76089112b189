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
#define BLANK_FILE "blank"
#define BLANK_DIRECTORY "empty"

/* What stays as it is: of the box's namespaces, or what uname(2) says as well. */
static const char *const shown[] = { ".", "..", "sysvipc", "version" };

static int make_parents(int dir, char *path)
{
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdirat(dir, path, 0755) && errno != EEXIST)
			return -1;
		*slash = '/';
	}
	return 0;
}

/* path: absolute inside the box. */
static void write_file(int dir, const char *path, const char *content, size_t size)
{
	size_t len = strlen(path);
	char below[256];
	int fd;

	snprintf(below, sizeof(below), "%s", path + 1);
	if (path[len - 1] == '/') {
		if (make_parents(dir, below))
			fail("directory for %.120s", path);
		return;
	}
	fd = openat(dir, below, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (fd < 0 && errno == ENOENT && make_parents(dir, below) == 0)
		fd = openat(dir, below, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (fd < 0 || (size && write(fd, content, size) != (ssize_t)size))
		fail("file for %.120s", path);
	close(fd);
}

static void write_dev(int dir)
{
	static const char *const links[][2] = {
		{ "dev/fd", "/proc/self/fd" },
		{ "dev/stdin", "/proc/self/fd/0" },
		{ "dev/stdout", "/proc/self/fd/1" },
		{ "dev/stderr", "/proc/self/fd/2" },
	};
	char path[32];

	if (mkdirat(dir, "dev", 0755) || mkdirat(dir, "dev/shm", 0755))
		fail("make /dev");
	for (size_t i = 0; i < DEVICE_COUNT; i++) {
		snprintf(path, sizeof(path), "dev/%s", device_names[i]);
		if (mknodat(dir, path, S_IFREG | 0666, 0))
			fail("make /%s", path);
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlinkat(links[i][1], dir, links[i][0]))
			fail("make /%s", links[i][0]);
}

void kernelfs_write(const struct wire_policy *p, int dir)
{
	write_file(dir, "/" BLANK_FILE, "", 0);
	if (mkdirat(dir, BLANK_DIRECTORY, 0555))
		fail("make a blank directory");
	write_dev(dir);
	for (uint32_t i = 0; i < p->file_count; i++) {
		const struct wire_file *file = &p->files[i];

		write_file(dir, policy_text(p, file->target), p->data + file->content, file->size);
	}
}

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

/* Whether some fixed file is /proc/NAME or lies below it. */
static bool is_fixed(const struct wire_policy *p, const char *name)
{
	size_t len = strlen(name);

	for (uint32_t i = 0; i < p->file_count; i++) {
		const char *target = policy_text(p, p->files[i].target);

		if (strncmp(target, "/proc/", 6) == 0 && strncmp(target + 6, name, len) == 0 &&
		    (target[6 + len] == '\0' || target[6 + len] == '/'))
			return true;
	}
	return false;
}

/* with: an absolute path, in the holder that lies over the host's /proc.  The covered names are the
 * kernel's own, and no link is among them. */
static void cover(const char *name, const char *with)
{
	/* an entry that cannot be covered would stay visible: then there is no box */
	if (mount(with, name, NULL, MS_BIND, NULL))
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
			char fixed[300];

			at += entry->reclen;
			/* links lead to what is in the processes' directories */
			if (entry->type == DT_LNK || is_shown(entry->name))
				continue;
			snprintf(fixed, sizeof(fixed), FIXED "proc/%s", entry->name);
			cover(entry->name, is_fixed(t->policy, entry->name) ? fixed
					   : entry->type == DT_DIR	    ? FIXED BLANK_DIRECTORY
									    : FIXED BLANK_FILE);
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

static void show_dev(struct tree *t)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC };
	char target[32];

	tree_show(t, t->fixed, "dev", "/dev", true);
	for (size_t i = 0; i < DEVICE_COUNT; i++) {
		snprintf(target, sizeof(target), "/dev/%s", device_names[i]);
		if (mount_setattr(sources.devices[i], "", AT_EMPTY_PATH, &attr, sizeof(attr)))
			fail("protect %s", target);
		tree_attach(t, sources.devices[i], target, false);
	}
	tree_show(t, t->holder, "shm", "/dev/shm", true);
	report_layer(LAYER_DEV, 0, "null, zero, full, random, urandom, shm; no terminal");
}

void kernelfs_show(struct tree *t)
{
	show_proc(t);
	show_dev(t);
	tree_show(t, t->fixed, "sys", "/sys", true);
	report_layer(LAYER_SYS, 0, "no sysfs; the processors' count only");
}
