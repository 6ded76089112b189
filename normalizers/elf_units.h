/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The units of .debug_info by what their first entry says: the source file, the directory of the
 * compilation, the producer (DWARF 5, sections 3.1.1 and 7.5; versions 2 to 5).
 */
#ifndef ASSAY_NORMALIZERS_ELF_UNITS_H
#define ASSAY_NORMALIZERS_ELF_UNITS_H

#include "elf_debug.h"

struct assay_elf_unit {
	struct assay_span bytes; /* of the unit, within the decoded section */
	struct assay_span name, directory, producer; /* empty: not there, or in another file */
};

struct assay_elf_units {
	const struct assay_elf_priv *priv;
	struct assay_span info, abbreviations, strings, line_strings, offsets;
	const struct assay_elf_section *relocations; /* of an object file, or NULL */
	uint64_t at;
};

/* False when there is no debug information to read. */
bool assay_elf_units_open(const struct assay_elf_priv *priv, struct assay_elf_units *ret);
/* The next unit; false at the end, and where the section is damaged. */
bool assay_elf_unit_next(struct assay_elf_units *units, struct assay_elf_unit *ret);

/* "; unit x.c differs first: directory /a against /b" and so on; empty when nothing can be said. */
void assay_elf_units_tell(const struct assay_elf_priv *left, const struct assay_elf_priv *right,
			  char *out, size_t size);

#endif
