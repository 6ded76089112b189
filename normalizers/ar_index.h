/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The symbol index of a static library.  A linker trusts it to choose the member that defines a
 * symbol, so an index that lies swaps code in although all members are equal.  It is only taken as
 * derived when it says exactly what ranlib would make of the members: their global, weak, unique and
 * common symbols in the order of members and symbol tables.
 */
#ifndef ASSAY_NORMALIZERS_AR_INDEX_H
#define ASSAY_NORMALIZERS_AR_INDEX_H

#include "assay/digest.h"
#include "assay/error.h"
#include "assay/span.h"

struct ar_definer {
	struct assay_span name, bytes;
	uint64_t offset; /* of its header */
};

struct ar_symbol {
	struct assay_span name; /* a NUL stands behind it */
	size_t member;
};

/* What ranlib would list of the members: in their order, those of member m from first[m] to first[m + 1].  Not
 * told when it cannot be told of one of them (bitcode, a damaged object): the list is of no use then. */
struct ar_symbols {
	struct ar_symbol *list;
	size_t count, room;
	size_t *first;
	bool told;
};

enum assay_code ar_symbols_read(const struct ar_definer *members, size_t count, struct ar_symbols *ret,
				struct assay_error *err) ASSAY_CHECKED;
void ar_symbols_release(struct ar_symbols *symbols);

/* name: "/" or "/SYM64/"; others are never proven. */
bool ar_index_is_true(struct assay_span name, struct assay_span index, const struct ar_definer *members,
		      const struct ar_symbols *symbols);

/* Which definition a linker takes where several members have one: the first.  A digest, in hex, of all
 * symbols that two of the members define and of the member that comes first; empty when there is no such
 * symbol.  Where it cannot be told of a member, of the order of all.  order: at each place the number of the
 * member that would stand there. */
enum assay_code ar_first_definitions(const struct ar_definer *members, size_t count,
				     const struct ar_symbols *symbols, const size_t *order,
				     char out[ASSAY_DIGEST_TEXT], struct assay_error *err)
	ASSAY_CHECKED;

#endif
