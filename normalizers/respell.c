/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members that stand for each other although their names differ by rule: all of them below another
 * directory, or each with the suffix of another compressor.  The names are a difference of their own;
 * what the members hold is compared as if they had one name.
 */
#include <stdio.h>
#include <stdlib.h>

#include "assay/limits.h"
#include "walk.h"

/* Beyond so many one-sided members they are reported one by one. */
#define CANDIDATES_MAX 200000

struct spelled {
	struct assay_span key;
	const struct assay_node *node;
	size_t pair;
};

struct side {
	struct spelled *items;
	size_t count;
	struct assay_span prefix;
};

static bool collect(const struct assay_pairs *pairs, bool right, struct side *ret)
{
	ret->items = calloc(pairs->count - pairs->matched + 1, sizeof(*ret->items));
	for (size_t i = pairs->matched; ret->items && i < pairs->count; i++) {
		const struct assay_node *node = right ? pairs->items[i].right : pairs->items[i].left;

		if (node && (node->flags & ASSAY_NODE_MEMBER))
			ret->items[ret->count++] = (struct spelled){ node->name, node, i };
	}
	return ret->items != NULL;
}

static int by_key(const void *a, const void *b)
{
	return assay_span_compare(((const struct spelled *)a)->key,
				  ((const struct spelled *)b)->key);
}

/* What all names begin with, up to a "/". */
static struct assay_span common_directory(const struct side *side)
{
	struct assay_span common = side->items[0].key;

	for (size_t i = 1; i < side->count; i++) {
		struct assay_span name = side->items[i].key;
		size_t same = 0;

		while (same < common.len && same < name.len && common.data[same] == name.data[same])
			same++;
		common.len = same;
	}
	while (common.len > 0 && common.data[common.len - 1] != '/')
		common.len--;
	return common;
}

static void cut_prefix(struct side *side)
{
	side->prefix = common_directory(side);
	for (size_t i = 0; i < side->count; i++)
		side->items[i].key = assay_span_cut(side->items[i].key, side->prefix.len,
						    side->items[i].key.len);
}

static void cut_suffixes(struct side *side)
{
	static const char *const suffixes[] = { ".gz", ".xz", ".zst", ".bz2", ".lzma", ".lz4" };
	size_t kept = 0;

	for (size_t i = 0; i < side->count; i++) {
		struct spelled item = side->items[i];

		for (size_t k = 0; k < sizeof(suffixes) / sizeof(suffixes[0]); k++) {
			if (!assay_span_ends(item.key, suffixes[k]))
				continue;
			item.key.len -= strlen(suffixes[k]);
			side->items[kept++] = item;
			break;
		}
	}
	side->count = kept;
}

static bool sort_unique(struct side *side)
{
	qsort(side->items, side->count, sizeof(*side->items), by_key);
	for (size_t i = 1; i < side->count; i++)
		if (assay_span_equal(side->items[i - 1].key, side->items[i].key))
			return false;
	return true;
}

static bool same_keys(const struct side *left, const struct side *right)
{
	if (left->count != right->count || left->count == 0)
		return false;
	for (size_t i = 0; i < left->count; i++)
		if (!assay_span_equal(left->items[i].key, right->items[i].key) ||
		    left->items[i].node->field != right->items[i].node->field)
			return false;
	return true;
}

static enum assay_code record_names(struct assay_walk *walk, struct assay_scope *scope,
				    struct assay_span left, struct assay_span right, size_t count,
				    struct assay_error *err)
{
	char text[512], l[160], r[160];
	struct assay_difference d = {
		.field = &assay_field_renamed,
		.left_present = true,
		.right_present = true,
		.values = { { left, right }, true, true },
		.bytes = count * assay_bytes_differing(left, right),
		.confidence = ASSAY_CERTAIN,
		.severity = assay_field_renamed.severity,
		.explanation = text,
	};

	if (count > 1)
		snprintf(text, sizeof(text), "all %zu members stand below \"%s\" on the left and below "
			 "\"%s\" on the right", count, assay_span_show(left, l, sizeof(l)),
			 assay_span_show(right, r, sizeof(r)));
	else
		snprintf(text, sizeof(text), "%s on the left is %s on the right",
			 assay_span_show(left, l, sizeof(l)), assay_span_show(right, r, sizeof(r)));
	return assay_walk_record(walk, scope, &d, NULL, err);
}

static enum assay_code compare_one(struct assay_walk *walk, struct assay_scope *scope,
				   const struct spelled *l, const struct spelled *r, bool *done,
				   struct assay_error *err)
{
	size_t container = walk->container_count;
	enum assay_code code;

	walk->container_count = walk->path_count;
	done[l->pair] = done[r->pair] = true;
	if (l->key.len && !assay_walk_push(walk, l->key)) {
		walk->container_count = container;
		return ASSAY_OK;
	}
	code = assay_walk_nodes(walk, scope, scope->left, l->node, scope->right, r->node,
				scope->story, err);
	if (l->key.len)
		assay_walk_pop(walk);
	walk->container_count = container;
	return code;
}

static enum assay_code compare_all(struct assay_walk *walk, struct assay_scope *scope,
				   const struct side *left, const struct side *right, bool *done,
				   struct assay_error *err)
{
	enum assay_code code = ASSAY_OK;

	for (size_t i = 0; i < left->count && !code; i++)
		code = compare_one(walk, scope, &left->items[i], &right->items[i], done, err);
	return code;
}

static enum assay_code compare_suffixed(struct assay_walk *walk, struct assay_scope *scope,
					struct side *left, struct side *right, bool *done,
					struct assay_error *err)
{
	enum assay_code code = ASSAY_OK;

	cut_suffixes(left);
	cut_suffixes(right);
	if (!sort_unique(left) || !sort_unique(right) || !same_keys(left, right))
		return ASSAY_OK;
	for (size_t i = 0; i < left->count && !code; i++)
		code = record_names(walk, scope, left->items[i].node->name,
				    right->items[i].node->name, 1, err);
	return code ? code : compare_all(walk, scope, left, right, done, err);
}

static enum assay_code compare_sides(struct assay_walk *walk, struct assay_scope *scope,
				     struct side *left, struct side *right, bool matched,
				     bool *done, struct assay_error *err)
{
	struct side l = *left, r = *right;
	enum assay_code code;

	/* a directory of their own is a matter of all members */
	if (!matched && l.count == r.count && l.count > 1) {
		cut_prefix(&l);
		cut_prefix(&r);
		if (sort_unique(&l) && sort_unique(&r) && same_keys(&l, &r)) {
			code = record_names(walk, scope, l.prefix, r.prefix, l.count, err);
			return code ? code : compare_all(walk, scope, &l, &r, done, err);
		}
	}
	for (size_t i = 0; i < left->count; i++)
		left->items[i].key = left->items[i].node->name;
	for (size_t i = 0; i < right->count; i++)
		right->items[i].key = right->items[i].node->name;
	return compare_suffixed(walk, scope, left, right, done, err);
}

enum assay_code assay_walk_respelled(struct assay_walk *walk, struct assay_scope *scope, bool *done,
				     struct assay_error *err)
{
	const struct assay_pairs *pairs = scope->pairs;
	struct side left = { 0 }, right = { 0 };
	enum assay_code code = ASSAY_OK;
	bool matched = false;

	if (pairs->count - pairs->matched < 2 || pairs->count - pairs->matched > CANDIDATES_MAX)
		return ASSAY_OK;
	for (size_t i = 0; i < pairs->matched && !matched; i++)
		matched = pairs->items[i].left->flags & ASSAY_NODE_MEMBER;
	if (!collect(pairs, false, &left) || !collect(pairs, true, &right))
		code = assay_fail(err, ASSAY_ENOMEM, "names of members: out of memory");
	if (!code && left.count && right.count)
		code = compare_sides(walk, scope, &left, &right, matched, done, err);
	free(left.items);
	free(right.items);
	return code;
}
