/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One entry of a tar archive, read strictly: its extended headers (pax x, GNU L and K), its header,
 * where its data stands, and what it effectively is.  Grammar: POSIX.1-2017 pax ("pax Interchange
 * Format", "ustar Interchange Format"), the GNU tar manual ("Basic Tar Format"), and for v7 what GNU
 * tar and bsdtar read.  What readers are known to disagree about is kept as the entry's doubt.
 */
#ifndef ASSAY_NORMALIZERS_TAR_READ_H
#define ASSAY_NORMALIZERS_TAR_READ_H

#include "assay/arena.h"
#include "assay/error.h"
#include "assay/span.h"

struct assay_anatomy;
struct assay_emit;
struct assay_rope;

#define TAR_BLOCK 512
#define TAR_MAX_EXTENDED (1024 * 1024) /* bytes of one extended header */

enum tar_dialect { TAR_V7, TAR_USTAR, TAR_GNU };

/* Why readers would disagree; text is empty when they would not. */
struct tar_doubt {
	uint64_t offset;
	char text[160];
};

struct tar_header {
	enum tar_dialect dialect;
	char type; /* as it stands */
	struct assay_span name, linkname, uname, gname, prefix;
	uint64_t mode, uid, gid, size, devmajor, devminor;
	int64_t mtime, accessed, changed; /* the last two: GNU, 0 when absent */
};

struct tar_record {
	struct assay_span whole, key, value;
};

/* What the records of a pax header say; spans are empty (data NULL) when there is no such record. */
struct tar_pax {
	struct assay_span path, linkpath, uname, gname, uid, gid, mtime, accessed, changed, size;
	struct assay_span sparse_name, sparse_major; /* GNU, formats 0.1 and 1.0 */
};

struct tar_entry {
	uint64_t start, header, data, end; /* offsets in the file; end includes the padding */
	uint64_t size;			   /* bytes of data that are stored */
	/* The map of a sparse member: in blocks in front of the data (type S), or at its beginning (pax
	 * format 1.0, where it is part of size); 0 when there is none. */
	uint64_t map_blocks, map_size;
	struct tar_header head;
	struct tar_pax pax;
	struct assay_span long_name, long_link;
	struct assay_span name, linkname; /* effective */
	char type;			  /* effective: '0' '1' '2' '3' '4' '5' '6', others as they stand */
	bool global;			  /* a pax global header (type g), no member */
	struct tar_doubt doubt;
};

/* The extended headers of one entry, one after the other. */
struct tar_extended {
	uint64_t header, data, size, end;
	char type; /* 'x', 'g', 'L', 'K' */
};

/* Sum of the block with its checksum field as spaces equals that field. */
bool tar_checksum_is_right(struct assay_span block);
/* Reads the entry at offset at.  A name that has to be joined comes from the arena. */
enum assay_code tar_entry_read(struct assay_span file, uint64_t at, struct assay_arena *arena,
			       struct tar_entry *ret, struct assay_error *err) ASSAY_CHECKED;
/* The extended header at offset at, if there is one. */
bool tar_extended_read(struct assay_span file, uint64_t at, struct tar_extended *ret);
/* Cuts the next record off *rest; false at its end or when the grammar is broken (*rest not empty). */
bool tar_record_next(struct assay_span *rest, struct tar_record *ret);
/* Seconds of a pax time; false when it is not a decimal number. */
bool tar_time_parse(struct assay_span text, int64_t *ret_seconds);

/* tar_emit.c: the canonical form. */
enum assay_code tar_emit(struct assay_emit *e, const struct assay_anatomy *anatomy,
			 struct assay_rope *rope, struct assay_error *err) ASSAY_CHECKED;

#endif
