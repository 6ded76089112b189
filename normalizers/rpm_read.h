/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One header of an rpm package: an index of tags and the store their data lies in, proven to tile it
 * (rpm's docs/manual/format.md).  A package has two of them, the first one for digests and signatures.
 */
#ifndef ASSAY_NORMALIZERS_RPM_READ_H
#define ASSAY_NORMALIZERS_RPM_READ_H

#include "assay/arena.h"
#include "assay/error.h"
#include "assay/span.h"

enum {
	RPM_LEAD_SIZE = 96,
	RPM_INTRO_SIZE = 16, /* magic, reserved, number of tags, size of the store */
	RPM_ENTRY_SIZE = 16, /* tag, type, offset, count */
};

enum rpm_type {
	RPM_NULL,
	RPM_CHAR,
	RPM_INT8,
	RPM_INT16,
	RPM_INT32,
	RPM_INT64,
	RPM_STRING,
	RPM_BIN,
	RPM_STRINGS,
	RPM_I18N_STRINGS,
	RPM_TYPES,
};

struct rpm_entry {
	uint32_t tag, type, count;
	uint64_t at, end; /* of its data, in the file */
};

struct rpm_header {
	struct assay_span file;
	uint64_t start, store, end; /* in the file; without the padding of a signature header */
	struct rpm_entry *entries;  /* in the order of the index */
	uint32_t *by_place;	    /* indices in the order of the data */
	size_t count;
	bool is_signature;
	char doubt[160]; /* empty: none */
	uint64_t doubt_at;
};

/* Name of a tag without its prefix; NULL when it is unknown. */
const char *rpm_tag_name(uint32_t number, bool is_signature);

enum assay_code rpm_header_read(struct assay_span file, uint64_t at, bool is_signature,
				struct assay_arena *arena, struct rpm_header *ret,
				struct assay_error *err) ASSAY_CHECKED;
/* The data of a tag of that type; empty when the header has none. */
struct assay_span rpm_header_find(const struct rpm_header *header, uint32_t tag, enum rpm_type type);
/* The first two headers of a package; false when it has not both. */
enum assay_code rpm_headers_read(struct assay_span file, struct assay_arena *arena,
				 struct rpm_header ret[2], struct assay_error *err) ASSAY_CHECKED;
/* Where the header behind a signature header begins: a multiple of eight. */
uint64_t rpm_header_aligned(uint64_t end);
uint32_t rpm_be32(struct assay_span s, uint64_t at);

#endif
