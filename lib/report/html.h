/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing HTML: literals of ours go out as they are, everything of the report is made printable (view.h)
 * and escaped, and there is no third way.
 */
#ifndef ASSAY_REPORT_HTML_H
#define ASSAY_REPORT_HTML_H

#include "view.h"

/* Ours: trusted markup. */
void html_put(struct assay_buf *out, const char *markup);
/* Printable text, escaped. */
void html_span(struct assay_buf *out, struct assay_span text);
void html_text(struct assay_buf *out, const char *text);
/* A value of the report, made printable and escaped. */
void html_value(struct assay_buf *out, const json_t *value);
void html_key(struct assay_buf *out, const json_t *object, const char *key, const char *fallback);
void html_count(struct assay_buf *out, int64_t count, const char *noun);
void html_size(struct assay_buf *out, int64_t bytes);
/* <code class="hash">: a digest, with room to break the line. */
void html_digest(struct assay_buf *out, const char *digest);
/* <span class="chip TONE">verdict</span> */
void html_chip(struct assay_buf *out, const struct view_verdict *verdict);
const char *html_tone(enum view_tone tone);
/* A punched octagon, and in it what the assay found. */
void html_hallmark(struct assay_buf *out, enum view_tone tone);
/* Of a divergence: folded, grave, or in between. */
enum view_tone html_tone_of(const json_t *divergence);

/* The differences of one pair, member by member (html_tree.c). */
void html_divergences(struct assay_buf *out, const json_t *pair);
/* Search, filters and what the keys do; nothing when no pair has a difference. */
void html_tools(struct assay_buf *out, const json_t *report);
/* One difference: where, both values, why, and what to change (html_divergence.c). */
void html_divergence(struct assay_buf *out, const json_t *divergence, size_t number);
/* Both values of it (html_values.c). */
void html_values(struct assay_buf *out, const json_t *divergence);
/* What the verdict rests on: sections of a whole verification (html_evidence.c). */
void html_evidence(struct assay_buf *out, const json_t *report);
/* The links to those sections that will be there. */
void html_evidence_links(struct assay_buf *out, const json_t *report);

#endif
