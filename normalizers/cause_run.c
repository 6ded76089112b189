/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of bytes of one kind; see the header. */
#include "cause_run.h"

bool cause_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

bool cause_is_hex(uint8_t c)
{
	return cause_is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

bool cause_is_word(uint8_t c)
{
	return cause_is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_';
}

bool cause_is_path(uint8_t c)
{
	return cause_is_word(c) || (c && strchr("/.+~-@%#=", c));
}

bool cause_is_version(uint8_t c)
{
	return cause_is_word(c) || (c && strchr(".+~-:", c));
}

struct cause_run cause_run_at(struct assay_span s, size_t at, bool (*in)(uint8_t))
{
	struct cause_run r = { at, at };

	while (r.start > 0 && in(s.data[r.start - 1]))
		r.start--;
	while (r.end < s.len && in(s.data[r.end]))
		r.end++;
	return r;
}

struct assay_span cause_run_span(struct assay_span s, struct cause_run r)
{
	return assay_span_of(s.data + r.start, r.end - r.start);
}

bool cause_has(struct assay_span s, const char *needle)
{
	return assay_span_find(s, 0, assay_span_text(needle)) != SIZE_MAX;
}

bool cause_both_have(const struct assay_change *c, const char *needle)
{
	return cause_has(c->left, needle) && cause_has(c->right, needle);
}

bool cause_near(const struct assay_change *c, const char *needle)
{
	return cause_has(c->left, needle) ||
	       (cause_has(c->left_head, needle) && cause_has(c->right_head, needle));
}

bool cause_pair_at(const struct assay_change *c, size_t l, size_t r, bool (*in)(uint8_t),
		   struct cause_pair *ret)
{
	struct cause_run a = cause_run_at(c->left, l, in), b = cause_run_at(c->right, r, in);

	if (l - a.start != r - b.start)
		return false;
	ret->left = cause_run_span(c->left, a);
	ret->right = cause_run_span(c->right, b);
	ret->back = l - a.start;
	return ret->left.len > 0 && ret->right.len > 0;
}

bool cause_take(struct assay_token *ret, const char *cause, enum assay_confidence confidence,
		 const struct cause_pair *p)
{
	ret->cause = cause;
	ret->confidence = confidence;
	ret->back = p->back;
	ret->left = p->left.len - p->back;
	ret->right = p->right.len - p->back;
	return ret->left + ret->right > 0;
}
