/* SPDX-License-Identifier: Apache-2.0 */
/* Causes that the attributes and names of archive members show, beyond what their fields say. */
#include "causes.h"

#include <stdlib.h>

#include "passes.h"

#define QUARTER_S 900
#define WIDEST_ZONES_S (26 * 3600) /* UTC-12 against UTC+14 */

#define RUN_BITS 07111 /* set-id, sticky, execute */

static bool is_zone_apart(int64_t left, int64_t right)
{
	int64_t apart = llabs(left - right);

	return apart > 0 && apart <= WIDEST_ZONES_S && apart % QUARTER_S == 0;
}

const char *assay_cause_attribute(const struct assay_attribute *left,
				  const struct assay_attribute *right, bool folds,
				  enum assay_severity *severity)
{
	const char *word;

	if (!left || !right)
		return NULL;
	word = assay_field_word(left->field);
	if (strcmp(word, "type") == 0 &&
	    (assay_span_ends(left->value, "link") || assay_span_ends(right->value, "link")))
		return "link_target_differs";
	if (strcmp(word, "mtime") == 0 && is_zone_apart(left->number, right->number))
		return "timezone_in_timestamps";
	if (strcmp(word, "mode") != 0)
		return NULL;
	if ((left->number ^ right->number) & RUN_BITS)
		*severity = ASSAY_SEVERITY_CODE;
	else if (folds || ((left->number ^ right->number) & 07777) == 0020)
		return "different_due_to_umask";
	return NULL;
}

/* Directories and files that builds and tests leave behind. */
static const char *const leftovers[] = {
	"__pycache__/", ".pytest_cache", ".cache/",	".git/",      ".hg/",	   ".svn/",
	".tox/",	".mypy_cache",	 ".hypothesis", ".coverage",  ".deps/",	   "CMakeFiles/",
	"config.log",	"config.status", "CMakeCache.txt", ".testrepository", ".gcda", ".gcno",
	".prove",	"nohup.out",	 ".DS_Store",	"test-suite.log",
};

const char *assay_cause_presence(struct assay_span name)
{
	/* a section whose name ends with the seed of the compiler */
	if (assay_span_starts(name, ".gnu.lto_"))
		return "lto_random_symbol_suffix";
	for (size_t i = 0; i < sizeof(leftovers) / sizeof(leftovers[0]); i++)
		if (assay_span_find(name, 0, assay_span_text(leftovers[i])) != SIZE_MAX)
			return "cache_files_shipped";
	return NULL;
}
