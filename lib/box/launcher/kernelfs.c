/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc, /dev and /sys.  What would tell one host from another, or lead back to it, is covered by
 * empty files and directories; what could be written is read-only; /dev holds five nodes; /sys is
 * made of the few files that programs look at to count processors.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher.h"

#define SAFE (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

static const char *const hidden[] = {
	"acpi",		 "asound",     "buddyinfo",	"bus",		 "config.gz",  "consoles",
	"crypto",	 "devices",    "diskstats",	"dma",		 "driver",     "execdomains",
	"fb",		 "fs",	       "interrupts",	"iomem",	 "ioports",    "irq",
	"kallsyms",	 "kcore",      "key-users",	"keys",		 "kmsg",       "kpagecgroup",
	"kpagecount",	 "kpageflags", "latency_stats", "locks",	 "misc",       "modules",
	"mtrr",		 "pagetypeinfo", "partitions",	"pressure",	 "sched_debug", "schedstat",
	"scsi",		 "slabinfo",   "softirqs",	"swaps",	 "sysrq-trigger", "timer_list",
	"timer_stats",	 "tty",	       "vmallocinfo",	"zoneinfo",
};

static int open_beneath(int dir, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

static unsigned hide(struct tree *t, int proc)
{
	unsigned count = 0;

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		int place = open_beneath(proc, hidden[i]);
		struct stat st;

		if (place < 0 || fstat(place, &st)) {
			if (place >= 0)
				close(place);
			continue;
		}
		tree_attach(tree_clone(t->holder, S_ISDIR(st.st_mode) ? "empty" : "files/empty",
				       MOUNT_ATTR_RDONLY | SAFE),
			    place, hidden[i]);
		count++;
	}
	return count;
}

static void protect_sysctls(int proc)
{
	int place = open_beneath(proc, "sys");

	if (place < 0)
		fail("open /proc/sys");
	tree_attach(tree_clone(place, "", MOUNT_ATTR_RDONLY | SAFE | MOUNT_ATTR_NOEXEC),
		    open_beneath(proc, "sys"), "/proc/sys");
	close(place);
}

/* In a container whose own /proc is masked the kernel refuses a new one. */
static int mount_proc(void)
{
	int fs = fsopen("proc", FSOPEN_CLOEXEC), proc;

	if (fs < 0)
		return -1;
	proc = fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0)
		       ? -1
		       : fsmount(fs, FSMOUNT_CLOEXEC, SAFE | MOUNT_ATTR_NOEXEC);
	close(fs);
	return proc;
}

void kernelfs_mount(struct tree *t)
{
	int empty = openat(t->holder, "files/empty", O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
	int proc = mount_proc(), place;
	unsigned count;

	if (empty < 0)
		fail("holder: empty file");
	close(empty);
	if (proc < 0) {
		report_layer(LAYER_PROC, errno, "no /proc in the box");
	} else {
		place = tree_place(t, "/proc", true);
		if (move_mount(proc, "", place, "",
			       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
			fail("mount /proc");
		close(place);
		count = 0;
		if (!policy_skips(t->policy, LAYER_PROC)) {
			protect_sysctls(proc);
			count = hide(t, proc);
		}
		close(proc);
		report_layer(LAYER_PROC, count ? 0 : EPERM, "%u entries covered, sysctls read-only",
			     count);
	}
	tree_show(t, "sys", "/sys", SAFE);
}

/* The places in /sys are made by the files that go there, so it is closed last. */
void kernelfs_close_sys(struct tree *t)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	int sys = tree_place(t, "/sys", true);

	if (mount_setattr(sys, "", AT_EMPTY_PATH, &attr, sizeof(attr)))
		fail("make /sys read-only");
	close(sys);
	report_layer(LAYER_SYS, 0, "no sysfs; the processors' count only");
}

static void link_in(int dir, const char *name, const char *target)
{
	if (symlinkat(target, dir, name))
		fail("make /dev/%s", name);
}

void kernelfs_dev(struct tree *t)
{
	int dev = openat(t->holder, "dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dev < 0 || mkdirat(dev, "shm", 01777))
		fail("holder: dev");
	for (size_t i = 0; i < DEVICE_COUNT; i++)
		if (mknodat(dev, device_names[i], S_IFREG | 0666, 0))
			fail("make /dev/%s", device_names[i]);
	link_in(dev, "fd", "/proc/self/fd");
	link_in(dev, "stdin", "/proc/self/fd/0");
	link_in(dev, "stdout", "/proc/self/fd/1");
	link_in(dev, "stderr", "/proc/self/fd/2");
	close(dev);
	tree_show(t, "dev", "/dev", MOUNT_ATTR_RDONLY | SAFE);
	for (size_t i = 0; i < DEVICE_COUNT; i++) {
		struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC };
		char target[32];

		snprintf(target, sizeof(target), "/dev/%s", device_names[i]);
		if (mount_setattr(t->devices[i], "", AT_EMPTY_PATH, &attr, sizeof(attr)))
			fail("protect %s", target);
		tree_attach(t->devices[i], tree_place(t, target, false), target);
	}
	tree_show(t, "shm", "/dev/shm", SAFE | MOUNT_ATTR_NOEXEC);
	report_layer(LAYER_DEV, 0, "null, zero, full, random, urandom, shm; no terminal");
}
