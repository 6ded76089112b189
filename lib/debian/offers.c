/* SPDX-License-Identifier: Apache-2.0 */
/* What the mirror offers in place of something that it does not carry: for whoever reads the error. */
#include "mirror.h"

#define MAX_PROVIDERS 5 /* of a virtual package, listed by name */

void debian_list_versions(const struct debian_stanzas *all, struct assay_span name,
			  struct assay_buf *out)
{
	const struct debian_stanza *at = debian_stanzas_find(all, name);
	struct assay_span last = { NULL, 0 };

	for (; at && at < all->list + all->count && assay_span_equal(at->name, name); at++) {
		struct assay_span version = assay_deb822_field(at->text, "Version");

		if (assay_span_equal(version, last))
			continue;
		last = version;
		assay_buf_printf(out, "%s%.*s for %.*s", out->len ? ", " : "there is ",
				 ASSAY_SPAN_ARGS(version),
				 ASSAY_SPAN_ARGS(assay_deb822_field(at->text, "Architecture")));
	}
	if (!out->len)
		assay_buf_add_text(out, "no version is");
}

static bool provides(const struct debian_stanza *stanza, const char *name)
{
	struct assay_span rest = assay_deb822_field(stanza->text, "Provides"), item, word;

	while (assay_deb822_next_item(&rest, &item))
		if (assay_deb822_next_word(&item, &word) && assay_span_equal_text(word, name))
			return true;
	return false;
}

void debian_list_providers(const struct debian_mirror *mirror, const char *name,
			   struct assay_buf *out)
{
	const struct debian_stanzas *all = &mirror->packages;
	struct assay_span last = { NULL, 0 };
	size_t count = 0;

	for (size_t i = 0; i < all->count; i++) {
		if (assay_span_equal(all->list[i].name, last) || !provides(&all->list[i], name))
			continue;
		last = all->list[i].name;
		if (count++ < MAX_PROVIDERS) {
			assay_buf_add_text(out, out->len ? ", " : "");
			assay_buf_add_span(out, last);
		}
	}
	if (count > MAX_PROVIDERS)
		assay_buf_printf(out, " and %zu more", count - MAX_PROVIDERS);
}
