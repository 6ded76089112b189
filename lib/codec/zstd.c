/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zstd.  A frame that declares its size is decoded in one call straight into the sink, which needs no
 * window of its own; others go step by step.  The encoder serves the logs of builds.
 */
#include <errno.h>
#include <zstd.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "codec_int.h"

#define WINDOW_LOG_MAX 28 /* ASSAY_MAX_WINDOW */
#define BLOCK ((size_t)(256 * ASSAY_KIB))

_Static_assert(1ULL << WINDOW_LOG_MAX == ASSAY_MAX_WINDOW, "the two say the same");

struct zstd_state {
	ZSTD_DCtx *dctx;
};

static void dctx_freep(ZSTD_DCtx **dctx)
{
	ZSTD_freeDCtx(*dctx);
}

static void cctx_freep(ZSTD_CCtx **cctx)
{
	ZSTD_freeCCtx(*cctx);
}

static enum assay_code zstd_open(void *state, struct assay_error *err)
{
	struct zstd_state *z = state;

	z->dctx = ZSTD_createDCtx();
	if (!z->dctx)
		return assay_fail(err, ASSAY_ENOMEM, "zstd: out of memory");
	if (ZSTD_isError(ZSTD_DCtx_setParameter(z->dctx, ZSTD_d_windowLogMax, WINDOW_LOG_MAX))) {
		ZSTD_freeDCtx(z->dctx);
		return assay_fail(err, ASSAY_EBUG, "zstd: window limit refused");
	}
	return ASSAY_OK;
}

static enum assay_code zstd_step(void *state, struct codec_step *step, struct assay_error *err)
{
	struct zstd_state *z = state;
	ZSTD_inBuffer in = { step->in, step->in_len, 0 };
	ZSTD_outBuffer out = { step->out, step->out_len, 0 };
	size_t rc = ZSTD_decompressStream(z->dctx, &out, &in);

	step->took = in.pos;
	step->made = out.pos;
	if (ZSTD_isError(rc))
		return assay_fail(err, ASSAY_EINPUT, "%s", ZSTD_getErrorName(rc));
	return rc == 0 ? ASSAY_END : ASSAY_OK;
}

static void zstd_close(void *state)
{
	ZSTD_freeDCtx(((struct zstd_state *)state)->dctx);
}

static enum assay_code zstd_whole(struct assay_span in, struct assay_sink *sink,
				  uint64_t *ret_consumed, struct assay_error *err)
{
	assay_auto(dctx_freep) ZSTD_DCtx *dctx = NULL;
	unsigned long long size = ZSTD_getFrameContentSize(in.data, in.len);
	size_t frame, rc;

	if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || size == 0)
		return ASSAY_EUNSUPPORTED;
	if (sink->len > sink->allowed || size > sink->allowed - sink->len)
		return ASSAY_EUNSUPPORTED; /* a claim: the steps find the truth within the limits */
	frame = ZSTD_findFrameCompressedSize(in.data, in.len);
	if (ZSTD_isError(frame))
		return ASSAY_EUNSUPPORTED;
	if (sink_reserve(sink, size, err))
		return err->code;
	dctx = ZSTD_createDCtx();
	if (!dctx)
		return assay_fail(err, ASSAY_ENOMEM, "zstd: out of memory");
	rc = ZSTD_decompressDCtx(dctx, sink->data + sink->len, size, in.data, frame);
	if (ZSTD_isError(rc))
		return assay_fail(err, ASSAY_EINPUT, "zstd: %s", ZSTD_getErrorName(rc));
	sink->len += rc;
	*ret_consumed = frame;
	return ASSAY_OK;
}

const struct codec_ops codec_zstd = {
	.name = "zstd",
	.state_size = sizeof(struct zstd_state),
	.open = zstd_open,
	.step = zstd_step,
	.close = zstd_close,
	.whole = zstd_whole,
};

static enum assay_code compress_block(ZSTD_CCtx *cctx, struct assay_span block, bool last, int out,
				      struct assay_span room, struct assay_error *err)
{
	ZSTD_inBuffer in = { block.data, block.len, 0 };

	for (;;) {
		ZSTD_outBuffer to = { (void *)room.data, room.len, 0 };
		size_t rc = ZSTD_compressStream2(cctx, &to, &in,
						 last ? ZSTD_e_end : ZSTD_e_continue);

		if (ZSTD_isError(rc))
			return assay_fail(err, ASSAY_ENOMEM, "zstd: %s", ZSTD_getErrorName(rc));
		if (assay_fd_write(out, room.data, to.pos, err))
			return err->code;
		if (last ? rc == 0 : in.pos == in.size)
			return ASSAY_OK;
	}
}

enum assay_code assay_codec_zstd_compress_fd(int in, int out, struct assay_error *err)
{
	assay_auto(cctx_freep) ZSTD_CCtx *cctx = ZSTD_createCCtx();
	assay_auto(assay_freep) uint8_t *room = malloc(2 * BLOCK);
	ssize_t got;

	if (!cctx || !room)
		return assay_fail(err, ASSAY_ENOMEM, "zstd: out of memory");
	if (ZSTD_isError(ZSTD_CCtx_setParameter(cctx, ZSTD_c_checksumFlag, 1)))
		return assay_fail(err, ASSAY_EBUG, "zstd: checksum refused");
	do {
		do
			got = read(in, room, BLOCK);
		while (got < 0 && errno == EINTR);
		if (got < 0)
			return assay_fail_errno(err, "read");
		if (compress_block(cctx, assay_span_of(room, (size_t)got), got == 0, out,
				   assay_span_of(room + BLOCK, BLOCK), err))
			return err->code;
	} while (got > 0);
	return ASSAY_OK;
}
