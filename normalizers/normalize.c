/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assay_normalize(): emission, then proof.  What was written is compared with what was read, and only
 * an answer that says "equivalent" (or names nothing but unsafe passes that were asked for) lets the
 * result stand; the passes in the report are those that this comparison found at work.
 */
#include "assay/normalize.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "assay/digest.h"
#include "assay/file.h"
#include "assay/verdict.h"
#include "emit.h"

/* Size and digest of the same file, as another object has them. */
static void copy_digest(json_t *object, const json_t *from)
{
	assay_json_set(object, "size", json_incref(json_object_get(from, "size")));
	assay_json_set(object, "digest", json_incref(json_object_get(from, "digest")));
}

static void set_canonical(json_t *result, const json_t *from)
{
	json_t *canonical = assay_json_object();

	copy_digest(canonical, from);
	assay_json_set(result, "canonical", canonical);
}

/* ---- the proof ------------------------------------------------------------------------------------- */

static bool is_asked_for(const struct assay_normalize_options *options, const char *pass)
{
	for (const char *const *p = options->unsafe; pass && p && *p; p++)
		if (strcmp(*p, pass) == 0)
			return true;
	return false;
}

static void add_unsafe(json_t *passes, const struct assay_field *field, const json_t *divergence)
{
	json_t *pass = NULL, *each;
	size_t i;

	json_array_foreach(passes, i, each)
		if (strcmp(assay_json_text(each, "name", ""), field->pass) == 0)
			pass = each;
	if (!pass) {
		pass = assay_json_object();
		assay_json_set_text(pass, "name", field->pass);
		assay_json_set_int(pass, "version", 1);
		assay_json_set_bool(pass, "unsafe", true);
		assay_json_append(passes, pass);
	}
	assay_json_set_int(pass, "fields",
			   assay_json_int(pass, "fields", 0) + assay_json_int(divergence, "members", 1));
	assay_json_set_int(pass, "bytes",
			   assay_json_int(pass, "bytes", 0) + assay_json_int(divergence, "bytes", 0));
}

/* Of a report that says divergent: every difference is folded, or an unsafe pass that was asked for.
 * Those passes are added to the list. */
static bool is_covered(const json_t *report, const struct assay_normalize_options *options,
		       json_t *passes)
{
	json_t *divergence;
	size_t i;

	if (assay_json_bool(report, "truncated"))
		return false;
	json_array_foreach(json_object_get(report, "divergences"), i, divergence) {
		const struct assay_field *field =
			assay_field_find(assay_json_text(divergence, "field", ""));

		if (assay_json_text(divergence, "pass", NULL))
			continue;
		if (!field || !is_asked_for(options, field->pass))
			return false;
		add_unsafe(passes, field, divergence);
	}
	return json_array_size(json_object_get(report, "divergences")) > 0;
}

static enum assay_code prove(const struct assay_side *file, int out,
			     const struct assay_normalize_options *options, json_t *result, bool *ret,
			     struct assay_error *err)
{
	struct assay_compare_options compare = {
		.spill_fd = { options->spill_fd, options->scratch_fd },
		.threads = 2,
	};
	struct assay_side made = { .name = "canonical form", .fd = out };
	assay_auto(assay_json_freep) json_t *report = NULL;
	enum assay_verdict verdict = ASSAY_FARM_ERROR;
	json_t *passes;
	char reason[ASSAY_ERROR_MAX];

	if (assay_compare(file, &made, &compare, &report, err))
		return err->code;
	assay_verdict_parse(assay_json_text(report, "verdict", ""), &verdict);
	passes = json_incref(json_object_get(report, "passes"));
	copy_digest(result, json_object_get(report, "subject"));
	*ret = verdict == ASSAY_REPRODUCIBLE || verdict == ASSAY_EQUIVALENT ||
	       is_covered(report, options, passes);
	if (*ret) {
		assay_json_set(result, "passes", passes);
		set_canonical(result, json_object_get(report, "candidate"));
		return ASSAY_OK;
	}
	json_decref(passes);
	snprintf(reason, sizeof(reason), "the result would not be equivalent: %s",
		 assay_json_text(report, "reason", ""));
	assay_json_set_text(result, "reason", reason);
	return ASSAY_OK;
}

/* ---- one file -------------------------------------------------------------------------------------- */

static void set_encoders(json_t *result, unsigned encoders)
{
	json_t *list = assay_json_array();
	char text[96];

	for (unsigned codec = 0; codec < 32; codec++)
		if (encoders >> codec & 1)
			assay_json_append(list, json_string(assay_codec_encoder((enum assay_codec)codec,
										text, sizeof(text))));
	assay_json_set(result, "encoders", list);
}

static void set_digest(json_t *object, struct assay_span bytes)
{
	struct assay_digest digest;
	char hex[ASSAY_DIGEST_TEXT];
	json_t *sums = assay_json_object();

	assay_digest_span(bytes, &digest);
	assay_json_set_text(sums, "sha256", assay_digest_hex(&digest, hex));
	assay_json_set(object, "digest", sums);
	assay_json_set_int(object, "size", (json_int_t)bytes.len);
}

/* The file itself is left alone: the last note says why.  NULL when it is not. */
static const char *root_reason(const json_t *kept)
{
	const json_t *last = json_array_get(kept, json_array_size(kept) - 1);

	if (!last || json_array_size(json_object_get(last, "path")))
		return NULL;
	return assay_json_text(last, "reason", "");
}

static enum assay_code settle(const struct assay_side *file, const struct assay_rope *rope,
			      struct assay_emit *e, struct assay_span bytes, int out, json_t *result,
			      struct assay_error *err)
{
	const char *reason = root_reason(e->kept), *state = "canonical";
	bool same, proven = true;

	if (reason) {
		set_digest(result, bytes);
		assay_json_set_text(result, "state", "kept");
		assay_json_set_text(result, "reason", reason);
		return ASSAY_OK;
	}
	if (assay_rope_equals(rope, &e->scratch, bytes, &same, err) ||
	    assay_rope_write(rope, &e->scratch, out, err))
		return err->code;
	if (!same) {
		state = "changed";
		if (prove(file, out, e->options, result, &proven, err))
			return assay_context(err, "proof");
	} else {
		set_digest(result, bytes);
		set_canonical(result, result);
	}
	if (!proven) {
		state = "kept";
		if (ftruncate(out, 0))
			return assay_fail_errno(err, "truncate");
	}
	assay_json_set_text(result, "state", state);
	return ASSAY_OK;
}

static enum assay_code normalize_bytes(const struct assay_side *file, struct assay_emit *e,
				       struct assay_span bytes, int out, json_t *result,
				       struct assay_error *err)
{
	struct assay_rope rope = ASSAY_ROPE_INIT;
	enum assay_code code;

	assay_json_set_text(result, "name", file->name ? file->name : "");
	assay_json_set_text(result, "format", assay_format_detect(bytes)->name);
	assay_json_set_bool(result, "written", assay_format_detect(bytes)->emit != NULL);
	assay_json_set(result, "passes", assay_json_array());
	code = assay_emit_file(e, bytes, &rope, err);
	if (!code)
		code = settle(file, &rope, e, bytes, out, result, err);
	assay_rope_release(&rope);
	if (code)
		return code;
	/* the note about the whole file is its reason */
	if (root_reason(e->kept))
		json_array_remove(e->kept, json_array_size(e->kept) - 1);
	assay_json_set(result, "kept", json_incref(e->kept));
	if (e->kept_dropped)
		assay_json_set_int(result, "kept_not_listed", (json_int_t)e->kept_dropped);
	set_encoders(result, e->encoders);
	return ASSAY_OK;
}

enum assay_code assay_normalize(const struct assay_side *file, int out,
				const struct assay_normalize_options *options, json_t **ret,
				struct assay_error *err)
{
	assay_auto(assay_map_release) struct assay_map map = { 0 };
	struct assay_emit e = {
		.options = options,
		.space = { .spill_fd = options->spill_fd, .max = ASSAY_MAX_DECODED },
		.scratch = ASSAY_SCRATCH_INIT(options->scratch_fd, ASSAY_MAX_DECODED),
	};
	json_t *result;
	enum assay_code code;

	if (assay_map_fd(file->fd, &map, err))
		return assay_context(err, "%s", file->name);
	e.kept = assay_json_array();
	result = assay_json_object();
	code = normalize_bytes(file, &e, map.bytes, out, result, err);
	assay_scratch_release(&e.scratch);
	json_decref(e.kept);
	if (code)
		json_decref(result);
	else
		*ret = result;
	return code;
}
