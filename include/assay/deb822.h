/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debian control data (deb-control(5), deb822(5)): Packages, Sources, Release, .dsc, .buildinfo.
 *
 * Nothing is copied: a stanza and a field are spans of the caller's text.  Lookups are lax and safe
 * on any bytes; assay_deb822_check() says whether a stanza is well-formed and is asked first
 * wherever the text is not covered by a signature that has been verified.
 *
 *	while (assay_deb822_next(&rest, &stanza))
 *		name = assay_deb822_field(stanza, "Package");
 */
#ifndef ASSAY_DEB822_H
#define ASSAY_DEB822_H

#include "assay/buf.h"
#include "assay/error.h"
#include "assay/span.h"

/* Cuts the next stanza off *rest; stanzas are parted by lines of white space only.  False at the
 * end. */
bool assay_deb822_next(struct assay_span *rest, struct assay_span *stanza);
/* The value of a field, its name without regard to case, continuation lines included, white space
 * cut from both ends.  data is NULL when the stanza has no such field. */
struct assay_span assay_deb822_field(struct assay_span stanza, const char *name);
/* Every line is a field or continues one, comments apart; no field twice; names of printable ASCII
 * (deb822(5)); no NUL. */
enum assay_code assay_deb822_check(struct assay_span stanza, struct assay_error *err)
	ASSAY_CHECKED;

/* Cuts the next item off a value: a non-empty line, a word, or what stands before a comma. */
bool assay_deb822_next_line(struct assay_span *rest, struct assay_span *line);
bool assay_deb822_next_word(struct assay_span *rest, struct assay_span *word);
bool assay_deb822_next_item(struct assay_span *rest, struct assay_span *item);

/* The text within an OpenPGP cleartext signature (RFC 4880 section 7), dash escapes undone, NOT
 * verified; text without such armor as it is.  *ret_signed says which. */
enum assay_code assay_deb822_unwrap(struct assay_span text, struct assay_buf *ret, bool *ret_signed,
				    struct assay_error *err) ASSAY_CHECKED;

#endif
