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

/* A member that was strictly older must not have become strictly newer: make and byte-code caches
 * decide by that.  Times that became equal, or were, are what clamping does. */
static bool time_order_holds(const struct assay_facts *left, const struct assay_facts *right,
			     const struct assay_pairs *pairs, const struct assay_field *field)
{
	struct timed *list = calloc(left->count + 1, sizeof(*list));
	int64_t newest_before = INT64_MIN, newest = INT64_MIN;
	size_t count = 0;
	bool holds = list != NULL;

	(void)pairs;
	(void)field;
	for (size_t i = 0; holds && i < left->count; i++) {
		if (left->times[i] == INT64_MIN && right->times[i] == INT64_MIN)
			continue;
		list[count++] = (struct timed){ left->times[i], right->times[i] };
	}
	if (count)
		qsort(list, count, sizeof(*list), by_left_time);
	for (size_t i = 0; holds && i < count; i++) {
		if (i && list[i].left != list[i - 1].left)
			newest_before = newest;
		if (list[i].right < newest_before)
			holds = false;
		if (list[i].right > newest)
			newest = list[i].right;
	}
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

/* Bits that a umask took from one side only.  Never: what is not permission bits of group and others,
 * write permission for others, and execution where the owner may not execute. */
static bool umask_bits_are_plausible(int32_t differ, const struct assay_facts *strict)
{
	if (differ & ~075)
		return false;
	for (size_t i = 0; i < strict->count; i++)
		if (strict->modes[i] >= 0 && (strict->modes[i] & differ))
			return false;
	return true;
}

static bool umask_holds(const struct assay_facts *left, const struct assay_facts *right,
			const struct assay_pairs *pairs, const struct assay_field *field)
{
	int32_t removed = 0, added = 0;

	(void)pairs;
	(void)field;
	for (size_t i = 0; i < left->count; i++) {
		int32_t a = left->modes[i], b = right->modes[i];

		if ((a < 0) != (b < 0))
			return false;
		if (a < 0 || a == b)
			continue;
		if (((a ^ b) & 0111) && !(a & b & 0100))
			return false;
		/* a class loses execution together with reading, never alone */
		if (((a ^ b) & 0010 && !((a ^ b) & 0040)) || ((a ^ b) & 0001 && !((a ^ b) & 0004)))
			return false;
		removed |= a & ~b;
		added |= b & ~a;
	}
	if (removed && added)
		return false;
	return umask_bits_are_plausible(removed | added, removed ? right : left);
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
	if (assay_span_equal_text(name, ".") || assay_span_equal_text(name, ".."))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		/* the field may hold its terminating NUL */
		if (name.data[i] == 0 && i + 1 == name.len)
			return i > 0;
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

static bool is_zero(struct assay_span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i])
			return false;
	return true;
}

static bool zero_holds(struct assay_span left, struct assay_span right)
{
	return is_zero(left) && is_zero(right);
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

const struct assay_check assay_check_owner = {
	.condition = "all members of a side have one owner, none is set-id, and no installer "
		     "restores owners",
	.members = owner_holds,
};

const struct assay_check assay_check_umask = {
	.condition = "one umask explains the modes of all members, and it gives others no right to "
		     "write and nobody one to execute",
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
