/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 against the vectors of FIPS 180-4 and against itself in pieces. */
#include <check.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "assay/digest.h"
#include "assay/file.h"

static const struct {
	const char *text, *hex;
} vectors[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

START_TEST(vectors_whole_and_byte_by_byte)
{
	struct assay_span text = assay_span_text(vectors[_i].text);
	struct assay_hasher *hasher = assay_hasher_new();
	struct assay_digest whole, pieces;
	char hex[ASSAY_DIGEST_TEXT];

	assay_digest_span(text, &whole);
	ck_assert_str_eq(assay_digest_hex(&whole, hex), vectors[_i].hex);
	for (int round = 0; round < 2; round++) { /* a hasher can be used again */
		for (size_t i = 0; i < text.len; i++)
			assay_hasher_add(hasher, text.data + i, 1);
		assay_hasher_end(hasher, &pieces);
		ck_assert(assay_digest_equal(&whole, &pieces));
	}
	assay_hasher_free(hasher);
}
END_TEST

START_TEST(text_form)
{
	struct assay_digest a, b;
	char hex[ASSAY_DIGEST_TEXT];

	ck_assert(assay_digest_parse(assay_span_text(vectors[1].hex), &a));
	ck_assert(assay_digest_parse(
		assay_span_text("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"),
		&b));
	ck_assert(assay_digest_equal(&a, &b));
	ck_assert_str_eq(assay_digest_hex(&b, hex), vectors[1].hex);
	b.bytes[31] ^= 1;
	ck_assert(!assay_digest_equal(&a, &b));
	ck_assert(!assay_digest_parse(assay_span_text("abc"), &a));
	ck_assert(!assay_digest_parse(assay_span_cut(assay_span_text(vectors[1].hex), 0, 63), &a));
	ck_assert(!assay_digest_parse(
		assay_span_text("zz7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
		&a));
}
END_TEST

START_TEST(files)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_digest digest;
	uint64_t size = 7;
	char hex[ASSAY_DIGEST_TEXT];
	int fd = memfd_create("digest", 0);

	ck_assert_int_eq(assay_fd_write(fd, "xabc", 4, &err), ASSAY_OK);
	ck_assert_int_eq(lseek(fd, 1, SEEK_SET), 1);
	ck_assert_int_eq(assay_digest_fd(fd, &digest, &size, &err), ASSAY_OK);
	ck_assert_uint_eq(size, 3);
	ck_assert_str_eq(assay_digest_hex(&digest, hex), vectors[1].hex);
	close(fd);
	ck_assert_int_eq(assay_digest_file("/dev/null", &digest, NULL, &err), ASSAY_EINPUT);
	ck_assert_int_eq(assay_digest_file("/nonexistent/file", &digest, NULL, &err), ASSAY_ENOTFOUND);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("digest");
	TCase *tc = tcase_create("digest");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, vectors_whole_and_byte_by_byte, 0,
			    sizeof(vectors) / sizeof(vectors[0]));
	tcase_add_test(tc, text_form);
	tcase_add_test(tc, files);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
