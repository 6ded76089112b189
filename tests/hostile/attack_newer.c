/* SPDX-License-Identifier: Apache-2.0 */
/* What newer kernels brought, and ways around what older ones refuse: each by a door of its own. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attack.h"

#define FIRST_NEWER 424 /* pidfd_send_signal, of Linux 5.1 */
#define LAST_NEWER 560

/* Allowed, since builds use them: pidfds, close_range, openat2, faccessat2, epoll_pwait2, Landlock, futex_waitv;
 * and clone3, which is never let through and tried elsewhere. */
static bool is_known(long number)
{
	static const short known[] = { 424, 434, 435, 436, 437, 439, 441, 444, 445, 446, 449 };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i] == number)
			return true;
	return false;
}

/* Every call that came since, by number: listmount and open_tree_attr as well as what nobody has heard of yet.
 * Arguments that no call takes: an errno of the call's own counts as having got there. */
void attack_newer_calls(void)
{
	char what[64];

	for (long number = FIRST_NEWER; number <= LAST_NEWER; number++) {
		if (is_known(number))
			continue;
		snprintf(what, sizeof(what), "system call %ld", number);
		note(syscall(number, -1L, -1L, -1L, -1L, -1L, -1L) >= 0 || (errno != EPERM && errno != ENOSYS), what);
	}
	/* statmount and listmount need no right: what is mounted where on the host would show */
	try_call("map_shadow_stack", syscall(453, 0L, 4096L, 0L));
	try_call("modify_ldt", syscall(SYS_modify_ldt, 0, NULL, 0));
	try_call("ioperm", syscall(SYS_ioperm, 0x80, 1, 1));
	try_call("personality that executes what it reads", personality(READ_IMPLIES_EXEC));
}

/* A number beyond those that ask about files and terminals must not reach a file system or a namespace. */
void attack_ioctls(void)
{
	static const struct {
		const char *name;
		unsigned long request;
	} requests[] = {
		{ "freeze the file system", FIFREEZE },
		{ "thaw the file system", FITHAW },
		{ "trim the file system", FITRIM },
		{ "block numbers", FIBMAP },
		{ "a key for encryption", 0xc0506617 },
		{ "verity", 0x40806685 },
		{ "a subvolume of btrfs", 0x5000940e },
		{ "paths of btrfs", 0xd0009412 },
		{ "the parent of a namespace", 0xb702 },
		{ "the owner of a namespace", 0xb704 },
		{ "the mounts of a namespace", 0x8010b70a },
		{ "entropy", 0x40085203 },
	};
	static const char *const files[] = { "/usr", "/build/job", "/proc/self/ns/user", "/proc/self/ns/mnt",
					     "/dev/urandom", "/attack" };
	char buffer[8192] = "", what[128];

	for (size_t f = 0; f < sizeof(files) / sizeof(files[0]); f++) {
		int fd = open(files[f], O_RDONLY);

		for (size_t i = 0; fd >= 0 && i < sizeof(requests) / sizeof(requests[0]); i++) {
			snprintf(what, sizeof(what), "%s, by %s", requests[i].name, files[f]);
			note(ioctl(fd, requests[i].request, buffer) >= 0 || errno != ENOTTY, what);
		}
		close(fd);
	}
}

void attack_prctl(void)
{
	struct rlimit more = { 1 << 20, 1 << 20 }, old;

	try_call("an ambient capability", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0));
	try_call("securebits", prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
	try_call("drop what is not there", prctl(PR_CAPBSET_DROP, 21, 0, 0, 0));
	try_call("another program's file", prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, open("/bin/true", O_RDONLY), 0, 0));
	try_call("memory for writing back", prctl(57, 1, 0, 0, 0)); /* PR_SET_IO_FLUSHER */
	try_call("a core of one's own", prctl(62, 1, 1, 0, 0));     /* PR_SCHED_CORE of process 1 */
	note(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0, "new privileges again");
	try_call("limits of process 1", syscall(SYS_prlimit64, 1, RLIMIT_NOFILE, &more, &old));
	try_call("more descriptors", setrlimit(RLIMIT_NOFILE, &more));
	try_call("a core limit", setrlimit(RLIMIT_CORE, &more));
}

static void try_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	note(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
	if (fd >= 0)
		close(fd);
}

/* Files of processes that say who somebody is, or what may be done to it. */
void attack_process_files(void)
{
	static const char *const own[] = { "uid_map", "gid_map", "timens_offsets" };
	static const char *const init[] = { "uid_map", "setgroups", "coredump_filter", "comm",
					    "clear_refs", "autogroup", "timerslack_ns", "attr/current" };
	char path[64];
	struct stat st;

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		snprintf(path, sizeof(path), "/proc/self/%s", own[i]);
		try_write(path, "0 0 1");
	}
	/* where there is one id, process 1 of a runtime's box is ours to rename: docs/threat-model.md */
	for (size_t i = 0; i < sizeof(init) / sizeof(init[0]) && stat("/proc/1", &st) == 0 && st.st_uid != getuid(); i++) {
		snprintf(path, sizeof(path), "/proc/1/%s", init[i]);
		try_write(path, "0");
	}
	try_write("/proc/self/oom_score_adj", "-1");
	try_write("/proc/thread-self/setgroups", "allow");
	try_call("process 1's tasks", open("/proc/1/task/1/mem", O_RDWR));
	try_call("a file of process 1's map", open("/proc/1/map_files/400000-401000", O_RDONLY));
	/* whoever has its id may open them, and nobody may read */
	note(read(open("/proc/1/syscall", O_RDONLY), path, sizeof(path)) > 0, "what process 1 waits in");
	note(read(open("/proc/1/stack", O_RDONLY), path, sizeof(path)) > 0, "process 1's stack");
}

/* A job that was given one processor takes no other. */
void attack_affinity(void)
{
	cpu_set_t all, have;

	memset(&all, 0xff, sizeof(all));
	sched_setaffinity(0, sizeof(all), &all);
	CPU_ZERO(&have);
	sched_getaffinity(0, sizeof(have), &have);
	note(CPU_COUNT(&have) != 1, "more processors");
}

/* Pools of the whole host, which no limit of a job counts: pages set aside, and contexts of asynchronous I/O. */
void attack_pools(void)
{
	unsigned long context = 0;
	void *page = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	note(page != MAP_FAILED, "a huge page");
	try_call("a file of huge pages", memfd_create("x", MFD_HUGETLB));
	try_call("a segment of huge pages", shmget(IPC_PRIVATE, 2 << 20, IPC_CREAT | SHM_HUGETLB | 0600));
	try_call("io_setup", syscall(SYS_io_setup, 1024, &context));
}

static void survive(int how)
{
	static char name[] = "sleep", time[] = "4242.4242";
	char *const argv[] = { name, time, NULL };
	sigset_t every;

	setsid();
	sigfillset(&every);
	sigprocmask(SIG_BLOCK, &every, NULL);
	if (fork())
		_exit(0);
	/* a parent that waits for its child to go on cannot be woken by much */
	if (how == 1 && vfork() > 0)
		_exit(0);
	if (how == 2 && fork() == 0) {
		usleep(1000);
		kill(getppid(), SIGSTOP);
	}
	if (how == 3)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	execv("/bin/sleep", argv);
	_exit(1);
}

/* Stopped, never to be woken, reparented: all gone before anything is collected. */
void attack_survivors(void)
{
	for (int how = 0; how < 4; how++)
		if (fork() == 0)
			survive(how);
	usleep(50000);
}

/* Attributes are memory of the kernel's, kept with a file of the disk. */
void attack_xattr_flood(void)
{
	char *value = calloc(1, 60000), name[32];
	int count = 0;

	close(open("many", O_CREAT | O_WRONLY, 0600));
	for (; count < 20000; count++) {
		snprintf(name, sizeof(name), "user.%d", count);
		if (setxattr("many", name, value, 60000, 0))
			break;
	}
	note(count > 2000, "more in attributes than the disk holds");
	free(value);
}

static bool send_descriptor(int to, int what)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	char byte = 0;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &what, sizeof(int));
	return sendmsg(to, &message, MSG_DONTWAIT) >= 0;
}

/* Sockets that hold each other, and no process any of them: only the kernel's collector finds them. */
void attack_flight(void)
{
	int count = 0;

	for (; count < 100000; count++) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
			break;
		if (!send_descriptor(pair[0], pair[1]) || !send_descriptor(pair[1], pair[0]))
			count = 100000;
		close(pair[0]);
		close(pair[1]);
	}
}
