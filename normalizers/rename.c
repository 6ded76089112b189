/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members that only one side has, but whose content the other side has under another name.  XXH3
 * finds candidates, memcmp decides.
 */
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "assay/limits.h"
#include "claims.h"

/* Beyond so many one-sided members they are reported one by one. */
#define CANDIDATES_MAX 20000

struct candidate {
	struct assay_span content;
	uint64_t hash;
	size_t pair;
	const struct assay_node *node;
	bool is_right;
};

static const struct assay_node *find_payload(const struct assay_node *group)
{
	for (const struct assay_node *n = group->first; n; n = n->next)
		if (n->flags & ASSAY_NODE_PAYLOAD)
			return n;
	return NULL;
}

static enum assay_code add_candidate(const struct assay_anatomy *anatomy,
				     const struct assay_node *node, size_t pair, bool is_right,
				     struct candidate *list, size_t *count, struct assay_error *err)
{
	struct assay_arena arena = ASSAY_ARENA_INIT(ASSAY_MAX_TREE);
	const struct assay_node *group, *payload = NULL;
	enum assay_code code = assay_anatomy_expand(anatomy, node, &arena, &group, err);

	if (!code)
		payload = find_payload(group);
	if (payload && payload->length) {
		struct candidate *c = &list[(*count)++];

		c->content = assay_node_bytes(anatomy, payload);
		c->hash = XXH3_64bits(c->content.data, c->content.len);
		c->pair = pair;
		c->node = node;
		c->is_right = is_right;
	}
	assay_arena_release(&arena);
	return code;
}

static int by_hash(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	if (x->is_right != y->is_right)
		return x->is_right - y->is_right;
	return assay_span_compare(x->node->name, y->node->name);
}

static enum assay_code record_rename(struct assay_walk *walk, struct assay_scope *scope,
				     const struct candidate *l, const struct candidate *r,
				     struct assay_error *err)
{
	struct assay_range range = { l->node->offset, l->node->length, r->node->offset,
				     r->node->length };
	char text[512], left[160], right[160];
	size_t container = walk->container_count;
	/* one path for both sides, so that swapping them changes nothing else */
	struct assay_span name = assay_span_compare(l->node->name, r->node->name) < 0 ?
					 l->node->name :
					 r->node->name;
	struct assay_difference d = {
		.field = &assay_field_renamed,
		.left_present = true,
		.right_present = true,
		.values = { { l->node->name, r->node->name }, true, true },
		.ranges = &range,
		.range_count = 1,
		.bytes = assay_bytes_differing(l->node->name, r->node->name),
		.confidence = ASSAY_CERTAIN,
		.severity = assay_field_renamed.severity,
		.explanation = text,
	};
	enum assay_code code;

	snprintf(text, sizeof(text), "%s on the left is %s on the right, with the same content",
		 assay_span_show(l->node->name, left, sizeof(left)),
		 assay_span_show(r->node->name, right, sizeof(right)));
	walk->container_count = walk->path_count;
	if (!assay_walk_push(walk, name))
		return ASSAY_OK;
	assay_claims_note(walk, l->node->name, l->content, true, l->content, false);
	assay_claims_note(walk, r->node->name, r->content, false, r->content, true);
	code = assay_walk_record(walk, scope, &d, NULL, err);
	assay_walk_pop(walk);
	walk->container_count = container;
	return code;
}

static enum assay_code match(struct assay_walk *walk, struct assay_scope *scope,
			     const struct candidate *list, size_t count, bool *done,
			     struct assay_error *err)
{
	enum assay_code code = ASSAY_OK;

	for (size_t i = 0; i < count && !code; i++) {
		if (list[i].is_right || done[list[i].pair])
			continue;
		for (size_t k = i + 1; k < count && list[k].hash == list[i].hash; k++) {
			if (!list[k].is_right || done[list[k].pair] ||
			    !assay_span_equal(list[i].content, list[k].content))
				continue;
			code = record_rename(walk, scope, &list[i], &list[k], err);
			done[list[i].pair] = done[list[k].pair] = true;
			break;
		}
	}
	return code;
}

enum assay_code assay_walk_renames(struct assay_walk *walk, struct assay_scope *scope, bool *done,
				   struct assay_error *err)
{
	const struct assay_pairs *pairs = scope->pairs;
	size_t one_sided = pairs->count - pairs->matched, count = 0;
	struct candidate *list;
	enum assay_code code = ASSAY_OK;

	if (one_sided < 2 || one_sided > CANDIDATES_MAX)
		return ASSAY_OK;
	list = calloc(one_sided, sizeof(*list));
	if (!list)
		return assay_fail(err, ASSAY_ENOMEM, "renames: out of memory");
	for (size_t i = pairs->matched; i < pairs->count && !code; i++) {
		const struct assay_pair *pair = &pairs->items[i];
		bool is_right = pair->left == NULL;
		const struct assay_node *node = is_right ? pair->right : pair->left;

		if ((node->flags & ASSAY_NODE_MEMBER) && !done[i])
			code = add_candidate(is_right ? scope->right : scope->left, node, i,
					     is_right, list, &count, err);
	}
	if (!code) {
		qsort(list, count, sizeof(*list), by_hash);
		code = match(walk, scope, list, count, done, err);
	}
	free(list);
	return code;
}
