/* SPDX-License-Identifier: Apache-2.0 */
/* GIF 87a and 89a (CompuServe specification): screen, colours, images and extensions as blocks. */
#include "field_rows.h"
#include "rows.h"

enum {
	SIGNATURE,
	SCREEN,
	COLOURS,
	EXTENSION,
	COMMENT,
	IMAGE,
	DATA,
	TRAILER,
	TRAILING,
};

static const struct assay_field gif_fields[] = {
	[SIGNATURE] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "gif.signature", ASSAY_SEVERITY_STRUCTURE, NULL,
				      "GIF and the version (17)"),
	[SCREEN] = ASSAY_ROW_NEVER(ASSAY_METADATA, "gif.screen", ASSAY_SEVERITY_DATA, NULL,
				   "logical screen: size, colours, background (18)"),
	[COLOURS] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "gif.colours", ASSAY_SEVERITY_DATA, NULL,
				    "a table of colours (19, 21)"),
	[EXTENSION] = ASSAY_ROW_NEVER(ASSAY_METADATA, "gif.extension", ASSAY_SEVERITY_DATA, NULL,
				      "timing, transparency, text or data of an application (23, 25, 26)"),
	[COMMENT] = ASSAY_ROW_NEVER(ASSAY_METADATA, "gif.comment", ASSAY_SEVERITY_METADATA, NULL,
				    "comment, often the name of the encoder (24)"),
	[IMAGE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "gif.image", ASSAY_SEVERITY_DATA, NULL,
				  "place, size and flags of an image (20)"),
	[DATA] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "gif.data", ASSAY_SEVERITY_DATA, NULL,
				 "LZW-coded pixels (22)"),
	[TRAILER] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "gif.trailer", ASSAY_SEVERITY_STRUCTURE, NULL,
				    "end of the file (27)"),
	[TRAILING] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "gif.trailing", ASSAY_SEVERITY_STRUCTURE, NULL,
				     "bytes behind the trailer: some programs read them"),
	{ .name = NULL },
};

#define F(x) (&gif_fields[x])

enum { BLOCK_EXTENSION = 0x21, BLOCK_IMAGE = 0x2c, BLOCK_TRAILER = 0x3b, LABEL_COMMENT = 0xfe };

static unsigned gif_bid(struct assay_span file)
{
	return file.len >= 13 && (memcmp(file.data, "GIF87a", 6) == 0 ||
				  memcmp(file.data, "GIF89a", 6) == 0) ?
		       48 :
		       0;
}

static uint64_t colours_of(uint8_t packed)
{
	return packed & 0x80 ? 3ULL << ((packed & 7) + 1) : 0;
}

/* The length of a chain of sub-blocks with its terminator; 0 when it leaves the file (15). */
static uint64_t chain_length(struct assay_span s, uint64_t from)
{
	for (uint64_t at = from; at < s.len; at += 1ULL + s.data[at])
		if (s.data[at] == 0)
			return at + 1 - from;
	return 0;
}

static enum assay_code cut_short(const struct assay_layout *l, struct assay_error *err)
{
	return assay_fail(err, ASSAY_EINPUT, "offset %llu: block: cut short",
			  (unsigned long long)assay_layout_at(l));
}

static enum assay_code lay_out_extension(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span rest = assay_layout_peek(l, 0, UINT64_MAX);
	uint64_t length = chain_length(rest, 2);

	if (length == 0)
		return cut_short(l, err);
	assay_layout_leaf(l, F(rest.data[1] == LABEL_COMMENT ? COMMENT : EXTENSION), 2 + length);
	return ASSAY_OK;
}

static enum assay_code lay_out_image(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span rest = assay_layout_peek(l, 0, UINT64_MAX);
	uint64_t colours = rest.len >= 10 ? colours_of(rest.data[9]) : 0, length;

	length = rest.len >= 11 + colours ? chain_length(rest, 11 + colours) : 0;
	if (length == 0)
		return cut_short(l, err);
	assay_layout_leaf(l, F(IMAGE), 10);
	if (colours)
		assay_layout_leaf(l, F(COLOURS), colours);
	assay_layout_leaf(l, F(DATA), 1 + length);
	return ASSAY_OK;
}

static enum assay_code gif_lay_out(struct assay_layout *l, struct assay_error *err)
{
	static const struct assay_row screen[] = {
		{ SIGNATURE, 6, ASSAY_SHOW_TEXT, NULL },
		{ SCREEN, 2, ASSAY_SHOW_NUMBER, "width" },
		{ SCREEN, 2, ASSAY_SHOW_NUMBER, "height" },
		{ SCREEN, 1, ASSAY_SHOW_HEX, "flags" },
		{ SCREEN, 1, ASSAY_SHOW_NUMBER, "background" },
		{ SCREEN, 1, ASSAY_SHOW_NUMBER, "aspect" },
	};
	uint64_t colours = colours_of(assay_layout_bytes(l).data[10]);
	uint8_t kind = 0;

	assay_rows_lay_out(l, gif_fields, screen, sizeof(screen) / sizeof(screen[0]), false);
	if (colours)
		assay_layout_leaf(l, F(COLOURS), colours);
	while (kind != BLOCK_TRAILER && !assay_layout_failed(l)) {
		struct assay_span next = assay_layout_peek(l, 0, 1);

		kind = next.len ? next.data[0] : 0;
		if (kind == BLOCK_EXTENSION) {
			if (lay_out_extension(l, err))
				return err->code;
		} else if (kind == BLOCK_IMAGE) {
			if (lay_out_image(l, err))
				return err->code;
		} else if (kind == BLOCK_TRAILER) {
			assay_layout_leaf(l, F(TRAILER), 1);
		} else {
			return cut_short(l, err);
		}
	}
	if (!assay_layout_failed(l) && assay_layout_left(l)) {
		assay_layout_ambiguous(l, assay_layout_at(l), "%llu bytes behind the trailer",
				       (unsigned long long)assay_layout_left(l));
		assay_layout_leaf(l, F(TRAILING), assay_layout_left(l));
	}
	return ASSAY_OK;
}

const struct assay_format assay_format_gif = {
	.name = "gif",
	.bid = gif_bid,
	.lay_out = gif_lay_out,
	.fields = gif_fields,
};
