/* SPDX-License-Identifier: Apache-2.0 */
/* A hash set of spans with a cursor over path components, so that no name is ever copied. */
#include "names.h"

#include <stdlib.h>
#include <xxhash.h>

#include "assay/limits.h"

struct assay_name_slot {
	struct assay_span name;
	uint64_t hash;
	bool used, is_link;
};

/* The next component that counts; false at the end. */
static bool next_component(struct assay_span *rest, struct assay_span *ret)
{
	while (rest->len) {
		const uint8_t *slash = memchr(rest->data, '/', rest->len);
		size_t len = slash ? (size_t)(slash - rest->data) : rest->len;

		*ret = assay_span_of(rest->data, len);
		*rest = assay_span_cut(*rest, slash ? len + 1 : len, SIZE_MAX);
		if (len && !(len == 1 && ret->data[0] == '.'))
			return true;
	}
	return false;
}

static bool same(struct assay_span a, struct assay_span b)
{
	struct assay_span x, y;

	for (;;) {
		bool more_a = next_component(&a, &x), more_b = next_component(&b, &y);

		if (!more_a || !more_b)
			return more_a == more_b;
		if (!assay_span_equal(x, y))
			return false;
	}
}

static uint64_t step_hash(uint64_t hash, struct assay_span component)
{
	return XXH3_64bits_withSeed(component.data, component.len, hash + 1);
}

static uint64_t hash_of(struct assay_span name)
{
	struct assay_span component;
	uint64_t hash = 0;

	while (next_component(&name, &component))
		hash = step_hash(hash, component);
	return hash;
}

static struct assay_name_slot *find(const struct assay_names *names, struct assay_span name,
				    uint64_t hash)
{
	size_t mask = names->capacity - 1;

	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		struct assay_name_slot *slot = &names->slots[i];

		if (!slot->used || (slot->hash == hash && same(slot->name, name)))
			return slot;
	}
}

static enum assay_code grow(struct assay_names *names, struct assay_error *err)
{
	struct assay_names bigger = { .capacity = names->capacity ? 2 * names->capacity : 64 };

	bigger.slots = calloc(bigger.capacity, sizeof(*bigger.slots));
	if (!bigger.slots)
		return assay_fail(err, ASSAY_ENOMEM, "names of members: out of memory");
	for (size_t i = 0; i < names->capacity; i++) {
		size_t at = names->slots[i].hash & (bigger.capacity - 1);

		if (!names->slots[i].used)
			continue;
		while (bigger.slots[at].used)
			at = (at + 1) & (bigger.capacity - 1);
		bigger.slots[at] = names->slots[i];
	}
	free(names->slots);
	names->slots = bigger.slots;
	names->capacity = bigger.capacity;
	return ASSAY_OK;
}

void assay_names_release(struct assay_names *names)
{
	free(names->slots);
	*names = (struct assay_names)ASSAY_NAMES_INIT;
}

enum assay_code assay_names_add(struct assay_names *names, struct assay_span name, bool is_link,
				bool *ret_known, struct assay_error *err)
{
	uint64_t hash = hash_of(name);
	struct assay_name_slot *slot;

	if (names->count >= ASSAY_MAX_MEMBERS)
		return assay_fail(err, ASSAY_ELIMIT, "members: want at most %d", ASSAY_MAX_MEMBERS);
	if (names->count * 2 >= names->capacity && grow(names, err))
		return err->code;
	slot = find(names, name, hash);
	*ret_known = slot->used;
	if (!slot->used) {
		*slot = (struct assay_name_slot){ name, hash, true, is_link };
		names->count++;
		names->links += is_link;
	}
	return ASSAY_OK;
}

bool assay_names_have(const struct assay_names *names, struct assay_span name)
{
	return names->count && find(names, name, hash_of(name))->used;
}

bool assay_names_below_link(const struct assay_names *names, struct assay_span name)
{
	struct assay_span rest = name, component;
	uint64_t hash = 0;

	if (names->links == 0)
		return false;
	while (next_component(&rest, &component)) {
		const struct assay_name_slot *slot;
		struct assay_span left = rest, more;
		size_t upto = (size_t)(component.data + component.len - name.data);

		hash = step_hash(hash, component);
		if (!next_component(&left, &more))
			return false;
		slot = find(names, assay_span_cut(name, 0, upto), hash);
		if (slot->used && slot->is_link)
			return true;
	}
	return false;
}
