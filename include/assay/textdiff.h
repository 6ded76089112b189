/* SPDX-License-Identifier: Apache-2.0 */
/* Differences of two texts by lines, by libgit2's diff: bounded hunks and a unified diff to show. */
#ifndef ASSAY_TEXTDIFF_H
#define ASSAY_TEXTDIFF_H

#include "assay/buf.h"
#include "assay/error.h"
#include "assay/span.h"

/* One run of changed lines, as bytes of both texts; a length is 0 where lines were only added. */
struct assay_text_hunk {
	size_t left, left_length, right, right_length;
};

struct assay_text_diff {
	struct assay_text_hunk *hunks; /* malloc'ed, in order */
	size_t count;
	bool truncated;		/* hunks or lines beyond the ceilings were left out of unified */
	struct assay_buf unified; /* without the two file name lines */
};

/* Loads libgit2, once; see assay_compare_prepare_all(). */
enum assay_code assay_text_diff_prepare(struct assay_error *err) ASSAY_CHECKED;

/* Neither text is larger than ASSAY_MAX_DIFF_INPUT, nor are there more than ASSAY_MAX_DIFF_LINES_CHANGED lines from the
 * first that differs to the last. */
bool assay_text_diff_is_bounded(struct assay_span left, struct assay_span right);

/* Context of three lines; at most max_lines lines in unified (all hunks are listed, up to
 * max_hunks: beyond, the last one reaches from there to the last change). */
enum assay_code assay_text_diff(struct assay_span left, struct assay_span right, size_t max_hunks,
				size_t max_lines, struct assay_text_diff *ret,
				struct assay_error *err) ASSAY_CHECKED;
void assay_text_diff_release(struct assay_text_diff *diff);

#endif
