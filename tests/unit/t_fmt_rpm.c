/* SPDX-License-Identifier: Apache-2.0 */
/* "rpm": packages built here, tag by tag: what folds, what is a signature, and what the digests prove. */
#include <zlib.h>

#include "assay/digest.h"
#include "pair.h"

#define BUF(name) assay_auto(assay_buf_release) struct assay_buf name = ASSAY_BUF_INIT(ASSAY_MIB)

enum { INT32 = 4, STRING = 6, BIN = 7, STRINGS = 8 };

struct tag {
	uint32_t number, type, count;
	struct assay_span data;
};

static void be32(struct assay_buf *out, uint32_t value)
{
	uint8_t bytes[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
			     (uint8_t)value };

	assay_buf_add(out, bytes, 4);
}

/* The region comes first in the index and last in the store. */
static void add_header(struct assay_buf *out, uint32_t region, const struct tag *tags, size_t count)
{
	BUF(store);
	BUF(index);

	for (size_t i = 0; i < count; i++) {
		while (tags[i].type == INT32 && store.len % 4)
			assay_buf_add(&store, "", 1);
		be32(&index, tags[i].number);
		be32(&index, tags[i].type);
		be32(&index, (uint32_t)store.len);
		be32(&index, tags[i].count);
		assay_buf_add_span(&store, tags[i].data);
	}
	assay_buf_add(out, "\x8e\xad\xe8\1\0\0\0\0", 8);
	be32(out, (uint32_t)count + 1);
	be32(out, (uint32_t)store.len + 16);
	be32(out, region);
	be32(out, BIN);
	be32(out, (uint32_t)store.len);
	be32(out, 16);
	assay_buf_add_span(out, assay_buf_span(&index));
	assay_buf_add_span(out, assay_buf_span(&store));
	be32(out, region);
	be32(out, BIN);
	be32(out, (uint32_t)-(16 * ((int)count + 1)));
	be32(out, 16);
}

static void add_cpio(struct assay_buf *out, const char *name, uint32_t mode, const char *data,
		     uint32_t mtime)
{
	assay_buf_printf(out, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 1U, mode, 0U,
			 0U, 1U, mtime, (unsigned)strlen(data), 0U, 0U, 0U, 0U,
			 (unsigned)strlen(name) + 1, 0U);
	assay_buf_add(out, name, strlen(name) + 1);
	while (out->len % 4)
		assay_buf_add(out, "", 1);
	assay_buf_add_text(out, data);
	while (out->len % 4)
		assay_buf_add(out, "", 1);
}

static void add_gzip(struct assay_buf *out, struct assay_span data, int level)
{
	uint8_t packed[4096];
	z_stream z = { .next_in = (Bytef *)(uintptr_t)data.data, .avail_in = (uInt)data.len,
		       .next_out = packed, .avail_out = sizeof(packed) };

	ck_assert_int_eq(deflateInit2(&z, level, Z_DEFLATED, 31, 8, 0), Z_OK);
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	assay_buf_add(out, packed, z.total_out);
	deflateEnd(&z);
}

/* What may be changed of a package. */
struct knobs {
	const char *content, *script, *host, *digest_of, *signature, *alt_of;
	uint32_t time, mtime;
	int level;
	const char *md5; /* NULL: the true one */
};

static const struct knobs plain = { "#!/bin/sh\n", "echo", "a", NULL, NULL, NULL, 1600000000,
				    1600000000, 9, NULL };

static void make_rpm(struct assay_buf *out, const struct knobs *k)
{
	char digest[ASSAY_HASH_TEXT], alt[ASSAY_HASH_TEXT], payload_digest[ASSAY_HASH_TEXT];
	char md5[ASSAY_HASH_TEXT], sha1[ASSAY_HASH_TEXT];
	const char *content = k->digest_of ? k->digest_of : k->content;
	uint8_t md5_bytes[16], numbers[5][4];
	const uint32_t values[5] = { k->time, k->mtime, 0, 8, 0 };
	BUF(cpio);
	BUF(payload);
	BUF(header);
	BUF(numeric);

	for (size_t i = 0; i < 5; i++) {
		be32(&numeric, values[i]);
		memcpy(numbers[i], numeric.data + 4 * i, 4);
	}
	add_cpio(&cpio, "./usr/bin/x", 0100755, k->content, k->mtime);
	add_cpio(&cpio, "TRAILER!!!", 0, "", 0);
	add_gzip(&payload, assay_buf_span(&cpio), k->level);
	assay_hash_hex(ASSAY_SHA256, assay_span_text(content), digest);
	assay_hash_hex(ASSAY_SHA256, k->alt_of ? assay_span_text(k->alt_of) : assay_buf_span(&cpio), alt);
	assay_hash_hex(ASSAY_SHA256, assay_buf_span(&payload), payload_digest);
	{
		const struct tag tags[] = {
			{ 1000, STRING, 1, assay_span_of("tiny", 5) },
			{ 1006, INT32, 1, assay_span_of(numbers[0], 4) },
			{ 1007, STRING, 1, assay_span_of(k->host, strlen(k->host) + 1) },
			{ 1024, STRING, 1, assay_span_of(k->script, strlen(k->script) + 1) },
			{ 1034, INT32, 1, assay_span_of(numbers[1], 4) },
			{ 1035, STRINGS, 1, assay_span_of(digest, 65) },
			{ 1116, INT32, 1, assay_span_of(numbers[2], 4) },
			{ 1117, STRINGS, 1, assay_span_of("x", 2) },
			{ 1118, STRINGS, 1, assay_span_of("/usr/bin/", 10) },
			{ 1125, STRING, 1, assay_span_of("gzip", 5) },
			{ 5011, INT32, 1, assay_span_of(numbers[3], 4) },
			{ 5092, STRINGS, 1, assay_span_of(payload_digest, 65) },
			{ 5097, STRINGS, 1, assay_span_of(alt, 65) },
		};

		add_header(&header, 63, tags, sizeof(tags) / sizeof(tags[0]));
	}
	assay_hash_hex(ASSAY_SHA1, assay_buf_span(&header), sha1);
	assay_buf_add_span(&header, assay_buf_span(&payload));
	assay_hash_hex(ASSAY_MD5, assay_buf_span(&header), md5);
	for (size_t i = 0; i < 16; i++) {
		unsigned byte;

		ck_assert_int_eq(sscanf((k->md5 ? k->md5 : md5) + 2 * i, "%2x", &byte), 1);
		md5_bytes[i] = (uint8_t)byte;
	}
	assay_buf_add(out, "\xed\xab\xee\xdb\3\0\0\0\0\1tiny", 14);
	while (out->len < 96)
		assay_buf_add(out, "", 1);
	{
		const struct tag tags[] = {
			{ 269, STRING, 1, assay_span_of(sha1, 41) },
			{ 1004, BIN, 16, assay_span_of(md5_bytes, 16) },
			{ 268, BIN, 3, assay_span_of(k->signature, 3) },
		};

		add_header(out, 62, tags, k->signature ? 3 : 2);
	}
	while (out->len % 8)
		assay_buf_add(out, "", 1);
	assay_buf_add_span(out, assay_buf_span(&header));
}

static const struct {
	const char *what;
	struct knobs other;
	const char *want;
} pairs[] = {
	{ "level", { "#!/bin/sh\n", "echo", "a", .time = 1600000000, .mtime = 1600000000, .level = 1 },
	  "equivalent: rpm-recompress" },
	{ "time", { "#!/bin/sh\n", "echo", "a", .time = 1500000000, .mtime = 1600000000, .level = 9 },
	  "equivalent: rpm-build-stamp" },
	{ "host", { "#!/bin/sh\n", "echo", "b", .time = 1600000000, .mtime = 1600000000, .level = 9 },
	  "equivalent: rpm-build-stamp" },
	{ "host with a path",
	  { "#!/bin/sh\n", "echo", "b/../c", .time = 1600000000, .mtime = 1600000000, .level = 9 },
	  "divergent" },
	{ "mtime", { "#!/bin/sh\n", "echo", "a", .time = 1600000000, .mtime = 1500000000, .level = 9 },
	  "equivalent" },
	{ "script", { "#!/bin/sh\n", "evil", "a", .time = 1600000000, .mtime = 1600000000, .level = 9 },
	  "divergent" },
	{ "content", { "#!/bin/ls\n", "echo", "a", .time = 1600000000, .mtime = 1600000000, .level = 9 },
	  "divergent" },
	{ "signature",
	  { "#!/bin/sh\n", "echo", "a", .signature = "sig", .time = 1600000000, .mtime = 1600000000,
	    .level = 9 },
	  "divergent" },
	{ "lying file digest",
	  { "#!/bin/sh\n", "echo", "a", .digest_of = "other", .time = 1600000000, .mtime = 1600000000,
	    .level = 9 },
	  "divergent" },
	{ "lying payload digest",
	  { "#!/bin/sh\n", "echo", "a", .alt_of = "other", .time = 1600000000, .mtime = 1600000000,
	    .level = 9 },
	  "divergent" },
	{ "lying md5",
	  { "#!/bin/sh\n", "echo", "b", .time = 1600000000, .mtime = 1600000000, .level = 9,
	    .md5 = "00000000000000000000000000000000" },
	  "divergent" },
};

START_TEST(rpm_pairs)
{
	BUF(left);
	BUF(right);

	make_rpm(&left, &plain);
	make_rpm(&right, &pairs[_i].other);
	assert_says(structure_of(assay_buf_span(&left)), "rpm canonical");
	assert_says(pair_verdict_bufs(&left, &right), pairs[_i].want);
	assert_says(pair_verdict_bufs(&right, &left), pairs[_i].want);
}
END_TEST

static bool reports_cause(const struct assay_buf *left, const struct assay_buf *right,
			  const char *wanted)
{
	json_t *report = pair_compare(assay_buf_span(left), assay_buf_span(right)), *d;
	bool found = false;
	size_t i;

	json_array_foreach(json_object_get(report, "divergences"), i, d)
		found |= strcmp(json_string_value(json_object_get(d, "cause")), wanted) == 0;
	json_decref(report);
	return found;
}

START_TEST(a_stale_digest_is_a_lie_and_a_fresh_one_is_none)
{
	struct knobs other = plain;
	BUF(left);
	BUF(stale);
	BUF(fresh);
	BUF(signed_one);

	make_rpm(&left, &plain);
	other.content = "#!/bin/ls\n";
	make_rpm(&fresh, &other);
	other.digest_of = plain.content;
	make_rpm(&stale, &other);
	other = plain;
	other.signature = "sig";
	make_rpm(&signed_one, &other);
	ck_assert(!reports_cause(&left, &fresh, "false_checksum_claim"));
	ck_assert(reports_cause(&left, &stale, "false_checksum_claim"));
	ck_assert(reports_cause(&left, &signed_one, "cryptographic_signature_differs"));
}
END_TEST

START_TEST(the_structure_is_proven)
{
	BUF(rpm);
	struct knobs lying = plain;

	lying.md5 = "00000000000000000000000000000000";
	make_rpm(&rpm, &lying);
	assert_says(structure_of(assay_buf_span(&rpm)), "ambiguous: MD5 is not that of the header");
	assay_buf_clear(&rpm);
	make_rpm(&rpm, &plain);
	rpm.data[96 + 15] = 1; /* the store is longer than what follows */
	assert_says(structure_of(assay_buf_span(&rpm)), "malformed rpm");
	assay_buf_clear(&rpm);
	make_rpm(&rpm, &plain);
	rpm.data[96 + 16 + 12 + 16 + 3]++; /* another count of the first digest */
	assert_says(structure_of(assay_buf_span(&rpm)), "r");
	assay_buf_add_text(&rpm, "evil");
	ck_assert_ptr_null(strstr(structure_of(assay_buf_span(&rpm)), "canonical"));
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, rpm_pairs, 0, sizeof(pairs) / sizeof(pairs[0]));
	tcase_add_test(tcase, a_stale_digest_is_a_lie_and_a_fresh_one_is_none);
	tcase_add_test(tcase, the_structure_is_proven);
}

int main(void)
{
	return run_suite("rpm", add_tests);
}
