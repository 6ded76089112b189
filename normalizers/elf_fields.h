/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of ELF: one row for each role of a section, and those of tables, notes and gaps. */
#ifndef ASSAY_NORMALIZERS_ELF_FIELDS_H
#define ASSAY_NORMALIZERS_ELF_FIELDS_H

#include "causes.h"

enum assay_elf_field {
	ASSAY_ELF_HEADER,
	ASSAY_ELF_SEGMENTS,
	ASSAY_ELF_SECTIONS,
	ASSAY_ELF_CODE,
	ASSAY_ELF_DATA,
	ASSAY_ELF_LINKAGE,
	ASSAY_ELF_UNWIND,
	ASSAY_ELF_BUILD_ID,
	ASSAY_ELF_BUILD_ID_GIVEN,
	ASSAY_ELF_NOTE,
	ASSAY_ELF_DEBUGLINK_NAME,
	ASSAY_ELF_DEBUGLINK_CRC,
	ASSAY_ELF_ALTLINK_ID,
	ASSAY_ELF_COMMENT,
	ASSAY_ELF_DEBUG,
	ASSAY_ELF_DEBUGDATA,
	ASSAY_ELF_GO,
	ASSAY_ELF_GO_VERSION,
	ASSAY_ELF_GO_MODULE,
	ASSAY_ELF_GO_SETTING,
	ASSAY_ELF_GO_COMMIT,
	ASSAY_ELF_GO_TIME,
	ASSAY_ELF_GO_BUILD_ID,
	ASSAY_ELF_SYMBOLS,
	ASSAY_ELF_OTHER,
	ASSAY_ELF_SEGMENT,
	ASSAY_ELF_GAP,
	ASSAY_ELF_PADDING,
	ASSAY_ELF_TRAILING,
};

extern const struct assay_field assay_elf_fields[];

/* differ and explain of the format (elf_differ.c). */
enum assay_code assay_elf_differ(const struct assay_anatomy *left,
				 const struct assay_node *left_node,
				 const struct assay_anatomy *right,
				 const struct assay_node *right_node,
				 struct assay_findings *findings, struct assay_error *err);
bool assay_elf_explain(const struct assay_anatomy *left, const struct assay_anatomy *right,
		       const struct assay_build_context *left_context,
		       const struct assay_build_context *right_context,
		       struct assay_recognised *ret);

#endif
