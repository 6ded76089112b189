/* SPDX-License-Identifier: Apache-2.0 */
/* A .buildinfo file (deb-buildinfo(5)): how a build was made, as whoever made it says. */
#ifndef DEBIAN_BUILDINFO_H
#define DEBIAN_BUILDINFO_H

#include "assay/deb822.h"
#include "debian_int.h"

struct debian_buildinfo {
	struct assay_arena arena;
	struct assay_buf text;
	const char *path;
	const char *source, *source_version; /* the version of the source, without +bN */
	const char *version;                 /* of the build, with +bN */
	const char *build_path;              /* NULL when it does not say */
	const char *binnmu_entry;            /* NULL when it is none */
	bool has_any, has_all;               /* what was built */
	const char *const *variables;        /* NULL-terminated */
	struct assay_span dependencies;      /* Installed-Build-Depends */
	struct assay_span sums;              /* Checksums-Sha256 */
};

#define DEBIAN_BUILDINFO_INIT \
	{ .arena = ASSAY_ARENA_INIT(4 * ASSAY_MIB), .text = ASSAY_BUF_INIT(4 * ASSAY_MIB) }

/* chain (may be NULL) gets a step that says whether its signature was checked. */
enum assay_code debian_buildinfo_read(const char *path, struct debian_buildinfo *ret, json_t *chain,
				      struct assay_error *err) ASSAY_CHECKED;
void debian_buildinfo_release(struct debian_buildinfo *info);
/* Cuts the next "name[:architecture] (= version)" off *rest; ASSAY_END at the end. */
enum assay_code debian_buildinfo_next(struct assay_span *rest, struct assay_span *ret_name,
				      struct assay_span *ret_version, struct assay_error *err)
	ASSAY_CHECKED;
/* Whether it lists a file of that name, and with which digest. */
bool debian_buildinfo_has(const struct debian_buildinfo *info, const char *name,
			  struct assay_digest *ret);

/* "foo" and "1.2" of "foo (1.2)"; *version is left alone when there is none. */
void debian_source_field(struct assay_span value, struct assay_span *name,
			 struct assay_span *version);
/* Asks the developers' keyrings that are installed about an inline signature; the answer is a step
 * of the chain and never an error, because the archive's own chain covers a .dsc. */
enum assay_code debian_check_inline(const char *path, const char *step, const char *what,
				    const char *unchecked, json_t *chain, struct assay_error *err)
	ASSAY_CHECKED;

#endif
