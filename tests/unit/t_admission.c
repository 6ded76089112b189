/* SPDX-License-Identifier: Apache-2.0 */
/* What may be submitted at all. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/limits.h"
#include "scheduler/admission.h"
#include "scheduler/queue.h"
#include "scheduler/schema.h"

enum { MINUTE = 60000 };

static struct assay_database *db;
static struct assay_arena arena = ASSAY_ARENA_INIT(ASSAY_MIB);
static struct assay_error err;
static int64_t now = 1000000;

static void must(enum assay_code code)
{
	ck_assert_msg(code == ASSAY_OK, "%s", err.msg);
}

static void setup(void)
{
	must(assay_database_open("sqlite::memory:", &db, &err));
	must(scheduler_schema(db, &err));
}

static void teardown(void)
{
	assay_database_close(db);
	assay_arena_release(&arena);
}

static struct queue_lease lease(const char *worker, const char *labels)
{
	struct queue_worker w = { worker, "dev", labels, "test", NULL };
	struct queue_lease l;

	must(queue_lease(db, &w, MINUTE, now, &arena, &l, &err));
	return l;
}

static const struct {
	const char *needs;
	bool good;
} words[] = {
	{ "", true },
	{ "arch=amd64", true },
	{ "arch=amd64 memory~8g", true },
	{ "a=123456789012345678901234567890123456789012345678901234567890123", false },
	{ "a=12345678901234567890123456789012345678901234567890123456789012", true },
	{ "arch", false },
	{ "=amd64", false },
	{ "arch=", false },
	{ "a=b=c", false },
	{ "a=b~c", false },
	{ " a=b", false },
	{ "a=b ", false },
	{ "a=b  c=d", false },
	{ "a=b\tc=d", false },
	{ "a=\xc3\xa9", false },
};

START_TEST(needs_are_words_that_a_worker_can_have)
{
	ck_assert_msg((admission_check_needs(words[_i].needs, &err) == ASSAY_OK) == words[_i].good, "%s", words[_i].needs);
}
END_TEST

static int64_t classes(void)
{
	struct assay_rows *rows;
	int64_t count;

	must(assay_database_run(db, "SELECT count(*) FROM class", NULL, 0, &rows, &err));
	count = assay_rows_int(rows, 0, 0);
	assay_rows_free(rows);
	return count;
}

static enum assay_code submit_needing(int i, int64_t *ret)
{
	char target[20], needs[20];
	struct queue_submission s = {
		.target = target, .options = "{}", .submitter = "x", .pool = "dev", .needs = needs
	};
	enum queue_admission how;

	snprintf(target, sizeof(target), "t%d", i);
	snprintf(needs, sizeof(needs), "n=%d", i);
	return queue_submit(db, &s, now, ret, &how, &err);
}

/* Leases look into each kind of needs, so there are not too many; those that no job has any more are forgotten, and a job
 * that comes back brings its own. */
START_TEST(kinds_of_needs_are_few)
{
	struct queue_lease l;
	int64_t job, first;
	size_t done;

	must(submit_needing(0, &first));
	for (int i = 1; i < ASSAY_MAX_CLASSES; i++) {
		must(submit_needing(i, &job));
		must(queue_cancel(db, job, now, &err));
	}
	ck_assert_int_eq(submit_needing(ASSAY_MAX_CLASSES, &job), ASSAY_EUSAGE);
	must(submit_needing(1, &job));
	must(queue_cancel(db, job, now, &err));
	now += QUEUE_CLASS_KEPT_MS + MINUTE;
	do
		must(queue_sweep(db, now, 100, &done, &err));
	while (classes() > 100);
	for (int i = 0; i < 2; i++)
		must(queue_sweep(db, now, 100, &done, &err));
	ck_assert_int_eq(classes(), 1); /* of the one that is queued */
	must(queue_retry(db, job, now, &err));
	ck_assert_int_eq(classes(), 2);
	l = lease("w1", "n=1");
	ck_assert_int_eq(l.job, job);
	l = lease("w2", "n=0");
	ck_assert_int_eq(l.job, first);
}
END_TEST

START_TEST(what_is_too_long_is_refused)
{
	char text[ASSAY_MAX_TARGET + 2];
	struct queue_submission s = {
		.target = "a", .options = "{}", .submitter = "x", .pool = "dev", .needs = ""
	};
	const char **fields[] = { &s.target, &s.submitter, &s.pool };
	const char *was;
	enum queue_admission how;
	int64_t job;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		was = *fields[i];
		*fields[i] = text;
		ck_assert_int_eq(queue_submit(db, &s, now, &job, &how, &err), ASSAY_EUSAGE);
		*fields[i] = "";
		ck_assert_int_eq(queue_submit(db, &s, now, &job, &how, &err), ASSAY_EUSAGE);
		*fields[i] = was;
	}
	text[ASSAY_MAX_TARGET] = '\0';
	s.target = text;
	must(queue_submit(db, &s, now, &job, &how, &err));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("admission");
	TCase *tcase = tcase_create("admission");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, needs_are_words_that_a_worker_can_have, 0, sizeof(words) / sizeof(words[0]));
	tcase_add_test(tcase, kinds_of_needs_are_few);
	tcase_add_test(tcase, what_is_too_long_is_refused);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
