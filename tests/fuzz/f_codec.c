/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoders on hostile bytes: the first byte chooses one.  What is consumed lies in the input,
 * cutting the input in two changes nothing, and measuring says what decoding gives.
 */
#include <stdlib.h>

#include "assay/codec.h"
#include "assay/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	enum assay_code code;
	uint64_t consumed, size;
	uint32_t crc;
};

static struct outcome decode(enum assay_codec codec, const struct assay_span *parts, size_t count,
			     uint64_t hint)
{
	struct assay_codec_space space = { .spill_fd = -1, .max = 16 * ASSAY_MIB };
	struct assay_error err = ASSAY_ERROR_INIT;
	struct outcome o = { 0 };
	struct assay_sink sink;

	assay_sink_open(&sink, &space, 1 << 16, hint);
	o.code = assay_codec_decode(codec, parts, count, &sink, &o.consumed, &err);
	o.size = assay_sink_bytes(&sink).len;
	o.crc = assay_crc32(0, assay_sink_bytes(&sink));
	assay_sink_abandon(&sink);
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_span whole, halves[2];
	struct assay_measure m;
	enum assay_codec codec;
	struct outcome a, b;

	if (size < 2)
		return 0;
	codec = (enum assay_codec)(data[0] % (ASSAY_CODEC_LZIP + 1));
	whole = assay_span_of(data + 1, size - 1);
	halves[0] = assay_span_cut(whole, 0, whole.len / 2);
	halves[1] = assay_span_cut(whole, whole.len / 2, SIZE_MAX);
	a = decode(codec, &whole, 1, 0);
	b = decode(codec, halves, 2, 1000);
	if ((a.code == ASSAY_OK) != (b.code == ASSAY_OK))
		abort();
	if (a.code != ASSAY_OK)
		return 0;
	if (a.consumed > whole.len || a.consumed != b.consumed || a.size != b.size || a.crc != b.crc)
		abort();
	if (assay_codec_measure(codec, whole, &m, &err) || m.consumed != a.consumed ||
	    m.size != a.size || m.crc32 != a.crc)
		abort();
	return 0;
}
