/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report for a person: one file that needs nothing else, no request; it reads well without its script.
 * The page forbids itself to load anything or to run another script, should an escape ever fail.
 */
#include "html.h"

#include <stdlib.h>
#include <string.h>

#include "assay/digest.h"
#include "assay/hex.h"
#include "assay/limits.h"
#include "writers.h"

void html_put(struct assay_buf *out, const char *markup)
{
	assay_buf_add_text(out, markup);
}

void html_span(struct assay_buf *out, struct assay_span text)
{
	for (size_t i = 0; i < text.len; i++) {
		switch (text.data[i]) {
		case '&':
			assay_buf_add_text(out, "&amp;");
			break;
		case '<':
			assay_buf_add_text(out, "&lt;");
			break;
		case '>':
			assay_buf_add_text(out, "&gt;");
			break;
		case '"':
			assay_buf_add_text(out, "&quot;");
			break;
		case '\'':
			assay_buf_add_text(out, "&#39;");
			break;
		default:
			assay_buf_add(out, text.data + i, 1);
		}
	}
}

void html_text(struct assay_buf *out, const char *text)
{
	struct assay_buf shown = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);

	view_span(assay_span_text(text), &shown);
	html_span(out, assay_buf_span(&shown));
	assay_buf_release(&shown);
}

void html_value(struct assay_buf *out, const json_t *value)
{
	struct assay_buf shown = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);

	view_value(value, &shown);
	html_span(out, assay_buf_span(&shown));
	assay_buf_release(&shown);
}

void html_key(struct assay_buf *out, const json_t *object, const char *key, const char *fallback)
{
	struct assay_buf shown = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);

	view_key(object, key, fallback, &shown);
	html_span(out, assay_buf_span(&shown));
	assay_buf_release(&shown);
}

void html_count(struct assay_buf *out, int64_t count, const char *noun)
{
	view_count(count, noun, out);
}

void html_size(struct assay_buf *out, int64_t bytes)
{
	view_size(bytes, out);
}

void html_digest(struct assay_buf *out, const char *digest)
{
	html_put(out, "<code class=\"hash\">");
	html_text(out, digest);
	html_put(out, "</code>");
}

const char *html_tone(enum view_tone tone)
{
	static const char *const names[] = {
		[VIEW_GOOD] = "good",
		[VIEW_FAIR] = "fair",
		[VIEW_BAD] = "bad",
		[VIEW_UNKNOWN] = "unknown",
	};

	return names[tone];
}

void html_chip(struct assay_buf *out, const struct view_verdict *verdict)
{
	assay_buf_printf(out, "<span class=\"chip %s\">%s</span>", html_tone(verdict->tone),
			 verdict->name);
}

/* ---- the head of the page ------------------------------------------------------------------------ */

void html_hallmark(struct assay_buf *out, enum view_tone tone)
{
	static const char *const signs[] = {
		[VIEW_GOOD] = "<path d=\"M29 51l15 15 28-33\"/>",
		[VIEW_FAIR] = "<path d=\"M28 43q11-12 22 0t22 0M28 60q11-12 22 0t22 0\"/>",
		[VIEW_BAD] = "<path d=\"M34 34l32 32M66 34L34 66\"/>",
		[VIEW_UNKNOWN] = "<path d=\"M38 41q0-12 12-12t12 11q0 7-7 11-5 3-5 8M50 69v2\"/>",
	};

	html_put(out, "<svg class=\"hallmark\" viewBox=\"0 0 100 100\" aria-hidden=\"true\">"
		      "<polygon points=\"30,3 70,3 97,30 97,70 70,97 30,97 3,70 3,30\"/>"
		      "<polygon class=\"inner\" points=\"33,10 67,10 90,33 90,67 67,90 33,90 10,67 10,33\"/>");
	html_put(out, signs[tone]);
	html_put(out, "</svg>\n");
}

static const json_t *title_of(const json_t *report)
{
	const json_t *target = json_object_get(report, "target");

	return target ? target : json_object_get(json_object_get(report, "subject"), "name");
}

/* The only script that the page allows itself to run. */
static void script_hash(struct assay_buf *out)
{
	struct assay_digest digest;

	assay_digest_span(assay_span_text(report_html_script), &digest);
	assay_base64_encode(assay_span_of(digest.bytes, sizeof(digest.bytes)), out);
}

static void head(struct assay_buf *out, const json_t *report)
{
	html_put(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		      "<meta name=\"color-scheme\" content=\"light dark\">\n"
		      "<meta name=\"referrer\" content=\"no-referrer\">\n"
		      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		      "style-src 'unsafe-inline'; script-src 'sha256-");
	script_hash(out);
	html_put(out, "'\">\n<title>");
	html_text(out, view_verdict(report)->name);
	html_put(out, ": ");
	html_value(out, title_of(report));
	html_put(out, "</title>\n<style>\n");
	html_put(out, report_html_style);
	html_put(out, "</style>\n</head>\n");
}

static void figure(struct assay_buf *out, const char *name, int64_t value, const char *class)
{
	assay_buf_printf(out, "<div><dt>%s</dt><dd class=\"%s\">", name, class);
	view_count(value, "", out);
	html_put(out, "</dd></div>\n");
}

static void figures(struct assay_buf *out, const json_t *report)
{
	const json_t *sums = json_object_get(report, "accounting");
	const json_t *isolation = json_object_get(report, "isolation");
	size_t attempts = json_array_size(json_object_get(report, "attempts"));
	int64_t unexplained = assay_json_int(sums, "bytes_unexplained", 0);

	html_put(out, "<dl class=\"figures\">\n");
	if (view_is_agreement(report))
		figure(out, "Groups", (int64_t)json_array_size(json_object_get(report, "groups")), "");
	else if (view_is_whole(report))
		figure(out, "Artifacts",
		       (int64_t)json_array_size(json_object_get(report, "subjects")), "");
	if (sums) {
		figure(out, "Bytes that differ", assay_json_int(sums, "bytes_different", 0), "");
		figure(out, "of them explained", assay_json_int(sums, "bytes_explained", 0), "");
		figure(out, "not explained", unexplained, unexplained ? "bad" : "");
	}
	if (attempts)
		figure(out, "Attempts", (int64_t)attempts, "");
	if (json_object_get(isolation, "class")) {
		html_put(out, "<div><dt>Isolation</dt><dd>");
		html_key(out, isolation, "class", "");
		html_put(out, "</dd></div>\n");
	}
	html_put(out, "</dl>\n");
}

static void banner(struct assay_buf *out, const json_t *report)
{
	const struct view_verdict *verdict = view_verdict(report);

	assay_buf_printf(out, "<header class=\"banner %s\">\n", html_tone(verdict->tone));
	html_hallmark(out, verdict->tone);
	html_put(out, "<div class=\"words\">\n<p class=\"kicker\">");
	html_put(out, view_is_agreement(report) ? "Assay of candidates" :
		      view_is_whole(report)		 ? "Assay of a rebuild" :
							   "Assay of two artifacts");
	html_put(out, "</p>\n<h1>");
	html_text(out, verdict->name);
	if (json_is_string(json_object_get(report, "grade"))) {
		html_put(out, " <small>");
		html_key(out, report, "grade", "");
		html_put(out, "</small>");
	}
	html_put(out, "</h1>\n<p class=\"target\">");
	html_value(out, title_of(report));
	html_put(out, "</p>\n<p class=\"meaning\">");
	html_text(out, view_is_agreement(report) ? "" : verdict->meaning);
	html_put(out, "</p>\n<p class=\"reason\">");
	html_key(out, report, "reason", "");
	html_put(out, "</p>\n</div>\n");
	figures(out, report);
	html_put(out, "</header>\n");
}

/* ---- artifacts ----------------------------------------------------------------------------------- */

static void side(struct assay_buf *out, const json_t *pair, const char *key, const char *label)
{
	const json_t *object = json_object_get(pair, key);

	if (!json_is_object(object))
		return;
	assay_buf_printf(out, "<div><dt>%s</dt><dd><span class=\"file\">", label);
	html_key(out, object, "name", "");
	html_put(out, "</span> ");
	if (json_object_get(object, "size")) {
		html_put(out, "<span class=\"quiet\">");
		html_count(out, assay_json_int(object, "size", 0), "byte");
		html_put(out, "</span>");
	}
	if (json_object_get(object, "digest")) {
		html_put(out, "<br>");
		html_digest(out,
			    assay_json_text(json_object_get(object, "digest"), "sha256", ""));
	}
	html_put(out, "</dd></div>\n");
}

static void signature(struct assay_buf *out, const json_t *pair)
{
	const json_t *found = json_object_get(json_object_get(pair, "subject"), "signature");

	if (!json_is_object(found))
		return;
	html_put(out, "<div><dt>Signature</dt><dd>");
	html_key(out, found, "status", "");
	html_put(out, ", ");
	html_key(out, found, "scheme", "");
	if (*assay_json_text(found, "key", "")) {
		html_put(out, " by <code class=\"hash\">");
		html_key(out, found, "key", "");
		html_put(out, "</code>");
	}
	if (*assay_json_text(found, "detail", "")) {
		html_put(out, "<br><span class=\"quiet\">");
		html_key(out, found, "detail", "");
		html_put(out, "</span>");
	}
	html_put(out, "</dd></div>\n");
}

static void structure(struct assay_buf *out, const json_t *pair, const char *key)
{
	if (!view_is_ambiguous(pair, key))
		return;
	html_put(out, "<p class=\"note bad\">Structure of the ");
	html_put(out, key);
	html_put(out, " side: ");
	html_key(out, json_object_get(pair, "structure"), key, "");
	html_put(out, ". Readers of the format would disagree about this file.</p>\n");
}

static void signatures(struct assay_buf *out, const json_t *pair, const char *key)
{
	if (!json_object_get(json_object_get(pair, "signed"), key))
		return;
	html_put(out, "<p class=\"note\">The ");
	html_put(out, key);
	html_put(out, " side is signed from within: ");
	html_key(out, json_object_get(pair, "signed"), key, "");
	html_put(out, ".</p>\n");
}

static void sides(struct assay_buf *out, const json_t *pair)
{
	html_put(out, "<dl class=\"facts\">\n");
	side(out, pair, "subject", "Published");
	side(out, pair, "candidate", "Rebuilt");
	signature(out, pair);
	html_put(out, "</dl>\n");
	structure(out, pair, "left");
	structure(out, pair, "right");
	signatures(out, pair, "left");
	signatures(out, pair, "right");
}

/* What the two artifacts tell of the tools that made them. */
static void drift(struct assay_buf *out, const json_t *pair)
{
	size_t i;
	json_t *sentence;

	json_array_foreach(json_object_get(json_object_get(pair, "context"), "drift"), i, sentence) {
		html_put(out, "<p class=\"note\">");
		html_text(out, json_string_value(sentence));
		html_put(out, "</p>\n");
	}
}

/* against: several pairs of one report share their left side. */
static void artifact(struct assay_buf *out, const json_t *pair, bool against)
{
	html_put(out, "<article class=\"artifact\">\n<h3>");
	html_chip(out, view_verdict(pair));
	html_put(out, " ");
	html_key(out, json_object_get(pair, "subject"), "name", "artifact");
	if (against) {
		html_put(out, " against ");
		html_key(out, json_object_get(pair, "candidate"), "name", "");
	}
	html_put(out, "</h3>\n<p>");
	html_key(out, pair, "reason", "");
	html_put(out, "</p>\n");
	sides(out, pair);
	drift(out, pair);
	if (view_story(pair) != pair)
		html_put(out, "<p class=\"note\">Below: what our own attempts disagree in.</p>\n");
	html_divergences(out, view_story(pair));
	html_put(out, "</article>\n");
}

static int compare_tones(const json_t *pair)
{
	static const int ranks[] = {
		[VIEW_GOOD] = 3,
		[VIEW_FAIR] = 2,
		[VIEW_BAD] = 0,
		[VIEW_UNKNOWN] = 1,
	};

	return ranks[view_verdict(pair)->tone];
}

static void groups(struct assay_buf *out, const json_t *report)
{
	size_t i;
	json_t *group;

	html_put(out, "<section id=\"groups\">\n<h2>Who agrees with whom</h2>\n<div class=\"scroll\"><table>\n"
		      "<tr><th>Group<th>The same bytes<th>SHA-256<th>Equivalent to</tr>\n");
	json_array_foreach(json_object_get(report, "groups"), i, group) {
		size_t class = (size_t)assay_json_int(group, "class", 0), k;
		json_t *member;

		assay_buf_printf(out, "<tr><td class=\"number\">%zu<td><ul class=\"entries\">", i + 1);
		json_array_foreach(json_object_get(group, "members"), k, member) {
			html_put(out, "<li><span class=\"file\">");
			html_value(out, member);
			html_put(out, "</span></li>");
		}
		html_put(out, "</ul><td>");
		if (json_object_get(group, "sha256"))
			html_digest(out, assay_json_text(group, "sha256", ""));
		else
			html_put(out, "a directory");
		assay_buf_printf(out, class == i ? "<td></tr>\n" : "<td>group %zu</tr>\n", class + 1);
	}
	html_put(out, "</table></div>\n</section>\n");
}

/* The worst come first; among equals the order of the report holds. */
static void artifacts(struct assay_buf *out, const json_t *report)
{
	html_put(out, "<section id=\"artifacts\">\n<h2>");
	html_put(out, view_is_agreement(report) ? "One against another" : "Artifacts");
	html_put(out, "</h2>\n");
	html_tools(out, report);
	for (int rank = 0; rank <= 3; rank++) {
		size_t i = 0;

		for (const json_t *pair = view_next_pair(report, &i); pair;
		     pair = view_next_pair(report, &i))
			if (compare_tones(pair) == rank)
				artifact(out, pair, view_is_agreement(report));
	}
	html_put(out, "</section>\n");
}

static void one_pair(struct assay_buf *out, const json_t *report)
{
	html_put(out, "<section id=\"artifacts\">\n<h2>The pair</h2>\n");
	sides(out, report);
	html_put(out, "</section>\n<section id=\"differences\">\n<h2>What differs, and why</h2>\n");
	html_tools(out, report);
	html_divergences(out, report);
	html_put(out, "</section>\n");
}

static void foot(struct assay_buf *out, const json_t *report)
{
	const json_t *tool = json_object_get(report, "tool");

	html_put(out, "<footer>\n<p>Written by ");
	html_key(out, tool, "name", "assay");
	html_put(out, " ");
	html_key(out, tool, "version", ASSAY_VERSION);
	html_put(out, ". The JSON report (");
	html_key(out, report, "schema", "");
	html_put(out, ") holds all of this for machines. &ldquo;Reproducible&rdquo; means bit for bit "
		      "and nothing else.</p>\n</footer>\n");
}

void report_write_html(const json_t *report, const struct assay_report_style *style,
		       struct assay_buf *out)
{
	(void)style;
	head(out, report);
	html_put(out, "<body>\n<main>\n");
	banner(out, report);
	if (view_is_agreement(report)) {
		groups(out, report);
		artifacts(out, report);
	} else if (view_is_whole(report)) {
		html_evidence_links(out, report);
		artifacts(out, report);
		html_evidence(out, report);
	} else {
		one_pair(out, report);
	}
	foot(out, report);
	html_put(out, "</main>\n<script>");
	html_put(out, report_html_script);
	html_put(out, "</script>\n</body>\n</html>\n");
}
