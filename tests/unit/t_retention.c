/* SPDX-License-Identifier: Apache-2.0 */
/* What a collection takes and what it leaves: by class and age, by who names it, by who is at work. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "assay/file.h"
#include "assay/log.h"
#include "assay/path.h"
#include "assay/retention.h"

enum { DAY = 86400 };

static char *top;
static struct assay_store *store;
static struct assay_retention policy;
static struct assay_store_collected got;
static struct assay_error err;

static const char *under(const char *name)
{
	static char path[4][600];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/s/%s", top, name);
	return path[turn];
}

static void set_up(void)
{
	char root[600];

	assay_log_set_level(ASSAY_LOG_ERROR);
	err = (struct assay_error)ASSAY_ERROR_INIT;
	assay_retention_init(&policy);
	ck_assert_int_eq(assay_path_make_temp("/tmp", "assay-test-", &top, &err), ASSAY_OK);
	snprintf(root, sizeof(root), "%s/s", top);
	ck_assert_msg(assay_store_open(root, &store, &err) == ASSAY_OK, "%s", err.msg);
}

static void tear_down(void)
{
	assay_store_free(store);
	ck_assert_int_eq(assay_path_remove_tree(AT_FDCWD, top, &err), ASSAY_OK);
	free(top);
}

static void age(const char *path, int days)
{
	struct timespec times[2] = { { .tv_sec = time(NULL) - (time_t)days * DAY }, { 0 } };

	times[1] = times[0];
	ck_assert_msg(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) == 0, "%s: %s", path, strerror(errno));
}

static const char *blob_path(const struct assay_digest *digest)
{
	char hex[ASSAY_DIGEST_TEXT], name[200];

	assay_digest_hex(digest, hex);
	snprintf(name, sizeof(name), "blobs/%.2s/%s", hex, hex);
	return under(name);
}

static struct assay_digest put(const char *text, int days)
{
	struct assay_digest digest;

	ck_assert_msg(assay_store_put_span(store, assay_span_text(text), &digest, &err) == ASSAY_OK, "%s", err.msg);
	age(blob_path(&digest), days);
	return digest;
}

static void write_file(const char *name, const char *text, int days)
{
	assay_auto(assay_freep) char *folder = strdup(under(name));

	*strrchr(folder, '/') = '\0';
	ck_assert_int_eq(assay_path_make_dirs(folder, 0755, &err), ASSAY_OK);
	ck_assert_int_eq(assay_file_write(AT_FDCWD, under(name), assay_span_text(text), 0644, &err), ASSAY_OK);
	age(under(name), days);
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static void collect(void)
{
	ck_assert_msg(assay_store_collect(store, &policy, &got, &err) == ASSAY_OK, "%s", err.msg);
}

static char *hex_of(const struct assay_digest *digest)
{
	static char hex[4][ASSAY_DIGEST_TEXT];
	static int turn;

	turn = (turn + 1) % 4;
	return assay_digest_hex(digest, hex[turn]);
}

START_TEST(policies_are_read)
{
	static const struct {
		const char *text;
		enum assay_store_class class;
		int64_t seconds;
	} good[] = { { "blobs=90s", ASSAY_CLASS_BLOBS, 90 },
		     { "logs=15min", ASSAY_CLASS_LOGS, 900 },
		     { "candidates=2h", ASSAY_CLASS_CANDIDATES, 7200 },
		     { "environments=30d", ASSAY_CLASS_ENVIRONMENTS, 30 * DAY },
		     { "locks=1w", ASSAY_CLASS_LOCKS, 7 * DAY },
		     { "grace=1h,reports=forever", ASSAY_CLASS_REPORTS, ASSAY_KEEP_FOREVER } };
	static const char *const bad[] = { "", "blobs", "blobs=", "blobs=d", "blobs=-1d", "blobs=1", "blobs=1m", "blob=1d",
					   "blobs=99999999999w", "blobs=1d ", "=1d", "every=0s", "grace=forever", "blobs=1d,", "graces=1d" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_msg(assay_retention_parse(&policy, good[i].text, &err) == ASSAY_OK, "%s", err.msg);
		ck_assert_int_eq(policy.keep_s[good[i].class], good[i].seconds);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(assay_retention_parse(&policy, bad[i], &err) == ASSAY_EUSAGE, "%s", bad[i]);
}
END_TEST

START_TEST(old_blobs_go_and_young_ones_stay)
{
	struct assay_digest old = put("old", 40), young = put("young", 20), dry = put("dry", 31);

	policy.dry_run = true;
	collect();
	ck_assert_uint_eq(got.removed[ASSAY_CLASS_BLOBS].count, 2);
	ck_assert(exists(blob_path(&old)));
	policy.dry_run = false;
	ck_assert(assay_store_has(store, &dry)); /* that was a use */
	collect();
	ck_assert(!exists(blob_path(&old)));
	ck_assert(exists(blob_path(&young)));
	ck_assert(exists(blob_path(&dry)));
	ck_assert_uint_eq(got.removed[ASSAY_CLASS_BLOBS].count, 1);
	ck_assert_uint_eq(got.kept[ASSAY_CLASS_BLOBS].count, 2);
}
END_TEST

START_TEST(the_grace_holds_whatever_the_policy)
{
	struct assay_digest fresh = put("fresh", 0), day = put("day", 2);

	policy.keep_s[ASSAY_CLASS_BLOBS] = 0;
	collect();
	ck_assert(exists(blob_path(&fresh)));
	ck_assert(!exists(blob_path(&day)));
	ck_assert_uint_eq(got.in_use, 1);
}
END_TEST

/* A report holds its inputs and what was built, each as long as its class says. */
START_TEST(reports_hold_what_they_name)
{
	struct assay_digest input = put("input", 100), built = put("built", 100), other = put("other", 100);
	char report[1000];

	snprintf(report, sizeof(report),
		 "{\"inputs\": [{\"sha256\": \"%s\"}], \"subjects\": [{\"candidate\": {\"digest\": {\"sha256\": \"%s\"}}}]}",
		 hex_of(&input), hex_of(&built));
	write_file("runs/a/report.json", report, 20);
	write_file("runs/a/attempt-1.log.zst", "log", 100);
	write_file("runs/a/candidates/1/x.deb", "built", 20);
	policy.keep_s[ASSAY_CLASS_CANDIDATES] = 10 * DAY;
	age(under("runs/a/candidates"), 20);
	collect();
	ck_assert(exists(blob_path(&input)));
	ck_assert(!exists(blob_path(&built)));
	ck_assert(!exists(blob_path(&other)));
	ck_assert(exists(under("runs/a/report.json")));
	ck_assert(!exists(under("runs/a/attempt-1.log.zst")));
	ck_assert(!exists(under("runs/a/candidates")));
	ck_assert_uint_eq(got.removed[ASSAY_CLASS_CANDIDATES].count, 2);
	ck_assert_uint_eq(got.removed[ASSAY_CLASS_LOGS].count, 1);
	policy.keep_s[ASSAY_CLASS_REPORTS] = 10 * DAY;
	collect();
	ck_assert(!exists(under("runs/a")));
	ck_assert(!exists(blob_path(&input)));
}
END_TEST

START_TEST(a_report_that_is_no_json_holds_all_it_names)
{
	struct assay_digest input = put("input", 100);
	char text[200];

	snprintf(text, sizeof(text), "cut short {\"sha256\": \"%s\"", hex_of(&input));
	write_file("runs/a/report.json", text, 1);
	collect();
	ck_assert(exists(blob_path(&input)));
}
END_TEST

START_TEST(locks_hold_their_packages)
{
	struct assay_digest package = put("package", 100), lock;
	char text[300], name[100];

	snprintf(text, sizeof(text), "assay-lock 2\nsuite bookworm\n0 a 1 amd64 %s 7 pool/a.deb\n", hex_of(&package));
	lock = put(text, 100);
	snprintf(name, sizeof(name), "resolved/%s", hex_of(&package));
	snprintf(text, sizeof(text), "%s\n", hex_of(&lock));
	write_file(name, text, 60);
	collect();
	ck_assert(exists(blob_path(&package)) && exists(blob_path(&lock)));
	ck_assert_uint_eq(got.kept[ASSAY_CLASS_LOCKS].count, 2);
	policy.keep_s[ASSAY_CLASS_LOCKS] = 50 * DAY;
	collect();
	ck_assert(!exists(blob_path(&package)) && !exists(blob_path(&lock)) && !exists(under(name)));
}
END_TEST

START_TEST(an_environment_in_use_stays)
{
	int fd;

	write_file("environments/aa/root/bin/sh", "sh", 100);
	write_file("environments/bb/root/bin/sh", "sh", 100);
	age(under("environments/aa"), 100);
	age(under("environments/bb"), 100);
	fd = open(under("environments/aa"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(flock(fd, LOCK_SH), 0);
	collect();
	ck_assert(exists(under("environments/aa/root/bin/sh")));
	ck_assert(!exists(under("environments/bb")));
	ck_assert_uint_eq(got.in_use, 1);
	close(fd);
	collect();
	ck_assert(!exists(under("environments/aa")));
}
END_TEST

/* Another process that opened the store, and says that it depends on what it used for so many days. */
static pid_t neighbour(int days)
{
	int ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct assay_store *own;

		if (assay_store_open(assay_store_root(store), &own, &err))
			_exit(1);
		if (days >= 0) {
			DIR *dir = opendir(under("tmp"));

			for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
				char path[300];

				snprintf(path, sizeof(path), "tmp/%s/since", e->d_name);
				if (atoi(e->d_name) == getpid())
					age(under(path), days);
			}
		}
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

START_TEST(what_a_living_process_used_stays)
{
	struct assay_digest old = put("old", 60), used = put("used", 40);
	pid_t pid = neighbour(50);

	collect();
	ck_assert(!exists(blob_path(&old)));
	ck_assert(exists(blob_path(&used)));
	ck_assert_uint_eq(got.in_use, 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	collect();
	ck_assert(!exists(blob_path(&used)));
}
END_TEST

START_TEST(the_farm_says_what_its_database_names)
{
	struct assay_digest built = put("built", 100), late = put("late", 40), report;
	char text[400];

	write_file("farm/queue.db", "", 1);
	ck_assert_int_eq(assay_store_collect(store, &policy, &got, &err), ASSAY_EUNTRUSTED);
	snprintf(text, sizeof(text), "{\"attempts\": [{\"outputs\": [{\"sha256\": \"%s\"}]}]}", hex_of(&built));
	report = put(text, 100);
	snprintf(text, sizeof(text), ASSAY_STORE_FARM_MAGIC "%lld\nreports %s %lld\n", (long long)time(NULL) - 50 * DAY,
		 hex_of(&report), (long long)time(NULL) - 20 * DAY);
	write_file("farm/" ASSAY_STORE_FARM_NAMES_FILE, text, 0);
	err = (struct assay_error)ASSAY_ERROR_INIT;
	collect();
	ck_assert(exists(blob_path(&report)) && exists(blob_path(&built)));
	ck_assert(exists(blob_path(&late))); /* used since the farm last said what it needs */
	ck_assert_uint_eq(got.kept[ASSAY_CLASS_REPORTS].count, 1);
	policy.keep_s[ASSAY_CLASS_CANDIDATES] = 10 * DAY;
	collect();
	ck_assert(exists(blob_path(&report)) && !exists(blob_path(&built)));
	write_file("farm/" ASSAY_STORE_FARM_NAMES_FILE, "something else\n", 0);
	ck_assert_int_eq(assay_store_collect(store, &policy, &got, &err), ASSAY_EUNTRUSTED);
}
END_TEST

/* As if nobody had used it for a month. */
static void forget(const struct assay_digest *digest)
{
	struct timespec past[2] = { { .tv_sec = time(NULL) - 30 * DAY }, { .tv_sec = time(NULL) - 30 * DAY } };

	utimensat(AT_FDCWD, blob_path(digest), past, 0);
}

/* True when it was gone. */
static bool use(const struct assay_digest *digest, int number)
{
	bool missed = !assay_store_has(store, digest);
	int fd = -1;
	char text[20];

	if (missed) {
		snprintf(text, sizeof(text), "blob %d", number);
		ck_assert_int_eq(assay_store_put_span(store, assay_span_text(text), NULL, &err), ASSAY_OK);
	}
	ck_assert_msg(assay_store_get(store, digest, &fd, &err) == ASSAY_OK, "%s", err.msg);
	close(fd);
	return missed;
}

/* Users and a collector that thinks everything may go, at once: what a user was told is there, is there. */
START_TEST(nobody_loses_what_he_uses)
{
	struct assay_digest digests[64];
	pid_t collector;
	int status, misses = 0;

	policy.keep_s[ASSAY_CLASS_BLOBS] = 0;
	for (int i = 0; i < 64; i++) {
		char text[20];

		snprintf(text, sizeof(text), "blob %d", i);
		digests[i] = put(text, 30);
	}
	collector = fork();
	if (collector == 0) {
		for (int i = 0; i < 300; i++) {
			struct assay_store *own;

			if (assay_store_open(assay_store_root(store), &own, &err) ||
			    assay_store_collect(own, &policy, &got, &err))
				_exit(1);
			assay_store_free(own);
		}
		_exit(0);
	}
	while (exists(blob_path(&digests[63])))
		usleep(100); /* the collector is at work: there is something to lose */
	misses = use(&digests[63], 63);
	for (int i = 62; waitpid(collector, &status, WNOHANG) == 0; i = (i + 63) % 64) {
		forget(&digests[i]);
		misses += use(&digests[i], i);
	}
	ck_assert_int_eq(status, 0);
	ck_assert_int_gt(misses, 0);
}
END_TEST

static bool somebody_waits(pid_t pid)
{
	char line[200], word[40];
	FILE *locks = fopen("/proc/locks", "re");
	bool found = false;

	snprintf(word, sizeof(word), " %d ", (int)pid);
	while (locks && fgets(line, sizeof(line), locks))
		found |= strstr(line, "->") && strstr(line, word);
	if (locks)
		fclose(locks);
	return found;
}

/* A collection has looked at a blob's time and is about to remove it; a use at that moment learns that it is gone. */
START_TEST(a_use_waits_for_the_collection)
{
	struct assay_digest old = put("old", 40);
	assay_auto(assay_freep) char *folder = strdup(blob_path(&old));
	int fd, status;
	pid_t pid;

	*strrchr(folder, '/') = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	pid = fork();
	if (pid == 0) {
		close(fd); /* the lock is the parent's alone */
		_exit(assay_store_has(store, &old));
	}
	for (int i = 0; i < 500 && !somebody_waits(pid); i++)
		usleep(10000);
	ck_assert_int_eq(unlink(blob_path(&old)), 0);
	close(fd);
	waitpid(pid, &status, 0);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(check_names_what_is_bad)
{
	struct assay_digest good = put("good", 1), bad = put("bad", 1);
	struct assay_store_checked checked;
	char aside[300];
	int fd;

	ck_assert_int_eq(chmod(blob_path(&bad), 0644), 0);
	fd = open(blob_path(&bad), O_WRONLY | O_TRUNC);
	ck_assert_int_eq(write(fd, "bid", 3), 3);
	close(fd);
	write_file("blobs/aa/stranger", "", 0);
	ck_assert_int_eq(assay_store_check(store, &checked, &err), ASSAY_OK);
	ck_assert_uint_eq(checked.blobs, 2);
	ck_assert_uint_eq(checked.bad, 1);
	ck_assert_uint_eq(checked.strange, 1);
	ck_assert_uint_eq(json_array_size(checked.problems), 2);
	json_decref(checked.problems);
	snprintf(aside, sizeof(aside), "%s.corrupt", blob_path(&bad));
	ck_assert(exists(aside) && !exists(blob_path(&bad)) && exists(blob_path(&good)));
	age(aside, 60);
	collect();
	ck_assert(!exists(aside));
}
END_TEST

/* A collection that is killed anywhere leaves whole things, or none; what it had begun the next one ends. */
START_TEST(a_killed_collection_leaves_nothing_half)
{
	int gone = 0;

	policy.keep_s[ASSAY_CLASS_REPORTS] = 10 * DAY;
	for (int i = 0; i < 24; i++) {
		struct assay_store *next = NULL;
		char name[60];
		pid_t pid;

		write_file("runs/a/candidates/1/0", "x", 20);
		for (int k = 1; k < 40; k++) {
			snprintf(name, sizeof(name), "runs/a/candidates/1/%d", k);
			ck_assert_int_eq(close(open(under(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)), 0);
		}
		write_file("runs/a/report.json", "{}", 20);
		age(under("runs/a/candidates"), 20);
		pid = fork();
		if (pid == 0) {
			struct assay_store *own;

			_exit(assay_store_open(assay_store_root(store), &own, &err) ||
			      assay_store_collect(own, &policy, &got, &err));
		}
		usleep((useconds_t)i * 250);
		if (i != 23)
			kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		if (exists(under("runs/a"))) {
			ck_assert(exists(under("runs/a/report.json")) && exists(under("runs/a/candidates/1/39")) &&
				  exists(under("runs/a/candidates/1/0")));
		} else {
			gone++;
		}
		ck_assert_int_eq(assay_store_open(assay_store_root(store), &next, &err), ASSAY_OK); /* sweeps */
		assay_store_free(next);
		collect();
		ck_assert(!exists(under("runs/a")));
	}
	ck_assert_int_gt(gone, 0);
}
END_TEST

START_TEST(it_is_due_once_a_day)
{
	bool done = false;

	policy.dry_run = true;
	collect(); /* does not count */
	policy.dry_run = false;
	ck_assert(assay_store_is_due(store, &policy));
	ck_assert_int_eq(assay_store_collect_if_due(store, &policy, &done, &got, &err), ASSAY_OK);
	ck_assert(done && !assay_store_is_due(store, &policy));
	ck_assert_int_eq(assay_store_collect_if_due(store, &policy, &done, &got, &err), ASSAY_OK);
	ck_assert(!done);
	age(under("locks/collection"), 2);
	ck_assert_int_eq(assay_store_collect_if_due(store, &policy, &done, &got, &err), ASSAY_OK);
	ck_assert(done);
	age(under("locks/collection"), 2);
	policy.every_s = ASSAY_KEEP_FOREVER;
	ck_assert(!assay_store_is_due(store, &policy));
}
END_TEST

START_TEST(stats_count_by_class)
{
	struct assay_store_usage usage;

	put("one", 3);
	put("two", 1);
	write_file("environments/aa/root/x", "x", 1);
	write_file("runs/a/report.json", "{}", 1);
	write_file("runs/a/attempt-1.log.zst", "log", 1);
	ck_assert_msg(assay_store_stats(store, &usage, &err) == ASSAY_OK, "%s", err.msg);
	ck_assert_uint_eq(usage.classes[ASSAY_CLASS_BLOBS].count, 2);
	ck_assert_int_eq((usage.classes[ASSAY_CLASS_BLOBS].newest - usage.classes[ASSAY_CLASS_BLOBS].oldest) / DAY, 2);
	ck_assert_uint_eq(usage.classes[ASSAY_CLASS_ENVIRONMENTS].count, 1);
	ck_assert_uint_eq(usage.classes[ASSAY_CLASS_REPORTS].count, 1);
	ck_assert_uint_eq(usage.classes[ASSAY_CLASS_LOGS].count, 1);
	ck_assert_uint_eq(usage.work.count, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("retention");
	TCase *tests = tcase_create("retention");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, policies_are_read);
	tcase_add_test(tests, old_blobs_go_and_young_ones_stay);
	tcase_add_test(tests, the_grace_holds_whatever_the_policy);
	tcase_add_test(tests, reports_hold_what_they_name);
	tcase_add_test(tests, a_report_that_is_no_json_holds_all_it_names);
	tcase_add_test(tests, locks_hold_their_packages);
	tcase_add_test(tests, an_environment_in_use_stays);
	tcase_add_test(tests, what_a_living_process_used_stays);
	tcase_add_test(tests, the_farm_says_what_its_database_names);
	tcase_add_test(tests, nobody_loses_what_he_uses);
	tcase_add_test(tests, a_use_waits_for_the_collection);
	tcase_add_test(tests, check_names_what_is_bad);
	tcase_add_test(tests, a_killed_collection_leaves_nothing_half);
	tcase_add_test(tests, it_is_due_once_a_day);
	tcase_add_test(tests, stats_count_by_class);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
