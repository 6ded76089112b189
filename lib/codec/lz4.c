/* SPDX-License-Identifier: Apache-2.0 */
/* One LZ4 frame through liblz4, which verifies its header, block and content checksums. */
#include <lz4frame.h>

#include "codec_int.h"

struct state {
	LZ4F_dctx *context;
};

static enum assay_code lz4_open(void *state, struct assay_error *err)
{
	struct state *s = state;

	if (LZ4F_isError(LZ4F_createDecompressionContext(&s->context, LZ4F_VERSION)))
		return assay_fail(err, ASSAY_ENOMEM, "lz4: out of memory");
	return ASSAY_OK;
}

static enum assay_code lz4_step(void *state, struct codec_step *step, struct assay_error *err)
{
	struct state *s = state;
	size_t took = step->in_len, made = step->out_len, rc;

	rc = LZ4F_decompress(s->context, step->out, &made, step->in, &took, NULL);
	if (LZ4F_isError(rc))
		return assay_fail(err, ASSAY_EINPUT, "%s", LZ4F_getErrorName(rc));
	step->took = took;
	step->made = made;
	return rc == 0 ? ASSAY_END : ASSAY_OK;
}

static void lz4_close(void *state)
{
	struct state *s = state;

	LZ4F_freeDecompressionContext(s->context);
}

const struct codec_ops codec_lz4 = {
	.name = "lz4",
	.state_size = sizeof(struct state),
	.open = lz4_open,
	.step = lz4_step,
	.close = lz4_close,
};
