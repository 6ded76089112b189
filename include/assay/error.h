/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors.  A function that can fail returns enum assay_code and takes a struct assay_error as its
 * last parameter, owned by the caller and usually on its stack.  The code decides behaviour (exit
 * status, retry), the text only informs.  Nothing on this path allocates, so it works when memory
 * is exhausted.  The library never prints.
 *
 *	if (size > ASSAY_MAX_MEMBERS)
 *		return assay_fail(err, ASSAY_ELIMIT, "member count: want at most %d, have %zu", ...);
 *	...
 *	if (parse(file, &err))
 *		return assay_context(&err, "artifact %s", name);
 *
 * gives "artifact x.deb: member count: want at most ...".  A difference between two artifacts is a
 * result and never an error.
 */
#ifndef ASSAY_ERROR_H
#define ASSAY_ERROR_H

#include <stddef.h>

#define ASSAY_ERROR_MAX 1024

/* code, text, exit status of the command line, worth a retry */
#define ASSAY_CODES(X)                                                                             \
	X(ASSAY_OK, "no error", 0, 0)                                                              \
	X(ASSAY_END, "end of data", 0, 0)                                                          \
	X(ASSAY_ENOTFOUND, "not found", 3, 0)                                                      \
	X(ASSAY_EUSAGE, "wrong usage", 2, 0)                                                       \
	X(ASSAY_EINPUT, "malformed input", 2, 0)                                                   \
	X(ASSAY_ELIMIT, "limit reached", 3, 0)                                                     \
	X(ASSAY_EUNTRUSTED, "not trusted", 4, 0)                                                   \
	X(ASSAY_EBUSY, "busy", 3, 1)                                                               \
	X(ASSAY_ETIMEOUT, "timed out", 3, 1)                                                       \
	X(ASSAY_EIO, "input or output failed", 3, 1)                                               \
	X(ASSAY_ENOMEM, "out of memory", 3, 1)                                                     \
	X(ASSAY_EINTERRUPTED, "interrupted", 3, 1)                                                 \
	X(ASSAY_EUNSUPPORTED, "not supported here", 3, 0)                                          \
	X(ASSAY_EBUG, "bug in assay", 3, 0)

enum assay_code {
#define X(code, text, status, retry) code,
	ASSAY_CODES(X)
#undef X
};

struct assay_error {
	enum assay_code code;
	int sys; /* errno at the time of failure, 0 when none applies */
	char msg[ASSAY_ERROR_MAX];
};

#define ASSAY_ERROR_INIT { ASSAY_OK, 0, "" }
#define ASSAY_CHECKED __attribute__((warn_unused_result))
#define ASSAY_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Sets code and message and returns the code.  Unprintable bytes in the message are escaped. */
enum assay_code assay_fail(struct assay_error *err, enum assay_code code, const char *fmt, ...)
	ASSAY_PRINTF(3, 4) __attribute__((cold));

/* As assay_fail, appends ": <strerror(errno)>" and keeps errno; ENOMEM, ETIMEDOUT and so on choose
 * the code, everything else is ASSAY_EIO. */
enum assay_code assay_fail_errno(struct assay_error *err, const char *fmt, ...) ASSAY_PRINTF(2, 3)
	__attribute__((cold));

/* Prepends "<context>: " to the message and returns the code that is already there. */
enum assay_code assay_context(struct assay_error *err, const char *fmt, ...) ASSAY_PRINTF(2, 3)
	__attribute__((cold));

const char *assay_code_name(enum assay_code code);
const char *assay_code_text(enum assay_code code);
int assay_code_exit_status(enum assay_code code);
int assay_code_is_retryable(enum assay_code code);

#endif
