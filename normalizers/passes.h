/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conditions under which a CHECKED difference may be folded.  A condition over members sees all
 * members of both archives, because one member that does not fit makes it false for all.
 */
#ifndef ASSAY_NORMALIZERS_PASSES_H
#define ASSAY_NORMALIZERS_PASSES_H

#include "align.h"

enum assay_owner_field {
	ASSAY_OWNER_UID,
	ASSAY_OWNER_GID,
	ASSAY_OWNER_UNAME,
	ASSAY_OWNER_GNAME,
	ASSAY_OWNER_FIELDS,
};

/* One side's members in the order of the pairs: index i of both sides is the same member. */
struct assay_facts {
	size_t count;
	int64_t *times; /* INT64_MIN: has none, or is a directory or link, whose time nobody compares */
	int32_t *modes; /* -1: has none, or is a symbolic link */
	struct {
		struct assay_span value; /* of the first member; malloc'ed */
		bool seen, varies;
	} owners[ASSAY_OWNER_FIELDS];
	bool set_id;	     /* some member is setuid, setgid or sticky */
	bool link_before_target; /* a hard link stands before its target, or has none */
	bool below_symlink;  /* a member's path leads through another member that is a symlink */
	bool in_package;     /* an installer restores owners and modes */
};

/* Expands every member of one side.  order: the nodes as they stand in the file. */
enum assay_code assay_facts_collect(const struct assay_anatomy *anatomy,
				    const struct assay_pairs *pairs, bool right,
				    struct assay_facts *ret, struct assay_error *err) ASSAY_CHECKED;
void assay_facts_release(struct assay_facts *facts);

struct assay_check {
	const char *condition; /* printed */
	/* of one leaf: empty spans where a side has none */
	bool (*leaf)(struct assay_span left, struct assay_span right);
	/* of an attribute of members, or their order */
	bool (*members)(const struct assay_facts *left, const struct assay_facts *right,
			const struct assay_pairs *pairs, const struct assay_field *field);
};

/* All members whose owner has a permission agree whether this bit of group or others gives it too. */
bool assay_umask_is_uniform(const struct assay_facts *facts, int32_t bit, bool *ret_present);

/* The last word of a field's name: "mtime" of "tar.member.mtime". */
const char *assay_field_word(const struct assay_field *field);

#endif
