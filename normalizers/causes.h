/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Causes of divergence: the catalogue (causes.def: data) and the recognisers of values (dates, build
 * paths, host names, compiler idents, UUIDs, permuted lines) that name one from two differing pieces.
 * The engine calls assay_causes_recognise() for every differing leaf that is not folded; what it does
 * not know stays unexplained, and unexplained is never called harmless.
 */
#ifndef ASSAY_NORMALIZERS_CAUSES_H
#define ASSAY_NORMALIZERS_CAUSES_H

#include "anatomy.h"

enum assay_confidence {
	ASSAY_GUESS,
	ASSAY_LIKELY,
	ASSAY_CERTAIN,
};

enum assay_cause_class {
	ASSAY_CAUSE_TIME,
	ASSAY_CAUSE_IDENTITY, /* paths, users, hosts and the rest of the surroundings */
	ASSAY_CAUSE_ORDER,
	ASSAY_CAUSE_RANDOM,
	ASSAY_CAUSE_DRIFT, /* other inputs, tools or source: not nondeterminism */
	ASSAY_CAUSE_PACKAGING,
	ASSAY_CAUSE_CONSEQUENCE,
	ASSAY_CAUSE_UNEXPLAINED,
};

struct assay_cause {
	const char *id; /* names of the Reproducible Builds project's issues where one exists */
	enum assay_cause_class class;
	enum assay_severity severity; /* unless the field or the evidence raises it */
	const char *title;	      /* "build path" */
	const char *explanation;      /* one sentence without a full stop; evidence is appended */
	const char *remedy;	      /* what to change */
	const char *reference;	      /* where to read on; may be "" */
};

/* NULL when there is none; the ids below are always there. */
const struct assay_cause *assay_cause_find(const char *id);
/* All of them, in the order of the catalogue; NULL behind the last. */
const struct assay_cause *assay_cause_at(size_t index);
size_t assay_cause_count(void);
/* The sentence of a cause with both values (each may be empty) and another cause that has a part. */
void assay_cause_explain(const struct assay_cause *cause, struct assay_span left,
			 struct assay_span right, const char *also, char *out, size_t size);
#define ASSAY_CAUSE_CODE "unexplained_code_change"
#define ASSAY_CAUSE_DATA "unexplained_data_change"
#define ASSAY_CAUSE_METADATA "unexplained_metadata_difference"
#define ASSAY_CAUSE_ADDED "file_only_on_one_side"
#define ASSAY_CAUSE_UNACCOUNTED "unaccounted_difference"

/* Two ranges that differ, in the bytes of the two leaves. */
struct assay_range {
	uint64_t left, left_length, right, right_length;
};

struct assay_evidence {
	const struct assay_field *field;
	const char *format;	       /* of the anatomy: "text", "elf" */
	const struct assay_span *path; /* chain of names from the outside in */
	size_t path_count;
	struct assay_span left, right; /* the whole leaves */
	struct assay_span left_file, right_file; /* the files they stand in: generators name themselves */
	bool is_text;		       /* both are */
	const struct assay_range *ranges;
	size_t range_count; /* at least 1, at most ASSAY_MAX_RANGES */
	const struct assay_build_context *left_context, *right_context; /* NULL: nothing known */
};

struct assay_recognised {
	const struct assay_cause *cause;
	enum assay_confidence confidence;
	char explanation[512];	/* one sentence, with both values */
	uint64_t ranges; /* bit i: range i is fully explained by this cause (ASSAY_MAX_RANGES = 64) */
};

/* Names one cause for one or more of the ranges; false when nothing is recognised.  The engine calls
 * again with what is left.  Symmetric: swapping the sides swaps the values and changes nothing else. */
bool assay_causes_recognise(const struct assay_evidence *evidence, struct assay_recognised *ret);

/* Of an attribute of a member that differs: a better cause than its field's, or NULL; what lets a file
 * run, or run with other rights, is raised to the severity of code. */
const char *assay_cause_attribute(const struct assay_attribute *left,
				  const struct assay_attribute *right, bool folds,
				  enum assay_severity *severity);
/* Of a member or section that only one side has, by its name; NULL: nothing is known of such names. */
const char *assay_cause_presence(struct assay_span name);

#endif
