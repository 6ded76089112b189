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

struct matcher {
	const struct assay_elf *left, *right;
	struct assay_elf_functions *left_f, *right_f;
};

/* ---- pairing ---- */

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

/* The i-th function of a name here is the i-th of that name there. */
static void pair_named(const struct matcher *m)
{
	size_t l = 0, r = 0;

	while (l < m->left_f->named && r < m->right_f->named) {
		uint32_t a = m->left_f->by_name[l], b = m->right_f->by_name[r];
		int order = assay_span_compare(m->left_f->list[a].name, m->right_f->list[b].name);

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

static bool is_free(const struct assay_elf_functions *f, size_t i)
{
	return f->list[i].partner == ASSAY_ELF_NO_PARTNER && f->list[i].name.len == 0;
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

/* ---- where a displacement leads ---- */

/* The name of the n-th import of the procedure linkage table. */
static bool plt_import(const struct assay_elf *elf, uint64_t slot, struct assay_span *ret)
{
	const struct assay_elf_section *relocations = assay_elf_section_by_name(elf, ".rela.plt");
	const struct assay_elf_section *symbols;
	size_t record = 24, symbol_size = elf->is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	uint64_t info, index;

	if (!relocations)
		relocations = assay_elf_section_by_name(elf, ".rel.plt");
	if (!relocations || relocations->link >= elf->section_count)
		return false;
	symbols = &elf->sections[relocations->link];
	if (!elf->is_64)
		record = relocations->type == SHT_RELA ? 12 : 8;
	if (slot >= relocations->bytes.len / record)
		return false;
	info = assay_elf_get(elf,
			     relocations->bytes.data + slot * record + (elf->is_64 ? 8 : 4),
			     elf->is_64 ? 8 : 4);
	index = elf->is_64 ? ELF64_R_SYM(info) : ELF32_R_SYM(info);
	if (index >= symbols->bytes.len / symbol_size || symbols->link >= elf->section_count)
		return false;
	return assay_elf_string(elf->sections[symbols->link].bytes,
				assay_elf_get(elf, symbols->bytes.data + index * symbol_size, 4),
				ret);
}

/* Slot n of .plt stands behind one entry for the resolver, of .plt.sec at its place. */
static bool import_at(const struct assay_elf *elf, const struct assay_elf_section *s,
		      uint64_t offset, struct assay_span *ret)
{
	uint64_t slot = offset / 16;

	if (offset % 16 != 0)
		return false;
	if (assay_span_equal_text(s->name, ".plt.sec"))
		return plt_import(elf, slot, ret);
	return assay_span_equal_text(s->name, ".plt") && slot > 0 &&
	       plt_import(elf, slot - 1, ret);
}

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
	if (import_at(m->left, a, lo, &left_name) && import_at(m->right, b, ro, &right_name))
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
	struct matcher m = { left, right, left_f, right_f };

	forget(left_f);
	forget(right_f);
	if (left->machine != right->machine || left->is_64 != right->is_64 ||
	    left->is_big != right->is_big)
		return;
	pair_named(&m);
	pair_unnamed(&m);
	for (size_t i = 0; i < left_f->count; i++)
		if (left_f->list[i].partner != ASSAY_ELF_NO_PARTNER)
			compare_pair(&m, &left_f->list[i],
				     &right_f->list[left_f->list[i].partner]);
}
