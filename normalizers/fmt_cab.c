/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cabinets of Windows ([MS-CAB]): header, folders, files by name with their dates, data blocks of each
 * folder; the members are compared as those of a tar archive (tree_archive.h), or, within another archive, as
 * the blocks they are packed in.
 */
#include "field_rows.h"
#include "places.h"
#include "rows.h"
#include "tree_archive.h"

enum {
	SIGNATURE,
	HEADER,
	RESERVE,
	FOLDER,
	FILES,
	FILE_FIELD,
	FILE_DATE,
	BLOCK,
	BLOCK_SUM,
	AUTHENTICODE,
	GAP,
	PADDING,
	TRAILING,
};

static const struct assay_field cab_fields[] = {
	[SIGNATURE] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "cab.signature", ASSAY_SEVERITY_STRUCTURE, NULL,
				      "MSCF (2.1)"),
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_METADATA, "cab.header", ASSAY_SEVERITY_STRUCTURE, NULL,
				   "a word of the cabinet header (2.1)"),
	[RESERVE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "cab.reserve", ASSAY_SEVERITY_STRUCTURE, NULL,
				    "reserved areas, names of neighbouring cabinets, where a signature is"),
	[FOLDER] = ASSAY_ROW_NEVER(ASSAY_METADATA, "cab.folder", ASSAY_SEVERITY_STRUCTURE, NULL,
				   "place of the data of a folder and its compression (2.2)"),
	[FILES] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "cab.file", ASSAY_SEVERITY_DATA, NULL,
				  "a file: size, place, attributes and name (2.3)"),
	[FILE_FIELD] = ASSAY_ROW_NEVER(ASSAY_METADATA, "cab.file.field", ASSAY_SEVERITY_STRUCTURE, NULL,
				       "size and place in the folder, or attributes and name: what is "
				       "run after unpacking is marked there"),
	[FILE_DATE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "cab.file.date", ASSAY_SEVERITY_METADATA,
				      "timestamps_embedded_in_content",
				      "date and time of the file in DOS form, restored when unpacked"),
	[BLOCK] = ASSAY_ROW_NEVER(ASSAY_ENCODING, "cab.block", ASSAY_SEVERITY_METADATA, NULL,
				  "a data block, compressed or stored (2.4)"),
	[BLOCK_SUM] = ASSAY_ROW_NEVER(ASSAY_METADATA, "cab.block.sum", ASSAY_SEVERITY_METADATA,
				      "checksum_of_changed_content",
				      "checksum of a data block (not verified here)"),
	[AUTHENTICODE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "cab.authenticode", ASSAY_SEVERITY_STRUCTURE,
					 NULL, "Authenticode signature: a fact of its own"),
	[GAP] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "cab.gap", ASSAY_SEVERITY_DATA, NULL,
				"bytes that no folder claims and that are not zero"),
	[PADDING] = ASSAY_ROW_NEVER(ASSAY_PADDING, "cab.padding", ASSAY_SEVERITY_METADATA, NULL,
				    "zeros between the parts"),
	[TRAILING] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "cab.trailing", ASSAY_SEVERITY_STRUCTURE, NULL,
				     "bytes behind the cabinet"),
	{ .name = NULL },
};

#define F(x) (&cab_fields[x])

#define HEADER_SIZE 36
#define FILE_SIZE 16
#define BLOCK_HEADER 8

static const struct assay_row header[] = {
	{ SIGNATURE, 4, ASSAY_SHOW_TEXT, NULL },
	{ HEADER, 4, ASSAY_SHOW_HEX, "reserved 1" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "size" },
	{ HEADER, 4, ASSAY_SHOW_HEX, "reserved 2" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "offset of files" },
	{ HEADER, 4, ASSAY_SHOW_HEX, "reserved 3" },
	{ HEADER, 2, ASSAY_SHOW_HEX, "version" },
	{ HEADER, 2, ASSAY_SHOW_NUMBER, "folders" },
	{ HEADER, 2, ASSAY_SHOW_NUMBER, "files" },
	{ HEADER, 2, ASSAY_SHOW_HEX, "flags" },
	{ HEADER, 2, ASSAY_SHOW_NUMBER, "set" },
	{ HEADER, 2, ASSAY_SHOW_NUMBER, "number in the set" },
};

struct cabinet {
	struct assay_span file;
	uint64_t size, files_at, folders, files, folder_size, block_header, head_end;
};

static uint64_t get(const struct cabinet *c, uint64_t at, unsigned width)
{
	return assay_rows_number(c->file, at, width, false);
}

static unsigned cab_bid(struct assay_span file)
{
	return file.len >= HEADER_SIZE && memcmp(file.data, "MSCF\0\0\0\0", 8) == 0 &&
			       assay_rows_number(file, 24, 2, false) == 0x0103 ?
		       72 :
		       0;
}

static uint64_t string_length(struct assay_span s)
{
	uint64_t len = assay_rows_text(s).len;

	return len < s.len ? len + 1 : s.len;
}

/* What flags put between the fixed header and the folders (2.1). */
static void read_cabinet(struct assay_span file, struct cabinet *ret)
{
	uint64_t flags = assay_rows_number(file, 30, 2, false), strings;

	*ret = (struct cabinet){ .file = file, .folder_size = 8, .block_header = BLOCK_HEADER };
	ret->size = get(ret, 8, 4);
	ret->files_at = get(ret, 16, 4);
	ret->folders = get(ret, 26, 2);
	ret->files = get(ret, 28, 2);
	ret->head_end = HEADER_SIZE;
	if (flags & 4) {
		ret->head_end += 4 + get(ret, 36, 2);
		ret->folder_size += get(ret, 38, 1);
		ret->block_header += get(ret, 39, 1);
	}
	strings = (flags & 1 ? 2 : 0) + (flags & 2 ? 2 : 0);
	while (strings--)
		ret->head_end += string_length(assay_span_cut(file, ret->head_end, 256));
}

static void lay_out_file(struct assay_layout *l, const struct assay_place *place)
{
	assay_layout_member(l, assay_layout_open(l, F(FILES)), place->name);
	assay_layout_name(l, assay_layout_leaf(l, F(FILE_FIELD), 10), assay_span_text("place"));
	assay_layout_leaf(l, F(FILE_DATE), 4);
	assay_layout_name(l, assay_layout_leaf(l, F(FILE_FIELD), place->length - 14),
			  assay_span_text("attributes and name"));
	assay_layout_close(l);
}

static enum assay_code add_files(struct assay_layout *l, struct assay_places *places,
				 const struct cabinet *c, struct assay_error *err)
{
	uint64_t at = c->files_at;

	for (uint64_t i = 0; i < c->files; i++) {
		struct assay_span name = assay_span_cut(c->file, at + FILE_SIZE, 256);
		uint64_t length = string_length(name);

		if (length == 0 || name.data[length - 1] != 0)
			return assay_fail(err, ASSAY_EINPUT, "offset %llu: file %llu: cut short",
					  (unsigned long long)at, (unsigned long long)i);
		assay_places_add(l, places,
				 &(struct assay_place){ .start = at,
							.length = FILE_SIZE + length,
							.field = F(FILES),
							.name = assay_span_cut(name, 0, length - 1),
							.lay_out = lay_out_file });
		at += FILE_SIZE + length;
	}
	return ASSAY_OK;
}

static enum assay_code add_folder(struct assay_layout *l, struct assay_places *places,
				  const struct cabinet *c, uint64_t index, struct assay_error *err)
{
	uint64_t record = c->head_end + c->folder_size * index;
	uint64_t at = get(c, record, 4), blocks = get(c, record + 4, 2);

	for (uint64_t i = 0; i < blocks && !places->failed; i++) {
		uint64_t length = get(c, at + 4, 2);
		char *name = assay_arena_printf(&assay_layout_anatomy(l)->arena,
						"folder %llu block %llu", (unsigned long long)index,
						(unsigned long long)i);

		if (at > c->file.len || c->block_header + length > c->file.len - at)
			return assay_fail(err, ASSAY_EINPUT, "offset %llu: block: cut short",
					  (unsigned long long)at);
		assay_places_add(l, places,
				 &(struct assay_place){ .start = at,
							.length = 4,
							.field = F(BLOCK_SUM),
							.name = assay_span_text(name ? name : "") });
		assay_places_add(l, places,
				 &(struct assay_place){ .start = at + 4,
							.length = c->block_header - 4 + length,
							.field = F(BLOCK),
							.name = assay_span_text(name ? name : "") });
		at += c->block_header + length;
	}
	return ASSAY_OK;
}

/* Behind the cabinet: a signature, when the reserved area of the header points there. */
static void lay_out_rest(struct assay_layout *l, const struct cabinet *c)
{
	bool is_signature = get(c, 30, 2) & 4 && get(c, 36, 2) >= 20 && get(c, 44, 4) == c->size &&
			    get(c, 48, 4) == assay_layout_left(l);

	if (assay_layout_failed(l) || !assay_layout_left(l))
		return;
	if (!is_signature)
		assay_layout_ambiguous(l, assay_layout_at(l), "bytes behind the cabinet");
	assay_layout_leaf(l, F(is_signature ? AUTHENTICODE : TRAILING), assay_layout_left(l));
}

static enum assay_code cab_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_places places = { 0 };
	enum assay_code code = ASSAY_OK;
	struct cabinet c;

	read_cabinet(assay_layout_bytes(l), &c);
	if (c.size > c.file.len || c.size < c.head_end)
		return assay_fail(err, ASSAY_EINPUT, "offset 8: size: want at most %zu, have %llu",
				  c.file.len, (unsigned long long)c.size);
	if (tree_archive_is_ready())
		assay_layout_encoded(l, assay_layout_root(l));
	assay_rows_lay_out(l, cab_fields, header, sizeof(header) / sizeof(header[0]), false);
	if (c.head_end > HEADER_SIZE)
		assay_layout_leaf(l, F(RESERVE), c.head_end - HEADER_SIZE);
	for (uint64_t i = 0; i < c.folders; i++)
		assay_layout_leaf(l, F(FOLDER), c.folder_size);
	if (!assay_layout_failed(l))
		code = add_files(l, &places, &c, err);
	for (uint64_t i = 0; i < c.folders && !code && !places.failed && !assay_layout_failed(l); i++)
		code = add_folder(l, &places, &c, i, err);
	if (!code)
		code = assay_places_lay_out(l, &places, c.size, F(GAP), F(PADDING), err);
	if (!code)
		lay_out_rest(l, &c);
	return code;
}

/* What stands behind the cabinet is none of it. */
static enum assay_code cab_decode(const struct assay_anatomy *anatomy, const struct assay_node *node,
				  struct assay_sink *sink, struct assay_error *err)
{
	(void)node;
	return tree_archive_read(assay_span_cut(anatomy->bytes, 0, assay_rows_number(anatomy->bytes, 8, 4, false)),
				 sink, err);
}

const struct assay_format assay_format_cab = {
	.name = "cab",
	.bid = cab_bid,
	.lay_out = cab_lay_out,
	.decode = cab_decode,
	.fields = cab_fields,
};
