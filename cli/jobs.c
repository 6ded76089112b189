/* SPDX-License-Identifier: Apache-2.0 */
/* assay jobs: the queue, once or as it changes. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/process.h"
#include "cli.h"
#include "farm.h"

enum { ROWS_WATCHED = 30, WATCH_MS = 500 };

int assay_cli_jobs(int argc, char **argv);

struct arguments {
	const char *socket, *store, *state, *pool, *verdict, *limit;
	bool json, watch;
};

static void row(const json_t *job, struct assay_buf *out)
{
	char target[300], reason[200], age[40];
	const char *state = assay_json_text(job, "state", "");
	const char *verdict = assay_json_text(job, "verdict", "");

	assay_buf_printf(out, "%6lld  %-9s  %-13s  %7s  %s", (long long)assay_json_int(job, "id", 0), state, verdict,
			 cli_farm_age(assay_json_int(job, "changed", 0), age, sizeof(age)),
			 cli_farm_shown(job, "target", target, sizeof(target)));
	if (strcmp(state, "parked") == 0 || strcmp(state, "waiting") == 0)
		assay_buf_printf(out, "  (%s)", cli_farm_shown(job, "reason", reason, sizeof(reason)));
	assay_buf_add_text(out, "\n");
}

static void table(const json_t *answer, struct assay_buf *out)
{
	size_t i;
	json_t *job;

	assay_buf_add_text(out, "   job  state      verdict            age  target\n");
	json_array_foreach(json_object_get(answer, "jobs"), i, job)
		row(job, out);
	if (json_object_get(answer, "before"))
		assay_buf_add_text(out, "        older ones: --limit\n");
}

static void parameter(struct assay_buf *path, const char *name, const char *value)
{
	if (!value)
		return;
	assay_buf_printf(path, "%c%s=", strchr(assay_buf_text(path), '?') ? '&' : '?', name);
	cli_farm_escape(value, path);
}

static int fetch(const struct arguments *a, json_t **ret)
{
	assay_auto(assay_buf_release) struct assay_buf path = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	char watched[10];

	snprintf(watched, sizeof(watched), "%d", ROWS_WATCHED);
	assay_buf_add_text(&path, "/v1/jobs");
	parameter(&path, "state", a->state);
	parameter(&path, "pool", a->pool);
	parameter(&path, "verdict", a->verdict);
	parameter(&path, "limit", a->limit ? a->limit : a->watch ? watched : NULL);
	return cli_farm_call(a->store, a->socket, "GET", assay_buf_text(&path), NULL, ret);
}

/* Nothing is left to wait for. */
static bool is_over(const json_t *answer)
{
	size_t i;
	json_t *job;

	json_array_foreach(json_object_get(answer, "jobs"), i, job) {
		const char *state = assay_json_text(job, "state", "");

		if (strcmp(state, "queued") == 0 || strcmp(state, "running") == 0 || strcmp(state, "waiting") == 0)
			return false;
	}
	return true;
}

/* Over what stood there before, each line cleared to its end: nothing flickers. */
static void redraw(const struct assay_buf *text)
{
	struct assay_span rest = assay_buf_span(text), line;

	fputs("\033[H", stdout);
	while (assay_span_next_line(&rest, &line))
		printf("%.*s\033[K\n", ASSAY_SPAN_ARGS(line));
	fputs("\033[J", stdout);
}

/* On a terminal the table is drawn over the one before; elsewhere each change is a table. */
static int watch(const struct arguments *a)
{
	assay_auto(assay_buf_release) struct assay_buf before = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	const struct timespec pause = { .tv_nsec = WATCH_MS * 1000000L };
	bool terminal = isatty(STDOUT_FILENO), over = false;

	while (!assay_interrupted && !over) {
		assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
		assay_auto(assay_json_freep) json_t *answer = NULL;
		int status = fetch(a, &answer);

		if (status)
			return status;
		table(answer, &text);
		over = is_over(answer);
		if (!assay_span_equal(assay_buf_span(&text), assay_buf_span(&before))) {
			if (terminal && !before.len)
				fputs("\033[2J", stdout);
			if (terminal)
				redraw(&text);
			else
				printf("%s%s", before.len ? "\n" : "", assay_buf_text(&text));
			fflush(stdout);
			assay_buf_clear(&before);
			assay_buf_add_span(&before, assay_buf_span(&text));
		}
		if (!over)
			nanosleep(&pause, NULL);
	}
	return 0;
}

int assay_cli_jobs(int argc, char **argv)
{
	struct arguments a = { .json = false };
	const struct cli_option options[] = {
		{ "json", CLI_FLAG, &a.json },	   { "limit", CLI_TEXT, &a.limit },
		{ "pool", CLI_TEXT, &a.pool },	   { "socket", CLI_TEXT, &a.socket },
		{ "state", CLI_TEXT, &a.state },   { "store", CLI_TEXT, &a.store },
		{ "verdict", CLI_TEXT, &a.verdict }, { "watch", CLI_FLAG, &a.watch },
		{ NULL, CLI_FLAG, NULL },
	};
	assay_auto(assay_json_freep) json_t *answer = NULL;
	char **args;
	int count, status = cli_parse("jobs", argc, argv, options, 0, 0, &args, &count);

	if (status)
		return status;
	if (a.watch)
		return watch(&a);
	status = fetch(&a, &answer);
	if (status)
		return status;
	return cli_farm_print(answer, a.json, table);
}
