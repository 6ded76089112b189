/* SPDX-License-Identifier: Apache-2.0 */
/* From the end record to the entries, and from the entries back: both ways must meet. */
#include "zip_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "assay/limits.h"

#define COMMENT_MAX 65535
#define EXTRAS_MAX 32 /* of one header; each is compared with each */

static void doubt(struct zip_archive *zip, uint64_t offset, const char *fmt, ...) ASSAY_PRINTF(3, 4);

static void doubt(struct zip_archive *zip, uint64_t offset, const char *fmt, ...)
{
	va_list args;

	if (zip->doubt.text[0])
		return;
	va_start(args, fmt);
	vsnprintf(zip->doubt.text, sizeof(zip->doubt.text), fmt, args);
	va_end(args);
	zip->doubt.offset = offset;
}

uint64_t zip_get(struct assay_span s, uint64_t at, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)s.data[at + i] << (8 * i);
	return value;
}

struct assay_span zip_entry_name(const struct zip_archive *zip, const struct zip_entry *entry)
{
	return assay_span_cut(zip->file, entry->central + ZIP_CENTRAL_SIZE, entry->name_size);
}

struct assay_span zip_local_extras(const struct zip_archive *zip, const struct zip_entry *entry)
{
	return assay_span_cut(zip->file, entry->data - entry->local_extra, entry->local_extra);
}

struct assay_span zip_central_extras(const struct zip_archive *zip, const struct zip_entry *entry)
{
	return assay_span_cut(zip->file, entry->central + ZIP_CENTRAL_SIZE + entry->name_size,
			      entry->central_extra);
}

bool zip_extra_next(struct assay_span *rest, uint16_t *id, struct assay_span *body,
		    struct assay_span *whole)
{
	uint64_t len;

	if (rest->len < 4)
		return false;
	len = zip_get(*rest, 2, 2);
	if (len > rest->len - 4)
		return false;
	*id = (uint16_t)zip_get(*rest, 0, 2);
	*body = assay_span_cut(*rest, 4, len);
	*whole = assay_span_cut(*rest, 0, 4 + len);
	*rest = assay_span_cut(*rest, 4 + len, SIZE_MAX);
	return true;
}

bool zip_extra_find(struct assay_span extras, uint16_t id, struct assay_span *body)
{
	struct assay_span whole;
	uint16_t have;

	while (zip_extra_next(&extras, &have, body, &whole))
		if (have == id)
			return true;
	return false;
}

static uint64_t end_length(struct assay_span file, uint64_t at)
{
	return ZIP_END_SIZE + zip_get(file, at + 20, 2);
}

/* The last end record that fits; with exact, only one whose comment reaches to the end of the file. */
static bool find_end(struct assay_span file, bool exact, uint64_t *ret)
{
	uint64_t lowest = file.len > ZIP_END_SIZE + COMMENT_MAX ? file.len - ZIP_END_SIZE - COMMENT_MAX : 0;

	for (uint64_t at = file.len - ZIP_END_SIZE;; at--) {
		uint64_t left = file.len - at;

		if (zip_get(file, at, 4) == ZIP_END_MAGIC &&
		    (exact ? end_length(file, at) == left : end_length(file, at) <= left)) {
			*ret = at;
			return true;
		}
		if (at == lowest)
			return false;
	}
}

bool zip_end_find(struct assay_span file, uint64_t *ret)
{
	return file.len >= ZIP_END_SIZE && (find_end(file, true, ret) || find_end(file, false, ret));
}

/* ---- the end ------------------------------------------------------------------------------------- */

static enum assay_code read_end64(struct zip_archive *zip, uint64_t *count, uint64_t *size,
				  uint64_t *offset, struct assay_error *err)
{
	struct assay_span file = zip->file;
	uint64_t at;

	if (zip->end < ZIP_LOCATOR_SIZE + ZIP_END64_SIZE ||
	    zip_get(file, zip->end - ZIP_LOCATOR_SIZE, 4) != ZIP_LOCATOR_MAGIC)
		return ASSAY_OK;
	/* where the locator points only holds without a prefix; the record stands in front of it */
	at = zip->end - ZIP_LOCATOR_SIZE - ZIP_END64_SIZE;
	if (zip_get(file, at, 4) != ZIP_END64_MAGIC || zip_get(file, at + 4, 8) != ZIP_END64_SIZE - 12)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: want a zip64 end record",
				  (unsigned long long)at);
	zip->end64 = at;
	if ((*count != 0xffff && *count != zip_get(file, at + 32, 8)) ||
	    (*size != 0xffffffff && *size != zip_get(file, at + 40, 8)) ||
	    (*offset != 0xffffffff && *offset != zip_get(file, at + 48, 8)))
		doubt(zip, zip->end, "end record and zip64 end record differ");
	*count = zip_get(file, at + 32, 8);
	*size = zip_get(file, at + 40, 8);
	*offset = zip_get(file, at + 48, 8);
	return ASSAY_OK;
}

#define INTERPRETER_MAX 127 /* BINPRM_BUF_SIZE of Linux before 5.1, less one */

uint64_t zip_head(struct assay_span file)
{
	struct assay_span rest = file, line;

	if (assay_span_starts(file, "JM\1") && file.len > 4 && file.data[3] == 0)
		return 4;
	if (!assay_span_starts(file, "#!") || !assay_span_next_line(&rest, &line) ||
	    line.len > INTERPRETER_MAX)
		return 0;
	for (size_t i = 0; i < line.len; i++)
		if (line.data[i] < ' ' || line.data[i] > '~')
			return 0;
	return line.len + 1;
}

static enum assay_code read_end(struct zip_archive *zip, uint64_t *ret_count, struct assay_error *err)
{
	struct assay_span file = zip->file;
	uint64_t count, size, offset, directory_end;

	if (!zip_end_find(file, &zip->end))
		return assay_fail(err, ASSAY_EINPUT, "no end record near the end of the file");
	zip->comment = (uint16_t)zip_get(file, zip->end + 20, 2);
	if (zip->end + ZIP_END_SIZE + zip->comment < file.len)
		doubt(zip, zip->end + ZIP_END_SIZE + zip->comment, "%llu bytes behind the archive",
		      (unsigned long long)(file.len - zip->end - ZIP_END_SIZE - zip->comment));
	if (assay_span_find(file, zip->end + 4, assay_span_text("PK\5\6")) != SIZE_MAX)
		doubt(zip, zip->end, "another end record in the comment");
	count = zip_get(file, zip->end + 10, 2);
	size = zip_get(file, zip->end + 12, 4);
	offset = zip_get(file, zip->end + 16, 4);
	if (zip_get(file, zip->end + 4, 4) || zip_get(file, zip->end + 8, 2) != count)
		doubt(zip, zip->end, "archive of several disks");
	if (read_end64(zip, &count, &size, &offset, err))
		return err->code;
	directory_end = zip->end64 ? zip->end64 : zip->end;
	if (size > directory_end || offset > directory_end - size)
		return assay_fail(err, ASSAY_EINPUT, "central directory: lies outside the file");
	zip->central = directory_end - size;
	zip->central_size = size;
	zip->base = zip->central - offset;
	zip->head = zip_head(file);
	if (zip->base && zip->base != zip->head)
		doubt(zip, 0, "%llu bytes in front of the archive, or between it and its directory",
		      (unsigned long long)zip->base);
	if (count > ASSAY_MAX_MEMBERS || count > size / ZIP_CENTRAL_SIZE)
		return assay_fail(err, count > ASSAY_MAX_MEMBERS ? ASSAY_ELIMIT : ASSAY_EINPUT,
				  "%llu entries do not fit the central directory",
				  (unsigned long long)count);
	*ret_count = count;
	return ASSAY_OK;
}

/* ---- one entry ------------------------------------------------------------------------------------- */

/* Zip64 sizes and offset stand in the extra field, only those that the header leaves out (4.5.3). */
static bool take_zip64(struct assay_span *body, uint64_t *value)
{
	if (*value != 0xffffffff)
		return true;
	if (body->len < 8)
		return false;
	*value = zip_get(*body, 0, 8);
	*body = assay_span_cut(*body, 8, SIZE_MAX);
	return true;
}

static enum assay_code read_central(struct zip_archive *zip, uint64_t at, struct zip_entry *e,
				    struct assay_error *err)
{
	struct assay_span file = zip->file, body = { NULL, 0 };
	uint64_t left = zip->central + zip->central_size - at;

	if (left < ZIP_CENTRAL_SIZE || zip_get(file, at, 4) != ZIP_CENTRAL_MAGIC)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: want a central header",
				  (unsigned long long)at);
	*e = (struct zip_entry){
		.central = at,
		.made_by = (uint16_t)zip_get(file, at + 4, 2),
		.flags = (uint16_t)zip_get(file, at + 8, 2),
		.method = (uint16_t)zip_get(file, at + 10, 2),
		.time = (uint16_t)zip_get(file, at + 12, 2),
		.date = (uint16_t)zip_get(file, at + 14, 2),
		.crc = (uint32_t)zip_get(file, at + 16, 4),
		.packed = zip_get(file, at + 20, 4),
		.size = zip_get(file, at + 24, 4),
		.name_size = (uint16_t)zip_get(file, at + 28, 2),
		.central_extra = (uint16_t)zip_get(file, at + 30, 2),
		.comment = (uint16_t)zip_get(file, at + 32, 2),
		.external = (uint32_t)zip_get(file, at + 38, 4),
		.local = zip_get(file, at + 42, 4),
	};
	e->central_size = ZIP_CENTRAL_SIZE + (uint64_t)e->name_size + e->central_extra + e->comment;
	if (e->central_size > left)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: central header: cut short",
				  (unsigned long long)at);
	zip_extra_find(zip_central_extras(zip, e), 1, &body);
	if (!take_zip64(&body, &e->size) || !take_zip64(&body, &e->packed) ||
	    !take_zip64(&body, &e->local))
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: zip64 field: cut short",
				  (unsigned long long)at);
	if (zip_get(file, at + 34, 2))
		doubt(zip, at + 34, "entry on another disk");
	return ASSAY_OK;
}

static bool descriptor_fits(const struct zip_archive *zip, const struct zip_entry *e, unsigned magic,
			    unsigned width)
{
	uint64_t at = e->data + e->packed;

	if (zip->file.len - at < magic + 4 + 2 * width)
		return false;
	if (magic && zip_get(zip->file, at, 4) != ZIP_DESCRIPTOR_MAGIC)
		return false;
	at += magic;
	return zip_get(zip->file, at, 4) == e->crc && zip_get(zip->file, at + 4, width) == e->packed &&
	       zip_get(zip->file, at + 4 + width, width) == e->size;
}

/* 4.3.9: with or without a signature, sizes of 4 or 8 bytes; the first that says what is true. */
static bool measure_descriptor(const struct zip_archive *zip, struct zip_entry *e)
{
	static const struct {
		uint8_t magic, width;
	} forms[] = { { 4, 4 }, { 4, 8 }, { 0, 4 }, { 0, 8 } };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (!descriptor_fits(zip, e, forms[i].magic, forms[i].width))
			continue;
		e->descriptor = (uint8_t)(forms[i].magic + 4 + 2 * forms[i].width);
		return true;
	}
	return false;
}

static void compare_headers(struct zip_archive *zip, const struct zip_entry *e)
{
	struct assay_span file = zip->file, body = { NULL, 0 };
	uint64_t size = zip_get(file, e->local + 22, 4), packed = zip_get(file, e->local + 18, 4);
	uint64_t crc = zip_get(file, e->local + 14, 4), at = e->local;
	bool later = e->flags & ZIP_HAS_DESCRIPTOR;

	zip_extra_find(zip_local_extras(zip, e), 1, &body);
	if (!take_zip64(&body, &size) || !take_zip64(&body, &packed))
		doubt(zip, at, "zip64 field of a local header is cut short");
	if (zip_get(file, at + 6, 2) != e->flags)
		doubt(zip, at + 6, "flags in the local and the central header differ");
	if (zip_get(file, at + 8, 2) != e->method)
		doubt(zip, at + 8, "method in the local and the central header differ");
	if (zip_get(file, at + 10, 2) != e->time || zip_get(file, at + 12, 2) != e->date)
		doubt(zip, at + 10, "times in the local and the central header differ");
	if (crc != e->crc && !(later && crc == 0))
		doubt(zip, at + 14, "CRC in the local and the central header differ");
	if ((size != e->size && !(later && size == 0)) ||
	    (packed != e->packed && !(later && packed == 0)))
		doubt(zip, at + 18, "sizes in the local and the central header differ");
	if (!assay_span_equal(assay_span_cut(file, at + ZIP_LOCAL_SIZE, e->local_name),
			      zip_entry_name(zip, e)))
		doubt(zip, at + ZIP_LOCAL_SIZE, "names in the local and the central header differ");
}

static enum assay_code read_local(struct zip_archive *zip, struct zip_entry *e, struct assay_error *err)
{
	struct assay_span file = zip->file;
	uint64_t head;

	if (e->local > zip->central - zip->base || zip->central - zip->base - e->local < ZIP_LOCAL_SIZE ||
	    zip_get(file, zip->base + e->local, 4) != ZIP_LOCAL_MAGIC)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: no local header at %llu",
				  (unsigned long long)e->central, (unsigned long long)e->local);
	e->local += zip->base;
	e->local_name = (uint16_t)zip_get(file, e->local + 26, 2);
	e->local_extra = (uint16_t)zip_get(file, e->local + 28, 2);
	head = ZIP_LOCAL_SIZE + (uint64_t)e->local_name + e->local_extra;
	if (head > zip->central - e->local || e->packed > zip->central - e->local - head)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: data runs into the directory",
				  (unsigned long long)e->local);
	e->data = e->local + head;
	if (e->flags & ZIP_HAS_DESCRIPTOR && !measure_descriptor(zip, e))
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: data descriptor: want CRC and sizes",
				  (unsigned long long)(e->data + e->packed));
	e->end = e->data + e->packed + e->descriptor;
	if (e->end > zip->central)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: data descriptor: cut short",
				  (unsigned long long)e->local);
	compare_headers(zip, e);
	return ASSAY_OK;
}

/* 0x7075 (Info-ZIP): a second name, which some readers prefer. */
static void judge_second_name(struct zip_archive *zip, const struct zip_entry *e,
			      struct assay_span extras)
{
	struct assay_span body;

	if (!zip_extra_find(extras, 0x7075, &body))
		return;
	if (body.len < 5 || !assay_span_equal(assay_span_cut(body, 5, SIZE_MAX), zip_entry_name(zip, e)))
		doubt(zip, e->local, "Unicode path field gives the member another name");
}

static void judge_extras(struct zip_archive *zip, const struct zip_entry *e, struct assay_span extras)
{
	struct assay_span rest = extras, body, whole;
	unsigned count = 0;
	uint16_t id;

	judge_second_name(zip, e, extras);
	while (zip_extra_next(&rest, &id, &body, &whole)) {
		struct assay_span after = rest;

		if (++count > EXTRAS_MAX) {
			doubt(zip, e->local, "more than %d extra fields", EXTRAS_MAX);
			return;
		}
		if (zip_extra_find(after, id, &body))
			doubt(zip, e->local, "extra field 0x%04x comes twice", id);
	}
	for (size_t i = 0; i < rest.len; i++)
		if (rest.data[i])
			doubt(zip, e->local, "bytes behind the extra fields");
}

/* ---- all of them -------------------------------------------------------------------------------------- */

static int by_local_offset(const void *a, const void *b, void *arg)
{
	const struct zip_entry *entries = arg;
	uint64_t x = entries[*(const uint32_t *)a].local, y = entries[*(const uint32_t *)b].local;

	return x < y ? -1 : x > y;
}

static enum assay_code sort_entries(struct zip_archive *zip, struct assay_error *err)
{
	for (size_t i = 0; i < zip->count; i++)
		zip->by_local[i] = (uint32_t)i;
	qsort_r(zip->by_local, zip->count, sizeof(*zip->by_local), by_local_offset, zip->entries);
	for (size_t i = 1; i < zip->count; i++)
		if (zip->entries[zip->by_local[i]].local < zip->entries[zip->by_local[i - 1]].end)
			return assay_fail(err, ASSAY_EINPUT, "offset %llu: members overlap",
					  (unsigned long long)zip->entries[zip->by_local[i]].local);
	return ASSAY_OK;
}

enum assay_code zip_read(struct assay_span file, struct assay_arena *arena, struct zip_archive *ret,
			 struct assay_error *err)
{
	uint64_t count = 0, at;

	*ret = (struct zip_archive){ .file = file };
	if (read_end(ret, &count, err))
		return err->code;
	ret->entries = assay_arena_alloc(arena, (count + 1) * sizeof(*ret->entries));
	ret->by_local = assay_arena_alloc(arena, (count + 1) * sizeof(*ret->by_local));
	if (!ret->entries || !ret->by_local)
		return assay_fail(err, ASSAY_ELIMIT, "zip: entries: out of memory or above the limit");
	at = ret->central;
	for (; ret->count < count; ret->count++) {
		struct zip_entry *e = &ret->entries[ret->count];

		if (read_central(ret, at, e, err) || read_local(ret, e, err))
			return assay_context(err, "entry %zu", ret->count);
		judge_extras(ret, e, zip_local_extras(ret, e));
		judge_extras(ret, e, zip_central_extras(ret, e));
		ret->has_set_id |= (e->external >> 16 & 06000) != 0;
		at += e->central_size;
	}
	if (at != ret->central + ret->central_size)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: bytes behind the last central header",
				  (unsigned long long)at);
	return sort_entries(ret, err);
}
