/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON (RFC 8259).  Objects are unordered, so a document is compared as what it says: decode() writes
 * it with sorted keys, one value a line.  Literals are kept as they stand (1.0 is not 1), and a
 * document in which anything is left to a reader -- a key that comes twice, an escape in a key, a
 * byte order mark, more depth than LEVELS -- is not taken for JSON at all but for text.
 */
#include <stdlib.h>

#include "assay/codec.h"
#include "assay/limits.h"
#include "field_rows.h"

enum {
	DOCUMENT,
};

static const struct assay_field json_fields[] = {
	[DOCUMENT] = ASSAY_ROW_CHECKED(ASSAY_ENCODING, "json.document", assay_check_payload,
				       "json-key-order", ASSAY_GRADE_CONTAINER, "random_order_of_words",
				       "order of keys and white space; objects are unordered "
				       "(RFC 8259 section 4)"),
	{ .name = NULL },
};

#define F(x) (&json_fields[x])

#define LEVELS 64

/* A value; objects and arrays list theirs in the order of the text. */
struct value {
	struct value *first, *next;
	struct assay_span key;	/* with its quotes; of a member of an object */
	struct assay_span text; /* a literal as it stands; empty for objects and arrays */
	size_t count;
	char open; /* '{', '[' or 0 */
};

struct reader {
	struct assay_span text;
	size_t at;
	struct assay_arena arena;
};

static void skip_space(struct reader *r)
{
	while (r->at < r->text.len && memchr(" \t\r\n", r->text.data[r->at], 4))
		r->at++;
}

static bool take(struct reader *r, char c)
{
	skip_space(r);
	if (r->at == r->text.len || r->text.data[r->at] != (uint8_t)c)
		return false;
	r->at++;
	return true;
}

static bool is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool take_string(struct reader *r, struct assay_span *ret, bool *ret_escaped)
{
	size_t start = r->at;

	*ret_escaped = false;
	if (!take(r, '"'))
		return false;
	start = r->at - 1;
	while (r->at < r->text.len && r->text.data[r->at] != '"') {
		uint8_t c = r->text.data[r->at++];

		if (c < 0x20)
			return false;
		if (c != '\\')
			continue;
		*ret_escaped = true;
		if (r->at == r->text.len || !memchr("\"\\/bfnrtu", r->text.data[r->at], 9))
			return false;
		if (r->text.data[r->at++] != 'u')
			continue;
		for (int i = 0; i < 4; i++)
			if (r->at == r->text.len || !is_hex(r->text.data[r->at++]))
				return false;
	}
	if (r->at == r->text.len)
		return false;
	r->at++;
	*ret = assay_span_cut(r->text, start, r->at - start);
	return true;
}

static size_t digits(struct reader *r)
{
	size_t start = r->at;

	while (r->at < r->text.len && r->text.data[r->at] >= '0' && r->text.data[r->at] <= '9')
		r->at++;
	return r->at - start;
}

static bool next_is(const struct reader *r, const char *set)
{
	return r->at < r->text.len && r->text.data[r->at] && strchr(set, r->text.data[r->at]);
}

static bool take_number(struct reader *r)
{
	size_t whole;
	bool zero;

	if (next_is(r, "-"))
		r->at++;
	zero = next_is(r, "0");
	whole = digits(r);
	if (whole == 0 || (zero && whole > 1))
		return false;
	if (next_is(r, ".")) {
		r->at++;
		if (!digits(r))
			return false;
	}
	if (!next_is(r, "eE"))
		return true;
	r->at++;
	if (next_is(r, "+-"))
		r->at++;
	return digits(r) > 0;
}

static bool take_literal(struct reader *r, struct value *v)
{
	static const char *const words[] = { "true", "false", "null" };
	size_t start = r->at;
	bool escaped;

	if (next_is(r, "\""))
		return take_string(r, &v->text, &escaped);
	for (size_t i = 0; i < 3; i++)
		if (assay_span_starts(assay_span_cut(r->text, r->at, SIZE_MAX), words[i])) {
			r->at += strlen(words[i]);
			v->text = assay_span_cut(r->text, start, r->at - start);
			return true;
		}
	if (!take_number(r))
		return false;
	v->text = assay_span_cut(r->text, start, r->at - start);
	return true;
}

static bool take_value(struct reader *r, struct value *v, unsigned depth);

static bool take_member(struct reader *r, struct value *parent, struct value ***tail, unsigned depth)
{
	struct value *v = assay_arena_alloc(&r->arena, sizeof(*v));
	bool escaped;

	if (!v)
		return false;
	if (parent->open == '{' && (!take_string(r, &v->key, &escaped) || escaped || !take(r, ':')))
		return false;
	if (!take_value(r, v, depth + 1))
		return false;
	**tail = v;
	*tail = &v->next;
	parent->count++;
	return true;
}

static int by_key(const void *a, const void *b)
{
	return assay_span_compare((*(struct value *const *)a)->key, (*(struct value *const *)b)->key);
}

/* Sorts the members of an object by key; false when a key comes twice. */
static bool sort_members(struct value *object)
{
	struct value **list = calloc(object->count + 1, sizeof(struct value *));
	struct value **tail = &object->first;
	size_t n = 0;
	bool unique = list != NULL;

	for (struct value *v = object->first; list && v; v = v->next)
		list[n++] = v;
	if (n > 1)
		qsort(list, n, sizeof(struct value *), by_key);
	for (size_t i = 0; i < n; i++) {
		if (i && assay_span_equal(list[i]->key, list[i - 1]->key))
			unique = false;
		*tail = list[i];
		tail = &list[i]->next;
		*tail = NULL;
	}
	free(list);
	return unique;
}

static bool take_value(struct reader *r, struct value *v, unsigned depth)
{
	struct value **tail = &v->first;
	char close;

	skip_space(r);
	if (!next_is(r, "{["))
		return take_literal(r, v);
	if (depth >= LEVELS)
		return false;
	v->open = (char)r->text.data[r->at++];
	close = v->open == '{' ? '}' : ']';
	if (take(r, close))
		return true;
	do {
		if (!take_member(r, v, &tail, depth))
			return false;
	} while (take(r, ','));
	return take(r, close) && (v->open != '{' || sort_members(v));
}

/* The whole text is one object or array. */
static bool parse(struct reader *r, struct value *root)
{
	skip_space(r);
	if (!next_is(r, "{[") || !assay_span_is_utf8(r->text) || !take_value(r, root, 0))
		return false;
	skip_space(r);
	return r->at == r->text.len;
}

static struct reader reader_of(struct assay_span text)
{
	return (struct reader){ .text = text, .arena = ASSAY_ARENA_INIT(ASSAY_MAX_TREE) };
}

/* No document may be taken for JSON that is not wholly read: only then do readers agree. */
static unsigned json_bid(struct assay_span file)
{
	struct reader r = reader_of(file);
	struct value root = { .open = 0 };
	bool is_json;

	if (file.len < 2 || file.len > ASSAY_MAX_DIFF_INPUT)
		return 0;
	is_json = parse(&r, &root);
	assay_arena_release(&r.arena);
	return is_json ? 16 : 0;
}

static enum assay_code json_lay_out(struct assay_layout *l, struct assay_error *err)
{
	(void)err;
	assay_layout_encoded(l, assay_layout_root(l));
	assay_layout_leaf(l, F(DOCUMENT), assay_layout_left(l));
	return ASSAY_OK;
}

static void write_indent(struct assay_buf *out, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		assay_buf_add_text(out, "  ");
}

static void write_value(const struct value *v, unsigned depth, struct assay_buf *out)
{
	write_indent(out, depth);
	if (v->key.len) {
		assay_buf_add_span(out, v->key);
		assay_buf_add_text(out, ": ");
	}
	if (!v->open) {
		assay_buf_add_span(out, v->text);
		assay_buf_add_text(out, "\n");
		return;
	}
	assay_buf_add_text(out, v->open == '{' ? "{\n" : "[\n");
	for (const struct value *member = v->first; member; member = member->next)
		write_value(member, depth + 1, out);
	write_indent(out, depth);
	assay_buf_add_text(out, v->open == '{' ? "}\n" : "]\n");
}

/* The lines have no commas, so that what comes out is text and not JSON once more. */
static enum assay_code json_decode(const struct assay_anatomy *anatomy, const struct assay_node *node,
				   struct assay_sink *sink, struct assay_error *err)
{
	struct reader r = reader_of(anatomy->bytes);
	struct assay_buf out = ASSAY_BUF_INIT(LEVELS * ASSAY_MAX_DIFF_INPUT);
	struct value root = { .open = 0 };
	enum assay_code code;

	(void)node;
	if (!parse(&r, &root)) {
		code = assay_fail(err, ASSAY_EINPUT, "json: not a document that all readers read alike");
	} else {
		assay_buf_add_text(&out, "JSON with sorted keys:\n");
		write_value(&root, 0, &out);
		code = assay_buf_check(&out, "json: sorted document", err);
	}
	if (!code)
		code = assay_sink_add(sink, assay_buf_span(&out), err);
	assay_buf_release(&out);
	assay_arena_release(&r.arena);
	return code;
}

const struct assay_format assay_format_json = {
	.name = "json",
	.bid = json_bid,
	.lay_out = json_lay_out,
	.decode = json_decode,
	.fields = json_fields,
};
