/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalogue, and the one call that names a cause for ranges of two differing leaves.  A range is
 * widened to the lines (of a text) or strings (of anything else) it lies in, and these are compared
 * by cause_change.c; integers that are no text may still be times.
 */
#include "causes.h"

#include <stdio.h>
#include <stdlib.h>

#include "assay/limits.h"
#include "assay/time.h"
#include "cause_match.h"
#include "rows.h"
#include "stamp.h"

#define HEAD (4 * ASSAY_KIB)	  /* of a file, searched for names of generators */
#define LONGEST_PIECE (64 * ASSAY_KIB) /* a longer line or string is not looked at */
#define SHORTEST_STRING 4

static const struct assay_cause catalogue[] = {
#define CAUSE(id_, class_, severity_, title_, explanation_, remedy_, reference_)                   \
	{ .id = (id_),                                                                             \
	  .class = ASSAY_CAUSE_##class_,                                                           \
	  .severity = ASSAY_SEVERITY_##severity_,                                                  \
	  .title = (title_),                                                                       \
	  .explanation = (explanation_),                                                           \
	  .remedy = (remedy_),                                                                     \
	  .reference = (reference_) },
#include "causes.def"
#undef CAUSE
};

size_t assay_cause_count(void)
{
	return sizeof(catalogue) / sizeof(catalogue[0]);
}

const struct assay_cause *assay_cause_at(size_t index)
{
	return index < assay_cause_count() ? &catalogue[index] : NULL;
}

const struct assay_cause *assay_cause_find(const char *id)
{
	for (size_t i = 0; id && i < assay_cause_count(); i++)
		if (strcmp(catalogue[i].id, id) == 0)
			return &catalogue[i];
	return NULL;
}

/* ---- ranges to pieces ---- */

static bool is_printable(uint8_t c)
{
	return (c >= ' ' && c < 0x7f) || c == '\t' || c >= 0x80;
}

static bool ends_piece(uint8_t c, bool is_text)
{
	return is_text ? c == '\n' : !is_printable(c) || c >= 0x80;
}

/* [*start, *end) grown to the borders of lines or strings. */
static void widen(struct assay_span s, bool is_text, uint64_t *start, uint64_t *end)
{
	while (*start > 0 && !ends_piece(s.data[*start - 1], is_text) &&
	       *end - *start < LONGEST_PIECE)
		--*start;
	/* a range that ends with its newline holds whole lines already */
	if (is_text && *end > *start && s.data[*end - 1] == '\n')
		return;
	while (*end < s.len && !ends_piece(s.data[*end], is_text) && *end - *start < LONGEST_PIECE)
		++*end;
}

/* Nothing, or lines from their start to their newline. */
static bool is_whole_lines(struct assay_span s, uint64_t start, uint64_t end)
{
	return (start == 0 || s.data[start - 1] == '\n') &&
	       (start == end || end == s.len || s.data[end - 1] == '\n');
}

static struct assay_span file_name(const struct assay_evidence *e)
{
	for (size_t i = e->path_count; i-- > 0;)
		if (e->path[i].len > 0)
			return e->path[i];
	return assay_span_of("", 0);
}

static struct assay_change change_of(const struct assay_evidence *e)
{
	return (struct assay_change){
		.left_head = assay_span_cut(e->left_file.len ? e->left_file : e->left, 0, HEAD),
		.right_head = assay_span_cut(e->right_file.len ? e->right_file : e->right, 0, HEAD),
		.file = file_name(e),
		.field = e->field ? e->field->name : "",
		.left_context = e->left_context,
		.right_context = e->right_context,
		.is_text = e->is_text,
	};
}

/* All lines of the two pieces must be explained; the first names the cause. */
static bool match_lines(struct assay_change *c, struct assay_span left, struct assay_span right,
			struct assay_match *ret)
{
	struct assay_span a, b;
	struct assay_match first = { .cause = NULL };

	for (;;) {
		struct assay_match match;
		bool has_left = assay_span_next_line(&left, &a);
		bool has_right = assay_span_next_line(&right, &b);

		if (!has_left && !has_right)
			break;
		c->left = has_left ? a : assay_span_of("", 0);
		c->right = has_right ? b : assay_span_of("", 0);
		if (assay_span_equal(c->left, c->right))
			continue;
		if (!assay_cause_change(c, &match))
			return false;
		if (!first.cause) {
			first = match;
			continue;
		}
		if (match.confidence < first.confidence)
			first.confidence = match.confidence;
		if (!first.also && strcmp(match.cause, first.cause) != 0)
			first.also = match.cause;
	}
	*ret = first;
	return first.cause != NULL;
}

/* Four bytes around the range that are a time of the own build on both sides, read the same way. */
static bool match_binary_time(const struct assay_evidence *e, const struct assay_range *range,
			      struct assay_match *ret, int64_t times[2])
{
	if (range->left_length != range->right_length || range->left_length > 4 ||
	    range->left_length == 0)
		return false;
	for (uint64_t back = 0; back + range->left_length <= 4; back++) {
		if (back > range->left || back > range->right ||
		    e->left.len - (range->left - back) < 4 ||
		    e->right.len - (range->right - back) < 4)
			continue;
		if (!assay_stamp_binary(e->left.data + range->left - back,
					e->right.data + range->right - back, 4, &times[0],
					&times[1]) ||
		    !assay_cause_in_window(e->left_context, times[0]) ||
		    !assay_cause_in_window(e->right_context, times[1]))
			continue;
		*ret = (struct assay_match){ .cause = "timestamps_embedded_in_content",
					     .confidence = ASSAY_LIKELY };
		return true;
	}
	return false;
}

/* Numbers at a fixed place of binaries that nothing else lays out. */
static const struct {
	const char *magic;
	uint64_t start, end;
	const char *cause;
} stamped[] = {
	{ "oncg", 8, 12, "timestamps_in_coverage_notes" },
	{ "adcg", 8, 12, "timestamps_in_coverage_notes" },
};

static bool match_fixed(const struct assay_evidence *e, const struct assay_range *range,
			struct assay_match *ret)
{
	for (size_t i = 0; i < sizeof(stamped) / sizeof(stamped[0]); i++) {
		if (!assay_span_starts(e->left, stamped[i].magic) ||
		    !assay_span_starts(e->right, stamped[i].magic) ||
		    range->left != range->right || range->left_length != range->right_length ||
		    range->left < stamped[i].start ||
		    range->left + range->left_length > stamped[i].end)
			continue;
		*ret = (struct assay_match){ .cause = stamped[i].cause,
					     .confidence = ASSAY_CERTAIN };
		return true;
	}
	return false;
}

/* ---- strings with their length before them ---- */

static bool is_all_printable(struct assay_span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_printable(s.data[i]))
			return false;
	return true;
}

/* The string whose length stands at `at`; it must reach the end of what differs and be text. */
static bool string_at(struct assay_span s, uint64_t at, unsigned width, bool big, uint64_t end,
		      struct assay_span *ret)
{
	uint64_t len;

	if (at + width > s.len)
		return false;
	len = assay_rows_number(s, at, width, big);
	if (len < SHORTEST_STRING || len > LONGEST_PIECE || len > s.len - at - width ||
	    at + width + len < end)
		return false;
	*ret = assay_span_cut(s, at + width, len);
	return is_all_printable(*ret);
}

/* As marshal, class files and many others write strings: a range that begins with a length of one,
 * two or four bytes, in either order. */
static bool match_prefixed(const struct assay_evidence *e, const struct assay_range *range,
			   struct assay_match *ret)
{
	static const struct {
		unsigned width;
		bool big;
	} shapes[] = { { 1, false }, { 2, true }, { 4, false }, { 4, true }, { 2, false } };
	struct assay_change change = change_of(e);

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		unsigned width = shapes[i].width;

		/* the high bytes of a length may be equal */
		for (uint64_t back = 0; back < width && back <= range->left && back <= range->right;
		     back++)
			if (string_at(e->left, range->left - back, width, shapes[i].big,
				      range->left + range->left_length, &change.left) &&
			    string_at(e->right, range->right - back, width, shapes[i].big,
				      range->right + range->right_length, &change.right) &&
			    assay_cause_change(&change, ret))
				return true;
	}
	return false;
}

static bool match_range(const struct assay_evidence *e, const struct assay_range *range,
			struct assay_match *ret)
{
	struct assay_change change = change_of(e);
	uint64_t left = range->left, left_end = range->left + range->left_length;
	uint64_t right = range->right, right_end = range->right + range->right_length;
	struct assay_span a, b;

	if (left_end > e->left.len || right_end > e->right.len)
		return false;
	if (!e->is_text && match_fixed(e, range, ret))
		return true;
	if (!e->is_text || !is_whole_lines(e->left, left, left_end) ||
	    !is_whole_lines(e->right, right, right_end)) {
		widen(e->left, e->is_text, &left, &left_end);
		widen(e->right, e->is_text, &right, &right_end);
	}
	a = assay_span_cut(e->left, left, left_end - left);
	b = assay_span_cut(e->right, right, right_end - right);
	if (a.len > LONGEST_PIECE * 16 || b.len > LONGEST_PIECE * 16)
		return false;
	if (e->is_text)
		return match_lines(&change, a, b, ret);
	if (!is_all_printable(a) || !is_all_printable(b))
		return match_prefixed(e, range, ret);
	if (a.len < SHORTEST_STRING || b.len < SHORTEST_STRING)
		return false;
	change.left = a;
	change.right = b;
	return assay_cause_change(&change, ret);
}

/* ---- sentences ---- */

void assay_cause_explain(const struct assay_cause *cause, struct assay_span left,
			 struct assay_span right, const char *also, char *out, size_t size)
{
	char a[96], b[96];
	int len = snprintf(out, size, "%s", cause->explanation);

	if (len < 0 || (size_t)len >= size)
		return;
	if (left.len + right.len > 0)
		len += snprintf(out + len, size - (size_t)len, ": left \"%s\", right \"%s\"",
				assay_span_show(left, a, sizeof(a)),
				assay_span_show(right, b, sizeof(b)));
	if (also && (size_t)len < size)
		snprintf(out + len, size - (size_t)len, " (with %s)", also);
}

static void recognised(struct assay_recognised *ret, const struct assay_match *match)
{
	ret->cause = assay_cause_find(match->cause);
	ret->confidence = match->confidence;
	assay_cause_explain(ret->cause, match->left, match->right, match->also, ret->explanation,
			    sizeof(ret->explanation));
}

static bool recognise_whole(const struct assay_evidence *e, struct assay_recognised *ret)
{
	struct assay_match match = { .cause = NULL };

	if (!assay_cause_whole(e, file_name(e), &match))
		return false;
	recognised(ret, &match);
	ret->ranges = UINT64_MAX;
	return true;
}

bool assay_causes_recognise(const struct assay_evidence *evidence, struct assay_recognised *ret)
{
	size_t count = evidence->range_count < 64 ? evidence->range_count : 64;
	bool found = false;

	*ret = (struct assay_recognised){ .cause = NULL };
	if (recognise_whole(evidence, ret))
		return true;
	for (size_t i = 0; i < count; i++) {
		struct assay_match match;
		int64_t times[2] = { 0, 0 };
		bool binary = false;

		if (!match_range(evidence, &evidence->ranges[i], &match)) {
			if (evidence->is_text || !match_binary_time(evidence, &evidence->ranges[i],
								    &match, times))
				continue;
			binary = true;
		}
		if (!found) {
			char a[ASSAY_TIME_TEXT], b[ASSAY_TIME_TEXT];

			if (binary) {
				match.left = assay_span_text(assay_time_format(times[0], a));
				match.right = assay_span_text(assay_time_format(times[1], b));
			}
			recognised(ret, &match);
			found = true;
		} else if (strcmp(ret->cause->id, match.cause) != 0) {
			continue;
		}
		if (match.confidence < ret->confidence)
			ret->confidence = match.confidence;
		ret->ranges |= 1ULL << i;
	}
	return found;
}
