/* SPDX-License-Identifier: Apache-2.0 */
/* The writers, one a file. */
#ifndef ASSAY_REPORT_WRITERS_H
#define ASSAY_REPORT_WRITERS_H

#include "assay/report.h"

void report_write_text(const json_t *report, const struct assay_report_style *style,
		       struct assay_buf *out);
void report_write_html(const json_t *report, const struct assay_report_style *style,
		       struct assay_buf *out);
void report_write_markdown(const json_t *report, const struct assay_report_style *style,
			   struct assay_buf *out);
void report_write_sarif(const json_t *report, const struct assay_report_style *style,
			struct assay_buf *out);
void report_write_junit(const json_t *report, const struct assay_report_style *style,
			struct assay_buf *out);
void report_write_diffoscope(const json_t *report, const struct assay_report_style *style,
			     struct assay_buf *out);

/* report.css and report.js: what report.html looks like and does; nothing in them comes from a report. */
extern const char report_html_style[];
extern const char report_html_script[];

#endif
