/* SPDX-License-Identifier: Apache-2.0 */
/* What the writers of a nightly digest share: which sections there are, and what stands in them. */
#ifndef ASSAY_REPORT_NIGHTLY_H
#define ASSAY_REPORT_NIGHTLY_H

#include "assay/report.h"

struct nightly_section {
	const char *key, *title;
	const char *nothing; /* said when it is empty; NULL: then it is left out */
};

/* Sections whose entries are jobs; ends with a NULL key. */
extern const struct nightly_section nightly_jobs[];

/* Printable text of a key, in a buffer of the caller's. */
const char *nightly_text(const json_t *object, const char *key, char *out, size_t size);
/* "12 reproducible, 1 divergent", or "nothing ended". */
void nightly_totals(const json_t *digest, struct assay_buf *out);
/* Whether more of a section exists than is listed. */
bool nightly_is_cut(const json_t *digest, const char *section);

void nightly_write_html(const json_t *digest, const struct assay_report_style *style,
			struct assay_buf *out);

#endif
