/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Report writers: an assay.report/1 object (of one pair, or of a whole verification) as something a
 * person or another program wants to read.  A writer reads the object and nothing else; the same
 * object gives the same bytes.
 */
#ifndef ASSAY_REPORT_H
#define ASSAY_REPORT_H

#include "assay/buf.h"
#include "assay/json.h"

struct assay_report_style {
	bool colour;    /* text only */
	unsigned width; /* text only: columns; 0 = 100 */
	bool verbose;   /* text only: every divergence, not the first of each group */
	/* junit only: whether an equivalent pair passes as the same; NULL: it does not */
	bool (*passes)(const json_t *pair, const char *accept);
	const char *accept; /* given to it */
};

struct assay_report_writer {
	const char *name; /* "text", "json", "html", "markdown", "sarif", "junit", "diffoscope" */
	void (*write)(const json_t *report, const struct assay_report_style *style,
		      struct assay_buf *out);
};

/* NULL when there is none of that name. */
const struct assay_report_writer *assay_report_writer_find(const char *name);

/* Writers of a farm's nightly digest (assay.nightly/1): "text", "markdown", "html". */
const struct assay_report_writer *assay_report_nightly_find(const char *name);

#endif
