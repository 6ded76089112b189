/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 7z archives (7zFormat.txt of the LZMA SDK): the start header, the packed streams and the header that
 * describes them, both sums of headers verified; the members are compared as those of a tar archive
 * (tree_archive.h), or, within another archive, as the bytes they are packed in.
 */
#include "assay/codec.h"
#include "field_rows.h"
#include "rows.h"
#include "tree_archive.h"

enum {
	SIGNATURE,
	START,
	START_SUM,
	STREAMS,
	HEADER,
	TRAILING,
};

static const struct assay_field sevenzip_fields[] = {
	[SIGNATURE] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "sevenzip.signature", ASSAY_SEVERITY_STRUCTURE,
				      NULL, "\"7z\" bc af 27 1c and the version"),
	[START] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "sevenzip.start", ASSAY_SEVERITY_METADATA,
				  "checksum_of_changed_content",
				  "place, size and CRC of the header, verified"),
	[START_SUM] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "sevenzip.start-sum", ASSAY_SEVERITY_METADATA,
				      "checksum_of_changed_content",
				      "CRC of the start header, verified"),
	[STREAMS] = ASSAY_ROW_NEVER(ASSAY_ENCODING, "sevenzip.streams", ASSAY_SEVERITY_METADATA, NULL,
				    "packed streams of the files, and whatever stands between them"),
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_ENCODING, "sevenzip.header", ASSAY_SEVERITY_METADATA, NULL,
				   "names, times, attributes and coders of the files, mostly compressed"),
	[TRAILING] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "sevenzip.trailing", ASSAY_SEVERITY_STRUCTURE,
				     NULL, "bytes behind the header"),
	{ .name = NULL },
};

#define F(x) (&sevenzip_fields[x])

#define START_SIZE 32

static uint64_t get(struct assay_span file, uint64_t at, unsigned width)
{
	return assay_rows_number(file, at, width, false);
}

static unsigned sevenzip_bid(struct assay_span file)
{
	return file.len >= START_SIZE && memcmp(file.data, "7z\xbc\xaf\x27\x1c", 6) == 0 ? 48 : 0;
}

static enum assay_code sevenzip_lay_out(struct assay_layout *l, struct assay_error *err)
{
	static const struct assay_row start[] = {
		{ SIGNATURE, 6, ASSAY_SHOW_NONE, NULL },
		{ SIGNATURE, 2, ASSAY_SHOW_HEX, "version" },
		{ START_SUM, 4, ASSAY_SHOW_HEX, NULL },
		{ START, 8, ASSAY_SHOW_NUMBER, "offset" },
		{ START, 8, ASSAY_SHOW_NUMBER, "size" },
		{ START, 4, ASSAY_SHOW_HEX, "sum" },
	};
	struct assay_span file = assay_layout_bytes(l);
	uint64_t offset = get(file, 12, 8), size = get(file, 20, 8), left = file.len - START_SIZE;

	if (offset > left || size > left - offset)
		return assay_fail(err, ASSAY_EINPUT, "offset 12: header: lies outside the file");
	if (get(file, 8, 4) != assay_crc32(0, assay_span_cut(file, 12, 20)) ||
	    get(file, 28, 4) != assay_crc32(0, assay_span_cut(file, START_SIZE + offset, size)))
		return assay_fail(err, ASSAY_EINPUT, "offset 8: CRC of a header: is wrong");
	if (tree_archive_is_ready())
		assay_layout_encoded(l, assay_layout_root(l));
	assay_rows_lay_out(l, sevenzip_fields, start, sizeof(start) / sizeof(start[0]), false);
	if (offset)
		assay_layout_leaf(l, F(STREAMS), offset);
	if (size)
		assay_layout_leaf(l, F(HEADER), size);
	if (!assay_layout_failed(l) && assay_layout_left(l)) {
		assay_layout_ambiguous(l, assay_layout_at(l), "bytes behind the header");
		assay_layout_leaf(l, F(TRAILING), assay_layout_left(l));
	}
	return ASSAY_OK;
}

static enum assay_code sevenzip_decode(const struct assay_anatomy *anatomy, const struct assay_node *node,
				       struct assay_sink *sink, struct assay_error *err)
{
	(void)node;
	return tree_archive_read(anatomy->bytes, sink, err);
}

const struct assay_format assay_format_sevenzip = {
	.name = "sevenzip",
	.bid = sevenzip_bid,
	.lay_out = sevenzip_lay_out,
	.decode = sevenzip_decode,
	.fields = sevenzip_fields,
};
