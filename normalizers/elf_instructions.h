/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instructions around the first change of a function, both sides as one unified diff, decoded by
 * Capstone (docs/adr/0012).  For eyes only: what differs was decided by bytes before, and a line
 * carries its bytes, so that two instructions which read alike still show their difference.
 */
#ifndef ASSAY_NORMALIZERS_ELF_INSTRUCTIONS_H
#define ASSAY_NORMALIZERS_ELF_INSTRUCTIONS_H

#include "assay/buf.h"
#include "elf_functions.h"

/* Loads Capstone, once, before any of these diffs; see assay_compare_prepare_all(). */
enum assay_code assay_elf_instructions_prepare(struct assay_error *err) ASSAY_CHECKED;

/* Appends the diff to out.  False, and nothing appended, for a machine that is not known, and for a
 * change so far inside a function that the way there is not decoded. */
bool assay_elf_instructions_diff(const struct assay_elf *left,
				 const struct assay_elf_functions *left_f,
				 const struct assay_elf_function *a, const struct assay_elf *right,
				 const struct assay_elf_functions *right_f,
				 const struct assay_elf_function *b, struct assay_buf *out);

#endif
