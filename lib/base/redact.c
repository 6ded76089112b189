/* SPDX-License-Identifier: Apache-2.0 */
/* The stream, and declared values.  See the header; redact_shapes.c has the shapes. */
#include "assay/redact.h"

#include <stdlib.h>
#include <string.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/hex.h"
#include "assay/limits.h"
#include "redact_int.h"

enum { BASE64_SHIFTS = 3, BASE64_MIN = 8, BLOCK_MAX = 65536 };

struct declared {
	char *bytes;
	size_t len;
};

struct assay_redactor {
	assay_redact_sink *sink;
	void *data;
	struct declared *declared;
	size_t declared_count, declared_room;
	bool begins[256]; /* bytes that something can begin with */
	struct assay_buf held;
	unsigned char before;
	size_t block; /* bytes of a private key that were passed over; 0: not within one */
	json_t *counts;
	struct assay_error failed;
};

struct assay_redactor *assay_redactor_new(assay_redact_sink *sink, void *data)
{
	struct assay_redactor *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	*r = (struct assay_redactor){ .sink = sink, .data = data, .before = '\n', .counts = assay_json_object() };
	r->held = (struct assay_buf)ASSAY_BUF_INIT(16 * ASSAY_MIB);
	for (unsigned c = 0; c < 256; c++)
		r->begins[c] = redact_may_begin((unsigned char)c);
	return r;
}

void assay_redactor_free(struct assay_redactor *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->declared_count; i++) {
		explicit_bzero(r->declared[i].bytes, r->declared[i].len);
		free(r->declared[i].bytes);
	}
	free(r->declared);
	assay_buf_release(&r->held);
	json_decref(r->counts);
	free(r);
}

void assay_redactor_freep(struct assay_redactor **r)
{
	assay_redactor_free(*r);
}

/* ---- declared values ----------------------------------------------------------------------------- */

static enum assay_code add(struct assay_redactor *r, struct assay_span value, struct assay_error *err)
{
	char *copy;

	if (r->declared_count == r->declared_room) {
		size_t room = r->declared_room ? 2 * r->declared_room : 16;
		struct declared *more = realloc(r->declared, room * sizeof(*more));

		if (!more)
			return assay_fail(err, ASSAY_ENOMEM, "out of memory");
		r->declared = more;
		r->declared_room = room;
	}
	copy = assay_span_dup(value);
	if (!copy)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	r->declared[r->declared_count++] = (struct declared){ copy, value.len };
	r->begins[value.data[0]] = true;
	return ASSAY_OK;
}

/* What base64 makes of it, whatever stands before: the characters that depend on it alone, for each of three places. */
static enum assay_code add_base64(struct assay_redactor *r, struct assay_span value, struct assay_error *err)
{
	for (size_t shift = 0; shift < BASE64_SHIFTS; shift++) {
		assay_auto(assay_buf_release) struct assay_buf bytes = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
		assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(2 * ASSAY_MAX_FIELD);
		size_t first = shift ? shift + 1 : 0, end = (shift + value.len) * 8 / 6;

		assay_buf_add(&bytes, "\0\0", shift);
		assay_buf_add_span(&bytes, value);
		assay_base64_encode(assay_buf_span(&bytes), &text);
		if (text.failed || bytes.failed)
			return assay_fail(err, ASSAY_ENOMEM, "out of memory");
		if (end > first + BASE64_MIN && add(r, assay_span_of(text.data + first, end - first), err))
			return err->code;
	}
	return ASSAY_OK;
}

enum assay_code assay_redactor_declare(struct assay_redactor *r, struct assay_span lines, const char *what,
				       struct assay_error *err)
{
	struct assay_span line;

	for (size_t number = 1; assay_span_next_line(&lines, &line); number++) {
		if (line.len && line.data[line.len - 1] == '\r')
			line.len--;
		if (!line.len)
			continue;
		if (line.len < ASSAY_MIN_SECRET || line.len > REDACT_HELD_MAX)
			return assay_fail(err, ASSAY_EUSAGE, "%s:%zu: want a secret of %d to %d bytes, have %zu", what, number,
					  ASSAY_MIN_SECRET, REDACT_HELD_MAX, line.len);
		if (r->declared_count >= ASSAY_MAX_SECRETS)
			return assay_fail(err, ASSAY_ELIMIT, "%s: want at most %d secrets", what, ASSAY_MAX_SECRETS / 4);
		if (add(r, line, err) || add_base64(r, line, err))
			return err->code;
	}
	return ASSAY_OK;
}

/* The longest that is here; a longer one that may be coming is waited for. */
static enum redact_match find_declared(const struct assay_redactor *r, struct assay_span text, bool last,
				       struct redact_found *ret)
{
	enum redact_match best = REDACT_NO;
	size_t longest = 0;

	for (size_t i = 0; i < r->declared_count; i++) {
		const struct declared *d = &r->declared[i];
		size_t have = text.len < d->len ? text.len : d->len;

		if (d->len <= longest || memcmp(text.data, d->bytes, have) != 0)
			continue;
		if (have < d->len) {
			if (!last)
				return REDACT_MORE;
			continue;
		}
		longest = d->len;
		best = REDACT_YES;
	}
	if (best == REDACT_YES)
		*ret = (struct redact_found){ .kind = "declared", .len = longest };
	return best;
}

/* ---- the stream ---------------------------------------------------------------------------------- */

static void put_mark(struct assay_redactor *r, const char *kind)
{
	char mark[64];
	int len = snprintf(mark, sizeof(mark), "[redacted: %s]", kind);

	r->sink(r->data, mark, (size_t)len);
	assay_json_set_int(r->counts, kind, assay_json_int(r->counts, kind, 0) + 1);
}

/* What stays of it may hold a declared value: the user's name in front of a password. */
static void replace(struct assay_redactor *r, struct assay_span text, const struct redact_found *found)
{
	struct redact_found declared;
	size_t at = 0, from = 0;

	while (at < found->keep) {
		if (find_declared(r, assay_span_cut(text, at, found->len - at), true, &declared) != REDACT_YES) {
			at++;
			continue;
		}
		r->sink(r->data, (const char *)text.data + from, at - from);
		put_mark(r, declared.kind);
		at += declared.len;
		from = at;
	}
	r->sink(r->data, (const char *)text.data + from, at - from);
	if (at < found->len)
		put_mark(r, found->kind);
	r->before = ']';
	r->block = found->opens;
}

/* Within a private key: nothing is let through until its end, or until it is too long to be one. */
static size_t skip_block(struct assay_redactor *r, struct assay_span text, bool last)
{
	size_t end = redact_block_end(text), kept = last ? 0 : REDACT_BLOCK_END_MAX;

	if (!end) {
		end = text.len > kept ? text.len - kept : 0;
		r->block += end;
		if (r->block <= BLOCK_MAX && !last)
			return end;
	}
	r->block = 0;
	return end;
}

/* What begins at the beginning of text, which something can begin with. */
static enum redact_match look(const struct assay_redactor *r, struct assay_span text, bool last, struct redact_found *ret)
{
	enum redact_match declared = find_declared(r, text, last, ret), shape;

	if (declared != REDACT_NO)
		return declared;
	shape = redact_shape(text, r->before, last, ret);
	/* what is held back for too long is let go */
	return shape == REDACT_MORE && text.len >= REDACT_HELD_MAX ? REDACT_NO : shape;
}

/* Lets through what is decided; returns how many bytes that were. */
static size_t pass(struct assay_redactor *r, struct assay_span text, bool last)
{
	size_t done = 0, from = 0;
	struct redact_found found;
	enum redact_match match;

	while (done < text.len) {
		struct assay_span rest = assay_span_of(text.data + done, text.len - done);

		if (r->block) {
			done += skip_block(r, rest, last);
			from = done;
			if (r->block)
				return done;
			continue;
		}
		match = r->begins[rest.data[0]] ? look(r, rest, last, &found) : REDACT_NO;
		if (match == REDACT_NO) {
			r->before = rest.data[0];
			done++;
			continue;
		}
		r->sink(r->data, (const char *)text.data + from, done - from);
		if (match == REDACT_MORE)
			return done;
		replace(r, rest, &found);
		done += found.len;
		from = done;
	}
	r->sink(r->data, (const char *)text.data + from, done - from);
	return done;
}

static void advance(struct assay_redactor *r, bool last)
{
	size_t done = pass(r, assay_buf_span(&r->held), last);

	memmove(r->held.data, r->held.data + done, r->held.len - done);
	r->held.len -= done;
}

void assay_redactor_feed(struct assay_redactor *r, const char *bytes, size_t len)
{
	assay_buf_add(&r->held, bytes, len);
	if (r->held.failed)
		(void)!assay_buf_check(&r->held, "log", &r->failed);
	else if (r->held.len)
		advance(r, false);
}

enum assay_code assay_redactor_end(struct assay_redactor *r, struct assay_error *err)
{
	if (!r->failed.code && r->held.len)
		advance(r, true);
	if (r->failed.code)
		*err = r->failed;
	return r->failed.code;
}

json_t *assay_redactor_counts(const struct assay_redactor *r)
{
	return json_incref(r->counts);
}
