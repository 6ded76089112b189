/* SPDX-License-Identifier: Apache-2.0 */
/* Between the tables of a squashfs image (squashfs_table.c) and its files (squashfs_read.c). */
#ifndef ASSAY_NORMALIZERS_SQUASHFS_INT_H
#define ASSAY_NORMALIZERS_SQUASHFS_INT_H

#include "rows.h"
#include "squashfs_read.h"

#define SQUASHFS_NONE 0xffffffffU /* no fragment, no extended attributes */

/* Metadata blocks one behind the other, unpacked; a reference is a block's place and an offset in it. */
struct squashfs_table {
	struct assay_decoded decoded;
	struct squashfs_block {
		uint64_t start; /* from the start of the table */
		uint64_t at;	/* in the unpacked bytes */
	} *blocks;
	size_t count;
};

struct squashfs {
	struct assay_span image;
	enum assay_codec codec;
	struct assay_codec_space space; /* of the tables */
	uint32_t inodes, block_size, fragments, ids;
	uint64_t root;
	struct squashfs_table inode_table, directory_table, fragment_table, id_table;
	struct squashfs_table xattr_ids, xattr_values;
	uint32_t xattrs; /* sets of extended attributes */
};

enum assay_code squashfs_open(struct assay_span image, struct squashfs *ret, struct assay_error *err)
	ASSAY_CHECKED;
void squashfs_close(struct squashfs *fs);
/* The unpacked bytes from a reference on. */
enum assay_code squashfs_at(const struct squashfs_table *table, uint64_t block, uint64_t offset,
			    struct assay_span *ret, struct assay_error *err) ASSAY_CHECKED;
/* A data or metadata block: size is what it has in the image. */
enum assay_code squashfs_unpack(const struct squashfs *fs, uint64_t start, uint64_t size, bool is_packed,
				struct assay_sink *sink, struct assay_error *err) ASSAY_CHECKED;
/* Adds the records of a set of extended attributes. */
enum assay_code squashfs_xattrs(const struct squashfs *fs, uint32_t set, struct assay_buf *records,
				struct assay_error *err) ASSAY_CHECKED;

static inline uint64_t squashfs_get(struct assay_span s, uint64_t at, unsigned width)
{
	return assay_rows_number(s, at, width, false);
}

#endif
