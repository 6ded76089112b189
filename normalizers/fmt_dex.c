/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dalvik executables (dex; source.android.com, "Dalvik executable format"): the header and the sections that the
 * map at its end lists.  Both sums of the header cover all that follows; the adler32 is verified here, the SHA-1
 * that runtimes take for the identity of the file is not, and is never folded.
 */
#include "field_rows.h"
#include "places.h"
#include "rows.h"

enum {
	MAGIC,
	CHECKSUM,
	SIGNATURE,
	HEADER,
	TABLE,
	CODE,
	DATA,
	GAP,
	PADDING,
};

static const struct assay_field dex_fields[] = {
	[MAGIC] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "dex.magic", ASSAY_SEVERITY_STRUCTURE, NULL,
				  "\"dex\" and the version of the format"),
	[CHECKSUM] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "dex.checksum", ASSAY_SEVERITY_METADATA,
				     "checksum_of_changed_content", "adler32 of what follows, verified"),
	[SIGNATURE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "dex.sha1", ASSAY_SEVERITY_METADATA,
				      "checksum_of_changed_content",
				      "SHA-1 of what follows: identity of the file (not verified here)"),
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_METADATA, "dex.header", ASSAY_SEVERITY_STRUCTURE, NULL,
				   "sizes and places of the sections"),
	[TABLE] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "dex.table", ASSAY_SEVERITY_CODE, NULL,
				  "identifiers, classes, annotations: what is called and what exists"),
	[CODE] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "dex.code", ASSAY_SEVERITY_CODE, NULL,
				 "instructions of methods"),
	[DATA] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "dex.data", ASSAY_SEVERITY_DATA, NULL,
				 "strings, constants or debug information"),
	[GAP] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "dex.gap", ASSAY_SEVERITY_STRUCTURE, NULL,
				"bytes that the map does not name"),
	[PADDING] = ASSAY_ROW_NEVER(ASSAY_PADDING, "dex.padding", ASSAY_SEVERITY_METADATA, NULL,
				    "zeros between the sections"),
	{ .name = NULL },
};

#define F(x) (&dex_fields[x])

#define HEADER_SIZE 112
#define MAP_ITEM 12

static const struct assay_row header[] = {
	{ MAGIC, 8, ASSAY_SHOW_NONE, NULL },
	{ CHECKSUM, 4, ASSAY_SHOW_HEX, NULL },
	{ SIGNATURE, 20, ASSAY_SHOW_NONE, NULL },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "file size" },
	{ HEADER, 8, ASSAY_SHOW_NONE, "header size and byte order" },
	{ HEADER, 8, ASSAY_SHOW_NONE, "link section" },
	{ HEADER, 4, ASSAY_SHOW_HEX, "map" },
	{ HEADER, 8, ASSAY_SHOW_NONE, "strings" },
	{ HEADER, 8, ASSAY_SHOW_NONE, "types" },
	{ HEADER, 8, ASSAY_SHOW_NONE, "prototypes" },
	{ HEADER, 8, ASSAY_SHOW_NONE, "fields" },
	{ HEADER, 8, ASSAY_SHOW_NONE, "methods" },
	{ HEADER, 8, ASSAY_SHOW_NONE, "classes" },
	{ HEADER, 8, ASSAY_SHOW_NONE, "data" },
};

static const struct {
	uint16_t type;
	uint8_t field;
	const char *name;
} sections[] = {
	{ 0x0001, TABLE, "string ids" },	{ 0x0002, TABLE, "type ids" },
	{ 0x0003, TABLE, "prototype ids" },	{ 0x0004, TABLE, "field ids" },
	{ 0x0005, TABLE, "method ids" },	{ 0x0006, TABLE, "class definitions" },
	{ 0x0007, TABLE, "call sites" },	{ 0x0008, TABLE, "method handles" },
	{ 0x1000, TABLE, "map" },		{ 0x1001, TABLE, "type lists" },
	{ 0x1002, TABLE, "annotation set references" }, { 0x1003, TABLE, "annotation sets" },
	{ 0x2000, TABLE, "class data" },	{ 0x2001, CODE, "code" },
	{ 0x2002, DATA, "strings" },		{ 0x2003, DATA, "debug information" },
	{ 0x2004, TABLE, "annotations" },	{ 0x2005, DATA, "encoded arrays" },
	{ 0x2006, TABLE, "annotation directories" }, { 0xf000, TABLE, "hidden API flags" },
};

#define SECTIONS (sizeof(sections) / sizeof(sections[0]))

static uint64_t get(struct assay_span file, uint64_t at, unsigned width)
{
	return assay_rows_number(file, at, width, false);
}

static unsigned dex_bid(struct assay_span file)
{
	return file.len >= HEADER_SIZE && memcmp(file.data, "dex\n", 4) == 0 && file.data[7] == 0 &&
			       get(file, 40, 4) == 0x12345678 ?
		       64 :
		       0;
}

static uint32_t adler32(struct assay_span s)
{
	uint32_t a = 1, b = 0;

	for (size_t i = 0; i < s.len; i++) {
		a = (a + s.data[i]) % 65521;
		b = (b + a) % 65521;
	}
	return b << 16 | a;
}

/* A section reaches to the start of the next one of the map. */
static uint64_t section_end(struct assay_span file, uint64_t map, uint64_t count, uint64_t start)
{
	uint64_t end = file.len;

	for (uint64_t i = 0; i < count; i++) {
		uint64_t other = get(file, map + 4 + i * MAP_ITEM + 8, 4);

		if (other > start && other < end)
			end = other;
	}
	return end;
}

static void add_sections(struct assay_layout *l, struct assay_places *places, struct assay_span file,
			 uint64_t map, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		uint64_t type = get(file, map + 4 + i * MAP_ITEM, 2), k = 0;
		uint64_t start = get(file, map + 4 + i * MAP_ITEM + 8, 4);

		while (k < SECTIONS && sections[k].type != type)
			k++;
		if (type == 0 || start < HEADER_SIZE || start >= file.len)
			continue;
		assay_places_add(l, places,
				 &(struct assay_place){
					 .start = start,
					 .length = section_end(file, map, count, start) - start,
					 .field = F(k < SECTIONS ? sections[k].field : TABLE),
					 .name = assay_span_text(k < SECTIONS ? sections[k].name : "other") });
	}
}

#define MOST_SECTIONS 64

static enum assay_code dex_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	uint64_t map = get(file, 52, 4), count = get(file, map, 4);
	struct assay_places places = { 0 };

	if (map < HEADER_SIZE || map > file.len - 4 || count > MOST_SECTIONS ||
	    count * MAP_ITEM > file.len - map - 4)
		return assay_fail(err, ASSAY_EINPUT, "offset 52: map: lies outside the file");
	if (get(file, 32, 4) != file.len)
		assay_layout_ambiguous(l, 32, "file size: want %zu, have %llu", file.len,
				       (unsigned long long)get(file, 32, 4));
	if (adler32(assay_span_cut(file, 12, SIZE_MAX)) != get(file, 8, 4))
		assay_layout_ambiguous(l, 8, "adler32 of the file is wrong");
	assay_rows_lay_out(l, dex_fields, header, sizeof(header) / sizeof(header[0]), false);
	add_sections(l, &places, file, map, count);
	return assay_places_lay_out(l, &places, file.len, F(GAP), F(PADDING), err);
}

const struct assay_format assay_format_dex = {
	.name = "dex",
	.bid = dex_bid,
	.lay_out = dex_lay_out,
	.fields = dex_fields,
};
