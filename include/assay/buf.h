/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer with a ceiling given at birth, so that no input makes it grow without end.
 * Errors are sticky: append freely, check once with assay_buf_check().  data is always
 * NUL-terminated behind len, and valid until the next append.
 */
#ifndef ASSAY_BUF_H
#define ASSAY_BUF_H

#include <stdarg.h>

#include "assay/error.h"
#include "assay/span.h"

struct assay_buf {
	char *data;
	size_t len;
	size_t capacity;
	size_t max;
	enum assay_code failed; /* ASSAY_ENOMEM or ASSAY_ELIMIT once an append did not fit */
};

#define ASSAY_BUF_INIT(maximum) { .data = NULL, .max = (maximum) }

void assay_buf_release(struct assay_buf *buf);
/* Empties the buffer and forgets a failure; keeps the memory. */
void assay_buf_clear(struct assay_buf *buf);
void assay_buf_add(struct assay_buf *buf, const void *data, size_t len);
void assay_buf_add_span(struct assay_buf *buf, struct assay_span s);
void assay_buf_add_text(struct assay_buf *buf, const char *text);
void assay_buf_printf(struct assay_buf *buf, const char *fmt, ...) ASSAY_PRINTF(2, 3);
void assay_buf_vprintf(struct assay_buf *buf, const char *fmt, va_list args) ASSAY_PRINTF(2, 0);
/* Reads fd to its end. */
enum assay_code assay_buf_read_fd(struct assay_buf *buf, int fd, struct assay_error *err)
	ASSAY_CHECKED;
enum assay_code assay_buf_check(const struct assay_buf *buf, const char *what,
				struct assay_error *err) ASSAY_CHECKED;
struct assay_span assay_buf_span(const struct assay_buf *buf);
/* The text (never NULL; "" when empty). */
const char *assay_buf_text(const struct assay_buf *buf);
/* Hands over the malloc'ed, NUL-terminated text and empties the buffer; NULL when it has failed. */
char *assay_buf_take(struct assay_buf *buf);

#endif
