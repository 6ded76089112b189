/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of digests, as sha256sum(1) and its kin write them (GNU coreutils manual, "cksum output modes"): lines of
 * "HEX  NAME", "HEX *NAME", "\HEX  NAME" with \n and \\ escaped in the name, or "SHA256 (NAME) = HEX".  A set of
 * artifacts is compared by its list, and a directory is held against one.
 */
#ifndef ASSAY_NORMALIZERS_SUMS_H
#define ASSAY_NORMALIZERS_SUMS_H

#include "assay/arena.h"
#include "walk.h"

struct assay_sum {
	struct assay_span name;	  /* unescaped */
	struct assay_span digest; /* hex digits, as written */
	bool matched;
};

struct assay_sums {
	struct assay_arena arena;
	struct assay_sum *items; /* by name */
	size_t count;
	size_t digits; /* of every digest: 64 for SHA-256 */
	struct assay_span bytes; /* the whole list */
};

/* False, and *ret empty, when the bytes are no such list: every line one entry, all of one digest, no name
 * twice. */
bool assay_sums_parse(struct assay_span bytes, struct assay_sums *ret);
void assay_sums_release(struct assay_sums *sums);
/* By name again, after names were changed. */
void assay_sums_sort(struct assay_sums *sums);

/* One difference at a name, of values that need not be there; field NULL: the digest differs. */
enum assay_code assay_sums_record(struct assay_walk *walk, const struct assay_field *field,
				  struct assay_span name, const struct assay_span *left,
				  const struct assay_span *right, const char *explanation,
				  struct assay_error *err) ASSAY_CHECKED;

/* Name by name; the files themselves are not read. */
enum assay_code assay_sums_compare(struct assay_walk *walk, struct assay_sums *left,
				   struct assay_sums *right, struct assay_error *err) ASSAY_CHECKED;

/* The files below dirfd against the list in list_fd, which is the left side when list_is_left.  Only SHA-256
 * counts; a name that leads outside is an error.  The list itself may lie in the directory. */
enum assay_code assay_sums_check(struct assay_walk *walk, int list_fd, int dirfd, bool list_is_left,
				 struct assay_error *err) ASSAY_CHECKED;

#endif
