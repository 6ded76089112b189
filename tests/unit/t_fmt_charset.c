/* SPDX-License-Identifier: Apache-2.0 */
/* "charset": text in other encodings is found by its bytes, shown by lines, and never folded. */
#include "pair.h"

#define LATIN "Die Gr\xf6\xdf" "e \xe4ndert sich nicht, sagt er.\n"
#define SPAN(text) assay_span_of((text), sizeof(text) - 1)
#define FILE_OF(text) { (const uint8_t *)(text), sizeof(text) - 1 }

static const struct {
	struct assay_span file;
	const char *want;
} files[] = {
	{ FILE_OF("\xff\xfeh\0i\0\n\0"), "charset canonical" },
	{ FILE_OF("\xfe\xff\0h\0i\0\n"), "charset canonical" },
	{ FILE_OF("\xff\xfe\x3d\xd8\x00\xde\n\0"), "charset canonical" },
	{ FILE_OF("\xff\xfe\x3d\xd8h\0\n\0"), "binary canonical" },  /* half a pair */
	{ FILE_OF("\xff\xfeh\0i\0\n"), "binary canonical" },	  /* an odd byte */
	{ FILE_OF("\xff\xfe\1\0i\0\n\0"), "binary canonical" },	  /* a control character */
	{ FILE_OF(LATIN), "charset canonical" },
	{ FILE_OF("\x7f\xf6\xdf\xe4\x01\x02 binary and no text"), "binary canonical" },
	{ FILE_OF("Die Gr\xc3\xb6\xc3\x9f" "e in UTF-8\n"), "text canonical" },
	{ FILE_OF("\xef\xbb\xbftext with a mark\n"), "text canonical" },
};

START_TEST(encodings)
{
	assert_says(structure_of(files[_i].file), files[_i].want);
}
END_TEST

/* "field cause" of the first divergence. */
static const char *first_of(struct assay_span left, struct assay_span right)
{
	static char text[300];
	json_t *report = pair_compare(left, right);
	json_t *d = json_array_get(json_object_get(report, "divergences"), 0);

	snprintf(text, sizeof(text), "%s %s %s", json_string_value(json_object_get(report, "verdict")),
		 json_string_value(json_object_get(d, "field")),
		 json_string_value(json_object_get(d, "cause")));
	json_decref(report);
	return text;
}

START_TEST(differences)
{
	assert_says(first_of(SPAN("\xff\xfeh\0i\0\n\0"), SPAN("\xfe\xff\0h\0i\0\n")),
		    "divergent charset.text different_encoding");
	assert_says(first_of(SPAN("\xff\xfeh\0i\0\n\0"), SPAN("\xff\xfeh\0o\0\n\0")), "divergent text");
	assert_says(first_of(SPAN(LATIN), SPAN("Die Gr\xf6\xdf" "e \xf6ndert sich nicht, sagt er.\n")),
		    "divergent text");
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, encodings, 0, sizeof(files) / sizeof(files[0]));
	tcase_add_test(tcase, differences);
}

int main(void)
{
	return run_suite("charset", add_tests);
}
