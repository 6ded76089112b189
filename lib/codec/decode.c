/* SPDX-License-Identifier: Apache-2.0 */
/* Drives one decoder over its parts into a sink; the decoders themselves are one file a library. */
#include <stdlib.h>

#include "assay/limits.h"
#include "codec_int.h"

static const struct codec_ops *const table[] = {
	[ASSAY_CODEC_DEFLATE] = &codec_deflate, [ASSAY_CODEC_ZLIB] = &codec_zlib,
	[ASSAY_CODEC_XZ] = &codec_xz,		[ASSAY_CODEC_LZMA] = &codec_lzma,
	[ASSAY_CODEC_ZSTD] = &codec_zstd,	[ASSAY_CODEC_BZIP2] = &codec_bzip2,
	[ASSAY_CODEC_LZ4] = &codec_lz4,	[ASSAY_CODEC_LZIP] = &codec_lzip,
};

const char *assay_codec_name(enum assay_codec codec)
{
	return table[codec]->name;
}

/* The libraries count in 32 bits or signed: one step never sees more. */
#define STEP_MAX ((size_t)1 << 30)

static enum assay_code run(const struct codec_ops *ops, void *state, const struct assay_span *parts,
			   size_t count, struct assay_sink *sink, uint64_t *ret_consumed,
			   struct assay_error *err)
{
	uint64_t consumed = 0;
	size_t part = 0, at = 0;

	for (;;) {
		struct codec_step step = { 0 };
		enum assay_code code;

		while (part < count && at == parts[part].len) {
			part++;
			at = 0;
		}
		if (sink_reserve(sink, 1, err))
			return err->code;
		if (part < count) {
			step.in = parts[part].data + at;
			step.in_len = parts[part].len - at;
		}
		step.out = sink->data + sink->len;
		step.out_len = sink->capacity - sink->len;
		step.in_len = step.in_len < STEP_MAX ? step.in_len : STEP_MAX;
		step.out_len = step.out_len < STEP_MAX ? step.out_len : STEP_MAX;
		code = ops->step(state, &step, err);
		at += step.took;
		consumed += step.took;
		sink->len += step.made;
		if (code == ASSAY_END) {
			*ret_consumed = consumed;
			return ASSAY_OK;
		}
		if (code)
			return assay_context(err, "%s at encoded byte %llu", ops->name,
					     (unsigned long long)consumed);
		if (step.took == 0 && step.made == 0)
			return assay_fail(err, ASSAY_EINPUT, "%s: data ends early, at byte %llu",
					  ops->name, (unsigned long long)consumed);
	}
}

static enum assay_code decode(enum assay_codec codec, const struct assay_span *parts, size_t count,
			      struct assay_sink *sink, uint64_t *ret_consumed, struct assay_error *err)
{
	const struct codec_ops *ops = table[codec];
	enum assay_code code;
	void *state;

	if (ops->whole && count == 1 && !sink->discards) {
		code = ops->whole(parts[0], sink, ret_consumed, err);
		if (code != ASSAY_EUNSUPPORTED)
			return code;
	}
	state = calloc(1, ops->state_size);
	if (!state)
		return assay_fail(err, ASSAY_ENOMEM, "%s: out of memory", ops->name);
	code = ops->open(state, err);
	if (!code) {
		code = run(ops, state, parts, count, sink, ret_consumed, err);
		ops->close(state);
	}
	free(state);
	return code;
}

enum assay_code assay_codec_decode(enum assay_codec codec, const struct assay_span *parts,
				   size_t count, struct assay_sink *sink, uint64_t *ret_consumed,
				   struct assay_error *err)
{
	struct assay_measure known;
	enum assay_code code = count == 1 ? codec_recall(codec, parts[0], sink, &known, err) : ASSAY_END;

	if (code == ASSAY_END)
		return decode(codec, parts, count, sink, ret_consumed, err);
	*ret_consumed = known.consumed;
	return code;
}

static enum assay_code measure(enum assay_codec codec, struct assay_span encoded, uint64_t keep,
			       struct assay_measure *ret, struct assay_error *err)
{
	struct assay_codec_space space = { .spill_fd = -1, .max = keep ? keep : ASSAY_MAX_DECODED };
	struct assay_sink sink;
	enum assay_code code;
	uint64_t consumed;

	assay_sink_open(&sink, &space, encoded.len, 0);
	sink.discards = !keep;
	code = decode(codec, &encoded, 1, &sink, &consumed, err);
	if (!code && keep)
		codec_remember(codec, assay_span_cut(encoded, 0, consumed), assay_sink_bytes(&sink));
	sink_discard(&sink);
	if (!code)
		*ret = (struct assay_measure){ consumed, sink.discarded, sink.crc };
	assay_sink_abandon(&sink);
	return code;
}

/* What is measured will mostly be wanted, so it is remembered, unless it turns out to be large. */
enum assay_code assay_codec_measure(enum assay_codec codec, struct assay_span encoded,
				    struct assay_measure *ret, struct assay_error *err)
{
	enum assay_code code = codec_recall(codec, encoded, NULL, ret, err);

	if (code == ASSAY_END)
		code = measure(codec, encoded, CODEC_RECALL_MAX, ret, err);
	return code == ASSAY_ELIMIT ? measure(codec, encoded, 0, ret, err) : code;
}
