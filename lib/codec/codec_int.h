/* SPDX-License-Identifier: Apache-2.0 */
/* What the decoders of this folder share: the step they are driven by, and room in a sink. */
#ifndef ASSAY_CODEC_INT_H
#define ASSAY_CODEC_INT_H

#include "assay/codec.h"

/* One call of a decoder: it takes from in, writes to out, and says how much of both. */
struct codec_step {
	const uint8_t *in;
	size_t in_len;
	uint8_t *out;
	size_t out_len;
	size_t took, made;
};

struct codec_ops {
	const char *name;
	size_t state_size;
	enum assay_code (*open)(void *state, struct assay_error *err);
	/* ASSAY_OK: wants more input or room; ASSAY_END: the unit is complete */
	enum assay_code (*step)(void *state, struct codec_step *step, struct assay_error *err);
	void (*close)(void *state);
	/* Optional: a unit in one piece, when that is faster.  ASSAY_EUNSUPPORTED: use steps. */
	enum assay_code (*whole)(struct assay_span in, struct assay_sink *sink,
				 uint64_t *ret_consumed, struct assay_error *err);
};

extern const struct codec_ops codec_deflate, codec_zlib, codec_xz, codec_lzma, codec_zstd,
	codec_bzip2, codec_lz4, codec_lzip;

/* At least one byte of room behind sink->len, and at least want when that is within the limits. */
enum assay_code sink_reserve(struct assay_sink *sink, size_t want, struct assay_error *err)
	ASSAY_CHECKED;

/* recall.c: streams decoded lately.  ASSAY_END: not among them; else *ret, and what it decodes to is added to
 * the sink, when there is one. */
#define CODEC_RECALL_MAX ((size_t)1 << 20) /* decoded bytes of one that is remembered */
void codec_remember(enum assay_codec codec, struct assay_span encoded, struct assay_span decoded);
enum assay_code codec_recall(enum assay_codec codec, struct assay_span encoded, struct assay_sink *sink,
			     struct assay_measure *ret, struct assay_error *err) ASSAY_CHECKED;

/* Measuring: adds what the sink holds to its sums. */
void sink_discard(struct assay_sink *sink);

#endif
