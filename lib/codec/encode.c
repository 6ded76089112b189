/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoders of canonical forms.  The settings stand here and nowhere else; they are part of the
 * canonical form, and so is the version of each library, which assay_codec_encoder() names.
 */
#include <bzlib.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "assay/limits.h"
#include "codec_int.h"

#define ROOM ((size_t)(64 * ASSAY_KIB))
#define STEP_MAX ((size_t)1 << 30)

#define DEFLATE_LEVEL 6
#define DEFLATE_MEMORY 8
#define BZIP2_LEVEL 9
#define ZSTD_LEVEL 9
#define XZ_PRESET 6
#define XZ_BLOCK (24 * ASSAY_MIB) /* blocks are encoded side by side: the size must not depend on threads */
#define XZ_THREADS_MAX 4

struct encoder_ops {
	const char *name;
	size_t state_size;
	enum assay_code (*open)(void *state, uint64_t size, struct assay_error *err);
	/* As codec_ops.step; last: nothing follows what is in in. */
	enum assay_code (*step)(void *state, struct codec_step *step, bool last,
				struct assay_error *err);
	void (*close)(void *state);
};

/* ---- zlib ------------------------------------------------------------------------------------------ */

static enum assay_code open_deflate(z_stream *z, int bits, struct assay_error *err)
{
	if (deflateInit2(z, DEFLATE_LEVEL, Z_DEFLATED, bits, DEFLATE_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
		return assay_fail(err, ASSAY_ENOMEM, "deflate: %s", z->msg ? z->msg : "no memory");
	return ASSAY_OK;
}

static enum assay_code raw_open(void *state, uint64_t size, struct assay_error *err)
{
	(void)size;
	return open_deflate(state, -MAX_WBITS, err);
}

static enum assay_code zlib_open(void *state, uint64_t size, struct assay_error *err)
{
	(void)size;
	return open_deflate(state, MAX_WBITS, err);
}

static enum assay_code zlib_step(void *state, struct codec_step *step, bool last,
				 struct assay_error *err)
{
	z_stream *z = state;
	int rc;

	z->next_in = (Bytef *)step->in;
	z->avail_in = (uInt)step->in_len;
	z->next_out = step->out;
	z->avail_out = (uInt)step->out_len;
	rc = deflate(z, last ? Z_FINISH : Z_NO_FLUSH);
	step->took = step->in_len - z->avail_in;
	step->made = step->out_len - z->avail_out;
	if (rc == Z_STREAM_END)
		return ASSAY_END;
	if (rc != Z_OK && rc != Z_BUF_ERROR)
		return assay_fail(err, ASSAY_EBUG, "deflate: %s", z->msg ? z->msg : "state");
	return ASSAY_OK;
}

static void zlib_close(void *state)
{
	deflateEnd(state);
}

/* ---- bzip2 ----------------------------------------------------------------------------------------- */

static enum assay_code bzip2_open(void *state, uint64_t size, struct assay_error *err)
{
	(void)size;
	if (BZ2_bzCompressInit(state, BZIP2_LEVEL, 0, 0) != BZ_OK)
		return assay_fail(err, ASSAY_ENOMEM, "bzip2: out of memory");
	return ASSAY_OK;
}

static enum assay_code bzip2_step(void *state, struct codec_step *step, bool last,
				  struct assay_error *err)
{
	bz_stream *z = state;
	int rc;

	z->next_in = (char *)step->in;
	z->avail_in = (unsigned)step->in_len;
	z->next_out = (char *)step->out;
	z->avail_out = (unsigned)step->out_len;
	rc = BZ2_bzCompress(z, last ? BZ_FINISH : BZ_RUN);
	step->took = step->in_len - z->avail_in;
	step->made = step->out_len - z->avail_out;
	if (rc == BZ_STREAM_END)
		return ASSAY_END;
	/* BZ_RUN without input makes no progress and says so as an error of the parameters */
	if (rc < 0 && !(rc == BZ_PARAM_ERROR && step->in_len == 0))
		return assay_fail(err, ASSAY_EBUG, "bzip2: error %d", rc);
	return ASSAY_OK;
}

static void bzip2_close(void *state)
{
	BZ2_bzCompressEnd(state);
}

/* ---- xz -------------------------------------------------------------------------------------------- */

static enum assay_code xz_open(void *state, uint64_t size, struct assay_error *err)
{
	uint32_t cpus = lzma_cputhreads();
	lzma_mt settings = {
		.threads = size <= XZ_BLOCK || cpus == 0 ? 1 : cpus < XZ_THREADS_MAX ? cpus : XZ_THREADS_MAX,
		.block_size = XZ_BLOCK,
		.preset = XZ_PRESET,
		.check = LZMA_CHECK_CRC64,
	};

	if (lzma_stream_encoder_mt(state, &settings) != LZMA_OK)
		return assay_fail(err, ASSAY_ENOMEM, "xz: the encoder does not start");
	return ASSAY_OK;
}

static enum assay_code xz_step(void *state, struct codec_step *step, bool last,
			       struct assay_error *err)
{
	lzma_stream *z = state;
	lzma_ret rc;

	z->next_in = step->in;
	z->avail_in = step->in_len;
	z->next_out = step->out;
	z->avail_out = step->out_len;
	rc = lzma_code(z, last ? LZMA_FINISH : LZMA_RUN);
	step->took = step->in_len - z->avail_in;
	step->made = step->out_len - z->avail_out;
	if (rc == LZMA_STREAM_END)
		return ASSAY_END;
	if (rc != LZMA_OK && rc != LZMA_BUF_ERROR)
		return assay_fail(err, rc == LZMA_MEM_ERROR ? ASSAY_ENOMEM : ASSAY_EBUG,
				  "xz: encoder: error %d", (int)rc);
	return ASSAY_OK;
}

static void xz_close(void *state)
{
	lzma_end(state);
}

/* ---- zstd ------------------------------------------------------------------------------------------ */

struct zstd_encoder {
	ZSTD_CCtx *cctx;
};

static enum assay_code zstd_open(void *state, uint64_t size, struct assay_error *err)
{
	struct zstd_encoder *z = state;

	z->cctx = ZSTD_createCCtx();
	if (!z->cctx)
		return assay_fail(err, ASSAY_ENOMEM, "zstd: out of memory");
	if (ZSTD_isError(ZSTD_CCtx_setParameter(z->cctx, ZSTD_c_compressionLevel, ZSTD_LEVEL)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(z->cctx, ZSTD_c_checksumFlag, 1)) ||
	    ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(z->cctx, size))) {
		ZSTD_freeCCtx(z->cctx);
		return assay_fail(err, ASSAY_EBUG, "zstd: settings refused");
	}
	return ASSAY_OK;
}

static enum assay_code zstd_step(void *state, struct codec_step *step, bool last,
				 struct assay_error *err)
{
	struct zstd_encoder *z = state;
	ZSTD_inBuffer in = { step->in, step->in_len, 0 };
	ZSTD_outBuffer out = { step->out, step->out_len, 0 };
	size_t rc = ZSTD_compressStream2(z->cctx, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);

	step->took = in.pos;
	step->made = out.pos;
	if (ZSTD_isError(rc))
		return assay_fail(err, ASSAY_ENOMEM, "zstd: %s", ZSTD_getErrorName(rc));
	return last && rc == 0 ? ASSAY_END : ASSAY_OK;
}

static void zstd_close(void *state)
{
	ZSTD_freeCCtx(((struct zstd_encoder *)state)->cctx);
}

/* ---- all of them ----------------------------------------------------------------------------------- */

static const struct encoder_ops encoders[] = {
	[ASSAY_CODEC_DEFLATE] = { "deflate", sizeof(z_stream), raw_open, zlib_step, zlib_close },
	[ASSAY_CODEC_ZLIB] = { "zlib", sizeof(z_stream), zlib_open, zlib_step, zlib_close },
	[ASSAY_CODEC_XZ] = { "xz", sizeof(lzma_stream), xz_open, xz_step, xz_close },
	[ASSAY_CODEC_ZSTD] = { "zstd", sizeof(struct zstd_encoder), zstd_open, zstd_step, zstd_close },
	[ASSAY_CODEC_BZIP2] = { "bzip2", sizeof(bz_stream), bzip2_open, bzip2_step, bzip2_close },
};

#define ENCODERS (sizeof(encoders) / sizeof(encoders[0]))

static enum assay_code run(const struct encoder_ops *ops, void *state, const struct assay_encode *io,
			   uint8_t *room, struct assay_error *err)
{
	struct assay_span in = { NULL, 0 };
	bool last = false;

	for (;;) {
		struct codec_step step = { .out = room, .out_len = ROOM };
		enum assay_code code;

		if (in.len == 0 && !last) {
			if (io->read(io->data, &in, err))
				return err->code;
			last = in.len == 0;
		}
		step.in = in.data;
		step.in_len = in.len < STEP_MAX ? in.len : STEP_MAX;
		code = ops->step(state, &step, last, err);
		if (code && code != ASSAY_END)
			return code;
		in = assay_span_cut(in, step.took, SIZE_MAX);
		if (step.made && io->write(io->data, assay_span_of(room, step.made), err))
			return err->code;
		if (code == ASSAY_END)
			return ASSAY_OK;
	}
}

enum assay_code assay_codec_encode(enum assay_codec codec, const struct assay_encode *io,
				   struct assay_error *err)
{
	const struct encoder_ops *ops = codec < ENCODERS ? &encoders[codec] : NULL;
	enum assay_code code;
	uint8_t *room;
	void *state;

	if (!ops || !ops->open)
		return assay_fail(err, ASSAY_EUNSUPPORTED, "%s: is only read", assay_codec_name(codec));
	state = calloc(1, ops->state_size);
	room = malloc(ROOM);
	if (!state || !room)
		code = assay_fail(err, ASSAY_ENOMEM, "%s: out of memory", ops->name);
	else
		code = ops->open(state, io->size, err);
	if (!code) {
		code = run(ops, state, io, room, err);
		ops->close(state);
	}
	free(state);
	free(room);
	return code;
}

const char *assay_codec_encoder(enum assay_codec codec, char *out, size_t size)
{
	switch (codec) {
	case ASSAY_CODEC_DEFLATE:
	case ASSAY_CODEC_ZLIB:
		snprintf(out, size, "zlib %s, level %d", zlibVersion(), DEFLATE_LEVEL);
		break;
	case ASSAY_CODEC_XZ:
		snprintf(out, size, "liblzma %s, preset %d, blocks of %llu MiB", lzma_version_string(),
			 XZ_PRESET, XZ_BLOCK / ASSAY_MIB);
		break;
	case ASSAY_CODEC_ZSTD:
		snprintf(out, size, "libzstd %s, level %d", ZSTD_versionString(), ZSTD_LEVEL);
		break;
	case ASSAY_CODEC_BZIP2:
		snprintf(out, size, "libbz2 %s, level %d", BZ2_bzlibVersion(), BZIP2_LEVEL);
		break;
	default:
		snprintf(out, size, "%s is only read", assay_codec_name(codec));
		break;
	}
	return out;
}
