/* SPDX-License-Identifier: Apache-2.0 */
/* Aligning the children of two groups; see the header. */
#include "align.h"

#include <stdlib.h>
#include <xxhash.h>

struct list {
	const struct assay_node **nodes;
	size_t count;
	size_t *partner; /* index on the other side, SIZE_MAX: none yet */
};

static bool same_key(const struct assay_node *a, const struct assay_node *b)
{
	return a->field == b->field && assay_span_equal(a->name, b->name);
}

static uint64_t key_hash(const struct assay_node *node)
{
	return XXH3_64bits_withSeed(node->name.data, node->name.len,
				    (uint64_t)(uintptr_t)node->field);
}

static bool list_fill(const struct assay_node *group, struct list *list)
{
	size_t count = 0;

	for (const struct assay_node *n = group ? group->first : NULL; n; n = n->next)
		count++;
	list->nodes = calloc(count + 1, sizeof(*list->nodes));
	list->partner = calloc(count + 1, sizeof(*list->partner));
	if (!list->nodes || !list->partner)
		return false;
	for (const struct assay_node *n = group ? group->first : NULL; n; n = n->next) {
		list->partner[list->count] = SIZE_MAX;
		list->nodes[list->count++] = n;
	}
	return true;
}

static void list_release(struct list *list)
{
	free(list->nodes);
	free(list->partner);
}

/* A table of one side's nodes, first occurrence first: chains by index, linked through next. */
struct table {
	size_t *heads, *next, mask;
};

static bool table_fill(const struct list *list, size_t from, size_t to, struct table *table)
{
	size_t slots = 16;

	while (slots < 2 * (to - from))
		slots *= 2;
	table->mask = slots - 1;
	table->heads = calloc(slots, sizeof(*table->heads));
	table->next = calloc(list->count + 1, sizeof(*table->next));
	if (!table->heads || !table->next)
		return false;
	for (size_t i = 0; i < slots; i++)
		table->heads[i] = SIZE_MAX;
	for (size_t i = to; i > from; i--) {
		size_t slot = key_hash(list->nodes[i - 1]) & table->mask;

		table->next[i - 1] = table->heads[slot];
		table->heads[slot] = i - 1;
	}
	return true;
}

static void table_release(struct table *table)
{
	free(table->heads);
	free(table->next);
}

/* Takes the first unmatched occurrence out of the chain, so that many equal keys stay linear. */
static size_t table_take(struct table *table, const struct list *list, const struct assay_node *key)
{
	size_t *link = &table->heads[key_hash(key) & table->mask];

	while (*link != SIZE_MAX) {
		size_t at = *link;

		if (same_key(list->nodes[at], key)) {
			*link = table->next[at];
			return at;
		}
		link = &table->next[at];
	}
	return SIZE_MAX;
}

static void pair_up(struct list *left, struct list *right, size_t l, size_t r)
{
	left->partner[l] = r;
	right->partner[r] = l;
}

static bool match_middle(struct list *left, struct list *right, size_t from, size_t left_to,
			 size_t right_to)
{
	struct table table = { 0 };
	bool ok = table_fill(right, from, right_to, &table);

	for (size_t i = from; ok && i < left_to; i++) {
		size_t at = table_take(&table, right, left->nodes[i]);

		if (at != SIZE_MAX)
			pair_up(left, right, i, at);
	}
	table_release(&table);
	return ok;
}

static bool match(struct list *left, struct list *right)
{
	size_t from = 0, l = left->count, r = right->count;

	while (from < l && from < r && same_key(left->nodes[from], right->nodes[from])) {
		pair_up(left, right, from, from);
		from++;
	}
	while (l > from && r > from && same_key(left->nodes[l - 1], right->nodes[r - 1])) {
		pair_up(left, right, l - 1, r - 1);
		l--;
		r--;
	}
	return (from == l || from == r) ? true : match_middle(left, right, from, l, r);
}

static int by_name(const void *a, const void *b)
{
	const struct assay_node *x = *(const struct assay_node *const *)a;
	const struct assay_node *y = *(const struct assay_node *const *)b;

	return assay_span_compare(x->name, y->name);
}

static bool has_duplicates(const struct list *list, bool *ret)
{
	const struct assay_node **sorted = calloc(list->count + 1, sizeof(*sorted));
	size_t count = 0;

	if (!sorted)
		return false;
	for (size_t i = 0; i < list->count; i++)
		if (list->nodes[i]->flags & ASSAY_NODE_MEMBER)
			sorted[count++] = list->nodes[i];
	qsort(sorted, count, sizeof(*sorted), by_name);
	for (size_t i = 1; i < count && !*ret; i++)
		*ret = assay_span_equal(sorted[i - 1]->name, sorted[i]->name);
	free(sorted);
	return true;
}

static void emit(const struct list *left, const struct list *right, struct assay_pairs *ret)
{
	for (size_t i = 0; i < left->count; i++)
		if (left->partner[i] != SIZE_MAX)
			ret->items[ret->count++] = (struct assay_pair){
				left->nodes[i], right->nodes[left->partner[i]], i, left->partner[i]
			};
	ret->matched = ret->count;
	for (size_t i = 0; i < left->count; i++)
		if (left->partner[i] == SIZE_MAX)
			ret->items[ret->count++] =
				(struct assay_pair){ left->nodes[i], NULL, i, SIZE_MAX };
	for (size_t i = 0; i < right->count; i++)
		if (right->partner[i] == SIZE_MAX)
			ret->items[ret->count++] =
				(struct assay_pair){ NULL, right->nodes[i], SIZE_MAX, i };
}

enum assay_code assay_pairs_align(const struct assay_node *left, const struct assay_node *right,
				  struct assay_pairs *ret, struct assay_error *err)
{
	struct list l = { 0 }, r = { 0 };
	bool ok;

	*ret = (struct assay_pairs){ 0 };
	ok = list_fill(left, &l) && list_fill(right, &r) && match(&l, &r) &&
	     has_duplicates(&l, &ret->duplicates) && has_duplicates(&r, &ret->duplicates);
	if (ok)
		ret->items = calloc(l.count + r.count + 1, sizeof(*ret->items));
	if (ret->items)
		emit(&l, &r, ret);
	list_release(&l);
	list_release(&r);
	if (!ret->items)
		return assay_fail(err, ASSAY_ENOMEM, "alignment: out of memory");
	return ASSAY_OK;
}

void assay_pairs_release(struct assay_pairs *pairs)
{
	free(pairs->items);
	*pairs = (struct assay_pairs){ 0 };
}
