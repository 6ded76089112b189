/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain and the environment on the real mirror, as root: the same lock gives the same tree on
 * another machine (host name, store, time zone), a process that is killed leaves nothing that is
 * taken for whole and nothing mounted, two processes make one tree, the machine's apt stays as it is,
 * and sources that are not Debian's or cannot be reached do no harm.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/debian.h"
#include "assay/file.h"
#include "assay/log.h"
#include "assay/path.h"
#include "assay/process.h"

static int failures;

static void check(bool good, const char *what, const char *detail)
{
	printf("%sok - %s%s%s\n", good ? "" : "not ", what, good ? "" : ": ", good ? "" : detail);
	fflush(stdout);
	failures += !good;
}

struct run {
	struct assay_debian_build build;
	struct assay_lock lock;
	struct assay_environment environment;
	struct assay_error err;
};

static bool prepare(const char *root, const char *purl, struct assay_store **store, struct run *run)
{
	struct assay_debian_target target;

	*run = (struct run){ .environment.lock_fd = -1 };
	return !assay_store_open(root, store, &run->err) &&
	       assay_debian_target_parse(purl, &target, &run->err) &&
	       !assay_debian_resolve(*store, &target, NULL, &run->build, &run->err) &&
	       !assay_lock_for_build(*store, &run->build, &run->lock, &run->err);
}

static bool make(const char *root, const char *purl, struct assay_store **store, struct run *run)
{
	return prepare(root, purl, store, run) &&
	       !assay_environment_debian(*store, &run->lock, &run->environment, &run->err);
}

static void finish(struct assay_store *store, struct run *run)
{
	assay_environment_release(&run->environment);
	assay_lock_release(&run->lock);
	assay_debian_build_release(&run->build);
	assay_store_free(store);
}

/* In a child, so that its host name is its own; the digest comes back by a file. */
static pid_t make_elsewhere(const char *root, const char *purl, const char *result)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct assay_store *store = NULL;
		char hex[ASSAY_DIGEST_TEXT];
		struct run run;
		FILE *file;

		setpgid(0, 0);
		setenv("TZ", "Pacific/Auckland", 1);
		setenv("LC_ALL", "C", 1);
		if (unshare(CLONE_NEWUTS) || sethostname("elsewhere", 9))
			_exit(1);
		if (!make(root, purl, &store, &run)) {
			fprintf(stderr, "# %s\n", run.err.msg);
			_exit(1);
		}
		file = fopen(result, "w");
		if (!file || fputs(assay_digest_hex(&run.environment.digest, hex), file) < 0 ||
		    fclose(file))
			_exit(1);
		finish(store, &run);
		_exit(0);
	}
	return pid;
}

static int wait_for(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0)
		;
	return status;
}

static void read_line(const char *path, char *out, size_t size)
{
	FILE *file = fopen(path, "r");

	out[0] = '\0';
	if (file && !fgets(out, (int)size, file))
		out[0] = '\0';
	if (file)
		fclose(file);
}

static bool is_mounted(const char *below)
{
	FILE *file = fopen("/proc/self/mountinfo", "r");
	char line[4096];
	bool found = false;

	while (file && fgets(line, sizeof(line), file))
		found = found || strstr(line, below);
	if (file)
		fclose(file);
	return found;
}

/* What the machine's apt is made of, as one text of names, sizes and times. */
static void machine_state(struct assay_buf *out)
{
	static const char *const argv[] = { "find", "/etc/apt", "/var/lib/apt", "/var/cache/apt",
					    "/var/lib/dpkg/status", "-printf", "%p %s %T@\\n", NULL };
	struct assay_process process = ASSAY_PROCESS_INIT;
	struct assay_error err = ASSAY_ERROR_INIT;
	int status;

	process.argv = argv;
	process.out = out;
	if (assay_process_run(&process, &status, &err))
		printf("# %s\n", err.msg);
}

static void share_packages(const char *from, const char *to)
{
	char blobs[4200], version[4200];
	const char *const argv[] = { "cp", "-r", blobs, version, to, NULL };
	struct assay_process process = ASSAY_PROCESS_INIT;
	struct assay_error err = ASSAY_ERROR_INIT;

	snprintf(blobs, sizeof(blobs), "%s/blobs", from);
	snprintf(version, sizeof(version), "%s/VERSION", from);
	process.argv = argv;
	if (assay_process_must(&process, &err))
		printf("# %s\n", err.msg);
}

/* A configuration with a foreign source that nobody answers, and the machine's own ones. */
static void foreign_source(const char *top)
{
	char path[4200], parts[4096], text[8192];
	const char *const argv[] = { "cp", "-r", "/etc/apt/sources.list.d/.", parts, NULL };
	struct assay_process process = ASSAY_PROCESS_INIT;
	struct assay_error err = ASSAY_ERROR_INIT;

	snprintf(parts, sizeof(parts), "%s/parts", top);
	process.argv = argv;
	if (mkdir(parts, 0755) || assay_process_must(&process, &err))
		printf("# %s\n", err.msg);
	snprintf(path, sizeof(path), "%s/foreign.list", parts);
	snprintf(text, sizeof(text),
		 "deb [signed-by=/etc/apt/keyrings/foreign.gpg] http://127.0.0.1:9/foreign stable main\n");
	if (assay_file_write(AT_FDCWD, path, assay_span_text(text), 0644, &err))
		printf("# %s\n", err.msg);
	snprintf(path, sizeof(path), "%s/apt.conf", top);
	snprintf(text, sizeof(text), "Dir::Etc::sourceparts \"%s\";\n", parts);
	if (assay_file_write(AT_FDCWD, path, assay_span_text(text), 0644, &err))
		printf("# %s\n", err.msg);
	setenv("APT_CONFIG", path, 1);
}

static void test_same_everywhere(const char *top, const char *one, const char *purl)
{
	struct assay_store *store = NULL, *again = NULL;
	char two[4096], result[4096], hex[ASSAY_DIGEST_TEXT], other[128];
	struct run run, second;
	pid_t a, b;

	check(make(one, purl, &store, &run), "chain, lock and environment", run.err.msg);
	check(make(one, purl, &again, &second) && second.environment.cached,
	      "the second time it is there", second.err.msg);
	check(assay_digest_equal(&run.lock.digest, &second.lock.digest), "the same lock twice", "");
	assay_digest_hex(&run.environment.digest, hex);
	snprintf(two, sizeof(two), "%s/another store: two", top);
	snprintf(result, sizeof(result), "%s/digest", top);
	check(mkdir(two, 0755) == 0, "another store", two);
	share_packages(one, two);
	a = make_elsewhere(two, purl, result);
	usleep(3000000);
	kill(a, SIGKILL);
	wait_for(a);
	check(access(result, F_OK) != 0, "killed before it was done", "too fast");
	usleep(500000);
	check(!is_mounted(top), "a killed process leaves nothing mounted", "");
	a = make_elsewhere(two, purl, result);
	snprintf(other, sizeof(other), "%s/digest2", top);
	b = make_elsewhere(two, purl, other);
	check(wait_for(a) == 0, "after it, two at once: the first", "");
	check(wait_for(b) == 0, "after it, two at once: the second", "");
	read_line(result, result, sizeof(result));
	check(strcmp(result, hex) == 0, "another host, store and time zone: the same digest", result);
	finish(store, &run);
	finish(again, &second);
}

static void test_lost(const char *one)
{
	struct assay_store *store = NULL;
	struct run run;

	check(!prepare(one, "pkg:deb/debian/libcjson1@0.0.1-1", &store, &run) &&
		      run.err.code == ASSAY_ENOTFOUND && strstr(run.err.msg, "looked in"),
	      "a version that is not carried is lost, with where was looked", run.err.msg);
	finish(store, &run);
}

int main(int argc, char **argv)
{
	const char *purl = argc > 1 ? argv[1] : "pkg:deb/debian/libcjson1";
	struct assay_buf before = ASSAY_BUF_INIT(1 << 26), after = ASSAY_BUF_INIT(1 << 26);
	struct assay_error err = ASSAY_ERROR_INIT;
	assay_auto(assay_freep) char *top = NULL, *one = NULL;

	if (geteuid() != 0) {
		puts("want root");
		return 77;
	}
	assay_log_init();
	if (assay_path_make_temp("/var/tmp", "assay-system-", &top, &err)) {
		puts(err.msg);
		return 1;
	}
	machine_state(&before);
	one = assay_path_join(top, "one");
	foreign_source(top);
	test_same_everywhere(top, one, purl);
	test_lost(one);
	machine_state(&after);
	check(assay_span_equal(assay_buf_span(&before), assay_buf_span(&after)),
	      "the machine's apt is as it was", "");
	assay_buf_release(&before);
	assay_buf_release(&after);
	check(!assay_path_remove_tree(AT_FDCWD, top, &err), "all is removed", err.msg);
	return failures != 0;
}
