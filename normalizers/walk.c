/* SPDX-License-Identifier: Apache-2.0 */
/* Two nodes that differ: their attributes, the order of their children, and each child in turn. */
#include "claims.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "assay/limits.h"

static const struct assay_attribute *attribute_of(const struct assay_node *node,
						  const struct assay_field *field)
{
	const struct assay_attribute *a = node->attributes;

	while (a && a->field != field)
		a = a->next;
	return a;
}

static enum assay_code record_attribute(struct assay_walk *walk, struct assay_scope *scope,
					const struct assay_attribute *l,
					const struct assay_attribute *r, struct assay_error *err)
{
	const struct assay_field *field = (l ? l : r)->field;
	struct assay_range range = { l ? l->offset : 0, l ? l->length : 0, r ? r->offset : 0,
				     r ? r->length : 0 };
	struct assay_divergence *divergence = NULL;
	const char *condition;
	bool folds;
	char left[160], right[160], text[1024];
	struct assay_difference d = {
		.field = field,
		.left = l ? l->value : assay_span_of(NULL, 0),
		.right = r ? r->value : assay_span_of(NULL, 0),
		.left_present = l != NULL,
		.right_present = r != NULL,
		.ranges = &range,
		.range_count = 1,
		.confidence = ASSAY_CERTAIN,
		.severity = field->severity,
		.explanation = text,
	};
	enum assay_code code;

	d.values = (struct assay_values){ { d.left, d.right }, l != NULL, r != NULL };
	snprintf(text, sizeof(text), "%s is %s on the left and %s on the right: %s", field->name,
		 l ? assay_span_show(l->value, left, sizeof(left)) : "absent",
		 r ? assay_span_show(r->value, right, sizeof(right)) : "absent",
		 field->rule ? field->rule : "");
	code = assay_walk_judge(scope, field, d.left, d.right, &folds, &condition, err);
	if (code)
		return code;
	d.cause = assay_cause_attribute(l, r, folds, &d.severity);
	if (d.cause)
		d.confidence = ASSAY_LIKELY;
	code = assay_walk_record(walk, scope, &d, &divergence, err);
	if (scope->attribute_count < ASSAY_MAX_ATTRIBUTES) {
		scope->attributes[scope->attribute_count].field = field;
		scope->attributes[scope->attribute_count++].divergence = divergence;
	}
	return code;
}

static enum assay_code compare_attributes(struct assay_walk *walk, struct assay_scope *scope,
					  struct assay_error *err)
{
	enum assay_code code = ASSAY_OK;

	for (const struct assay_attribute *l = scope->left_node->attributes; l && !code;
	     l = l->next) {
		const struct assay_attribute *r = attribute_of(scope->right_node, l->field);

		if (!r || !assay_span_equal(l->value, r->value))
			code = record_attribute(walk, scope, l, r, err);
	}
	for (const struct assay_attribute *r = scope->right_node->attributes; r && !code;
	     r = r->next)
		if (!attribute_of(scope->left_node, r->field))
			code = record_attribute(walk, scope, NULL, r, err);
	return code;
}

/* Where derived, encoded or carried parts stand is not an order that anybody reads. */
static bool order_matters(const struct assay_node *node)
{
	return !node->carries && node->field->kind != ASSAY_DERIVED &&
	       node->field->kind != ASSAY_ENCODING && node->field->kind != ASSAY_PADDING;
}

/* Rank by position among the matched ones that count: equal ranks everywhere, equal order. */
static int by_right_index(const void *a, const void *b)
{
	const struct assay_pair *x = *(const struct assay_pair *const *)a;
	const struct assay_pair *y = *(const struct assay_pair *const *)b;

	return (x->right_index > y->right_index) - (x->right_index < y->right_index);
}

static enum assay_code record_order(struct assay_walk *walk, struct assay_scope *scope,
				    size_t moved, uint64_t bytes, const struct assay_pair *first,
				    struct assay_error *err)
{
	const struct assay_format *format = scope->left->format;
	const struct assay_field *field = format->order ? format->order : &assay_field_order;
	struct assay_range range = { first->left->offset, first->left->length,
				     first->right->offset, first->right->length };
	char text[512], name[200], left[64], right[64];
	struct assay_difference d = {
		.field = field,
		.left_present = true,
		.right_present = true,
		.ranges = &range,
		.range_count = 1,
		.bytes = bytes,
		.confidence = ASSAY_CERTAIN,
		.severity = field->severity,
		.explanation = text,
	};

	snprintf(text, sizeof(text), "%zu parts stand in another order, the first of them %s: %s",
		 moved, assay_span_show(first->left->name, name, sizeof(name)),
		 field->rule ? field->rule : "");
	snprintf(left, sizeof(left), "%zu", first->left_index);
	snprintf(right, sizeof(right), "%zu", first->right_index);
	d.values = (struct assay_values){ { assay_span_text(left), assay_span_text(right) }, true,
					  true };
	return assay_walk_record(walk, scope, &d, NULL, err);
}

/* A part has moved when its rank among the parts that both sides have is another: symmetric, unlike
 * the shortest list of moves. */
static enum assay_code compare_order(struct assay_walk *walk, struct assay_scope *scope,
				     const struct assay_pairs *pairs, struct assay_error *err)
{
	const struct assay_pair **ranked, *first = NULL;
	size_t count = 0, moved = 0, last = 0, rank = 0;
	bool ordered = true;
	uint64_t bytes = 0;

	for (size_t i = 0; i < pairs->matched && ordered; i++) {
		if (!order_matters(pairs->items[i].left))
			continue;
		ordered = pairs->items[i].right_index >= last;
		last = pairs->items[i].right_index;
	}
	if (ordered)
		return ASSAY_OK;
	ranked = calloc(pairs->matched, sizeof(*ranked));
	if (!ranked)
		return assay_fail(err, ASSAY_ENOMEM, "order: out of memory");
	for (size_t i = 0; i < pairs->matched; i++)
		if (order_matters(pairs->items[i].left))
			ranked[count++] = &pairs->items[i];
	qsort(ranked, count, sizeof(*ranked), by_right_index);
	for (size_t i = 0; i < pairs->matched; i++) {
		const struct assay_pair *pair = &pairs->items[i];

		if (!order_matters(pair->left) || ranked[rank++] == pair)
			continue;
		moved++;
		bytes += pair->left->length > pair->right->length ? pair->left->length :
								     pair->right->length;
		if (!first || assay_span_compare(pair->left->name, first->left->name) < 0)
			first = pair;
	}
	free(ranked);
	return record_order(walk, scope, moved, bytes, first, err);
}

static enum assay_code record_presence(struct assay_walk *walk, struct assay_scope *scope,
				       const struct assay_node *l, const struct assay_node *r,
				       struct assay_error *err)
{
	struct assay_range range = { l ? l->offset : 0, l ? l->length : 0, r ? r->offset : 0,
				     r ? r->length : 0 };
	const struct assay_node *node = l ? l : r;
	char text[512], name[300];
	struct assay_difference d = {
		.field = node->flags & ASSAY_NODE_MEMBER ? &assay_field_added : node->field,
		.left_present = l != NULL,
		.right_present = r != NULL,
		.ranges = &range,
		.range_count = 1,
		.bytes = node->length,
		.cause = node->flags & ASSAY_NODE_MEMBER ? assay_cause_presence(node->name) : NULL,
		.confidence = ASSAY_CERTAIN,
		.severity = node->field->severity > ASSAY_SEVERITY_DATA ? node->field->severity :
									   ASSAY_SEVERITY_DATA,
		.explanation = text,
	};

	d.values.left_present = d.left_present;
	d.values.right_present = d.right_present;
	*(l ? &d.values.text.left : &d.values.text.right) = node->name;
	snprintf(text, sizeof(text), "only the %s side has %s %s: %s", l ? "left" : "right",
		 node->field->name, assay_span_show(node->name, name, sizeof(name)),
		 d.field->rule ? d.field->rule : "");
	return assay_walk_record(walk, scope, &d, NULL, err);
}

/* For the claims of a package: what the file is that only one side has. */
static enum assay_code note_content(struct assay_walk *walk, const struct assay_anatomy *anatomy,
				    const struct assay_node *member, const struct assay_node *data,
				    bool is_left, struct assay_error *err)
{
	struct assay_span bytes = assay_span_of(NULL, 0), none = bytes;
	struct assay_decoded decoded;
	bool is_encoded = data && data->flags & ASSAY_NODE_ENCODED;

	if (is_encoded) {
		/* what cannot be decoded is judged where it is compared; here it is no file */
		if (assay_payload_decode(anatomy, data, &walk->spaces[is_left ? 0 : 1], &decoded, err))
			return err->code == ASSAY_EINPUT ? ASSAY_OK : err->code;
		bytes = decoded.bytes;
	} else if (data) {
		bytes = assay_node_bytes(anatomy, data);
	}
	assay_claims_note(walk, member->name, is_left ? bytes : none, is_left, is_left ? none : bytes,
			  !is_left);
	if (is_encoded)
		assay_decoded_release(&decoded);
	return ASSAY_OK;
}

static enum assay_code note_presence(struct assay_walk *walk, const struct assay_anatomy *anatomy,
				     const struct assay_node *l, const struct assay_node *r,
				     struct assay_error *err)
{
	struct assay_arena arena = ASSAY_ARENA_INIT(ASSAY_MAX_TREE);
	const struct assay_node *member = l ? l : r, *group, *n;
	enum assay_code code;

	if (!walk->package || !assay_claims_wanted(walk, member->name))
		return ASSAY_OK;
	code = assay_anatomy_expand(anatomy, member, &arena, &group, err);
	for (n = code ? NULL : group->first; n; n = n->next)
		if (n->flags & (ASSAY_NODE_PAYLOAD | ASSAY_NODE_ENCODED))
			break;
	if (!code)
		code = note_content(walk, anatomy, member, n, l != NULL, err);
	assay_arena_release(&arena);
	return code;
}

/* The parts of a one-sided group are judged one by one, whatever the group's own rating: an extended
 * header that may be folded can hold a record that never may. */
static enum assay_code compare_one_sided(struct assay_walk *walk, struct assay_scope *scope,
					 const struct assay_node *l, const struct assay_node *r,
					 struct assay_error *err)
{
	const struct assay_node *node = l ? l : r;
	enum assay_code code = ASSAY_OK;

	if (node->flags & ASSAY_NODE_MEMBER) {
		code = note_presence(walk, l ? scope->left : scope->right, l, r, err);
		return code ? code : record_presence(walk, scope, l, r, err);
	}
	if (!(node->flags & ASSAY_NODE_GROUP))
		return assay_walk_leaf(walk, scope, l, r, err);
	if (!node->first)
		return record_presence(walk, scope, l, r, err);
	for (const struct assay_node *n = node->first; n && !code; n = n->next)
		code = compare_one_sided(walk, scope, l ? n : NULL, l ? NULL : n, err);
	return code;
}

static enum assay_code compare_pair(struct assay_walk *walk, struct assay_scope *scope,
				    const struct assay_pair *pair, struct assay_error *err)
{
	const struct assay_node *node = pair->left ? pair->left : pair->right;
	size_t container = walk->container_count;
	bool member = node->flags & ASSAY_NODE_MEMBER;
	enum assay_code code;

	if (pair->left && pair->right &&
	    assay_span_equal(assay_node_bytes(scope->left, pair->left),
			     assay_node_bytes(scope->right, pair->right)))
		return ASSAY_OK;
	if (member)
		walk->container_count = walk->path_count;
	if (node->name.len && !assay_walk_push(walk, node->name)) {
		walk->container_count = container;
		return ASSAY_OK;
	}
	if (pair->left && pair->right)
		code = assay_walk_nodes(walk, scope, scope->left, pair->left, scope->right,
					pair->right, scope->story, err);
	else
		code = compare_one_sided(walk, scope, pair->left, pair->right, err);
	if (node->name.len)
		assay_walk_pop(walk);
	walk->container_count = container;
	return code;
}

static enum assay_code compare_children(struct assay_walk *walk, struct assay_scope *scope,
					struct assay_error *err)
{
	struct assay_pairs pairs;
	enum assay_code code = assay_pairs_align(scope->left_node, scope->right_node, &pairs, err);
	bool *done;

	if (code)
		return code;
	done = calloc(pairs.count + 1, sizeof(*done));
	if (!done)
		code = assay_fail(err, ASSAY_ENOMEM, "children: out of memory");
	scope->pairs = &pairs;
	if (!code)
		code = compare_order(walk, scope, &pairs, err);
	for (size_t i = 0; i < pairs.matched && !code; i++)
		code = compare_pair(walk, scope, &pairs.items[i], err);
	if (!code && pairs.matched < pairs.count)
		code = assay_walk_respelled(walk, scope, done, err);
	if (!code && pairs.matched < pairs.count)
		code = assay_walk_renames(walk, scope, done, err);
	for (size_t i = pairs.matched; i < pairs.count && !code; i++)
		if (!done[i])
			code = compare_pair(walk, scope, &pairs.items[i], err);
	assay_facts_release(&scope->left_facts);
	assay_facts_release(&scope->right_facts);
	scope->pairs = NULL;
	free(done);
	assay_pairs_release(&pairs);
	return code;
}

static enum assay_code compare_group(struct assay_walk *walk, struct assay_scope *scope,
				     bool encoded, struct assay_error *err)
{
	size_t pending = walk->pending_count;
	uint64_t roots = walk->roots;
	const struct assay_node *l = scope->left_node, *r = scope->right_node;
	bool is_echo = l->flags & ASSAY_NODE_ECHO;
	enum assay_code code = compare_attributes(walk, scope, err);

	if (!code && encoded)
		code = assay_walk_encoded(walk, scope, scope->left, l, scope->right, r,
					  &scope->payload, err);
	if (!code && (l->first || r->first))
		code = compare_children(walk, scope, err);
	if (!code)
		assay_walk_settle(walk, pending, roots, l->flags & ASSAY_NODE_MEMBER && !is_echo);
	return code;
}

bool assay_walk_claimed(struct assay_walk *walk, struct assay_span left, struct assay_span right)
{
	struct assay_span name;

	if (!walk->package || !walk->path_count)
		return false;
	name = walk->path[walk->path_count - 1];
	if (assay_claims_wanted(walk, name))
		assay_claims_note(walk, name, left, true, right, true);
	return assay_claims_take(walk, left, right);
}

static enum assay_code compare_payloads(struct assay_walk *walk, struct assay_scope *scope,
					struct assay_span left, struct assay_span right,
					struct assay_error *err)
{
	if (assay_walk_claimed(walk, left, right))
		return ASSAY_OK;
	return assay_walk_content(walk, scope, left, right, err);
}

/* Two nodes, already expanded. */
static enum assay_code compare_expanded(struct assay_walk *walk, struct assay_scope *scope,
					struct assay_error *err)
{
	const struct assay_node *l = scope->left_node, *r = scope->right_node;
	unsigned both = l->flags & r->flags;
	enum assay_code code = ASSAY_OK;

	if (both & ASSAY_NODE_GROUP)
		return compare_group(walk, scope, both & ASSAY_NODE_ENCODED, err);
	if (both & ASSAY_NODE_PAYLOAD)
		return compare_payloads(walk, scope, assay_node_bytes(scope->left, l),
					assay_node_bytes(scope->right, r), err);
	if (both & ASSAY_NODE_ENCODED)
		code = assay_walk_encoded(walk, scope, scope->left, l, scope->right, r,
					  &scope->payload, err);
	return code ? code : assay_walk_leaf(walk, scope, l, r, err);
}

static enum assay_code record_unaccounted(struct assay_walk *walk, struct assay_scope *scope,
					  struct assay_error *err)
{
	struct assay_span left = assay_node_bytes(scope->left, scope->left_node);
	struct assay_span right = assay_node_bytes(scope->right, scope->right_node);

	return assay_walk_bytes(walk, scope, &assay_field_unaccounted, left, right,
				assay_field_unaccounted.rule, err);
}

enum assay_code assay_walk_nodes(struct assay_walk *walk, struct assay_scope *up,
				 const struct assay_anatomy *left, const struct assay_node *l,
				 const struct assay_anatomy *right, const struct assay_node *r,
				 const struct assay_recognised *story, struct assay_error *err)
{
	struct assay_arena left_arena = ASSAY_ARENA_INIT(ASSAY_MAX_TREE);
	struct assay_arena right_arena = ASSAY_ARENA_INIT(ASSAY_MAX_TREE);
	struct assay_scope scope = { .up = up, .left = left, .right = right, .story = story };
	uint64_t before = walk->recorded;
	enum assay_code code = ASSAY_OK;

	if (assay_span_equal(assay_node_bytes(left, l), assay_node_bytes(right, r)))
		return ASSAY_OK;
	if (up && up->left == left)
		scope.payload = up->payload;
	code = assay_anatomy_expand(left, l, &left_arena, &scope.left_node, err);
	if (!code)
		code = assay_anatomy_expand(right, r, &right_arena, &scope.right_node, err);
	if (!code)
		code = compare_expanded(walk, &scope, err);
	if (!code && walk->recorded == before)
		code = record_unaccounted(walk, &scope, err);
	assay_arena_release(&left_arena);
	assay_arena_release(&right_arena);
	return code;
}
