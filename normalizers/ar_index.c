/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the members and the index side by side; the first disagreement ends it. */
#include "ar_index.h"

#include <stdlib.h>

#include "assay/limits.h"
#include "elf_read.h"
#include "rows.h"

#define MAGIC_SIZE 8
#define HEADER_SIZE 60

struct index_walk {
	struct assay_span offsets, names;
	unsigned width; /* of an offset */
	uint64_t left;
	uint64_t member; /* offset of the one that is looked at */
};

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
	ret->left = assay_rows_number(index, 0, ret->width, true);
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

	if (walk->left == 0 || len == walk->names.len ||
	    assay_rows_number(walk->offsets, 0, walk->width, true) != member)
		return false;
	if (!assay_span_equal(assay_span_cut(walk->names, 0, len), symbol))
		return false;
	walk->left--;
	walk->offsets = assay_span_cut(walk->offsets, walk->width, SIZE_MAX);
	walk->names = assay_span_cut(walk->names, len + 1, SIZE_MAX);
	return true;
}

static bool each_symbol(const struct assay_elf *elf, const struct assay_elf_section *table,
			ar_symbol_use *use, void *data)
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
		    !use(data, name))
			return false;
	}
	return true;
}

bool ar_index_symbols(struct assay_span member, ar_symbol_use *use, void *data)
{
	struct assay_arena arena = ASSAY_ARENA_INIT(ASSAY_MAX_TREE);
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_elf elf;
	bool told = true;

	if (!assay_elf_is(member))
		return true; /* contributes no symbols, as to ranlib */
	if (assay_elf_read(member, &arena, &elf, &err) || elf.defect || elf.truncated)
		told = false;
	for (size_t i = 0; told && i < elf.section_count; i++) {
		/* compiler bitcode: what it defines only the linker's plugin knows */
		if (assay_span_starts(elf.sections[i].name, ".gnu.lto_") ||
		    assay_span_starts(elf.sections[i].name, ".llvm.lto"))
			told = false;
		else if (elf.sections[i].type == SHT_SYMTAB)
			told = each_symbol(&elf, &elf.sections[i], use, data);
	}
	assay_arena_release(&arena);
	return told;
}

/* The next entry of the index is this symbol of the member that is looked at. */
static bool is_next(void *data, struct assay_span symbol)
{
	struct index_walk *walk = data;

	return index_has_next(walk, symbol, walk->member);
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
		walk.member = at;
		if (!is_special(head) &&
		    !ar_index_symbols(assay_span_cut(file, at + HEADER_SIZE, size), is_next, &walk))
			return false;
		at += HEADER_SIZE + size + size % 2;
	}
	/* ranlib pads the names to an even size with one NUL */
	return walk.left == 0 && (walk.names.len == 0 || (walk.names.len == 1 && walk.names.data[0] == 0));
}

/* ---- symbols that several members define ----------------------------------------------------------- */

struct definition {
	struct assay_span symbol;
	size_t member;
};

struct definitions {
	struct definition *list;
	size_t count, room, member;
	bool failed;
};

static bool add_definition(void *data, struct assay_span symbol)
{
	struct definitions *d = data;

	if (d->count == d->room) {
		size_t room = d->room ? 2 * d->room : 256;
		void *bigger = reallocarray(d->list, room, sizeof(*d->list));

		d->failed = !bigger;
		if (d->failed)
			return false;
		d->list = bigger;
		d->room = room;
	}
	d->list[d->count++] = (struct definition){ symbol, d->member };
	return true;
}

static int by_symbol(const void *a, const void *b)
{
	const struct definition *x = a, *y = b;
	int order = assay_span_compare(x->symbol, y->symbol);

	return order ? order : (x->member > y->member) - (x->member < y->member);
}

static void add_text(struct assay_hasher *hasher, struct assay_span text)
{
	assay_hasher_add(hasher, text.data, text.len);
	assay_hasher_add(hasher, "", 1);
}

/* The number of symbols with two definers. */
static size_t hash_rivals(const struct definitions *d, const struct ar_definer *members,
			  struct assay_hasher *hasher)
{
	size_t rivals = 0;

	for (size_t i = 0; i + 1 < d->count; i++) {
		bool first = i == 0 || !assay_span_equal(d->list[i - 1].symbol, d->list[i].symbol);
		size_t last = i + 1;

		while (last < d->count && assay_span_equal(d->list[last].symbol, d->list[i].symbol))
			last++;
		if (!first || d->list[last - 1].member == d->list[i].member)
			continue;
		add_text(hasher, d->list[i].symbol);
		add_text(hasher, members[d->list[i].member].name);
		rivals++;
		i = last - 1;
	}
	return rivals;
}

enum assay_code ar_first_definitions(const struct ar_definer *members, size_t count,
				     char out[ASSAY_DIGEST_TEXT], struct assay_error *err)
{
	struct assay_hasher *hasher = assay_hasher_new();
	struct definitions d = { 0 };
	struct assay_digest digest;
	bool told = true;

	out[0] = '\0';
	for (; told && d.member < count; d.member++)
		told = ar_index_symbols(members[d.member].bytes, add_definition, &d);
	if (!hasher || d.failed) {
		assay_hasher_free(hasher);
		free(d.list);
		return assay_fail(err, ASSAY_ENOMEM, "symbols: out of memory");
	}
	if (told && d.count)
		qsort(d.list, d.count, sizeof(*d.list), by_symbol);
	for (size_t i = 0; !told && i < count; i++)
		add_text(hasher, members[i].name);
	if (told ? hash_rivals(&d, members, hasher) > 0 : count > 1) {
		assay_hasher_end(hasher, &digest);
		assay_digest_hex(&digest, out);
	}
	assay_hasher_free(hasher);
	free(d.list);
	return ASSAY_OK;
}
