/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jail: a function that reads hostile bytes, run in a forked child that holds only what it was
 * given -- open descriptors and memory -- and answers over a pipe.  No file can be opened, no socket
 * made, no program run; memory and time are capped.  A crash, a loop or a refused call becomes a
 * typed error that names the artifact; assay goes on.
 */
#ifndef ASSAY_JAIL_H
#define ASSAY_JAIL_H

#include "assay/buf.h"
#include "assay/error.h"

struct assay_jail {
	const char *what;    /* named in errors: "compare a.deb with b.deb" */
	unsigned cpu_s;      /* CPU seconds; 0 = 600 */
	unsigned wall_s;     /* 0 = 1800 */
	uint64_t memory;     /* address space beyond what is mapped now; 0 = 4 GiB */
	size_t answer_max;   /* ceiling of the answer */
	const char *const *readable; /* paths that may be opened read-only, NULL-terminated; usually NULL */
};

/* Runs work(data, answer, err) in the child; its answer's bytes arrive in *ret_answer.  Descriptors
 * stay open in the child.  Threads may be started inside. */
typedef enum assay_code assay_jail_work(void *data, struct assay_buf *answer,
					struct assay_error *err);
enum assay_code assay_jail_run(const struct assay_jail *jail, assay_jail_work *work, void *data,
			       struct assay_buf *ret_answer, struct assay_error *err) ASSAY_CHECKED;

#endif
