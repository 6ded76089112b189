/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attack NAME: one thing that a build must not be able to do, tried from the inside.  Exit status 0
 * means that it was refused or had no effect; 1 that it worked, and what; 2 that the name is unknown.
 * Every attempt is harmless where it succeeds.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <linux/filter.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attack.h"

static int worked;

void note(bool succeeded, const char *what)
{
	if (!succeeded)
		return;
	printf("worked: %s\n", what);
	worked = 1;
}

void try_call(const char *what, long result)
{
	note(result >= 0, what);
}

static void attack_ptrace(void)
{
	try_call("trace process 1", ptrace(PTRACE_ATTACH, 1, NULL, NULL));
	try_call("seize process 1", ptrace(PTRACE_SEIZE, 1, NULL, NULL));
	try_call("be traced", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static void attack_memory_of_init(void)
{
	char byte = 0;
	struct iovec here = { &byte, 1 }, there = { (void *)0x400000, 1 };
	int pidfd = (int)syscall(SYS_pidfd_open, 1, 0);

	try_call("process_vm_readv", process_vm_readv(1, &here, 1, &there, 1, 0));
	try_call("process_vm_writev", process_vm_writev(1, &here, 1, &there, 1, 0));
	try_call("pidfd_getfd", syscall(SYS_pidfd_getfd, pidfd, 0, 0));
	try_call("open /proc/1/mem", open("/proc/1/mem", O_RDWR));
	try_call("open /proc/1/environ", open("/proc/1/environ", O_RDONLY));
	try_call("open /proc/1/exe", open("/proc/1/exe", O_RDONLY));
	for (int fd = 0; fd < 16; fd++) {
		char path[32], target[64];

		snprintf(path, sizeof(path), "/proc/1/fd/%d", fd);
		try_call("open a descriptor of process 1", open(path, O_RDONLY));
		try_call("see a descriptor of process 1", readlink(path, target, sizeof(target)));
	}
	try_call("open /proc/1/root", open("/proc/1/root/etc", O_RDONLY));
}

static void attack_signals(void)
{
	pid_t child = fork();

	if (child == 0) {
		pause();
		_exit(0);
	}
	kill(-1, SIGSTOP);
	kill(-1, SIGKILL);
	for (int pid = 1; pid < 70000; pid++)
		if (pid != getpid()) {
			kill(pid, SIGSTOP);
			kill(pid, SIGKILL);
		}
	/* the launcher is above all that can be named */
	note(getppid() > 1, "a parent other than process 1");
	note(kill(1, 0) && errno == ESRCH, "process 1 is gone");
}

static void attack_keyrings(void)
{
	try_call("add_key", syscall(SYS_add_key, "user", "assay-hostile", "x", 1, -3));
	try_call("request_key", syscall(SYS_request_key, "user", "assay-hostile", NULL, -3));
	try_call("keyctl", syscall(SYS_keyctl, 0, -3, 0));
}

static void attack_kernel_engines(void)
{
	char zero[128] = { 0 };

	try_call("bpf", syscall(SYS_bpf, 0, zero, sizeof(zero)));
	try_call("perf_event_open", syscall(SYS_perf_event_open, zero, 0, -1, -1, 0));
	try_call("userfaultfd", syscall(SYS_userfaultfd, 1));
	try_call("io_uring_setup", syscall(SYS_io_uring_setup, 1, zero));
}

static void attack_mounts(void)
{
	try_call("mount tmpfs", mount("x", "/tmp", "tmpfs", 0, NULL));
	try_call("bind mount", mount("/tmp", "/build/job", NULL, MS_BIND, NULL));
	try_call("remount", mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
	try_call("umount /proc/sys", umount2("/proc/sys", MNT_DETACH));
	try_call("umount /", umount2("/", MNT_DETACH));
	try_call("pivot_root", syscall(SYS_pivot_root, "/tmp", "/tmp"));
	try_call("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/", 1));
	try_call("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
	try_call("move_mount", syscall(SYS_move_mount, AT_FDCWD, "/tmp", AT_FDCWD, "/tmp", 0));
	try_call("mount_setattr", syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, "", 0));
	try_call("chroot", chroot("/tmp"));
}

static void attack_namespaces(void)
{
	uint64_t args[11] = { CLONE_NEWUSER, 0, 0, 0, SIGCHLD };
	int ns = open("/proc/self/ns/net", O_RDONLY);
	long pid;

	try_call("unshare user", unshare(CLONE_NEWUSER));
	try_call("unshare mount", unshare(CLONE_NEWNS));
	pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		_exit(0);
	try_call("clone user", pid);
	pid = syscall(SYS_clone3, args, sizeof(args));
	if (pid == 0)
		_exit(0);
	try_call("clone3 user", pid);
	try_call("setns", setns(ns, 0));
	try_call("setns of process 1", setns(open("/proc/1/ns/mnt", O_RDONLY), 0));
	try_call("setns by pidfd", setns((int)syscall(SYS_pidfd_open, 1, 0), CLONE_NEWNS));
}

static void attack_sysctls(void)
{
	static const char *const paths[] = {
		"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe",
		"/proc/sys/kernel/hostname",	 "/proc/sys/vm/drop_caches",
		"/proc/sys/vm/overcommit_memory", "/proc/sys/fs/binfmt_misc/register",
		"/proc/sysrq-trigger",		 "/proc/sys/net/ipv4/ip_forward",
		"/proc/sys/kernel/ns_last_pid",	 "/sys/kernel/uevent_helper",
		"/sys/fs/cgroup/release_agent",
	};
	struct statvfs fs;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		try_call(paths[i], open(paths[i], O_WRONLY));
	note(statvfs("/proc/sys", &fs) == 0 && !(fs.f_flag & ST_RDONLY), "/proc/sys is writable");
}

static void attack_root(void)
{
	static const char *const places[] = { "/", "/usr", "/etc", "/dev", "/sys", "/proc/sys" };
	struct statvfs fs;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		note(statvfs(places[i], &fs) == 0 && !(fs.f_flag & ST_RDONLY), places[i]);
	try_call("link a file of the store", link("/usr/bin/env", "/build/job/env"));
	try_call("write a file of the store", open("/usr/bin/env", O_WRONLY));
}

static void attack_priorities(void)
{
	struct sched_param realtime = { .sched_priority = 1 };

	try_call("nice -20", setpriority(PRIO_PROCESS, 0, -20));
	try_call("SCHED_FIFO", sched_setscheduler(0, SCHED_FIFO, &realtime));
	try_call("ioprio realtime", syscall(SYS_ioprio_set, 1, 0, 1 << 13));
	note(write(open("/proc/self/oom_score_adj", O_WRONLY), "-1000", 5) == 5, "never to be killed");
}

static void attack_clock(void)
{
	struct timespec now = { 0, 0 };
	struct timex adjust = { .modes = ADJ_OFFSET };

	clock_gettime(CLOCK_REALTIME, &now);
	try_call("clock_settime", clock_settime(CLOCK_REALTIME, &now));
	try_call("adjtimex", adjtimex(&adjust));
}

static void attack_machine(void)
{
	try_call("sethostname", sethostname("owned", 5));
	try_call("setdomainname", setdomainname("owned", 5));
	/* ctrl-alt-delete off: harmless where it works */
	try_call("reboot", syscall(SYS_reboot, 0xfee1dead, 672274793, 0, NULL));
	try_call("swapoff", syscall(SYS_swapoff, "/nonexistent"));
	try_call("acct", syscall(SYS_acct, NULL));
	try_call("syslog", syscall(SYS_syslog, 3, NULL, 0));
	try_call("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, 0));
	try_call("init_module", syscall(SYS_init_module, "", 0, ""));
	try_call("finit_module", syscall(SYS_finit_module, 0, "", 0));
	try_call("iopl", syscall(SYS_iopl, 3));
}

/* What stands in for a socket of the internet: a unix socket that knows nobody. */
static bool is_decoy(int fd)
{
	socklen_t len = sizeof(int);
	int domain = -1;

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX;
}

static void attack_sockets(void)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET };
	char what[64];

	for (int family = 0; family < 64; family++)
		for (size_t i = 0; family != AF_UNIX && i < sizeof(types) / sizeof(types[0]); i++) {
			int fd = socket(family, types[i], 0);

			snprintf(what, sizeof(what), "socket of family %d", family);
			if (!is_decoy(fd))
				try_call(what, fd);
			if (fd >= 0)
				close(fd);
		}
	/* bits above the register's int must not matter */
	try_call("socket by high bits",
		 syscall(SYS_socket, 0x100000000LL | AF_VSOCK, SOCK_STREAM, 0));
}

/* Whatever a decoy is asked, it leads nowhere; 169.254.169.254 is where clouds keep their secrets. */
static void attack_decoys(void)
{
	struct sockaddr_in inet = { .sin_family = AF_INET, .sin_port = htons(80),
				    .sin_addr.s_addr = htonl(0xa9fea9fe) };
	struct sockaddr_in6 inet6 = { .sin6_family = AF_INET6, .sin6_port = htons(53),
				      .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in resolver = { .sin_family = AF_INET, .sin_port = htons(53),
					.sin_addr.s_addr = htonl(0x08080808) };
	struct sockaddr_un host = { .sun_family = AF_UNIX, .sun_path = "\0assay-hostile" };
	socklen_t host_len = offsetof(struct sockaddr_un, sun_path) + 1 + strlen("assay-hostile");
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM };

	for (size_t i = 0; i < 2; i++) {
		int fd = socket(AF_INET, types[i], 0);
		char byte = 'x';
		struct iovec part = { &byte, 1 };
		struct msghdr message = { .msg_name = &inet6, .msg_namelen = sizeof(inet6),
					  .msg_iov = &part, .msg_iovlen = 1 };

		note(fd >= 0 && !is_decoy(fd), "an internet socket is one");
		try_call("connect", connect(fd, (struct sockaddr *)&inet, sizeof(inet)));
		try_call("bind", bind(fd, (struct sockaddr *)&inet, sizeof(inet)));
		try_call("connect to a resolver", connect(fd, (struct sockaddr *)&resolver, sizeof(resolver)));
		try_call("ask a resolver",
			 sendto(fd, "x", 1, 0, (struct sockaddr *)&resolver, sizeof(resolver)));
		try_call("sendto", sendto(fd, "x", 1, 0, (struct sockaddr *)&inet6, sizeof(inet6)));
		try_call("sendmsg", sendmsg(fd, &message, 0));
		try_call("send", send(fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL));
		try_call("listen", listen(fd, 1));
		try_call("connect to the host's abstract socket",
			 connect(fd, (struct sockaddr *)&host, host_len));
		try_call("send to the host's abstract socket",
			 sendto(fd, "x", 1, 0, (struct sockaddr *)&host, host_len));
		close(fd);
	}
}

bool mentions(const char *path, const char *word)
{
	FILE *file = fopen(path, "r");
	char line[512];
	bool found = false;

	while (file && fgets(line, sizeof(line), file))
		found |= strstr(line, word) != NULL;
	if (file)
		fclose(file);
	return found;
}

/* The harness listens on an abstract name, and has a SysV segment. */
static void attack_rendezvous(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), len;

	len = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "assay-hostile");
	try_call("connect to the host's abstract socket",
		 connect(fd, (struct sockaddr *)&address,
			 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)));
	try_call("find the host's shared memory", shmget(0x61737361, 0, 0));
	note(mentions("/proc/net/unix", "assay-hostile"), "the host's sockets are listed");
}

static void attack_descriptors(void)
{
	char what[64];

	for (int fd = 3; fd < 65536; fd++)
		if (fcntl(fd, F_GETFD) >= 0) {
			snprintf(what, sizeof(what), "descriptor %d is open", fd);
			note(true, what);
		}
	for (int fd = 3; fd < 10; fd++)
		try_call("write to an inherited descriptor", write(fd, "reproducible", 12));
}

static void attack_terminal(void)
{
	char c = 'x';

	try_call("open /dev/tty", open("/dev/tty", O_RDWR));
	try_call("TIOCSTI", ioctl(0, TIOCSTI, &c));
	try_call("TIOCLINUX", ioctl(0, TIOCLINUX, &c));
	/* the kernel drops the high half of the request */
	try_call("TIOCSTI by high bits", syscall(SYS_ioctl, 0, 0x100000000ULL | TIOCSTI, &c));
}

static void attack_devices(void)
{
	static const char *const names[] = { "/dev/kvm", "/dev/mem", "/dev/fuse", "/dev/loop-control",
					     "/dev/vda", "/dev/ptmx", "/dev/net/tun", "/dev/console",
					     "/dev/kmsg", "/dev/vsock", "/dev/rtc0", "/dev/port",
					     "/dev/userfaultfd", "/dev/uinput", "/dev/cpu/0/msr",
					     "/dev/snapshot", "/dev/tpmrm0", "/dev/bus/usb/001/001" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		try_call(names[i], open(names[i], O_RDONLY));
	try_call("mknod of a block device", mknod("/build/job/b", S_IFBLK | 0600, 0xfe00));
	try_call("mknod of a character device", mknod("/build/job/c", S_IFCHR | 0600, 0x103));
	try_call("mknodat", mknodat(AT_FDCWD, "/build/job/d", S_IFCHR | 0600, 0));
}

static void expect_status(const char *name, const char *want)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256], value[128];

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, name, strlen(name)) == 0 &&
		    sscanf(line + strlen(name), ":\t%127s", value) == 1 && strcmp(value, want) != 0) {
			snprintf(line, sizeof(line), "%s is %.100s", name, value);
			note(true, line);
		}
	if (file)
		fclose(file);
}

static void attack_rights(void)
{
	static const char *const sets[] = { "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb" };
	struct rlimit core;

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		expect_status(sets[i], "0000000000000000");
	expect_status("NoNewPrivs", "1");
	expect_status("Seccomp", "2");
	/* 1 is less than any core, and keeps a handler of the host's from being started: core(5) */
	note(getrlimit(RLIMIT_CORE, &core) || core.rlim_max > 1, "a core limit above 1");
	try_call("setuid 0", setuid(0));
	try_call("setgroups", syscall(SYS_setgroups, 1, (const unsigned[]){ 0 }));
	note(getuid() == 0 || geteuid() == 0, "root inside");
}

/* A domain that is there already counts: the kernel stacks 16 of them (landlock(7)). */
static void attack_landlock(void)
{
	uint64_t attr = LANDLOCK_ACCESS_FS_MAKE_CHAR;
	int layers = 0;

	for (; layers < 17; layers++) {
		int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

		if (fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0))
			break;
		close(fd);
	}
	note(layers > 15, "there is no Landlock domain");
}

static void expect_text(const char *path, const char *want)
{
	char have[256] = "";
	int fd = open(path, O_RDONLY);

	if (fd < 0 || read(fd, have, sizeof(have) - 1) < 0)
		return;
	have[strcspn(have, "\n")] = '\0';
	note(strcmp(have, want) != 0, path);
	close(fd);
}

static void refuse_text(const char *path, const char *secret)
{
	char have[256] = "";
	int fd = open(path, O_RDONLY);

	note(!secret, "no secret to look for");
	if (fd < 0 || read(fd, have, sizeof(have) - 1) < 0)
		return;
	close(fd);
	note(secret && strstr(have, secret) != NULL, path);
}

static void attack_identity(void)
{
	static const char *const empty[] = { "/proc/kallsyms", "/proc/config.gz", "/proc/modules",
					     "/proc/interrupts", "/proc/partitions",
					     "/proc/diskstats", "/proc/keys", "/proc/key-users",
					     "/proc/swaps", "/proc/version_signature" };
	struct stat st;
	char name[65] = "";
	cpu_set_t cpus;

	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
		expect_text(empty[i], "");
	expect_text("/proc/cmdline", "");
	refuse_text("/proc/sys/kernel/random/boot_id", getenv("BOOT_ID"));
	gethostname(name, sizeof(name));
	note(strcmp(name, "assay") != 0, "the host's name");
	note(stat("/usr", &st) == 0 && getenv("IDMAPPED") && st.st_uid != 0, "ids are not mapped");
	CPU_ZERO(&cpus);
	sched_getaffinity(0, sizeof(cpus), &cpus);
	note(sysconf(_SC_NPROCESSORS_ONLN) != 1 || CPU_COUNT(&cpus) != 1, "the number of processors");
}

static void attack_cgroup(void)
{
	FILE *file = fopen("/proc/self/cgroup", "r");
	char line[512];

	while (file && fgets(line, sizeof(line), file)) {
		char *path = strrchr(line, ':');

		note(path && strstr(path, "assay-box") != NULL, "the group's name on the host");
	}
	if (file)
		fclose(file);
	try_call("mount cgroup2", mount("x", "/tmp", "cgroup2", 0, NULL));
	try_call("/sys/fs/cgroup", open("/sys/fs/cgroup/cgroup.procs", O_WRONLY));
}

#ifdef __x86_64__
static long by_int80(long number)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(number) : "memory");
	return result;
}

static void dies(const char *what, bool x32)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		/* getpid, which nobody refuses, by the door of another ABI */
		if (x32)
			_exit(syscall(0x40000000 + SYS_getpid) > 0 ? 0 : 1);
		_exit(by_int80(20) > 0 ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	note(WIFEXITED(status) && WEXITSTATUS(status) == 0, what);
}
#endif

static void attack_foreign_abi(void)
{
#ifdef __x86_64__
	dies("a call by int 0x80", false);
	dies("a call of x32", true);
#endif
}

static void attack_seccomp(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { 1, &allow };

	try_call("a second listener",
		 syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			 &program));
	try_call("a second listener for all threads",
		 syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			 SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC |
				 SECCOMP_FILTER_FLAG_TSYNC_ESRCH,
			 &program));
	/* a filter of one's own is fine, and allows nothing new */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0)
		try_call("a socket behind one's own filter", socket(AF_VSOCK, SOCK_STREAM, 0));
}

static void attack_supervisor(void)
{
	for (int i = 0; i < 100000; i++)
		if (syscall(SYS_keyctl, 0, -3, 0) >= 0)
			note(true, "keyctl");
	for (int i = 0; i < 200; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			/* die in the middle of it */
			alarm(0);
			if (fork() == 0) {
				kill(getppid(), SIGKILL);
				_exit(0);
			}
			for (;;)
				socket(AF_INET, SOCK_STREAM, 0);
		}
		waitpid(pid, NULL, 0);
	}
}

static void attack_core(void)
{
	pid_t pid = fork();
	int status = 0;
	DIR *dir;
	struct dirent *entry;

	if (pid == 0)
		abort();
	waitpid(pid, &status, 0);
	note(WCOREDUMP(status), "a core was dumped");
	dir = opendir(".");
	while (dir && (entry = readdir(dir)))
		note(strstr(entry->d_name, "core") != NULL, "a core file");
}

static const struct {
	const char *name;
	void (*run)(void);
} attacks[] = {
	{ "calls", attack_calls },
	{ "newer-calls", attack_newer_calls }, { "ioctls", attack_ioctls },
	{ "prctl", attack_prctl },	       { "process-files", attack_process_files },
	{ "affinity", attack_affinity },       { "pools", attack_pools },
	{ "survivors", attack_survivors },     { "xattr-flood", attack_xattr_flood },
	{ "flight", attack_flight },
	{ "handles", attack_handles },
	{ "host-key", attack_host_key },
	{ "locks", attack_locks },
	{ "paths", attack_paths },
	{ "file-flags", attack_file_flags },
	{ "xattrs", attack_xattrs },
	{ "meet", attack_meet },
	{ "services", attack_services },
	{ "secrets", attack_secrets },
	{ "launcher", attack_launcher },
	{ "memory-program", attack_memory_program },
	{ "kernel-memory", attack_kernel_memory },
	{ "sockets-full", attack_sockets_full },
	{ "pipes-full", attack_pipes_full },
	{ "memfd", attack_memfd },
	{ "sysv", attack_sysv },
	{ "daemons", attack_daemons },
	{ "threads", attack_threads },
	{ "files", attack_files },
	{ "leftovers", attack_leftovers },
	{ "traces", attack_traces },
	{ "deep", attack_deep },
	{ "cgroup", attack_cgroup },	       { "clock", attack_clock },
	{ "core", attack_core },	       { "descriptors", attack_descriptors },
	{ "devices", attack_devices },	       { "foreign-abi", attack_foreign_abi },
	{ "identity", attack_identity },       { "kernel-engines", attack_kernel_engines },
	{ "keyrings", attack_keyrings },       { "landlock", attack_landlock },
	{ "machine", attack_machine },	       { "memory-of-init", attack_memory_of_init },
	{ "mounts", attack_mounts },	       { "namespaces", attack_namespaces },
	{ "priorities", attack_priorities },   { "ptrace", attack_ptrace },
	{ "rendezvous", attack_rendezvous },   { "rights", attack_rights },
	{ "root", attack_root },	       { "seccomp", attack_seccomp },
	{ "signals", attack_signals },	       { "sockets", attack_sockets },
	{ "decoys", attack_decoys },
	{ "supervisor", attack_supervisor },   { "sysctls", attack_sysctls },
	{ "terminal", attack_terminal },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(attacks) / sizeof(attacks[0]); i++)
		if (strcmp(attacks[i].name, argv[1]) == 0) {
			attacks[i].run();
			return worked;
		}
	fprintf(stderr, "attack: no such attack\n");
	return 2;
}
