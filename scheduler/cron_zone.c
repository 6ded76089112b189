/* SPDX-License-Identifier: Apache-2.0 */
/* Cron expressions in time zones: by a process that has the zone in its environment. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/process.h"
#include "cron.h"

#define ZONES "/usr/share/zoneinfo/"

static enum assay_code check_zone(const char *zone, struct assay_error *err)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
	char path[200];
	int len = snprintf(path, sizeof(path), ZONES "%s", zone);

	if (!*zone || *zone == '/' || strspn(zone, letters) != strlen(zone) || len >= (int)sizeof(path))
		return assay_fail(err, ASSAY_EUSAGE, "zone: want a name like Europe/Berlin, have \"%.60s\"", zone);
	if (access(path, R_OK))
		return assay_fail(err, ASSAY_EUSAGE,
				  "zone: %s is not in " ZONES " (package tzdata) of the scheduler's machine", zone);
	return ASSAY_OK;
}

static enum assay_code ask(const char *text, const char *zone, int64_t after, int64_t *ret,
			   struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf out = ASSAY_BUF_INIT(100);
	char seconds[24], variable[80];
	struct assay_process process = ASSAY_PROCESS_INIT;

	snprintf(seconds, sizeof(seconds), "%" PRId64, after);
	snprintf(variable, sizeof(variable), "TZ=%s", zone);
	process.argv = (const char *const[]){ "/proc/self/exe", "--cron", text, seconds, NULL };
	process.env = (const char *const[]){ variable, NULL };
	process.out = &out;
	process.timeout_s = 10;
	if (assay_process_must(&process, err))
		return err->code;
	*ret = out.len ? strtoll(assay_buf_text(&out), NULL, 10) : 0;
	return ASSAY_OK;
}

enum assay_code cron_next_in(const char *text, const char *zone, int64_t after, int64_t *ret,
			     struct assay_error *err)
{
	struct cron cron;
	int64_t next = 0;

	if (cron_parse(text, &cron, err))
		return err->code;
	if (strcmp(zone, "UTC") == 0)
		next = cron_next(&cron, after, false);
	else if (check_zone(zone, err) || ask(text, zone, after, &next, err))
		return err->code;
	if (!next)
		return assay_fail(err, ASSAY_EUSAGE, "cron: \"%.60s\" never comes", text);
	*ret = next;
	return ASSAY_OK;
}

int cron_answer(const char *text, const char *after)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	struct cron cron;

	tzset();
	if (cron_parse(text, &cron, &err))
		return 2;
	printf("%" PRId64 "\n", cron_next(&cron, strtoll(after, NULL, 10), true));
	return fflush(stdout) ? 3 : 0;
}
