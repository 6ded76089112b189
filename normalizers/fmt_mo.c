/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gettext message catalogues (GNU gettext manual, "The Format of GNU MO Files").  Only the dates in
 * the header entry are told apart; everything else is what the program will say.
 */
#include <stdio.h>
#include <time.h>

#include "emit.h"
#include "field_rows.h"
#include "rows.h"

enum {
	HEADER,
	TABLES,
	DATE,
	MESSAGES,
};

static const struct assay_field mo_fields[] = {
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "mo.header", ASSAY_SEVERITY_STRUCTURE, NULL,
				   "magic number, revision, and where the tables stand"),
	[TABLES] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "mo.tables", ASSAY_SEVERITY_DATA, NULL,
				   "tables of strings, hash table, and strings up to the header entry"),
	[DATE] = ASSAY_ROW_SAFE(ASSAY_METADATA, "mo.date", "mo-date", ASSAY_GRADE_CONTAINER,
				"timestamps_in_gettext_mo_files",
				"POT-Creation-Date or PO-Revision-Date as yyyy-mm-dd hh:mm+zzzz: "
				"libintl does not read them"),
	[MESSAGES] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "mo.messages", ASSAY_SEVERITY_DATA, NULL,
				     "messages, and the header entry but for its dates"),
	{ .name = NULL },
};

#define F(x) (&mo_fields[x])

#define HEADER_SIZE 28
#define DATE_SIZE 21 /* "2024-01-31 23:59+0000" */

static uint32_t get32(struct assay_span s, uint64_t at, bool big)
{
	return (uint32_t)assay_rows_number(s, at, 4, big);
}

static bool is_big(struct assay_span file)
{
	return file.data[0] == 0x95;
}

static unsigned mo_bid(struct assay_span file)
{
	static const uint8_t little[] = { 0xde, 0x12, 0x04, 0x95 }, big[] = { 0x95, 0x04, 0x12, 0xde };

	if (file.len < HEADER_SIZE ||
	    (memcmp(file.data, little, 4) != 0 && memcmp(file.data, big, 4) != 0))
		return 0;
	/* revision: major 0 or 1 */
	return get32(file, 4, is_big(file)) >> 16 <= 1 ? 32 + 15 : 0;
}

static bool meets(uint64_t start, uint64_t end, uint64_t offset, uint64_t length)
{
	return offset < end && length > 0 && (offset >= start || start - offset < length);
}

/* A message or table that overlaps the header entry would be read with a date in it. */
static bool is_shared(struct assay_span file, uint64_t start, uint64_t end)
{
	bool big = is_big(file);
	uint64_t count = get32(file, 8, big);
	uint64_t tables[] = { get32(file, 12, big), get32(file, 16, big) };

	if (meets(start, end, get32(file, 24, big), 4ULL * get32(file, 20, big)))
		return true;
	for (size_t table = 0; table < 2; table++) {
		if (tables[table] > file.len || count > (file.len - tables[table]) / 8 ||
		    meets(start, end, tables[table], 8 * count))
			return true;
		for (uint64_t i = 0; i < count; i++) {
			uint64_t at = tables[table] + 8 * i;

			/* the translation of the first message is the entry itself */
			if (!(table == 1 && i == 0) &&
			    meets(start, end, get32(file, at + 4, big), get32(file, at, big) + 1ULL))
				return true;
		}
	}
	return false;
}

/* The translation of the empty message, when it is the first one. */
static bool find_entry(struct assay_span file, uint64_t *start, uint64_t *end)
{
	bool big = is_big(file);
	uint64_t count = get32(file, 8, big), originals = get32(file, 12, big);
	uint64_t translations = get32(file, 16, big), length, offset;

	if (count == 0 || originals > file.len - 8 || translations > file.len - 8 ||
	    get32(file, originals, big) != 0)
		return false;
	length = get32(file, translations, big);
	offset = get32(file, translations + 4, big);
	if (offset < HEADER_SIZE || offset > file.len || length > file.len - offset)
		return false;
	*start = offset;
	*end = offset + length;
	return !is_shared(file, offset, offset + length);
}

static bool is_date(struct assay_span s)
{
	static const char pattern[] = "0000-00-00 00:00+0000";

	if (s.len != DATE_SIZE)
		return false;
	for (size_t i = 0; i < DATE_SIZE; i++) {
		uint8_t c = s.data[i];

		if (pattern[i] == '0' ? c < '0' || c > '9'
				      : c != (uint8_t)pattern[i] && !(i == 16 && c == '-'))
			return false;
	}
	return true;
}

static void lay_out_dates(struct assay_layout *l, struct assay_span file, uint64_t end)
{
	struct assay_span rest = assay_span_cut(file, assay_layout_at(l), end - assay_layout_at(l));
	struct assay_span line;

	while (assay_span_next_line(&rest, &line)) {
		struct assay_span date = { NULL, 0 };
		uint64_t at;

		if (assay_span_starts(line, "POT-Creation-Date: "))
			date = assay_span_cut(line, 19, SIZE_MAX);
		else if (assay_span_starts(line, "PO-Revision-Date: "))
			date = assay_span_cut(line, 18, SIZE_MAX);
		if (!is_date(date))
			continue;
		at = (uint64_t)(date.data - file.data);
		if (at > assay_layout_at(l))
			assay_layout_leaf(l, F(MESSAGES), at - assay_layout_at(l));
		assay_layout_leaf(l, F(DATE), DATE_SIZE);
	}
}

static enum assay_code mo_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	uint64_t start, end;

	(void)err;
	assay_layout_leaf(l, F(HEADER), HEADER_SIZE);
	if (find_entry(file, &start, &end)) {
		if (start > HEADER_SIZE)
			assay_layout_leaf(l, F(TABLES), start - HEADER_SIZE);
		lay_out_dates(l, file, end);
	}
	if (assay_layout_left(l))
		assay_layout_leaf(l, F(MESSAGES), assay_layout_left(l));
	return ASSAY_OK;
}

static unsigned digits(const uint8_t *p, size_t count)
{
	unsigned value = 0;

	for (size_t i = 0; i < count; i++)
		value = 10 * value + (unsigned)(p[i] - '0');
	return value;
}

/* Seconds of what is_date() has accepted. */
static int64_t date_seconds(const uint8_t *p)
{
	struct tm tm = { .tm_year = (int)digits(p, 4) - 1900, .tm_mon = (int)digits(p + 5, 2) - 1,
			 .tm_mday = (int)digits(p + 8, 2),    .tm_hour = (int)digits(p + 11, 2),
			 .tm_min = (int)digits(p + 14, 2) };
	int64_t zone = 60 * (60 * (int64_t)digits(p + 17, 2) + digits(p + 19, 2));

	return timegm(&tm) - (p[16] == '-' ? -zone : zone);
}

/* A date that is kept keeps its zone. */
static enum assay_code emit_date(struct assay_emit *e, const struct assay_anatomy *a,
				 const struct assay_node *n, struct assay_rope *rope,
				 struct assay_error *err)
{
	int64_t before = date_seconds(a->bytes.data + n->offset);
	time_t after = (time_t)assay_emit_time(e, F(DATE), before);
	char text[DATE_SIZE + 1];
	struct tm tm;

	if (after == before && e->options->has_epoch)
		return assay_emit_copy(rope, a, n, err);
	if (!gmtime_r(&after, &tm) ||
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M+0000", &tm) != DATE_SIZE)
		return assay_fail(err, ASSAY_EUNSUPPORTED, "SOURCE_DATE_EPOCH: no year of four digits");
	return assay_emit_make(e, rope, text, DATE_SIZE, err);
}

static enum assay_code mo_emit(struct assay_emit *e, const struct assay_anatomy *a,
			       struct assay_rope *rope, struct assay_error *err)
{
	return assay_emit_leaves(e, a, emit_date, rope, err);
}

const struct assay_format assay_format_mo = {
	.name = "mo",
	.bid = mo_bid,
	.lay_out = mo_lay_out,
	.emit = mo_emit,
	.fields = mo_fields,
};
