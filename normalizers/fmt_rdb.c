/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lazy-load databases of R (.rdb: the code and data of a package; R Internals, section 1.8): serialized objects
 * one behind the other, each a length (big-endian) and a zlib stream.  Where an object stands is written in
 * the .rdx beside it.  An object is compared as the bytes it unpacks to: they are code.
 */
#include "assay/codec.h"
#include "assay/limits.h"
#include "field_rows.h"
#include "rows.h"

enum {
	OBJECT,
	SIZE,
	DATA,
};

static const struct assay_field rdb_fields[] = {
	[OBJECT] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "rdb.object", ASSAY_SEVERITY_CODE, NULL,
				   "one serialized object: a function, or data"),
	[SIZE] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "rdb.size", ASSAY_SEVERITY_METADATA,
				 "size_of_changed_content", "size of the object, verified"),
	[DATA] = ASSAY_ROW_NEVER(ASSAY_ENCODING, "rdb.data", ASSAY_SEVERITY_CODE,
				 "compression_encoder_differs",
				 "zlib stream; the .rdx beside it holds its place and length"),
	{ .name = NULL },
};

#define F(x) (&rdb_fields[x])

#define SIZE_BYTES 4
#define LARGEST (1ULL << 30)

static bool is_stream(struct assay_span file, uint64_t at)
{
	return file.len > at && file.len - at > SIZE_BYTES + 6 && file.data[at + 4] == 0x78 &&
	       (file.data[at + 4] * 256 + file.data[at + 5]) % 31 == 0 &&
	       assay_rows_number(file, at, SIZE_BYTES, true) < LARGEST;
}

static enum assay_code measure(struct assay_span file, uint64_t at, uint64_t *ret, struct assay_error *err)
{
	struct assay_measure measure;

	if (!is_stream(file, at))
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: want a size and a zlib stream",
				  (unsigned long long)at);
	if (assay_codec_measure(ASSAY_CODEC_ZLIB, assay_span_cut(file, at + SIZE_BYTES, SIZE_MAX), &measure,
				err))
		return err->code;
	if (measure.size != assay_rows_number(file, at, SIZE_BYTES, true))
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: size of the object: is wrong",
				  (unsigned long long)at);
	*ret = measure.consumed;
	return ASSAY_OK;
}

/* There is no magic: the first object must be one. */
static unsigned rdb_bid(struct assay_span file)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	uint64_t length;

	return is_stream(file, 0) && !measure(file, 0, &length, &err) ? 40 : 0;
}

static enum assay_code rdb_lay_out(struct assay_layout *l, struct assay_error *err)
{
	for (size_t i = 0; assay_layout_left(l) && !assay_layout_failed(l); i++) {
		struct assay_node *leaf;
		uint64_t length;

		if (i == ASSAY_MAX_MEMBERS)
			return assay_fail(err, ASSAY_ELIMIT, "objects: want at most %d", ASSAY_MAX_MEMBERS);
		if (measure(assay_layout_bytes(l), assay_layout_at(l), &length, err))
			return err->code;
		assay_layout_open(l, F(OBJECT));
		assay_layout_leaf(l, F(SIZE), SIZE_BYTES);
		leaf = assay_layout_leaf(l, F(DATA), length);
		assay_layout_encoded(l, leaf);
		assay_layout_raw(l, leaf);
		assay_layout_close(l);
	}
	return ASSAY_OK;
}

static enum assay_code rdb_decode(const struct assay_anatomy *anatomy, const struct assay_node *node,
				  struct assay_sink *sink, struct assay_error *err)
{
	struct assay_span bytes = assay_node_bytes(anatomy, node);
	uint64_t consumed;

	return assay_codec_decode(ASSAY_CODEC_ZLIB, &bytes, 1, sink, &consumed, err);
}

const struct assay_format assay_format_rdb = {
	.name = "rdb",
	.bid = rdb_bid,
	.lay_out = rdb_lay_out,
	.decode = rdb_decode,
	.fields = rdb_fields,
};
