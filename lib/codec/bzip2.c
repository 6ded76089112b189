/* SPDX-License-Identifier: Apache-2.0 */
/* bzip2 through libbz2. */
#include <bzlib.h>

#include "codec_int.h"

static enum assay_code bzip2_open(void *state, struct assay_error *err)
{
	if (BZ2_bzDecompressInit(state, 0, 0) != BZ_OK)
		return assay_fail(err, ASSAY_ENOMEM, "bzip2: out of memory");
	return ASSAY_OK;
}

static enum assay_code bzip2_step(void *state, struct codec_step *step, struct assay_error *err)
{
	bz_stream *z = state;
	int rc;

	z->next_in = (char *)step->in;
	z->avail_in = (unsigned)step->in_len;
	z->next_out = (char *)step->out;
	z->avail_out = (unsigned)step->out_len;
	rc = BZ2_bzDecompress(z);
	step->took = step->in_len - z->avail_in;
	step->made = step->out_len - z->avail_out;
	if (rc == BZ_STREAM_END)
		return ASSAY_END;
	if (rc == BZ_OK)
		return ASSAY_OK;
	if (rc == BZ_MEM_ERROR)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	return assay_fail(err, ASSAY_EINPUT, "%s",
			  rc == BZ_DATA_ERROR_MAGIC ? "not of this format" : "damaged data");
}

static void bzip2_close(void *state)
{
	BZ2_bzDecompressEnd(state);
}

const struct codec_ops codec_bzip2 = {
	.name = "bzip2",
	.state_size = sizeof(bz_stream),
	.open = bzip2_open,
	.step = bzip2_step,
	.close = bzip2_close,
};
