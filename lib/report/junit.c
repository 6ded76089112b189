/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JUnit XML, as CI systems read it: one test case an artifact.  A contradiction is a failure, no evidence
 * is an error, an equivalent artifact passes only when its grade was accepted.
 */
#include "html.h"

#include "assay/limits.h"
#include "writers.h"

enum { DIVERGENCES_SHOWN = 50 };

enum outcome { PASSED, FAILED, ERRONEOUS };

static enum outcome outcome_of(const json_t *pair, const struct assay_report_style *style)
{
	enum view_tone tone = view_verdict(pair)->tone;

	if (tone == VIEW_GOOD || (tone == VIEW_FAIR && style->passes && style->passes(pair, style->accept)))
		return PASSED;
	return tone == VIEW_UNKNOWN ? ERRONEOUS : FAILED;
}

static void attribute(struct assay_buf *out, const char *name, const json_t *value,
		      const char *fallback)
{
	assay_buf_printf(out, " %s=\"", name);
	if (value)
		html_value(out, value);
	else
		html_text(out, fallback);
	assay_buf_add_text(out, "\"");
}

static void divergence(struct assay_buf *out, const json_t *item, size_t number)
{
	struct assay_buf line = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);

	assay_buf_printf(&line, "%zu. ", number);
	view_path(json_object_get(item, "path"), " > ", &line);
	assay_buf_add_text(&line, "\n   ");
	view_key(item, "severity", "", &line);
	assay_buf_add_text(&line, ", ");
	view_key(item, "cause", "unexplained", &line);
	assay_buf_add_text(&line, ", ");
	view_ranges(item, &line);
	assay_buf_add_text(&line, "\n   ");
	view_key(item, "explanation", "", &line);
	assay_buf_add_text(&line, "\n");
	html_span(out, assay_buf_span(&line));
	assay_buf_release(&line);
}

static void story(struct assay_buf *out, const json_t *pair)
{
	struct view_list list;

	view_list_init(&list, json_object_get(view_story(pair), "divergences"));
	for (size_t i = 0; i < list.count && i < DIVERGENCES_SHOWN; i++)
		divergence(out, list.items[i], i + 1);
	if (list.count > DIVERGENCES_SHOWN)
		assay_buf_printf(out, "and %zu more, all of them in the JSON report\n",
				 list.count - DIVERGENCES_SHOWN);
	view_list_release(&list);
}

static void test_case(struct assay_buf *out, const json_t *pair,
		      const struct assay_report_style *style)
{
	static const char *const tags[] = { [FAILED] = "failure", [ERRONEOUS] = "error" };
	enum outcome outcome = outcome_of(pair, style);

	html_put(out, "    <testcase classname=\"assay\"");
	attribute(out, "name", json_object_get(json_object_get(pair, "subject"), "name"), "artifact");
	if (outcome == PASSED) {
		html_put(out, "/>\n");
		return;
	}
	assay_buf_printf(out, ">\n      <%s", tags[outcome]);
	attribute(out, "type", json_object_get(pair, "verdict"), "");
	attribute(out, "message", json_object_get(pair, "reason"), "");
	html_put(out, ">");
	story(out, pair);
	assay_buf_printf(out, "</%s>\n    </testcase>\n", tags[outcome]);
}

/* A build that gave no artifact to compare is a test case of its own. */
static const json_t *next_case(const json_t *report, size_t *i)
{
	if (view_is_whole(report) && !json_array_size(json_object_get(report, "subjects")))
		return (*i)++ ? NULL : report;
	return view_next_pair(report, i);
}

void report_write_junit(const json_t *report, const struct assay_report_style *style,
			struct assay_buf *out)
{
	const json_t *target = json_object_get(report, "target");
	size_t counts[3] = { 0 }, i = 0;

	for (const json_t *pair = next_case(report, &i); pair; pair = next_case(report, &i))
		counts[outcome_of(pair, style)]++;
	i = 0;
	html_put(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite");
	attribute(out, "name",
		  target ? target : json_object_get(json_object_get(report, "subject"), "name"),
		  "assay");
	assay_buf_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"0\">\n",
			 counts[PASSED] + counts[FAILED] + counts[ERRONEOUS], counts[FAILED],
			 counts[ERRONEOUS]);
	for (const json_t *pair = next_case(report, &i); pair; pair = next_case(report, &i))
		test_case(out, pair, style);
	html_put(out, "  </testsuite>\n</testsuites>\n");
}
