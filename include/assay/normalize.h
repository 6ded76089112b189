/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canonical form of an artifact: what compare folds is written one way (DESIGN.md section 5).  The
 * passes are the rules of the formats' field tables, the same that assay_compare() reads, and what was
 * written is compared with what was read before it counts: a result that compare would not call
 * equivalent is never handed out.
 *
 *	two files that compare calls equivalent have the same canonical form, as long as no signature and
 *	no ambiguity is in the way and the compressors are of the same version;
 *	the canonical form of a canonical form is itself.
 */
#ifndef ASSAY_NORMALIZE_H
#define ASSAY_NORMALIZE_H

#include "assay/compare.h"

/* The time that all members get when no SOURCE_DATE_EPOCH is given: 1980-01-01, the oldest that zip can
 * write. */
#define ASSAY_CANONICAL_TIME 315532800

struct assay_normalize_options {
	/* Unlinked files opened read-write (assay_spill_open), different ones: for decoded payloads and
	 * for what is made. */
	int spill_fd, scratch_fd;
	/* Times later than the epoch become it, earlier ones stay: they came with the source.  Without
	 * one every time becomes ASSAY_CANONICAL_TIME. */
	bool has_epoch;
	int64_t epoch;
	/* Payloads that no pass changed stay compressed as they are: faster, and no canonical form of
	 * the compression. */
	bool keep_encoding;
	const char *const *skip;   /* passes not to apply, NULL-terminated, or NULL */
	const char *const *unsafe; /* passes to apply although compare never folds them, or NULL */
};

/* Writes the canonical form to out, an empty regular file opened read-write.  *ret is what
 * assay.normalize/1 has for a file: name, format, written (the format has passes), state ("canonical": nothing to change, "changed", or "kept": left
 * alone, with a reason; nothing is written then), size, digest, passes, kept (members left alone),
 * encoders.  An error is only our own trouble. */
enum assay_code assay_normalize(const struct assay_side *file, int out,
				const struct assay_normalize_options *options, json_t **ret,
				struct assay_error *err) ASSAY_CHECKED;

/* All passes of the formats that can be written, as {"schema": "assay.passes/1", "passes": [{name,
 * rating, grade?, conditions?, fields: [{field, rule}]}]}; rating is "safe", "checked" or "unsafe". */
json_t *assay_normalize_passes(void);
/* Why a pass of this name cannot be given to skip (unsafe: false) or unsafe (true); NULL when it can. */
const char *assay_normalize_refuses(const char *pass, bool unsafe);

#endif
