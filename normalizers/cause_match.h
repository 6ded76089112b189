/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the explanation of content: how two differing lines are walked and what each differing
 * token is recognised as.  causes.c decides with this; nothing else includes it.
 *
 * The two lines are walked together.  At each mismatch the recognisers are asked, in the order of
 * their table, for a token on both sides that covers the mismatch; the walk goes on behind the
 * tokens.  A change is explained only when the walk reaches the end of both lines.
 */
#ifndef ASSAY_NORMALIZERS_CAUSE_MATCH_H
#define ASSAY_NORMALIZERS_CAUSE_MATCH_H

#include "causes.h"

/* Two pieces that stand for each other: lines of a text, or strings of a binary. */
struct assay_change {
	struct assay_span left, right;
	struct assay_span left_head, right_head; /* start of the files: generators name themselves */
	struct assay_span file;			 /* name of the innermost file, may be empty */
	const char *field;			 /* of the leaf; may be "" */
	const struct assay_build_context *left_context, *right_context; /* NULL: unknown */
	bool is_text;
};

struct assay_token {
	const char *cause;
	enum assay_confidence confidence;
	size_t back;	    /* bytes before the mismatch that belong to the token, both sides */
	size_t left, right; /* bytes of the token from the mismatch on */
};

/* What stands at left[l] and right[r]; false when no recogniser knows. */
bool assay_cause_token(const struct assay_change *change, size_t l, size_t r,
		       struct assay_token *ret);

/* What explains one change. */
struct assay_match {
	const char *cause; /* of the first token */
	enum assay_confidence confidence; /* the weakest of all tokens */
	struct assay_span left, right;	  /* the first token, for the explanation */
	const char *also;		  /* another cause in the same change, or NULL */
};

/* True when every difference between the two pieces is recognised. */
bool assay_cause_change(const struct assay_change *change, struct assay_match *ret);

/* True when a time lies within two days of a build, or on the day of its source date. */
bool assay_cause_in_window(const struct assay_build_context *build, int64_t seconds);

/* One rule for two whole contents: order of lines, line ends, signatures.  False when none holds. */
bool assay_cause_whole(const struct assay_evidence *evidence, struct assay_span file,
		       struct assay_match *ret);

/* Two classes, written as text, that are the same but for tables that -g makes. */
bool cause_class_debug(struct assay_span left, struct assay_span right);
/* A Debian changelog without the older entries of the other, with the note of the tool that cut it. */
bool cause_changelog_trimmed(struct assay_span left, struct assay_span right);

/* One Debian changelog has entries in front that the other has not: another version of the source. */
bool cause_changelog_continued(struct assay_span left, struct assay_span right);

#endif
