/* SPDX-License-Identifier: Apache-2.0 */
/* stderr, in one place: log lines and progress never mix on one line. */
#include "assay/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/buf.h"
#include "assay/json.h"
#include "assay/span.h"
#include "assay/time.h"

#define MAX_NESTED 4

struct stage {
	char name[24];
	char subject[160];
	double started;
};

/* Stages nest (a fetch within an admission); the innermost is the one that is drawn. */
static struct {
	enum assay_log_level level;
	bool terminal;
	bool colour;
	bool json;
	unsigned depth; /* stages begun and not ended */
	struct stage stages[MAX_NESTED];
	double drawn;
} log_state = { .level = ASSAY_LOG_NOTE };

static struct stage *innermost(void)
{
	unsigned at = log_state.depth < MAX_NESTED ? log_state.depth : MAX_NESTED;

	return &log_state.stages[at ? at - 1 : 0];
}

void assay_log_set_level(enum assay_log_level level)
{
	log_state.level = level;
}

void assay_log_init(void)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM"), *format = getenv("ASSAY_LOG");

	log_state.json = format && strcmp(format, "json") == 0;
	log_state.terminal = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0 && !log_state.json;
	log_state.colour = log_state.terminal && (!no_colour || !*no_colour);
}

static void wipe_line(void)
{
	if (log_state.depth && log_state.terminal)
		fputs("\r\033[K", stderr);
}

static void draw_line(const char *suffix)
{
	const struct stage *stage = innermost();

	fprintf(stderr, "%s  %-9s%s %s%s", log_state.colour ? "\033[1m" : "", stage->name,
		log_state.colour ? "\033[0m" : "", stage->subject, suffix);
}

static void show(const char *text, char *out, size_t size)
{
	assay_span_show(assay_span_text(text), out, size);
}

/* "job 7: ..." begins whatever is said about a job. */
static void add_job(json_t *line, const char *text)
{
	struct assay_span words = assay_span_text(text);
	uint64_t job;

	if (assay_span_starts(words, "job ") &&
	    assay_span_parse_u64(assay_span_of(text + 4, strcspn(text + 4, ":")), &job) && job <= INT64_MAX)
		assay_json_set_int(line, "job", (int64_t)job);
}

/* One object a line, in one write. */
static void log_json(const char *level, const char *text)
{
	struct assay_buf out = ASSAY_BUF_INIT(ASSAY_ERROR_MAX * 8);
	json_t *line = assay_json_object();
	char time[ASSAY_TIME_TEXT];

	assay_json_set_text(line, "time", assay_time_format(assay_time_now(), time));
	assay_json_set_text(line, "level", level);
	assay_json_set(line, "message", assay_json_name(assay_span_text(text)));
	assay_json_set_int(line, "process", getpid());
	add_job(line, text);
	assay_json_dump_compact(line, &out);
	fprintf(stderr, "%s\n", assay_buf_text(&out));
	assay_buf_release(&out);
	json_decref(line);
}

void assay_log(enum assay_log_level level, const char *fmt, ...)
{
	static const char *const names[] = { "error", "warning", "note", "debug" };
	static const char *const colours[] = { "\033[31m", "\033[33m", "", "\033[2m" };
	char text[ASSAY_ERROR_MAX], shown[ASSAY_ERROR_MAX * 2];
	va_list args;

	if (level > log_state.level)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (log_state.json) {
		log_json(names[level], text);
		return;
	}
	show(text, shown, sizeof(shown));
	wipe_line();
	fprintf(stderr, "%sassay: %s:%s %s\n", log_state.colour ? colours[level] : "", names[level],
		log_state.colour ? "\033[0m" : "", shown);
	if (log_state.depth && log_state.terminal)
		draw_line(" ...");
}

void assay_progress_start(const char *stage, const char *fmt, ...)
{
	struct stage *begun;
	char text[sizeof(begun->subject)];
	va_list args;

	if (log_state.level < ASSAY_LOG_NOTE)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	wipe_line();
	log_state.depth++;
	begun = innermost();
	snprintf(begun->name, sizeof(begun->name), "%s", stage);
	show(text, begun->subject, sizeof(begun->subject));
	begun->started = log_state.drawn = assay_time_monotonic();
	draw_line(log_state.terminal ? " ..." : " ...\n");
	fflush(stderr);
}

void assay_progress_update(uint64_t done, uint64_t total, const char *unit)
{
	double now;
	char suffix[96];

	if (!log_state.depth || !log_state.terminal)
		return;
	now = assay_time_monotonic();
	if (now - log_state.drawn < 0.1)
		return;
	log_state.drawn = now;
	if (total)
		snprintf(suffix, sizeof(suffix), " ... %llu of %llu %s, %.0f s",
			 (unsigned long long)done, (unsigned long long)total, unit,
			 now - innermost()->started);
	else
		snprintf(suffix, sizeof(suffix), " ... %llu %s, %.0f s", (unsigned long long)done,
			 unit, now - innermost()->started);
	wipe_line();
	draw_line(suffix);
	fflush(stderr);
}

void assay_progress_note(const char *fmt, ...)
{
	char text[512], shown[1024];
	va_list args;

	if (log_state.level < ASSAY_LOG_NOTE)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	show(text, shown, sizeof(shown));
	wipe_line();
	fprintf(stderr, "            %s\n", shown);
	if (log_state.depth && log_state.terminal)
		draw_line(" ...");
	fflush(stderr);
}

unsigned assay_progress_depth(void)
{
	return log_state.depth;
}

void assay_progress_end(const char *fmt, ...)
{
	char text[256], shown[512], suffix[600];
	double took;
	va_list args;

	if (!log_state.depth)
		return;
	took = assay_time_monotonic() - innermost()->started;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	show(text, shown, sizeof(shown));
	if (took >= 1)
		snprintf(suffix, sizeof(suffix), ": %s (%.0f s)\n", shown, took);
	else
		snprintf(suffix, sizeof(suffix), ": %s\n", shown);
	wipe_line();
	draw_line(suffix);
	log_state.depth--;
	if (log_state.depth && log_state.terminal)
		draw_line(" ...");
	fflush(stderr);
}
