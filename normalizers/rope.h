/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canonical form on its way: a list of parts, each either bytes of the source (mapped or decoded,
 * borrowed) or bytes that were made, which lie in a scratch file.  Nothing of the source is copied
 * before the whole is written, and nothing that was made stays in memory.
 */
#ifndef ASSAY_NORMALIZERS_ROPE_H
#define ASSAY_NORMALIZERS_ROPE_H

#include <stdbool.h>

#include "assay/error.h"
#include "assay/span.h"

struct assay_rope_part {
	const uint8_t *data; /* NULL: at offset in the scratch file */
	uint64_t offset, length;
};

struct assay_rope {
	struct assay_rope_part *parts;
	size_t count, room;
	uint64_t size;
};

#define ASSAY_ROPE_INIT { .parts = NULL }

/* The scratch file: an unlinked file opened read-write, borrowed; filled from its start. */
struct assay_scratch {
	int fd;
	uint64_t end;	/* of what was made, with what is still held back */
	uint64_t max;	/* ceiling of end */
	uint8_t *held;	/* the last bytes, not yet in the file */
	size_t held_len;
};

#define ASSAY_SCRATCH_INIT(descriptor, maximum) { .fd = (descriptor), .max = (maximum) }

void assay_scratch_release(struct assay_scratch *scratch);

void assay_rope_release(struct assay_rope *rope);
/* Bytes that live as long as the rope. */
enum assay_code assay_rope_add(struct assay_rope *rope, struct assay_span bytes,
			       struct assay_error *err) ASSAY_CHECKED;
/* Copies bytes into the scratch file. */
enum assay_code assay_rope_make(struct assay_rope *rope, struct assay_scratch *scratch,
				struct assay_span bytes, struct assay_error *err) ASSAY_CHECKED;
/* Moves the parts of other to the end; other is empty afterwards. */
enum assay_code assay_rope_join(struct assay_rope *rope, struct assay_rope *other,
				struct assay_error *err) ASSAY_CHECKED;

/* Reads a rope from its start. */
struct assay_rope_reader {
	const struct assay_rope *rope;
	struct assay_scratch *scratch;
	size_t part;
	uint64_t at; /* in the part */
	uint8_t *room;
};

void assay_rope_reader_open(struct assay_rope_reader *reader, const struct assay_rope *rope,
			    struct assay_scratch *scratch);
/* The next bytes, empty at the end; they live until the next call. */
enum assay_code assay_rope_read(struct assay_rope_reader *reader, struct assay_span *ret,
				struct assay_error *err) ASSAY_CHECKED;
void assay_rope_reader_release(struct assay_rope_reader *reader);

/* Bytes of the source that stand where they stood are equal without being looked at. */
enum assay_code assay_rope_equals(const struct assay_rope *rope, struct assay_scratch *scratch,
				  struct assay_span bytes, bool *ret, struct assay_error *err)
	ASSAY_CHECKED;
enum assay_code assay_rope_write(const struct assay_rope *rope, struct assay_scratch *scratch, int fd,
				 struct assay_error *err) ASSAY_CHECKED;

#endif
