/* SPDX-License-Identifier: Apache-2.0 */
/* The nightly digest as one page that needs nothing else and runs no script. */
#include <string.h>

#include "assay/time.h"
#include "html.h"
#include "nightly.h"
#include "writers.h"

static void number(struct assay_buf *out, long long value)
{
	assay_buf_printf(out, "<td class=\"number\">%lld</td>", value);
}

static void cell(struct assay_buf *out, const json_t *row, const char *key, const char *tag)
{
	assay_buf_printf(out, "<td>%s%s%s", *tag ? "<" : "", tag, *tag ? ">" : "");
	html_key(out, row, key, "");
	assay_buf_printf(out, "%s%s%s</td>", *tag ? "</" : "", tag, *tag ? ">" : "");
}

static void verdict_cell(struct assay_buf *out, const json_t *row)
{
	html_put(out, "<td>");
	html_chip(out, view_verdict(row));
	if (*assay_json_text(row, "was", "")) {
		html_put(out, " <span class=\"quiet\">was ");
		html_key(out, row, "was", "");
		html_put(out, "</span>");
	}
	html_put(out, "</td>");
}

static void section(struct assay_buf *out, const char *title, size_t count, bool cut)
{
	assay_buf_printf(out, "<section>\n<h2>%s <span class=\"quiet\">%zu%s</span></h2>\n", title, count,
			 cut ? " and more" : "");
}

static void open_table(struct assay_buf *out, const char *heads)
{
	html_put(out, "<div class=\"scroll\"><table>\n<thead><tr>");
	html_put(out, heads);
	html_put(out, "</tr></thead>\n<tbody>\n");
}

static void close_table(struct assay_buf *out)
{
	html_put(out, "</tbody>\n</table></div>\n</section>\n");
}

static void jobs(struct assay_buf *out, const json_t *digest, const struct nightly_section *s)
{
	const json_t *list = json_object_get(digest, s->key);
	size_t i;
	json_t *row;

	if (!s->nothing && !json_array_size(list))
		return;
	section(out, s->title, json_array_size(list), nightly_is_cut(digest, s->key));
	if (!json_array_size(list)) {
		assay_buf_printf(out, "<p class=\"quiet\">%s</p>\n</section>\n", s->nothing);
		return;
	}
	open_table(out, "<th>Target</th><th>Verdict</th><th>Why</th><th>Job</th>");
	json_array_foreach(list, i, row) {
		html_put(out, "<tr>");
		cell(out, row, "target", "code");
		verdict_cell(out, row);
		cell(out, row, "reason", "");
		number(out, assay_json_int(row, "job", 0));
		html_put(out, "</tr>\n");
	}
	close_table(out);
}

static void slowest(struct assay_buf *out, const json_t *digest)
{
	const json_t *list = json_object_get(digest, "slowest");
	size_t i;
	json_t *row;

	if (!json_array_size(list))
		return;
	section(out, "Slowest", json_array_size(list), false);
	open_table(out, "<th>Target</th><th>Seconds</th><th>Worker</th><th>Job</th>");
	json_array_foreach(list, i, row) {
		html_put(out, "<tr>");
		cell(out, row, "target", "code");
		number(out, assay_json_int(row, "ms", 0) / 1000);
		cell(out, row, "worker", "");
		number(out, assay_json_int(row, "job", 0));
		html_put(out, "</tr>\n");
	}
	close_table(out);
}

static void clusters(struct assay_buf *out, const json_t *digest)
{
	const json_t *list = json_object_get(digest, "clusters");
	size_t i;
	json_t *row;

	if (!json_array_size(list))
		return;
	section(out, "Causes", json_array_size(list), nightly_is_cut(digest, "clusters"));
	open_table(out, "<th>Cause</th><th>Severity</th><th>Targets</th><th>Differences</th><th>Such as</th>");
	json_array_foreach(list, i, row) {
		html_put(out, "<tr>");
		cell(out, row, "cause", "code");
		cell(out, row, "severity", "");
		number(out, assay_json_int(row, "targets", 0));
		number(out, assay_json_int(row, "divergences", 0));
		cell(out, row, "example", "code");
		html_put(out, "</tr>\n");
	}
	close_table(out);
}

/* Good news or bad, by what is new. */
static enum view_tone tone_of(const json_t *digest)
{
	if (json_array_size(json_object_get(digest, "new_divergences")) ||
	    json_array_size(json_object_get(digest, "newly_failing")))
		return VIEW_BAD;
	return json_array_size(json_object_get(digest, "totals")) ? VIEW_GOOD : VIEW_UNKNOWN;
}

static void figures(struct assay_buf *out, const json_t *digest)
{
	size_t i;
	json_t *row;

	html_put(out, "<dl class=\"figures\">\n");
	json_array_foreach(json_object_get(digest, "totals"), i, row) {
		bool done = strcmp(assay_json_text(row, "state", ""), "done") == 0;

		html_put(out, "<div><dt>");
		html_key(out, row, done ? "verdict" : "state", "");
		assay_buf_printf(out, "</dt><dd>%lld</dd></div>\n", (long long)assay_json_int(row, "jobs", 0));
	}
	html_put(out, "</dl>\n");
}

static void banner(struct assay_buf *out, const json_t *digest)
{
	size_t fresh = json_array_size(json_object_get(digest, "new_divergences"));
	char from[ASSAY_TIME_TEXT], to[ASSAY_TIME_TEXT];
	enum view_tone tone = tone_of(digest);

	assay_buf_printf(out, "<header class=\"banner %s\">\n", html_tone(tone));
	html_hallmark(out, tone);
	html_put(out, "<div class=\"words\">\n<p class=\"kicker\">Nightly digest</p>\n<h1>");
	if (fresh)
		html_count(out, (int64_t)fresh, "new divergence");
	else
		html_put(out, tone == VIEW_UNKNOWN ? "nothing ended" : "no new divergence");
	assay_buf_printf(out, "</h1>\n<p class=\"target\">%s to %s</p>\n</div>\n",
			 assay_time_format(assay_json_int(digest, "from", 0) / 1000, from),
			 assay_time_format(assay_json_int(digest, "to", 0) / 1000, to));
	figures(out, digest);
	html_put(out, "</header>\n");
}

void nightly_write_html(const json_t *digest, const struct assay_report_style *style, struct assay_buf *out)
{
	(void)style;
	html_put(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		      "<meta name=\"color-scheme\" content=\"light dark\">\n"
		      "<meta name=\"referrer\" content=\"no-referrer\">\n"
		      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		      "style-src 'unsafe-inline'\">\n<title>Nightly digest</title>\n<style>\n");
	html_put(out, report_html_style);
	html_put(out, "</style>\n</head>\n<body>\n<main>\n");
	banner(out, digest);
	for (const struct nightly_section *s = nightly_jobs; s->key; s++)
		jobs(out, digest, s);
	clusters(out, digest);
	slowest(out, digest);
	html_put(out, "</main>\n</body>\n</html>\n");
}
