/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a package says about itself: md5sums and Installed-Size of a .deb, RECORD of a wheel, digests of
 * a jar manifest, checksums.yaml of a gem, file digests of an rpm, .MTREE of an Arch package.  They are
 * claims: they never index anything, but when the files they speak of differ, so do they.  Where the
 * claims hold for the content of each side, their difference follows from that content; where one does
 * not, the package lies, and that is reported whatever else differs.
 *
 * claimants.c lists who claims what and where; claims.c judges.
 */
#ifndef ASSAY_NORMALIZERS_CLAIMS_H
#define ASSAY_NORMALIZERS_CLAIMS_H

#include "walk.h"

/* Around the comparison of two files of one format.  begin sets walk->package when one of them claims
 * anything and says so; end judges the claims, records what they come to, and restores the outer one. */
enum assay_code assay_claims_begin(struct assay_walk *walk, const struct assay_anatomy *left,
				   const struct assay_anatomy *right, bool *ret_began,
				   struct assay_error *err) ASSAY_CHECKED;
enum assay_code assay_claims_end(struct assay_walk *walk, struct assay_scope *up,
				 struct assay_error *err) ASSAY_CHECKED;
/* Frees without judging, after an error. */
void assay_claims_abandon(struct assay_walk *walk);

/* The member called name, which stands where the path of the walk leads, has other content (or, where
 * one is not present, is on one side only).  wanted: some claim speaks of it, note it. */
bool assay_claims_wanted(const struct assay_walk *walk, struct assay_span name);
void assay_claims_note(struct assay_walk *walk, struct assay_span name, struct assay_span left,
		       bool left_present, struct assay_span right, bool right_present);
/* True when this differing content is a claim, judged at the end: the caller records nothing. */
bool assay_claims_take(struct assay_walk *walk, struct assay_span left, struct assay_span right);

#endif
