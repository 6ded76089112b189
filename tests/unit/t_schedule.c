/* SPDX-License-Identifier: Apache-2.0 */
/* Schedules: when they fire, once by whoever is first, what was missed, and what they queue. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "assay/limits.h"
#include "scheduler/fire.h"
#include "scheduler/schedule.h"
#include "scheduler/schema.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

static struct assay_database *db;
static struct assay_arena arena;
static struct assay_error err;
/* 2026-01-01 00:00 UTC */
static const int64_t start = 1767225600000;

static void must(enum assay_code code)
{
	ck_assert_msg(code == ASSAY_OK, "%s", err.msg);
}

static void setup(void)
{
	arena = (struct assay_arena)ASSAY_ARENA_INIT(ASSAY_MIB);
	must(assay_database_open("sqlite::memory:", &db, &err));
	must(scheduler_schema(db, &err));
}

static void teardown(void)
{
	assay_database_close(db);
	assay_arena_release(&arena);
}

static struct schedule nightly(void)
{
	return (struct schedule){ .name = "nightly", .cron = "0 2 * * *", .zone = "UTC", .catch_up = "one",
				  .list = "targets", .argument = "pkg:deb/debian/a@1\npkg:deb/debian/b@1\n",
				  .pool = "default", .needs = "", .options = "{}", .submitter = "op" };
}

static enum assay_code claim(int64_t now, struct schedule_claim *ret)
{
	return schedule_claim(db, now, &arena, ret, &err);
}

/* Fires all that is due; how often. */
static int fired(int64_t now)
{
	struct schedule_claim c;
	int count = 0;

	while (claim(now, &c) == ASSAY_OK) {
		count += !c.missed;
		must(schedule_done(db, &c, "", now, &err));
	}
	ck_assert_int_eq(err.code, ASSAY_ENOTFOUND);
	return count;
}

START_TEST(it_fires_at_its_time_and_once)
{
	struct schedule s = nightly();
	struct schedule_claim first, second;

	must(schedule_set(db, &s, start, &err));
	ck_assert_int_eq(claim(start + 2 * HOUR - 1, &first), ASSAY_ENOTFOUND);
	must(claim(start + 2 * HOUR, &first));
	ck_assert_int_eq(first.fire, start + 2 * HOUR);
	/* another scheduler finds nothing, unless the first dies */
	ck_assert_int_eq(claim(start + 2 * HOUR + MINUTE, &second), ASSAY_ENOTFOUND);
	must(claim(start + 2 * HOUR + 11 * MINUTE, &second));
	ck_assert_int_eq(second.fire, first.fire);
	must(schedule_done(db, &second, "done", start + 2 * HOUR + 12 * MINUTE, &err));
	/* the dead come too late */
	ck_assert_int_eq(schedule_hold(db, &first, start + 2 * HOUR + 13 * MINUTE, &err), ASSAY_ENOTFOUND);
	ck_assert_int_eq(fired(start + 25 * HOUR), 0);
	ck_assert_int_eq(fired(start + 26 * HOUR), 1);
}
END_TEST

START_TEST(what_was_missed)
{
	static const struct {
		const char *rule;
		int count;
	} cases[] = { { "none", 0 }, { "one", 1 }, { "all", 5 } };
	struct schedule s = nightly();

	s.catch_up = cases[_i].rule;
	must(schedule_set(db, &s, start, &err));
	ck_assert_int_eq(fired(start + 4 * (int64_t)DAY + 12 * HOUR), cases[_i].count);
	/* and goes on as if nothing had been */
	ck_assert_int_eq(fired(start + 5 * (int64_t)DAY + HOUR), 0);
	ck_assert_int_eq(fired(start + 5 * (int64_t)DAY + 2 * HOUR), 1);
}
END_TEST

START_TEST(jitter_delays_and_changes_nothing_else)
{
	struct schedule s = nightly();
	int64_t delays[5];
	struct schedule_claim c;

	s.jitter_ms = 30 * MINUTE;
	must(schedule_set(db, &s, start, &err));
	for (int day = 0; day < 5; day++) {
		int64_t at = start + day * (int64_t)DAY + 2 * HOUR;

		for (delays[day] = 0; claim(at + delays[day], &c) == ASSAY_ENOTFOUND; delays[day] += SECOND)
			ck_assert_int_le(delays[day], 30 * MINUTE + SECOND);
		ck_assert_int_eq(c.fire, at);
		must(schedule_done(db, &c, "", at + delays[day], &err));
	}
	ck_assert(delays[0] != delays[1] || delays[1] != delays[2]);
}
END_TEST

/* It fired in what is the future again: the next time is not lost until then. */
START_TEST(a_clock_that_was_set_back)
{
	struct schedule s = nightly();

	must(schedule_set(db, &s, start, &err));
	ck_assert_int_eq(fired(start + 100 * (int64_t)DAY), 1);
	ck_assert_int_eq(fired(start + 3 * HOUR), 1);
	ck_assert_int_eq(fired(start + 4 * HOUR), 0);
	ck_assert_int_eq(fired(start + 26 * HOUR), 1);
}
END_TEST

START_TEST(it_can_be_forced)
{
	struct schedule s = nightly();
	struct schedule_claim c;

	must(schedule_set(db, &s, start, &err));
	ck_assert_int_eq(schedule_force(db, "another", start, &err), ASSAY_ENOTFOUND);
	must(schedule_force(db, "nightly", start + MINUTE, &err));
	must(claim(start + MINUTE, &c));
	ck_assert(c.forced);
	must(schedule_done(db, &c, "", start + MINUTE, &err));
	ck_assert_int_eq(fired(start + 2 * MINUTE), 0);
	ck_assert_int_eq(fired(start + 2 * HOUR), 1);
	must(schedule_remove(db, "nightly", &err));
	ck_assert_int_eq(schedule_remove(db, "nightly", &err), ASSAY_ENOTFOUND);
	ck_assert_int_eq(fired(start + 10 * (int64_t)DAY), 0);
}
END_TEST

static int64_t number(const char *sql)
{
	struct assay_rows *rows;
	int64_t found;

	must(assay_database_run(db, sql, NULL, 0, &rows, &err));
	found = assay_rows_int(rows, 0, 0);
	assay_rows_free(rows);
	return found;
}

static const char *note(void)
{
	static char text[600];
	struct assay_rows *rows;

	must(assay_database_run(db, "SELECT note FROM schedule", NULL, 0, &rows, &err));
	snprintf(text, sizeof(text), "%s", assay_rows_text(rows, 0, 0));
	assay_rows_free(rows);
	return text;
}

static size_t fire_now(void)
{
	size_t queued;

	must(schedule_force(db, "nightly", (int64_t)time(NULL) * 1000, &err));
	must(schedule_fire(db, NULL, &queued, &err));
	return queued;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

/* The list is read anew each time; what is on it already costs nothing, what is new is queued. */
START_TEST(lists_sync_themselves)
{
	char path[] = "/tmp/assay-schedule.XXXXXX";
	struct schedule s = nightly();

	close(mkstemp(path));
	s.list = "file";
	s.argument = path;
	write_file(path, "pkg:deb/debian/a@1\n\n# a comment\n  pkg:deb/debian/b@1  \nnonsense\n/nowhere/x.yaml\n");
	must(schedule_set(db, &s, (int64_t)time(NULL) * 1000, &err));
	ck_assert_int_eq(fire_now(), 2);
	ck_assert_msg(strncmp(note(), "2 queued, 0 known, 2 refused (nonsense: want a package URL", 57) == 0, "%s", note());
	ck_assert_int_eq(fire_now(), 0);
	write_file(path, "pkg:deb/debian/a@2\npkg:deb/debian/b@1\n");
	ck_assert_int_eq(fire_now(), 1);
	ck_assert_str_eq(note(), "1 queued, 1 known");
	ck_assert_int_eq(number("SELECT count(*) FROM job"), 3);
	/* a list that is not there now is tried again, and said */
	unlink(path);
	ck_assert_int_eq(fire_now(), 0);
	ck_assert_ptr_nonnull(strstr(note(), path));
	ck_assert_int_gt(number("SELECT forced FROM schedule"), 0);
}
END_TEST

START_TEST(again_is_again_but_once)
{
	struct schedule s = nightly();
	struct schedule_claim c;
	size_t queued;

	s.again = true;
	must(schedule_set(db, &s, (int64_t)time(NULL) * 1000, &err));
	ck_assert_int_eq(fire_now(), 2);
	must(assay_database_run(db, "UPDATE job SET state = 'done', verdict = 'reproducible'", NULL, 0, NULL, &err));
	ck_assert_int_eq(number("SELECT count(*) FROM job WHERE submission IS NOT NULL"), 2);
	/* the next firing, by one that dies after the first job */
	must(schedule_force(db, "nightly", 77, &err));
	must(claim((int64_t)time(NULL) * 1000, &c));
	must(assay_database_run(db, "UPDATE schedule SET claimed = 0", NULL, 0, NULL, &err));
	must(schedule_fire(db, NULL, &queued, &err));
	ck_assert_int_eq(queued, 2);
	must(assay_database_run(db, "UPDATE job SET state = 'done', verdict = 'reproducible'", NULL, 0, NULL, &err));
	must(schedule_force(db, "nightly", 77, &err));
	must(schedule_fire(db, NULL, &queued, &err));
	ck_assert_int_eq(queued, 0);
	ck_assert_int_eq(number("SELECT count(*) FROM job"), 4);
}
END_TEST

static const struct schedule wrong[] = {
	{ .name = "a b" },	  { .name = "" },		 { .cron = "0 2 * *" },
	{ .cron = "0 0 31 2 *" }, { .zone = "Nowhere" },	 { .catch_up = "two" },
	{ .list = "all" },	  { .list = "file", .argument = "relative" }, { .argument = "" },
	{ .jitter_ms = -1 },	  { .jitter_ms = 2 * (int64_t)DAY },
};

START_TEST(what_is_wrong_is_refused)
{
	struct schedule s = nightly();
	const struct schedule *w = &wrong[_i];

	s.name = w->name ? w->name : s.name;
	s.cron = w->cron ? w->cron : s.cron;
	s.zone = w->zone ? w->zone : s.zone;
	s.catch_up = w->catch_up ? w->catch_up : s.catch_up;
	s.list = w->list ? w->list : s.list;
	s.argument = w->argument ? w->argument : s.argument;
	s.jitter_ms = w->jitter_ms;
	ck_assert_int_eq(schedule_set(db, &s, start, &err), ASSAY_EUSAGE);
	ck_assert_int_eq(number("SELECT count(*) FROM schedule"), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("schedule");
	TCase *tcase = tcase_create("schedule");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, it_fires_at_its_time_and_once);
	tcase_add_loop_test(tcase, what_was_missed, 0, 3);
	tcase_add_test(tcase, jitter_delays_and_changes_nothing_else);
	tcase_add_test(tcase, a_clock_that_was_set_back);
	tcase_add_test(tcase, it_can_be_forced);
	tcase_add_test(tcase, lists_sync_themselves);
	tcase_add_test(tcase, again_is_again_but_once);
	tcase_add_loop_test(tcase, what_is_wrong_is_refused, 0, sizeof(wrong) / sizeof(wrong[0]));
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
