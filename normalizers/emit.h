/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing canonical forms.  A format's emit() takes a laid-out, canonical file and writes the form that
 * stands for all files which compare would fold into it: fields that a pass covers get their one value,
 * derived spans are made anew, payloads are normalized first, everything else is copied.  Whether a
 * field may be touched is asked here and nowhere else:
 *
 *	assay_emit_wants()	the field has a pass, which was not skipped (or was asked for, if unsafe)
 *	assay_members_hold()	and the check of the field holds for the archive taken as a pair with itself
 *
 *	emit.c		files, payloads, encoded payloads
 *	members.c	what the checks need to know of an archive's members, and their canonical order
 *	vouch.c		checksums that a package carries of its own members
 *	normalize.c	the whole: emission, proof, report
 */
#ifndef ASSAY_NORMALIZERS_EMIT_H
#define ASSAY_NORMALIZERS_EMIT_H

#include <time.h>

#include "assay/codec.h"
#include "assay/limits.h"
#include "assay/normalize.h"
#include "passes.h"
#include "rope.h"

#define ASSAY_EMIT_PATH (2 * ASSAY_MAX_DEPTH + 2)

struct assay_vouch;

struct assay_emit {
	const struct assay_normalize_options *options;
	struct assay_codec_space space;
	struct assay_scratch scratch;
	struct assay_span path[ASSAY_EMIT_PATH];
	size_t path_count;
	unsigned depth;
	bool in_package;	   /* an installer restores owners and modes */
	struct assay_vouch *vouch; /* of the innermost package that carries checksums, or NULL */
	json_t *kept;		   /* what was left alone, and why */
	size_t kept_dropped;
	unsigned encoders; /* bit 1 << enum assay_codec: was used */
};

/* ---- emit.c ---------------------------------------------------------------------------------------- */

/* The field of a format by its name, for emitters that stand beside the field table's file. */
const struct assay_field *assay_emit_field(const struct assay_format *format, const char *name);
bool assay_emit_wants(const struct assay_emit *e, const struct assay_field *field);
/* The canonical time of a member. */
int64_t assay_emit_time(const struct assay_emit *e, const struct assay_field *field, int64_t seconds);

/* Appends the canonical form of a file that stands as it is in its container. */
enum assay_code assay_emit_payload(struct assay_emit *e, struct assay_span name,
				   struct assay_span bytes, struct assay_rope *rope,
				   struct assay_error *err) ASSAY_CHECKED;

/* A payload that was encoded anew. */
struct assay_emitted {
	struct assay_rope rope; /* the encoded form */
	bool is_stored;		/* as it is: encoding would not have made it shorter */
	bool is_kept;		/* the encoded form of the source stands for it; rope is empty */
	uint32_t crc32;		/* of the payload */
	uint64_t size;
};

/* Decodes the payload of an encoded node and appends its canonical form, encoded.  field: that whose
 * pass covers the encoding.  name: of the payload, empty when the container's own name tells. */
enum assay_code assay_emit_encoded(struct assay_emit *e, const struct assay_anatomy *anatomy,
				   const struct assay_node *node, const struct assay_field *field,
				   enum assay_codec codec, bool may_store, struct assay_span name,
				   struct assay_emitted *ret, struct assay_error *err) ASSAY_CHECKED;
void assay_emitted_release(struct assay_emitted *emitted);

/* The same for a file that is one encoded payload and nothing else. */
enum assay_code assay_emit_stream(struct assay_emit *e, const struct assay_anatomy *anatomy,
				  const struct assay_field *field, enum assay_codec codec,
				  struct assay_rope *rope, struct assay_error *err) ASSAY_CHECKED;

/* Appends bytes of the source, or of an emitter's making. */
enum assay_code assay_emit_copy(struct assay_rope *rope, const struct assay_anatomy *anatomy,
				const struct assay_node *node, struct assay_error *err) ASSAY_CHECKED;
enum assay_code assay_emit_make(struct assay_emit *e, struct assay_rope *rope, const void *data,
				size_t len, struct assay_error *err) ASSAY_CHECKED;
void assay_emit_le(uint8_t *out, uint64_t value, unsigned bytes);
void assay_emit_be32(uint8_t *out, int64_t value);

/* Appends the leaves of the root, one after another.  Those whose field has a pass that is wanted are made
 * anew; the others are copied. */
typedef enum assay_code assay_emit_leaf(struct assay_emit *e, const struct assay_anatomy *anatomy,
					const struct assay_node *leaf, struct assay_rope *rope,
					struct assay_error *err);
enum assay_code assay_emit_leaves(struct assay_emit *e, const struct assay_anatomy *anatomy,
				  assay_emit_leaf *make, struct assay_rope *rope,
				  struct assay_error *err) ASSAY_CHECKED;
/* The canonical time as a date in UTC, for dates whose own value nobody can tell, as their zone is a name: with
 * SOURCE_DATE_EPOCH all of them become it. */
enum assay_code assay_emit_date(const struct assay_emit *e, const struct assay_field *field, struct tm *ret,
				struct assay_error *err) ASSAY_CHECKED;

/* A file, whole: its canonical form, or itself with a note why. */
enum assay_code assay_emit_file(struct assay_emit *e, struct assay_span bytes, struct assay_rope *rope,
				struct assay_error *err) ASSAY_CHECKED;

/* ---- members.c ------------------------------------------------------------------------------------- */

struct assay_members {
	const struct assay_emit *e;
	struct assay_pairs pairs; /* the group with itself */
	struct assay_facts facts;
	int32_t add, remove; /* permission bits that one umask gave or took from all members */
};

enum assay_code assay_members_open(const struct assay_emit *e, const struct assay_anatomy *anatomy,
				   const struct assay_node *group, struct assay_members *ret,
				   struct assay_error *err) ASSAY_CHECKED;
void assay_members_release(struct assay_members *members);
/* The pass is wanted, and the condition of its check holds for these members. */
bool assay_members_hold(const struct assay_members *members, const struct assay_field *field);
/* The mode under umask 022, of a member that is no symbolic link. */
uint32_t assay_members_mode(const struct assay_members *members, const struct assay_field *field,
			    uint32_t mode);

/* One member to be put in order: what others lead to comes first. */
struct assay_placed {
	struct assay_span name;
	unsigned rank; /* 0 files and directories, then hard links by their depth, symbolic links last */
	size_t index;  /* where it stood */
};
/* By rank, name, and place. */
void assay_members_sort(struct assay_placed *list, size_t count);

/* ---- vouch.c --------------------------------------------------------------------------------------- */

enum assay_vouch_kind {
	ASSAY_VOUCH_MD5SUMS, /* deb: control.tar/./md5sums of the members of data.tar */
	ASSAY_VOUCH_RECORD,  /* wheel: *.dist-info/RECORD of the members of the zip */
};

struct assay_vouched;

struct assay_vouch {
	struct assay_vouch *outer;
	enum assay_vouch_kind kind;
	size_t base; /* parts of the path around the package */
	struct assay_vouched *list;
	size_t count, room;
};

void assay_vouch_begin(struct assay_emit *e, struct assay_vouch *vouch, enum assay_vouch_kind kind);
void assay_vouch_end(struct assay_emit *e);
/* A member's bytes have become those of the rope. */
enum assay_code assay_vouch_note(struct assay_emit *e, struct assay_span name, struct assay_span before,
				 const struct assay_rope *after, struct assay_error *err) ASSAY_CHECKED;
/* This member is the list of checksums of the package around it. */
bool assay_vouch_is_list(const struct assay_emit *e, struct assay_span name);
/* Appends the list with the checksums of changed members made anew, where they were true. */
enum assay_code assay_vouch_rewrite(struct assay_emit *e, struct assay_span list,
				    struct assay_rope *rope, struct assay_error *err) ASSAY_CHECKED;

#endif
