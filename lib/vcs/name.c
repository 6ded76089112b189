/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules follow git's own protectHFS and protectNTFS (path.c, utf8.c of git): a checkout may land
 * on such a file system, or be packed there, and a ".git" made by a source is configuration that
 * tools execute.
 */
#include "name.h"

/* Code points that HFS+ ignores when it compares names, as UTF-8. */
static const char *const ignored_by_hfs[] = {
	"\xe2\x80\x8c", "\xe2\x80\x8d", "\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xaa",
	"\xe2\x80\xab", "\xe2\x80\xac", "\xe2\x80\xad", "\xe2\x80\xae", "\xe2\x81\xaa",
	"\xe2\x81\xab", "\xe2\x81\xac", "\xe2\x81\xad", "\xe2\x81\xae", "\xe2\x81\xaf",
	"\xef\xbb\xbf", NULL,
};

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool equals_folded(struct assay_span s, const char *text)
{
	if (s.len != strlen(text))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (lower(s.data[i]) != (uint8_t)text[i])
			return false;
	return true;
}

static bool is_dot_git_on_hfs(struct assay_span s)
{
	static const char want[] = ".git";
	size_t have = 0, i = 0;

	while (i < s.len) {
		struct assay_span rest = assay_span_cut(s, i, s.len);
		const char *const *skip = ignored_by_hfs;

		while (*skip && !assay_span_starts(rest, *skip))
			skip++;
		if (*skip) {
			i += 3;
			continue;
		}
		if (have == sizeof(want) - 1 || lower(s.data[i]) != (uint8_t)want[have])
			return false;
		have++;
		i++;
	}
	return have == sizeof(want) - 1;
}

/* NTFS drops dots and spaces at the end, takes ":" for a stream, and knows ".git" as "git~1". */
static bool is_dot_git_on_ntfs(struct assay_span s)
{
	size_t colon = assay_span_find(s, 0, assay_span_text(":"));

	s = assay_span_cut(s, 0, colon);
	while (s.len && (s.data[s.len - 1] == '.' || s.data[s.len - 1] == ' '))
		s.len--;
	return equals_folded(s, ".git") || equals_folded(s, "git~1");
}

static const char *part_trouble(struct assay_span part)
{
	if (assay_span_equal_text(part, "..") || assay_span_equal_text(part, "."))
		return "is \".\" or \"..\"";
	if (is_dot_git_on_hfs(part) || is_dot_git_on_ntfs(part))
		return "is \".git\", or is taken for it by some file system";
	return NULL;
}

const char *assay_vcs_name_trouble(struct assay_span name)
{
	size_t start = 0;

	if (name.len == 0)
		return "is empty";
	if (name.len > 255)
		return "is longer than 255 bytes";
	if (memchr(name.data, '/', name.len) || memchr(name.data, '\0', name.len))
		return "has a slash or NUL in it";
	/* a backslash is a separator elsewhere: each part is looked at as if it were here */
	for (size_t i = 0; i <= name.len; i++) {
		const char *trouble;

		if (i < name.len && name.data[i] != '\\')
			continue;
		trouble = part_trouble(assay_span_cut(name, start, i - start));
		if (trouble)
			return trouble;
		start = i + 1;
	}
	return NULL;
}

const char *assay_vcs_link_trouble(struct assay_span target, size_t depth)
{
	bool down = false;
	size_t start = 0, up = 0;

	if (target.len == 0 || target.len > 4095 || memchr(target.data, '\0', target.len))
		return "has no usable target";
	if (target.data[0] == '/')
		return "points to an absolute path";
	for (size_t i = 0; i <= target.len; i++) {
		struct assay_span part;

		if (i < target.len && target.data[i] != '/')
			continue;
		part = assay_span_cut(target, start, i - start);
		start = i + 1;
		if (part.len == 0 || assay_span_equal_text(part, "."))
			continue;
		if (!assay_span_equal_text(part, ".."))
			down = true;
		else if (down)
			return "goes down and up again";
		else if (++up > depth)
			return "points out of the tree";
	}
	return NULL;
}
