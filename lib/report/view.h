/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all writers need of a report: values as printable text, divergences worst first, verdicts with
 * their words.  Everything in a report may come from a hostile artifact: what these functions put out
 * is UTF-8 in which nothing steers a terminal, a browser or the reader's eye (controls, bidirectional
 * overrides, invisible characters become \xNN).  A writer then escapes for its own syntax.
 */
#ifndef ASSAY_REPORT_VIEW_H
#define ASSAY_REPORT_VIEW_H

#include "assay/buf.h"
#include "assay/json.h"

enum view_tone {
	VIEW_GOOD,    /* reproducible */
	VIEW_FAIR,    /* equivalent */
	VIEW_BAD,     /* a contradiction, or broken evidence */
	VIEW_UNKNOWN, /* no evidence */
};

struct view_verdict {
	const char *name;
	enum view_tone tone;
	const char *meaning; /* one sentence */
};

/* Of a report or of one subject in it; an unknown word has no meaning and the tone of no evidence. */
const struct view_verdict *view_verdict(const json_t *report);

void view_span(struct assay_span text, struct assay_buf *out);
/* A line of a diff or a log: the same, with tabs as they are. */
void view_line(struct assay_span line, struct assay_buf *out);
/* A string, {"bytes": hex}, a number or a boolean; nothing for null. */
void view_value(const json_t *value, struct assay_buf *out);
/* The same of a key of an object, fallback when it is absent. */
void view_key(const json_t *object, const char *key, const char *fallback, struct assay_buf *out);
void view_path(const json_t *path, const char *separator, struct assay_buf *out);
/* "1,204 bytes"; a noun of "" gives the bare number. */
void view_count(int64_t count, const char *noun, struct assay_buf *out);
void view_size(int64_t bytes, struct assay_buf *out);	     /* "53.1 KiB" */
void view_seconds(const json_t *seconds, struct assay_buf *out); /* "1 min 3 s" */

/* Two printable values, cut to their neighbourhood of the first difference when they are longer than
 * max, each in three parts: what both begin with, what differs, what both end with. */
struct view_change {
	struct assay_span before, left, right, after;
	bool cut_before, cut_left, cut_right, cut_after;
};

void view_change(struct assay_span left, struct assay_span right, size_t max,
		 struct view_change *ret);

/* Divergences of a pair, worst first: what nothing explains, then by severity, and at the end
 * what a pass folds. */
struct view_list {
	const json_t **items;
	size_t count;
};

void view_list_init(struct view_list *list, const json_t *divergences);
void view_list_release(struct view_list *list);
/* The same cause in the same field: shown once where space is short. */
bool view_is_alike(const json_t *a, const json_t *b);
/* "1 byte at 0x1139" and how many more ranges. */
void view_ranges(const json_t *divergence, struct assay_buf *out);
/* "1,204 bytes differ: 1,203 explained, 1 not explained"; nothing when none differs. */
void view_accounting(const json_t *report, struct assay_buf *out);

/* What a build asked of the network and what its interfaces carried, in one line: "no attempt; 0 packets
 * on 1 interface", or who wanted where. */
void view_network(const json_t *isolation, struct assay_buf *out);
/* "unshare 2, keyctl 1"; nothing when no call was refused. */
void view_refused(const json_t *isolation, struct assay_buf *out);

/* The pairs of a report: its subjects, or itself when it is one pair.  Steps through them with *i. */
const json_t *view_next_pair(const json_t *report, size_t *i);
bool view_is_whole(const json_t *report); /* of a verification, not of one pair */
bool view_is_agreement(const json_t *report); /* of more than two candidates */
/* Where a pair's story is told: attempts against each other when those disagree, else itself. */
const json_t *view_story(const json_t *pair);
bool view_is_ambiguous(const json_t *report, const char *side);

#endif
