/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be folded, of all formats, stands in tests/unit/ratings.tsv: field, rating, pass, grade and the condition
 * that is checked.  A field that is not listed there is never hidden; whoever adds a line says why in review.
 * UPDATE_GOLDEN=1 build/release/tests/t_ratings writes the list.
 */
#include <fcntl.h>
#include <stdlib.h>

#include "assay/file.h"
#include "normalizers/causes.h"
#include "normalizers/passes.h"
#include "pair.h"

#define LIST "tests/unit/ratings.tsv"

static void write_list(struct assay_buf *out)
{
	assay_buf_add_text(out, "field\trating\tpass\tgrade\tcondition\n");
	for (const struct assay_format *const *format = assay_formats; *format; format++)
		for (const struct assay_field *f = (*format)->fields; f->name; f++)
			if (f->rating != ASSAY_RATE_NEVER)
				assay_buf_printf(out, "%s\t%s\t%s\t%s\t%s\n", f->name, assay_rating_name(f->rating),
						 f->pass, assay_grade_name(f->grade),
						 f->check ? f->check->condition : "-");
}

START_TEST(list_is_complete)
{
	struct assay_buf want = ASSAY_BUF_INIT(ASSAY_MIB), have = ASSAY_BUF_INIT(ASSAY_MIB);
	struct assay_error err = ASSAY_ERROR_INIT;

	write_list(&have);
	if (getenv("UPDATE_GOLDEN"))
		ck_assert(!assay_file_write(AT_FDCWD, LIST, assay_buf_span(&have), 0644, &err));
	ck_assert_msg(!assay_file_read(AT_FDCWD, LIST, &want, &err), "%s", err.msg);
	ck_assert_msg(assay_span_equal(assay_buf_span(&want), assay_buf_span(&have)),
		      LIST ": a field may be folded that is not listed, or the other way round");
	assay_buf_release(&want);
	assay_buf_release(&have);
}
END_TEST

/* What holds for each row of each table. */
static void check_row(const struct assay_format *format, const struct assay_field *f)
{
	bool folds = f->rating != ASSAY_RATE_NEVER;

	ck_assert_msg(!folds || f->pass, "%s: folds without a pass", f->name);
	ck_assert_msg(f->rule && *f->rule, "%s: no rule", f->name);
	ck_assert_msg((f->rating == ASSAY_RATE_CHECKED) == (f->check != NULL), "%s: check and rating disagree",
		      f->name);
	ck_assert_msg(!folds || (f->kind != ASSAY_CONTENT && f->kind != ASSAY_TRAILING),
		      "%s: what is consumed, or stands behind the end, folds", f->name);
	/* that of ar is a newline, or the structure is ambiguous */
	ck_assert_msg(f->kind != ASSAY_PADDING || !folds || f->check == &assay_check_zero ||
			      strcmp(f->name, "ar.padding") == 0 || strcmp(f->name, "xz.block_padding") == 0,
		      "%s: padding folds unless it is zero", f->name);
	ck_assert_msg(!folds || f->severity == ASSAY_SEVERITY_METADATA, "%s: grave, and folds", f->name);
	ck_assert_msg(!f->cause || assay_cause_find(f->cause), "%s: cause %s is not in the catalogue", f->name,
		      f->cause);
	ck_assert_msg(assay_field_find(f->name) == f, "%s: of %s, comes twice", f->name, format->name);
}

START_TEST(rows_hold)
{
	for (const struct assay_format *const *format = assay_formats; *format; format++)
		for (const struct assay_field *f = (*format)->fields; f->name; f++)
			check_row(*format, f);
}
END_TEST

/* By the last word of the name: what an installer, a loader or another reader can see. */
static const char *const seen[] = { "type",    "linkname",  "device",	"xattr",   "path",   "name",	"content",
				    "gap",     "comment",   "signature", "signed",  "host",   "reading", "head",
				    "trailing", "after_end", "extra",	"record", "member" };

/* "gzip.name" is a hint of gunzip -N and checked; names of sections and images stand for themselves. */
static bool is_excepted(const struct assay_field *f)
{
	static const char *const names[] = { "gzip.name", "gzip.extra" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(f->name, names[i]) == 0 && f->rating == ASSAY_RATE_CHECKED)
			return true;
	return false;
}

START_TEST(what_is_seen_never_folds)
{
	for (const struct assay_format *const *format = assay_formats; *format; format++)
		for (const struct assay_field *f = (*format)->fields; f->name; f++)
			if (strcmp(assay_field_word(f), seen[_i]) == 0 && !is_excepted(f))
				ck_assert_msg(f->rating == ASSAY_RATE_NEVER, "%s folds", f->name);
}
END_TEST

/* Modes fold under one umask only, owners where nothing restores them, times in their order. */
static const struct {
	const char *word;
	const struct assay_check *check;
} attributes[] = {
	{ "mode", &assay_check_umask }, { "uid", &assay_check_owner },	 { "gid", &assay_check_owner },
	{ "uname", &assay_check_owner }, { "gname", &assay_check_owner }, { "order", &assay_check_member_order },
};

START_TEST(attributes_have_their_check)
{
	for (const struct assay_format *const *format = assay_formats; *format; format++)
		for (const struct assay_field *f = (*format)->fields; f->name; f++)
			if (strcmp(assay_field_word(f), attributes[_i].word) == 0 && strncmp(f->name, "ar.", 3) != 0)
				ck_assert_msg(f->rating == ASSAY_RATE_NEVER || f->check == attributes[_i].check,
					      "%s folds under another condition", f->name);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, list_is_complete);
	tcase_add_test(tcase, rows_hold);
	tcase_add_loop_test(tcase, what_is_seen_never_folds, 0, sizeof(seen) / sizeof(seen[0]));
	tcase_add_loop_test(tcase, attributes_have_their_check, 0, sizeof(attributes) / sizeof(attributes[0]));
}

int main(void)
{
	return run_suite("ratings", add_tests);
}
