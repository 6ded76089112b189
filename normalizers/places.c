/* SPDX-License-Identifier: Apache-2.0 */
/* Parts that a table places; see the header. */
#include "places.h"

#include <stdlib.h>

#include "assay/limits.h"

#define FIRST_ROOM 64

static void grow(struct assay_layout *l, struct assay_places *places)
{
	size_t room = places->room ? 2 * places->room : FIRST_ROOM;
	struct assay_place *list = NULL;

	if (places->count < ASSAY_MAX_MEMBERS)
		list = assay_arena_alloc(&assay_layout_anatomy(l)->arena, room * sizeof(*list));
	if (!list) {
		places->failed = true;
		return;
	}
	if (places->count)
		memcpy(list, places->list, places->count * sizeof(*list));
	places->list = list;
	places->room = room;
}

void assay_places_add(struct assay_layout *l, struct assay_places *places,
		      const struct assay_place *place)
{
	uint64_t size = assay_layout_bytes(l).len;
	struct assay_place cut = *place;

	if (place->length == 0)
		return;
	if (place->start > size || place->length > size - place->start) {
		assay_layout_ambiguous(l, place->start < size ? place->start : size,
				       "%s: lies outside the file, which has %llu bytes",
				       place->field->name, (unsigned long long)size);
		if (place->start >= size)
			return;
		cut.length = size - place->start;
		cut.lay_out = NULL;
	}
	if (places->count == places->room)
		grow(l, places);
	if (!places->failed)
		places->list[places->count++] = cut;
}

static int compare_places(const void *left, const void *right)
{
	const struct assay_place *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->length != b->length)
		return a->length > b->length ? -1 : 1;
	return assay_span_compare(a->name, b->name);
}

void assay_places_sort(struct assay_places *places)
{
	if (places->count)
		qsort(places->list, places->count, sizeof(*places->list), compare_places);
}

static void lay_out_gap(struct assay_layout *l, uint64_t end, const struct assay_field *gap,
			const struct assay_field *padding)
{
	uint64_t length = end - assay_layout_at(l);

	if (length)
		assay_layout_leaf(l, assay_span_is_zero(assay_layout_peek(l, 0, length)) ? padding : gap, length);
}

static void lay_out_place(struct assay_layout *l, const struct assay_place *place, uint64_t end)
{
	uint64_t length = end - assay_layout_at(l);
	struct assay_node *leaf;

	if (place->lay_out && length == place->length) {
		place->lay_out(l, place);
		return;
	}
	leaf = assay_layout_leaf(l, place->field, length);
	if (place->is_member)
		assay_layout_member(l, leaf, place->name);
	else
		assay_layout_name(l, leaf, place->name);
	if (place->is_payload && length == place->length)
		assay_layout_payload(l, leaf);
}

enum assay_code assay_places_lay_out(struct assay_layout *l, struct assay_places *places, uint64_t end,
				     const struct assay_field *gap, const struct assay_field *padding,
				     struct assay_error *err)
{
	uint64_t last_start = UINT64_MAX, last_length = 0;

	if (places->failed)
		return assay_fail(err, ASSAY_ELIMIT, "%zu parts: no room for more", places->count);
	assay_places_sort(places);
	for (size_t i = 0; i < places->count && !assay_layout_failed(l); i++) {
		const struct assay_place *p = &places->list[i];
		uint64_t stop = p->start + p->length < end ? p->start + p->length : end;

		if (p->start == last_start && p->length == last_length)
			continue;
		if (p->start < assay_layout_at(l))
			assay_layout_ambiguous(l, p->start, "%s: overlaps with another part",
					       p->field->name);
		last_start = p->start;
		last_length = p->length;
		if (stop <= assay_layout_at(l) || p->start >= end)
			continue;
		if (p->start > assay_layout_at(l))
			lay_out_gap(l, p->start, gap, padding);
		lay_out_place(l, p, stop);
	}
	if (!assay_layout_failed(l))
		lay_out_gap(l, end, gap, padding);
	return ASSAY_OK;
}
