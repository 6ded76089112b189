/* SPDX-License-Identifier: Apache-2.0 */
/* The symbols of all members are read once; the index and the order of definitions are judged by that list. */
#include "ar_index.h"

#include <stdlib.h>

#include "assay/limits.h"
#include "elf_read.h"
#include "rows.h"

struct index_walk {
	struct assay_span offsets, names;
	unsigned width; /* of an offset */
	uint64_t left;
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

/* ---- what the members define ----------------------------------------------------------------------- */

static enum assay_code add_symbol(struct ar_symbols *all, struct assay_span name, size_t member,
				  struct assay_error *err)
{
	if (all->count == all->room) {
		size_t room = all->room ? 2 * all->room : 256;
		void *bigger = reallocarray(all->list, room, sizeof(*all->list));

		if (!bigger)
			return assay_fail(err, ASSAY_ENOMEM, "symbols: out of memory");
		all->list = bigger;
		all->room = room;
	}
	all->list[all->count++] = (struct ar_symbol){ name, member };
	return ASSAY_OK;
}

static enum assay_code read_table(const struct assay_elf *elf, const struct assay_elf_section *table,
				  size_t member, struct ar_symbols *all, struct assay_error *err)
{
	size_t entry = elf->is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	size_t info = elf->is_64 ? offsetof(Elf64_Sym, st_info) : offsetof(Elf32_Sym, st_info);
	size_t shndx = elf->is_64 ? offsetof(Elf64_Sym, st_shndx) : offsetof(Elf32_Sym, st_shndx);

	all->told = table->link < elf->section_count;
	for (size_t at = entry; all->told && table->bytes.len >= entry && at <= table->bytes.len - entry;
	     at += entry) {
		const uint8_t *p = table->bytes.data + at;
		unsigned binding = p[info] >> 4;
		struct assay_span name;

		if ((binding != STB_GLOBAL && binding != STB_WEAK && binding != STB_GNU_UNIQUE) ||
		    assay_elf_get(elf, p + shndx, 2) == SHN_UNDEF)
			continue;
		all->told = assay_elf_string(elf->sections[table->link].bytes, assay_elf_get(elf, p, 4),
					     &name);
		if (all->told && add_symbol(all, name, member, err))
			return err->code;
	}
	return ASSAY_OK;
}

static enum assay_code read_member(struct assay_span bytes, size_t member, struct assay_arena *arena,
				   struct ar_symbols *all, struct assay_error *err)
{
	struct assay_error ignored = ASSAY_ERROR_INIT;
	struct assay_elf elf;

	if (!assay_elf_is(bytes))
		return ASSAY_OK; /* contributes no symbols, as to ranlib */
	if (assay_elf_read(bytes, arena, &elf, &ignored) || elf.defect || elf.truncated)
		all->told = false;
	for (size_t i = 0; all->told && i < elf.section_count; i++) {
		/* compiler bitcode: what it defines only the linker's plugin knows */
		if (assay_span_starts(elf.sections[i].name, ".gnu.lto_") ||
		    assay_span_starts(elf.sections[i].name, ".llvm.lto"))
			all->told = false;
		else if (elf.sections[i].type == SHT_SYMTAB &&
			 read_table(&elf, &elf.sections[i], member, all, err))
			return err->code;
	}
	return ASSAY_OK;
}

enum assay_code ar_symbols_read(const struct ar_definer *members, size_t count, struct ar_symbols *ret,
				struct assay_error *err)
{
	struct assay_arena arena = ASSAY_ARENA_INIT(ASSAY_MAX_TREE);

	*ret = (struct ar_symbols){ .first = calloc(count + 1, sizeof(*ret->first)), .told = true };
	if (!ret->first)
		return assay_fail(err, ASSAY_ENOMEM, "symbols: out of memory");
	for (size_t i = 0; ret->told && i < count; i++) {
		if (read_member(members[i].bytes, i, &arena, ret, err))
			break;
		ret->first[i + 1] = ret->count;
		assay_arena_release(&arena);
	}
	assay_arena_release(&arena);
	if (err->code)
		ar_symbols_release(ret);
	return err->code;
}

void ar_symbols_release(struct ar_symbols *symbols)
{
	free(symbols->list);
	free(symbols->first);
	*symbols = (struct ar_symbols){ 0 };
}

bool ar_index_is_true(struct assay_span name, struct assay_span index, const struct ar_definer *members,
		      const struct ar_symbols *symbols)
{
	struct index_walk walk = { .width = 0 };

	if (!symbols->told || !index_open(name, index, &walk))
		return false;
	for (size_t i = 0; i < symbols->count; i++)
		if (!index_has_next(&walk, symbols->list[i].name,
				    members[symbols->list[i].member].offset))
			return false;
	/* ranlib pads the names to an even size with one NUL */
	return walk.left == 0 && (walk.names.len == 0 || (walk.names.len == 1 && walk.names.data[0] == 0));
}

/* ---- symbols that several members define ----------------------------------------------------------- */

struct definition {
	struct assay_span symbol;
	size_t place, member;
};

static int by_symbol(const void *a, const void *b)
{
	const struct definition *x = a, *y = b;
	int order = assay_span_compare(x->symbol, y->symbol);

	return order ? order : (x->place > y->place) - (x->place < y->place);
}

static struct definition *definitions_by_symbol(const struct ar_symbols *symbols, const size_t *order,
						size_t count)
{
	struct definition *list = calloc(symbols->count + 1, sizeof(*list));
	size_t used = 0;

	for (size_t place = 0; list && place < count; place++)
		for (size_t i = symbols->first[order[place]]; i < symbols->first[order[place] + 1]; i++)
			list[used++] = (struct definition){ symbols->list[i].name, place, order[place] };
	if (list && used)
		qsort(list, used, sizeof(*list), by_symbol);
	return list;
}

static void add_text(struct assay_hasher *hasher, struct assay_span text)
{
	assay_hasher_add(hasher, text.data, text.len);
	assay_hasher_add(hasher, "", 1);
}

/* The number of symbols with two definers. */
static size_t hash_rivals(const struct definition *list, size_t count, const struct ar_definer *members,
			  struct assay_hasher *hasher)
{
	size_t rivals = 0;

	for (size_t i = 0; i + 1 < count; i++) {
		bool first = i == 0 || !assay_span_equal(list[i - 1].symbol, list[i].symbol);
		size_t last = i + 1;

		while (last < count && assay_span_equal(list[last].symbol, list[i].symbol))
			last++;
		if (!first || list[last - 1].member == list[i].member)
			continue;
		add_text(hasher, list[i].symbol);
		add_text(hasher, members[list[i].member].name);
		rivals++;
		i = last - 1;
	}
	return rivals;
}

enum assay_code ar_first_definitions(const struct ar_definer *members, size_t count,
				     const struct ar_symbols *symbols, const size_t *order,
				     char out[ASSAY_DIGEST_TEXT], struct assay_error *err)
{
	struct assay_hasher *hasher = assay_hasher_new();
	struct definition *list = symbols->told ? definitions_by_symbol(symbols, order, count) : NULL;
	struct assay_digest digest;

	out[0] = '\0';
	if (!hasher || (symbols->told && !list)) {
		assay_hasher_free(hasher);
		free(list);
		return assay_fail(err, ASSAY_ENOMEM, "symbols: out of memory");
	}
	for (size_t i = 0; !symbols->told && i < count; i++)
		add_text(hasher, members[order[i]].name);
	if (list ? hash_rivals(list, symbols->count, members, hasher) > 0 : count > 1) {
		assay_hasher_end(hasher, &digest);
		assay_digest_hex(&digest, out);
	}
	assay_hasher_free(hasher);
	free(list);
	return ASSAY_OK;
}
