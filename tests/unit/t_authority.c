/* SPDX-License-Identifier: Apache-2.0 */
/* The farm's certificate authority, the audit chain, and the tokens of jobs. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/audit.h"
#include "assay/authority.h"
#include "assay/cleanup.h"
#include "assay/hex.h"
#include "assay/path.h"
#include "scheduler/job_token.h"

enum { NOW = 1800000000 };

static char directory[] = "/tmp/assay-authority.XXXXXX";
static struct assay_error err;

static char *in(const char *name)
{
	char *path = NULL;

	ck_assert(asprintf(&path, "%s/%s", directory, name) > 0);
	return path;
}

static struct assay_authority *open_authority(const char *name)
{
	assay_auto(assay_freep) char *path = in(name);
	struct assay_authority *authority = NULL;

	err = (struct assay_error)ASSAY_ERROR_INIT;
	ck_assert_msg(!assay_authority_open(path, NULL, &authority, &err), "%s", err.msg);
	return authority;
}

START_TEST(test_made_once)
{
	struct assay_authority *a = open_authority("a.pem"), *b = open_authority("a.pem"), *c = open_authority("c.pem");
	assay_auto(assay_freep) char *path = in("a.pem");
	struct assay_authority *refused = NULL;
	struct stat st;

	ck_assert_str_eq(assay_authority_pem(a), assay_authority_pem(b));
	ck_assert_str_eq(assay_authority_domain(a), assay_authority_domain(b));
	ck_assert_str_ne(assay_authority_domain(a), assay_authority_domain(c));
	ck_assert(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	ck_assert_int_eq(chmod(path, 0640), 0);
	ck_assert_int_eq(assay_authority_open(path, NULL, &refused, &err), ASSAY_EUNTRUSTED);
	ck_assert_int_eq(chmod(path, 0600), 0);
	assay_authority_free(a);
	assay_authority_free(b);
	assay_authority_free(c);
}
END_TEST

/* The certificate in DER, as a server sees it. */
static void der_of(struct assay_span pem, struct assay_buf *out)
{
	assay_auto(assay_buf_release) struct assay_buf base64 = ASSAY_BUF_INIT(65536);
	struct assay_span rest = pem, line;

	while (assay_span_next_line(&rest, &line))
		if (!assay_span_starts(line, "-----"))
			assay_buf_add_span(&base64, line);
	ck_assert(assay_base64_decode(assay_buf_span(&base64), out));
}

START_TEST(test_issue_and_check)
{
	struct assay_authority *ours = open_authority("a.pem"), *theirs = open_authority("other.pem");
	struct assay_buf key = ASSAY_BUF_INIT(65536), request = ASSAY_BUF_INIT(65536), pem = ASSAY_BUF_INIT(65536),
			 der = ASSAY_BUF_INIT(65536);
	struct assay_certificate made, seen;

	ck_assert(!assay_certificate_request(&key, &request, &err));
	ck_assert_msg(!assay_authority_issue(ours, assay_buf_span(&request), "worker", "w1", NOW, 3600, &pem, &made, &err),
		      "%s", err.msg);
	ck_assert_int_eq(made.expires - made.issued, 3600);
	der_of(assay_buf_span(&pem), &der);
	ck_assert(!assay_authority_check(ours, assay_buf_span(&der), NOW, &seen, &err));
	ck_assert_str_eq(seen.kind, "worker");
	ck_assert_str_eq(seen.name, "w1");
	ck_assert_str_eq(seen.serial, made.serial);
	/* before, after, by somebody else, cut, with something behind */
	ck_assert_int_eq(assay_authority_check(ours, assay_buf_span(&der), NOW - 61, &seen, &err), ASSAY_EUNTRUSTED);
	ck_assert_int_eq(assay_authority_check(ours, assay_buf_span(&der), NOW + 3541, &seen, &err), ASSAY_EUNTRUSTED);
	ck_assert_int_eq(assay_authority_check(theirs, assay_buf_span(&der), NOW, &seen, &err), ASSAY_EUNTRUSTED);
	for (size_t len = 0; len < der.len; len += 7)
		ck_assert_int_eq(assay_authority_check(ours, assay_span_of(der.data, len), NOW, &seen, &err), ASSAY_EUNTRUSTED);
	assay_buf_add(&der, "x", 1);
	ck_assert_int_eq(assay_authority_check(ours, assay_buf_span(&der), NOW, &seen, &err), ASSAY_EUNTRUSTED);
	assay_buf_release(&key);
	assay_buf_release(&request);
	assay_buf_release(&pem);
	assay_buf_release(&der);
	assay_authority_free(ours);
	assay_authority_free(theirs);
}
END_TEST

START_TEST(test_names)
{
	static const char *const good[] = { "w", "w1", "host-12.example_3" };
	static const char *const bad[] = { "", ".", "..", "-w", "a/b", "a b", "a\n", "\xc3\xa4", "a,URI:x",
					   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert(assay_identity_is_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert(!assay_identity_is_valid(bad[i]));
}
END_TEST

START_TEST(test_job_tokens)
{
	struct assay_authority *ours = open_authority("a.pem"), *theirs = open_authority("other.pem");
	char token[JOB_TOKEN_TEXT], changed[JOB_TOKEN_TEXT];

	job_token_make(ours, 7, 2, "w1", NOW, token);
	ck_assert(!job_token_check(ours, token, 7, 2, "w1", NOW, &err));
	ck_assert(!job_token_check(ours, token, 7, 2, "w1", NOW + JOB_TOKEN_MS - 1, &err));
	ck_assert_int_eq(job_token_check(ours, token, 7, 2, "w1", NOW + JOB_TOKEN_MS, &err), ASSAY_EUNTRUSTED);
	ck_assert_int_eq(job_token_check(ours, token, 8, 2, "w1", NOW, &err), ASSAY_EUNTRUSTED);
	ck_assert_int_eq(job_token_check(ours, token, 7, 3, "w1", NOW, &err), ASSAY_EUNTRUSTED);
	ck_assert_int_eq(job_token_check(ours, token, 7, 2, "w2", NOW, &err), ASSAY_EUNTRUSTED);
	ck_assert_int_eq(job_token_check(theirs, token, 7, 2, "w1", NOW, &err), ASSAY_EUNTRUSTED);
	for (size_t i = 0; token[i]; i++) {
		memcpy(changed, token, sizeof(changed));
		changed[i] = changed[i] == '1' ? '2' : '1';
		ck_assert_int_eq(job_token_check(ours, changed, 7, 2, "w1", NOW, &err), ASSAY_EUNTRUSTED);
	}
	assay_authority_free(ours);
	assay_authority_free(theirs);
}
END_TEST

/* ---- the chain ----------------------------------------------------------------------------------- */

enum { RECORDS = 5 };

static void make_chain(json_t **records, struct assay_audit_walk *walk)
{
	*walk = (struct assay_audit_walk)ASSAY_AUDIT_WALK_INIT;
	for (int i = 0; i < RECORDS; i++) {
		records[i] = json_pack("{s:i, s:s}", "time", i, "action", "POST /v1/jobs");
		assay_audit_link(walk, records[i]);
	}
}

/* The number of the record at which a walk stops; 0 when it does not. */
static int stops_at(json_t *const *records, size_t count)
{
	struct assay_audit_walk walk = ASSAY_AUDIT_WALK_INIT;

	for (size_t i = 0; i < count; i++)
		if (assay_audit_follow(&walk, records[i], &err))
			return (int)i + 1;
	return 0;
}

START_TEST(test_chain)
{
	json_t *records[RECORDS], *kept;
	struct assay_audit_walk walk;

	make_chain(records, &walk);
	ck_assert_int_eq(stops_at(records, RECORDS), 0);
	kept = records[2]; /* removed */
	memmove(records + 2, records + 3, 2 * sizeof(records[0]));
	ck_assert_int_eq(stops_at(records, RECORDS - 1), 3);
	records[4] = records[3]; /* moved */
	records[3] = kept;
	ck_assert_int_eq(stops_at(records, RECORDS), 3);
	kept = records[2];
	records[2] = records[3];
	records[3] = kept;
	ck_assert_int_eq(stops_at(records, RECORDS), 0);
	json_object_set_new(records[1], "action", json_string("GET /")); /* changed */
	ck_assert_int_eq(stops_at(records, RECORDS), 2);
	/* changed, and its hash made to fit: the next one tells */
	walk = (struct assay_audit_walk){ .seq = 1 };
	snprintf(walk.hash, sizeof(walk.hash), "%s", assay_json_text(records[0], "hash", ""));
	assay_audit_link(&walk, records[1]);
	ck_assert_int_eq(stops_at(records, RECORDS), 3);
	for (int i = 0; i < RECORDS; i++)
		json_decref(records[i]);
}
END_TEST

START_TEST(test_checkpoints)
{
	assay_auto(assay_freep) char *path = in("audit.key");
	assay_auto(assay_freep) char *other_path = in("other.key");
	json_t *records[RECORDS], *checkpoint;
	struct assay_audit_walk walk;
	struct assay_key *key, *other;

	err = (struct assay_error)ASSAY_ERROR_INIT;
	ck_assert(!assay_key_generate(path, &err) && !assay_key_generate(other_path, &err));
	ck_assert(!assay_key_load(path, &key, &err) && !assay_key_load(other_path, &other, &err));
	make_chain(records, &walk);
	ck_assert(!assay_audit_sign(&walk, NOW, key, &checkpoint, &err));
	ck_assert(!assay_audit_check(checkpoint, key, &err));
	ck_assert_int_eq(assay_audit_check(checkpoint, other, &err), ASSAY_EUNTRUSTED);
	json_object_set_new(checkpoint, "seq", json_integer(RECORDS - 1));
	ck_assert_int_eq(assay_audit_check(checkpoint, key, &err), ASSAY_EUNTRUSTED);
	json_decref(checkpoint);
	for (int i = 0; i < RECORDS; i++)
		json_decref(records[i]);
	assay_key_free(key);
	assay_key_free(other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("authority");
	TCase *tests = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	if (!mkdtemp(directory))
		return 99;
	tcase_add_test(tests, test_made_once);
	tcase_add_test(tests, test_issue_and_check);
	tcase_add_test(tests, test_names);
	tcase_add_test(tests, test_job_tokens);
	tcase_add_test(tests, test_chain);
	tcase_add_test(tests, test_checkpoints);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	if (assay_path_remove_tree(AT_FDCWD, directory, &err))
		return 99;
	return failed != 0;
}
