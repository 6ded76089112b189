/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a package says about itself.  md5sums and Installed-Size of a .deb are claims: they never
 * index anything, but when the files they speak of differ, so do they.  Where the claim holds for the
 * content of each side, its difference follows from that content; where it does not, the package
 * lies, and that is reported whatever else differs (deb-md5sums(5), deb-control(5)).
 */
#ifndef ASSAY_NORMALIZERS_CLAIMS_H
#define ASSAY_NORMALIZERS_CLAIMS_H

#include "walk.h"

/* Around the comparison of two packages.  begin sets walk->package; end judges the claims, records
 * what they come to, and restores the outer one. */
enum assay_code assay_claims_begin(struct assay_walk *walk, struct assay_span left,
				   struct assay_span right, struct assay_error *err) ASSAY_CHECKED;
enum assay_code assay_claims_end(struct assay_walk *walk, struct assay_scope *up,
				 struct assay_error *err) ASSAY_CHECKED;
/* Frees without judging, after an error. */
void assay_claims_abandon(struct assay_walk *walk);

/* A member of an archive has other content (or, where one is not present, is on one side only).
 * Looks at the path: only members of data.tar matter. */
void assay_claims_note(struct assay_walk *walk, struct assay_span name, struct assay_span left,
		       bool left_present, struct assay_span right, bool right_present);
/* True when this differing content is a claim, judged at the end: the caller records nothing. */
bool assay_claims_take(struct assay_walk *walk, struct assay_span left, struct assay_span right);

#endif
