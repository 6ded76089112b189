/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoders for compressed payloads, and the zstd encoder for logs.  A decoder reads one unit of its
 * format (one deflate or zlib stream, one xz stream, one zstd or lz4 frame, one bzip2 stream) from hostile
 * bytes, appends what it decodes to a sink, and says exactly how many encoded bytes the unit took, so
 * that a walker can account for what follows it.  The units of one file (gzip members, zstd frames)
 * go to the same sink one after the other: what comes out is one contiguous span.
 *
 *	struct assay_codec_space space = { .spill_fd = fd, .max = ASSAY_MAX_DECODED };
 *	struct assay_sink sink;
 *	struct assay_decoded tar;
 *
 *	assay_sink_open(&sink, &space, file.len, size_hint);
 *	if (assay_codec_decode(ASSAY_CODEC_XZ, &file, 1, &sink, &consumed, err)) {
 *		assay_sink_abandon(&sink);
 *		return err->code;
 *	}
 *	if (assay_sink_close(&sink, &tar, err))
 *		return err->code;
 *	... tar.bytes ...
 *	assay_decoded_release(&tar);
 *
 * Limits (limits.h): a sink takes at most ASSAY_MAX_EXPANSION bytes for each encoded one (below
 * ASSAY_MAX_EXPANSION_FREE the ratio is not looked at), a space at most its max, a decoder's own
 * window at most ASSAY_MAX_WINDOW.  Beyond: ASSAY_ELIMIT.  Malformed data: ASSAY_EINPUT, with the
 * offset.  One space is used by one thread at a time.
 */
#ifndef ASSAY_CODEC_H
#define ASSAY_CODEC_H

#include "assay/error.h"
#include "assay/span.h"

enum assay_codec {
	ASSAY_CODEC_DEFLATE, /* RFC 1951, without a wrapper: inside gzip and zip */
	ASSAY_CODEC_ZLIB,    /* RFC 1950: inside PNG */
	ASSAY_CODEC_XZ,	     /* one stream, its check verified */
	ASSAY_CODEC_LZMA,    /* the .lzma format ("LZMA_alone") */
	ASSAY_CODEC_ZSTD,    /* one frame (RFC 8878), its checksum verified */
	ASSAY_CODEC_BZIP2,   /* one stream, its checks verified */
	ASSAY_CODEC_LZ4,     /* one frame, its checksums verified */
	ASSAY_CODEC_LZIP,    /* one member, its sum and sizes verified */
};

const char *assay_codec_name(enum assay_codec codec);

/* Where the decoded payloads of one artifact live: those above ASSAY_MAX_IN_MEMORY as mapped regions
 * of one unlinked file, used from its start upwards; without one (-1) in anonymous memory. */
struct assay_codec_space {
	int spill_fd;	   /* read-write, borrowed */
	uint64_t spill_end; /* first unused byte of it */
	uint64_t decoded;  /* bytes that all closed sinks hold or held: never shrinks */
	uint64_t max;	   /* ceiling of decoded */
};

/* A payload on its way.  Fields are private to lib/codec. */
struct assay_sink {
	struct assay_codec_space *space;
	uint8_t *data;
	size_t len, capacity;
	uint64_t allowed; /* what the limits leave for this payload */
	uint64_t hint;
	uint64_t spill_offset;
	bool mapped;
	bool discards; /* measuring: counts and sums what it gets */
	uint64_t discarded;
	uint32_t crc;
};

/* A decoded payload; bytes live until it is released. */
struct assay_decoded {
	struct assay_span bytes;
	struct assay_codec_space *space; /* private from here on */
	size_t mapped;
	uint64_t spill_offset;
};

/* encoded_len: bytes from which all of the payload will be decoded (for the expansion ratio);
 * size_hint: what the file claims the decoded size to be, 0 = nothing.  A hint never loosens a
 * limit. */
void assay_sink_open(struct assay_sink *sink, struct assay_codec_space *space, uint64_t encoded_len,
		     uint64_t size_hint);
/* Appends bytes that need no decoding (stored blocks of a container). */
enum assay_code assay_sink_add(struct assay_sink *sink, struct assay_span bytes,
			       struct assay_error *err) ASSAY_CHECKED;
/* Bytes decoded so far. */
struct assay_span assay_sink_bytes(const struct assay_sink *sink);
enum assay_code assay_sink_close(struct assay_sink *sink, struct assay_decoded *ret,
				 struct assay_error *err) ASSAY_CHECKED;
void assay_sink_abandon(struct assay_sink *sink);
void assay_decoded_release(struct assay_decoded *decoded);

/* Decodes one unit.  The encoded bytes are the parts in their order (PNG cuts one zlib stream into
 * chunks).  On failure the sink still holds what was decoded before. */
enum assay_code assay_codec_decode(enum assay_codec codec, const struct assay_span *parts,
				   size_t count, struct assay_sink *sink, uint64_t *ret_consumed,
				   struct assay_error *err) ASSAY_CHECKED;

struct assay_measure {
	uint64_t consumed; /* encoded bytes of the unit */
	uint64_t size;	   /* what it decodes to */
	uint32_t crc32;	   /* of the decoded bytes */
};

/* Decodes one unit without keeping what it holds, under the same limits: for formats that do not
 * write down where their units end. */
enum assay_code assay_codec_measure(enum assay_codec codec, struct assay_span encoded,
				    struct assay_measure *ret, struct assay_error *err)
	ASSAY_CHECKED;

/* CRC-32 as in gzip, zip and PNG (ISO 3309), continued from the sum of what came before (0 at the
 * start). */
uint32_t assay_crc32(uint32_t before, struct assay_span bytes);

/* ---- encoding ----------------------------------------------------------------------------------- */

/* Where the bytes to encode come from and where the encoded ones go.  read gives the next bytes, an
 * empty span at the end; they must live until the next read. */
struct assay_encode {
	enum assay_code (*read)(void *data, struct assay_span *ret, struct assay_error *err);
	enum assay_code (*write)(void *data, struct assay_span bytes, struct assay_error *err);
	void *data;
	uint64_t size; /* what read will give in all: zstd writes it down */
};

/* Encodes one unit with the settings of the canonical form (`assay normalize`): the same bytes give
 * the same unit, whatever the number of threads, as long as the library is the same version.
 * ASSAY_EUNSUPPORTED for a codec that is only read. */
enum assay_code assay_codec_encode(enum assay_codec codec, const struct assay_encode *io,
				   struct assay_error *err) ASSAY_CHECKED;
/* Library, version and settings: "zlib 1.2.13, level 6". */
const char *assay_codec_encoder(enum assay_codec codec, char *out, size_t size);

/* Reads in to its end and writes one zstd frame with a checksum to out.  The same bytes give the same
 * frame. */
enum assay_code assay_codec_zstd_compress_fd(int in, int out, struct assay_error *err)
	ASSAY_CHECKED;

#endif
