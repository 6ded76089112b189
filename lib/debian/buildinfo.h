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
	bool usr_is_merged;
	const char *const *variables;        /* NULL-terminated */
	struct assay_span dependencies;      /* Installed-Build-Depends */
	struct assay_span sums;              /* Checksums-Sha256 */
};

#define DEBIAN_BUILDINFO_INIT \
	{ .arena = ASSAY_ARENA_INIT(4 * ASSAY_MIB), .text = ASSAY_BUF_INIT(4 * ASSAY_MIB) }

/* The chain gets a step that says whether its signature was checked; ASSAY_EUNTRUSTED when it does
 * not hold, or when the claim wants one that there is not. */
enum assay_code debian_buildinfo_read(const struct assay_debian_claim *claim,
				      struct debian_buildinfo *ret, json_t *chain,
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
/* An inline signature, and what not being able to check it means. */
struct debian_witness {
	const char *path, *step, *what; /* for the chain */
	const char *keyring;            /* NULL: those of Debian's developers that are installed */
	bool is_wanted;                 /* else it only adds to what is known already */
	const char *without;            /* why it is no loss */
};

/* One step of the chain, with the answer.  ASSAY_EUNTRUSTED: the signature does not match, or there
 * is no valid one and one was wanted.  text (may be NULL) gets what was signed, when the signature is
 * valid. */
enum assay_code debian_witness_ask(const struct debian_witness *witness, json_t *chain,
				   struct assay_buf *text, struct assay_error *err) ASSAY_CHECKED;

#endif
