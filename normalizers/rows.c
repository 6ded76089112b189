/* SPDX-License-Identifier: Apache-2.0 */
/* Fixed headers and images of blocks; see the header. */
#include "rows.h"

#include "assay/hex.h"
#include "assay/limits.h"
#include "assay/time.h"

uint64_t assay_rows_number(struct assay_span s, uint64_t at, unsigned width, bool big)
{
	uint64_t value = 0;

	if (at > s.len || width > s.len - at)
		return 0;
	for (unsigned i = 0; i < width; i++)
		value |= (uint64_t)s.data[at + i] << (8 * (big ? width - 1 - i : i));
	return value;
}

struct assay_span assay_rows_text(struct assay_span s)
{
	return s.len ? assay_span_cut(s, 0, strnlen((const char *)s.data, s.len)) : s;
}

static void show_uuid(struct assay_layout *l, struct assay_node *node, struct assay_span s)
{
	char hex[33];

	assay_hex_encode(assay_span_cut(s, 0, 16), hex);
	assay_layout_value(l, node, "%.8s-%.4s-%.4s-%.4s-%s", hex, hex + 8, hex + 12, hex + 16,
			   hex + 20);
}

static void show(struct assay_layout *l, struct assay_node *node, struct assay_span s,
		 enum assay_show how, bool big)
{
	uint64_t number = s.len <= 8 ? assay_rows_number(s, 0, (unsigned)s.len, big) : 0;
	char text[ASSAY_TIME_TEXT], shown[256];

	switch (how) {
	case ASSAY_SHOW_NONE:
		break;
	case ASSAY_SHOW_NUMBER:
		assay_layout_value(l, node, "%llu", (unsigned long long)number);
		break;
	case ASSAY_SHOW_HEX:
		assay_layout_value(l, node, "0x%llx", (unsigned long long)number);
		break;
	case ASSAY_SHOW_TIME:
		if (number <= UINT32_MAX)
			assay_layout_value(l, node, "%s",
					   assay_time_format((int64_t)number, text));
		break;
	case ASSAY_SHOW_TEXT:
		assay_layout_value(l, node, "%s",
				   assay_span_show(assay_span_trim(assay_rows_text(s)), shown,
						   sizeof(shown)));
		break;
	case ASSAY_SHOW_UUID:
		if (s.len == 16)
			show_uuid(l, node, s);
		break;
	}
}

void assay_rows_lay_out(struct assay_layout *l, const struct assay_field *fields,
			const struct assay_row *rows, size_t count, bool big)
{
	for (size_t i = 0; i < count; i++) {
		struct assay_span bytes = assay_layout_peek(l, 0, rows[i].width);
		struct assay_node *leaf = assay_layout_leaf(l, &fields[rows[i].field],
							    rows[i].width);

		if (bytes.len < rows[i].width)
			return;
		if (rows[i].name)
			assay_layout_name(l, leaf, assay_span_text(rows[i].name));
		show(l, leaf, bytes, rows[i].show, big);
	}
}

void assay_rows_pieces(struct assay_layout *l, const struct assay_field *field, uint64_t end,
		       uint64_t unit, const char *noun)
{
	uint64_t piece = unit, at = assay_layout_at(l);

	if (unit == 0 || end <= at)
		return;
	while ((end - at) / piece >= ASSAY_MAX_PIECES)
		piece *= 2;
	while (at < end && !assay_layout_failed(l)) {
		uint64_t stop = (at / piece + 1) * piece, first = at / unit, last;
		char *name;

		stop = stop < end ? stop : end;
		last = (stop - 1) / unit;
		name = first == last ?
			       assay_arena_printf(&assay_layout_anatomy(l)->arena, "%s %llu", noun,
						  (unsigned long long)first) :
			       assay_arena_printf(&assay_layout_anatomy(l)->arena, "%ss %llu-%llu",
						  noun, (unsigned long long)first,
						  (unsigned long long)last);
		assay_layout_name(l, assay_layout_leaf(l, field, stop - at),
				  assay_span_text(name ? name : ""));
		at = stop;
	}
}
