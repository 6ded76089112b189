/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one header: what every tag covers, and whether anything in the store is covered by none. */
#include "rpm_read.h"

#include <stdio.h>
#include <stdlib.h>

#include "assay/limits.h"

#define TAGS_MAX 65535 /* as rpm itself (lib/header.c) */
#define STORE_MAX (256 * ASSAY_MIB)
#define REGION_SIGNATURES 62
#define REGION_IMMUTABLE 63

uint32_t rpm_be32(struct assay_span s, uint64_t at)
{
	return (uint32_t)s.data[at] << 24 | (uint32_t)s.data[at + 1] << 16 |
	       (uint32_t)s.data[at + 2] << 8 | s.data[at + 3];
}

uint64_t rpm_header_aligned(uint64_t end)
{
	return (end + 7) & ~(uint64_t)7;
}

static void doubt(struct rpm_header *h, uint64_t at, const char *what, const char *tag)
{
	if (h->doubt[0])
		return;
	snprintf(h->doubt, sizeof(h->doubt), "%s%s%s", tag ? tag : "", tag ? ": " : "", what);
	h->doubt_at = at;
}

/* Bytes of count items of a type at the beginning of rest; SIZE_MAX when they do not fit. */
static size_t data_size(struct assay_span rest, uint32_t type, uint32_t count)
{
	static const uint8_t sizes[RPM_TYPES] = { [RPM_CHAR] = 1,  [RPM_INT8] = 1,	[RPM_INT16] = 2,
						  [RPM_INT32] = 4, [RPM_INT64] = 8, [RPM_BIN] = 1 };
	uint64_t fixed = (uint64_t)count * sizes[type];
	size_t at = 0;

	if (sizes[type])
		return fixed <= rest.len ? (size_t)fixed : SIZE_MAX;
	if (type == RPM_STRING && count != 1)
		return SIZE_MAX;
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *nul = at < rest.len ? memchr(rest.data + at, 0, rest.len - at) : NULL;

		if (!nul)
			return SIZE_MAX;
		at = (size_t)(nul - rest.data) + 1;
	}
	return at;
}

static enum assay_code read_entry(struct rpm_header *h, size_t i, struct assay_error *err)
{
	uint64_t at = h->start + RPM_INTRO_SIZE + i * RPM_ENTRY_SIZE;
	uint32_t offset = rpm_be32(h->file, at + 8);
	struct rpm_entry *e = &h->entries[i];
	struct assay_span rest;
	size_t size;

	*e = (struct rpm_entry){ rpm_be32(h->file, at), rpm_be32(h->file, at + 4),
				 rpm_be32(h->file, at + 12), 0, 0 };
	if (e->type == RPM_NULL || e->type >= RPM_TYPES || e->count == 0)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: tag %u: want a type from 1 to 9 and a "
				  "count, have type %u, count %u",
				  (unsigned long long)at, e->tag, e->type, e->count);
	if (offset > h->end - h->store)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: tag %u: data outside the store",
				  (unsigned long long)at, e->tag);
	e->at = h->store + offset;
	rest = assay_span_cut(h->file, e->at, h->end - e->at);
	size = data_size(rest, e->type, e->count);
	if (size == SIZE_MAX)
		return assay_fail(err, ASSAY_EINPUT,
				  "offset %llu: tag %u: %u items of type %u do not fit the store",
				  (unsigned long long)at, e->tag, e->count, e->type);
	e->end = e->at + size;
	return ASSAY_OK;
}

static int by_place(const void *a, const void *b, void *arg)
{
	const struct rpm_entry *entries = arg;
	uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;

	if (entries[i].at != entries[k].at)
		return entries[i].at < entries[k].at ? -1 : 1;
	return i < k ? -1 : i > k;
}

static int by_tag(const void *a, const void *b, void *arg)
{
	const struct rpm_entry *entries = arg;
	uint32_t x = entries[*(const uint32_t *)a].tag, y = entries[*(const uint32_t *)b].tag;

	return x < y ? -1 : x > y;
}

/* A region names all tags that are signed together; tags behind it are not (rpm's "dribbles"). */
static void judge_region(struct rpm_header *h)
{
	uint32_t wanted = h->is_signature ? REGION_SIGNATURES : REGION_IMMUTABLE;
	const struct rpm_entry *region = &h->entries[0];
	struct assay_span trailer;

	if (region->tag != wanted) {
		doubt(h, h->start, "no region: nothing says which tags are signed", NULL);
		return;
	}
	trailer = assay_span_cut(h->file, region->at, RPM_ENTRY_SIZE);
	if (region->type != RPM_BIN || region->count != RPM_ENTRY_SIZE ||
	    rpm_be32(trailer, 4) != RPM_BIN || rpm_be32(trailer, 12) != RPM_ENTRY_SIZE ||
	    (rpm_be32(trailer, 0) != wanted && rpm_be32(trailer, 0) != REGION_SIGNATURES) ||
	    rpm_be32(trailer, 8) != 0U - (uint32_t)(h->count * RPM_ENTRY_SIZE))
		doubt(h, region->at, "the region does not cover all tags", NULL);
}

static enum assay_code judge_store(struct rpm_header *h, struct assay_error *err)
{
	for (size_t i = 0; i < h->count; i++)
		h->by_place[i] = (uint32_t)i;
	qsort_r(h->by_place, h->count, sizeof(*h->by_place), by_tag, h->entries);
	for (size_t i = 1; i < h->count; i++)
		if (h->entries[h->by_place[i]].tag == h->entries[h->by_place[i - 1]].tag)
			doubt(h, h->start, "a tag comes twice",
			      rpm_tag_name(h->entries[h->by_place[i]].tag, h->is_signature));
	qsort_r(h->by_place, h->count, sizeof(*h->by_place), by_place, h->entries);
	for (size_t i = 1; i < h->count; i++) {
		const struct rpm_entry *before = &h->entries[h->by_place[i - 1]];

		if (h->entries[h->by_place[i]].at < before->end)
			return assay_fail(err, ASSAY_EINPUT, "offset %llu: tags %u and %u share data",
					  (unsigned long long)before->at, before->tag,
					  h->entries[h->by_place[i]].tag);
	}
	return ASSAY_OK;
}

enum assay_code rpm_header_read(struct assay_span file, uint64_t at, bool is_signature,
				struct assay_arena *arena, struct rpm_header *ret,
				struct assay_error *err)
{
	struct assay_span intro = assay_span_cut(file, at, RPM_INTRO_SIZE);
	uint64_t count, size, covered = 0;

	if (intro.len < RPM_INTRO_SIZE || memcmp(intro.data, "\x8e\xad\xe8\x01", 4) != 0)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: want a header (8e ad e8 01)",
				  (unsigned long long)at);
	count = rpm_be32(intro, 8);
	size = rpm_be32(intro, 12);
	*ret = (struct rpm_header){ .file = file, .start = at, .is_signature = is_signature };
	ret->store = at + RPM_INTRO_SIZE + count * RPM_ENTRY_SIZE;
	ret->end = ret->store + size;
	if (count == 0 || count > TAGS_MAX || size > STORE_MAX || ret->end > file.len)
		return assay_fail(err, ASSAY_EINPUT,
				  "offset %llu: header: %llu tags and %llu bytes do not fit the file",
				  (unsigned long long)at, (unsigned long long)count,
				  (unsigned long long)size);
	ret->entries = assay_arena_alloc(arena, count * sizeof(*ret->entries));
	ret->by_place = assay_arena_alloc(arena, count * sizeof(*ret->by_place));
	if (!ret->entries || !ret->by_place)
		return assay_fail(err, ASSAY_ELIMIT, "header: out of memory or above the limit");
	for (; ret->count < count; ret->count++) {
		if (read_entry(ret, ret->count, err))
			return err->code;
		covered += ret->entries[ret->count].end - ret->entries[ret->count].at;
		/* before it is known which: no more is looked at than the store holds */
		if (covered > size)
			return assay_fail(err, ASSAY_EINPUT, "offset %llu: tags share data",
					  (unsigned long long)ret->store);
	}
	judge_region(ret);
	return judge_store(ret, err);
}

enum assay_code rpm_headers_read(struct assay_span file, struct assay_arena *arena,
				 struct rpm_header ret[2], struct assay_error *err)
{
	if (rpm_header_read(file, RPM_LEAD_SIZE, true, arena, &ret[0], err))
		return assay_context(err, "signature header");
	if (rpm_header_read(file, rpm_header_aligned(ret[0].end), false, arena, &ret[1], err))
		return assay_context(err, "header");
	return ASSAY_OK;
}

struct assay_span rpm_header_find(const struct rpm_header *header, uint32_t tag, enum rpm_type type)
{
	for (size_t i = 0; i < header->count; i++) {
		const struct rpm_entry *e = &header->entries[i];

		if (e->tag == tag && e->type == (uint32_t)type)
			return assay_span_cut(header->file, e->at, e->end - e->at);
	}
	return assay_span_of(NULL, 0);
}
