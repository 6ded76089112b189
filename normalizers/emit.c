/* SPDX-License-Identifier: Apache-2.0 */
/* From one file to its canonical form, through whatever it is packed in. */
#include "emit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "walk.h"

#define KEPT_MAX 200 /* and one of the file itself, which is its state */

const struct assay_field *assay_emit_field(const struct assay_format *format, const char *name)
{
	const struct assay_field *field = format->fields;

	while (field->name && strcmp(field->name, name) != 0)
		field++;
	return field->name ? field : NULL;
}

static bool is_listed(const char *const *list, const char *name)
{
	for (; list && *list; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

bool assay_emit_wants(const struct assay_emit *e, const struct assay_field *field)
{
	if (!field || !field->pass)
		return false;
	if (field->rating == ASSAY_RATE_NEVER)
		return is_listed(e->options->unsafe, field->pass);
	return !is_listed(e->options->skip, field->pass);
}

int64_t assay_emit_time(const struct assay_emit *e, const struct assay_field *field, int64_t seconds)
{
	if (!assay_emit_wants(e, field))
		return seconds;
	if (!e->options->has_epoch)
		return ASSAY_CANONICAL_TIME;
	return seconds < e->options->epoch ? seconds : e->options->epoch;
}

enum assay_code assay_emit_copy(struct assay_rope *rope, const struct assay_anatomy *anatomy,
				const struct assay_node *node, struct assay_error *err)
{
	return assay_rope_add(rope, assay_node_bytes(anatomy, node), err);
}

enum assay_code assay_emit_make(struct assay_emit *e, struct assay_rope *rope, const void *data,
				size_t len, struct assay_error *err)
{
	return assay_rope_make(rope, &e->scratch, assay_span_of(data, len), err);
}

void assay_emit_le(uint8_t *out, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		out[i] = (uint8_t)(value >> (8 * i));
}

void assay_emit_be32(uint8_t *out, int64_t value)
{
	for (unsigned i = 0; i < 4; i++)
		out[i] = (uint8_t)((uint64_t)value >> (24 - 8 * i));
}

enum assay_code assay_emit_leaves(struct assay_emit *e, const struct assay_anatomy *anatomy,
				  assay_emit_leaf *make, struct assay_rope *rope, struct assay_error *err)
{
	enum assay_code code = ASSAY_OK;

	for (const struct assay_node *n = anatomy->root->first; n && !code; n = n->next)
		code = assay_emit_wants(e, n->field) ? make(e, anatomy, n, rope, err) :
						       assay_emit_copy(rope, anatomy, n, err);
	return code;
}

enum assay_code assay_emit_date(const struct assay_emit *e, const struct assay_field *field, struct tm *ret,
				struct assay_error *err)
{
	time_t time = (time_t)assay_emit_time(e, field, INT64_MAX);

	if (!gmtime_r(&time, ret) || ret->tm_year < 1000 - 1900 || ret->tm_year >= 10000 - 1900)
		return assay_fail(err, ASSAY_EUNSUPPORTED, "SOURCE_DATE_EPOCH: no year of four digits");
	return ASSAY_OK;
}

/* ---- one file -------------------------------------------------------------------------------------- */

static void note_kept(struct assay_emit *e, const char *reason)
{
	json_t *object, *path;

	if (json_array_size(e->kept) >= KEPT_MAX && e->path_count) {
		e->kept_dropped++;
		return;
	}
	object = assay_json_object();
	path = assay_json_array();
	for (size_t i = 0; i < e->path_count; i++)
		assay_json_append(path, assay_json_name(e->path[i]));
	assay_json_set(object, "path", path);
	assay_json_set_text(object, "reason", reason);
	assay_json_append(e->kept, object);
}

/* Why a file has no canonical form; NULL when it has. */
static const char *why_kept(const struct assay_anatomy *a, char *out, size_t size)
{
	if (a->malformed)
		snprintf(out, size, "%s", a->malformed);
	else if (a->signature)
		snprintf(out, size, "signed: %s (offset %llu)", a->signature,
			 (unsigned long long)a->signature_offset);
	else if (a->structure == ASSAY_AMBIGUOUS)
		snprintf(out, size, "ambiguous: %s (offset %llu)", a->reason ? a->reason : "",
			 (unsigned long long)a->reason_offset);
	else if (a->truncated)
		snprintf(out, size, "cut short by a limit");
	else
		return NULL;
	return out;
}

static enum assay_code emit_opened(struct assay_emit *e, const struct assay_anatomy *a,
				   struct assay_rope *rope, struct assay_error *err)
{
	struct assay_rope made = ASSAY_ROPE_INIT;
	bool in_package = e->in_package;
	char reason[ASSAY_ERROR_MAX];
	const char *kept = why_kept(a, reason, sizeof(reason));
	enum assay_code code = ASSAY_OK;

	if (!kept && a->format->emit) {
		e->in_package |= a->format->is_package;
		code = a->format->emit(e, a, &made, err);
		e->in_package = in_package;
		if (code == ASSAY_EINPUT || code == ASSAY_EUNSUPPORTED)
			kept = err->msg;
		else if (!code)
			code = assay_rope_join(rope, &made, err);
	}
	assay_rope_release(&made);
	if (!kept && a->format->emit)
		return code;
	if (kept)
		note_kept(e, kept);
	*err = (struct assay_error)ASSAY_ERROR_INIT; /* said; the next file has nothing to do with it */
	return assay_rope_add(rope, a->bytes, err);
}

enum assay_code assay_emit_file(struct assay_emit *e, struct assay_span bytes, struct assay_rope *rope,
				struct assay_error *err)
{
	struct assay_anatomy anatomy;
	enum assay_code code;

	if (bytes.len == 0 || !assay_format_detect(bytes)->emit)
		return assay_rope_add(rope, bytes, err);
	if (e->depth >= ASSAY_MAX_DEPTH) {
		note_kept(e, "archives nested too deeply");
		return assay_rope_add(rope, bytes, err);
	}
	if (assay_anatomy_open(bytes, &anatomy, err))
		return err->code;
	e->depth++;
	code = emit_opened(e, &anatomy, rope, err);
	e->depth--;
	assay_anatomy_release(&anatomy);
	return code;
}

/* ---- payloads -------------------------------------------------------------------------------------- */

static void push(struct assay_emit *e, struct assay_span name)
{
	if (name.len && e->path_count < ASSAY_EMIT_PATH)
		e->path[e->path_count++] = name;
}

/* The canonical form of a payload; *ret_same: it is what it was. */
static enum assay_code emit_inner(struct assay_emit *e, struct assay_span name, struct assay_span bytes,
				  struct assay_rope *ret, bool *ret_same, struct assay_error *err)
{
	size_t path_count = e->path_count;
	enum assay_code code;

	*ret_same = true;
	push(e, name);
	if (assay_vouch_is_list(e, name))
		code = assay_vouch_rewrite(e, bytes, ret, err);
	else
		code = assay_emit_file(e, bytes, ret, err);
	if (!code)
		code = assay_rope_equals(ret, &e->scratch, bytes, ret_same, err);
	if (!code && !*ret_same)
		code = assay_vouch_note(e, name, bytes, ret, err);
	e->path_count = path_count;
	return code;
}

enum assay_code assay_emit_payload(struct assay_emit *e, struct assay_span name,
				   struct assay_span bytes, struct assay_rope *rope,
				   struct assay_error *err)
{
	struct assay_rope inner = ASSAY_ROPE_INIT;
	bool same;
	enum assay_code code = emit_inner(e, name, bytes, &inner, &same, err);

	if (!code)
		code = same ? assay_rope_add(rope, bytes, err) : assay_rope_join(rope, &inner, err);
	assay_rope_release(&inner);
	return code;
}

/* ---- encoded payloads ------------------------------------------------------------------------------ */

struct encoding {
	struct assay_emit *e;
	struct assay_rope_reader reader;
	struct assay_rope *out;
	uint32_t crc32;
};

static enum assay_code read_payload(void *data, struct assay_span *ret, struct assay_error *err)
{
	struct encoding *encoding = data;

	if (assay_rope_read(&encoding->reader, ret, err))
		return err->code;
	encoding->crc32 = assay_crc32(encoding->crc32, *ret);
	return ASSAY_OK;
}

static enum assay_code write_encoded(void *data, struct assay_span bytes, struct assay_error *err)
{
	struct encoding *encoding = data;

	return assay_rope_make(encoding->out, &encoding->e->scratch, bytes, err);
}

static enum assay_code encode(struct assay_emit *e, enum assay_codec codec,
			      const struct assay_rope *payload, struct assay_emitted *ret,
			      struct assay_error *err)
{
	struct encoding encoding = { .e = e, .out = &ret->rope };
	struct assay_encode io = { read_payload, write_encoded, &encoding, payload->size };
	enum assay_code code;

	assay_rope_reader_open(&encoding.reader, payload, &e->scratch);
	code = assay_codec_encode(codec, &io, err);
	assay_rope_reader_release(&encoding.reader);
	ret->crc32 = encoding.crc32;
	ret->size = payload->size;
	e->encoders |= 1U << codec;
	return code;
}

/* The payload lives no longer than this call: what is stored is copied. */
static enum assay_code store(struct assay_emit *e, const struct assay_rope *payload,
			     struct assay_emitted *ret, struct assay_error *err)
{
	struct encoding encoding = { .e = e };
	struct assay_span bytes = { NULL, 0 };
	enum assay_code code = ASSAY_OK;

	assay_rope_release(&ret->rope);
	ret->is_stored = true;
	assay_rope_reader_open(&encoding.reader, payload, &e->scratch);
	do {
		code = read_payload(&encoding, &bytes, err);
		if (!code)
			code = assay_rope_make(&ret->rope, &e->scratch, bytes, err);
	} while (!code && bytes.len);
	assay_rope_reader_release(&encoding.reader);
	ret->crc32 = encoding.crc32;
	ret->size = payload->size;
	return code;
}

enum assay_code assay_emit_encoded(struct assay_emit *e, const struct assay_anatomy *anatomy,
				   const struct assay_node *node, const struct assay_field *field,
				   enum assay_codec codec, bool may_store, struct assay_span name,
				   struct assay_emitted *ret, struct assay_error *err)
{
	struct assay_rope inner = ASSAY_ROPE_INIT;
	struct assay_decoded decoded;
	bool same = true;
	enum assay_code code;

	*ret = (struct assay_emitted){ .rope = ASSAY_ROPE_INIT };
	if (assay_payload_decode(anatomy, node, &e->space, &decoded, err))
		return err->code;
	if (!name.len && e->path_count)
		name = assay_decoded_name(e->path[e->path_count - 1]);
	if (node->flags & (ASSAY_NODE_RAW | ASSAY_NODE_OPAQUE))
		code = assay_rope_add(&inner, decoded.bytes, err);
	else
		code = emit_inner(e, name, decoded.bytes, &inner, &same, err);
	if (!code && same && (e->options->keep_encoding || !assay_emit_wants(e, field)))
		ret->is_kept = true;
	else if (!code)
		code = encode(e, codec, &inner, ret, err);
	if (!code && !ret->is_kept && may_store && ret->rope.size >= inner.size)
		code = store(e, &inner, ret, err);
	assay_rope_release(&inner);
	assay_decoded_release(&decoded);
	if (code)
		assay_emitted_release(ret);
	return code;
}

void assay_emitted_release(struct assay_emitted *emitted)
{
	assay_rope_release(&emitted->rope);
}

enum assay_code assay_emit_stream(struct assay_emit *e, const struct assay_anatomy *anatomy,
				  const struct assay_field *field, enum assay_codec codec,
				  struct assay_rope *rope, struct assay_error *err)
{
	struct assay_emitted emitted;
	enum assay_code code;

	if (assay_emit_encoded(e, anatomy, anatomy->root, field, codec, false, assay_span_of(NULL, 0),
			       &emitted, err))
		return err->code;
	code = emitted.is_kept ? assay_rope_add(rope, anatomy->bytes, err) :
				 assay_rope_join(rope, &emitted.rope, err);
	assay_emitted_release(&emitted);
	return code;
}
