/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the members and the index side by side; the first disagreement ends it. */
#include "ar_index.h"

#include "assay/limits.h"
#include "elf_read.h"

#define MAGIC_SIZE 8
#define HEADER_SIZE 60

struct index_walk {
	struct assay_span offsets, names;
	unsigned width; /* of an offset */
	uint64_t left;
};

static uint64_t be(const uint8_t *p, unsigned width)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < width; i++)
		value = value << 8 | p[i];
	return value;
}

static bool index_open(struct assay_span name, struct assay_span index, struct index_walk *ret)
{
	if (assay_span_equal_text(name, "/"))
		ret->width = 4;
	else if (assay_span_equal_text(name, "/SYM64/"))
		ret->width = 8;
	else
		return false;
	if (index.len < ret->width)
		return false;
	ret->left = be(index.data, ret->width);
	if (ret->left > (index.len - ret->width) / ret->width)
		return false;
	ret->offsets = assay_span_cut(index, ret->width, ret->left * ret->width);
	ret->names = assay_span_cut(index, ret->width * (ret->left + 1), SIZE_MAX);
	return true;
}

/* The next entry of the index is this symbol of the member at this offset. */
static bool index_has_next(struct index_walk *walk, struct assay_span symbol, uint64_t member)
{
	size_t len = strnlen((const char *)walk->names.data, walk->names.len);

	if (walk->left == 0 || len == walk->names.len || be(walk->offsets.data, walk->width) != member)
		return false;
	if (!assay_span_equal(assay_span_cut(walk->names, 0, len), symbol))
		return false;
	walk->left--;
	walk->offsets = assay_span_cut(walk->offsets, walk->width, SIZE_MAX);
	walk->names = assay_span_cut(walk->names, len + 1, SIZE_MAX);
	return true;
}

static bool symbols_agree(const struct assay_elf *elf, const struct assay_elf_section *table,
			  struct index_walk *walk, uint64_t member)
{
	size_t entry = elf->is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	size_t info = elf->is_64 ? offsetof(Elf64_Sym, st_info) : offsetof(Elf32_Sym, st_info);
	size_t shndx = elf->is_64 ? offsetof(Elf64_Sym, st_shndx) : offsetof(Elf32_Sym, st_shndx);

	if (table->link >= elf->section_count)
		return false;
	for (size_t at = entry; table->bytes.len >= entry && at <= table->bytes.len - entry; at += entry) {
		const uint8_t *p = table->bytes.data + at;
		unsigned binding = p[info] >> 4;
		struct assay_span name;

		if ((binding != STB_GLOBAL && binding != STB_WEAK && binding != STB_GNU_UNIQUE) ||
		    assay_elf_get(elf, p + shndx, 2) == SHN_UNDEF)
			continue;
		if (!assay_elf_string(elf->sections[table->link].bytes, assay_elf_get(elf, p, 4), &name) ||
		    !index_has_next(walk, name, member))
			return false;
	}
	return true;
}

static bool member_agrees(struct assay_span bytes, struct index_walk *walk, uint64_t member)
{
	struct assay_arena arena = ASSAY_ARENA_INIT(ASSAY_MAX_TREE);
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_elf elf;
	bool agrees = true;

	if (!assay_elf_is(bytes))
		return true; /* contributes no symbols, as to ranlib */
	if (assay_elf_read(bytes, &arena, &elf, &err) || elf.defect || elf.truncated)
		agrees = false;
	for (size_t i = 0; agrees && i < elf.section_count; i++) {
		/* compiler bitcode: what it defines only the linker's plugin knows */
		if (assay_span_starts(elf.sections[i].name, ".gnu.lto_") ||
		    assay_span_starts(elf.sections[i].name, ".llvm.lto"))
			agrees = false;
		else if (elf.sections[i].type == SHT_SYMTAB)
			agrees = symbols_agree(&elf, &elf.sections[i], walk, member);
	}
	assay_arena_release(&arena);
	return agrees;
}

static bool is_special(struct assay_span name)
{
	return name.data[0] == '/' && !(name.data[1] >= '0' && name.data[1] <= '9');
}

bool ar_index_is_true(struct assay_span file, struct assay_span name, struct assay_span index)
{
	struct index_walk walk = { .width = 0 };
	uint64_t at = MAGIC_SIZE;

	if (!index_open(name, index, &walk))
		return false;
	while (at < file.len) {
		struct assay_span head = assay_span_cut(file, at, HEADER_SIZE);
		uint64_t size;

		if (head.len < HEADER_SIZE ||
		    !assay_span_parse_u64(assay_span_trim(assay_span_cut(head, 48, 10)), &size) ||
		    size > file.len - at - HEADER_SIZE)
			return false;
		if (!is_special(head) &&
		    !member_agrees(assay_span_cut(file, at + HEADER_SIZE, size), &walk, at))
			return false;
		at += HEADER_SIZE + size + size % 2;
	}
	/* ranlib pads the names to an even size with one NUL */
	return walk.left == 0 && (walk.names.len == 0 || (walk.names.len == 1 && walk.names.data[0] == 0));
}
