/* SPDX-License-Identifier: Apache-2.0 */
/* The xz, .lzma and lzip formats through liblzma, which verifies the check, the index and the footer. */
#include <lzma.h>

#include "assay/limits.h"
#include "codec_int.h"

static const char *text_of(lzma_ret rc)
{
	static const char *const texts[] = {
		[LZMA_UNSUPPORTED_CHECK] = "check type is not supported",
		[LZMA_FORMAT_ERROR] = "not of this format",
		[LZMA_OPTIONS_ERROR] = "header asks for what liblzma does not support",
		[LZMA_DATA_ERROR] = "damaged data",
	};

	return (size_t)rc < sizeof(texts) / sizeof(texts[0]) && texts[rc] ? texts[rc]
									     : "cannot be decoded";
}

static enum assay_code code_of(lzma_ret rc, struct assay_error *err)
{
	if (rc == LZMA_MEM_ERROR)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (rc == LZMA_MEMLIMIT_ERROR)
		return assay_fail(err, ASSAY_ELIMIT, "dictionary: want at most %llu bytes",
				  (unsigned long long)ASSAY_MAX_WINDOW);
	return assay_fail(err, ASSAY_EINPUT, "%s", text_of(rc));
}

static enum assay_code xz_open(void *state, struct assay_error *err)
{
	lzma_ret rc = lzma_stream_decoder(state, ASSAY_MAX_WINDOW, LZMA_TELL_UNSUPPORTED_CHECK);

	return rc == LZMA_OK ? ASSAY_OK : code_of(rc, err);
}

static enum assay_code lzma_open(void *state, struct assay_error *err)
{
	lzma_ret rc = lzma_alone_decoder(state, ASSAY_MAX_WINDOW);

	return rc == LZMA_OK ? ASSAY_OK : code_of(rc, err);
}

static enum assay_code lzip_open(void *state, struct assay_error *err)
{
	lzma_ret rc = lzma_lzip_decoder(state, ASSAY_MAX_WINDOW, 0);

	return rc == LZMA_OK ? ASSAY_OK : code_of(rc, err);
}

static enum assay_code xz_step(void *state, struct codec_step *step, struct assay_error *err)
{
	lzma_stream *z = state;
	lzma_ret rc;

	z->next_in = step->in;
	z->avail_in = step->in_len;
	z->next_out = step->out;
	z->avail_out = step->out_len;
	rc = lzma_code(z, LZMA_RUN);
	step->took = step->in_len - z->avail_in;
	step->made = step->out_len - z->avail_out;
	if (rc == LZMA_STREAM_END)
		return ASSAY_END;
	/* liblzma says LZMA_OK once before it says LZMA_BUF_ERROR: both mean no progress here */
	if (rc == LZMA_OK || rc == LZMA_BUF_ERROR)
		return ASSAY_OK;
	return code_of(rc, err);
}

static void xz_close(void *state)
{
	lzma_end(state);
}

const struct codec_ops codec_xz = {
	.name = "xz",
	.state_size = sizeof(lzma_stream),
	.open = xz_open,
	.step = xz_step,
	.close = xz_close,
};

const struct codec_ops codec_lzma = {
	.name = "lzma",
	.state_size = sizeof(lzma_stream),
	.open = lzma_open,
	.step = xz_step,
	.close = xz_close,
};

const struct codec_ops codec_lzip = {
	.name = "lzip",
	.state_size = sizeof(lzma_stream),
	.open = lzip_open,
	.step = xz_step,
	.close = xz_close,
};
