/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formats as tables: a fixed header is a list of rows, an image of blocks is cut into named pieces.
 * What a format of the second rank needs beyond its field table is mostly a list like this:
 *
 *	static const struct assay_row superblock[] = {
 *		{ MAGIC, 4, ASSAY_SHOW_NONE, NULL },
 *		{ HEADER, 4, ASSAY_SHOW_NUMBER, "inode count" },
 *		{ TIME, 4, ASSAY_SHOW_TIME, NULL },
 *	};
 *	assay_rows_lay_out(l, fields, superblock, 3, false);
 */
#ifndef ASSAY_NORMALIZERS_ROWS_H
#define ASSAY_NORMALIZERS_ROWS_H

#include "anatomy.h"

enum assay_show {
	ASSAY_SHOW_NONE,
	ASSAY_SHOW_NUMBER,
	ASSAY_SHOW_HEX,
	ASSAY_SHOW_TIME, /* seconds since 1970 */
	ASSAY_SHOW_TEXT, /* up to the first NUL, without spaces around it */
	ASSAY_SHOW_UUID,
};

struct assay_row {
	uint8_t field; /* index in the format's table of fields */
	uint16_t width;
	enum assay_show show;
	const char *name; /* of the leaf, where many share one field; or NULL */
};

/* One leaf for each row, from the cursor on. */
void assay_rows_lay_out(struct assay_layout *l, const struct assay_field *fields,
			const struct assay_row *rows, size_t count, bool big);

/* An unsigned number of up to eight bytes; 0 where the span does not hold it. */
uint64_t assay_rows_number(struct assay_span s, uint64_t at, unsigned width, bool big);

/* What stands in front of the first NUL; all of it when there is none. */
struct assay_span assay_rows_text(struct assay_span s);

/* From the cursor to end as leaves of content that are named by the units they hold ("blocks 16-31"):
 * a difference then says where it is.  A unit is a block, page or sector; there are at most
 * ASSAY_MAX_PIECES leaves. */
void assay_rows_pieces(struct assay_layout *l, const struct assay_field *field, uint64_t end,
		       uint64_t unit, const char *noun);

#endif
