/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Java properties as java.util.Properties.store() writes them: comment lines, one of which is the time of
 * writing, then key=value lines.  Only a comment that is nothing but that time is folded.
 */
#include "emit.h"
#include "field_rows.h"
#include "stamp.h"

enum {
	DATE,
	LINES,
};

static const struct assay_field properties_fields[] = {
	[DATE] = ASSAY_ROW_SAFE(ASSAY_METADATA, "properties.date", "properties-date",
				ASSAY_GRADE_CONTAINER, "timestamps_in_java_properties_files",
				"a comment that is a date and nothing else, written by "
				"java.util.Properties.store(); load() skips comments"),
	[LINES] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "properties.lines", ASSAY_SEVERITY_DATA, NULL,
				  "keys, values and other comments"),
	{ .name = NULL },
};

#define F(x) (&properties_fields[x])

#define HEAD_LINES 8	 /* comments in front of the date: a title, a licence */
#define DATE_BITS (8 * 14) /* half of those of the shortest date */

/* Where the date line begins, and its length without the newline; false when there is none in front of
 * the first line that is no comment. */
static bool find_date(struct assay_span file, size_t *ret_at, size_t *ret_length)
{
	struct assay_span rest = file, line;

	for (int i = 0; i < HEAD_LINES && assay_span_next_line(&rest, &line); i++) {
		if (line.len && line.data[line.len - 1] == '\r')
			line.len--;
		if (!line.len || line.data[0] != '#')
			return false;
		if (assay_stamp_is_java(assay_span_cut(line, 1, SIZE_MAX))) {
			*ret_at = (size_t)(line.data - file.data);
			*ret_length = line.len;
			return true;
		}
	}
	return false;
}

/* Comments, blank lines, "key=value" and what continues such a line. */
static bool is_properties(struct assay_span file)
{
	struct assay_span rest = file, line;
	bool continues = false;

	while (assay_span_next_line(&rest, &line)) {
		struct assay_span text = assay_span_trim(line);

		if (!continues && text.len && text.data[0] != '#' && text.data[0] != '!' &&
		    !memchr(text.data, '=', text.len))
			return false;
		continues = text.len && text.data[0] != '#' && text.data[text.len - 1] == '\\';
	}
	return true;
}

static unsigned properties_bid(struct assay_span file)
{
	size_t at, length;

	/* "#!" is a script */
	if (file.len < 2 || file.data[0] != '#' || file.data[1] == '!')
		return 0;
	return find_date(file, &at, &length) && is_properties(file) ? DATE_BITS : 0;
}

static enum assay_code properties_lay_out(struct assay_layout *l, struct assay_error *err)
{
	size_t at = 0, length = 0;

	(void)err;
	find_date(assay_layout_bytes(l), &at, &length);
	if (at)
		assay_layout_name(l, assay_layout_leaf(l, F(LINES), at), assay_span_text("head"));
	assay_layout_leaf(l, F(DATE), length);
	if (assay_layout_left(l))
		assay_layout_name(l, assay_layout_leaf(l, F(LINES), assay_layout_left(l)),
				  assay_span_text("body"));
	return ASSAY_OK;
}

static enum assay_code make_date(struct assay_emit *e, const struct assay_anatomy *a, const struct assay_node *n,
				 struct assay_rope *rope, struct assay_error *err)
{
	char text[64];
	struct tm tm;

	(void)a;
	if (assay_emit_date(e, n->field, &tm, err))
		return err->code;
	return assay_emit_make(e, rope, text, strftime(text, sizeof(text), "#%a %b %d %H:%M:%S UTC %Y", &tm), err);
}

static enum assay_code properties_emit(struct assay_emit *e, const struct assay_anatomy *a,
				       struct assay_rope *rope, struct assay_error *err)
{
	return assay_emit_leaves(e, a, make_date, rope, err);
}

const struct assay_format assay_format_properties = {
	.name = "properties",
	.bid = properties_bid,
	.lay_out = properties_lay_out,
	.emit = properties_emit,
	.fields = properties_fields,
};
