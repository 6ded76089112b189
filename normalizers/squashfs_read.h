/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a squashfs 4.0 image (Documentation/filesystems/squashfs.rst of Linux), read from the root
 * directory down and written as a tar archive (tree_tar.h).  Compressors: zlib, xz, zstd.
 */
#ifndef ASSAY_NORMALIZERS_SQUASHFS_READ_H
#define ASSAY_NORMALIZERS_SQUASHFS_READ_H

#include "tree_tar.h"

/* Something that squashfs_read() can decode. */
bool squashfs_is_readable(struct assay_span image);
enum assay_code squashfs_read(struct assay_span image, struct assay_sink *sink, struct assay_error *err)
	ASSAY_CHECKED;

#endif
