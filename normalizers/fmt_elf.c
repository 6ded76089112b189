/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF as spans (System V gABI; LSB for notes; GNU debuglink as in the gdb manual).  Sections are
 * views: they may lie anywhere, in any order, with room between.  So everything that has a place is
 * sorted by it, what overlaps makes the structure ambiguous, and what nobody claims becomes padding
 * (zeros) or a gap (anything else).
 */
#include <stdlib.h>

#include "assay/codec.h"
#include "assay/hex.h"
#include "assay/limits.h"
#include "elf_debug.h"
#include "elf_fields.h"
#include "elf_go.h"

/* ---- places ---- */

enum place_kind { PLACE_HEADER, PLACE_SEGMENTS, PLACE_SECTIONS, PLACE_SECTION, PLACE_LOAD };

struct place {
	uint64_t start, end;
	enum place_kind kind;
	uint32_t index;
};

struct places {
	struct place *list;
	size_t count;
};

static int compare_places(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->end != b->end)
		return a->end > b->end ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static void add_place(struct places *places, const struct assay_elf *elf, enum place_kind kind,
		      uint32_t index, uint64_t start, uint64_t length)
{
	if (length == 0 || start >= elf->file.len)
		return;
	if (length > elf->file.len - start)
		length = elf->file.len - start;
	places->list[places->count++] = (struct place){ start, start + length, kind, index };
}

static enum assay_code find_places(struct assay_layout *l, const struct assay_elf *elf,
				   struct places *places, struct assay_error *err)
{
	size_t room = 3 + elf->section_count + elf->segment_count;

	places->count = 0;
	places->list = assay_arena_alloc(&assay_layout_anatomy(l)->arena,
					 room * sizeof(*places->list));
	if (!places->list)
		return assay_fail(err, ASSAY_ELIMIT, "%zu sections: no memory left for them", room);
	add_place(places, elf, PLACE_HEADER, 0, 0, elf->header_size);
	add_place(places, elf, PLACE_SEGMENTS, 0, elf->segment_table,
		  elf->segment_count * elf->segment_entry);
	add_place(places, elf, PLACE_SECTIONS, 0, elf->section_table,
		  elf->section_count * elf->section_entry);
	for (uint32_t i = 1; i < elf->section_count; i++)
		if (elf->sections[i].bytes.len > 0)
			add_place(places, elf, PLACE_SECTION, i, elf->sections[i].offset,
				  elf->sections[i].bytes.len);
	for (uint32_t i = 0; i < elf->segment_count && elf->section_count < 2; i++)
		if (elf->segments[i].type == PT_LOAD)
			add_place(places, elf, PLACE_LOAD, i, elf->segments[i].offset,
				  elf->segments[i].file_size);
	qsort(places->list, places->count, sizeof(*places->list), compare_places);
	return ASSAY_OK;
}

/* ---- what lies between ---- */

static void lay_out_gap(struct assay_layout *l, uint64_t end, bool is_last)
{
	uint64_t length = end - assay_layout_at(l);
	struct assay_span gap = assay_layout_peek(l, 0, length);
	enum assay_elf_field field = assay_span_is_zero(gap) ? ASSAY_ELF_PADDING : ASSAY_ELF_GAP;

	if (is_last)
		field = ASSAY_ELF_TRAILING;
	if (length > 0)
		assay_layout_leaf(l, &assay_elf_fields[field], length);
}

/* ---- sections ---- */

#define GO_BUILD_ID 4

static void lay_out_note(struct assay_layout *l, const struct assay_elf_note *note)
{
	bool is_gnu = assay_span_equal_text(note->name, "GNU");
	char hex[2 * 64 + 1], shown[160];
	struct assay_node *leaf;

	if (is_gnu && note->type == NT_GNU_BUILD_ID && note->description.len > 0) {
		leaf = assay_layout_leaf(l,
					 &assay_elf_fields[assay_elf_is_hash_length(note->description.len)
								   ? ASSAY_ELF_BUILD_ID
								   : ASSAY_ELF_BUILD_ID_GIVEN],
					 note->length);
		assay_layout_value(l, leaf, "%s",
				   assay_hex_encode(assay_span_cut(note->description, 0, 64), hex));
		return;
	}
	if (assay_span_equal_text(note->name, "Go") && note->type == GO_BUILD_ID) {
		leaf = assay_layout_leaf(l, &assay_elf_fields[ASSAY_ELF_GO_BUILD_ID], note->length);
		assay_layout_value(l, leaf, "%s",
				   assay_span_show(note->description, shown, sizeof(shown)));
		return;
	}
	leaf = assay_layout_leaf(l, &assay_elf_fields[ASSAY_ELF_NOTE], note->length);
	assay_layout_value(l, leaf, "%.*s type %u: %s", (int)(note->name.len < 32 ? note->name.len : 32),
			   note->name.data ? (const char *)note->name.data : "", note->type,
			   assay_hex_encode(assay_span_cut(note->description, 0, 64), hex));
}

static void lay_out_notes(struct assay_layout *l, const struct assay_elf *elf,
			  const struct assay_elf_section *s)
{
	struct assay_span notes = s->bytes;
	struct assay_elf_note note;
	size_t at = 0;

	assay_layout_name(l, assay_layout_open(l, &assay_elf_fields[ASSAY_ELF_NOTE]), s->name);
	while (at < notes.len && !assay_layout_failed(l) &&
	       assay_elf_note_next(elf, notes, s->align, &at, &note))
		lay_out_note(l, &note);
	if (at < notes.len)
		assay_layout_leaf(l, &assay_elf_fields[ASSAY_ELF_NOTE], notes.len - at);
	assay_layout_close(l);
}

/* A name and the build-id of the file of that name. */
static void lay_out_altlink(struct assay_layout *l, const struct assay_elf_section *s)
{
	struct assay_span name;
	struct assay_node *leaf;
	char shown[128], hex[129];

	assay_layout_name(l, assay_layout_open(l, &assay_elf_fields[ASSAY_ELF_DEBUGLINK_NAME]),
			  s->name);
	if (!assay_elf_string(s->bytes, 0, &name))
		name = assay_span_of(s->bytes.data, s->bytes.len - 1);
	leaf = assay_layout_leaf(l, &assay_elf_fields[ASSAY_ELF_DEBUGLINK_NAME], name.len + 1);
	assay_layout_value(l, leaf, "%s", assay_span_show(name, shown, sizeof(shown)));
	if (name.len + 1 < s->bytes.len) {
		leaf = assay_layout_leaf(l, &assay_elf_fields[ASSAY_ELF_ALTLINK_ID],
					 s->bytes.len - name.len - 1);
		assay_hex_encode(assay_span_cut(s->bytes, name.len + 1, 64), hex);
		assay_layout_value(l, leaf, "%s", hex);
	}
	assay_layout_close(l);
}

/* A name, zeros up to a multiple of four, and the CRC of the file of that name. */
static void lay_out_debuglink(struct assay_layout *l, const struct assay_elf *elf,
			      const struct assay_elf_section *s)
{
	struct assay_span name;
	struct assay_node *leaf;
	char shown[128];

	assay_layout_name(l, assay_layout_open(l, &assay_elf_fields[ASSAY_ELF_DEBUGLINK_NAME]),
			  s->name);
	if (!assay_elf_string(s->bytes, 0, &name) || (name.len + 4) / 4 * 4 + 4 != s->bytes.len) {
		assay_layout_leaf(l, &assay_elf_fields[ASSAY_ELF_DEBUGLINK_NAME], s->bytes.len);
	} else {
		leaf = assay_layout_leaf(l, &assay_elf_fields[ASSAY_ELF_DEBUGLINK_NAME],
					 s->bytes.len - 4);
		assay_layout_value(l, leaf, "%s", assay_span_show(name, shown, sizeof(shown)));
		leaf = assay_layout_leaf(l, &assay_elf_fields[ASSAY_ELF_DEBUGLINK_CRC], 4);
		assay_layout_value(l, leaf, "0x%08llx",
				   (unsigned long long)assay_elf_get(
					   elf, s->bytes.data + s->bytes.len - 4, 4));
	}
	assay_layout_close(l);
}

/* Debug sections stay one leaf, compressed or not: elf_differ.c compares what they hold. */
static void describe_compression(struct assay_layout *l, const struct assay_elf *elf,
				 const struct assay_elf_section *s, struct assay_node *leaf)
{
	struct assay_elf_compression c;

	if (assay_elf_compression_of(elf, s, &c))
		assay_layout_value(l, leaf, "%s, %llu bytes decoded", c.name,
				   (unsigned long long)c.size);
}

static void lay_out_debugdata(struct assay_layout *l, const struct assay_elf_section *s)
{
	struct assay_node *leaf =
		assay_layout_leaf(l, &assay_elf_fields[ASSAY_ELF_DEBUGDATA], s->bytes.len);

	assay_layout_name(l, leaf, s->name);
	assay_layout_encoded(l, leaf);
}

/* What a dynamic section asks for by name: libraries, search paths, its own name. */
static void describe_dynamic(struct assay_layout *l, const struct assay_elf *elf,
			     const struct assay_elf_section *s, struct assay_node *leaf)
{
	static const struct {
		uint64_t tag;
		const char *name;
	} tags[] = { { DT_NEEDED, "needs" },
		     { DT_SONAME, "is" },
		     { DT_RPATH, "RPATH" },
		     { DT_RUNPATH, "RUNPATH" } };
	unsigned width = elf->is_64 ? 8 : 4;
	char text[900] = "", shown[160];
	size_t used = 0;

	for (size_t at = 0; at + 2 * width <= s->bytes.len && s->link < elf->section_count;
	     at += 2 * width) {
		uint64_t tag = assay_elf_get(elf, s->bytes.data + at, width);
		struct assay_span string;

		for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]) && used < sizeof(text); i++)
			if (tags[i].tag == tag &&
			    assay_elf_string(elf->sections[s->link].bytes,
					     assay_elf_get(elf, s->bytes.data + at + width, width),
					     &string))
				used += (size_t)snprintf(
					text + used, sizeof(text) - used, "%s%s %s", used ? "; " : "",
					tags[i].name, assay_span_show(string, shown, sizeof(shown)));
	}
	if (used)
		assay_layout_value(l, leaf, "%s", text);
}

/* Strings, one after the other; the first few of them. */
static void describe_comment(struct assay_layout *l, const struct assay_elf_section *s,
			     struct assay_node *leaf)
{
	char text[512] = "", shown[160];
	size_t used = 0, at = 0;
	struct assay_span string;

	while (used < sizeof(text) && assay_elf_string(s->bytes, at, &string)) {
		if (string.len)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
						 used ? "; " : "",
						 assay_span_show(string, shown, sizeof(shown)));
		at += string.len + 1;
	}
	assay_layout_value(l, leaf, "%s", text);
}

static enum assay_elf_field field_of(const struct assay_elf_section *s)
{
	static const enum assay_elf_field fields[ASSAY_ELF_ROLES] = {
		[ASSAY_ELF_ROLE_CODE] = ASSAY_ELF_CODE,
		[ASSAY_ELF_ROLE_DATA] = ASSAY_ELF_DATA,
		[ASSAY_ELF_ROLE_LINKAGE] = ASSAY_ELF_LINKAGE,
		[ASSAY_ELF_ROLE_UNWIND] = ASSAY_ELF_UNWIND,
		[ASSAY_ELF_ROLE_BUILD_ID] = ASSAY_ELF_NOTE,
		[ASSAY_ELF_ROLE_NOTE] = ASSAY_ELF_NOTE,
		[ASSAY_ELF_ROLE_DEBUGLINK] = ASSAY_ELF_DEBUGLINK_NAME,
		[ASSAY_ELF_ROLE_COMMENT] = ASSAY_ELF_COMMENT,
		[ASSAY_ELF_ROLE_DEBUG] = ASSAY_ELF_DEBUG,
		[ASSAY_ELF_ROLE_SYMBOLS] = ASSAY_ELF_SYMBOLS,
		[ASSAY_ELF_ROLE_OTHER] = ASSAY_ELF_OTHER,
	};

	return fields[assay_elf_role_of(s)];
}

static void lay_out_section(struct assay_layout *l, const struct assay_elf *elf,
			    const struct assay_elf_section *s, uint64_t length)
{
	struct assay_node *leaf;

	if (length == s->bytes.len) { /* nothing of it was taken by another */
		if (assay_span_equal_text(s->name, ".gnu_debugdata") && !s->loaded) {
			lay_out_debugdata(l, s);
			return;
		}
		if (assay_elf_go_is(s)) {
			assay_elf_go_lay_out(l, s);
			return;
		}
		if (s->type == SHT_NOTE) {
			lay_out_notes(l, elf, s);
			return;
		}
		if (assay_elf_role_of(s) == ASSAY_ELF_ROLE_DEBUGLINK) {
			if (assay_span_starts(s->name, ".gnu_debugaltlink"))
				lay_out_altlink(l, s);
			else
				lay_out_debuglink(l, elf, s);
			return;
		}
	}
	leaf = assay_layout_leaf(l, &assay_elf_fields[field_of(s)], length);
	assay_layout_name(l, leaf, s->name);
	if (field_of(s) == ASSAY_ELF_DEBUG)
		describe_compression(l, elf, s, leaf);
	else if (field_of(s) == ASSAY_ELF_COMMENT)
		describe_comment(l, s, leaf);
	else if (s->type == SHT_DYNAMIC)
		describe_dynamic(l, elf, s, leaf);
}

/* ---- the file ---- */

static void lay_out_place(struct assay_layout *l, const struct assay_elf *elf,
			  const struct place *p, uint64_t length)
{
	struct assay_node *leaf;

	switch (p->kind) {
	case PLACE_HEADER:
		leaf = assay_layout_leaf(l, &assay_elf_fields[ASSAY_ELF_HEADER], length);
		assay_layout_name(l, leaf, assay_span_text("ELF header"));
		assay_layout_value(l, leaf, "%u bits, %s endian, type %u, machine %u, entry 0x%llx",
				   elf->is_64 ? 64 : 32, elf->is_big ? "big" : "little", elf->type,
				   elf->machine, (unsigned long long)elf->entry);
		break;
	case PLACE_SEGMENTS:
		leaf = assay_layout_leaf(l, &assay_elf_fields[ASSAY_ELF_SEGMENTS], length);
		assay_layout_name(l, leaf, assay_span_text("program headers"));
		assay_layout_value(l, leaf, "%zu segments", elf->segment_count);
		break;
	case PLACE_SECTIONS:
		leaf = assay_layout_leaf(l, &assay_elf_fields[ASSAY_ELF_SECTIONS], length);
		assay_layout_name(l, leaf, assay_span_text("section headers"));
		assay_layout_value(l, leaf, "%zu sections", elf->section_count);
		break;
	case PLACE_SECTION:
		lay_out_section(l, elf, &elf->sections[p->index], length);
		break;
	case PLACE_LOAD:
		leaf = assay_layout_leaf(l, &assay_elf_fields[ASSAY_ELF_SEGMENT], length);
		assay_layout_name(l, leaf, assay_span_text("PT_LOAD"));
		break;
	}
}

/* A loaded section whose bytes the program headers load from elsewhere: tools and kernel disagree. */
static void check_addresses(struct assay_layout *l, const struct assay_elf *elf)
{
	for (size_t i = 1; i < elf->section_count; i++) {
		const struct assay_elf_section *s = &elf->sections[i];
		char name[80];

		if (!(s->flags & SHF_ALLOC) || s->bytes.len == 0 || elf->type == ET_REL)
			continue;
		for (size_t k = 0; k < elf->segment_count; k++) {
			const struct assay_elf_segment *g = &elf->segments[k];

			if (g->type != PT_LOAD || s->address < g->address ||
			    s->address - g->address >= g->file_size ||
			    g->offset + (s->address - g->address) == s->offset)
				continue;
			assay_layout_ambiguous(
				l, s->offset, "section %s: its bytes are not those loaded at its address",
				assay_span_show(s->name, name, sizeof(name)));
			break;
		}
	}
}

static enum assay_code lay_out_places(struct assay_layout *l, const struct assay_elf *elf,
				      struct assay_error *err)
{
	struct places places;
	enum assay_code code = find_places(l, elf, &places, err);

	for (size_t i = 0; !code && i < places.count && !assay_layout_failed(l); i++) {
		const struct place *p = &places.list[i];
		uint64_t at = assay_layout_at(l);

		if (p->start < at && p->kind != PLACE_LOAD)
			assay_layout_ambiguous(l, p->start,
					       "two parts of the file overlap at offset 0x%llx",
					       (unsigned long long)p->start);
		if (p->end <= at)
			continue;
		if (p->start > at)
			lay_out_gap(l, p->start, false);
		lay_out_place(l, elf, p, p->end - assay_layout_at(l));
	}
	if (!code && !assay_layout_failed(l))
		lay_out_gap(l, elf->file.len, true);
	return code;
}

static enum assay_code elf_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_anatomy *anatomy = assay_layout_anatomy(l);
	struct assay_elf_priv *priv = assay_arena_alloc(&anatomy->arena, sizeof(*priv));
	enum assay_code code;

	if (!priv)
		return assay_fail(err, ASSAY_ELIMIT, "ELF tables: no memory left");
	code = assay_elf_read(assay_layout_bytes(l), &anatomy->arena, &priv->elf, err);
	if (!code)
		code = assay_elf_functions_read(&priv->elf, &anatomy->arena, &priv->functions, err);
	if (code)
		return code;
	priv->arena = &anatomy->arena;
	anatomy->priv = priv;
	if (priv->elf.truncated || priv->functions.truncated)
		assay_layout_truncated(l);
	if (priv->elf.defect)
		assay_layout_ambiguous(l, priv->elf.defect_offset, "%s", priv->elf.defect);
	check_addresses(l, &priv->elf);
	return lay_out_places(l, &priv->elf, err);
}

static unsigned elf_bid(struct assay_span file)
{
	return assay_elf_is(file) ? 48 : 0;
}

/* .gnu_debugdata, the only part that holds a file */
static enum assay_code elf_decode(const struct assay_anatomy *anatomy,
				  const struct assay_node *node, struct assay_sink *sink,
				  struct assay_error *err)
{
	struct assay_span bytes = assay_node_bytes(anatomy, node);
	uint64_t consumed;
	enum assay_code code = assay_codec_decode(ASSAY_CODEC_XZ, &bytes, 1, sink, &consumed, err);

	if (!code && consumed != bytes.len)
		return assay_fail(err, ASSAY_EINPUT,
				  "debug data: %zu bytes behind the end of the stream",
				  bytes.len - (size_t)consumed);
	return code;
}

const struct assay_format assay_format_elf = {
	.name = "elf",
	.bid = elf_bid,
	.lay_out = elf_lay_out,
	.decode = elf_decode,
	.differ = assay_elf_differ,
	.explain = assay_elf_explain,
	.fields = assay_elf_fields,
};
