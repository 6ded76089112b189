/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jail: a function that reads hostile bytes, run in a forked child that holds only what it was
 * given -- open descriptors and memory -- and answers over a pipe.  No file can be opened, no socket
 * made, no program run; memory and time are capped.  A crash, a loop or a refused call becomes a
 * typed error that names the artifact; assay goes on.  What a parser needs beyond that -- a repository of
 * many files to read, one directory to write into -- is listed in struct assay_jail and nothing else is given.
 */
#ifndef ASSAY_JAIL_H
#define ASSAY_JAIL_H

#include <stdbool.h>

#include "assay/buf.h"
#include "assay/error.h"

struct assay_jail {
	const char *what;    /* named in errors: "compare a.deb with b.deb" */
	unsigned cpu_s;      /* CPU seconds; 0 = 600 */
	unsigned wall_s;     /* 0 = 1800 */
	uint64_t memory;     /* private, beyond what is mapped now; 0 = 4 GiB.  Mapped files are free */
	size_t answer_max;   /* ceiling of the answer */
	const char *const *readable; /* paths that may be opened read-only, NULL-terminated; usually NULL */
	/* A directory, open, below which files, directories and links may be made and files read; 0: none.
	 * Modes are as given, whatever the caller's umask. */
	int writable_fd;
	bool network; /* sockets of the internet may be made: for whoever fetches, and parses nothing else */
};

/* Runs work(data, answer, err) in the child; its answer's bytes arrive in *ret_answer.  Descriptors
 * stay open in the child.  Threads may be started inside. */
typedef enum assay_code assay_jail_work(void *data, struct assay_buf *answer,
					struct assay_error *err);
enum assay_code assay_jail_run(const struct assay_jail *jail, assay_jail_work *work, void *data,
			       struct assay_buf *ret_answer, struct assay_error *err) ASSAY_CHECKED;
/* For a child that was forked for a purpose and speaks with its parent in its own way: gives up, in this
 * process and for good, what jail does not list.  wall_s and answer_max mean nothing here; the parent
 * calls assay_jail_prepare() before the fork.  Exits when it cannot. */
enum assay_code assay_jail_prepare(struct assay_error *err) ASSAY_CHECKED;
void assay_jail_enter(const struct assay_jail *jail);

#endif
