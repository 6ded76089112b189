/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of an image as one tar archive (pax): whoever reads a file system or an archive of the second rank
 * writes its members with this, and they are compared by name, mode, owner, time and content like those of
 * any tar archive.  The archive exists for the comparison only.
 *
 *	tree_tar_member(sink, &member, err);
 *	... member.size bytes into the sink ...
 *	tree_tar_pad(sink, member.size, err);
 *	...
 *	tree_tar_end(sink, err);
 */
#ifndef ASSAY_NORMALIZERS_TREE_TAR_H
#define ASSAY_NORMALIZERS_TREE_TAR_H

#include "assay/buf.h"
#include "assay/codec.h"

struct tree_member {
	struct assay_span path, link; /* link: of 'symlink' and 'hard link' */
	char type;		      /* typeflag of tar: '0' file, '1' hard link, '2' symlink, ... */
	uint32_t mode, uid, gid, major, minor;
	int64_t mtime;
	uint64_t size;
	struct assay_span xattrs; /* pax records of them (tree_tar_xattr), may be empty */
};

enum assay_code tree_tar_member(struct assay_sink *sink, const struct tree_member *member,
				struct assay_error *err) ASSAY_CHECKED;
/* Zeros up to the next block. */
enum assay_code tree_tar_pad(struct assay_sink *sink, uint64_t size, struct assay_error *err) ASSAY_CHECKED;
enum assay_code tree_tar_zeros(struct assay_sink *sink, uint64_t size, struct assay_error *err) ASSAY_CHECKED;
enum assay_code tree_tar_end(struct assay_sink *sink, struct assay_error *err) ASSAY_CHECKED;
/* Adds the record of one extended attribute, prefix and name together its name. */
void tree_tar_xattr(struct assay_buf *records, const char *prefix, struct assay_span name,
		    struct assay_span value);

#endif
