/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serialized objects of R in XDR form (R Internals, section 1.8, "Serialization Formats"): what .rds files hold when
 * they are unpacked, and each object of a lazy-load database.  The header names the R that wrote it and, since
 * version 3, the encoding of the locale it ran in.
 */
#include "field_rows.h"
#include "rows.h"

enum {
	HEADER,
	WRITER,
	ENCODING,
	OBJECT,
};

static const struct assay_field rds_fields[] = {
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "rds.header", ASSAY_SEVERITY_STRUCTURE, NULL,
				   "format, its version, and the oldest R that reads it"),
	[WRITER] = ASSAY_ROW_NEVER(ASSAY_METADATA, "rds.writer", ASSAY_SEVERITY_METADATA, "tool_version_differs",
				   "version of the R that wrote the object: readers only print it"),
	[ENCODING] = ASSAY_ROW_NEVER(ASSAY_METADATA, "rds.encoding", ASSAY_SEVERITY_DATA, "different_due_to_locale",
				     "native encoding of the session that wrote it, in which unmarked texts are read"),
	[OBJECT] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "rds.object", ASSAY_SEVERITY_CODE, NULL,
				   "the object: closures and byte code, or data"),
	{ .name = NULL },
};

#define F(x) (&rds_fields[x])

#define HEADER_SIZE 14
#define LONGEST_ENCODING 64

static uint64_t word(struct assay_span s, uint64_t at)
{
	return assay_rows_number(s, at, 4, true);
}

/* R 1.4 was the first to write version 2, R 3.5 the first to write version 3. */
static unsigned rds_bid(struct assay_span file)
{
	uint64_t version = word(file, 2);

	if (file.len <= HEADER_SIZE || memcmp(file.data, "X\n", 2) != 0 || version < 2 || version > 3)
		return 0;
	if (word(file, 6) < 0x10400 || word(file, 6) > 0xffffff || word(file, 10) < 0x10400 || word(file, 10) > word(file, 6))
		return 0;
	return version == 2 || word(file, 14) - 1 < LONGEST_ENCODING ? 80 : 0;
}

static enum assay_code rds_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	uint64_t version = word(file, 2), writer = word(file, 6);
	struct assay_node *leaf;

	(void)err;
	assay_layout_name(l, assay_layout_leaf(l, F(HEADER), 6), assay_span_text("format"));
	leaf = assay_layout_leaf(l, F(WRITER), 4);
	assay_layout_value(l, leaf, "R %u.%u.%u", (unsigned)(writer >> 16), (unsigned)(writer >> 8 & 255),
			   (unsigned)(writer & 255));
	assay_layout_name(l, assay_layout_leaf(l, F(HEADER), 4), assay_span_text("oldest reader"));
	if (version == 3)
		assay_layout_leaf(l, F(ENCODING), 4 + word(file, 14));
	if (assay_layout_left(l))
		assay_layout_leaf(l, F(OBJECT), assay_layout_left(l));
	return ASSAY_OK;
}

const struct assay_format assay_format_rds = {
	.name = "rds",
	.bid = rds_bid,
	.lay_out = rds_lay_out,
	.fields = rds_fields,
};
