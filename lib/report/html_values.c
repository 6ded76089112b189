/* SPDX-License-Identifier: Apache-2.0 */
/* Both values of a divergence as HTML: side by side in words, as a unified diff, or byte by byte. */
#include <stdlib.h>
#include <string.h>

#include "assay/hex.h"
#include "assay/limits.h"
#include "html.h"

enum { VALUE_COLUMNS = 600, ROW = 16 };

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

static void in_words(struct assay_buf *out, const json_t *divergence)
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

static void unified(struct assay_buf *out, const char *text)
{
	struct assay_span rest = assay_span_text(text), line;

	html_put(out, "<pre class=\"diff\" tabindex=\"0\">");
	for (size_t i = 0; i < ASSAY_MAX_DIFF_LINES && assay_span_next_line(&rest, &line); i++) {
		struct assay_buf shown = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
		char first = line.len ? (char)line.data[0] : ' ';
		const char *tag = first == '-' ? "del" : first == '+' ? "ins" : first == '@' ? "b" : "span";

		view_line(line, &shown);
		assay_buf_printf(out, "<%s>", tag);
		html_span(out, assay_buf_span(&shown));
		assay_buf_printf(out, "</%s>\n", tag);
		assay_buf_release(&shown);
	}
	html_put(out, rest.len ? "&hellip;\n</pre>\n" : "</pre>\n");
}

/* ---- bytes --------------------------------------------------------------------------------------- */

struct bytes {
	uint8_t data[ASSAY_MAX_VALUE_SHOWN];
	size_t len;
	uint64_t offset;
};

/* False for what is no string of bytes, or longer than a report holds. */
static bool read_bytes(const json_t *divergence, const char *side, struct bytes *ret)
{
	const json_t *given = json_object_get(divergence, side);
	const json_t *range = json_array_get(json_object_get(divergence, "ranges"), 0);
	struct assay_span hex = assay_span_text(assay_json_text(given, "bytes", ""));

	ret->offset = (uint64_t)json_integer_value(json_array_get(json_object_get(range, side), 0));
	ret->len = json_is_string(given) ? json_string_length(given) : hex.len / 2;
	if (!range || ret->len > sizeof(ret->data))
		return false;
	if (json_is_string(given))
		memcpy(ret->data, json_string_value(given), ret->len);
	return json_is_string(given) || json_is_null(given) ||
	       assay_hex_decode(hex, ret->data, ret->len);
}

static bool is_changed(const struct bytes *mine, const struct bytes *other, size_t i)
{
	return i < mine->len && (i >= other->len || mine->data[i] != other->data[i]);
}

static void marked(struct assay_buf *out, bool changed, const char *text)
{
	html_put(out, changed ? "<mark>" : "");
	html_text(out, text);
	html_put(out, changed ? "</mark>" : "");
}

static void hex_row(struct assay_buf *out, char sign, const struct bytes *mine,
		    const struct bytes *other, size_t from)
{
	const char *tag = sign == '-' ? "del" : sign == '+' ? "ins" : "span";
	char text[4];

	assay_buf_printf(out, "<%s>%c %08llx ", tag, sign, (unsigned long long)(mine->offset + from));
	for (size_t i = from; i < from + ROW; i++) {
		html_put(out, i % 8 ? " " : "  ");
		snprintf(text, sizeof(text), i < mine->len ? "%02x" : "  ", i < mine->len ? mine->data[i] : 0);
		marked(out, sign != ' ' && is_changed(mine, other, i), text);
	}
	html_put(out, "  ");
	for (size_t i = from; i < from + ROW && i < mine->len; i++) {
		uint8_t c = mine->data[i];

		snprintf(text, sizeof(text), "%c", c >= 0x20 && c < 0x7f ? c : '.');
		marked(out, sign != ' ' && is_changed(mine, other, i), text);
	}
	assay_buf_printf(out, "</%s>\n", tag);
}

static void hex_rows(struct assay_buf *out, const struct bytes *left, const struct bytes *right)
{
	size_t longer = left->len > right->len ? left->len : right->len;

	for (size_t from = 0; from < longer; from += ROW) {
		bool differs = false;

		for (size_t i = from; i < from + ROW; i++)
			differs |= is_changed(left, right, i) || is_changed(right, left, i);
		if (!differs) {
			hex_row(out, ' ', left, right, from);
			continue;
		}
		if (from < left->len)
			hex_row(out, '-', left, right, from);
		if (from < right->len)
			hex_row(out, '+', right, left, from);
	}
}

/* The first place that differs, as it lies in the file; false when there are no such bytes. */
static bool hexadecimal(struct assay_buf *out, const json_t *divergence, bool open)
{
	struct bytes left, right;

	if (strcmp(assay_json_text(divergence, "kind", ""), "content") != 0 ||
	    !read_bytes(divergence, "left", &left) || !read_bytes(divergence, "right", &right) ||
	    (!left.len && !right.len))
		return false;
	assay_buf_printf(out, "<details class=\"bytes\"%s><summary>Bytes of the first place</summary>"
			      "<pre class=\"diff hex\" tabindex=\"0\">",
			 open ? " open" : "");
	hex_rows(out, &left, &right);
	html_put(out, "</pre></details>\n");
	return true;
}

void html_values(struct assay_buf *out, const json_t *divergence)
{
	const char *text = assay_json_text(divergence, "diff", "");
	bool binary = json_is_object(json_object_get(divergence, "left")) ||
		      json_is_object(json_object_get(divergence, "right"));

	if (!*text && binary && hexadecimal(out, divergence, true))
		return;
	if (*text)
		unified(out, text);
	else
		in_words(out, divergence);
	hexadecimal(out, divergence, false);
}
