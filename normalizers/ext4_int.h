/* SPDX-License-Identifier: Apache-2.0 */
/* Between the tree of an ext4 image (ext4_read.c) and the blocks of its files (ext4_blocks.c). */
#ifndef ASSAY_NORMALIZERS_EXT4_INT_H
#define ASSAY_NORMALIZERS_EXT4_INT_H

#include "ext4_read.h"
#include "rows.h"

static inline uint64_t ext4_get(struct assay_span s, uint64_t at, unsigned width)
{
	return assay_rows_number(s, at, width, false);
}

/* Who gets the contents, in the order of the file. */
typedef enum assay_code ext4_take(void *data, struct assay_span bytes, struct assay_error *err);

/* The first size bytes of the file whose inode this is, piece by piece; a hole is given as zeros. */
enum assay_code ext4_contents(const struct ext4_image *image, struct assay_span inode, uint64_t size,
			      ext4_take *take, void *data, struct assay_error *err) ASSAY_CHECKED;
/* Adds the records of the extended attributes of an inode. */
enum assay_code ext4_xattrs(const struct ext4_image *image, struct assay_span inode, struct assay_buf *records,
			    struct assay_error *err) ASSAY_CHECKED;

#endif
