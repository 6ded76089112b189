/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: what is read, and that whatever else is said with its place. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>

#include "assay/config.h"

static enum assay_code parse(const char *text, struct assay_config *ret, struct assay_error *err)
{
	return assay_config_parse(assay_span_text(text), "site.yaml", ret, err);
}

START_TEST(reads_the_box)
{
	struct assay_config config;
	struct assay_error err;

	ck_assert_int_eq(parse("config: 1\n"
			       "box:\n"
			       "  driver: oci\n"
			       "  runtime: /opt/bin/crun\n"
			       "  allow: [outdated, untested]\n",
			       &config, &err),
			 ASSAY_OK);
	ck_assert_str_eq(config.box.driver, "oci");
	ck_assert_str_eq(config.box.runtime, "/opt/bin/crun");
	ck_assert_str_eq(config.box.allow[0], "outdated");
	ck_assert_str_eq(config.box.allow[1], "untested");
	ck_assert_ptr_null(config.box.allow[2]);
	assay_config_release(&config);
}
END_TEST

START_TEST(everything_but_the_version_is_optional)
{
	struct assay_config config;
	struct assay_error err;

	ck_assert_int_eq(parse("config: 1\n", &config, &err), ASSAY_OK);
	ck_assert_ptr_null(config.box.driver);
	ck_assert_ptr_null(config.box.allow);
	assay_config_release(&config);
}
END_TEST

static const struct {
	const char *text, *message;
} wrong[] = {
	{ "box: {driver: native}\n", "site.yaml:1:1: config: want 1" },
	{ "config: 2\n", "site.yaml:1:9: config: want 1, the only version there is, have \"2\"" },
	{ "config: 1\nbox: {runtme: crun}\n",
	  "site.yaml:2:7: box: unknown key \"runtme\"; did you mean \"runtime\"?" },
	{ "config: 1\nbox: {driver: docker}\n",
	  "site.yaml:2:15: box.driver: want native or oci, have \"docker\"" },
	{ "config: 1\nbox:\n  allow: [everything]\n",
	  "site.yaml:3:11: box.allow: want outdated or untested, have \"everything\"" },
	{ "config: 1\nbox: oci\n", "site.yaml:2:6: box: want a mapping" },
	{ "- config\n", "site.yaml:1:1: want a mapping" },
	{ "config: 1\nbox: {runtime: \"a\\nb\"}\n", "site.yaml:2:16: box.runtime: want one line" },
	{ "config: 1\nconfig: 1\n", "site.yaml:2:1: " },
};

START_TEST(says_what_is_wrong_and_where)
{
	struct assay_config config;
	struct assay_error err;

	ck_assert_int_eq(parse(wrong[_i].text, &config, &err), ASSAY_EINPUT);
	if (strncmp(err.msg, wrong[_i].message, strlen(wrong[_i].message)) != 0)
		ck_abort_msg("want \"%s...\", have \"%s\"", wrong[_i].message, err.msg);
}
END_TEST

START_TEST(a_named_file_must_be_there)
{
	struct assay_config config;
	struct assay_error err;

	ck_assert_int_eq(assay_config_load("/nonexistent/assay.yaml", &config, &err), ASSAY_EUSAGE);
	ck_assert_int_eq(setenv("ASSAY_CONFIG", "/nonexistent/assay.yaml", 1), 0);
	ck_assert_int_eq(assay_config_load(NULL, &config, &err), ASSAY_EUSAGE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *cases = tcase_create("config");
	SRunner *runner;
	int failed;

	tcase_add_test(cases, reads_the_box);
	tcase_add_test(cases, everything_but_the_version_is_optional);
	tcase_add_loop_test(cases, says_what_is_wrong_and_where, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(cases, a_named_file_must_be_there);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
