/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Process 1 of a box that an OCI runtime made.  What the runtime was asked for is looked at from the
 * inside, and what it has no words for (Landlock, a filter whose refusals are recorded, socket
 * families) is added, before the command runs.  A layer that does not hold is reported as missing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "launcher.h"

static const struct wire_policy *read_policy(void)
{
	static const char *const files[] = { WIRE_INSIDE "/policy", WIRE_INSIDE "/init" };
	const struct wire_policy *p;
	int fd = open(files[0], O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail("policy: open");
	p = policy_map(fd);
	close(fd);
	/* nothing of ours stays for the command to see */
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (unlink(files[i]))
			fail("remove %s", files[i]);
	if (rmdir(WIRE_INSIDE))
		fail("remove " WIRE_INSIDE);
	return p;
}

/* A runtime that passes no descriptors but 0 to 2 gave us the report's as 2. */
static void take_descriptors(bool stdio)
{
	if (stdio && (dup2(2, WIRE_REPORT_FD) < 0 || dup2(1, 2) < 0))
		_exit(125);
	if (fcntl(WIRE_REPORT_FD, F_SETFD, FD_CLOEXEC))
		_exit(125);
	close(WIRE_POLICY_FD);
}

static void probe_namespace(const struct wire_policy *p, enum wire_layer layer, unsigned which)
{
	static const char *const names[] = WIRE_NAMESPACE_NAMES;
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", names[which]);
	if (stat(path, &st))
		report_layer(layer, errno, "%s cannot be read", path);
	else
		report_layer(layer, st.st_ino == p->namespaces[which] ? EPERM : 0,
			     st.st_ino == p->namespaces[which] ? "that of the host" : "not that of the host");
}

static void probe_names(const struct wire_policy *p)
{
	struct utsname names;

	probe_namespace(p, LAYER_UTSNS, 4);
	if (uname(&names) || strcmp(names.nodename, policy_text(p, p->hostname)) != 0)
		report_layer(LAYER_UTSNS, EPERM, "another host name");
}

static void probe_root(void)
{
	int fd = open("/.assay-probe", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct statvfs fs;
	/* EACCES alone would only say who owns it */
	bool read_only = fd < 0 && (errno == EROFS ||
				    (statvfs("/", &fs) == 0 && fs.f_flag & ST_RDONLY));

	report_layer(LAYER_ROOT, read_only ? 0 : EPERM,
		     read_only ? "mounted read-only" : "mounted writable");
}

static bool is_empty(const char *path)
{
	DIR *dir = opendir(path);
	unsigned entries = 0;

	while (dir && readdir(dir))
		entries++;
	if (dir)
		closedir(dir);
	return entries <= 2;
}

/* Nothing of the kernel's own /proc but processes, links to what is in their directories, and what belongs
 * to the box's own namespaces: the rest lies on another file system, or is empty. */
static bool is_covered(const char *name)
{
	static const char *const shown[] = WIRE_PROC_SHOWN;
	char path[300], byte;
	struct statfs fs;
	struct stat st;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s", name);
	if (lstat(path, &st) || S_ISLNK(st.st_mode) || (name[0] >= '0' && name[0] <= '9'))
		return true;
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (strcmp(name, shown[i]) == 0)
			return true;
	if (statfs(path, &fs) == 0 && fs.f_type != PROC_SUPER_MAGIC)
		return true;
	if (S_ISDIR(st.st_mode))
		return is_empty(path);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return true;
	got = read(fd, &byte, 1);
	close(fd);
	return got <= 0;
}

static void probe_proc(void)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	struct statvfs fs;
	unsigned count = 0;

	if (statvfs("/proc/sys", &fs) || !(fs.f_flag & ST_RDONLY)) {
		report_layer(LAYER_PROC, EPERM, "/proc/sys is not read-only");
		return;
	}
	for (; dir && (entry = readdir(dir)); count++)
		if (!is_covered(entry->d_name)) {
			report_layer(LAYER_PROC, EPERM, "/proc/%.100s can be read", entry->d_name);
			closedir(dir);
			return;
		}
	closedir(dir);
	report_layer(LAYER_PROC, count ? 0 : EPERM, "%u entries looked at, sysctls read-only", count);
}

static bool is_known_node(const char *name)
{
	static const char *const others[] = { ".", "..", "fd", "shm", "stdin", "stdout", "stderr" };

	for (size_t i = 0; i < DEVICE_COUNT; i++)
		if (strcmp(name, device_names[i]) == 0)
			return true;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(name, others[i]) == 0)
			return true;
	return false;
}

static void probe_dev(void)
{
	DIR *dir = opendir("/dev");
	const struct dirent *entry;

	if (!dir) {
		report_layer(LAYER_DEV, errno, "/dev cannot be read");
		return;
	}
	while ((entry = readdir(dir)))
		if (!is_known_node(entry->d_name)) {
			report_layer(LAYER_DEV, EPERM, "/dev/%.64s is there", entry->d_name);
			closedir(dir);
			return;
		}
	closedir(dir);
	report_layer(LAYER_DEV, 0, "null, zero, full, random, urandom, shm; no terminal");
}

static void probe_sys(void)
{
	struct statfs fs;
	struct statvfs flags;

	if (statfs("/sys", &fs) || statvfs("/sys", &flags))
		report_layer(LAYER_SYS, errno, "/sys cannot be looked at");
	else if (fs.f_type == SYSFS_MAGIC || !(flags.f_flag & ST_RDONLY) || access("/sys/kernel", F_OK) == 0)
		report_layer(LAYER_SYS, EPERM, "the kernel's own");
	else
		report_layer(LAYER_SYS, 0, "no sysfs; the processors' count only");
}

static void probe(const struct wire_policy *p)
{
	probe_namespace(p, LAYER_PIDNS, 0);
	if (getpid() != 1)
		report_layer(LAYER_PIDNS, EPERM, "the box's init is not process 1");
	probe_namespace(p, LAYER_IPCNS, 1);
	probe_namespace(p, LAYER_NETNS, 2);
	probe_namespace(p, LAYER_CGROUPNS, 3);
	probe_names(p);
	probe_root();
	probe_proc();
	probe_dev();
	probe_sys();
}

static void write_map(const char *name, uint32_t inside)
{
	char path[32], text[32];
	int fd, len;

	snprintf(path, sizeof(path), "/proc/self/%s", name);
	len = snprintf(text, sizeof(text), "%u 0 1", inside);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, (size_t)len) != len)
		fail("write %s", path);
	close(fd);
}

/* With one id only it was root's until now. */
static void become_named(const struct wire_policy *p)
{
	if (ids_owner(p, p->uid) == p->uid)
		return;
	if (unshare(CLONE_NEWUSER))
		fail("a user namespace for the command's id");
	write_map("uid_map", p->uid);
	write_map("gid_map", p->gid);
}

void inside_main(void)
{
	struct stat st;
	const struct wire_policy *p;
	pid_t command;

	take_descriptors(fstat(WIRE_REPORT_FD, &st) != 0);
	prctl(PR_SET_DUMPABLE, 1);
	prctl(PR_SET_NAME, "assay-init");
	p = read_policy();
	go_flags = p->flags;
	probe(p);
	become_named(p);
	/* from here on not to be read or traced by the command, whose user is ours */
	prctl(PR_SET_DUMPABLE, 0);
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
	init_reap(command);
}
