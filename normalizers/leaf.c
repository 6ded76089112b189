/* SPDX-License-Identifier: Apache-2.0 */
/* Two leaves that differ: which bytes, what values, and which cause the recognisers see in them. */
#include <stdio.h>
#include <stdlib.h>

#include "assay/limits.h"
#include "assay/textdiff.h"
#include "resync.h"
#include "walk.h"

#define RUN_GAP 16 /* runs of differing bytes nearer than this are shown as one range */
#define VALUE_OF_BINARY 32
#define BLOCK 4096 /* equal blocks are not looked at byte by byte */

struct ranges {
	struct assay_range items[ASSAY_MAX_RANGES];
	size_t count;
	bool cut;
	uint64_t bytes; /* that differ, in ranges listed or not */
};

static struct assay_span left_of(struct assay_span s, const struct assay_range *range)
{
	return assay_span_cut(s, range->left, range->left_length);
}

static struct assay_span right_of(struct assay_span s, const struct assay_range *range)
{
	return assay_span_cut(s, range->right, range->right_length);
}

static void add_run(struct ranges *ranges, size_t start, size_t end)
{
	if (ranges->count == ASSAY_MAX_RANGES) {
		ranges->cut = true;
		return;
	}
	ranges->items[ranges->count++] =
		(struct assay_range){ start, end - start, start, end - start };
}

static void find_moved(struct assay_span left, struct assay_span right, struct ranges *ret)
{
	struct assay_resync found;

	assay_resync(left, right, &found);
	memcpy(ret->items, found.ranges, sizeof(found.ranges[0]) * found.count);
	ret->count = found.count;
	ret->cut = found.cut;
	ret->bytes = found.bytes;
}

static void find_runs(struct assay_span left, struct assay_span right, struct ranges *ret)
{
	size_t start = SIZE_MAX, end = 0;

	if (left.len != right.len) {
		find_moved(left, right, ret);
		return;
	}
	ret->bytes = assay_bytes_differing(left, right);
	for (size_t i = 0; i < left.len; i++) {
		if (i % BLOCK == 0 && left.len - i >= BLOCK &&
		    memcmp(left.data + i, right.data + i, BLOCK) == 0)
			i += BLOCK - 1;
		if (left.data[i] == right.data[i])
			continue;
		if (start != SIZE_MAX && i - end >= RUN_GAP) {
			add_run(ret, start, end);
			start = SIZE_MAX;
		}
		if (start == SIZE_MAX)
			start = i;
		end = i + 1;
	}
	if (start != SIZE_MAX)
		add_run(ret, start, end);
}

/* Each run of changed lines without what is common at its two ends. */
static void find_lines(struct assay_span left, struct assay_span right,
		       const struct assay_text_diff *diff, struct ranges *ret)
{
	for (size_t i = 0; i < diff->count && i < ASSAY_MAX_RANGES; i++) {
		const struct assay_text_hunk *hunk = &diff->hunks[i];
		struct assay_span l = assay_span_cut(left, hunk->left, hunk->left_length);
		struct assay_span r = assay_span_cut(right, hunk->right, hunk->right_length);
		struct assay_range middle = assay_range_middle(l, r);

		ret->items[ret->count++] =
			(struct assay_range){ hunk->left + middle.left, middle.left_length,
					      hunk->right + middle.right, middle.right_length };
		ret->bytes += assay_bytes_differing(l, r);
	}
	ret->cut = diff->truncated;
}

static uint64_t range_bytes(struct assay_span left, struct assay_span right,
			    const struct assay_range *range)
{
	return assay_bytes_differing(left_of(left, range), right_of(right, range));
}

/* What is run, by its mode or its first line, is code whatever its format. */
static enum assay_severity severity_of(const struct assay_scope *scope,
				       const struct assay_field *field, struct assay_span left,
				       struct assay_span right)
{
	if (field->severity >= ASSAY_SEVERITY_CODE)
		return field->severity;
	if (assay_span_starts(left, "#!") || assay_span_starts(right, "#!"))
		return ASSAY_SEVERITY_CODE;
	for (; scope; scope = scope->up) {
		const struct assay_node *nodes[] = { scope->left_node, scope->right_node };
		bool has_mode = false;

		/* what code decodes to is code */
		if (nodes[0]->flags & ASSAY_NODE_ENCODED &&
		    nodes[0]->field->severity == ASSAY_SEVERITY_CODE)
			return ASSAY_SEVERITY_CODE;

		for (size_t i = 0; i < 2; i++) {
			for (const struct assay_attribute *a = nodes[i]->attributes; a;
			     a = a->next) {
				if (strcmp(assay_field_word(a->field), "mode") != 0)
					continue;
				has_mode = true;
				if (a->number & 0111)
					return ASSAY_SEVERITY_CODE;
			}
		}
		if (has_mode)
			break;
	}
	return field->severity;
}

/* One content pair on its way to the ledger. */
struct content {
	struct assay_walk *walk;
	struct assay_scope *scope;
	const struct assay_field *field;
	struct assay_span left, right;
	bool is_text;
	enum assay_severity severity;
	const char *note, *diff;
	uint64_t base_left, base_right; /* added to offsets shown */
};

static void fill_values(const struct content *c, const struct assay_range *range,
			struct assay_values *ret)
{
	size_t max = c->is_text ? ASSAY_MAX_VALUE_SHOWN + 1 : VALUE_OF_BINARY;

	ret->text.left = assay_span_cut(left_of(c->left, range), 0, max);
	ret->text.right = assay_span_cut(right_of(c->right, range), 0, max);
	ret->left_present = ret->right_present = true;
}

static enum assay_code record_ranges(const struct content *c, const struct assay_range *ranges,
				     size_t count, uint64_t bytes,
				     const struct assay_recognised *known, const char *explanation,
				     struct assay_error *err)
{
	struct assay_range shown[ASSAY_MAX_RANGES];
	struct assay_difference d = {
		.field = c->field,
		.left = c->left,
		.right = c->right,
		.left_present = true,
		.right_present = true,
		.ranges = shown,
		.range_count = count,
		.bytes = bytes,
		.cause = known ? known->cause->id : NULL,
		.confidence = known ? known->confidence : ASSAY_CERTAIN,
		.severity = c->severity,
		.explanation = explanation,
		.diff = c->diff,
	};

	for (size_t i = 0; i < count; i++) {
		shown[i] = ranges[i];
		shown[i].left += c->base_left;
		shown[i].right += c->base_right;
	}
	if (count)
		fill_values(c, &ranges[0], &d.values);
	return assay_walk_record(c->walk, c->scope, &d, NULL, err);
}

/* Takes the ranges a cause explains out of the list and writes them down together. */
static enum assay_code record_known(const struct content *c, struct ranges *ranges,
				    const struct assay_recognised *known, uint64_t *left_bytes,
				    struct assay_error *err)
{
	struct assay_range taken[ASSAY_MAX_RANGES];
	size_t count = 0, kept = 0;
	uint64_t bytes = 0;

	for (size_t i = 0; i < ranges->count; i++) {
		if (known->ranges >> i & 1) {
			taken[count++] = ranges->items[i];
			bytes += range_bytes(c->left, c->right, &ranges->items[i]);
		} else {
			ranges->items[kept++] = ranges->items[i];
		}
	}
	ranges->count = kept;
	if (bytes > *left_bytes)
		bytes = *left_bytes;
	*left_bytes -= bytes;
	return record_ranges(c, taken, count, bytes, known, known->explanation, err);
}

static enum assay_code record_unknown(const struct content *c, const struct ranges *ranges,
				      uint64_t bytes, struct assay_error *err)
{
	char text[512];
	const struct assay_range *first = &ranges->items[0];

	if (ranges->count)
		snprintf(text, sizeof(text),
			 "%s%s%llu byte%s in %s%zu place%s, first at offset %llu on the left "
			 "and %llu on the right; no known cause explains them",
			 c->note ? c->note : "", c->note ? ": " : "", (unsigned long long)bytes,
			 bytes == 1 ? " differs" : "s differ", ranges->cut ? "more than " : "", ranges->count,
			 ranges->count == 1 ? "" : "s",
			 (unsigned long long)(first->left + c->base_left),
			 (unsigned long long)(first->right + c->base_right));
	else
		snprintf(text, sizeof(text), "%s%s%llu further bytes differ",
			 c->note ? c->note : "", c->note ? ": " : "", (unsigned long long)bytes);
	return record_ranges(c, ranges->items, ranges->count, bytes, NULL, text, err);
}

static enum assay_code explain_ranges(const struct content *c, struct ranges *ranges,
				      uint64_t bytes, struct assay_error *err)
{
	struct assay_evidence evidence = {
		.field = c->field,
		.format = c->scope ? c->scope->left->format->name : "binary",
		.path = c->walk->path,
		.path_count = c->walk->path_count,
		.left = c->left,
		.right = c->right,
		.left_file = c->scope ? c->scope->left->bytes : c->left,
		.right_file = c->scope ? c->scope->right->bytes : c->right,
		.is_text = c->is_text,
		.ranges = ranges->items,
		.left_context = c->walk->sides[0]->context,
		.right_context = c->walk->sides[1]->context,
	};
	uint64_t before = c->walk->recorded;
	enum assay_code code = ASSAY_OK;

	while (!code && ranges->count) {
		struct assay_recognised known = { 0 };

		evidence.range_count = ranges->count;
		if (!assay_causes_recognise(&evidence, &known) || !known.ranges || !known.cause)
			break;
		code = record_known(c, ranges, &known, &bytes, err);
	}
	if (!code && (ranges->count || bytes || c->walk->recorded == before))
		code = record_unknown(c, ranges, bytes, err);
	return code;
}

/* Where a leaf stands in its file; 0 for what is no part of it. */
static uint64_t base_of(const struct assay_anatomy *anatomy, struct assay_span leaf)
{
	const struct assay_span *file = &anatomy->bytes;

	if (!leaf.data || leaf.data < file->data || leaf.data >= file->data + file->len)
		return 0;
	return (uint64_t)(leaf.data - file->data);
}

enum assay_code assay_walk_bytes(struct assay_walk *walk, struct assay_scope *scope,
				 const struct assay_field *field, struct assay_span left,
				 struct assay_span right, const char *note, struct assay_error *err)
{
	struct content c = {
		.walk = walk,
		.scope = scope,
		.field = field,
		.left = left,
		.right = right,
		.note = !note && field == assay_format_binary.fields ? "no known format, compared as bytes" : note,
		.severity = severity_of(scope, field, left, right),
		.is_text = assay_format_text.bid(left) && assay_format_text.bid(right),
	};
	struct assay_text_diff diff = { 0 };
	struct ranges ranges = { .count = 0 };
	enum assay_code code = ASSAY_OK;

	c.base_left = scope ? base_of(scope->left, left) : 0;
	c.base_right = scope ? base_of(scope->right, right) : 0;
	if (c.is_text && assay_text_diff_is_bounded(left, right)) {
		code = assay_text_diff(left, right, ASSAY_MAX_RANGES, ASSAY_MAX_DIFF_LINES, &diff,
				       err);
		if (code)
			return code;
		find_lines(left, right, &diff, &ranges);
		c.diff = assay_buf_text(&diff.unified);
	} else {
		find_runs(left, right, &ranges);
	}
	code = explain_ranges(&c, &ranges, ranges.bytes, err);
	assay_text_diff_release(&diff);
	return code;
}

/* ---- what a format's differ finds ---------------------------------------------------------- */

struct assay_findings {
	struct assay_walk *walk;
	struct assay_scope *scope;
	const struct assay_node *left_node, *right_node;
	uint64_t covered;
	enum assay_code code;
	struct assay_error *err;
};

static enum assay_code add_located(struct assay_findings *f, const struct assay_located *located)
{
	struct content c = {
		.walk = f->walk,
		.scope = f->scope,
		.field = f->left_node->field,
		.left = assay_span_cut(f->scope->left->bytes, located->left_offset,
				       located->left_length),
		.right = assay_span_cut(f->scope->right->bytes, located->right_offset,
					located->right_length),
		.severity = located->severity,
		.base_left = located->left_offset,
		.base_right = located->right_offset,
	};
	struct ranges ranges = { .count = 0 };
	struct assay_range shown = { located->left_offset, c.left.len, located->right_offset,
				     c.right.len };
	const struct assay_cause *cause = located->cause ? assay_cause_find(located->cause) : NULL;
	struct assay_difference d = {
		.field = c.field,
		.left = c.left,
		.right = c.right,
		.left_present = true,
		.right_present = true,
		.ranges = &shown,
		.range_count = 1,
		.bytes = located->bytes,
		.cause = located->cause,
		.confidence = ASSAY_LIKELY,
		.severity = located->severity,
		.explanation = located->explanation,
		.diff = located->diff,
	};

	if (located->is_consequence)
		return assay_walk_defer(f->walk, f->scope, &d, f->err);
	find_runs(c.left, c.right, &ranges);
	if (!cause && !located->explanation)
		return explain_ranges(&c, &ranges, located->bytes, f->err);
	if (ranges.count) {
		fill_values(&c, &ranges.items[0], &d.values);
		d.ranges = ranges.items;
		d.range_count = ranges.count;
	}
	for (size_t i = 0; i < ranges.count; i++) {
		ranges.items[i].left += c.base_left;
		ranges.items[i].right += c.base_right;
	}
	return assay_walk_record(f->walk, f->scope, &d, NULL, f->err);
}

void assay_findings_add(struct assay_findings *findings, const struct assay_located *located)
{
	bool named = located->name.len > 0;

	if (findings->code)
		return;
	findings->covered += located->bytes;
	if (named && !assay_walk_push(findings->walk, located->name))
		named = false;
	findings->code = add_located(findings, located);
	if (named)
		assay_walk_pop(findings->walk);
}

static enum assay_code differ(struct assay_walk *walk, struct assay_scope *scope,
			      const struct assay_node *l, const struct assay_node *r,
			      bool *ret_found, struct assay_error *err)
{
	struct assay_findings findings = {
		.walk = walk,
		.scope = scope,
		.left_node = l,
		.right_node = r,
		.err = err,
	};
	struct assay_span left = assay_node_bytes(scope->left, l);
	struct assay_span right = assay_node_bytes(scope->right, r);
	uint64_t before = walk->recorded, bytes;
	enum assay_code code;

	code = scope->left->format->differ(scope->left, l, scope->right, r, &findings, err);
	if (!code)
		code = findings.code;
	*ret_found = walk->recorded > before;
	if (code || !*ret_found)
		return code;
	bytes = assay_bytes_differing(left, right);
	if (bytes > findings.covered) {
		struct content c = {
			.walk = walk,
			.scope = scope,
			.field = l->field,
			.left = left,
			.right = right,
			.severity = severity_of(scope, l->field, left, right),
		};
		struct ranges none = { .count = 0 };

		code = record_unknown(&c, &none, bytes - findings.covered, err);
	}
	return code;
}

/* ---- one pair of leaves --------------------------------------------------------------------- */

static struct assay_span shown_value(const struct assay_anatomy *anatomy,
				     const struct assay_node *node)
{
	if (!node)
		return assay_span_of(NULL, 0);
	if (node->value)
		return assay_span_text(node->value);
	return assay_span_cut(assay_node_bytes(anatomy, node), 0, ASSAY_MAX_VALUE_SHOWN + 1);
}

static void describe(const struct assay_field *field, const struct assay_values *values, char *out,
		     size_t size)
{
	char left[120], right[120];

	assay_span_show(values->text.left, left, sizeof(left));
	assay_span_show(values->text.right, right, sizeof(right));
	if (values->left_present && values->right_present)
		snprintf(out, size, "%s is \"%s\" on the left and \"%s\" on the right: %s",
			 field->name, left, right, field->rule ? field->rule : "");
	else
		snprintf(out, size, "only the %s side has %s (\"%s\"): %s",
			 values->left_present ? "left" : "right", field->name,
			 values->left_present ? left : right, field->rule ? field->rule : "");
}

/* The attribute a leaf carries belongs to the nearest group that has attributes. */
static struct assay_divergence *carried(struct assay_scope *scope,
					const struct assay_field *attribute, bool *ret_differs)
{
	while (scope && !scope->left_node->attributes && !scope->right_node->attributes)
		scope = scope->up;
	*ret_differs = false;
	for (size_t i = 0; scope && i < scope->attribute_count; i++) {
		if (scope->attributes[i].field == attribute) {
			*ret_differs = true;
			return scope->attributes[i].divergence;
		}
	}
	return NULL;
}

static enum assay_code record_encoding(struct assay_walk *walk, struct assay_scope *scope,
				       struct assay_difference *d, struct assay_error *err)
{
	const char *condition;
	bool folds;
	enum assay_code code;

	if (scope->payload == ASSAY_PAYLOAD_NONE) {
		d->field = assay_format_binary.fields;
		d->severity = ASSAY_SEVERITY_DATA;
		d->is_unexplained = true;
		return assay_walk_record(walk, scope, d, NULL, err);
	}
	if (scope->payload == ASSAY_PAYLOAD_EQUAL)
		return assay_walk_record(walk, scope, d, NULL, err);
	/* the payload's own differences tell the story; only what may not be folded adds to it */
	code = assay_walk_judge(scope, d->field, d->left, d->right, &folds, &condition, err);
	if (code || !folds)
		return code ? code : assay_walk_record(walk, scope, d, NULL, err);
	walk->recorded++;
	return ASSAY_OK;
}

/* Harmless padding follows from the sizes of what it pads. */
static bool padding_folds(struct assay_scope *scope, const struct assay_difference *d)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	const char *condition;
	bool folds;

	return d->field->kind == ASSAY_PADDING &&
	       assay_walk_judge(scope, d->field, d->left, d->right, &folds, &condition, &err) ==
		       ASSAY_OK &&
	       folds;
}

static enum assay_code record_value(struct assay_walk *walk, struct assay_scope *scope,
				    const struct assay_node *l, const struct assay_node *r,
				    struct assay_difference *d, struct assay_error *err)
{
	struct assay_range range = { l ? l->offset : 0, l ? l->length : 0, r ? r->offset : 0,
				     r ? r->length : 0 };
	const struct assay_field *carries = l ? l->carries : r->carries;
	struct assay_divergence *divergence;
	bool differs = false;
	char text[1024];

	d->ranges = &range;
	d->range_count = 1;
	d->bytes = assay_bytes_differing(d->left, d->right);
	d->values.text.left = shown_value(scope->left, l);
	d->values.text.right = shown_value(scope->right, r);
	d->values.left_present = d->left_present;
	d->values.right_present = d->right_present;
	divergence = carries ? carried(scope, carries, &differs) : NULL;
	if (differs) {
		assay_ledger_widen(divergence, &range, d->bytes);
		walk->recorded++;
		return ASSAY_OK;
	}
	describe(d->field, &d->values, text, sizeof(text));
	if ((!l || !r) && !d->cause) {
		d->cause = assay_cause_presence((l ? l : r)->name);
		d->confidence = d->cause ? ASSAY_LIKELY : d->confidence;
	}
	if (d->field->kind == ASSAY_ENCODING) {
		/* encoded bytes say nothing to a reader */
		d->values = (struct assay_values){ .left_present = d->left_present,
						   .right_present = d->right_present };
		snprintf(text, sizeof(text), "%llu encoded bytes differ: %s",
			 (unsigned long long)d->bytes, d->field->rule ? d->field->rule : "");
	}
	d->explanation = text;
	if (d->field->kind == ASSAY_DERIVED || padding_folds(scope, d))
		return assay_walk_defer(walk, scope, d, err);
	if (d->field->kind == ASSAY_ENCODING)
		return record_encoding(walk, scope, d, err);
	return assay_walk_record(walk, scope, d, NULL, err);
}

enum assay_code assay_walk_leaf(struct assay_walk *walk, struct assay_scope *scope,
				const struct assay_node *l, const struct assay_node *r,
				struct assay_error *err)
{
	struct assay_difference d = {
		.field = l ? l->field : r->field,
		.left = l ? assay_node_bytes(scope->left, l) : assay_span_of(NULL, 0),
		.right = r ? assay_node_bytes(scope->right, r) : assay_span_of(NULL, 0),
		.left_present = l != NULL,
		.right_present = r != NULL,
		.severity = (l ? l : r)->field->severity,
		.confidence = ASSAY_CERTAIN,
	};
	bool found = false;
	enum assay_code code = ASSAY_OK;

	if (l && r && assay_span_equal(d.left, d.right))
		return ASSAY_OK;
	if (l && r && scope->left->format->differ && scope->left->format == scope->right->format)
		code = differ(walk, scope, l, r, &found, err);
	if (code || found)
		return code;
	if (l && r && d.field->kind == ASSAY_CONTENT && !l->carries)
		return assay_walk_bytes(walk, scope, d.field, d.left, d.right, NULL, err);
	d.severity = d.field->kind == ASSAY_CONTENT ? severity_of(scope, d.field, d.left, d.right) :
						       d.severity;
	return record_value(walk, scope, l, r, &d, err);
}
