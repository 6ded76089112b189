/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ogg (RFC 3533): pages of one or more streams.  Encoders draw the serial numbers of streams at random; the first pages
 * of a stream hold its headers, with the encoder's name and the comments.
 */
#include "field_rows.h"
#include "rows.h"

enum {
	PAGE,
	HEADER,
	SERIAL,
	SUM,
	SUM_WRONG,
	SEGMENTS,
	HEADERS,
	DATA,
	TRAILING,
};

static const struct assay_field ogg_fields[] = {
	[PAGE] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "ogg.page", ASSAY_SEVERITY_DATA, NULL, "a page of a stream"),
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_METADATA, "ogg.header", ASSAY_SEVERITY_DATA, NULL,
				   "version, kind, position and number of a page (section 6)"),
	[SERIAL] = ASSAY_ROW_NEVER(ASSAY_METADATA, "ogg.serial", ASSAY_SEVERITY_METADATA, "random_hex_identifier",
				   "number of the stream, drawn at random by encoders; players tell streams apart by it"),
	[SUM] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "ogg.sum", ASSAY_SEVERITY_METADATA, "checksum_of_changed_content",
				"CRC-32 of the page, verified"),
	[SUM_WRONG] = ASSAY_ROW_NEVER(ASSAY_METADATA, "ogg.sum.wrong", ASSAY_SEVERITY_STRUCTURE, NULL,
				      "a CRC that is not that of the page: players skip it"),
	[SEGMENTS] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "ogg.segments", ASSAY_SEVERITY_METADATA, NULL,
				     "lengths of the pieces of packets"),
	[HEADERS] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "ogg.headers", ASSAY_SEVERITY_METADATA, NULL,
				    "headers of a stream: its codec, the encoder's name, comments, and what they share a page with"),
	[DATA] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "ogg.data", ASSAY_SEVERITY_DATA, NULL, "what is heard or seen"),
	[TRAILING] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "ogg.trailing", ASSAY_SEVERITY_STRUCTURE, NULL,
				     "bytes that are no page"),
	{ .name = NULL },
};

#define F(x) (&ogg_fields[x])

#define HEADER_SIZE 27
#define SUM_AT 22
#define MOST_STREAMS 16 /* told apart by their place; more share the last one */

static const struct assay_row head[] = {
	{ HEADER, 4, ASSAY_SHOW_TEXT, "magic" },      { HEADER, 1, ASSAY_SHOW_NUMBER, "version" },
	{ HEADER, 1, ASSAY_SHOW_HEX, "kind" },	      { HEADER, 8, ASSAY_SHOW_NUMBER, "position" },
	{ SERIAL, 4, ASSAY_SHOW_HEX, NULL },	      { HEADER, 4, ASSAY_SHOW_NUMBER, "number" },
};

struct streams {
	uint32_t serial[MOST_STREAMS];
	unsigned pages[MOST_STREAMS];
	unsigned count;
	uint32_t table[256];
};

static unsigned ogg_bid(struct assay_span file)
{
	return file.len >= HEADER_SIZE && memcmp(file.data, "OggS\0", 5) == 0 && file.data[5] < 8 ? 45 : 0;
}

/* Length of the page at the start of s; 0 when there is none. */
static uint64_t page_length(struct assay_span s)
{
	uint64_t length;

	if (!ogg_bid(s) || s.len < HEADER_SIZE + (uint64_t)s.data[26])
		return 0;
	length = HEADER_SIZE + (uint64_t)s.data[26];
	for (unsigned i = 0; i < s.data[26]; i++)
		length += s.data[HEADER_SIZE + i];
	return length <= s.len ? length : 0;
}

/* Polynomial 0x04c11db7, highest bit first (section 6). */
static void fill_table(uint32_t *table)
{
	for (uint32_t i = 0; i < 256; i++) {
		table[i] = i << 24;
		for (int bit = 0; bit < 8; bit++)
			table[i] = table[i] << 1 ^ (table[i] >> 31 ? 0x04c11db7 : 0);
	}
}

/* Over the page with zeros for the sum. */
static uint32_t page_sum(const uint32_t *table, struct assay_span page)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < page.len; i++)
		sum = sum << 8 ^ table[sum >> 24 ^ (i >= SUM_AT && i < SUM_AT + 4 ? 0 : page.data[i])];
	return sum;
}

static unsigned stream_of(struct streams *s, uint32_t serial)
{
	unsigned i = 0;

	while (i < s->count && s->serial[i] != serial)
		i++;
	if (i == s->count && s->count < MOST_STREAMS)
		s->serial[s->count++] = serial;
	return i < MOST_STREAMS ? i : MOST_STREAMS - 1;
}

static void lay_out_page(struct assay_layout *l, struct streams *streams, uint64_t length)
{
	struct assay_span page = assay_layout_peek(l, 0, length);
	unsigned stream = stream_of(streams, (uint32_t)assay_rows_number(page, 14, 4, false));
	unsigned number = streams->pages[stream]++;
	bool holds = page_sum(streams->table, page) == assay_rows_number(page, SUM_AT, 4, false);
	char *name = assay_arena_printf(&assay_layout_anatomy(l)->arena, "stream %u, page %u", stream, number);
	uint64_t segments = page.data[26];

	assay_layout_name(l, assay_layout_open(l, F(PAGE)), assay_span_text(name ? name : ""));
	assay_rows_lay_out(l, ogg_fields, head, sizeof(head) / sizeof(head[0]), false);
	assay_layout_leaf(l, F(holds ? SUM : SUM_WRONG), 4);
	assay_layout_leaf(l, F(SEGMENTS), 1 + segments);
	if (length > HEADER_SIZE + segments)
		assay_layout_leaf(l, F(number < 2 ? HEADERS : DATA), length - HEADER_SIZE - segments);
	assay_layout_close(l);
}

static enum assay_code ogg_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct streams streams = { .count = 0 };
	uint64_t length = page_length(assay_layout_peek(l, 0, UINT64_MAX));

	if (!length)
		return assay_fail(err, ASSAY_EINPUT, "offset 0: page: cut short");
	fill_table(streams.table);
	while (length && !assay_layout_failed(l)) {
		lay_out_page(l, &streams, length);
		length = page_length(assay_layout_peek(l, 0, UINT64_MAX));
	}
	if (assay_layout_left(l)) {
		assay_layout_ambiguous(l, assay_layout_at(l), "bytes that are no page");
		assay_layout_leaf(l, F(TRAILING), assay_layout_left(l));
	}
	return ASSAY_OK;
}

const struct assay_format assay_format_ogg = {
	.name = "ogg",
	.bid = ogg_bid,
	.lay_out = ogg_lay_out,
	.fields = ogg_fields,
};
