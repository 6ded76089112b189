/* SPDX-License-Identifier: Apache-2.0 */
/* Report values as printable text; see the header. */
#include "view.h"

#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/hex.h"
#include "assay/limits.h"

static const struct view_verdict verdicts[] = {
	{ "reproducible", VIEW_GOOD, "The rebuild is bit for bit what was published." },
	{ "equivalent", VIEW_FAIR,
	  "Not the same bytes, and the same software: every difference is folded by a safe pass." },
	{ "divergent", VIEW_BAD, "The rebuild differs from what was published." },
	{ "flaky", VIEW_BAD, "The build is not deterministic: its own repetitions disagree." },
	{ "incomplete", VIEW_BAD, "The build did not make exactly the artifacts that were published." },
	{ "build-failed", VIEW_UNKNOWN, "No evidence: the recipe ran and failed." },
	{ "inputs-lost", VIEW_UNKNOWN, "No evidence: a pinned input is gone or has changed." },
	{ "timed-out", VIEW_UNKNOWN, "No evidence: a limit was reached." },
	{ "farm-error", VIEW_UNKNOWN, "No evidence: the trouble was our own." },
	{ "rejected", VIEW_BAD,
	  "The published artifact was refused before anything was built." },
};

const struct view_verdict *view_verdict(const json_t *report)
{
	static const struct view_verdict unknown = { "no verdict", VIEW_UNKNOWN, "" };
	const char *name = assay_json_text(report, "verdict", "");

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (strcmp(verdicts[i].name, name) == 0)
			return &verdicts[i];
	return &unknown;
}

/* ---- text ---------------------------------------------------------------------------------------- */

/* Length of the character at data when it may be shown, else 0.  Not shown: controls, what turns the
 * direction of writing (U+061C, U+200E-F, U+202A-E, U+2066-9), line separators, what is invisible
 * (U+00AD, U+200B-D, U+2060-4, U+FEFF), tags (U+E0000-E0FFF). */
static size_t shown_length(const uint8_t *data, size_t left)
{
	size_t len = data[0] < 0x80 ? 1 : data[0] < 0xe0 ? 2 : data[0] < 0xf0 ? 3 : 4;
	uint32_t c;

	if (len > left || !assay_span_is_utf8(assay_span_of(data, len)))
		return 0;
	c = len == 1 ? data[0] : data[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++)
		c = c << 6 | (data[i] & 0x3f);
	if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
	    (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
	    (c >= 0xe0000 && c <= 0xe0fff))
		return 0;
	return len;
}

void view_span(struct assay_span text, struct assay_buf *out)
{
	for (size_t i = 0; i < text.len;) {
		size_t len = shown_length(text.data + i, text.len - i);

		if (len)
			assay_buf_add(out, text.data + i, len);
		else
			assay_buf_printf(out, "\\x%02x", text.data[i]);
		i += len ? len : 1;
	}
}

void view_line(struct assay_span line, struct assay_buf *out)
{
	while (line.len) {
		size_t tab = assay_span_find(line, 0, assay_span_text("\t"));

		view_span(assay_span_cut(line, 0, tab), out);
		if (tab == SIZE_MAX)
			return;
		assay_buf_add_text(out, "\t");
		line = assay_span_cut(line, tab + 1, line.len);
	}
}

/* Names with a stray byte are shown as text; what is hardly text at all as hex pairs. */
static bool is_hardly_text(struct assay_span bytes)
{
	size_t unshown = 0;

	for (size_t i = 0; i < bytes.len;) {
		size_t len = shown_length(bytes.data + i, bytes.len - i);

		unshown += !len;
		i += len ? len : 1;
	}
	return unshown > bytes.len / 4;
}

static void view_hex(struct assay_span bytes, struct assay_buf *out)
{
	for (size_t i = 0; i < bytes.len; i++)
		assay_buf_printf(out, "%s%02x", i ? " " : "", bytes.data[i]);
}

/* Names that are not UTF-8 come as {"bytes": hex}. */
static void view_bytes(const json_t *value, struct assay_buf *out)
{
	struct assay_span hex = assay_span_text(assay_json_text(value, "bytes", ""));
	uint8_t *bytes = malloc(hex.len / 2 + 1);

	if (!bytes)
		abort();
	if (hex.len % 2 || !assay_hex_decode(hex, bytes, hex.len / 2))
		view_span(hex, out);
	else if (is_hardly_text(assay_span_of(bytes, hex.len / 2)))
		view_hex(assay_span_of(bytes, hex.len / 2), out);
	else
		view_span(assay_span_of(bytes, hex.len / 2), out);
	free(bytes);
}

void view_value(const json_t *value, struct assay_buf *out)
{
	if (json_is_string(value))
		view_span(assay_span_of(json_string_value(value), json_string_length(value)), out);
	else if (json_is_integer(value))
		assay_buf_printf(out, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		assay_buf_printf(out, "%g", json_real_value(value));
	else if (json_is_boolean(value))
		assay_buf_add_text(out, json_is_true(value) ? "yes" : "no");
	else if (json_is_object(value))
		view_bytes(value, out);
}

void view_key(const json_t *object, const char *key, const char *fallback, struct assay_buf *out)
{
	const json_t *value = json_object_get(object, key);

	if (!value || json_is_null(value) || json_is_array(value))
		view_span(assay_span_text(fallback), out);
	else
		view_value(value, out);
}

void view_path(const json_t *path, const char *separator, struct assay_buf *out)
{
	size_t i;
	json_t *part;

	if (json_array_size(path) == 0)
		assay_buf_add_text(out, "(the file itself)");
	json_array_foreach(path, i, part) {
		if (i)
			assay_buf_add_text(out, separator);
		view_value(part, out);
	}
}

void view_count(int64_t count, const char *noun, struct assay_buf *out)
{
	char digits[24];
	size_t len;

	len = (size_t)snprintf(digits, sizeof(digits), "%lld", (long long)count);
	for (size_t i = 0; i < len; i++) {
		if (i && digits[i - 1] != '-' && (len - i) % 3 == 0)
			assay_buf_add_text(out, ",");
		assay_buf_add(out, digits + i, 1);
	}
	if (*noun)
		assay_buf_printf(out, " %s%s", noun, count == 1 ? "" : "s");
}

void view_size(int64_t bytes, struct assay_buf *out)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		view_count(bytes, "byte", out);
		return;
	}
	for (; value >= 1024 && unit < 3; unit++)
		value /= 1024;
	assay_buf_printf(out, "%.*f %s", value < 10 ? 2 : value < 100 ? 1 : 0, value, units[unit]);
}

void view_seconds(const json_t *seconds, struct assay_buf *out)
{
	double s = json_number_value(seconds);

	if (s < 60)
		assay_buf_printf(out, "%.1f s", s);
	else if (s < 3600)
		assay_buf_printf(out, "%d min %d s", (int)s / 60, (int)s % 60);
	else
		assay_buf_printf(out, "%d h %d min", (int)s / 3600, (int)s / 60 % 60);
}

/* ---- two values ---------------------------------------------------------------------------------- */

static bool is_inside_character(struct assay_span text, size_t at)
{
	return at < text.len && (text.data[at] & 0xc0) == 0x80;
}

/* Keeps the end (or the beginning) of a span, at a character's border. */
static bool shorten(struct assay_span *part, size_t max, bool keep_end)
{
	if (part->len <= max)
		return false;
	if (keep_end) {
		size_t from = part->len - max;

		while (is_inside_character(*part, from))
			from++;
		*part = assay_span_cut(*part, from, part->len);
	} else {
		while (max && is_inside_character(*part, max))
			max--;
		part->len = max;
	}
	return true;
}

void view_change(struct assay_span left, struct assay_span right, size_t max,
		 struct view_change *ret)
{
	size_t shorter = left.len < right.len ? left.len : right.len;
	size_t before = 0, after = 0, context;

	while (before < shorter && left.data[before] == right.data[before])
		before++;
	while (before && (is_inside_character(left, before) || is_inside_character(right, before)))
		before--;
	while (after < shorter - before &&
	       left.data[left.len - 1 - after] == right.data[right.len - 1 - after])
		after++;
	while (after && is_inside_character(left, left.len - after))
		after--;
	*ret = (struct view_change){
		.before = assay_span_cut(left, 0, before),
		.left = assay_span_cut(left, before, left.len - before - after),
		.right = assay_span_cut(right, before, right.len - before - after),
		.after = assay_span_cut(left, left.len - after, after),
	};
	if (left.len <= max && right.len <= max)
		return;
	context = max / 4;
	ret->cut_before = shorten(&ret->before, context, true);
	ret->cut_left = shorten(&ret->left, max / 2, false);
	ret->cut_right = shorten(&ret->right, max / 2, false);
	ret->cut_after = shorten(&ret->after, context, false);
}

/* ---- divergences --------------------------------------------------------------------------------- */

/* Unexplained code before all; else by severity, and what nothing explains before what is explained. */
static int severity_rank(const json_t *divergence)
{
	static const char *const order[] = { "structure", "code", "data", "metadata" };
	const char *severity = assay_json_text(divergence, "severity", "");
	bool unexplained = strncmp(assay_json_text(divergence, "cause", ""), "unexplained", 11) == 0;
	int rank = 0;

	while (rank < 4 && strcmp(order[rank], severity) != 0)
		rank++;
	if (unexplained && rank == 1)
		rank = -1;
	return 2 * rank - unexplained + (json_is_string(json_object_get(divergence, "pass")) ? 20 : 0);
}

struct ranked {
	const json_t *item;
	int rank;
	size_t place;
};

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->place < y->place ? -1 : 1;
}

void view_list_init(struct view_list *list, const json_t *divergences)
{
	size_t count = json_array_size(divergences);
	struct ranked *ranked = calloc(count + 1, sizeof(*ranked));

	*list = (struct view_list){ calloc(count + 1, sizeof(*list->items)), count };
	if (!ranked || !list->items)
		abort();
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(divergences, i);

		ranked[i] = (struct ranked){ item, severity_rank(item), i };
	}
	qsort(ranked, count, sizeof(*ranked), compare_ranked);
	for (size_t i = 0; i < count; i++)
		list->items[i] = ranked[i].item;
	free(ranked);
}

void view_list_release(struct view_list *list)
{
	free(list->items);
	*list = (struct view_list){ NULL, 0 };
}

bool view_is_alike(const json_t *a, const json_t *b)
{
	static const char *const keys[] = { "cause", "field", "severity", "pass" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(assay_json_text(a, keys[i], ""), assay_json_text(b, keys[i], "")) != 0)
			return false;
	return true;
}

void view_ranges(const json_t *divergence, struct assay_buf *out)
{
	const json_t *ranges = json_object_get(divergence, "ranges");
	const json_t *first = json_array_get(ranges, 0);
	const json_t *left = json_array_get(json_object_get(first, "left"), 0);
	const json_t *right = json_array_get(json_object_get(first, "right"), 0);
	long long from = json_integer_value(left), to = json_integer_value(right);

	view_count(assay_json_int(divergence, "bytes", 0), "byte", out);
	if (!left || !right)
		return;
	assay_buf_printf(out, " at 0x%llx", from);
	if (from != to)
		assay_buf_printf(out, " (right: 0x%llx)", to);
	if (json_array_size(ranges) > 1) {
		assay_buf_add_text(out, " and ");
		view_count((int64_t)json_array_size(ranges) - 1, "more place", out);
	}
}

void view_accounting(const json_t *report, struct assay_buf *out)
{
	const json_t *sums = json_object_get(report, "accounting");
	int64_t different = assay_json_int(sums, "bytes_different", 0);

	if (!different)
		return;
	view_count(different, "byte", out);
	assay_buf_add_text(out, different == 1 ? " differs: " : " differ: ");
	view_count(assay_json_int(sums, "bytes_explained", 0), "", out);
	assay_buf_add_text(out, " explained, ");
	view_count(assay_json_int(sums, "bytes_unexplained", 0), "", out);
	assay_buf_add_text(out, " not explained");
}

/* ---- pairs --------------------------------------------------------------------------------------- */

bool view_is_whole(const json_t *report)
{
	return json_is_array(json_object_get(report, "subjects"));
}

bool view_is_agreement(const json_t *report)
{
	return json_is_array(json_object_get(report, "groups"));
}

const json_t *view_next_pair(const json_t *report, size_t *i)
{
	if (view_is_whole(report))
		return json_array_get(json_object_get(report, "subjects"), (*i)++);
	return (*i)++ ? NULL : report;
}

const json_t *view_story(const json_t *pair)
{
	const json_t *between = json_object_get(pair, "between_attempts");

	return json_is_object(between) ? between : pair;
}

bool view_is_ambiguous(const json_t *report, const char *side)
{
	const char *structure = assay_json_text(json_object_get(report, "structure"), side, "");

	return *structure && strcmp(structure, "canonical") != 0 &&
	       strcmp(structure, "not examined") != 0;
}

/* ---- isolation --------------------------------------------------------------------------------- */

#define NETWORK_SHOWN 3
#define REFUSED_SHOWN 8

static void network_attempt(const json_t *attempt, struct assay_buf *out)
{
	view_key(attempt, "process", "a process", out);
	assay_buf_add_text(out, " ");
	view_key(attempt, "call", "socket", out);
	assay_buf_add_text(out, " ");
	view_key(attempt, "family", "", out);
	assay_buf_add_text(out, " ");
	view_key(attempt, json_object_get(attempt, "address") ? "address" : "type", "", out);
}

/* Where it wanted to says more than that it made a socket first. */
static const json_t *next_told(const json_t *attempts, bool with_address, size_t *i)
{
	while (*i < json_array_size(attempts)) {
		const json_t *attempt = json_array_get(attempts, (*i)++);

		if ((json_object_get(attempt, "address") != NULL) == with_address)
			return attempt;
	}
	return NULL;
}

void view_network(const json_t *isolation, struct assay_buf *out)
{
	const json_t *network = json_object_get(isolation, "network");
	const json_t *attempts = json_object_get(network, "attempts"), *item;
	const json_t *interfaces = json_object_get(network, "interfaces");
	int64_t packets = 0, count = assay_json_int(network, "attempt_count", 0);
	size_t shown = 0, i;
	json_t *interface;

	json_array_foreach(interfaces, i, interface)
		packets += assay_json_int(interface, "rx_packets", 0) +
			   assay_json_int(interface, "tx_packets", 0);
	if (count)
		view_count(count, "call", out);
	assay_buf_add_text(out, count ? ", none got out: " : "no attempt");
	for (int with_address = 1; with_address >= 0; with_address--)
		for (i = 0; shown < NETWORK_SHOWN && (item = next_told(attempts, with_address, &i));) {
			assay_buf_add_text(out, shown++ ? ", " : "");
			network_attempt(item, out);
		}
	assay_buf_add_text(out, (size_t)count > shown ? ", ...; " : "; ");
	if (!json_array_size(interfaces)) {
		assay_buf_add_text(out, "interfaces were not counted");
		return;
	}
	view_count(packets, "packet", out);
	assay_buf_add_text(out, " on ");
	view_count((int64_t)json_array_size(interfaces), "interface", out);
}

void view_refused(const json_t *isolation, struct assay_buf *out)
{
	const json_t *refused = json_object_get(isolation, "refused");
	size_t i;
	json_t *item;

	json_array_foreach(refused, i, item) {
		if (i == REFUSED_SHOWN) {
			assay_buf_add_text(out, ", ...");
			break;
		}
		assay_buf_add_text(out, i ? ", " : "");
		view_key(item, "syscall", "", out);
		assay_buf_add_text(out, " ");
		view_key(item, "count", "", out);
	}
}
