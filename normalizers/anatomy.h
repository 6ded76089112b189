/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anatomy: a file as a tree of spans (DESIGN.md section 5).  A format module lays a file out, once;
 * comparison, accounting, explanation, passes and `assay anatomy` read the tree and the field table
 * and know no format.
 *
 * The builder has a cursor.  A leaf takes the bytes at the cursor and moves it on, a group holds
 * what is laid out between its open and its close; so every byte belongs to exactly one leaf by
 * construction, and a format cannot leave a gap or overlap.  What it leaves over at the end becomes
 * an "unparsed" span and makes the structure ambiguous.  Failures are sticky (like struct assay_buf):
 * lay out freely, look at assay_layout_failed() in loops; the builder functions never return NULL.
 *
 *	static enum assay_code lay_out(struct assay_layout *l, struct assay_error *err)
 *	{
 *		assay_layout_leaf(l, &fields[MAGIC], 2);
 *		...
 *		node = assay_layout_leaf(l, &fields[MTIME], 4);
 *		assay_layout_value(l, node, "%u", seconds);
 *		assay_layout_leaf(l, &fields[DEFLATE], consumed);
 *		return ASSAY_OK;
 *	}
 *
 * Members.  An archive opens one group a member, named by its path, or -- so that archives of 100 000
 * members stay small -- adds a *lazy* node over all bytes of the member, which the engine has
 * expanded (format->expand) only where the two sides differ.  The strict checks of a format belong
 * into lay_out, not into expand: structure is judged from lay_out alone.
 *
 * Attributes.  What a member *is* (mode, owner, times, type, link target) is kept apart from where
 * the bytes stand: assay_layout_attribute() hangs the effective value onto the group, and the leaves
 * that carry it name it in assay_layout_carries().  Attributes with equal values and different
 * carriers (ustar field or pax record) are a difference of dialect, rated by the carrier's own field;
 * an attribute that differs is rated by the attribute's field, and its carriers follow.
 *
 * The checks of passes.c read attributes by the last word of their field's name: "mode" (07777 as
 * number), "mtime" (seconds as number), "uid", "gid", "uname", "gname", "type" (value "file",
 * "directory", "symlink", "hardlink", ...), "linkname", "size".
 *
 * Payloads.  assay_layout_payload(): the bytes of this leaf are a file themselves, found by content.
 * assay_layout_encoded(): the group (or leaf, or root) holds an encoded file; format->decode writes
 * it to a sink.  The leaves of kind ASSAY_ENCODING (and ASSAY_DERIVED) under it follow from the
 * payload and the encoder; all other leaves under it are compared as usual.
 *
 * Derived leaves must have been checked by lay_out (a sum that does not sum is ambiguous), because
 * they fold under any other difference of their group, or of the groups around it.
 */
#ifndef ASSAY_NORMALIZERS_ANATOMY_H
#define ASSAY_NORMALIZERS_ANATOMY_H

#include "assay/arena.h"
#include "assay/compare.h"
#include "assay/error.h"
#include "assay/span.h"

struct assay_sink;	  /* assay/codec.h */
struct assay_emit;	  /* emit.h */
struct assay_rope;	  /* rope.h */
struct assay_recognised; /* causes.h */

enum assay_kind {
	ASSAY_CONTENT,	 /* what a consumer executes or reads */
	ASSAY_METADATA,	 /* a named field with a decoded value */
	ASSAY_DERIVED,	 /* follows from other spans: sums, sizes, offsets, build-id */
	ASSAY_ENCODING,	 /* an encoded form of a payload */
	ASSAY_STRUCTURE, /* magic numbers, groups */
	ASSAY_PADDING,
	ASSAY_TRAILING, /* what stands after the end */
};

enum assay_rating {
	ASSAY_RATE_NEVER,   /* never hidden: a difference makes the pair divergent */
	ASSAY_RATE_SAFE,    /* no consumer can observe it */
	ASSAY_RATE_CHECKED, /* safe while its check holds; the check is run and printed */
};

/* Of a folded difference; the greatest of them is the grade of the pair. */
enum assay_grade {
	ASSAY_GRADE_ENCODING,
	ASSAY_GRADE_CONTAINER,
	ASSAY_GRADE_CODE,
};

enum assay_severity {
	ASSAY_SEVERITY_METADATA,
	ASSAY_SEVERITY_DATA,
	ASSAY_SEVERITY_CODE,
	ASSAY_SEVERITY_STRUCTURE,
};

/* A condition under which a CHECKED field may be folded (passes.c).  Of attributes the check sees all
 * members of the archive, equal ones too; of leaves the two spans (empty where one side has none). */
struct assay_check;
extern const struct assay_check assay_check_time_order; /* no two members swap their order in time */
extern const struct assay_check assay_check_times; /* the same of one array of 32-bit times */
extern const struct assay_check assay_check_owner; /* no installer restores it, no set-id bit is near */
extern const struct assay_check assay_check_umask; /* one umask explains the modes of all members */
extern const struct assay_check assay_check_member_order; /* no duplicates, links after targets */
extern const struct assay_check assay_check_base_name; /* a printable file name without "/" or ".." */
extern const struct assay_check assay_check_zero;      /* nothing but zero bytes */
extern const struct assay_check assay_check_payload;   /* one unit, nothing after it, sums verified */

/* One kind of span of a format: what it means, and whether a difference in it may be folded. */
struct assay_field {
	const char *name; /* "gzip.mtime"; unique in the program */
	enum assay_kind kind;
	enum assay_rating rating;
	const struct assay_check *check; /* of ASSAY_RATE_CHECKED */
	/* "gzip-mtime".  Of ASSAY_RATE_NEVER usually NULL; one that has a pass is "unsafe": compare never
	 * folds it, `assay normalize --unsafe=PASS` applies it. */
	const char *pass;
	enum assay_grade grade;
	const char *cause; /* id in the catalogue when nothing better is recognised; NULL: unexplained */
	enum assay_severity severity;
	const char *rule; /* one sentence: what the field means and who reads it, with the clause */
};

/* An effective attribute of a member. */
struct assay_attribute {
	const struct assay_field *field;
	struct assay_span value; /* equal bytes are equal meaning; shown in reports */
	int64_t number;		 /* the same as a number where it is one (mode, seconds, id) */
	uint64_t offset, length; /* where it is carried, for the evidence */
	struct assay_attribute *next;
};

enum assay_node_flag {
	ASSAY_NODE_GROUP = 1 << 0,
	ASSAY_NODE_LAZY = 1 << 1,    /* children only after assay_anatomy_expand() */
	ASSAY_NODE_PAYLOAD = 1 << 2, /* its bytes are a file */
	ASSAY_NODE_ENCODED = 1 << 3, /* format->decode gives a file */
	ASSAY_NODE_MEMBER = 1 << 4,  /* a named member of an archive: order and names matter */
	ASSAY_NODE_OPAQUE = 1 << 5,  /* encoded: what it decodes to is a value, not a file */
	/* Says again what another member says, as lay_out has checked: its derived spans follow from that. */
	ASSAY_NODE_ECHO = 1 << 6,
	/* Its reader takes what it holds as it is, whatever it looks like: nothing inside is folded. */
	ASSAY_NODE_RAW = 1 << 7,
};

struct assay_node {
	uint64_t offset, length; /* in the bytes of its anatomy */
	const struct assay_field *field;
	const struct assay_field *carries; /* the attribute whose value stands here, or NULL */
	struct assay_span name;		   /* empty unless named */
	const char *value;		   /* decoded, for reports; NULL when the bytes speak */
	struct assay_node *first, *next;
	struct assay_attribute *attributes;
	uint64_t aux;	/* the format's own, for expand and decode */
	unsigned flags; /* enum assay_node_flag */
};

enum assay_structure_kind {
	ASSAY_CANONICAL,
	ASSAY_AMBIGUOUS,
};

struct assay_format;

/* One laid-out file.  Everything in it lives in its arena and in the bytes. */
struct assay_anatomy {
	const struct assay_format *format;
	struct assay_span bytes;
	struct assay_node *root;
	struct assay_arena arena;
	enum assay_structure_kind structure;
	const char *reason; /* of an ambiguous structure: the first one found */
	uint64_t reason_offset;
	const char *signature; /* "META-INF/A.RSA": the file carries a signature over itself, or NULL */
	uint64_t signature_offset;
	const char *malformed; /* why the format with the highest bid could not lay it out, or NULL */
	bool truncated;	       /* a limit cut something short */
	void *priv;	       /* the format's own, in the arena */
};

/* A located difference inside two content leaves (see differ below). */
struct assay_located {
	struct assay_span name;		      /* "main+0x14": becomes the last part of the path */
	uint64_t left_offset, left_length;    /* in the bytes of the anatomies */
	uint64_t right_offset, right_length;
	uint64_t bytes;			      /* differing bytes, at most the longer length */
	const char *cause;		      /* NULL: ask the recognisers */
	const char *explanation;	      /* of that cause, or NULL */
	const char *diff;		      /* to show, unified; or NULL */
	enum assay_severity severity;
	/* It differs only because something else of the pair does (an address that moved). */
	bool is_consequence;
};

/* Differing bytes of two spans: of equal lengths by position, else the longer of the two middles between
 * a common beginning and end. */
uint64_t assay_bytes_differing(struct assay_span left, struct assay_span right);

/* Where a format's differ puts what it finds. */
struct assay_findings;
void assay_findings_add(struct assay_findings *findings, const struct assay_located *located);

struct assay_layout;

struct assay_format {
	const char *name;
	/* Number of bits verified, 0 = not mine.  Sees the whole file, should look at little of it,
	 * and never learns a file name. */
	unsigned (*bid)(struct assay_span file);
	/* ASSAY_EINPUT: malformed, the file is then compared as bytes and the report says so. */
	enum assay_code (*lay_out)(struct assay_layout *l, struct assay_error *err);
	/* Lays out the bytes of a lazy node; the cursor stands at its start, assay_layout_root() is the
	 * node's group.  NULL when there are no lazy nodes. */
	enum assay_code (*expand)(struct assay_layout *l, const struct assay_node *lazy,
				  struct assay_error *err);
	/* Decodes the payload of an ASSAY_NODE_ENCODED node.  NULL when there are none. */
	enum assay_code (*decode)(const struct assay_anatomy *anatomy, const struct assay_node *node,
				  struct assay_sink *sink, struct assay_error *err);
	/* Optional: where inside a pair of differing leaves (same field, same name) the differences
	 * are.  Differing bytes it does not add are added by the engine as one finding; to add none
	 * leaves the pair to the generic text and binary comparison. */
	enum assay_code (*differ)(const struct assay_anatomy *left, const struct assay_node *left_node,
				  const struct assay_anatomy *right,
				  const struct assay_node *right_node,
				  struct assay_findings *findings, struct assay_error *err);
	/* Optional: writes the canonical form (emit.h) of a file whose structure is canonical and which is
	 * not signed.  ASSAY_EINPUT, ASSAY_EUNSUPPORTED: it has none, the message says why. */
	enum assay_code (*emit)(struct assay_emit *e, const struct assay_anatomy *anatomy,
				struct assay_rope *rope, struct assay_error *err);
	/* Optional: one story for a pair of differing files of this format ("function f differs, the
	 * others only moved").  It becomes the cause of the findings inside them that have no recognised
	 * cause of their own.  False when there is none. */
	bool (*explain)(const struct assay_anatomy *left, const struct assay_anatomy *right,
			const struct assay_build_context *left_context,
			const struct assay_build_context *right_context,
			struct assay_recognised *ret);
	/* Installers restore the owners and modes that its archives name (deb, rpm). */
	bool is_package;
	/* How a difference in the order of members (or of other named parts) is rated; NULL: never
	 * folded.  One of the fields below. */
	const struct assay_field *order;
	const struct assay_field *fields; /* ends with a NULL name */
};

/* ---- for formats: the builder (layout.c) ----------------------------------------------------- */

struct assay_span assay_layout_bytes(const struct assay_layout *l); /* the whole file */
uint64_t assay_layout_at(const struct assay_layout *l);		     /* the cursor */
uint64_t assay_layout_left(const struct assay_layout *l);	     /* bytes from the cursor to the end */
/* The bytes [at, at + len) from the cursor on; shorter when the file ends before. */
struct assay_span assay_layout_peek(const struct assay_layout *l, uint64_t at, uint64_t len);
bool assay_layout_failed(const struct assay_layout *l);
struct assay_anatomy *assay_layout_anatomy(struct assay_layout *l); /* arena, priv */
/* The root group: of the file in lay_out, of the lazy node in expand. */
struct assay_node *assay_layout_root(struct assay_layout *l);

/* Takes length bytes.  Beyond the end of the file (or of the lazy node): a sticky ASSAY_EINPUT. */
struct assay_node *assay_layout_leaf(struct assay_layout *l, const struct assay_field *field,
				     uint64_t length);
/* Opens a group at the cursor; close ends the innermost one. */
struct assay_node *assay_layout_open(struct assay_layout *l, const struct assay_field *field);
void assay_layout_close(struct assay_layout *l);
/* A member of an archive whose inside is laid out when needed.  name must live in the bytes or in the
 * anatomy's arena. */
struct assay_node *assay_layout_lazy(struct assay_layout *l, const struct assay_field *field,
				     uint64_t length, struct assay_span name, uint64_t aux);
/* Names a node; the name is not copied (bytes of the file, arena, or a literal). */
void assay_layout_name(struct assay_layout *l, struct assay_node *node, struct assay_span name);
/* Marks a group as a named member of an archive (lazy nodes are members anyway). */
void assay_layout_member(struct assay_layout *l, struct assay_node *node, struct assay_span name);
void assay_layout_value(struct assay_layout *l, struct assay_node *node, const char *fmt, ...)
	ASSAY_PRINTF(3, 4);
void assay_layout_payload(struct assay_layout *l, struct assay_node *leaf);
/* encoded_len is not needed: the node's length bounds the expansion. */
void assay_layout_encoded(struct assay_layout *l, struct assay_node *node);
/* Of a payload or an encoded node whose reader does not care whether it is a file: pixels, a stream of a
 * document.  It is looked into, so that differences are located; no pass reaches into it. */
void assay_layout_raw(struct assay_layout *l, struct assay_node *node);
/* Of an encoded leaf: what it decodes to is compared, but never looked into; field rates it. */
void assay_layout_opaque(struct assay_layout *l, struct assay_node *leaf,
			 const struct assay_field *field);
/* The effective value of an attribute of the group; value is copied.  A second one of the same field
 * replaces the first (pax over ustar). */
void assay_layout_attribute(struct assay_layout *l, struct assay_node *group,
			    const struct assay_field *field, struct assay_span value, int64_t number,
			    const struct assay_node *carrier);
void assay_layout_carries(struct assay_layout *l, struct assay_node *leaf,
			  const struct assay_field *attribute);
/* Readers of the format would disagree.  The first reason is kept. */
void assay_layout_ambiguous(struct assay_layout *l, uint64_t offset, const char *fmt, ...)
	ASSAY_PRINTF(3, 4);
/* The file is signed from within: what the signature covers must not be rewritten.  The first is kept. */
void assay_layout_signed(struct assay_layout *l, uint64_t offset, struct assay_span by);
/* A limit cut something short: never equivalent. */
void assay_layout_truncated(struct assay_layout *l);

/* ---- the formats (registry.c) ------------------------------------------------------------------ */

/* Alphabetical, ends with NULL; text and binary, which take what nobody else wants, are not in it. */
extern const struct assay_format *const assay_formats[];
extern const struct assay_format assay_format_text, assay_format_binary;
/* For formats that are a tar archive, or gzip members, and more. */
extern const struct assay_format assay_format_tar, assay_format_gzip;
/* The highest bid; text or binary when there is none. */
const struct assay_format *assay_format_detect(struct assay_span file);
/* A field of any registered format by its name; NULL when there is none. */
const struct assay_field *assay_field_find(const char *name);
const char *assay_kind_name(enum assay_kind kind);
const char *assay_severity_name(enum assay_severity severity);
const char *assay_grade_name(enum assay_grade grade);
const char *assay_rating_name(enum assay_rating rating);

/* ---- for the engine ------------------------------------------------------------------------------ */

/* Lays out bytes by the format with the highest bid; a malformed file is laid out as binary (or text)
 * with ->malformed set.  Errors are only ENOMEM, ELIMIT and bugs. */
enum assay_code assay_anatomy_open(struct assay_span bytes, struct assay_anatomy *ret,
				   struct assay_error *err) ASSAY_CHECKED;
/* As one given format; ASSAY_EINPUT when it is malformed. */
enum assay_code assay_anatomy_open_as(const struct assay_format *format, struct assay_span bytes,
				      struct assay_anatomy *ret, struct assay_error *err)
	ASSAY_CHECKED;
void assay_anatomy_release(struct assay_anatomy *anatomy);
/* A copy of a lazy node with its children and attributes, in another arena; other nodes are returned
 * as they are. */
enum assay_code assay_anatomy_expand(const struct assay_anatomy *anatomy,
				     const struct assay_node *node, struct assay_arena *arena,
				     const struct assay_node **ret, struct assay_error *err)
	ASSAY_CHECKED;
struct assay_span assay_node_bytes(const struct assay_anatomy *anatomy,
				   const struct assay_node *node);
/* Of a member's group: its payload; empty when it has none. */
struct assay_span assay_node_payload(const struct assay_anatomy *anatomy,
				     const struct assay_node *member);

#endif
