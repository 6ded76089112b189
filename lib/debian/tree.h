/* SPDX-License-Identifier: Apache-2.0 */
/* Directory trees that become environments: cloned, merged, cleaned, dated and digested. */
#ifndef DEBIAN_TREE_H
#define DEBIAN_TREE_H

#include "debian_int.h"

#define DEBIAN_TREE_DEPTH 128

/* A copy whose files are hard links to the original's: 440 MB cost nothing.  Neither is ever
 * written to in place afterwards; what changes is replaced. */
enum assay_code debian_tree_clone(int from, int to, struct assay_error *err) ASSAY_CHECKED;
/* Moves the upper layer of an overlay into the tree of its lower one. */
enum assay_code debian_tree_merge(int upper, int root, struct assay_error *err) ASSAY_CHECKED;
/* Removes what is of this machine or of this moment, writes fixed names in its place, and sets
 * every time later than epoch to it. */
enum assay_code debian_tree_finish(int root, bool first, int64_t epoch, struct assay_error *err)
	ASSAY_CHECKED;
/* The last of these alone. */
enum assay_code debian_tree_clamp(int root, int64_t epoch, struct assay_error *err) ASSAY_CHECKED;
/* Digests of contents by inode number, so that files shared with the stage before (hard links, never
 * written to in place) are read once.  Only good on one file system, while that stage exists. */
struct debian_contents {
	struct debian_content {
		uint64_t inode;
		struct assay_digest digest;
	} *list; /* by inode once sorted */
	size_t count, capacity;
};

void debian_contents_release(struct debian_contents *contents);
enum assay_code debian_contents_read(int dirfd, const char *name, struct debian_contents *ret,
				     struct assay_error *err) ASSAY_CHECKED;
enum assay_code debian_contents_write(int dirfd, const char *name,
				      struct debian_contents *contents, struct assay_error *err)
	ASSAY_CHECKED;

/* Over type, mode, owner, path, size, time, link, xattrs and content of everything, sorted.
 * known and ret_contents may be NULL. */
enum assay_code debian_tree_digest(int root, const struct debian_contents *known,
				   struct debian_contents *ret_contents, struct assay_digest *ret,
				   struct assay_error *err) ASSAY_CHECKED;

#endif
