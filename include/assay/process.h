/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running trusted tools of the system (apt-get, gpgv, mmdebstrap): never a shell, arguments as a
 * list, descriptors 0-2 only, own process group, a deadline, killed and reaped whatever happens.
 * Builds do not run this way; see assay/box.h.
 */
#ifndef ASSAY_PROCESS_H
#define ASSAY_PROCESS_H

#include "assay/buf.h"
#include "assay/error.h"

struct assay_process {
	const char *const *argv;     /* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *env;      /* "NAME=value", NULL-terminated, added to the inherited environment */
	const char *directory;       /* working directory; NULL = inherited */
	int stdin_fd;                /* -1 = /dev/null */
	int keep_fd;                 /* passed as descriptor 3; -1 = none */
	struct assay_buf *out;       /* stdout; NULL = thrown away */
	struct assay_buf *error_out; /* stderr; NULL = thrown away.  Beyond its ceiling both are cut */
	unsigned timeout_s;          /* 0 = 10 minutes */
	void (*on_line)(void *data, const char *line); /* each line of stderr as it comes, or NULL */
	void *on_line_data;
};

#define ASSAY_PROCESS_INIT { .stdin_fd = -1, .keep_fd = -1 }

/* Runs to the end.  *ret_status is the exit status, or 128 + signal.  An error means that it could
 * not be run, ran out of time or was interrupted; a non-zero status is not an error. */
enum assay_code assay_process_run(const struct assay_process *process, int *ret_status,
				  struct assay_error *err) ASSAY_CHECKED;
/* As above; a non-zero status is ASSAY_EIO with the last line of stderr. */
enum assay_code assay_process_must(const struct assay_process *process, struct assay_error *err)
	ASSAY_CHECKED;

/* Set by the signal handler of the program (SIGINT, SIGTERM); long loops look at it. */
extern volatile int assay_interrupted;
/* Installs the handlers: the first signal sets assay_interrupted, nothing is left half done. */
void assay_interrupt_init(void);

#endif
