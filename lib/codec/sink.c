/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where decoded bytes go.  Small payloads stay on the heap; what outgrows ASSAY_MAX_IN_MEMORY moves to
 * a region of the spill file that is mapped and written in place, so that decoding costs no copy and
 * memory stays the kernel's to reclaim.  The blocks of a region are allocated before it is mapped: a
 * full disk is an error here and not a SIGBUS in a decoder.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "assay/limits.h"
#include "codec_int.h"

#define FIRST_ROOM (64 * ASSAY_KIB)
#define SPILL_GROWTH (32 * ASSAY_MIB)
#define DISCARD_ROOM (256 * ASSAY_KIB)
#define SLACK 64 /* lets a decoder see the end of a stream whose size was known */

static uint64_t page_up(uint64_t n)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return (n + page - 1) / page * page;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void assay_sink_open(struct assay_sink *sink, struct assay_codec_space *space, uint64_t encoded_len,
		     uint64_t size_hint)
{
	uint64_t allowed = ASSAY_MAX_EXPANSION_FREE;
	uint64_t left = space->decoded < space->max ? space->max - space->decoded : 0;

	if (encoded_len > UINT64_MAX / ASSAY_MAX_EXPANSION)
		allowed = UINT64_MAX;
	else if (encoded_len * ASSAY_MAX_EXPANSION > allowed)
		allowed = encoded_len * ASSAY_MAX_EXPANSION;
	allowed = least(allowed, left);
	allowed = least(allowed, SIZE_MAX / 4);
	*sink = (struct assay_sink){ .space = space, .allowed = allowed };
	sink->hint = least(size_hint, allowed);
}

static enum assay_code limit_error(const struct assay_sink *sink, struct assay_error *err)
{
	return assay_fail(err, ASSAY_ELIMIT,
			  "decoded size: want at most %llu bytes from this payload",
			  (unsigned long long)sink->allowed);
}

static enum assay_code allocate_blocks(int fd, uint64_t offset, uint64_t len,
				       struct assay_error *err)
{
	int sys;

	if (len > INT64_MAX - offset)
		return assay_fail(err, ASSAY_ELIMIT, "spill file: offset out of range");
	do
		sys = posix_fallocate(fd, (off_t)offset, (off_t)len);
	while (sys == EINTR);
	if (sys) {
		errno = sys;
		return assay_fail_errno(err, "spill file: %llu bytes at %llu",
					(unsigned long long)len, (unsigned long long)offset);
	}
	return ASSAY_OK;
}

/* The first region of a payload that leaves the heap (or never was there). */
static enum assay_code map_region(struct assay_sink *sink, uint64_t capacity,
				  struct assay_error *err)
{
	struct assay_codec_space *space = sink->space;
	int flags = space->spill_fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	off_t offset = 0;
	void *data;

	if (space->spill_fd >= 0) {
		if (allocate_blocks(space->spill_fd, space->spill_end, capacity, err))
			return err->code;
		offset = (off_t)space->spill_end;
	}
	data = mmap(NULL, capacity, PROT_READ | PROT_WRITE, flags, space->spill_fd, offset);
	if (data == MAP_FAILED)
		return assay_fail_errno(err, "map %llu bytes", (unsigned long long)capacity);
	if (sink->len)
		memcpy(data, sink->data, sink->len);
	free(sink->data);
	sink->data = data;
	sink->capacity = capacity;
	sink->mapped = true;
	sink->spill_offset = space->spill_end;
	if (space->spill_fd >= 0)
		space->spill_end += capacity;
	return ASSAY_OK;
}

/* Regions grow in place: the open sink's is the last one in the spill file. */
static enum assay_code grow_region(struct assay_sink *sink, uint64_t capacity,
				   struct assay_error *err)
{
	struct assay_codec_space *space = sink->space;
	void *data;

	if (space->spill_fd >= 0) {
		if (space->spill_end != sink->spill_offset + sink->capacity)
			return assay_fail(err, ASSAY_EBUG, "two sinks are open on one space");
		if (allocate_blocks(space->spill_fd, space->spill_end, capacity - sink->capacity,
				    err))
			return err->code;
	}
	data = mremap(sink->data, sink->capacity, capacity, MREMAP_MAYMOVE);
	if (data == MAP_FAILED)
		return assay_fail_errno(err, "map %llu bytes", (unsigned long long)capacity);
	if (space->spill_fd >= 0)
		space->spill_end += capacity - sink->capacity;
	sink->data = data;
	sink->capacity = capacity;
	return ASSAY_OK;
}

static enum assay_code grow_heap(struct assay_sink *sink, uint64_t capacity,
				 struct assay_error *err)
{
	uint8_t *data = realloc(sink->data, capacity);

	if (!data)
		return assay_fail(err, ASSAY_ENOMEM, "decoded payload: out of memory");
	sink->data = data;
	sink->capacity = capacity;
	return ASSAY_OK;
}

void sink_discard(struct assay_sink *sink)
{
	sink->crc = assay_crc32(sink->crc, assay_span_of(sink->data, sink->len));
	sink->discarded += sink->len;
	sink->len = 0;
}

static enum assay_code reserve_discarding(struct assay_sink *sink, struct assay_error *err)
{
	sink_discard(sink);
	if (sink->discarded > sink->allowed)
		return limit_error(sink, err);
	return sink->capacity ? ASSAY_OK : grow_heap(sink, DISCARD_ROOM, err);
}

enum assay_code sink_reserve(struct assay_sink *sink, size_t want, struct assay_error *err)
{
	uint64_t need, capacity;

	if (sink->capacity - sink->len >= (want ? want : 1))
		return ASSAY_OK;
	if (sink->discards)
		return reserve_discarding(sink, err);
	/* SLACK beyond the limit is room for a decoder to find its end in, not for data */
	if (sink->len > sink->allowed)
		return limit_error(sink, err);
	need = sink->len + least(want ? want : 1, sink->allowed + SLACK - sink->len);
	capacity = sink->mapped ? sink->capacity + SPILL_GROWTH + sink->capacity / 4
				: 2 * sink->capacity;
	if (capacity < FIRST_ROOM)
		capacity = FIRST_ROOM;
	if (sink->hint && sink->capacity < sink->hint + SLACK)
		capacity = sink->hint + SLACK;
	if (capacity < need)
		capacity = need;
	capacity = least(capacity, sink->allowed + SLACK);
	if (sink->mapped)
		return grow_region(sink, page_up(capacity), err);
	if (capacity > ASSAY_MAX_IN_MEMORY) {
		if (!sink->hint && capacity < SPILL_GROWTH)
			capacity = least(SPILL_GROWTH, sink->allowed + SLACK);
		return map_region(sink, page_up(capacity), err);
	}
	return grow_heap(sink, capacity, err);
}

enum assay_code assay_sink_add(struct assay_sink *sink, struct assay_span bytes,
			       struct assay_error *err)
{
	if (bytes.len == 0)
		return ASSAY_OK;
	if (bytes.len > sink->allowed || sink->len > sink->allowed - bytes.len)
		return limit_error(sink, err);
	if (sink_reserve(sink, bytes.len, err))
		return err->code;
	memcpy(sink->data + sink->len, bytes.data, bytes.len);
	sink->len += bytes.len;
	return ASSAY_OK;
}

struct assay_span assay_sink_bytes(const struct assay_sink *sink)
{
	return assay_span_of(sink->data, sink->len);
}

/* Gives the unused end of the last region back to the file.  A failure costs disk, nothing else. */
static void trim_spill(struct assay_codec_space *space, uint64_t end)
{
	space->spill_end = end;
	if (ftruncate(space->spill_fd, (off_t)end))
		return;
}

static void forget_region(struct assay_codec_space *space, const void *data, size_t mapped,
			  uint64_t offset)
{
	if (mapped)
		munmap((void *)data, mapped);
	if (space->spill_fd >= 0 && space->spill_end == offset + mapped)
		trim_spill(space, offset);
}

enum assay_code assay_sink_close(struct assay_sink *sink, struct assay_decoded *ret,
				 struct assay_error *err)
{
	struct assay_codec_space *space = sink->space;
	uint64_t keep = page_up(sink->len);

	if (sink->len > sink->allowed) {
		assay_sink_abandon(sink);
		return limit_error(sink, err);
	}
	if (sink->mapped && keep < sink->capacity) {
		/* an empty region keeps one page: mremap to nothing is refused */
		keep = keep ? keep : page_up(1);
		if (mremap(sink->data, sink->capacity, keep, 0) == MAP_FAILED) {
			assay_fail_errno(err, "shrink a map");
			assay_sink_abandon(sink);
			return err->code;
		}
		sink->capacity = keep;
		if (space->spill_fd >= 0)
			trim_spill(space, sink->spill_offset + keep);
	}
	if (sink->mapped && mprotect(sink->data, sink->capacity, PROT_READ)) {
		assay_fail_errno(err, "protect a map");
		assay_sink_abandon(sink);
		return err->code;
	}
	space->decoded += sink->len;
	*ret = (struct assay_decoded){
		.bytes = assay_span_of(sink->data, sink->len),
		.space = space,
		.mapped = sink->mapped ? sink->capacity : 0,
		.spill_offset = sink->spill_offset,
	};
	*sink = (struct assay_sink){ 0 };
	return ASSAY_OK;
}

void assay_sink_abandon(struct assay_sink *sink)
{
	if (sink->mapped)
		forget_region(sink->space, sink->data, sink->capacity, sink->spill_offset);
	else
		free(sink->data);
	sink->data = NULL;
	sink->len = sink->capacity = 0;
	sink->mapped = false;
}

void assay_decoded_release(struct assay_decoded *decoded)
{
	if (decoded->mapped)
		forget_region(decoded->space, decoded->bytes.data, decoded->mapped,
			      decoded->spill_offset);
	else
		free((void *)decoded->bytes.data);
	*decoded = (struct assay_decoded){ 0 };
}
