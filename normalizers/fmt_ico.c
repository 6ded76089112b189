/* SPDX-License-Identifier: Apache-2.0 */
/* Icons and cursors of Windows: a directory of images, each a PNG or a bitmap without its file header. */
#include "field_rows.h"
#include "places.h"
#include "rows.h"

enum {
	HEADER,
	ENTRY,
	PLACE,
	IMAGE,
	GAP,
	PADDING,
};

static const struct assay_field ico_fields[] = {
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "ico.header", ASSAY_SEVERITY_STRUCTURE, NULL,
				   "icon or cursor, and the number of images"),
	[ENTRY] = ASSAY_ROW_NEVER(ASSAY_METADATA, "ico.entry", ASSAY_SEVERITY_DATA, NULL,
				  "size, colours and depth of an image, by which one is chosen; of a cursor its hot spot"),
	[PLACE] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "ico.place", ASSAY_SEVERITY_METADATA, "size_of_changed_content",
				  "length and place of an image, by which it is found"),
	[IMAGE] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "ico.image", ASSAY_SEVERITY_DATA, NULL, "an image"),
	[GAP] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "ico.gap", ASSAY_SEVERITY_DATA, NULL, "bytes that no image claims"),
	[PADDING] = ASSAY_ROW_NEVER(ASSAY_PADDING, "ico.padding", ASSAY_SEVERITY_METADATA, NULL, "zeros between images"),
	{ .name = NULL },
};

#define F(x) (&ico_fields[x])

#define HEADER_SIZE 6
#define ENTRY_SIZE 16
#define MOST_IMAGES 256

static const struct assay_row entry[] = {
	{ ENTRY, 1, ASSAY_SHOW_NUMBER, "width" },  { ENTRY, 1, ASSAY_SHOW_NUMBER, "height" },
	{ ENTRY, 1, ASSAY_SHOW_NUMBER, "colours" }, { ENTRY, 1, ASSAY_SHOW_NUMBER, "reserved" },
	{ ENTRY, 2, ASSAY_SHOW_NUMBER, "planes" }, { ENTRY, 2, ASSAY_SHOW_NUMBER, "depth" },
	{ PLACE, 4, ASSAY_SHOW_NUMBER, "length" }, { PLACE, 4, ASSAY_SHOW_NUMBER, "offset" },
};

static const char png[] = "\x89PNG\r\n\x1a\n";

static uint64_t get(struct assay_span s, uint64_t at, unsigned width)
{
	return assay_rows_number(s, at, width, false);
}

/* A PNG, or the header of a bitmap. */
static bool is_image(struct assay_span s)
{
	return assay_span_starts(s, png) || (s.len >= 40 && get(s, 0, 4) == 40);
}

/* The magic is weak: the first image must be one. */
static unsigned ico_bid(struct assay_span file)
{
	uint64_t count = get(file, 4, 2);

	if (file.len < HEADER_SIZE + ENTRY_SIZE || get(file, 0, 2) || get(file, 2, 2) < 1 || get(file, 2, 2) > 2)
		return 0;
	if (!count || count > MOST_IMAGES || file.data[9])
		return 0;
	return is_image(assay_span_cut(file, get(file, 18, 4), get(file, 14, 4))) ? 64 : 0;
}

static enum assay_code ico_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	struct assay_arena *arena = &assay_layout_anatomy(l)->arena;
	uint64_t count = get(file, 4, 2);
	struct assay_places places = { 0 };

	if (HEADER_SIZE + ENTRY_SIZE * count > file.len)
		return assay_fail(err, ASSAY_EINPUT, "offset 4: number of images: want entries for all, the file ends");
	assay_layout_leaf(l, F(HEADER), HEADER_SIZE);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t at = assay_layout_at(l), start = get(file, at + 12, 4), length = get(file, at + 8, 4);
		char *name = assay_arena_printf(arena, "image %llu", (unsigned long long)i);
		struct assay_span shown = assay_span_text(name ? name : "");

		assay_layout_name(l, assay_layout_open(l, F(ENTRY)), shown);
		assay_rows_lay_out(l, ico_fields, entry, sizeof(entry) / sizeof(entry[0]), false);
		assay_layout_close(l);
		assay_places_add(l, &places,
				 &(struct assay_place){
					 .start = start,
					 .length = length,
					 .field = F(IMAGE),
					 .name = shown,
					 .is_payload = assay_span_starts(assay_span_cut(file, start, length), png),
				 });
	}
	return assay_places_lay_out(l, &places, file.len, F(GAP), F(PADDING), err);
}

const struct assay_format assay_format_ico = {
	.name = "ico",
	.bid = ico_bid,
	.lay_out = ico_lay_out,
	.fields = ico_fields,
};
