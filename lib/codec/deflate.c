/* SPDX-License-Identifier: Apache-2.0 */
/* Deflate, bare and in its zlib wrapper, through zlib; and its CRC-32. */
#include <zlib.h>

#include "codec_int.h"

static enum assay_code open_window(z_stream *z, int bits, struct assay_error *err)
{
	if (inflateInit2(z, bits) != Z_OK)
		return assay_fail(err, ASSAY_ENOMEM, "deflate: %s", z->msg ? z->msg : "no memory");
	return ASSAY_OK;
}

static enum assay_code deflate_open(void *state, struct assay_error *err)
{
	return open_window(state, -MAX_WBITS, err);
}

static enum assay_code zlib_open(void *state, struct assay_error *err)
{
	return open_window(state, MAX_WBITS, err);
}

static enum assay_code deflate_step(void *state, struct codec_step *step, struct assay_error *err)
{
	z_stream *z = state;
	int rc;

	z->next_in = (Bytef *)step->in;
	z->avail_in = (uInt)step->in_len;
	z->next_out = step->out;
	z->avail_out = (uInt)step->out_len;
	rc = inflate(z, Z_NO_FLUSH);
	step->took = step->in_len - z->avail_in;
	step->made = step->out_len - z->avail_out;
	if (rc == Z_STREAM_END)
		return ASSAY_END;
	if (rc == Z_OK || rc == Z_BUF_ERROR)
		return ASSAY_OK;
	if (rc == Z_MEM_ERROR)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	return assay_fail(err, ASSAY_EINPUT, "%s",
			  rc == Z_NEED_DICT ? "wants a preset dictionary"
			  : z->msg	    ? z->msg
					    : "damaged data");
}

static void deflate_close(void *state)
{
	inflateEnd(state);
}

const struct codec_ops codec_deflate = {
	.name = "deflate",
	.state_size = sizeof(z_stream),
	.open = deflate_open,
	.step = deflate_step,
	.close = deflate_close,
};

const struct codec_ops codec_zlib = {
	.name = "zlib",
	.state_size = sizeof(z_stream),
	.open = zlib_open,
	.step = deflate_step,
	.close = deflate_close,
};

uint32_t assay_crc32(uint32_t before, struct assay_span bytes)
{
	return bytes.len ? (uint32_t)crc32_z(before, bytes.data, bytes.len) : before;
}
