/* SPDX-License-Identifier: Apache-2.0 */
/* Go's build information as spans. */
#ifndef ASSAY_NORMALIZERS_ELF_GO_H
#define ASSAY_NORMALIZERS_ELF_GO_H

#include "anatomy.h"
#include "elf_read.h"

/* The section holds build information as strings (Go 1.18 and later). */
bool assay_elf_go_is(const struct assay_elf_section *s);
/* Lays out all bytes of the section, at the cursor. */
void assay_elf_go_lay_out(struct assay_layout *l, const struct assay_elf_section *s);

#endif
