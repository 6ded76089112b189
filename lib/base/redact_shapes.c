/* SPDX-License-Identifier: Apache-2.0 */
/* The shapes of secrets: a table of prefixes with what may follow, and four that need a look of their own. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "redact_int.h"

#define DIGITS "0123456789"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define WORD DIGITS UPPER LOWER "_"
#define URL_SAFE WORD "-"
#define HEADER URL_SAFE ".~+/="

/* kind, prefix, the characters that follow, at least how many; where the prefix stays, the length of it; a token that
 * must have a digit, because words of a language look the same. */
struct shape {
	const char *kind, *prefix, *alphabet;
	size_t min, max;
	bool keeps, digit;
};

static const struct shape shapes[] = {
	{ "aws-access-key", "AKIA", UPPER DIGITS, 16, 16, false, false },
	{ "aws-access-key", "ASIA", UPPER DIGITS, 16, 16, false, false },
	{ "aws-secret-key", "aws_secret_access_key=", HEADER, 40, 40, true, false },
	{ "aws-secret-key", "aws_secret_access_key = ", HEADER, 40, 40, true, false },
	{ "aws-secret-key", "AWS_SECRET_ACCESS_KEY=", HEADER, 40, 40, true, false },
	{ "github-token", "ghp_", WORD, 36, 255, false, false },
	{ "github-token", "gho_", WORD, 36, 255, false, false },
	{ "github-token", "ghu_", WORD, 36, 255, false, false },
	{ "github-token", "ghs_", WORD, 36, 255, false, false },
	{ "github-token", "ghr_", WORD, 36, 255, false, false },
	{ "github-token", "github_pat_", WORD, 22, 255, false, false },
	{ "gitlab-token", "glpat-", URL_SAFE, 20, 255, false, false },
	{ "gitlab-token", "gldt-", URL_SAFE, 20, 255, false, false },
	{ "gitlab-token", "glrt-", URL_SAFE, 20, 255, false, false },
	{ "slack-token", "xoxb-", URL_SAFE, 20, 255, false, true },
	{ "slack-token", "xoxp-", URL_SAFE, 20, 255, false, true },
	{ "slack-token", "xoxa-", URL_SAFE, 20, 255, false, true },
	{ "slack-token", "xoxs-", URL_SAFE, 20, 255, false, true },
	{ "npm-token", "npm_", WORD, 36, 36, false, false },
	{ "pypi-token", "pypi-AgE", URL_SAFE, 50, 1000, false, false },
	{ "google-api-key", "AIza", URL_SAFE, 35, 35, false, false },
	{ "stripe-key", "sk_live_", WORD, 16, 255, false, false },
	{ "stripe-key", "rk_live_", WORD, 16, 255, false, false },
	{ "assay-token", "assay-enrol.", LOWER DIGITS ".", 32, 255, false, false },
	{ "assay-token", "assay-job.", LOWER DIGITS ".", 32, 255, false, false },
	{ "bearer-token", "Bearer ", HEADER, 16, REDACT_HELD_MAX / 2, true, true },
	{ "bearer-token", "bearer ", HEADER, 16, REDACT_HELD_MAX / 2, true, true },
	{ "basic-authorization", "Authorization: Basic ", HEADER, 4, REDACT_HELD_MAX / 2, true, false },
	{ "basic-authorization", "authorization: Basic ", HEADER, 4, REDACT_HELD_MAX / 2, true, false },
	{ "basic-authorization", "authorization: basic ", HEADER, 4, REDACT_HELD_MAX / 2, true, false },
};

enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

/* How far text agrees with a prefix: all of it, none, or as far as text goes. */
static enum redact_match begins(struct assay_span text, const char *prefix, bool last)
{
	size_t len = strlen(prefix), have = text.len < len ? text.len : len;

	if (memcmp(text.data, prefix, have) != 0)
		return REDACT_NO;
	return have == len ? REDACT_YES : last ? REDACT_NO : REDACT_MORE;
}

/* How many bytes from a place on are of an alphabet, at most so many. */
static size_t run_of(struct assay_span text, size_t from, const char *alphabet, size_t max)
{
	size_t len = 0;

	while (from + len < text.len && len < max && text.data[from + len] && strchr(alphabet, text.data[from + len]))
		len++;
	return len;
}

static enum redact_match try_shape(const struct shape *shape, struct assay_span text, bool last, struct redact_found *ret)
{
	size_t prefix = strlen(shape->prefix), len;
	enum redact_match match = begins(text, shape->prefix, last);
	bool digit = !shape->digit;

	if (match != REDACT_YES)
		return match;
	len = run_of(text, prefix, shape->alphabet, shape->max);
	if (prefix + len == text.len && (len < shape->max || shape->min == shape->max) && !last)
		return REDACT_MORE;
	for (size_t i = 0; i < len; i++)
		digit = digit || isdigit(text.data[prefix + i]);
	/* of a fixed length: one more character, and it is something else */
	if (len < shape->min || !digit ||
	    (shape->min == shape->max && prefix + len < text.len && strchr(WORD, text.data[prefix + len]) &&
	     text.data[prefix + len]))
		return REDACT_NO;
	*ret = (struct redact_found){ .kind = shape->kind, .keep = shape->keeps ? prefix : 0, .len = prefix + len };
	return REDACT_YES;
}

/* ---- those of more parts ------------------------------------------------------------------------- */

/* "eyJ" and two dots, each part base64url; an object begins with {" in base64. */
static enum redact_match try_jwt(struct assay_span text, bool last, struct redact_found *ret)
{
	enum redact_match match = begins(text, "eyJ", last);
	size_t at = 0, len;

	if (match != REDACT_YES)
		return match;
	for (int part = 0; part < 3; part++) {
		len = run_of(text, at, URL_SAFE, REDACT_HELD_MAX / 4);
		at += len;
		if (at == text.len && !last)
			return REDACT_MORE;
		if (len < 8 || (part < 2 && (at == text.len || text.data[at] != '.')))
			return REDACT_NO;
		at += part < 2;
	}
	*ret = (struct redact_found){ .kind = "json-web-token", .len = at };
	return REDACT_YES;
}

/* "://user:password@": the password */
static enum redact_match try_url(struct assay_span text, bool last, struct redact_found *ret)
{
	enum redact_match match = begins(text, "://", last);
	size_t at = 3, colon = 0;

	if (match != REDACT_YES)
		return match;
	for (; at < text.len && at < 512; at++) {
		unsigned char c = text.data[at];

		if (c == ':' && !colon)
			colon = at;
		else if (c == '@' && colon && at > colon + 1) {
			*ret = (struct redact_found){ .kind = "url-password", .keep = colon + 1, .len = at };
			return REDACT_YES;
		} else if (c <= ' ' || c == '/' || c == '"' || c == '\'' || c == '<' || c == '>' || c == '@') {
			return REDACT_NO;
		}
	}
	return at < 512 && !last ? REDACT_MORE : REDACT_NO;
}

/* "-----BEGIN ... PRIVATE KEY-----" */
static enum redact_match try_private_key(struct assay_span text, bool last, struct redact_found *ret)
{
	static const char kind[] = "PRIVATE KEY";
	enum redact_match match = begins(text, "-----BEGIN ", last);
	size_t at = strlen("-----BEGIN "), words;

	if (match != REDACT_YES)
		return match;
	words = run_of(text, at, UPPER DIGITS " ", 64);
	if (at + words + 5 > text.len && !last)
		return REDACT_MORE;
	if (words < sizeof(kind) - 1 || at + words + 5 > text.len ||
	    assay_span_find(assay_span_cut(text, at, words), 0, assay_span_text(kind)) == SIZE_MAX ||
	    memcmp(text.data + at + words, "-----", 5) != 0)
		return REDACT_NO;
	*ret = (struct redact_found){ .kind = "private-key", .len = at + words + 5, .opens = true };
	return REDACT_YES;
}

size_t redact_block_end(struct assay_span text)
{
	static const char begin[] = "-----END ", close[] = "-----";
	size_t at = assay_span_find(text, 0, assay_span_text(begin)), end;

	for (; at != SIZE_MAX; at = assay_span_find(text, at + 1, assay_span_text(begin))) {
		/* as long as what is held back of a text that comes in pieces */
		end = assay_span_find(assay_span_cut(text, at, REDACT_BLOCK_END_MAX), sizeof(begin) - 1,
				      assay_span_text(close));
		if (end != SIZE_MAX)
			return at + end + sizeof(close) - 1;
	}
	return 0;
}

/* ---- all of them --------------------------------------------------------------------------------- */

bool redact_may_begin(unsigned char c)
{
	return c && strchr("AagnxpsreBb:-", c);
}

enum redact_match redact_shape(struct assay_span text, unsigned char before, bool last, struct redact_found *ret)
{
	static enum redact_match (*const others[])(struct assay_span, bool, struct redact_found *) = { try_jwt, try_url,
												       try_private_key };
	enum redact_match match, best = REDACT_NO;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		match = others[i](text, last, ret);
		if (match == REDACT_YES)
			return match;
		best = match > best ? match : best;
	}
	/* within a word there is no beginning of one */
	if (isalnum(before) || before == '_')
		return best;
	for (size_t i = 0; i < SHAPES; i++) {
		if (text.data[0] != (uint8_t)shapes[i].prefix[0])
			continue;
		match = try_shape(&shapes[i], text, last, ret);
		if (match == REDACT_YES)
			return match;
		best = match > best ? match : best;
	}
	return best;
}
