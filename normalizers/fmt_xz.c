/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xz (the .xz file format, version 1.2.1).  The index at the end of a stream says where its blocks
 * are, so a file is read from its end to its start and laid out without decoding; decode() lets
 * liblzma verify blocks, checks, index and footer.
 */
#include "emit.h"
#include "field_rows.h"
#include "rows.h"

enum {
	STREAM,
	MAGIC,
	CHECK_TYPE,
	HEADER_CRC,
	BLOCK,
	BLOCK_HEADER,
	BLOCK_DATA,
	BLOCK_PADDING,
	BLOCK_CHECK,
	INDEX,
	FOOTER,
	PADDING,
};

#define FOLD "xz-recompress", ASSAY_GRADE_ENCODING, "compression_encoder_differs"

static const struct assay_field xz_fields[] = {
	[STREAM] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "xz.stream", ASSAY_SEVERITY_STRUCTURE, NULL,
				   "one stream; some readers stop after the first (section 2)"),
	[MAGIC] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "xz.magic", ASSAY_SEVERITY_STRUCTURE, NULL,
				  "fd '7zXZ' 00 (section 2.1.1.1)"),
	[CHECK_TYPE] = ASSAY_ROW_SAFE(ASSAY_METADATA, "xz.check_type", "xz-check",
				      ASSAY_GRADE_ENCODING, "compression_encoder_differs",
				      "which sum protects the blocks; verified here, not part of the "
				      "payload (section 2.1.1.2)"),
	[HEADER_CRC] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "xz.header_crc", FOLD,
				      "CRC-32 of the stream flags (section 2.1.1.3)"),
	[BLOCK] = ASSAY_ROW_SAFE(ASSAY_STRUCTURE, "xz.block", FOLD,
				 "a block: how many there are depends on size and threads (section 3)"),
	[BLOCK_HEADER] = ASSAY_ROW_CHECKED(ASSAY_ENCODING, "xz.block_header", assay_check_payload, FOLD,
					   "filters, dictionary and optional sizes (section 3.1)"),
	[BLOCK_DATA] = ASSAY_ROW_CHECKED(ASSAY_ENCODING, "xz.block_data", assay_check_payload, FOLD,
					 "compressed data (section 3.2)"),
	[BLOCK_PADDING] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "xz.block_padding", FOLD,
					 "zeros, verified, up to a multiple of four (section 3.3)"),
	[BLOCK_CHECK] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "xz.block_check", FOLD,
				       "sum of the block's payload, verified (section 3.4)"),
	[INDEX] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "xz.index", FOLD,
				 "sizes of the blocks, verified (section 4)"),
	[FOOTER] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "xz.footer", FOLD,
				  "size of the index, the flags again, 'YZ' (section 2.1.2)"),
	[PADDING] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "xz.stream_padding", ASSAY_SEVERITY_STRUCTURE, NULL,
				    "zeros between and behind streams; some readers refuse them "
				    "(section 2.2)"),
	{ .name = NULL },
};

#define F(x) (&xz_fields[x])

#define HEADER_SIZE 12
#define FOOTER_SIZE 12
#define VLI_MAX 9

static const uint8_t magic[6] = { 0xfd, '7', 'z', 'X', 'Z', 0 };

/* Found from the end of the file backwards; the list is in the order of the file. */
struct xz_stream {
	struct xz_stream *next;
	uint64_t start, index, index_size, padding; /* padding: bytes behind the footer */
	unsigned check_size;
};

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)assay_rows_number(assay_span_of(p, 4), 0, 4, false);
}

static unsigned xz_bid(struct assay_span file)
{
	return file.len >= HEADER_SIZE + FOOTER_SIZE + 8 && memcmp(file.data, magic, 6) == 0 ? 48 : 0;
}

/* A variable-length integer (section 1.2). */
static bool take_vli(struct assay_span *rest, uint64_t *ret)
{
	uint64_t value = 0;

	for (size_t i = 0; i < rest->len && i < VLI_MAX; i++) {
		value |= (uint64_t)(rest->data[i] & 0x7f) << (7 * i);
		if (rest->data[i] & 0x80)
			continue;
		if (rest->data[i] == 0 && i > 0)
			return false;
		*rest = assay_span_cut(*rest, i + 1, SIZE_MAX);
		*ret = value;
		return true;
	}
	return false;
}

struct index_walk {
	struct assay_span rest;
	uint64_t left; /* records */
};

static bool index_open(struct assay_span index, struct index_walk *ret)
{
	if (index.len < 8 || index.data[0] != 0 ||
	    le32(index.data + index.len - 4) != assay_crc32(0, assay_span_cut(index, 0, index.len - 4)))
		return false;
	ret->rest = assay_span_cut(index, 1, index.len - 5);
	return take_vli(&ret->rest, &ret->left);
}

static bool index_next(struct index_walk *walk, uint64_t *ret_unpadded)
{
	uint64_t uncompressed;

	if (walk->left == 0)
		return false;
	walk->left--;
	return take_vli(&walk->rest, ret_unpadded) && take_vli(&walk->rest, &uncompressed) &&
	       *ret_unpadded >= 5;
}

static uint64_t round4(uint64_t n)
{
	return (n + 3) & ~(uint64_t)3;
}

/* Bytes of all blocks by the index; false when it is broken. */
static bool blocks_size(struct assay_span index, uint64_t limit, uint64_t *ret)
{
	struct index_walk walk;
	uint64_t total = 0, unpadded;

	if (!index_open(index, &walk))
		return false;
	while (walk.left) {
		if (!index_next(&walk, &unpadded) || unpadded > limit ||
		    round4(unpadded) > limit - total)
			return false;
		total += round4(unpadded);
	}
	for (size_t i = 0; i < walk.rest.len; i++)
		if (walk.rest.data[i] || i > 2)
			return false;
	*ret = total;
	return true;
}

static unsigned check_size_of(unsigned type)
{
	static const uint8_t sizes[16] = { 0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64 };

	return sizes[type & 15];
}

/* The stream that ends at *end, without the padding behind it; moves *end to its start. */
static enum assay_code read_stream(struct assay_span file, uint64_t *end, struct xz_stream *ret,
				   struct assay_error *err)
{
	const uint8_t *footer;
	uint64_t at = *end, blocks;

	while (at >= 4 && le32(file.data + at - 4) == 0)
		at -= 4;
	ret->padding = *end - at;
	footer = at >= HEADER_SIZE + FOOTER_SIZE ? file.data + at - FOOTER_SIZE : NULL;
	if (!footer || footer[10] != 'Y' || footer[11] != 'Z' ||
	    le32(footer) != assay_crc32(0, assay_span_of(footer + 4, 6)))
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: want a stream footer",
				  (unsigned long long)(at >= FOOTER_SIZE ? at - FOOTER_SIZE : 0));
	ret->index_size = ((uint64_t)le32(footer + 4) + 1) * 4;
	ret->check_size = check_size_of(footer[9]);
	if (ret->index_size > at - FOOTER_SIZE - HEADER_SIZE)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: size of the index: beyond the file",
				  (unsigned long long)at - 8);
	ret->index = at - FOOTER_SIZE - ret->index_size;
	if (!blocks_size(assay_span_cut(file, ret->index, ret->index_size),
			 ret->index - HEADER_SIZE, &blocks))
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: index is broken",
				  (unsigned long long)ret->index);
	ret->start = ret->index - blocks - HEADER_SIZE;
	if (memcmp(file.data + ret->start, magic, sizeof(magic)) ||
	    memcmp(file.data + ret->start + 6, footer + 8, 2))
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: want a stream header",
				  (unsigned long long)ret->start);
	*end = ret->start;
	return ASSAY_OK;
}

static enum assay_code lay_out_blocks(struct assay_layout *l, const struct xz_stream *stream,
				      struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	struct index_walk walk;
	uint64_t unpadded;

	if (!index_open(assay_span_cut(file, stream->index, stream->index_size), &walk))
		return assay_fail(err, ASSAY_EBUG, "xz: an index that was read before");
	while (!assay_layout_failed(l) && index_next(&walk, &unpadded)) {
		uint64_t at = assay_layout_at(l), header = ((uint64_t)file.data[at] + 1) * 4;

		if (file.data[at] == 0 || header + stream->check_size > unpadded)
			return assay_fail(err, ASSAY_EINPUT, "offset %llu: block header: size",
					  (unsigned long long)at);
		assay_layout_open(l, F(BLOCK));
		assay_layout_leaf(l, F(BLOCK_HEADER), header);
		if (unpadded > header + stream->check_size)
			assay_layout_leaf(l, F(BLOCK_DATA), unpadded - header - stream->check_size);
		if (round4(unpadded) > unpadded)
			assay_layout_leaf(l, F(BLOCK_PADDING), round4(unpadded) - unpadded);
		if (stream->check_size)
			assay_layout_leaf(l, F(BLOCK_CHECK), stream->check_size);
		assay_layout_close(l);
	}
	return ASSAY_OK;
}

static enum assay_code lay_out_stream(struct assay_layout *l, const struct xz_stream *stream,
				      struct assay_error *err)
{
	struct assay_node *node;

	assay_layout_open(l, F(STREAM));
	assay_layout_leaf(l, F(MAGIC), 6);
	node = assay_layout_leaf(l, F(CHECK_TYPE), 2);
	assay_layout_value(l, node, "%u bytes a block", stream->check_size);
	assay_layout_leaf(l, F(HEADER_CRC), 4);
	if (lay_out_blocks(l, stream, err))
		return err->code;
	assay_layout_leaf(l, F(INDEX), stream->index_size);
	assay_layout_leaf(l, F(FOOTER), FOOTER_SIZE);
	assay_layout_close(l);
	if (stream->padding) {
		assay_layout_ambiguous(l, assay_layout_at(l), "padding behind a stream");
		assay_layout_leaf(l, F(PADDING), stream->padding);
	}
	return ASSAY_OK;
}

static enum assay_code xz_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	struct xz_stream *first = NULL;
	uint64_t end = file.len;

	assay_layout_encoded(l, assay_layout_root(l));
	while (end) {
		struct xz_stream *stream =
			assay_arena_alloc(&assay_layout_anatomy(l)->arena, sizeof(*stream));

		if (!stream)
			return assay_fail(err, ASSAY_ELIMIT, "xz: too many streams");
		if (read_stream(file, &end, stream, err))
			return err->code;
		stream->next = first;
		first = stream;
	}
	if (first && first->next)
		assay_layout_ambiguous(l, first->next->start, "more than one stream");
	for (const struct xz_stream *stream = first; stream; stream = stream->next)
		if (lay_out_stream(l, stream, err))
			return err->code;
	return ASSAY_OK;
}

static enum assay_code xz_decode(const struct assay_anatomy *anatomy, const struct assay_node *node,
				 struct assay_sink *sink, struct assay_error *err)
{
	for (const struct assay_node *stream = node->first; stream; stream = stream->next) {
		struct assay_span bytes =
			assay_span_cut(anatomy->bytes, stream->offset, stream->length);
		uint64_t consumed;

		if (stream->field != F(STREAM))
			continue;
		if (assay_codec_decode(ASSAY_CODEC_XZ, &bytes, 1, sink, &consumed, err))
			return err->code;
		if (consumed != bytes.len)
			return assay_fail(err, ASSAY_EINPUT, "xz: stream ends before its footer");
	}
	return ASSAY_OK;
}

static enum assay_code xz_emit(struct assay_emit *e, const struct assay_anatomy *a,
			       struct assay_rope *rope, struct assay_error *err)
{
	return assay_emit_stream(e, a, F(BLOCK_DATA), ASSAY_CODEC_XZ, rope, err);
}

const struct assay_format assay_format_xz = {
	.name = "xz",
	.bid = xz_bid,
	.lay_out = xz_lay_out,
	.decode = xz_decode,
	.emit = xz_emit,
	.fields = xz_fields,
};
