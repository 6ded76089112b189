/* SPDX-License-Identifier: Apache-2.0 */
/* Reading lists of digests, and comparing two of them; see the header. */
#include "sums.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "assay/limits.h"

/* ---- reading ------------------------------------------------------------------------------------- */

static size_t hex_digits(struct assay_span text)
{
	size_t count = 0;

	while (count < text.len && isxdigit(text.data[count]))
		count++;
	return count;
}

/* MD5 to SHA-512. */
static bool is_digest_size(size_t digits)
{
	return digits == 32 || digits == 40 || digits == 56 || digits == 64 || digits == 96 ||
	       digits == 128;
}

static bool unescape(struct assay_arena *arena, struct assay_span name, struct assay_span *ret)
{
	uint8_t *out = assay_arena_alloc(arena, name.len + 1);
	size_t len = 0;

	if (!out)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.data[i];

		if (c == '\\') {
			if (++i == name.len)
				return false;
			c = name.data[i];
			if (c != '\\' && c != 'n' && c != 'r')
				return false;
			c = c == 'n' ? '\n' : c == 'r' ? '\r' : c;
		}
		out[len++] = c;
	}
	*ret = assay_span_of(out, len);
	return true;
}

/* "SHA256 (NAME) = HEX" */
static bool parse_tagged(struct assay_span line, struct assay_sum *ret)
{
	static const char *const tags[] = { "MD5 (", "SHA1 (", "SHA224 (", "SHA256 (", "SHA384 (",
					    "SHA512 (" };
	size_t digits = 0;

	while (digits < line.len && isxdigit(line.data[line.len - 1 - digits]))
		digits++;
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		size_t tag = strlen(tags[i]);
		struct assay_span middle;

		if (!assay_span_starts(line, tags[i]) || line.len < tag + digits + 4)
			continue;
		middle = assay_span_cut(line, line.len - digits - 4, 4);
		if (!assay_span_equal_text(middle, ") = "))
			continue;
		ret->name = assay_span_cut(line, tag, line.len - tag - digits - 4);
		ret->digest = assay_span_cut(line, line.len - digits, digits);
		return true;
	}
	return false;
}

static bool parse_line(struct assay_arena *arena, struct assay_span line, struct assay_sum *ret)
{
	bool escaped = line.len && line.data[0] == '\\';
	struct assay_span text = escaped ? assay_span_cut(line, 1, line.len) : line;
	size_t digits = hex_digits(text);

	*ret = (struct assay_sum){ .matched = false };
	if (!parse_tagged(text, ret)) {
		if (text.len < digits + 3 || text.data[digits] != ' ' ||
		    (text.data[digits + 1] != ' ' && text.data[digits + 1] != '*'))
			return false;
		ret->digest = assay_span_cut(text, 0, digits);
		ret->name = assay_span_cut(text, digits + 2, text.len);
	}
	return is_digest_size(ret->digest.len) && ret->name.len &&
	       (!escaped || unescape(arena, ret->name, &ret->name));
}

static int by_name(const void *a, const void *b)
{
	return assay_span_compare(((const struct assay_sum *)a)->name,
				  ((const struct assay_sum *)b)->name);
}

void assay_sums_sort(struct assay_sums *sums)
{
	qsort(sums->items, sums->count, sizeof(*sums->items), by_name);
}

static size_t count_lines(struct assay_span bytes)
{
	struct assay_span line;
	size_t count = 0;

	while (count <= ASSAY_MAX_MEMBERS && assay_span_next_line(&bytes, &line))
		count++;
	return count;
}

static bool parse_all(struct assay_span bytes, struct assay_sums *sums)
{
	struct assay_span line;

	while (assay_span_next_line(&bytes, &line)) {
		struct assay_sum *sum = &sums->items[sums->count];

		if (!parse_line(&sums->arena, line, sum))
			return false;
		if (sums->count && sum->digest.len != sums->items[0].digest.len)
			return false;
		sums->count++;
	}
	assay_sums_sort(sums);
	for (size_t i = 1; i < sums->count; i++)
		if (assay_span_equal(sums->items[i - 1].name, sums->items[i].name))
			return false;
	return true;
}

bool assay_sums_parse(struct assay_span bytes, struct assay_sums *ret)
{
	struct assay_sum first;
	struct assay_span rest = bytes, line;
	size_t lines;

	*ret = (struct assay_sums){ .arena = ASSAY_ARENA_INIT(ASSAY_MAX_TREE), .bytes = bytes };
	/* one line tells most other files apart without counting theirs */
	if (!assay_span_next_line(&rest, &line) || !parse_line(&ret->arena, line, &first)) {
		assay_sums_release(ret);
		return false;
	}
	lines = count_lines(bytes);
	ret->items = lines <= ASSAY_MAX_MEMBERS ? calloc(lines, sizeof(*ret->items)) : NULL;
	if (!ret->items || !parse_all(bytes, ret)) {
		assay_sums_release(ret);
		return false;
	}
	ret->digits = ret->items[0].digest.len;
	return true;
}

void assay_sums_release(struct assay_sums *sums)
{
	assay_arena_release(&sums->arena);
	free(sums->items);
	*sums = (struct assay_sums){ .arena = ASSAY_ARENA_INIT(ASSAY_MAX_TREE) };
}

/* ---- writing down -------------------------------------------------------------------------------- */

static const struct assay_field field_digest = {
	.name = "sums.digest",
	.kind = ASSAY_CONTENT,
	.rating = ASSAY_RATE_NEVER,
	.severity = ASSAY_SEVERITY_CODE,
	.rule = "another digest is another file",
};

static const struct assay_field field_layout = {
	.name = "sums.layout",
	.kind = ASSAY_STRUCTURE,
	.rating = ASSAY_RATE_NEVER,
	.cause = "random_order_in_md5sums",
	.severity = ASSAY_SEVERITY_METADATA,
	.rule = "the order and the form of the lines; programs that check the list read the same",
};

enum assay_code assay_sums_record(struct assay_walk *walk, const struct assay_field *field,
				  struct assay_span name, const struct assay_span *left,
				  const struct assay_span *right, const char *explanation,
				  struct assay_error *err)
{
	struct assay_difference d = {
		.field = field ? field : &field_digest,
		.left_present = left != NULL,
		.right_present = right != NULL,
		.values = { { left ? *left : assay_span_of(NULL, 0),
			      right ? *right : assay_span_of(NULL, 0) },
			    left != NULL, right != NULL },
		.confidence = ASSAY_CERTAIN,
		.explanation = explanation,
	};
	enum assay_code code;

	d.bytes = left && right ? assay_bytes_differing(*left, *right) : left ? left->len : right->len;
	d.severity = d.field->severity;
	if (!assay_walk_push(walk, name))
		return ASSAY_OK;
	code = assay_walk_record(walk, NULL, &d, NULL, err);
	assay_walk_pop(walk);
	return code;
}

static bool same_digest(struct assay_span a, struct assay_span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (tolower(a.data[i]) != tolower(b.data[i]))
			return false;
	return true;
}

static enum assay_code record_missing(struct assay_walk *walk, const struct assay_sum *sum,
				      bool on_left, struct assay_error *err)
{
	char text[512], shown[200];

	snprintf(text, sizeof(text), "only the %s list has %s", on_left ? "left" : "right",
		 assay_span_show(sum->name, shown, sizeof(shown)));
	return assay_sums_record(walk, &assay_field_added, sum->name, on_left ? &sum->digest : NULL,
				 on_left ? NULL : &sum->digest, text, err);
}

static enum assay_code record_renamed(struct assay_walk *walk, const struct assay_sum *left,
				      const struct assay_sum *right, struct assay_error *err)
{
	char text[512], l[160], r[160];
	/* one path for both sides, so that swapping them changes nothing else */
	struct assay_span name =
		assay_span_compare(left->name, right->name) < 0 ? left->name : right->name;

	snprintf(text, sizeof(text), "%s on the left is %s on the right, with the same digest",
		 assay_span_show(left->name, l, sizeof(l)),
		 assay_span_show(right->name, r, sizeof(r)));
	return assay_sums_record(walk, &assay_field_renamed, name, &left->name, &right->name, text,
				 err);
}

static enum assay_code record_layout(struct assay_walk *walk, const struct assay_sums *left,
				     const struct assay_sums *right, struct assay_error *err)
{
	struct assay_range range = { 0, left->bytes.len, 0, right->bytes.len };
	struct assay_difference d = {
		.field = &field_layout,
		.left = left->bytes,
		.right = right->bytes,
		.left_present = true,
		.right_present = true,
		.ranges = &range,
		.range_count = 1,
		.bytes = assay_bytes_differing(left->bytes, right->bytes),
		.confidence = ASSAY_CERTAIN,
		.severity = field_layout.severity,
		.explanation = "the same names with the same digests, written otherwise",
	};

	return assay_walk_record(walk, NULL, &d, NULL, err);
}

/* ---- two lists ----------------------------------------------------------------------------------- */

static enum assay_code compare_named(struct assay_walk *walk, struct assay_sums *left,
				     struct assay_sums *right, struct assay_error *err)
{
	size_t l = 0, r = 0;

	while (l < left->count && r < right->count) {
		struct assay_sum *a = &left->items[l], *b = &right->items[r];
		int order = assay_span_compare(a->name, b->name);

		l += order <= 0;
		r += order >= 0;
		if (order)
			continue;
		a->matched = b->matched = true;
		if (!same_digest(a->digest, b->digest) &&
		    assay_sums_record(walk, &field_digest, a->name, &a->digest, &b->digest,
				      "the lists have different digests of it; the files were not read",
				      err))
			return err->code;
	}
	return ASSAY_OK;
}

static int by_digest(const void *a, const void *b)
{
	const struct assay_sum *x = *(struct assay_sum *const *)a, *y = *(struct assay_sum *const *)b;
	size_t len = x->digest.len < y->digest.len ? x->digest.len : y->digest.len;
	int order = strncasecmp((const char *)x->digest.data, (const char *)y->digest.data, len);

	return order ? order : assay_span_compare(x->name, y->name);
}

static struct assay_sum **unmatched(struct assay_sums *sums, size_t *ret_count)
{
	struct assay_sum **list = calloc(sums->count + 1, sizeof(struct assay_sum *));

	*ret_count = 0;
	for (size_t i = 0; list && i < sums->count; i++)
		if (!sums->items[i].matched)
			list[(*ret_count)++] = &sums->items[i];
	if (list)
		qsort(list, *ret_count, sizeof(struct assay_sum *), by_digest);
	return list;
}

static enum assay_code find_renamed(struct assay_walk *walk, struct assay_sum **left, size_t lefts,
				    struct assay_sum **right, size_t rights,
				    struct assay_error *err)
{
	size_t l = 0, r = 0;

	while (l < lefts && r < rights) {
		if (same_digest(left[l]->digest, right[r]->digest)) {
			left[l]->matched = right[r]->matched = true;
			if (record_renamed(walk, left[l++], right[r++], err))
				return err->code;
			continue;
		}
		if (strncasecmp((const char *)left[l]->digest.data,
				(const char *)right[r]->digest.data, left[l]->digest.len) < 0)
			l++;
		else
			r++;
	}
	return ASSAY_OK;
}

enum assay_code assay_sums_compare(struct assay_walk *walk, struct assay_sums *left,
				   struct assay_sums *right, struct assay_error *err)
{
	uint64_t before = walk->recorded;
	size_t lefts, rights;
	struct assay_sum **l, **r;
	enum assay_code code = compare_named(walk, left, right, err);

	if (code)
		return code;
	l = unmatched(left, &lefts);
	r = unmatched(right, &rights);
	code = l && r ? find_renamed(walk, l, lefts, r, rights, err) :
			assay_fail(err, ASSAY_ENOMEM, "list of digests: out of memory");
	free(l);
	free(r);
	for (size_t i = 0; !code && i < left->count; i++)
		if (!left->items[i].matched)
			code = record_missing(walk, &left->items[i], true, err);
	for (size_t i = 0; !code && i < right->count; i++)
		if (!right->items[i].matched)
			code = record_missing(walk, &right->items[i], false, err);
	if (!code && walk->recorded == before)
		code = record_layout(walk, left, right, err);
	return code;
}
