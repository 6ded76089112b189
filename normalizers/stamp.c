/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stamps are matched by a small pattern language, one line per shape, tried at every offset near the
 * difference: the notations of strftime, plus the few that only builds use.
 */
#include "stamp.h"

#define DAY_S 86400
#define EARLIEST 315532800LL /* 1980-01-01: the first year of a DOS date */
#define LATEST 4102444800LL  /* 2100-01-01 */
#define LONGEST 48	     /* bytes of the longest shape */

/* %Y year, %m month, %d day, %e day padded with a space or bare, %b Jan, %B January, %a Mon,
 * %A Monday, %H %M %S clock, %I hour 1-12, %p AM, %z zone, %s ten digits of epoch, %f fraction. */
static const struct {
	const char *name, *pattern;
} shapes[] = {
	{ "iso8601", "%Y-%m-%dT%H:%M:%S%z" },
	{ "iso8601-fraction", "%Y-%m-%dT%H:%M:%S.%f%z" },
	{ "iso8601-local", "%Y-%m-%dT%H:%M:%S" },
	{ "iso8601-minutes", "%Y-%m-%dT%H:%M%z" },
	{ "date-clock-fraction", "%Y-%m-%d %H:%M:%S.%f" },
	{ "date-clock-zone", "%Y-%m-%d %H:%M:%S %z" },
	{ "date-clock", "%Y-%m-%d %H:%M:%S" },
	{ "date-minutes-zone", "%Y-%m-%d %H:%M%z" },
	{ "date-minutes", "%Y-%m-%d %H:%M" },
	{ "slashed-clock", "%Y/%m/%d %H:%M:%S" },
	{ "slashed-minutes", "%Y/%m/%d %H:%M" },
	{ "tex", "%Y.%m.%d:%H%M" },
	{ "pdf", "D:%Y%m%d%H%M%S" },
	{ "compact-zulu", "%Y%m%dT%H%M%SZ" },
	{ "compact-clock", "%Y%m%d%H%M%S" },
	{ "compact-minutes", "%Y%m%d%H%M" },
	{ "rfc5322", "%a, %e %b %Y %H:%M:%S %z" },
	{ "ctime-zone", "%a %b %e %H:%M:%S %z %Y" },
	{ "ctime", "%a %b %e %H:%M:%S %Y" },
	{ "date-1", "%a %e %b %Y %H:%M:%S %z" },
	{ "locale-clock", "%a %e %b %Y %I:%M:%S %p %z" },
	{ "locale-day", "%a %e %b %Y" },
	{ "weekday-year-clock", "%a %b %e %Y %H:%M:%S" },
	{ "month-day-year-clock", "%b %e %Y %H:%M:%S" },
	{ "cpp-date", "%b %e %Y" },
	{ "month-day-comma", "%b %e, %Y" },
	{ "long-month-day", "%B %e, %Y" },
	{ "long-day-month", "%e %B %Y" },
	{ "long-weekday", "%A, %B %e, %Y" },
	{ "long-month-year", "%B %Y" },
	{ "short-day-month", "%e %b %Y" },
	{ "dashed-day-month", "%e-%b-%Y" },
	{ "iso-date", "%Y-%m-%d" },
	{ "slashed-date", "%Y/%m/%d" },
	{ "dotted-date", "%d.%m.%Y" },
	{ "american-date", "%m/%d/%Y" },
	{ "epoch-milliseconds", "%s%3" },
	{ "epoch", "%s" },
	{ "compact-date", "%Y%m%d" },
	{ "clock", "%H:%M:%S" },
	{ "year", "%Y" },
};

static const char *const months[] = { "January",   "February", "March",	   "April",
				      "May",	   "June",     "July",	   "August",
				      "September", "October",  "November", "December" };
static const char *const days[] = { "Monday", "Tuesday",  "Wednesday", "Thursday",
				    "Friday", "Saturday", "Sunday" };

struct reading {
	struct assay_span text;
	size_t at;
	int year, month, day, hour, minute, second, zone;
	int64_t epoch;
	bool has_epoch, has_date, has_clock, afternoon;
};

static bool is_digit(struct assay_span text, size_t at)
{
	return at < text.len && text.data[at] >= '0' && text.data[at] <= '9';
}

static bool is_letter(struct assay_span text, size_t at)
{
	return at < text.len && ((text.data[at] | 32) >= 'a' && (text.data[at] | 32) <= 'z');
}

static bool take_number(struct reading *r, size_t digits, int least, int most, int *ret)
{
	int value = 0;

	for (size_t i = 0; i < digits; i++) {
		if (!is_digit(r->text, r->at + i))
			return false;
		value = value * 10 + (r->text.data[r->at + i] - '0');
	}
	if (value < least || value > most)
		return false;
	*ret = value;
	r->at += digits;
	return true;
}

static bool take_word(struct reading *r, const char *const *words, size_t count, size_t letters,
		      int *ret)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = letters ? letters : strlen(words[i]);

		if (r->text.len - r->at >= len &&
		    memcmp(r->text.data + r->at, words[i], len) == 0) {
			r->at += len;
			*ret = (int)i + 1;
			return true;
		}
	}
	return false;
}

/* Z, +hhmm, +hh:mm, or two to five capitals such as UTC and CEST (of unknown offset, read as 0) */
static bool take_zone(struct reading *r)
{
	size_t start = r->at;
	int hours, minutes;

	if (r->at < r->text.len && (r->text.data[r->at] == '+' || r->text.data[r->at] == '-')) {
		int sign = r->text.data[r->at] == '-' ? -1 : 1;

		r->at++;
		if (!take_number(r, 2, 0, 14, &hours))
			return false;
		if (r->at < r->text.len && r->text.data[r->at] == ':')
			r->at++;
		if (!take_number(r, 2, 0, 59, &minutes))
			return false;
		r->zone = sign * (hours * 60 + minutes);
		return true;
	}
	while (r->at < r->text.len && r->text.data[r->at] >= 'A' && r->text.data[r->at] <= 'Z')
		r->at++;
	return (r->at - start >= 2 && r->at - start <= 5) ||
	       (r->at - start == 1 && r->text.data[start] == 'Z');
}

static bool take_day(struct reading *r)
{
	if (r->at < r->text.len && r->text.data[r->at] == ' ')
		r->at++;
	if (is_digit(r->text, r->at + 1))
		return take_number(r, 2, 1, 31, &r->day);
	return take_number(r, 1, 1, 9, &r->day);
}

static bool take_epoch(struct reading *r)
{
	int high, low;

	if (!take_number(r, 5, 0, 99999, &high) || !take_number(r, 5, 0, 99999, &low))
		return false;
	r->epoch = (int64_t)high * 100000 + low;
	r->has_epoch = true;
	return r->epoch >= EARLIEST && r->epoch < LATEST;
}

static bool take_fraction(struct reading *r)
{
	size_t start = r->at;

	while (r->at - start < 9 && is_digit(r->text, r->at))
		r->at++;
	return r->at > start;
}

static bool take_half_day(struct reading *r)
{
	if (r->text.len - r->at < 2 || r->text.data[r->at + 1] != 'M' ||
	    (r->text.data[r->at] != 'A' && r->text.data[r->at] != 'P'))
		return false;
	r->afternoon = r->text.data[r->at] == 'P';
	r->at += 2;
	return true;
}

static bool take_conversion(struct reading *r, char conversion)
{
	int ignored;

	switch (conversion) {
	case 'Y': r->has_date = true; return take_number(r, 4, 1980, 2099, &r->year);
	case 'm': return take_number(r, 2, 1, 12, &r->month);
	case 'd': return take_number(r, 2, 1, 31, &r->day);
	case 'e': return take_day(r);
	case 'b': return take_word(r, months, 12, 3, &r->month);
	case 'B': return take_word(r, months, 12, 0, &r->month);
	case 'a': return take_word(r, days, 7, 3, &ignored);
	case 'A': return take_word(r, days, 7, 0, &ignored);
	case 'H': r->has_clock = true; return take_number(r, 2, 0, 23, &r->hour);
	case 'I': r->has_clock = true; return take_number(r, 2, 1, 12, &r->hour);
	case 'M': return take_number(r, 2, 0, 59, &r->minute);
	case 'S': return take_number(r, 2, 0, 60, &r->second);
	case 'p': return take_half_day(r);
	case 'z': return take_zone(r);
	case 's': return take_epoch(r);
	case '3': return take_number(r, 3, 0, 999, &ignored);
	case 'f': return take_fraction(r);
	default: return false;
	}
}

/* Digits or letters that go on would make the match a part of something else. */
static bool ends_cleanly(const struct reading *r, size_t start)
{
	struct assay_span t = r->text;

	if (is_digit(t, start) && start > 0 && is_digit(t, start - 1))
		return false;
	if (is_letter(t, start) && start > 0 && is_letter(t, start - 1))
		return false;
	if (is_digit(t, r->at - 1) && is_digit(t, r->at))
		return false;
	return !(is_letter(t, r->at - 1) && is_letter(t, r->at));
}

static bool take_shape(struct reading *r, const char *pattern)
{
	size_t start = r->at;

	for (const char *p = pattern; *p; p++) {
		if (*p == '%') {
			if (!take_conversion(r, *++p))
				return false;
		} else if (r->at < r->text.len && r->text.data[r->at] == (uint8_t)*p) {
			r->at++;
		} else {
			return false;
		}
	}
	return ends_cleanly(r, start);
}

/* Days since the epoch of a date of the Gregorian calendar. */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* 2023 in 2023-13-01, 1.2023 and 2023:5 is a part of something else; 2001-2023 is a span of years. */
static bool is_lone_year(const struct reading *r, size_t start)
{
	struct assay_span t = r->text;

	if (r->at + 1 < t.len && strchr("-/.:", t.data[r->at]) && t.data[r->at] &&
	    is_digit(t, r->at + 1))
		return false;
	return !(start >= 2 && strchr("/.:", t.data[start - 1]) && t.data[start - 1] &&
		 is_digit(t, start - 2));
}

static int64_t seconds_of(const struct reading *r)
{
	int hour = r->hour;

	if (r->has_epoch)
		return r->epoch;
	if (r->afternoon && hour < 12)
		hour += 12;
	return (r->has_date ? days_of(r->year, r->month, r->day) * DAY_S : 0) + hour * 3600LL +
	       r->minute * 60LL + r->second - r->zone * 60LL;
}

static bool match_at(struct assay_span text, size_t at, size_t shape, struct assay_stamp *ret)
{
	struct reading r = { .text = text, .at = at, .month = 1, .day = 1 };

	if (!take_shape(&r, shapes[shape].pattern))
		return false;
	if (strcmp(shapes[shape].pattern, "%Y") == 0 && !is_lone_year(&r, at))
		return false;
	*ret = (struct assay_stamp){
		.shape = shapes[shape].name,
		.offset = at,
		.len = r.at - at,
		.seconds = seconds_of(&r),
		.has_date = r.has_date || r.has_epoch,
		.has_clock = r.has_clock || r.has_epoch,
		.zone_minutes = r.zone,
	};
	return true;
}

bool assay_stamp_find(struct assay_span text, size_t at, size_t len, struct assay_stamp *ret)
{
	size_t first = at > LONGEST ? at - LONGEST : 0;
	size_t last = at + (len ? len : 1);
	bool found = false;

	if (last > text.len)
		last = text.len;
	for (size_t start = first; start < last; start++) {
		for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
			struct assay_stamp s;

			if (!match_at(text, start, i, &s) || s.offset + s.len <= at)
				continue;
			if (!found || s.len > ret->len)
				*ret = s;
			found = true;
		}
	}
	return found;
}

bool assay_stamp_binary(const uint8_t *left, const uint8_t *right, size_t len, int64_t *ret_left,
			int64_t *ret_right)
{
	for (int big = 0; big < 2; big++) {
		uint64_t l = 0, r = 0;

		for (size_t i = 0; i < len && i < 8; i++) {
			size_t at = big ? i : len - 1 - i;

			l = l << 8 | left[at];
			r = r << 8 | right[at];
		}
		if (l >= EARLIEST && l < LATEST && r >= EARLIEST && r < LATEST) {
			*ret_left = (int64_t)l;
			*ret_right = (int64_t)r;
			return true;
		}
	}
	return false;
}

#define JAVA_LENGTH_MIN 28 /* "Thu Jan 01 00:00:00 UTC 1970" */
#define JAVA_LENGTH_MAX 34 /* the zone may be "GMT+01:00" */

bool assay_stamp_is_java(struct assay_span s)
{
	static const char shape[] = "Aaa Aaa 00 00:00:00 ";
	struct assay_stamp stamp;
	size_t i = 0;

	if (s.len < JAVA_LENGTH_MIN || s.len > JAVA_LENGTH_MAX)
		return false;
	for (; shape[i]; i++) {
		uint8_t c = s.data[i];

		if (shape[i] == 'A' ? c < 'A' || c > 'Z' :
		    shape[i] == 'a' ? c < 'a' || c > 'z' :
		    shape[i] == '0' ? c < '0' || c > '9' :
				      c != (uint8_t)shape[i])
			return false;
	}
	for (; i + 5 < s.len; i++)
		if (!(s.data[i] >= 'A' && s.data[i] <= 'Z') && !memchr("+-:0123456789", s.data[i], 13))
			return false;
	return s.data[i] == ' ' && assay_stamp_find(s, 0, s.len, &stamp) && stamp.has_date;
}
