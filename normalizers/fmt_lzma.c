/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The .lzma format of LZMA Utils ("LZMA alone"; lzma-file-format.txt of XZ Utils).  It has no magic and no sum:
 * only a header that makes sense is taken for one, and only a stream that ends with the file is decoded.
 */
#include "assay/codec.h"
#include "field_rows.h"
#include "rows.h"

enum {
	PROPERTIES,
	DICTIONARY,
	SIZE,
	DATA,
};

#define FOLD "lzma-recompress", ASSAY_GRADE_ENCODING, "compression_encoder_differs"

static const struct assay_field lzma_fields[] = {
	[PROPERTIES] = ASSAY_ROW_CHECKED(ASSAY_ENCODING, "lzma.properties", assay_check_payload, FOLD,
					 "literal and position bits (section 1.1.1)"),
	[DICTIONARY] = ASSAY_ROW_CHECKED(ASSAY_ENCODING, "lzma.dictionary", assay_check_payload, FOLD,
					 "size of the dictionary (1.1.2)"),
	[SIZE] = ASSAY_ROW_CHECKED(ASSAY_ENCODING, "lzma.size", assay_check_payload, FOLD,
				   "size of the payload, or all ones: an end marker stands behind it (1.1.3)"),
	[DATA] = ASSAY_ROW_CHECKED(ASSAY_ENCODING, "lzma.data", assay_check_payload, FOLD, "LZMA stream"),
	{ .name = NULL },
};

#define F(x) (&lzma_fields[x])

#define HEADER_SIZE 13
#define UNKNOWN_SIZE UINT64_MAX
#define LARGEST (256ULL << 30) /* what XZ Utils take for plausible */

static const struct assay_row header[] = {
	{ PROPERTIES, 1, ASSAY_SHOW_NUMBER, NULL },
	{ DICTIONARY, 4, ASSAY_SHOW_NUMBER, NULL },
	{ SIZE, 8, ASSAY_SHOW_NONE, NULL },
};

/* 2^n or 2^n + 2^(n-1), as all encoders write. */
static bool is_dictionary(uint64_t size)
{
	uint64_t rest = size & (size - 1);

	return size >= 4096 && (rest == 0 || rest >> 1 == (size & ~rest));
}

/* The first byte of a range coder is zero. */
static unsigned lzma_bid(struct assay_span file)
{
	uint64_t size = assay_rows_number(file, 5, 8, false);

	if (file.len < HEADER_SIZE + 5 || file.data[0] >= 9 * 5 * 5 || file.data[HEADER_SIZE] != 0)
		return 0;
	if (!is_dictionary(assay_rows_number(file, 1, 4, false)))
		return 0;
	return size == UNKNOWN_SIZE || size < LARGEST ? 28 : 0;
}

static enum assay_code lzma_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	struct assay_measure measure;

	if (assay_codec_measure(ASSAY_CODEC_LZMA, file, &measure, err))
		return err->code;
	if (measure.consumed != file.len)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: bytes behind the stream",
				  (unsigned long long)measure.consumed);
	assay_layout_encoded(l, assay_layout_root(l));
	assay_rows_lay_out(l, lzma_fields, header, sizeof(header) / sizeof(header[0]), false);
	assay_layout_leaf(l, F(DATA), assay_layout_left(l));
	return ASSAY_OK;
}

static enum assay_code lzma_decode(const struct assay_anatomy *anatomy, const struct assay_node *node,
				   struct assay_sink *sink, struct assay_error *err)
{
	uint64_t consumed;

	(void)node;
	return assay_codec_decode(ASSAY_CODEC_LZMA, &anatomy->bytes, 1, sink, &consumed, err);
}

const struct assay_format assay_format_lzma = {
	.name = "lzma",
	.bid = lzma_bid,
	.lay_out = lzma_lay_out,
	.decode = lzma_decode,
	.fields = lzma_fields,
};
