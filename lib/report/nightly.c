/* SPDX-License-Identifier: Apache-2.0 */
/* The nightly digest as text and as Markdown. */
#include "nightly.h"

#include <string.h>

#include "assay/time.h"

const struct nightly_section nightly_jobs[] = {
	{ "new_divergences", "New divergences", "none" },
	{ "fixed", "Fixed", "none" },
	{ "changes", "Ended otherwise than the time before", NULL },
	{ "flaky", "Flaky", "none" },
	{ "newly_failing", "Newly failing or rejected", NULL },
	{ "lost_inputs", "Lost inputs", "none" },
	{ "parked", "Parked", "none" },
	{ NULL, NULL, NULL },
};

const char *nightly_text(const json_t *object, const char *key, char *out, size_t size)
{
	return assay_span_show(assay_span_text(assay_json_text(object, key, "")), out, size);
}

void nightly_totals(const json_t *digest, struct assay_buf *out)
{
	size_t i;
	json_t *row;

	json_array_foreach(json_object_get(digest, "totals"), i, row)
		assay_buf_printf(out, "%s%lld %s", i ? ", " : "", (long long)assay_json_int(row, "jobs", 0),
				 strcmp(assay_json_text(row, "state", ""), "done") == 0 ?
					 assay_json_text(row, "verdict", "") :
					 assay_json_text(row, "state", ""));
	if (!json_array_size(json_object_get(digest, "totals")))
		assay_buf_add_text(out, "nothing ended");
}

bool nightly_is_cut(const json_t *digest, const char *section)
{
	size_t i;
	json_t *name;

	json_array_foreach(json_object_get(digest, "truncated"), i, name)
		if (strcmp(json_string_value(name) ?: "", section) == 0)
			return true;
	return false;
}

/* How a form marks what it writes. */
struct marks {
	const char *title, *head, *item, *code;
};

static const struct marks text_marks = { "", "", "  ", "" };
static const struct marks markdown_marks = { "# ", "## ", "- ", "`" };

/* In code marks of Markdown, a mark of the text's own would end them. */
static void quote(const struct marks *marks, const json_t *object, const char *key, struct assay_buf *out)
{
	char shown[400];

	nightly_text(object, key, shown, sizeof(shown));
	for (char *p = shown; *marks->code && *p; p++)
		if (*p == '`')
			*p = '\'';
	assay_buf_printf(out, "%s%s%s", marks->code, shown, marks->code);
}

static void job(const struct marks *marks, const json_t *item, struct assay_buf *out)
{
	assay_buf_add_text(out, marks->item);
	quote(marks, item, "target", out);
	assay_buf_printf(out, ": %s", assay_json_text(item, "verdict", "no verdict"));
	if (*assay_json_text(item, "was", ""))
		assay_buf_printf(out, ", was %s", assay_json_text(item, "was", ""));
	if (*assay_json_text(item, "reason", "")) {
		assay_buf_add_text(out, " (");
		quote(marks, item, "reason", out);
		assay_buf_add_text(out, ")");
	}
	assay_buf_printf(out, ", job %lld\n", (long long)assay_json_int(item, "job", 0));
}

static void head(const struct marks *marks, const char *title, size_t count, bool cut, struct assay_buf *out)
{
	assay_buf_printf(out, "\n%s%s: %zu%s\n%s", marks->head, title, count, cut ? " and more" : "",
			 *marks->head ? "\n" : "");
}

static void slowest(const struct marks *marks, const json_t *digest, struct assay_buf *out)
{
	const json_t *list = json_object_get(digest, "slowest");
	size_t i;
	json_t *row;

	if (!json_array_size(list))
		return;
	head(marks, "Slowest", json_array_size(list), false, out);
	json_array_foreach(list, i, row) {
		assay_buf_printf(out, "%s%5lld s  ", marks->item, (long long)assay_json_int(row, "ms", 0) / 1000);
		quote(marks, row, "target", out);
		assay_buf_add_text(out, "\n");
	}
}

static void clusters(const struct marks *marks, const json_t *digest, struct assay_buf *out)
{
	const json_t *list = json_object_get(digest, "clusters");
	size_t i;
	json_t *row;

	if (!json_array_size(list))
		return;
	head(marks, "Causes", json_array_size(list), nightly_is_cut(digest, "clusters"), out);
	json_array_foreach(list, i, row) {
		long long targets = assay_json_int(row, "targets", 0);

		assay_buf_printf(out, "%s%s (%s): %lld target%s, such as ", marks->item, assay_json_text(row, "cause", ""),
				 assay_json_text(row, "severity", ""), targets, targets == 1 ? "" : "s");
		quote(marks, row, "example", out);
		assay_buf_add_text(out, "\n");
	}
}

static void write_marked(const struct marks *marks, const json_t *digest, struct assay_buf *out)
{
	char from[ASSAY_TIME_TEXT], to[ASSAY_TIME_TEXT];
	size_t i;
	json_t *row;

	assay_buf_printf(out, "%sNightly digest, %s to %s\n%s", marks->title,
			 assay_time_format(assay_json_int(digest, "from", 0) / 1000, from),
			 assay_time_format(assay_json_int(digest, "to", 0) / 1000, to), *marks->title ? "\n" : "");
	nightly_totals(digest, out);
	assay_buf_add_text(out, "\n");
	for (const struct nightly_section *s = nightly_jobs; s->key; s++) {
		const json_t *list = json_object_get(digest, s->key);

		if (!s->nothing && !json_array_size(list))
			continue;
		head(marks, s->title, json_array_size(list), nightly_is_cut(digest, s->key), out);
		json_array_foreach(list, i, row)
			job(marks, row, out);
	}
	slowest(marks, digest, out);
	clusters(marks, digest, out);
}

static void write_text(const json_t *digest, const struct assay_report_style *style, struct assay_buf *out)
{
	(void)style;
	write_marked(&text_marks, digest, out);
}

static void write_markdown(const json_t *digest, const struct assay_report_style *style, struct assay_buf *out)
{
	(void)style;
	write_marked(&markdown_marks, digest, out);
}

const struct assay_report_writer *assay_report_nightly_find(const char *name)
{
	static const struct assay_report_writer writers[] = {
		{ "text", write_text },
		{ "markdown", write_markdown },
		{ "html", nightly_write_html },
	};

	for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++)
		if (strcmp(writers[i].name, name) == 0)
			return &writers[i];
	return NULL;
}
