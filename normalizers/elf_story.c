/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One story for a pair of ELF files.  A change in a function moves addresses and offsets all over the
 * file; the story separates the functions that changed from everything that only follows.
 *
 * What follows is decided by role: tables of addresses (relocations, unwind information, symbol and
 * header tables, debug information, build-id) follow from changed code or data; code and data follow
 * from nothing but displacements that are shown to lead to the same place.
 */
#include "elf_debug.h"

#include <stdio.h>
#include <stdlib.h>

#include "assay/cleanup.h"
#include "assay/limits.h"

/* ---- roles ---- */

static bool is_linkage_type(uint32_t type)
{
	static const uint32_t types[] = { SHT_REL, SHT_RELA, 19 /* SHT_RELR */, SHT_HASH,
					  SHT_GNU_HASH, SHT_DYNSYM, SHT_DYNAMIC, SHT_GNU_versym,
					  SHT_GNU_verneed, SHT_GNU_verdef, SHT_STRTAB,
					  SHT_INIT_ARRAY, SHT_FINI_ARRAY, SHT_PREINIT_ARRAY };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i] == type)
			return true;
	return false;
}

static const struct {
	const char *prefix;
	enum assay_elf_role role;
	bool loaded;
} named_roles[] = {
	{ ".note.gnu.build-id", ASSAY_ELF_ROLE_BUILD_ID, true },
	{ ".note", ASSAY_ELF_ROLE_NOTE, true },
	{ ".note", ASSAY_ELF_ROLE_NOTE, false },
	{ ".eh_frame", ASSAY_ELF_ROLE_UNWIND, true },
	{ ".gcc_except_table", ASSAY_ELF_ROLE_UNWIND, true },
	{ ".got", ASSAY_ELF_ROLE_LINKAGE, true },
	{ ".gnu_debuglink", ASSAY_ELF_ROLE_DEBUGLINK, false },
	{ ".gnu_debugaltlink", ASSAY_ELF_ROLE_DEBUGLINK, false },
	{ ".comment", ASSAY_ELF_ROLE_COMMENT, false },
	{ ".debug", ASSAY_ELF_ROLE_DEBUG, false },
	{ ".zdebug", ASSAY_ELF_ROLE_DEBUG, false },
	{ ".gdb_index", ASSAY_ELF_ROLE_DEBUG, false },
	{ ".gnu_debugdata", ASSAY_ELF_ROLE_DEBUG, false },
	{ ".stab", ASSAY_ELF_ROLE_DEBUG, false },
};

enum assay_elf_role assay_elf_role_of(const struct assay_elf_section *section)
{
	if (section->flags & SHF_EXECINSTR && section->loaded)
		return ASSAY_ELF_ROLE_CODE;
	for (size_t i = 0; i < sizeof(named_roles) / sizeof(named_roles[0]); i++)
		if (named_roles[i].loaded == section->loaded &&
		    assay_span_starts(section->name, named_roles[i].prefix))
			return named_roles[i].role;
	if (section->loaded)
		return is_linkage_type(section->type) ? ASSAY_ELF_ROLE_LINKAGE
						      : ASSAY_ELF_ROLE_DATA;
	if (section->type == SHT_SYMTAB || section->type == SHT_STRTAB ||
	    section->type == SHT_SYMTAB_SHNDX || section->type == SHT_GROUP)
		return ASSAY_ELF_ROLE_SYMBOLS;
	if (section->type == SHT_REL || section->type == SHT_RELA)
		return assay_span_starts(section->name, ".rela.debug") ||
				       assay_span_starts(section->name, ".rel.debug")
			       ? ASSAY_ELF_ROLE_DEBUG
			       : ASSAY_ELF_ROLE_LINKAGE;
	return ASSAY_ELF_ROLE_OTHER;
}

bool assay_elf_is_hash_length(size_t length)
{
	return length == 8 || length == 16 || length == 20 || length == 32;
}

/* A file without a build-id counts as one with a hash. */
static bool has_hash_id(const struct assay_elf *elf)
{
	const struct assay_elf_section *s = assay_elf_section_by_name(elf, ".note.gnu.build-id");
	struct assay_elf_note note;
	size_t at = 0;

	return !s || !assay_elf_note_next(elf, s->bytes, s->align, &at, &note) ||
	       assay_elf_is_hash_length(note.description.len);
}

/* ---- functions ---- */

static const char *section_name(const struct assay_elf *elf, uint32_t section, char *out,
				size_t size)
{
	return assay_span_show(elf->sections[section].name, out, size);
}

static void count_functions(struct assay_elf_story *story, const struct assay_elf_functions *left,
			    const struct assay_elf_functions *right)
{
	uint32_t last = 0;

	for (size_t i = 0; i < left->count; i++) {
		const struct assay_elf_function *f = &left->list[i];

		story->functions_same += f->state == ASSAY_ELF_SAME;
		story->functions_moved += f->state == ASSAY_ELF_MOVED;
		story->functions_changed += f->state == ASSAY_ELF_CHANGED;
		story->functions_left_only += f->state == ASSAY_ELF_ALONE;
		if (f->partner == ASSAY_ELF_NO_PARTNER)
			continue;
		if (f->partner < last)
			story->reordered = true;
		last = f->partner;
	}
	for (size_t i = 0; i < right->count; i++)
		story->functions_right_only += right->list[i].state == ASSAY_ELF_ALONE;
}

/* ---- sections ---- */

/* Sections of one name are matched in their order.  In files with very many sections only the same
 * index is looked at: all others count as one-sided. */
#define MOST_SEARCHED 4096

static const struct assay_elf_section *counterpart(const struct assay_elf *from, size_t index,
						   const struct assay_elf *to)
{
	struct assay_span name = from->sections[index].name;
	size_t ordinal = 0;

	if (from->section_count == to->section_count || to->section_count > MOST_SEARCHED ||
	    from->section_count > MOST_SEARCHED) {
		if (index < to->section_count && assay_span_equal(to->sections[index].name, name))
			return &to->sections[index];
		if (to->section_count > MOST_SEARCHED || from->section_count > MOST_SEARCHED)
			return NULL;
	}
	for (size_t i = 1; i < index; i++)
		ordinal += assay_span_equal(from->sections[i].name, name);
	for (size_t i = 1; i < to->section_count; i++)
		if (assay_span_equal(to->sections[i].name, name) && ordinal-- == 0)
			return &to->sections[i];
	return NULL;
}

static void compare_sections(struct assay_elf_story *story, const struct assay_elf *left,
			     const struct assay_elf *right)
{
	for (size_t i = 1; i < left->section_count; i++) {
		const struct assay_elf_section *a = &left->sections[i];
		const struct assay_elf_section *b = counterpart(left, i, right);
		enum assay_elf_role role = assay_elf_role_of(a);

		if (!b) {
			story->one_sided[role] = true;
			continue;
		}
		if (a->type != b->type || a->flags != b->flags || a->align != b->align ||
		    a->entry_size != b->entry_size)
			story->headers_matter = true;
		if (a->size != b->size || a->offset != b->offset || a->address != b->address)
			story->sizes_differ = true;
		if (role != ASSAY_ELF_ROLE_CODE && !assay_span_equal(a->bytes, b->bytes) &&
		    !(role == ASSAY_ELF_ROLE_LINKAGE &&
		      assay_elf_linkage_moved(left, a, right, b)))
			story->differs[role] = true;
		if (a->type == SHT_NOBITS && a->size != b->size)
			story->differs[role] = true;
	}
	for (size_t i = 1; i < right->section_count; i++)
		if (!counterpart(right, i, left))
			story->one_sided[assay_elf_role_of(&right->sections[i])] = true;
	if (left->section_count != right->section_count)
		story->sizes_differ = true;
}

/* The next segment that is no PT_NOTE: those come and go with note sections. */
static const struct assay_elf_segment *next_segment(const struct assay_elf *elf, size_t *at)
{
	while (*at < elf->segment_count && elf->segments[*at].type == PT_NOTE)
		++*at;
	return *at < elf->segment_count ? &elf->segments[(*at)++] : NULL;
}

/* Rights and kinds of segments; their places follow from the sections. */
static void compare_segments(struct assay_elf_story *story, const struct assay_elf *left,
			     const struct assay_elf *right)
{
	size_t l = 0, r = 0;

	if (left->type != right->type ||
	    left->machine != right->machine || left->os_abi != right->os_abi ||
	    left->is_64 != right->is_64 || left->is_big != right->is_big)
		story->headers_matter = true;
	for (;;) {
		const struct assay_elf_segment *a = next_segment(left, &l);
		const struct assay_elf_segment *b = next_segment(right, &r);

		if (!a && !b)
			return;
		if (!a || !b || a->type != b->type || a->flags != b->flags) {
			story->headers_matter = true;
			return;
		}
	}
}

/* ---- the whole ---- */

const struct assay_elf_story *assay_elf_story_of(const struct assay_anatomy *left,
						 const struct assay_anatomy *right)
{
	struct assay_elf_priv *l = left->priv, *r = right->priv;

	if (l->told_with == r)
		return &l->story;
	l->told_with = r;
	l->story = (struct assay_elf_story){ .functions_same = 0 };
	assay_elf_functions_compare(&l->elf, &l->functions, &r->elf, &r->functions);
	count_functions(&l->story, &l->functions, &r->functions);
	compare_sections(&l->story, &l->elf, &r->elf);
	compare_segments(&l->story, &l->elf, &r->elf);
	assay_elf_debug_producers(&l->story, l, r);
	l->story.has_hash_id = has_hash_id(&l->elf) || has_hash_id(&r->elf);
	if (l->elf.entry != r->elf.entry && !assay_elf_story_is_code(&l->story) &&
	    !assay_elf_same_target(&l->elf, l->elf.entry, &r->elf, r->elf.entry))
		l->story.headers_matter = true;
	if (l->story.differs[ASSAY_ELF_ROLE_DEBUG] && !assay_elf_story_is_code(&l->story))
		assay_elf_debug_strings(&l->story, l, r);
	return &l->story;
}

bool assay_elf_story_is_code(const struct assay_elf_story *story)
{
	return story->functions_changed + story->functions_left_only +
			       story->functions_right_only >
		       0 ||
	       story->reordered || story->one_sided[ASSAY_ELF_ROLE_CODE];
}

bool assay_elf_story_has_root(const struct assay_elf_story *story)
{
	bool any = assay_elf_story_is_code(story) || story->headers_matter;

	for (int i = 0; i < ASSAY_ELF_ROLES; i++) {
		if (i == ASSAY_ELF_ROLE_DEBUGLINK ||
		    (i == ASSAY_ELF_ROLE_BUILD_ID && !story->has_hash_id))
			continue;
		any |= story->one_sided[i] || story->differs[i];
	}
	return any;
}

bool assay_elf_story_follows(const struct assay_elf_story *story, enum assay_elf_role role)
{
	bool code = assay_elf_story_is_code(story);
	bool loaded = code || story->differs[ASSAY_ELF_ROLE_DATA] ||
		      story->one_sided[ASSAY_ELF_ROLE_DATA];
	bool sections = false;

	for (int i = 0; i < ASSAY_ELF_ROLES; i++)
		sections |= story->one_sided[i];
	switch (role) {
	case ASSAY_ELF_ROLE_LINKAGE: return loaded || (sections && !story->differs[role]);
	case ASSAY_ELF_ROLE_UNWIND: return loaded;
	case ASSAY_ELF_ROLE_DEBUG:
	case ASSAY_ELF_ROLE_SYMBOLS:
		return loaded || story->differs[ASSAY_ELF_ROLE_LINKAGE] ||
		       (role == ASSAY_ELF_ROLE_SYMBOLS &&
			(sections || story->differs[ASSAY_ELF_ROLE_DEBUG]));
	case ASSAY_ELF_ROLE_BUILD_ID:
	case ASSAY_ELF_ROLE_DEBUGLINK:
		if (role == ASSAY_ELF_ROLE_DEBUGLINK && story->differs[ASSAY_ELF_ROLE_BUILD_ID])
			return story->has_hash_id;
		return loaded || sections || story->differs[ASSAY_ELF_ROLE_LINKAGE] ||
		       story->differs[ASSAY_ELF_ROLE_COMMENT] ||
		       story->differs[ASSAY_ELF_ROLE_NOTE] ||
		       story->differs[ASSAY_ELF_ROLE_DEBUG] ||
		       story->differs[ASSAY_ELF_ROLE_SYMBOLS] ||
		       story->differs[ASSAY_ELF_ROLE_OTHER] || story->headers_matter;
	default: return false;
	}
}

/* ---- sentences ---- */

#define MOST_NAMED 6

struct sentence {
	char *out;
	size_t size, len;
};

static void say(struct sentence *s, const char *fmt, ...) ASSAY_PRINTF(2, 3);

static void say(struct sentence *s, const char *fmt, ...)
{
	va_list args;
	int len;

	if (s->len + 1 >= s->size)
		return;
	va_start(args, fmt);
	len = vsnprintf(s->out + s->len, s->size - s->len, fmt, args);
	va_end(args);
	s->len += len > 0 ? (size_t)len : 0;
}

static void say_function(struct sentence *s, const struct assay_elf *elf,
			 const struct assay_elf_function *f)
{
	char name[80];

	if (f->name.len > 0)
		say(s, "%s", assay_span_show(f->name, name, sizeof(name)));
	else
		say(s, "%s+0x%llx", section_name(elf, f->section, name, sizeof(name)),
		    (unsigned long long)f->offset);
	if (f->state == ASSAY_ELF_CHANGED && f->name.len > 0)
		say(s, " at +0x%llx", (unsigned long long)f->first_change);
}

static void say_functions(struct sentence *s, const char *what, const struct assay_elf *elf,
			  const struct assay_elf_functions *functions,
			  enum assay_elf_function_state state, size_t count)
{
	size_t named = 0;

	if (count == 0)
		return;
	say(s, "; %s: ", what);
	for (size_t i = 0; i < functions->count && named < MOST_NAMED; i++) {
		if (functions->list[i].state != state)
			continue;
		say(s, "%s", named++ ? ", " : "");
		say_function(s, elf, &functions->list[i]);
	}
	if (count > named)
		say(s, " and %zu more", count - named);
}

static bool is_static(const struct assay_elf *elf)
{
	for (size_t i = 0; i < elf->segment_count; i++)
		if (elf->segments[i].type == PT_INTERP || elf->segments[i].type == PT_DYNAMIC)
			return false;
	return elf->type == ET_EXEC || elf->type == ET_DYN;
}

void assay_elf_story_tell(const struct assay_anatomy *left, const struct assay_anatomy *right,
			  char *out, size_t size)
{
	const struct assay_elf_story *story = assay_elf_story_of(left, right);
	const struct assay_elf_priv *l = left->priv, *r = right->priv;
	size_t paired = story->functions_same + story->functions_moved + story->functions_changed;
	struct sentence s = { .out = out, .size = size };

	out[0] = '\0';
	say(&s, "UNEXPLAINED change of code");
	if (is_static(&l->elf) && is_static(&r->elf))
		say(&s, " (statically linked: the version of a static library such as libc.a may "
			"differ)");
	if (2 * story->functions_changed > paired && story->functions_changed > 4)
		say(&s, ": %zu of %zu functions differ, as after a change of the compiler, its flags or "
			"the source at large",
		    story->functions_changed, paired);
	else
		say(&s, ": the source, or injected code, differs");
	say_functions(&s, "functions that differ", &l->elf, &l->functions, ASSAY_ELF_CHANGED,
		      story->functions_changed);
	say_functions(&s, "only on the left", &l->elf, &l->functions, ASSAY_ELF_ALONE,
		      story->functions_left_only);
	say_functions(&s, "only on the right", &r->elf, &r->functions, ASSAY_ELF_ALONE,
		      story->functions_right_only);
	say(&s, "; %zu equal", story->functions_same);
	if (story->functions_moved)
		say(&s, ", %zu only moved", story->functions_moved);
}
