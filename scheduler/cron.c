/* SPDX-License-Identifier: Apache-2.0 */
/* See the header. */
#include "cron.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "assay/span.h"

enum { YEARS_MAX = 8, HOUR = 3600 };

static const char *const month_names[] = { "jan", "feb", "mar", "apr", "may", "jun",
					   "jul", "aug", "sep", "oct", "nov", "dec", NULL };
static const char *const day_names[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL };

static const struct field {
	const char *name;
	unsigned first, last;
	const char *const *names; /* of first, first + 1 ... */
	size_t bits;
} fields[] = {
	{ "minute", 0, 59, NULL, offsetof(struct cron, minutes) },
	{ "hour", 0, 23, NULL, offsetof(struct cron, hours) },
	{ "day of the month", 1, 31, NULL, offsetof(struct cron, days) },
	{ "month", 1, 12, month_names, offsetof(struct cron, months) },
	{ "day of the week", 0, 7, day_names, offsetof(struct cron, weekdays) },
};

enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

static const struct {
	const char *word, *text;
} words[] = {
	{ "@hourly", "0 * * * *" }, { "@daily", "0 0 * * *" },	 { "@midnight", "0 0 * * *" },
	{ "@weekly", "0 0 * * 0" }, { "@monthly", "0 0 1 * *" }, { "@yearly", "0 0 1 1 *" },
	{ "@annually", "0 0 1 1 *" },
};

/* ---- parsing ------------------------------------------------------------------------------------- */

static enum assay_code refuse(const struct field *f, struct assay_span item, struct assay_error *err)
{
	char shown[100];

	return assay_fail(err, ASSAY_EUSAGE, "cron: %s: want %u to %u%s, as number, range, */step or list, have \"%s\"",
			  f->name, f->first, f->last, f->names ? " or a name" : "",
			  assay_span_show(item, shown, sizeof(shown)));
}

static bool read_value(const struct field *f, struct assay_span text, unsigned *ret)
{
	uint64_t number;

	for (unsigned i = 0; f->names && f->names[i]; i++)
		if (text.len == 3 && strncasecmp((const char *)text.data, f->names[i], 3) == 0) {
			*ret = f->first + i;
			return true;
		}
	if (!assay_span_parse_u64(text, &number) || number < f->first || number > f->last)
		return false;
	*ret = (unsigned)number;
	return true;
}

/* Splits off what stands behind a byte; false when there is none. */
static bool cut(struct assay_span *text, char byte, struct assay_span *ret)
{
	const uint8_t *at = text->len ? memchr(text->data, byte, text->len) : NULL;
	size_t before = at ? (size_t)(at - text->data) : text->len;

	if (!at)
		return false;
	*ret = assay_span_cut(*text, before + 1, text->len - before - 1);
	*text = assay_span_cut(*text, 0, before);
	return true;
}

/* "*", "5", "1-5", each with "/2" behind it. */
static enum assay_code read_item(const struct field *f, struct assay_span item, uint64_t *bits,
				 struct assay_error *err)
{
	struct assay_span range = item, step_text, last_text;
	uint64_t step = 1;
	unsigned first = f->first, last = f->last;
	bool stepped = cut(&range, '/', &step_text);

	if (stepped && (!assay_span_parse_u64(step_text, &step) || step < 1 || step > f->last))
		return refuse(f, item, err);
	if (!assay_span_equal_text(range, "*")) {
		bool is_range = cut(&range, '-', &last_text);

		if (!read_value(f, range, &first) || (is_range && !read_value(f, last_text, &last)))
			return refuse(f, item, err);
		if (!is_range && !stepped)
			last = first;
		if (last < first)
			return refuse(f, item, err);
	}
	for (uint64_t i = first; i <= last; i += step)
		*bits |= 1ULL << i;
	return ASSAY_OK;
}

static enum assay_code read_field(const struct field *f, struct assay_span text, struct cron *cron,
				  struct assay_error *err)
{
	uint64_t *bits = (uint64_t *)((char *)cron + f->bits);
	struct assay_span rest;
	bool more;

	do {
		more = cut(&text, ',', &rest);
		if (read_item(f, text, bits, err))
			return err->code;
		text = rest;
	} while (more);
	return ASSAY_OK;
}

enum assay_code cron_parse(const char *text, struct cron *ret, struct assay_error *err)
{
	struct cron cron = { .minutes = 0 };
	bool any[FIELDS];
	size_t count = 0;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(words[i].word, text) == 0)
			text = words[i].text;
	for (const char *at = text + strspn(text, " \t"); *at; at += strspn(at, " \t")) {
		size_t len = strcspn(at, " \t");

		if (count == FIELDS)
			return assay_fail(err, ASSAY_EUSAGE, "cron: want five fields, have more: \"%.60s\"", at);
		any[count] = *at == '*';
		if (read_field(&fields[count++], assay_span_of(at, len), &cron, err))
			return err->code;
		at += len;
	}
	if (count != FIELDS)
		return assay_fail(err, ASSAY_EUSAGE,
				  "cron: want five fields (minute, hour, day, month, day of the week), have %zu", count);
	cron.weekdays |= cron.weekdays >> 7 & 1; /* Sunday is 0 and 7 */
	cron.any_hour = any[1];
	cron.any_day = any[2];
	cron.any_weekday = any[4];
	*ret = cron;
	return ASSAY_OK;
}

/* ---- the next time -------------------------------------------------------------------------------- */

static bool has(uint64_t bits, int value)
{
	return bits >> value & 1;
}

static struct tm broken_down(int64_t seconds, bool by_zone)
{
	time_t t = (time_t)seconds;
	struct tm tm = { .tm_sec = 0 };

	if (by_zone)
		localtime_r(&t, &tm);
	else
		gmtime_r(&t, &tm);
	return tm;
}

/* The first second of a day: months and days beyond their end are the next ones. */
static int64_t start_of(struct tm day, bool by_zone)
{
	struct tm tm = { .tm_year = day.tm_year, .tm_mon = day.tm_mon, .tm_mday = day.tm_mday, .tm_isdst = -1 };

	return by_zone ? mktime(&tm) : timegm(&tm);
}

static bool is_day(const struct cron *cron, const struct tm *tm)
{
	bool day = has(cron->days, tm->tm_mday), weekday = has(cron->weekdays, tm->tm_wday);

	return cron->any_day || cron->any_weekday ? day && weekday : day || weekday;
}

/* The clocks are set forward just before this hour, over one that is meant. */
static bool was_skipped(const struct cron *cron, const struct tm *tm, int64_t at, bool by_zone)
{
	struct tm before = broken_down(at - 1, by_zone);

	for (int hour = before.tm_hour + 1; hour < tm->tm_hour && before.tm_mday == tm->tm_mday; hour++)
		if (has(cron->hours, hour))
			return true;
	return false;
}

/* The clocks were set back: the same hour and minute was an hour ago. */
static bool is_second_time(const struct tm *tm, int64_t at, bool by_zone)
{
	struct tm before = broken_down(at - HOUR, by_zone);

	return before.tm_hour == tm->tm_hour && before.tm_mday == tm->tm_mday;
}

int64_t cron_next(const struct cron *cron, int64_t after, bool by_zone)
{
	int64_t at = after - after % 60 + 60, end = after + YEARS_MAX * 366LL * 86400;

	while (at < end) {
		struct tm tm = broken_down(at, by_zone);

		if (!has(cron->months, tm.tm_mon + 1)) {
			tm.tm_mon++;
			tm.tm_mday = 1;
			at = start_of(tm, by_zone);
		} else if (!is_day(cron, &tm)) {
			tm.tm_mday++;
			at = start_of(tm, by_zone);
		} else if (tm.tm_min == 0 && !cron->any_hour && was_skipped(cron, &tm, at, by_zone)) {
			return at;
		} else if (!has(cron->hours, tm.tm_hour) ||
			   (!cron->any_hour && is_second_time(&tm, at, by_zone))) {
			at += HOUR - tm.tm_min * 60;
		} else if (!has(cron->minutes, tm.tm_min)) {
			at += 60;
		} else {
			return at;
		}
	}
	return 0;
}
