/* SPDX-License-Identifier: Apache-2.0 */
/* Records, groups and sums of what differs; ledger_json.c writes them down. */
#include "ledger_int.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "assay/limits.h"

#define KEY_MAX 16384

void assay_ledger_init(struct assay_ledger *ledger)
{
	*ledger = (struct assay_ledger){ .arena = ASSAY_ARENA_INIT(ASSAY_MAX_REPORT) };
}

void assay_ledger_release(struct assay_ledger *ledger)
{
	assay_arena_release(&ledger->arena);
	free(ledger->slots);
	free(ledger->list);
	*ledger = (struct assay_ledger){ 0 };
}

static bool cause_explains(const char *id)
{
	const struct assay_cause *cause = id ? assay_cause_find(id) : NULL;

	return id && !(cause && cause->class == ASSAY_CAUSE_UNEXPLAINED);
}

static void key_part(struct assay_buf *key, struct assay_span part)
{
	assay_buf_printf(key, "%zu:", part.len);
	assay_buf_add_span(key, part);
}

/* One cause that works on many members alike, whatever the values: a clock, a path, a generator.  What
 * runs, and what stands on one side only, is always listed one by one. */
static bool varies_within_group(const struct assay_ledger_entry *entry)
{
	static const char *const others[] = { "member_renamed", "debug_symbols_not_stripped",
					      "compression_encoder_differs" };
	const struct assay_cause *cause = entry->cause ? assay_cause_find(entry->cause) : NULL;

	if (entry->pass)
		return true;
	if (!cause || entry->confidence < ASSAY_LIKELY)
		return false;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(cause->id, others[i]) == 0)
			return true;
	return entry->severity < ASSAY_SEVERITY_CODE && cause->class != ASSAY_CAUSE_PACKAGING &&
	       cause->class != ASSAY_CAUSE_UNEXPLAINED;
}

/* What makes two entries the same story.  An unexplained difference is a story of its own. */
static void entry_key(const struct assay_ledger_entry *entry, struct assay_buf *key)
{
	bool alone = !entry->pass && !cause_explains(entry->cause);
	size_t parts = alone ? entry->path_count : entry->container_count;

	for (size_t i = 0; i < parts; i++)
		key_part(key, entry->path[i]);
	assay_buf_printf(key, "|%d%d%d|", alone, entry->values.left_present,
			 entry->values.right_present);
	key_part(key, assay_span_text(entry->field->name));
	key_part(key, assay_span_text(entry->cause));
	key_part(key, assay_span_text(entry->pass));
	assay_buf_printf(key, "%d", entry->severity);
	if (varies_within_group(entry))
		return;
	key_part(key, entry->values.text.left);
	key_part(key, entry->values.text.right);
	if (alone || entry->diff)
		key_part(key, assay_span_text(entry->explanation));
}

static bool grow_slots(struct assay_ledger *ledger)
{
	size_t count = ledger->slot_count ? 2 * ledger->slot_count : 256;
	struct assay_divergence **slots = calloc(count, sizeof(*slots));

	if (!slots)
		return false;
	for (size_t i = 0; i < ledger->count; i++) {
		size_t at = ledger->list[i]->hash & (count - 1);

		while (slots[at])
			at = (at + 1) & (count - 1);
		slots[at] = ledger->list[i];
	}
	free(ledger->slots);
	ledger->slots = slots;
	ledger->slot_count = count;
	return true;
}

static bool make_room(struct assay_ledger *ledger)
{
	size_t capacity = ledger->capacity ? 2 * ledger->capacity : 64;
	void *bigger;

	if (2 * (ledger->count + 1) > ledger->slot_count && !grow_slots(ledger))
		return false;
	if (ledger->count < ledger->capacity)
		return true;
	bigger = reallocarray(ledger->list, capacity, sizeof(*ledger->list));
	if (!bigger)
		return false;
	ledger->list = bigger;
	ledger->capacity = capacity;
	return true;
}

/* Keys are compared as bytes: the hash only finds the slot. */
static struct assay_divergence **find_slot(const struct assay_ledger *ledger, uint64_t hash,
					   struct assay_span key)
{
	size_t at = hash & (ledger->slot_count - 1);

	while (ledger->slots[at] && !(ledger->slots[at]->hash == hash &&
				      assay_span_equal(ledger->slots[at]->key, key)))
		at = (at + 1) & (ledger->slot_count - 1);
	return &ledger->slots[at];
}

static struct assay_span keep(struct assay_arena *arena, struct assay_span s, size_t max)
{
	char *copy = assay_arena_text(arena, assay_span_cut(s, 0, max));

	return assay_span_of(copy, copy ? (s.len < max ? s.len : max) : 0);
}

static const char *keep_text(struct assay_arena *arena, const char *text)
{
	return text ? assay_arena_text(arena, assay_span_text(text)) : NULL;
}

static bool fill_path(struct assay_arena *arena, struct assay_divergence *d,
		      const struct assay_ledger_entry *entry)
{
	d->path = assay_arena_alloc(arena, (entry->path_count + 1) * sizeof(*d->path));
	if (!d->path)
		return false;
	for (size_t i = 0; i < entry->path_count; i++)
		d->path[i] = keep(arena, entry->path[i], ASSAY_MAX_FIELD);
	d->path_count = entry->path_count;
	d->container_count = entry->container_count;
	return true;
}

static void fill_example(struct assay_arena *arena, struct assay_divergence *d,
			 const struct assay_ledger_entry *entry)
{
	d->values = entry->values;
	d->values.text.left = keep(arena, entry->values.text.left, ASSAY_MAX_VALUE_SHOWN);
	d->values.text.right = keep(arena, entry->values.text.right, ASSAY_MAX_VALUE_SHOWN);
	d->values_cut = entry->values.text.left.len > ASSAY_MAX_VALUE_SHOWN ||
			entry->values.text.right.len > ASSAY_MAX_VALUE_SHOWN;
	d->explanation = keep_text(arena, entry->explanation);
	d->diff = keep_text(arena, entry->diff);
	d->range_count = 0;
	d->ranges_cut = entry->range_count > ASSAY_MAX_RANGES;
	for (size_t i = 0; i < entry->range_count && i < ASSAY_MAX_RANGES; i++)
		d->ranges[d->range_count++] = entry->ranges[i];
}

static struct assay_divergence *new_divergence(struct assay_ledger *ledger,
					       const struct assay_ledger_entry *entry)
{
	struct assay_arena *arena = &ledger->arena;
	size_t ranges = entry->range_count < 4 ? 4 : entry->range_count;
	struct assay_divergence *d = assay_arena_alloc(arena, sizeof(*d));

	if (ranges > ASSAY_MAX_RANGES)
		ranges = ASSAY_MAX_RANGES;
	if (!d || !fill_path(arena, d, entry))
		return NULL;
	d->ranges = assay_arena_alloc(arena, ranges * sizeof(*d->ranges));
	if (!d->ranges)
		return NULL;
	d->range_room = ranges;
	d->field = entry->field;
	d->cause = keep_text(arena, entry->cause);
	d->explained = entry->pass || cause_explains(entry->cause);
	d->confidence = entry->confidence;
	d->severity = entry->severity;
	d->pass = entry->pass;
	d->condition = entry->condition;
	fill_example(arena, d, entry);
	return d;
}

static int compare_paths(const struct assay_span *a, size_t a_count, const struct assay_span *b,
			 size_t b_count)
{
	for (size_t i = 0; i < a_count && i < b_count; i++) {
		int order = assay_span_compare(a[i], b[i]);

		if (order)
			return order;
	}
	return (a_count > b_count) - (a_count < b_count);
}

/* The group shows its first members by path, whatever the order in which they were met. */
static void join_group(struct assay_ledger *ledger, struct assay_divergence *d,
		       const struct assay_ledger_entry *entry)
{
	int order = compare_paths(entry->path, entry->path_count, d->path, d->path_count);

	if (entry->confidence < d->confidence)
		d->confidence = entry->confidence;
	if (order == 0) {
		for (size_t i = 0; d->members == 1 && i < entry->range_count; i++)
			assay_ledger_widen(d, &entry->ranges[i], 0);
		return;
	}
	d->members++;
	if (order < 0 && entry->range_count <= d->range_room &&
	    fill_path(&ledger->arena, d, entry))
		fill_example(&ledger->arena, d, entry);
}

struct assay_divergence *assay_ledger_add(struct assay_ledger *ledger,
					  const struct assay_ledger_entry *entry)
{
	struct assay_buf key = ASSAY_BUF_INIT(KEY_MAX);
	struct assay_divergence **slot, *d = NULL;
	uint64_t hash;

	entry_key(entry, &key);
	hash = XXH3_64bits(assay_buf_text(&key), key.len);
	if (key.failed || !make_room(ledger))
		goto out;
	slot = find_slot(ledger, hash, assay_buf_span(&key));
	d = *slot;
	if (d) {
		join_group(ledger, d, entry);
	} else if (ledger->count < ASSAY_MAX_DIVERGENCES) {
		d = new_divergence(ledger, entry);
		if (!d)
			goto out;
		d->key = keep(&ledger->arena, assay_buf_span(&key), KEY_MAX);
		d->hash = hash;
		d->members = 1;
		ledger->list[ledger->count++] = d;
		*slot = d;
	}
out:
	assay_buf_release(&key);
	if (!d) {
		ledger->truncated = true;
		ledger->dropped += entry->bytes;
		return NULL;
	}
	d->bytes += entry->bytes;
	return d;
}

static bool has_range(const struct assay_divergence *d, const struct assay_range *range)
{
	for (size_t i = 0; i < d->range_count; i++)
		if (memcmp(&d->ranges[i], range, sizeof(*range)) == 0)
			return true;
	return false;
}

void assay_ledger_widen(struct assay_divergence *divergence, const struct assay_range *range,
			uint64_t bytes)
{
	if (!divergence)
		return;
	divergence->bytes += bytes;
	if (!range || divergence->members > 1 || has_range(divergence, range))
		return;
	if (divergence->range_count < divergence->range_room)
		divergence->ranges[divergence->range_count++] = *range;
	else
		divergence->ranges_cut = true;
}

void assay_ledger_follow(struct assay_ledger *ledger, uint64_t bytes)
{
	ledger->consequence_bytes += bytes;
}

/* A checksum or size of something else that differs, by its cause. */
static bool is_consequence(const struct assay_divergence *d)
{
	const struct assay_cause *cause = assay_cause_find(d->cause);

	return cause && cause->class == ASSAY_CAUSE_CONSEQUENCE;
}

/* Unexplained code first; then what is not folded, worst severity first, what follows from other
 * differences behind it; then by place. */
static int rank(const struct assay_divergence *d)
{
	int rank = 10 * (ASSAY_SEVERITY_STRUCTURE - d->severity) + (d->explained ? 5 : 0);

	if (d->pass)
		return 1000 + rank;
	if (is_consequence(d))
		return 500 + rank;
	return !d->explained && d->severity == ASSAY_SEVERITY_CODE ? -1 : rank;
}

static int by_report_order(const void *left, const void *right)
{
	const struct assay_divergence *a = *(struct assay_divergence *const *)left;
	const struct assay_divergence *b = *(struct assay_divergence *const *)right;
	int order = rank(a) - rank(b);

	if (!order)
		order = compare_paths(a->path, a->path_count, b->path, b->path_count);
	if (!order)
		order = strcmp(a->field->name, b->field->name);
	if (!order && a->range_count && b->range_count) {
		uint64_t x = a->ranges[0].left + a->ranges[0].right;
		uint64_t y = b->ranges[0].left + b->ranges[0].right;

		order = (x > y) - (x < y);
	}
	if (!order)
		order = strcmp(a->cause ? a->cause : "", b->cause ? b->cause : "");
	return order;
}

void assay_ledger_close(struct assay_ledger *ledger, struct assay_ledger_sums *ret)
{
	*ret = (struct assay_ledger_sums){ .all_folded = !ledger->truncated };
	if (ledger->count)
		qsort(ledger->list, ledger->count, sizeof(*ledger->list), by_report_order);
	for (size_t i = 0; i < ledger->count; i++) {
		const struct assay_divergence *d = ledger->list[i];

		ret->different += d->bytes;
		ret->records++;
		if (d->explained)
			ret->explained += d->bytes;
		if (!d->pass) {
			ret->all_folded = false;
			if (!ret->worst)
				ret->worst = d->explanation;
		} else if (d->field->grade > ret->grade) {
			ret->grade = d->field->grade;
		}
	}
	ret->different += ledger->consequence_bytes + ledger->dropped;
	ret->explained += ledger->consequence_bytes;
	ret->unexplained = ret->different - ret->explained;
}
