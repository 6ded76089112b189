/* SPDX-License-Identifier: Apache-2.0 */
/*
 * squashfs 4.0 (Documentation/filesystems/squashfs.rst and fs/squashfs/squashfs_fs.h of Linux): the
 * superblock by fields and the tables by name; the files in it as a tar archive (squashfs_read.c).  That a
 * difference of the packed bytes follows from the files is not proven, so it is never folded.
 */
#include "field_rows.h"
#include "places.h"
#include "rows.h"
#include "squashfs_read.h"

enum {
	MAGIC,
	HEADER,
	PLACE,
	TIME,
	OPTIONS,
	DATA,
	TABLE,
	PADDING,
	TRAILING,
};

static const struct assay_field squashfs_fields[] = {
	[MAGIC] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "squashfs.magic", ASSAY_SEVERITY_STRUCTURE, NULL,
				  "\"hsqs\", little-endian"),
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_METADATA, "squashfs.superblock", ASSAY_SEVERITY_DATA, NULL,
				   "a number or place of the superblock, which the kernel reads"),
	[PLACE] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "squashfs.place", ASSAY_SEVERITY_METADATA,
				  "moved_by_changed_size",
				  "where a table or the root inode is, or where the image ends"),
	[TIME] = ASSAY_ROW_SAFE(ASSAY_METADATA, "squashfs.mkfs-time", "squashfs-mkfs-time",
				ASSAY_GRADE_CONTAINER, "timestamps_in_filesystem_images",
				"time at which the image was made; the kernel reads the word and uses it "
				"for nothing"),
	[OPTIONS] = ASSAY_ROW_NEVER(ASSAY_METADATA, "squashfs.compressor-options",
				    ASSAY_SEVERITY_METADATA, NULL,
				    "options of the compressor, in front of the data"),
	[DATA] = ASSAY_ROW_NEVER(ASSAY_ENCODING, "squashfs.data", ASSAY_SEVERITY_METADATA, NULL,
				 "compressed blocks and fragments of files, and whatever stands between "
				 "them"),
	[TABLE] = ASSAY_ROW_NEVER(ASSAY_ENCODING, "squashfs.table", ASSAY_SEVERITY_METADATA, NULL,
				  "inodes (owners, modes, times), directories, fragments, ids or "
				  "extended attributes, compressed"),
	[PADDING] = ASSAY_ROW_CHECKED(ASSAY_PADDING, "squashfs.padding", assay_check_zero,
				      "squashfs-padding", ASSAY_GRADE_ENCODING,
				      "archive_format_differs", "zeros up to a multiple of 4096 bytes"),
	[TRAILING] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "squashfs.trailing", ASSAY_SEVERITY_STRUCTURE,
				     NULL, "bytes behind the image: signatures stand there"),
	{ .name = NULL },
};

#define F(x) (&squashfs_fields[x])

#define SUPERBLOCK 96
#define NOT_THERE UINT64_MAX

static const struct assay_row superblock[] = {
	{ MAGIC, 4, ASSAY_SHOW_NONE, NULL },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "inode count" },
	{ TIME, 4, ASSAY_SHOW_TIME, NULL },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "block size" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "fragment count" },
	{ HEADER, 2, ASSAY_SHOW_NUMBER, "compressor" },
	{ HEADER, 2, ASSAY_SHOW_NUMBER, "block log" },
	{ HEADER, 2, ASSAY_SHOW_HEX, "flags" },
	{ HEADER, 2, ASSAY_SHOW_NUMBER, "id count" },
	{ HEADER, 4, ASSAY_SHOW_HEX, "version" },
	{ PLACE, 8, ASSAY_SHOW_HEX, "root inode" },
	{ PLACE, 8, ASSAY_SHOW_NUMBER, "bytes used" },
	{ PLACE, 8, ASSAY_SHOW_HEX, "id table start" },
	{ PLACE, 8, ASSAY_SHOW_HEX, "xattr table start" },
	{ PLACE, 8, ASSAY_SHOW_HEX, "inode table start" },
	{ PLACE, 8, ASSAY_SHOW_HEX, "directory table start" },
	{ PLACE, 8, ASSAY_SHOW_HEX, "fragment table start" },
	{ PLACE, 8, ASSAY_SHOW_HEX, "export table start" },
};

/* In the order in which mksquashfs writes them; a table reaches to the start of the next. */
static const struct {
	uint8_t at; /* of its start, in the superblock */
	const char *name;
} tables[] = {
	{ 64, "inode table" },	{ 72, "directory table" }, { 80, "fragment table" },
	{ 88, "export table" }, { 48, "id table" },	   { 56, "xattr table" },
};

#define TABLES (sizeof(tables) / sizeof(tables[0]))

static unsigned squashfs_bid(struct assay_span file)
{
	return file.len >= SUPERBLOCK && memcmp(file.data, "hsqs", 4) == 0 &&
			       assay_rows_number(file, 28, 4, false) == 4 ?
		       64 :
		       0;
}

static void add_tables(struct assay_layout *l, struct assay_places *places, struct assay_span file,
		       uint64_t used)
{
	for (size_t i = 0; i < TABLES; i++) {
		uint64_t start = assay_rows_number(file, tables[i].at, 8, false), end = used;

		if (start == NOT_THERE)
			continue;
		for (size_t k = 0; k < TABLES; k++) {
			uint64_t other = assay_rows_number(file, tables[k].at, 8, false);

			if (other > start && other < end)
				end = other;
		}
		if (start < SUPERBLOCK || start >= used) {
			assay_layout_ambiguous(l, tables[i].at, "%s: starts outside the image",
					       tables[i].name);
			continue;
		}
		assay_places_add(l, places,
				 &(struct assay_place){ .start = start,
							.length = end - start,
							.field = F(TABLE),
							.name = assay_span_text(tables[i].name) });
	}
}

static void lay_out_options(struct assay_layout *l, struct assay_span file)
{
	bool has_options = assay_rows_number(file, 24, 2, false) & 0x400;
	uint64_t size = assay_rows_number(file, SUPERBLOCK, 2, false) & 0x7fff;

	if (has_options && size + 2 <= assay_layout_left(l))
		assay_layout_leaf(l, F(OPTIONS), 2 + size);
}

static enum assay_code squashfs_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	uint64_t used = assay_rows_number(file, 40, 8, false), left;
	struct assay_places places = { 0 };

	if (used < SUPERBLOCK || used > file.len)
		return assay_fail(err, ASSAY_EINPUT, "offset 40: bytes used: want %d to %zu, have %llu",
				  SUPERBLOCK, file.len, (unsigned long long)used);
	if (squashfs_is_readable(file))
		assay_layout_encoded(l, assay_layout_root(l));
	assay_rows_lay_out(l, squashfs_fields, superblock,
			   sizeof(superblock) / sizeof(superblock[0]), false);
	lay_out_options(l, file);
	add_tables(l, &places, file, used);
	if (assay_places_lay_out(l, &places, used, F(DATA), F(DATA), err))
		return err->code;
	left = assay_layout_left(l);
	if (left && (left >= 4096 || !assay_span_is_zero(assay_layout_peek(l, 0, left)))) {
		assay_layout_ambiguous(l, used, "%llu bytes behind the image",
				       (unsigned long long)left);
		assay_layout_leaf(l, F(TRAILING), left);
	} else if (left) {
		assay_layout_leaf(l, F(PADDING), left);
	}
	return ASSAY_OK;
}

static enum assay_code squashfs_decode(const struct assay_anatomy *anatomy, const struct assay_node *node,
				       struct assay_sink *sink, struct assay_error *err)
{
	(void)node;
	return squashfs_read(anatomy->bytes, sink, err);
}

const struct assay_format assay_format_squashfs = {
	.name = "squashfs",
	.is_package = true, /* whoever mounts it gets the owners */
	.decode = squashfs_decode,
	.bid = squashfs_bid,
	.lay_out = squashfs_lay_out,
	.fields = squashfs_fields,
};
