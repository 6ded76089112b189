/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zip, written one way: members by name behind those that readers want first, deflated where that is
 * shorter, sizes and sums in the headers, one time, only those extra fields that mean something beyond
 * times and owners.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "emit.h"
#include "zip_read.h"

#define STORED 0
#define DEFLATED 8
#define MAX32 0xffffffffULL
#define MAX16 0xffffU

struct zip_out {
	const struct zip_entry *e;
	uint32_t index;
	struct assay_rope data;
	uint64_t packed, size, local;
	uint32_t crc;
	uint16_t method, time, date;
};

struct zip_writer {
	struct assay_emit *e;
	const struct assay_anatomy *a;
	const struct zip_archive *zip;
	struct assay_rope *rope;
	struct assay_members locals, centrals;
	const struct assay_field *mtime, *mode, *data;
	bool drops_owner;
	struct zip_out *out; /* in the order in which they are written */
	uint64_t start;	     /* of the archive in the rope */
};

static const struct assay_field *field(const struct zip_writer *w, const char *name)
{
	return assay_emit_field(w->a->format, name);
}

/* ---- what has no canonical form -------------------------------------------------------------------- */

static const char *why_not(const struct zip_archive *zip, const struct zip_entry *e)
{
	struct assay_span rest = zip_local_extras(zip, e), body, whole;
	uint16_t id;

	if (e->flags & (ZIP_ENCRYPTED | ZIP_STRONG))
		return "encrypted member";
	if (e->method != STORED && e->method != DEFLATED)
		return "member of a compression method that is not decoded here";
	while (zip_extra_next(&rest, &id, &body, &whole))
		if (id == 0xd935)
			return "members aligned for mapping (zipalign)";
	return rest.len ? "members aligned for mapping (zipalign)" : NULL;
}

/* ---- the order ------------------------------------------------------------------------------------- */

enum { RANK_MIMETYPE, RANK_DIRECTORY, RANK_MANIFEST, RANK_OTHERS, RANK_SYMLINK, RANK_LATE };

static const char *const leading_names[] = { "mimetype", "META-INF/", "META-INF/MANIFEST.MF" };

static unsigned rank_of(const struct zip_writer *w, const struct zip_entry *e, const char *leading,
			bool late)
{
	struct assay_span name = zip_entry_name(w->zip, e);

	for (unsigned i = 0; i < 3; i++) {
		if (!assay_span_equal_text(name, leading_names[i]))
			continue;
		if (strstr(leading, i ? leading_names[2] : leading_names[0]))
			/* a directory between the two would hide the manifest */
			return i == RANK_DIRECTORY && strstr(leading, "mimetype") ? RANK_OTHERS : i;
		return late ? RANK_LATE : RANK_OTHERS;
	}
	return strcmp(zip_entry_type(w->zip, e), "symlink") == 0 ? RANK_SYMLINK : RANK_OTHERS;
}

static const char *leading_of(const struct zip_writer *w, const struct assay_placed *list)
{
	struct assay_span none = { NULL, 0 };

	return zip_leading(w->zip->count > 0 ? list[0].name : none,
			   w->zip->count > 1 ? list[1].name : none);
}

/* Sorted, in a way that readers who look at the first two members see what they saw. */
static bool sort(const struct zip_writer *w, struct assay_placed *list)
{
	const char *leading = leading_of(w, list);

	for (int late = 0; late < 2; late++) {
		for (size_t i = 0; i < w->zip->count; i++)
			list[i].rank = rank_of(w, &w->zip->entries[list[i].index], leading, late);
		assay_members_sort(list, w->zip->count);
		if (strcmp(leading_of(w, list), leading) == 0)
			return true;
	}
	return false;
}

static void fill_places(const struct zip_writer *w, struct assay_placed *list)
{
	for (size_t i = 0; i < w->zip->count; i++)
		list[i] = (struct assay_placed){
			.name = zip_entry_name(w->zip, &w->zip->entries[w->zip->by_local[i]]),
			.index = w->zip->by_local[i],
		};
}

static enum assay_code collect(struct zip_writer *w, struct assay_error *err)
{
	size_t count = w->zip->count;
	struct assay_placed *list = calloc(count + 1, sizeof(*list));

	w->out = calloc(count + 1, sizeof(*w->out));
	if (!list || !w->out) {
		free(list);
		return assay_fail(err, ASSAY_ENOMEM, "members: out of memory");
	}
	fill_places(w, list);
	if (assay_members_hold(&w->locals, w->a->format->order) && !sort(w, list))
		fill_places(w, list);
	for (size_t i = 0; i < count; i++)
		w->out[i] = (struct zip_out){ .e = &w->zip->entries[list[i].index],
					      .index = (uint32_t)list[i].index };
	free(list);
	return ASSAY_OK;
}

/* ---- data ------------------------------------------------------------------------------------------ */

static void keep_data(struct zip_out *out)
{
	out->method = out->e->method;
	out->crc = out->e->crc;
	out->packed = out->e->packed;
	out->size = out->e->size;
}

/* Members that their readers want stored, or that were, byte for byte. */
static enum assay_code emit_stored(struct zip_writer *w, struct zip_out *out, struct assay_error *err)
{
	struct assay_span bytes = assay_span_cut(w->a->bytes, out->e->data, out->e->packed);
	struct assay_rope_reader reader;
	enum assay_code code =
		assay_emit_payload(w->e, zip_entry_name(w->zip, out->e), bytes, &out->data, err);

	assay_rope_reader_open(&reader, &out->data, &w->e->scratch);
	do {
		if (!code)
			code = assay_rope_read(&reader, &bytes, err);
		if (!code)
			out->crc = assay_crc32(out->crc, bytes);
	} while (!code && bytes.len);
	assay_rope_reader_release(&reader);
	out->method = STORED;
	out->packed = out->size = out->data.size;
	return code;
}

static enum assay_code emit_data(struct zip_writer *w, struct zip_out *out, struct assay_error *err)
{
	struct assay_node node = { .offset = out->e->data,
				   .length = out->e->packed,
				   .field = w->data,
				   .aux = out->index,
				   .flags = ASSAY_NODE_ENCODED };
	struct assay_span name = zip_entry_name(w->zip, out->e);
	bool is_fixed = zip_method_is_fixed(w->zip, out->e);
	/* an empty member that is deflated stays so: data and none of it are not one thing to compare */
	bool may_store = !is_fixed && out->e->size;
	struct assay_emitted emitted;

	if (out->e->packed == 0) {
		keep_data(out);
		return ASSAY_OK;
	}
	if (is_fixed && out->e->method == STORED)
		return emit_stored(w, out, err);
	if (assay_emit_encoded(w->e, w->a, &node, w->data, ASSAY_CODEC_DEFLATE, may_store, name, &emitted,
			       err))
		return err->code;
	if (emitted.is_kept) {
		keep_data(out);
		return assay_rope_add(&out->data, assay_node_bytes(w->a, &node), err);
	}
	out->method = emitted.is_stored ? STORED : DEFLATED;
	out->crc = emitted.crc32;
	out->size = emitted.size;
	out->packed = emitted.rope.size;
	out->data = emitted.rope;
	return ASSAY_OK;
}

static bool is_record(const struct zip_writer *w, const struct zip_out *out)
{
	return assay_span_ends(zip_entry_name(w->zip, out->e), ".dist-info/RECORD");
}

/* The list of checksums of a wheel is made after what it speaks of. */
static enum assay_code emit_payloads(struct zip_writer *w, struct assay_error *err)
{
	enum assay_code code = ASSAY_OK;

	for (int last = 0; last < 2; last++)
		for (size_t i = 0; i < w->zip->count && !code; i++)
			if (is_record(w, &w->out[i]) == last)
				code = emit_data(w, &w->out[i], err);
	return code;
}

/* ---- times ----------------------------------------------------------------------------------------- */

static void put_time(const struct zip_writer *w, struct zip_out *out)
{
	time_t seconds;
	struct tm tm;

	out->time = out->e->time;
	out->date = out->e->date;
	if (!assay_emit_wants(w->e, w->mtime))
		return;
	seconds = (time_t)assay_emit_time(w->e, w->mtime,
					  zip_entry_time(out->e, zip_local_extras(w->zip, out->e)));
	if (seconds < ASSAY_CANONICAL_TIME)
		seconds = ASSAY_CANONICAL_TIME;
	if (!gmtime_r(&seconds, &tm) || tm.tm_year > 207)
		return;
	out->date = (uint16_t)((tm.tm_year - 80) << 9 | (tm.tm_mon + 1) << 5 | tm.tm_mday);
	out->time = (uint16_t)(tm.tm_hour << 11 | tm.tm_min << 5 | tm.tm_sec / 2);
}

/* ---- extra fields ---------------------------------------------------------------------------------- */

#define MAX_EXTRAS 64

struct extras {
	struct {
		struct assay_span whole;
		uint16_t id;
	} list[MAX_EXTRAS];
	size_t count, size;
	struct assay_span tail; /* what is no whole field, such as zipalign's padding, stays at the end */
};

static bool drops_extra(const struct zip_writer *w, uint16_t id, struct assay_span body)
{
	switch (id) {
	case 0x0001:
		return true;
	case 0x5455:
	case 0x000a:
		return assay_emit_wants(w->e, w->mtime);
	case 0x7875:
		return w->drops_owner && zip_owner_is_valid(body);
	case 0xcafe:
		return body.len == 0;
	default:
		return false;
	}
}

static enum assay_code collect_extras(const struct zip_writer *w, struct assay_span rest,
				      struct extras *ret, struct assay_error *err)
{
	struct assay_span body, whole;
	uint16_t id;

	ret->count = ret->size = 0;
	while (zip_extra_next(&rest, &id, &body, &whole)) {
		size_t at = ret->count;

		if (drops_extra(w, id, body))
			continue;
		if (at == MAX_EXTRAS)
			return assay_fail(err, ASSAY_EUNSUPPORTED, "a member with more than %d extra fields",
					  MAX_EXTRAS);
		for (; at && ret->list[at - 1].id > id; at--)
			ret->list[at] = ret->list[at - 1];
		ret->list[at].id = id;
		ret->list[at].whole = whole;
		ret->count++;
		ret->size += whole.len;
	}
	ret->tail = rest;
	ret->size += rest.len;
	return ASSAY_OK;
}

static enum assay_code write_extras(struct zip_writer *w, const struct extras *extras,
				    const uint64_t *large, size_t large_count, struct assay_error *err)
{
	uint8_t head[4], value[8];

	if (large_count) {
		assay_emit_le(head, 0x0001, 2);
		assay_emit_le(head + 2, 8 * large_count, 2);
		if (assay_emit_make(w->e, w->rope, head, sizeof(head), err))
			return err->code;
	}
	for (size_t i = 0; i < large_count; i++) {
		assay_emit_le(value, large[i], 8);
		if (assay_emit_make(w->e, w->rope, value, sizeof(value), err))
			return err->code;
	}
	for (size_t i = 0; i < extras->count; i++)
		if (assay_rope_add(w->rope, extras->list[i].whole, err))
			return err->code;
	return extras->tail.len ? assay_rope_add(w->rope, extras->tail, err) : ASSAY_OK;
}

/* ---- headers --------------------------------------------------------------------------------------- */

static uint16_t flags_of(const struct zip_writer *w, const struct zip_out *out)
{
	struct assay_span name = zip_entry_name(w->zip, out->e);

	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] >= 0x80)
			return out->e->flags & ZIP_UTF8;
	return 0;
}

static uint16_t version_of(const struct zip_writer *w, const struct zip_out *out, bool is_large)
{
	if (is_large)
		return 45;
	return out->method == DEFLATED || assay_span_ends(zip_entry_name(w->zip, out->e), "/") ? 20 : 10;
}

static uint64_t cut32(uint64_t value)
{
	return value >= MAX32 ? MAX32 : value;
}

/* From "version needed" to the lengths: what both headers have in common. */
static void put_common(const struct zip_writer *w, const struct zip_out *out, bool is_large,
		       bool cuts_both, size_t extra, uint8_t *at)
{
	assay_emit_le(at, version_of(w, out, is_large), 2);
	assay_emit_le(at + 2, flags_of(w, out), 2);
	assay_emit_le(at + 4, out->method, 2);
	assay_emit_le(at + 6, out->time, 2);
	assay_emit_le(at + 8, out->date, 2);
	assay_emit_le(at + 10, out->crc, 4);
	assay_emit_le(at + 14, cuts_both ? MAX32 : cut32(out->packed), 4);
	assay_emit_le(at + 18, cuts_both ? MAX32 : cut32(out->size), 4);
	assay_emit_le(at + 22, out->e->name_size, 2);
	assay_emit_le(at + 24, extra, 2);
}

/* 4.5.3: in a local header both sizes or none. */
static enum assay_code write_local(struct zip_writer *w, struct zip_out *out, struct assay_error *err)
{
	bool is_large = out->packed >= MAX32 || out->size >= MAX32;
	uint64_t large[2] = { out->size, out->packed };
	uint8_t head[ZIP_LOCAL_SIZE];
	struct extras extras;
	size_t size;

	if (collect_extras(w, zip_local_extras(w->zip, out->e), &extras, err))
		return err->code;
	size = extras.size + (is_large ? 20 : 0);
	if (size > MAX16)
		return assay_fail(err, ASSAY_EUNSUPPORTED, "extra fields: no room for 64-bit sizes");
	out->local = w->rope->size - w->start;
	assay_emit_le(head, ZIP_LOCAL_MAGIC, 4);
	put_common(w, out, is_large, is_large, size, head + 4);
	if (assay_emit_make(w->e, w->rope, head, sizeof(head), err) ||
	    assay_rope_add(w->rope, zip_entry_name(w->zip, out->e), err) ||
	    write_extras(w, &extras, large, is_large ? 2 : 0, err))
		return err->code;
	return assay_rope_join(w->rope, &out->data, err);
}

/* Low half: the DOS attributes, of which readers know the directory; high half: type and mode. */
static uint32_t external_of(const struct zip_writer *w, const struct zip_entry *e)
{
	const char *type = zip_entry_type(w->zip, e);
	uint32_t mode = e->external >> 16;

	if (mode && strcmp(type, "symlink") != 0)
		mode = (mode & ~07777U) | assay_members_mode(&w->centrals, w->mode, mode & 07777);
	return mode << 16 | (strcmp(type, "directory") == 0 ? 0x10 : 0);
}

/* A mode without a Unix behind it stays one that only some readers believe. */
static uint8_t host_of(const struct zip_writer *w, const struct zip_entry *e)
{
	unsigned host = e->made_by >> 8;

	if (!(e->external >> 16))
		return 0;
	if (zip_mode_is_plain(w->zip, e))
		return ZIP_HOST_UNIX;
	return host == ZIP_HOST_UNIX || host == ZIP_HOST_DARWIN ? (uint8_t)host : 0;
}

static enum assay_code write_central(struct zip_writer *w, const struct zip_out *out,
				     struct assay_error *err)
{
	struct assay_span comment = assay_span_cut(
		w->a->bytes, out->e->central + out->e->central_size - out->e->comment, out->e->comment);
	uint64_t large[3];
	uint8_t head[ZIP_CENTRAL_SIZE];
	struct extras extras;
	size_t count = 0, size;

	if (out->size >= MAX32)
		large[count++] = out->size;
	if (out->packed >= MAX32)
		large[count++] = out->packed;
	if (out->local >= MAX32)
		large[count++] = out->local;
	if (assay_emit_wants(w->e, field(w, "zip.member_comment")))
		comment.len = 0;
	if (collect_extras(w, zip_central_extras(w->zip, out->e), &extras, err))
		return err->code;
	size = extras.size + (count ? 4 + 8 * count : 0);
	if (size > MAX16)
		return assay_fail(err, ASSAY_EUNSUPPORTED, "extra fields: no room for 64-bit sizes");
	assay_emit_le(head, ZIP_CENTRAL_MAGIC, 4);
	head[4] = count ? 45 : 20;
	head[5] = host_of(w, out->e);
	put_common(w, out, count != 0, false, size, head + 6);
	assay_emit_le(head + 32, comment.len, 2);
	assay_emit_le(head + 34, 0, 4);
	assay_emit_le(head + 38, external_of(w, out->e), 4);
	assay_emit_le(head + 42, cut32(out->local), 4);
	if (assay_emit_make(w->e, w->rope, head, sizeof(head), err) ||
	    assay_rope_add(w->rope, zip_entry_name(w->zip, out->e), err) ||
	    write_extras(w, &extras, large, count, err))
		return err->code;
	return assay_rope_add(w->rope, comment, err);
}

static enum assay_code write_end64(struct zip_writer *w, uint64_t directory, uint64_t end,
				   struct assay_error *err)
{
	uint8_t record[ZIP_END64_SIZE + ZIP_LOCATOR_SIZE] = { 0 };

	assay_emit_le(record, ZIP_END64_MAGIC, 4);
	assay_emit_le(record + 4, ZIP_END64_SIZE - 12, 8);
	assay_emit_le(record + 12, 45, 2);
	assay_emit_le(record + 14, 45, 2);
	assay_emit_le(record + 24, w->zip->count, 8);
	assay_emit_le(record + 32, w->zip->count, 8);
	assay_emit_le(record + 40, end - directory, 8);
	assay_emit_le(record + 48, directory, 8);
	assay_emit_le(record + 56, ZIP_LOCATOR_MAGIC, 4);
	assay_emit_le(record + 64, end, 8);
	assay_emit_le(record + 72, 1, 4);
	return assay_emit_make(w->e, w->rope, record, sizeof(record), err);
}

static enum assay_code write_end(struct zip_writer *w, uint64_t directory, struct assay_error *err)
{
	uint64_t end = w->rope->size - w->start, count = w->zip->count;
	struct assay_span comment =
		assay_span_cut(w->a->bytes, w->zip->end + ZIP_END_SIZE, w->zip->comment);
	uint8_t record[ZIP_END_SIZE] = { 0 };

	if (assay_emit_wants(w->e, field(w, "zip.comment")))
		comment.len = 0;
	if ((count >= MAX16 || end >= MAX32) && write_end64(w, directory, end, err))
		return err->code;
	assay_emit_le(record, ZIP_END_MAGIC, 4);
	assay_emit_le(record + 8, count < MAX16 ? count : MAX16, 2);
	assay_emit_le(record + 10, count < MAX16 ? count : MAX16, 2);
	assay_emit_le(record + 12, cut32(end - directory), 4);
	assay_emit_le(record + 16, cut32(directory), 4);
	assay_emit_le(record + 20, comment.len, 2);
	if (assay_emit_make(w->e, w->rope, record, sizeof(record), err))
		return err->code;
	return assay_rope_add(w->rope, comment, err);
}

static enum assay_code write_all(struct zip_writer *w, struct assay_error *err)
{
	uint64_t directory;

	w->start = w->rope->size;
	if (w->zip->head && assay_rope_add(w->rope, assay_span_cut(w->zip->file, 0, w->zip->head), err))
		return err->code;
	if (w->zip->base)
		w->start = w->rope->size;
	for (size_t i = 0; i < w->zip->count; i++) {
		put_time(w, &w->out[i]);
		if (write_local(w, &w->out[i], err))
			return err->code;
	}
	directory = w->rope->size - w->start;
	for (size_t i = 0; i < w->zip->count; i++)
		if (write_central(w, &w->out[i], err))
			return err->code;
	return write_end(w, directory, err);
}

/* ---- the archive ----------------------------------------------------------------------------------- */

static enum assay_code emit_archive(struct zip_writer *w, struct assay_error *err)
{
	struct assay_vouch vouch;
	bool is_wheel = false;
	enum assay_code code;

	w->mtime = field(w, "zip.mtime");
	w->mode = field(w, "zip.mode");
	w->data = field(w, "zip.data");
	w->drops_owner = !w->zip->has_set_id;
	for (size_t i = 0; i < 2 && w->drops_owner; i++)
		w->drops_owner = assay_members_hold(i ? &w->centrals : &w->locals, field(w, "zip.uid")) &&
				 assay_members_hold(i ? &w->centrals : &w->locals, field(w, "zip.gid"));
	code = collect(w, err);
	for (size_t i = 0; i < w->zip->count && !code; i++)
		is_wheel |= is_record(w, &w->out[i]);
	if (is_wheel)
		assay_vouch_begin(w->e, &vouch, ASSAY_VOUCH_RECORD);
	if (!code)
		code = emit_payloads(w, err);
	if (is_wheel)
		assay_vouch_end(w->e);
	if (!code)
		code = write_all(w, err);
	for (size_t i = 0; w->out && i < w->zip->count; i++)
		assay_rope_release(&w->out[i].data);
	free(w->out);
	return code;
}

static const struct assay_node *directory_of(const struct assay_anatomy *a)
{
	const struct assay_field *directory = assay_emit_field(a->format, "zip.directory");
	const struct assay_node *n = a->root->first;

	while (n && n->field != directory)
		n = n->next;
	return n;
}

enum assay_code zip_emit(struct assay_emit *e, const struct assay_anatomy *a, struct assay_rope *rope,
			 struct assay_error *err)
{
	struct zip_writer w = { .e = e, .a = a, .zip = a->priv, .rope = rope };
	enum assay_code code;

	for (size_t i = 0; i < w.zip->count; i++) {
		const char *why = why_not(w.zip, &w.zip->entries[i]);

		if (why)
			return assay_fail(err, ASSAY_EUNSUPPORTED, "%s (offset %llu)", why,
					  (unsigned long long)w.zip->entries[i].local);
	}
	if (assay_members_open(e, a, a->root, &w.locals, err))
		return err->code;
	code = assay_members_open(e, a, directory_of(a), &w.centrals, err);
	if (!code) {
		code = emit_archive(&w, err);
		assay_members_release(&w.centrals);
	}
	assay_members_release(&w.locals);
	return code;
}
