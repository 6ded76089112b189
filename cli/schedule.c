/* SPDX-License-Identifier: Apache-2.0 */
/* assay schedule add|list|remove|run: what is queued again and again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/retention.h"
#include "cli.h"
#include "farm.h"
#include "job_body.h"

int assay_cli_schedule_add(int argc, char **argv);
int assay_cli_schedule_list(int argc, char **argv);
int assay_cli_schedule_remove(int argc, char **argv);
int assay_cli_schedule_run(int argc, char **argv);

struct arguments {
	const char *archive, *catch_up, *cron, *file, *jitter, *socket, *store, *zone;
	struct cli_job_wish wish;
	bool installed, json;
};

/* ---- add ----------------------------------------------------------------------------------------- */

/* Recipes by their whole path, as the scheduler and the workers find them. */
static int add_targets(char **targets, int count, struct assay_buf *out)
{
	for (int i = 0; i < count; i++) {
		assay_auto(assay_freep) char *target = cli_job_target(targets[i]);
		struct assay_error err = ASSAY_ERROR_INIT;

		if (!target) {
			assay_fail_errno(&err, "%s", targets[i]);
			return cli_fail(&err);
		}
		assay_buf_printf(out, "%s\n", target);
	}
	return 0;
}

static int add_list(const struct arguments *a, char **targets, int count, json_t *body)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_RECIPE);
	assay_auto(assay_freep) char *path = a->file ? realpath(a->file, NULL) : NULL;
	struct assay_error err = ASSAY_ERROR_INIT;
	int status = add_targets(targets, count, &text);

	if (status)
		return status;
	if (a->file && !path) {
		assay_fail_errno(&err, "%s", a->file);
		return cli_fail(&err);
	}
	if (assay_buf_check(&text, "targets", &err))
		return cli_fail(&err);
	assay_json_set_text(body, "list", a->installed ? "installed" : a->file ? "file" : a->archive ? "archive" : "targets");
	assay_json_set_text(body, "argument",
			    path ? path : a->archive ? a->archive : text.len ? assay_buf_text(&text) : "");
	return 0;
}

static void set_given(json_t *body, const char *key, const char *value)
{
	if (value)
		assay_json_set_text(body, key, value);
}

static int add(const struct arguments *a, char **args, int count)
{
	assay_auto(assay_json_freep) json_t *body = cli_job_body(&a->wish);
	struct assay_error err = ASSAY_ERROR_INIT;
	assay_auto(assay_json_freep) json_t *answer = NULL;
	int64_t jitter = 0;
	int status;

	if (a->jitter && (assay_retention_parse_age(a->jitter, &jitter, &err) || jitter == ASSAY_KEEP_FOREVER))
		return cli_usage("schedule add", "--jitter: want a time such as 90s, 30min or 2h, have \"%s\"", a->jitter);
	assay_json_set_int(body, "jitter_ms", 1000 * jitter);
	set_given(body, "cron", a->cron);
	set_given(body, "zone", a->zone);
	set_given(body, "catch_up", a->catch_up);
	status = add_list(a, args + 1, count - 1, body);
	return status ? status : cli_farm_call_on(a->store, a->socket, "POST", (const char *[]){ "/v1/schedules/", args[0], "" },
						  body, &answer);
}

int assay_cli_schedule_add(int argc, char **argv)
{
	struct arguments a = { .json = false };
	const struct cli_option options[] = {
		{ "accept", CLI_TEXT, &a.wish.accept },
		{ "again", CLI_FLAG, &a.wish.again },
		{ "archive", CLI_TEXT, &a.archive },
		{ "catch-up", CLI_TEXT, &a.catch_up },
		{ "cron", CLI_TEXT, &a.cron },
		{ "file", CLI_TEXT, &a.file },
		{ "installed", CLI_FLAG, &a.installed },
		{ "jitter", CLI_TEXT, &a.jitter },
		{ "needs", CLI_TEXT, &a.wish.needs },
		{ "pool", CLI_TEXT, &a.wish.pool },
		{ "priority", CLI_TEXT, &a.wish.priority },
		{ "require-signature", CLI_FLAG, &a.wish.require_signature },
		{ "socket", CLI_TEXT, &a.socket },
		{ "store", CLI_TEXT, &a.store },
		{ "zone", CLI_TEXT, &a.zone },
		{ NULL, CLI_FLAG, NULL },
	};
	char **args;
	int count, status = cli_parse("schedule add", argc, argv, options, 1, 10000, &args, &count);

	if (status)
		return status;
	if (!a.cron)
		return cli_usage("schedule add", "want --cron=\"MINUTE HOUR DAY MONTH WEEKDAY\"");
	if (a.installed + !!a.file + !!a.archive + (count > 1) != 1)
		return cli_usage("schedule add", "want one of --installed, --file, --archive, or targets behind the name");
	if (strchr(args[0], '/') || !*args[0])
		return cli_usage("schedule add", "want a name without slashes, have \"%s\"", args[0]);
	status = cli_job_check("schedule add", &a.wish);
	return status ? status : add(&a, args, count);
}

/* ---- list ---------------------------------------------------------------------------------------- */

static const char *when(int64_t ms, char *out, size_t size)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	if (!ms || !gmtime_r(&seconds, &tm) || !strftime(out, size, "%Y-%m-%d %H:%M:%SZ", &tm))
		snprintf(out, size, "never");
	return out;
}

static void print(const json_t *schedule)
{
	static const char *const lines[][2] = { { "cron", "cron" },	{ "zone", "zone" },   { "list", "list" },
						{ "argument", "what" }, { "pool", "pool" },   { "needs", "needs" },
						{ "catch_up", "missed" }, { "note", "came of it" } };
	char text[400];

	puts(cli_farm_shown(schedule, "name", text, sizeof(text)));
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (*assay_json_text(schedule, lines[i][0], ""))
			printf("  %-11s %s\n", lines[i][1], cli_farm_shown(schedule, lines[i][0], text, sizeof(text)));
	printf("  %-11s %s\n", "next", when(assay_json_int(schedule, "due", 0), text, sizeof(text)));
	printf("  %-11s %s\n", "last", when(assay_json_int(schedule, "last", 0), text, sizeof(text)));
}

int assay_cli_schedule_list(int argc, char **argv)
{
	struct arguments a = { .json = false };
	const struct cli_option options[] = {
		{ "json", CLI_FLAG, &a.json },
		{ "socket", CLI_TEXT, &a.socket },
		{ "store", CLI_TEXT, &a.store },
		{ NULL, CLI_FLAG, NULL },
	};
	assay_auto(assay_json_freep) json_t *answer = NULL;
	char **args;
	int count, status = cli_parse("schedule list", argc, argv, options, 0, 0, &args, &count);
	json_t *schedule;
	size_t i;

	if (!status)
		status = cli_farm_list(a.store, a.socket, "/v1/schedules", "schedules", &answer);
	if (status)
		return status;
	if (a.json)
		return cli_farm_print(answer, true, NULL);
	json_array_foreach(json_object_get(answer, "schedules"), i, schedule)
		print(schedule);
	return fflush(stdout) ? 3 : 0;
}

/* ---- remove, run --------------------------------------------------------------------------------- */

static int act(const char *verb, int argc, char **argv, const char *method, const char *suffix)
{
	struct arguments a = { .json = false };
	const struct cli_option options[] = {
		{ "socket", CLI_TEXT, &a.socket },
		{ "store", CLI_TEXT, &a.store },
		{ NULL, CLI_FLAG, NULL },
	};
	char **args;
	int count, status = cli_parse(verb, argc, argv, options, 1, 10000, &args, &count);

	for (int i = 0; !status && i < count; i++) {
		assay_auto(assay_json_freep) json_t *answer = NULL;

		if (strchr(args[i], '/') || !*args[i])
			return cli_usage(verb, "want a name without slashes, have \"%s\"", args[i]);
		status = cli_farm_call_on(a.store, a.socket, method, (const char *[]){ "/v1/schedules/", args[i], suffix }, NULL,
					  &answer);
	}
	return status;
}

int assay_cli_schedule_remove(int argc, char **argv)
{
	return act("schedule remove", argc, argv, "DELETE", "");
}

int assay_cli_schedule_run(int argc, char **argv)
{
	return act("schedule run", argc, argv, "POST", "/run");
}
