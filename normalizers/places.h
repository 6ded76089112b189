/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formats whose parts may lie anywhere (a table says where): the parts are collected, sorted by their
 * place and laid out; what overlaps or lies outside the file makes the structure ambiguous, and what
 * nobody claims is padding (zeros) or a gap.
 */
#ifndef ASSAY_NORMALIZERS_PLACES_H
#define ASSAY_NORMALIZERS_PLACES_H

#include "anatomy.h"

struct assay_place {
	uint64_t start, length;
	const struct assay_field *field;
	struct assay_span name;
	bool is_payload; /* a file of its own */
	bool is_member;	 /* named in an archive: order and names matter */
	/* Lays out exactly the bytes of the place, the cursor stands at its start; NULL: one leaf.  Not
	 * called for a place of which an overlapping one took a part. */
	void (*lay_out)(struct assay_layout *l, const struct assay_place *place);
	uint64_t detail; /* for lay_out */
};

struct assay_places {
	struct assay_place *list;
	size_t count, room;
	bool failed; /* out of memory, or more than ASSAY_MAX_MEMBERS */
};

/* Memory comes from the anatomy.  Empty places are left out. */
void assay_places_add(struct assay_layout *l, struct assay_places *places,
		      const struct assay_place *place);
/* By start, the longer one first. */
void assay_places_sort(struct assay_places *places);
/* From the cursor to end.  The same place twice is laid out once. */
enum assay_code assay_places_lay_out(struct assay_layout *l, struct assay_places *places, uint64_t end,
				     const struct assay_field *gap, const struct assay_field *padding,
				     struct assay_error *err) ASSAY_CHECKED;

#endif
