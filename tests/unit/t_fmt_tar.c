/* SPDX-License-Identifier: Apache-2.0 */
/* tar: what is folded between two archives and what never is; what makes one ambiguous or malformed. */
#include "pair.h"

#define BLOCK 512

struct member {
	const char *name, *link, *data, *uname;
	char type;
	unsigned mode, uid;
	unsigned long mtime;
};

static const struct member file = { .name = "a", .data = "hello", .type = '0', .mode = 0644,
				    .mtime = 1600000000 };

/* As many octal digits as fit, then a NUL. */
static void octal(char *field, size_t size, unsigned long value)
{
	field[--size] = '\0';
	while (size--) {
		field[size] = (char)('0' + value % 8);
		value /= 8;
	}
}

static void checksum(char *block)
{
	unsigned sum = 0;

	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)block[i];
	octal(block + 148, 7, sum);
	block[155] = ' ';
}

static void add_header(struct assay_buf *tar, const struct member *m, size_t size, const char *magic)
{
	char block[BLOCK] = { 0 };

	snprintf(block, 100, "%s", m->name);
	octal(block + 100, 8, m->mode);
	octal(block + 108, 8, m->uid);
	octal(block + 116, 8, m->uid);
	octal(block + 124, 12, size);
	octal(block + 136, 12, m->mtime);
	block[156] = m->type;
	snprintf(block + 157, 100, "%s", m->link ? m->link : "");
	memcpy(block + 257, magic, 8);
	snprintf(block + 265, 32, "%s", m->uname ? m->uname : "");
	checksum(block);
	assay_buf_add(tar, block, BLOCK);
}

static void add_data(struct assay_buf *tar, const char *data, size_t size)
{
	static const char zeros[BLOCK];

	assay_buf_add(tar, data, size);
	assay_buf_add(tar, zeros, (BLOCK - size % BLOCK) % BLOCK);
}

static void add(struct assay_buf *tar, const struct member *m)
{
	size_t size = m->data ? strlen(m->data) : 0;

	add_header(tar, m, size, "ustar\0" "00");
	add_data(tar, m->data, size);
}

static void add_pax(struct assay_buf *tar, char type, const char *records)
{
	struct member x = { .name = "pax", .type = type, .mode = 0644 };

	add_header(tar, &x, strlen(records), "ustar\0" "00");
	add_data(tar, records, strlen(records));
}

static void add_end(struct assay_buf *tar, size_t blocks)
{
	static const char zeros[BLOCK];

	while (blocks--)
		assay_buf_add(tar, zeros, BLOCK);
}

#define TAR(name) assay_auto(assay_buf_release) struct assay_buf name = ASSAY_BUF_INIT(ASSAY_MIB)

/* One archive of file and other members around the one that a case changes. */
static void make(struct assay_buf *tar, const struct member *m)
{
	struct member first = { .name = "first", .data = "x", .type = '0', .mode = 0644,
				.mtime = 1500000000 };

	add(tar, &first);
	add(tar, m);
	add_end(tar, 2);
}

static const struct {
	struct member changed;
	const char *want;
} changes[] = {
	{ { "a", NULL, "hello", NULL, '0', 0644, 0, 1700000000 }, "equivalent: tar-mtime" },
	{ { "a", NULL, "hello", NULL, '0', 0644, 0, 1400000000 }, "divergent" }, /* order swapped */
	{ { "a", NULL, "hello", NULL, '0', 04644, 0, 1600000000 }, "divergent" },
	{ { "a", NULL, "hello", NULL, '0', 0755, 0, 1600000000 }, "divergent" },
	{ { "a", NULL, "hellO", NULL, '0', 0644, 0, 1600000000 }, "divergent" },
	{ { "b", NULL, "hello", NULL, '0', 0644, 0, 1600000000 }, "divergent" },
	{ { "a", "first", NULL, NULL, '2', 0644, 0, 1600000000 }, "divergent" },
	{ { "a", "first", NULL, NULL, '1', 0644, 0, 1600000000 }, "divergent" },
	{ { "a", NULL, "hello", NULL, '3', 0644, 0, 1600000000 }, "divergent" },
};

START_TEST(changes_of_a_member)
{
	TAR(left);
	TAR(right);

	make(&left, &file);
	make(&right, &changes[_i].changed);
	assert_says(pair_verdict_bufs(&left, &right), changes[_i].want);
	assert_says(pair_verdict_bufs(&right, &left), changes[_i].want);
}
END_TEST

START_TEST(owner_folds_when_it_is_one_for_all)
{
	struct member a = file, b = file, other = file;
	TAR(left);
	TAR(right);
	TAR(mixed);

	b.uid = 1000;
	b.uname = "builder";
	other.name = "other";
	add(&left, &a);
	add(&left, &other);
	add(&mixed, &b);
	add(&mixed, &other);
	other.uid = 1000;
	other.uname = "builder";
	add(&right, &b);
	add(&right, &other);
	add_end(&left, 2);
	add_end(&right, 2);
	add_end(&mixed, 2);
	assert_says(pair_verdict_bufs(&left, &right), "equivalent: tar-owner");
	assert_says(pair_verdict_bufs(&left, &mixed), "divergent");
}
END_TEST

START_TEST(dialect_and_blocking_fold)
{
	TAR(left);
	TAR(right);

	add(&left, &file);
	add_end(&left, 2);
	add_pax(&right, 'x', "20 mtime=1600000000\n13 atime=1.5\n");
	add_header(&right, &file, 5, "ustar\0" "00");
	add_data(&right, "hello", 5);
	add_end(&right, 20);
	assert_says(structure_of(assay_buf_span(&right)), "tar canonical");
	assert_says(pair_verdict_bufs(&left, &right), "equivalent");
}
END_TEST

START_TEST(records_without_a_known_meaning_stay)
{
	static const char *const records[] = {
		"42 SCHILY.xattr.security.capability=abcde\n",
		"14 VENDOR.x=1\n",
	};

	for (size_t i = 0; i < 2; i++) {
		TAR(left);
		TAR(right);

		add(&left, &file);
		add_end(&left, 2);
		add_pax(&right, 'x', records[i]);
		add(&right, &file);
		add_end(&right, 2);
		assert_says(structure_of(assay_buf_span(&right)), "tar canonical");
		assert_says(pair_verdict_bufs(&left, &right), "divergent");
	}
}
END_TEST

static const struct {
	const char *records; /* of the pax header in front of the member */
	const char *want;
} grammar[] = {
	{ "9 path=b\n", "canonical" },
	{ "8 path=b\n", "grammar" },
	{ "09 path=b\n", "grammar" },
	{ "9  path=b\n", "grammar" },
	{ "8 path=b", "grammar" },
	{ "9 path=b\n9 path=c\n", "comes twice" },
	{ "8 path=\n", "empty" },
	{ "9 size=9\n", "size in the pax record" },
	{ "9 size=x\n", "not a number" },
	{ "11 mtime=-x\n", "grammar" },
	{ "13 mtime=1.x\n", "not a number" },
	{ "22 GNU.sparse.major=1\n", "sparse" },
	{ "21 hdrcharset=BINARY\n", "hdrcharset" },
	{ "0 a=b\n", "grammar" },
	{ "99999999999 a=b\n", "grammar" },
};

START_TEST(pax_grammar)
{
	TAR(tar);
	struct member long_file = file;

	long_file.data = "123456789";
	if (strstr(grammar[_i].records, "size=9"))
		long_file.data = "1234567890";
	add_pax(&tar, 'x', grammar[_i].records);
	add(&tar, &long_file);
	add_end(&tar, 2);
	assert_says(structure_of(assay_buf_span(&tar)), grammar[_i].want);
}
END_TEST

START_TEST(extended_headers_that_contradict)
{
	struct member long_name = { .name = "././@LongLink", .type = 'L', .mode = 0644 };
	TAR(twice);
	TAR(mixed);
	TAR(global);
	TAR(commit);

	add_pax(&twice, 'x', "9 path=b\n");
	add_pax(&twice, 'x', "9 path=c\n");
	add(&twice, &file);
	add_end(&twice, 2);
	assert_says(structure_of(assay_buf_span(&twice)), "two pax headers");

	add_pax(&mixed, 'x', "9 path=b\n");
	add_header(&mixed, &long_name, 2, "ustar  \0");
	add_data(&mixed, "c", 2);
	add(&mixed, &file);
	add_end(&mixed, 2);
	assert_says(structure_of(assay_buf_span(&mixed)), "pax and GNU");

	add_pax(&global, 'g', "9 path=b\n");
	add(&global, &file);
	add_end(&global, 2);
	assert_says(structure_of(assay_buf_span(&global)), "global header");

	add_pax(&commit, 'g', "14 comment=abc\n");
	add(&commit, &file);
	add_end(&commit, 2);
	assert_says(structure_of(assay_buf_span(&commit)), "grammar");
}
END_TEST

START_TEST(what_readers_disagree_about)
{
	struct member link = { .name = "d", .link = "/tmp", .type = '2', .mode = 0777 };
	struct member below = file;
	TAR(twice);
	TAR(under);
	TAR(after);
	TAR(lone);
	TAR(hidden);

	add(&twice, &file);
	add(&twice, &file);
	add_end(&twice, 2);
	assert_says(structure_of(assay_buf_span(&twice)), "comes twice");

	below.name = "./d//x";
	add(&under, &link);
	add(&under, &below);
	add_end(&under, 2);
	assert_says(structure_of(assay_buf_span(&under)), "below a symbolic link");

	add(&after, &file);
	add_end(&after, 2);
	below.name = "evil";
	add(&after, &below);
	add_end(&after, 2);
	assert_says(structure_of(assay_buf_span(&after)), "behind the end");

	add(&lone, &file);
	add_end(&lone, 1);
	assert_says(structure_of(assay_buf_span(&lone)), "two zero blocks");

	add(&hidden, &file);
	hidden.data[50] = 'x';
	checksum(hidden.data);
	add_end(&hidden, 2);
	assert_says(structure_of(assay_buf_span(&hidden)), "hidden behind the NUL");
}
END_TEST

START_TEST(second_archive_behind_the_end_never_folds)
{
	struct member evil = file;
	TAR(left);
	TAR(right);

	evil.name = "evil";
	add(&left, &file);
	add_end(&left, 2);
	add(&right, &file);
	add_end(&right, 2);
	add(&right, &evil);
	add_end(&right, 2);
	assert_says(pair_verdict_bufs(&left, &right), "divergent");
}
END_TEST

START_TEST(malformed_with_the_place)
{
	TAR(sum);
	TAR(digits);
	TAR(huge);

	add(&sum, &file);
	add(&sum, &file);
	sum.data[1024] = 'z';
	assert_says(structure_of(assay_buf_span(&sum)), "member 1: offset 1172: checksum");

	add(&digits, &file);
	memcpy(digits.data + 108, "12x4567", 7);
	checksum(digits.data);
	assert_says(structure_of(assay_buf_span(&digits)), "uid field: want octal digits");

	add(&huge, &file);
	memset(huge.data + 124, 0, 12);
	huge.data[124] = (char)0x80;
	huge.data[130] = 0x7f;
	checksum(huge.data);
	assert_says(structure_of(assay_buf_span(&huge)), "size field");
	memset(huge.data + 124, 0xff, 12);
	checksum(huge.data);
	assert_says(structure_of(assay_buf_span(&huge)), "negative");
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, changes_of_a_member, 0,
			    sizeof(changes) / sizeof(changes[0]));
	tcase_add_test(tcase, owner_folds_when_it_is_one_for_all);
	tcase_add_test(tcase, dialect_and_blocking_fold);
	tcase_add_test(tcase, records_without_a_known_meaning_stay);
	tcase_add_loop_test(tcase, pax_grammar, 0, sizeof(grammar) / sizeof(grammar[0]));
	tcase_add_test(tcase, extended_headers_that_contradict);
	tcase_add_test(tcase, what_readers_disagree_about);
	tcase_add_test(tcase, second_archive_behind_the_end_never_folds);
	tcase_add_test(tcase, malformed_with_the_place);
}

int main(void)
{
	return run_suite("tar", add_tests);
}
