/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FAT12, FAT16 and FAT32 images (Microsoft FAT specification, 2005; EFI system partitions): the boot sector by
 * fields, the tables, the entries of the root directory by name with their times, everything else by cluster.
 * Directories below the root are not taken apart.
 */
#include "field_rows.h"
#include "rows.h"

enum {
	JUMP,
	HEADER,
	VOLUME_ID,
	LABEL,
	BOOT_CODE,
	RESERVED,
	TABLE,
	ENTRY,
	ENTRY_NAME,
	ENTRY_ATTRIBUTES,
	ENTRY_TIME,
	ENTRY_PLACE,
	FREE,
	DATA,
	TRAILING,
};

static const struct assay_field fat_fields[] = {
	[JUMP] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "fat.jump", ASSAY_SEVERITY_CODE, NULL,
				 "first instructions, which firmware may run"),
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_METADATA, "fat.header", ASSAY_SEVERITY_DATA, NULL,
				   "a word of the boot sector, which drivers read"),
	[VOLUME_ID] = ASSAY_ROW_NEVER(ASSAY_METADATA, "fat.volume-id", ASSAY_SEVERITY_METADATA,
				      "timestamps_in_filesystem_images",
				      "serial number of the volume, made from the time; mounting by UUID uses it"),
	[LABEL] = ASSAY_ROW_NEVER(ASSAY_METADATA, "fat.label", ASSAY_SEVERITY_METADATA, NULL,
				  "label of the volume and name of the file system"),
	[BOOT_CODE] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "fat.boot-code", ASSAY_SEVERITY_CODE, NULL,
				      "code of the boot sector"),
	[RESERVED] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "fat.reserved", ASSAY_SEVERITY_DATA, NULL,
				     "reserved sectors: counts of free clusters, a copy of the boot sector"),
	[TABLE] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "fat.table", ASSAY_SEVERITY_STRUCTURE, NULL,
				  "which cluster follows which"),
	[ENTRY] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "fat.entry", ASSAY_SEVERITY_DATA, "file_only_on_one_side",
				  "an entry of the root directory"),
	[ENTRY_NAME] = ASSAY_ROW_NEVER(ASSAY_METADATA, "fat.entry.name", ASSAY_SEVERITY_STRUCTURE,
				       "member_renamed", "name, or a part of a long one"),
	[ENTRY_ATTRIBUTES] = ASSAY_ROW_NEVER(ASSAY_METADATA, "fat.entry.attributes", ASSAY_SEVERITY_DATA,
					     "permissions_differ", "read-only, hidden, directory, label"),
	[ENTRY_TIME] = ASSAY_ROW_NEVER(ASSAY_METADATA, "fat.entry.time", ASSAY_SEVERITY_METADATA,
				       "timestamps_in_filesystem_images",
				       "time of creation, of last access or of last change"),
	[ENTRY_PLACE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "fat.entry.place", ASSAY_SEVERITY_DATA, NULL,
					"first cluster, or size"),
	[FREE] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "fat.free-entries", ASSAY_SEVERITY_DATA, NULL,
				 "entries behind the last one: unused, and kept"),
	[DATA] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "fat.data", ASSAY_SEVERITY_DATA, NULL,
				 "clusters of files and directories, or unused"),
	[TRAILING] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "fat.trailing", ASSAY_SEVERITY_STRUCTURE, NULL,
				     "bytes behind the last sector"),
	{ .name = NULL },
};

#define F(x) (&fat_fields[x])

#define SECTOR_MIN 512
#define ENTRY_SIZE 32
#define LONG_NAME 0x0f /* attributes of a part of a long name */

static const struct assay_row common[] = {
	{ JUMP, 3, ASSAY_SHOW_NONE, NULL },
	{ LABEL, 8, ASSAY_SHOW_TEXT, "made by" },
	{ HEADER, 2, ASSAY_SHOW_NUMBER, "bytes of a sector" },
	{ HEADER, 1, ASSAY_SHOW_NUMBER, "sectors of a cluster" },
	{ HEADER, 2, ASSAY_SHOW_NUMBER, "reserved sectors" },
	{ HEADER, 1, ASSAY_SHOW_NUMBER, "tables" },
	{ HEADER, 2, ASSAY_SHOW_NUMBER, "root entries" },
	{ HEADER, 2, ASSAY_SHOW_NUMBER, "sectors" },
	{ HEADER, 1, ASSAY_SHOW_HEX, "media" },
	{ HEADER, 2, ASSAY_SHOW_NUMBER, "sectors of a table" },
	{ HEADER, 4, ASSAY_SHOW_NONE, "geometry" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "hidden sectors" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "sectors, long" },
};

static const struct assay_row only_fat32[] = {
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "sectors of a table, long" },
	{ HEADER, 4, ASSAY_SHOW_NONE, "flags and version" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "root cluster" },
	{ HEADER, 16, ASSAY_SHOW_NONE, "information sectors" },
};

static const struct assay_row identity[] = {
	{ HEADER, 3, ASSAY_SHOW_NONE, "drive and signature" },
	{ VOLUME_ID, 4, ASSAY_SHOW_HEX, NULL },
	{ LABEL, 11, ASSAY_SHOW_TEXT, "label" },
	{ LABEL, 8, ASSAY_SHOW_TEXT, "type" },
};

static const struct assay_row entry[] = {
	{ ENTRY_NAME, 11, ASSAY_SHOW_TEXT, NULL },	{ ENTRY_ATTRIBUTES, 2, ASSAY_SHOW_HEX, NULL },
	{ ENTRY_TIME, 5, ASSAY_SHOW_NONE, "created" },	{ ENTRY_TIME, 2, ASSAY_SHOW_NONE, "read" },
	{ ENTRY_PLACE, 2, ASSAY_SHOW_NUMBER, "cluster, high" }, { ENTRY_TIME, 4, ASSAY_SHOW_NONE, "changed" },
	{ ENTRY_PLACE, 2, ASSAY_SHOW_NUMBER, "cluster" }, { ENTRY_PLACE, 4, ASSAY_SHOW_NUMBER, "size" },
};

#define ROWS(table) (table), sizeof(table) / sizeof((table)[0]), false

struct volume {
	uint64_t sector, cluster, reserved, tables, table, root, total;
	bool is_fat32;
};

static uint64_t get(struct assay_span file, uint64_t at, unsigned width)
{
	return assay_rows_number(file, at, width, false);
}

static bool is_power(uint64_t n)
{
	return n && (n & (n - 1)) == 0;
}

/* In bytes; false when the boot sector makes no sense. */
static bool read_volume(struct assay_span file, struct volume *ret)
{
	uint64_t sector = get(file, 11, 2), small = get(file, 19, 2), table = get(file, 22, 2);

	if (file.len < SECTOR_MIN || get(file, 510, 2) != 0xaa55 || (file.data[0] != 0xeb && file.data[0] != 0xe9))
		return false;
	if (!is_power(sector) || sector < SECTOR_MIN || sector > 4096 || !is_power(file.data[13]) ||
	    get(file, 14, 2) == 0 || file.data[16] == 0 || file.data[16] > 2 || file.data[21] < 0xf0)
		return false;
	*ret = (struct volume){ .sector = sector, .is_fat32 = table == 0 };
	ret->cluster = sector * file.data[13];
	ret->reserved = sector * get(file, 14, 2);
	ret->tables = file.data[16];
	ret->table = sector * (table ? table : get(file, 36, 4));
	ret->root = ENTRY_SIZE * get(file, 17, 2);
	ret->total = sector * (small ? small : get(file, 32, 4));
	return ret->table && ret->root % sector == 0 && (ret->root == 0) == ret->is_fat32 &&
	       ret->reserved + ret->tables * ret->table + ret->root < ret->total;
}

static unsigned fat_bid(struct assay_span file)
{
	struct volume volume;

	return read_volume(file, &volume) ? 44 : 0;
}

/* A rest of the boot sector without leaving the file. */
static void up_to(struct assay_layout *l, int field, uint64_t end, const char *name)
{
	uint64_t at = assay_layout_at(l);

	if (end > at && !assay_layout_failed(l))
		assay_layout_name(l, assay_layout_leaf(l, F(field), end - at), assay_span_text(name));
}

/* "NAME.EXT" of "NAME    EXT" */
static struct assay_span entry_name(struct assay_layout *l, struct assay_span raw)
{
	struct assay_span base = assay_span_trim(assay_span_cut(raw, 0, 8));
	struct assay_span extension = assay_span_trim(assay_span_cut(raw, 8, 3));
	char *name;

	if (get(raw, 11, 1) == LONG_NAME)
		return assay_span_text("long name");
	name = assay_arena_printf(&assay_layout_anatomy(l)->arena, "%.*s%s%.*s", ASSAY_SPAN_ARGS(base),
				  extension.len ? "." : "", ASSAY_SPAN_ARGS(extension));
	return assay_span_text(name ? name : "");
}

static void lay_out_root(struct assay_layout *l, uint64_t end)
{
	while (assay_layout_at(l) < end && !assay_layout_failed(l)) {
		struct assay_span raw = assay_layout_peek(l, 0, ENTRY_SIZE);

		if (raw.len < ENTRY_SIZE || raw.data[0] == 0)
			break;
		assay_layout_name(l, assay_layout_open(l, F(ENTRY)), entry_name(l, raw));
		assay_rows_lay_out(l, fat_fields, ROWS(entry));
		assay_layout_close(l);
	}
	up_to(l, FREE, end, "free entries");
}

static enum assay_code fat_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	struct volume v = { 0 };

	if (!read_volume(file, &v) || v.total > file.len)
		return assay_fail(err, ASSAY_EINPUT, "boot sector: want at most %zu bytes, have %llu", file.len,
				  (unsigned long long)v.total);
	assay_rows_lay_out(l, fat_fields, ROWS(common));
	if (v.is_fat32)
		assay_rows_lay_out(l, fat_fields, ROWS(only_fat32));
	assay_rows_lay_out(l, fat_fields, ROWS(identity));
	up_to(l, BOOT_CODE, v.sector, "boot code");
	up_to(l, RESERVED, v.reserved, "reserved sectors");
	for (uint64_t i = 0; i < v.tables; i++)
		up_to(l, TABLE, v.reserved + (i + 1) * v.table, i ? "table 2" : "table 1");
	lay_out_root(l, v.reserved + v.tables * v.table + v.root);
	assay_rows_pieces(l, F(DATA), v.total, v.cluster, "cluster-sized block");
	if (assay_layout_left(l) && !assay_layout_failed(l)) {
		assay_layout_ambiguous(l, v.total, "bytes behind the last sector");
		assay_layout_leaf(l, F(TRAILING), assay_layout_left(l));
	}
	return ASSAY_OK;
}

const struct assay_format assay_format_fat = {
	.name = "fat",
	.bid = fat_bid,
	.lay_out = fat_lay_out,
	.fields = fat_fields,
};
