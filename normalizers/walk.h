/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over two anatomies at once.  Its rule of soundness: whoever is handed two spans that
 * differ leaves at least one record behind (walk->recorded grows), and where that does not happen
 * the walk itself records an unaccounted difference.  As spans tile their file, no difference can
 * slip through.
 *
 *	content.c  two files: detect, lay out, descend; two encoded files: decode first
 *	walk.c     two nodes: attributes, order, children, what is derived
 *	leaf.c     two leaves: text, binary, values
 *	record.c   from a difference to the ledger: folded or not, and why
 */
#ifndef ASSAY_NORMALIZERS_WALK_H
#define ASSAY_NORMALIZERS_WALK_H

#include "align.h"
#include "assay/codec.h"
#include "ledger.h"
#include "passes.h"

/* Parts of a path: two for each archive within an archive, and some for the innermost file. */
#define ASSAY_MAX_PATH 64
#define ASSAY_MAX_JUDGED 16
#define ASSAY_MAX_ATTRIBUTES 24

enum assay_payload {
	ASSAY_PAYLOAD_NONE,    /* no decoded payload: encoded bytes are compared as they are */
	ASSAY_PAYLOAD_EQUAL,   /* only the encoder differs */
	ASSAY_PAYLOAD_DIFFERS, /* the payload tells the difference */
};

/* A pair of groups on the way down. */
struct assay_scope {
	struct assay_scope *up;
	const struct assay_anatomy *left, *right;
	const struct assay_node *left_node, *right_node;
	const struct assay_pairs *pairs;
	/* conditions over the members of this group, tested when first asked for */
	struct assay_facts left_facts, right_facts;
	bool facts_ready;
	struct {
		const struct assay_check *check;
		const struct assay_field *field;
		bool holds;
	} judged[ASSAY_MAX_JUDGED];
	size_t judged_count;
	/* attributes of this group that differ */
	struct {
		const struct assay_field *field;
		struct assay_divergence *divergence;
	} attributes[ASSAY_MAX_ATTRIBUTES];
	size_t attribute_count;
	enum assay_payload payload;
	const struct assay_recognised *story; /* of the innermost file, or NULL */
};

struct assay_pending;
struct assay_package;

struct assay_walk {
	const struct assay_side *sides[2];
	struct assay_codec_space spaces[2];
	bool two_threads;
	struct assay_ledger ledger;
	struct assay_span path[ASSAY_MAX_PATH];
	size_t path_count, container_count;
	unsigned depth;
	uint64_t recorded; /* differences met, in whatever form they were written down */
	uint64_t roots;	   /* of them, those that others may follow from */
	struct assay_pending *pending;
	size_t pending_count, pending_room;
	char structure[2][ASSAY_ERROR_MAX]; /* empty: canonical so far */
	char signature[2][ASSAY_ERROR_MAX]; /* empty: nothing signed was met */
	bool truncated;
	char why_truncated[256];
	struct assay_package *package; /* innermost, or NULL */
};

/* What differs at one place, before it is decided what becomes of it. */
struct assay_difference {
	const struct assay_field *field;
	struct assay_span left, right; /* leaf bytes for conditions; empty where a side has none */
	bool left_present, right_present;
	struct assay_values values;
	const struct assay_range *ranges;
	size_t range_count;
	uint64_t bytes;
	const char *cause; /* NULL: the story's, or the field's, or none */
	enum assay_confidence confidence;
	enum assay_severity severity;
	const char *explanation, *diff;
	bool is_unexplained; /* neither story nor field may lend a cause */
};

/* content.c */
enum assay_code assay_walk_content(struct assay_walk *walk, struct assay_scope *up,
				   struct assay_span left, struct assay_span right,
				   struct assay_error *err) ASSAY_CHECKED;
enum assay_code assay_walk_encoded(struct assay_walk *walk, struct assay_scope *up,
				   const struct assay_anatomy *left, const struct assay_node *l,
				   const struct assay_anatomy *right, const struct assay_node *r,
				   enum assay_payload *ret, struct assay_error *err) ASSAY_CHECKED;
/* Of "data.tar.xz" the name "data.tar"; empty when the name does not say. */
struct assay_span assay_decoded_name(struct assay_span name);
/* The decoded payload of a node, with its own error; ASSAY_EINPUT when it cannot be decoded. */
enum assay_code assay_payload_decode(const struct assay_anatomy *anatomy,
				     const struct assay_node *node,
				     struct assay_codec_space *space, struct assay_decoded *ret,
				     struct assay_error *err) ASSAY_CHECKED;

/* walk.c */
enum assay_code assay_walk_nodes(struct assay_walk *walk, struct assay_scope *up,
				 const struct assay_anatomy *left, const struct assay_node *l,
				 const struct assay_anatomy *right, const struct assay_node *r,
				 const struct assay_recognised *story, struct assay_error *err)
	ASSAY_CHECKED;

/* Two files of a package, on the way to their comparison: true when they are claims, which are judged at
 * the end; else they are noted where a claim speaks of them. */
bool assay_walk_claimed(struct assay_walk *walk, struct assay_span left, struct assay_span right);

/* leaf.c */
enum assay_code assay_walk_leaf(struct assay_walk *walk, struct assay_scope *scope,
				const struct assay_node *l, const struct assay_node *r,
				struct assay_error *err) ASSAY_CHECKED;
/* Two contents without (or in spite of) a format, as text when both are. */
enum assay_code assay_walk_bytes(struct assay_walk *walk, struct assay_scope *scope,
				 const struct assay_field *field, struct assay_span left,
				 struct assay_span right, const char *note,
				 struct assay_error *err) ASSAY_CHECKED;

/* rename.c: members that have another name but the same content, taken out of the one-sided ones
 * (both sides of such a pair are marked in done, which runs parallel to the scope's pairs). */
enum assay_code assay_walk_renames(struct assay_walk *walk, struct assay_scope *scope, bool *done,
				   struct assay_error *err) ASSAY_CHECKED;

/* respell.c: members whose names differ by one rule, in the same way. */
enum assay_code assay_walk_respelled(struct assay_walk *walk, struct assay_scope *scope, bool *done,
				     struct assay_error *err) ASSAY_CHECKED;

/* record.c */
enum assay_code assay_walk_record(struct assay_walk *walk, struct assay_scope *scope,
				  const struct assay_difference *difference,
				  struct assay_divergence **ret, struct assay_error *err)
	ASSAY_CHECKED;
/* Would be folded: the pass is the field's.  *ret_condition: what was tested, or NULL. */
enum assay_code assay_walk_judge(struct assay_scope *scope, const struct assay_field *field,
				 struct assay_span left, struct assay_span right, bool *ret_folds,
				 const char **ret_condition, struct assay_error *err) ASSAY_CHECKED;
/* A derived difference: kept until a root is found in its group. */
enum assay_code assay_walk_defer(struct assay_walk *walk, struct assay_scope *scope,
				 const struct assay_difference *difference,
				 struct assay_error *err) ASSAY_CHECKED;
/* At the end of a group: what was deferred since follows from its roots; with final it becomes
 * records of its own when there are none. */
void assay_walk_settle(struct assay_walk *walk, size_t pending_before, uint64_t roots_before,
		       bool final);
/* Marks one side's structure as ambiguous: the first reason is kept. */
void assay_walk_ambiguous(struct assay_walk *walk, int side, const char *reason, uint64_t offset);
/* What one side's file, or a file in it, is signed by from within: the first is kept. */
void assay_walk_signed(struct assay_walk *walk, int side, const char *by, uint64_t offset);
void assay_walk_truncated(struct assay_walk *walk, const char *why);
bool assay_walk_push(struct assay_walk *walk, struct assay_span name);
void assay_walk_pop(struct assay_walk *walk);
/* That middle as one range. */
struct assay_range assay_range_middle(struct assay_span left, struct assay_span right);

/* Fields of the engine itself. */
extern const struct assay_field assay_field_added, assay_field_renamed, assay_field_order,
	assay_field_unaccounted, assay_field_format;

#endif
