/* SPDX-License-Identifier: Apache-2.0 */
/* docs/formats/<format>.md is the field table of the format, written by this test:
 * UPDATE_GOLDEN=1 build/release/tests/t_format_pages.  docs/formats/elf.md is kept by hand. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>

#include "assay/file.h"
#include "assay/limits.h"
#include "normalizers/anatomy.h"

static const struct {
	const char *name, *title, *source;
} pages[] = {
	{ "ar", "ar archives and static libraries", "ar(5), System V and BSD variants" },
	{ "binary", "Files of no known format", "compared byte by byte" },
	{ "bzip2", "bzip2 streams", "the bzip2 source's own description" },
	{ "cpio", "cpio archives: newc, crc, odc", "cpio(5), the kernel's initramfs buffer format" },
	{ "deb", "Debian packages", "deb(5)" },
	{ "gzip", "gzip members", "RFC 1952, RFC 1951" },
	{ "json", "JSON documents", "RFC 8259" },
	{ "mo", "gettext message catalogues", "the GNU gettext manual, MO files" },
	{ "png", "PNG images", "PNG specification, third edition" },
	{ "pyc", "Python bytecode files", "PEP 552 and the marshal format" },
	{ "tar", "tar archives: v7, ustar, pax, GNU", "POSIX.1-2017 pax, GNU tar manual" },
	{ "text", "Text in UTF-8", "compared line by line" },
	{ "xz", "xz streams", "the .xz file format 1.1.0" },
	{ "zip", "zip archives: jar, whl, and all that are one", "APPNOTE 6.3.10" },
	{ "zstd", "Zstandard frames", "RFC 8878" },
};

#define PAGE_COUNT (sizeof(pages) / sizeof(pages[0]))

static const struct assay_format *find(const char *name)
{
	for (const struct assay_format *const *f = assay_formats; *f; f++)
		if (strcmp((*f)->name, name) == 0)
			return *f;
	return strcmp(name, "text") == 0 ? &assay_format_text : &assay_format_binary;
}

static void write_page(int i, struct assay_buf *out)
{
	const struct assay_format *format = find(pages[i].name);

	ck_assert_str_eq(format->name, pages[i].name);
	assay_buf_printf(out,
			 "# %s\n\nSource: %s. Found by content, never by name. Every byte of a file "
			 "belongs to one of these\nfields; what is left over makes the structure "
			 "ambiguous, and ambiguous is never equivalent.\n\n"
			 "| field | kind | rating | pass | grade | meaning |\n|---|---|---|---|---|---|\n",
			 pages[i].title, pages[i].source);
	for (const struct assay_field *f = format->fields; f->name; f++)
		assay_buf_printf(out, "| `%s` | %s | %s | %s | %s | %s |\n", f->name,
				 assay_kind_name(f->kind), assay_rating_name(f->rating),
				 f->pass ? f->pass : "", f->pass ? assay_grade_name(f->grade) : "",
				 f->rule ? f->rule : "");
}

START_TEST(page_is_the_table)
{
	struct assay_buf want = ASSAY_BUF_INIT(ASSAY_MIB), have = ASSAY_BUF_INIT(ASSAY_MIB);
	struct assay_error err = ASSAY_ERROR_INIT;
	char path[128];

	snprintf(path, sizeof(path), "docs/formats/%s.md", pages[_i].name);
	write_page(_i, &want);
	if (getenv("UPDATE_GOLDEN"))
		ck_assert_int_eq(assay_file_write(AT_FDCWD, path, assay_buf_span(&want), 0644, &err),
				 ASSAY_OK);
	ck_assert_msg(assay_file_read(AT_FDCWD, path, &have, &err) == ASSAY_OK, "%s", err.msg);
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
	int failed;

	tcase_add_loop_test(tc, page_is_the_table, 0, PAGE_COUNT);
	tcase_add_test(tc, every_format_has_one);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
