/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of an ext2, ext3 or ext4 image (Documentation/filesystems/ext4 of Linux), read from the root directory
 * down and written as a tar archive (tree_tar.h).  A journal is not replayed; encrypted, inline and compressed
 * contents are not read.
 */
#ifndef ASSAY_NORMALIZERS_EXT4_READ_H
#define ASSAY_NORMALIZERS_EXT4_READ_H

#include "tree_tar.h"

/* What read_image() of fmt_ext4.c found in the superblock. */
struct ext4_image {
	struct assay_span file;
	uint64_t block, stated, descriptor, groups, blocks_a_group, inodes_a_group, inode, inodes;
	bool is_64;
};

enum assay_code ext4_read(const struct ext4_image *image, struct assay_sink *sink, struct assay_error *err)
	ASSAY_CHECKED;

#endif
