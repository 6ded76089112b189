/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Report writers over the reports in tests/golden/report: the same object gives the same bytes (golden
 * files; UPDATE_GOLDEN=1 writes them anew), and nothing hostile in a report steers what shows it.
 */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>

#include "assay/digest.h"
#include "assay/file.h"
#include "assay/hex.h"
#include "assay/limits.h"
#include "assay/report.h"

static struct assay_error err;

/* build/VARIANT/tests/t_report -> tests/golden/report, from wherever it is started. */
static const char *golden(const char *name)
{
	static char path[4][4096];
	static int turn;
	char self[3000];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	ck_assert_int_gt(len, 0);
	self[len] = '\0';
	*strrchr(self, '/') = '\0';
	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/../../../tests/golden/report/%s", self, name);
	return path[turn];
}

static json_t *load(const char *name)
{
	struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	char file[100];
	json_t *report = NULL;

	snprintf(file, sizeof(file), "%s.json", name);
	ck_assert_msg(assay_file_read(AT_FDCWD, golden(file), &text, &err) == ASSAY_OK, "%s", err.msg);
	ck_assert_msg(assay_json_parse(assay_buf_span(&text), file, &report, &err) == ASSAY_OK, "%s",
		      err.msg);
	assay_buf_release(&text);
	return report;
}

static char *render(const json_t *report, const char *writer, const struct assay_report_style *style)
{
	struct assay_buf out = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);

	assay_report_writer_find(writer)->write(report, style, &out);
	ck_assert_msg(assay_buf_check(&out, writer, &err) == ASSAY_OK, "%s", err.msg);
	ck_assert(assay_span_is_utf8(assay_buf_span(&out)));
	return assay_buf_take(&out);
}

static void cut_between(char *html, const char *from, const char *to)
{
	char *begin = strstr(html, from), *end = begin ? strstr(begin, to) : NULL;

	if (end)
		memmove(begin + strlen(from), end, strlen(end) + 1);
}

/* The style sheet and the script would drown the rest of a golden file. */
static void cut_style(char *html)
{
	if (strncmp(html, "<!DOCTYPE", 9) != 0)
		return;
	cut_between(html, "<style>", "</style>");
	cut_between(html, "script-src 'sha256-", "'");
	cut_between(html, "<script>", "</script>");
}

static const char *const reports[] = {
	"agreement", "reproducible", "equivalent", "divergent", "verify", "verify-reproducible", "flaky",
	"build-failed", "hostile",
};

static const struct {
	const char *writer, *suffix;
	struct assay_report_style style;
} forms[] = {
	{ "text", "txt", { .width = 100 } },
	{ "text", "colour.txt", { .colour = true, .width = 60, .verbose = true } },
	{ "markdown", "md", { .width = 0 } },
	{ "html", "html", { .width = 0 } },
	{ "sarif", "sarif", { .width = 0 } },
	{ "junit", "xml", { .width = 0 } },
	{ "diffoscope", "diffoscope.json", { .width = 0 } },
};

enum { REPORTS = sizeof(reports) / sizeof(reports[0]), FORMS = sizeof(forms) / sizeof(forms[0]) };

START_TEST(golden_outputs)
{
	const char *name = reports[_i / FORMS];
	struct assay_buf want = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	json_t *report = load(name);
	char file[200], *have;

	have = render(report, forms[_i % FORMS].writer, &forms[_i % FORMS].style);
	cut_style(have);
	snprintf(file, sizeof(file), "%s.%s", name, forms[_i % FORMS].suffix);
	if (getenv("UPDATE_GOLDEN")) {
		ck_assert_msg(assay_file_write(AT_FDCWD, golden(file), assay_span_text(have), 0644,
					       &err) == ASSAY_OK,
			      "%s", err.msg);
	} else {
		ck_assert_msg(assay_file_read(AT_FDCWD, golden(file), &want, &err) == ASSAY_OK, "%s",
			      err.msg);
		ck_assert_msg(strcmp(assay_buf_text(&want), have) == 0, "%s: want\n%s\nhave\n%s", file,
			      assay_buf_text(&want), have);
	}
	assay_buf_release(&want);
	free(have);
	json_decref(report);
}
END_TEST

/* The order in which keys were set does not show. */
START_TEST(same_object_same_bytes)
{
	const char *name = reports[_i / FORMS];
	json_t *report = load(name), *turned = json_object(), *value;
	const char *keys[64], *key;
	size_t count = 0;
	char *a, *b;

	json_object_foreach(report, key, value)
		keys[count++] = key;
	while (count--)
		assay_json_set(turned, keys[count], json_incref(json_object_get(report, keys[count])));
	a = render(report, forms[_i % FORMS].writer, &forms[_i % FORMS].style);
	b = render(turned, forms[_i % FORMS].writer, &forms[_i % FORMS].style);
	ck_assert_str_eq(a, b);
	free(a);
	free(b);
	json_decref(report);
	json_decref(turned);
}
END_TEST

/* Nothing in the text moves the cursor, turns the writing or hides. */
START_TEST(nothing_steers_a_terminal)
{
	static const char *const steering[] = { "\033", "\a", "\r", "\b", "\u202e", "\u200b", "\xc2\x85" };
	json_t *report = load("hostile");

	for (size_t f = 0; f < FORMS; f++) {
		char *text;

		if (forms[f].style.colour)
			continue;
		text = render(report, forms[f].writer, &forms[f].style);
		for (size_t i = 0; i < sizeof(steering) / sizeof(steering[0]); i++)
			ck_assert_msg(!strstr(text, steering[i]), "%s: %zu", forms[f].suffix, i);
		free(text);
	}
	json_decref(report);
}
END_TEST

static bool is_our_tag(const char *tag, size_t len)
{
	static const char *const ours =
		" !DOCTYPE html head meta title style body main header svg polygon path div p h1 h2 h3 "
		"small dl dt dd br span code nav a section article ol ul li b mark pre del ins table "
		"caption tr th td footer details summary i form label input select option fieldset "
		"legend button output kbd script ";
	char word[40];

	snprintf(word, sizeof(word), " %.*s ", (int)len, tag);
	return strstr(ours, word);
}

START_TEST(html_holds_only_our_markup)
{
	json_t *report = load("hostile");
	char *html = render(report, "html", NULL), *body;

	cut_style(html);
	body = strstr(html, "</style>");
	ck_assert_ptr_nonnull(body);
	for (const char *p = strchr(body, '<'); p; p = strchr(p + 1, '<')) {
		const char *tag = p + 1 + (p[1] == '/');

		size_t len = strcspn(p, ">");

		ck_assert_msg(is_our_tag(tag, strcspn(tag, " >")), "%.40s", p);
		ck_assert_ptr_null(memmem(p, len, "src=", 4));
		ck_assert_ptr_null(memmem(p, len, " on", 3));
		if (memmem(p, len, "href=", 5))
			ck_assert_ptr_nonnull(memmem(p, len, "href=\"#", 7));
	}
	for (const char *p = strchr(body, '&'); p; p = strchr(p + 1, '&'))
		ck_assert_msg(strcspn(p, ";") < 9, "%.40s", p);
	ck_assert_ptr_nonnull(strstr(html, "default-src 'none'"));
	free(html);
	json_decref(report);
}
END_TEST

START_TEST(the_style_loads_nothing)
{
	json_t *report = load("reproducible");
	char *html = render(report, "html", NULL);

	ck_assert_ptr_null(strstr(html, "url("));
	ck_assert_ptr_null(strstr(html, "@import"));
	ck_assert_ptr_null(strstr(html, "http:"));
	ck_assert_ptr_null(strstr(html, "https:"));
	free(html);
	json_decref(report);
}
END_TEST

/* The page lets exactly one script run: ours, by its hash. */
START_TEST(the_script_is_ours)
{
	json_t *report = load("hostile");
	char *html = render(report, "html", NULL), *script = strstr(html, "<script>"), wanted[200];
	struct assay_buf hash = ASSAY_BUF_INIT(100);
	struct assay_digest digest;

	ck_assert_ptr_nonnull(script);
	ck_assert_ptr_null(strstr(script + 1, "<script"));
	script += strlen("<script>");
	assay_digest_span(assay_span_of(script, (size_t)(strstr(script, "</script>") - script)), &digest);
	assay_base64_encode(assay_span_of(digest.bytes, sizeof(digest.bytes)), &hash);
	snprintf(wanted, sizeof(wanted), "script-src 'sha256-%s'", assay_buf_text(&hash));
	ck_assert_ptr_nonnull(strstr(html, wanted));
	assay_buf_release(&hash);
	free(html);
	json_decref(report);
}
END_TEST

START_TEST(markdown_makes_no_links_images_or_mentions)
{
	json_t *report = load("hostile");
	char *text = render(report, "markdown", NULL);

	ck_assert_ptr_null(strstr(text, "](javascript"));
	ck_assert_ptr_null(strstr(text, "\n<"));
	ck_assert_ptr_null(strstr(text, " @everyone"));
	ck_assert_ptr_null(strstr(text, "\n# heading"));
	free(text);
	json_decref(report);
}
END_TEST

/* A report that says little, or the wrong types, is still written. */
static const char *const odd[] = {
	"{}",
	"{\"subjects\": []}",
	"{\"subjects\": [null, 3, {}]}",
	"{\"verdict\": 7, \"divergences\": [null, {}, []], \"accounting\": []}",
	"{\"divergences\": [{\"path\": \"x\", \"left\": {}, \"right\": {\"bytes\": \"f\"}, "
	"\"ranges\": [3]}], \"passes\": [0], \"structure\": 4}",
	"{\"subjects\": [{}], \"attempts\": [null], \"chain\": [1], \"inputs\": [null], "
	"\"isolation\": {\"layers\": [1], \"class\": []}, \"environment\": {\"x\": 1}, "
	"\"stages\": [{}], \"attestations\": [{}]}",
	"{\"divergences\": [{\"left\": \"\", \"right\": \"a\"}, {\"left\": \"\u00e4\", \"right\": "
	"\"\u00e5\"}]}",
};

START_TEST(odd_reports_are_written)
{
	json_t *report = NULL;

	ck_assert_int_eq(assay_json_parse(assay_span_text(odd[_i]), "odd", &report, &err), ASSAY_OK);
	for (size_t f = 0; f < FORMS; f++)
		free(render(report, forms[f].writer, &forms[f].style));
	json_decref(report);
}
END_TEST

START_TEST(long_values_are_cut_around_the_difference)
{
	char left[3001], right[3001], *text;
	json_t *item = assay_json_object(), *list = assay_json_array(), *report = assay_json_object();

	memset(left, 'a', 3000);
	left[3000] = '\0';
	memcpy(right, left, sizeof(right));
	right[1500] = 'B';
	assay_json_set_text(item, "left", left);
	assay_json_set_text(item, "right", right);
	assay_json_append(list, item);
	assay_json_set(report, "divergences", list);
	assay_json_set_text(report, "verdict", "divergent");
	text = render(report, "text", NULL);
	ck_assert_ptr_nonnull(strstr(text, "aBa"));
	ck_assert_ptr_nonnull(strstr(text, "..."));
	ck_assert_uint_lt(strlen(text), 1000);
	free(text);
	json_decref(report);
}
END_TEST

/* However much there is to say, it fits into a comment, and what is left out is counted. */
START_TEST(markdown_has_a_ceiling)
{
	json_t *list = assay_json_array(), *report = assay_json_object();
	char line[500], *text;
	struct assay_buf diff = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);

	memset(line, '`', sizeof(line));
	for (int i = 0; i < 300; i++)
		assay_buf_printf(&diff, "+%.490s\n", line);
	for (int i = 0; i < 3000; i++) {
		json_t *item = assay_json_object();

		assay_json_set_text(item, "diff", assay_buf_text(&diff));
		assay_json_append(list, item);
	}
	assay_json_set(report, "divergences", list);
	assay_json_set_text(report, "verdict", "divergent");
	text = render(report, "markdown", NULL);
	ck_assert_uint_lt(strlen(text), 65536);
	ck_assert_ptr_nonnull(strstr(text, " more in the report"));
	free(text);
	assay_buf_release(&diff);
	json_decref(report);
}
END_TEST

START_TEST(writers_by_name)
{
	static const char *const names[] = { "text", "json", "html", "markdown", "sarif", "junit",
					     "diffoscope" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_str_eq(assay_report_writer_find(names[i])->name, names[i]);
	ck_assert_ptr_null(assay_report_writer_find("pdf"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("report");
	TCase *tcase = tcase_create("writers");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, golden_outputs, 0, REPORTS * FORMS);
	tcase_add_loop_test(tcase, same_object_same_bytes, 0, REPORTS * FORMS);
	tcase_add_test(tcase, nothing_steers_a_terminal);
	tcase_add_test(tcase, html_holds_only_our_markup);
	tcase_add_test(tcase, the_style_loads_nothing);
	tcase_add_test(tcase, the_script_is_ours);
	tcase_add_test(tcase, markdown_makes_no_links_images_or_mentions);
	tcase_add_loop_test(tcase, odd_reports_are_written, 0, (int)(sizeof(odd) / sizeof(odd[0])));
	tcase_add_test(tcase, long_values_are_cut_around_the_difference);
	tcase_add_test(tcase, markdown_has_a_ceiling);
	tcase_add_test(tcase, writers_by_name);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
