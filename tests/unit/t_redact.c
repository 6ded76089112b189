/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets in text: each shape, cut at every place; what only looks like one; declared values. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/redact.h"

#define A16 "ABCDEFGHIJKLMNOP"
#define D36 "0123456789abcdefghijABCDEFGHIJ012345"

static const struct {
	const char *given, *want;
} cases[] = {
	{ "", "" },
	{ "plain text\nof two lines\n", "plain text\nof two lines\n" },
	{ "key AKIA" A16 ".", "key [redacted: aws-access-key]." },
	{ "AKIA" A16, "[redacted: aws-access-key]" },
	{ "AKIA" A16 "Q", "AKIA" A16 "Q" },
	{ "XAKIA" A16, "XAKIA" A16 },
	{ "aws_secret_access_key = " D36 "/+aB\n", "aws_secret_access_key = [redacted: aws-secret-key]\n" },
	{ "export GH=ghp_" D36 "\n", "export GH=[redacted: github-token]\n" },
	{ "ghp_short", "ghp_short" },
	{ "a github_pat_11ABCDEFG0123456789_abcdef b", "a [redacted: github-token] b" },
	{ "glpat-0123456789abcdefghij", "[redacted: gitlab-token]" },
	{ "npm_" D36 " npm_run_script", "[redacted: npm-token] npm_run_script" },
	{ "AIza" D36, "AIza" D36 },
	{ "AIza0123456789abcdefghijABCDEFGHIJ01234", "[redacted: google-api-key]" },
	{ "Authorization: Bearer abcdefgh12345678.x\r\n", "Authorization: Bearer [redacted: bearer-token]\r\n" },
	{ "Bearer authentication-is-used", "Bearer authentication-is-used" },
	{ "Authorization: Basic dTpw\n", "Authorization: Basic [redacted: basic-authorization]\n" },
	{ "Basic functionality", "Basic functionality" },
	{ "x eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl y", "x [redacted: json-web-token] y" },
	{ "eyJhbGciOiJFUzI1NiJ9.only.two", "eyJhbGciOiJFUzI1NiJ9.only.two" },
	{ "fetch https://me:s3cr3t@host/x", "fetch https://me:[redacted: url-password]@host/x" },
	{ "https://hunter22:s3cr3t@host/", "https://[redacted: declared]:[redacted: url-password]@host/" },
	{ "https://me:hunter22@host/", "https://me:[redacted: url-password]@host/" },
	{ "see https://host:8080/x@y and git://host/", "see https://host:8080/x@y and git://host/" },
	{ "assay-job.1795570874044.ba097d34036184ece76550bd74d11c23", "[redacted: assay-token]" },
	{ "a\n-----BEGIN PRIVATE KEY-----\nMIIB\nABCD\n-----END PRIVATE KEY-----\nb\n", "a\n[redacted: private-key]\nb\n" },
	{ "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", "[redacted: private-key]" },
	{ "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END\n-----END 0123456789012345678901234567890123456789012345678901234567890123-----\nA",
	  "[redacted: private-key]" },
	{ "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n" },
	{ "the password is hunter22, or hunter2", "the password is [redacted: declared], or hunter2" },
	{ "hunter22hunter22", "[redacted: declared][redacted: declared]" },
	{ "hunter22-longer", "[redacted: declared]" },
	{ "hunter22-longe", "[redacted: declared]-longe" },
	{ "c2VjcmV0IHBhc3MgcGhyYXNl eyJzIjoic2VjcmV0IHBhc3MgcGhyYXNlIn0=", "[redacted: declared] eyJzIjoi[redacted: declared]In0=" },
};

static void sink(void *data, const char *bytes, size_t len)
{
	assay_buf_add(data, bytes, len);
}

static struct assay_redactor *new_redactor(struct assay_buf *out)
{
	struct assay_redactor *r = assay_redactor_new(sink, out);
	struct assay_error err = ASSAY_ERROR_INIT;

	ck_assert_ptr_nonnull(r);
	ck_assert(!assay_redactor_declare(r, assay_span_text("hunter22\nhunter22-longer\n\nsecret pass phrase"), "x", &err));
	return r;
}

/* In pieces of this many bytes. */
static void check_pieces(const char *given, const char *want, size_t piece)
{
	assay_auto(assay_buf_release) struct assay_buf out = ASSAY_BUF_INIT(1 << 20);
	assay_auto(assay_redactor_freep) struct assay_redactor *r = new_redactor(&out);
	struct assay_error err = ASSAY_ERROR_INIT;
	size_t len = strlen(given);

	for (size_t at = 0; at < len; at += piece)
		assay_redactor_feed(r, given + at, len - at < piece ? len - at : piece);
	ck_assert(!assay_redactor_end(r, &err));
	ck_assert_msg(strcmp(assay_buf_text(&out), want) == 0, "pieces of %zu of \"%s\": want \"%s\", have \"%s\"", piece, given,
		      want, assay_buf_text(&out));
}

START_TEST(test_cases)
{
	for (size_t piece = 1; piece <= strlen(cases[_i].given) + 1; piece++)
		check_pieces(cases[_i].given, cases[_i].want, piece);
}
END_TEST

START_TEST(test_counts)
{
	assay_auto(assay_buf_release) struct assay_buf out = ASSAY_BUF_INIT(1 << 20);
	assay_auto(assay_redactor_freep) struct assay_redactor *r = new_redactor(&out);
	assay_auto(assay_json_freep) json_t *counts = NULL;
	struct assay_error err = ASSAY_ERROR_INIT;
	static const char text[] = "hunter22 AKIA" A16 " hunter22";

	assay_redactor_feed(r, text, strlen(text));
	ck_assert(!assay_redactor_end(r, &err));
	counts = assay_redactor_counts(r);
	ck_assert_int_eq(assay_json_int(counts, "declared", 0), 2);
	ck_assert_int_eq(assay_json_int(counts, "aws-access-key", 0), 1);
	ck_assert_uint_eq(json_object_size(counts), 2);
}
END_TEST

/* What is no secret passes byte for byte, however long, and is not held for ever. */
START_TEST(test_passes)
{
	assay_auto(assay_buf_release) struct assay_buf out = ASSAY_BUF_INIT(4 << 20);
	assay_auto(assay_redactor_freep) struct assay_redactor *r = new_redactor(&out);
	struct assay_error err = ASSAY_ERROR_INIT;
	size_t len = 1 << 20;
	assay_auto(assay_freep) char *text = malloc(len);
	uint32_t state = 1;

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < len; i++) {
		state = state * 1664525 + 1013904223;
		text[i] = (char)(state >> 24);
	}
	memset(text + 1000, 'x', 100000);
	memcpy(text + 1000, "://", 3);
	for (size_t at = 0; at < len; at += 4096)
		assay_redactor_feed(r, text + at, 4096);
	ck_assert(!assay_redactor_end(r, &err));
	ck_assert_uint_eq(out.len, len);
	ck_assert(memcmp(out.data, text, len) == 0);
}
END_TEST

/* The end line never comes: after so much it is no key any more, and what follows is shown. */
START_TEST(test_block_without_end)
{
	assay_auto(assay_buf_release) struct assay_buf out = ASSAY_BUF_INIT(4 << 20);
	assay_auto(assay_redactor_freep) struct assay_redactor *r = new_redactor(&out);
	struct assay_error err = ASSAY_ERROR_INIT;

	assay_redactor_feed(r, "-----BEGIN RSA PRIVATE KEY-----\n", 32);
	for (int i = 0; i < 20000; i++)
		assay_redactor_feed(r, "AAAAAAAA\n", 9);
	assay_redactor_feed(r, "the end\n", 8);
	ck_assert(!assay_redactor_end(r, &err));
	ck_assert(strstr(assay_buf_text(&out), "the end") != NULL);
	ck_assert_uint_lt(out.len, 20000 * 9 - 60000);
}
END_TEST

START_TEST(test_short_secrets)
{
	assay_auto(assay_buf_release) struct assay_buf out = ASSAY_BUF_INIT(1 << 20);
	assay_auto(assay_redactor_freep) struct assay_redactor *r = new_redactor(&out);
	struct assay_error err = ASSAY_ERROR_INIT;

	ck_assert_int_eq(assay_redactor_declare(r, assay_span_text("long enough\nshort\n"), "file", &err), ASSAY_EUSAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "file:2"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("redact");
	TCase *tests = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tests, test_cases, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tests, test_counts);
	tcase_add_test(tests, test_passes);
	tcase_add_test(tests, test_block_without_end);
	tcase_add_test(tests, test_short_secrets);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
