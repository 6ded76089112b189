/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ext2, ext3 and ext4 images (Documentation/filesystems/ext4 of Linux): the superblock by fields, then
 * blocks, named by what the group descriptors say they are; the files as a tar archive (ext4_read.c).  That a
 * difference of blocks follows from the files is not proven, so it is never folded.
 */
#include "assay/limits.h"
#include "ext4_read.h"
#include "field_rows.h"
#include "places.h"
#include "rows.h"

enum {
	BOOT,
	HEADER,
	TIME,
	UUID,
	LABEL,
	SEED,
	CHECKSUM,
	DESCRIPTORS,
	BITMAP,
	INODES,
	DATA,
};

static const struct assay_field ext4_fields[] = {
	[BOOT] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "ext4.boot", ASSAY_SEVERITY_CODE, NULL,
				 "1024 bytes in front of the superblock: firmware may run them"),
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_METADATA, "ext4.superblock", ASSAY_SEVERITY_DATA, NULL,
				   "a word of the superblock, which the kernel reads"),
	[TIME] = ASSAY_ROW_NEVER(ASSAY_METADATA, "ext4.time", ASSAY_SEVERITY_METADATA,
				 "timestamps_in_filesystem_images",
				 "time of making, mounting, writing or checking: fsck decides by it"),
	[UUID] = ASSAY_ROW_NEVER(ASSAY_METADATA, "ext4.uuid", ASSAY_SEVERITY_METADATA, "random_uuid",
				 "UUID of the file system or of its journal: mounting by UUID uses it"),
	[LABEL] = ASSAY_ROW_NEVER(ASSAY_METADATA, "ext4.label", ASSAY_SEVERITY_METADATA, NULL,
				  "volume name or last mount point"),
	[SEED] = ASSAY_ROW_NEVER(ASSAY_METADATA, "ext4.hash-seed", ASSAY_SEVERITY_METADATA,
				 "random_uuid", "seed of the hashes of directory entries"),
	[CHECKSUM] = ASSAY_ROW_NEVER(ASSAY_METADATA, "ext4.checksum", ASSAY_SEVERITY_METADATA,
				     "checksum_of_changed_content",
				     "checksum of the superblock (not verified here)"),
	[DESCRIPTORS] = ASSAY_ROW_NEVER(ASSAY_METADATA, "ext4.group-descriptors",
					ASSAY_SEVERITY_DATA, NULL,
					"where the bitmaps and inodes of each group are, and sums of them"),
	[BITMAP] = ASSAY_ROW_NEVER(ASSAY_METADATA, "ext4.bitmap", ASSAY_SEVERITY_DATA, NULL,
				   "which blocks or inodes of a group are in use"),
	[INODES] = ASSAY_ROW_NEVER(ASSAY_ENCODING, "ext4.inodes", ASSAY_SEVERITY_METADATA, NULL,
				   "inodes: modes, owners, times and places of files"),
	[DATA] = ASSAY_ROW_NEVER(ASSAY_ENCODING, "ext4.blocks", ASSAY_SEVERITY_METADATA, NULL,
				 "blocks of files, directories, the journal, or unused"),
	{ .name = NULL },
};

#define F(x) (&ext4_fields[x])

#define SUPERBLOCK 1024
#define END_OF_SUPERBLOCK 2048
#define MOST_GROUPS 65536

static const struct assay_row superblock[] = {
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "inodes" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "blocks" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "reserved blocks" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "free blocks" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "free inodes" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "first data block" },
	{ HEADER, 8, ASSAY_SHOW_NONE, "block and cluster size" },
	{ HEADER, 12, ASSAY_SHOW_NONE, "blocks and inodes of a group" },
	{ TIME, 4, ASSAY_SHOW_TIME, "mount" },
	{ TIME, 4, ASSAY_SHOW_TIME, "write" },
	{ HEADER, 4, ASSAY_SHOW_NONE, "mount counts" },
	{ HEADER, 2, ASSAY_SHOW_HEX, "magic" },
	{ HEADER, 6, ASSAY_SHOW_NONE, "state and errors" },
	{ TIME, 4, ASSAY_SHOW_TIME, "last check" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "check interval" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "creator system" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "revision" },
	{ HEADER, 4, ASSAY_SHOW_NONE, "reserved uid and gid" },
	{ HEADER, 8, ASSAY_SHOW_NONE, "first inode, inode size, group" },
	{ HEADER, 4, ASSAY_SHOW_HEX, "compatible features" },
	{ HEADER, 4, ASSAY_SHOW_HEX, "incompatible features" },
	{ HEADER, 4, ASSAY_SHOW_HEX, "read-only features" },
	{ UUID, 16, ASSAY_SHOW_UUID, NULL },
	{ LABEL, 16, ASSAY_SHOW_TEXT, "volume name" },
	{ LABEL, 64, ASSAY_SHOW_TEXT, "last mounted" },
	{ HEADER, 8, ASSAY_SHOW_NONE, "bitmap use and preallocation" },
	{ UUID, 16, ASSAY_SHOW_UUID, "journal" },
	{ HEADER, 12, ASSAY_SHOW_NONE, "journal and orphans" },
	{ SEED, 16, ASSAY_SHOW_UUID, NULL },
	{ HEADER, 4, ASSAY_SHOW_NONE, "hash version, descriptor size" },
	{ HEADER, 8, ASSAY_SHOW_NONE, "mount options" },
	{ TIME, 4, ASSAY_SHOW_TIME, "mkfs" },
	{ HEADER, 108, ASSAY_SHOW_NONE, "journal backup and high words" },
	{ HEADER, 136, ASSAY_SHOW_NONE, "snapshots and errors" },
	{ HEADER, 64, ASSAY_SHOW_TEXT, "options at mount" },
	{ HEADER, 64, ASSAY_SHOW_NONE, "quotas, encryption, backups" },
	{ HEADER, 380, ASSAY_SHOW_NONE, "reserved" },
	{ CHECKSUM, 4, ASSAY_SHOW_HEX, NULL },
};

static uint64_t get(struct assay_span file, uint64_t at, unsigned width)
{
	return assay_rows_number(file, SUPERBLOCK + at, width, false);
}

static unsigned ext4_bid(struct assay_span file)
{
	return file.len >= END_OF_SUPERBLOCK && get(file, 0x38, 2) == 0xef53 &&
			       get(file, 0x18, 4) <= 6 && get(file, 0x4c, 4) <= 1 ?
		       40 :
		       0;
}

static enum assay_code read_image(struct assay_span file, struct ext4_image *ret, struct assay_error *err)
{
	uint64_t blocks = get(file, 4, 4);

	ret->file = file;
	ret->block = 1024ULL << get(file, 0x18, 4);
	ret->is_64 = get(file, 0x60, 4) & 0x80;
	if (ret->is_64)
		blocks |= get(file, 0x150, 4) << 32;
	ret->descriptor = ret->is_64 ? get(file, 0xfe, 2) : 32;
	ret->blocks_a_group = get(file, 0x20, 4);
	ret->inodes_a_group = get(file, 0x28, 4);
	ret->inodes = get(file, 0, 4);
	ret->inode = get(file, 0x4c, 4) ? get(file, 0x58, 2) : 128;
	if (ret->blocks_a_group == 0 || ret->inodes_a_group == 0 || ret->descriptor < 32 || ret->inode < 128)
		return assay_fail(err, ASSAY_EINPUT,
				  "superblock: blocks of a group, descriptor or inode size: too small");
	ret->stated = blocks;
	if (blocks > file.len / ret->block)
		blocks = file.len / ret->block;
	ret->groups = blocks / ret->blocks_a_group + (blocks % ret->blocks_a_group != 0);
	return ASSAY_OK;
}

static void add(struct assay_layout *l, struct assay_places *places, int field, uint64_t start,
		uint64_t length, const char *what, uint64_t group)
{
	char *name = assay_arena_printf(&assay_layout_anatomy(l)->arena, "%s %llu", what,
					(unsigned long long)group);

	assay_places_add(l, places,
			 &(struct assay_place){ .start = start,
						.length = length,
						.field = F(field),
						.name = assay_span_text(name ? name : "") });
}

/* What belongs to one group, at the places its descriptor names. */
static void add_group(struct assay_layout *l, struct assay_places *places, const struct ext4_image *image,
		      uint64_t descriptor, uint64_t group)
{
	static const struct {
		uint8_t low, high; /* in the descriptor */
		uint8_t field;
		const char *name;
	} parts[] = {
		{ 0, 0x20, BITMAP, "block bitmap of group" },
		{ 4, 0x24, BITMAP, "inode bitmap of group" },
		{ 8, 0x28, INODES, "inodes of group" },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		uint64_t block = assay_rows_number(image->file, descriptor + parts[i].low, 4, false);
		uint64_t length = image->block;

		if (image->is_64 && image->descriptor >= 64)
			block |= assay_rows_number(image->file, descriptor + parts[i].high, 4, false)
				 << 32;
		if (parts[i].field == INODES)
			length = image->inodes_a_group * image->inode;
		if (block && block < image->file.len / image->block)
			add(l, places, parts[i].field, block * image->block, length, parts[i].name,
			    group);
	}
}

/* Data in between is cut into pieces that are named by their blocks. */
static enum assay_code lay_out_rest(struct assay_layout *l, struct assay_places *places,
				    const struct ext4_image *image, struct assay_error *err)
{
	struct assay_places all = { 0 };
	uint64_t at = assay_layout_at(l), piece = image->block;

	while (image->file.len / piece >= ASSAY_MAX_PIECES)
		piece *= 2;
	for (size_t i = 0; i <= places->count; i++) {
		uint64_t next = i < places->count ? places->list[i].start : image->file.len;

		while (at < next) {
			uint64_t stop = (at / piece + 1) * piece;

			stop = stop < next ? stop : next;
			add(l, &all, DATA, at, stop - at,
			    piece == image->block ? "block" : "blocks from", at / image->block);
			at = stop;
		}
		if (i == places->count)
			break;
		assay_places_add(l, &all, &places->list[i]);
		if (at < next + places->list[i].length)
			at = next + places->list[i].length;
	}
	all.failed |= places->failed;
	return assay_places_lay_out(l, &all, image->file.len, F(DATA), F(DATA), err);
}

static enum assay_code ext4_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_places places = { 0 };
	struct ext4_image image = { .groups = 0 };
	uint64_t table;

	if (read_image(assay_layout_bytes(l), &image, err))
		return err->code;
	if (image.stated != image.file.len / image.block)
		assay_layout_ambiguous(l, SUPERBLOCK + 4, "superblock: want %llu blocks, have %llu",
				       (unsigned long long)image.stated,
				       (unsigned long long)(image.file.len / image.block));
	assay_layout_encoded(l, assay_layout_root(l));
	assay_layout_leaf(l, F(BOOT), SUPERBLOCK);
	assay_rows_lay_out(l, ext4_fields, superblock, sizeof(superblock) / sizeof(superblock[0]),
			   false);
	table = (END_OF_SUPERBLOCK + image.block - 1) / image.block * image.block;
	if (image.groups > MOST_GROUPS)
		assay_layout_truncated(l);
	assay_places_add(l, &places,
			 &(struct assay_place){ .start = table,
						.length = image.groups * image.descriptor,
						.field = F(DESCRIPTORS) });
	for (uint64_t i = 0; i < image.groups && i < MOST_GROUPS; i++)
		add_group(l, &places, &image, table + i * image.descriptor, i);
	assay_places_sort(&places);
	return lay_out_rest(l, &places, &image, err);
}

static enum assay_code ext4_decode(const struct assay_anatomy *anatomy, const struct assay_node *node,
				   struct assay_sink *sink, struct assay_error *err)
{
	struct ext4_image image = { .groups = 0 };

	(void)node;
	if (read_image(anatomy->bytes, &image, err))
		return err->code;
	return ext4_read(&image, sink, err);
}

const struct assay_format assay_format_ext4 = {
	.name = "ext4",
	.is_package = true, /* whoever mounts it gets the owners */
	.decode = ext4_decode,
	.bid = ext4_bid,
	.lay_out = ext4_lay_out,
	.fields = ext4_fields,
};
