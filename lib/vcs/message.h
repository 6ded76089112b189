/* SPDX-License-Identifier: Apache-2.0 */
/* What a jail answers, field by field: whoever takes it believes no length before it was checked. */
#ifndef ASSAY_VCS_MESSAGE_H
#define ASSAY_VCS_MESSAGE_H

#include "assay/buf.h"

static inline void message_put_u64(struct assay_buf *out, uint64_t value)
{
	assay_buf_add(out, &value, sizeof(value));
}

static inline void message_put_span(struct assay_buf *out, struct assay_span bytes)
{
	message_put_u64(out, bytes.len);
	assay_buf_add_span(out, bytes);
}

static inline void message_put_text(struct assay_buf *out, const char *text)
{
	message_put_span(out, assay_span_text(text));
}

/* False when the rest is too short. */
static inline bool message_take(struct assay_span *rest, void *out, size_t len)
{
	if (len > rest->len)
		return false;
	memcpy(out, rest->data, len);
	*rest = assay_span_cut(*rest, len, rest->len);
	return true;
}

static inline bool message_take_u64(struct assay_span *rest, uint64_t *ret)
{
	return message_take(rest, ret, sizeof(*ret));
}

static inline bool message_take_span(struct assay_span *rest, struct assay_span *ret)
{
	uint64_t len;

	if (!message_take_u64(rest, &len) || len > rest->len)
		return false;
	*ret = assay_span_cut(*rest, 0, len);
	*rest = assay_span_cut(*rest, len, rest->len);
	return true;
}

/* Into a buffer, NUL-terminated; no NUL within. */
static inline bool message_take_text(struct assay_span *rest, char *out, size_t size)
{
	struct assay_span text;

	if (!message_take_span(rest, &text) || text.len >= size || memchr(text.data ? text.data : (const uint8_t *)"", '\0', text.len))
		return false;
	if (text.len)
		memcpy(out, text.data, text.len);
	out[text.len] = '\0';
	return true;
}

#endif
