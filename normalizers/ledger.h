/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger: every difference found, with its bytes, once.  It groups what has one cause ("mtime of
 * 412 members"), keeps the accounting sound while it does, and writes the report in an order that
 * does not depend on the sides.  docs/formats/accounting.md defines what is counted.
 */
#ifndef ASSAY_NORMALIZERS_LEDGER_H
#define ASSAY_NORMALIZERS_LEDGER_H

#include "causes.h"

#define ASSAY_LEDGER_EXAMPLES 5

/* Both sides of something: index 0 is left. */
struct assay_both {
	struct assay_span left, right;
};

/* What one side has where a field differs; absent is not the same as empty. */
struct assay_values {
	struct assay_both text;
	bool left_present, right_present;
};

struct assay_ledger_entry {
	const struct assay_span *path; /* copied */
	size_t path_count;
	/* Leading parts of the path that name the archive; equal to path_count: never grouped. */
	size_t container_count;
	const struct assay_field *field;
	const char *cause; /* NULL: unexplained */
	enum assay_confidence confidence;
	enum assay_severity severity;
	struct assay_values values;
	const char *explanation; /* copied */
	const char *diff;	 /* unified, or NULL; copied */
	const struct assay_range *ranges;
	size_t range_count;
	uint64_t bytes;
	const char *pass; /* folded by this pass; NULL: not folded */
	const char *condition; /* that was checked, or NULL */
};

struct assay_divergence;

struct assay_ledger {
	struct assay_arena arena;
	struct assay_divergence **slots; /* open addressing by key */
	size_t slot_count;
	struct assay_divergence **list;
	size_t count, capacity;
	uint64_t dropped;
	uint64_t consequence_bytes; /* derived spans, counted with the roots that have them */
	bool truncated;
};

void assay_ledger_init(struct assay_ledger *ledger);
void assay_ledger_release(struct assay_ledger *ledger);
/* The record the entry went to: a new one or its group's.  NULL when the ledger is full (counted). */
struct assay_divergence *assay_ledger_add(struct assay_ledger *ledger,
					  const struct assay_ledger_entry *entry);
/* Bytes of a record that were found later: the carriers of an attribute. */
void assay_ledger_widen(struct assay_divergence *divergence, const struct assay_range *range,
			uint64_t bytes);
/* Derived bytes that follow from other records. */
void assay_ledger_follow(struct assay_ledger *ledger, uint64_t bytes);

struct assay_ledger_sums {
	uint64_t different, explained, unexplained;
	size_t records;
	bool all_folded;
	enum assay_grade grade; /* the greatest of the folded ones */
	const char *worst;	/* explanation of the first record of the report that is not folded */
};

/* Sorts; call once, before the next two. */
void assay_ledger_close(struct assay_ledger *ledger, struct assay_ledger_sums *ret);
json_t *assay_ledger_divergences(const struct assay_ledger *ledger);
json_t *assay_ledger_passes(const struct assay_ledger *ledger);

#endif
