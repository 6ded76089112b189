/* SPDX-License-Identifier: Apache-2.0 */
/* The conditions, each one sentence that is printed and one function that tests it. */
#include "passes.h"

#include <stdlib.h>
#include <string.h>

struct timed {
	int64_t left, right;
};

static int by_left_time(const void *a, const void *b)
{
	const struct timed *x = a, *y = b;

	if (x->left != y->left)
		return x->left < y->left ? -1 : 1;
	return (x->right > y->right) - (x->right < y->right);
}

/* What was strictly older must not have become strictly newer: make and byte-code caches decide by
 * that.  Times that became equal, or were, are what clamping does. */
static bool order_kept(struct timed *list, size_t count)
{
	int64_t newest_before = INT64_MIN, newest = INT64_MIN;

	if (count)
		qsort(list, count, sizeof(*list), by_left_time);
	for (size_t i = 0; i < count; i++) {
		if (i && list[i].left != list[i - 1].left)
			newest_before = newest;
		if (list[i].right < newest_before)
			return false;
		if (list[i].right > newest)
			newest = list[i].right;
	}
	return true;
}

static bool time_order_holds(const struct assay_facts *left, const struct assay_facts *right,
			     const struct assay_pairs *pairs, const struct assay_field *field)
{
	struct timed *list = calloc(left->count + 1, sizeof(*list));
	size_t count = 0;
	bool holds = list != NULL;

	(void)pairs;
	(void)field;
	for (size_t i = 0; holds && i < left->count; i++) {
		if (left->times[i] == INT64_MIN && right->times[i] == INT64_MIN)
			continue;
		list[count++] = (struct timed){ left->times[i], right->times[i] };
	}
	holds = holds && order_kept(list, count);
	free(list);
	return holds;
}

/* The same of an array of big-endian seconds, one for each file. */
static bool times_hold(struct assay_span left, struct assay_span right)
{
	size_t count = left.len / 4;
	struct timed *list = calloc(count + 1, sizeof(*list));
	bool holds = list && left.len == right.len && left.len % 4 == 0;

	for (size_t i = 0; holds && i < count; i++) {
		const uint8_t *l = left.data + 4 * i, *r = right.data + 4 * i;

		list[i].left = (int64_t)l[0] << 24 | l[1] << 16 | l[2] << 8 | l[3];
		list[i].right = (int64_t)r[0] << 24 | r[1] << 16 | r[2] << 8 | r[3];
	}
	holds = holds && order_kept(list, count);
	free(list);
	return holds;
}

static bool owner_holds(const struct assay_facts *left, const struct assay_facts *right,
			const struct assay_pairs *pairs, const struct assay_field *field)
{
	static const char *const words[ASSAY_OWNER_FIELDS] = { "uid", "gid", "uname", "gname" };

	(void)pairs;
	if (left->in_package || left->set_id || right->set_id)
		return false;
	for (size_t i = 0; i < ASSAY_OWNER_FIELDS; i++)
		if (strcmp(assay_field_word(field), words[i]) == 0)
			return !left->owners[i].varies && !right->owners[i].varies;
	return false;
}

/* Writing for others is never a umask's doing. */
#define UMASK_BITS 075

bool assay_umask_is_uniform(const struct assay_facts *facts, int32_t bit, bool *ret_present)
{
	int32_t owner = bit & 070 ? bit << 3 : bit << 6;
	bool present = false, absent = false;

	for (size_t i = 0; i < facts->count; i++) {
		if (facts->modes[i] < 0)
			continue;
		if (facts->modes[i] & bit) {
			present = true;
			/* what its owner may not do, no umask has left to others */
			absent |= !(facts->modes[i] & owner);
		} else {
			absent |= (facts->modes[i] & owner) != 0;
		}
	}
	*ret_present = present;
	return !(present && absent);
}

/* A umask decides a bit for all members at once: each bit that differs must stand, on either side, in
 * all modes or in none.  One file that others may read among many private ones is no umask. */
static bool umask_holds(const struct assay_facts *left, const struct assay_facts *right,
			const struct assay_pairs *pairs, const struct assay_field *field)
{
	int32_t differing = 0;
	bool present;

	(void)pairs;
	(void)field;
	for (size_t i = 0; i < left->count; i++) {
		if ((left->modes[i] < 0) != (right->modes[i] < 0))
			return false;
		if (left->modes[i] >= 0)
			differing |= left->modes[i] ^ right->modes[i];
	}
	if (differing & ~UMASK_BITS)
		return false;
	for (int32_t bit = 1; bit < 0100; bit <<= 1)
		if (differing & bit && (!assay_umask_is_uniform(left, bit, &present) ||
					!assay_umask_is_uniform(right, bit, &present)))
			return false;
	return true;
}

static bool member_order_holds(const struct assay_facts *left, const struct assay_facts *right,
			       const struct assay_pairs *pairs, const struct assay_field *field)
{
	(void)field;
	return !pairs->duplicates && !left->link_before_target && !right->link_before_target &&
	       !left->below_symlink && !right->below_symlink;
}

static bool is_base_name(struct assay_span name)
{
	/* the field may hold its terminating NUL */
	if (name.len && name.data[name.len - 1] == 0)
		name.len--;
	if (assay_span_equal_text(name, ".") || assay_span_equal_text(name, ".."))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (name.data[i] < 0x20 || name.data[i] == 0x7f || name.data[i] == '/' ||
		    name.data[i] == '\\')
			return false;
	}
	return assay_span_is_utf8(name);
}

static bool base_name_holds(struct assay_span left, struct assay_span right)
{
	return is_base_name(left) && is_base_name(right);
}

static bool zero_holds(struct assay_span left, struct assay_span right)
{
	return assay_span_is_zero(left) && assay_span_is_zero(right);
}

/* That there is one unit, nothing behind it and no wrong sum is what a canonical structure and a
 * decoded payload say; the verdict asks for both.  Nothing is left to test of the bytes. */
static bool payload_holds(struct assay_span left, struct assay_span right)
{
	(void)left;
	(void)right;
	return true;
}

const struct assay_check assay_check_time_order = {
	.condition = "no two members swap their order in time",
	.members = time_order_holds,
};

const struct assay_check assay_check_times = {
	.condition = "no two files swap their order in time",
	.leaf = times_hold,
};

const struct assay_check assay_check_owner = {
	.condition = "all members of a side have one owner, none is set-id, and no installer "
		     "restores owners",
	.members = owner_holds,
};

const struct assay_check assay_check_umask = {
	.condition = "one umask explains the modes of all members, and none lets others write",
	.members = umask_holds,
};

const struct assay_check assay_check_member_order = {
	.condition = "no name twice, hard links after their targets, nothing below a symbolic link",
	.members = member_order_holds,
};

const struct assay_check assay_check_base_name = {
	.condition = "a printable file name without directories",
	.leaf = base_name_holds,
};

const struct assay_check assay_check_zero = {
	.condition = "nothing but zero bytes",
	.leaf = zero_holds,
};

const struct assay_check assay_check_payload = {
	.condition = "one payload, nothing behind it, sizes and sums verified",
	.leaf = payload_holds,
};
