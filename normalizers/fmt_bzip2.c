/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bzip2 (no written standard; libbzip2's manual and reader are the reference).  Streams start on a
 * byte with ten bytes nothing else looks like; where the next one starts is taken as the end of the
 * one before, and decode() proves that: each stream must end exactly there, its sums verified.
 */
#include "emit.h"
#include "field_rows.h"

enum {
	STREAM,
	MAGIC,
	LEVEL,
	BLOCKS,
};

#define FOLD "bzip2-recompress", ASSAY_GRADE_ENCODING, "compression_encoder_differs"

static const struct assay_field bzip2_fields[] = {
	[STREAM] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "bzip2.stream", ASSAY_SEVERITY_STRUCTURE, NULL,
				   "one stream; some readers stop after the first"),
	[MAGIC] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "bzip2.magic", ASSAY_SEVERITY_STRUCTURE, NULL,
				  "\"BZh\""),
	[LEVEL] = ASSAY_ROW_CHECKED(ASSAY_ENCODING, "bzip2.level", assay_check_payload, FOLD,
				    "block size in units of 100 kB"),
	[BLOCKS] = ASSAY_ROW_CHECKED(ASSAY_ENCODING, "bzip2.blocks", assay_check_payload, FOLD,
				     "compressed blocks, their sums and the sum of the stream"),
	{ .name = NULL },
};

#define F(x) (&bzip2_fields[x])

#define STREAM_MIN 14

static bool starts_stream(struct assay_span s)
{
	static const uint8_t block[] = { 0x31, 0x41, 0x59, 0x26, 0x53, 0x59 };
	static const uint8_t end[] = { 0x17, 0x72, 0x45, 0x38, 0x50, 0x90 };

	return s.len >= STREAM_MIN && memcmp(s.data, "BZh", 3) == 0 && s.data[3] >= '1' &&
	       s.data[3] <= '9' && (memcmp(s.data + 4, block, 6) == 0 || memcmp(s.data + 4, end, 6) == 0);
}

static unsigned bzip2_bid(struct assay_span file)
{
	return starts_stream(file) ? 24 + 3 + 48 : 0;
}

static size_t stream_length(struct assay_span rest)
{
	size_t at = STREAM_MIN;

	while ((at = assay_span_find(rest, at, assay_span_text("BZh"))) != SIZE_MAX) {
		if (starts_stream(assay_span_cut(rest, at, SIZE_MAX)))
			return at;
		at++;
	}
	return rest.len;
}

static enum assay_code bzip2_lay_out(struct assay_layout *l, struct assay_error *err)
{
	(void)err;
	assay_layout_encoded(l, assay_layout_root(l));
	for (size_t streams = 0; !assay_layout_failed(l) && assay_layout_left(l); streams++) {
		size_t length = stream_length(assay_layout_peek(l, 0, UINT64_MAX));

		if (streams == 1)
			assay_layout_ambiguous(l, assay_layout_at(l), "more than one stream");
		assay_layout_open(l, F(STREAM));
		assay_layout_leaf(l, F(MAGIC), 3);
		assay_layout_leaf(l, F(LEVEL), 1);
		assay_layout_leaf(l, F(BLOCKS), length - 4);
		assay_layout_close(l);
	}
	return ASSAY_OK;
}

static enum assay_code bzip2_decode(const struct assay_anatomy *anatomy,
				    const struct assay_node *node, struct assay_sink *sink,
				    struct assay_error *err)
{
	for (const struct assay_node *stream = node->first; stream; stream = stream->next) {
		struct assay_span bytes =
			assay_span_cut(anatomy->bytes, stream->offset, stream->length);
		uint64_t consumed;

		if (assay_codec_decode(ASSAY_CODEC_BZIP2, &bytes, 1, sink, &consumed, err))
			return err->code;
		if (consumed != bytes.len)
			return assay_fail(err, ASSAY_EINPUT, "bzip2: %llu bytes behind a stream",
					  (unsigned long long)(bytes.len - consumed));
	}
	return ASSAY_OK;
}

static enum assay_code bzip2_emit(struct assay_emit *e, const struct assay_anatomy *a,
				  struct assay_rope *rope, struct assay_error *err)
{
	return assay_emit_stream(e, a, F(BLOCKS), ASSAY_CODEC_BZIP2, rope, err);
}

const struct assay_format assay_format_bzip2 = {
	.name = "bzip2",
	.bid = bzip2_bid,
	.lay_out = bzip2_lay_out,
	.decode = bzip2_decode,
	.emit = bzip2_emit,
	.fields = bzip2_fields,
};
