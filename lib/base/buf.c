/* SPDX-License-Identifier: Apache-2.0 */
/* The one growing buffer of the program; see the header for its rule. */
#include "assay/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void assay_buf_release(struct assay_buf *buf)
{
	free(buf->data);
	buf->data = NULL;
	buf->len = buf->capacity = 0;
	buf->failed = ASSAY_OK;
}

void assay_buf_clear(struct assay_buf *buf)
{
	buf->len = 0;
	buf->failed = ASSAY_OK;
	if (buf->data)
		buf->data[0] = '\0';
}

static bool reserve(struct assay_buf *buf, size_t extra)
{
	size_t want, capacity;
	char *data;

	if (buf->failed)
		return false;
	if (extra > buf->max || buf->len > buf->max - extra) {
		buf->failed = ASSAY_ELIMIT;
		return false;
	}
	want = buf->len + extra + 1;
	if (want <= buf->capacity)
		return true;
	capacity = buf->capacity ? buf->capacity * 2 : 256;
	if (capacity < want)
		capacity = want;
	data = realloc(buf->data, capacity);
	if (!data) {
		buf->failed = ASSAY_ENOMEM;
		return false;
	}
	buf->data = data;
	buf->capacity = capacity;
	return true;
}

void assay_buf_add(struct assay_buf *buf, const void *data, size_t len)
{
	if (!reserve(buf, len))
		return;
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void assay_buf_add_span(struct assay_buf *buf, struct assay_span s)
{
	assay_buf_add(buf, s.data, s.len);
}

void assay_buf_add_text(struct assay_buf *buf, const char *text)
{
	assay_buf_add(buf, text, strlen(text));
}

void assay_buf_vprintf(struct assay_buf *buf, const char *fmt, va_list args)
{
	va_list again;
	int need;

	va_copy(again, args);
	need = vsnprintf(NULL, 0, fmt, args);
	if (need > 0 && reserve(buf, (size_t)need)) {
		vsnprintf(buf->data + buf->len, (size_t)need + 1, fmt, again);
		buf->len += (size_t)need;
	}
	va_end(again);
}

void assay_buf_printf(struct assay_buf *buf, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	assay_buf_vprintf(buf, fmt, args);
	va_end(args);
}

enum assay_code assay_buf_read_fd(struct assay_buf *buf, int fd, struct assay_error *err)
{
	char block[65536];

	for (;;) {
		ssize_t got = read(fd, block, sizeof(block));

		if (got == 0)
			return assay_buf_check(buf, "what was read", err);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return assay_fail_errno(err, "read");
		assay_buf_add(buf, block, (size_t)got);
		if (buf->failed)
			return assay_buf_check(buf, "what was read", err);
	}
}

enum assay_code assay_buf_check(const struct assay_buf *buf, const char *what,
				struct assay_error *err)
{
	switch (buf->failed) {
	case ASSAY_OK:
		return ASSAY_OK;
	case ASSAY_ELIMIT:
		return assay_fail(err, ASSAY_ELIMIT, "%s: want at most %zu bytes", what, buf->max);
	default:
		return assay_fail(err, ASSAY_ENOMEM, "%s: out of memory", what);
	}
}

struct assay_span assay_buf_span(const struct assay_buf *buf)
{
	return assay_span_of(buf->data, buf->len);
}

const char *assay_buf_text(const struct assay_buf *buf)
{
	return buf->data ? buf->data : "";
}

char *assay_buf_take(struct assay_buf *buf)
{
	char *text = buf->failed ? NULL : buf->data;

	if (!buf->failed && !text)
		return strdup("");
	if (buf->failed)
		free(buf->data);
	*buf = (struct assay_buf)ASSAY_BUF_INIT(buf->max);
	return text;
}
