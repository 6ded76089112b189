/* SPDX-License-Identifier: Apache-2.0 */
/* Options: every kind, every way to get one wrong, and what is said then. */
#include <check.h>
#include <fcntl.h>
#include <unistd.h>

#include "cli/options.c"

const struct cli_page cli_pages[] = {
	{ "", "the program\n" },
	{ "cook", "usage: cook\n" },
	{ "recipe check", "check\n" },
	{ "recipe", "all of recipe\n" },
	{ NULL, NULL },
};

struct values {
	bool keep, quiet;
	const char *html, *out;
	struct cli_optional json;
	struct cli_list mirrors;
};

static char said[2000];

/* Parses a line of words; what went to stderr is kept in said. */
static int parse(const char *line, struct values *v, int min, int max, char ***args, int *count)
{
	static char words[500];
	static char *argv[20];
	const struct cli_option options[] = {
		{ "html", CLI_TEXT, &v->html },
		{ "json", CLI_OPTIONAL, &v->json },
		{ "keep", CLI_FLAG, &v->keep },
		{ "keep-going", CLI_FLAG, &v->quiet },
		{ "mirror", CLI_LIST, &v->mirrors },
		{ "o", CLI_TEXT, &v->out },
		{ "quiet", CLI_FLAG, &v->quiet },
		{ NULL, CLI_FLAG, NULL },
	};
	int argc = 0, status, saved = dup(2), pipes[2];
	ssize_t got;

	snprintf(words, sizeof(words), "cook %s", line);
	for (char *p = words, *word; (word = strsep(&p, " "));)
		if (*word)
			argv[argc++] = word;
	argv[argc] = NULL;
	ck_assert_int_eq(pipe(pipes), 0);
	dup2(pipes[1], 2);
	status = cli_parse("cook", argc, argv, options, min, max, args, count);
	fflush(stderr);
	dup2(saved, 2);
	close(saved);
	close(pipes[1]);
	got = read(pipes[0], said, sizeof(said) - 1);
	said[got > 0 ? got : 0] = '\0';
	close(pipes[0]);
	return status;
}

START_TEST(every_kind_and_any_order)
{
	struct values v = { .keep = false };
	char **args;
	int count;

	ck_assert_int_eq(parse("a --mirror=x=y b --json --html f -o out --keep --mirror z -- --quiet",
			       &v, 3, 3, &args, &count),
			 0);
	ck_assert_str_eq(said, "");
	ck_assert_int_eq(count, 3);
	ck_assert_str_eq(args[0], "a");
	ck_assert_str_eq(args[1], "b");
	ck_assert_str_eq(args[2], "--quiet");
	ck_assert(v.keep && !v.quiet && v.json.given);
	ck_assert_ptr_null(v.json.value);
	ck_assert_str_eq(v.html, "f");
	ck_assert_str_eq(v.out, "out");
	ck_assert_uint_eq(v.mirrors.count, 2);
	ck_assert_str_eq(v.mirrors.items[0], "x=y");
	ck_assert_str_eq(v.mirrors.items[1], "z");
	ck_assert_ptr_null(v.mirrors.items[2]);
	free(v.mirrors.items);
}
END_TEST

START_TEST(prefixes)
{
	struct values v = { .keep = false };
	char **args;
	int count;

	ck_assert_int_eq(parse("--js=file --ht=x --keep", &v, 0, 0, &args, &count), 0);
	ck_assert_str_eq(v.json.value, "file");
	ck_assert_str_eq(v.html, "x");
	ck_assert(v.keep && !v.quiet); /* a whole name is not ambiguous */
	ck_assert_int_eq(count, 0);
}
END_TEST

static const struct {
	const char *line, *message;
} wrong[] = {
	{ "--htlm=x", "assay cook: no option --htlm; did you mean --html?\n" },
	{ "--mirrors=x", "assay cook: no option --mirrors; did you mean --mirror?\n" },
	{ "--zzz", "assay cook: no option --zzz\n" },
	{ "--ke", "assay cook: --ke could be any of: --keep --keep-going\n" },
	{ "--h", "assay cook: --h could be any of: --html --help\n" },
	{ "--keep=3", "assay cook: --keep takes no value\n" },
	{ "--help=3", "assay cook: --help takes no value\n" },
	{ "x --html", "assay cook: --html wants a value\n" },
	{ "x -o", "assay cook: -o wants a value\n" },
	{ "-x", "assay cook: no option -x\n" },
	{ "-\001", "assay cook: no option -\\x01\n" },
	{ "", "assay cook: want at least 1 argument, have 0\n" },
	{ "a b c", "assay cook: want at most 2 arguments, have 3: \"c\" is too many\n" },
};

START_TEST(what_is_wrong_is_said)
{
	struct values v = { .keep = false };
	char **args;
	int count;

	ck_assert_int_eq(parse(wrong[_i].line, &v, 1, 2, &args, &count), 2);
	ck_assert_msg(strncmp(said, wrong[_i].message, strlen(wrong[_i].message)) == 0,
		      "want %s\nhave %s", wrong[_i].message, said);
	if (!strstr(said, "any of"))
		ck_assert_ptr_nonnull(strstr(said, "Try `assay cook --help`.\n"));
}
END_TEST

START_TEST(a_name_without_end)
{
	struct values v = { .keep = false };
	char line[400], **args;
	int count;

	memset(line, 'a', sizeof(line));
	memcpy(line, "--", 2);
	line[sizeof(line) - 1] = '\0';
	ck_assert_int_eq(parse(line, &v, 0, 0, &args, &count), 2);
	ck_assert_ptr_nonnull(strstr(said, "no option of such length"));
}
END_TEST

START_TEST(pages)
{
	ck_assert_str_eq(cli_help(""), "the program\n");
	ck_assert_str_eq(cli_help("recipe check"), "check\n");
	ck_assert_str_eq(cli_help("recipe lock"), "all of recipe\n");
	ck_assert_ptr_null(cli_help("nothing"));
}
END_TEST

START_TEST(help_exits_with_0)
{
	struct values v = { .keep = false };
	char **args;
	int count;

	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stdout));
	parse("--nothing-comes-first --help", &v, 0, 0, &args, &count);
	parse("--help --whatever", &v, 1, 1, &args, &count);
}
END_TEST

START_TEST(errors_have_their_status)
{
	struct assay_error err = ASSAY_ERROR_INIT;

	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
	assay_fail(&err, ASSAY_EUNTRUSTED, "bad signature");
	ck_assert_int_eq(cli_fail(&err), 4);
	assay_fail(&err, ASSAY_EUSAGE, "no such thing");
	ck_assert_int_eq(cli_fail(&err), 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("options");
	TCase *tcase = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, every_kind_and_any_order);
	tcase_add_test(tcase, prefixes);
	tcase_add_loop_test(tcase, what_is_wrong_is_said, 0,
			    (int)(sizeof(wrong) / sizeof(wrong[0])));
	tcase_add_test(tcase, a_name_without_end);
	tcase_add_test(tcase, pages);
	if (srunner_fork_status(runner) == CK_FORK)
		tcase_add_exit_test(tcase, help_exits_with_0, 0);
	tcase_add_test(tcase, errors_have_their_status);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
