/* SPDX-License-Identifier: Apache-2.0 */
/* "lzma", "inventory", "rdb", "uimage", "bflt", "dex", "adb", "fat": small containers, made here byte by byte. */
#include <lzma.h>
#include <zlib.h>

#include "pair.h"

#define BUF(name) assay_auto(assay_buf_release) struct assay_buf name = ASSAY_BUF_INIT(ASSAY_MIB)

static void add_big(struct assay_buf *out, uint32_t n)
{
	uint8_t bytes[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	assay_buf_add(out, bytes, 4);
}

static void add_zlib(struct assay_buf *out, const char *text, int level)
{
	uint8_t packed[4096];
	uLongf len = sizeof(packed);

	ck_assert_int_eq(compress2(packed, &len, (const Bytef *)text, strlen(text), level), Z_OK);
	assay_buf_add(out, packed, len);
}

static const char sample[] = "some text that packs well, some text that packs well, some text\n";

/* ---- lzma ------------------------------------------------------------------------------------------- */

static void make_lzma(struct assay_buf *out, const char *text, uint32_t preset)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_options_lzma options;
	uint8_t packed[4096];

	lzma_lzma_preset(&options, preset);
	ck_assert_int_eq(lzma_alone_encoder(&stream, &options), LZMA_OK);
	stream.next_in = (const uint8_t *)text;
	stream.avail_in = strlen(text);
	stream.next_out = packed;
	stream.avail_out = sizeof(packed);
	ck_assert_int_eq(lzma_code(&stream, LZMA_FINISH), LZMA_STREAM_END);
	assay_buf_add(out, packed, sizeof(packed) - stream.avail_out);
	lzma_end(&stream);
}

START_TEST(lzma_streams)
{
	BUF(left);
	BUF(right);
	BUF(other);
	BUF(longer);

	make_lzma(&left, sample, 6);
	make_lzma(&right, sample, 0);
	make_lzma(&other, "other text", 6);
	make_lzma(&longer, sample, 6);
	assay_buf_add_text(&longer, "x");
	ck_assert_str_eq(assay_format_detect(assay_buf_span(&left))->name, "lzma");
	assert_says(pair_verdict_bufs(&left, &right), "equivalent: lzma-recompress");
	assert_says(pair_verdict_bufs(&left, &other), "divergent");
	assert_says(pair_verdict_bufs(&left, &longer), "divergent");
}
END_TEST

/* ---- inventory --------------------------------------------------------------------------------------- */

static void make_inventory(struct assay_buf *out, const char *version, const char *text, int level)
{
	assay_buf_printf(out, "# Sphinx inventory version 2\n# Project: x\n# Version: %s\n# zlib.\n", version);
	add_zlib(out, text, level);
}

START_TEST(inventories)
{
	BUF(left);
	BUF(level);
	BUF(version);
	BUF(longer);

	make_inventory(&left, "1", sample, 9);
	make_inventory(&level, "1", sample, 0);
	make_inventory(&version, "2", sample, 9);
	make_inventory(&longer, "1", sample, 9);
	assay_buf_add_text(&longer, "x");
	ck_assert_str_eq(assay_format_detect(assay_buf_span(&left))->name, "inventory");
	assert_says(pair_verdict_bufs(&left, &level), "equivalent: inventory-recompress");
	assert_says(pair_verdict_bufs(&left, &version), "divergent");
	assert_says(pair_verdict_bufs(&left, &longer), "divergent");
}
END_TEST

/* ---- rdb --------------------------------------------------------------------------------------------- */

static void add_object(struct assay_buf *out, const char *text, uint32_t size, int level)
{
	add_big(out, size);
	add_zlib(out, text, level);
}

START_TEST(lazy_load_databases)
{
	BUF(left);
	BUF(level);
	BUF(path);
	BUF(lying);

	add_object(&left, "X\nobject of /build/one/x.R", 26, 9);
	add_object(&left, sample, sizeof(sample) - 1, 9);
	add_object(&level, "X\nobject of /build/one/x.R", 26, 0);
	add_object(&level, sample, sizeof(sample) - 1, 9);
	add_object(&path, "X\nobject of /build/two/x.R", 26, 9);
	add_object(&path, sample, sizeof(sample) - 1, 9);
	add_object(&lying, "X\nobject of /build/one/x.R", 26, 9);
	add_object(&lying, sample, sizeof(sample), 9);
	ck_assert_str_eq(assay_format_detect(assay_buf_span(&left))->name, "rdb");
	/* the .rdx says where objects are: another compressor is not the same */
	ck_assert_str_eq(pair_verdict_bufs(&left, &level), "divergent");
	ck_assert_str_eq(pair_verdict_bufs(&left, &path), "divergent");
	assert_says(structure_of(assay_buf_span(&lying)), "size of the object: is wrong");
}
END_TEST

/* ---- uimage, bflt -------------------------------------------------------------------------------------- */

static void make_uimage(struct assay_buf *out, uint32_t time, const char *data, uint32_t entry)
{
	uint32_t len = (uint32_t)strlen(data);
	uLong sum;

	add_big(out, 0x27051956);
	add_big(out, 0);
	add_big(out, time);
	add_big(out, len);
	add_big(out, 0x8000);
	add_big(out, entry);
	add_big(out, (uint32_t)crc32(0, (const Bytef *)data, len));
	assay_buf_add(out, "\5\2\2\0" "kernel\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 36);
	sum = crc32(0, (const Bytef *)out->data, 64);
	for (int i = 0; i < 4; i++)
		out->data[4 + i] = (char)(sum >> (24 - 8 * i));
	assay_buf_add_text(out, data);
}

START_TEST(uimages)
{
	BUF(left);
	BUF(time);
	BUF(entry);
	BUF(data);

	make_uimage(&left, 1600000000, "code", 0x8000);
	make_uimage(&time, 1700000000, "code", 0x8000);
	make_uimage(&entry, 1600000000, "code", 0x8040);
	make_uimage(&data, 1600000000, "cod", 0x8000);
	assert_says(pair_verdict_bufs(&left, &time), "equivalent: uimage-time");
	assert_says(pair_verdict_bufs(&left, &entry), "divergent");
	assert_says(pair_verdict_bufs(&left, &data), "divergent");
	assert_says(structure_of(assay_buf_span(&left)), "uimage canonical");
	assay_buf_add_text(&left, "x");
	assert_says(structure_of(assay_buf_span(&left)), "behind the image");
	time.data[64] ^= 1;
	assert_says(structure_of(assay_buf_span(&time)), "CRC of the image");
}
END_TEST

static void make_bflt(struct assay_buf *out, uint32_t time, uint32_t stack, const char *text)
{
	const uint32_t words[] = { 4, 64, 68, 72, 80, stack, 72, 0, 1, time, 0, 0, 0, 0, 0 };

	assay_buf_add_text(out, "bFLT");
	for (size_t i = 0; i < 15; i++)
		add_big(out, words[i]);
	assay_buf_add_text(out, text);
}

START_TEST(flat_binaries)
{
	BUF(left);
	BUF(time);
	BUF(stack);
	BUF(text);

	make_bflt(&left, 1, 4096, "codedata");
	make_bflt(&time, 2, 4096, "codedata");
	make_bflt(&stack, 1, 8192, "codedata");
	make_bflt(&text, 1, 4096, "Codedata");
	assert_says(pair_verdict_bufs(&left, &time), "equivalent: bflt-time");
	assert_says(pair_verdict_bufs(&left, &stack), "divergent");
	assert_says(pair_verdict_bufs(&left, &text), "divergent");
}
END_TEST

/* ---- dex ------------------------------------------------------------------------------------------------ */

/* Header, eight bytes of code, eight of strings, a map of the three. */
static void make_dex(struct assay_buf *out, const char *code, const char *strings)
{
	uint8_t head[112] = "dex\n035", map[4 + 3 * 12] = { 3 };
	static const uint16_t types[] = { 0x2001, 0x2002, 0x1000 }, places[] = { 112, 120, 128 };
	uint32_t size = 112 + 16 + sizeof(map), sum;

	memcpy(head + 32, &size, 4);
	memcpy(head + 40, "\x78\x56\x34\x12", 4);
	head[52] = 128;
	for (size_t i = 0; i < 3; i++) {
		memcpy(map + 4 + 12 * i, &types[i], 2);
		memcpy(map + 12 + 12 * i, &places[i], 2);
	}
	assay_buf_add(out, head, sizeof(head));
	assay_buf_add(out, code, 8);
	assay_buf_add(out, strings, 8);
	assay_buf_add(out, map, sizeof(map));
	sum = (uint32_t)adler32(adler32(0, NULL, 0), (const Bytef *)out->data + 12, (uInt)(out->len - 12));
	memcpy(out->data + 8, &sum, 4);
}

START_TEST(dalvik_executables)
{
	json_t *report;
	char *text;
	BUF(left);
	BUF(right);

	make_dex(&left, "codecode", "aaaaaaaa");
	make_dex(&right, "codecodE", "aaaaaaaa");
	assert_says(structure_of(assay_buf_span(&left)), "dex canonical");
	report = pair_compare(assay_buf_span(&left), assay_buf_span(&right));
	text = json_dumps(json_object_get(report, "divergences"), 0);
	assert_says(text, "\"code\"");
	assert_says(text, "unexplained_code_change");
	ck_assert(!strstr(text, "dex.checksum"));
	left.data[8] ^= 1;
	assert_says(structure_of(assay_buf_span(&left)), "adler32");
	free(text);
	json_decref(report);
}
END_TEST

/* ---- adb ------------------------------------------------------------------------------------------------ */

static void add_block(struct assay_buf *out, uint32_t type, const char *head, const char *data)
{
	uint32_t size = (uint32_t)(4 + (head ? 8 : 0) + strlen(data)), word = type << 30 | size;

	assay_buf_add(out, &word, 4);
	if (head)
		assay_buf_add(out, head, 8);
	assay_buf_add_text(out, data);
	while (out->len % 8)
		assay_buf_add(out, "", 1);
}

static void make_adb(struct assay_buf *out, const char *database, const char *signature, const char *content)
{
	assay_buf_add_text(out, "ADB.pckg");
	add_block(out, 0, NULL, database);
	add_block(out, 1, NULL, signature);
	add_block(out, 2, "\1\0\0\0\2\0\0\0", content);
}

START_TEST(apk_packages)
{
	static const char *const parts[][4] = {
		{ "names", "sig", "text of a file\n", NULL },
		{ "name5", "sig", "text of a file\n", "database" },
		{ "names", "sIg", "text of a file\n", "cryptographic_signature_differs" },
		{ "names", "sig", "text of a File\n", "directory 1, file 2" },
	};
	json_t *report;
	char *text;
	BUF(left);
	BUF(right);

	make_adb(&left, parts[0][0], parts[0][1], parts[0][2]);
	make_adb(&right, parts[_i][0], parts[_i][1], parts[_i][2]);
	assert_says(structure_of(assay_buf_span(&left)), "adb canonical");
	report = pair_compare(assay_buf_span(&left), assay_buf_span(&right));
	text = json_dumps(json_object_get(report, "divergences"), 0);
	assert_says(text, parts[_i][3]);
	ck_assert_str_eq(json_string_value(json_object_get(report, "verdict")), "divergent");
	free(text);
	json_decref(report);
}
END_TEST

START_TEST(apk_compression)
{
	uint8_t packed[3][1000];
	size_t len[3] = { 0 };
	BUF(plain);
	BUF(other);

	make_adb(&plain, "names", "sig", sample);
	make_adb(&other, "names", "sig", "other");
	for (int i = 0; i < 3; i++) {
		z_stream z = { .next_in = (Bytef *)(i == 2 ? other.data : plain.data),
			       .avail_in = (uInt)(i == 2 ? other.len : plain.len) };

		memcpy(packed[i], "ADBd", 4);
		z.next_out = packed[i] + 4;
		z.avail_out = sizeof(packed[i]) - 4;
		ck_assert_int_eq(deflateInit2(&z, i == 1 ? 0 : 9, Z_DEFLATED, -15, 8, 0), Z_OK);
		ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
		len[i] = sizeof(packed[i]) - z.avail_out;
		deflateEnd(&z);
	}
	assert_says(pair_verdict(assay_span_of(packed[0], len[0]), assay_span_of(packed[1], len[1])),
		    "equivalent: adb-recompress");
	assert_says(pair_verdict(assay_span_of(packed[0], len[0]), assay_span_of(packed[2], len[2])), "divergent");
}
END_TEST

/* ---- fat ------------------------------------------------------------------------------------------------ */

/* One reserved sector, two tables of one, sixteen entries, four clusters of one: FAT12. */
static void make_fat(struct assay_buf *out)
{
	uint8_t image[512 * (1 + 2 + 1 + 4)] = { 0xeb, 0x3c, 0x90, 'm', 'k', 'f', 's', '.', 'f', 'a', 't',
						 0, 2, 1, 1, 0, 2, 16, 0, 8, 0, 0xf8, 1 };

	memcpy(image + 510, "\x55\xaa", 2);
	memcpy(image + 512 * 3, "A       TXT\x20", 12);
	image[512 * 3 + 26] = 2;
	image[512 * 3 + 28] = 5;
	memcpy(image + 512 * 4, "hello", 5);
	assay_buf_add(out, image, sizeof(image));
}

static const struct {
	size_t at; /* the byte that differs */
	const char *says;
} fat_bytes[] = {
	{ 39, "fat.volume-id" },	{ 200, "fat.boot-code" },	 { 600, "table 1" },
	{ 512 * 3 + 11, "A.TXT" },	{ 512 * 3 + 22, "fat.entry.time" }, { 512 * 3 + 100, "fat.free-entries" },
	{ 512 * 4, "cluster-sized block 4" },
};

START_TEST(fat_images)
{
	json_t *report;
	char *text;
	BUF(left);
	BUF(right);

	make_fat(&left);
	make_fat(&right);
	right.data[fat_bytes[_i].at] ^= 1;
	assert_says(structure_of(assay_buf_span(&left)), "fat canonical");
	report = pair_compare(assay_buf_span(&left), assay_buf_span(&right));
	text = json_dumps(json_object_get(report, "divergences"), 0);
	assert_says(text, fat_bytes[_i].says);
	ck_assert_str_eq(json_string_value(json_object_get(report, "verdict")), "divergent");
	assay_buf_add_text(&left, "x");
	assert_says(structure_of(assay_buf_span(&left)), "behind the last sector");
	free(text);
	json_decref(report);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, fat_images, 0, sizeof(fat_bytes) / sizeof(fat_bytes[0]));
	tcase_add_loop_test(tcase, apk_packages, 1, 4);
	tcase_add_test(tcase, apk_compression);
	tcase_add_test(tcase, lzma_streams);
	tcase_add_test(tcase, inventories);
	tcase_add_test(tcase, lazy_load_databases);
	tcase_add_test(tcase, uimages);
	tcase_add_test(tcase, flat_binaries);
	tcase_add_test(tcase, dalvik_executables);
}

int main(void)
{
	return run_suite("fmt_embedded", add_tests);
}
