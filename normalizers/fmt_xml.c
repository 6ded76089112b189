/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XML 1.0 documents.  The order of attributes and the white space inside a tag mean nothing to any reader
 * (XML 1.0 section 3.1), everything else may: so a document is compared as its own text with each tag written
 * one way, and a line break behind each tag, marked by a backslash where the document has none.  A document in
 * which a reader would have to decide something -- a document type with declarations, an attribute that comes
 * twice, another encoding than UTF-8, tags that do not match -- is not taken for XML but for text.  So is a page
 * of HTML: what looks like a tag may be a string of a script there.
 */
#include <stdlib.h>
#include <strings.h>

#include "assay/codec.h"
#include "assay/limits.h"
#include "field_rows.h"

enum {
	DOCUMENT,
};

static const struct assay_field xml_fields[] = {
	[DOCUMENT] = ASSAY_ROW_CHECKED(ASSAY_ENCODING, "xml.document", assay_check_payload,
				       "xml-attribute-order", ASSAY_GRADE_CONTAINER, "random_order_of_words",
				       "order of attributes and white space inside of tags, which are not "
				       "significant (XML 1.0 section 3.1)"),
	{ .name = NULL },
};

#define F(x) (&xml_fields[x])

#define LEVELS 512
#define ATTRIBUTES 128
#define REFERENCE_MAX 64
#define DECLARATION_MAX 200

struct reader {
	struct assay_span text;
	size_t at;
	struct assay_span open[LEVELS]; /* names of the elements around */
	size_t depth;
	bool has_root;
	struct assay_buf *out; /* NULL: only checks */
};

static struct assay_span rest_of(const struct reader *r)
{
	return assay_span_cut(r->text, r->at, SIZE_MAX);
}

static void write_span(struct reader *r, struct assay_span s)
{
	if (r->out)
		assay_buf_add_span(r->out, s);
}

static void write_text(struct reader *r, const char *text)
{
	write_span(r, assay_span_text(text));
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool skip_space(struct reader *r)
{
	size_t start = r->at;

	while (r->at < r->text.len && is_space(r->text.data[r->at]))
		r->at++;
	return r->at > start;
}

/* A name as far as structure goes: whatever cannot end it. */
static bool take_name(struct reader *r, struct assay_span *ret)
{
	size_t start = r->at;

	while (r->at < r->text.len && r->text.data[r->at] > ' ' &&
	       !memchr("<>/=\"'?!&;#[]()*,|", r->text.data[r->at], 18))
		r->at++;
	*ret = assay_span_cut(r->text, start, r->at - start);
	return ret->len && (ret->data[0] >= 0x80 || !memchr("-.0123456789", ret->data[0], 12));
}

/* Takes what begins with start up to and with end. */
static bool take_until(struct reader *r, const char *start, const char *end)
{
	size_t from = r->at + strlen(start);
	size_t to = assay_span_find(r->text, from, assay_span_text(end));

	if (to == SIZE_MAX)
		return false;
	write_span(r, assay_span_cut(r->text, r->at, to + strlen(end) - r->at));
	r->at = to + strlen(end);
	return true;
}

/* ---- tags ------------------------------------------------------------------------------------------ */

struct attribute {
	struct assay_span name, value; /* the value with its quotes */
};

static bool take_attribute(struct reader *r, struct attribute *ret)
{
	uint8_t quote;
	const uint8_t *end;

	if (!take_name(r, &ret->name))
		return false;
	skip_space(r);
	if (r->at == r->text.len || r->text.data[r->at++] != '=')
		return false;
	skip_space(r);
	if (r->at == r->text.len)
		return false;
	quote = r->text.data[r->at];
	if (quote != '"' && quote != '\'')
		return false;
	end = memchr(r->text.data + r->at + 1, quote, r->text.len - r->at - 1);
	if (!end)
		return false;
	ret->value = assay_span_cut(r->text, r->at, (size_t)(end - r->text.data) + 1 - r->at);
	r->at += ret->value.len;
	return !memchr(ret->value.data, '<', ret->value.len);
}

static int by_name(const void *left, const void *right)
{
	const struct attribute *a = left, *b = right;

	return assay_span_compare(a->name, b->name);
}

/* Sorted; false when one comes twice. */
static bool write_attributes(struct reader *r, struct attribute *list, size_t count)
{
	qsort(list, count, sizeof(*list), by_name);
	for (size_t i = 0; i < count; i++) {
		if (i && assay_span_equal(list[i - 1].name, list[i].name))
			return false;
		write_text(r, " ");
		write_span(r, list[i].name);
		write_text(r, "=");
		write_span(r, list[i].value);
	}
	return true;
}

/* A line break behind a tag; the mark keeps it apart from one that the document has. */
static void break_line(struct reader *r)
{
	if (r->at < r->text.len && r->text.data[r->at] != '\n')
		write_text(r, "\\\n");
}

static bool is_html(struct assay_span root)
{
	return root.len == 4 && strncasecmp((const char *)root.data, "html", 4) == 0;
}

/* In a fragment of HTML what looks like a tag within one of these is text. */
static bool holds_text(struct assay_span element)
{
	static const char *const names[] = { "iframe", "noembed", "noframes", "noscript", "plaintext",
					     "script", "style",	  "textarea", "title",	  "xmp" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (element.len == strlen(names[i]) &&
		    strncasecmp((const char *)element.data, names[i], element.len) == 0)
			return true;
	return false;
}

static bool take_start_tag(struct reader *r)
{
	struct attribute list[ATTRIBUTES];
	struct assay_span name;
	size_t count = 0;
	bool is_empty;

	r->at++;
	if (!take_name(r, &name) || (r->depth == 0 && (r->has_root || is_html(name))) ||
	    (r->depth && holds_text(r->open[r->depth - 1])))
		return false;
	r->has_root = true;
	write_text(r, "<");
	write_span(r, name);
	while (skip_space(r) && r->at < r->text.len && !memchr("/>", r->text.data[r->at], 2))
		if (count == ATTRIBUTES || !take_attribute(r, &list[count++]))
			return false;
	if (!write_attributes(r, list, count))
		return false;
	is_empty = assay_span_starts(rest_of(r), "/>");
	if (!is_empty && !assay_span_starts(rest_of(r), ">"))
		return false;
	r->at += is_empty ? 2 : 1;
	write_text(r, is_empty ? "/>" : ">");
	break_line(r);
	if (!is_empty && r->depth == LEVELS)
		return false;
	if (!is_empty)
		r->open[r->depth++] = name;
	return true;
}

static bool take_end_tag(struct reader *r)
{
	struct assay_span name;

	r->at += 2;
	if (!take_name(r, &name) || r->depth == 0 || !assay_span_equal(name, r->open[--r->depth]))
		return false;
	skip_space(r);
	if (r->at == r->text.len || r->text.data[r->at++] != '>')
		return false;
	write_text(r, "</");
	write_span(r, name);
	write_text(r, ">");
	break_line(r);
	return true;
}

/* A document type may name an external subset; one with declarations changes what the rest means. */
static bool take_doctype(struct reader *r)
{
	size_t start = r->at, end = assay_span_find(r->text, start, assay_span_text(">"));

	if (r->has_root || end == SIZE_MAX || memchr(r->text.data + start, '[', end - start))
		return false;
	return take_until(r, "<!DOCTYPE", ">");
}

/* ---- the document ------------------------------------------------------------------------------------ */

static bool take_markup(struct reader *r)
{
	struct assay_span rest = rest_of(r);

	if (assay_span_starts(rest, "<!--"))
		return take_until(r, "<!--", "-->");
	if (assay_span_starts(rest, "<![CDATA["))
		return r->depth && take_until(r, "<![CDATA[", "]]>");
	if (assay_span_starts(rest, "<!DOCTYPE"))
		return take_doctype(r);
	if (assay_span_starts(rest, "<?"))
		return take_until(r, "<?", "?>");
	return assay_span_starts(rest, "</") ? take_end_tag(r) : take_start_tag(r);
}

/* "&name;" or "&#number;" */
static bool is_reference(struct assay_span s)
{
	const uint8_t *end = memchr(s.data, ';', s.len < REFERENCE_MAX ? s.len : REFERENCE_MAX);

	for (size_t i = 1; end && s.data + i < end; i++)
		if (s.data[i] <= ' ' || memchr("&<>\"'/", s.data[i], 6))
			return false;
	return end && end > s.data + 1;
}

/* Text outside of the root element is white space. */
static bool take_characters(struct reader *r)
{
	const uint8_t *end = memchr(r->text.data + r->at, '<', r->text.len - r->at);
	size_t length = end ? (size_t)(end - r->text.data) - r->at : r->text.len - r->at;
	struct assay_span s = assay_span_cut(r->text, r->at, length);

	for (const uint8_t *c = s.data; (c = memchr(c, '&', (size_t)(s.data + s.len - c))); c++)
		if (!is_reference(assay_span_of(c, (size_t)(s.data + s.len - c))))
			return false;
	write_span(r, s);
	r->at += length;
	return r->depth > 0 || assay_span_trim(s).len == 0;
}

static bool read_document(struct reader *r)
{
	while (r->at < r->text.len)
		if (r->text.data[r->at] == '<' ? !take_markup(r) : !take_characters(r))
			return false;
	return r->depth == 0 && r->has_root;
}

/* UTF-8 is what a declaration without an encoding means, and a document without one. */
static bool is_utf8_declared(struct assay_span file)
{
	size_t end = assay_span_find(assay_span_cut(file, 0, DECLARATION_MAX), 0, assay_span_text("?>"));
	struct assay_span head = assay_span_cut(file, 0, end), value;
	size_t at = assay_span_find(head, 0, assay_span_text("encoding"));

	if (!assay_span_starts(file, "<?xml "))
		return true;
	if (end == SIZE_MAX || at == SIZE_MAX)
		return end != SIZE_MAX;
	value = assay_span_cut(head, at + 8, SIZE_MAX);
	while (value.len && memchr("= \t\"'", value.data[0], 5))
		value = assay_span_cut(value, 1, SIZE_MAX);
	return value.len > 5 && strncasecmp((const char *)value.data, "utf-8", 5) == 0 &&
	       (value.data[5] == '"' || value.data[5] == '\'');
}

static unsigned xml_bid(struct assay_span file)
{
	struct reader *r;
	bool is_document;

	if (file.len < 4 || file.data[0] != '<' || file.len > ASSAY_MAX_DIFF_INPUT || !is_utf8_declared(file) ||
	    memchr(file.data, 0, file.len) || !assay_span_is_utf8(file))
		return 0;
	r = calloc(1, sizeof(*r));
	if (!r)
		return 0;
	r->text = file;
	is_document = read_document(r);
	free(r);
	return is_document ? 48 : 0;
}

static enum assay_code xml_lay_out(struct assay_layout *l, struct assay_error *err)
{
	(void)err;
	assay_layout_encoded(l, assay_layout_root(l));
	assay_layout_leaf(l, F(DOCUMENT), assay_layout_left(l));
	return ASSAY_OK;
}

static enum assay_code xml_decode(const struct assay_anatomy *anatomy, const struct assay_node *node,
				  struct assay_sink *sink, struct assay_error *err)
{
	struct assay_buf text = ASSAY_BUF_INIT(4 * anatomy->bytes.len + 64);
	struct reader *r = calloc(1, sizeof(*r));
	enum assay_code code;

	(void)node;
	if (!r)
		return assay_fail(err, ASSAY_ENOMEM, "xml: out of memory");
	r->text = anatomy->bytes;
	r->out = &text;
	assay_buf_add_text(&text, "XML with sorted attributes:\n"); /* and no XML once more */
	code = read_document(r) ? assay_buf_check(&text, "document", err) :
				  assay_fail(err, ASSAY_EINPUT, "offset %zu: not well-formed", r->at);
	if (!code)
		code = assay_sink_add(sink, assay_buf_span(&text), err);
	assay_buf_release(&text);
	free(r);
	return code;
}

const struct assay_format assay_format_xml = {
	.name = "xml",
	.bid = xml_bid,
	.lay_out = xml_lay_out,
	.decode = xml_decode,
	.fields = xml_fields,
};
