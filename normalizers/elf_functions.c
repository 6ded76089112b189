/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cuts executable sections into functions.  Sources in the order of trust: sized function symbols,
 * frame descriptions of .eh_frame (LSB 5, section 10.6), and what lies between them.
 */
#include "elf_functions.h"

#include <stdlib.h>

#include "assay/limits.h"

/* ---- .eh_frame ---- */

enum { PE_ABSPTR = 0x00, PE_UDATA4 = 0x03, PE_UDATA8 = 0x04, PE_SDATA4 = 0x0b, PE_SDATA8 = 0x0c,
       PE_FORMAT = 0x0f, PE_PCREL = 0x10, PE_APPLICATION = 0x70, PE_OMIT = 0xff };

static unsigned pointer_width(const struct assay_elf *elf, uint8_t encoding)
{
	switch (encoding & PE_FORMAT) {
	case PE_ABSPTR: return elf->is_64 ? 8 : 4;
	case PE_UDATA4:
	case PE_SDATA4: return 4;
	case PE_UDATA8:
	case PE_SDATA8: return 8;
	default: return 0;
	}
}

/* The encoding of addresses in the frame descriptions of one CIE; PE_OMIT when it is not known. */
static uint8_t cie_encoding(const struct assay_elf *elf, struct assay_span cie)
{
	struct assay_elf_cursor c = { .elf = elf, .bytes = cie };
	struct assay_span augmentation;
	uint64_t version = assay_elf_take(&c, 1);

	if (c.failed || !assay_elf_string(cie, c.at, &augmentation))
		return PE_OMIT;
	c.at += augmentation.len + 1;
	if (augmentation.len == 0)
		return PE_ABSPTR;
	if (augmentation.data[0] != 'z')
		return PE_OMIT;
	assay_elf_take_leb(&c); /* code alignment */
	assay_elf_take_leb(&c); /* data alignment: as long as the unsigned form */
	if (version == 1)
		assay_elf_take(&c, 1);
	else
		assay_elf_take_leb(&c);
	assay_elf_take_leb(&c); /* length of the augmentation */
	for (size_t i = 1; i < augmentation.len && !c.failed; i++) {
		uint8_t encoding;

		switch (augmentation.data[i]) {
		case 'R': encoding = (uint8_t)assay_elf_take(&c, 1); return c.failed ? PE_OMIT : encoding;
		case 'P':
			encoding = (uint8_t)assay_elf_take(&c, 1);
			assay_elf_take(&c, pointer_width(elf, encoding));
			break;
		case 'L': assay_elf_take(&c, 1); break;
		case 'S':
		case 'B': break;
		default: return PE_OMIT;
		}
	}
	return PE_OMIT;
}

static bool add_function(struct assay_elf_functions *f, struct assay_span name, uint32_t section,
			 uint64_t offset, uint64_t size)
{
	if (size == 0)
		return true;
	if (f->count == f->room) {
		f->truncated = true;
		return false;
	}
	f->list[f->count++] = (struct assay_elf_function){
		.name = name,
		.section = section,
		.offset = offset,
		.size = size,
		.partner = ASSAY_ELF_NO_PARTNER,
	};
	return true;
}

static bool is_executable(const struct assay_elf_section *s)
{
	return s->flags & SHF_EXECINSTR && s->loaded && s->bytes.len > 0;
}

static void add_frame(const struct assay_elf *elf, struct assay_elf_functions *f,
		      const struct assay_elf_section *frames, struct assay_elf_cursor *c, uint8_t encoding)
{
	uint64_t here = frames->address + c->at;
	unsigned width = pointer_width(elf, encoding);
	uint64_t begin, range, offset;
	uint32_t section;

	if (encoding == PE_OMIT || width == 0)
		return;
	begin = assay_elf_take(c, width);
	range = assay_elf_take(c, width);
	if (c->failed)
		return;
	if ((encoding & PE_FORMAT) == PE_SDATA4)
		begin = (uint64_t)(int64_t)(int32_t)begin;
	if ((encoding & PE_APPLICATION) == PE_PCREL)
		begin += here;
	if (!elf->is_64)
		begin &= UINT32_MAX;
	if (!assay_elf_locate(elf, begin, &section, &offset) ||
	    !is_executable(&elf->sections[section]))
		return;
	if (range > elf->sections[section].size - offset)
		range = elf->sections[section].size - offset;
	add_function(f, assay_span_of("", 0), section, offset, range);
}

static void read_frames(const struct assay_elf *elf, struct assay_elf_functions *f,
			const struct assay_elf_section *frames)
{
	struct assay_span all = frames->bytes;
	size_t last_cie = SIZE_MAX;
	uint8_t encoding = PE_OMIT;

	for (size_t at = 0; all.len - at >= 8 && !f->truncated;) {
		uint64_t length = assay_elf_get(elf, all.data + at, 4);
		uint64_t id = assay_elf_get(elf, all.data + at + 4, 4);
		struct assay_elf_cursor c = { .elf = elf, .at = at + 8 };

		if (length < 4 || length > all.len - at - 4)
			return; /* the terminator, a 64-bit record, or no record at all */
		c.bytes = assay_span_cut(all, 0, at + 4 + length);
		if (id != 0 && id <= at + 4) {
			size_t cie = at + 4 - (size_t)id;

			if (cie != last_cie && all.len - cie >= 8) {
				uint64_t cie_length = assay_elf_get(elf, all.data + cie, 4);

				encoding = cie_length < 4
						   ? PE_OMIT
						   : cie_encoding(elf,
								  assay_span_cut(all, cie + 8,
										 cie_length - 4));
				last_cie = cie;
			}
			add_frame(elf, f, frames, &c, encoding);
		}
		at += 4 + (size_t)length;
	}
}

/* ---- one table ---- */

static int compare_functions(const void *left, const void *right)
{
	const struct assay_elf_function *a = left, *b = right;

	if (a->section != b->section)
		return a->section < b->section ? -1 : 1;
	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	if ((a->name.len > 0) != (b->name.len > 0))
		return a->name.len > 0 ? -1 : 1;
	return a->size == b->size ? 0 : a->size > b->size ? -1 : 1;
}

/* Keeps what starts behind the end of the one before. */
static void drop_overlaps(struct assay_elf_functions *f)
{
	size_t kept = 0;

	qsort(f->list, f->count, sizeof(*f->list), compare_functions);
	for (size_t i = 0; i < f->count; i++) {
		const struct assay_elf_function *last = kept ? &f->list[kept - 1] : NULL;

		if (last && last->section == f->list[i].section &&
		    f->list[i].offset < last->offset + last->size)
			continue;
		f->list[kept++] = f->list[i];
	}
	f->count = kept;
}

/* What assemblers put between functions: int3, nop in its long forms, zeros. */
static bool is_filler(struct assay_span gap)
{
	static const uint8_t filler[] = { 0x00, 0x0f, 0x1f, 0x2e, 0x40, 0x44, 0x66, 0x80, 0x84, 0x90,
					  0xcc, 0xd5, 0x03, 0x20 };

	if (gap.len >= 64)
		return false;
	for (size_t i = 0; i < gap.len; i++)
		if (!memchr(filler, gap.data[i], sizeof(filler)))
			return false;
	return true;
}

static void add_gap(const struct assay_elf *elf, struct assay_elf_functions *f, uint32_t section,
		    uint64_t start, uint64_t end)
{
	struct assay_span gap = assay_span_cut(elf->sections[section].bytes, start, end - start);

	if (end > start && !is_filler(gap))
		add_function(f, assay_span_of("", 0), section, start, end - start);
}

static void add_gaps(const struct assay_elf *elf, struct assay_elf_functions *f)
{
	size_t known = f->count, next = 0;

	for (uint32_t i = 1; i < elf->section_count; i++) {
		uint64_t at = 0;

		while (next < known && f->list[next].section < i)
			next++;
		if (!is_executable(&elf->sections[i]))
			continue;
		for (; next < known && f->list[next].section == i; next++) {
			add_gap(elf, f, i, at, f->list[next].offset);
			at = f->list[next].offset + f->list[next].size;
		}
		add_gap(elf, f, i, at, elf->sections[i].bytes.len);
	}
	qsort(f->list, f->count, sizeof(*f->list), compare_functions);
}

static int compare_names(const void *left, const void *right, void *list)
{
	const struct assay_elf_function *f = list;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	int order = assay_span_compare(f[a].name, f[b].name);

	return order ? order : a < b ? -1 : a > b;
}

static void index_names(struct assay_elf_functions *f)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->list[i].name.len > 0)
			f->by_name[f->named++] = (uint32_t)i;
	qsort_r(f->by_name, f->named, sizeof(*f->by_name), compare_names, f->list);
}

/* Symbols, frames and the gaps between all of them. */
static size_t count_room(const struct assay_elf *elf)
{
	size_t room = elf->symbol_count + elf->section_count;

	for (size_t i = 1; i < elf->section_count; i++)
		if (assay_span_equal_text(elf->sections[i].name, ".eh_frame"))
			room += elf->sections[i].bytes.len / 16;
	room = 2 * room + 1;
	return room < ASSAY_MAX_ELF_FUNCTIONS ? room : ASSAY_MAX_ELF_FUNCTIONS;
}

enum assay_code assay_elf_functions_read(const struct assay_elf *elf, struct assay_arena *arena,
					 struct assay_elf_functions *ret, struct assay_error *err)
{
	struct assay_elf_functions f = { .room = count_room(elf) };

	if (elf->section_count == 0) {
		*ret = (struct assay_elf_functions){ .count = 0 };
		return ASSAY_OK;
	}
	f.list = assay_arena_alloc(arena, f.room * sizeof(*f.list));
	f.by_name = assay_arena_alloc(arena, f.room * sizeof(*f.by_name));
	if (!f.list || !f.by_name)
		return assay_fail(err, ASSAY_ELIMIT, "%zu functions: no memory left for them",
				  f.room);
	for (size_t i = 0; i < elf->symbol_count; i++) {
		const struct assay_elf_symbol *s = &elf->symbols[i];

		if (is_executable(&elf->sections[s->section]) && s->type != STT_OBJECT &&
		    s->size > 0 && add_function(&f, s->name, s->section, s->offset, s->size))
			f.list[f.count - 1].is_thumb = s->is_thumb;
	}
	for (size_t i = 1; i < elf->section_count && elf->type != ET_REL; i++)
		if (assay_span_equal_text(elf->sections[i].name, ".eh_frame"))
			read_frames(elf, &f, &elf->sections[i]);
	drop_overlaps(&f);
	add_gaps(elf, &f);
	index_names(&f);
	*ret = f;
	return ASSAY_OK;
}

uint32_t assay_elf_function_at(const struct assay_elf_functions *functions, uint32_t section,
			       uint64_t offset)
{
	size_t low = 0, high = functions->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct assay_elf_function *f = &functions->list[middle];

		if (f->section < section || (f->section == section && f->offset <= offset))
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || functions->list[low - 1].section != section ||
	    offset - functions->list[low - 1].offset >= functions->list[low - 1].size)
		return ASSAY_ELF_NO_PARTNER;
	return (uint32_t)(low - 1);
}
