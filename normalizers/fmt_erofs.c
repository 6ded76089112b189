/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EROFS images (Documentation/filesystems/erofs.rst and fs/erofs/erofs_fs.h of Linux): the superblock by
 * fields, everything else by block.
 */
#include "field_rows.h"
#include "rows.h"

enum {
	BOOT,
	MAGIC,
	HEADER,
	TIME,
	UUID,
	CHECKSUM,
	DATA,
	TRAILING,
};

static const struct assay_field erofs_fields[] = {
	[BOOT] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "erofs.boot", ASSAY_SEVERITY_CODE, NULL,
				 "1024 bytes in front of the superblock: firmware may run them"),
	[MAGIC] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "erofs.magic", ASSAY_SEVERITY_STRUCTURE, NULL,
				  "0xe0f5e1e2, little-endian"),
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_METADATA, "erofs.superblock", ASSAY_SEVERITY_DATA, NULL,
				   "a word of the superblock, which the kernel reads"),
	[TIME] = ASSAY_ROW_NEVER(ASSAY_METADATA, "erofs.build-time", ASSAY_SEVERITY_METADATA,
				 "timestamps_in_filesystem_images",
				 "time of the build: the mtime of all compact inodes"),
	[UUID] = ASSAY_ROW_NEVER(ASSAY_METADATA, "erofs.uuid", ASSAY_SEVERITY_METADATA, "random_uuid",
				 "UUID of the volume: mounting by UUID uses it"),
	[CHECKSUM] = ASSAY_ROW_NEVER(ASSAY_METADATA, "erofs.checksum", ASSAY_SEVERITY_METADATA,
				     "checksum_of_changed_content",
				     "CRC-32C of the superblock (not verified here)"),
	[DATA] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "erofs.blocks", ASSAY_SEVERITY_DATA, NULL,
				 "blocks of inodes, directories and files"),
	[TRAILING] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "erofs.trailing", ASSAY_SEVERITY_STRUCTURE, NULL,
				     "bytes behind the last block of the image"),
	{ .name = NULL },
};

#define F(x) (&erofs_fields[x])

#define SUPERBLOCK 1024
#define SUPERBLOCK_SIZE 128

static const struct assay_row superblock[] = {
	{ MAGIC, 4, ASSAY_SHOW_HEX, NULL },
	{ CHECKSUM, 4, ASSAY_SHOW_HEX, NULL },
	{ HEADER, 4, ASSAY_SHOW_HEX, "compatible features" },
	{ HEADER, 1, ASSAY_SHOW_NUMBER, "block size, as a power of two" },
	{ HEADER, 1, ASSAY_SHOW_NUMBER, "extensions" },
	{ HEADER, 2, ASSAY_SHOW_NUMBER, "root inode" },
	{ HEADER, 8, ASSAY_SHOW_NUMBER, "inodes" },
	{ TIME, 8, ASSAY_SHOW_TIME, NULL },
	{ TIME, 4, ASSAY_SHOW_NUMBER, "nanoseconds" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "blocks" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "first block of inodes" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "first block of attributes" },
	{ UUID, 16, ASSAY_SHOW_UUID, NULL },
	{ HEADER, 16, ASSAY_SHOW_TEXT, "volume name" },
	{ HEADER, 4, ASSAY_SHOW_HEX, "incompatible features" },
	{ HEADER, 44, ASSAY_SHOW_NONE, "compression, devices and directories" },
};

static unsigned erofs_bid(struct assay_span file)
{
	return file.len >= SUPERBLOCK + SUPERBLOCK_SIZE &&
			       assay_rows_number(file, SUPERBLOCK, 4, false) == 0xe0f5e1e2 ?
		       32 :
		       0;
}

static enum assay_code erofs_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	uint64_t log = assay_rows_number(file, SUPERBLOCK + 12, 1, false), block, end;

	if (log < 9 || log > 16)
		return assay_fail(err, ASSAY_EINPUT,
				  "offset %d: block size: want 2^9 to 2^16, have 2^%llu",
				  SUPERBLOCK + 12, (unsigned long long)log);
	block = 1ULL << log;
	end = assay_rows_number(file, SUPERBLOCK + 36, 4, false) * block;
	assay_layout_leaf(l, F(BOOT), SUPERBLOCK);
	assay_rows_lay_out(l, erofs_fields, superblock, sizeof(superblock) / sizeof(superblock[0]),
			   false);
	if (end > file.len || end < SUPERBLOCK + SUPERBLOCK_SIZE) {
		assay_layout_ambiguous(l, SUPERBLOCK + 36, "the image has another number of blocks");
		end = file.len;
	}
	assay_rows_pieces(l, F(DATA), end, block, "block");
	if (!assay_layout_failed(l) && assay_layout_left(l)) {
		assay_layout_ambiguous(l, end, "bytes behind the image");
		assay_layout_leaf(l, F(TRAILING), assay_layout_left(l));
	}
	return ASSAY_OK;
}

const struct assay_format assay_format_erofs = {
	.name = "erofs",
	.bid = erofs_bid,
	.lay_out = erofs_lay_out,
	.fields = erofs_fields,
};
