/* SPDX-License-Identifier: Apache-2.0 */
/* docs/formats/<format>.md says by hand what is read and why something is safe, and ends with the field
 * table of the format, written by this test: UPDATE_GOLDEN=1 build/release/tests/t_format_pages.
 * docs/formats/elf.md is wholly kept by hand. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>

#include "assay/file.h"
#include "assay/limits.h"
#include "normalizers/anatomy.h"

/* All formats but elf, text and binary behind them; NULL beyond. */
static const struct assay_format *format_at(size_t index)
{
	for (const struct assay_format *const *f = assay_formats; *f; f++)
		if (strcmp((*f)->name, "elf") != 0 && index-- == 0)
			return *f;
	return index == 0 ? &assay_format_text : index == 1 ? &assay_format_binary : NULL;
}

static void write_table(const struct assay_format *format, struct assay_buf *out)
{
	assay_buf_add_text(out, "\n## Fields\n\n"
				"| field | kind | rating | pass | grade | meaning |\n"
				"|---|---|---|---|---|---|\n");
	for (const struct assay_field *f = format->fields; f->name; f++)
		assay_buf_printf(out, "| `%s` | %s | %s | %s | %s | %s |\n", f->name,
				 assay_kind_name(f->kind), assay_rating_name(f->rating),
				 f->pass ? f->pass : "", f->pass ? assay_grade_name(f->grade) : "",
				 f->rule ? f->rule : "");
}

/* What is written by hand: all in front of the table, which a new page does not have yet. */
static struct assay_span notes_of(struct assay_span page)
{
	return assay_span_cut(page, 0, assay_span_find(page, 0, assay_span_text("\n## Fields\n")));
}

START_TEST(page_ends_with_the_table)
{
	struct assay_buf want = ASSAY_BUF_INIT(ASSAY_MIB), have = ASSAY_BUF_INIT(ASSAY_MIB);
	const struct assay_format *format = format_at((size_t)_i);
	struct assay_error err = ASSAY_ERROR_INIT;
	char path[128];

	snprintf(path, sizeof(path), "docs/formats/%s.md", format->name);
	ck_assert_msg(assay_file_read(AT_FDCWD, path, &have, &err) == ASSAY_OK, "%s", err.msg);
	ck_assert_msg(notes_of(assay_buf_span(&have)).len > 100, "%s: nothing written by hand", path);
	assay_buf_add_span(&want, notes_of(assay_buf_span(&have)));
	write_table(format, &want);
	if (getenv("UPDATE_GOLDEN"))
		ck_assert_int_eq(assay_file_write(AT_FDCWD, path, assay_buf_span(&want), 0644, &err),
				 ASSAY_OK);
	else
		ck_assert_msg(assay_span_equal(assay_buf_span(&want), assay_buf_span(&have)),
			      "%s: not what the field table says; UPDATE_GOLDEN=1 writes it", path);
	assay_buf_release(&want);
	assay_buf_release(&have);
}
END_TEST

START_TEST(every_format_has_one)
{
	for (const struct assay_format *const *f = assay_formats; *f; f++) {
		char path[128];

		snprintf(path, sizeof(path), "docs/formats/%s.md", (*f)->name);
		ck_assert_msg(access(path, F_OK) == 0, "want %s", path);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("format_pages");
	TCase *tc = tcase_create("format_pages");
	SRunner *runner;
	int failed, pages = 0;

	while (format_at((size_t)pages))
		pages++;
	tcase_add_loop_test(tc, page_ends_with_the_table, 0, pages);
	tcase_add_test(tc, every_format_has_one);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
