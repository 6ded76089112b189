/* SPDX-License-Identifier: Apache-2.0 */
/* Changelogs of Debian: with entries more in front, or cut by dh_installchangelogs after the entries of the last
 * releases, which it says in the file. */
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

/* One is the other with entries more in front, and perhaps fewer at its end. */
static bool is_continued(struct assay_span older, struct assay_span newer)
{
	struct assay_span line, rest = older;
	size_t at, common;

	if (!starts_with_entry(older) || !starts_with_entry(newer) || !assay_span_next_line(&rest, &line))
		return false;
	at = assay_span_find(newer, 1, line);
	if (at == SIZE_MAX || newer.data[at - 1] != '\n')
		return false;
	newer = assay_span_cut(newer, at, SIZE_MAX);
	common = common_lines(older, newer);
	older = assay_span_cut(older, common, SIZE_MAX);
	newer = assay_span_cut(newer, common, SIZE_MAX);
	cut_note(&older);
	cut_note(&newer);
	return (!older.len && (!newer.len || starts_with_entry(newer))) || (!newer.len && starts_with_entry(older));
}

bool cause_changelog_continued(struct assay_span left, struct assay_span right)
{
	return is_continued(left, right) || is_continued(right, left);
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
