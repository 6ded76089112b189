/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a build may ask of the kernel: an allow-list.  Everything else goes to the supervisor by
 * user notification, which counts it by name and refuses it.  Calls that name an address of a socket
 * go there as well, to be recorded, and so do execve and open when a trace is wanted; these may be let
 * through, and are no safer for having been looked at.  Safety rests on arguments in registers alone.
 */
#include "filter.h"

#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "wire.h"

static const char *const allowed[] = {
	"_llseek", "_newselect", "accept", "accept4", "access", "alarm", "arch_prctl", "brk",
	"capget", "capset", "chdir", "chmod", "chown", "clock_getres", "clock_gettime",
	"clock_nanosleep", "close", "close_range", "copy_file_range", "dup",
	"dup2", "dup3", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_pwait",
	"epoll_pwait2", "epoll_wait", "eventfd", "eventfd2", "exit",
	"exit_group", "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir", "fchmod",
	"fchmodat", "fchown", "fchownat", "fcntl", "fdatasync", "fgetxattr", "flistxattr", "flock",
	"fork", "fremovexattr", "fsetxattr", "fstat", "fstatfs", "fsync", "ftruncate", "futex",
	"futex_waitv", "futimesat", "get_mempolicy", "get_robust_list", "getcpu", "getcwd",
	"getdents", "getdents64", "getegid", "geteuid", "getgid", "getgroups", "getitimer",
	"getpeername", "getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getrandom",
	"getresgid", "getresuid", "getrlimit", "getrusage", "getsid", "getsockname", "getsockopt",
	"gettid", "gettimeofday", "getuid", "getxattr", "inotify_add_watch", "inotify_init",
	"inotify_init1", "inotify_rm_watch", "ioprio_get", "ioprio_set", "kill",
	"landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self", "lchown",
	"lgetxattr", "link", "linkat", "listen", "listxattr", "llistxattr", "lremovexattr", "lseek",
	"lsetxattr", "lstat", "madvise", "membarrier", "mincore", "mkdir", "mkdirat",
	"mlock", "mlock2", "mlockall", "mprotect", "mq_getsetattr", "mq_notify", "mq_open",
	"mq_timedreceive", "mq_timedsend", "mq_unlink", "mremap", "msgctl", "msgget", "msgrcv",
	"msgsnd", "msync", "munlock", "munlockall", "munmap", "nanosleep", "newfstatat", "pause", "pidfd_open", "pidfd_send_signal", "pipe", "pipe2",
	"pkey_alloc", "pkey_free", "pkey_mprotect", "poll", "ppoll", "prctl", "pread64", "preadv",
	"preadv2", "prlimit64", "pselect6", "pwrite64", "pwritev", "pwritev2", "read", "readahead",
	"readlink", "readlinkat", "readv", "recvfrom", "recvmmsg", "recvmsg", "remap_file_pages",
	"removexattr", "rename", "renameat", "renameat2", "restart_syscall", "rmdir", "rseq",
	"rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn",
	"rt_sigsuspend", "rt_sigtimedwait", "rt_tgsigqueueinfo", "sched_get_priority_max",
	"sched_get_priority_min", "sched_getaffinity", "sched_getattr", "sched_getparam",
	"sched_getscheduler", "sched_rr_get_interval", "sched_setattr",
	"sched_setparam", "sched_setscheduler", "sched_yield", "seccomp", "select", "semctl",
	"semget", "semop", "semtimedop", "sendfile",
	"set_robust_list", "set_tid_address", "setfsgid", "setfsuid", "setgid", "setgroups",
	"setitimer", "setpgid", "setpriority", "setregid", "setresgid", "setresuid", "setreuid",
	"setrlimit", "setsid", "setsockopt", "setuid", "setxattr", "shmat", "shmctl", "shmdt",
	"shutdown", "sigaltstack", "signalfd", "signalfd4", "splice", "stat", "statfs",
	"statx", "symlink", "symlinkat", "sync", "sync_file_range", "syncfs", "tee",
	"tgkill", "time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime",
	"timer_settime", "timerfd_create", "timerfd_gettime", "timerfd_settime", "times", "tkill",
	"truncate", "ugetrlimit", "umask", "uname", "unlink", "unlinkat", "utime", "utimensat",
	"utimes", "vfork", "vmsplice", "wait4", "waitid", "waitpid", "write", "writev",
};

/* These name an address: the listener sees them, unless every family may pass. */
static const char *const addressing[] = { "bind", "connect", "sendmmsg", "sendmsg", "sendto" };
/* And these when a trace is wanted. */
static const char *const executing[] = { "execve", "execveat" };
static const char *const opening[] = { "creat", "open", "openat", "openat2" };

/* Allowed when (argument & mask) == value. */
static const struct {
	const char *name;
	unsigned argument;
	uint64_t mask, value;
} masked[] = {
	{ "socket", 0, 0xffffffff, AF_UNIX },
	{ "socketpair", 0, 0xffffffff, AF_UNIX },
	{ "sendto", 4, UINT64_MAX, 0 }, /* send(2): to where the socket is connected */
	{ "sendmsg", 5, UINT64_MAX, WIRE_COOKIE }, /* the launcher's */
	/* no namespace is ever made inside */
	{ "clone", 0,
	  CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
		  CLONE_NEWNET,
	  0 },
	{ "unshare", 0, 0xffffffff & ~(uint64_t)(CLONE_FS | CLONE_FILES | CLONE_SYSVSEM), 0 },
	{ "mknod", 1, S_IFMT, 0 },
	{ "mknod", 1, S_IFMT, S_IFREG },
	{ "mknod", 1, S_IFMT, S_IFIFO },
	{ "mknod", 1, S_IFMT, S_IFSOCK },
	{ "mknodat", 2, S_IFMT, 0 },
	{ "mknodat", 2, S_IFMT, S_IFREG },
	{ "mknodat", 2, S_IFMT, S_IFIFO },
	{ "mknodat", 2, S_IFMT, S_IFSOCK },
	{ "personality", 0, 0xffffffff, 0xffffffff },
	{ "personality", 0, 0xffffffff & ~(uint64_t)(ADDR_NO_RANDOMIZE | UNAME26), PER_LINUX },
	{ "personality", 0, 0xffffffff & ~(uint64_t)(ADDR_NO_RANDOMIZE | UNAME26), PER_LINUX32 },
	/* terminals: what isatty and friends ask, never TIOCSTI or TIOCLINUX */
	{ "ioctl", 1, 0xffffffff, 0x5401 }, /* TCGETS */
	{ "ioctl", 1, 0xffffffff, 0x540f }, /* TIOCGPGRP */
	{ "ioctl", 1, 0xffffffff, 0x5411 }, /* TIOCOUTQ */
	{ "ioctl", 1, 0xffffffff, 0x5413 }, /* TIOCGWINSZ */
	{ "ioctl", 1, 0xffffffff, 0x541b }, /* FIONREAD */
	{ "ioctl", 1, 0xffffffff, 0x5421 }, /* FIONBIO */
	{ "ioctl", 1, 0xfffffffe, 0x5450 }, /* FIONCLEX, FIOCLEX */
	{ "ioctl", 1, 0xffffffff, 0x5452 }, /* FIOASYNC */
	{ "ioctl", 1, 0xffffffff, 0x5460 }, /* FIOQSIZE */
	/* files: flags, extents, clone, dedupe; not the rest of what file systems call f, X and 0x94 */
	{ "ioctl", 1, 0xffffffff, FS_IOC_GETFLAGS },
	{ "ioctl", 1, 0xffffffff, FS_IOC_SETFLAGS },
	{ "ioctl", 1, 0xffffffff, FS_IOC_FIEMAP },
	{ "ioctl", 1, 0xffffffff, FS_IOC_FSGETXATTR },
	{ "ioctl", 1, 0xffffffff, FS_IOC_FSSETXATTR },
	{ "ioctl", 1, 0xffffffff, FICLONE },
	{ "ioctl", 1, 0xffffffff, FICLONERANGE },
	{ "ioctl", 1, 0xffffffff, FIDEDUPERANGE },
	/* huge pages are the host's, set aside for somebody */
	{ "mmap", 3, MAP_HUGETLB, 0 },
	{ "memfd_create", 1, MFD_HUGETLB, 0 },
	{ "shmget", 2, SHM_HUGETLB, 0 },
};

/* Refused with something else than EPERM, so that programs take their other way. */
static const struct {
	const char *name;
	int answer;
} answers[] = {
	{ "socket", EAFNOSUPPORT },
	{ "socketpair", EAFNOSUPPORT },
	{ "bind", EADDRNOTAVAIL },
	{ "connect", ENETUNREACH },
	{ "sendmmsg", ENETUNREACH },
	{ "sendmsg", ENETUNREACH },
	{ "sendto", ENETUNREACH },
	{ "ioctl", ENOTTY },
	/* as in a group of processors: what was not given is not taken, and nobody is told */
	{ "sched_setaffinity", 0 },
	{ "mmap", ENOMEM },
	{ "memfd_create", ENOMEM },
	{ "shmget", ENOMEM },
	/* contexts are counted for the whole host */
	{ "io_setup", ENOSYS },
	{ "io_uring_setup", ENOSYS },
	{ "io_uring_enter", ENOSYS },
	{ "io_uring_register", ENOSYS },
	{ "userfaultfd", ENOSYS },
	{ "memfd_secret", ENOSYS },
	{ "_sysctl", ENOSYS },
	{ "uselib", ENOSYS },
	{ "ustat", ENOSYS },
	{ "sysfs", ENOSYS },
	{ "nfsservctl", ENOSYS },
	{ "mseal", ENOSYS },
};

struct compiled {
	bool done;
	struct sock_filter program[BOX_FILTER_MAX];
	unsigned count;
	struct assay_error err;
};

#define ALL_FAMILIES 8u /* beside enum box_observe */
#define KINDS 16

static struct compiled kinds[KINDS];
static pthread_mutex_t kinds_lock = PTHREAD_MUTEX_INITIALIZER;

static int allow(scmp_filter_ctx ctx, const char *const *names, size_t count)
{
	int rc = 0;

	for (size_t i = 0; i < count && !rc; i++) {
		int number = seccomp_syscall_resolve_name(names[i]);

		/* negative: not a call of this architecture */
		if (number >= 0)
			rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, number, 0);
	}
	return rc;
}

static int allow_masked(scmp_filter_ctx ctx, unsigned kind)
{
	/* those that are allowed without a condition already */
	bool any_family = kind & ALL_FAMILIES, any_address = kind & (ALL_FAMILIES | BOX_SILENT);
	int rc = 0;

	for (size_t i = 0; i < sizeof(masked) / sizeof(masked[0]) && !rc; i++) {
		int number = seccomp_syscall_resolve_name(masked[i].name);
		struct scmp_arg_cmp compare = { masked[i].argument, SCMP_CMP_MASKED_EQ,
						masked[i].mask, masked[i].value };

		if ((any_family && number == SCMP_SYS(socket)) ||
		    (any_address && (number == SCMP_SYS(sendto) || number == SCMP_SYS(sendmsg))))
			continue;
		if (number >= 0)
			rc = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, number, 1, &compare);
	}
	return rc;
}

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static int add_rules(scmp_filter_ctx ctx, unsigned kind)
{
	bool all_families = kind & ALL_FAMILIES;
	int rc = allow(ctx, allowed, COUNT(allowed));

	if (!rc && all_families)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 0);
	if (!rc && (all_families || kind & BOX_SILENT))
		rc = allow(ctx, addressing, COUNT(addressing));
	if (!rc && !(kind & BOX_OBSERVE_EXEC))
		rc = allow(ctx, executing, COUNT(executing));
	if (!rc && !(kind & BOX_OBSERVE_OPEN))
		rc = allow(ctx, opening, COUNT(opening));
	if (!rc)
		rc = allow_masked(ctx, kind);
	/* its flags are in memory and cannot be checked; libc then uses clone */
	if (!rc)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return rc;
}

int box_filter_export(void *ctx, struct sock_filter *program, size_t max)
{
	assay_auto(assay_fd_closep) int fd = memfd_create("filter", MFD_CLOEXEC);
	ssize_t got;
	int rc;

	if (fd < 0)
		return -errno;
	rc = seccomp_export_bpf(ctx, fd);
	if (rc)
		return rc;
	got = pread(fd, program, max * sizeof(*program), 0);
	if (got <= 0 || got % (ssize_t)sizeof(*program))
		return -EIO;
	return (int)((size_t)got / sizeof(*program));
}

static void compile(struct compiled *out, unsigned kind)
{
	scmp_filter_ctx ctx = seccomp_init(kind & BOX_SILENT ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_NOTIFY);
	int rc = ctx ? 0 : -ENOMEM;

	if (!rc)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!rc)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!rc)
		rc = add_rules(ctx, kind);
	if (!rc)
		rc = box_filter_export(ctx, out->program, BOX_FILTER_MAX);
	seccomp_release(ctx);
	out->done = true;
	out->count = rc > 0 ? (unsigned)rc : 0;
	if (rc < 0) {
		errno = -rc;
		out->err.code = assay_fail_errno(&out->err, "system call filter");
	}
}

enum assay_code box_filter_get(uint32_t skip, unsigned observe, struct box_filter *ret,
			       struct assay_error *err)
{
	unsigned kind = observe | (skip >> LAYER_FAMILIES & 1 ? ALL_FAMILIES : 0);
	struct compiled *filter = &kinds[kind];

	pthread_mutex_lock(&kinds_lock);
	if (!filter->done)
		compile(filter, kind);
	pthread_mutex_unlock(&kinds_lock);
	if (filter->err.code) {
		*err = filter->err;
		return err->code;
	}
	*ret = (struct box_filter){ filter->program, filter->count };
	return ASSAY_OK;
}

int box_filter_errno(int number)
{
	assay_auto(assay_freep) char *name =
		seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);

	/* newer than our libseccomp: programs have a fallback for kernels without it */
	if (!name)
		return ENOSYS;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (strcmp(answers[i].name, name) == 0)
			return answers[i].answer;
	return EPERM;
}

const char *box_filter_name(int number, char *out, size_t size)
{
	assay_auto(assay_freep) char *name =
		seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);

	if (name)
		snprintf(out, size, "%s", name);
	else
		snprintf(out, size, "syscall %d", number);
	return out;
}
