/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes put in and taken out: which ranges are said to differ, and that nothing between them does. */
#include "normalizers/resync.h"
#include "pair.h"

#define SIZE 20000

static uint8_t left[SIZE], right[2 * SIZE];

static uint32_t state;

static uint32_t next(void)
{
	state = state * 1664525 + 1013904223;
	return state >> 8;
}

static void fill(uint32_t seed, unsigned values)
{
	state = seed;
	for (size_t i = 0; i < SIZE; i++)
		left[i] = (uint8_t)(next() % values);
}

static struct assay_span copied(size_t from, size_t len, size_t to)
{
	memcpy(right + to, left + from, len);
	return assay_span_of(right, to + len);
}

/* In order, apart, and equal in between: whatever the search found, nothing is passed over. */
static void assert_covers(struct assay_span l, struct assay_span r, const struct assay_resync *found)
{
	uint64_t at_left = 0, at_right = 0;

	ck_assert_uint_gt(found->count, 0);
	for (size_t i = 0; i <= found->count; i++) {
		struct assay_range end = { l.len, 0, r.len, 0 };
		const struct assay_range *range = i < found->count ? &found->ranges[i] : &end;

		if (i == found->count && found->cut)
			return;
		ck_assert_uint_ge(range->left, at_left);
		ck_assert_uint_eq(range->left - at_left, range->right - at_right);
		ck_assert(memcmp(l.data + at_left, r.data + at_right, range->left - at_left) == 0);
		at_left = range->left + range->left_length;
		at_right = range->right + range->right_length;
	}
	ck_assert_uint_eq(at_left, l.len);
	ck_assert_uint_eq(at_right, r.len);
}

START_TEST(finds_two_insertions)
{
	struct assay_span l = assay_span_of(left, SIZE), r;
	struct assay_resync found;

	fill(1, 256);
	copied(0, 5000, 0);
	memset(right + 5000, 'x', 7);
	copied(5000, 9000, 5007);
	memset(right + 14007, 'y', 3);
	r = copied(14000, SIZE - 14000, 14010);
	assay_resync(l, r, &found);
	assert_covers(l, r, &found);
	ck_assert_uint_eq(found.count, 2);
	ck_assert_uint_eq(found.bytes, 10);
	ck_assert_uint_eq(found.ranges[0].left, 5000);
	ck_assert_uint_eq(found.ranges[1].right_length, 3);
}
END_TEST

/* What is common out of order cannot all be called equal: the longer part is. */
START_TEST(keeps_the_longer_of_two_that_changed_places)
{
	struct assay_span l = assay_span_of(left, SIZE), r;
	struct assay_resync found;

	fill(2, 256);
	copied(4000, SIZE - 4000, 0);
	r = copied(0, 3990, SIZE - 4000);
	assay_resync(l, r, &found);
	assert_covers(l, r, &found);
	ck_assert_uint_le(found.bytes, 4000 + 3990);
}
END_TEST

START_TEST(counts_what_is_not_listed)
{
	struct assay_span l = assay_span_of(left, SIZE), r = { right, 0 };
	struct assay_resync found;

	fill(3, 256);
	for (size_t i = 0; i < 200; i++) {
		r = copied(i * 100, 100, r.len);
		right[r.len++] = 0;
	}
	assay_resync(l, r, &found);
	assert_covers(l, r, &found);
	ck_assert(found.cut);
	ck_assert_uint_eq(found.count, ASSAY_MAX_RANGES);
	ck_assert_uint_eq(found.bytes, 200);
}
END_TEST

/* Little variety makes windows that stand everywhere; edits at random. */
START_TEST(covers_everything)
{
	struct assay_span l = assay_span_of(left, SIZE), r = { right, 0 };
	struct assay_resync found;

	fill((uint32_t)_i, 1U + (unsigned)_i % 7);
	for (size_t at = 0; at < SIZE;) {
		size_t len = next() % 900, skip = next() % 5;

		if (len > SIZE - at)
			len = SIZE - at;
		r = copied(at, len, r.len);
		for (size_t i = next() % 40; i; i--)
			right[r.len++] = (uint8_t)next();
		at += len + skip;
	}
	if (l.len == r.len)
		r.len--;
	assay_resync(l, r, &found);
	assert_covers(l, r, &found);
	assay_resync(r, l, &found);
	assert_covers(r, l, &found);
}
END_TEST

START_TEST(short_spans_are_one_range)
{
	struct assay_resync found;

	assay_resync(assay_span_text("one"), assay_span_text("other"), &found);
	ck_assert_uint_eq(found.count, 1);
	assay_resync(assay_span_of(NULL, 0), assay_span_text("x"), &found);
	ck_assert_uint_eq(found.count, 1);
	ck_assert_uint_eq(found.bytes, 1);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, finds_two_insertions);
	tcase_add_test(tcase, keeps_the_longer_of_two_that_changed_places);
	tcase_add_test(tcase, counts_what_is_not_listed);
	tcase_add_loop_test(tcase, covers_everything, 1, 60);
	tcase_add_test(tcase, short_spans_are_one_range);
}

int main(void)
{
	return run_suite("resync", add_tests);
}
