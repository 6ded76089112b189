/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times as builds write them into files: text in some twenty shapes and integers in a few.  Used to
 * say of two differing pieces that both are points in time, and how far apart.
 */
#ifndef ASSAY_NORMALIZERS_STAMP_H
#define ASSAY_NORMALIZERS_STAMP_H

#include "assay/span.h"

struct assay_stamp {
	const char *shape; /* name of the pattern, such as "rfc5322"; equal pointers, equal shape */
	size_t offset, len;
	int64_t seconds; /* since the epoch; a missing zone is read as UTC */
	bool has_date, has_clock;
	int zone_minutes; /* east of Greenwich; 0 when none is written */
};

/* Finds the longest stamp in text that touches [at, at + len); false when there is none. */
bool assay_stamp_find(struct assay_span text, size_t at, size_t len, struct assay_stamp *ret);

/* Reads bytes (4 or 8, either order) as seconds since the epoch; true when both sides lie between 1980
 * and 2100 in the same reading.  Most values of four bytes do: it takes a known time to believe it. */
bool assay_stamp_binary(const uint8_t *left, const uint8_t *right, size_t len, int64_t *ret_left,
			int64_t *ret_right);

/* The whole span is a date as Java's Date.toString() writes it: "Ddd Mmm dd hh:mm:ss ZZZ yyyy". */
bool assay_stamp_is_java(struct assay_span s);

#endif
