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

/* name: "/" or "/SYM64/"; others are never proven.  file is the whole archive. */
bool ar_index_is_true(struct assay_span file, struct assay_span name, struct assay_span index);

/* Calls use for each symbol that ranlib lists of a member, a span with a NUL behind it.  False when it
 * cannot be told (bitcode, a damaged object), or when use says so. */
typedef bool ar_symbol_use(void *data, struct assay_span symbol);
bool ar_index_symbols(struct assay_span member, ar_symbol_use *use, void *data);

/* Which definition a linker takes where several members have one: the first.  A digest, in hex, of all
 * symbols that two of the members define and of the member that comes first; empty when there is no such
 * symbol.  Where it cannot be told of a member, of the order of all. */
struct ar_definer {
	struct assay_span name, bytes;
};
enum assay_code ar_first_definitions(const struct ar_definer *members, size_t count,
				     char out[ASSAY_DIGEST_TEXT], struct assay_error *err)
	ASSAY_CHECKED;

#endif
