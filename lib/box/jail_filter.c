/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a parser needs of the kernel: memory, threads, time, and the descriptors it was given.
 * Opening a file is refused politely, because libraries try it for their own reasons (locales,
 * processor counts); what no library does for its own reasons kills the jail.
 */
#include "jail_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filter.h"

#define PID_MARK 0x7a5a11edu /* stands for the jail's process id until the filter is installed */

static const char *const allowed[] = {
	"brk", "clock_getres", "clock_gettime", "clock_nanosleep", "close", "copy_file_range", "dup",
	"dup3", "eventfd2", "exit", "exit_group", "fadvise64", "fallocate", "fcntl", "fdatasync",
	"fstat", "fstatfs", "fsync", "ftruncate", "futex", "get_robust_list", "getcpu", "getegid",
	"geteuid", "getgid", "getpid", "getppid", "getrandom", "getrusage", "gettid", "gettimeofday",
	"getuid", "lseek", "madvise", "memfd_create", "mincore", "mremap", "msync", "munmap",
	"nanosleep", "pipe2", "poll", "ppoll", "pread64", "preadv", "pwrite64", "pwritev", "read",
	"readv", "restart_syscall", "rseq", "rt_sigaction", "rt_sigpending", "rt_sigprocmask",
	"rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "sched_getaffinity", "sched_getparam",
	"sched_getscheduler", "sched_yield", "sendfile", "set_robust_list", "set_tid_address",
	"sigaltstack", "sysinfo", "time", "times", "uname", "write", "writev",
};

/* Never by accident. */
static const char *const deadly[] = {
	"accept", "accept4", "bind", "bpf", "connect", "execve", "execveat", "fork", "init_module",
	"finit_module", "io_uring_setup", "kexec_load", "keyctl", "kill", "listen", "mount",
	"move_mount", "open_tree", "perf_event_open", "pidfd_getfd", "pivot_root",
	"process_vm_readv", "process_vm_writev", "ptrace", "reboot", "sendmmsg", "sendmsg", "sendto",
	"setns", "socket", "socketpair", "tkill", "unshare", "userfaultfd", "vfork",
};

static const struct {
	const char *name;
	unsigned argument;
	uint64_t mask, value;
} masked[] = {
	{ "mmap", 2, PROT_EXEC, 0 },
	{ "mprotect", 2, PROT_EXEC, 0 },
	/* threads, no processes */
	{ "clone", 0, CLONE_THREAD | CLONE_VM | CLONE_SIGHAND,
	  CLONE_THREAD | CLONE_VM | CLONE_SIGHAND },
	/* abort(): a signal to ourselves */
	{ "tgkill", 0, 0xffffffff, PID_MARK },
	{ "prlimit64", 2, UINT64_MAX, 0 },
	{ "newfstatat", 3, 0x1000, 0x1000 }, /* AT_EMPTY_PATH: a descriptor that is already open */
	{ "statx", 2, 0x1000, 0x1000 },
	{ "prctl", 0, 0xffffffff, PR_SET_NAME },
	{ "prctl", 0, 0xffffffff, 0x53564d41 }, /* PR_SET_VMA: names of anonymous memory */
	{ "ioctl", 1, 0xffffffff, 0x541b },	/* FIONREAD */
};

/* What a fetcher may do besides, with the network and in the directory that it has. */
static const char *const fetching[] = {
	"bind", "connect", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_wait", "flock",
	"getpeername", "getsockname", "getsockopt", "link", "linkat", "mkdir", "open", "openat",
	"pselect6", "recvfrom", "recvmmsg", "recvmsg", "rename", "renameat", "renameat2", "rmdir",
	"select", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown", "umask", "unlink",
	"unlinkat",
};
/* libgit2 sets modes by path, which Landlock would not stop: answered with success, and nothing done. */
static const char *const pretended[] = { "chmod", "fchmod", "fchmodat" };
static const int fetching_families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };

/* What a writer may do: nothing here changes what exists already. */
static const char *const writing[] = { "mkdirat", "openat", "symlinkat" };

#define WRITING (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | O_PATH)

static const struct {
	const char *name;
	unsigned argument;
} opening[] = { { "open", 1 }, { "openat", 2 } };

static const char *const looking[] = { "stat", "lstat", "newfstatat", "statx", "access",
				       "faccessat", "faccessat2", "readlink", "readlinkat",
				       "getdents64", "getcwd", "flistxattr", "fgetxattr" };

struct program {
	bool done;
	struct sock_filter code[BOX_FILTER_MAX];
	int count;
	struct assay_error failure;
};

static struct program programs[JAIL_KINDS];
static pthread_mutex_t programs_lock = PTHREAD_MUTEX_INITIALIZER;

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static bool is_listed(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static int add(scmp_filter_ctx ctx, uint32_t action, const char *const *names, size_t count)
{
	int rc = 0;

	for (size_t i = 0; i < count && !rc; i++) {
		int number = seccomp_syscall_resolve_name(names[i]);

		if (number >= 0)
			rc = seccomp_rule_add(ctx, action, number, 0);
	}
	return rc;
}

static int add_deadly(scmp_filter_ctx ctx, unsigned rights)
{
	int rc = 0;

	for (size_t i = 0; i < COUNT(deadly) && !rc; i++)
		if (!(rights & JAIL_NETWORK) ||
		    (!is_listed(fetching, COUNT(fetching), deadly[i]) &&
		     strcmp(deadly[i], "socket") != 0))
			rc = add(ctx, SCMP_ACT_KILL_PROCESS, &deadly[i], 1);
	return rc;
}

static int allow_when(scmp_filter_ctx ctx, const char *name, struct scmp_arg_cmp compare)
{
	int number = seccomp_syscall_resolve_name(name);

	return number < 0 ? 0 : seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, number, 1, &compare);
}

static int add_masked(scmp_filter_ctx ctx, unsigned rights)
{
	int rc = 0;

	for (size_t i = 0; i < COUNT(masked) && !rc; i++) {
		struct scmp_arg_cmp compare = { masked[i].argument, SCMP_CMP_MASKED_EQ,
						masked[i].mask, masked[i].value };

		/* where looking at names is allowed, that is the wider rule */
		if (!rights || !is_listed(looking, COUNT(looking), masked[i].name))
			rc = allow_when(ctx, masked[i].name, compare);
	}
	for (size_t i = 0; i < COUNT(opening) && !rc; i++) {
		struct scmp_arg_cmp compare = { opening[i].argument, SCMP_CMP_MASKED_EQ, WRITING,
						O_RDONLY };

		if (rights && !(rights & JAIL_NETWORK) &&
		    !(rights & JAIL_WRITES && is_listed(writing, COUNT(writing), opening[i].name)))
			rc = allow_when(ctx, opening[i].name, compare);
	}
	for (size_t i = 0; i < COUNT(fetching_families) && rights & JAIL_NETWORK && !rc; i++) {
		struct scmp_arg_cmp compare = { 0, SCMP_CMP_MASKED_EQ, 0xffffffff,
						(uint64_t)fetching_families[i] };

		rc = allow_when(ctx, "socket", compare);
	}
	return rc;
}

static int add_rules(scmp_filter_ctx ctx, unsigned rights)
{
	int rc = add(ctx, SCMP_ACT_ALLOW, allowed, COUNT(allowed));

	if (!rc)
		rc = add_deadly(ctx, rights);
	if (!rc)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (!rc && rights)
		rc = add(ctx, SCMP_ACT_ALLOW, looking, COUNT(looking));
	if (!rc && rights & JAIL_WRITES)
		rc = add(ctx, SCMP_ACT_ALLOW, writing, COUNT(writing));
	if (!rc && rights & JAIL_NETWORK)
		rc = add(ctx, SCMP_ACT_ALLOW, fetching, COUNT(fetching));
	if (!rc && rights & JAIL_NETWORK)
		rc = add(ctx, SCMP_ACT_ERRNO(0), pretended, COUNT(pretended));
	return rc ? rc : add_masked(ctx, rights);
}

static void compile(struct program *program, unsigned rights)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EACCES));
	int rc = ctx ? 0 : -ENOMEM;

	if (!rc)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!rc)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!rc)
		rc = add_rules(ctx, rights);
	if (!rc)
		rc = box_filter_export(ctx, program->code, BOX_FILTER_MAX);
	seccomp_release(ctx);
	program->done = true;
	program->count = rc;
	if (rc < 0) {
		errno = -rc;
		program->failure.code = assay_fail_errno(&program->failure, "jail: system call filter");
	}
}

enum assay_code jail_filter_prepare(unsigned rights, struct assay_error *err)
{
	struct program *program = &programs[rights];

	pthread_mutex_lock(&programs_lock);
	if (!program->done)
		compile(program, rights);
	pthread_mutex_unlock(&programs_lock);
	if (program->failure.code)
		*err = program->failure;
	return program->failure.code;
}

bool jail_filter_install(unsigned rights)
{
	struct program *program = &programs[rights];
	struct sock_fprog filter = { (unsigned short)program->count, program->code };

	/* our copy of the parent's memory: nobody else sees the change */
	for (int i = 0; i < program->count; i++)
		if (BPF_CLASS(program->code[i].code) == BPF_JMP && program->code[i].k == PID_MARK)
			program->code[i].k = (uint32_t)getpid();
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0;
}
