/* SPDX-License-Identifier: Apache-2.0 */
/* stderr, in one place: log lines and progress never mix on one line. */
#include "assay/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/span.h"
#include "assay/time.h"

static struct {
	enum assay_log_level level;
	bool terminal;
	bool colour;
	bool open; /* a stage line stands unfinished on the terminal */
	char stage[24];
	char subject[160];
	double started;
	double drawn;
} log_state = { .level = ASSAY_LOG_NOTE };

void assay_log_set_level(enum assay_log_level level)
{
	log_state.level = level;
}

void assay_log_init(void)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	log_state.terminal = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
	log_state.colour = log_state.terminal && (!no_colour || !*no_colour);
}

static void wipe_line(void)
{
	if (log_state.open && log_state.terminal)
		fputs("\r\033[K", stderr);
}

static void draw_line(const char *suffix)
{
	fprintf(stderr, "%s  %-9s%s %s%s", log_state.colour ? "\033[1m" : "", log_state.stage,
		log_state.colour ? "\033[0m" : "", log_state.subject, suffix);
}

static void show(const char *text, char *out, size_t size)
{
	assay_span_show(assay_span_text(text), out, size);
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
	show(text, shown, sizeof(shown));
	wipe_line();
	fprintf(stderr, "%sassay: %s:%s %s\n", log_state.colour ? colours[level] : "", names[level],
		log_state.colour ? "\033[0m" : "", shown);
	if (log_state.open && log_state.terminal)
		draw_line(" ...");
}

void assay_progress_start(const char *stage, const char *fmt, ...)
{
	char text[sizeof(log_state.subject)];
	va_list args;

	if (log_state.level < ASSAY_LOG_NOTE)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	snprintf(log_state.stage, sizeof(log_state.stage), "%s", stage);
	show(text, log_state.subject, sizeof(log_state.subject));
	log_state.started = log_state.drawn = assay_time_monotonic();
	log_state.open = true;
	draw_line(log_state.terminal ? " ..." : " ...\n");
	fflush(stderr);
}

void assay_progress_update(uint64_t done, uint64_t total, const char *unit)
{
	double now;
	char suffix[96];

	if (!log_state.open || !log_state.terminal)
		return;
	now = assay_time_monotonic();
	if (now - log_state.drawn < 0.1)
		return;
	log_state.drawn = now;
	if (total)
		snprintf(suffix, sizeof(suffix), " ... %llu of %llu %s, %.0f s",
			 (unsigned long long)done, (unsigned long long)total, unit,
			 now - log_state.started);
	else
		snprintf(suffix, sizeof(suffix), " ... %llu %s, %.0f s", (unsigned long long)done,
			 unit, now - log_state.started);
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
	if (log_state.open && log_state.terminal)
		draw_line(" ...");
	fflush(stderr);
}

void assay_progress_end(const char *fmt, ...)
{
	char text[256], shown[512], suffix[600];
	double took = assay_time_monotonic() - log_state.started;
	va_list args;

	if (!log_state.open)
		return;
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
	log_state.open = false;
	fflush(stderr);
}
