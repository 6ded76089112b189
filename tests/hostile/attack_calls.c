/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that a build has no use for, and what of the host can be told from inside. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attack.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif

/* Each is refused before the kernel looks at its arguments, which are chosen so that it would not be
 * for their sake: an errno of the call itself counts as having got there. */
void attack_calls(void)
{
	static const struct {
		const char *name;
		long number;
		long args[3];
	} calls[] = {
		{ "kcmp", SYS_kcmp, { 1, 1, 0 } },
		{ "fanotify_init", SYS_fanotify_init, { 0, O_RDONLY, 0 } },
		{ "process_madvise", SYS_process_madvise, { -1, 0, 0 } },
		{ "process_mrelease", SYS_process_mrelease, { -1, 0, 0 } },
		{ "memfd_secret", SYS_memfd_secret, { 0, 0, 0 } },
		{ "quotactl", SYS_quotactl, { 0, 0, 0 } },
		{ "swapon", SYS_swapon, { (long)"/x", 0, 0 } },
		{ "move_pages", SYS_move_pages, { 0, 0, 0 } },
		{ "migrate_pages", SYS_migrate_pages, { 0, 0, 0 } },
		{ "vhangup", SYS_vhangup, { 0, 0, 0 } },
		{ "pidfd_getfd", SYS_pidfd_getfd, { -1, 0, 0 } },
		{ "io_uring_register", SYS_io_uring_register, { -1, 0, 0 } },
		{ "fspick", SYS_fspick, { AT_FDCWD, (long)"/", 0 } },
		{ "fsconfig", SYS_fsconfig, { -1, 0, 0 } },
		{ "fsmount", SYS_fsmount, { -1, 0, 0 } },
		{ "settimeofday", SYS_settimeofday, { 0, 0, 0 } },
		{ "clock_adjtime", SYS_clock_adjtime, { 0, 0, 0 } },
		{ "unshare time", SYS_unshare, { 0x80, 0, 0 } },
		{ "unshare cgroup", SYS_unshare, { CLONE_NEWCGROUP, 0, 0 } },
		{ "delete_module", SYS_delete_module, { (long)"x", 0, 0 } },
		{ "a call without a number", 999, { 0, 0, 0 } },
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		long rc = syscall(calls[i].number, calls[i].args[0], calls[i].args[1], calls[i].args[2], 0, 0);

		note(rc >= 0 || (errno != EPERM && errno != ENOSYS), calls[i].name);
	}
}

/* CVE-2015-1335's and "shocker"'s way: a file by its inode number, past every mount. */
void attack_handles(void)
{
	struct {
		struct file_handle handle;
		uint64_t inode, generation;
	} root = { .handle = { .handle_bytes = 8, .handle_type = 1 }, .inode = 2 };
	int mount;

	try_call("name_to_handle_at", name_to_handle_at(AT_FDCWD, "/", &root.handle, &mount, 0));
	try_call("open_by_handle_at", open_by_handle_at(AT_FDCWD, &root.handle, O_RDONLY));
}

/* The harness has a key in its session keyring, which whoever is in that session possesses. */
void attack_host_key(void)
{
	char secret[64];
	long key = syscall(SYS_keyctl, 10, -3, "user", "assay-hostile-secret", 0);

	note(key >= 0, "find a key of the host's session");
	if (key >= 0)
		note(syscall(SYS_keyctl, 11, key, secret, sizeof(secret)) > 0, "read it");
}

/* The harness holds a lock on this very file. */
void attack_locks(void)
{
	int fd = open("/attack", O_RDONLY);

	note(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK,
	     "a lock of the host shows");
}

/* HOST_PATH: a directory of the host that inputs come from. */
void attack_paths(void)
{
	static const char *const files[] = { "/proc/self/mountinfo", "/proc/mounts", "/proc/self/maps",
					     "/proc/1/mountinfo" };
	const char *path = getenv("HOST_PATH");

	note(!path, "no path to look for");
	for (size_t i = 0; path && i < sizeof(files) / sizeof(files[0]); i++)
		note(mentions(files[i], path), files[i]);
	note(access("/sys/kernel", F_OK) == 0, "the kernel's own /sys");
	note(mentions("/proc/self/uid_map", "4294967295"), "all ids of the host are mapped");
}

/* An immutable file would outlive its directory's removal. */
void attack_file_flags(void)
{
	int fd = open("fixed", O_CREAT | O_RDWR, 0600), flags = FS_IMMUTABLE_FL;

	try_call("make a file immutable", ioctl(fd, FS_IOC_SETFLAGS, &flags));
	flags = FS_APPEND_FL;
	try_call("make a file append-only", ioctl(fd, FS_IOC_SETFLAGS, &flags));
}

/* What would give a file rights, or change what an overlay shows. */
void attack_xattrs(void)
{
	/* linux/capability.h: version 2 with the effective bit, and CAP_SYS_ADMIN in both sets */
	static const unsigned char rights[20] = { 1, 0, 0, 2, 0, 0, 0x20, 0, 0, 0, 0x20 };
	static const char *const names[] = { "security.capability", "trusted.overlay.opaque", "security.ima",
					     "security.evm" };

	close(open("attributes", O_CREAT | O_WRONLY, 0700));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		try_call(names[i], setxattr("attributes", names[i], rights, sizeof(rights), 0));
	try_call("an attribute of the environment", setxattr("/usr", "user.x", "x", 1, 0));
	try_call("an attribute of the root", setxattr("/", "user.x", "x", 1, 0));
}
