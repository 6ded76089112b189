/* SPDX-License-Identifier: Apache-2.0 */
/* Clock readings and the two text forms that evidence needs. */
#include "assay/time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t assay_time_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

double assay_time_monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

char *assay_time_format(int64_t seconds, char *out)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(out, ASSAY_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, ASSAY_TIME_TEXT, "@%lld", (long long)seconds);
	return out;
}

bool assay_time_parse_rfc5322(struct assay_span text, int64_t *ret)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char copy[64], month[4], sign[2];
	int day, year, hour, minute, second, zone_hour, zone_minute;
	const char *at;
	struct tm tm = { 0 };

	text = assay_span_trim(text);
	if (text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	if (sscanf(copy, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d %1[+-]%2d%2d", &day, month,
		   &year, &hour, &minute, &second, sign, &zone_hour, &zone_minute) != 9)
		return false;
	at = strstr(months, month);
	if (!at || strlen(month) != 3 || (at - months) % 3)
		return false;
	tm.tm_mday = day;
	tm.tm_mon = (int)(at - months) / 3;
	tm.tm_year = year - 1900;
	tm.tm_hour = hour;
	tm.tm_min = minute;
	tm.tm_sec = second;
	*ret = (int64_t)timegm(&tm) -
	       (sign[0] == '-' ? -1 : 1) * (zone_hour * 3600 + zone_minute * 60);
	return true;
}
