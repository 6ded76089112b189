/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF as tables: the header, sections, segments and symbols of one file, for both classes and both
 * byte orders, read once with every bound checked (System V ABI, chapters 4 and 5).  fmt_elf.c lays
 * these out as spans; elf_story.c compares two of them function by function.
 *
 * Nothing here trusts the file: a table that does not fit is left out and counted as a defect, so
 * that the rest can still be read.  All memory comes from the caller's arena; spans point into the
 * file.
 */
#ifndef ASSAY_NORMALIZERS_ELF_READ_H
#define ASSAY_NORMALIZERS_ELF_READ_H

#include <elf.h>

#include "assay/arena.h"
#include "assay/error.h"
#include "assay/span.h"

enum assay_elf_decoding {
	ASSAY_ELF_NOT_ASKED,
	ASSAY_ELF_DECODED,
	ASSAY_ELF_UNDECODABLE,
};

struct assay_elf_section {
	struct assay_span name;
	struct assay_span bytes; /* empty for SHT_NOBITS, and when the file does not hold it */
	uint64_t flags, address, offset, size, align, entry_size;
	uint32_t type, link, info;
	struct assay_span decoded; /* of a compressed one, once asked for */
	enum assay_elf_decoding decoding;
	bool loaded; /* SHF_ALLOC, or its bytes lie in a PT_LOAD segment whatever the flag says */
};

struct assay_elf_segment {
	uint64_t offset, file_size, address, memory_size;
	uint32_t type, flags;
};

/* A named function or object that occupies bytes of one section. */
struct assay_elf_symbol {
	struct assay_span name;
	uint64_t offset; /* within the section */
	uint64_t size;	 /* as the table says, or up to the next symbol when it says 0 */
	uint32_t section;
	uint8_t type;
	bool global, sized;
	bool is_thumb; /* ARM: in the short encoding */
};

struct assay_elf {
	struct assay_span file;
	bool is_64, is_big;
	uint8_t os_abi;
	uint16_t type, machine;
	uint64_t entry, section_table, segment_table;
	uint64_t section_entry, segment_entry, header_size;
	struct assay_elf_section *sections;
	size_t section_count;
	struct assay_elf_segment *segments;
	size_t segment_count;
	struct assay_elf_symbol *symbols; /* sorted by section, offset, size, name; no two at a place */
	size_t symbol_count;
	const char *defect; /* the first thing that does not hold, NULL when all does */
	uint64_t defect_offset;
	bool truncated; /* more sections or symbols than our limits */
};

/* Offsets of the fields of the file header that others speak about. */
#define ASSAY_ELF_HEADER_32 52
#define ASSAY_ELF_HEADER_64 64

/* True when the first bytes are an ELF identification that this reader understands. */
bool assay_elf_is(struct assay_span file);

/* ASSAY_EINPUT only when there is no usable header at all; anything less is a defect in *ret. */
enum assay_code assay_elf_read(struct assay_span file, struct assay_arena *arena,
			       struct assay_elf *ret, struct assay_error *err) ASSAY_CHECKED;

/* Unsigned integer of 1, 2, 4 or 8 bytes in the file's byte order; the caller checks the bounds. */
uint64_t assay_elf_get(const struct assay_elf *elf, const uint8_t *at, unsigned width);

/* The NUL-terminated string at offset of a string table, without its NUL; false outside. */
bool assay_elf_string(struct assay_span table, uint64_t offset, struct assay_span *ret);

const struct assay_elf_section *assay_elf_section_by_name(const struct assay_elf *elf,
							  const char *name);

/* The symbol that covers an offset of a section, else the nearest one before it, else NULL. */
const struct assay_elf_symbol *assay_elf_symbol_at(const struct assay_elf *elf, uint32_t section,
						   uint64_t offset);

/* Maps a virtual address to a section that is loaded there; false when none is. */
bool assay_elf_locate(const struct assay_elf *elf, uint64_t address, uint32_t *ret_section,
		      uint64_t *ret_offset);

/* One note of a note section or segment. */
struct assay_elf_note {
	struct assay_span name; /* without its NUL */
	struct assay_span description;
	uint32_t type;
	size_t length; /* header, name, description and padding */
};

/* Cuts the note at *position; false at the end or when what is left is no note. */
bool assay_elf_note_next(const struct assay_elf *elf, struct assay_span notes, uint64_t align,
			 size_t *position, struct assay_elf_note *ret);

/* Numbers one behind the other.  Behind the end there are none: failed stays set, and they are 0. */
struct assay_elf_cursor {
	const struct assay_elf *elf;
	struct assay_span bytes;
	uint64_t at;
	bool failed;
};

uint64_t assay_elf_take(struct assay_elf_cursor *c, unsigned width); /* at most 8 */
uint64_t assay_elf_take_leb(struct assay_elf_cursor *c);	      /* ULEB128; SLEB128 is as long */
void assay_elf_skip(struct assay_elf_cursor *c, uint64_t length);

#endif
