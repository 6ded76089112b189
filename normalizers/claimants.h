/* SPDX-License-Identifier: Apache-2.0 */
/* Who claims what: for claims.c, which judges, and claimants.c, which reads. */
#ifndef ASSAY_NORMALIZERS_CLAIMANTS_H
#define ASSAY_NORMALIZERS_CLAIMANTS_H

#include "anatomy.h"
#include "assay/buf.h"
#include "assay/codec.h"
#include "assay/digest.h"

struct assay_claim {
	struct assay_span name; /* without "./" and "/" in front */
	const char *hex;
	enum assay_hash hash;
	uint64_t size; /* of the file, ASSAY_NO_SIZE when it is not stated */
	size_t order;  /* in the list */
};

#define ASSAY_NO_SIZE UINT64_MAX

/* Everything in it lives in its arena, or in the text it was read from. */
struct assay_claims {
	struct assay_claim *items; /* sorted by name and hash when read */
	size_t count, room;
	bool odd; /* something that is no claim, or one that comes twice */
	struct assay_arena arena;
	struct assay_buf text;	 /* what was read */
	struct assay_buf masked; /* the same with every digest blotted out */
};

/* When a difference of the texts follows from the files. */
enum assay_claim_rule {
	ASSAY_CLAIM_LINES,  /* one line a file, each of them true, in one order */
	ASSAY_CLAIM_SET,    /* the same in any order */
	ASSAY_CLAIM_MASKED, /* equal but for digests, and those true */
	ASSAY_CLAIM_SIZE,   /* Installed-Size: differs by what the files differ */
	ASSAY_CLAIM_FIELD,  /* no text: derived fields of the format */
};

struct assay_claimant {
	const char *format; /* of the package */
	const char *label;
	const char *files; /* glob of the member in which the files lie; NULL: the package itself */
	const char *text[3];  /* globs on the way to the text */
	const char *taken[3]; /* the same as the walk goes, where a compressed text has a name of its own */
	enum assay_claim_rule rule;
	/* Reads ret->text; NULL for ASSAY_CLAIM_SIZE and ASSAY_CLAIM_FIELD. */
	void (*parse)(struct assay_claims *ret);
	/* Reads the package itself. */
	void (*read)(const struct assay_anatomy *package, struct assay_claims *ret);
};

/* Longest text of claims that is read. */
#define CLAIM_MAX (16ULL * 1024 * 1024)

/* claims_list.c.  A package without that text, or with one that cannot be read, claims nothing. */
void assay_claims_read(struct assay_codec_space *space, const struct assay_anatomy *package,
		       const struct assay_claimant *who, struct assay_claims *ret);
void assay_claims_release(struct assay_claims *claims);
bool assay_claims_are_silent(const struct assay_claims *claims);
/* The first claim about a name; the others stand behind it. */
const struct assay_claim *assay_claims_about(const struct assay_claims *claims, struct assay_span name,
					     size_t *ret_count);
/* The claim of the same name and hash; NULL when there is none. */
const struct assay_claim *assay_claims_like(const struct assay_claims *claims,
					    const struct assay_claim *like);

/* Ends with a NULL format. */
extern const struct assay_claimant assay_claimants[];

/* "./a/b", "/a/b" and "a/b" are one file to an installer. */
struct assay_span assay_claim_name(struct assay_span name);
/* hex must be lowercase and of the hash's length, else the list becomes odd. */
void assay_claims_add(struct assay_claims *claims, struct assay_span name, enum assay_hash hash,
		      struct assay_span hex);
void assay_claims_add_base64(struct assay_claims *claims, struct assay_span name,
			     enum assay_hash hash, struct assay_span base64, uint64_t size);

/* claims_rpm.c */
void assay_claims_read_rpm(const struct assay_anatomy *package, struct assay_claims *ret);
void assay_claims_read_rpm_payload(const struct assay_anatomy *package, struct assay_claims *ret);

/* claims_oci.c */
void assay_claims_read_oci_index(const struct assay_anatomy *package, struct assay_claims *ret);
void assay_claims_read_oci_manifest(const struct assay_anatomy *package, struct assay_claims *ret);
void assay_claims_read_docker_manifest(const struct assay_anatomy *package, struct assay_claims *ret);

#endif
