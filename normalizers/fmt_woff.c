/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fonts for the web: WOFF 1.0 (each table a zlib stream of its own, decoded) and WOFF2 (one Brotli
 * stream, compared as it is).  W3C recommendations of 2012 and 2018.
 */
#include "assay/codec.h"
#include "field_rows.h"
#include "places.h"
#include "rows.h"

enum {
	HEADER,
	RECORD,
	TABLE,
	PACKED,
	COMPRESSED,
	EXTRA,
	GAP,
	PADDING,
};

static const struct assay_field woff_fields[] = {
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_METADATA, "woff.header", ASSAY_SEVERITY_STRUCTURE, NULL,
				   "kind, sizes and number of tables"),
	[RECORD] = ASSAY_ROW_NEVER(ASSAY_METADATA, "woff.record", ASSAY_SEVERITY_STRUCTURE, NULL,
				   "tag, place, lengths and sum of a table"),
	[TABLE] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "woff.table", ASSAY_SEVERITY_DATA, NULL,
				  "a table that is stored as it is"),
	[PACKED] = ASSAY_ROW_NEVER(ASSAY_ENCODING, "woff.table.compressed", ASSAY_SEVERITY_METADATA,
				   "compression_encoder_differs", "a table as a zlib stream"),
	[COMPRESSED] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "woff.brotli", ASSAY_SEVERITY_DATA, NULL,
				       "all tables of a WOFF2 font as one Brotli stream, not decoded here"),
	[EXTRA] = ASSAY_ROW_NEVER(ASSAY_METADATA, "woff.extra", ASSAY_SEVERITY_METADATA, NULL,
				  "extended metadata or private data"),
	[GAP] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "woff.gap", ASSAY_SEVERITY_DATA, NULL,
				"bytes that no table claims and that are not zero"),
	[PADDING] = ASSAY_ROW_NEVER(ASSAY_PADDING, "woff.padding", ASSAY_SEVERITY_METADATA, NULL,
				    "zeros up to a multiple of four"),
	{ .name = NULL },
};

#define F(x) (&woff_fields[x])

#define HEADER_1 44
#define HEADER_2 48
#define RECORD_SIZE 20

static const struct assay_row header[] = {
	{ HEADER, 4, ASSAY_SHOW_TEXT, "signature" },
	{ HEADER, 4, ASSAY_SHOW_HEX, "flavour" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "length" },
	{ HEADER, 2, ASSAY_SHOW_NUMBER, "tables" },
	{ HEADER, 2, ASSAY_SHOW_NUMBER, "reserved" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "size of the font" },
};

static uint64_t get(struct assay_span s, uint64_t at, unsigned width)
{
	return assay_rows_number(s, at, width, true);
}

static unsigned woff_bid(struct assay_span file)
{
	if (file.len >= HEADER_1 && assay_span_starts(file, "wOFF"))
		return 32;
	return file.len >= HEADER_2 && assay_span_starts(file, "wOF2") ? 32 : 0;
}

static void lay_out_packed(struct assay_layout *l, const struct assay_place *place)
{
	struct assay_node *leaf = assay_layout_leaf(l, place->field, place->length);

	assay_layout_name(l, leaf, place->name);
	assay_layout_encoded(l, leaf);
	assay_layout_raw(l, leaf);
}

static void add_extra(struct assay_layout *l, struct assay_places *places, uint64_t at)
{
	struct assay_span file = assay_layout_bytes(l);
	uint64_t metadata = get(file, at, 4), private = get(file, at + 12, 4);

	assay_places_add(l, places,
			 &(struct assay_place){ .start = metadata,
						.length = get(file, at + 4, 4),
						.field = F(EXTRA),
						.name = assay_span_text("metadata") });
	assay_places_add(l, places,
			 &(struct assay_place){ .start = private,
						.length = get(file, at + 16, 4),
						.field = F(EXTRA),
						.name = assay_span_text("private data") });
}

static void lay_out_one(struct assay_layout *l, struct assay_places *places, struct assay_span file)
{
	uint64_t count = get(file, 12, 2);

	for (uint64_t i = 0; i < count && !assay_layout_failed(l); i++) {
		uint64_t at = HEADER_1 + RECORD_SIZE * i;
		struct assay_span tag = assay_span_cut(file, at, 4);
		bool packed = get(file, at + 8, 4) < get(file, at + 12, 4);

		assay_layout_name(l, assay_layout_leaf(l, F(RECORD), RECORD_SIZE), tag);
		assay_places_add(l, places,
				 &(struct assay_place){ .start = get(file, at + 4, 4),
							.length = get(file, at + 8, 4),
							.field = F(packed ? PACKED : TABLE),
							.name = tag,
							.lay_out = packed ? lay_out_packed : NULL });
	}
}

static enum assay_code woff_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	bool is_two = file.data[3] == '2';
	uint64_t extra = is_two ? 28 : 24;
	struct assay_places places = { 0 };

	if (get(file, 8, 4) != file.len)
		assay_layout_ambiguous(l, 8, "the header counts %llu bytes, the file has %zu",
				       (unsigned long long)get(file, 8, 4), file.len);
	assay_rows_lay_out(l, woff_fields, header, sizeof(header) / sizeof(header[0]), true);
	assay_layout_name(l, assay_layout_leaf(l, F(HEADER), (is_two ? HEADER_2 : HEADER_1) - 20),
			  assay_span_text("version and extra parts"));
	add_extra(l, &places, extra);
	if (!is_two)
		lay_out_one(l, &places, file);
	return assay_places_lay_out(l, &places, file.len, F(is_two ? COMPRESSED : GAP), F(PADDING), err);
}

static enum assay_code woff_decode(const struct assay_anatomy *anatomy, const struct assay_node *node,
				   struct assay_sink *sink, struct assay_error *err)
{
	struct assay_span bytes = assay_node_bytes(anatomy, node);
	uint64_t consumed;

	if (assay_codec_decode(ASSAY_CODEC_ZLIB, &bytes, 1, sink, &consumed, err))
		return err->code;
	if (consumed != bytes.len)
		return assay_fail(err, ASSAY_EINPUT, "woff: bytes behind the stream of a table");
	return ASSAY_OK;
}

const struct assay_format assay_format_woff = {
	.name = "woff",
	.bid = woff_bid,
	.lay_out = woff_lay_out,
	.decode = woff_decode,
	.fields = woff_fields,
};
