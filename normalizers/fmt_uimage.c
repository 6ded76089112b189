/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Legacy images of U-Boot (include/image.h: struct legacy_img_hdr, big-endian): a header with two sums, then the
 * image.  The time in it is printed by the boot loader and used for nothing; the name is printed too.
 */
#include "assay/codec.h"
#include "emit.h"
#include "field_rows.h"
#include "rows.h"

enum {
	MAGIC,
	HEADER_SUM,
	TIME,
	HEADER,
	SIZE,
	DATA_SUM,
	NAME,
	DATA,
	TRAILING,
};

static const struct assay_field uimage_fields[] = {
	[MAGIC] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "uimage.magic", ASSAY_SEVERITY_STRUCTURE, NULL,
				  "27 05 19 56"),
	[HEADER_SUM] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "uimage.header-sum", ASSAY_SEVERITY_METADATA,
				       "checksum_of_changed_content", "CRC-32 of the header, verified"),
	[TIME] = ASSAY_ROW_SAFE(ASSAY_METADATA, "uimage.time", "uimage-time", ASSAY_GRADE_CONTAINER,
				"timestamps_embedded_in_content",
				"time at which the image was made; U-Boot prints it (ih_time)"),
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_METADATA, "uimage.header", ASSAY_SEVERITY_CODE, NULL,
				   "load address, entry point, system, machine, type or compression"),
	[SIZE] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "uimage.size", ASSAY_SEVERITY_METADATA,
				 "size_of_changed_content", "size of the image, verified"),
	[DATA_SUM] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "uimage.data-sum", ASSAY_SEVERITY_METADATA,
				     "checksum_of_changed_content", "CRC-32 of the image, verified"),
	[NAME] = ASSAY_ROW_NEVER(ASSAY_METADATA, "uimage.name", ASSAY_SEVERITY_METADATA, NULL,
				 "name of the image (ih_name)"),
	[DATA] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "uimage.data", ASSAY_SEVERITY_CODE, NULL,
				 "what is loaded and run, mostly compressed"),
	[TRAILING] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "uimage.trailing", ASSAY_SEVERITY_STRUCTURE, NULL,
				     "bytes behind the image"),
	{ .name = NULL },
};

#define F(x) (&uimage_fields[x])

#define HEADER_SIZE 64

static const struct assay_row header[] = {
	{ MAGIC, 4, ASSAY_SHOW_NONE, NULL },
	{ HEADER_SUM, 4, ASSAY_SHOW_HEX, NULL },
	{ TIME, 4, ASSAY_SHOW_TIME, NULL },
	{ SIZE, 4, ASSAY_SHOW_NUMBER, NULL },
	{ HEADER, 4, ASSAY_SHOW_HEX, "load address" },
	{ HEADER, 4, ASSAY_SHOW_HEX, "entry point" },
	{ DATA_SUM, 4, ASSAY_SHOW_HEX, NULL },
	{ HEADER, 1, ASSAY_SHOW_NUMBER, "system" },
	{ HEADER, 1, ASSAY_SHOW_NUMBER, "machine" },
	{ HEADER, 1, ASSAY_SHOW_NUMBER, "type" },
	{ HEADER, 1, ASSAY_SHOW_NUMBER, "compression" },
	{ NAME, 32, ASSAY_SHOW_TEXT, NULL },
};

static unsigned uimage_bid(struct assay_span file)
{
	return file.len >= HEADER_SIZE && memcmp(file.data, "\x27\x05\x19\x56", 4) == 0 ? 32 : 0;
}

/* Over the header with the field of the sum as zeros. */
static uint32_t header_sum(struct assay_span file)
{
	uint8_t head[HEADER_SIZE];

	memcpy(head, file.data, HEADER_SIZE);
	memset(head + 4, 0, 4);
	return assay_crc32(0, assay_span_of(head, HEADER_SIZE));
}

/* The image is what the header says, byte for byte: only the time changes, and the sum over the header. */
static enum assay_code uimage_emit(struct assay_emit *e, const struct assay_anatomy *a, struct assay_rope *rope,
				   struct assay_error *err)
{
	uint8_t head[HEADER_SIZE];

	memcpy(head, a->bytes.data, HEADER_SIZE);
	assay_emit_be32(head + 8, assay_emit_time(e, F(TIME), (int64_t)assay_rows_number(a->bytes, 8, 4, true)));
	assay_emit_be32(head + 4, header_sum(assay_span_of(head, HEADER_SIZE)));
	if (assay_emit_make(e, rope, head, sizeof(head), err))
		return err->code;
	return assay_rope_add(rope, assay_span_cut(a->bytes, HEADER_SIZE, SIZE_MAX), err);
}

static enum assay_code uimage_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	uint64_t size = assay_rows_number(file, 12, 4, true);
	struct assay_node *leaf;

	if (size > file.len - HEADER_SIZE)
		return assay_fail(err, ASSAY_EINPUT, "offset 12: size: want at most %zu, have %llu",
				  file.len - HEADER_SIZE, (unsigned long long)size);
	if (header_sum(file) != assay_rows_number(file, 4, 4, true))
		assay_layout_ambiguous(l, 4, "CRC of the header is wrong");
	if (assay_crc32(0, assay_span_cut(file, HEADER_SIZE, size)) != assay_rows_number(file, 24, 4, true))
		assay_layout_ambiguous(l, 24, "CRC of the image is wrong");
	assay_rows_lay_out(l, uimage_fields, header, sizeof(header) / sizeof(header[0]), true);
	if (size) {
		leaf = assay_layout_leaf(l, F(DATA), size);
		assay_layout_name(l, leaf, assay_span_text("image"));
		assay_layout_payload(l, leaf);
		assay_layout_raw(l, leaf);
	}
	if (assay_layout_left(l)) {
		assay_layout_ambiguous(l, HEADER_SIZE + size, "bytes behind the image");
		assay_layout_leaf(l, F(TRAILING), assay_layout_left(l));
	}
	return ASSAY_OK;
}

const struct assay_format assay_format_uimage = {
	.name = "uimage",
	.bid = uimage_bid,
	.lay_out = uimage_lay_out,
	.emit = uimage_emit,
	.fields = uimage_fields,
};
