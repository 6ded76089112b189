/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LZ4 frames (LZ4 Frame Format Description 1.6.1).  Blocks carry their sizes, so a file is laid out
 * without decoding; decode() lets liblz4 verify checksums.  The legacy frame of 2011 is not read.
 */
#include "field_rows.h"
#include "frames.h"
#include "rows.h"

enum {
	FRAME,
	MAGIC,
	DESCRIPTOR,
	CONTENT_SIZE,
	DICTIONARY,
	HEADER_SUM,
	BLOCKS,
	CHECKSUM,
	SKIPPABLE,
	TRAILING,
};

#define FOLD "lz4-recompress", ASSAY_GRADE_ENCODING, "compression_encoder_differs"

static const struct assay_field lz4_fields[] = {
	[FRAME] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "lz4.frame", ASSAY_SEVERITY_STRUCTURE, NULL,
				  "one frame; some readers stop after the first"),
	[MAGIC] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "lz4.magic", ASSAY_SEVERITY_STRUCTURE, NULL,
				  "04 22 4d 18"),
	[DESCRIPTOR] = ASSAY_ROW_SAFE(ASSAY_METADATA, "lz4.descriptor", FOLD,
				      "which sums follow, and the largest size of a block"),
	[CONTENT_SIZE] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "lz4.content_size", FOLD,
					"size of the payload, verified"),
	[DICTIONARY] = ASSAY_ROW_NEVER(ASSAY_METADATA, "lz4.dictionary", ASSAY_SEVERITY_DATA, NULL,
				       "the dictionary without which it cannot be read"),
	[HEADER_SUM] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "lz4.header_sum", FOLD,
				      "one byte of the XXH32 of the descriptor, verified"),
	[BLOCKS] = ASSAY_ROW_CHECKED(ASSAY_ENCODING, "lz4.blocks", assay_check_payload, FOLD,
				     "compressed or stored blocks and their sums"),
	[CHECKSUM] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "lz4.checksum", FOLD,
				    "XXH32 of the payload, verified"),
	[SKIPPABLE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "lz4.skippable", ASSAY_SEVERITY_DATA, NULL,
				      "a frame that decoders skip and its own readers do not"),
	[TRAILING] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "lz4.trailing", ASSAY_SEVERITY_STRUCTURE, NULL,
				     "bytes behind the last frame: refused by some, ignored by others"),
	{ .name = NULL },
};

#define F(x) (&lz4_fields[x])

#define FRAME_MAGIC 0x184d2204U

static uint64_t le(struct assay_span s, uint64_t at, unsigned width)
{
	return assay_rows_number(s, at, width, false);
}

/* Version 1 in the two highest bits of the flags, reserved bits zero. */
static unsigned lz4_bid(struct assay_span file)
{
	return file.len >= 11 && le(file, 0, 4) == FRAME_MAGIC && (file.data[4] & 0xc2) == 0x40 &&
			       (file.data[5] & 0x8f) == 0 ?
		       39 :
		       0;
}

/* Blocks up to the end mark, the mark included; false when they leave the file. */
static bool measure_blocks(struct assay_span s, uint64_t from, bool has_sums, uint64_t *ret)
{
	for (uint64_t at = from; s.len - at >= 4;) {
		uint64_t size = le(s, at, 4) & 0x7fffffff;

		at += 4;
		if (size == 0) {
			*ret = at - from;
			return true;
		}
		size += has_sums ? 4 : 0;
		if (size > s.len - at)
			return false;
		at += size;
	}
	return false;
}

static enum assay_code lay_out_frame(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span rest = assay_layout_peek(l, 0, UINT64_MAX);
	uint8_t flags = rest.len > 4 ? rest.data[4] : 0;
	bool has_size = flags & 8, has_dictionary = flags & 1, has_checksum = flags & 4;
	uint64_t header = 7 + (has_size ? 8 : 0) + (has_dictionary ? 4 : 0), blocks;

	if (rest.len < header || !measure_blocks(rest, header, flags & 0x10, &blocks) ||
	    (has_checksum && rest.len - header - blocks < 4))
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: frame: cut short",
				  (unsigned long long)assay_layout_at(l));
	assay_layout_open(l, F(FRAME));
	assay_layout_leaf(l, F(MAGIC), 4);
	assay_layout_leaf(l, F(DESCRIPTOR), 2);
	if (has_size)
		assay_layout_leaf(l, F(CONTENT_SIZE), 8);
	if (has_dictionary)
		assay_layout_leaf(l, F(DICTIONARY), 4);
	assay_layout_leaf(l, F(HEADER_SUM), 1);
	assay_layout_leaf(l, F(BLOCKS), blocks);
	if (has_checksum)
		assay_layout_leaf(l, F(CHECKSUM), 4);
	assay_layout_close(l);
	return ASSAY_OK;
}

static const struct assay_frames lz4_frames = {
	.codec = ASSAY_CODEC_LZ4,
	.magic = FRAME_MAGIC,
	.frame = F(FRAME),
	.skippable = F(SKIPPABLE),
	.trailing = F(TRAILING),
	.lay_out = lay_out_frame,
};

static enum assay_code lz4_lay_out(struct assay_layout *l, struct assay_error *err)
{
	return assay_frames_lay_out(l, &lz4_frames, err);
}

static enum assay_code lz4_decode(const struct assay_anatomy *anatomy, const struct assay_node *node,
				  struct assay_sink *sink, struct assay_error *err)
{
	return assay_frames_decode(anatomy, node, &lz4_frames, sink, err);
}

const struct assay_format assay_format_lz4 = {
	.name = "lz4",
	.bid = lz4_bid,
	.lay_out = lz4_lay_out,
	.decode = lz4_decode,
	.fields = lz4_fields,
};
