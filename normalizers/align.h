/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which child on the left is which on the right: by field, name and occurrence.  Lists that agree
 * from the front and from the back cost nothing; what lies between goes through a hash table, whose
 * hits are confirmed by comparing the names.
 */
#ifndef ASSAY_NORMALIZERS_ALIGN_H
#define ASSAY_NORMALIZERS_ALIGN_H

#include "anatomy.h"

struct assay_pair {
	const struct assay_node *left, *right; /* NULL: only on the other side */
	size_t left_index, right_index;
};

struct assay_pairs {
	struct assay_pair *items; /* matched ones by left index, then left-only, then right-only */
	size_t count;
	size_t matched;
	bool duplicates; /* two members of one side have the same name */
};

/* left or right may be NULL: an empty group. */
enum assay_code assay_pairs_align(const struct assay_node *left, const struct assay_node *right,
				  struct assay_pairs *ret, struct assay_error *err) ASSAY_CHECKED;
void assay_pairs_release(struct assay_pairs *pairs);

#endif
