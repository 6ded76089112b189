/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that a build can see of its host, printed from inside a box, on this host and on one that is
 * made to look different: other host and domain name, user and groups, locale, umask, directory,
 * environment, limits, signals, descriptors, terminal, personality, processor, place and file system of the
 * store, order of creation.  The two prints are the same byte for byte.  What is left out of them is
 * the residue, listed in docs/threat-model.md.
 *
 * The program is its own build: started as "view" it prints.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <locale.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "assay/box.h"
#include "assay/buf.h"
#include "assay/file.h"
#include "tests/hostile/skeleton.h"

#define EPOCH 1000000000
#define PRINT_MAX (8u << 20)

extern char **environ;

/* ---- inside ------------------------------------------------------------------------------------- */

static void print_file(const char *path)
{
	struct assay_buf buf = ASSAY_BUF_INIT(PRINT_MAX);
	struct assay_error err;
	struct assay_span rest, line;
	char shown[8192];

	if (assay_file_read(AT_FDCWD, path, &buf, &err)) {
		printf("%s: %s\n", path, strerror(err.sys));
		return;
	}
	rest = assay_buf_span(&buf);
	while (assay_span_next_line(&rest, &line))
		printf("%s: %s\n", path, assay_span_show(line, shown, sizeof(shown)));
	assay_buf_release(&buf);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool is_process(const char *name)
{
	return name[0] >= '0' && name[0] <= '9';
}

/* Names, types, modes, owners, sizes and contents; times where they are ours to set. */
static void print_tree(const char *path, bool times)
{
	struct dirent **names;
	int count = scandir(path, &names, NULL, by_name);

	for (int i = 0; i < count; i++) {
		const char *name = names[i]->d_name;
		char below[4096];
		struct stat st;

		snprintf(below, sizeof(below), "%s/%s", path, name);
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || lstat(below, &st) ||
		    (is_process(name) && strcmp(path, "/proc") == 0)) {
			free(names[i]);
			continue;
		}
		printf("%s %o %u:%u %lld", below, st.st_mode, st.st_uid, st.st_gid,
		       S_ISREG(st.st_mode) ? (long long)st.st_size : 0LL);
		if (times)
			printf(" %lld", (long long)st.st_mtime);
		printf("\n");
		if (S_ISDIR(st.st_mode))
			print_tree(below, times);
		/* said to be random */
		else if (S_ISREG(st.st_mode) && strcmp(name, "uuid") != 0)
			print_file(below);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
}

static void print_names(void)
{
	struct utsname kernel;
	char domain[256] = "", directory[4096] = "";
	struct passwd *user = getpwuid(getuid());

	if (uname(&kernel) == 0)
		printf("uname %s %s %s %s %s %s\n", kernel.sysname, kernel.nodename, kernel.release,
		       kernel.version, kernel.machine, kernel.domainname);
	if (getdomainname(domain, sizeof(domain)) == 0)
		printf("domain %s\n", domain);
	printf("user %s home %s login %s\n", user ? user->pw_name : "-", user ? user->pw_dir : "-",
	       getlogin() ? getlogin() : "-");
	printf("ids %u %u %u %u groups %d\n", getuid(), geteuid(), getgid(), getegid(), getgroups(0, NULL));
	printf("processes %d %d %d %d\n", getpid(), getppid(), getpgrp(), getsid(0));
	printf("directory %s\n", getcwd(directory, sizeof(directory)) ? directory : strerror(errno));
	printf("locale %s\n", setlocale(LC_ALL, "") ? setlocale(LC_ALL, NULL) : "-");
	tzset();
	printf("zone %s %ld\n", tzname[0], timezone);
	for (char **variable = environ; *variable; variable++)
		printf("environment %s\n", *variable);
}

static void print_machine(void)
{
	struct sysinfo info;
	struct statvfs fs;
	cpu_set_t set;
	double load[3] = { 0 };

	if (sysinfo(&info) == 0)
		printf("sysinfo %ld %lu %lu %lu %lu %lu %u %u\n", info.uptime, info.loads[0],
		       info.totalram, info.freeram, info.bufferram, info.totalswap, info.procs,
		       info.mem_unit);
	printf("pages %ld %ld processors %ld %ld nprocs %d %d load %d %.2f\n", sysconf(_SC_PHYS_PAGES),
	       sysconf(_SC_AVPHYS_PAGES), sysconf(_SC_NPROCESSORS_CONF), sysconf(_SC_NPROCESSORS_ONLN),
	       get_nprocs(), get_nprocs_conf(), getloadavg(load, 3), load[0]);
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		printf("affinity %d\n", CPU_COUNT(&set));
	for (size_t i = 0; i < 3; i++) {
		static const char *const places[] = { "/", "/build/job", "/tmp" };

		if (statvfs(places[i], &fs) == 0)
			printf("statvfs %s %lu %lu %lu %lu %lu\n", places[i], fs.f_bsize, fs.f_blocks,
			       fs.f_files, fs.f_namemax, fs.f_flag);
	}
}

static void print_process(void)
{
	char path[64], target[256];
	struct sigaction action;
	struct itimerval timer;
	struct rlimit limit;
	sigset_t blocked;
	mode_t mask = umask(0);

	printf("umask %o personality %x timerslack %d dumpable %d nnp %d thp %d\n", mask,
	       personality(0xffffffff), prctl(PR_GET_TIMERSLACK), prctl(PR_GET_DUMPABLE),
	       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	umask(mask);
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	for (int i = 1; i < 65; i++)
		if (sigaction(i, NULL, &action) == 0)
			printf("signal %d %s %d\n", i, action.sa_handler == SIG_IGN ? "ignored" : "default",
			       sigismember(&blocked, i));
	for (int i = 0; i < RLIM_NLIMITS; i++)
		if (getrlimit(i, &limit) == 0)
			printf("limit %d %llu %llu\n", i, (unsigned long long)limit.rlim_cur,
			       (unsigned long long)limit.rlim_max);
	if (getitimer(ITIMER_REAL, &timer) == 0)
		printf("timer %ld\n", timer.it_value.tv_sec);
	for (int fd = 0; fd < 1024; fd++) {
		ssize_t len;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		len = readlink(path, target, sizeof(target) - 1);
		if (len > 0) {
			target[len] = '\0';
			/* the number behind it is an inode's */
			target[strcspn(target, ":")] = '\0';
			printf("descriptor %d %s\n", fd, target);
		}
	}
	printf("terminal %d %d %d\n", isatty(0), isatty(1), open("/dev/tty", O_RDWR) < 0);
	for (int family = 0; family < 46; family++) {
		int fd = socket(family, SOCK_STREAM, 0);

		printf("socket %d %s\n", family, fd < 0 ? strerror(errno) : "open");
		if (fd >= 0)
			close(fd);
	}
}

/* Without the numbers of mounts and devices, and the tmpfs's owner on the host. */
static void print_mounts(void)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[4096];

	while (file && fgets(line, sizeof(line), file)) {
		char *rest = strchr(line, '/');

		for (char *option = rest; option && (option = strstr(option, "id="));)
			for (option += 3; *option >= '0' && *option <= '9'; option++)
				*option = '#';
		printf("mount %s", rest ? rest : line);
	}
	if (file)
		fclose(file);
}

static void print_status(void)
{
	static const char *const lines[] = { "Name", "Umask", "Tgid", "Pid", "PPid", "TracerPid", "Uid", "Gid",
					     "Groups", "NS", "Threads", "Sig", "Shd", "Cap", "NoNewPrivs",
					     "Seccomp", "THP_enabled" };
	static const char *const files[] = { "cmdline", "cgroup", "comm", "coredump_filter", "limits",
					     "oom_score_adj", "setgroups", "timerslack_ns" };
	FILE *file = fopen("/proc/self/status", "re");
	char line[4096], path[64];

	while (file && fgets(line, sizeof(line), file))
		for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
			if (strncmp(line, lines[i], strlen(lines[i])) == 0)
				printf("status %s", line);
	if (file)
		fclose(file);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "/proc/self/%s", files[i]);
		print_file(path);
	}
}

/* In the order that the file system gives. */
static void print_workspace(void)
{
	static const char *const names[] = { "z", "a", "m", "b" };
	struct stat st;
	struct dirent *entry;
	DIR *dir;

	if (stat(".", &st) == 0)
		printf("workspace %o %u:%u %lld\n", st.st_mode, st.st_uid, st.st_gid, (long long)st.st_mtime);
	for (size_t i = 0; i < 4; i++)
		close(open(names[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
	dir = opendir(".");
	while (dir && (entry = readdir(dir)))
		printf("workspace %s\n", entry->d_name);
	if (dir)
		closedir(dir);
}

static int view(void)
{
	print_names();
	print_machine();
	print_process();
	print_mounts();
	print_status();
	print_workspace();
	print_tree("/proc", false);
	print_tree("/sys", true);
	print_tree("/dev", false);
	print_tree("/input", true);
	print_tree("/tmp", true);
	return 0;
}

/* ---- outside ------------------------------------------------------------------------------------ */

static char self[4096];

static void keep(void *data, const char *bytes, size_t len)
{
	assay_buf_add(data, bytes, len);
}

/* The same input, whatever order it is made in. */
static void make_input(const char *path, bool backwards)
{
	const struct timespec times[2] = { { .tv_sec = EPOCH }, { .tv_sec = EPOCH } };
	struct assay_error err;

	ck_assert_int_eq(mkdir(path, 0755), 0);
	ck_assert_int_eq(chmod(path, 0755), 0);
	for (int i = 0; i < 20; i++) {
		char file[512], content[32];
		int number = backwards ? 19 - i : i;

		snprintf(file, sizeof(file), "%s/file%d", path, number);
		snprintf(content, sizeof(content), "content %d\n", number);
		ck_assert_int_eq(assay_file_write(AT_FDCWD, file, assay_span_text(content), 0644, &err),
				 ASSAY_OK);
		ck_assert_int_eq(chmod(file, 0644), 0);
		ck_assert_int_eq(utimensat(AT_FDCWD, file, times, 0), 0);
	}
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void print_here(bool backwards, struct assay_buf *out)
{
	static const char *const argv[] = { "/view", "view", NULL };
	static const char *const env[] = { "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC",
					   "HOME=/nonexistent", "ASAN_OPTIONS=detect_leaks=0", NULL };
	struct assay_box_mount mounts[SKELETON_MOUNTS + 4];
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_box_result result;
	struct assay_box_policy policy;
	struct skeleton skeleton;
	enum assay_code code;
	char input[300];
	int count;

	ck_assert(skeleton_make(&skeleton));
	policy = skeleton_policy(&skeleton, argv);
	snprintf(input, sizeof(input), "%s/input", skeleton.root);
	make_input(input, backwards);
	count = skeleton.mount_count;
	memcpy(mounts, skeleton.mounts, sizeof(skeleton.mounts));
	mounts[count++] = (struct assay_box_mount){ self, "/view" };
	mounts[count++] = (struct assay_box_mount){ input, "/input" };
	mounts[count] = (struct assay_box_mount){ NULL, NULL };
	policy.mounts = mounts;
	policy.env = env;
	policy.epoch = EPOCH;
	policy.aslr_off = true;
	policy.log = PRINT_MAX;
	policy.on_output = keep;
	policy.on_output_data = out;
	code = assay_box_run(&policy, &result, &err);
	ck_assert_msg(code == ASSAY_OK, "%s", err.msg);
	ck_assert_int_eq(result.reason, ASSAY_BOX_EXITED);
	ck_assert_int_eq(result.exit_code, 0);
	assay_box_result_release(&result);
	skeleton_remove(&skeleton);
}

/* What needs no privilege to be different. */
static void change_process(void)
{
	const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGTERM, SIGRTMIN + 3 };
	struct itimerval timer = { .it_value = { .tv_sec = 5000 } };
	struct rlimit stack = { 4 << 20, RLIM_INFINITY };
	cpu_set_t last;
	sigset_t set;
	int leak, master;

	clearenv();
	setenv("LANG", "et_EE.UTF-8", 1);
	setenv("USER", "somebody", 1);
	setenv("TZ", "Pacific/Chatham", 1);
	setenv("SECRET", "token", 1);
	umask(077);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	/* left open on purpose */
	leak = open("/etc/passwd", O_RDONLY);
	ck_assert_int_ge(fcntl(leak, F_DUPFD, 77), 77);
	setrlimit(RLIMIT_STACK, &stack);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, RLIM_INFINITY });
	prctl(PR_SET_TIMERSLACK, 999);
	personality(UNAME26);
	setsid();
	master = posix_openpt(O_RDWR);
	if (master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0)
		ioctl(open(ptsname(master), O_RDWR), TIOCSCTTY, 0);
	CPU_ZERO(&last);
	CPU_SET((int)sysconf(_SC_NPROCESSORS_ONLN) - 1, &last);
	sched_setaffinity(0, sizeof(last), &last);
}

/* From 6.3 on: before, files of a store on a tmpfs show as owned by nobody, and the box is a reduced one. */
static bool tmpfs_can_be_idmapped(void)
{
	struct utsname kernel;
	unsigned major = 0, minor = 0;

	return uname(&kernel) == 0 && sscanf(kernel.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 3));
}

/* Another host, as far as one can be had on this one: in a process of its own. */
static void change_host(char *store, size_t size)
{
	const char *tmp = getenv("TMPDIR");
	gid_t groups[] = { 4, 20, 27 };

	snprintf(store, size, "%s/another place for the store.XXXXXX", tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(store));
	ck_assert_int_eq(chmod(store, 0755), 0);
	if (geteuid() == 0 && unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC) == 0) {
		ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
		if (tmpfs_can_be_idmapped())
			ck_assert_int_eq(mount("store", store, "tmpfs", 0, "size=64m,mode=0755"), 0);
		ck_assert_int_eq(sethostname("canary-host", 11), 0);
		ck_assert_int_eq(setdomainname("canary-domain", 13), 0);
		ck_assert_int_eq(setgroups(3, groups), 0);
	}
	ck_assert_int_eq(chdir(store), 0);
	change_process();
	setenv("TMPDIR", store, 1);
}

static void print_elsewhere(struct assay_buf *out)
{
	struct assay_error err;
	char store[4096] = "";
	int pair[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe(pair), 0);
	pid = fork();
	if (pid == 0) {
		change_host(store, sizeof(store));
		print_here(true, out);
		if (assay_fd_write(pair[1], out->data, out->len, &err))
			_exit(1);
		if (chdir("/") == 0)
			umount2(store, MNT_DETACH);
		rmdir(store);
		_exit(0);
	}
	close(pair[1]);
	assay_buf_clear(out);
	ck_assert_int_eq(assay_buf_read_fd(out, pair[0], &err), ASSAY_OK);
	close(pair[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static void compare(const struct assay_buf *here, const struct assay_buf *elsewhere)
{
	struct assay_span a = assay_buf_span(here), b = assay_buf_span(elsewhere), x, y;

	while (assay_span_next_line(&a, &x) && assay_span_next_line(&b, &y))
		ck_assert_msg(assay_span_equal(x, y), "here: %.*s\nelsewhere: %.*s", ASSAY_SPAN_ARGS(x),
			      ASSAY_SPAN_ARGS(y));
	ck_assert_uint_eq(a.len, 0);
	ck_assert(!assay_span_next_line(&b, &y));
}

START_TEST(two_hosts_look_the_same)
{
	struct assay_buf here = ASSAY_BUF_INIT(PRINT_MAX), elsewhere = ASSAY_BUF_INIT(PRINT_MAX);
	const char *text;

	print_here(false, &here);
	print_elsewhere(&elsewhere);
	text = assay_buf_text(&elsewhere);
	/* it looked at all */
	ck_assert_uint_gt(here.len, 10000);
	ck_assert_ptr_nonnull(strstr(text, "\nenvironment TZ=UTC\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n/proc/cpuinfo: "));
	ck_assert_ptr_nonnull(strstr(text, "\n/input/file7: content 7\n"));
	/* and nothing of the other host is there */
	ck_assert_ptr_null(strstr(text, "canary"));
	ck_assert_ptr_null(strstr(text, "another place"));
	ck_assert_ptr_null(strstr(text, "token"));
	if (getenv("BOX_VIEW"))
		fputs(text, stderr);
	compare(&here, &elsewhere);
	assay_buf_release(&here);
	assay_buf_release(&elsewhere);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("box_view");
	TCase *all = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	ssize_t len;
	int failed;

	if (argc > 1 && strcmp(argv[1], "view") == 0)
		return view();
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len < 0)
		return 1;
	self[len] = '\0';
	suite_add_tcase(suite, all);
	tcase_set_timeout(all, 100);
	tcase_add_test(all, two_hosts_look_the_same);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
