/* SPDX-License-Identifier: Apache-2.0 */
/* Parts that follow each other in memory or in the scratch file become one. */
#include "rope.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"

#define ROOM ((size_t)(64 * ASSAY_KIB))

void assay_rope_release(struct assay_rope *rope)
{
	free(rope->parts);
	*rope = (struct assay_rope)ASSAY_ROPE_INIT;
}

void assay_scratch_release(struct assay_scratch *scratch)
{
	free(scratch->held);
	scratch->held = NULL;
	scratch->held_len = 0;
}

static bool follows(const struct assay_rope_part *last, const struct assay_rope_part *part)
{
	if (!last->data != !part->data)
		return false;
	return part->data ? last->data + last->length == part->data :
			    last->offset + last->length == part->offset;
}

static enum assay_code append(struct assay_rope *rope, const struct assay_rope_part *part,
			      struct assay_error *err)
{
	if (part->length == 0)
		return ASSAY_OK;
	rope->size += part->length;
	if (rope->count && follows(&rope->parts[rope->count - 1], part)) {
		rope->parts[rope->count - 1].length += part->length;
		return ASSAY_OK;
	}
	if (rope->count == rope->room) {
		size_t room = rope->room ? 2 * rope->room : 16;
		void *bigger = reallocarray(rope->parts, room, sizeof(*rope->parts));

		if (!bigger)
			return assay_fail(err, ASSAY_ENOMEM, "canonical form: out of memory");
		rope->parts = bigger;
		rope->room = room;
	}
	rope->parts[rope->count++] = *part;
	return ASSAY_OK;
}

enum assay_code assay_rope_add(struct assay_rope *rope, struct assay_span bytes,
			       struct assay_error *err)
{
	struct assay_rope_part part = { .data = bytes.data, .length = bytes.len };

	return append(rope, &part, err);
}

/* ---- the scratch file ------------------------------------------------------------------------------ */

static enum assay_code write_at(int fd, struct assay_span bytes, uint64_t offset,
				struct assay_error *err)
{
	while (bytes.len) {
		ssize_t put = pwrite(fd, bytes.data, bytes.len, (off_t)offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return assay_fail_errno(err, "scratch file: write %zu bytes", bytes.len);
		offset += (uint64_t)put;
		bytes = assay_span_cut(bytes, (uint64_t)put, SIZE_MAX);
	}
	return ASSAY_OK;
}

static enum assay_code flush(struct assay_scratch *scratch, struct assay_error *err)
{
	struct assay_span held = assay_span_of(scratch->held, scratch->held_len);

	if (write_at(scratch->fd, held, scratch->end - held.len, err))
		return err->code;
	scratch->held_len = 0;
	return ASSAY_OK;
}

static enum assay_code hold(struct assay_scratch *scratch, struct assay_span bytes,
			    struct assay_error *err)
{
	if (scratch->held_len + bytes.len > ROOM && flush(scratch, err))
		return err->code;
	if (bytes.len > ROOM)
		return write_at(scratch->fd, bytes, scratch->end, err);
	if (!scratch->held)
		scratch->held = malloc(ROOM);
	if (!scratch->held)
		return assay_fail(err, ASSAY_ENOMEM, "scratch file: out of memory");
	memcpy(scratch->held + scratch->held_len, bytes.data, bytes.len);
	scratch->held_len += bytes.len;
	return ASSAY_OK;
}

enum assay_code assay_rope_make(struct assay_rope *rope, struct assay_scratch *scratch,
				struct assay_span bytes, struct assay_error *err)
{
	struct assay_rope_part part = { .offset = scratch->end, .length = bytes.len };

	if (bytes.len == 0)
		return ASSAY_OK;
	if (bytes.len > scratch->max || scratch->end > scratch->max - bytes.len)
		return assay_fail(err, ASSAY_ELIMIT, "canonical form: want at most %llu bytes",
				  (unsigned long long)scratch->max);
	if (hold(scratch, bytes, err))
		return err->code;
	scratch->end += bytes.len;
	return append(rope, &part, err);
}

enum assay_code assay_rope_join(struct assay_rope *rope, struct assay_rope *other,
				struct assay_error *err)
{
	for (size_t i = 0; i < other->count; i++)
		if (append(rope, &other->parts[i], err))
			return err->code;
	assay_rope_release(other);
	return ASSAY_OK;
}

/* ---- reading --------------------------------------------------------------------------------------- */

void assay_rope_reader_open(struct assay_rope_reader *reader, const struct assay_rope *rope,
			    struct assay_scratch *scratch)
{
	*reader = (struct assay_rope_reader){ .rope = rope, .scratch = scratch };
}

void assay_rope_reader_release(struct assay_rope_reader *reader)
{
	free(reader->room);
	reader->room = NULL;
}

static enum assay_code read_scratch(struct assay_rope_reader *reader, uint64_t offset, uint64_t left,
				    struct assay_span *ret, struct assay_error *err)
{
	size_t want = left < ROOM ? left : ROOM;
	ssize_t got;

	if (reader->scratch->held_len && flush(reader->scratch, err))
		return err->code;
	if (!reader->room)
		reader->room = malloc(ROOM);
	if (!reader->room)
		return assay_fail(err, ASSAY_ENOMEM, "canonical form: out of memory");
	do
		got = pread(reader->scratch->fd, reader->room, want, (off_t)offset);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return got < 0 ? assay_fail_errno(err, "scratch file: read %zu bytes", want) :
				 assay_fail(err, ASSAY_EBUG, "scratch file: ends early");
	*ret = assay_span_of(reader->room, (size_t)got);
	return ASSAY_OK;
}

enum assay_code assay_rope_read(struct assay_rope_reader *reader, struct assay_span *ret,
				struct assay_error *err)
{
	const struct assay_rope_part *part;
	uint64_t left;

	*ret = assay_span_of(NULL, 0);
	if (reader->part < reader->rope->count &&
	    reader->at == reader->rope->parts[reader->part].length) {
		reader->part++;
		reader->at = 0;
	}
	if (reader->part == reader->rope->count)
		return ASSAY_OK;
	part = &reader->rope->parts[reader->part];
	left = part->length - reader->at;
	if (part->data)
		*ret = assay_span_of(part->data + reader->at, left);
	else if (read_scratch(reader, part->offset + reader->at, left, ret, err))
		return err->code;
	reader->at += ret->len;
	return ASSAY_OK;
}

enum assay_code assay_rope_equals(const struct assay_rope *rope, struct assay_scratch *scratch,
				  struct assay_span bytes, bool *ret, struct assay_error *err)
{
	struct assay_rope_reader reader;
	struct assay_span have;
	uint64_t at = 0;
	enum assay_code code = ASSAY_OK;

	*ret = rope->size == bytes.len;
	assay_rope_reader_open(&reader, rope, scratch);
	while (*ret && !code && at < bytes.len) {
		code = assay_rope_read(&reader, &have, err);
		*ret = !code && (have.data == bytes.data + at ||
				 assay_span_equal(have, assay_span_cut(bytes, at, have.len)));
		at += have.len;
	}
	assay_rope_reader_release(&reader);
	return code;
}

#define GATHERED (256 * ASSAY_KIB)

/* Small parts are gathered: an archive has several for each member. */
static enum assay_code write_part(int fd, struct assay_buf *gathered, struct assay_span part,
				  struct assay_error *err)
{
	enum assay_code code = ASSAY_OK;

	if (gathered->len + part.len > GATHERED) {
		code = assay_fd_write(fd, gathered->data, gathered->len, err);
		assay_buf_clear(gathered);
	}
	if (!code && part.len > GATHERED)
		return assay_fd_write(fd, part.data, part.len, err);
	assay_buf_add(gathered, part.data, part.len);
	return code ? code : assay_buf_check(gathered, "rope", err);
}

enum assay_code assay_rope_write(const struct assay_rope *rope, struct assay_scratch *scratch, int fd,
				 struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf gathered = ASSAY_BUF_INIT(2 * GATHERED);
	struct assay_rope_reader reader;
	struct assay_span have;
	enum assay_code code;

	assay_rope_reader_open(&reader, rope, scratch);
	do {
		code = assay_rope_read(&reader, &have, err);
		if (!code && have.len)
			code = write_part(fd, &gathered, have, err);
	} while (!code && have.len);
	assay_rope_reader_release(&reader);
	return code ? code : assay_fd_write(fd, gathered.data, gathered.len, err);
}
