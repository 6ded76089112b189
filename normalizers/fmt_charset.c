/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that is not UTF-8: UTF-16 with its byte order mark, and Latin-1 (or a code page that extends it).
 * It is compared as the UTF-8 text it says, so that a difference is shown by lines; the bytes follow from
 * that, or, where the texts are equal, differ in the encoding alone.  Nothing is folded.
 */
#include "assay/codec.h"
#include "assay/limits.h"
#include "field_rows.h"

enum {
	TEXT,
};

static const struct assay_field charset_fields[] = {
	[TEXT] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "charset.text", ASSAY_SEVERITY_DATA, "different_encoding",
				 "text in another encoding than UTF-8: its readers must know which"),
	{ .name = NULL },
};

#define F(x) (&charset_fields[x])

#define PROBE (64 * ASSAY_KIB)
#define SHORTEST 16 /* below that a few odd bytes are as likely binary */

enum charset { NO_CHARSET, UTF16_LE, UTF16_BE, LATIN_1 };

static uint16_t unit(struct assay_span s, size_t at, bool is_big)
{
	return is_big ? (uint16_t)(s.data[at] << 8 | s.data[at + 1]) :
			(uint16_t)(s.data[at + 1] << 8 | s.data[at]);
}

static bool is_control(uint32_t c)
{
	return (c < 0x20 && !(c && memchr("\t\n\r\f\x1b", (int)c, 5))) || c == 0x7f;
}

/* A byte order mark, then whole characters without control characters. */
static bool is_utf16(struct assay_span file, bool is_big)
{
	size_t probe = file.len < PROBE ? file.len : PROBE;

	if (file.len % 2)
		return false;
	for (size_t i = 2; i + 1 < probe; i += 2) {
		uint16_t c = unit(file, i, is_big);
		bool is_high = (c & 0xfc00) == 0xd800, is_low = (c & 0xfc00) == 0xdc00;

		if (is_low || is_control(c))
			return false;
		if (is_high && (i + 3 >= file.len || (unit(file, i + 2, is_big) & 0xfc00) != 0xdc00))
			return false;
		i += is_high ? 2 : 0;
	}
	return true;
}

/* Printable, and for the most part ASCII with a letter here and there that is not. */
static bool is_latin_1(struct assay_span file)
{
	struct assay_span probe = assay_span_cut(file, 0, PROBE);
	size_t high = 0, letters = 0;

	for (size_t i = 0; i < probe.len; i++) {
		uint8_t c = probe.data[i];

		if (is_control(c))
			return false;
		high += c >= 0x80;
		letters += c == ' ' || c == '\n' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
	}
	return probe.len >= SHORTEST && high && letters > probe.len / 2 && high < probe.len / 8 + 2 &&
	       !assay_span_is_utf8(probe);
}

static enum charset charset_of(struct assay_span file)
{
	if (file.len >= 4 && file.data[0] == 0xff && file.data[1] == 0xfe)
		return is_utf16(file, false) ? UTF16_LE : NO_CHARSET;
	if (file.len >= 4 && file.data[0] == 0xfe && file.data[1] == 0xff)
		return is_utf16(file, true) ? UTF16_BE : NO_CHARSET;
	return is_latin_1(file) ? LATIN_1 : NO_CHARSET;
}

/* Text, which is asked last, does not want it. */
static unsigned charset_bid(struct assay_span file)
{
	return !assay_format_text.bid(file) && charset_of(file) != NO_CHARSET ? 2 : 0;
}

static enum assay_code charset_lay_out(struct assay_layout *l, struct assay_error *err)
{
	static const char *const names[] = { "", "UTF-16, little endian", "UTF-16, big endian", "Latin-1" };
	struct assay_node *leaf = assay_layout_leaf(l, F(TEXT), assay_layout_left(l));

	(void)err;
	assay_layout_value(l, assay_layout_root(l), "%s", names[charset_of(assay_layout_bytes(l))]);
	assay_layout_encoded(l, leaf);
	return ASSAY_OK;
}

static void add_utf8(struct assay_buf *out, uint32_t c)
{
	uint8_t bytes[4];
	size_t count = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = count; i > 1; i--, c >>= 6)
		bytes[i - 1] = (uint8_t)(0x80 | (c & 0x3f));
	bytes[0] = (uint8_t)(count == 1 ? c : (0xf00U >> count & 0xff) | c);
	assay_buf_add(out, bytes, count);
}

/* A half of a pair without the other, behind what was probed, stays what it is: three bytes. */
static void add_utf16(struct assay_buf *out, struct assay_span file, bool is_big)
{
	for (size_t i = 2; i + 1 < file.len; i += 2) {
		uint32_t c = unit(file, i, is_big);
		uint32_t low = i + 3 < file.len ? unit(file, i + 2, is_big) : 0;

		if ((c & 0xfc00) == 0xd800 && (low & 0xfc00) == 0xdc00) {
			c = 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
			i += 2;
		}
		add_utf8(out, c);
	}
}

static enum assay_code charset_decode(const struct assay_anatomy *anatomy, const struct assay_node *node,
				      struct assay_sink *sink, struct assay_error *err)
{
	struct assay_span file = assay_node_bytes(anatomy, node);
	struct assay_buf text = ASSAY_BUF_INIT(2 * file.len + 16);
	enum charset charset = charset_of(file);
	enum assay_code code;

	if (charset == LATIN_1)
		for (size_t i = 0; i < file.len; i++)
			add_utf8(&text, file.data[i]);
	else
		add_utf16(&text, file, charset == UTF16_BE);
	code = assay_buf_check(&text, "text as UTF-8", err);
	if (!code)
		code = assay_sink_add(sink, assay_buf_span(&text), err);
	assay_buf_release(&text);
	return code;
}

const struct assay_format assay_format_charset = {
	.name = "charset",
	.bid = charset_bid,
	.lay_out = charset_lay_out,
	.decode = charset_decode,
	.fields = charset_fields,
};
