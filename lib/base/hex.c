/* SPDX-License-Identifier: Apache-2.0 */
/* Strict decoders: what is not hex or base64 to the last character is refused. */
#include "assay/hex.h"

char *assay_hex_encode(struct assay_span s, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < s.len; i++) {
		out[2 * i] = digits[s.data[i] >> 4];
		out[2 * i + 1] = digits[s.data[i] & 15];
	}
	out[2 * s.len] = '\0';
	return out;
}

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool assay_hex_decode(struct assay_span text, uint8_t *out, size_t len)
{
	if (text.len != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		int high = hex_value(text.data[2 * i]), low = hex_value(text.data[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

void assay_base64_encode(struct assay_span s, struct assay_buf *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < s.len; i += 3) {
		size_t left = s.len - i;
		uint32_t v = (uint32_t)s.data[i] << 16 | (left > 1 ? (uint32_t)s.data[i + 1] << 8 : 0) |
			     (left > 2 ? s.data[i + 2] : 0);
		char quad[4] = { digits[v >> 18], digits[v >> 12 & 63],
				 left > 1 ? digits[v >> 6 & 63] : '=',
				 left > 2 ? digits[v & 63] : '=' };

		assay_buf_add(out, quad, 4);
	}
}

static int base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

bool assay_base64_decode(struct assay_span text, struct assay_buf *out)
{
	uint32_t bits = 0;
	unsigned have = 0;

	while (text.len && text.data[text.len - 1] == '=' && text.len % 4 == 0)
		text.len--;
	if (text.len && text.data[text.len - 1] == '=')
		text.len--;
	if (text.len % 4 == 1)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		int v = base64_value(text.data[i]);

		if (v < 0)
			return false;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			uint8_t byte = (uint8_t)(bits >> (have - 8));

			have -= 8;
			assay_buf_add(out, &byte, 1);
		}
	}
	return (bits & ((1u << have) - 1)) == 0 && !out->failed;
}
