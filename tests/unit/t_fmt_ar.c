/* SPDX-License-Identifier: Apache-2.0 */
/* "ar" and "deb": names of both kinds, the symbol index as a claim, and what a package must consist of. */
#include "pair.h"
#include "tests/fuzz/canon.h"

struct member {
	const char *name, *data;
	unsigned mtime, mode;
};

#define AR(name) assay_auto(assay_buf_release) struct assay_buf name = ASSAY_BUF_INIT(ASSAY_MIB)

static void start(struct assay_buf *ar)
{
	assay_buf_add_text(ar, "!<arch>\n");
}

static void add_bytes(struct assay_buf *ar, const char *name, unsigned mtime, unsigned mode,
		      const void *data, size_t len)
{
	assay_buf_printf(ar, "%-16s%-12u%-6u%-6u%-8o%-10zu`\n", name, mtime, 0U, 0U, mode, len);
	assay_buf_add(ar, data, len);
	if (len % 2)
		assay_buf_add_text(ar, "\n");
}

static void add(struct assay_buf *ar, const struct member *m)
{
	add_bytes(ar, m->name, m->mtime, m->mode, m->data, strlen(m->data));
}

static const struct member a = { "a.o/", "object a", 1600000000, 0100644 };
static const struct member b = { "b.o/", "object b!", 1600000000, 0100644 };

static const struct {
	struct member changed;
	const char *want;
} changes[] = {
	{ { "a.o/", "object a", 0, 0100644 }, "equivalent: ar-mtime" },
	{ { "a.o/", "object a", 1600000000, 0644 }, "equivalent: ar-dialect" },
	{ { "a.o", "object a", 1600000000, 0100644 }, "equivalent: ar-dialect" },
	{ { "#1/4", "a.o\0object a", 1600000000, 0100644 }, "divergent" }, /* data is cut by strlen */
	{ { "a.o/", "object A", 1600000000, 0100644 }, "divergent" },
	{ { "c.o/", "object a", 1600000000, 0100644 }, "divergent" },
	{ { "a.o/", "object a", 1600000000, 0104755 }, "divergent" },
};

START_TEST(changes_of_a_member)
{
	AR(left);
	AR(right);

	start(&left);
	add(&left, &a);
	add(&left, &b);
	start(&right);
	add(&right, &changes[_i].changed);
	add(&right, &b);
	assert_says(pair_verdict_bufs(&left, &right), changes[_i].want);
}
END_TEST

START_TEST(order_and_names_that_repeat)
{
	AR(left);
	AR(right);
	AR(twice);
	AR(swapped);
	struct member again = a;

	start(&left);
	add(&left, &a);
	add(&left, &b);
	start(&right);
	add(&right, &b);
	add(&right, &a);
	assert_says(pair_verdict_bufs(&left, &right), "equivalent: ar-order");
	again.data = "another object a";
	start(&twice);
	add(&twice, &a);
	add(&twice, &again);
	start(&swapped);
	add(&swapped, &again);
	add(&swapped, &a);
	assert_says(structure_of(assay_buf_span(&twice)), "ar canonical");
	assert_says(pair_verdict_bufs(&twice, &swapped), "divergent");
}
END_TEST

START_TEST(index_that_lies_is_not_derived)
{
	/* one symbol, said to be defined by the member at offset 88, which is no object at all */
	static const char index[] = "\0\0\0\1\0\0\0\x58main\0";
	AR(left);
	AR(right);

	start(&left);
	add(&left, &a);
	start(&right);
	add_bytes(&right, "/", 0, 0, index, sizeof(index) - 1);
	add(&right, &a);
	assert_says(pair_verdict_bufs(&left, &right), "divergent");
	/* an index of nothing is what ranlib makes of it */
	right.len = 8;
	add_bytes(&right, "/", 0, 0, "\0\0\0\0", 4);
	add(&right, &a);
	assert_says(pair_verdict_bufs(&left, &right), "equivalent: ar-symbol-index");
}
END_TEST

START_TEST(table_of_names)
{
	static const char table[] = "a_name_of_more_than_16_bytes.o/\n";
	struct member m = a;
	AR(used);
	AR(hidden);

	m.name = "/0";
	start(&used);
	add_bytes(&used, "//", 0, 0, table, sizeof(table) - 1);
	add(&used, &m);
	assert_says(structure_of(assay_buf_span(&used)), "ar canonical");
	start(&hidden);
	add_bytes(&hidden, "//", 0, 0, table, sizeof(table) - 1);
	add(&hidden, &a);
	assert_says(structure_of(assay_buf_span(&hidden)), "table of names");
	m.name = "/5";
	start(&hidden);
	hidden.len = 8;
	add_bytes(&hidden, "//", 0, 0, table, sizeof(table) - 1);
	add(&hidden, &m);
	assert_says(structure_of(assay_buf_span(&hidden)), "no entry of the table");
}
END_TEST

START_TEST(malformed_with_the_place)
{
	AR(ar);

	start(&ar);
	add(&ar, &a);
	ar.data[8 + 28] = 'x';
	assert_says(structure_of(assay_buf_span(&ar)), "member 0: offset 36: uid field");
	ar.data[8 + 28] = '0';
	memcpy(ar.data + 8 + 48, "9999", 4);
	assert_says(structure_of(assay_buf_span(&ar)), "size field");
	memcpy(ar.data + 8 + 48, "8   ", 4);
	ar.data[8 + 58] = 'x';
	assert_says(structure_of(assay_buf_span(&ar)), "does not end with");
}
END_TEST

static const struct {
	const char *names[5];
	const char *want;
} packages[] = {
	{ { "debian-binary", "control.tar", "data.tar" }, "deb canonical" },
	{ { "debian-binary", "control.tar.xz", "data.tar.zst" }, "deb canonical" },
	{ { "debian-binary", "data.tar", "control.tar" }, "not one that deb(5) prescribes" },
	{ { "debian-binary", "control.tar", "evil", "data.tar" }, "not one that deb(5) prescribes" },
	{ { "debian-binary", "control.tar", "data.tar", "_extra" }, "behind data.tar" },
	{ { "debian-binary", "control.tar", "data.tar", "data.tar" }, "comes twice" },
	{ { "debian-binary", "control.tar" }, "data.tar is missing" },
};

START_TEST(members_of_a_package)
{
	AR(deb);

	start(&deb);
	for (size_t i = 0; packages[_i].names[i]; i++) {
		struct member m = { packages[_i].names[i], "2.0\n", 0, 0100644 };

		add(&deb, &m);
	}
	assert_says(structure_of(assay_buf_span(&deb)), packages[_i].want);
}
END_TEST

/* The state of the canonical form and why; the form itself in out. */
static const char *normalized(const struct assay_buf *ar, struct assay_buf *out)
{
	static char text[512];
	struct assay_error err = ASSAY_ERROR_INIT;
	int in = canon_file(ar->data, ar->len), made;
	json_t *result = canon_normalize(in, NULL, &made);

	ck_assert_ptr_nonnull(result);
	ck_assert_int_eq(lseek(made, 0, SEEK_SET), 0);
	ck_assert_int_eq(assay_buf_read_fd(out, made, &err), ASSAY_OK);
	snprintf(text, sizeof(text), "%s %s", assay_json_text(result, "state", ""),
		 assay_json_text(result, "reason", ""));
	json_decref(result);
	close(in);
	close(made);
	return text;
}

/* A name of "\0.o": cut at its NUL it would be that of the symbol index. */
START_TEST(name_that_a_header_does_not_hold)
{
	static const char *const deb_names[] = { "data.tar.x", "#1/9", "#1/9" };
	static const char *const deb_data[] = { "2.0\n", "data.tar/2.0\n", "data.tar 2.0\n" };
	AR(library);
	AR(out);

	start(&library);
	add(&library, &a);
	add(&library, &b);
	library.data[8] = '\0';
	assert_says(normalized(&library, &out), "changed");
	ck_assert_uint_ne(assay_span_find(assay_buf_span(&out), 0, assay_span_of("\0.o/\n", 5)), SIZE_MAX);
	assert_says(pair_verdict_bufs(&library, &out), "equivalent");
	for (size_t i = 0; i < sizeof(deb_names) / sizeof(deb_names[0]); i++) {
		AR(deb);
		AR(left_alone);

		start(&deb);
		add(&deb, &(struct member){ "debian-binary", "2.0\n", 5, 0100644 });
		add(&deb, &(struct member){ "control.tar", "2.0\n", 5, 0100644 });
		add(&deb, &(struct member){ deb_names[i], deb_data[i], 5, 0100644 });
		if (i == 0)
			deb.data[8 + 2 * 64 + 8] = '\0';
		assert_says(normalized(&deb, &left_alone), "name does not fit its header");
	}
}
END_TEST

/* Why one archive is left alone is nothing against the next one. */
START_TEST(refusal_ends_with_its_file)
{
	static const char index[] = "\0\0\0\1\0\0\0\x58main\0";
	AR(lying);
	AR(good);
	AR(outer);
	AR(out);

	start(&lying);
	add_bytes(&lying, "/", 0, 0, index, sizeof(index) - 1);
	add(&lying, &a);
	start(&good);
	add(&good, &a);
	start(&outer);
	add_bytes(&outer, "a.a/", 5, 0100644, lying.data, lying.len);
	add_bytes(&outer, "b.a/", 5, 0100644, good.data, good.len);
	assert_says(normalized(&outer, &out), "changed");
	ck_assert_uint_ne(assay_span_find(assay_buf_span(&out), 0, assay_buf_span(&lying)), SIZE_MAX);
	ck_assert_uint_eq(assay_span_find(assay_buf_span(&out), 0, assay_buf_span(&good)), SIZE_MAX);
}
END_TEST

/* However many files in it were left alone: that the archive itself was is always said. */
START_TEST(refusal_of_the_whole_is_said)
{
	static const char index[] = "\0\0\0\1\0\0\0\x58main\0";
	char name[16];
	AR(lying);
	AR(outer);
	AR(out);

	start(&lying);
	add_bytes(&lying, "/", 0, 0, index, sizeof(index) - 1);
	add(&lying, &a);
	start(&outer);
	for (unsigned i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "%u.a/", i);
		add_bytes(&outer, name, 5, 0100644, lying.data, lying.len);
	}
	add(&outer, &(struct member){ "#1/4", "a/\nbdata", 5, 0100644 });
	assert_says(normalized(&outer, &out), "kept name that ends early");
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, changes_of_a_member, 0, sizeof(changes) / sizeof(changes[0]));
	tcase_add_test(tcase, order_and_names_that_repeat);
	tcase_add_test(tcase, index_that_lies_is_not_derived);
	tcase_add_test(tcase, table_of_names);
	tcase_add_test(tcase, malformed_with_the_place);
	tcase_add_test(tcase, name_that_a_header_does_not_hold);
	tcase_add_test(tcase, refusal_ends_with_its_file);
	tcase_add_test(tcase, refusal_of_the_whole_is_said);
	tcase_add_loop_test(tcase, members_of_a_package, 0, sizeof(packages) / sizeof(packages[0]));
}

int main(void)
{
	return run_suite("ar", add_tests);
}
