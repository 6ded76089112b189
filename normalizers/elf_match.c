/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pairs the functions of two ELF files and says of each pair whether it is the same, only moved, or
 * changed.  "Moved" is claimed only where every differing byte belongs to a 32-bit displacement that
 * leads to corresponding places on both sides: the same offset of paired functions, the same import,
 * the same string or object.  A call that leads elsewhere is a change.
 *
 * This holds for x86, whose displacements are whole little-endian words relative to the next
 * instruction; on other machines a function that differs is a changed one.
 */
#include "elf_functions.h"

#include <stdlib.h>

#include "assay/limits.h"

/* A word that the loader fills with the address of a symbol: a slot of the global offset table. */
struct import {
	uint64_t address;
	struct assay_span name;
};

struct imports {
	struct import *list;
	size_t count;
};

struct matcher {
	const struct assay_elf *left, *right;
	struct assay_elf_functions *left_f, *right_f;
	struct imports left_imports, right_imports; /* by address */
};

/* ---- pairing ---- */

#define MOST_SECTIONS 4096 /* with more, equal sections are compared function by function */

static bool same_section(const struct matcher *m, const struct assay_elf_function *a,
			 const struct assay_elf_function *b)
{
	return assay_span_equal(m->left->sections[a->section].name,
				m->right->sections[b->section].name);
}

static void pair(const struct matcher *m, uint32_t l, uint32_t r)
{
	m->left_f->list[l].partner = r;
	m->right_f->list[r].partner = l;
}

static bool is_free(const struct assay_elf_functions *f, size_t i)
{
	return f->list[i].partner == ASSAY_ELF_NO_PARTNER && f->list[i].state == ASSAY_ELF_ALONE;
}

static void settle(struct assay_elf_functions *f, uint32_t section)
{
	for (size_t i = 0; i < f->count; i++) {
		if (f->list[i].section != section)
			continue;
		f->list[i].state = ASSAY_ELF_SAME;
		f->list[i].bytes = 0;
	}
}

static const struct assay_elf_section *section_named(const struct assay_elf *elf,
						     struct assay_span name)
{
	for (size_t i = 1; i < elf->section_count; i++)
		if (assay_span_equal(elf->sections[i].name, name))
			return &elf->sections[i];
	return NULL;
}

/* Sections of equal bytes need no look inside, even when only one side has names for them. */
static void settle_equal_sections(const struct matcher *m)
{
	for (uint32_t i = 1; i < m->left->section_count; i++) {
		const struct assay_elf_section *a = &m->left->sections[i], *b;

		if (!(a->flags & SHF_EXECINSTR) || m->left->section_count > MOST_SECTIONS)
			continue;
		b = section_named(m->right, a->name);
		if (!b || !assay_span_equal(a->bytes, b->bytes))
			continue;
		settle(m->left_f, i);
		settle(m->right_f, (uint32_t)(b - m->right->sections));
	}
}

/* The i-th function of a name here is the i-th of that name there. */
static void pair_named(const struct matcher *m)
{
	size_t l = 0, r = 0;

	while (l < m->left_f->named && r < m->right_f->named) {
		uint32_t a = m->left_f->by_name[l], b = m->right_f->by_name[r];
		int order;

		if (!is_free(m->left_f, a) || !is_free(m->right_f, b)) {
			l += !is_free(m->left_f, a);
			r += !is_free(m->right_f, b);
			continue;
		}
		order = assay_span_compare(m->left_f->list[a].name, m->right_f->list[b].name);

		if (order == 0) {
			pair(m, a, b);
			l++;
			r++;
		} else if (order < 0) {
			l++;
		} else {
			r++;
		}
	}
}

static size_t next_free(const struct assay_elf_functions *f, size_t i)
{
	while (i < f->count && !is_free(f, i))
		i++;
	return i;
}

#define LOOK_AHEAD 64

/* How many unnamed functions to skip on the one side until two sizes in a row agree again. */
static size_t skip_until(const struct assay_elf_functions *f, size_t from,
			 const struct assay_elf_functions *other, size_t at)
{
	size_t other_next = next_free(other, at + 1), skipped = 1;

	if (other_next >= other->count)
		return SIZE_MAX;
	for (size_t i = next_free(f, from + 1); i < f->count && skipped < LOOK_AHEAD;
	     i = next_free(f, i + 1), skipped++) {
		size_t next = next_free(f, i + 1);

		if (next < f->count && f->list[i].size == other->list[at].size &&
		    f->list[next].size == other->list[other_next].size)
			return i;
	}
	return SIZE_MAX;
}

/* Without names the order of the sizes says which is which. */
static void pair_unnamed(const struct matcher *m)
{
	size_t l = next_free(m->left_f, 0), r = next_free(m->right_f, 0);

	while (l < m->left_f->count && r < m->right_f->count) {
		const struct assay_elf_function *a = &m->left_f->list[l];
		const struct assay_elf_function *b = &m->right_f->list[r];
		size_t l_after = SIZE_MAX, r_after = SIZE_MAX;

		if (!same_section(m, a, b)) {
			/* the sections of both come in the order of the file */
			if (a->section <= b->section)
				l = next_free(m->left_f, l + 1);
			else
				r = next_free(m->right_f, r + 1);
			continue;
		}
		if (a->name.len > 0 && b->name.len > 0) {
			/* two names: two functions, each without a counterpart */
			l = next_free(m->left_f, l + 1);
			r = next_free(m->right_f, r + 1);
			continue;
		}
		if (a->size != b->size) {
			l_after = skip_until(m->left_f, l, m->right_f, r);
			r_after = skip_until(m->right_f, r, m->left_f, l);
		}
		if (l_after != SIZE_MAX && (r_after == SIZE_MAX || l_after - l <= r_after - r)) {
			l = l_after;
			continue;
		}
		if (r_after != SIZE_MAX) {
			r = r_after;
			continue;
		}
		pair(m, (uint32_t)l, (uint32_t)r);
		l = next_free(m->left_f, l + 1);
		r = next_free(m->right_f, r + 1);
	}
}

/* ---- imports ---- */

static int compare_imports(const void *left, const void *right)
{
	const struct import *a = left, *b = right;

	return a->address < b->address ? -1 : a->address > b->address;
}

static bool symbol_name(const struct assay_elf *elf, const struct assay_elf_section *relocations,
			uint64_t index, struct assay_span *ret)
{
	size_t size = elf->is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	const struct assay_elf_section *symbols;

	if (relocations->link >= elf->section_count || index == 0)
		return false;
	symbols = &elf->sections[relocations->link];
	if (index >= symbols->bytes.len / size || symbols->link >= elf->section_count)
		return false;
	return assay_elf_string(elf->sections[symbols->link].bytes,
				assay_elf_get(elf, symbols->bytes.data + index * size, 4), ret);
}

static void read_relocations(const struct assay_elf *elf, const struct assay_elf_section *s,
			     struct imports *ret, size_t room)
{
	unsigned word = elf->is_64 ? 8 : 4;
	size_t record = (s->type == SHT_RELA ? 3 : 2) * word;

	for (size_t at = 0; s->bytes.len - at >= record && ret->count < room; at += record) {
		struct import *import = &ret->list[ret->count];
		uint64_t info = assay_elf_get(elf, s->bytes.data + at + word, word);

		import->address = assay_elf_get(elf, s->bytes.data + at, word);
		if (symbol_name(elf, s, elf->is_64 ? ELF64_R_SYM(info) : ELF32_R_SYM(info),
				&import->name))
			ret->count++;
	}
}

static bool is_relocations(const struct assay_elf_section *s)
{
	return (s->type == SHT_RELA || s->type == SHT_REL) && s->flags & SHF_ALLOC;
}

static void read_imports(const struct assay_elf *elf, struct imports *ret)
{
	size_t room = 0;

	for (size_t i = 1; i < elf->section_count; i++)
		if (is_relocations(&elf->sections[i]))
			room += elf->sections[i].bytes.len / 8;
	if (room > ASSAY_MAX_ELF_SYMBOLS)
		room = ASSAY_MAX_ELF_SYMBOLS;
	ret->list = calloc(room + 1, sizeof(*ret->list));
	for (size_t i = 1; ret->list && i < elf->section_count; i++)
		if (is_relocations(&elf->sections[i]))
			read_relocations(elf, &elf->sections[i], ret, room);
	if (ret->count)
		qsort(ret->list, ret->count, sizeof(*ret->list), compare_imports);
}

static bool import_at(const struct imports *imports, uint64_t address, struct assay_span *ret)
{
	const struct import key = { .address = address };
	const struct import *found = imports->count
		? bsearch(&key, imports->list, imports->count, sizeof(key), compare_imports)
		: NULL;

	if (found)
		*ret = found->name;
	return found != NULL;
}

/* An entry of a procedure linkage table on x86 jumps through a slot: ff 25 <displacement>, after an
 * endbr64 perhaps and with a bnd prefix perhaps. */
static bool jumps_to(const struct assay_elf *elf, const struct imports *imports,
		     const struct assay_elf_section *s, uint64_t offset, struct assay_span *ret)
{
	if (!assay_span_starts(s->name, ".plt"))
		return false;
	for (uint64_t at = offset; at < offset + 8 && at + 6 <= s->bytes.len; at++) {
		const uint8_t *code = s->bytes.data + at;

		if (code[0] == 0xff && code[1] == 0x25)
			return import_at(imports,
					 s->address + at + 6 +
						 (uint64_t)(int32_t)assay_elf_get(elf, code + 2, 4),
					 ret);
	}
	return false;
}

/* ---- where a displacement leads ---- */

static bool same_function(const struct matcher *m, uint32_t ls, uint64_t lo, uint32_t rs,
			  uint64_t ro)
{
	uint32_t l = assay_elf_function_at(m->left_f, ls, lo);
	uint32_t r = assay_elf_function_at(m->right_f, rs, ro);

	return l != ASSAY_ELF_NO_PARTNER && m->left_f->list[l].partner == r &&
	       r != ASSAY_ELF_NO_PARTNER &&
	       lo - m->left_f->list[l].offset == ro - m->right_f->list[r].offset;
}

/* Two strings or constants that are equal up to their NUL, or for sixteen bytes. */
static bool same_constant(struct assay_span a, uint64_t lo, struct assay_span b, uint64_t ro)
{
	for (size_t i = 0; i < 16; i++) {
		if (lo + i >= a.len || ro + i >= b.len)
			return i > 0 && lo + i >= a.len && ro + i >= b.len;
		if (a.data[lo + i] != b.data[ro + i])
			return false;
		if (a.data[lo + i] == 0 && i > 0)
			return true;
	}
	return true;
}

static bool same_object(const struct matcher *m, uint32_t ls, uint64_t lo, uint32_t rs,
			uint64_t ro)
{
	const struct assay_elf_symbol *a = assay_elf_symbol_at(m->left, ls, lo);
	const struct assay_elf_symbol *b = assay_elf_symbol_at(m->right, rs, ro);

	return a && b && assay_span_equal(a->name, b->name) && lo - a->offset == ro - b->offset;
}

static bool same_place(const struct matcher *m, uint64_t left, uint64_t right)
{
	const struct assay_elf_section *a, *b;
	struct assay_span left_name, right_name;
	uint32_t ls, rs;
	uint64_t lo, ro;

	if (!assay_elf_locate(m->left, left, &ls, &lo) ||
	    !assay_elf_locate(m->right, right, &rs, &ro))
		return false;
	a = &m->left->sections[ls];
	b = &m->right->sections[rs];
	if (!assay_span_equal(a->name, b->name))
		return false;
	if (import_at(&m->left_imports, left, &left_name) &&
	    import_at(&m->right_imports, right, &right_name))
		return assay_span_equal(left_name, right_name);
	if (jumps_to(m->left, &m->left_imports, a, lo, &left_name) &&
	    jumps_to(m->right, &m->right_imports, b, ro, &right_name))
		return assay_span_equal(left_name, right_name);
	if (a->flags & SHF_EXECINSTR)
		return same_function(m, ls, lo, rs, ro);
	if (same_object(m, ls, lo, rs, ro))
		return true;
	if (!(a->flags & SHF_WRITE))
		return same_constant(a->bytes, lo, b->bytes, ro);
	return lo == ro && a->size == b->size;
}

/* ---- one pair ---- */

static bool has_displacements(const struct assay_elf *elf)
{
	return elf->machine == EM_X86_64 || elf->machine == EM_386;
}

/* A displacement of four bytes at offset at, with up to four bytes of immediate operand behind. */
static bool leads_to_the_same(const struct matcher *m, const struct assay_elf_function *a,
			      const struct assay_elf_function *b, struct assay_span left,
			      struct assay_span right, uint64_t at)
{
	static const uint8_t behind[] = { 0, 1, 4, 2 };
	uint64_t from_left = m->left->sections[a->section].address + a->offset + at + 4;
	uint64_t from_right = m->right->sections[b->section].address + b->offset + at + 4;
	int64_t to_left = (int32_t)assay_elf_get(m->left, left.data + at, 4);
	int64_t to_right = (int32_t)assay_elf_get(m->right, right.data + at, 4);

	for (size_t i = 0; i < sizeof(behind); i++)
		if (same_place(m, from_left + (uint64_t)to_left + behind[i],
			       from_right + (uint64_t)to_right + behind[i]))
			return true;
	return false;
}

/* The end of a displacement that explains the byte at, or at itself. */
static uint64_t skip_displacement(const struct matcher *m, const struct assay_elf_function *a,
				  const struct assay_elf_function *b, struct assay_span left,
				  struct assay_span right, uint64_t at, uint64_t settled)
{
	for (unsigned back = 0; back < 4; back++) {
		if (at < settled + back)
			break;
		if (at - back + 4 <= left.len &&
		    leads_to_the_same(m, a, b, left, right, at - back))
			return at - back + 4;
	}
	return at;
}

static void compare_bytes(const struct matcher *m, struct assay_elf_function *a,
			  struct assay_elf_function *b, struct assay_span left,
			  struct assay_span right)
{
	bool can_move = has_displacements(m->left);
	uint64_t settled = 0;

	a->state = ASSAY_ELF_SAME;
	for (uint64_t at = 0; at < left.len; at++) {
		if (left.data[at] == right.data[at])
			continue;
		a->bytes++;
		if (a->state == ASSAY_ELF_CHANGED || at < settled)
			continue;
		a->state = ASSAY_ELF_MOVED;
		if (can_move) {
			uint64_t end = skip_displacement(m, a, b, left, right, at, settled);

			if (end > at) {
				settled = end;
				continue;
			}
		}
		a->state = ASSAY_ELF_CHANGED;
		a->first_change = at;
	}
}

static uint64_t first_difference(struct assay_span a, struct assay_span b)
{
	uint64_t at = 0;

	while (at < a.len && at < b.len && a.data[at] == b.data[at])
		at++;
	return at;
}

static void compare_pair(const struct matcher *m, struct assay_elf_function *a,
			 struct assay_elf_function *b)
{
	struct assay_span left = assay_span_cut(m->left->sections[a->section].bytes, a->offset,
						a->size);
	struct assay_span right = assay_span_cut(m->right->sections[b->section].bytes, b->offset,
						 b->size);

	a->bytes = 0;
	a->first_change = 0;
	if (left.len != right.len || !same_section(m, a, b)) {
		a->state = ASSAY_ELF_CHANGED;
		a->first_change = first_difference(left, right);
		a->bytes = left.len > right.len ? left.len : right.len;
		a->bytes -= a->first_change < a->bytes ? a->first_change : 0;
	} else {
		compare_bytes(m, a, b, left, right);
	}
	b->state = a->state;
	b->bytes = a->bytes;
	b->first_change = a->first_change;
}

static void forget(struct assay_elf_functions *f)
{
	for (size_t i = 0; i < f->count; i++) {
		f->list[i].partner = ASSAY_ELF_NO_PARTNER;
		f->list[i].state = ASSAY_ELF_ALONE;
		f->list[i].bytes = f->list[i].size;
		f->list[i].first_change = 0;
	}
}

void assay_elf_functions_compare(const struct assay_elf *left, struct assay_elf_functions *left_f,
				 const struct assay_elf *right,
				 struct assay_elf_functions *right_f)
{
	struct matcher m = { .left = left, .right = right, .left_f = left_f, .right_f = right_f };

	forget(left_f);
	forget(right_f);
	if (left->machine != right->machine || left->is_64 != right->is_64 ||
	    left->is_big != right->is_big)
		return;
	settle_equal_sections(&m);
	pair_named(&m);
	pair_unnamed(&m);
	read_imports(left, &m.left_imports);
	read_imports(right, &m.right_imports);
	for (size_t i = 0; i < left_f->count; i++)
		if (left_f->list[i].partner != ASSAY_ELF_NO_PARTNER)
			compare_pair(&m, &left_f->list[i],
				     &right_f->list[left_f->list[i].partner]);
	free(m.left_imports.list);
	free(m.right_imports.list);
}
