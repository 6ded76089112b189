/* SPDX-License-Identifier: Apache-2.0 */
/* The span tree of one file as assay.anatomy/1, files within files included. */
#include <fcntl.h>
#include <sys/stat.h>

#include "assay/digest.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "walk.h"

/* Spans written down; beyond it the tree says that it was cut. */
#define SPANS_MAX 200000

struct writer {
	struct assay_codec_space space;
	size_t spans;
	unsigned depth;
	bool truncated;
};

static enum assay_code file_json(struct writer *w, struct assay_span bytes, json_t **ret,
				 struct assay_error *err);

static void set_attributes(json_t *object, const struct assay_node *node)
{
	json_t *list = assay_json_object();

	for (const struct assay_attribute *a = node->attributes; a; a = a->next)
		assay_json_set(list, a->field->name, assay_json_name(a->value));
	assay_json_set(object, "attributes", list);
}

static json_t *span_json(const struct assay_node *node)
{
	json_t *object = assay_json_object();

	assay_json_set_text(object, "field", node->field->name);
	assay_json_set_text(object, "kind", assay_kind_name(node->field->kind));
	assay_json_set_int(object, "offset", (int64_t)node->offset);
	assay_json_set_int(object, "length", (int64_t)node->length);
	if (node->name.len)
		assay_json_set(object, "name", assay_json_name(node->name));
	if (node->value)
		assay_json_set_text(object, "value", node->value);
	if (!(node->flags & ASSAY_NODE_GROUP)) {
		assay_json_set_text(object, "rating", assay_rating_name(node->field->rating));
		if (node->field->pass)
			assay_json_set_text(object, "pass", node->field->pass);
	}
	if (node->attributes)
		set_attributes(object, node);
	return object;
}

/* What cannot be decoded is said in its place. */
static enum assay_code set_decoded(struct writer *w, json_t *object,
				   const struct assay_anatomy *anatomy,
				   const struct assay_node *node, struct assay_error *err)
{
	struct assay_decoded decoded;
	json_t *inner;
	enum assay_code code = assay_payload_decode(anatomy, node, &w->space, &decoded, err);

	if (code == ASSAY_EINPUT || code == ASSAY_ELIMIT || code == ASSAY_EUNSUPPORTED) {
		assay_json_set_text(object, "undecodable", err->msg);
		w->truncated |= code == ASSAY_ELIMIT;
		return ASSAY_OK;
	}
	if (code)
		return code;
	code = file_json(w, decoded.bytes, &inner, err);
	if (!code)
		assay_json_set(object, "decoded", inner);
	assay_decoded_release(&decoded);
	return code;
}

static enum assay_code node_json(struct writer *w, const struct assay_anatomy *anatomy,
				 const struct assay_node *node, json_t **ret,
				 struct assay_error *err);

static enum assay_code set_children(struct writer *w, json_t *object,
				    const struct assay_anatomy *anatomy,
				    const struct assay_node *group, struct assay_error *err)
{
	json_t *list = assay_json_array(), *child;
	enum assay_code code = ASSAY_OK;

	for (const struct assay_node *n = group->first; n && !code; n = n->next) {
		if (w->spans >= SPANS_MAX) {
			w->truncated = true;
			break;
		}
		code = node_json(w, anatomy, n, &child, err);
		if (!code)
			assay_json_append(list, child);
	}
	assay_json_set(object, "spans", list);
	return code;
}

static enum assay_code fill_node(struct writer *w, json_t *object,
				 const struct assay_anatomy *anatomy,
				 const struct assay_node *node, struct assay_error *err)
{
	enum assay_code code = ASSAY_OK;
	json_t *inner;

	if (node->flags & ASSAY_NODE_ENCODED)
		code = set_decoded(w, object, anatomy, node, err);
	if (!code && (node->flags & ASSAY_NODE_GROUP))
		code = set_children(w, object, anatomy, node, err);
	if (!code && (node->flags & ASSAY_NODE_PAYLOAD)) {
		code = file_json(w, assay_node_bytes(anatomy, node), &inner, err);
		if (!code)
			assay_json_set(object, "content", inner);
	}
	return code;
}

static enum assay_code node_json(struct writer *w, const struct assay_anatomy *anatomy,
				 const struct assay_node *node, json_t **ret,
				 struct assay_error *err)
{
	struct assay_arena arena = ASSAY_ARENA_INIT(ASSAY_MAX_TREE);
	const struct assay_node *whole;
	enum assay_code code = assay_anatomy_expand(anatomy, node, &arena, &whole, err);
	json_t *object = NULL;

	w->spans++;
	if (!code) {
		object = span_json(whole);
		code = fill_node(w, object, anatomy, whole, err);
	}
	assay_arena_release(&arena);
	if (code)
		json_decref(object);
	else
		*ret = object;
	return code;
}

static json_t *structure_json(const struct assay_anatomy *anatomy)
{
	json_t *object = assay_json_object();
	bool ambiguous = anatomy->structure == ASSAY_AMBIGUOUS || anatomy->malformed;

	assay_json_set_text(object, "verdict", ambiguous ? "ambiguous" : "canonical");
	if (anatomy->malformed)
		assay_json_set_text(object, "reason", anatomy->malformed);
	else if (ambiguous) {
		assay_json_set_text(object, "reason", anatomy->reason ? anatomy->reason : "");
		assay_json_set_int(object, "offset", (int64_t)anatomy->reason_offset);
	}
	return object;
}

static enum assay_code file_json(struct writer *w, struct assay_span bytes, json_t **ret,
				 struct assay_error *err)
{
	struct assay_anatomy anatomy;
	json_t *object;
	enum assay_code code;

	if (w->depth >= ASSAY_MAX_DEPTH) {
		w->truncated = true;
		*ret = assay_json_object();
		return ASSAY_OK;
	}
	code = assay_anatomy_open(bytes, &anatomy, err);
	if (code)
		return code;
	object = assay_json_object();
	assay_json_set_text(object, "format", anatomy.format->name);
	if (anatomy.root->value)
		assay_json_set_text(object, "kind", anatomy.root->value);
	assay_json_set_int(object, "size", (int64_t)bytes.len);
	assay_json_set(object, "structure", structure_json(&anatomy));
	if (anatomy.root->attributes)
		set_attributes(object, anatomy.root);
	w->truncated |= anatomy.truncated;
	w->depth++;
	code = fill_node(w, object, &anatomy, anatomy.root, err);
	w->depth--;
	assay_anatomy_release(&anatomy);
	if (code)
		json_decref(object);
	else
		*ret = object;
	return code;
}

enum assay_code assay_anatomy(const struct assay_side *side,
			      const struct assay_compare_options *options, json_t **ret,
			      struct assay_error *err)
{
	assay_auto(assay_map_release) struct assay_map map = { 0 };
	struct writer w = {
		.space = { .spill_fd = options ? options->spill_fd[0] : -1,
			   .max = ASSAY_MAX_DECODED },
	};
	char hex[ASSAY_DIGEST_TEXT];
	struct assay_digest digest;
	json_t *object;

	if (assay_map_fd(side->fd, &map, err))
		return assay_context(err, "%s", side->name);
	if (file_json(&w, map.bytes, &object, err))
		return assay_context(err, "%s", side->name);
	assay_digest_span(map.bytes, &digest);
	assay_json_set_text(object, "schema", "assay.anatomy/1");
	assay_json_set_text(object, "name", side->name);
	assay_json_set_text(object, "sha256", assay_digest_hex(&digest, hex));
	assay_json_set_bool(object, "truncated", w.truncated);
	*ret = object;
	return ASSAY_OK;
}
