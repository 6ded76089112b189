/* SPDX-License-Identifier: Apache-2.0 */
/* "gzip", "xz", "zstd", "bzip2": one payload in two encodings folds, and nothing that stands beside the
 * payload does. */
#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "pair.h"

#define BUF(name) assay_auto(assay_buf_release) struct assay_buf name = ASSAY_BUF_INIT(4 * ASSAY_MIB)
#define PLAIN_SIZE 200000

static char plain[PLAIN_SIZE];

static void setup(void)
{
	for (size_t i = 0; i < PLAIN_SIZE; i++)
		plain[i] = "abcdefgh\n"[(i * i / 7 + i) % 9];
}

struct gzip_options {
	int level;
	uint32_t mtime;
	const char *name, *comment;
	size_t payload; /* 0: all */
	uint32_t crc_error;
};

static void add_gzip(struct assay_buf *out, const struct gzip_options *o)
{
	size_t len = o->payload ? o->payload : PLAIN_SIZE, room = len + 1000;
	assay_auto(assay_freep) Bytef *packed = malloc(room);
	uint32_t crc = (uint32_t)crc32(0, (const Bytef *)plain, (uInt)len) ^ o->crc_error;
	uint32_t trailer[2] = { crc, (uint32_t)len };
	z_stream z = { 0 };

	ck_assert_int_eq(deflateInit2(&z, o->level, Z_DEFLATED, -15, 8, 0), Z_OK);
	z.next_in = (Bytef *)plain;
	z.avail_in = (uInt)len;
	z.next_out = packed;
	z.avail_out = (uInt)room;
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	assay_buf_add(out, "\x1f\x8b\x08", 3);
	assay_buf_add(out, (char[]){ (char)((o->name ? 8 : 0) | (o->comment ? 16 : 0)) }, 1);
	assay_buf_add(out, &o->mtime, 4);
	assay_buf_add(out, "\0\3", 2);
	if (o->name)
		assay_buf_add(out, o->name, strlen(o->name) + 1);
	if (o->comment)
		assay_buf_add(out, o->comment, strlen(o->comment) + 1);
	assay_buf_add(out, packed, room - z.avail_out);
	assay_buf_add(out, trailer, 8);
}

static const struct {
	struct gzip_options changed;
	const char *want;
} gzips[] = {
	{ { 9, 7, NULL, NULL, 0, 0 }, "equivalent: gzip-mtime" },
	{ { 1, 0, NULL, NULL, 0, 0 }, "equivalent: gzip-recompress" },
	{ { 9, 0, "file", NULL, 0, 0 }, "equivalent: gzip-name" },
	{ { 9, 0, "../../etc/passwd", NULL, 0, 0 }, "divergent" },
	{ { 9, 0, "a\033[31m", NULL, 0, 0 }, "divergent" },
	{ { 9, 0, NULL, "comment", 0, 0 }, "divergent" },
	{ { 9, 0, NULL, NULL, PLAIN_SIZE - 1, 0 }, "divergent" },
	{ { 1, 0, NULL, NULL, 0, 1 }, "divergent" },
};

START_TEST(gzip_changes)
{
	static const struct gzip_options usual = { 9, 0, NULL, NULL, 0, 0 };
	BUF(left);
	BUF(right);

	add_gzip(&left, &usual);
	add_gzip(&right, &gzips[_i].changed);
	assert_says(pair_verdict_bufs(&left, &right), gzips[_i].want);
	assert_says(pair_verdict_bufs(&right, &left), gzips[_i].want);
}
END_TEST

START_TEST(gzip_members_and_what_follows)
{
	static const struct gzip_options half = { 9, 0, NULL, NULL, PLAIN_SIZE / 2, 0 };
	static const struct gzip_options small = { 9, 0, NULL, NULL, 10, 0 };
	static const struct gzip_options whole = { 9, 0, NULL, NULL, 0, 0 };
	BUF(two);
	BUF(one);
	BUF(garbage);

	add_gzip(&two, &half);
	add_gzip(&two, &half);
	assert_says(structure_of(assay_buf_span(&two)), "more than one member");
	add_gzip(&one, &whole);
	assert_says(structure_of(assay_buf_span(&one)), "gzip canonical");
	/* small ones are looked into, whatever stands behind them */
	for (size_t i = 1; i < 20; i++) {
		assay_buf_clear(&garbage);
		add_gzip(&garbage, &small);
		assay_buf_add(&garbage, plain, i);
		assert_says(structure_of(assay_buf_span(&garbage)), "behind the last member");
	}
	/* with large ones decoding finds it */
	add_gzip(&garbage, &whole);
	assay_buf_clear(&garbage);
	add_gzip(&garbage, &whole);
	assay_buf_add(&garbage, plain, 7);
	assert_says(pair_verdict_bufs(&one, &garbage), "divergent");
}
END_TEST

static void add_xz(struct assay_buf *out, uint32_t preset, lzma_check check, size_t len)
{
	assay_auto(assay_freep) uint8_t *packed = malloc(PLAIN_SIZE * 2);
	size_t at = 0;

	ck_assert_int_eq(lzma_easy_buffer_encode(preset, check, NULL, (uint8_t *)plain, len, packed, &at,
						 PLAIN_SIZE * 2),
			 LZMA_OK);
	assay_buf_add(out, packed, at);
}

START_TEST(xz_changes)
{
	BUF(left);
	BUF(level);
	BUF(check);
	BUF(other);
	BUF(two);

	add_xz(&left, 0, LZMA_CHECK_CRC64, PLAIN_SIZE);
	add_xz(&level, 6, LZMA_CHECK_CRC64, PLAIN_SIZE);
	add_xz(&check, 0, LZMA_CHECK_SHA256, PLAIN_SIZE);
	add_xz(&other, 0, LZMA_CHECK_CRC64, PLAIN_SIZE - 1);
	assert_says(pair_verdict_bufs(&left, &level), "equivalent: xz-recompress");
	assert_says(pair_verdict_bufs(&left, &check), "equivalent");
	assert_says(pair_verdict_bufs(&left, &other), "divergent");
	add_xz(&two, 0, LZMA_CHECK_CRC64, PLAIN_SIZE / 2);
	assay_buf_add(&two, "\0\0\0\0", 4);
	assert_says(structure_of(assay_buf_span(&two)), "padding behind a stream");
	assay_buf_clear(&two);
	add_xz(&two, 0, LZMA_CHECK_CRC64, PLAIN_SIZE / 2);
	add_xz(&two, 0, LZMA_CHECK_CRC64, PLAIN_SIZE / 2);
	assert_says(structure_of(assay_buf_span(&two)), "more than one stream");
	assay_buf_add(&left, "1234", 4);
	assert_says(structure_of(assay_buf_span(&left)), "want a stream footer");
}
END_TEST

static void add_zstd(struct assay_buf *out, int level, int checksum, size_t len)
{
	assay_auto(assay_freep) uint8_t *packed = malloc(PLAIN_SIZE * 2);
	ZSTD_CCtx *c = ZSTD_createCCtx();
	size_t n;

	ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, checksum);
	n = ZSTD_compress2(c, packed, PLAIN_SIZE * 2, plain, len);
	ck_assert(!ZSTD_isError(n));
	ZSTD_freeCCtx(c);
	assay_buf_add(out, packed, n);
}

START_TEST(zstd_changes)
{
	BUF(left);
	BUF(level);
	BUF(check);
	BUF(skippable);

	add_zstd(&left, 3, 0, PLAIN_SIZE);
	add_zstd(&level, 19, 0, PLAIN_SIZE);
	add_zstd(&check, 3, 1, PLAIN_SIZE);
	assert_says(pair_verdict_bufs(&left, &level), "equivalent: zstd-recompress");
	assert_says(pair_verdict_bufs(&left, &check), "equivalent: zstd-recompress");
	add_zstd(&skippable, 3, 0, PLAIN_SIZE);
	assay_buf_add(&skippable, "\x50\x2a\x4d\x18\4\0\0\0evil", 12);
	assert_says(pair_verdict_bufs(&left, &skippable), "divergent");
	add_zstd(&skippable, 3, 0, 1);
	assert_says(structure_of(assay_buf_span(&skippable)), "more than one frame");
	assay_buf_add(&left, "x", 1);
	assert_says(structure_of(assay_buf_span(&left)), "behind the last frame");
}
END_TEST

static void add_bzip2(struct assay_buf *out, int level, size_t len)
{
	assay_auto(assay_freep) char *packed = malloc(PLAIN_SIZE * 2);
	unsigned n = PLAIN_SIZE * 2;

	ck_assert_int_eq(BZ2_bzBuffToBuffCompress(packed, &n, plain, (unsigned)len, level, 0, 0), BZ_OK);
	assay_buf_add(out, packed, n);
}

START_TEST(bzip2_changes)
{
	BUF(left);
	BUF(level);
	BUF(other);
	BUF(two);

	add_bzip2(&left, 1, PLAIN_SIZE);
	add_bzip2(&level, 9, PLAIN_SIZE);
	add_bzip2(&other, 1, PLAIN_SIZE - 1);
	assert_says(pair_verdict_bufs(&left, &level), "equivalent: bzip2-recompress");
	assert_says(pair_verdict_bufs(&left, &other), "divergent");
	add_bzip2(&two, 1, PLAIN_SIZE / 2);
	add_bzip2(&two, 1, PLAIN_SIZE / 2);
	assert_says(structure_of(assay_buf_span(&two)), "more than one stream");
	assay_buf_add(&level, "x", 1);
	assert_says(pair_verdict_bufs(&left, &level), "divergent");
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_loop_test(tcase, gzip_changes, 0, sizeof(gzips) / sizeof(gzips[0]));
	tcase_add_test(tcase, gzip_members_and_what_follows);
	tcase_add_test(tcase, xz_changes);
	tcase_add_test(tcase, zstd_changes);
	tcase_add_test(tcase, bzip2_changes);
}

int main(void)
{
	return run_suite("compressed", add_tests);
}
