/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A span of bytes, passed by value: no copy, no terminating NUL, no ownership.  Whoever made the
 * memory keeps it alive.  Names in archives are spans, because they are bytes and not text.
 */
#ifndef ASSAY_SPAN_H
#define ASSAY_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct assay_span {
	const uint8_t *data;
	size_t len;
};

/* For printf("%.*s", ASSAY_SPAN_ARGS(s)). */
#define ASSAY_SPAN_ARGS(s) (int)(s).len, (const char *)(s).data

static inline struct assay_span assay_span_of(const void *data, size_t len)
{
	return (struct assay_span){ data, len };
}

static inline struct assay_span assay_span_text(const char *text)
{
	return (struct assay_span){ (const uint8_t *)text, text ? strlen(text) : 0 };
}

/* The part [offset, offset + len) cut to what s holds; empty when offset lies outside. */
static inline struct assay_span assay_span_cut(struct assay_span s, uint64_t offset, uint64_t len)
{
	if (!s.data || offset > s.len)
		return (struct assay_span){ NULL, 0 };
	if (len > s.len - offset)
		len = s.len - offset;
	return (struct assay_span){ s.data + offset, (size_t)len };
}

bool assay_span_equal(struct assay_span a, struct assay_span b);
bool assay_span_equal_text(struct assay_span s, const char *text);
bool assay_span_starts(struct assay_span s, const char *prefix);
bool assay_span_ends(struct assay_span s, const char *suffix);
bool assay_span_is_zero(struct assay_span s); /* no byte but zeros; also of an empty one */
/* memcmp order, shorter first when one is a prefix of the other. */
int assay_span_compare(struct assay_span a, struct assay_span b);
/* White space (space, tab, CR, LF) removed from both ends. */
struct assay_span assay_span_trim(struct assay_span s);
/* First occurrence of needle at or after from; SIZE_MAX when there is none. */
size_t assay_span_find(struct assay_span s, size_t from, struct assay_span needle);
/* Cuts the next line off *rest, without its newline.  False at the end. */
bool assay_span_next_line(struct assay_span *rest, struct assay_span *line);
/* Decimal, the whole span; false when empty, not decimal or out of range. */
bool assay_span_parse_u64(struct assay_span s, uint64_t *ret);
bool assay_span_is_utf8(struct assay_span s);
/* Length of the first character when it steers a terminal (U+0080 to U+009F) or turns the text around it, so
 * that what is read is not what is there (U+061C, U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069); else 0. */
size_t assay_span_steers(struct assay_span s);

/* Writes a printable form into out (NUL-terminated, cut with "..." when too long): control bytes and
 * invalid UTF-8 become \xNN.  Returns out, so that it can stand in a printf argument. */
const char *assay_span_show(struct assay_span s, char *out, size_t size);
/* malloc'ed NUL-terminated copy; NULL when out of memory. */
char *assay_span_dup(struct assay_span s);

#endif
