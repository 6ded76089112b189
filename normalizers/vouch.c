/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checksums that a package carries of its own members.  Where a member's bytes become canonical, the
 * checksum that was true of the old bytes is made anew; one that was false stays as it is, and stays
 * false.
 */
#include <stdio.h>
#include <stdlib.h>

#include "assay/cleanup.h"
#include "assay/digest.h"
#include "emit.h"

#define SUM_TEXT 48

struct assay_vouched {
	char *name;
	char before[SUM_TEXT], after[SUM_TEXT];
	uint64_t size_before, size_after;
};

void assay_vouch_begin(struct assay_emit *e, struct assay_vouch *vouch, enum assay_vouch_kind kind)
{
	*vouch = (struct assay_vouch){ .outer = e->vouch, .kind = kind, .base = e->path_count };
	e->vouch = vouch;
}

void assay_vouch_end(struct assay_emit *e)
{
	struct assay_vouch *vouch = e->vouch;

	e->vouch = vouch->outer;
	for (size_t i = 0; i < vouch->count; i++)
		free(vouch->list[i].name);
	free(vouch->list);
}

/* "./a/b" and "a/b" are one file. */
static struct assay_span bare(struct assay_span name)
{
	while (assay_span_starts(name, "./") || assay_span_starts(name, "/"))
		name = assay_span_cut(name, name.data[0] == '/' ? 1 : 2, SIZE_MAX);
	return name;
}

/* The path leads from the package to a member of this archive of a .deb, decoded or not. */
static bool lies_in(const struct assay_emit *e, const char *archive)
{
	size_t parts = e->path_count - e->vouch->base;

	return (parts == 2 || parts == 3) && assay_span_starts(e->path[e->vouch->base], archive);
}

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* 32 bytes as 43 characters, without padding (PEP 376, PEP 427). */
static void base64_text(const struct assay_digest *digest, char *out)
{
	size_t used = 0;

	for (size_t bit = 0; bit < 8 * ASSAY_DIGEST_SIZE; bit += 6) {
		unsigned pair = (unsigned)digest->bytes[bit / 8] << 8;

		if (bit / 8 + 1 < ASSAY_DIGEST_SIZE)
			pair |= digest->bytes[bit / 8 + 1];
		out[used++] = base64url[pair >> (10 - bit % 8) & 63];
	}
	out[used] = '\0';
}

static enum assay_code sum_of(struct assay_emit *e, const struct assay_rope *rope, char *out,
			      struct assay_error *err)
{
	bool is_md5 = e->vouch->kind == ASSAY_VOUCH_MD5SUMS;
	assay_auto(assay_hasher_freep) struct assay_hasher *hasher =
		is_md5 ? assay_hasher_new_md5() : assay_hasher_new();
	struct assay_rope_reader reader;
	struct assay_digest digest;
	struct assay_span bytes;
	enum assay_code code;

	if (!hasher)
		return assay_fail(err, ASSAY_ENOMEM, "checksum: out of memory");
	assay_rope_reader_open(&reader, rope, &e->scratch);
	do {
		code = assay_rope_read(&reader, &bytes, err);
		assay_hasher_add(hasher, bytes.data, bytes.len);
	} while (!code && bytes.len);
	assay_rope_reader_release(&reader);
	if (code)
		return code;
	if (is_md5) {
		assay_hasher_end_md5(hasher, out);
	} else {
		assay_hasher_end(hasher, &digest);
		base64_text(&digest, out);
	}
	return ASSAY_OK;
}

static enum assay_code add(struct assay_emit *e, struct assay_span name, struct assay_span before,
			   const struct assay_rope *after, struct assay_error *err)
{
	struct assay_vouch *vouch = e->vouch;
	struct assay_rope was = ASSAY_ROPE_INIT;
	struct assay_vouched *item;
	enum assay_code code;

	if (vouch->count == vouch->room) {
		size_t room = vouch->room ? 2 * vouch->room : 16;
		void *bigger = reallocarray(vouch->list, room, sizeof(*vouch->list));

		if (!bigger)
			return assay_fail(err, ASSAY_ENOMEM, "checksums: out of memory");
		vouch->list = bigger;
		vouch->room = room;
	}
	item = &vouch->list[vouch->count];
	*item = (struct assay_vouched){ .name = assay_span_dup(bare(name)),
					.size_before = before.len,
					.size_after = after->size };
	if (!item->name)
		return assay_fail(err, ASSAY_ENOMEM, "checksums: out of memory");
	vouch->count++;
	code = assay_rope_add(&was, before, err);
	if (!code)
		code = sum_of(e, &was, item->before, err);
	if (!code)
		code = sum_of(e, after, item->after, err);
	assay_rope_release(&was);
	return code;
}

enum assay_code assay_vouch_note(struct assay_emit *e, struct assay_span name, struct assay_span before,
				 const struct assay_rope *after, struct assay_error *err)
{
	if (!e->vouch)
		return ASSAY_OK;
	if (e->vouch->kind == ASSAY_VOUCH_MD5SUMS ? !lies_in(e, "data.tar") :
						    e->path_count != e->vouch->base + 1)
		return ASSAY_OK;
	return add(e, name, before, after, err);
}

bool assay_vouch_is_list(const struct assay_emit *e, struct assay_span name)
{
	if (!e->vouch)
		return false;
	if (e->vouch->kind == ASSAY_VOUCH_MD5SUMS)
		return lies_in(e, "control.tar") && assay_span_equal_text(bare(name), "md5sums");
	return e->path_count == e->vouch->base + 1 && assay_span_ends(name, ".dist-info/RECORD");
}

/* ---- the list -------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct assay_vouched *)a)->name, ((const struct assay_vouched *)b)->name);
}

static const struct assay_vouched *find(const struct assay_vouch *vouch, struct assay_span name)
{
	for (size_t low = 0, high = vouch->count; low < high;) {
		size_t middle = low + (high - low) / 2;
		int order = assay_span_compare(assay_span_text(vouch->list[middle].name), bare(name));

		if (order == 0)
			return &vouch->list[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* "<md5>  <name>" with the new sum; false when the line stays. */
static bool md5_line(const struct assay_vouch *vouch, struct assay_span line, char *out, size_t size)
{
	const struct assay_vouched *item;

	if (line.len < 35 || line.data[32] != ' ')
		return false;
	item = find(vouch, assay_span_cut(line, 34, SIZE_MAX));
	if (!item || !assay_span_equal_text(assay_span_cut(line, 0, 32), item->before))
		return false;
	snprintf(out, size, "%s%.*s\n", item->after, (int)line.len - 32, (const char *)line.data + 32);
	return true;
}

/* "<name>,sha256=<sum>,<size>" (PEP 376); a quoted name is left alone. */
static bool record_line(const struct assay_vouch *vouch, struct assay_span line, char *out, size_t size)
{
	size_t at = assay_span_find(line, 0, assay_span_text(",sha256="));
	const struct assay_vouched *item;
	const char *end;
	char was[96];

	if (at == SIZE_MAX || line.data[0] == '"')
		return false;
	end = assay_span_ends(line, "\r") ? "\r\n" : "\n";
	item = find(vouch, assay_span_cut(line, 0, at));
	if (!item)
		return false;
	snprintf(was, sizeof(was), ",sha256=%s,%llu%.*s", item->before,
		 (unsigned long long)item->size_before, (int)strlen(end) - 1, "\r");
	if (!assay_span_equal_text(assay_span_cut(line, at, SIZE_MAX), was))
		return false;
	snprintf(out, size, "%.*s,sha256=%s,%llu%s", (int)at, (const char *)line.data, item->after,
		 (unsigned long long)item->size_after, end);
	return true;
}

enum assay_code assay_vouch_rewrite(struct assay_emit *e, struct assay_span list,
				    struct assay_rope *rope, struct assay_error *err)
{
	struct assay_vouch *vouch = e->vouch;
	struct assay_span rest = list, line;
	char text[4096 + 128];

	if (vouch->count)
		qsort(vouch->list, vouch->count, sizeof(*vouch->list), by_name);
	while (assay_span_next_line(&rest, &line)) {
		/* with its newline, which the last line may lack */
		struct assay_span whole = assay_span_cut(list, (uint64_t)(line.data - list.data),
							 line.len + 1);
		bool changes = vouch->count && line.len < 4096 && whole.len > line.len &&
			       (vouch->kind == ASSAY_VOUCH_MD5SUMS ?
					md5_line(vouch, line, text, sizeof(text)) :
					record_line(vouch, line, text, sizeof(text)));

		if (changes ? assay_emit_make(e, rope, text, strlen(text), err) :
			      assay_rope_add(rope, whole, err))
			return err->code;
	}
	return ASSAY_OK;
}
