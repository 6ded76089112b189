/* SPDX-License-Identifier: Apache-2.0 */
/* Reverse inference of a build's surroundings: a walk over one anatomy, and the facts it finds. */
#include "context.h"

#include <stdlib.h>
#include <xxhash.h>

#include "assay/file.h"
#include "assay/limits.h"
#include "assay/time.h"
#include "walk.h"

#define SLOTS (4 * ASSAY_MAX_FACTS) /* open addressing, a quarter full at most */

struct fact {
	const char *kind, *field;
	struct assay_span value; /* in the arena */
	struct assay_span *path;
	size_t path_count;
	uint64_t offset, count;
};

struct assay_inference {
	struct assay_codec_space space;
	struct assay_arena arena;
	struct assay_span path[ASSAY_MAX_PATH];
	size_t path_count;
	struct fact facts[ASSAY_MAX_FACTS];
	uint32_t slots[SLOTS]; /* index + 1 */
	size_t count;
	int64_t earliest, latest; /* of members */
	int64_t file_modes;	  /* all bits that regular members have */
	unsigned depth;
	bool has_times, has_modes, truncated;
};

/* ---- facts ------------------------------------------------------------------------------------ */

static size_t slot_of(const struct assay_inference *in, const char *kind, struct assay_span value)
{
	size_t at = XXH3_64bits_withSeed(value.data, value.len, XXH3_64bits(kind, strlen(kind))) %
		    SLOTS;

	while (in->slots[at]) {
		const struct fact *f = &in->facts[in->slots[at] - 1];

		if (strcmp(f->kind, kind) == 0 && assay_span_equal(f->value, value))
			break;
		at = (at + 1) % SLOTS;
	}
	return at;
}

static bool fill_fact(struct assay_inference *in, struct fact *f, struct assay_span value)
{
	const char *copy = assay_arena_text(&in->arena, value);

	f->path = assay_arena_alloc(&in->arena, (in->path_count + 1) * sizeof(*f->path));
	if (!copy || !f->path)
		return false;
	f->value = assay_span_of(copy, value.len);
	for (size_t i = 0; i < in->path_count; i++) {
		const char *name = assay_arena_text(&in->arena, in->path[i]);

		if (!name)
			return false;
		f->path[f->path_count++] = assay_span_of(name, in->path[i].len);
	}
	return true;
}

void assay_inference_add(struct assay_inference *in, const char *kind, struct assay_span value,
			 const char *field, uint64_t offset)
{
	struct fact fact = { .kind = kind, .field = field, .offset = offset, .count = 1 };
	size_t slot;

	value = assay_span_trim(assay_span_cut(value, 0, ASSAY_MAX_VALUE_SHOWN));
	if (value.len == 0)
		return;
	slot = slot_of(in, kind, value);
	if (in->slots[slot]) {
		in->facts[in->slots[slot] - 1].count++;
		return;
	}
	if (in->count == ASSAY_MAX_FACTS || !fill_fact(in, &fact, value)) {
		in->truncated = true;
		return;
	}
	in->facts[in->count++] = fact;
	in->slots[slot] = (uint32_t)in->count;
}

/* ---- the walk --------------------------------------------------------------------------------- */

static enum assay_code infer_file(struct assay_inference *in, struct assay_span bytes,
				  struct assay_error *err);

/* What cannot be decoded tells nothing. */
static enum assay_code infer_decoded(struct assay_inference *in,
				     const struct assay_anatomy *anatomy,
				     const struct assay_node *node, struct assay_error *err)
{
	struct assay_decoded decoded;
	enum assay_code code = assay_payload_decode(anatomy, node, &in->space, &decoded, err);

	if (code == ASSAY_EINPUT || code == ASSAY_ELIMIT || code == ASSAY_EUNSUPPORTED) {
		in->truncated |= code == ASSAY_ELIMIT;
		return ASSAY_OK;
	}
	if (code)
		return code;
	code = infer_file(in, decoded.bytes, err);
	assay_decoded_release(&decoded);
	return code;
}

/* Times of members and modes of files are summed up: their range is the fact. */
static void note_attributes(struct assay_inference *in, const struct assay_node *node)
{
	int64_t mode = -1;
	bool is_file = true;

	for (const struct assay_attribute *a = node->attributes; a; a = a->next) {
		const char *word = assay_field_word(a->field);

		if (strcmp(word, "mtime") == 0 && a->number > 0) {
			if (!in->has_times || a->number < in->earliest)
				in->earliest = a->number;
			if (!in->has_times || a->number > in->latest)
				in->latest = a->number;
			in->has_times = true;
		} else if (strcmp(word, "mode") == 0) {
			mode = a->number & 0777;
		} else if (strcmp(word, "type") == 0) {
			is_file = assay_span_equal_text(a->value, "file");
		}
		assay_inference_attribute(in, a);
	}
	if (mode >= 0 && is_file) {
		in->file_modes |= mode;
		in->has_modes = true;
	}
}

static enum assay_code infer_node(struct assay_inference *in, const struct assay_anatomy *anatomy,
				  const struct assay_node *node, struct assay_error *err);

static enum assay_code infer_expanded(struct assay_inference *in,
				      const struct assay_anatomy *anatomy,
				      const struct assay_node *node, struct assay_error *err)
{
	bool group = node->flags & ASSAY_NODE_GROUP;
	bool encoded = node->flags & ASSAY_NODE_ENCODED;
	enum assay_code code = ASSAY_OK;

	note_attributes(in, node);
	if (encoded)
		code = infer_decoded(in, anatomy, node, err);
	for (const struct assay_node *n = group ? node->first : NULL; n && !code; n = n->next)
		code = infer_node(in, anatomy, n, err);
	if (code)
		return code;
	if (node->flags & ASSAY_NODE_PAYLOAD)
		return infer_file(in, assay_node_bytes(anatomy, node), err);
	if (!group && !encoded) {
		struct assay_span bytes = assay_node_bytes(anatomy, node);

		/* formats of text lay their lines out as leaves */
		assay_inference_leaf(in, node, bytes, assay_format_text.bid(bytes) > 0);
	}
	return ASSAY_OK;
}

static enum assay_code infer_node(struct assay_inference *in, const struct assay_anatomy *anatomy,
				  const struct assay_node *node, struct assay_error *err)
{
	struct assay_arena arena = ASSAY_ARENA_INIT(ASSAY_MAX_TREE);
	const struct assay_node *whole;
	bool named = node->name.len && in->path_count < ASSAY_MAX_PATH;
	enum assay_code code = assay_anatomy_expand(anatomy, node, &arena, &whole, err);

	if (named)
		in->path[in->path_count++] = node->name;
	if (!code)
		code = infer_expanded(in, anatomy, whole, err);
	if (named)
		in->path_count--;
	assay_arena_release(&arena);
	return code;
}

static enum assay_code infer_file(struct assay_inference *in, struct assay_span bytes,
				  struct assay_error *err)
{
	struct assay_anatomy anatomy;
	enum assay_code code;

	if (in->depth >= ASSAY_MAX_DEPTH) {
		in->truncated = true;
		return ASSAY_OK;
	}
	code = assay_anatomy_open(bytes, &anatomy, err);
	if (code)
		return code;
	in->truncated |= anatomy.truncated;
	in->depth++;
	code = infer_expanded(in, &anatomy, anatomy.root, err);
	in->depth--;
	assay_anatomy_release(&anatomy);
	return code;
}

/* ---- what comes out --------------------------------------------------------------------------- */

/* The bits that no file has and that a umask takes away. */
static const char *umask_of(int64_t modes)
{
	if (modes & 0020)
		return "002";
	return modes & 0044 ? "022" : "077";
}

static void add_sums(struct assay_inference *in)
{
	char text[ASSAY_TIME_TEXT];

	if (in->has_times) {
		assay_inference_add(in, "earliest_member",
				    assay_span_text(assay_time_format(in->earliest, text)), "", 0);
		assay_inference_add(in, "latest_member",
				    assay_span_text(assay_time_format(in->latest, text)), "", 0);
	}
	if (in->has_modes)
		assay_inference_add(in, "umask", assay_span_text(umask_of(in->file_modes)), "", 0);
}

static json_t *fact_json(const struct fact *f)
{
	json_t *object = assay_json_object(), *path = assay_json_array();

	assay_json_set_text(object, "kind", f->kind);
	assay_json_set(object, "value", assay_json_name(f->value));
	for (size_t i = 0; i < f->path_count; i++)
		assay_json_append(path, assay_json_name(f->path[i]));
	assay_json_set(object, "path", path);
	if (f->field[0]) {
		assay_json_set_text(object, "field", f->field);
		assay_json_set_int(object, "offset", (int64_t)f->offset);
	}
	assay_json_set_int(object, "count", (int64_t)f->count);
	return object;
}

static int by_kind(const void *left, const void *right)
{
	const struct fact *a = left, *b = right;
	int order = strcmp(a->kind, b->kind);

	if (!order && a->count != b->count)
		order = a->count > b->count ? -1 : 1;
	return order ? order : assay_span_compare(a->value, b->value);
}

static json_t *inference_json(struct assay_inference *in, const char *name)
{
	json_t *object = assay_json_object(), *list = assay_json_array();

	qsort(in->facts, in->count, sizeof(in->facts[0]), by_kind);
	for (size_t i = 0; i < in->count; i++)
		assay_json_append(list, fact_json(&in->facts[i]));
	assay_json_set_text(object, "schema", "assay.context/1");
	assay_json_set_text(object, "name", name);
	assay_json_set(object, "facts", list);
	assay_json_set_bool(object, "truncated", in->truncated);
	return object;
}

enum assay_code assay_infer_context(const struct assay_side *side,
				    const struct assay_compare_options *options, json_t **ret,
				    struct assay_error *err)
{
	assay_auto(assay_map_release) struct assay_map map = { 0 };
	struct assay_inference *in;
	enum assay_code code;

	if (assay_map_fd(side->fd, &map, err))
		return assay_context(err, "%s", side->name);
	in = calloc(1, sizeof(*in));
	if (!in)
		return assay_fail(err, ASSAY_ENOMEM, "%s: out of memory", side->name);
	in->space = (struct assay_codec_space){ .spill_fd = options ? options->spill_fd[0] : -1,
						.max = ASSAY_MAX_DECODED };
	in->arena = (struct assay_arena)ASSAY_ARENA_INIT(ASSAY_MAX_TREE);
	code = infer_file(in, map.bytes, err);
	if (!code) {
		add_sums(in);
		*ret = inference_json(in, side->name);
	}
	assay_arena_release(&in->arena);
	free(in);
	return code ? assay_context(err, "%s", side->name) : ASSAY_OK;
}
