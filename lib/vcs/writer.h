/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source on its way to the disk: files, directories and links with checked names, modes 0644, 0755
 * and nothing else, and the digest of the whole.  Both git trees and archives are written through here,
 * so that the rules stand once.  All of it runs in jails; what one has written, the next is told by its
 * records.  stamp.c sets the times afterwards.
 */
#ifndef ASSAY_VCS_WRITER_H
#define ASSAY_VCS_WRITER_H

#include "assay/arena.h"
#include "assay/buf.h"
#include "assay/vcs.h"

struct writer_record {
	const char *path;
	char type; /* 'f' file, 'x' executable, 'l' link, 'd' directory */
	struct assay_digest content; /* of a file; of a link's target; zero for a directory */
};

struct writer {
	int top; /* the directory everything is relative to */
	struct assay_arena arena;
	struct writer_record *records;
	size_t count, room;
	uint64_t files, bytes;
	uint64_t lfs_pointers;
	char lfs_first[256];
};

#define WRITER_INIT { .top = -1, .arena = ASSAY_ARENA_INIT(ASSAY_MAX_TREE) }

void writer_release(struct writer *w);
/* Paths are relative; the part above was made by writer_directory (or is ""), the last component is
 * checked here.  What exists already is refused. */
enum assay_code writer_directory(struct writer *w, const char *path, struct assay_error *err)
	ASSAY_CHECKED;
enum assay_code writer_link(struct writer *w, const char *path, struct assay_span target,
			    struct assay_error *err) ASSAY_CHECKED;
enum assay_code writer_file(struct writer *w, const char *path, bool executable,
			    struct assay_span content, struct assay_error *err) ASSAY_CHECKED;
/* In pieces: open, add..., close. */
struct writer_stream {
	int fd;
	const char *path;
	bool executable;
	struct assay_hasher *hasher;
};
enum assay_code writer_stream_open(struct writer *w, const char *path, bool executable,
				   struct writer_stream *ret, struct assay_error *err) ASSAY_CHECKED;
enum assay_code writer_stream_add(struct writer *w, struct writer_stream *stream,
				  struct assay_span bytes, struct assay_error *err) ASSAY_CHECKED;
enum assay_code writer_stream_close(struct writer *w, struct writer_stream *stream,
				    struct assay_error *err) ASSAY_CHECKED;
void writer_stream_abandon(struct writer_stream *stream);
/* Refuses names that fold together, computes the digest of the tree. */
enum assay_code writer_finish(struct writer *w, struct assay_checkout *ret, struct assay_error *err)
	ASSAY_CHECKED;

/* What was written, for whoever goes on: counts and records, appended to a message and taken from one. */
void writer_put(const struct writer *w, struct assay_buf *out);
enum assay_code writer_take(struct writer *w, struct assay_span *rest, struct assay_error *err)
	ASSAY_CHECKED;

#endif
