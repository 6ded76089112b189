/* SPDX-License-Identifier: Apache-2.0 */
/* Package sources: what the machine has, and what of it we use. */
#ifndef DEBIAN_SOURCES_H
#define DEBIAN_SOURCES_H

#include "debian_int.h"

#define DEBIAN_SOURCES_MAX 64

enum debian_signed_by {
	DEBIAN_SIGNED_BY_NOTHING,      /* whatever the machine trusts: to be tried */
	DEBIAN_SIGNED_BY_DISTRIBUTION, /* a keyring of the distribution */
	DEBIAN_SIGNED_BY_OTHER,        /* some other keyring: to be tried, and no loss */
};

struct debian_source {
	char *uris, *suites, *components; /* words parted by single blanks */
	const char *keyring;              /* the keyring that we check it with */
	enum debian_signed_by signed_by;
	bool ignore_valid_until;
	bool skipped; /* not signed by the distribution */
};

struct debian_sources {
	struct assay_arena arena;
	struct debian_source list[DEBIAN_SOURCES_MAX];
	size_t count;
};

/* sources.list and sources.list.d of the machine; either may be missing. */
enum assay_code debian_sources_read(struct debian_sources *s, const char *file, const char *parts,
				    struct assay_error *err) ASSAY_CHECKED;
/* stanzas: deb822 style; else one line a source. */
enum assay_code debian_sources_read_text(struct debian_sources *s, struct assay_span text,
					 bool stanzas, struct assay_error *err) ASSAY_CHECKED;
/* Those not skipped, with deb-src, in deb822 style. */
void debian_sources_write(const struct debian_sources *s, struct assay_buf *out);

#endif
