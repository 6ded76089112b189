/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a child of the box's init to the command: every right is dropped, each step is read back or
 * tried before the command runs, and nothing comes between the last probe and execve.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <linux/vm_sockets.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher.h"

static void join_keyring(void)
{
	long id = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);

	report_layer(LAYER_KEYRING, id < 0 ? errno : 0, "session keyring of its own");
}

static void set_affinity(const struct wire_policy *p)
{
	cpu_set_t all, some;
	unsigned count = 0;

	if (sched_getaffinity(0, sizeof(all), &all))
		fail("read the processor affinity");
	CPU_ZERO(&some);
	for (int cpu = 0; cpu < CPU_SETSIZE && (!p->cpus || count < p->cpus); cpu++)
		if (CPU_ISSET(cpu, &all)) {
			CPU_SET(cpu, &some);
			count++;
		}
	if (p->cpus && sched_setaffinity(0, sizeof(some), &some))
		fail("set the processor affinity");
	report_layer(LAYER_AFFINITY, count < p->cpus ? ERANGE : 0, "%u processors", count);
}

/* What a process has from its parents and no layer speaks of. */
static void reset_inherited(const struct wire_policy *p)
{
	bool reset = personality(p->flags & WIRE_ASLR_OFF ? ADDR_NO_RANDOMIZE : PER_LINUX) >= 0 &&
		     !prctl(PR_SET_TIMERSLACK, 50000) && !prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);

	/* what the kernel of an OCI runtime does not know it did not inherit */
	if (!reset && !(p->flags & WIRE_OCI))
		fail("personality");
}

/* An OCI runtime starts us without any right, also without that to drop more. */
static bool bounding_set_is_empty(void)
{
	int cap = 0, set;

	while ((set = prctl(PR_CAPBSET_READ, cap)) == 0)
		cap++;
	return set < 0;
}

static void drop_bounding_set(const struct wire_policy *p)
{
	int cap = 0;

	if (p->flags & WIRE_OCI && bounding_set_is_empty())
		return;
	/* EINVAL: beyond the last one of this kernel */
	while (prctl(PR_CAPBSET_DROP, cap) == 0)
		cap++;
	if (errno != EINVAL || prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN) != 0)
		fail("drop capability %d", cap);
	if (prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
					     SECBIT_NO_SETUID_FIXUP_LOCKED |
					     SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
					     SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED))
		fail("lock the securebits");
}

static void become_user(const struct wire_policy *p)
{
	if (ids_ranged(p) && (p->flags & WIRE_OCI ? getgroups(0, NULL) : setgroups(0, NULL)))
		fail("drop groups");
	if (setresgid(p->gid, p->gid, p->gid) || setresuid(p->uid, p->uid, p->uid))
		fail("become user %u", p->uid);
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = { 0 };

	/* EINVAL: a kernel without that set */
	if ((prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) && errno != EINVAL) ||
	    syscall(SYS_capset, &header, sets) || syscall(SYS_capget, &header, sets))
		fail("drop capabilities");
	for (int i = 0; i < 2; i++)
		if (sets[i].effective | sets[i].permitted | sets[i].inheritable) {
			errno = EPERM;
			fail("capabilities are left");
		}
	report_layer(LAYER_CAPS, 0, "all five sets empty%s",
		     prctl(PR_GET_SECUREBITS) & SECBIT_NOROOT_LOCKED ? ", securebits locked" : "");
}

static void forbid_new_privileges(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		fail("no_new_privs");
	report_layer(LAYER_NNP, 0, "set");
}

/* Rights by the ABI that brought them; linux/landlock.h of the build may be older than the kernel. */
#define FS_ALL_V1 0x1fffULL
#define FS_REFER (1ULL << 13)
#define FS_TRUNCATE (1ULL << 14)
#define FS_IOCTL_DEV (1ULL << 15)
#define FS_READ (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define NET_TCP 3ULL  /* bind, connect: ABI 4 */
#define SCOPE_ALL 3ULL /* abstract sockets, signals: ABI 6 */
/* ABI 7: no denial of a build or of its own domains fills the host's audit log */
#define QUIET (1 << 0 | 1 << 2)

struct ruleset {
	uint64_t fs, net, scoped;
};

/* The descriptors are closed by exec. */
static void allow_beneath(int ruleset, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = rights };

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return; /* not in this box: nothing to allow */
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
		fail("landlock rule for %.120s", path);
}

static void restrict_by_landlock(const struct wire_policy *p)
{
	static const char *const nodes[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random",
					     "/dev/urandom" };
	struct ruleset attr = { .fs = FS_ALL_V1 };
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	uint64_t writing, write_file = LANDLOCK_ACCESS_FS_WRITE_FILE;
	int ruleset;

	if (abi < 1) {
		report_layer(LAYER_LANDLOCK, errno, "not in this kernel");
		return;
	}
	attr.fs |= abi >= 2 ? FS_REFER : 0;
	attr.fs |= abi >= 3 ? FS_TRUNCATE : 0;
	attr.fs |= abi >= 5 ? FS_IOCTL_DEV : 0;
	attr.net = abi >= 4 ? NET_TCP : 0;
	attr.scoped = abi >= 6 ? SCOPE_ALL : 0;
	write_file |= attr.fs & FS_TRUNCATE;
	writing = attr.fs & ~(FS_READ | FS_IOCTL_DEV);
	attr.fs = writing | FS_IOCTL_DEV * (abi >= 5);
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr,
			       abi >= 6 ? 24 : abi >= 4 ? 16 : 8, 0);
	if (ruleset < 0)
		fail("landlock ruleset");
	if (p->flags & WIRE_ROOT_INSIDE)
		allow_beneath(ruleset, "/", writing);
	allow_beneath(ruleset, policy_text(p, p->workspace), writing);
	allow_beneath(ruleset, "/tmp", writing);
	allow_beneath(ruleset, "/var/tmp", writing);
	allow_beneath(ruleset, "/dev/shm", writing);
	allow_beneath(ruleset, "/proc", write_file); /* thread names and the like */
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		allow_beneath(ruleset, nodes[i], write_file);
	if (syscall(SYS_landlock_restrict_self, ruleset, abi >= 7 ? QUIET : 0))
		fail("landlock");
	report_layer(LAYER_LANDLOCK, 0, "ABI %ld: writes only to workspace, /tmp, /var/tmp, /dev/shm",
		     abi);
}

static void install(const struct wire_policy *p)
{
	struct sock_fprog program = {
		.len = (unsigned short)p->filter_count,
		.filter = (struct sock_filter *)(uintptr_t)policy_text(p, p->filter),
	};
	struct sock_fprog silent = {
		.len = (unsigned short)p->silent_count,
		.filter = (struct sock_filter *)(uintptr_t)policy_text(p, p->silent),
	};
	int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				    SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);

	if (listener >= 0) {
		report_fd(WIRE_LISTENER, listener, 0);
		close(listener);
		return;
	}
	/* an OCI runtime's kernel without notification: refused all the same, but not recorded */
	if (!(p->flags & WIRE_OCI) || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &silent))
		fail("seccomp filter");
}

static void filter_syscalls(const struct wire_policy *p)
{
	if (!p->filter_count || policy_skips(p, LAYER_SECCOMP)) {
		report_layer(LAYER_SECCOMP, ENOSYS, "no filter");
		return;
	}
	install(p);
}

/* Unix sockets without a name: the supervisor hands them out in place of internet sockets. */
static void send_decoys(void)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		int decoy = socket(AF_UNIX, types[i] | SOCK_CLOEXEC, 0);

		if (decoy < 0)
			fail("decoy socket");
		report_fd(WIRE_DECOY, decoy, 0);
		close(decoy);
	}
}

/* Refused, and by an errno: anything else means that a layer does not hold. */
static bool is_refused(long result)
{
	if (result >= 0)
		close((int)result);
	return result < 0;
}

/* A call of another ABI of this machine kills, or does not exist there. */
static bool probe_foreign_abi(void)
{
#ifdef __x86_64__
	int status;
	pid_t child = fork();

	if (child == 0) {
		long number = 20; /* getpid by the 32-bit gate */

		__asm__ volatile("int $0x80" : "+a"(number) : : "memory");
		_exit(0);
	}
	return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status);
#else
	return true;
#endif
}

/* Each refused call is a turn of the supervisor.  Before a build one stands for all, the socket of a
 * forbidden family, since there is one filter; a check of the machine tries more. */
static bool probe_calls(void)
{
	union bpf_attr bpf = { 0 };
	struct sysinfo answer;

	/* whose answer it is the supervisor knows */
	sysinfo(&answer);

	return probe_foreign_abi() && is_refused(syscall(SYS_unshare, CLONE_NEWUSER)) &&
	       is_refused(syscall(SYS_bpf, BPF_MAP_CREATE, &bpf, sizeof(bpf))) &&
	       is_refused(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0)) &&
	       is_refused(syscall(SYS_io_uring_setup, 1, NULL)) &&
	       is_refused(syscall(SYS_userfaultfd, 0)) &&
	       is_refused(syscall(SYS_ptrace, 0, 0, 0, 0));
}

static bool probe_families(const struct wire_policy *p)
{
	static const int more[] = { AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_ALG };

	if (!is_refused(socket(AF_VSOCK, SOCK_STREAM, 0)))
		return false;
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]) && p->flags & WIRE_PROBE_ONLY; i++)
		if (!is_refused(socket(more[i], SOCK_RAW, 0)))
			return false;
	return true;
}

static void probe(const struct wire_policy *p)
{
	bool families = probe_families(p);
	bool calls = p->flags & WIRE_PROBE_ONLY ? probe_calls() : prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER;

	if (p->filter_count && !policy_skips(p, LAYER_SECCOMP))
		report_layer(LAYER_SECCOMP, calls ? 0 : EPERM, "allow-list of %u instructions%s",
			     p->filter_count,
			     p->flags & WIRE_PROBE_ONLY
				     ? "; unshare, bpf, keyctl, io_uring, ptrace refused; foreign ABI killed"
				     : "");
	report_layer(LAYER_FAMILIES, families ? 0 : EPERM,
		     families ? "unix only; for inet a decoy that leads nowhere, the rest refused" :
					"a forbidden family opened");
	if (open("/proc/sys/kernel/core_pattern", O_WRONLY | O_CLOEXEC) >= 0)
		report_layer(LAYER_PROC, EPERM, "core_pattern can be opened for writing");
}

#define MAX_DESCRIPTORS 4096 /* more than a runtime passes */

static void close_descriptors(const struct wire_policy *p)
{
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		return;
	if (!(p->flags & WIRE_OCI) || errno != EINVAL)
		fail("close descriptors");
	/* gVisor knows the call, and not the flag */
	for (int fd = 3; fd < MAX_DESCRIPTORS; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) && errno != EBADF)
			fail("close descriptors");
}

static void set_environment(const struct wire_policy *p, char **argv, char **env)
{
	for (uint32_t i = 0; i < p->argv_count; i++)
		argv[i] = (char *)(uintptr_t)policy_text(p, p->argv[i]);
	for (uint32_t i = 0; i < p->env_count; i++)
		env[i] = (char *)(uintptr_t)policy_text(p, p->env[i]);
}

void command_run(const struct wire_policy *p)
{
	static char *argv[WIRE_MAX_ARGS + 1], *env[WIRE_MAX_ARGS + 1];

	set_environment(p, argv, env);
	if (!(p->flags & WIRE_OCI))
		ids_leave(p);
	if (setsid() < 0)
		fail("new session");
	if (!policy_skips(p, LAYER_KEYRING))
		join_keyring();
	if (!ids_privileged(p) || p->flags & WIRE_OCI)
		limits_set(p);
	if (!policy_skips(p, LAYER_AFFINITY))
		set_affinity(p);
	reset_inherited(p);
	if (!policy_skips(p, LAYER_CAPS))
		drop_bounding_set(p);
	become_user(p);
	if (!policy_skips(p, LAYER_CAPS))
		drop_capabilities();
	if (!policy_skips(p, LAYER_NNP))
		forbid_new_privileges();
	if (chdir(policy_text(p, p->directory)))
		fail("change to %.120s", policy_text(p, p->directory));
	if (!policy_skips(p, LAYER_LANDLOCK))
		restrict_by_landlock(p);
	umask(p->umask);
	if (policy_skips(p, LAYER_DESCRIPTORS))
		fcntl(WIRE_POLICY_FD, F_SETFD, 0);
	else
		close_descriptors(p);
	report_layer(LAYER_DESCRIPTORS, policy_skips(p, LAYER_DESCRIPTORS) ? ECANCELED : 0,
		     "0 empty, 1 and 2 a pipe, no others");
	/* where nobody listens nobody hands them out */
	if (!(p->flags & WIRE_STDIO))
		send_decoys();
	filter_syscalls(p);
	probe(p);
	report(WIRE_READY, 0, 0, "ready");
	if (p->flags & WIRE_PROBE_ONLY)
		_exit(0);
	execve(argv[0], argv, env);
	fail("run %.120s", argv[0]);
}
