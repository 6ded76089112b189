/* SPDX-License-Identifier: Apache-2.0 */
/* The builder: every byte in one span, what is left over is said, failures stick. */
#include <check.h>
#include <stdlib.h>

#include "normalizers/layout.h"

static const struct assay_field field_part = { .name = "test.part", .kind = ASSAY_CONTENT };
static const struct assay_field field_group = { .name = "test.group", .kind = ASSAY_STRUCTURE };
static const struct assay_field field_time = { .name = "test.mtime", .kind = ASSAY_METADATA };

static enum assay_code no_layout(struct assay_layout *l, struct assay_error *err)
{
	(void)l;
	(void)err;
	return ASSAY_OK;
}

static enum assay_code too_much(struct assay_layout *l, struct assay_error *err)
{
	(void)err;
	assay_layout_leaf(l, &field_part, assay_layout_left(l) + 1);
	return ASSAY_OK;
}

static enum assay_code left_open(struct assay_layout *l, struct assay_error *err)
{
	(void)err;
	assay_layout_open(l, &field_group);
	assay_layout_leaf(l, &field_part, assay_layout_left(l));
	return ASSAY_OK;
}

static enum assay_code nested(struct assay_layout *l, struct assay_error *err)
{
	struct assay_node *group = assay_layout_open(l, &field_group), *leaf;

	(void)err;
	leaf = assay_layout_leaf(l, &field_part, 2);
	assay_layout_attribute(l, group, &field_time, assay_span_text("1"), 1, leaf);
	assay_layout_attribute(l, group, &field_time, assay_span_text("2"), 2, leaf);
	assay_layout_close(l);
	assay_layout_leaf(l, &field_part, assay_layout_left(l));
	return ASSAY_OK;
}

static enum assay_code open_as(enum assay_code (*lay_out)(struct assay_layout *,
							  struct assay_error *),
			       struct assay_anatomy *ret, struct assay_error *err)
{
	static struct assay_format format = { .name = "test", .fields = &field_part };

	format.lay_out = lay_out;
	return assay_anatomy_open_as(&format, assay_span_text("abcdef"), ret, err);
}

START_TEST(bytes_left_over_are_a_span_and_ambiguous)
{
	struct assay_anatomy a;
	struct assay_error err = ASSAY_ERROR_INIT;

	ck_assert_int_eq(open_as(no_layout, &a, &err), ASSAY_OK);
	ck_assert_int_eq(a.structure, ASSAY_AMBIGUOUS);
	ck_assert_str_eq(a.root->first->field->name, "file.unparsed");
	ck_assert_uint_eq(a.root->first->length, 6);
	assay_anatomy_release(&a);
}
END_TEST

START_TEST(a_leaf_beyond_the_end_is_malformed)
{
	struct assay_anatomy a;
	struct assay_error err = ASSAY_ERROR_INIT;

	ck_assert_int_eq(open_as(too_much, &a, &err), ASSAY_EINPUT);
	ck_assert_ptr_nonnull(strstr(err.msg, "want 7 bytes, have 6"));
}
END_TEST

START_TEST(an_open_group_is_our_bug)
{
	struct assay_anatomy a;
	struct assay_error err = ASSAY_ERROR_INIT;

	ck_assert_int_eq(open_as(left_open, &a, &err), ASSAY_EBUG);
}
END_TEST

START_TEST(groups_hold_what_was_laid_out_in_them)
{
	struct assay_anatomy a;
	struct assay_error err = ASSAY_ERROR_INIT;

	ck_assert_int_eq(open_as(nested, &a, &err), ASSAY_OK);
	ck_assert_int_eq(a.structure, ASSAY_CANONICAL);
	ck_assert_uint_eq(a.root->first->length, 2);
	ck_assert_uint_eq(a.root->first->next->offset, 2);
	ck_assert_uint_eq(a.root->first->next->length, 4);
	ck_assert_ptr_null(a.root->first->attributes->next);
	ck_assert_int_eq(a.root->first->attributes->number, 2);
	assay_anatomy_release(&a);
}
END_TEST

/* The tree of any bytes tiles them: no format may leave a gap. */
static void check_tiles(const struct assay_anatomy *a, const struct assay_node *group)
{
	uint64_t at = group->offset;

	if (!group->first)
		return;
	for (const struct assay_node *n = group->first; n; n = n->next) {
		ck_assert_uint_eq(n->offset, at);
		at += n->length;
		check_tiles(a, n);
	}
	ck_assert_uint_eq(at, group->offset + group->length);
}

START_TEST(every_format_tiles_what_it_bids_for)
{
	uint8_t bytes[2048];
	static const char *const heads[] = { "!<arch>\n", "\x1f\x8b\x08", "\xfd"
									  "7zXZ",
					     "BZh9", "\x28\xb5\x2f\xfd", "PK\x03\x04", "text" };
	unsigned seed = 7;

	for (size_t i = 0; i < 400; i++) {
		struct assay_anatomy a;
		struct assay_error err = ASSAY_ERROR_INIT;
		const char *head = heads[i % (sizeof(heads) / sizeof(heads[0]))];

		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (uint8_t)((seed = seed * 1103515245 + 12345) >> 16);
		memcpy(bytes, head, strlen(head));
		ck_assert_int_eq(assay_anatomy_open(assay_span_of(bytes, i * 5), &a, &err),
				 ASSAY_OK);
		check_tiles(&a, a.root);
		assay_anatomy_release(&a);
	}
}
END_TEST

START_TEST(fields_are_rated_consistently)
{
	for (const struct assay_format *const *f = assay_formats; *f; f++) {
		for (const struct assay_field *field = (*f)->fields; field->name; field++) {
			/* one that is never folded may have a pass for normalize --unsafe, and no
			 * field that is folded has the same */
			ck_assert_msg(field->pass || field->rating == ASSAY_RATE_NEVER, "%s",
				      field->name);
			for (const struct assay_field *other = (*f)->fields; other->name; other++)
				ck_assert_msg(!field->pass || !other->pass ||
						      strcmp(field->pass, other->pass) != 0 ||
						      (field->rating == ASSAY_RATE_NEVER) ==
							      (other->rating == ASSAY_RATE_NEVER),
					      "%s and %s", field->name, other->name);
			ck_assert_msg((field->rating == ASSAY_RATE_CHECKED) == (field->check != NULL),
				      "%s", field->name);
			ck_assert_msg(field->rule != NULL, "%s has no rule", field->name);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("anatomy");
	TCase *tcase = tcase_create("anatomy");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, bytes_left_over_are_a_span_and_ambiguous);
	tcase_add_test(tcase, a_leaf_beyond_the_end_is_malformed);
	tcase_add_test(tcase, an_open_group_is_our_bug);
	tcase_add_test(tcase, groups_hold_what_was_laid_out_in_them);
	tcase_add_test(tcase, every_format_tiles_what_it_bids_for);
	tcase_add_test(tcase, fields_are_rated_consistently);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
