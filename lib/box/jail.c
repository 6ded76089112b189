/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork, give everything up, work, answer.  The answer is one message: a header of fixed size and as
 * many bytes as it says; the parent believes neither before it has checked both.
 */
#include "assay/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/process.h"
#include "assay/time.h"
#include "jail_filter.h"

#define DEFAULT_CPU_S 600
#define DEFAULT_WALL_S 1800
#define DEFAULT_MEMORY (4 * ASSAY_GIB)
#define ANSWER_MAGIC 0x6c69616aU
#define SETUP_FAILED 121 /* exit status: the jail could not be built, nothing was parsed */

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

struct header {
	uint32_t magic;
	int32_t code, sys;
	uint64_t answer_len;
	char msg[ASSAY_ERROR_MAX];
};

/* ---- the child ------------------------------------------------------------------------------ */

static void limit(int resource, uint64_t value)
{
	struct rlimit now, want = { value, value };

	if (getrlimit(resource, &now))
		_exit(SETUP_FAILED);
	if (want.rlim_max > now.rlim_max)
		want.rlim_cur = want.rlim_max = now.rlim_max;
	if (setrlimit(resource, &want))
		_exit(SETUP_FAILED);
}

/* Bytes of address space in use (proc(5), first field of statm). */
static uint64_t mapped_now(void)
{
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	uint64_t pages = 0;
	char text[64];
	ssize_t got;

	if (fd < 0)
		return 0;
	got = read(fd, text, sizeof(text));
	close(fd);
	for (ssize_t i = 0; i < got && text[i] >= '0' && text[i] <= '9'; i++)
		pages = pages * 10 + (uint64_t)(text[i] - '0');
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Ours, unless whoever started us set a lower one. */
static struct rlimit cpu_limit(const struct assay_jail *jail)
{
	rlim_t cpu_s = jail->cpu_s ? jail->cpu_s : DEFAULT_CPU_S;
	struct rlimit now = { RLIM_INFINITY, RLIM_INFINITY };

	getrlimit(RLIMIT_CPU, &now);
	return (struct rlimit){ cpu_s < now.rlim_cur ? cpu_s : now.rlim_cur,
				cpu_s + 5 < now.rlim_max ? cpu_s + 5 : now.rlim_max };
}

static void set_limits(const struct assay_jail *jail)
{
	struct rlimit cpu = cpu_limit(jail);

	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_MEMLOCK, 64 * ASSAY_KIB);
	if (setrlimit(RLIMIT_CPU, &cpu))
		_exit(SETUP_FAILED);
	/* files may be mapped, whatever their size; a sanitizer's shadow memory is larger than any limit */
	if (!SANITIZED)
		limit(RLIMIT_DATA, mapped_now() + (jail->memory ? jail->memory : DEFAULT_MEMORY));
}

static void allow_beneath(int ruleset, int fd, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = { rights, fd };
	/* rights over directories are refused for what is not one */
	struct landlock_path_beneath_attr file = { rights & ~(uint64_t)LANDLOCK_ACCESS_FS_READ_DIR, fd };

	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) &&
	    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &file, 0))
		_exit(SETUP_FAILED);
}

#define READING (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define TRUNCATE (1ULL << 14) /* ABI 3 */
#define REFER (1ULL << 13)    /* ABI 2 */
#define MAKING                                                                                      \
	(READING | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |                   \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SYM)
#define REPLACING (LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | REFER | TRUNCATE)

static void allow_files(int ruleset, const struct assay_jail *jail, uint64_t known)
{
	uint64_t writes = (MAKING | (jail->network ? REPLACING : 0)) & known;

	for (const char *const *path = jail->readable; path && *path; path++) {
		int fd = open(*path, O_PATH | O_CLOEXEC);

		if (fd < 0)
			continue;
		allow_beneath(ruleset, fd, READING);
		close(fd);
	}
	if (jail->writable_fd)
		allow_beneath(ruleset, jail->writable_fd, writes);
}

static void restrict_by_landlock(const struct assay_jail *jail)
{
	struct {
		uint64_t fs, net, scoped;
	} attr = { 0x1fff, 0, 0 };
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	int ruleset;

	if (abi < 1)
		return; /* the filter alone then refuses what it can */
	attr.fs |= abi >= 2 ? REFER : 0;
	attr.fs |= abi >= 3 ? TRUNCATE : 0;
	attr.fs |= abi >= 5 ? 1u << 15 : 0; /* device ioctls */
	attr.net = abi >= 4 && !jail->network ? 3 : 0;
	attr.scoped = abi >= 6 ? 3 : 0;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr,
			       abi >= 6 ? 24 : abi >= 4 ? 16 : 8, 0);
	if (ruleset < 0)
		_exit(SETUP_FAILED);
	allow_files(ruleset, jail, attr.fs);
	if (syscall(SYS_landlock_restrict_self, ruleset, 0))
		_exit(SETUP_FAILED);
	close(ruleset);
}

static unsigned rights_of(const struct assay_jail *jail)
{
	return (jail->readable && jail->readable[0] ? JAIL_READS : 0) |
	       (jail->writable_fd ? JAIL_WRITES : 0) | (jail->network ? JAIL_NETWORK : 0);
}

/* None is left, but that root still reads what it is to read, whoever owns it. */
static void drop_capabilities(bool reads)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = { 0 };
	uint32_t kept = 0;

	if (syscall(SYS_capget, &header, sets))
		_exit(SETUP_FAILED);
	if (reads)
		kept = sets[0].permitted & 1u << CAP_DAC_READ_SEARCH;
	memset(sets, 0, sizeof(sets));
	sets[0].permitted = sets[0].effective = kept;
	if (syscall(SYS_capset, &header, sets))
		_exit(SETUP_FAILED);
}

static void give_up_rights(const struct assay_jail *jail)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		_exit(SETUP_FAILED);
	restrict_by_landlock(jail);
	drop_capabilities(jail->readable && jail->readable[0]);
	prctl(PR_SET_DUMPABLE, 0);
	umask(jail->network ? 022 : 0);
	if (!jail_filter_install(rights_of(jail)))
		_exit(SETUP_FAILED);
}

enum assay_code assay_jail_prepare(struct assay_error *err)
{
	return jail_filter_prepare(JAIL_READS | JAIL_WRITES | JAIL_NETWORK, err);
}

void assay_jail_enter(const struct assay_jail *jail)
{
	set_limits(jail);
	give_up_rights(jail);
}

static void write_all(int fd, const void *data, size_t len)
{
	struct assay_error ignored;

	if (assay_fd_write(fd, data, len, &ignored))
		_exit(0); /* the parent is gone or has heard enough */
}

static _Noreturn void child(const struct assay_jail *jail, assay_jail_work *work, void *data, int out,
			    pid_t parent)
{
	struct assay_buf answer = ASSAY_BUF_INIT(jail->answer_max);
	struct assay_error err = ASSAY_ERROR_INIT;
	struct header header = { .magic = ANSWER_MAGIC };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(SETUP_FAILED);
	/* the parent decides what an interrupt means */
	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	assay_jail_enter(jail);
	header.code = (int32_t)work(data, &answer, &err);
	if (!header.code)
		header.code = (int32_t)assay_buf_check(&answer, "answer", &err);
	header.sys = err.sys;
	if (header.code)
		memcpy(header.msg, err.msg, sizeof(header.msg));
	header.answer_len = header.code ? 0 : answer.len;
	write_all(out, &header, sizeof(header));
	if (!header.code)
		write_all(out, answer.data, answer.len);
	_exit(0);
}

/* ---- the parent ----------------------------------------------------------------------------- */

struct warden {
	const struct assay_jail *jail;
	pid_t pid;
	int fd;
	double deadline;
	struct header header;
	size_t header_got;
	struct assay_buf *answer;
};

static enum assay_code take_answer(struct warden *w, struct assay_error *err)
{
	char block[65536];
	bool in_header = w->header_got < sizeof(w->header);
	ssize_t got = in_header ? read(w->fd, (char *)&w->header + w->header_got,
				       sizeof(w->header) - w->header_got)
				: read(w->fd, block, sizeof(block));

	if (got < 0 && errno == EINTR)
		return ASSAY_OK;
	if (got <= 0)
		return ASSAY_END;
	if (!in_header) {
		if (w->answer->len + (size_t)got > w->header.answer_len)
			return assay_fail(err, ASSAY_EINPUT, "%s: the jail's answer is too long",
					  w->jail->what);
		assay_buf_add(w->answer, block, (size_t)got);
		return assay_buf_check(w->answer, w->jail->what, err);
	}
	w->header_got += (size_t)got;
	if (w->header_got == sizeof(w->header) &&
	    (w->header.magic != ANSWER_MAGIC || w->header.answer_len > w->jail->answer_max))
		return assay_fail(err, ASSAY_EINPUT, "%s: the jail's answer is malformed",
				  w->jail->what);
	return ASSAY_OK;
}

/* Until the pipe ends. */
static enum assay_code listen_to(struct warden *w, struct assay_error *err)
{
	for (;;) {
		struct pollfd fds = { w->fd, POLLIN, 0 };
		enum assay_code code;

		if (assay_interrupted)
			return assay_fail(err, ASSAY_EINTERRUPTED, "%s: interrupted", w->jail->what);
		if (assay_time_monotonic() > w->deadline)
			return assay_fail(err, ASSAY_ETIMEOUT, "%s: the parser took longer than %u s",
					  w->jail->what,
					  w->jail->wall_s ? w->jail->wall_s : DEFAULT_WALL_S);
		if (poll(&fds, 1, 100) <= 0)
			continue;
		code = take_answer(w, err);
		if (code)
			return code == ASSAY_END ? ASSAY_OK : code;
	}
}

static enum assay_code explain_signal(const struct warden *w, int number, struct assay_error *err)
{
	const char *what = w->jail->what;

	if (number == SIGXCPU)
		return assay_fail(err, ASSAY_ETIMEOUT, "%s: the parser used %llu s of processor time",
				  what, (unsigned long long)cpu_limit(w->jail).rlim_cur);
	if (number == SIGSYS)
		return assay_fail(err, ASSAY_EINPUT,
				  "%s: the parser made a forbidden system call and was killed", what);
	if (number == SIGKILL)
		return assay_fail(err, ASSAY_ELIMIT, "%s: the parser was killed: out of memory", what);
	return assay_fail(err, ASSAY_EINPUT, "%s crashed the parser: signal %d", what, number);
}

/* What the end of the child and its header say together. */
static enum assay_code judge(const struct warden *w, int status, struct assay_error *err)
{
	const char *what = w->jail->what;
	enum assay_code code = (enum assay_code)w->header.code;

	if (WIFSIGNALED(status))
		return explain_signal(w, WTERMSIG(status), err);
	if (WEXITSTATUS(status) == SETUP_FAILED)
		return assay_fail(err, ASSAY_EIO, "%s: the jail could not be set up", what);
	if (w->header_got != sizeof(w->header))
		return assay_fail(err, ASSAY_EINPUT, "%s crashed the parser: exit status %d", what,
				  WEXITSTATUS(status));
	if (code == ASSAY_OK) {
		if (w->answer->len != w->header.answer_len)
			return assay_fail(err, ASSAY_EINPUT, "%s: the jail's answer is cut short", what);
		return ASSAY_OK;
	}
	/* memory is limited on purpose in there: trying again would not help */
	if (code == ASSAY_ENOMEM)
		code = ASSAY_ELIMIT;
	if (w->header.code < 0 || code > ASSAY_EBUG)
		code = ASSAY_EINPUT;
	assay_fail(err, code, "%.*s", (int)sizeof(w->header.msg) - 1, w->header.msg);
	err->sys = w->header.sys;
	return code;
}

static enum assay_code watch(struct warden *w, struct assay_error *err)
{
	enum assay_code code = listen_to(w, err);
	int status;

	if (code)
		kill(w->pid, SIGKILL);
	while (waitpid(w->pid, &status, 0) < 0)
		if (errno != EINTR)
			return assay_fail_errno(err, "%s: wait for the jail", w->jail->what);
	return code ? code : judge(w, status, err);
}

enum assay_code assay_jail_run(const struct assay_jail *jail, assay_jail_work *work, void *data,
			       struct assay_buf *ret_answer, struct assay_error *err)
{
	struct warden w = { .jail = jail, .answer = ret_answer };
	pid_t parent = getpid();
	enum assay_code code;
	int ends[2];

	if (jail_filter_prepare(rights_of(jail), err))
		return err->code;
	if (pipe2(ends, O_CLOEXEC))
		return assay_fail_errno(err, "%s: pipe", jail->what);
	assay_buf_clear(ret_answer);
	ret_answer->max = jail->answer_max;
	w.deadline = assay_time_monotonic() + (jail->wall_s ? jail->wall_s : DEFAULT_WALL_S);
	w.pid = fork();
	if (w.pid == 0) {
		close(ends[0]);
		child(jail, work, data, ends[1], parent);
	}
	close(ends[1]);
	w.fd = ends[0];
	code = w.pid < 0 ? assay_fail_errno(err, "%s: fork", jail->what) : watch(&w, err);
	close(ends[0]);
	return code;
}
