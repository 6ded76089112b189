/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of addresses (dynamic section, dynamic symbols, GOT, relocations) that differ only because
 * the parts they point to stand elsewhere: every word that differs must lead to the same offset of
 * the section of the same name.
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

/* Elf64_Sym and Elf32_Sym: everything equal but the address and the number of the section. */
static bool same_symbol(const struct assay_elf *left, const uint8_t *a,
			const struct assay_elf *right, const uint8_t *b)
{
	unsigned value_at = left->is_64 ? offsetof(Elf64_Sym, st_value)
					: offsetof(Elf32_Sym, st_value);
	unsigned index_at = left->is_64 ? offsetof(Elf64_Sym, st_shndx)
					: offsetof(Elf32_Sym, st_shndx);
	unsigned width = left->is_64 ? 8 : 4;
	unsigned size = left->is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	uint64_t x = assay_elf_get(left, a + value_at, width);
	uint64_t y = assay_elf_get(right, b + value_at, width);
	uint64_t i = assay_elf_get(left, a + index_at, 2), k = assay_elf_get(right, b + index_at, 2);

	for (unsigned at = 0; at < size; at++)
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
	if (a->type != SHT_DYNSYM)
		return same_words(left, a->bytes, right, b->bytes);
	for (size_t at = 0; at + size <= a->bytes.len; at += size)
		if (!same_symbol(left, a->bytes.data + at, right, b->bytes.data + at))
			return false;
	return a->bytes.len % size == 0;
}
