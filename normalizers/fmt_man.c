/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manual pages in roff (man(7), mdoc(7)): what stands in front of the title, the title line with its date, and
 * each section by its heading.  roff is a language that is run, and all of it is shown: nothing is folded.
 */
#include "assay/limits.h"
#include "field_rows.h"

enum {
	HEAD,
	TITLE,
	SECTION,
};

static const struct assay_field man_fields[] = {
	[HEAD] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "man.head", ASSAY_SEVERITY_DATA, NULL,
				 "comments and macros in front of the title: generators name themselves there"),
	[TITLE] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "man.title", ASSAY_SEVERITY_DATA, NULL,
				  "name, section, date and origin of the page (.TH; .Dd, .Dt and .Os)"),
	[SECTION] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "man.section", ASSAY_SEVERITY_DATA, NULL,
				    "a section with its heading (.SH, .Sh)"),
	{ .name = NULL },
};

#define F(x) (&man_fields[x])

#define TITLE_WITHIN (64 * ASSAY_KIB) /* pod2man defines its macros in front of it */

static bool is_title(struct assay_span line)
{
	return assay_span_starts(line, ".TH ") || assay_span_starts(line, ".Dd ");
}

static bool is_heading(struct assay_span line)
{
	return assay_span_starts(line, ".SH ") || assay_span_starts(line, ".Sh ");
}

/* Where the title line begins; SIZE_MAX when there is none. */
static size_t find_title(struct assay_span file)
{
	struct assay_span rest = assay_span_cut(file, 0, TITLE_WITHIN), line;

	while (assay_span_next_line(&rest, &line))
		if (is_title(line))
			return (size_t)(line.data - file.data);
	return SIZE_MAX;
}

/* A page starts with a comment or with its title; one with neither is text. */
static unsigned man_bid(struct assay_span file)
{
	if (!assay_span_starts(file, ".\\\"") && !assay_span_starts(file, "'\\\"") && !is_title(file))
		return 0;
	return assay_format_text.bid(file) && find_title(file) != SIZE_MAX ? 48 : 0;
}

/* ".SH \"NAME\"" without the request and the quotes. */
static struct assay_span heading_name(struct assay_span line)
{
	struct assay_span name = assay_span_trim(assay_span_cut(line, 4, SIZE_MAX));

	return assay_span_starts(name, "\"") && assay_span_ends(name, "\"") && name.len > 2 ?
		       assay_span_cut(name, 1, name.len - 2) :
		       name;
}

/* From a line on up to where the next part begins: its offset in the file. */
static size_t part_end(struct assay_span file, size_t from)
{
	struct assay_span rest = assay_span_cut(file, from, SIZE_MAX), line;

	if (!assay_span_next_line(&rest, &line))
		return file.len;
	while (assay_span_next_line(&rest, &line))
		if (is_heading(line))
			return (size_t)(line.data - file.data);
	return file.len;
}

static enum assay_code man_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	size_t at = find_title(file);

	(void)err;
	if (at)
		assay_layout_name(l, assay_layout_leaf(l, F(HEAD), at), assay_span_text("head"));
	while (at < file.len && !assay_layout_failed(l)) {
		struct assay_span rest = assay_span_cut(file, at, SIZE_MAX), line = { NULL, 0 };
		size_t end = part_end(file, at);
		struct assay_node *leaf;

		assay_span_next_line(&rest, &line);
		leaf = assay_layout_leaf(l, F(is_title(line) ? TITLE : SECTION), end - at);
		assay_layout_name(l, leaf, is_title(line) ? assay_span_text("title") : heading_name(line));
		at = end;
	}
	return ASSAY_OK;
}

const struct assay_format assay_format_man = {
	.name = "man",
	.bid = man_bid,
	.lay_out = man_lay_out,
	.fields = man_fields,
};
