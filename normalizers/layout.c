/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The builder of span trees.  Its cursor only moves forward over bytes it hands out once, which is
 * the proof that every byte belongs to exactly one leaf; what is left over is made visible.
 */
#include "layout.h"

#include <stdio.h>
#include <string.h>

#include "assay/limits.h"

static const struct assay_field field_root = {
	.name = "file",
	.kind = ASSAY_STRUCTURE,
	.rating = ASSAY_RATE_NEVER,
	.severity = ASSAY_SEVERITY_STRUCTURE,
	.rule = "the whole file",
};

static const struct assay_field field_unparsed = {
	.name = "file.unparsed",
	.kind = ASSAY_TRAILING,
	.rating = ASSAY_RATE_NEVER,
	.severity = ASSAY_SEVERITY_STRUCTURE,
	.rule = "bytes that belong to no part of the format: readers disagree about them",
};

static enum assay_code fail(struct assay_layout *l, enum assay_code code, const char *fmt, ...)
	ASSAY_PRINTF(3, 4);

/* Sticky: the first failure is the one that is told. */
static enum assay_code fail(struct assay_layout *l, enum assay_code code, const char *fmt, ...)
{
	char text[256];
	va_list args;

	if (l->failed.code)
		return l->failed.code;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return assay_fail(&l->failed, code, "%s", text);
}

static struct assay_node *new_node(struct assay_layout *l, const struct assay_field *field,
				   uint64_t offset, uint64_t length)
{
	struct assay_node *node = NULL;

	if (!l->failed.code)
		node = assay_arena_alloc(l->arena, sizeof(*node));
	if (!node) {
		fail(l, ASSAY_ELIMIT, "span tree: want at most %llu MiB",
		     ASSAY_MAX_TREE / ASSAY_MIB);
		l->dummy = (struct assay_node){ .field = &field_root };
		return &l->dummy;
	}
	node->field = field;
	node->offset = offset;
	node->length = length;
	return node;
}

static void append(struct assay_layout *l, struct assay_node *node)
{
	struct assay_layout_level *level = &l->levels[l->depth];

	if (node == &l->dummy)
		return;
	if (level->last)
		level->last->next = node;
	else
		level->group->first = node;
	level->last = node;
}

void assay_layout_init(struct assay_layout *l, struct assay_anatomy *anatomy,
		       struct assay_arena *arena, uint64_t start, uint64_t end)
{
	*l = (struct assay_layout){ .anatomy = anatomy, .arena = arena, .at = start, .end = end };
	l->levels[0].group = new_node(l, &field_root, start, end - start);
	l->levels[0].group->flags = ASSAY_NODE_GROUP;
}

enum assay_code assay_layout_finish(struct assay_layout *l, struct assay_node **ret,
				    struct assay_error *err)
{
	if (!l->failed.code && l->depth)
		fail(l, ASSAY_EBUG, "layout: %u groups left open", l->depth);
	if (!l->failed.code && l->at < l->end) {
		assay_layout_ambiguous(l, l->at, "%llu bytes belong to no part of the format",
				       (unsigned long long)(l->end - l->at));
		assay_layout_leaf(l, &field_unparsed, l->end - l->at);
	}
	if (l->failed.code) {
		*err = l->failed;
		return err->code;
	}
	*ret = l->levels[0].group;
	return ASSAY_OK;
}

struct assay_span assay_layout_bytes(const struct assay_layout *l)
{
	return l->anatomy->bytes;
}

uint64_t assay_layout_at(const struct assay_layout *l)
{
	return l->at;
}

uint64_t assay_layout_left(const struct assay_layout *l)
{
	return l->end - l->at;
}

struct assay_span assay_layout_peek(const struct assay_layout *l, uint64_t at, uint64_t len)
{
	uint64_t left = l->end - l->at;

	if (at > left)
		return assay_span_of(NULL, 0);
	if (len > left - at)
		len = left - at;
	return assay_span_cut(l->anatomy->bytes, l->at + at, len);
}

bool assay_layout_failed(const struct assay_layout *l)
{
	return l->failed.code != ASSAY_OK;
}

struct assay_anatomy *assay_layout_anatomy(struct assay_layout *l)
{
	return l->anatomy;
}

struct assay_node *assay_layout_root(struct assay_layout *l)
{
	return l->levels[0].group;
}

struct assay_node *assay_layout_leaf(struct assay_layout *l, const struct assay_field *field,
				     uint64_t length)
{
	struct assay_node *node;

	if (length > l->end - l->at) {
		fail(l, ASSAY_EINPUT, "offset %llu: %s: want %llu bytes, have %llu",
		     (unsigned long long)l->at, field->name, (unsigned long long)length,
		     (unsigned long long)(l->end - l->at));
		length = l->end - l->at;
	}
	node = new_node(l, field, l->at, length);
	append(l, node);
	l->at += length;
	return node;
}

struct assay_node *assay_layout_open(struct assay_layout *l, const struct assay_field *field)
{
	struct assay_node *node = new_node(l, field, l->at, 0);

	node->flags |= ASSAY_NODE_GROUP;
	if (l->depth + 1 >= ASSAY_LAYOUT_LEVELS) {
		fail(l, ASSAY_EBUG, "layout: groups nested deeper than %d", ASSAY_LAYOUT_LEVELS);
		return node;
	}
	append(l, node);
	l->levels[++l->depth] = (struct assay_layout_level){ .group = node };
	return node;
}

void assay_layout_close(struct assay_layout *l)
{
	struct assay_node *group = l->levels[l->depth].group;

	if (l->depth == 0) {
		fail(l, ASSAY_EBUG, "layout: close without open");
		return;
	}
	group->length = l->at - group->offset;
	l->depth--;
}

struct assay_node *assay_layout_lazy(struct assay_layout *l, const struct assay_field *field,
				     uint64_t length, struct assay_span name, uint64_t aux)
{
	struct assay_node *node = assay_layout_leaf(l, field, length);

	if (!l->anatomy->format->expand)
		fail(l, ASSAY_EBUG, "%s: lazy node without expand", field->name);
	node->flags |= ASSAY_NODE_GROUP | ASSAY_NODE_LAZY;
	node->aux = aux;
	assay_layout_member(l, node, name);
	return node;
}

void assay_layout_name(struct assay_layout *l, struct assay_node *node, struct assay_span name)
{
	(void)l;
	node->name = name;
}

void assay_layout_member(struct assay_layout *l, struct assay_node *node, struct assay_span name)
{
	if (++l->members > ASSAY_MAX_MEMBERS)
		fail(l, ASSAY_ELIMIT, "members: want at most %d", ASSAY_MAX_MEMBERS);
	node->flags |= ASSAY_NODE_MEMBER;
	node->name = name;
}

void assay_layout_value(struct assay_layout *l, struct assay_node *node, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (!l->failed.code)
		node->value = assay_arena_text(l->arena, assay_span_text(text));
}

void assay_layout_payload(struct assay_layout *l, struct assay_node *leaf)
{
	(void)l;
	leaf->flags |= ASSAY_NODE_PAYLOAD;
}

void assay_layout_encoded(struct assay_layout *l, struct assay_node *node)
{
	if (!l->anatomy->format->decode)
		fail(l, ASSAY_EBUG, "%s: encoded node without decode", node->field->name);
	node->flags |= ASSAY_NODE_ENCODED;
}

void assay_layout_raw(struct assay_layout *l, struct assay_node *node)
{
	(void)l;
	node->flags |= ASSAY_NODE_RAW;
}

void assay_layout_opaque(struct assay_layout *l, struct assay_node *leaf,
			 const struct assay_field *field)
{
	assay_layout_carries(l, leaf, field);
	leaf->flags |= ASSAY_NODE_OPAQUE;
}

void assay_layout_attribute(struct assay_layout *l, struct assay_node *group,
			    const struct assay_field *field, struct assay_span value, int64_t number,
			    const struct assay_node *carrier)
{
	struct assay_attribute **slot = &group->attributes;
	struct assay_attribute *attribute;
	char *copy;

	while (*slot && (*slot)->field != field)
		slot = &(*slot)->next;
	attribute = *slot;
	if (!attribute && !l->failed.code)
		attribute = assay_arena_alloc(l->arena, sizeof(*attribute));
	copy = l->failed.code ? NULL : assay_arena_text(l->arena, value);
	if (!attribute || !copy) {
		fail(l, ASSAY_ELIMIT, "attributes: out of memory or above the limit");
		return;
	}
	attribute->field = field;
	attribute->value = assay_span_of(copy, value.len);
	attribute->number = number;
	attribute->offset = carrier ? carrier->offset : group->offset;
	attribute->length = carrier ? carrier->length : 0;
	*slot = attribute;
}

void assay_layout_carries(struct assay_layout *l, struct assay_node *leaf,
			  const struct assay_field *attribute)
{
	(void)l;
	leaf->carries = attribute;
}

void assay_layout_ambiguous(struct assay_layout *l, uint64_t offset, const char *fmt, ...)
{
	char text[512];
	va_list args;

	if (l->anatomy->structure == ASSAY_AMBIGUOUS || l->failed.code)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	l->anatomy->structure = ASSAY_AMBIGUOUS;
	l->anatomy->reason = assay_arena_text(l->arena, assay_span_text(text));
	l->anatomy->reason_offset = offset;
}

void assay_layout_signed(struct assay_layout *l, uint64_t offset, struct assay_span by)
{
	if (l->anatomy->signature || l->failed.code)
		return;
	l->anatomy->signature = assay_arena_text(l->arena, by);
	l->anatomy->signature_offset = offset;
}

void assay_layout_truncated(struct assay_layout *l)
{
	l->anatomy->truncated = true;
}
