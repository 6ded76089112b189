/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anchors are windows of the left side that stand there once, found on the right by a rolling sum and proven by
 * comparing bytes; of them the heaviest chain that runs forward on both sides is kept (as patience diff does with
 * lines).  Sums only point: what is called equal here was compared.
 */
#include "resync.h"

#include <stdlib.h>

#include "assay/cleanup.h"

#define WINDOW 24	      /* bytes that must be equal */
#define SLOT_BITS 17	      /* of the table of windows */
#define WINDOWS_MAX (1 << 16) /* of the left side, half the table */
#define ANCHORS_MAX 2048
#define FACTOR 0x01000193U
#define FREE UINT32_MAX
#define DOUBLE (UINT32_MAX - 1) /* stands there more than once: leads nowhere */

struct slot {
	uint32_t sum, at;
};

struct anchor {
	uint32_t left, right, length;
	uint32_t before; /* the anchor in front of it in its chain, or FREE */
	uint64_t weight;
};

struct search {
	struct assay_span left, right; /* the middles */
	struct slot *slots;
	struct anchor *anchors;
	size_t count;
};

static void release(struct search *s)
{
	free(s->slots);
	free(s->anchors);
}

static uint32_t sum_of(const uint8_t *data)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < WINDOW; i++)
		sum = sum * FACTOR + data[i];
	return sum;
}

static struct slot *slot_of(const struct search *s, uint32_t sum)
{
	uint32_t i = (sum * 0x9e3779b1U) >> (32 - SLOT_BITS);

	while (s->slots[i].at != FREE && s->slots[i].sum != sum)
		i = (i + 1) & ((1U << SLOT_BITS) - 1);
	return &s->slots[i];
}

static void index_left(struct search *s)
{
	size_t step = s->left.len / WINDOWS_MAX + 1;

	if (step < WINDOW / 2)
		step = WINDOW / 2;
	for (size_t i = 0; i < 1U << SLOT_BITS; i++)
		s->slots[i].at = FREE;
	for (size_t at = 0; at + WINDOW <= s->left.len; at += step) {
		uint32_t sum = sum_of(s->left.data + at);
		struct slot *slot = slot_of(s, sum);

		*slot = (struct slot){ sum, slot->at == FREE ? (uint32_t)at : DOUBLE };
	}
}

/* Widens a window that was found to all that is equal around it, up to the anchor in front of it. */
static struct anchor widened(const struct search *s, size_t left, size_t right)
{
	static const struct anchor none;
	const struct anchor *last = s->count ? &s->anchors[s->count - 1] : &none;
	size_t from = last->left + last->length <= left ? last->left + last->length : 0;
	size_t length = WINDOW;

	while (left + length < s->left.len && right + length < s->right.len &&
	       s->left.data[left + length] == s->right.data[right + length])
		length++;
	while (left > from && right > last->right + last->length &&
	       s->left.data[left - 1] == s->right.data[right - 1]) {
		left--;
		right--;
		length++;
	}
	return (struct anchor){ (uint32_t)left, (uint32_t)right, (uint32_t)length, FREE, length };
}

/* A run that was found is not searched again: each byte of the right side is widened over once. */
static void find_anchors(struct search *s)
{
	uint32_t top = 1, sum = sum_of(s->right.data);
	size_t at = 0;

	for (size_t i = 1; i < WINDOW; i++)
		top *= FACTOR;
	while (s->count < ANCHORS_MAX) {
		const struct slot *slot = slot_of(s, sum);

		if (slot->at < DOUBLE && memcmp(s->left.data + slot->at, s->right.data + at, WINDOW) == 0) {
			s->anchors[s->count] = widened(s, slot->at, at);
			at = s->anchors[s->count].right + s->anchors[s->count].length;
			s->count++;
			if (at + WINDOW > s->right.len)
				return;
			sum = sum_of(s->right.data + at);
			continue;
		}
		if (at + WINDOW >= s->right.len)
			return;
		sum = (sum - top * s->right.data[at]) * FACTOR + s->right.data[at + WINDOW];
		at++;
	}
}

/* Anchors are in the order of the right side; the chain takes those that are in order on the left too. */
static uint32_t heaviest_chain(struct search *s)
{
	uint32_t best = FREE;

	for (size_t i = 0; i < s->count; i++) {
		struct anchor *anchor = &s->anchors[i];
		uint64_t before = 0;

		for (size_t j = 0; j < i; j++) {
			const struct anchor *a = &s->anchors[j];

			if (a->weight > before && a->left + a->length <= anchor->left &&
			    a->right + a->length <= anchor->right) {
				before = a->weight;
				anchor->before = (uint32_t)j;
			}
		}
		anchor->weight = anchor->length + before;
		if (best == FREE || anchor->weight > s->anchors[best].weight)
			best = (uint32_t)i;
	}
	return best;
}

static void add(struct assay_resync *ret, struct assay_span left, struct assay_span right,
		const struct assay_range *range)
{
	if (!range->left_length && !range->right_length)
		return;
	ret->bytes += assay_bytes_differing(assay_span_cut(left, range->left, range->left_length),
					    assay_span_cut(right, range->right, range->right_length));
	if (ret->count < ASSAY_MAX_RANGES)
		ret->ranges[ret->count++] = *range;
	else
		ret->cut = true;
}

/* The gaps between the anchors of the chain. */
static void add_gaps(struct search *s, uint32_t last, const struct assay_range *middle,
		     struct assay_span left, struct assay_span right, struct assay_resync *ret)
{
	uint32_t next = FREE, at_left = 0, at_right = 0;

	/* turn the chain around: its end is known, its beginning is wanted */
	for (uint32_t i = last; i != FREE;) {
		uint32_t before = s->anchors[i].before;

		s->anchors[i].before = next;
		next = i;
		i = before;
	}
	for (uint32_t i = next; i != FREE; i = s->anchors[i].before) {
		const struct anchor *a = &s->anchors[i];

		add(ret, left, right,
		    &(struct assay_range){ middle->left + at_left, a->left - at_left, middle->right + at_right,
					   a->right - at_right });
		at_left = a->left + a->length;
		at_right = a->right + a->length;
	}
	add(ret, left, right,
	    &(struct assay_range){ middle->left + at_left, middle->left_length - at_left, middle->right + at_right,
				   middle->right_length - at_right });
}

static bool search(struct search *s)
{
	if (s->left.len < WINDOW || s->right.len < WINDOW || s->left.len > ASSAY_MAX_RESYNC ||
	    s->right.len > ASSAY_MAX_RESYNC)
		return false;
	s->slots = malloc(sizeof(*s->slots) << SLOT_BITS);
	s->anchors = malloc(sizeof(*s->anchors) * ANCHORS_MAX);
	if (!s->slots || !s->anchors)
		return false;
	index_left(s);
	find_anchors(s);
	return s->count > 0;
}

void assay_resync(struct assay_span left, struct assay_span right, struct assay_resync *ret)
{
	struct assay_range middle = assay_range_middle(left, right);
	uint64_t most = middle.left_length > middle.right_length ? middle.left_length : middle.right_length;
	assay_auto(release) struct search s = {
		.left = assay_span_cut(left, middle.left, middle.left_length),
		.right = assay_span_cut(right, middle.right, middle.right_length),
	};

	*ret = (struct assay_resync){ .count = 0 };
	if (search(&s))
		add_gaps(&s, heaviest_chain(&s), &middle, left, right, ret);
	if (!ret->count || ret->bytes > most)
		*ret = (struct assay_resync){ .ranges = { middle }, .count = 1, .bytes = most };
}
