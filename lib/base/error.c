/* SPDX-License-Identifier: Apache-2.0 */
/* One table maps each code to its text, exit status and retry rule; no caller keeps a second one. */
#include "assay/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	const char *text;
	int exit_status;
	int retry;
} codes[] = {
#define X(code, text, status, retry) [code] = { #code, text, status, retry },
	ASSAY_CODES(X)
#undef X
};

/* Messages quote bytes of hostile files: control characters never reach a terminal. */
static void make_printable(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
}

enum assay_code assay_fail(struct assay_error *err, enum assay_code code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, args);
	va_end(args);
	make_printable(err->msg);
	err->code = code;
	err->sys = 0;
	return code;
}

static enum assay_code code_of_errno(int sys)
{
	switch (sys) {
	case ENOENT:
		return ASSAY_ENOTFOUND;
	case ENOMEM:
		return ASSAY_ENOMEM;
	case ETIMEDOUT:
		return ASSAY_ETIMEOUT;
	case EINTR:
		return ASSAY_EINTERRUPTED;
	case EBUSY:
	case EAGAIN:
		return ASSAY_EBUSY;
	default:
		return ASSAY_EIO;
	}
}

enum assay_code assay_fail_errno(struct assay_error *err, const char *fmt, ...)
{
	int sys = errno;
	va_list args;
	size_t used;

	va_start(args, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, args);
	va_end(args);
	used = strlen(err->msg);
	snprintf(err->msg + used, sizeof(err->msg) - used, ": %s", strerror(sys));
	make_printable(err->msg);
	err->code = code_of_errno(sys);
	err->sys = sys;
	return err->code;
}

enum assay_code assay_context(struct assay_error *err, const char *fmt, ...)
{
	char inner[ASSAY_ERROR_MAX];
	va_list args;
	size_t used;

	memcpy(inner, err->msg, sizeof(inner));
	va_start(args, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, args);
	va_end(args);
	used = strlen(err->msg);
	snprintf(err->msg + used, sizeof(err->msg) - used, ": %s", inner);
	make_printable(err->msg);
	return err->code;
}

const char *assay_code_name(enum assay_code code)
{
	return codes[code].name;
}

const char *assay_code_text(enum assay_code code)
{
	return codes[code].text;
}

int assay_code_exit_status(enum assay_code code)
{
	return codes[code].exit_status;
}

int assay_code_is_retryable(enum assay_code code)
{
	return codes[code].retry;
}
