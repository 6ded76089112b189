/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of keys applied to mappings; see the header. */
#include "reader.h"

#include <stdarg.h>

#include "assay/buf.h"
#include "assay/limits.h"

#define MAX_KEY 32 /* a longer unknown key has no near neighbour */

enum assay_code reader_refuse(struct reader *r, const struct assay_yaml_node *node,
			      const char *fmt, ...)
{
	char message[ASSAY_ERROR_MAX / 2];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	return assay_fail(r->err, ASSAY_EINPUT, "%s:%u:%u: %s%s%s", r->path, node->line,
			  node->column, r->where, r->where_len ? ": " : "", message);
}

enum assay_code reader_refuse_memory(struct reader *r)
{
	return assay_fail(r->err, ASSAY_ENOMEM, "%s: out of memory", r->path);
}

enum assay_code reader_refuse_value(struct reader *r, const struct assay_yaml_node *node,
				    const char *want)
{
	char shown[80];

	if (node->kind != ASSAY_YAML_SCALAR || assay_yaml_is_null(node))
		return reader_refuse(r, node, "want %s, have %s", want,
				     assay_yaml_kind_text(node));
	return reader_refuse(r, node, "want %s, have \"%s\"", want,
			     assay_span_show(node->text, shown, sizeof(shown)));
}

static size_t enter(struct reader *r, const char *text)
{
	size_t was = r->where_len, room = sizeof(r->where) - was;
	int len = snprintf(r->where + was, room, "%s", text);

	r->where_len += len < 0 ? 0 : (size_t)len < room ? (size_t)len : room - 1;
	return was;
}

size_t reader_enter(struct reader *r, struct assay_span name)
{
	char shown[48], text[64];

	snprintf(text, sizeof(text), "%s%s", r->where_len ? "." : "",
		 assay_span_show(name, shown, sizeof(shown)));
	return enter(r, text);
}

size_t reader_enter_item(struct reader *r, size_t index)
{
	char text[32];

	snprintf(text, sizeof(text), "[%zu]", index);
	return enter(r, text);
}

void reader_leave(struct reader *r, size_t where_len)
{
	r->where_len = where_len;
	r->where[where_len] = '\0';
}

/* Edits (insert, remove, replace) from a to b, by one row of the usual table. */
static size_t distance(struct assay_span a, struct assay_span b)
{
	size_t row[MAX_KEY + 1];

	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 0; i < a.len; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < b.len; j++) {
			size_t best = diagonal + (a.data[i] != b.data[j]);

			diagonal = row[j + 1];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (diagonal + 1 < best)
				best = diagonal + 1;
			row[j + 1] = best;
		}
	}
	return row[b.len];
}

static const char *nearest(struct assay_span name, const struct reader_key *keys)
{
	const char *best = NULL;
	size_t least = 3;

	if (name.len == 0 || name.len > MAX_KEY)
		return NULL;
	for (; keys->name; keys++) {
		struct assay_span known = assay_span_text(keys->name);
		size_t edits = distance(name, known);

		if (edits < least && edits < known.len) {
			least = edits;
			best = keys->name;
		}
	}
	return best;
}

static enum assay_code refuse_unknown(struct reader *r, const struct assay_yaml_node *key,
				      const struct reader_key *keys)
{
	const char *near = nearest(key->text, keys);
	char list[256] = "", shown[64];
	size_t used = 0;

	for (const struct reader_key *k = keys; k->name && used < sizeof(list); k++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
					 k == keys ? "" : k[1].name ? ", " : " or ", k->name);
	assay_span_show(key->text, shown, sizeof(shown));
	if (near)
		return reader_refuse(r, key, "unknown key \"%s\"; did you mean \"%s\"?", shown,
				     near);
	return reader_refuse(r, key, "unknown key \"%s\"; want %s", shown, list);
}

static enum assay_code read_pair(struct reader *r, const struct assay_yaml_node *key,
				 const struct reader_key *keys, void *target)
{
	const struct assay_yaml_node *value = key->next;
	const struct reader_key *k = keys;
	enum assay_code code;
	size_t was;

	while (k->name && !assay_span_equal_text(key->text, k->name))
		k++;
	if (!k->name)
		return refuse_unknown(r, key, keys);
	was = reader_enter(r, key->text);
	if (value->kind != k->kind || assay_yaml_is_null(value))
		code = k->required || !r->allow_unpinned || !assay_yaml_is_null(value)
			       ? reader_refuse_value(r, value, k->want)
			       : ASSAY_OK;
	else
		code = k->set(r, value, (char *)target + k->offset);
	reader_leave(r, was);
	return code;
}

enum assay_code reader_mapping(struct reader *r, const struct assay_yaml_node *mapping,
			       const struct reader_key *keys, void *target)
{
	for (const struct assay_yaml_node *key = mapping->first; key; key = key->next->next)
		if (read_pair(r, key, keys, target))
			return r->err->code;
	for (; keys->name; keys++) {
		if (!keys->required || reader_find(mapping, keys->name))
			continue;
		reader_enter(r, assay_span_text(keys->name));
		return reader_refuse(r, mapping, "want %s, have nothing", keys->want);
	}
	return ASSAY_OK;
}

const struct assay_yaml_node *reader_find(const struct assay_yaml_node *mapping, const char *name)
{
	for (const struct assay_yaml_node *key = mapping->first; key; key = key->next->next)
		if (assay_span_equal_text(key->text, name))
			return key->next;
	return NULL;
}

/* Where a new key goes: in a flow mapping right behind the neighbour's value, else on a line of its
 * own under it, so that a comment behind the value stays where it is. */
static enum assay_code place_new(struct reader *r, const struct assay_yaml_node *mapping,
				 const char *key, const char *beside, struct assay_recipe_pin *pin)
{
	const struct assay_yaml_node *name = mapping->first;
	size_t at;

	while (name && !assay_span_equal_text(name->text, beside))
		name = name->next->next;
	if (!name)
		return assay_fail(r->err, ASSAY_EBUG, "no key %s", beside);
	at = name->next->end;
	if (mapping->block)
		while (at < r->text.len && r->text.data[at] != '\n' && r->text.data[at] != '\r')
			at++;
	pin->offset = at;
	pin->len = 0;
	pin->before = mapping->block
			      ? assay_arena_printf(r->arena, "\n%*s%s: ",
						   (int)name->column - 1, "", key)
			      : assay_arena_printf(r->arena, ", %s: ", key);
	return pin->before ? ASSAY_OK : reader_refuse_memory(r);
}

enum assay_code reader_pin(struct reader *r, const struct assay_yaml_node *mapping, const char *key,
			   const char *beside, const struct assay_recipe_pin *pin)
{
	const struct assay_yaml_node *value = reader_find(mapping, key);
	struct assay_recipe *recipe = r->recipe;
	struct assay_recipe_pin *slot;

	if (recipe->pin_count == r->pins_room) {
		size_t room = r->pins_room ? r->pins_room * 2 : 16;
		struct assay_recipe_pin *pins =
			assay_arena_alloc(&recipe->arena, room * sizeof(*pins));

		if (!pins)
			return reader_refuse_memory(r);
		if (recipe->pin_count)
			memcpy(pins, recipe->pins, recipe->pin_count * sizeof(*pins));
		recipe->pins = pins;
		r->pins_room = room;
	}
	slot = &recipe->pins[recipe->pin_count++];
	*slot = *pin;
	if (!value)
		return place_new(r, mapping, key, beside, slot);
	slot->offset = value->start;
	slot->len = value->end - value->start;
	slot->before = value->start == value->end ? " " : "";
	return ASSAY_OK;
}
