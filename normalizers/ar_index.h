/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The symbol index of a static library.  A linker trusts it to choose the member that defines a
 * symbol, so an index that lies swaps code in although all members are equal.  It is only taken as
 * derived when it says exactly what ranlib would make of the members: their global, weak, unique and
 * common symbols in the order of members and symbol tables.
 */
#ifndef ASSAY_NORMALIZERS_AR_INDEX_H
#define ASSAY_NORMALIZERS_AR_INDEX_H

#include "assay/span.h"

/* name: "/" or "/SYM64/"; others are never proven.  file is the whole archive. */
bool ar_index_is_true(struct assay_span file, struct assay_span name, struct assay_span index);

#endif
