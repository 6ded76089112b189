/* SPDX-License-Identifier: Apache-2.0 */
/* Byte spans: the few questions every parser asks of a piece of memory. */
#include "assay/span.h"

#include <stdio.h>
#include <stdlib.h>

bool assay_span_equal(struct assay_span a, struct assay_span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool assay_span_equal_text(struct assay_span s, const char *text)
{
	return assay_span_equal(s, assay_span_text(text));
}

bool assay_span_is_zero(struct assay_span s)
{
	return s.len == 0 || (s.data[0] == 0 && memcmp(s.data, s.data + 1, s.len - 1) == 0);
}

bool assay_span_starts(struct assay_span s, const char *prefix)
{
	size_t len = strlen(prefix);

	return s.len >= len && memcmp(s.data, prefix, len) == 0;
}

bool assay_span_ends(struct assay_span s, const char *suffix)
{
	size_t len = strlen(suffix);

	return s.len >= len && memcmp(s.data + s.len - len, suffix, len) == 0;
}

int assay_span_compare(struct assay_span a, struct assay_span b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len ? memcmp(a.data, b.data, len) : 0;

	if (order)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct assay_span assay_span_trim(struct assay_span s)
{
	while (s.len && is_space(s.data[0])) {
		s.data++;
		s.len--;
	}
	while (s.len && is_space(s.data[s.len - 1]))
		s.len--;
	return s;
}

size_t assay_span_find(struct assay_span s, size_t from, struct assay_span needle)
{
	const uint8_t *hit;

	if (from > s.len || needle.len > s.len - from)
		return SIZE_MAX;
	if (needle.len == 0)
		return from;
	hit = memmem(s.data + from, s.len - from, needle.data, needle.len);
	return hit ? (size_t)(hit - s.data) : SIZE_MAX;
}

bool assay_span_next_line(struct assay_span *rest, struct assay_span *line)
{
	const uint8_t *end;
	size_t len;

	if (rest->len == 0)
		return false;
	end = memchr(rest->data, '\n', rest->len);
	len = end ? (size_t)(end - rest->data) : rest->len;
	*line = assay_span_of(rest->data, len);
	if (end)
		len++;
	*rest = assay_span_of(rest->data + len, rest->len - len);
	return true;
}

bool assay_span_parse_u64(struct assay_span s, uint64_t *ret)
{
	uint64_t value = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] < '0' || s.data[i] > '9' ||
		    __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, s.data[i] - '0', &value))
			return false;
	}
	*ret = value;
	return true;
}

/* Length of the valid UTF-8 sequence at p, 0 when there is none (RFC 3629: no surrogates, no
 * overlong forms, nothing above U+10FFFF). */
static size_t utf8_len(const uint8_t *p, size_t left)
{
	size_t need;
	uint32_t code;

	if (p[0] < 0x80)
		return 1;
	need = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || left < need)
		return 0;
	code = p[0] & (0xff >> (need + 1));
	for (size_t i = 1; i < need; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if ((need == 3 && code < 0x800) || (need == 4 && code < 0x10000) || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return need;
}

/* Length of the ASCII text at p in steps of eight: most text is nothing else. */
static size_t ascii_len(const uint8_t *p, size_t left)
{
	size_t len = 0;
	uint64_t eight;

	for (; left - len >= sizeof(eight); len += sizeof(eight)) {
		memcpy(&eight, p + len, sizeof(eight));
		if (eight & 0x8080808080808080U)
			break;
	}
	return len;
}

bool assay_span_is_utf8(struct assay_span s)
{
	for (size_t i = ascii_len(s.data, s.len); i < s.len; i += ascii_len(s.data + i, s.len - i)) {
		size_t len = utf8_len(s.data + i, s.len - i);

		if (len == 0)
			return false;
		i += len;
	}
	return true;
}

size_t assay_span_steers(struct assay_span s)
{
	const uint8_t *c = s.data;

	if (s.len >= 2 && c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
		return 2;
	if (s.len >= 2 && c[0] == 0xd8 && c[1] == 0x9c)
		return 2;
	if (s.len < 3 || c[0] != 0xe2)
		return 0;
	return (c[1] == 0x80 && (c[2] == 0x8e || c[2] == 0x8f || (c[2] >= 0xa8 && c[2] <= 0xae))) ||
			       (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9) ?
		       3 :
		       0;
}

const char *assay_span_show(struct assay_span s, char *out, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < s.len;) {
		size_t len = utf8_len(s.data + i, s.len - i);
		bool plain = len > 0 && s.data[i] >= 0x20 && s.data[i] != 0x7f &&
			     !assay_span_steers(assay_span_of(s.data + i, len));

		if (used + 8 > size) {
			snprintf(out + used, size - used, "...");
			return out;
		}
		if (plain) {
			memcpy(out + used, s.data + i, len);
			used += len;
			i += len;
		} else {
			used += (size_t)snprintf(out + used, size - used, "\\x%02x", s.data[i]);
			i++;
		}
	}
	out[used] = '\0';
	return out;
}

char *assay_span_dup(struct assay_span s)
{
	char *copy = malloc(s.len + 1);

	if (!copy)
		return NULL;
	if (s.len)
		memcpy(copy, s.data, s.len);
	copy[s.len] = '\0';
	return copy;
}
