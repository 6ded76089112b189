/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of an archive's members, to find what makes readers disagree: a name that comes twice
 * (some take the first, some the last) and a name below a symbolic link of the same archive (some
 * follow it, some refuse, some replace it).  Names are compared as extractors resolve them: without
 * empty and "." components.  Equality is decided by comparing bytes; the hash only finds candidates.
 */
#ifndef ASSAY_NORMALIZERS_NAMES_H
#define ASSAY_NORMALIZERS_NAMES_H

#include "assay/error.h"
#include "assay/span.h"

struct assay_name_slot;

struct assay_names {
	struct assay_name_slot *slots; /* open addressing; capacity is a power of two */
	size_t count, capacity;
	size_t links;
};

#define ASSAY_NAMES_INIT { .slots = NULL }

void assay_names_release(struct assay_names *names);
/* The bytes of name must outlive the set.  *ret_known: it was in there already. */
enum assay_code assay_names_add(struct assay_names *names, struct assay_span name, bool is_link,
				bool *ret_known, struct assay_error *err) ASSAY_CHECKED;
bool assay_names_have(const struct assay_names *names, struct assay_span name);
/* A leading directory of name is a symbolic link of the set. */
bool assay_names_below_link(const struct assay_names *names, struct assay_span name);

#endif
