/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fonts in sfnt form: TrueType and OpenType (OpenType specification 1.9, "otff" and "head").  Tables by
 * their tags; in "head" the two times and the sum of the file are told apart.
 */
#include "assay/time.h"
#include "emit.h"
#include "field_rows.h"
#include "places.h"
#include "rows.h"

enum {
	HEADER,
	RECORD,
	SUM,
	SUM_WRONG,
	TABLE,
	PROGRAM,
	HEAD,
	MODIFIED,
	ADJUSTMENT,
	ADJUSTMENT_WRONG,
	EDITOR,
	EDITED,
	SIGNATURE,
	GAP,
	PADDING,
};

static const struct assay_field sfnt_fields[] = {
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "sfnt.header", ASSAY_SEVERITY_STRUCTURE, NULL,
				   "version and number of tables"),
	[RECORD] = ASSAY_ROW_NEVER(ASSAY_METADATA, "sfnt.record", ASSAY_SEVERITY_STRUCTURE, NULL,
				   "tag, place and length of a table"),
	[SUM] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "sfnt.sum", ASSAY_SEVERITY_METADATA,
				"checksum_of_changed_content", "sum of a table, verified"),
	[SUM_WRONG] = ASSAY_ROW_NEVER(ASSAY_METADATA, "sfnt.sum.wrong", ASSAY_SEVERITY_METADATA, NULL,
				      "a sum that is not that of the table: some systems refuse the font"),
	[TABLE] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "sfnt.table", ASSAY_SEVERITY_DATA, NULL,
				  "a table that renderers read"),
	[PROGRAM] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "sfnt.program", ASSAY_SEVERITY_CODE, NULL,
				    "instructions of the font, run by renderers (fpgm, prep, glyf, CFF)"),
	[HEAD] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "sfnt.head", ASSAY_SEVERITY_DATA, NULL,
				 "the head table but for its times and its sum"),
	[MODIFIED] = ASSAY_ROW_SAFE(ASSAY_METADATA, "sfnt.head.time", "sfnt-time",
				    ASSAY_GRADE_CONTAINER, "timestamps_in_fonts",
				    "created or modified, a time between 1980 and 2100 in seconds since "
				    "1904: no renderer reads it"),
	[ADJUSTMENT] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "sfnt.head.adjustment", ASSAY_SEVERITY_METADATA,
				       "checksum_of_changed_content",
				       "checkSumAdjustment, the sum of the file, verified"),
	[ADJUSTMENT_WRONG] = ASSAY_ROW_NEVER(ASSAY_METADATA, "sfnt.head.adjustment.wrong",
					     ASSAY_SEVERITY_METADATA, NULL,
					     "checkSumAdjustment that does not hold"),
	[EDITOR] = ASSAY_ROW_NEVER(ASSAY_METADATA, "sfnt.fftm", ASSAY_SEVERITY_METADATA, "tool_version_differs",
				   "FFTM: version of the table, and the time of FontForge's own sources"),
	[EDITED] = ASSAY_ROW_NEVER(ASSAY_METADATA, "sfnt.fftm.time", ASSAY_SEVERITY_METADATA, "timestamps_in_fonts",
				   "FFTM: when FontForge created and changed the source of the font"),
	[SIGNATURE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "sfnt.signature", ASSAY_SEVERITY_STRUCTURE, NULL,
				      "DSIG: a digital signature, never folded"),
	[GAP] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "sfnt.gap", ASSAY_SEVERITY_DATA, NULL,
				"bytes that no table claims and that are not zero"),
	[PADDING] = ASSAY_ROW_NEVER(ASSAY_PADDING, "sfnt.padding", ASSAY_SEVERITY_METADATA, NULL,
				    "zeros up to a multiple of four"),
	{ .name = NULL },
};

#define F(x) (&sfnt_fields[x])

#define HEADER_SIZE 12
#define RECORD_SIZE 16
#define HEAD_SIZE 54
#define MOST_TABLES 512
#define EPOCH_1904 2082844800LL /* seconds from 1904 to 1970 */
#define YEAR_1980 315532800LL
#define YEAR_2100 4102444800LL

static uint64_t get(struct assay_span s, uint64_t at, unsigned width)
{
	return assay_rows_number(s, at, width, true);
}

static unsigned sfnt_bid(struct assay_span file)
{
	static const char *const versions[] = { "OTTO", "true", "typ1" };
	uint64_t count = get(file, 4, 2);
	bool known = get(file, 0, 4) == 0x00010000;

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		known |= assay_span_starts(file, versions[i]);
	return known && count > 0 && count <= MOST_TABLES &&
			       file.len >= HEADER_SIZE + RECORD_SIZE * count &&
			       file.data[HEADER_SIZE] >= ' ' && file.data[HEADER_SIZE] < 0x7f ?
		       40 :
		       0;
}

/* The sum of big-endian words, the last one filled up with zeros. */
static uint32_t sum_of(struct assay_span s)
{
	uint32_t sum = 0;

	for (uint64_t at = 0; at < s.len; at += 4) {
		uint32_t word = 0;

		for (uint64_t i = 0; i < 4; i++)
			word = word << 8 | (at + i < s.len ? s.data[at + i] : 0U);
		sum += word;
	}
	return sum;
}

/* The adjustment itself counts as zero, in the sum of "head" as in that of the file. */
static uint32_t sum_without_adjustment(struct assay_span s, uint64_t adjustment)
{
	/* it stands at a multiple of four in every well-formed font */
	return sum_of(s) - (adjustment % 4 == 0 ? (uint32_t)get(s, adjustment, 4) : 0);
}

static bool is_time(uint64_t value)
{
	return value >= (uint64_t)(YEAR_1980 + EPOCH_1904) && value < (uint64_t)(YEAR_2100 + EPOCH_1904);
}

static void lay_out_time(struct assay_layout *l, const char *name)
{
	uint64_t value = get(assay_layout_peek(l, 0, 8), 0, 8);
	struct assay_node *leaf = assay_layout_leaf(l, F(is_time(value) ? MODIFIED : HEAD), 8);
	char text[ASSAY_TIME_TEXT];

	assay_layout_name(l, leaf, assay_span_text(name));
	if (is_time(value))
		assay_layout_value(l, leaf, "%s",
				   assay_time_format((int64_t)value - EPOCH_1904, text));
}

static void lay_out_head(struct assay_layout *l, const struct assay_place *place)
{
	struct assay_span file = assay_layout_bytes(l);
	uint64_t at = place->start + 8;
	bool holds = get(file, at, 4) ==
		     (uint32_t)(0xb1b0afba - sum_without_adjustment(file, at));

	assay_layout_name(l, assay_layout_open(l, F(HEAD)), place->name);
	assay_layout_leaf(l, F(HEAD), 8);
	assay_layout_value(l, assay_layout_leaf(l, F(holds ? ADJUSTMENT : ADJUSTMENT_WRONG), 4),
			   "0x%08llx", (unsigned long long)get(file, at, 4));
	assay_layout_leaf(l, F(HEAD), 8);
	lay_out_time(l, "created");
	lay_out_time(l, "modified");
	assay_layout_leaf(l, F(HEAD), place->length - 36);
	assay_layout_close(l);
}

#define FFTM_SIZE 28

static void lay_out_fftm(struct assay_layout *l, const struct assay_place *place)
{
	static const struct assay_row rows[] = { { EDITOR, 4, ASSAY_SHOW_NUMBER, "version" },
						 { EDITOR, 8, ASSAY_SHOW_NUMBER, "FontForge" },
						 { EDITED, 8, ASSAY_SHOW_NUMBER, "created" },
						 { EDITED, 8, ASSAY_SHOW_NUMBER, "modified" } };

	assay_layout_name(l, assay_layout_open(l, F(TABLE)), place->name);
	assay_rows_lay_out(l, sfnt_fields, rows, sizeof(rows) / sizeof(rows[0]), true);
	assay_layout_close(l);
}

static int table_field(struct assay_span tag)
{
	static const char *const programs[] = { "fpgm", "prep", "glyf", "CFF ", "CFF2", "cvt " };

	if (assay_span_equal_text(tag, "DSIG"))
		return SIGNATURE;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (assay_span_equal_text(tag, programs[i]))
			return PROGRAM;
	return TABLE;
}

/* Tables that overlap a hundred times would cost a hundred sums of the file: such are not summed. */
static bool is_summed(struct assay_span file, uint64_t count)
{
	uint64_t total = 0, heads = 0;

	for (uint64_t i = 0; i < count; i++) {
		total += get(file, HEADER_SIZE + RECORD_SIZE * i + 12, 4);
		heads += memcmp(file.data + HEADER_SIZE + RECORD_SIZE * i, "head", 4) == 0;
	}
	return heads <= 1 && total <= 2 * file.len;
}

static void lay_out_record(struct assay_layout *l, struct assay_places *places, uint64_t at,
			   bool summed)
{
	struct assay_span file = assay_layout_bytes(l), tag = assay_span_cut(file, at, 4);
	uint64_t start = get(file, at + 8, 4), length = get(file, at + 12, 4);
	struct assay_span table = assay_span_cut(file, start, length);
	bool is_head = summed && assay_span_equal_text(tag, "head") && length >= HEAD_SIZE &&
		       start % 4 == 0;
	bool is_fftm = assay_span_equal_text(tag, "FFTM") && length == FFTM_SIZE;
	bool holds = summed && table.len == length &&
		     get(file, at + 4, 4) ==
			     (is_head ? sum_without_adjustment(table, 8) : sum_of(table));

	assay_layout_name(l, assay_layout_leaf(l, F(RECORD), 4), tag);
	assay_layout_name(l, assay_layout_leaf(l, F(holds ? SUM : SUM_WRONG), 4), tag);
	assay_layout_name(l, assay_layout_leaf(l, F(RECORD), 8), tag);
	assay_places_add(l, places,
			 &(struct assay_place){ .start = start,
						.length = length,
						.field = F(table_field(tag)),
						.name = tag,
						.lay_out = is_head ? lay_out_head :
							   is_fftm ? lay_out_fftm :
								     NULL });
}

static enum assay_code sfnt_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	uint64_t count = get(file, 4, 2);
	struct assay_places places = { 0 };
	bool summed = is_summed(file, count);

	assay_layout_leaf(l, F(HEADER), HEADER_SIZE);
	for (uint64_t i = 0; i < count; i++)
		lay_out_record(l, &places, HEADER_SIZE + RECORD_SIZE * i, summed);
	for (uint64_t i = 1; i < count; i++)
		if (memcmp(file.data + HEADER_SIZE + RECORD_SIZE * (i - 1),
			   file.data + HEADER_SIZE + RECORD_SIZE * i, 4) >= 0)
			assay_layout_ambiguous(l, HEADER_SIZE + RECORD_SIZE * i,
					       "tables stand twice or are not sorted by their tags");
	return assay_places_lay_out(l, &places, file.len, F(GAP), F(PADDING), err);
}

/* The head table with canonical times, where both its sums hold; *ret_change: by how much its own sum changed. */
static bool make_head(struct assay_emit *e, const struct assay_anatomy *a, const struct assay_node *head,
		      uint8_t *out, uint32_t *ret_change)
{
	struct assay_span before = assay_span_cut(a->bytes, head->offset, HEAD_SIZE);
	bool holds = false;

	if (!before.data || before.len < HEAD_SIZE)
		return false;
	memcpy(out, before.data, HEAD_SIZE);
	for (const struct assay_node *n = head->first; n; n = n->next) {
		uint8_t *field = out + (n->offset - head->offset);
		uint64_t value = get(a->bytes, n->offset, 8);

		holds |= n->field == F(ADJUSTMENT);
		if (n->field != F(MODIFIED))
			continue;
		value = (uint64_t)(assay_emit_time(e, n->field, (int64_t)value - EPOCH_1904) + EPOCH_1904);
		assay_emit_be32(field, (int64_t)(value >> 32));
		assay_emit_be32(field + 4, (int64_t)(value & UINT32_MAX));
	}
	*ret_change = sum_of(assay_span_of(out, HEAD_SIZE)) - sum_of(before);
	/* the sum of the file takes in the table, and the sum of the table that stands in its record */
	assay_emit_be32(out + 8, (int64_t)(uint32_t)(get(before, 8, 4) - 2 * *ret_change));
	return holds;
}

static const struct assay_node *find_leaf(const struct assay_anatomy *a, const struct assay_field *field, bool is_group)
{
	const struct assay_node *n = a->root->first;

	while (n && (n->field != field || is_group != (n->first != NULL) ||
		     (n->name.len && !assay_span_equal_text(n->name, "head"))))
		n = n->next;
	return n;
}

static enum assay_code sfnt_emit(struct assay_emit *e, const struct assay_anatomy *a, struct assay_rope *rope,
				 struct assay_error *err)
{
	const struct assay_node *head = find_leaf(a, F(HEAD), true), *sum = find_leaf(a, F(SUM), false);
	uint8_t table[HEAD_SIZE], number[4];
	uint32_t change;

	for (const struct assay_node *n = a->root->first; n; n = n->next)
		if (n->field == F(SIGNATURE))
			return assay_fail(err, ASSAY_EUNSUPPORTED, "signed: DSIG");
	if (!head || !sum || !assay_emit_wants(e, F(MODIFIED)) || !make_head(e, a, head, table, &change))
		return assay_rope_add(rope, a->bytes, err);
	assay_emit_be32(number, (int64_t)(uint32_t)(get(a->bytes, sum->offset, 4) + change));
	if (assay_rope_add(rope, assay_span_cut(a->bytes, 0, sum->offset), err) ||
	    assay_emit_make(e, rope, number, sizeof(number), err) ||
	    assay_rope_add(rope,
			   assay_span_cut(a->bytes, sum->offset + 4, head->offset - sum->offset - 4), err) ||
	    assay_emit_make(e, rope, table, sizeof(table), err))
		return err->code;
	return assay_rope_add(rope, assay_span_cut(a->bytes, head->offset + HEAD_SIZE, SIZE_MAX), err);
}

const struct assay_format assay_format_sfnt = {
	.name = "sfnt",
	.bid = sfnt_bid,
	.lay_out = sfnt_lay_out,
	.emit = sfnt_emit,
	.fields = sfnt_fields,
};
