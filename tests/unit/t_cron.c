/* SPDX-License-Identifier: Apache-2.0 */
/* Cron expressions: what is refused, and the next times, some by zones that set their clocks. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "scheduler/cron.h"

static const char *const wrong[] = {
	"", "*", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *",
	"* * * 0 *", "* * * * 8", "-1 * * * *", "5-1 * * * *", "*/0 * * * *", "*/60 * * * *", "1,,2 * * * *",
	"1, * * * *", "a * * * *", "* * * foo *", "* * * * monday", "1-2-3 * * * *", "1/2/3 * * * *", "@never",
	"99999999999999999999 * * * *", "* * * jan-mon *",
};

START_TEST(what_is_wrong_is_refused)
{
	struct cron cron;
	struct assay_error err = ASSAY_ERROR_INIT;

	ck_assert_msg(cron_parse(wrong[_i], &cron, &err) == ASSAY_EUSAGE, "\"%s\"", wrong[_i]);
	ck_assert_msg(strncmp(err.msg, "cron: ", 6) == 0, "%s", err.msg);
}
END_TEST

static const struct {
	const char *text, *zone;
	const char *after, *next; /* by that zone's clock, with its distance from UTC */
} times[] = {
	{ "0 2 * * *", "UTC", "2026-01-01 00:00:00 +0000", "2026-01-01 02:00:00 +0000" },
	{ "0 2 * * *", "UTC", "2026-01-01 02:00:00 +0000", "2026-01-02 02:00:00 +0000" },
	{ "*/15 * * * *", "UTC", "2026-01-01 00:14:59 +0000", "2026-01-01 00:15:00 +0000" },
	{ "7-59/20 * * * *", "UTC", "2026-01-01 00:08:00 +0000", "2026-01-01 00:27:00 +0000" },
	{ "59 23 31 12 *", "UTC", "2026-12-31 23:59:00 +0000", "2027-12-31 23:59:00 +0000" },
	{ "0 0 29 feb *", "UTC", "2026-01-01 00:00:00 +0000", "2028-02-29 00:00:00 +0000" },
	{ "0 0 * * mon-fri", "UTC", "2026-01-02 12:00:00 +0000", "2026-01-05 00:00:00 +0000" },
	{ "0 0 * * 7", "UTC", "2026-01-01 00:00:00 +0000", "2026-01-04 00:00:00 +0000" },
	{ "0 0 13 * fri", "UTC", "2026-01-03 00:00:00 +0000", "2026-01-09 00:00:00 +0000" },
	{ "0 0 */2 * fri", "UTC", "2026-01-03 00:00:00 +0000", "2026-01-09 00:00:00 +0000" },
	{ "@weekly", "UTC", "2026-01-01 00:00:00 +0000", "2026-01-04 00:00:00 +0000" },
	{ "1,3 5,7 * JAN,Mar *", "UTC", "2026-01-31 07:03:00 +0000", "2026-03-01 05:01:00 +0000" },
	{ "30 4 * * *", "Europe/Berlin", "2026-01-01 00:00:00 +0100", "2026-01-01 04:30:00 +0100" },
	{ "30 4 * * *", "Europe/Berlin", "2026-07-01 00:00:00 +0200", "2026-07-01 04:30:00 +0200" },
	/* 29 March: 02:00 is 03:00 */
	{ "30 2 * * *", "Europe/Berlin", "2026-03-28 12:00:00 +0100", "2026-03-29 03:00:00 +0200" },
	{ "30 2 * * *", "Europe/Berlin", "2026-03-29 03:00:00 +0200", "2026-03-30 02:30:00 +0200" },
	{ "30 * * * *", "Europe/Berlin", "2026-03-29 01:30:00 +0100", "2026-03-29 03:30:00 +0200" },
	/* 25 October: 03:00 is 02:00 */
	{ "30 2 * * *", "Europe/Berlin", "2026-10-24 12:00:00 +0200", "2026-10-25 02:30:00 +0200" },
	{ "30 2 * * *", "Europe/Berlin", "2026-10-25 02:30:00 +0200", "2026-10-26 02:30:00 +0100" },
	{ "30 * * * *", "Europe/Berlin", "2026-10-25 02:30:00 +0200", "2026-10-25 02:30:00 +0100" },
	{ "0 0 * * *", "Asia/Kathmandu", "2026-01-01 12:00:00 +0545", "2026-01-02 00:00:00 +0545" },
};

static int64_t seconds_of(const char *text)
{
	struct tm tm = { .tm_sec = 0 };
	long distance;

	ck_assert_ptr_nonnull(strptime(text, "%Y-%m-%d %H:%M:%S %z", &tm));
	distance = tm.tm_gmtoff;
	tm.tm_gmtoff = 0;
	return timegm(&tm) - distance;
}

START_TEST(the_next_time)
{
	struct cron cron;
	struct assay_error err = ASSAY_ERROR_INIT;
	int64_t want = seconds_of(times[_i].next), have;

	setenv("TZ", times[_i].zone, 1);
	tzset();
	ck_assert_msg(cron_parse(times[_i].text, &cron, &err) == ASSAY_OK, "%s", err.msg);
	have = cron_next(&cron, seconds_of(times[_i].after), true);
	ck_assert_msg(have == want, "\"%s\" in %s after %s: want %s, have %lld instead of %lld", times[_i].text,
		      times[_i].zone, times[_i].after, times[_i].next, (long long)have, (long long)want);
	if (strcmp(times[_i].zone, "UTC") == 0)
		ck_assert_int_eq(cron_next(&cron, seconds_of(times[_i].after), false), want);
}
END_TEST

START_TEST(some_never_come)
{
	struct cron cron;
	struct assay_error err = ASSAY_ERROR_INIT;
	int64_t next;

	ck_assert_int_eq(cron_parse("0 0 30 2 *", &cron, &err), ASSAY_OK);
	ck_assert_int_eq(cron_next(&cron, 1000000000, false), 0);
	ck_assert_int_eq(cron_next_in("0 0 30 2 *", "UTC", 1000000000, &next, &err), ASSAY_EUSAGE);
	ck_assert_int_eq(cron_next_in("0 0 * * *", "../etc/passwd", 0, &next, &err), ASSAY_EUSAGE);
	ck_assert_int_eq(cron_next_in("0 0 * * *", "Mars/Olympus", 0, &next, &err), ASSAY_EUSAGE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cron");
	TCase *tcase = tcase_create("cron");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, what_is_wrong_is_refused, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_loop_test(tcase, the_next_time, 0, sizeof(times) / sizeof(times[0]));
	tcase_add_test(tcase, some_never_come);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
