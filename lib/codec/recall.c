/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last few small streams and what they decoded to.  gzip does not say where its members end, so that a
 * small file is decoded to find out, and again for what it holds; a canonical form is proven by comparing
 * two files that hold the same stream.  An entry is used only for the very same encoded bytes, compared one by one: a
 * decoder that has read them before is where it was, whatever follows.  That is so for deflate, which reads
 * nothing beyond its end.
 */
#include <pthread.h>
#include <stdlib.h>

#include "assay/limits.h"
#include "codec_int.h"

#define ENTRIES 4
#define ENCODED_MAX (256 * ASSAY_KIB)

static struct entry {
	enum assay_codec codec;
	uint8_t *bytes; /* encoded, then decoded */
	struct assay_measure measure;
} entries[ENTRIES];
static unsigned next;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool is_kind(enum assay_codec codec)
{
	return codec == ASSAY_CODEC_DEFLATE || codec == ASSAY_CODEC_ZLIB;
}

void codec_remember(enum assay_codec codec, struct assay_span encoded, struct assay_span decoded)
{
	struct assay_measure measure = { encoded.len, decoded.len, 0 };
	uint8_t *bytes;

	if (!is_kind(codec) || encoded.len > ENCODED_MAX || decoded.len > CODEC_RECALL_MAX)
		return;
	bytes = malloc(encoded.len + decoded.len);
	if (!bytes)
		return;
	memcpy(bytes, encoded.data, encoded.len);
	if (decoded.len)
		memcpy(bytes + encoded.len, decoded.data, decoded.len);
	measure.crc32 = assay_crc32(0, decoded);
	pthread_mutex_lock(&lock);
	free(entries[next].bytes);
	entries[next] = (struct entry){ codec, bytes, measure };
	next = (next + 1) % ENTRIES;
	pthread_mutex_unlock(&lock);
}

static const struct entry *find(enum assay_codec codec, struct assay_span encoded)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		const struct entry *e = &entries[i];

		if (e->bytes && e->codec == codec && encoded.len >= e->measure.consumed &&
		    memcmp(encoded.data, e->bytes, e->measure.consumed) == 0)
			return e;
	}
	return NULL;
}

enum assay_code codec_recall(enum assay_codec codec, struct assay_span encoded, struct assay_sink *sink,
			     struct assay_measure *ret, struct assay_error *err)
{
	const struct entry *e;
	enum assay_code code = ASSAY_END;

	if (!is_kind(codec))
		return ASSAY_END;
	pthread_mutex_lock(&lock);
	e = find(codec, encoded);
	if (e) {
		*ret = e->measure;
		code = sink ? assay_sink_add(sink, assay_span_of(e->bytes + e->measure.consumed, e->measure.size), err) :
			      ASSAY_OK;
	}
	pthread_mutex_unlock(&lock);
	return code;
}
