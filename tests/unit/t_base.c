/* SPDX-License-Identifier: Apache-2.0 */
/* lib/base: spans, buffers, hex and base64, times, paths. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/hex.h"
#include "assay/json.h"
#include "assay/path.h"
#include "assay/process.h"
#include "assay/time.h"

START_TEST(show_escapes_what_steers_a_terminal)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "plain", "plain" },	   { "a\033[31m", "a\\x1b[31m" }, { "\xff", "\\xff" },
		{ "\xc3\xa4", "\xc3\xa4" }, { "\xc2\x9b", "\\xc2\\x9b" },
		/* an en dash, and what turns the text around */
		{ "\xe2\x80\x93", "\xe2\x80\x93" }, { "\xe2\x80\xae", "\\xe2\\x80\\xae" },
	};
	char out[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_str_eq(assay_span_show(assay_span_text(cases[i].in), out, sizeof(out)),
				 cases[i].want);
}
END_TEST

START_TEST(base64_round_trip_and_refusals)
{
	static const char *const bad[] = { "A", "A===", "QQ=Q", "QR==", "Q Q=", "QUI=QUI=" };
	struct assay_buf text = ASSAY_BUF_INIT(1000), back = ASSAY_BUF_INIT(1000);
	uint8_t bytes[64];

	for (size_t len = 0; len < sizeof(bytes); len++) {
		bytes[len] = (uint8_t)(len * 37);
		assay_buf_clear(&text);
		assay_buf_clear(&back);
		assay_base64_encode(assay_span_of(bytes, len), &text);
		ck_assert(assay_base64_decode(assay_buf_span(&text), &back));
		ck_assert_uint_eq(back.len, len);
		ck_assert(len == 0 || memcmp(back.data, bytes, len) == 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!assay_base64_decode(assay_span_text(bad[i]), &back), "%s", bad[i]);
	assay_buf_release(&text);
	assay_buf_release(&back);
}
END_TEST

START_TEST(buffer_keeps_its_ceiling)
{
	struct assay_buf buf = ASSAY_BUF_INIT(4);
	struct assay_error err;

	assay_buf_add_text(&buf, "1234");
	ck_assert_int_eq(assay_buf_check(&buf, "x", &err), ASSAY_OK);
	assay_buf_add_text(&buf, "5");
	ck_assert_int_eq(assay_buf_check(&buf, "x", &err), ASSAY_ELIMIT);
	ck_assert_str_eq(assay_buf_text(&buf), "1234");
	assay_buf_release(&buf);
}
END_TEST

START_TEST(contained_paths)
{
	static const char *const good[] = { "a", "a/b", "./a", "..a/b..", "a/..b" };
	static const char *const bad[] = { "", "/a", "..", "a/../b", "a/..", "../a" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(assay_path_is_contained(assay_span_text(good[i])), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!assay_path_is_contained(assay_span_text(bad[i])), "%s", bad[i]);
}
END_TEST

START_TEST(remove_tree_survives_depth_and_modes)
{
	assay_auto(assay_freep) char *top = NULL;
	struct assay_error err = ASSAY_ERROR_INIT;
	int fd;

	ck_assert_int_eq(assay_path_make_temp("/tmp", "assay-test-", &top, &err), ASSAY_OK);
	fd = open(top, O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < 3000; i++) {
		int next;

		ck_assert_int_eq(mkdirat(fd, "d", 0755), 0);
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY);
		if (i % 100 == 0)
			ck_assert_int_eq(symlinkat("/etc/passwd", fd, "link"), 0);
		if (i % 500 == 0)
			ck_assert_int_eq(fchmod(fd, 0500), 0);
		close(fd);
		fd = next;
	}
	close(fd);
	ck_assert_msg(assay_path_remove_tree(AT_FDCWD, top, &err) == ASSAY_OK, "%s", err.msg);
	ck_assert_int_ne(access(top, F_OK), 0);
	ck_assert_int_eq(access("/etc/passwd", F_OK), 0);
}
END_TEST

START_TEST(draft_leaves_nothing_when_abandoned)
{
	assay_auto(assay_freep) char *top = NULL;
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_draft draft = ASSAY_DRAFT_INIT;
	struct assay_buf buf = ASSAY_BUF_INIT(100);
	int dir;

	ck_assert_int_eq(assay_path_make_temp("/tmp", "assay-test-", &top, &err), ASSAY_OK);
	dir = open(top, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(assay_draft_open(&draft, dir, "file", 0644, &err), ASSAY_OK);
	assay_draft_release(&draft);
	ck_assert_int_eq(unlinkat(dir, "file", 0), -1);
	ck_assert_int_eq(assay_file_write(dir, "file", assay_span_text("whole"), 0644, &err),
			 ASSAY_OK);
	ck_assert_int_eq(assay_file_read(dir, "file", &buf, &err), ASSAY_OK);
	ck_assert_str_eq(assay_buf_text(&buf), "whole");
	assay_buf_release(&buf);
	ck_assert_int_eq(unlinkat(dir, "file", 0), 0);
	close(dir);
	ck_assert_msg(rmdir(top) == 0, "a draft was left in %s", top);
}
END_TEST

START_TEST(rfc5322_dates)
{
	int64_t when;
	char text[ASSAY_TIME_TEXT];

	ck_assert(assay_time_parse_rfc5322(
		assay_span_text("Sat, 01 Apr 2023 14:03:27 +0200"), &when));
	ck_assert_str_eq(assay_time_format(when, text), "2023-04-01T12:03:27Z");
	ck_assert(!assay_time_parse_rfc5322(assay_span_text("yesterday"), &when));
}
END_TEST

START_TEST(names_that_are_not_text)
{
	json_t *name = assay_json_name(assay_span_of("a\xff", 2));

	ck_assert_str_eq(assay_json_text(name, "bytes", ""), "61ff");
	json_decref(name);
}
END_TEST

/* A report that is looked at cannot turn its own text around; who parses it gets the same. */
START_TEST(json_that_people_look_at)
{
	static const char text[] = "a\u202eb\u061c\xc2\x9b" "c\u00e9\u2066";
	assay_auto(assay_buf_release) struct assay_buf out = ASSAY_BUF_INIT(1024);
	assay_auto(assay_json_freep) json_t *json = json_string(text);
	assay_auto(assay_json_freep) json_t *back = NULL;

	assay_json_dump(json, &out);
	ck_assert_str_eq(assay_buf_text(&out), "\"a\\u202eb\\u061c\\u009bc\u00e9\\u2066\"\n");
	back = json_loads(assay_buf_text(&out), JSON_DECODE_ANY, NULL);
	ck_assert(json_equal(json, back));
}
END_TEST

START_TEST(process_deadline_and_status)
{
	static const char *const fail[] = { "sh", "-c", "echo no such luck >&2; exit 7", NULL };
	static const char *const slow[] = { "sleep", "60", NULL };
	struct assay_process p = ASSAY_PROCESS_INIT;
	struct assay_error err = ASSAY_ERROR_INIT;
	int status;

	p.argv = fail;
	ck_assert_int_eq(assay_process_run(&p, &status, &err), ASSAY_OK);
	ck_assert_int_eq(status, 7);
	ck_assert_int_eq(assay_process_must(&p, &err), ASSAY_EIO);
	ck_assert_ptr_nonnull(strstr(err.msg, "no such luck"));
	p.argv = slow;
	p.timeout_s = 1;
	ck_assert_int_eq(assay_process_run(&p, &status, &err), ASSAY_ETIMEOUT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base");
	TCase *tc = tcase_create("base");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, show_escapes_what_steers_a_terminal);
	tcase_add_test(tc, base64_round_trip_and_refusals);
	tcase_add_test(tc, buffer_keeps_its_ceiling);
	tcase_add_test(tc, contained_paths);
	tcase_add_test(tc, remove_tree_survives_depth_and_modes);
	tcase_add_test(tc, draft_leaves_nothing_when_abandoned);
	tcase_add_test(tc, rfc5322_dates);
	tcase_add_test(tc, names_that_are_not_text);
	tcase_add_test(tc, json_that_people_look_at);
	tcase_add_test(tc, process_deadline_and_status);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
