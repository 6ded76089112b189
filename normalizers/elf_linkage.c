/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of addresses (dynamic section, dynamic symbols, GOT, relocations) that differ only because
 * the parts they point to stand elsewhere: every word that differs must lead to the same offset of
 * the section of the same name, or to the same string.
 */
#include "elf_story.h"

bool assay_elf_same_target(const struct assay_elf *left, uint64_t a,
			   const struct assay_elf *right, uint64_t b)
{
	uint32_t left_section, right_section;
	uint64_t left_offset, right_offset;

	return assay_elf_locate(left, a, &left_section, &left_offset) &&
	       assay_elf_locate(right, b, &right_section, &right_offset) &&
	       left_offset == right_offset &&
	       assay_span_equal(left->sections[left_section].name,
				right->sections[right_section].name);
}

static bool same_words(const struct assay_elf *left, struct assay_span a,
		       const struct assay_elf *right, struct assay_span b)
{
	unsigned width = left->is_64 ? 8 : 4;
	size_t at;

	for (at = 0; at + width <= a.len; at += width) {
		uint64_t x = assay_elf_get(left, a.data + at, width);
		uint64_t y = assay_elf_get(right, b.data + at, width);

		if (x != y && !assay_elf_same_target(left, x, right, y))
			return false;
	}
	return memcmp(a.data + at, b.data + at, a.len - at) == 0;
}

/* The string of the table that a section links to. */
static bool linked_string(const struct assay_elf *elf, const struct assay_elf_section *s,
			  uint64_t offset, struct assay_span *ret)
{
	return s->link < elf->section_count &&
	       assay_elf_string(elf->sections[s->link].bytes, offset, ret);
}

static bool same_string(const struct assay_elf *left, const struct assay_elf_section *a, uint64_t x,
			const struct assay_elf *right, const struct assay_elf_section *b, uint64_t y)
{
	struct assay_span l, r;

	return linked_string(left, a, x, &l) && linked_string(right, b, y, &r) &&
	       assay_span_equal(l, r);
}

/* One entry of the dynamic section.  A search path is a difference of the string table. */
static bool same_dynamic(const struct assay_elf *left, const struct assay_elf_section *a,
			 const struct assay_elf *right, const struct assay_elf_section *b,
			 uint64_t tag, uint64_t x, uint64_t y)
{
	if (x == y || tag == DT_RPATH || tag == DT_RUNPATH)
		return true;
	if (tag == DT_NEEDED || tag == DT_SONAME)
		return same_string(left, a, x, right, b, y);
	if (tag == DT_STRSZ)
		return a->link < left->section_count && b->link < right->section_count &&
		       x == left->sections[a->link].size && y == right->sections[b->link].size;
	return assay_elf_same_target(left, x, right, y);
}

static bool same_dynamics(const struct assay_elf *left, const struct assay_elf_section *a,
			  const struct assay_elf *right, const struct assay_elf_section *b)
{
	unsigned width = left->is_64 ? 8 : 4;

	for (size_t at = 0; at + 2 * width <= a->bytes.len; at += 2 * width) {
		uint64_t tag = assay_elf_get(left, a->bytes.data + at, width);

		if (tag != assay_elf_get(right, b->bytes.data + at, width) ||
		    !same_dynamic(left, a, right, b, tag,
				  assay_elf_get(left, a->bytes.data + at + width, width),
				  assay_elf_get(right, b->bytes.data + at + width, width)))
			return false;
	}
	return a->bytes.len % (2 * width) == 0;
}

/* Elf64_Sym and Elf32_Sym: everything equal but the place of the name, the address and the number of
 * the section. */
static bool same_symbol(const struct assay_elf *left, const struct assay_elf_section *l,
			const uint8_t *a, const struct assay_elf *right,
			const struct assay_elf_section *r, const uint8_t *b)
{
	uint64_t left_name = assay_elf_get(left, a, 4), right_name = assay_elf_get(right, b, 4);
	unsigned value_at = left->is_64 ? offsetof(Elf64_Sym, st_value)
					: offsetof(Elf32_Sym, st_value);
	unsigned index_at = left->is_64 ? offsetof(Elf64_Sym, st_shndx)
					: offsetof(Elf32_Sym, st_shndx);
	unsigned width = left->is_64 ? 8 : 4;
	unsigned size = left->is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	uint64_t x = assay_elf_get(left, a + value_at, width);
	uint64_t y = assay_elf_get(right, b + value_at, width);
	uint64_t i = assay_elf_get(left, a + index_at, 2), k = assay_elf_get(right, b + index_at, 2);

	if (left_name != right_name && !same_string(left, l, left_name, right, r, right_name))
		return false;
	for (unsigned at = 4; at < size; at++)
		if (a[at] != b[at] && !(at >= value_at && at < value_at + width) &&
		    !(at >= index_at && at < index_at + 2))
			return false;
	if (i != k && (i >= left->section_count || k >= right->section_count ||
		       !assay_span_equal(left->sections[i].name, right->sections[k].name)))
		return false;
	return x == y || assay_elf_same_target(left, x, right, y);
}

bool assay_elf_linkage_moved(const struct assay_elf *left, const struct assay_elf_section *a,
			     const struct assay_elf *right, const struct assay_elf_section *b)
{
	size_t size = left->is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);

	if (left->is_64 != right->is_64 || left->is_big != right->is_big ||
	    a->bytes.len != b->bytes.len || a->type != b->type || a->bytes.len == 0)
		return false;
	if (a->type == SHT_DYNAMIC && same_dynamics(left, a, right, b))
		return true;
	if (a->type != SHT_DYNSYM)
		return same_words(left, a->bytes, right, b->bytes);
	for (size_t at = 0; at + size <= a->bytes.len; at += size)
		if (!same_symbol(left, a, a->bytes.data + at, right, b,
				 b->bytes.data + at))
			return false;
	return a->bytes.len % size == 0;
}
