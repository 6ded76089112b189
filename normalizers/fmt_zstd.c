/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zstd (RFC 8878).  Frames and blocks carry their sizes, so a file is laid out without decoding;
 * decode() lets libzstd verify sizes and checksums.
 */
#include "assay/limits.h"
#include "emit.h"
#include "field_rows.h"
#include "frames.h"
#include "rows.h"

enum {
	FRAME,
	MAGIC,
	DESCRIPTOR,
	WINDOW,
	DICTIONARY,
	CONTENT_SIZE,
	BLOCKS,
	CHECKSUM,
	SKIPPABLE,
	TRAILING,
};

#define FOLD "zstd-recompress", ASSAY_GRADE_ENCODING, "compression_encoder_differs"

static const struct assay_field zstd_fields[] = {
	[FRAME] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "zstd.frame", ASSAY_SEVERITY_STRUCTURE, NULL,
				  "one frame; some readers stop after the first (section 3.1)"),
	[MAGIC] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "zstd.magic", ASSAY_SEVERITY_STRUCTURE, NULL,
				  "28 b5 2f fd (section 3.1.1)"),
	[DESCRIPTOR] = ASSAY_ROW_SAFE(ASSAY_METADATA, "zstd.descriptor", FOLD,
				      "which header fields and sums follow (section 3.1.1.1.1)"),
	[WINDOW] = ASSAY_ROW_CHECKED(ASSAY_ENCODING, "zstd.window", assay_check_payload, FOLD,
				     "memory a decoder needs (section 3.1.1.1.2); a window beyond what "
				     "decoders accept makes the file ambiguous"),
	[DICTIONARY] = ASSAY_ROW_NEVER(ASSAY_METADATA, "zstd.dictionary", ASSAY_SEVERITY_DATA, NULL,
				       "the dictionary without which it cannot be read "
				       "(section 3.1.1.1.3)"),
	[CONTENT_SIZE] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "zstd.content_size", FOLD,
					"size of the payload, verified (section 3.1.1.1.4)"),
	[BLOCKS] = ASSAY_ROW_CHECKED(ASSAY_ENCODING, "zstd.blocks", assay_check_payload, FOLD,
				     "compressed blocks (section 3.1.1.2)"),
	[CHECKSUM] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "zstd.checksum", FOLD,
				    "low half of the XXH64 of the payload, verified (section 3.1.1)"),
	[SKIPPABLE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "zstd.skippable", ASSAY_SEVERITY_DATA, NULL,
				      "a frame that decoders skip and its own readers do not "
				      "(section 3.1.2)"),
	[TRAILING] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "zstd.trailing", ASSAY_SEVERITY_STRUCTURE, NULL,
				     "bytes behind the last frame: refused by some, ignored by others"),
	{ .name = NULL },
};

#define F(x) (&zstd_fields[x])

#define FRAME_MAGIC 0xfd2fb528U
#define WINDOW_ACCEPTED (128 * ASSAY_MIB) /* zstd -d without --long or --memory */

static uint64_t le(struct assay_span s, uint64_t at, unsigned width)
{
	return assay_rows_number(s, at, width, false);
}

static unsigned zstd_bid(struct assay_span file)
{
	return file.len >= 9 && le(file, 0, 4) == FRAME_MAGIC ? 32 : 0;
}

struct zstd_frame {
	uint8_t window, dictionary, content_size; /* lengths of the fields */
	uint64_t window_bytes;
	uint64_t blocks;
	bool checksum;
};

/* The blocks of a frame by their headers; false when they leave the file (section 3.1.1.2). */
static bool measure_blocks(struct assay_span s, size_t at, uint64_t *ret)
{
	size_t start = at;

	for (;;) {
		uint64_t header, size;
		unsigned type;

		if (s.len - at < 3)
			return false;
		header = le(s, at, 3);
		type = (header >> 1) & 3;
		size = type == 1 ? 1 : header >> 3;
		at += 3;
		if (type == 3 || size > s.len - at)
			return false;
		at += size;
		if (header & 1)
			break;
	}
	*ret = at - start;
	return true;
}

static enum assay_code read_frame(struct assay_span s, uint64_t offset, struct zstd_frame *ret,
				  struct assay_error *err)
{
	static const uint8_t dictionary_sizes[] = { 0, 1, 2, 4 }, content_sizes[] = { 0, 2, 4, 8 };
	uint8_t descriptor = s.len > 4 ? s.data[4] : 0;
	bool single = descriptor & 0x20;
	size_t header;

	ret->window = !single;
	ret->dictionary = dictionary_sizes[descriptor & 3];
	ret->content_size = content_sizes[descriptor >> 6];
	if (single && ret->content_size == 0)
		ret->content_size = 1;
	ret->checksum = descriptor & 4;
	header = 5 + ret->window + ret->dictionary + ret->content_size;
	if (s.len < header || descriptor & 8)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: frame header: %s",
				  (unsigned long long)offset,
				  descriptor & 8 ? "reserved bit" : "cut short");
	if (single) {
		ret->window_bytes = le(s, header - ret->content_size, ret->content_size);
	} else {
		uint64_t base = 1ULL << (10 + (s.data[5] >> 3));

		ret->window_bytes = base + base / 8 * (s.data[5] & 7);
	}
	if (!measure_blocks(s, header, &ret->blocks) ||
	    (ret->checksum && s.len - header - ret->blocks < 4))
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: blocks: cut short or of no type",
				  (unsigned long long)(offset + header));
	return ASSAY_OK;
}

static enum assay_code lay_out_frame(struct assay_layout *l, struct assay_error *err)
{
	uint64_t at = assay_layout_at(l);
	struct zstd_frame frame = { 0 };
	struct assay_node *node;

	if (read_frame(assay_layout_peek(l, 0, UINT64_MAX), at, &frame, err))
		return err->code;
	if (frame.window_bytes > WINDOW_ACCEPTED)
		assay_layout_ambiguous(l, at, "window of %llu bytes: decoders refuse it unless told",
				       (unsigned long long)frame.window_bytes);
	assay_layout_open(l, F(FRAME));
	assay_layout_leaf(l, F(MAGIC), 4);
	assay_layout_leaf(l, F(DESCRIPTOR), 1);
	if (frame.window) {
		node = assay_layout_leaf(l, F(WINDOW), 1);
		assay_layout_value(l, node, "%llu", (unsigned long long)frame.window_bytes);
	}
	if (frame.dictionary)
		assay_layout_leaf(l, F(DICTIONARY), frame.dictionary);
	if (frame.content_size)
		assay_layout_leaf(l, F(CONTENT_SIZE), frame.content_size);
	assay_layout_leaf(l, F(BLOCKS), frame.blocks);
	if (frame.checksum)
		assay_layout_leaf(l, F(CHECKSUM), 4);
	assay_layout_close(l);
	return ASSAY_OK;
}

static const struct assay_frames zstd_frames = {
	.codec = ASSAY_CODEC_ZSTD,
	.magic = FRAME_MAGIC,
	.frame = F(FRAME),
	.skippable = F(SKIPPABLE),
	.trailing = F(TRAILING),
	.lay_out = lay_out_frame,
};

static enum assay_code zstd_lay_out(struct assay_layout *l, struct assay_error *err)
{
	return assay_frames_lay_out(l, &zstd_frames, err);
}

static enum assay_code zstd_decode(const struct assay_anatomy *anatomy,
				   const struct assay_node *node, struct assay_sink *sink,
				   struct assay_error *err)
{
	return assay_frames_decode(anatomy, node, &zstd_frames, sink, err);
}

/* Frames that decoders skip stay where they are. */
static enum assay_code zstd_emit(struct assay_emit *e, const struct assay_anatomy *a,
				 struct assay_rope *rope, struct assay_error *err)
{
	struct assay_emitted emitted;
	enum assay_code code;

	if (assay_emit_encoded(e, a, a->root, F(BLOCKS), ASSAY_CODEC_ZSTD, false,
			       assay_span_of(NULL, 0), &emitted, err))
		return err->code;
	code = ASSAY_OK;
	for (const struct assay_node *n = a->root->first; n && !code; n = n->next)
		code = n->field == F(FRAME) && !emitted.is_kept ?
			       assay_rope_join(rope, &emitted.rope, err) :
			       assay_emit_copy(rope, a, n, err);
	assay_emitted_release(&emitted);
	return code;
}

const struct assay_format assay_format_zstd = {
	.name = "zstd",
	.bid = zstd_bid,
	.lay_out = zstd_lay_out,
	.decode = zstd_decode,
	.emit = zstd_emit,
	.fields = zstd_fields,
};
