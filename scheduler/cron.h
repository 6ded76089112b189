/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cron expressions as crontab(5) has them: minute, hour, day of the month, month, day of the week, each "*", a number, a
 * range, with a step, or a list of such; months and days of the week also by their first three letters, Sunday 0 or 7;
 * @hourly, @daily, @weekly, @monthly, @yearly.  When both days are given, either is enough.
 *
 * In a time zone that sets its clocks: what falls into a skipped hour comes at its end; what comes twice counts once,
 * unless the hour is "*" or has a step.
 */
#ifndef ASSAY_SCHEDULER_CRON_H
#define ASSAY_SCHEDULER_CRON_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"

struct cron {
	/* bit n: the value n is meant */
	uint64_t minutes, hours, days, months, weekdays;
	bool any_hour, any_day, any_weekday; /* the field begins with "*" */
};

/* ASSAY_EUSAGE names the field, what was wanted and what was found. */
enum assay_code cron_parse(const char *text, struct cron *ret, struct assay_error *err) ASSAY_CHECKED;
/* The first time behind one, in seconds since 1970, by UTC or by the zone of the process (environment TZ).  0 when
 * there is none within eight years ("30 2 30 2 *"). */
int64_t cron_next(const struct cron *cron, int64_t after, bool by_zone);

/* By a zone of the machine's database ("Europe/Berlin"), or "UTC": asks another process, for a process has one zone.
 * ASSAY_EUSAGE also for a zone that is not there, and for an expression that never comes. */
enum assay_code cron_next_in(const char *text, const char *zone, int64_t after, int64_t *ret,
			     struct assay_error *err) ASSAY_CHECKED;
/* That other process: prints the next time, in the zone of its environment.  Returns the exit status. */
int cron_answer(const char *text, const char *after);

#endif
