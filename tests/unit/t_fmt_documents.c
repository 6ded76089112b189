/* SPDX-License-Identifier: Apache-2.0 */
/* "png", "pyc", "mo", "json": dates fold where they are nothing but dates, and what is shown or run
 * never does. */
#include <zlib.h>

#include "pair.h"

#define BUF(name) assay_auto(assay_buf_release) struct assay_buf name = ASSAY_BUF_INIT(ASSAY_MIB)

/* ---- png ------------------------------------------------------------------------------------------ */

static void add_chunk(struct assay_buf *out, const char *type, const void *data, size_t len)
{
	uint8_t head[8] = { (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
			    (uint8_t)len };
	uLong crc = crc32(0, (const Bytef *)type, 4);
	uint8_t sum[4];

	if (len)
		crc = crc32(crc, data, (uInt)len);
	memcpy(head + 4, type, 4);
	for (int i = 0; i < 4; i++)
		sum[i] = (uint8_t)(crc >> (24 - 8 * i));
	assay_buf_add(out, head, 8);
	assay_buf_add(out, data, len);
	assay_buf_add(out, sum, 4);
}

/* chunk and its text stand before the image; cut: where the zlib stream is cut in two chunks. */
static void make_png(struct assay_buf *out, const char *chunk, const char *data, size_t len, int level,
		     size_t cut, const char *pixels)
{
	uint8_t packed[2000];
	uLongf n = sizeof(packed);

	ck_assert_int_eq(compress2(packed, &n, (const Bytef *)pixels, 1000, level), Z_OK);
	assay_buf_add(out, "\x89PNG\r\n\x1a\n", 8);
	add_chunk(out, "IHDR", "\0\0\0\x1f\0\0\0\x1f\10\0\0\0\0", 13);
	if (chunk)
		add_chunk(out, chunk, data, len);
	if (cut)
		add_chunk(out, "IDAT", packed, cut);
	add_chunk(out, "IDAT", packed + cut, n - cut);
	add_chunk(out, "IEND", "", 0);
}

static const struct {
	const char *chunk, *data;
	size_t len;
	const char *want;
} chunks[] = {
	{ "tIME", "\x07\xe4\1\2\3\4\5", 7, "equivalent: png-time" },
	{ "tIME", "\x07\xe4\15\2\3\4\5", 7, "divergent" },
	{ "tEXt", "date:create\0" "2020-01-01T00:00:00+00:00", 37, "equivalent: png-time" },
	{ "tEXt", "date:create\0<script>evil()</script>", 35, "divergent" },
	{ "tEXt", "date:create\0" "2020-01-01T00:00:00+00:00 and more", 46, "divergent" },
	{ "tEXt", "Software\0tool 2.1", 17, "equivalent: png-software" },
	{ "tEXt", "Comment\0tool 2.1", 16, "divergent" },
	{ "tRNS", "\0\1", 2, "divergent" },
};

START_TEST(png_chunks)
{
	static const char pixels[1000] = "pixels";
	BUF(left);
	BUF(right);

	make_png(&left, NULL, NULL, 0, 9, 0, pixels);
	make_png(&right, chunks[_i].chunk, chunks[_i].data, chunks[_i].len, 9, 0, pixels);
	assert_says(pair_verdict_bufs(&left, &right), chunks[_i].want);
	assert_says(pair_verdict_bufs(&right, &left), chunks[_i].want);
}
END_TEST

START_TEST(png_image)
{
	static const char pixels[1000] = "pixels", others[1000] = "pixelS";
	BUF(left);
	BUF(right);
	BUF(cut);
	BUF(other);

	make_png(&left, NULL, NULL, 0, 9, 0, pixels);
	make_png(&right, NULL, NULL, 0, 0, 0, pixels);
	make_png(&cut, NULL, NULL, 0, 9, 5, pixels);
	make_png(&other, NULL, NULL, 0, 9, 0, others);
	assert_says(pair_verdict_bufs(&left, &right), "equivalent: png-recompress");
	assert_says(pair_verdict_bufs(&left, &cut), "equivalent: png-recompress");
	assert_says(pair_verdict_bufs(&left, &other), "divergent");
	assay_buf_add_text(&right, "MZ");
	assert_says(structure_of(assay_buf_span(&right)), "behind IEND");
	other.data[other.len - 20] ^= 1;
	assert_says(structure_of(assay_buf_span(&other)), "CRC of a chunk");
}
END_TEST

/* ---- pyc ------------------------------------------------------------------------------------------ */

static const struct {
	uint32_t flags, stamp, size;
	const char *code, *want;
} pycs[] = {
	{ 0, 1700000000, 100, "\xe3 code", "equivalent: pyc-mtime" },
	{ 0, 1600000000, 101, "\xe3 code", "divergent" },
	{ 0, 1600000000, 100, "\xe3 cods", "divergent" },
	{ 1, 1600000000, 100, "\xe3 code", "divergent" },
};

static void make_pyc(struct assay_buf *out, uint32_t flags, uint32_t stamp, uint32_t size,
		     const char *code)
{
	assay_buf_add(out, "\xa7\x0d\r\n", 4);
	assay_buf_add(out, &flags, 4);
	assay_buf_add(out, &stamp, 4);
	assay_buf_add(out, &size, 4);
	assay_buf_add_text(out, code);
}

START_TEST(pyc_header)
{
	BUF(left);
	BUF(right);

	make_pyc(&left, 0, 1600000000, 100, "\xe3 code");
	make_pyc(&right, pycs[_i].flags, pycs[_i].stamp, pycs[_i].size, pycs[_i].code);
	assert_says(structure_of(assay_buf_span(&left)), "pyc canonical");
	assert_says(pair_verdict_bufs(&left, &right), pycs[_i].want);
}
END_TEST

/* ---- mo ------------------------------------------------------------------------------------------- */

/* shared: the second message is the date of the header entry. */
static void make_mo(struct assay_buf *out, const char *date, const char *message, bool shared)
{
	char entry[200];
	int len = snprintf(entry, sizeof(entry), "Language: de\nPOT-Creation-Date: %s\nX: y\n", date);
	uint32_t start = 28 + 16 + 16 + 4, end = start + (uint32_t)len + 1;
	uint32_t words[] = { 0x950412de, 0, 2, 28, 44, 0, 60, 0, 60, 2, 61, (uint32_t)len, start,
			     shared ? 10 : (uint32_t)strlen(message), shared ? start + 32 : end };

	assay_buf_add(out, words, sizeof(words));
	assay_buf_add(out, "\0hi", 4);
	assay_buf_add(out, entry, (size_t)len + 1);
	assay_buf_add(out, message, strlen(message) + 1);
}

static const struct {
	const char *date, *message;
	bool shared;
	const char *want;
} mos[] = {
	{ "2021-02-03 04:05+0000", "ja", false, "equivalent: mo-date" },
	{ "2021-02-03 04:05-0700", "ja", false, "equivalent: mo-date" },
	{ "2021-02-03 04:05+0000", "ne", false, "divergent" },
	{ "$(reboot) 04:05+0000x", "ja", false, "divergent" },
	{ "2021-02-03 04:05+00000", "ja", false, "divergent" },
	{ "2021-02-03 04:05+0000", "ja", true, "divergent" },
};

START_TEST(mo_dates)
{
	BUF(left);
	BUF(right);

	make_mo(&left, "2020-01-01 00:00+0000", "ja", mos[_i].shared);
	make_mo(&right, mos[_i].date, mos[_i].message, mos[_i].shared);
	assert_says(structure_of(assay_buf_span(&left)), "mo canonical");
	assert_says(pair_verdict_bufs(&left, &right), mos[_i].want);
}
END_TEST

/* ---- json ----------------------------------------------------------------------------------------- */

static const struct {
	const char *left, *right, *want;
} jsons[] = {
	{ "{\"a\":1,\"b\":[1,2]}", "{\"b\":[1,2],\"a\":1}", "equivalent: json-key-order" },
	{ "{\"a\":{\"x\":1,\"y\":2}}", "{ \"a\" : {\"y\":2,\n\"x\":1}}\n", "equivalent" },
	{ "{\"a\":1,\"b\":[1,2]}", "{\"b\":[2,1],\"a\":1}", "divergent" },
	{ "{\"a\":1,\"b\":2}", "{\"b\":1,\"a\":2}", "divergent" },
	{ "{\"a\":1.0,\"b\":2}", "{\"b\":2,\"a\":1}", "divergent" },
	{ "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":\"1\"}", "divergent" },
	{ "{\"a\":1,\"a\":2}", "{\"a\":2,\"a\":1}", "divergent" },
	{ "{\"a\":1,\"\\u0061\":2}", "{\"\\u0061\":2,\"a\":1}", "divergent" },
	{ "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1,}", "divergent" },
	{ "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}//", "divergent" },
	{ "{\"a\":01,\"b\":2}", "{\"b\":2,\"a\":01}", "divergent" },
	{ "[1,2]", "[1,2 ]", "equivalent" },
};

START_TEST(json_documents)
{
	struct assay_span left = assay_span_text(jsons[_i].left);
	struct assay_span right = assay_span_text(jsons[_i].right);

	assert_says(pair_verdict(left, right), jsons[_i].want);
	assert_says(pair_verdict(right, left), jsons[_i].want);
}
END_TEST

START_TEST(json_depth_has_a_limit)
{
	char deep[4000];

	memset(deep, '[', 2000);
	memset(deep + 2000, ']', 2000);
	assert_says(structure_of(assay_span_of(deep, 4000)), "text");
	assert_says(structure_of(assay_span_of(deep + 1990, 20)), "json");
}
END_TEST

#define COUNT(list) (int)(sizeof(list) / sizeof((list)[0]))

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, png_chunks, 0, COUNT(chunks));
	tcase_add_test(tcase, png_image);
	tcase_add_loop_test(tcase, pyc_header, 0, COUNT(pycs));
	tcase_add_loop_test(tcase, mo_dates, 0, COUNT(mos));
	tcase_add_loop_test(tcase, json_documents, 0, COUNT(jsons));
	tcase_add_test(tcase, json_depth_has_a_limit);
}

int main(void)
{
	return run_suite("documents", add_tests);
}
