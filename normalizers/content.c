/* SPDX-License-Identifier: Apache-2.0 */
/* Two files, or two encoded files: detect, decode and lay out both sides at once, then descend. */
#include <pthread.h>
#include <stdio.h>

#include "assay/limits.h"
#include "claims.h"

/* Below this a thread costs more than it saves. */
#define THREAD_WORTH (256 * ASSAY_KIB)

/* One side's share of some work. */
struct task {
	void (*run)(struct task *task);
	struct assay_span bytes;
	struct assay_anatomy anatomy; /* of bytes: the result of open_task */
	const struct assay_anatomy *outer;
	const struct assay_node *node;
	struct assay_codec_space *space;
	struct assay_decoded decoded; /* the result of decode_task */
	enum assay_code code;
	struct assay_error err;
};

static void open_task(struct task *task)
{
	task->code = assay_anatomy_open(task->bytes, &task->anatomy, &task->err);
}

static void decode_task(struct task *task)
{
	task->code = assay_payload_decode(task->outer, task->node, task->space, &task->decoded,
					  &task->err);
}

static void *thread_main(void *data)
{
	struct task *task = data;

	task->run(task);
	return NULL;
}

static void run_both(const struct assay_walk *walk, struct task tasks[2], size_t weight)
{
	pthread_t thread;
	bool started = walk->two_threads && weight >= THREAD_WORTH &&
		       pthread_create(&thread, NULL, thread_main, &tasks[1]) == 0;

	tasks[0].run(&tasks[0]);
	if (started)
		pthread_join(thread, NULL);
	else
		tasks[1].run(&tasks[1]);
}

enum assay_code assay_payload_decode(const struct assay_anatomy *anatomy,
				     const struct assay_node *node,
				     struct assay_codec_space *space, struct assay_decoded *ret,
				     struct assay_error *err)
{
	struct assay_sink sink;
	enum assay_code code;

	assay_sink_open(&sink, space, node->length, 0);
	code = anatomy->format->decode(anatomy, node, &sink, err);
	if (code) {
		assay_sink_abandon(&sink);
		return code;
	}
	return assay_sink_close(&sink, ret, err);
}

struct assay_span assay_decoded_name(struct assay_span name)
{
	static const char *const suffixes[] = { ".gz", ".xz", ".zst", ".bz2", ".lzma", ".lz4", ".lz" };

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (assay_span_ends(name, suffixes[i]))
			return assay_span_cut(name, 0, name.len - strlen(suffixes[i]));
	return assay_span_of(NULL, 0);
}

/* A payload that does not decode: readers will disagree, or a limit of ours was reached. */
static enum assay_code judge_failure(struct assay_walk *walk, int side, const struct task *task,
				     struct assay_error *err)
{
	char text[ASSAY_ERROR_MAX];

	if (!task->code)
		return ASSAY_OK;
	snprintf(text, sizeof(text), "%s payload cannot be decoded: %s",
		 task->outer->format->name, task->err.msg);
	if (task->code == ASSAY_ELIMIT)
		assay_walk_truncated(walk, text);
	else if (task->code == ASSAY_EINPUT || task->code == ASSAY_EUNSUPPORTED)
		assay_walk_ambiguous(walk, side, text, task->node->offset);
	else {
		*err = task->err;
		return task->code;
	}
	return ASSAY_OK;
}

/* Decoded bytes that their field says all about: a signature. */
static enum assay_code record_opaque(struct assay_walk *walk, struct assay_scope *up,
				     const struct task tasks[2], struct assay_error *err)
{
	const struct assay_field *field = tasks[0].node->carries;
	struct assay_span left = tasks[0].decoded.bytes, right = tasks[1].decoded.bytes;
	struct assay_range range = { tasks[0].node->offset, tasks[0].node->length,
				     tasks[1].node->offset, tasks[1].node->length };
	char text[512];
	struct assay_difference d = {
		.field = field,
		.left = left,
		.right = right,
		.left_present = true,
		.right_present = true,
		.ranges = &range,
		.range_count = 1,
		.bytes = assay_bytes_differing(left, right),
		.confidence = ASSAY_CERTAIN,
		.severity = field->severity,
		.explanation = text,
	};

	snprintf(text, sizeof(text), "%llu byte%s: %s", (unsigned long long)d.bytes,
		 d.bytes == 1 ? " differs" : "s differ",
		 field->rule ? field->rule : "");
	return assay_walk_record(walk, up, &d, NULL, err);
}

static enum assay_code compare_decoded(struct assay_walk *walk, struct assay_scope *up,
				       const struct task tasks[2], enum assay_payload *ret,
				       struct assay_error *err)
{
	struct assay_span name = { NULL, 0 };
	enum assay_code code;
	bool named;

	if (assay_span_equal(tasks[0].decoded.bytes, tasks[1].decoded.bytes)) {
		*ret = ASSAY_PAYLOAD_EQUAL;
		return ASSAY_OK;
	}
	*ret = ASSAY_PAYLOAD_DIFFERS;
	/* a whole compressed file has been noted as it stands; a compressed member is noted here */
	if (tasks[0].node != tasks[0].outer->root &&
	    assay_walk_claimed(walk, tasks[0].decoded.bytes, tasks[1].decoded.bytes))
		return ASSAY_OK;
	if (tasks[0].node->flags & tasks[1].node->flags & ASSAY_NODE_OPAQUE)
		return record_opaque(walk, up, tasks, err);
	if (walk->path_count)
		name = assay_decoded_name(walk->path[walk->path_count - 1]);
	named = name.len > 0;
	if (named && !assay_walk_push(walk, name))
		named = false;
	/* the text of a compressed list of digests */
	if (named && assay_claims_take(walk, tasks[0].decoded.bytes, tasks[1].decoded.bytes))
		code = ASSAY_OK;
	else
		code = assay_walk_content(walk, up, tasks[0].decoded.bytes, tasks[1].decoded.bytes, err);
	if (named)
		assay_walk_pop(walk);
	return code;
}

enum assay_code assay_walk_encoded(struct assay_walk *walk, struct assay_scope *up,
				   const struct assay_anatomy *left, const struct assay_node *l,
				   const struct assay_anatomy *right, const struct assay_node *r,
				   enum assay_payload *ret, struct assay_error *err)
{
	struct task tasks[2] = {
		{ .run = decode_task, .outer = left, .node = l, .space = &walk->spaces[0] },
		{ .run = decode_task, .outer = right, .node = r, .space = &walk->spaces[1] },
	};
	enum assay_code code = ASSAY_OK;

	*ret = ASSAY_PAYLOAD_NONE;
	run_both(walk, tasks, l->length + r->length);
	for (int side = 0; side < 2 && !code; side++)
		code = judge_failure(walk, side, &tasks[side], err);
	if (!code && !tasks[0].code && !tasks[1].code)
		code = compare_decoded(walk, up, tasks, ret, err);
	/* in the order in which they were taken from the end of the space */
	for (int side = 0; side < 2; side++)
		if (!tasks[side].code)
			assay_decoded_release(&tasks[side].decoded);
	return code;
}

static void note_structure(struct assay_walk *walk, int side, const struct assay_anatomy *anatomy)
{
	if (anatomy->malformed)
		assay_walk_ambiguous(walk, side, anatomy->malformed, 0);
	else if (anatomy->structure == ASSAY_AMBIGUOUS)
		assay_walk_ambiguous(walk, side, anatomy->reason ? anatomy->reason : "",
				     anatomy->reason_offset);
	if (anatomy->signature) {
		char shown[256];

		assay_walk_signed(walk, side,
				  assay_span_show(assay_span_text(anatomy->signature), shown,
						  sizeof(shown)),
				  anatomy->signature_offset);
	}
	if (anatomy->truncated)
		assay_walk_truncated(walk, "anatomy cut short by a limit");
}

static bool is_generic(const struct assay_format *format)
{
	return format == &assay_format_text || format == &assay_format_binary;
}

/* Two compressors: the choice is a difference, and so is what the payloads differ in. */
static enum assay_code compare_encoders(struct assay_walk *walk, struct assay_scope *up,
					const struct task tasks[2], bool *ret_done,
					struct assay_error *err)
{
	const struct assay_anatomy *l = &tasks[0].anatomy, *r = &tasks[1].anatomy;
	struct assay_range range = { 0, l->bytes.len, 0, r->bytes.len };
	enum assay_payload payload;
	char text[256];
	struct assay_difference d = {
		.field = &assay_field_format,
		.left_present = true,
		.right_present = true,
		.values = { { assay_span_text(l->format->name), assay_span_text(r->format->name) },
			    true,
			    true },
		.ranges = &range,
		.range_count = 1,
		.bytes = assay_bytes_differing(l->bytes, r->bytes),
		.cause = "compression_encoder_differs",
		.confidence = ASSAY_CERTAIN,
		.severity = ASSAY_SEVERITY_METADATA,
		.explanation = text,
	};
	enum assay_code code =
		assay_walk_encoded(walk, up, l, l->root, r, r->root, &payload, err);

	*ret_done = !code && payload != ASSAY_PAYLOAD_NONE;
	if (!*ret_done)
		return code;
	snprintf(text, sizeof(text), "compressed as %s on the left and as %s on the right, %s payload",
		 l->format->name, r->format->name,
		 payload == ASSAY_PAYLOAD_EQUAL ? "with the same" : "with another");
	return assay_walk_record(walk, up, &d, NULL, err);
}

/* Not the same format on both sides, or not readable as one. */
static enum assay_code compare_unlike(struct assay_walk *walk, struct assay_scope *up,
				      const struct task tasks[2], struct assay_error *err)
{
	const struct assay_anatomy *l = &tasks[0].anatomy, *r = &tasks[1].anatomy;
	char note[512] = "";
	bool done = false;

	if (!l->malformed && !r->malformed &&
	    (l->root->flags & r->root->flags & ASSAY_NODE_ENCODED)) {
		enum assay_code code = compare_encoders(walk, up, tasks, &done, err);

		if (code || done)
			return code;
	}
	if (l->malformed || r->malformed)
		snprintf(note, sizeof(note), "compared as bytes (%s%s%s%s)",
			 l->malformed ? "left: " : "", l->malformed ? l->malformed : "",
			 r->malformed ? " right: " : "", r->malformed ? r->malformed : "");
	else if (!is_generic(l->format) || !is_generic(r->format))
		snprintf(note, sizeof(note), "the left side is %s and the right side is %s",
			 l->format->name, r->format->name);
	return assay_walk_bytes(walk, up,
				note[0] ? &assay_field_format : assay_format_binary.fields,
				l->bytes, r->bytes, note[0] ? note : NULL, err);
}

static enum assay_code compare_opened(struct assay_walk *walk, struct assay_scope *up,
				      const struct task tasks[2], struct assay_error *err)
{
	const struct assay_anatomy *l = &tasks[0].anatomy, *r = &tasks[1].anatomy;
	struct assay_recognised story = { 0 };
	size_t pending = walk->pending_count;
	uint64_t roots = walk->roots;
	bool told, claims = false;
	enum assay_code code;

	note_structure(walk, 0, l);
	note_structure(walk, 1, r);
	if (l->format != r->format || l->malformed || r->malformed)
		return compare_unlike(walk, up, tasks, err);
	told = l->format->explain &&
	       l->format->explain(l, r, walk->sides[0]->context, walk->sides[1]->context, &story);
	if (assay_claims_begin(walk, l, r, &claims, err))
		return err->code;
	code = assay_walk_nodes(walk, up, l, l->root, r, r->root,
				told && story.cause ? &story : NULL, err);
	if (claims) {
		if (code)
			assay_claims_abandon(walk);
		else
			code = assay_claims_end(walk, up, err);
	}
	if (!code)
		assay_walk_settle(walk, pending, roots, true);
	return code;
}

/* More members, or more of a tree, than we lay out: compared as bytes, and said. */
static enum assay_code compare_beyond_limit(struct assay_walk *walk, struct assay_scope *up,
					    const struct task tasks[2], struct assay_error *err)
{
	char note[ASSAY_ERROR_MAX];

	snprintf(note, sizeof(note), "%s", err->msg);
	assay_walk_truncated(walk, note);
	return assay_walk_bytes(walk, up, assay_format_binary.fields, tasks[0].bytes,
				tasks[1].bytes, note, err);
}

enum assay_code assay_walk_content(struct assay_walk *walk, struct assay_scope *up,
				   struct assay_span left, struct assay_span right,
				   struct assay_error *err)
{
	struct task tasks[2] = {
		{ .run = open_task, .bytes = left },
		{ .run = open_task, .bytes = right },
	};
	enum assay_code code = ASSAY_OK;

	if (assay_span_equal(left, right))
		return ASSAY_OK;
	if (walk->depth >= ASSAY_MAX_DEPTH) {
		assay_walk_truncated(walk, "archives nested too deeply");
		return assay_walk_bytes(walk, up, assay_format_binary.fields, left, right,
					"archives nested too deeply", err);
	}
	run_both(walk, tasks, left.len + right.len);
	for (int side = 0; side < 2 && !code; side++) {
		code = tasks[side].code;
		if (code)
			*err = tasks[side].err;
	}
	if (code == ASSAY_ELIMIT)
		code = compare_beyond_limit(walk, up, tasks, err);
	else if (!code) {
		walk->depth++;
		code = compare_opened(walk, up, tasks, err);
		walk->depth--;
	}
	for (int side = 0; side < 2; side++)
		if (!tasks[side].code)
			assay_anatomy_release(&tasks[side].anatomy);
	return code;
}
