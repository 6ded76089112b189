/* SPDX-License-Identifier: Apache-2.0 */
/* "cpio": inode numbers mean nothing, which members are links of each other means much. */
#include "pair.h"

struct member {
	const char *name, *data;
	unsigned ino, mode, nlink, mtime, check;
};

#define CPIO(name) assay_auto(assay_buf_release) struct assay_buf name = ASSAY_BUF_INIT(ASSAY_MIB)

static void pad(struct assay_buf *out)
{
	while (out->len % 4)
		assay_buf_add(out, "", 1);
}

static void add(struct assay_buf *out, const char *magic, const struct member *m)
{
	size_t len = strlen(m->data);

	assay_buf_add_text(out, magic);
	assay_buf_printf(out, "%08X%08X%08X%08X%08X%08X%08zX", m->ino, m->mode, 0U, 0U, m->nlink,
			 m->mtime, len);
	assay_buf_printf(out, "%08X%08X%08X%08X%08zX%08X", 8U, 1U, 0U, 0U, strlen(m->name) + 1,
			 m->check);
	assay_buf_add(out, m->name, strlen(m->name) + 1);
	pad(out);
	assay_buf_add(out, m->data, len);
	pad(out);
}

static void finish(struct assay_buf *out)
{
	struct member end = { "TRAILER!!!", "", 0, 0, 1, 0, 0 };

	add(out, "070701", &end);
}

static void make(struct assay_buf *out, const struct member *members, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add(out, "070701", &members[i]);
	finish(out);
}

static const struct member usual[] = {
	{ "a", "", 5, 0100644, 2, 1600000000, 0 },
	{ "b", "data", 5, 0100644, 2, 1600000000, 0 },
	{ "c", "cc", 6, 0100644, 1, 1600000000, 0 },
};

static const struct {
	struct member members[3];
	const char *want;
} changes[] = {
	{ { { "a", "", 77, 0100644, 2, 1600000000, 0 },
	    { "b", "data", 77, 0100644, 2, 1600000000, 0 },
	    { "c", "cc", 9, 0100644, 1, 1600000000, 0 } },
	  "equivalent: cpio-inode" },
	{ { { "a", "", 5, 0100644, 2, 1, 0 },
	    { "b", "data", 5, 0100644, 2, 1, 0 },
	    { "c", "cc", 6, 0100644, 1, 1, 0 } },
	  "equivalent: cpio-mtime" },
	/* a is a file of its own now */
	{ { { "a", "", 5, 0100644, 1, 1600000000, 0 },
	    { "b", "data", 6, 0100644, 1, 1600000000, 0 },
	    { "c", "cc", 7, 0100644, 1, 1600000000, 0 } },
	  "divergent" },
	{ { { "a", "", 5, 0104755, 2, 1600000000, 0 },
	    { "b", "data", 5, 0104755, 2, 1600000000, 0 },
	    { "c", "cc", 6, 0100644, 1, 1600000000, 0 } },
	  "divergent" },
	{ { { "a", "", 5, 0100644, 2, 1600000000, 0 },
	    { "b", "data", 5, 0100644, 2, 1600000000, 0 },
	    { "c", "cc", 6, 0120777, 1, 1600000000, 0 } },
	  "divergent" },
};

START_TEST(changes_of_members)
{
	CPIO(left);
	CPIO(right);

	make(&left, usual, 3);
	make(&right, changes[_i].members, 3);
	assert_says(structure_of(assay_buf_span(&left)), "cpio canonical");
	assert_says(pair_verdict_bufs(&left, &right), changes[_i].want);
}
END_TEST

START_TEST(structure)
{
	struct member wrong = { "x", "ab", 1, 0100644, 1, 0, 5 };
	CPIO(twice);
	CPIO(sum);
	CPIO(second);
	CPIO(open);

	add(&twice, "070701", &usual[2]);
	make(&twice, usual, 3);
	assert_says(structure_of(assay_buf_span(&twice)), "comes twice");
	add(&sum, "070702", &wrong);
	finish(&sum);
	assert_says(structure_of(assay_buf_span(&sum)), "sum of the data");
	assay_buf_clear(&sum);
	wrong.check = 'a' + 'b';
	add(&sum, "070702", &wrong);
	finish(&sum);
	assert_says(structure_of(assay_buf_span(&sum)), "cpio canonical");
	make(&second, usual, 1);
	make(&second, usual, 1);
	assert_says(structure_of(assay_buf_span(&second)), "behind the trailer");
	add(&open, "070701", &usual[0]);
	assert_says(structure_of(assay_buf_span(&open)), "no trailer");
	open.data[10] = 'x';
	assert_says(structure_of(assay_buf_span(&open)), "want hex digits");
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, changes_of_members, 0, sizeof(changes) / sizeof(changes[0]));
	tcase_add_test(tcase, structure);
}

int main(void)
{
	return run_suite("cpio", add_tests);
}
