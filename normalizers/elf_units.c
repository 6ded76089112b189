/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the first entry of each unit and nothing behind it, without believing any length.  An unknown
 * form ends the reading of that entry: what was found until then stands.
 */
#include "elf_units.h"

#include <stdio.h>

enum { TYPE_UNIT = 2, SKELETON = 4, SPLIT_UNIT = 5, SPLIT_TYPE = 6 };
enum { AT_NAME = 0x03, AT_COMP_DIR = 0x1b, AT_PRODUCER = 0x25 };
enum { FORM_STRING = 0x08, FORM_STRP = 0x0e, FORM_INDIRECT = 0x16, FORM_STRX = 0x1a,
       FORM_LINE_STRP = 0x1f, FORM_IMPLICIT_CONST = 0x21, FORM_STRX1 = 0x25, FORM_STRX4 = 0x28 };

/* What a value of each form takes: a fixed number of bytes, or one of the kinds below. */
enum { ADDRESS = 100, OFFSET, LEB, BLOCK_LEB, BLOCK_1, BLOCK_2, BLOCK_4, TEXT, UNKNOWN };

static const uint8_t sizes[] = {
	UNKNOWN, ADDRESS, UNKNOWN, BLOCK_2, BLOCK_4, 2, 4, 8, TEXT, BLOCK_LEB, BLOCK_1, 1, 1, LEB, OFFSET,
	LEB, OFFSET, 1, 2, 4, 8, LEB, UNKNOWN, OFFSET, BLOCK_LEB, 0, LEB, LEB, 4, OFFSET, 16, OFFSET, 8,
	0, LEB, LEB, 8, 1, 2, 3, 4, 1, 2, 3, 4,
};

#define STRING_OFFSETS_HEADER 8 /* of .debug_str_offsets in its 32-bit form */

/* ---- one unit ---- */

struct entry {
	const struct assay_elf_units *units;
	struct assay_elf_cursor info;
	unsigned offset_width, address_width;
};

/* In an object file the linker's relocation holds the offset; its table is sorted by place. */
static uint64_t relocated(const struct assay_elf_units *units, uint64_t place, uint64_t value)
{
	const struct assay_elf *elf = &units->priv->elf;
	unsigned word = elf->is_64 ? 8 : 4;
	struct assay_span table = units->relocations ? units->relocations->bytes :
							assay_span_of(NULL, 0);
	size_t low = 0, high = table.len / (3 * word);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const uint8_t *record = table.data + middle * 3 * word;
		uint64_t at = assay_elf_get(elf, record, word);

		if (at == place)
			return assay_elf_get(elf, record + 2 * word, word);
		if (at < place)
			low = middle + 1;
		else
			high = middle;
	}
	return value;
}

static struct assay_span string_at(struct assay_span table, uint64_t offset)
{
	struct assay_span s;

	return assay_elf_string(table, offset, &s) ? s : assay_span_of(NULL, 0);
}

static void skip_value(struct entry *e, uint64_t form)
{
	unsigned size = form < sizeof(sizes) ? sizes[form] : UNKNOWN;
	struct assay_elf_cursor *c = &e->info;

	switch (size) {
	case ADDRESS: assay_elf_skip(c, e->address_width); break;
	case OFFSET: assay_elf_skip(c, e->offset_width); break;
	case LEB: assay_elf_take_leb(c); break;
	case BLOCK_LEB: assay_elf_skip(c, assay_elf_take_leb(c)); break;
	case BLOCK_1: assay_elf_skip(c, assay_elf_take(c, 1)); break;
	case BLOCK_2: assay_elf_skip(c, assay_elf_take(c, 2)); break;
	case BLOCK_4: assay_elf_skip(c, assay_elf_take(c, 4)); break;
	case TEXT: assay_elf_skip(c, string_at(c->bytes, c->at).len + 1); break;
	case UNKNOWN: c->failed = true; break;
	default: assay_elf_skip(c, size); break;
	}
}

/* The string of a form that has one; the cursor moves behind it in any case. */
static struct assay_span take_string(struct entry *e, uint64_t form)
{
	const struct assay_elf_units *units = e->units;
	struct assay_elf_cursor *c = &e->info;
	uint64_t place = c->at, value;

	if (form == FORM_STRING) {
		struct assay_span s = string_at(c->bytes, c->at);

		assay_elf_skip(c, s.len + 1);
		return s;
	}
	if (form == FORM_STRP || form == FORM_LINE_STRP) {
		value = relocated(units, place, assay_elf_take(c, e->offset_width));
		return string_at(form == FORM_STRP ? units->strings : units->line_strings, value);
	}
	if (form == FORM_STRX || (form >= FORM_STRX1 && form <= FORM_STRX4)) {
		struct assay_elf_cursor table = { .elf = c->elf, .bytes = units->offsets };

		value = form == FORM_STRX ? assay_elf_take_leb(c) : assay_elf_take(c, (unsigned)(form - FORM_STRX1) + 1);
		if (value > UINT32_MAX)
			return assay_span_of(NULL, 0);
		table.at = STRING_OFFSETS_HEADER + 4 * value;
		value = assay_elf_take(&table, 4);
		return table.failed ? assay_span_of(NULL, 0) : string_at(units->strings, value);
	}
	skip_value(e, form);
	return assay_span_of(NULL, 0);
}

static void take_attribute(struct entry *e, uint64_t attribute, uint64_t form,
			   struct assay_elf_unit *ret)
{
	struct assay_span s;

	if (form == FORM_INDIRECT)
		form = assay_elf_take_leb(&e->info);
	s = take_string(e, form);
	if (e->info.failed)
		return;
	if (attribute == AT_NAME)
		ret->name = s;
	else if (attribute == AT_COMP_DIR)
		ret->directory = s;
	else if (attribute == AT_PRODUCER)
		ret->producer = s;
}

/* The declaration of a code in a table of abbreviations: the cursor then stands at its attributes. */
static bool find_abbreviation(struct assay_elf_cursor *c, uint64_t code)
{
	while (!c->failed) {
		uint64_t found = assay_elf_take_leb(c), attribute, form;

		assay_elf_take_leb(c); /* tag */
		assay_elf_take(c, 1);  /* children */
		if (c->failed || found == 0)
			return false;
		if (found == code)
			return true;
		do {
			attribute = assay_elf_take_leb(c);
			form = assay_elf_take_leb(c);
			if (form == FORM_IMPLICIT_CONST)
				assay_elf_take_leb(c);
		} while (!c->failed && (attribute || form));
	}
	return false;
}

static void read_entry(struct entry *e, uint64_t abbreviations, struct assay_elf_unit *ret)
{
	struct assay_elf_cursor c = { .elf = e->info.elf, .bytes = e->units->abbreviations,
			    .at = abbreviations };
	uint64_t attribute, form;

	if (!find_abbreviation(&c, assay_elf_take_leb(&e->info)))
		return;
	for (;;) {
		attribute = assay_elf_take_leb(&c);
		form = assay_elf_take_leb(&c);
		if (form == FORM_IMPLICIT_CONST)
			assay_elf_take_leb(&c);
		if (c.failed || e->info.failed || (!attribute && !form))
			return;
		take_attribute(e, attribute, form, ret);
	}
}

/* ---- all units ---- */

bool assay_elf_units_open(const struct assay_elf_priv *priv, struct assay_elf_units *ret)
{
	*ret = (struct assay_elf_units){ .priv = priv };
	if (!assay_elf_debug_section(priv, "info", &ret->info) ||
	    !assay_elf_debug_section(priv, "abbrev", &ret->abbreviations))
		return false;
	if (!assay_elf_debug_section(priv, "str", &ret->strings))
		ret->strings = assay_span_of(NULL, 0);
	if (!assay_elf_debug_section(priv, "line_str", &ret->line_strings))
		ret->line_strings = assay_span_of(NULL, 0);
	if (!assay_elf_debug_section(priv, "str_offsets", &ret->offsets))
		ret->offsets = assay_span_of(NULL, 0);
	if (priv->elf.type == ET_REL)
		ret->relocations = assay_elf_section_by_name(&priv->elf, ".rela.debug_info");
	return true;
}

bool assay_elf_unit_next(struct assay_elf_units *units, struct assay_elf_unit *ret)
{
	struct entry e = { .units = units, .offset_width = 4 };
	struct assay_elf_cursor *c = &e.info;
	uint64_t start = units->at, length, version, abbreviations, type = 0;

	*c = (struct assay_elf_cursor){ .elf = &units->priv->elf, .bytes = units->info, .at = start };
	*ret = (struct assay_elf_unit){ .bytes = { NULL, 0 } };
	length = assay_elf_take(c, 4);
	if (length == 0xffffffff) {
		e.offset_width = 8;
		length = assay_elf_take(c, 8);
	}
	if (c->failed || length == 0 || length > c->bytes.len - c->at)
		return false;
	units->at = c->at + length;
	ret->bytes = assay_span_cut(units->info, start, units->at - start);
	c->bytes = assay_span_cut(units->info, 0, units->at);
	version = assay_elf_take(c, 2);
	if (version >= 5) {
		type = assay_elf_take(c, 1);
		e.address_width = (unsigned)assay_elf_take(c, 1);
	}
	abbreviations = assay_elf_take(c, e.offset_width);
	if (version < 5)
		e.address_width = (unsigned)assay_elf_take(c, 1);
	if (type == SKELETON || type == SPLIT_UNIT)
		assay_elf_skip(c, 8);
	if (version >= 2 && version <= 5 && type != TYPE_UNIT && type != SPLIT_TYPE)
		read_entry(&e, abbreviations, ret);
	return true;
}

/* ---- sentences ---- */

struct sentence {
	char *out;
	size_t size, len;
};

static void say_pair(struct sentence *s, const char *what, struct assay_span left,
		     struct assay_span right)
{
	char a[160], b[160];

	if (assay_span_equal(left, right) || s->len >= s->size)
		return;
	s->len += (size_t)snprintf(s->out + s->len, s->size - s->len, ", %s \"%s\" against \"%s\"",
				   what, assay_span_show(left, a, sizeof(a)),
				   assay_span_show(right, b, sizeof(b)));
}

void assay_elf_units_tell(const struct assay_elf_priv *left, const struct assay_elf_priv *right,
			  char *out, size_t size)
{
	struct sentence s = { .out = out, .size = size };
	struct assay_elf_units l, r;
	struct assay_elf_unit a, b;
	char name[160];

	out[0] = '\0';
	if (!assay_elf_units_open(left, &l) || !assay_elf_units_open(right, &r))
		return;
	for (size_t i = 1; assay_elf_unit_next(&l, &a) && assay_elf_unit_next(&r, &b); i++) {
		if (assay_span_equal(a.bytes, b.bytes) && assay_span_equal(a.name, b.name) &&
		    assay_span_equal(a.directory, b.directory) &&
		    assay_span_equal(a.producer, b.producer))
			continue;
		s.len = (size_t)snprintf(out, size, "; first in unit %zu, %s", i,
					 a.name.len ? assay_span_show(a.name, name, sizeof(name)) :
						      "without a name");
		say_pair(&s, "name", a.name, b.name);
		say_pair(&s, "directory", a.directory, b.directory);
		say_pair(&s, "producer", a.producer, b.producer);
		return;
	}
}
