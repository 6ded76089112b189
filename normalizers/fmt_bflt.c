/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flat binaries of Linux without an MMU (bFLT version 4, include/linux/flat.h, big-endian): header, text, data,
 * relocations.  The kernel reads past the date of the build and uses it for nothing.
 */
#include "emit.h"
#include "field_rows.h"
#include "rows.h"

enum {
	MAGIC,
	HEADER,
	TIME,
	FILLER,
	TEXT,
	DATA,
	RELOCATIONS,
};

static const struct assay_field bflt_fields[] = {
	[MAGIC] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "bflt.magic", ASSAY_SEVERITY_STRUCTURE, NULL,
				  "bFLT and version 4"),
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_METADATA, "bflt.header", ASSAY_SEVERITY_CODE, NULL,
				   "places of the sections, stack size and flags, which the kernel reads"),
	[TIME] = ASSAY_ROW_SAFE(ASSAY_METADATA, "bflt.time", "bflt-time", ASSAY_GRADE_CONTAINER,
				"timestamps_embedded_in_content",
				"time of the conversion from ELF (build_date): nothing reads it"),
	[FILLER] = ASSAY_ROW_NEVER(ASSAY_METADATA, "bflt.filler", ASSAY_SEVERITY_DATA, NULL,
				   "reserved words"),
	[TEXT] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "bflt.text", ASSAY_SEVERITY_CODE, NULL,
				 "code, compressed where the flags say so"),
	[DATA] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "bflt.data", ASSAY_SEVERITY_DATA, NULL, "data"),
	[RELOCATIONS] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "bflt.relocations", ASSAY_SEVERITY_CODE, NULL,
					"relocations, and symbols where a tool left them"),
	{ .name = NULL },
};

#define F(x) (&bflt_fields[x])

#define HEADER_SIZE 64

static const struct assay_row header[] = {
	{ MAGIC, 8, ASSAY_SHOW_NONE, NULL },
	{ HEADER, 4, ASSAY_SHOW_HEX, "entry" },
	{ HEADER, 4, ASSAY_SHOW_HEX, "data start" },
	{ HEADER, 4, ASSAY_SHOW_HEX, "data end" },
	{ HEADER, 4, ASSAY_SHOW_HEX, "bss end" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "stack size" },
	{ HEADER, 4, ASSAY_SHOW_HEX, "relocation start" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "relocations" },
	{ HEADER, 4, ASSAY_SHOW_HEX, "flags" },
	{ TIME, 4, ASSAY_SHOW_TIME, NULL },
	{ FILLER, 20, ASSAY_SHOW_NONE, NULL },
};

static unsigned bflt_bid(struct assay_span file)
{
	return file.len >= HEADER_SIZE && memcmp(file.data, "bFLT\0\0\0\4", 8) == 0 ? 64 : 0;
}

static void section(struct assay_layout *l, int field, const char *name, uint64_t end)
{
	uint64_t at = assay_layout_at(l);

	if (end > at)
		assay_layout_name(l, assay_layout_leaf(l, F(field), end - at), assay_span_text(name));
}

static enum assay_code bflt_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	uint64_t data = assay_rows_number(file, 12, 4, true), relocations = assay_rows_number(file, 28, 4, true);
	bool is_packed = assay_rows_number(file, 36, 4, true) & 12; /* gzip: places are those of the unpacked */

	if (data < HEADER_SIZE || relocations < data || (!is_packed && relocations > file.len))
		return assay_fail(err, ASSAY_EINPUT, "offset 12: sections: lie outside the file");
	assay_rows_lay_out(l, bflt_fields, header, sizeof(header) / sizeof(header[0]), true);
	section(l, TEXT, "text", is_packed ? file.len : data);
	section(l, DATA, "data", is_packed ? file.len : relocations);
	section(l, RELOCATIONS, "relocations", file.len);
	return ASSAY_OK;
}

static enum assay_code make_time(struct assay_emit *e, const struct assay_anatomy *a, const struct assay_node *n,
				 struct assay_rope *rope, struct assay_error *err)
{
	uint8_t time[4];

	assay_emit_be32(time, assay_emit_time(e, n->field, (int64_t)assay_rows_number(a->bytes, n->offset, 4, true)));
	return assay_emit_make(e, rope, time, sizeof(time), err);
}

static enum assay_code bflt_emit(struct assay_emit *e, const struct assay_anatomy *a, struct assay_rope *rope,
				 struct assay_error *err)
{
	return assay_emit_leaves(e, a, make_time, rope, err);
}

const struct assay_format assay_format_bflt = {
	.name = "bflt",
	.bid = bflt_bid,
	.lay_out = bflt_lay_out,
	.emit = bflt_emit,
	.fields = bflt_fields,
};
