/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report for the summary page of a CI run: GitHub's and GitLab's Markdown, and short, because such
 * pages cut what is long.  Every text of the report stands in a code span or is escaped, so that a name
 * cannot become a link, an image or HTML.
 */
#include <string.h>

#include "assay/limits.h"
#include "view.h"
#include "writers.h"

enum { SUBJECTS_SHOWN = 50, DIVERGENCES_SHOWN = 20, TEXT_SHOWN = 400, DIFF_LINES_SHOWN = 40 };

/* No divergence is begun behind this many bytes, so that the whole stays below the 65,536 that a comment on
 * GitHub may have. */
enum { FULL = 46000 };

/* The longest run of backticks decides the fence of a code span (CommonMark 6.1). */
static size_t longest_run(struct assay_span text)
{
	size_t longest = 0, run = 0;

	for (size_t i = 0; i < text.len; i++) {
		run = text.data[i] == '`' ? run + 1 : 0;
		if (run > longest)
			longest = run;
	}
	return longest;
}

static struct assay_span cut(struct assay_span text, bool *was_cut)
{
	size_t end = TEXT_SHOWN;

	*was_cut = text.len > TEXT_SHOWN;
	while (*was_cut && end && (text.data[end] & 0xc0) == 0x80)
		end--;
	return *was_cut ? assay_span_cut(text, 0, end) : text;
}

/* In a table a bar ends the cell, even in a code span. */
static void put_code(struct assay_buf *out, struct assay_span shown)
{
	bool was_cut;
	struct assay_span text = cut(shown, &was_cut);
	size_t fence = longest_run(text) + 1;

	for (size_t i = 0; i < fence; i++)
		assay_buf_add_text(out, "`");
	assay_buf_add_text(out, fence > 1 ? " " : "");
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] == '|')
			assay_buf_add_text(out, "\\x7c");
		else
			assay_buf_add(out, text.data + i, 1);
	assay_buf_add_text(out, was_cut ? "..." : "");
	assay_buf_add_text(out, fence > 1 ? " " : "");
	for (size_t i = 0; i < fence; i++)
		assay_buf_add_text(out, "`");
}

/* Prose: everything that Markdown or HTML could read is escaped by a backslash or an entity. */
static void put_prose(struct assay_buf *out, struct assay_span shown)
{
	bool was_cut;
	struct assay_span text = cut(shown, &was_cut);

	for (size_t i = 0; i < text.len; i++) {
		char c = (char)text.data[i];

		if (c == '<')
			assay_buf_add_text(out, "&lt;");
		else if (c == '&')
			assay_buf_add_text(out, "&amp;");
		else if (c == '@')
			assay_buf_add_text(out, "&#64;"); /* no mentions */
		else if (c == ':' && i + 2 < text.len && text.data[i + 1] == '/')
			assay_buf_add_text(out, "&#58;"); /* no links made of URLs */
		else if (strchr("\\`*_{}[]()#+!|~>", c) && c)
			assay_buf_printf(out, "\\%c", c);
		else
			assay_buf_add(out, &c, 1);
	}
	assay_buf_add_text(out, was_cut ? "..." : "");
}

static void prose_key(struct assay_buf *out, const json_t *object, const char *key,
		      const char *before, const char *after)
{
	struct assay_buf shown = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);

	view_key(object, key, "", &shown);
	if (shown.len) {
		assay_buf_add_text(out, before);
		put_prose(out, assay_buf_span(&shown));
		assay_buf_add_text(out, after);
	}
	assay_buf_release(&shown);
}

static void code_value(struct assay_buf *out, const json_t *value)
{
	struct assay_buf shown = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);

	view_value(value, &shown);
	if (shown.len)
		put_code(out, assay_buf_span(&shown));
	assay_buf_release(&shown);
}

static void code_path_with(struct assay_buf *out, const json_t *path, const char *separator)
{
	struct assay_buf shown = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);

	view_path(path, separator, &shown);
	if (shown.len)
		put_code(out, assay_buf_span(&shown));
	assay_buf_release(&shown);
}

static void code_path(struct assay_buf *out, const json_t *path)
{
	code_path_with(out, path, " > ");
}

static void headline(struct assay_buf *out, const json_t *report)
{
	const json_t *target = json_object_get(report, "target");

	assay_buf_printf(out, "## assay: %s", view_verdict(report)->name);
	prose_key(out, report, "grade", " (", ")");
	assay_buf_add_text(out, "\n\n");
	code_value(out, target ? target :
				 json_object_get(json_object_get(report, "subject"), "name"));
	assay_buf_add_text(out, "\n\n");
	assay_buf_add_text(out, view_verdict(report)->meaning);
	prose_key(out, report, "reason", " ", "");
	assay_buf_add_text(out, "\n");
}

static void subjects(struct assay_buf *out, const json_t *report)
{
	size_t i = 0;

	assay_buf_add_text(out, "\n| artifact | verdict | bytes that differ | not explained |\n"
				"|---|---|--:|--:|\n");
	for (const json_t *pair = view_next_pair(report, &i); pair && i <= SUBJECTS_SHOWN;
	     pair = view_next_pair(report, &i)) {
		const json_t *sums = json_object_get(pair, "accounting");

		assay_buf_add_text(out, "| ");
		code_value(out, json_object_get(json_object_get(pair, "subject"), "name"));
		assay_buf_printf(out, " | %s | ", view_verdict(pair)->name);
		view_count(assay_json_int(sums, "bytes_different", 0), "", out);
		assay_buf_add_text(out, " | ");
		view_count(assay_json_int(sums, "bytes_unexplained", 0), "", out);
		assay_buf_add_text(out, " |\n");
	}
	if (i > SUBJECTS_SHOWN)
		assay_buf_printf(out, "\n%zu artifacts in all; the report has the others.\n",
				 json_array_size(json_object_get(report, "subjects")));
}

static void groups(struct assay_buf *out, const json_t *report)
{
	size_t i;
	json_t *group;

	if (!view_is_agreement(report))
		return;
	assay_buf_add_text(out, "\n| group | the same bytes | SHA-256 | equivalent to |\n|--:|---|---|--:|\n");
	json_array_foreach(json_object_get(report, "groups"), i, group) {
		size_t class = (size_t)assay_json_int(group, "class", 0);

		assay_buf_printf(out, "| %zu | ", i + 1);
		code_path_with(out, json_object_get(group, "members"), ", ");
		assay_buf_add_text(out, " | ");
		if (json_object_get(group, "sha256"))
			code_value(out, json_object_get(group, "sha256"));
		else
			assay_buf_add_text(out, "a directory");
		assay_buf_printf(out, class == i ? " | |\n" : " | %zu |\n", class + 1);
	}
}

/* Indented code, so that no fence can be closed by the text. */
static void diff(struct assay_buf *out, const char *text)
{
	struct assay_span rest = assay_span_text(text), line;

	assay_buf_add_text(out, "\n");
	for (size_t i = 0; i < DIFF_LINES_SHOWN && assay_span_next_line(&rest, &line); i++) {
		assay_buf_add_text(out, "        ");
		view_line(assay_span_cut(line, 0, TEXT_SHOWN), out);
		assay_buf_add_text(out, "\n");
	}
	if (rest.len)
		assay_buf_add_text(out, "        ...\n");
}

static void divergence(struct assay_buf *out, const json_t *item)
{
	const char *text = assay_json_text(item, "diff", "");

	assay_buf_add_text(out, "1. ");
	code_path(out, json_object_get(item, "path"));
	prose_key(out, item, "severity", ": ", "");
	prose_key(out, item, "cause", ", **", "**");
	prose_key(out, item, "confidence", " (", ")");
	assay_buf_add_text(out, ", ");
	view_ranges(item, out);
	prose_key(out, item, "pass", ", folded by ", "");
	assay_buf_add_text(out, "\n");
	if (*text) {
		diff(out, text);
		assay_buf_add_text(out, "\n");
	} else if (!json_is_null(json_object_get(item, "left")) ||
		   !json_is_null(json_object_get(item, "right"))) {
		assay_buf_add_text(out, "   - published: ");
		code_value(out, json_object_get(item, "left"));
		assay_buf_add_text(out, "\n   - rebuilt: ");
		code_value(out, json_object_get(item, "right"));
		assay_buf_add_text(out, "\n");
	}
	prose_key(out, item, "explanation", "   - ", "\n");
	prose_key(out, item, "remedy", "   - Remedy: ", "\n");
}

/* What the two artifacts tell of the tools that made them. */
static void drift(struct assay_buf *out, const json_t *pair)
{
	size_t i;
	json_t *sentence;

	json_array_foreach(json_object_get(json_object_get(pair, "context"), "drift"), i, sentence) {
		put_prose(out, assay_span_text(json_string_value(sentence)));
		assay_buf_add_text(out, "\n\n");
	}
}

static void pair(struct assay_buf *out, const json_t *report, size_t *budget)
{
	const json_t *told = view_story(report);
	struct view_list list;
	size_t shown = 0;

	view_list_init(&list, json_object_get(told, "divergences"));
	if (list.count) {
		assay_buf_add_text(out, "\n### ");
		code_value(out, json_object_get(json_object_get(report, "subject"), "name"));
		assay_buf_add_text(out, "\n\n");
		drift(out, report);
	}
	for (; shown < list.count && *budget && out->len < FULL; shown++, --*budget)
		divergence(out, list.items[shown]);
	if (shown < list.count) {
		assay_buf_add_text(out, "\nand ");
		view_count((int64_t)(list.count - shown), "divergence", out);
		assay_buf_add_text(out, " more in the report.\n");
	}
	if (list.count) {
		assay_buf_add_text(out, "\n");
		view_accounting(told, out);
		assay_buf_add_text(out, "\n");
	}
	if (assay_json_bool(told, "truncated"))
		assay_buf_add_text(out, "\nA limit cut this comparison short.\n");
	view_list_release(&list);
}

void report_write_markdown(const json_t *report, const struct assay_report_style *style,
			   struct assay_buf *out)
{
	size_t i = 0, budget = DIVERGENCES_SHOWN;

	(void)style;
	headline(out, report);
	groups(out, report);
	if (view_is_whole(report))
		subjects(out, report);
	for (const json_t *item = view_next_pair(report, &i); item && i <= SUBJECTS_SHOWN;
	     item = view_next_pair(report, &i))
		pair(out, item, &budget);
}
