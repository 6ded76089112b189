/* SPDX-License-Identifier: Apache-2.0 */
/*
 * objects.inv of Sphinx (sphinx.util.inventory, version 2): four comment lines, then lines of text in one zlib
 * stream.
 */
#include "assay/codec.h"
#include "field_rows.h"

enum {
	HEAD,
	DATA,
};

static const struct assay_field inventory_fields[] = {
	[HEAD] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "inventory.head", ASSAY_SEVERITY_DATA, NULL,
				 "project and version, which other projects' pages link to"),
	[DATA] = ASSAY_ROW_CHECKED(ASSAY_ENCODING, "inventory.data", assay_check_payload,
				   "inventory-recompress", ASSAY_GRADE_ENCODING,
				   "compression_encoder_differs", "zlib stream of the entries"),
	{ .name = NULL },
};

#define F(x) (&inventory_fields[x])

static const char magic[] = "# Sphinx inventory version 2\n";
#define HEAD_LINES 4
#define HEAD_MAX 4096

/* Behind the fourth line; 0 when there are not that many. */
static size_t head_length(struct assay_span file)
{
	struct assay_span rest = assay_span_cut(file, 0, HEAD_MAX), line = { NULL, 0 };

	for (int i = 0; i < HEAD_LINES; i++)
		if (!assay_span_next_line(&rest, &line) || !line.len || line.data[0] != '#')
			return 0;
	return (size_t)(line.data + line.len - file.data) + 1;
}

static unsigned inventory_bid(struct assay_span file)
{
	return assay_span_starts(file, magic) && head_length(file) ? 8 * (sizeof(magic) - 1) : 0;
}

static enum assay_code inventory_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	size_t head = head_length(file);
	struct assay_measure measure;
	struct assay_node *leaf;

	if (assay_codec_measure(ASSAY_CODEC_ZLIB, assay_span_cut(file, head, SIZE_MAX), &measure, err))
		return err->code;
	if (head + measure.consumed != file.len)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: bytes behind the stream",
				  (unsigned long long)(head + measure.consumed));
	assay_layout_leaf(l, F(HEAD), head);
	leaf = assay_layout_leaf(l, F(DATA), file.len - head);
	assay_layout_encoded(l, leaf);
	assay_layout_raw(l, leaf);
	return ASSAY_OK;
}

static enum assay_code inventory_decode(const struct assay_anatomy *anatomy, const struct assay_node *node,
					struct assay_sink *sink, struct assay_error *err)
{
	struct assay_span bytes = assay_node_bytes(anatomy, node);
	uint64_t consumed;

	return assay_codec_decode(ASSAY_CODEC_ZLIB, &bytes, 1, sink, &consumed, err);
}

const struct assay_format assay_format_inventory = {
	.name = "inventory",
	.bid = inventory_bid,
	.lay_out = inventory_lay_out,
	.decode = inventory_decode,
	.fields = inventory_fields,
};
