/* SPDX-License-Identifier: Apache-2.0 */
#include "yaml_jail.h"

#include "assay/cleanup.h"
#include "assay/jail.h"
#include "assay/limits.h"
#include "assay/message.h"

/* A scalar costs its text and some forty bytes of numbers. */
#define ANSWER_MAX (4 * ASSAY_MAX_RECIPE)

struct work {
	struct assay_span text;
	const char *path;
};

static void put_node(const struct assay_yaml_node *node, struct assay_buf *out)
{
	uint64_t children = 0;

	for (const struct assay_yaml_node *n = node->first; n; n = n->next)
		children++;
	assay_message_put_u64(out, node->kind);
	assay_message_put_u64(out, node->line);
	assay_message_put_u64(out, node->column);
	assay_message_put_u64(out, node->start);
	assay_message_put_u64(out, node->end);
	assay_message_put_u64(out, (uint64_t)(node->plain | node->block << 1));
	assay_message_put_span(out, node->text);
	assay_message_put_u64(out, children);
	for (const struct assay_yaml_node *n = node->first; n; n = n->next)
		put_node(n, out);
}

static enum assay_code parse(void *data, struct assay_buf *answer, struct assay_error *err)
{
	const struct work *work = data;
	struct assay_arena arena = ASSAY_ARENA_INIT(16 * ASSAY_MIB);
	struct assay_yaml_node *root = NULL;

	if (assay_yaml_parse(work->text, work->path, &arena, &root, err))
		return err->code;
	put_node(root, answer);
	assay_arena_release(&arena);
	return assay_buf_check(answer, work->path, err);
}

struct taking {
	const struct work *work;
	struct assay_arena *arena;
	struct assay_span rest;
	unsigned nodes;
	struct assay_error *err;
};

static enum assay_code malformed(struct taking *t)
{
	return assay_fail(t->err, ASSAY_EINPUT, "%s: the jail's answer is malformed", t->work->path);
}

static bool take_numbers(struct taking *t, struct assay_yaml_node *node)
{
	uint64_t kind, line, column, start, end, flags;

	if (!assay_message_take_u64(&t->rest, &kind) || !assay_message_take_u64(&t->rest, &line) ||
	    !assay_message_take_u64(&t->rest, &column) ||
	    !assay_message_take_u64(&t->rest, &start) || !assay_message_take_u64(&t->rest, &end) ||
	    !assay_message_take_u64(&t->rest, &flags) || kind > ASSAY_YAML_MAPPING ||
	    line > t->work->text.len + 1 || column > t->work->text.len + 1 || start > end ||
	    end > t->work->text.len)
		return false;
	node->kind = (enum assay_yaml_kind)kind;
	node->line = (unsigned)line;
	node->column = (unsigned)column;
	node->start = (size_t)start;
	node->end = (size_t)end;
	node->plain = flags & 1;
	node->block = flags >> 1 & 1;
	return true;
}

static enum assay_code take_node(struct taking *t, unsigned depth, struct assay_yaml_node **ret);

static enum assay_code take_children(struct taking *t, unsigned depth, struct assay_yaml_node *node,
				     uint64_t children)
{
	struct assay_yaml_node **last = &node->first;

	if ((node->kind == ASSAY_YAML_SCALAR && children) ||
	    (node->kind == ASSAY_YAML_MAPPING && children % 2))
		return malformed(t);
	node->count = (size_t)(node->kind == ASSAY_YAML_MAPPING ? children / 2 : children);
	for (uint64_t i = 0; i < children; i++) {
		if (take_node(t, depth + 1, last))
			return t->err->code;
		/* keys are text */
		if (node->kind == ASSAY_YAML_MAPPING && i % 2 == 0 &&
		    (*last)->kind != ASSAY_YAML_SCALAR)
			return malformed(t);
		last = &(*last)->next;
	}
	return ASSAY_OK;
}

static enum assay_code take_node(struct taking *t, unsigned depth, struct assay_yaml_node **ret)
{
	struct assay_yaml_node *node = assay_arena_alloc(t->arena, sizeof(*node));
	struct assay_span text;
	uint64_t children;
	const char *copy;

	if (!node)
		return assay_fail(t->err, ASSAY_ENOMEM, "%s: out of memory", t->work->path);
	*node = (struct assay_yaml_node){ .kind = ASSAY_YAML_SCALAR };
	if (depth > ASSAY_MAX_RECIPE_DEPTH + 1 || t->nodes++ > 2 * ASSAY_MAX_RECIPE_NODES ||
	    !take_numbers(t, node) || !assay_message_take_span(&t->rest, &text) ||
	    !assay_message_take_u64(&t->rest, &children) ||
	    (text.len && memchr(text.data, '\0', text.len)))
		return malformed(t);
	copy = assay_arena_text(t->arena, text);
	if (!copy)
		return assay_fail(t->err, ASSAY_ENOMEM, "%s: out of memory", t->work->path);
	node->text = assay_span_of(copy, text.len);
	*ret = node;
	return take_children(t, depth, node, children);
}

enum assay_code yaml_jail_parse(struct assay_span text, const char *path, struct assay_arena *arena,
				struct assay_yaml_node **ret, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf answer = ASSAY_BUF_INIT(ANSWER_MAX);
	struct assay_jail jail = { .what = path, .cpu_s = 60, .wall_s = 120,
				   .memory = 256 * ASSAY_MIB, .answer_max = ANSWER_MAX };
	struct work work = { text, path };
	struct taking taking = { .work = &work, .arena = arena, .err = err };

	if (assay_jail_run(&jail, parse, &work, &answer, err))
		return err->code;
	taking.rest = assay_buf_span(&answer);
	if (take_node(&taking, 0, ret))
		return err->code;
	return taking.rest.len ? malformed(&taking) : ASSAY_OK;
}
