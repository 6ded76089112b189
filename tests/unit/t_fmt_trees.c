/* SPDX-License-Identifier: Apache-2.0 */
/* File systems and archives whose files are compared as those of a tar archive.  Of each there is a small tree in
 * tests/fuzz/corpus, one with another content, link and set-id bit, and one with another owner. */
#include <fcntl.h>

#include "assay/file.h"
#include "pair.h"

static const char *const formats[] = { "squashfs" };

static void read_tree(const char *format, char which, struct assay_buf *ret)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	char path[128];

	snprintf(path, sizeof(path), "tests/fuzz/corpus/%s/tree-%c", format, which);
	ck_assert_msg(!assay_file_read(AT_FDCWD, path, ret, &err), "%s", err.msg);
}

/* A difference below a path, of a field (NULL: any), that was not folded. */
static bool has(const json_t *report, const char *part, const char *field)
{
	const json_t *item, *name;
	size_t i, k;

	json_array_foreach(json_object_get(report, "divergences"), i, item) {
		bool is_there = !part;

		json_array_foreach(json_object_get(item, "path"), k, name)
			is_there = is_there || strcmp(json_string_value(name), part) == 0;
		if (is_there && (!field || strcmp(assay_json_text(item, "field", ""), field) == 0) &&
		    json_is_null(json_object_get(item, "pass")))
			return true;
	}
	return false;
}

START_TEST(another_tree)
{
	struct assay_buf left = ASSAY_BUF_INIT(ASSAY_MIB), right = ASSAY_BUF_INIT(ASSAY_MIB);
	json_t *report;

	read_tree(formats[_i], 'a', &left);
	read_tree(formats[_i], 'b', &right);
	ck_assert_str_eq(assay_format_detect(assay_buf_span(&left))->name, formats[_i]);
	report = pair_compare(assay_buf_span(&left), assay_buf_span(&right));
	ck_assert_str_eq(assay_json_text(report, "verdict", ""), "divergent");
	ck_assert(has(report, "./d/run", "tar.mode"));
	ck_assert(has(report, "./link", "tar.linkname"));
	ck_assert(has(report, "./data", "text") || has(report, "./hard", "text"));
	json_decref(report);
	assay_buf_release(&left);
	assay_buf_release(&right);
}
END_TEST

/* Whoever mounts an image gets its owners: they are never folded. */
START_TEST(another_owner)
{
	struct assay_buf left = ASSAY_BUF_INIT(ASSAY_MIB), right = ASSAY_BUF_INIT(ASSAY_MIB);
	json_t *report;

	read_tree(formats[_i], 'a', &left);
	read_tree(formats[_i], 'c', &right);
	report = pair_compare(assay_buf_span(&left), assay_buf_span(&right));
	ck_assert_str_eq(assay_json_text(report, "verdict", ""), "divergent");
	ck_assert(has(report, "./d/run", "tar.uid"));
	ck_assert(!has(report, NULL, "text"));
	json_decref(report);
	assay_buf_release(&left);
	assay_buf_release(&right);
}
END_TEST

static void add_tests(TCase *tcase)
{
	int count = sizeof(formats) / sizeof(formats[0]);

	tcase_add_loop_test(tcase, another_tree, 0, count);
	tcase_add_loop_test(tcase, another_owner, 0, count);
}

int main(void)
{
	return run_suite("fmt_trees", add_tests);
}
