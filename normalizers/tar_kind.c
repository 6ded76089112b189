/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of tar archives; see the header. */
#include "tar_kind.h"

#define MEMBERS_LOOKED_AT 1000

/* Both names must be there; "*" in front stands for one directory of any name. */
static const struct {
	const char *first, *second, *kind;
} kinds[] = {
	{ "package/package.json", "package/package.json", "npm package" },
	{ "metadata.gz", "data.tar.gz", "gem" },
	{ "*Cargo.toml", "*Cargo.toml.orig", "crate" },
	{ ".PKGINFO", ".MTREE", "Arch package" },
	{ ".PKGINFO", ".PKGINFO", "Alpine package" },
	{ "debian-binary", "control.tar.gz", "ipk" },
	{ "*PKG-INFO", "*setup.cfg", "Python source distribution" },
	{ "*PKG-INFO", "*pyproject.toml", "Python source distribution" },
};

static bool matches(struct assay_span name, const char *pattern)
{
	const uint8_t *slash;

	if (assay_span_starts(name, "./"))
		name = assay_span_cut(name, 2, SIZE_MAX);
	if (pattern[0] != '*')
		return assay_span_equal_text(name, pattern);
	slash = name.len ? memchr(name.data, '/', name.len) : NULL;
	return slash && assay_span_equal_text(assay_span_cut(name, (size_t)(slash - name.data) + 1, SIZE_MAX),
					      pattern + 1);
}

static bool has(const struct assay_node *root, const char *pattern)
{
	size_t count = 0;

	for (const struct assay_node *n = root->first; n && count < MEMBERS_LOOKED_AT; n = n->next, count++)
		if (n->flags & ASSAY_NODE_MEMBER && matches(n->name, pattern))
			return true;
	return false;
}

const char *tar_kind(const struct assay_node *root)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (has(root, kinds[i].first) && has(root, kinds[i].second))
			return kinds[i].kind;
	return NULL;
}
