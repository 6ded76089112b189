/* SPDX-License-Identifier: Apache-2.0 */
/* Changelogs that dh_installchangelogs cut after the entries of the last releases, and says so in the file. */
#include "cause_match.h"

#define NOTE "# Older entries have been removed from this changelog.\n"

/* Both contents up to the end of the last line that they share. */
static size_t common_lines(struct assay_span left, struct assay_span right)
{
	size_t most = left.len < right.len ? left.len : right.len, end = 0;

	for (size_t i = 0; i < most && left.data[i] == right.data[i]; i++)
		if (left.data[i] == '\n')
			end = i + 1;
	return end;
}

/* Takes the note off the end; false when there is none. */
static bool cut_note(struct assay_span *text)
{
	size_t at = assay_span_find(*text, 0, assay_span_text(NOTE));
	struct assay_span rest = assay_span_cut(*text, at == SIZE_MAX ? text->len : at, SIZE_MAX), line;

	if (at == SIZE_MAX || (at > 0 && text->data[at - 1] != '\n'))
		return false;
	while (assay_span_next_line(&rest, &line))
		if (!assay_span_starts(line, "#"))
			return false;
	*text = assay_span_cut(*text, 0, at);
	return true;
}

/* "name (version) distribution; urgency=..." (deb-changelog(5)) */
static bool starts_with_entry(struct assay_span text)
{
	struct assay_span line, rest = text;

	while (assay_span_next_line(&rest, &line) && assay_span_trim(line).len == 0)
		;
	return line.len && line.data[0] > ' ' && assay_span_find(line, 0, assay_span_text(" (")) != SIZE_MAX &&
	       assay_span_find(line, 0, assay_span_text("; urgency=")) != SIZE_MAX;
}

bool cause_changelog_trimmed(struct assay_span left, struct assay_span right)
{
	size_t common = common_lines(left, right);
	bool noted_left, noted_right;

	left = assay_span_cut(left, common, SIZE_MAX);
	right = assay_span_cut(right, common, SIZE_MAX);
	noted_left = cut_note(&left);
	noted_right = cut_note(&right);
	return (noted_right && right.len == 0 && starts_with_entry(left)) ||
	       (noted_left && left.len == 0 && starts_with_entry(right));
}
