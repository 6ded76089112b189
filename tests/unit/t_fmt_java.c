/* SPDX-License-Identifier: Apache-2.0 */
/* "class", "manifest", "properties", "html": what Java builds leave behind. */
#include "pair.h"

#define BUF(name) assay_auto(assay_buf_release) struct assay_buf name = ASSAY_BUF_INIT(ASSAY_MIB)

/* ---- class ---------------------------------------------------------------------------------------- */

#define CONSTANTS 11

/* The constants of a class with one constructor: tag, and two references or a text. */
static const struct {
	uint8_t tag, a, b;
	const char *text;
} constants[CONSTANTS] = {
	{ 1, 0, 0, "A" },	{ 7, 0, 0, NULL }, { 1, 0, 0, "java/lang/Object" }, { 7, 2, 0, NULL },
	{ 1, 0, 0, "<init>" }, { 1, 0, 0, "()V" }, { 12, 4, 5, NULL },	       { 10, 3, 6, NULL },
	{ 1, 0, 0, "Code" },	{ 1, 0, 0, "unused" },
	{ 1, 0, 0, "LineNumberTable" },
};

static void be16(struct assay_buf *out, unsigned value)
{
	uint8_t bytes[2] = { (uint8_t)(value >> 8), (uint8_t)value };

	assay_buf_add(out, bytes, 2);
}

/* order[i]: which constant stands at place i; everything else refers to them by place.  Without lines the last
 * of them is missing, which names the table of line numbers. */
static void write_class(struct assay_buf *out, const uint8_t *order, uint8_t opcode, const char *unused,
			unsigned version, bool lines)
{
	unsigned place[CONSTANTS], count = CONSTANTS - !lines;
	uint8_t code[5] = { 0x2a, opcode, 0, 0, 0xb1 };

	for (unsigned i = 0; i < count; i++)
		place[order[i]] = i + 1;
	assay_buf_add(out, "\xca\xfe\xba\xbe\0\0", 6);
	be16(out, version);
	be16(out, count + 1);
	for (unsigned i = 0; i < count; i++) {
		unsigned c = order[i];
		const char *text = c == 9 ? unused : constants[c].text;

		assay_buf_add(out, &constants[c].tag, 1);
		if (text)
			be16(out, (unsigned)strlen(text));
		if (text)
			assay_buf_add_text(out, text);
		else
			be16(out, place[constants[c].a]);
		if (constants[c].b)
			be16(out, place[constants[c].b]);
	}
	be16(out, 0x21);
	be16(out, place[1]);
	be16(out, place[3]);
	be16(out, 0); /* interfaces */
	be16(out, 0); /* fields */
	be16(out, 1);
	be16(out, 1);
	be16(out, place[4]);
	be16(out, place[5]);
	be16(out, 1);
	be16(out, place[8]);
	be16(out, 0);
	be16(out, 12 + 5 + 12 * lines);
	be16(out, 1);
	be16(out, 1);
	be16(out, 0);
	be16(out, 5);
	code[3] = (uint8_t)place[7];
	assay_buf_add(out, code, 5);
	be16(out, 0); /* exceptions */
	be16(out, lines);
	for (unsigned i = 0; lines && i < 6; i++)
		be16(out, (unsigned[]){ place[10], 0, 6, 1, 0, 1 }[i]);
	be16(out, 0); /* attributes of the class */
}

static void make_class(struct assay_buf *out, const uint8_t *order, uint8_t opcode, const char *unused,
		       unsigned version)
{
	write_class(out, order, opcode, unused, version, false);
}

static const uint8_t usual[CONSTANTS] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
static const uint8_t other[CONSTANTS - 1] = { 9, 3, 8, 1, 0, 7, 2, 5, 6, 4 };

/* The causes of the report, each once. */
static const char *causes_of(const struct assay_buf *left, const struct assay_buf *right)
{
	static char text[512];
	json_t *report = pair_compare(assay_buf_span(left), assay_buf_span(right)), *d;
	size_t i, used = 0;

	text[0] = '\0';
	json_array_foreach(json_object_get(report, "divergences"), i, d) {
		const char *cause = json_string_value(json_object_get(d, "cause"));

		if (!strstr(text, cause))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s ", cause);
	}
	json_decref(report);
	return text;
}

START_TEST(class_constants)
{
	BUF(left);
	BUF(right);
	BUF(changed);
	BUF(hidden);

	make_class(&left, usual, 0xb7, "unused", 52);
	make_class(&right, other, 0xb7, "unused", 52);
	make_class(&changed, other, 0xb8, "unused", 52);
	make_class(&hidden, usual, 0xb7, "hidden", 52);
	assert_says(structure_of(assay_buf_span(&left)), "class canonical");
	assert_says(pair_verdict_bufs(&left, &right), "divergent");
	ck_assert_str_eq(causes_of(&left, &right), "random_order_in_java_constant_pool ");
	assert_says(causes_of(&left, &changed), "unexplained_code_change");
	assert_says(causes_of(&left, &hidden), "unexplained_code_change");
}
END_TEST

/* javac -g against -g:none; nothing else may differ beside, not even a name that nothing uses */
START_TEST(class_debug_tables)
{
	BUF(with);
	BUF(without);
	BUF(changed);
	BUF(hidden);

	write_class(&with, usual, 0xb7, "unused", 52, true);
	make_class(&without, other, 0xb7, "unused", 52);
	make_class(&changed, other, 0xb8, "unused", 52);
	make_class(&hidden, usual, 0xb7, "hidden", 52);
	assert_says(structure_of(assay_buf_span(&with)), "class canonical");
	assert_says(pair_verdict_bufs(&with, &without), "divergent");
	assert_says(causes_of(&with, &without), "debug_flags_differ");
	assert_says(causes_of(&without, &with), "debug_flags_differ");
	assert_says(causes_of(&with, &changed), "unexplained_code_change");
	assert_says(causes_of(&with, &hidden), "unexplained_code_change");
}
END_TEST

START_TEST(class_structure)
{
	BUF(class);

	make_class(&class, usual, 0xb7, "unused", 52);
	assay_buf_add_text(&class, "x");
	assert_says(structure_of(assay_buf_span(&class)), "1 bytes behind the class");
	class.len -= 3;
	assert_says(structure_of(assay_buf_span(&class)), "malformed class");
	assay_buf_clear(&class);
	make_class(&class, usual, 0xb7, "unused", 52);
	class.data[14 + 2] = 2; /* the class refers to a name that is none */
	assert_says(structure_of(assay_buf_span(&class)), "refers to one of another kind");
}
END_TEST

START_TEST(class_version)
{
	BUF(left);
	BUF(right);

	make_class(&left, usual, 0xb7, "unused", 52);
	make_class(&right, usual, 0xb7, "unused", 61);
	assert_says(causes_of(&left, &right), "version");
}
END_TEST

/* ---- manifest and properties ------------------------------------------------------------------------ */

#define MF "Manifest-Version: 1.0\r\n"

static const struct {
	const char *left, *right, *want, *cause;
} texts[] = {
	{ MF "Built-By: a\r\n\r\n", MF "Built-By: b\r\n\r\n", "divergent", "captures_username" },
	{ MF "Bnd-LastModified: 1500000000000\r\n\r\n", MF "Bnd-LastModified: 1600000000000\r\n\r\n",
	  "divergent", "timestamps_in_java_manifest" },
	{ MF "Created-By: 11.0.1 (X)\r\n\r\n", MF "Created-By: 17.0.2 (X)\r\n\r\n", "divergent",
	  "tool_version_differs" },
	{ MF "Built-By: a\r\n b\r\n\r\n", MF "\r\n b\r\n\r\n", "divergent", "" },
	{ MF "Class-Path: a.jar\r\n\r\n", MF "Class-Path: b.jar\r\n\r\n", "divergent", "unexplained" },
	{ MF "\r\n", "Manifest-Version: 1.0\n\n", "divergent", "line_endings_differ" },
	{ "#Mon Jan 06 10:00:00 UTC 2020\na=1\n", "#Tue Jan 07 11:12:13 CET 2020\na=1\n",
	  "equivalent: properties-date", "timestamps_in_java_properties_files" },
	{ "#title\n#Mon Jan 06 10:00:00 UTC 2020\na=1\n", "#title\n#Tue Jan 07 11:12:13 CET 2020\na=1\n",
	  "equivalent: properties-date", "timestamps_in_java_properties_files" },
	{ "#Mon Jan 06 10:00:00 UTC 2020\na=1\n", "#Tue Jan 07 11:12:13 CET 2020\na=2\n", "divergent", "" },
	{ "#Mon Jan 06 10:00:00 UTC 2020\na=1\n", "#Tue Jan 07 11:12:13 $(x) 2020\na=1\n", "divergent", "" },
	{ "#Mon Jan 06 10:00:00 UTC 2020\nrm -rf\n", "#Tue Jan 07 11:12:13 CET 2020\nrm -rf\n",
	  "divergent", "" },
	{ "#Mon Jan 06 10:00:00 UTC 2020\na=1\n", "#Tue Jan 07 11:12:13 CET 2020\r\na=1\n", "divergent", "" },
};

START_TEST(java_texts)
{
	BUF(left);
	BUF(right);

	assay_buf_add_text(&left, texts[_i].left);
	assay_buf_add_text(&right, texts[_i].right);
	assert_says(pair_verdict_bufs(&left, &right), texts[_i].want);
	assert_says(pair_verdict_bufs(&right, &left), texts[_i].want);
	assert_says(causes_of(&left, &right), texts[_i].cause);
}
END_TEST

START_TEST(java_formats_are_known_by_content)
{
	assert_says(structure_of(assay_span_text(MF "\r\n")), "manifest canonical");
	assert_says(structure_of(assay_span_text(MF "no header\r\n\r\n")), "manifest ambiguous");
	assert_says(structure_of(assay_span_text("#Mon Jan 06 10:00:00 UTC 2020\na=1\n")), "properties");
	assert_says(structure_of(assay_span_text("#x\na=1\n")), "text");
}
END_TEST

/* ---- javadoc pages ------------------------------------------------------------------------------------ */

#define PAGE(date, behind, meta, body)                                                             \
	"<!DOCTYPE HTML>\n<!-- NewPage -->\n<html lang=\"en\">\n<head>\n<!-- Generated by javadoc (17) on "   \
	date " -->" behind "\n<meta name=\"dc.created\" content=\"" meta "\">\n</head>\n<body>" body "</body>\n"
#define MONDAY "Mon Jan 06 10:00:00 UTC 2020"
#define TUESDAY "Tue Jan 07 11:12:13 CET 2020"

static const struct {
	const char *right, *want;
} javadocs[] = {
	{ PAGE(TUESDAY, "", "2020-01-07", "x"), "equivalent: html-javadoc-date" },
	{ PAGE(MONDAY, "", "2020-01-07", "x"), "equivalent: html-javadoc-date" },
	{ PAGE(TUESDAY, "", "2020-01-07", "y"), "divergent" },
	{ PAGE(TUESDAY " --><script>evil()</script><!--", "", "2020-01-06", "x"), "divergent" },
	{ PAGE(TUESDAY, "<script>evil()</script>", "2020-01-06", "x"), "divergent" },
	{ PAGE(MONDAY, "", "2020-01-06\" onload=\"evil()", "x"), "divergent" },
	{ PAGE("today", "", "2020-01-06", "x"), "divergent" },
};

START_TEST(javadoc_pages)
{
	struct assay_span left = assay_span_text(PAGE(MONDAY, "", "2020-01-06", "x"));
	struct assay_span right = assay_span_text(javadocs[_i].right);

	assert_says(structure_of(left), "html canonical");
	assert_says(pair_verdict(left, right), javadocs[_i].want);
	assert_says(pair_verdict(right, left), javadocs[_i].want);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, javadoc_pages, 0, sizeof(javadocs) / sizeof(javadocs[0]));
	tcase_add_test(tcase, class_constants);
	tcase_add_test(tcase, class_debug_tables);
	tcase_add_test(tcase, class_structure);
	tcase_add_test(tcase, class_version);
	tcase_add_loop_test(tcase, java_texts, 0, sizeof(texts) / sizeof(texts[0]));
	tcase_add_test(tcase, java_formats_are_known_by_content);
}

int main(void)
{
	return run_suite("java", add_tests);
}
