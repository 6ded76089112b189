/* SPDX-License-Identifier: Apache-2.0 */
/* File systems and archives whose files are compared as those of a tar archive.  Of each there is a small tree in
 * tests/fuzz/corpus, one with another content, link and set-id bit, and one with another owner. */
#include <fcntl.h>

#include "assay/file.h"
#include "pair.h"

static const struct {
	const char *name;
	const char *run, *link, *data, *hard; /* names of the members */
	bool has_owners;
} formats[] = {
	{ "squashfs", "./d/run", "./link", "./data", "./hard", true },
	{ "ext4", "./d/run", "./link", "./data", "./hard", true },
	{ "sevenzip", "d/run", "link", "data", "hard", false },
};

static void read_tree(const char *format, char which, struct assay_buf *ret)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	char path[128];

	snprintf(path, sizeof(path), "tests/fuzz/corpus/%s/tree-%c", format, which);
	ck_assert_msg(!assay_file_read(AT_FDCWD, path, ret, &err), "%s", err.msg);
}

/* 7z and cabinets are read where libarchive is there, as in the program. */
static json_t *compare_trees(const char *format, char other)
{
	struct assay_buf left = ASSAY_BUF_INIT(ASSAY_MIB), right = ASSAY_BUF_INIT(ASSAY_MIB);
	struct assay_error err = ASSAY_ERROR_INIT;
	json_t *report;
	int fd;

	read_tree(format, 'a', &left);
	read_tree(format, other, &right);
	ck_assert_str_eq(assay_format_detect(assay_buf_span(&left))->name, format);
	fd = pair_file(assay_buf_span(&left));
	ck_assert_msg(!assay_compare_prepare(fd, &err), "%s", err.msg);
	close(fd);
	report = pair_compare(assay_buf_span(&left), assay_buf_span(&right));
	ck_assert_str_eq(assay_json_text(report, "verdict", ""), "divergent");
	ck_assert_str_eq(assay_json_text(json_object_get(report, "structure"), "right", ""), "canonical");
	assay_buf_release(&left);
	assay_buf_release(&right);
	return report;
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
	json_t *report = compare_trees(formats[_i].name, 'b');

	ck_assert(has(report, formats[_i].run, "tar.mode"));
	ck_assert(has(report, formats[_i].link, "tar.linkname"));
	ck_assert(has(report, formats[_i].data, "text") || has(report, formats[_i].hard, "text"));
	json_decref(report);
}
END_TEST

/* Whoever mounts an image gets its owners: they are never folded. */
START_TEST(another_owner)
{
	json_t *report;

	if (!formats[_i].has_owners)
		return;
	report = compare_trees(formats[_i].name, 'c');
	ck_assert(has(report, formats[_i].run, "tar.uid"));
	ck_assert(!has(report, NULL, "text"));
	json_decref(report);
}
END_TEST

START_TEST(another_cabinet)
{
	json_t *report = compare_trees("cab", 'b');

	ck_assert(has(report, "data", "text"));
	ck_assert(!has(report, "run", NULL));
	json_decref(report);
}
END_TEST

/* Folders that all name the same blocks: more parts than there can be, of a small file. */
START_TEST(cabinet_of_too_many_parts)
{
	enum { FOLDERS = 65535, HEADER = 36, BLOCKS = HEADER + 8 * FOLDERS };
	struct assay_buf file = ASSAY_BUF_INIT(2 * ASSAY_MIB);
	uint32_t size = BLOCKS + 8 * 65535, blocks = BLOCKS;
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_anatomy anatomy;

	read_tree("cab", 'a', &file);
	file.len = HEADER;
	memcpy(file.data + 8, &size, 4);
	memset(file.data + 16, 0, 4);
	memset(file.data + 26, 0xff, 2);
	memset(file.data + 28, 0, 4); /* no files, no flags */
	for (size_t i = 0; i < FOLDERS; i++) {
		assay_buf_add(&file, &blocks, 4);
		assay_buf_add(&file, "\xff\xff\0\0", 4);
	}
	for (size_t i = 0; i < 65535; i++)
		assay_buf_add(&file, "\0\0\0\0\0\0\0\0", 8);
	ck_assert_int_eq(assay_anatomy_open(assay_buf_span(&file), &anatomy, &err), ASSAY_ELIMIT);
	assert_says(err.msg, "no room for more");
	assay_buf_release(&file);
}
END_TEST

static void add_tests(TCase *tcase)
{
	int count = sizeof(formats) / sizeof(formats[0]);

	tcase_add_loop_test(tcase, another_tree, 0, count);
	tcase_add_loop_test(tcase, another_owner, 0, count);
	tcase_add_test(tcase, another_cabinet);
	tcase_add_test(tcase, cabinet_of_too_many_parts);
}

int main(void)
{
	return run_suite("fmt_trees", add_tests);
}
