/* SPDX-License-Identifier: Apache-2.0 */
/* lib/box: what runs in a box, how it ends, and what is left of it. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assay/box.h"
#include "assay/buf.h"
#include "assay/file.h"
#include "assay/process.h"
#include "assay/time.h"
#include "tests/hostile/skeleton.h"

static struct skeleton skeleton;

struct outcome {
	struct assay_box_result result;
	struct assay_buf log;
};

static void keep(void *data, const char *bytes, size_t len)
{
	assay_buf_add(data, bytes, len);
}

/* The script's outcome; the caller may have changed the policy. */
static void run_policy(struct assay_box_policy *policy, struct outcome *ret)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	enum assay_code code;

	ret->log = (struct assay_buf)ASSAY_BUF_INIT(4 << 20);
	policy->on_output = keep;
	policy->on_output_data = &ret->log;
	code = assay_box_run(policy, &ret->result, &err);
	ck_assert_msg(code == ASSAY_OK, "%s", err.msg);
}

static void run_script(const char *script, struct outcome *ret)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };
	struct assay_box_policy policy = skeleton_policy(&skeleton, argv);

	run_policy(&policy, ret);
}

static void release(struct outcome *o)
{
	assay_buf_release(&o->log);
	assay_box_result_release(&o->result);
}

static const char *output_of(const char *script)
{
	static char text[8192];
	struct outcome o;

	run_script(script, &o);
	snprintf(text, sizeof(text), "%s", assay_buf_text(&o.log));
	release(&o);
	return text;
}

START_TEST(a_command_sees_what_the_policy_says_and_nothing_else)
{
	static const char *const cases[][2] = {
		{ "id -u; id -g; id -G", "1000\n1000\n1000\n" },
		{ "hostname; umask; pwd", "assay\n0022\n/build/job\n" },
		{ "env | sort", "HOME=/nonexistent\nLC_ALL=C.UTF-8\nPATH=/usr/bin:/bin\nPWD=/build/job\n" },
		{ "ls /proc/self/fd; cat", "0\n1\n2\n3\n" },
		{ "nproc; grep -c ^processor /proc/cpuinfo; cat /sys/devices/system/cpu/online", "1\n1\n0\n" },
		{ "set -- /proc/[0-9]*; echo $#; cat /proc/1/environ 2>&1 | grep -c denied", "2\n1\n" },
		{ "cat /proc/cmdline /proc/sys/kernel/random/boot_id", "\n00000000-0000-4000-8000-000000000000\n" },
		{ "grep -E '^Cap|NoNewPrivs|^Seccomp:' /proc/self/status | cut -f2 | sort -u",
		  "0000000000000000\n1\n2\n" },
		{ "ls /dev | tr '\\n' ' '", "fd full null random shm stderr stdin stdout urandom zero " },
		{ "echo one > /dev/stdout; echo two > /dev/stderr", "one\ntwo\n" },
		{ "tty", "not a tty\n" },
		{ "head -n 1 /proc/meminfo", "MemTotal:         262144 kB\n" },
		{ "getconf _PHYS_PAGES", "65536\n" },
		{ "cat /proc/swaps /proc/vmstat /proc/kallsyms /proc/sys/kernel/hostname; ls /sys /sys/devices/system/cpu | tr '\\n' ' '",
		  "assay\n/sys: devices  /sys/devices/system/cpu: cpu0 online possible present " },
	};

	ck_assert_str_eq(output_of(cases[_i][0]), cases[_i][1]);
}
END_TEST

START_TEST(writes_go_to_the_workspace_and_tmp_only)
{
	ck_assert_str_eq(output_of("for f in /build/job/x /tmp/x /var/tmp/x /dev/shm/x; do"
				   " echo > $f || echo no $f; done;"
				   "for f in /x /usr/x /etc/x /build/x /dev/x /sys/x /proc/sys/kernel/core_pattern;"
				   " do { echo > $f; } 2>/dev/null && echo yes $f; done; echo done"),
			 "done\n");
	ck_assert_int_ne(access(skeleton.root, F_OK), -1);
}
END_TEST

/* Also of what is removed before the end, and wherever it was written. */
START_TEST(the_disk_that_was_used_is_told)
{
	struct outcome o;

	run_script("head -c 9000000 /dev/zero > /tmp/x; head -c 8000000 /dev/zero > x; sleep 1; rm /tmp/x x", &o);
	ck_assert_uint_ge(o.result.disk_peak, 17000000);
	ck_assert_uint_le(o.result.disk_peak, 19000000);
	release(&o);
}
END_TEST

static int count_names(const char *path)
{
	DIR *dir = opendir(path);
	int names = 0;

	while (readdir(dir))
		names++;
	closedir(dir);
	return names;
}

START_TEST(the_environment_is_never_written_to)
{
	int names = count_names(skeleton.root);
	struct stat before, after;
	char path[300];

	ck_assert_int_eq(stat(skeleton.root, &before), 0);
	output_of("mkdir /x; echo");
	ck_assert_int_eq(stat(skeleton.root, &after), 0);
	ck_assert_int_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	snprintf(path, sizeof(path), "%s/build", skeleton.root);
	ck_assert_int_eq(access(path, F_OK), -1);
	ck_assert_int_eq(count_names(skeleton.root), names);
}
END_TEST

START_TEST(how_it_ends_is_told_apart)
{
	static const struct {
		const char *script;
		enum assay_box_reason reason;
		int exit_code, signal;
	} cases[] = {
		{ "exit 0", ASSAY_BOX_EXITED, 0, 0 },
		{ "exit 7", ASSAY_BOX_EXITED, 7, 0 },
		{ "kill -TERM $$", ASSAY_BOX_SIGNALED, 0, SIGTERM },
		{ "cat /dev/zero > big", ASSAY_BOX_DISK, 1, 0 },
		{ "dd if=/dev/zero of=/tmp/x bs=1M status=none; sleep 0.3; rm -f /tmp/x; exit 3", ASSAY_BOX_DISK, 3, 0 },
		{ "i=1; while mkdir $(seq $i $((i+99))); do i=$((i+100)); done; exit 1", ASSAY_BOX_DISK, 1, 0 },
		{ "exec truncate -s 4T x", ASSAY_BOX_DISK, 0, SIGXFSZ },
		{ "cat /dev/zero", ASSAY_BOX_LOG, 0, 0 },
		{ "perl -e 'fork while 1'", ASSAY_BOX_PROCESSES, 0, 0 },
		{ "perl -e '$x = \"x\" x 1e9'", ASSAY_BOX_MEMORY, 0, 0 },
		{ "perl -e '$x = \"x\" x 1e9'; exit 0", ASSAY_BOX_MEMORY, 0, 0 },
		{ "trap '' TERM; while :; do :; done", ASSAY_BOX_TIME, 0, 0 },
	};
	const char *const argv[] = { "/bin/sh", "-c", cases[_i].script, NULL };
	struct assay_box_policy policy = skeleton_policy(&skeleton, argv);
	struct outcome o;

	if (cases[_i].reason == ASSAY_BOX_TIME)
		policy.time_s = 1;
	run_policy(&policy, &o);
	ck_assert_msg(o.result.reason == cases[_i].reason, "%s: %s", cases[_i].script,
		      assay_box_reason_name(o.result.reason));
	if (cases[_i].reason == ASSAY_BOX_EXITED)
		ck_assert_int_eq(o.result.exit_code, cases[_i].exit_code);
	if (cases[_i].signal)
		ck_assert_int_eq(o.result.signal, cases[_i].signal);
	ck_assert_int_eq(o.result.log_truncated, cases[_i].reason == ASSAY_BOX_LOG);
	release(&o);
}
END_TEST

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

/* What is killed because a group above the box has no memory left did not reach the box's own limit. */
START_TEST(the_hosts_want_of_memory_is_not_the_limit)
{
	static const char group[] = "/sys/fs/cgroup/memory/assay-test-host", limit[] = "100000000";
	const char *const argv[] = { "/bin/sh", "-c", "perl -e '$x = \"x\" x 2e8'", NULL };
	struct assay_box_policy policy = skeleton_policy(&skeleton, argv);
	char path[120], self[20];
	struct outcome o;

	/* boxes stand below the group that the process was in when it made its first one */
	if (strcmp(getenv("CK_FORK") ? getenv("CK_FORK") : "yes", "no") == 0)
		return;
	if (mkdir(group, 0755) && errno != EEXIST)
		return; /* no right to make groups of version 1 */
	snprintf(path, sizeof(path), "%s/memory.limit_in_bytes", group);
	ck_assert(write_text(path, limit));
	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	snprintf(self, sizeof(self), "%d", (int)getpid());
	ck_assert(write_text(path, self));
	run_policy(&policy, &o);
	ck_assert_str_eq(assay_box_reason_name(o.result.reason), "host-memory");
	release(&o);
	ck_assert(write_text("/sys/fs/cgroup/memory/cgroup.procs", self));
	ck_assert_int_eq(rmdir(group), 0);
}
END_TEST

START_TEST(the_workspace_is_collected_after_everything_is_dead)
{
	struct assay_buf first = ASSAY_BUF_INIT(1 << 20), second = ASSAY_BUF_INIT(1 << 20);
	struct assay_error err;
	struct outcome o;
	struct stat st;

	run_script("echo made > out; setsid sh -c 'while :; do echo late >> daemon; done' &"
		   " sleep 0.2; exit 0",
		   &o);
	ck_assert_int_ge(o.result.workspace_fd, 0);
	ck_assert_int_eq(fstatat(o.result.workspace_fd, "out", &st, AT_SYMLINK_NOFOLLOW), 0);
	ck_assert_int_eq(st.st_mode, S_IFREG | 0644);
	ck_assert_int_eq(assay_file_read(o.result.workspace_fd, "out", &first, &err), ASSAY_OK);
	ck_assert_str_eq(assay_buf_text(&first), "made\n");
	assay_buf_clear(&first);
	/* the daemon wrote, and does so no more */
	ck_assert_int_eq(assay_file_read(o.result.workspace_fd, "daemon", &first, &err), ASSAY_OK);
	usleep(100000);
	ck_assert_int_eq(assay_file_read(o.result.workspace_fd, "daemon", &second, &err), ASSAY_OK);
	ck_assert_uint_gt(first.len, 0);
	ck_assert_uint_eq(first.len, second.len);
	assay_buf_release(&first);
	assay_buf_release(&second);
	release(&o);
}
END_TEST

START_TEST(inputs_are_mounted_where_nothing_was)
{
	const char *const argv[] = { "/bin/sh", "-c",
				     "cat /inputs/deep/file /build/job/vendor/file /tmp/in/file;"
				     "echo x 2>/dev/null > /inputs/deep/file || echo refused",
				     NULL };
	struct assay_box_policy policy = skeleton_policy(&skeleton, argv);
	struct assay_box_mount mounts[SKELETON_MOUNTS + 4];
	char directory[300], file[310];
	struct assay_error err;
	int count = skeleton.mount_count;
	struct outcome o;

	snprintf(directory, sizeof(directory), "%s.inputs", skeleton.root);
	snprintf(file, sizeof(file), "%s/file", directory);
	ck_assert_int_eq(mkdir(directory, 0755), 0);
	ck_assert_int_eq(assay_file_write(AT_FDCWD, file, assay_span_text("in\n"), 0644, &err),
			 ASSAY_OK);
	memcpy(mounts, skeleton.mounts, sizeof(skeleton.mounts));
	mounts[count++] = (struct assay_box_mount){ directory, "/build/job/vendor" };
	mounts[count++] = (struct assay_box_mount){ file, "/inputs/deep/file" };
	mounts[count++] = (struct assay_box_mount){ directory, "/tmp/in" };
	mounts[count] = (struct assay_box_mount){ NULL, NULL };
	policy.mounts = mounts;
	run_policy(&policy, &o);
	ck_assert_str_eq(assay_buf_text(&o.log), "in\nin\nin\nrefused\n");
	release(&o);
	unlink(file);
	rmdir(directory);
}
END_TEST

static const json_t *find(const json_t *array, const char *key, const char *value)
{
	json_t *item;
	size_t i;

	json_array_foreach (array, i, item)
		if (strcmp(assay_json_text(item, key, ""), value) == 0)
			return item;
	return NULL;
}

START_TEST(refused_calls_and_network_attempts_are_recorded)
{
	struct outcome o;
	const json_t *attempts, *call, *lo;

	run_script("perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 6) or print qq(no decoy\\n);"
		   " connect(S, pack_sockaddr_in(80, inet_aton(q(192.0.2.7)))) and print qq(open\\n);"
		   " print $!{ENETUNREACH} ? qq() : qq(open: $!\\n);"
		   " socket(S, 40, SOCK_STREAM, 0) and print qq(open\\n);"
		   " syscall(250, 0) >= 0 and print qq(keyctl\\n)'; unshare -U true",
		   &o);
	ck_assert_msg(strstr(assay_buf_text(&o.log), "open") == NULL &&
			      strstr(assay_buf_text(&o.log), "decoy") == NULL,
		      "%s", assay_buf_text(&o.log));
	attempts = json_object_get(json_object_get(o.result.isolation, "network"), "attempts");
	ck_assert_ptr_nonnull(find(attempts, "family", "vsock"));
	call = find(attempts, "call", "connect");
	ck_assert_str_eq(assay_json_text(call, "family", ""), "inet");
	ck_assert_str_eq(assay_json_text(call, "address", ""), "192.0.2.7 port 80");
	ck_assert_str_eq(assay_json_text(call, "process", ""), "perl");
	ck_assert_str_eq(assay_json_text(call, "program", ""), "/usr/bin/perl");
	call = find(json_object_get(o.result.isolation, "refused"), "syscall", "unshare");
	ck_assert_int_eq(assay_json_int(call, "count", 0), 1);
	lo = find(json_object_get(json_object_get(o.result.isolation, "network"), "interfaces"), "name",
		  "lo");
	ck_assert_ptr_nonnull(lo);
	ck_assert_int_eq(assay_json_int(lo, "tx_packets", -1), 0);
	release(&o);
}
END_TEST

static const struct assay_box_choice makers[] = {
	{ NULL, NULL, 0 },
	{ &assay_box_oci, "runc", ASSAY_BOX_ALLOW_OUTDATED },
	{ &assay_box_oci, "crun", ASSAY_BOX_ALLOW_OUTDATED },
};

/* The lines of a traced run of script, as one text; NULL when that maker of boxes is not installed. */
static const char *trace_of(const struct assay_box_choice *maker, const char *script,
			    struct assay_box_trace *trace, char *text, size_t size)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };
	struct assay_box_policy policy = skeleton_policy(&skeleton, argv);
	struct assay_box_result result;
	struct assay_error err = ASSAY_ERROR_INIT;
	ssize_t got;

	trace->fd = memfd_create("trace", MFD_CLOEXEC);
	policy.trace = trace;
	policy.choice = *maker;
	if (assay_box_run(&policy, &result, &err) == ASSAY_ENOTFOUND && maker->driver)
		return NULL;
	ck_assert_msg(err.code == ASSAY_OK, "%s", err.msg);
	assay_box_result_release(&result);
	got = pread(trace->fd, text, size - 1, 0);
	ck_assert_int_gt(got, 0);
	text[got] = '\0';
	close(trace->fd);
	return text;
}

START_TEST(a_trace_tells_what_was_opened_run_and_asked)
{
	static char text[1 << 20];
	struct assay_box_trace trace = { .fd = -1 };

	if (!trace_of(&makers[_i], "cat /usr/share/common-licenses/BSD > copy; true; nosuchcommand;"
		 " perl -e 'use Socket qw(:all); socket(S, AF_INET6, SOCK_DGRAM, 17);"
		 " send(S, q(x), 0, pack_sockaddr_in6(53, inet_pton(AF_INET6, q(2001:db8::1))))'",
		 &trace, text, sizeof(text)))
		return;
	ck_assert_str_eq(trace.files, geteuid() == 0 ? "fanotify" : "seccomp");
	ck_assert(!trace.lost && !trace.truncated && trace.unwatched == 0);
	ck_assert_ptr_nonnull(strstr(text, "\"schema\":\"assay.trace/1\""));
	ck_assert_ptr_nonnull(strstr(text, "\"argv\":[\"cat\",\"/usr/share/common-licenses/BSD\"]"));
	ck_assert_ptr_nonnull(strstr(text, "inet6 2001:db8::1 port 53"));
	ck_assert_ptr_nonnull(strstr(text, "\"op\":\"end\""));
	if (geteuid() != 0)
		return;
	ck_assert_ptr_nonnull(strstr(text, "\"op\":\"open\",\"path\":\"/usr/share/common-licenses/BSD\""));
	ck_assert_ptr_nonnull(strstr(text, "\"op\":\"write\",\"path\":\"/build/job/copy\""));
	/* what is not there is not opened */
	ck_assert_ptr_null(strstr(text, "nosuchcommand\""));
}
END_TEST

START_TEST(as_root_every_layer_is_applied_and_a_quiet_build_makes_no_attempt)
{
	struct outcome o;
	const json_t *missing, *attempts;
	char *text;

	run_script("echo quiet", &o);
	missing = json_object_get(o.result.isolation, "missing");
	attempts = json_object_get(json_object_get(o.result.isolation, "network"), "attempts");
	text = json_dumps(missing, 0);
	ck_assert_uint_eq(json_array_size(attempts), 0);
	if (geteuid() == 0)
		ck_assert_msg(json_array_size(missing) == 0, "%s", text);
	ck_assert_str_eq(assay_json_text(o.result.isolation, "class", ""),
			 json_array_size(missing) ? "reduced" : "full");
	free(text);
	release(&o);
}
END_TEST

/* ---- hosts that give less ------------------------------------------------------------------------- */

static bool as_ordinary_user(void)
{
	return setgroups(0, NULL) == 0 && setresgid(12345, 12345, 12345) == 0 &&
	       setresuid(12345, 12345, 12345) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0;
}

static bool write_to(const char *path, const char *text)
{
	struct assay_error err;
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && assay_fd_write(fd, text, strlen(text), &err) == ASSAY_OK;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* As a container without privileges is: one id, and something mounted over entries of /proc. */
static bool in_container(void)
{
	return as_ordinary_user() && unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
	       write_to("/proc/self/setgroups", "deny") && write_to("/proc/self/uid_map", "0 12345 1") &&
	       write_to("/proc/self/gid_map", "0 12345 1") &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("/dev/null", "/proc/keys", NULL, MS_BIND, NULL) == 0 &&
	       mount("/dev/null", "/proc/timer_list", NULL, MS_BIND, NULL) == 0;
}

static bool as_root_of_a_container(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2];

	if (syscall(SYS_capget, &header, sets))
		return false;
	sets[0].effective &= ~(1u << CAP_SYS_ADMIN);
	sets[0].permitted &= ~(1u << CAP_SYS_ADMIN);
	sets[0].inheritable = 0;
	return prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN) == 0 && syscall(SYS_capset, &header, sets) == 0;
}

static const struct {
	const char *name;
	bool (*enter)(void);
	const char *missing;
} poor[] = {
	{ "an ordinary user", as_ordinary_user, "idmapped-root" },
	{ "a container with a masked /proc", in_container, "proc-masked" },
	{ "root without CAP_SYS_ADMIN", as_root_of_a_container, "idmapped-root" },
};

static int run_poor(size_t i)
{
	const char *const argv[] = { "/bin/sh", "-c",
				     "test $(id -u) = 1000 && echo > /tmp/x && test $(nproc) = 1 &&"
				     " grep -q 262144 /proc/meminfo && exit 5", NULL };
	struct assay_box_policy policy = skeleton_policy(&skeleton, argv);
	struct assay_box_result result;
	struct assay_error err;
	const json_t *missing;

	if (!poor[i].enter())
		return 90;
	if (assay_box_run(&policy, &result, &err)) {
		fprintf(stderr, "%s: %s\n", poor[i].name, err.msg);
		return 91;
	}
	if (result.exit_code != 5)
		return 92;
	missing = json_object_get(result.isolation, "missing");
	for (size_t k = 0; k < json_array_size(missing); k++)
		if (strcmp(json_string_value(json_array_get(missing, k)), poor[i].missing) == 0)
			return strcmp(assay_json_text(result.isolation, "class", ""), "reduced") ? 94 : 0;
	return 93;
}

START_TEST(with_less_it_runs_and_says_what_is_missing)
{
	int status;
	pid_t pid;

	if (geteuid() != 0)
		return;
	pid = fork();
	if (pid == 0)
		_exit(run_poor((size_t)_i));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(status == 0, "%s: status %x", poor[_i].name, (unsigned)status);
}
END_TEST

/* Processes on the host whose command line contains mark. */
static int count_processes(const char *mark)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	while ((entry = readdir(proc))) {
		char path[300], line[512] = "";
		int fd;

		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		fd = atoi(entry->d_name) > 0 ? open(path, O_RDONLY) : -1;
		if (fd < 0)
			continue;
		if (read(fd, line, sizeof(line) - 1) > 0 && memmem(line, sizeof(line), mark, strlen(mark)))
			count++;
		close(fd);
	}
	closedir(proc);
	return count;
}

static char left_mark[32];
static int left_count;

static int count_left(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)walk;
	left_count += type == FTW_D && strstr(path, "/assay-box-") && strstr(path, left_mark);
	return 0;
}

/* Control groups that a process left. */
static int count_groups(pid_t pid)
{
	snprintf(left_mark, sizeof(left_mark), "-%d-", (int)pid);
	left_count = 0;
	nftw("/sys/fs/cgroup", count_left, 32, FTW_PHYS | FTW_MOUNT);
	for (int i = 0; i < 3; i++) {
		static const char *const trees[] = { "memory", "pids", "unified" };
		char path[64];

		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", trees[i]);
		nftw(path, count_left, 32, FTW_PHYS);
	}
	return left_count;
}

/* Groups are swept once per process, at its first box: it has to be a new one. */
static int check_machine(const char *program)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		dup2(open("/dev/null", O_WRONLY), 1);
		execl(program, program, "worker", "check", NULL);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	return status;
}

START_TEST(nothing_outlives_a_killed_worker)
{
	const char *const argv[] = { "/bin/sleep", "98765.4321", NULL };
	struct assay_box_policy policy = skeleton_policy(&skeleton, argv);
	int tries = 0, status;
	const char *program = getenv("ASSAY");
	pid_t pid = fork();

	if (pid == 0) {
		struct assay_box_result result;
		struct assay_error err;

		_exit(assay_box_run(&policy, &result, &err) == ASSAY_OK);
	}
	while (count_processes("98765.4321") == 0 && tries++ < 200)
		usleep(20000);
	ck_assert_int_eq(count_processes("98765.4321"), 1);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	for (tries = 0; count_processes("98765.4321") && tries < 200; tries++)
		usleep(20000);
	ck_assert_int_eq(count_processes("98765.4321"), 0);
	/* the next one sweeps up */
	if (geteuid() == 0)
		ck_assert_int_ge(count_groups(pid), 1);
	if (program) {
		ck_assert_int_eq(check_machine(program), 0);
		ck_assert_int_eq(count_groups(pid), 0);
	}
}
END_TEST

static void interrupt(void *data, const char *bytes, size_t len)
{
	(void)data;
	(void)bytes;
	(void)len;
	assay_interrupted = SIGINT;
}

START_TEST(an_interrupt_ends_it)
{
	const char *const argv[] = { "/bin/sh", "-c", "echo started; sleep 50", NULL };
	struct assay_box_policy policy = skeleton_policy(&skeleton, argv);
	struct assay_box_result result;
	struct assay_error err;

	policy.on_output = interrupt;
	ck_assert_int_eq(assay_box_run(&policy, &result, &err), ASSAY_OK);
	assay_interrupted = 0;
	ck_assert_int_eq(result.reason, ASSAY_BOX_INTERRUPTED);
	assay_box_result_release(&result);
}
END_TEST

START_TEST(what_cannot_be_run_is_an_error)
{
	const char *const missing[] = { "/no/such/program", NULL }, *const fine[] = { "/bin/true", NULL };
	struct assay_box_policy policy = skeleton_policy(&skeleton, missing);
	struct assay_box_result result;
	struct assay_error err;

	ck_assert_int_ne(assay_box_run(&policy, &result, &err), ASSAY_OK);
	ck_assert_msg(strstr(err.msg, "/no/such/program") != NULL, "%s", err.msg);
	policy = skeleton_policy(&skeleton, fine);
	policy.root = "/no/such/root";
	ck_assert_int_ne(assay_box_run(&policy, &result, &err), ASSAY_OK);
	policy = skeleton_policy(&skeleton, fine);
	policy.uid = 0;
	ck_assert_int_eq(assay_box_run(&policy, &result, &err), ASSAY_EBUG);
	policy = skeleton_policy(&skeleton, fine);
	policy.workspace = "build";
	ck_assert_int_eq(assay_box_run(&policy, &result, &err), ASSAY_EBUG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("box");
	TCase *all = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	if (!skeleton_make(&skeleton))
		return 1;
	suite_add_tcase(suite, all);
	tcase_set_timeout(all, 100);
	tcase_add_loop_test(all, a_command_sees_what_the_policy_says_and_nothing_else, 0, 14);
	tcase_add_test(all, writes_go_to_the_workspace_and_tmp_only);
	tcase_add_test(all, the_disk_that_was_used_is_told);
	tcase_add_test(all, the_environment_is_never_written_to);
	tcase_add_loop_test(all, how_it_ends_is_told_apart, 0, 12);
	tcase_add_test(all, the_hosts_want_of_memory_is_not_the_limit);
	tcase_add_test(all, the_workspace_is_collected_after_everything_is_dead);
	tcase_add_test(all, inputs_are_mounted_where_nothing_was);
	tcase_add_test(all, refused_calls_and_network_attempts_are_recorded);
	tcase_add_loop_test(all, a_trace_tells_what_was_opened_run_and_asked, 0,
			    sizeof(makers) / sizeof(makers[0]));
	tcase_add_test(all, as_root_every_layer_is_applied_and_a_quiet_build_makes_no_attempt);
	tcase_add_loop_test(all, with_less_it_runs_and_says_what_is_missing, 0, 3);
	tcase_add_test(all, nothing_outlives_a_killed_worker);
	tcase_add_test(all, an_interrupt_ends_it);
	tcase_add_test(all, what_cannot_be_run_is_an_error);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	skeleton_remove(&skeleton);
	return failed ? 1 : 0;
}
