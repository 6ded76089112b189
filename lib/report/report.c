/* SPDX-License-Identifier: Apache-2.0 */
/* The writers by name.  JSON is the report itself, so its writer is the shortest. */
#include "assay/report.h"

#include <string.h>

#include "writers.h"

static void write_json(const json_t *report, const struct assay_report_style *style,
		       struct assay_buf *out)
{
	(void)style;
	assay_json_dump(report, out);
}

static const struct assay_report_writer writers[] = {
	{ "diffoscope", report_write_diffoscope }, { "html", report_write_html },
	{ "json", write_json },			   { "junit", report_write_junit },
	{ "markdown", report_write_markdown },	   { "sarif", report_write_sarif },
	{ "text", report_write_text },
};

const struct assay_report_writer *assay_report_writer_find(const char *name)
{
	for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++)
		if (strcmp(writers[i].name, name) == 0)
			return &writers[i];
	return NULL;
}
