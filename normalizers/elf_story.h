/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened between two ELF files, told once for the whole pair: which sections differ by their
 * own, which only follow, and which functions changed.  elf_differ.c turns it into findings.
 */
#ifndef ASSAY_NORMALIZERS_ELF_STORY_H
#define ASSAY_NORMALIZERS_ELF_STORY_H

#include "anatomy.h"
#include "elf_functions.h"

/* What a section is for; decides its field, its severity and what it may follow from. */
enum assay_elf_role {
	ASSAY_ELF_ROLE_CODE,
	ASSAY_ELF_ROLE_DATA,	  /* loaded: constants, variables, the interpreter's name */
	ASSAY_ELF_ROLE_LINKAGE,	  /* loaded: relocations, dynamic symbols and their strings, GOT */
	ASSAY_ELF_ROLE_UNWIND,	  /* loaded: .eh_frame and its index */
	ASSAY_ELF_ROLE_BUILD_ID,
	ASSAY_ELF_ROLE_NOTE,	  /* any other note */
	ASSAY_ELF_ROLE_DEBUGLINK,
	ASSAY_ELF_ROLE_COMMENT,
	ASSAY_ELF_ROLE_DEBUG,
	ASSAY_ELF_ROLE_SYMBOLS,	  /* not loaded: .symtab and string tables */
	ASSAY_ELF_ROLE_OTHER,
	ASSAY_ELF_ROLES,
};

enum assay_elf_role assay_elf_role_of(const struct assay_elf_section *section);

/* Lengths that the linkers' own hashes have: xxhash, md5 (and uuid, which cannot be told from it),
 * sha1, sha256. */
bool assay_elf_is_hash_length(size_t length);

struct assay_elf_story {
	size_t functions_same, functions_moved, functions_changed;
	size_t functions_left_only, functions_right_only;
	bool reordered;			       /* the same functions in another order */
	bool differs[ASSAY_ELF_ROLES];	       /* in bytes, moved code not counted */
	bool one_sided[ASSAY_ELF_ROLES];       /* a section of this role stands on one side only */
	bool headers_matter;		       /* flags, types, rights, machine or entry differ */
	bool has_hash_id;		       /* one of the build-ids is a hash */
	bool sizes_differ;		       /* some section has another size, place or number */
	bool flags_recorded;		       /* the recorded compiler flags differ */
	bool compiler_recorded;		       /* the recorded compilers differ */
	bool debug_unexplained;		       /* more than paths and producers differs there */
	bool debug_permuted;		       /* the same strings in another order */
	struct assay_span left_producer, right_producer;
	struct assay_span left_path, right_path; /* recorded on one side only */
};

/* What hangs on an anatomy of an ELF file. */
struct assay_elf_priv {
	struct assay_elf elf;
	struct assay_elf_functions functions;
	struct assay_arena *arena; /* of the anatomy */
	const struct assay_elf_priv *told_with; /* the other side of story */
	struct assay_elf_story story;
};

/* Of the pair; worked out at the first call, kept in the left side. */
const struct assay_elf_story *assay_elf_story_of(const struct assay_anatomy *left,
						 const struct assay_anatomy *right);

/* Two tables of addresses that differ only because what they point to moved (elf_linkage.c). */
bool assay_elf_linkage_moved(const struct assay_elf *left, const struct assay_elf_section *a,
			     const struct assay_elf *right, const struct assay_elf_section *b);
/* Two addresses that lie at the same offset of sections of one name. */
bool assay_elf_same_target(const struct assay_elf *left, uint64_t a,
			   const struct assay_elf *right, uint64_t b);
/* The difference is code: bytes of functions, their set, or their order. */
bool assay_elf_story_is_code(const struct assay_elf_story *story);
/* Whether something else explains a difference in a section of this role. */
bool assay_elf_story_follows(const struct assay_elf_story *story, enum assay_elf_role role);

/* Something differs that is never folded and follows from nothing: only then may other differences be
 * called its consequences.  An id given by hand and the CRC of a debug link are no such thing. */
bool assay_elf_story_has_root(const struct assay_elf_story *story);
/* Why debug information differs while code does not, and both values; NULL: not known. */
const char *assay_elf_story_debug_cause(const struct assay_elf_story *story,
					struct assay_span *ret_left, struct assay_span *ret_right);

/* The sentence about differing code, with the functions touched. */
void assay_elf_story_tell(const struct assay_anatomy *left, const struct assay_anatomy *right,
			  char *out, size_t size);

#endif
