/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the tables of an ELF file without believing any of them.  The two classes and byte orders
 * are handled by one table of field positions instead of four sets of structures.
 */
#include "elf_read.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "assay/limits.h"

/* Position and width of one field in its structure. */
struct field {
	uint8_t at, width;
};

#define FIELD(type, member) { offsetof(type, member), sizeof(((type *)NULL)->member) }
#define BOTH(kind, member) { FIELD(Elf32_##kind, member), FIELD(Elf64_##kind, member) }

enum header_field { H_ENTRY, H_TYPE, H_MACHINE, H_PHOFF, H_SHOFF, H_EHSIZE, H_PHENTSIZE, H_PHNUM,
		    H_SHENTSIZE, H_SHNUM, H_SHSTRNDX };
static const struct field header_fields[][2] = {
	BOTH(Ehdr, e_entry),
	BOTH(Ehdr, e_type),   BOTH(Ehdr, e_machine),   BOTH(Ehdr, e_phoff), BOTH(Ehdr, e_shoff),
	BOTH(Ehdr, e_ehsize), BOTH(Ehdr, e_phentsize), BOTH(Ehdr, e_phnum), BOTH(Ehdr, e_shentsize),
	BOTH(Ehdr, e_shnum),  BOTH(Ehdr, e_shstrndx),
};

enum section_field { S_NAME, S_TYPE, S_FLAGS, S_ADDR, S_OFFSET, S_SIZE, S_LINK, S_INFO, S_ALIGN,
		     S_ENTSIZE };
static const struct field section_fields[][2] = {
	BOTH(Shdr, sh_name),   BOTH(Shdr, sh_type), BOTH(Shdr, sh_flags), BOTH(Shdr, sh_addr),
	BOTH(Shdr, sh_offset), BOTH(Shdr, sh_size), BOTH(Shdr, sh_link),  BOTH(Shdr, sh_info),
	BOTH(Shdr, sh_addralign), BOTH(Shdr, sh_entsize),
};

enum segment_field { P_TYPE, P_FLAGS, P_OFFSET, P_VADDR, P_FILESZ, P_MEMSZ };
static const struct field segment_fields[][2] = {
	BOTH(Phdr, p_type),  BOTH(Phdr, p_flags),  BOTH(Phdr, p_offset),
	BOTH(Phdr, p_vaddr), BOTH(Phdr, p_filesz), BOTH(Phdr, p_memsz),
};

enum symbol_field { Y_NAME, Y_INFO, Y_SHNDX, Y_VALUE, Y_SIZE };
static const struct field symbol_fields[][2] = {
	BOTH(Sym, st_name),  BOTH(Sym, st_info), BOTH(Sym, st_shndx),
	BOTH(Sym, st_value), BOTH(Sym, st_size),
};

/* One load and one turn of bytes for the widths that there are: symbol tables are read by the million. */
uint64_t assay_elf_get(const struct assay_elf *elf, const uint8_t *at, unsigned width)
{
	uint64_t raw = 0;

	switch (width) {
	case 2:
		memcpy(&raw, at, 2);
		break;
	case 4:
		memcpy(&raw, at, 4);
		break;
	case 8:
		memcpy(&raw, at, 8);
		break;
	default:
		memcpy(&raw, at, width);
	}
	return elf->is_big ? be64toh(raw) >> (64 - 8 * width) : le64toh(raw);
}

static uint64_t get(const struct assay_elf *elf, const uint8_t *record, const struct field f[2])
{
	return assay_elf_get(elf, record + f[elf->is_64].at, f[elf->is_64].width);
}

static void note_defect(struct assay_elf *elf, const char *what, uint64_t offset)
{
	if (!elf->defect) {
		elf->defect = what;
		elf->defect_offset = offset;
	}
}

bool assay_elf_is(struct assay_span file)
{
	return file.len >= EI_NIDENT && memcmp(file.data, ELFMAG, SELFMAG) == 0 &&
	       (file.data[EI_CLASS] == ELFCLASS32 || file.data[EI_CLASS] == ELFCLASS64) &&
	       (file.data[EI_DATA] == ELFDATA2LSB || file.data[EI_DATA] == ELFDATA2MSB);
}

bool assay_elf_string(struct assay_span table, uint64_t offset, struct assay_span *ret)
{
	const uint8_t *end;

	if (offset >= table.len)
		return false;
	end = memchr(table.data + offset, 0, table.len - offset);
	if (!end)
		return false;
	*ret = assay_span_of(table.data + offset, (size_t)(end - table.data) - offset);
	return true;
}

/* count records of size bytes at offset, or NULL when the file does not hold them all */
static const uint8_t *table_at(const struct assay_elf *elf, uint64_t offset, uint64_t count,
			       uint64_t size, size_t least)
{
	uint64_t total;

	if (size < least || __builtin_mul_overflow(count, size, &total) ||
	    offset > elf->file.len || total > elf->file.len - offset)
		return NULL;
	return elf->file.data + offset;
}

static enum assay_code read_segments(struct assay_elf *elf, uint64_t count,
				     struct assay_arena *arena, struct assay_error *err)
{
	size_t least = elf->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	const uint8_t *at = table_at(elf, elf->segment_table, count, elf->segment_entry, least);

	if (!at || count == 0) {
		if (count > 0)
			note_defect(elf, "the program header table lies outside the file",
				    elf->segment_table);
		return ASSAY_OK;
	}
	elf->segments = assay_arena_alloc(arena, (size_t)count * sizeof(*elf->segments));
	if (!elf->segments)
		return assay_fail(err, ASSAY_ELIMIT, "%llu program headers: no memory left for them",
				  (unsigned long long)count);
	for (uint64_t i = 0; i < count; i++, at += elf->segment_entry) {
		struct assay_elf_segment *s = &elf->segments[i];

		s->type = (uint32_t)get(elf, at, segment_fields[P_TYPE]);
		s->flags = (uint32_t)get(elf, at, segment_fields[P_FLAGS]);
		s->offset = get(elf, at, segment_fields[P_OFFSET]);
		s->address = get(elf, at, segment_fields[P_VADDR]);
		s->file_size = get(elf, at, segment_fields[P_FILESZ]);
		s->memory_size = get(elf, at, segment_fields[P_MEMSZ]);
	}
	elf->segment_count = (size_t)count;
	return ASSAY_OK;
}

static bool lies_in_load(const struct assay_elf *elf, uint64_t offset, uint64_t size)
{
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct assay_elf_segment *s = &elf->segments[i];
		uint64_t end = s->offset + s->file_size;

		if (s->type == PT_LOAD && s->file_size > 0 && end >= s->offset &&
		    offset < end && offset + size > s->offset)
			return true;
	}
	return false;
}

static void read_section(struct assay_elf *elf, const uint8_t *at, struct assay_elf_section *s)
{
	s->type = (uint32_t)get(elf, at, section_fields[S_TYPE]);
	s->flags = get(elf, at, section_fields[S_FLAGS]);
	s->address = get(elf, at, section_fields[S_ADDR]);
	s->offset = get(elf, at, section_fields[S_OFFSET]);
	s->size = get(elf, at, section_fields[S_SIZE]);
	s->link = (uint32_t)get(elf, at, section_fields[S_LINK]);
	s->info = (uint32_t)get(elf, at, section_fields[S_INFO]);
	s->align = get(elf, at, section_fields[S_ALIGN]);
	s->entry_size = get(elf, at, section_fields[S_ENTSIZE]);
	s->loaded = s->flags & SHF_ALLOC;
	if (s->type == SHT_NOBITS || s->type == SHT_NULL || s->size == 0)
		return;
	if (s->offset > elf->file.len || s->size > elf->file.len - s->offset) {
		note_defect(elf, "a section lies outside the file", s->offset);
		return;
	}
	s->bytes = assay_span_of(elf->file.data + s->offset, (size_t)s->size);
	s->loaded |= lies_in_load(elf, s->offset, s->size);
}

/* Linkers lay sections out one behind the other.  Where thousands share their bytes, each is work of its own. */
static void bound_overlaps(struct assay_elf *elf)
{
	uint64_t left = ASSAY_MAX_ELF_OVERLAP * (uint64_t)elf->file.len;

	for (size_t i = 0; i < elf->section_count; i++) {
		struct assay_elf_section *s = &elf->sections[i];

		if (s->bytes.len > left) {
			note_defect(elf, "sections overlap without end", s->offset);
			elf->truncated = true;
			s->bytes = assay_span_of(NULL, 0);
		}
		left -= s->bytes.len;
	}
}

/* Section numbers that do not fit 16 bits stand in section 0 (extended section numbering). */
static enum assay_code read_sections(struct assay_elf *elf, uint64_t count, uint64_t names,
				     struct assay_arena *arena, struct assay_error *err)
{
	size_t least = elf->is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	const uint8_t *at;

	if (elf->section_table == 0)
		return ASSAY_OK;
	at = table_at(elf, elf->section_table, 1, elf->section_entry, least);
	if (at && count == 0)
		count = get(elf, at, section_fields[S_SIZE]);
	if (at && names == SHN_XINDEX)
		names = get(elf, at, section_fields[S_LINK]);
	at = table_at(elf, elf->section_table, count, elf->section_entry, least);
	if (!at) {
		note_defect(elf, "the section header table lies outside the file",
			    elf->section_table);
		return ASSAY_OK;
	}
	if (count > ASSAY_MAX_ELF_SECTIONS) {
		count = ASSAY_MAX_ELF_SECTIONS;
		elf->truncated = true;
	}
	elf->sections = assay_arena_alloc(arena, (size_t)count * sizeof(*elf->sections));
	if (!elf->sections)
		return assay_fail(err, ASSAY_ELIMIT, "%llu sections: no memory left for them",
				  (unsigned long long)count);
	elf->section_count = (size_t)count;
	for (size_t i = 0; i < elf->section_count; i++)
		read_section(elf, at + i * elf->section_entry, &elf->sections[i]);
	bound_overlaps(elf);
	for (size_t i = 1; i < elf->section_count && names < elf->section_count; i++)
		if (!assay_elf_string(elf->sections[names].bytes,
				      get(elf, at + i * elf->section_entry, section_fields[S_NAME]),
				      &elf->sections[i].name))
			note_defect(elf, "a section name lies outside the table of names",
				    elf->section_table + i * elf->section_entry);
	return ASSAY_OK;
}

static int compare_symbols(const void *left, const void *right)
{
	const struct assay_elf_symbol *a = left, *b = right;

	if (a->section != b->section)
		return a->section < b->section ? -1 : 1;
	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	if (a->size != b->size)
		return a->size > b->size ? -1 : 1; /* the outermost first */
	if (a->global != b->global)
		return a->global ? -1 : 1;
	return assay_span_compare(a->name, b->name);
}

/* ARM and RISC-V mark code and data with symbols such as $x and $d that name nothing. */
static bool is_mapping_symbol(struct assay_span name)
{
	return name.len >= 2 && name.data[0] == '$' && (name.len == 2 || name.data[2] == '.');
}

static bool read_symbol(const struct assay_elf *elf, const uint8_t *at, struct assay_span names,
			struct assay_elf_symbol *ret)
{
	uint64_t info = get(elf, at, symbol_fields[Y_INFO]);
	uint64_t section = get(elf, at, symbol_fields[Y_SHNDX]);
	uint64_t value = get(elf, at, symbol_fields[Y_VALUE]);
	const struct assay_elf_section *s;

	ret->type = (uint8_t)ELF64_ST_TYPE(info);
	if (ret->type > STT_FUNC && ret->type != STT_GNU_IFUNC)
		return false; /* STT_SECTION, STT_FILE, STT_TLS: no bytes of their own */
	if (section == SHN_UNDEF || section >= SHN_LORESERVE || section >= elf->section_count)
		return false;
	s = &elf->sections[section];
	if (elf->type != ET_REL) {
		if (value < s->address)
			return false;
		value -= s->address;
	}
	ret->is_thumb = elf->machine == EM_ARM && ret->type == STT_FUNC && (value & 1);
	if (ret->is_thumb)
		value--;
	if (value >= s->size || !s->bytes.data ||
	    !assay_elf_string(names, get(elf, at, symbol_fields[Y_NAME]), &ret->name) ||
	    ret->name.len == 0 || is_mapping_symbol(ret->name))
		return false;
	ret->section = (uint32_t)section;
	ret->offset = value;
	ret->size = get(elf, at, symbol_fields[Y_SIZE]);
	ret->global = ELF64_ST_BIND(info) != STB_LOCAL;
	ret->sized = ret->size > 0;
	if (ret->size > s->size - value)
		ret->size = s->size - value;
	return true;
}

static void read_symbol_table(struct assay_elf *elf, const struct assay_elf_section *table,
			      size_t room)
{
	size_t least = elf->is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	uint64_t entry = table->entry_size;
	struct assay_span names = { NULL, 0 };

	if (table->link < elf->section_count)
		names = elf->sections[table->link].bytes;
	if (entry < least) {
		note_defect(elf, "a symbol table has entries that are too small", table->offset);
		return;
	}
	for (uint64_t at = 0; at + least <= table->bytes.len; at += entry) {
		if (elf->symbol_count == room) {
			elf->truncated = true;
			return;
		}
		if (read_symbol(elf, table->bytes.data + at, names,
				&elf->symbols[elf->symbol_count]))
			elf->symbol_count++;
		if (entry > table->bytes.len - at)
			return;
	}
}

/* Keeps one symbol per place and gives those without a size what lies before the next. */
static void settle_symbols(struct assay_elf *elf)
{
	size_t kept = 0;

	qsort(elf->symbols, elf->symbol_count, sizeof(*elf->symbols), compare_symbols);
	for (size_t i = 0; i < elf->symbol_count; i++) {
		struct assay_elf_symbol *last = kept ? &elf->symbols[kept - 1] : NULL;

		if (last && last->section == elf->symbols[i].section &&
		    last->offset == elf->symbols[i].offset)
			continue;
		elf->symbols[kept++] = elf->symbols[i];
	}
	elf->symbol_count = kept;
	for (size_t i = 0; i < kept; i++) {
		struct assay_elf_symbol *s = &elf->symbols[i];
		uint64_t end = elf->sections[s->section].size;

		if (i + 1 < kept && elf->symbols[i + 1].section == s->section)
			end = elf->symbols[i + 1].offset;
		if (!s->sized)
			s->size = end - s->offset;
	}
}

/* .symtab names everything that .dynsym does, so the latter counts only in stripped files. */
static enum assay_code read_symbols(struct assay_elf *elf, struct assay_arena *arena,
				    struct assay_error *err)
{
	size_t least = elf->is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	uint32_t wanted = SHT_DYNSYM;
	size_t room = 0;

	for (size_t i = 0; i < elf->section_count; i++)
		if (elf->sections[i].type == SHT_SYMTAB && elf->sections[i].bytes.len > 2 * least)
			wanted = SHT_SYMTAB;
	for (size_t i = 0; i < elf->section_count; i++)
		if (elf->sections[i].type == wanted)
			room += elf->sections[i].bytes.len / least;
	if (room > ASSAY_MAX_ELF_SYMBOLS)
		room = ASSAY_MAX_ELF_SYMBOLS;
	if (room == 0)
		return ASSAY_OK;
	elf->symbols = assay_arena_alloc(arena, room * sizeof(*elf->symbols));
	if (!elf->symbols)
		return assay_fail(err, ASSAY_ELIMIT, "%zu symbols: no memory left for them", room);
	for (size_t i = 0; i < elf->section_count; i++)
		if (elf->sections[i].type == wanted)
			read_symbol_table(elf, &elf->sections[i], room);
	settle_symbols(elf);
	return ASSAY_OK;
}

enum assay_code assay_elf_read(struct assay_span file, struct assay_arena *arena,
			       struct assay_elf *ret, struct assay_error *err)
{
	struct assay_elf elf = { .file = file };
	enum assay_code code;

	if (!assay_elf_is(file))
		return assay_fail(err, ASSAY_EINPUT, "ELF header: no identification");
	elf.is_64 = file.data[EI_CLASS] == ELFCLASS64;
	elf.is_big = file.data[EI_DATA] == ELFDATA2MSB;
	elf.os_abi = file.data[EI_OSABI];
	elf.header_size = elf.is_64 ? ASSAY_ELF_HEADER_64 : ASSAY_ELF_HEADER_32;
	if (file.len < elf.header_size)
		return assay_fail(err, ASSAY_EINPUT, "ELF header: want %llu bytes, have %zu",
				  (unsigned long long)elf.header_size, file.len);
	elf.type = (uint16_t)get(&elf, file.data, header_fields[H_TYPE]);
	elf.machine = (uint16_t)get(&elf, file.data, header_fields[H_MACHINE]);
	elf.entry = get(&elf, file.data, header_fields[H_ENTRY]);
	elf.segment_table = get(&elf, file.data, header_fields[H_PHOFF]);
	elf.section_table = get(&elf, file.data, header_fields[H_SHOFF]);
	elf.segment_entry = get(&elf, file.data, header_fields[H_PHENTSIZE]);
	elf.section_entry = get(&elf, file.data, header_fields[H_SHENTSIZE]);
	if (get(&elf, file.data, header_fields[H_EHSIZE]) != elf.header_size)
		note_defect(&elf, "the header states another size than its class has", 0);
	code = read_segments(&elf, get(&elf, file.data, header_fields[H_PHNUM]), arena, err);
	if (!code)
		code = read_sections(&elf, get(&elf, file.data, header_fields[H_SHNUM]),
				     get(&elf, file.data, header_fields[H_SHSTRNDX]), arena, err);
	if (!code)
		code = read_symbols(&elf, arena, err);
	if (!code)
		*ret = elf;
	return code;
}

const struct assay_elf_section *assay_elf_section_by_name(const struct assay_elf *elf,
							  const char *name)
{
	for (size_t i = 1; i < elf->section_count; i++)
		if (assay_span_equal_text(elf->sections[i].name, name))
			return &elf->sections[i];
	return NULL;
}

const struct assay_elf_symbol *assay_elf_symbol_at(const struct assay_elf *elf, uint32_t section,
						   uint64_t offset)
{
	size_t low = 0, high = elf->symbol_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct assay_elf_symbol *s = &elf->symbols[middle];

		if (s->section < section || (s->section == section && s->offset <= offset))
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || elf->symbols[low - 1].section != section)
		return NULL;
	return &elf->symbols[low - 1];
}

bool assay_elf_locate(const struct assay_elf *elf, uint64_t address, uint32_t *ret_section,
		      uint64_t *ret_offset)
{
	for (size_t i = 1; i < elf->section_count; i++) {
		const struct assay_elf_section *s = &elf->sections[i];

		if (!(s->flags & SHF_ALLOC) || (s->flags & SHF_TLS) || address < s->address ||
		    address - s->address >= s->size)
			continue;
		*ret_section = (uint32_t)i;
		*ret_offset = address - s->address;
		return true;
	}
	return false;
}

bool assay_elf_note_next(const struct assay_elf *elf, struct assay_span notes, uint64_t align,
			 size_t *position, struct assay_elf_note *ret)
{
	uint64_t step = align == 8 ? 8 : 4, name, description, left = notes.len - *position;
	uint64_t name_end, end;
	const uint8_t *at;

	if (left < 12)
		return false;
	at = notes.data + *position;
	name = assay_elf_get(elf, at, 4);
	description = assay_elf_get(elf, at + 4, 4);
	/* all below 2^34: no overflow */
	name_end = (12 + name + step - 1) / step * step;
	end = name_end + description;
	if (12 + name > left || (description > 0 && end > left))
		return false;
	ret->type = (uint32_t)assay_elf_get(elf, at + 8, 4);
	ret->name = assay_span_of(at + 12, (size_t)name);
	while (ret->name.len > 0 && ret->name.data[ret->name.len - 1] == 0)
		ret->name.len--;
	ret->description = assay_span_cut(assay_span_of(at, (size_t)left), name_end, description);
	end = (end + step - 1) / step * step;
	ret->length = (size_t)(end < left ? end : left);
	*position += ret->length;
	return true;
}

/* ---- numbers one behind the other ---- */

uint64_t assay_elf_take(struct assay_elf_cursor *c, unsigned width)
{
	uint64_t value;

	if (c->failed || width > 8 || c->at > c->bytes.len || c->bytes.len - c->at < width) {
		c->failed = true;
		return 0;
	}
	value = assay_elf_get(c->elf, c->bytes.data + c->at, width);
	c->at += width;
	return value;
}

uint64_t assay_elf_take_leb(struct assay_elf_cursor *c)
{
	uint64_t value = 0, byte;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		byte = assay_elf_take(c, 1);
		value |= (byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	c->failed = true;
	return 0;
}

void assay_elf_skip(struct assay_elf_cursor *c, uint64_t length)
{
	if (c->failed || c->at > c->bytes.len || length > c->bytes.len - c->at)
		c->failed = true;
	else
		c->at += length;
}
