/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executable bytes of an ELF file as functions that tile each executable section, and the
 * comparison of two such tables.  Names come from the symbol table, borders also from the unwind
 * tables (.eh_frame), which stripping leaves; what neither covers and is no padding is a function
 * without a name.  So no executable byte escapes the comparison.
 */
#ifndef ASSAY_NORMALIZERS_ELF_FUNCTIONS_H
#define ASSAY_NORMALIZERS_ELF_FUNCTIONS_H

#include "elf_read.h"

#define ASSAY_ELF_NO_PARTNER UINT32_MAX

enum assay_elf_function_state {
	ASSAY_ELF_ALONE,   /* only on this side */
	ASSAY_ELF_SAME,	   /* equal bytes */
	ASSAY_ELF_MOVED,   /* differs only in displacements that lead to the same place */
	ASSAY_ELF_CHANGED,
};

struct assay_elf_function {
	struct assay_span name; /* empty: stripped */
	uint64_t offset, size;	/* within the section */
	uint64_t first_change;	/* within the function, of CHANGED */
	uint64_t bytes;		/* that differ from the partner */
	uint32_t section;
	uint32_t partner; /* index in the other file's table */
	enum assay_elf_function_state state;
	bool is_thumb; /* as its symbol says */
};

struct assay_elf_functions {
	struct assay_elf_function *list; /* by section and offset, none overlapping */
	size_t count, room;
	uint32_t *by_name; /* indices of the named ones, by name and place */
	size_t named;
	bool truncated;
};

/* The table of one file, in the arena.  A file with more functions than the limit is truncated. */
enum assay_code assay_elf_functions_read(const struct assay_elf *elf, struct assay_arena *arena,
					 struct assay_elf_functions *ret, struct assay_error *err)
	ASSAY_CHECKED;

/* Pairs the functions of two files and sets partner, state, first_change and bytes in both. */
void assay_elf_functions_compare(const struct assay_elf *left, struct assay_elf_functions *left_f,
				 const struct assay_elf *right,
				 struct assay_elf_functions *right_f);

/* The function that holds an offset of a section; ASSAY_ELF_NO_PARTNER when none does. */
uint32_t assay_elf_function_at(const struct assay_elf_functions *functions, uint32_t section,
			       uint64_t offset);

#endif
