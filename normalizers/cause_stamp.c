/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that are points in time: which tool wrote them, and how sure that is. */
#include "cause_run.h"

#include <stdlib.h>

#include "stamp.h"

#define DAY_S 86400
#define MOST_YEARS 60 /* between two builds of one source */

/* Words near a stamp that name who wrote it: on the line, or in the head of the file. */
static const struct {
	const char *word, *cause;
	bool in_head;
} writers[] = {
	{ "POT-Creation-Date", "timestamps_in_gettext_mo_files", false },
	{ "PO-Revision-Date", "timestamps_in_gettext_mo_files", false },
	{ "%%CreationDate", "timestamps_in_ps_generated_by_dvips", false },
	{ "TeX output ", "timestamps_in_ps_generated_by_dvips", false },
	{ "Linux version ", "timestamps_in_linux_kernel_banner", false },
	{ " SMP ", "timestamps_in_linux_kernel_banner", false },
	{ "Packaged: ", "timestamps_in_r_package_description", false },
	{ "Built: R ", "timestamps_in_r_package_description", false },
	{ "CreationDate", "timestamps_in_pdf", false },
	{ "ModDate", "timestamps_in_pdf", false },
	{ "Bnd-LastModified", "timestamps_in_java_manifest", false },
	{ "Build-Time", "timestamps_in_java_manifest", false },
	{ "Build-Date", "timestamps_in_java_manifest", false },
	{ "Built-On", "timestamps_in_java_manifest", false },
	{ "avadoc", "timestamps_in_documentation_generated_by_javadoc", true },
	{ "dc.created", "timestamps_in_documentation_generated_by_javadoc", false },
	{ "oxygen", "timestamps_in_documentation_generated_by_doxygen", true },
	{ "qmake", "timestamps_in_qmake_makefiles", true },
	{ "help2man", "timestamps_in_manpages_generated_by_help2man", true },
	{ "Pod::Man", "timestamps_in_manpages_generated_by_pod2man", true },
	{ "pod2man", "timestamps_in_manpages_generated_by_pod2man", true },
	{ "ocbook", "timestamps_in_manpages_generated_by_docbook_utils", true },
	{ "DocBook", "timestamps_in_manpages_generated_by_docbook_utils", true },
	{ ".TH ", "timestamps_in_manpages", false },
	{ ".Dd ", "timestamps_in_manpages", false },
	{ "sphinx", "timestamps_in_documentation_generated_by_sphinx", true },
	{ "Sphinx", "timestamps_in_documentation_generated_by_sphinx", true },
	{ "sciidoc", "timestamps_in_documentation_generated_by_asciidoc", true },
	{ "AsciiDoc", "timestamps_in_documentation_generated_by_asciidoc", true },
	{ "pandoc", "timestamps_in_documentation_generated_by_pandoc", true },
	{ "texi2", "timestamps_in_documentation_generated_by_texi2html", true },
	{ "makeinfo", "timestamps_in_documentation_generated_by_texi2html", true },
	{ "Texinfo", "timestamps_in_documentation_generated_by_texi2html", true },
};

/* __DATE__, __TIME__, both, and __TIMESTAMP__ */
static const char *const macro_shapes[] = { "cpp-date", "clock", "month-day-year-clock", "ctime" };

static const char *stamp_writer(const struct assay_change *c, const struct assay_stamp *s)
{
	struct assay_span before = assay_span_cut(c->left, 0, s->offset);

	for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++)
		if (writers[i].in_head ? cause_near(c, writers[i].word)
				       : cause_has(c->left, writers[i].word))
			return writers[i].cause;
	if (strcmp(s->shape, "year") == 0)
		return "copyright_year_in_documentation";
	if (strcmp(s->shape, "ctime-zone") == 0 && assay_span_equal_text(before, "#"))
		return "timestamps_in_java_properties_files";
	if (strcmp(s->shape, "compact-date") == 0 &&
	    (assay_span_ends(before, "dev") || assay_span_ends(before, "git") ||
	     assay_span_ends(before, "svn") || assay_span_ends(before, "r")))
		return "timestamps_in_python_version";
	for (size_t i = 0; !c->is_text && i < sizeof(macro_shapes) / sizeof(macro_shapes[0]); i++)
		if (strcmp(s->shape, macro_shapes[i]) == 0)
			return "timestamps_from_cpp_macros";
	return "timestamps_embedded_in_content";
}

bool assay_cause_in_window(const struct assay_build_context *b, int64_t seconds)
{
	if (!b)
		return false;
	if (b->source_date_epoch && seconds / DAY_S == b->source_date_epoch / DAY_S)
		return true;
	return b->started && seconds >= b->started - 2 * DAY_S &&
	       seconds <= (b->finished ? b->finished : b->started) + 2 * DAY_S;
}

/* Bare digits and years are dates only when something speaks for it. */
static enum assay_confidence stamp_confidence(const struct assay_change *c,
					      const struct assay_stamp *a,
					      const struct assay_stamp *b)
{
	static const char *const weak[] = { "year", "epoch", "epoch-milliseconds", "compact-date",
					    "compact-clock", "compact-minutes", "clock" };

	if (a->has_date && assay_cause_in_window(c->left_context, a->seconds) &&
	    assay_cause_in_window(c->right_context, b->seconds))
		return ASSAY_CERTAIN;
	for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++)
		if (strcmp(a->shape, weak[i]) == 0)
			return ASSAY_GUESS;
	return ASSAY_LIKELY;
}

static bool is_zone_shift(const struct assay_stamp *a, const struct assay_stamp *b)
{
	int64_t apart = a->seconds > b->seconds ? a->seconds - b->seconds
						: b->seconds - a->seconds;

	if (!a->has_clock || !a->has_date || strncmp(a->shape, "epoch", 5) == 0)
		return false;
	if (apart == 0)
		return a->zone_minutes != b->zone_minutes;
	return apart <= 14 * 3600 && apart % 1800 == 0;
}

bool cause_stamp(const struct assay_change *c, size_t l, size_t r, struct assay_token *ret)
{
	struct assay_stamp a, b;

	if (!assay_stamp_find(c->left, l, 1, &a) || !assay_stamp_find(c->right, r, 1, &b) ||
	    a.offset > l || b.offset > r || l - a.offset != r - b.offset)
		return false;
	if (a.shape != b.shape && (a.has_date != b.has_date || a.has_clock != b.has_clock))
		return false;
	if (strcmp(a.shape, "year") == 0 &&
	    llabs((a.seconds - b.seconds) / DAY_S) > 366 * MOST_YEARS)
		return false;
	ret->cause = is_zone_shift(&a, &b) ? "timezone_in_timestamps" : stamp_writer(c, &a);
	ret->confidence = stamp_confidence(c, &a, &b);
	ret->back = l - a.offset;
	ret->left = a.len - ret->back;
	ret->right = b.len - ret->back;
	return true;
}
