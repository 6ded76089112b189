/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostScript by its structuring comments (DSC 3.0): header comments by name, the rest by page.  What a
 * comment says is never folded: printers skip it, print managers do not.
 */
#include "field_rows.h"

enum {
	VERSION,
	COMMENT,
	DATE,
	CREATOR,
	PROGRAM,
};

static const struct assay_field ps_fields[] = {
	[VERSION] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "ps.version", ASSAY_SEVERITY_STRUCTURE, NULL,
				    "first line: version of the language and of the structure"),
	[COMMENT] = ASSAY_ROW_NEVER(ASSAY_METADATA, "ps.comment", ASSAY_SEVERITY_METADATA, NULL,
				    "a header comment (DSC 5)"),
	[DATE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "ps.creation-date", ASSAY_SEVERITY_METADATA,
				 "timestamps_in_ps_generated_by_dvips", "%%CreationDate: free text, meant as a time"),
	[CREATOR] = ASSAY_ROW_NEVER(ASSAY_METADATA, "ps.creator", ASSAY_SEVERITY_METADATA,
				    "tool_version_differs", "%%Creator: the program that wrote the file"),
	[PROGRAM] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "ps.program", ASSAY_SEVERITY_CODE, NULL,
				    "PostScript: interpreters execute it"),
	{ .name = NULL },
};

#define F(x) (&ps_fields[x])

#define LONGEST_COMMENT 4096 /* a date or creator longer than this is no plain comment */

static unsigned ps_bid(struct assay_span file)
{
	return assay_span_starts(file, "%!PS") ? 32 : 0;
}

/* Up to the end of the line, CR LF included. */
static uint64_t line_length(struct assay_span s)
{
	for (uint64_t at = 0; at < s.len; at++) {
		if (s.data[at] == '\n')
			return at + 1;
		if (s.data[at] == '\r')
			return at + 1 < s.len && s.data[at + 1] == '\n' ? at + 2 : at + 1;
	}
	return s.len;
}

/* "%%Title" of "%%Title: (x)". */
static struct assay_span key_of(struct assay_span line)
{
	size_t len = 2;

	while (len < line.len && line.data[len] > ' ' && line.data[len] != ':')
		len++;
	return assay_span_cut(line, 0, len);
}

static int comment_field(struct assay_span key, struct assay_span line)
{
	if (line.len > LONGEST_COMMENT)
		return COMMENT;
	if (assay_span_equal_text(key, "%%CreationDate"))
		return DATE;
	return assay_span_equal_text(key, "%%Creator") ? CREATOR : COMMENT;
}

/* Comments of the header end with %%EndComments or with the first line that is none (DSC 4.5). */
static void lay_out_comments(struct assay_layout *l)
{
	while (assay_layout_left(l) && !assay_layout_failed(l)) {
		struct assay_span rest = assay_layout_peek(l, 0, UINT64_MAX), line, key;
		struct assay_node *leaf;

		line = assay_span_cut(rest, 0, line_length(rest));
		if (!assay_span_starts(line, "%%"))
			return;
		key = key_of(line);
		leaf = assay_layout_leaf(l, F(comment_field(key, line)), line.len);
		assay_layout_name(l, leaf, key);
		if (assay_span_equal_text(key, "%%EndComments"))
			return;
	}
}

/* The next line that begins a page or the trailer, from the second line on. */
static uint64_t page_length(struct assay_span s)
{
	for (uint64_t at = line_length(s); at < s.len; at += line_length(assay_span_cut(s, at, s.len))) {
		struct assay_span rest = assay_span_cut(s, at, 16);

		if (assay_span_starts(rest, "%%Page:") || assay_span_starts(rest, "%%Trailer"))
			return at;
	}
	return s.len;
}

static enum assay_code ps_lay_out(struct assay_layout *l, struct assay_error *err)
{
	(void)err;
	assay_layout_leaf(l, F(VERSION), line_length(assay_layout_bytes(l)));
	lay_out_comments(l);
	while (assay_layout_left(l) && !assay_layout_failed(l)) {
		struct assay_span rest = assay_layout_peek(l, 0, UINT64_MAX), line;
		struct assay_node *leaf;

		line = assay_span_trim(assay_span_cut(rest, 0, line_length(rest)));
		leaf = assay_layout_leaf(l, F(PROGRAM), page_length(rest));
		if (assay_span_starts(line, "%%Page:") || assay_span_starts(line, "%%Trailer"))
			assay_layout_name(l, leaf, assay_span_cut(line, 2, 64));
		else
			assay_layout_name(l, leaf, assay_span_text("prolog"));
	}
	return ASSAY_OK;
}

const struct assay_format assay_format_ps = {
	.name = "ps",
	.bid = ps_bid,
	.lay_out = ps_lay_out,
	.fields = ps_fields,
};
