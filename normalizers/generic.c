/* SPDX-License-Identifier: Apache-2.0 */
/* Text and binary: what a file is when no format knows it.  One leaf of content each. */
#include "anatomy.h"
#include "assay/limits.h"

/* Bytes looked at to tell text from binary.  A NUL or broken UTF-8 behind them does no harm: text is
 * compared as bytes too, only shown by lines. */
#define TEXT_PROBE (64 * ASSAY_KIB)

static const struct assay_field text_fields[] = {
	{
		.name = "text",
		.kind = ASSAY_CONTENT,
		.rating = ASSAY_RATE_NEVER,
		.severity = ASSAY_SEVERITY_DATA,
		.rule = "text is read or run by whoever consumes it, line endings included",
	},
	{ .name = NULL },
};

static const struct assay_field binary_fields[] = {
	{
		.name = "binary",
		.kind = ASSAY_CONTENT,
		.rating = ASSAY_RATE_NEVER,
		.severity = ASSAY_SEVERITY_DATA,
		.rule = "bytes of no known format: any of them may matter",
	},
	{ .name = NULL },
};

/* The probe may cut a character in two: up to three bytes at its end are not looked at. */
static bool is_text(struct assay_span file)
{
	struct assay_span probe = assay_span_cut(file, 0, TEXT_PROBE);

	if (memchr(probe.data ? (const void *)probe.data : "", 0, probe.len))
		return false;
	for (unsigned cut = 0; cut < 4 && cut <= probe.len; cut++) {
		if (assay_span_is_utf8(assay_span_cut(probe, 0, probe.len - cut)))
			return true;
		if (probe.len == file.len)
			return false;
	}
	return false;
}

static unsigned text_bid(struct assay_span file)
{
	return is_text(file) ? 1 : 0;
}

static unsigned binary_bid(struct assay_span file)
{
	(void)file;
	return 1;
}

static enum assay_code lay_out_whole(struct assay_layout *l, const struct assay_field *field)
{
	if (assay_layout_left(l))
		assay_layout_leaf(l, field, assay_layout_left(l));
	return ASSAY_OK;
}

static enum assay_code text_lay_out(struct assay_layout *l, struct assay_error *err)
{
	(void)err;
	return lay_out_whole(l, text_fields);
}

static enum assay_code binary_lay_out(struct assay_layout *l, struct assay_error *err)
{
	(void)err;
	return lay_out_whole(l, binary_fields);
}

const struct assay_format assay_format_text = {
	.name = "text",
	.bid = text_bid,
	.lay_out = text_lay_out,
	.fields = text_fields,
};

const struct assay_format assay_format_binary = {
	.name = "binary",
	.bid = binary_bid,
	.lay_out = binary_lay_out,
	.fields = binary_fields,
};
