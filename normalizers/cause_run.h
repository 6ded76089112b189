/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs of bytes of one kind on both sides of a mismatch: what the recognisers of tokens are made of.
 */
#ifndef ASSAY_NORMALIZERS_CAUSE_RUN_H
#define ASSAY_NORMALIZERS_CAUSE_RUN_H

#include "cause_match.h"

bool cause_is_digit(uint8_t c);
bool cause_is_hex(uint8_t c);
bool cause_is_word(uint8_t c);	  /* letters, digits, "_" */
bool cause_is_path(uint8_t c);	  /* what file names are made of, and "/" */
bool cause_is_version(uint8_t c); /* 1:2.3-4+b1~rc1 */

struct cause_run {
	size_t start, end;
};

/* The run of one kind around a position; empty when the byte there is of another. */
struct cause_run cause_run_at(struct assay_span s, size_t at, bool (*in)(uint8_t));
struct assay_span cause_run_span(struct assay_span s, struct cause_run r);

bool cause_has(struct assay_span s, const char *needle);
bool cause_both_have(const struct assay_change *c, const char *needle);
/* Either on the line, or in the head of both files. */
bool cause_near(const struct assay_change *c, const char *needle);

/* The token of one kind on both sides, when it starts equally far before the mismatch. */
struct cause_pair {
	struct assay_span left, right;
	size_t back;
};

bool cause_pair_at(const struct assay_change *c, size_t l, size_t r, bool (*in)(uint8_t),
		   struct cause_pair *ret);
bool cause_take(struct assay_token *ret, const char *cause, enum assay_confidence confidence,
		const struct cause_pair *p);

/* Recognisers of their own files: cause_stamp.c, cause_path.c. */
bool cause_stamp(const struct assay_change *c, size_t l, size_t r, struct assay_token *ret);
bool cause_path_variable(const struct assay_change *c, size_t l, size_t r, struct assay_token *ret);
bool cause_path(const struct assay_change *c, size_t l, size_t r, struct assay_token *ret);

#endif
