/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report for a terminal: the verdict first, then what differs, worst first, each with both values,
 * its cause and what to change.  ASCII of our own, so that any terminal shows it.
 */
#include <string.h>

#include "assay/limits.h"
#include "view.h"
#include "writers.h"

enum { KINDS_SHOWN = 24, DIFF_LINES_SHOWN = 24, LOG_LINES_SHOWN = 20 };

struct page {
	struct assay_buf *out;
	struct assay_report_style style;
	size_t width;
};

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define CYAN "\033[36m"
#define REVERSE "\033[7m"

static void colour(const struct page *page, const char *code)
{
	if (page->style.colour)
		assay_buf_add_text(page->out, code);
}

static void plain(const struct page *page)
{
	colour(page, "\033[0m");
}

/* Columns that text takes: characters, not bytes. */
static size_t columns_of(struct assay_span text)
{
	size_t columns = 0;

	for (size_t i = 0; i < text.len; i++)
		columns += (text.data[i] & 0xc0) != 0x80;
	return columns;
}

/* Printable text, filled to the width. */
static void fill(const struct page *page, size_t indent, const char *text)
{
	struct assay_span rest = assay_span_trim(assay_span_text(text));
	size_t column = 0;

	while (rest.len) {
		size_t end = assay_span_find(rest, 0, assay_span_text(" "));
		struct assay_span word = assay_span_cut(rest, 0, end == SIZE_MAX ? rest.len : end);
		size_t columns = columns_of(word);

		if (column && column + 1 + columns > page->width) {
			assay_buf_add_text(page->out, "\n");
			column = 0;
		}
		assay_buf_printf(page->out, "%*s", (int)(column ? 1 : indent), "");
		column += (column ? 1 : indent) + columns;
		assay_buf_add_span(page->out, word);
		rest = assay_span_trim(assay_span_cut(rest, word.len, rest.len));
	}
	assay_buf_add_text(page->out, "\n");
}

static void fill_key(const struct page *page, size_t indent, const char *label,
		     const json_t *object, const char *key)
{
	struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);

	assay_buf_add_text(&text, label);
	view_key(object, key, "", &text);
	if (text.len > strlen(label))
		fill(page, indent, assay_buf_text(&text));
	assay_buf_release(&text);
}

static void headline(const struct page *page, const json_t *report, const json_t *name)
{
	static const char *const tones[] = { GREEN, CYAN, RED, YELLOW };
	const struct view_verdict *verdict = view_verdict(report);
	const char *grade = assay_json_text(report, "grade", "");

	colour(page, BOLD);
	colour(page, tones[verdict->tone]);
	for (const char *p = verdict->name; *p; p++)
		assay_buf_printf(page->out, "%c", *p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
	plain(page);
	if (*grade) {
		assay_buf_add_text(page->out, " (");
		view_span(assay_span_text(grade), page->out);
		assay_buf_add_text(page->out, ")");
	}
	assay_buf_add_text(page->out, "  ");
	colour(page, BOLD);
	view_value(name, page->out);
	plain(page);
	assay_buf_add_text(page->out, "\n");
}

static void artifact(const struct page *page, const json_t *pair, const char *side)
{
	const json_t *object = json_object_get(pair, side);
	const char *sha256 = assay_json_text(json_object_get(object, "digest"), "sha256", "");

	if (!json_is_object(object))
		return;
	assay_buf_printf(page->out, "  %-10s ", side);
	view_value(json_object_get(object, "name"), page->out);
	if (json_object_get(object, "size")) {
		assay_buf_add_text(page->out, ", ");
		view_count(assay_json_int(object, "size", 0), "byte", page->out);
	}
	assay_buf_add_text(page->out, "\n");
	if (!*sha256)
		return;
	colour(page, DIM);
	assay_buf_printf(page->out, "  %-10s sha256 ", "");
	view_span(assay_span_text(sha256), page->out);
	plain(page);
	assay_buf_add_text(page->out, "\n");
}

/* ---- one divergence ------------------------------------------------------------------------------ */

static void value_line(const struct page *page, char sign, const json_t *value,
		       const struct view_change *c, bool is_left)
{
	bool cut = is_left ? c->cut_left : c->cut_right;

	colour(page, sign == '-' ? RED : GREEN);
	assay_buf_printf(page->out, "     %c ", sign);
	if (!value || json_is_null(value)) {
		assay_buf_add_text(page->out, "(absent)");
	} else {
		assay_buf_add_text(page->out, c->cut_before ? "..." : "");
		assay_buf_add_span(page->out, c->before);
		colour(page, REVERSE);
		assay_buf_add_span(page->out, is_left ? c->left : c->right);
		assay_buf_add_text(page->out, cut ? "..." : "");
		plain(page);
		colour(page, sign == '-' ? RED : GREEN);
		assay_buf_add_span(page->out, c->after);
		assay_buf_add_text(page->out, c->cut_after ? "..." : "");
	}
	plain(page);
	assay_buf_add_text(page->out, "\n");
}

static void values(const struct page *page, const json_t *divergence)
{
	const json_t *left = json_object_get(divergence, "left");
	const json_t *right = json_object_get(divergence, "right");
	struct assay_buf a = ASSAY_BUF_INIT(ASSAY_MAX_REPORT), b = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	struct view_change change;

	view_value(left, &a);
	view_value(right, &b);
	view_change(assay_buf_span(&a), assay_buf_span(&b), 2 * page->width, &change);
	if (a.len || b.len) {
		value_line(page, '-', left, &change, true);
		value_line(page, '+', right, &change, false);
	}
	assay_buf_release(&a);
	assay_buf_release(&b);
}

static void diff(const struct page *page, const char *text)
{
	struct assay_span rest = assay_span_text(text), line;
	size_t most = page->style.verbose ? ASSAY_MAX_DIFF_LINES : DIFF_LINES_SHOWN;
	size_t shown = 0;

	for (; shown < most && assay_span_next_line(&rest, &line); shown++) {
		char first = line.len ? (char)line.data[0] : ' ';

		colour(page, first == '-' ? RED : first == '+' ? GREEN : first == '@' ? CYAN : DIM);
		assay_buf_add_text(page->out, "     ");
		view_line(line, page->out);
		plain(page);
		assay_buf_add_text(page->out, "\n");
	}
	if (rest.len)
		assay_buf_add_text(page->out, "     ... (the whole diff is in the JSON report)\n");
}

static void what_and_why(const struct page *page, const json_t *divergence)
{
	struct assay_buf line = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	const char *pass = assay_json_text(divergence, "pass", "");

	view_key(divergence, "severity", "unknown", &line);
	assay_buf_add_text(&line, ", ");
	view_key(divergence, "cause", "unexplained", &line);
	assay_buf_add_text(&line, " (");
	view_key(divergence, "confidence", "guess", &line);
	assay_buf_add_text(&line, "), ");
	view_key(divergence, "field", "bytes", &line);
	assay_buf_add_text(&line, ", ");
	view_ranges(divergence, &line);
	if (assay_json_int(divergence, "members", 0) > 1) {
		assay_buf_add_text(&line, ", in ");
		view_count(assay_json_int(divergence, "members", 0), "member", &line);
	}
	if (*pass) {
		assay_buf_add_text(&line, "; folded by ");
		view_span(assay_span_text(pass), &line);
	}
	fill(page, 5, assay_buf_text(&line));
	assay_buf_release(&line);
}

static void divergence(const struct page *page, const json_t *item, size_t number)
{
	const char *text = assay_json_text(item, "diff", "");

	assay_buf_printf(page->out, "\n%3zu. ", number);
	colour(page, BOLD);
	view_path(json_object_get(item, "path"), " > ", page->out);
	plain(page);
	assay_buf_add_text(page->out, "\n");
	what_and_why(page, item);
	if (json_object_get(item, "example")) {
		assay_buf_add_text(page->out, "     such as ");
		view_path(json_object_get(item, "example"), " > ", page->out);
		assay_buf_add_text(page->out, "\n");
	}
	if (*text)
		diff(page, text);
	else
		values(page, item);
	fill_key(page, 5, "", item, "explanation");
	/* a condition is printed with its outcome: it held and folded this, or it did not */
	fill_key(page, 5, json_is_string(json_object_get(item, "pass")) ? "Folded, since " :
									   "Not folded; wanted: ",
		 item, "condition");
	fill_key(page, 5, "Remedy: ", item, "remedy");
}

/* The first of each kind, and how many more there are. */
static void divergences_in_short(const struct page *page, const struct view_list *list)
{
	const json_t *kinds[KINDS_SHOWN];
	size_t counts[KINDS_SHOWN], count = 0, hidden = 0;

	for (size_t i = 0; i < list->count; i++) {
		size_t k = 0;

		while (k < count && !view_is_alike(kinds[k], list->items[i]))
			k++;
		if (k == KINDS_SHOWN) {
			hidden++;
		} else if (k == count) {
			kinds[count] = list->items[i];
			counts[count++] = 1;
		} else {
			counts[k]++;
		}
	}
	for (size_t k = 0; k < count; k++) {
		divergence(page, kinds[k], k + 1);
		if (counts[k] > 1) {
			colour(page, DIM);
			assay_buf_add_text(page->out, "     and ");
			view_count((int64_t)counts[k] - 1, "divergence", page->out);
			assay_buf_add_text(page->out, " more of this kind (--verbose)");
			plain(page);
			assay_buf_add_text(page->out, "\n");
		}
	}
	if (hidden) {
		assay_buf_add_text(page->out, "\n     and ");
		view_count((int64_t)hidden, "divergence", page->out);
		assay_buf_add_text(page->out, " of other kinds (--verbose)\n");
	}
}

static void structure(const struct page *page, const json_t *pair, const char *side)
{
	if (!view_is_ambiguous(pair, side))
		return;
	assay_buf_printf(page->out, "  structure of the %s side: ", side);
	view_key(json_object_get(pair, "structure"), side, "", page->out);
	assay_buf_add_text(page->out, "\n");
}

static void signatures(const struct page *page, const json_t *pair, const char *side)
{
	if (!json_object_get(json_object_get(pair, "signed"), side))
		return;
	assay_buf_printf(page->out, "  the %s side is signed from within: ", side);
	view_key(json_object_get(pair, "signed"), side, "", page->out);
	assay_buf_add_text(page->out, "\n");
}

static void divergences(const struct page *page, const json_t *pair)
{
	struct view_list list;

	view_list_init(&list, json_object_get(pair, "divergences"));
	if (page->style.verbose)
		for (size_t i = 0; i < list.count; i++)
			divergence(page, list.items[i], i + 1);
	else
		divergences_in_short(page, &list);
	view_list_release(&list);
}

static void accounting(const struct page *page, const json_t *pair)
{
	struct assay_buf line = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);

	view_accounting(pair, &line);
	if (line.len) {
		assay_buf_add_text(page->out, "\n");
		fill(page, 2, assay_buf_text(&line));
	}
	if (assay_json_bool(pair, "truncated"))
		assay_buf_add_text(page->out, "  A limit cut this comparison short.\n");
	assay_buf_release(&line);
}

static void story(const struct page *page, const json_t *pair)
{
	const json_t *told = view_story(pair);

	if (told != pair)
		assay_buf_add_text(page->out, "  What our own attempts disagree in:\n");
	structure(page, told, "left");
	structure(page, told, "right");
	signatures(page, told, "left");
	signatures(page, told, "right");
	divergences(page, told);
	accounting(page, told);
}

/* ---- a whole verification ------------------------------------------------------------------------ */

/* What the two artifacts tell of the tools that made them. */
static void drift(const struct page *page, const json_t *pair)
{
	size_t i;
	json_t *sentence;

	json_array_foreach(json_object_get(json_object_get(pair, "context"), "drift"), i, sentence)
		fill(page, 2, json_string_value(sentence));
}

static void subject(const struct page *page, const json_t *pair)
{
	const json_t *name = json_object_get(json_object_get(pair, "subject"), "name");

	assay_buf_add_text(page->out, "\n");
	headline(page, pair, name);
	if (view_verdict(pair)->tone == VIEW_GOOD)
		return;
	fill_key(page, 2, "", pair, "reason");
	artifact(page, pair, "subject");
	artifact(page, pair, "candidate");
	drift(page, pair);
	story(page, pair);
}

/* "fifo 2, setuid 1": what has no business among outputs */
static void findings(const struct page *page, const json_t *attempt)
{
	static const char *const kinds[] = { "device", "fifo", "socket", "setuid",     "setgid",
					     "capabilities", "name", "depth", "unreadable", "link" };
	const json_t *counts = json_object_get(attempt, "finding_counts");
	const char *separator = "  left behind  ";

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!json_object_get(counts, kinds[i]))
			continue;
		assay_buf_printf(page->out, "%s%s ", separator, kinds[i]);
		view_key(counts, kinds[i], "", page->out);
		separator = ", ";
	}
	if (json_object_size(counts))
		assay_buf_add_text(page->out, "\n");
}

static void redacted(const struct page *page, const json_t *kinds)
{
	const char *kind;
	json_t *count;

	json_object_foreach((json_t *)kinds, kind, count)
		assay_buf_printf(page->out, "    %s: %lld times taken out of its log\n", kind,
				 (long long)json_integer_value(count));
}

static void attempts(const struct page *page, const json_t *report)
{
	size_t i;
	json_t *attempt;

	json_array_foreach(json_object_get(report, "attempts"), i, attempt) {
		assay_buf_add_text(page->out, "  attempt ");
		view_key(attempt, "number", "?", page->out);
		assay_buf_add_text(page->out, "    ");
		view_key(attempt, "result", "", page->out);
		assay_buf_add_text(page->out, " in ");
		view_seconds(json_object_get(attempt, "wall_s"), page->out);
		assay_buf_add_text(page->out, "\n");
		findings(page, attempt);
		redacted(page, json_object_get(json_object_get(attempt, "log"), "redacted"));
	}
}

static void log_tail(const struct page *page, const json_t *report)
{
	const json_t *list = json_object_get(report, "attempts");
	const json_t *last = json_array_get(list, json_array_size(list) - 1);
	const char *tail = assay_json_text(json_object_get(last, "log"), "tail", "");
	struct assay_span rest = assay_span_trim(assay_span_text(tail)), line;
	size_t lines = 0, skip;

	for (struct assay_span r = rest; assay_span_next_line(&r, &line);)
		lines++;
	skip = lines > LOG_LINES_SHOWN ? lines - LOG_LINES_SHOWN : 0;
	if (lines)
		assay_buf_add_text(page->out, "\n  The end of the build's log:\n");
	for (size_t i = 0; assay_span_next_line(&rest, &line); i++) {
		if (i < skip)
			continue;
		assay_buf_add_text(page->out, "    | ");
		view_line(line, page->out);
		assay_buf_add_text(page->out, "\n");
	}
}

static void list_length(const struct page *page, const json_t *report, const char *key,
			const char *noun)
{
	size_t count = json_array_size(json_object_get(report, key));

	if (!count)
		return;
	assay_buf_printf(page->out, "  %-12s ", key);
	view_count((int64_t)count, noun, page->out);
	assay_buf_add_text(page->out, "\n");
}

static void provenance(const struct page *page, const json_t *report)
{
	const json_t *isolation = json_object_get(report, "isolation");
	const json_t *environment = json_object_get(report, "environment");

	assay_buf_add_text(page->out, "\n");
	attempts(page, report);
	list_length(page, report, "chain", "step");
	list_length(page, report, "inputs", "input");
	if (json_object_get(environment, "kind")) {
		assay_buf_add_text(page->out, "  environment  ");
		view_key(environment, "kind", "", page->out);
		if (json_object_get(environment, "digest")) {
			assay_buf_add_text(page->out, " ");
			view_key(environment, "digest", "", page->out);
		}
		assay_buf_add_text(page->out,
				   assay_json_bool(environment, "cached") ? " (cached)\n" : "\n");
	}
	if (json_object_get(isolation, "class")) {
		assay_buf_add_text(page->out, "  isolation    ");
		view_key(isolation, "class", "", page->out);
		if (json_array_size(json_object_get(isolation, "missing"))) {
			assay_buf_add_text(page->out, ", without ");
			view_path(json_object_get(isolation, "missing"), ", ", page->out);
		}
		assay_buf_add_text(page->out, "\n");
	}
	if (json_object_get(isolation, "network")) {
		assay_buf_add_text(page->out, "  network      ");
		view_network(isolation, page->out);
		assay_buf_add_text(page->out, "\n");
	}
	if (json_array_size(json_object_get(isolation, "refused"))) {
		assay_buf_add_text(page->out, "  refused      ");
		view_refused(isolation, page->out);
		assay_buf_add_text(page->out, "\n");
	}
	list_length(page, report, "attestations", "statement");
	if (json_object_get(report, "output")) {
		assay_buf_add_text(page->out, "  kept in      ");
		view_key(report, "output", "", page->out);
		assay_buf_add_text(page->out, "\n");
	}
}

/* A part that says no more than the whole does is not repeated. */
static bool is_news(const json_t *report, const json_t *pair)
{
	return strcmp(assay_json_text(pair, "verdict", ""), assay_json_text(report, "verdict", "")) ||
	       strcmp(assay_json_text(pair, "reason", ""), assay_json_text(report, "reason", "")) ||
	       json_array_size(json_object_get(view_story(pair), "divergences"));
}

/* Of more than two candidates: which are the same bytes, and which are at least equivalent. */
static void groups(const struct page *page, const json_t *report)
{
	size_t i;
	json_t *group;

	json_array_foreach(json_object_get(report, "groups"), i, group) {
		size_t class = (size_t)assay_json_int(group, "class", 0);

		assay_buf_printf(page->out, "  group %-4zu ", i + 1);
		view_path(json_object_get(group, "members"), ", ", page->out);
		if (class != i)
			assay_buf_printf(page->out, " (equivalent to group %zu)", class + 1);
		colour(page, DIM);
		assay_buf_printf(page->out, "\n  %-10s ", "");
		if (json_object_get(group, "sha256"))
			assay_buf_printf(page->out, "sha256 %s", assay_json_text(group, "sha256", ""));
		else
			assay_buf_add_text(page->out, "a directory");
		plain(page);
		assay_buf_add_text(page->out, "\n");
	}
}

static void whole(const struct page *page, const json_t *report)
{
	size_t i = 0, subjects = json_array_size(json_object_get(report, "subjects"));

	headline(page, report, json_object_get(report, "target"));
	fill_key(page, 2, "", report, "reason");
	groups(page, report);
	for (const json_t *pair = view_next_pair(report, &i); pair;
	     pair = view_next_pair(report, &i))
		if (is_news(report, pair) && (subjects > 1 || view_verdict(report)->tone != VIEW_GOOD))
			subject(page, pair);
	if (view_verdict(report)->tone == VIEW_UNKNOWN)
		log_tail(page, report);
	provenance(page, report);
}

static void one_pair(const struct page *page, const json_t *report)
{
	headline(page, report, json_object_get(json_object_get(report, "subject"), "name"));
	fill_key(page, 2, "", report, "reason");
	if (view_verdict(report)->tone == VIEW_GOOD)
		return;
	artifact(page, report, "subject");
	artifact(page, report, "candidate");
	story(page, report);
}

void report_write_text(const json_t *report, const struct assay_report_style *style,
		       struct assay_buf *out)
{
	struct page page = { out, style ? *style : (struct assay_report_style){ .width = 0 }, 0 };

	page.width = page.style.width ? page.style.width : 100;
	if (page.width < 40)
		page.width = 40;
	if (view_is_whole(report))
		whole(&page, report);
	else
		one_pair(&page, report);
}
