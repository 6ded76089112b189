/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structs through a pipe, field by field, within one machine: numbers of 64 bits, bytes behind their
 * length.  What a jail answers comes this way; whoever takes it believes no length before it was checked,
 * and a value only after that.
 */
#ifndef ASSAY_MESSAGE_H
#define ASSAY_MESSAGE_H

#include "assay/buf.h"

static inline void assay_message_put_u64(struct assay_buf *out, uint64_t value)
{
	assay_buf_add(out, &value, sizeof(value));
}

static inline void assay_message_put_span(struct assay_buf *out, struct assay_span bytes)
{
	assay_message_put_u64(out, bytes.len);
	assay_buf_add_span(out, bytes);
}

static inline void assay_message_put_text(struct assay_buf *out, const char *text)
{
	assay_message_put_span(out, assay_span_text(text));
}

/* False when the rest is too short. */
static inline bool assay_message_take(struct assay_span *rest, void *out, size_t len)
{
	if (len > rest->len)
		return false;
	memcpy(out, rest->data, len);
	*rest = assay_span_cut(*rest, len, rest->len);
	return true;
}

static inline bool assay_message_take_u64(struct assay_span *rest, uint64_t *ret)
{
	return assay_message_take(rest, ret, sizeof(*ret));
}

static inline bool assay_message_take_span(struct assay_span *rest, struct assay_span *ret)
{
	uint64_t len;

	if (!assay_message_take_u64(rest, &len) || len > rest->len)
		return false;
	*ret = assay_span_cut(*rest, 0, len);
	*rest = assay_span_cut(*rest, len, rest->len);
	return true;
}

/* Into a buffer, NUL-terminated; no NUL within. */
static inline bool assay_message_take_text(struct assay_span *rest, char *out, size_t size)
{
	struct assay_span text;

	if (!assay_message_take_span(rest, &text) || text.len >= size ||
	    (text.len && memchr(text.data, '\0', text.len)))
		return false;
	if (text.len)
		memcpy(out, text.data, text.len);
	out[text.len] = '\0';
	return true;
}

#endif
