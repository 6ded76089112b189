/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml's events into a tree.  The composer of libyaml is not used: it resolves aliases (a few
 * bytes become gigabytes) and forgets the end marks that `recipe lock` edits by.  The stack of open
 * nodes is an array, so depth costs no C stack.
 */
#include "yaml_tree.h"

#include <yaml.h>

#include "assay/limits.h"

struct builder {
	struct assay_arena *arena;
	struct assay_span text;
	const char *path;
	struct assay_error *err;
	struct assay_yaml_node *root;
	struct assay_yaml_node *open[ASSAY_MAX_RECIPE_DEPTH];
	struct assay_yaml_node **tail[ASSAY_MAX_RECIPE_DEPTH]; /* where the next child goes */
	size_t depth, nodes, documents;
	size_t seen_index, seen_byte; /* marks count characters, and mostly move forward */
};

const char *assay_yaml_kind_text(const struct assay_yaml_node *node)
{
	if (node->kind == ASSAY_YAML_MAPPING)
		return "a mapping";
	if (node->kind == ASSAY_YAML_LIST)
		return "a list";
	return assay_yaml_is_null(node) ? "nothing" : "text";
}

bool assay_yaml_is_null(const struct assay_yaml_node *node)
{
	return node->kind == ASSAY_YAML_SCALAR && node->plain &&
	       (node->text.len == 0 || assay_span_equal_text(node->text, "~") ||
		assay_span_equal_text(node->text, "null"));
}

static enum assay_code refuse(struct builder *b, const yaml_mark_t *at, const char *what)
{
	return assay_fail(b->err, ASSAY_EINPUT, "%s:%zu:%zu: %s", b->path, at->line + 1,
			  at->column + 1, what);
}

static enum assay_code refuse_memory(struct builder *b)
{
	return assay_fail(b->err, ASSAY_ENOMEM, "%s: out of memory", b->path);
}

/* The text is known to be UTF-8, so that a character begins at every byte but 10xxxxxx. */
static size_t byte_of_mark(struct builder *b, const yaml_mark_t *mark)
{
	size_t index = b->seen_index, byte = b->seen_byte;

	if (mark->index < index)
		index = byte = 0;
	for (; index < mark->index && byte < b->text.len; index++)
		do
			byte++;
		while (byte < b->text.len && (b->text.data[byte] & 0xc0) == 0x80);
	b->seen_index = index;
	b->seen_byte = byte;
	return byte;
}

static enum assay_code refuse_duplicate(struct builder *b, const struct assay_yaml_node *mapping,
					const struct assay_yaml_node *key)
{
	char shown[64];

	for (const struct assay_yaml_node *other = mapping->first; other != key;
	     other = other->next->next)
		if (assay_span_equal(other->text, key->text))
			return assay_fail(b->err, ASSAY_EINPUT,
					  "%s:%u:%u: want each key once, have \"%s\" a second time "
					  "(first on line %u)",
					  b->path, key->line, key->column,
					  assay_span_show(key->text, shown, sizeof(shown)),
					  other->line);
	return ASSAY_OK;
}

static enum assay_code attach(struct builder *b, const yaml_mark_t *at,
			      struct assay_yaml_node *node)
{
	struct assay_yaml_node *parent;

	if (b->depth == 0) {
		b->root = node;
		return ASSAY_OK;
	}
	parent = b->open[b->depth - 1];
	*b->tail[b->depth - 1] = node;
	b->tail[b->depth - 1] = &node->next;
	parent->count++;
	/* a mapping's children alternate; its count is halved when it is closed */
	if (parent->kind == ASSAY_YAML_LIST || parent->count % 2 == 0)
		return ASSAY_OK;
	if (node->kind != ASSAY_YAML_SCALAR)
		return refuse(b, at, "want text as key, have a list or mapping");
	return refuse_duplicate(b, parent, node);
}

static struct assay_yaml_node *new_node(struct builder *b, const yaml_event_t *event,
					enum assay_yaml_kind kind)
{
	struct assay_yaml_node *node;

	if (++b->nodes > ASSAY_MAX_RECIPE_NODES) {
		assay_fail(b->err, ASSAY_EINPUT, "%s:%zu:%zu: want at most %d values in a recipe",
			   b->path, event->start_mark.line + 1, event->start_mark.column + 1,
			   ASSAY_MAX_RECIPE_NODES);
		return NULL;
	}
	node = assay_arena_alloc(b->arena, sizeof(*node));
	if (!node) {
		refuse_memory(b);
		return NULL;
	}
	node->kind = kind;
	node->line = (unsigned)event->start_mark.line + 1;
	node->column = (unsigned)event->start_mark.column + 1;
	node->start = byte_of_mark(b, &event->start_mark);
	node->end = byte_of_mark(b, &event->end_mark);
	return node;
}

static enum assay_code check_properties(struct builder *b, const yaml_event_t *event,
					const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		return refuse(b, &event->start_mark, "want a plain value, have an anchor");
	if (tag)
		return refuse(b, &event->start_mark, "want a plain value, have a tag");
	return ASSAY_OK;
}

static enum assay_code add_scalar(struct builder *b, const yaml_event_t *event)
{
	struct assay_span value =
		assay_span_of(event->data.scalar.value, event->data.scalar.length);
	yaml_scalar_style_t style = event->data.scalar.style;
	struct assay_yaml_node *node;
	const char *text;

	if (check_properties(b, event, event->data.scalar.anchor, event->data.scalar.tag))
		return b->err->code;
	if (value.len && memchr(value.data, '\0', value.len))
		return refuse(b, &event->start_mark, "want text, have a NUL byte in it");
	node = new_node(b, event, ASSAY_YAML_SCALAR);
	if (!node)
		return b->err->code;
	text = assay_arena_text(b->arena, value);
	if (!text)
		return refuse_memory(b);
	node->text = assay_span_of(text, value.len);
	node->plain = style == YAML_PLAIN_SCALAR_STYLE;
	node->block = style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE;
	return attach(b, &event->start_mark, node);
}

static enum assay_code open_node(struct builder *b, const yaml_event_t *event,
				 enum assay_yaml_kind kind, bool block)
{
	struct assay_yaml_node *node;

	if (b->depth == ASSAY_MAX_RECIPE_DEPTH)
		return refuse(b, &event->start_mark, "want a recipe of less depth");
	node = new_node(b, event, kind);
	if (!node || attach(b, &event->start_mark, node))
		return b->err->code;
	node->block = block;
	b->open[b->depth] = node;
	b->tail[b->depth] = &node->first;
	b->depth++;
	return ASSAY_OK;
}

static enum assay_code open_list(struct builder *b, const yaml_event_t *event)
{
	if (check_properties(b, event, event->data.sequence_start.anchor,
			     event->data.sequence_start.tag))
		return b->err->code;
	return open_node(b, event, ASSAY_YAML_LIST,
			 event->data.sequence_start.style == YAML_BLOCK_SEQUENCE_STYLE);
}

static enum assay_code open_mapping(struct builder *b, const yaml_event_t *event)
{
	if (check_properties(b, event, event->data.mapping_start.anchor,
			     event->data.mapping_start.tag))
		return b->err->code;
	return open_node(b, event, ASSAY_YAML_MAPPING,
			 event->data.mapping_start.style == YAML_BLOCK_MAPPING_STYLE);
}

static enum assay_code close_node(struct builder *b, const yaml_event_t *event)
{
	struct assay_yaml_node *node = b->open[--b->depth];

	node->end = byte_of_mark(b, &event->end_mark);
	if (node->kind == ASSAY_YAML_MAPPING)
		node->count /= 2;
	return ASSAY_OK;
}

static enum assay_code open_document(struct builder *b, const yaml_event_t *event)
{
	if (b->documents++)
		return refuse(b, &event->start_mark, "want one document, have a second");
	return ASSAY_OK;
}

static enum assay_code refuse_alias(struct builder *b, const yaml_event_t *event)
{
	return refuse(b, &event->start_mark, "want a plain value, have an alias");
}

typedef enum assay_code event_handler(struct builder *b, const yaml_event_t *event);

static event_handler *const handlers[] = {
	[YAML_DOCUMENT_START_EVENT] = open_document, [YAML_ALIAS_EVENT] = refuse_alias,
	[YAML_SCALAR_EVENT] = add_scalar,	     [YAML_SEQUENCE_START_EVENT] = open_list,
	[YAML_SEQUENCE_END_EVENT] = close_node,	     [YAML_MAPPING_START_EVENT] = open_mapping,
	[YAML_MAPPING_END_EVENT] = close_node,
};

static enum assay_code refuse_syntax(struct builder *b, const yaml_parser_t *parser)
{
	const char *problem = parser->problem ? parser->problem : "unknown trouble";
	yaml_mark_t mark = parser->problem_mark;

	if (parser->error == YAML_MEMORY_ERROR)
		return refuse_memory(b);
	/* the reader knows an offset only */
	if (parser->error == YAML_READER_ERROR) {
		mark = (yaml_mark_t){ 0, 0, 0 };
		for (size_t i = 0; i < parser->problem_offset && i < b->text.len; i++) {
			mark.column++;
			if (b->text.data[i] == '\n') {
				mark.line++;
				mark.column = 0;
			}
		}
	}
	return assay_fail(b->err, ASSAY_EINPUT, "%s:%zu:%zu: not YAML: %s", b->path, mark.line + 1,
			  mark.column + 1, problem);
}

static enum assay_code read_events(struct builder *b, yaml_parser_t *parser)
{
	for (;;) {
		enum assay_code code = ASSAY_OK;
		yaml_event_type_t type;
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event))
			return refuse_syntax(b, parser);
		type = event.type;
		if ((size_t)type < sizeof(handlers) / sizeof(handlers[0]) && handlers[type])
			code = handlers[type](b, &event);
		yaml_event_delete(&event);
		if (code || type == YAML_STREAM_END_EVENT)
			return code;
	}
}

enum assay_code assay_yaml_parse(struct assay_span text, const char *path,
				 struct assay_arena *arena, struct assay_yaml_node **ret,
				 struct assay_error *err)
{
	struct builder b = { .arena = arena, .text = text, .path = path, .err = err };
	yaml_parser_t parser;
	enum assay_code code;

	if (!assay_span_is_utf8(text) || assay_span_starts(text, "\xef\xbb\xbf"))
		return assay_fail(err, ASSAY_EINPUT,
				  "%s:1:1: want UTF-8 text without byte order mark", path);
	if (!yaml_parser_initialize(&parser))
		return refuse_memory(&b);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, text.data ? text.data : (const uint8_t *)"", text.len);
	code = read_events(&b, &parser);
	yaml_parser_delete(&parser);
	if (code)
		return code;
	if (!b.root)
		return assay_fail(err, ASSAY_EINPUT, "%s:1:1: want a recipe, have an empty file",
				  path);
	*ret = b.root;
	return ASSAY_OK;
}
