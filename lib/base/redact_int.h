/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of secrets, as redact.c looks for them. */
#ifndef ASSAY_REDACT_INT_H
#define ASSAY_REDACT_INT_H

#include "assay/span.h"

enum {
	REDACT_HELD_MAX = 16384,   /* bytes that may be held back, and the length of the longest token */
	REDACT_BLOCK_END_MAX = 64, /* the longest end line of a private key */
};

enum redact_match {
	REDACT_NO,
	REDACT_MORE, /* it may be one: depends on what comes next */
	REDACT_YES,
};

struct redact_found {
	const char *kind;
	size_t keep; /* bytes at the beginning that stay: "Bearer " */
	size_t len;  /* of the whole, with what stays */
	bool opens;  /* a block that goes on until its end line */
};

/* Whether a secret of a known shape begins at the beginning of text.  before: the byte before it, '\n' at the start.
 * last: nothing comes behind text. */
enum redact_match redact_shape(struct assay_span text, unsigned char before, bool last, struct redact_found *ret);
/* Bytes that a shape can begin with. */
bool redact_may_begin(unsigned char c);
/* The end line of a block, at most REDACT_BLOCK_END_MAX bytes: the place behind it, 0 when it is not in text. */
size_t redact_block_end(struct assay_span text);

#endif
