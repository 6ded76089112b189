/* SPDX-License-Identifier: Apache-2.0 */
/* Debug information of two files: sections decoded, producers and strings compared. */
#ifndef ASSAY_NORMALIZERS_ELF_DEBUG_H
#define ASSAY_NORMALIZERS_ELF_DEBUG_H

#include "assay/codec.h"
#include "elf_story.h"

/* How a section is compressed: SHF_COMPRESSED of the gABI, or the older .zdebug of GNU. */
struct assay_elf_compression {
	enum assay_codec codec;
	const char *name;
	uint64_t header; /* bytes in front of the stream */
	uint64_t size;	 /* decoded, as stated */
};

/* False for a section that is not compressed, or in a way that is not known. */
bool assay_elf_compression_of(const struct assay_elf *elf, const struct assay_elf_section *s,
			      struct assay_elf_compression *ret);

/* The bytes of a section, decoded at the first call where it is compressed.  False when that cannot be
 * done, or when the section is larger than ASSAY_MAX_ELF_DEBUG_DECODED. */
bool assay_elf_decoded(const struct assay_elf_priv *priv, const struct assay_elf_section *s,
		       struct assay_span *ret);

/* A debug section by what stands behind ".debug_" in its name. */
bool assay_elf_debug_section(const struct assay_elf_priv *priv, const char *name,
			     struct assay_span *ret);

void assay_elf_debug_producers(struct assay_elf_story *story, const struct assay_elf_priv *left,
			       const struct assay_elf_priv *right);
/* Paths, order, and whether anything else differs in the strings. */
void assay_elf_debug_strings(struct assay_elf_story *story, const struct assay_elf_priv *left,
			     const struct assay_elf_priv *right);

#endif
