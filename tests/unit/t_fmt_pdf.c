/* SPDX-License-Identifier: Apache-2.0 */
/* "pdf": dates and identifiers fold when they are nothing else; what is shown, scripts and signatures never. */
#include <zlib.h>

#include "pair.h"

#define BUF(name) assay_auto(assay_buf_release) struct assay_buf name = ASSAY_BUF_INIT(ASSAY_MIB)

struct parts {
	const char *date, *producer, *page, *id, *extra;
	int level;
	int length_error, xref_error;
};

static const struct parts plain = { "D:20200101000000Z", "tool 1", "BT (hello) Tj ET", "00112233", "", 9, 0, 0 };

static void make_pdf(struct assay_buf *out, const struct parts *p)
{
	size_t offsets[4], start;
	uint8_t packed[1000];
	char page[300];
	uLongf n = sizeof(packed);

	snprintf(page, sizeof(page), "%-200s", p->page);
	ck_assert_int_eq(compress2(packed, &n, (const Bytef *)page, 200, p->level), Z_OK);
	assay_buf_add_text(out, "%PDF-1.4\n%\xe2\xe3\xcf\xd3\n");
	offsets[1] = out->len;
	assay_buf_printf(out, "1 0 obj\n<< /Type /Catalog /Pages 3 0 R %s >>\nendobj\n", p->extra);
	offsets[2] = out->len;
	assay_buf_printf(out, "2 0 obj\n<< /CreationDate (%s) /Producer (%s) >>\nendobj\n", p->date,
			 p->producer);
	offsets[3] = out->len;
	assay_buf_printf(out, "3 0 obj\n<< /Length %d /Filter /FlateDecode >>\nstream\n",
			 (int)n + p->length_error);
	assay_buf_add(out, packed, n);
	assay_buf_add_text(out, "\nendstream\nendobj\n");
	start = out->len;
	assay_buf_add_text(out, "xref\n0 4\n0000000000 65535 f \n");
	for (size_t i = 1; i < 4; i++)
		assay_buf_printf(out, "%010zu 00000 n \n", offsets[i] + (size_t)p->xref_error);
	assay_buf_printf(out, "trailer\n<< /Size 4 /Root 1 0 R /ID [<%s> <%s>] >>\nstartxref\n%zu\n%%%%EOF\n",
			 p->id, p->id, start);
}

static const struct {
	struct parts other;
	const char *want;
} pairs[] = {
	{ { "D:20210203040506+01'00'", "tool 1", "BT (hello) Tj ET", "00112233", "", 9, 0, 0 },
	  "equivalent: pdf-date" },
	{ { "D:20200101000000Z", "tool 1", "BT (hello) Tj ET", "aabbccdd", "", 9, 0, 0 }, "equivalent: pdf-id" },
	{ { "D:20200101000000Z", "tool 1", "BT (hello) Tj ET", "00112233", "", 1, 0, 0 },
	  "equivalent: pdf-recompress" },
	{ { "D:20200101$(reboot)", "tool 1", "BT (hello) Tj ET", "00112233", "", 9, 0, 0 }, "divergent" },
	{ { "yesterday", "tool 1", "BT (hello) Tj ET", "00112233", "", 9, 0, 0 }, "divergent" },
	{ { "D:20200101000000Z", "tool 2", "BT (hello) Tj ET", "00112233", "", 9, 0, 0 }, "divergent" },
	{ { "D:20200101000000Z", "tool 1", "BT (Hello) Tj ET", "00112233", "", 9, 0, 0 }, "divergent" },
	{ { "D:20200101000000Z", "tool 1", "BT (hello) Tj ET", "00112233", "/OpenAction << /S /JavaScript /JS (x) >>",
	    9, 0, 0 },
	  "divergent" },
};

START_TEST(pdf_pairs)
{
	BUF(left);
	BUF(right);

	make_pdf(&left, &plain);
	make_pdf(&right, &pairs[_i].other);
	assert_says(structure_of(assay_buf_span(&left)), "pdf canonical");
	assert_says(pair_verdict_bufs(&left, &right), pairs[_i].want);
	assert_says(pair_verdict_bufs(&right, &left), pairs[_i].want);
}
END_TEST

START_TEST(an_encrypted_file_needs_its_identifier)
{
	struct parts a = plain, b = plain;
	BUF(left);
	BUF(right);

	a.extra = b.extra = "/Encrypt 9 0 R";
	b.id = "aabbccdd";
	make_pdf(&left, &a);
	make_pdf(&right, &b);
	assert_says(pair_verdict_bufs(&left, &right), "divergent");
}
END_TEST

START_TEST(the_structure_is_proven)
{
	struct parts wrong = plain;
	BUF(pdf);

	wrong.length_error = 3;
	make_pdf(&pdf, &wrong);
	assert_says(structure_of(assay_buf_span(&pdf)), "ambiguous: Length of a stream is wrong");
	assay_buf_clear(&pdf);
	wrong = plain;
	wrong.xref_error = 1;
	make_pdf(&pdf, &wrong);
	assert_says(structure_of(assay_buf_span(&pdf)), "does not stand where the table says");
	assay_buf_clear(&pdf);
	make_pdf(&pdf, &plain);
	assay_buf_add_text(&pdf, "MZ payload");
	assert_says(structure_of(assay_buf_span(&pdf)), "belong to no object");
	assert_says(structure_of(assay_span_cut(assay_buf_span(&pdf), 0, 60)), "malformed pdf");
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, pdf_pairs, 0, sizeof(pairs) / sizeof(pairs[0]));
	tcase_add_test(tcase, an_encrypted_file_needs_its_identifier);
	tcase_add_test(tcase, the_structure_is_proven);
}

int main(void)
{
	return run_suite("pdf", add_tests);
}
