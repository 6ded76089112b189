/* SPDX-License-Identifier: Apache-2.0 */
/* lib/codec: what goes in comes out, ends are exact, limits hold, damage is refused. */
#include <bzlib.h>
#include <check.h>
#include <fcntl.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

#include "assay/codec.h"
#include "assay/file.h"
#include "assay/limits.h"

#define BIG (9 * ASSAY_MIB) /* above ASSAY_MAX_IN_MEMORY */

static int scratch_fd(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* Text that compresses to about a third, so that no ratio limit is met. */
static void fill(uint8_t *data, size_t len)
{
	uint32_t state = 1;

	for (size_t i = 0; i < len; i++) {
		state = state * 1664525 + 1013904223;
		data[i] = (uint8_t)("abcdefgh"[state >> 29]);
	}
}

static size_t encode_deflate(const uint8_t *in, size_t len, uint8_t *out, size_t room, int bits)
{
	z_stream z = { 0 };

	ck_assert_int_eq(deflateInit2(&z, 1, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)in;
	z.avail_in = (uInt)len;
	z.next_out = out;
	z.avail_out = (uInt)room;
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

static const LZ4F_preferences_t lz4_preferences = {
	.frameInfo = { .contentChecksumFlag = LZ4F_contentChecksumEnabled },
};

/* All but lzip, which liblzma only decodes: t_fmt_located has files of lzip itself. */
static size_t encode(enum assay_codec codec, const uint8_t *in, size_t len, uint8_t *out,
		     size_t room)
{
	lzma_options_lzma options;
	lzma_stream z = LZMA_STREAM_INIT;
	unsigned put = (unsigned)room;
	size_t at = 0, n;

	switch (codec) {
	case ASSAY_CODEC_DEFLATE:
		return encode_deflate(in, len, out, room, -MAX_WBITS);
	case ASSAY_CODEC_ZLIB:
		return encode_deflate(in, len, out, room, MAX_WBITS);
	case ASSAY_CODEC_XZ:
		ck_assert_int_eq(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC64, NULL, in, len, out,
							 &at, room),
				 LZMA_OK);
		return at;
	case ASSAY_CODEC_LZMA:
		ck_assert(!lzma_lzma_preset(&options, 0));
		ck_assert_int_eq(lzma_alone_encoder(&z, &options), LZMA_OK);
		z.next_in = in;
		z.avail_in = len;
		z.next_out = out;
		z.avail_out = room;
		ck_assert_int_eq(lzma_code(&z, LZMA_FINISH), LZMA_STREAM_END);
		lzma_end(&z);
		return room - z.avail_out;
	case ASSAY_CODEC_ZSTD:
		n = ZSTD_compress(out, room, in, len, 1);
		ck_assert(!ZSTD_isError(n));
		return n;
	case ASSAY_CODEC_LZ4:
		n = LZ4F_compressFrame(out, room, in, len, &lz4_preferences);
		ck_assert_msg(!LZ4F_isError(n), "%s", LZ4F_getErrorName(n));
		return n;
	default:
		ck_assert_int_eq(BZ2_bzBuffToBuffCompress((char *)out, &put, (char *)in,
							  (unsigned)len, 1, 0, 0),
				 BZ_OK);
		return put;
	}
}

static const enum assay_codec codecs[] = { ASSAY_CODEC_DEFLATE, ASSAY_CODEC_ZLIB, ASSAY_CODEC_XZ,
					   ASSAY_CODEC_LZMA,	ASSAY_CODEC_ZSTD, ASSAY_CODEC_BZIP2,
					   ASSAY_CODEC_LZ4 };

static void round_trip(enum assay_codec codec, size_t len, bool spill, uint64_t hint, bool split)
{
	static const char after[] = "what follows";
	size_t room = len + len / 2 + 1000, n;
	uint8_t *plain = malloc(len + 1), *coded = malloc(room);
	struct assay_codec_space space = { .spill_fd = spill ? scratch_fd() : -1,
					   .max = ASSAY_MAX_DECODED };
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_span parts[3];
	struct assay_decoded decoded;
	struct assay_sink sink;
	uint64_t consumed = 0;

	ck_assert(plain && coded);
	fill(plain, len);
	n = encode(codec, plain, len, coded, room - sizeof(after));
	memcpy(coded + n, after, sizeof(after));
	parts[0] = assay_span_of(coded, split ? 3 : n + sizeof(after));
	parts[1] = assay_span_of(NULL, 0);
	parts[2] = assay_span_of(coded + 3, n + sizeof(after) - 3);
	assay_sink_open(&sink, &space, n, hint);
	ck_assert_msg(!assay_codec_decode(codec, parts, split ? 3 : 1, &sink, &consumed, &err),
		      "%s", err.msg);
	ck_assert_uint_eq(consumed, n);
	ck_assert_msg(!assay_sink_close(&sink, &decoded, &err), "%s", err.msg);
	ck_assert_uint_eq(decoded.bytes.len, len);
	ck_assert(len == 0 || memcmp(decoded.bytes.data, plain, len) == 0);
	ck_assert_uint_eq(space.decoded, len);
	assay_decoded_release(&decoded);
	ck_assert_uint_eq(space.spill_end, 0);
	if (spill)
		close(space.spill_fd);
	free(plain);
	free(coded);
}

START_TEST(round_trips)
{
	enum assay_codec codec = codecs[_i];

	for (int split = 0; split < 2; split++) {
		round_trip(codec, 0, false, 0, split);
		round_trip(codec, 1, false, 1, split);
		round_trip(codec, 100000, true, 0, split);
		round_trip(codec, 100000, true, 100000, split);
		round_trip(codec, 100000, true, 7, split);
	}
	round_trip(codec, BIG, codec != ASSAY_CODEC_ZLIB, codec == ASSAY_CODEC_XZ ? BIG : 5, false);
}
END_TEST

START_TEST(units_join_in_one_span)
{
	struct assay_codec_space space = { .spill_fd = scratch_fd(), .max = ASSAY_MAX_DECODED };
	struct assay_error err = ASSAY_ERROR_INIT;
	uint8_t *plain = malloc(BIG), *coded = malloc(BIG);
	struct assay_decoded decoded;
	struct assay_sink sink;
	uint64_t consumed;
	size_t n;

	fill(plain, BIG);
	n = encode(ASSAY_CODEC_ZSTD, plain, BIG / 2, coded, BIG);
	assay_sink_open(&sink, &space, 2 * n, 0);
	for (int i = 0; i < 2; i++) {
		struct assay_span in = assay_span_of(coded, n);

		ck_assert(!assay_codec_decode(ASSAY_CODEC_ZSTD, &in, 1, &sink, &consumed, &err));
	}
	ck_assert(!assay_sink_add(&sink, assay_span_text("end"), &err));
	ck_assert(!assay_sink_close(&sink, &decoded, &err));
	ck_assert_uint_eq(decoded.bytes.len, BIG + 3);
	ck_assert(memcmp(decoded.bytes.data + BIG / 2, plain, BIG / 2) == 0);
	assay_decoded_release(&decoded);
	close(space.spill_fd);
	free(plain);
	free(coded);
}
END_TEST

START_TEST(bomb_is_stopped_at_the_ratio)
{
	enum assay_codec codec = codecs[_i];
	size_t len = 70 * ASSAY_MIB, n, room = 1 * ASSAY_MIB;
	struct assay_codec_space space = { .spill_fd = scratch_fd(), .max = ASSAY_MAX_DECODED };
	struct assay_error err = ASSAY_ERROR_INIT;
	uint8_t *plain = calloc(1, len), *coded = malloc(room);
	struct assay_span in;
	struct assay_sink sink;
	uint64_t consumed;
	struct stat st;

	n = encode(codec, plain, len, coded, room);
	free(plain);
	in = assay_span_of(coded, n);
	/* a ratio deflate can reach is let through; what only the others reach is not */
	assay_sink_open(&sink, &space, n, UINT64_MAX);
	if (n * ASSAY_MAX_EXPANSION < len) {
		ck_assert_int_eq(assay_codec_decode(codec, &in, 1, &sink, &consumed, &err),
				 ASSAY_ELIMIT);
		ck_assert_uint_le(sink.len, ASSAY_MAX_EXPANSION_FREE + 8192);
	} else {
		ck_assert(!assay_codec_decode(codec, &in, 1, &sink, &consumed, &err));
	}
	assay_sink_abandon(&sink);
	ck_assert(!fstat(space.spill_fd, &st));
	ck_assert_int_eq(st.st_size, 0);
	space.max = 1000;
	assay_sink_open(&sink, &space, n, 0);
	ck_assert_int_eq(assay_codec_decode(codec, &in, 1, &sink, &consumed, &err), ASSAY_ELIMIT);
	assay_sink_abandon(&sink);
	close(space.spill_fd);
	free(coded);
}
END_TEST

START_TEST(damage_and_early_ends_are_refused)
{
	enum assay_codec codec = codecs[_i];
	uint8_t plain[5000], coded[8000];
	size_t n;

	fill(plain, sizeof(plain));
	n = encode(codec, plain, sizeof(plain), coded, sizeof(coded));
	for (size_t len = 0; len < n; len += 7) {
		struct assay_codec_space space = { .spill_fd = -1, .max = ASSAY_MIB };
		struct assay_span in = assay_span_of(coded, len);
		struct assay_error err = ASSAY_ERROR_INIT;
		struct assay_sink sink;
		uint64_t consumed;

		assay_sink_open(&sink, &space, len, 0);
		ck_assert_int_eq(assay_codec_decode(codec, &in, 1, &sink, &consumed, &err),
				 ASSAY_EINPUT);
		assay_sink_abandon(&sink);
	}
	if (codec != ASSAY_CODEC_XZ && codec != ASSAY_CODEC_BZIP2 && codec != ASSAY_CODEC_LZ4)
		return; /* no check, or one (Adler-32) that short swaps slip through */
	for (size_t i = 20; i < n; i += 3) {
		struct assay_codec_space space = { .spill_fd = -1, .max = ASSAY_MIB };
		struct assay_span in = assay_span_of(coded, n);
		struct assay_error err = ASSAY_ERROR_INIT;
		struct assay_sink sink;
		uint64_t consumed;

		coded[i] ^= 0x10;
		assay_sink_open(&sink, &space, n, 0);
		/* the last bits of a bit stream are padding: then nothing was lost */
		if (!assay_codec_decode(codec, &in, 1, &sink, &consumed, &err)) {
			ck_assert_uint_eq(sink.len, sizeof(plain));
			ck_assert(memcmp(sink.data, plain, sizeof(plain)) == 0);
		}
		assay_sink_abandon(&sink);
		coded[i] ^= 0x10;
	}
}
END_TEST

static enum assay_code decode_span(struct assay_span encoded, struct assay_decoded *ret, uint64_t *ret_consumed,
				   struct assay_error *err)
{
	static struct assay_codec_space space;
	struct assay_sink sink;
	enum assay_code code;

	space = (struct assay_codec_space){ .spill_fd = -1, .max = BIG };
	assay_sink_open(&sink, &space, encoded.len, 0);
	code = assay_codec_decode(ASSAY_CODEC_DEFLATE, &encoded, 1, &sink, ret_consumed, err);
	if (!code)
		return assay_sink_close(&sink, ret, err);
	assay_sink_abandon(&sink);
	return code;
}

/* A stream that was measured is decoded from memory the second time: only when every byte of it is there. */
START_TEST(what_was_read_lately)
{
	static uint8_t plain[20000], encoded[20000];
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_measure first, again;
	struct assay_decoded decoded;
	uint64_t consumed = 0;
	size_t len;

	fill(plain, sizeof(plain));
	len = encode_deflate(plain, sizeof(plain), encoded, sizeof(encoded), -MAX_WBITS);
	/* followed by something, then by something else */
	memset(encoded + len, 0xaa, 100);
	ck_assert(!assay_codec_measure(ASSAY_CODEC_DEFLATE, assay_span_of(encoded, len + 100), &first, &err));
	memset(encoded + len, 0x55, 100);
	ck_assert(!assay_codec_measure(ASSAY_CODEC_DEFLATE, assay_span_of(encoded, len + 50), &again, &err));
	ck_assert(first.consumed == len && first.size == sizeof(plain));
	ck_assert_uint_eq(first.crc32, assay_crc32(0, assay_span_of(plain, sizeof(plain))));
	ck_assert(again.consumed == first.consumed && again.size == first.size && again.crc32 == first.crc32);
	ck_assert(!decode_span(assay_span_of(encoded, len), &decoded, &consumed, &err));
	ck_assert(consumed == len && assay_span_equal(decoded.bytes, assay_span_of(plain, sizeof(plain))));
	assay_decoded_release(&decoded);
	/* cut short by one byte, or another last byte: as if never seen */
	ck_assert_int_eq(decode_span(assay_span_of(encoded, len - 1), &decoded, &consumed, &err), ASSAY_EINPUT);
	encoded[len / 2] ^= 1;
	if (!decode_span(assay_span_of(encoded, len), &decoded, &consumed, &err)) {
		ck_assert(!assay_span_equal(decoded.bytes, assay_span_of(plain, sizeof(plain))));
		assay_decoded_release(&decoded);
	}
	/* a limit counts all the same */
	encoded[len / 2] ^= 1;
	{
		struct assay_codec_space small = { .spill_fd = -1, .max = 1000 };
		struct assay_span span = assay_span_of(encoded, len);
		struct assay_sink sink;

		assay_sink_open(&sink, &small, len, 0);
		ck_assert_int_eq(assay_codec_decode(ASSAY_CODEC_DEFLATE, &span, 1, &sink, &consumed, &err),
				 ASSAY_ELIMIT);
		assay_sink_abandon(&sink);
	}
}
END_TEST

START_TEST(log_round_trip)
{
	int in = scratch_fd(), out = scratch_fd();
	struct assay_codec_space space = { .spill_fd = -1, .max = ASSAY_MIB };
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_map map;
	struct assay_decoded decoded;
	struct assay_sink sink;
	uint8_t plain[300000];
	uint64_t consumed;

	fill(plain, sizeof(plain));
	ck_assert(!assay_fd_write(in, plain, sizeof(plain), &err));
	ck_assert_int_eq(lseek(in, 0, SEEK_SET), 0);
	ck_assert(!assay_codec_zstd_compress_fd(in, out, &err));
	ck_assert(!assay_map_fd(out, &map, &err));
	assay_sink_open(&sink, &space, map.bytes.len, 0);
	ck_assert(!assay_codec_decode(ASSAY_CODEC_ZSTD, &map.bytes, 1, &sink, &consumed, &err));
	ck_assert_uint_eq(consumed, map.bytes.len);
	ck_assert(!assay_sink_close(&sink, &decoded, &err));
	ck_assert_uint_eq(decoded.bytes.len, sizeof(plain));
	ck_assert(memcmp(decoded.bytes.data, plain, sizeof(plain)) == 0);
	assay_decoded_release(&decoded);
	assay_map_release(&map);
	close(in);
	close(out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("codec");
	TCase *tcase = tcase_create("codec");
	SRunner *runner;
	int failed, n = sizeof(codecs) / sizeof(codecs[0]);

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, round_trips, 0, n);
	tcase_add_test(tcase, units_join_in_one_span);
	/* deflate cannot reach the ratio, zstd can */
	tcase_add_loop_test(tcase, bomb_is_stopped_at_the_ratio, 0, 1);
	tcase_add_loop_test(tcase, bomb_is_stopped_at_the_ratio, 4, 5);
	tcase_add_loop_test(tcase, damage_and_early_ends_are_refused, 0, n);
	tcase_add_test(tcase, what_was_read_lately);
	tcase_add_test(tcase, log_round_trip);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
