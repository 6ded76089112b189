/* SPDX-License-Identifier: Apache-2.0 */
/* The differences of one pair as HTML: where, both values, why, and what to change. */
#include <string.h>

#include "assay/limits.h"
#include "html.h"

enum { DIVERGENCES_SHOWN = 400, VALUE_COLUMNS = 600 };

static void path(struct assay_buf *out, const json_t *parts)
{
	size_t i;
	json_t *part;

	html_put(out, "<ol class=\"path\">");
	if (json_array_size(parts) == 0)
		html_put(out, "<li>the file itself</li>");
	json_array_foreach(parts, i, part) {
		html_put(out, "<li>");
		html_value(out, part);
		html_put(out, "</li>");
	}
	html_put(out, "</ol>\n");
}

static void value(struct assay_buf *out, const json_t *given, const struct view_change *c,
		  bool is_left)
{
	struct assay_span middle = is_left ? c->left : c->right;

	assay_buf_printf(out, "<div class=\"%s\"><dt>%s</dt><dd>", is_left ? "was" : "is",
			 is_left ? "Published" : "Rebuilt");
	if (!given || json_is_null(given)) {
		html_put(out, "<span class=\"quiet\">absent</span></dd></div>\n");
		return;
	}
	html_put(out, "<code>");
	html_put(out, c->cut_before ? "&hellip;" : "");
	html_span(out, c->before);
	if (middle.len) {
		html_put(out, "<mark>");
		html_span(out, middle);
		html_put(out, (is_left ? c->cut_left : c->cut_right) ? "&hellip;</mark>" : "</mark>");
	}
	html_span(out, c->after);
	html_put(out, c->cut_after ? "&hellip;" : "");
	html_put(out, "</code></dd></div>\n");
}

static void values(struct assay_buf *out, const json_t *divergence)
{
	const json_t *left = json_object_get(divergence, "left");
	const json_t *right = json_object_get(divergence, "right");
	struct assay_buf a = ASSAY_BUF_INIT(ASSAY_MAX_REPORT), b = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	struct view_change change;

	view_value(left, &a);
	view_value(right, &b);
	if (a.len || b.len) {
		view_change(assay_buf_span(&a), assay_buf_span(&b), VALUE_COLUMNS, &change);
		html_put(out, "<dl class=\"values\">\n");
		value(out, left, &change, true);
		value(out, right, &change, false);
		html_put(out, "</dl>\n");
	}
	assay_buf_release(&a);
	assay_buf_release(&b);
}

static void diff(struct assay_buf *out, const char *text)
{
	struct assay_span rest = assay_span_text(text), line;

	html_put(out, "<pre class=\"diff\">");
	for (size_t i = 0; i < ASSAY_MAX_DIFF_LINES && assay_span_next_line(&rest, &line); i++) {
		struct assay_buf shown = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
		char first = line.len ? (char)line.data[0] : ' ';

		view_line(line, &shown);
		html_put(out, first == '-' ? "<del>" : first == '+' ? "<ins>" :
				     first == '@'		    ? "<b>" :
								      "<span>");
		html_span(out, assay_buf_span(&shown));
		html_put(out, first == '-' ? "</del>\n" : first == '+' ? "</ins>\n" :
				     first == '@'		       ? "</b>\n" :
									 "</span>\n");
		assay_buf_release(&shown);
	}
	html_put(out, rest.len ? "&hellip;\n</pre>\n" : "</pre>\n");
}

static void tags(struct assay_buf *out, const json_t *divergence)
{
	const char *severity = assay_json_text(divergence, "severity", "");
	const char *pass = assay_json_text(divergence, "pass", "");
	bool serious = strcmp(severity, "code") == 0 || strcmp(severity, "structure") == 0;

	assay_buf_printf(out, "<p class=\"tags\"><span class=\"chip %s\">",
			 *pass ? "fair" : serious ? "bad" : "unknown");
	html_text(out, severity);
	html_put(out, "</span> <b>");
	html_key(out, divergence, "cause", "unexplained");
	html_put(out, "</b> <span class=\"quiet\">");
	html_key(out, divergence, "confidence", "guess");
	html_put(out, " &middot; ");
	html_key(out, divergence, "field", "bytes");
	html_put(out, " &middot; ");
	view_ranges(divergence, out);
	if (assay_json_int(divergence, "members", 0) > 1) {
		html_put(out, " &middot; in ");
		html_count(out, assay_json_int(divergence, "members", 0), "member");
	}
	if (*pass) {
		html_put(out, " &middot; folded by ");
		html_text(out, pass);
	}
	html_put(out, "</span></p>\n");
}

static void sentence(struct assay_buf *out, const json_t *divergence, const char *key,
		     const char *label)
{
	if (!*assay_json_text(divergence, key, ""))
		return;
	assay_buf_printf(out, "<p class=\"%s\">", key);
	if (label) {
		html_put(out, "<b>");
		html_put(out, label);
		html_put(out, "</b> ");
	}
	html_key(out, divergence, key, "");
	html_put(out, "</p>\n");
}

static void divergence(struct assay_buf *out, const json_t *item)
{
	const char *text = assay_json_text(item, "diff", "");

	html_put(out, "<li class=\"divergence\">\n");
	path(out, json_object_get(item, "path"));
	tags(out, item);
	if (json_object_get(item, "example")) {
		html_put(out, "<div class=\"example\">such as ");
		path(out, json_object_get(item, "example"));
		html_put(out, "</div>\n");
	}
	sentence(out, item, "explanation", NULL);
	if (*text)
		diff(out, text);
	else
		values(out, item);
	sentence(out, item, "condition",
		 json_is_string(json_object_get(item, "pass")) ? "Folded, since" :
								  "Not folded; wanted:");
	sentence(out, item, "remedy", "Remedy:");
	html_put(out, "</li>\n");
}

static void passes(struct assay_buf *out, const json_t *pair)
{
	const json_t *list = json_object_get(pair, "passes");
	size_t i;
	json_t *pass;

	if (!json_array_size(list))
		return;
	html_put(out, "<div class=\"scroll\"><table>\n<caption>Passes that were applied</caption>\n"
		      "<tr><th>Pass<th>Grade<th>Fields<th>Bytes<th>Condition</tr>\n");
	json_array_foreach(list, i, pass) {
		html_put(out, "<tr><td>");
		html_key(out, pass, "name", "");
		html_put(out, "<td>");
		html_key(out, pass, "grade", "");
		html_put(out, "<td class=\"number\">");
		html_key(out, pass, "fields", "");
		html_put(out, "<td class=\"number\">");
		html_key(out, pass, "bytes", "");
		html_put(out, "<td>");
		html_key(out, pass, "condition", "");
		html_put(out, "</tr>\n");
	}
	html_put(out, "</table></div>\n");
}

void html_divergences(struct assay_buf *out, const json_t *pair)
{
	struct assay_buf sums = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	struct view_list list;

	view_list_init(&list, json_object_get(pair, "divergences"));
	if (list.count)
		html_put(out, "<ol class=\"divergences\">\n");
	for (size_t i = 0; i < list.count && i < DIVERGENCES_SHOWN; i++)
		divergence(out, list.items[i]);
	if (list.count)
		html_put(out, "</ol>\n");
	if (list.count > DIVERGENCES_SHOWN) {
		html_put(out, "<p class=\"note\">and ");
		html_count(out, (int64_t)list.count - DIVERGENCES_SHOWN, "divergence");
		html_put(out, " more, all of them in the JSON report.</p>\n");
	}
	view_accounting(pair, &sums);
	if (sums.len) {
		html_put(out, "<p class=\"accounting\">");
		html_span(out, assay_buf_span(&sums));
		html_put(out, ".</p>\n");
	}
	if (assay_json_bool(pair, "truncated"))
		html_put(out, "<p class=\"note bad\">A limit cut this comparison short.</p>\n");
	passes(out, pair);
	assay_buf_release(&sums);
	view_list_release(&list);
}
