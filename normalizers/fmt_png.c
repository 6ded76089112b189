/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PNG (W3C PNG specification, third edition).  The IDAT chunks together are one zlib stream, whose
 * payload is the filtered image; dates and tool stamps are only called harmless when their value
 * proves to be nothing else.
 */
#include <stdlib.h>

#include "emit.h"
#include "field_rows.h"
#include "rows.h"
#include "stamp.h"

enum {
	SIGNATURE,
	CHUNK,
	LENGTH,
	TYPE,
	DATA,
	CRC,
	IMAGE,
	IDAT,
	IDAT_FRAME,
	IDAT_DATA,
	PIXELS,
	TIME,
	DATE,
	TOOL,
	TEXT,
	TRAILING,
};

#define CONTAINER ASSAY_GRADE_CONTAINER
#define FOLD "png-recompress", ASSAY_GRADE_ENCODING, "compression_encoder_differs"

static const struct assay_field png_fields[] = {
	[SIGNATURE] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "png.signature", ASSAY_SEVERITY_STRUCTURE, NULL,
				      "89 'PNG' CR LF 1a LF (section 5.2)"),
	[CHUNK] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "png.chunk", ASSAY_SEVERITY_DATA, NULL,
				  "a chunk that decoders may act on (section 5.3)"),
	[LENGTH] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "png.length", ASSAY_SEVERITY_METADATA,
				   "size_of_changed_content", "bytes of the chunk's data"),
	[TYPE] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "png.type", ASSAY_SEVERITY_STRUCTURE, NULL,
				 "four letters (section 5.4)"),
	[DATA] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "png.data", ASSAY_SEVERITY_DATA, NULL,
				 "data of a chunk that is not IDAT"),
	[CRC] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "png.crc", ASSAY_SEVERITY_METADATA,
				"checksum_of_changed_content", "CRC-32 of type and data, verified"),
	[IMAGE] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "png.image", ASSAY_SEVERITY_DATA, NULL,
				  "the IDAT chunks, which hold one zlib stream (section 11.2.3)"),
	[IDAT] = ASSAY_ROW_SAFE(ASSAY_STRUCTURE, "png.idat", FOLD,
				"one piece of the stream: where it is cut means nothing"),
	[IDAT_FRAME] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "png.idat.frame", FOLD,
				      "length, type and CRC of an IDAT chunk, verified"),
	[IDAT_DATA] = ASSAY_ROW_CHECKED(ASSAY_ENCODING, "png.idat.data", assay_check_payload, FOLD,
					"compressed image data (section 10)"),
	[PIXELS] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "png.pixels", ASSAY_SEVERITY_DATA, NULL,
				   "the pixels, row by row: content that is seen, decoded (section 9)"),
	[TIME] = ASSAY_ROW_SAFE(ASSAY_METADATA, "png.time", "png-time", CONTAINER,
				"timestamps_embedded_in_content",
				"time of last modification, a valid date in seven bytes (section 11.3.5)"),
	[DATE] = ASSAY_ROW_SAFE(ASSAY_METADATA, "png.text.date", "png-time", CONTAINER,
				"timestamps_embedded_in_content",
				"a date under a key for dates, and nothing but a date of at most 32 "
				"bytes (section 11.3.3)"),
	[TOOL] = ASSAY_ROW_SAFE(ASSAY_METADATA, "png.text.software", "png-software", CONTAINER,
				"tool_version_differs",
				"name of the program that wrote the image: at most 64 printable bytes "
				"(section 11.3.3)"),
	[TEXT] = ASSAY_ROW_NEVER(ASSAY_METADATA, "png.text", ASSAY_SEVERITY_METADATA, NULL,
				 "text that some program may read"),
	[TRAILING] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "png.trailing", ASSAY_SEVERITY_STRUCTURE, NULL,
				     "bytes behind IEND: viewers ignore them, other programs need not"),
	{ .name = NULL },
};

#define F(x) (&png_fields[x])

#define SIGNATURE_SIZE 8
#define FRAME 12 /* length, type, CRC */
#define DATE_MAX 32
#define TOOL_MAX 64

static const uint8_t signature[SIGNATURE_SIZE] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };

static uint32_t be32(struct assay_span s, uint64_t at)
{
	return (uint32_t)assay_rows_number(s, at, 4, true);
}

static unsigned png_bid(struct assay_span file)
{
	return file.len > SIGNATURE_SIZE && memcmp(file.data, signature, SIGNATURE_SIZE) == 0 ? 64 : 0;
}

struct chunk {
	struct assay_span type, data;
	uint64_t length; /* of the whole chunk */
};

static enum assay_code read_chunk(struct assay_layout *l, struct chunk *ret, struct assay_error *err)
{
	struct assay_span rest = assay_layout_peek(l, 0, UINT64_MAX);
	uint64_t at = assay_layout_at(l), length;

	length = rest.len >= FRAME ? be32(rest, 0) : 0;
	if (rest.len < FRAME || length > rest.len - FRAME)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: chunk: cut short",
				  (unsigned long long)at);
	*ret = (struct chunk){ assay_span_cut(rest, 4, 4), assay_span_cut(rest, 8, length),
			       length + FRAME };
	for (size_t i = 0; i < 4; i++)
		if ((ret->type.data[i] | 0x20) < 'a' || (ret->type.data[i] | 0x20) > 'z')
			return assay_fail(err, ASSAY_EINPUT, "offset %llu: type of a chunk: want letters",
					  (unsigned long long)at + 4);
	if (be32(rest, 8 + length) != assay_crc32(0, assay_span_cut(rest, 4, 4 + length)))
		assay_layout_ambiguous(l, at + 8 + length, "CRC of a chunk is wrong");
	return ASSAY_OK;
}

/* Year, month, day, hour, minute, second (60: a leap second). */
static bool is_time(struct assay_span d)
{
	return d.len == 7 && d.data[2] >= 1 && d.data[2] <= 12 && d.data[3] >= 1 && d.data[3] <= 31 &&
	       d.data[4] <= 23 && d.data[5] <= 59 && d.data[6] <= 60;
}

static bool is_date(struct assay_span value)
{
	struct assay_stamp stamp;

	return value.len && value.len <= DATE_MAX && assay_stamp_find(value, 0, value.len, &stamp) &&
	       stamp.has_date && stamp.offset == 0 && stamp.len == value.len;
}

static bool is_plain(struct assay_span value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] < 0x20 || value.data[i] > 0x7e)
			return false;
	return value.len <= TOOL_MAX;
}

/* tEXt: keyword, NUL, Latin-1 text.  zTXt and iTXt are never looked into and never folded. */
static int text_field(const struct chunk *chunk, struct assay_span *ret_key)
{
	static const char *const dates[] = { "date:create", "date:modify", "date:timestamp",
					     "Creation Time", "create-date", "modify-date" };
	size_t len = strnlen((const char *)chunk->data.data, chunk->data.len);
	struct assay_span value = assay_span_cut(chunk->data, len + 1, SIZE_MAX);

	*ret_key = assay_span_cut(chunk->data, 0, len);
	if (!assay_span_equal_text(chunk->type, "tEXt") || len == chunk->data.len)
		return TEXT;
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++)
		if (assay_span_equal_text(*ret_key, dates[i]))
			return is_date(value) ? DATE : TEXT;
	return assay_span_equal_text(*ret_key, "Software") && is_plain(value) ? TOOL : TEXT;
}

static void lay_out_chunk(struct assay_layout *l, const struct chunk *chunk)
{
	struct assay_node *node;
	struct assay_span key;

	if (assay_span_equal_text(chunk->type, "tIME") && is_time(chunk->data)) {
		assay_layout_leaf(l, F(TIME), chunk->length);
		return;
	}
	if (assay_span_equal_text(assay_span_cut(chunk->type, 1, 3), "EXt") ||
	    assay_span_equal_text(assay_span_cut(chunk->type, 1, 3), "TXt")) {
		node = assay_layout_leaf(l, F(text_field(chunk, &key)), chunk->length);
		assay_layout_name(l, node, key);
		return;
	}
	node = assay_layout_open(l, F(CHUNK));
	assay_layout_name(l, node, chunk->type);
	assay_layout_leaf(l, F(LENGTH), 4);
	assay_layout_leaf(l, F(TYPE), 4);
	if (chunk->data.len)
		assay_layout_leaf(l, F(DATA), chunk->data.len);
	assay_layout_leaf(l, F(CRC), 4);
	assay_layout_close(l);
}

static void lay_out_idat(struct assay_layout *l, const struct chunk *chunk)
{
	assay_layout_open(l, F(IDAT));
	assay_layout_leaf(l, F(IDAT_FRAME), 8);
	if (chunk->data.len)
		assay_layout_leaf(l, F(IDAT_DATA), chunk->data.len);
	assay_layout_leaf(l, F(IDAT_FRAME), 4);
	assay_layout_close(l);
}

/* Pixels are no file, whatever they look like. */
static void open_image(struct assay_layout *l)
{
	struct assay_node *image = assay_layout_open(l, F(IMAGE));

	assay_layout_encoded(l, image);
	assay_layout_opaque(l, image, F(PIXELS));
}

static enum assay_code lay_out_chunks(struct assay_layout *l, struct assay_error *err)
{
	bool in_image = false, had_image = false, end = false;

	while (!end && !assay_layout_failed(l)) {
		struct chunk chunk = { .length = 0 };
		bool is_idat;

		if (read_chunk(l, &chunk, err))
			return err->code;
		is_idat = assay_span_equal_text(chunk.type, "IDAT");
		if (is_idat && had_image && !in_image)
			assay_layout_ambiguous(l, assay_layout_at(l), "IDAT chunks are not in one row");
		if (is_idat && !in_image)
			open_image(l);
		if (!is_idat && in_image)
			assay_layout_close(l);
		in_image = is_idat;
		had_image |= is_idat;
		end = assay_span_equal_text(chunk.type, "IEND");
		if (is_idat)
			lay_out_idat(l, &chunk);
		else
			lay_out_chunk(l, &chunk);
	}
	return ASSAY_OK;
}

static enum assay_code png_lay_out(struct assay_layout *l, struct assay_error *err)
{
	assay_layout_leaf(l, F(SIGNATURE), SIGNATURE_SIZE);
	if (lay_out_chunks(l, err))
		return err->code;
	if (!assay_layout_failed(l) && assay_layout_left(l)) {
		assay_layout_ambiguous(l, assay_layout_at(l), "%llu bytes behind IEND",
				       (unsigned long long)assay_layout_left(l));
		assay_layout_leaf(l, F(TRAILING), assay_layout_left(l));
	}
	return ASSAY_OK;
}

static size_t collect_parts(const struct assay_anatomy *anatomy, const struct assay_node *image,
			    struct assay_span *parts)
{
	size_t count = 0;

	for (const struct assay_node *idat = image->first; idat; idat = idat->next)
		for (const struct assay_node *leaf = idat->first; leaf; leaf = leaf->next) {
			if (leaf->field != F(IDAT_DATA))
				continue;
			if (parts)
				parts[count] = assay_node_bytes(anatomy, leaf);
			count++;
		}
	return count;
}

static enum assay_code png_decode(const struct assay_anatomy *anatomy, const struct assay_node *node,
				  struct assay_sink *sink, struct assay_error *err)
{
	size_t count = collect_parts(anatomy, node, NULL);
	struct assay_span *parts = calloc(count + 1, sizeof(*parts));
	uint64_t consumed = 0, total = 0;
	enum assay_code code;

	if (!parts)
		return assay_fail(err, ASSAY_ENOMEM, "png: out of memory");
	collect_parts(anatomy, node, parts);
	for (size_t i = 0; i < count; i++)
		total += parts[i].len;
	code = assay_codec_decode(ASSAY_CODEC_ZLIB, parts, count, sink, &consumed, err);
	free(parts);
	if (!code && consumed != total)
		code = assay_fail(err, ASSAY_EINPUT, "png: %llu bytes behind the zlib stream",
				  (unsigned long long)(total - consumed));
	return code;
}

/* ---- the canonical form ---------------------------------------------------------------------------- */

#define CHUNK_MAX 0x7fffffffU /* section 5.3 */

static void put32(uint8_t *out, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* The image's zlib stream in one IDAT chunk, or copied as it was cut. */
static enum assay_code emit_image(struct assay_emit *e, const struct assay_anatomy *a,
				  const struct assay_node *image, struct assay_rope *rope,
				  struct assay_error *err)
{
	uint8_t head[8] = { 0, 0, 0, 0, 'I', 'D', 'A', 'T' }, crc[4];
	struct assay_rope_reader reader;
	struct assay_emitted emitted;
	struct assay_span bytes;
	uint32_t sum = assay_crc32(0, assay_span_of(head + 4, 4));
	enum assay_code code;

	if (assay_emit_encoded(e, a, image, F(IDAT_DATA), ASSAY_CODEC_ZLIB, false,
			       assay_span_of(NULL, 0), &emitted, err))
		return err->code;
	if (emitted.is_kept)
		return assay_emit_copy(rope, a, image, err);
	if (emitted.rope.size > CHUNK_MAX) {
		assay_emitted_release(&emitted);
		return assay_fail(err, ASSAY_EUNSUPPORTED, "image: does not fit one IDAT chunk");
	}
	assay_rope_reader_open(&reader, &emitted.rope, &e->scratch);
	do {
		code = assay_rope_read(&reader, &bytes, err);
		sum = assay_crc32(sum, bytes);
	} while (!code && bytes.len);
	assay_rope_reader_release(&reader);
	put32(head, (uint32_t)emitted.rope.size);
	put32(crc, sum);
	if (!code)
		code = assay_emit_make(e, rope, head, sizeof(head), err);
	if (!code)
		code = assay_rope_join(rope, &emitted.rope, err);
	if (!code)
		code = assay_emit_make(e, rope, crc, sizeof(crc), err);
	assay_emitted_release(&emitted);
	return code;
}

/* A stamp that may be folded may be absent: it is left out. */
static enum assay_code png_emit(struct assay_emit *e, const struct assay_anatomy *a,
				struct assay_rope *rope, struct assay_error *err)
{
	enum assay_code code = ASSAY_OK;

	for (const struct assay_node *n = a->root->first; n && !code; n = n->next) {
		if (n->field == F(IMAGE))
			code = emit_image(e, a, n, rope, err);
		else if (!(n->field == F(TIME) || n->field == F(DATE) || n->field == F(TOOL)) ||
			 !assay_emit_wants(e, n->field))
			code = assay_emit_copy(rope, a, n, err);
	}
	return code;
}

const struct assay_format assay_format_png = {
	.name = "png",
	.bid = png_bid,
	.lay_out = png_lay_out,
	.decode = png_decode,
	.emit = png_emit,
	.fields = png_fields,
};
