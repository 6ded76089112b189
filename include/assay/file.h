/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files: whole reads and writes, maps, and the one way a file comes to be: written under a temporary
 * name in the same directory, flushed, and renamed, so that a half-written file is never taken for a
 * whole one.  Names are relative to a directory descriptor (AT_FDCWD for the working directory).
 */
#ifndef ASSAY_FILE_H
#define ASSAY_FILE_H

#include <sys/types.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/error.h"
#include "assay/span.h"

/* A file mapped read-only.  A file that shrinks while mapped raises SIGBUS: map only what nobody
 * else can write, or in a jailed child. */
struct assay_map {
	struct assay_span bytes;
};

enum assay_code assay_map_fd(int fd, struct assay_map *ret, struct assay_error *err) ASSAY_CHECKED;
enum assay_code assay_map_file(const char *path, struct assay_map *ret, struct assay_error *err)
	ASSAY_CHECKED;
void assay_map_release(struct assay_map *map);

/* Opens for reading with O_CLOEXEC | O_NOCTTY; refuses what is not a regular file. */
enum assay_code assay_file_open(int dirfd, const char *name, int *ret_fd, struct assay_error *err)
	ASSAY_CHECKED;
/* Reads the whole file into buf (whose ceiling limits it). */
enum assay_code assay_file_read(int dirfd, const char *name, struct assay_buf *buf,
				struct assay_error *err) ASSAY_CHECKED;
/* Writes all of it; retries short writes and EINTR. */
enum assay_code assay_fd_write(int fd, const void *data, size_t len, struct assay_error *err)
	ASSAY_CHECKED;
/* Copies from in to its end to out; *ret_size may be NULL. */
enum assay_code assay_fd_copy(int in, int out, uint64_t *ret_size, struct assay_error *err)
	ASSAY_CHECKED;
/* Reads exactly len bytes; ASSAY_END when the stream ends before the first, ASSAY_EIO in between. */
enum assay_code assay_fd_read_exact(int fd, void *data, size_t len, struct assay_error *err)
	ASSAY_CHECKED;

/* A file on its way into being. */
struct assay_draft {
	int dirfd; /* borrowed */
	int fd;
	char *final_name;
	char *draft_name;
};

#define ASSAY_DRAFT_INIT { .dirfd = -1, .fd = -1 }

enum assay_code assay_draft_open(struct assay_draft *draft, int dirfd, const char *name,
				 mode_t mode, struct assay_error *err) ASSAY_CHECKED;
/* fsync, rename to the final name, fsync of the directory. */
enum assay_code assay_draft_commit(struct assay_draft *draft, struct assay_error *err)
	ASSAY_CHECKED;
/* Abandons what was not committed: the temporary file is removed.  Also a cleanup function. */
void assay_draft_release(struct assay_draft *draft);
/* open, write, commit */
enum assay_code assay_file_write(int dirfd, const char *name, struct assay_span bytes, mode_t mode,
				 struct assay_error *err) ASSAY_CHECKED;
/* A file that appears whole under its name, and only if there was none: ASSAY_EUSAGE when there is. */
enum assay_code assay_file_write_new(const char *path, struct assay_span bytes, mode_t mode,
				     struct assay_error *err) ASSAY_CHECKED;

#endif
