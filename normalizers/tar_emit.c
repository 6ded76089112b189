/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tar, written one way: ustar headers, pax records where ustar has no room or a record means something
 * of its own, files and directories by name, then hard links behind their targets, then symbolic links;
 * records of 10240 bytes (POSIX.1-2017 pax).
 */
#include <stdio.h>
#include <stdlib.h>

#include "emit.h"
#include "tar_read.h"

#define RECORD_SIZE 10240
#define NAME_MAX_USTAR 100
#define PREFIX_MAX 155
#define OWNER_MAX 31 /* with its NUL in 32 */

/* Fields of the table that decide something here. */
struct wishes {
	const struct assay_field *mode, *mtime, *accessed, *changed, *comment;
	bool owners[4]; /* uid, gid, uname, gname become nobody's */
};

struct tar_writer {
	struct assay_emit *e;
	const struct assay_anatomy *a;
	struct assay_rope *rope;
	struct assay_members members;
	struct wishes wishes;
	bool is_vouched; /* payloads stay byte for byte */
};

/* ---- pax records ----------------------------------------------------------------------------------- */

struct record {
	struct assay_span key, value;
	size_t order;
};

struct records {
	struct record *list;
	size_t count, room;
	char numbers[6][24]; /* values made here: size, owner, times */
	size_t numbers_used;
};

static enum assay_code add_record(struct records *records, struct assay_span key,
				  struct assay_span value, struct assay_error *err)
{
	if (records->count == records->room) {
		size_t room = records->room ? 2 * records->room : 16;
		void *bigger = reallocarray(records->list, room, sizeof(*records->list));

		if (!bigger)
			return assay_fail(err, ASSAY_ENOMEM, "pax records: out of memory");
		records->list = bigger;
		records->room = room;
	}
	records->list[records->count] = (struct record){ key, value, records->count };
	records->count++;
	return ASSAY_OK;
}

static enum assay_code add_number(struct records *records, const char *key, int64_t value,
				  struct assay_error *err)
{
	char *text = records->numbers[records->numbers_used++];

	snprintf(text, sizeof(records->numbers[0]), "%lld", (long long)value);
	return add_record(records, assay_span_text(key), assay_span_text(text), err);
}

static int by_key(const void *a, const void *b)
{
	const struct record *x = a, *y = b;
	int order = assay_span_compare(x->key, y->key);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* "%d key=value\n", where the number counts its own digits. */
static size_t record_length(const struct record *record)
{
	size_t rest = record->key.len + record->value.len + 3, length = rest + 1;

	for (size_t digits = 1; digits < 20; digits++) {
		char text[24];

		length = rest + digits;
		if ((size_t)snprintf(text, sizeof(text), "%zu", length) == digits)
			break;
	}
	return length;
}

/* ---- one header ------------------------------------------------------------------------------------ */

static bool put_octal(char *block, size_t at, size_t width, uint64_t value)
{
	uint64_t most = width < 22 ? (1ULL << (3 * (width - 1))) - 1 : UINT64_MAX;

	if (value > most)
		return false;
	/* the NUL behind it is that of the field */
	snprintf(block + at, width, "%0*llo", (int)width - 1, (unsigned long long)value);
	return true;
}

static void put_checksum(char *block)
{
	unsigned sum = 0;

	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += (uint8_t)block[i];
	snprintf(block + 148, 8, "%06o", sum);
	block[155] = ' ';
}

/* The name in prefix and name: cut at the last slash that leaves both short enough. */
static bool put_name(char *block, struct assay_span name)
{
	size_t cut = 0;

	if (name.len <= NAME_MAX_USTAR) {
		memcpy(block, name.data, name.len);
		return true;
	}
	for (size_t i = 1; i + 1 < name.len && i <= PREFIX_MAX; i++)
		if (name.data[i] == '/' && name.len - i - 1 <= NAME_MAX_USTAR)
			cut = i;
	if (!cut)
		return false;
	memcpy(block, name.data + cut + 1, name.len - cut - 1);
	memcpy(block + 345, name.data, cut);
	return true;
}

static enum assay_code put_text(char *block, size_t at, size_t max, struct assay_span value,
				const char *key, struct records *records, struct assay_error *err)
{
	if (value.len > max)
		return add_record(records, assay_span_text(key), value, err);
	if (value.len)
		memcpy(block + at, value.data, value.len);
	return ASSAY_OK;
}

static enum assay_code put_number(char *block, size_t at, size_t width, int64_t value,
				  const char *key, struct records *records, struct assay_error *err)
{
	if (value >= 0 && put_octal(block, at, width, (uint64_t)value))
		return ASSAY_OK;
	put_octal(block, at, width, 0);
	return add_number(records, key, value, err);
}

static void open_block(char *block, char type)
{
	memset(block, 0, TAR_BLOCK);
	memcpy(block + 257, "ustar\0" "00", 8);
	block[156] = type;
	put_octal(block, 100, 8, 0);
	put_octal(block, 108, 8, 0);
	put_octal(block, 116, 8, 0);
	put_octal(block, 124, 12, 0);
	put_octal(block, 136, 12, 0);
	put_octal(block, 329, 8, 0);
	put_octal(block, 337, 8, 0);
}

static enum assay_code pad(struct tar_writer *w, uint64_t size, size_t unit, struct assay_error *err)
{
	static const char zeros[RECORD_SIZE];

	return size % unit ? assay_emit_make(w->e, w->rope, zeros, unit - size % unit, err) : ASSAY_OK;
}

static enum assay_code write_records(struct tar_writer *w, struct records *records,
				     struct assay_error *err)
{
	char block[TAR_BLOCK], text[24];
	enum assay_code code;
	uint64_t size = 0;

	if (!records->count)
		return ASSAY_OK;
	qsort(records->list, records->count, sizeof(*records->list), by_key);
	for (size_t i = 0; i < records->count; i++)
		size += record_length(&records->list[i]);
	if (size > TAR_MAX_EXTENDED)
		return assay_fail(err, ASSAY_EUNSUPPORTED, "pax records: want at most %d bytes",
				  TAR_MAX_EXTENDED);
	open_block(block, 'x');
	memcpy(block, "././@PaxHeader", 14);
	put_octal(block, 124, 12, size);
	put_checksum(block);
	code = assay_emit_make(w->e, w->rope, block, sizeof(block), err);
	for (size_t i = 0; i < records->count && !code; i++) {
		const struct record *r = &records->list[i];
		int used = snprintf(text, sizeof(text), "%zu ", record_length(r));

		if (assay_emit_make(w->e, w->rope, text, (size_t)used, err) ||
		    assay_emit_make(w->e, w->rope, r->key.data, r->key.len, err) ||
		    assay_emit_make(w->e, w->rope, "=", 1, err) ||
		    assay_emit_make(w->e, w->rope, r->value.data, r->value.len, err) ||
		    assay_emit_make(w->e, w->rope, "\n", 1, err))
			code = err->code;
	}
	return code ? code : pad(w, size, TAR_BLOCK, err);
}

/* ---- one member ------------------------------------------------------------------------------------ */

/* Records that say something of their own: extended attributes, and what assay knows no meaning of. */
static enum assay_code keep_records(struct tar_writer *w, const struct tar_entry *entry,
				    struct records *records, struct assay_error *err)
{
	static const char *const known[] = { "path", "linkpath", "uname", "gname", "uid", "gid", "size",
					     "mtime" };
	struct assay_span file = w->a->bytes;
	struct tar_record record;
	struct tar_extended x;
	uint64_t at = entry->start;

	for (; at < entry->header && tar_extended_read(file, at, &x); at = x.end) {
		struct assay_span rest = assay_span_cut(file, x.data, x.size);

		while (x.type == 'x' && rest.len && tar_record_next(&rest, &record)) {
			bool drop = false;

			for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
				drop |= assay_span_equal_text(record.key, known[i]);
			if (assay_span_equal_text(record.key, "atime"))
				drop = assay_emit_wants(w->e, w->wishes.accessed);
			else if (assay_span_equal_text(record.key, "ctime"))
				drop = assay_emit_wants(w->e, w->wishes.changed);
			else if (assay_span_equal_text(record.key, "comment"))
				drop = assay_emit_wants(w->e, w->wishes.comment);
			if (!drop && add_record(records, record.key, record.value, err))
				return err->code;
		}
	}
	return ASSAY_OK;
}

/* Times that GNU headers carry beyond the one that all have. */
static enum assay_code keep_gnu_times(struct tar_writer *w, const struct tar_entry *entry,
				      struct records *records, struct assay_error *err)
{
	if (entry->head.accessed && !entry->pax.accessed.data &&
	    !assay_emit_wants(w->e, w->wishes.accessed) &&
	    add_number(records, "atime", entry->head.accessed, err))
		return err->code;
	if (entry->head.changed && !entry->pax.changed.data &&
	    !assay_emit_wants(w->e, w->wishes.changed) &&
	    add_number(records, "ctime", entry->head.changed, err))
		return err->code;
	return ASSAY_OK;
}

static enum assay_code put_times(struct tar_writer *w, const struct tar_entry *entry, char *block,
				 struct records *records, struct assay_error *err)
{
	int64_t seconds = entry->head.mtime;
	bool is_fraction = false;

	if (entry->pax.mtime.data) {
		tar_time_parse(entry->pax.mtime, &seconds);
		is_fraction = memchr(entry->pax.mtime.data, '.', entry->pax.mtime.len) != NULL;
	}
	if (is_fraction && !assay_emit_wants(w->e, w->wishes.mtime))
		return add_record(records, assay_span_text("mtime"), entry->pax.mtime, err);
	return put_number(block, 136, 12, assay_emit_time(w->e, w->wishes.mtime, seconds), "mtime",
			  records, err);
}

static enum assay_code put_owner(struct tar_writer *w, const struct tar_entry *entry, char *block,
				 struct records *records, struct assay_error *err)
{
	const bool *nobody = w->wishes.owners;
	struct assay_span none = { NULL, 0 };
	uint64_t uid = entry->head.uid, gid = entry->head.gid;
	struct assay_span uname = entry->pax.uname.data ? entry->pax.uname : entry->head.uname;
	struct assay_span gname = entry->pax.gname.data ? entry->pax.gname : entry->head.gname;

	if (entry->pax.uid.data)
		assay_span_parse_u64(entry->pax.uid, &uid);
	if (entry->pax.gid.data)
		assay_span_parse_u64(entry->pax.gid, &gid);
	if (uid > INT64_MAX || gid > INT64_MAX)
		return assay_fail(err, ASSAY_EUNSUPPORTED, "owner: number out of range");
	if (put_number(block, 108, 8, nobody[0] ? 0 : (int64_t)uid, "uid", records, err) ||
	    put_number(block, 116, 8, nobody[1] ? 0 : (int64_t)gid, "gid", records, err) ||
	    put_text(block, 265, OWNER_MAX, nobody[2] ? none : uname, "uname", records, err) ||
	    put_text(block, 297, OWNER_MAX, nobody[3] ? none : gname, "gname", records, err))
		return err->code;
	return ASSAY_OK;
}

static enum assay_code fill(struct tar_writer *w, const struct tar_entry *entry, uint64_t size,
			    char *block, struct records *records, struct assay_error *err)
{
	uint32_t mode = (uint32_t)entry->head.mode & 07777;

	open_block(block, entry->type);
	if (!put_name(block, entry->name) &&
	    add_record(records, assay_span_text("path"), entry->name, err))
		return err->code;
	if (entry->type != '2')
		mode = assay_members_mode(&w->members, w->wishes.mode, mode);
	put_octal(block, 100, 8, mode);
	if (put_number(block, 124, 12, (int64_t)size, "size", records, err) ||
	    put_text(block, 157, NAME_MAX_USTAR, entry->linkname, "linkpath", records, err) ||
	    put_owner(w, entry, block, records, err) || put_times(w, entry, block, records, err))
		return err->code;
	if ((entry->type == '3' || entry->type == '4') &&
	    (!put_octal(block, 329, 8, entry->head.devmajor) ||
	     !put_octal(block, 337, 8, entry->head.devminor)))
		return assay_fail(err, ASSAY_EUNSUPPORTED, "device number: does not fit a ustar header");
	put_checksum(block);
	return ASSAY_OK;
}

static enum assay_code write_member(struct tar_writer *w, const struct tar_entry *entry,
				    struct assay_error *err)
{
	struct assay_span data = assay_span_cut(w->a->bytes, entry->data, entry->size);
	struct assay_rope payload = ASSAY_ROPE_INIT;
	struct records records = { 0 };
	char block[TAR_BLOCK];
	uint64_t size;
	enum assay_code code = w->is_vouched ?
				       assay_rope_add(&payload, data, err) :
				       assay_emit_payload(w->e, entry->name, data, &payload, err);

	size = payload.size;
	if (!code)
		code = keep_records(w, entry, &records, err);
	if (!code)
		code = keep_gnu_times(w, entry, &records, err);
	if (!code)
		code = fill(w, entry, size, block, &records, err);
	if (!code)
		code = write_records(w, &records, err);
	if (!code)
		code = assay_emit_make(w->e, w->rope, block, sizeof(block), err);
	if (!code)
		code = assay_rope_join(w->rope, &payload, err);
	if (!code)
		code = pad(w, size, TAR_BLOCK, err);
	free(records.list);
	assay_rope_release(&payload);
	return code;
}

/* ---- the archive ----------------------------------------------------------------------------------- */

struct place {
	const struct assay_node *node;
	struct assay_span target; /* of a hard link; copied */
	char type;
};

static int by_name(const void *a, const void *b)
{
	return assay_span_compare(((const struct assay_placed *)a)->name,
				  ((const struct assay_placed *)b)->name);
}

/* Hard links by the number of links on the way to a file.  The check of the order has seen that each
 * target stands before its link, so one pass in that order is enough. */
static void rank_links(const struct place *places, struct assay_placed *list, size_t count)
{
	struct assay_placed *sorted = calloc(count + 1, sizeof(*sorted));

	if (!sorted)
		return;
	memcpy(sorted, list, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), by_name);
	for (size_t i = 0; i < count; i++) {
		struct assay_placed key = { .name = places[i].target };
		const struct assay_placed *hit;

		if (places[i].type != '1')
			continue;
		hit = bsearch(&key, sorted, count, sizeof(*sorted), by_name);
		list[i].rank = 1 + (hit ? list[hit->index].rank : 0);
	}
	free(sorted);
}

#define RANK_SYMLINK 0x40000000U

static enum assay_code read_places(struct tar_writer *w, struct place *places,
				   struct assay_placed *list, size_t count, struct assay_arena *arena,
				   struct assay_error *err)
{
	size_t i = 0;

	for (const struct assay_node *n = w->a->root->first; n && i < count; n = n->next) {
		struct tar_entry entry;

		if (!(n->flags & ASSAY_NODE_MEMBER))
			continue;
		if (tar_entry_read(w->a->bytes, n->offset, arena, &entry, err))
			return err->code;
		places[i] = (struct place){ n, entry.linkname, entry.type };
		list[i] = (struct assay_placed){ .name = n->name, .index = i };
		if (entry.type == '2')
			list[i].rank = RANK_SYMLINK;
		i++;
	}
	rank_links(places, list, count);
	return ASSAY_OK;
}

/* What hides in the padding is never folded, and has no place in the canonical form. */
static bool hides_bytes(const struct tar_writer *w, const struct tar_entry *entry)
{
	uint64_t end = entry->data + entry->size;

	return !assay_span_is_zero(assay_span_cut(w->a->bytes, end, entry->end - end));
}

static enum assay_code write_node(struct tar_writer *w, const struct assay_node *n,
				  struct assay_error *err)
{
	struct assay_arena arena = ASSAY_ARENA_INIT(ASSAY_MIB);
	struct tar_entry entry;
	enum assay_code code = tar_entry_read(w->a->bytes, n->offset, &arena, &entry, err);

	if (!code && hides_bytes(w, &entry))
		code = assay_fail(err, ASSAY_EUNSUPPORTED, "bytes in the padding of a member (offset %llu)",
				  (unsigned long long)(entry.data + entry.size));
	if (!code)
		code = write_member(w, &entry, err);
	assay_arena_release(&arena);
	return code;
}

static enum assay_code write_sorted(struct tar_writer *w, size_t count, struct assay_error *err)
{
	struct place *places = calloc(count + 1, sizeof(*places));
	struct assay_placed *list = calloc(count + 1, sizeof(*list));
	struct assay_arena arena = ASSAY_ARENA_INIT(ASSAY_MAX_TREE);
	enum assay_code code = places && list ?
				       read_places(w, places, list, count, &arena, err) :
				       assay_fail(err, ASSAY_ENOMEM, "members: out of memory");

	if (!code)
		assay_members_sort(list, count);
	for (size_t i = 0; i < count && !code; i++)
		code = write_node(w, places[list[i].index].node, err);
	assay_arena_release(&arena);
	free(places);
	free(list);
	return code;
}

/* Global headers stand where they stood: between members they keep these from moving. */
static enum assay_code write_members(struct tar_writer *w, struct assay_error *err)
{
	const struct assay_field *global = assay_emit_field(w->a->format, "tar.global");
	const struct assay_field *order = assay_emit_field(w->a->format, "tar.order");
	bool drop = assay_emit_wants(w->e, global), sorts = assay_members_hold(&w->members, order);
	enum assay_code code = ASSAY_OK;
	size_t count = 0;

	for (const struct assay_node *n = w->a->root->first; n && !code; n = n->next) {
		sorts &= n->field != global || count == 0 || drop;
		count += (n->flags & ASSAY_NODE_MEMBER) != 0;
	}
	for (const struct assay_node *n = w->a->root->first; n && !code; n = n->next) {
		if (n->field == global && !drop)
			code = assay_emit_copy(w->rope, w->a, n, err);
		else if (n->flags & ASSAY_NODE_MEMBER && !sorts)
			code = write_node(w, n, err);
	}
	return code || !sorts ? code : write_sorted(w, count, err);
}

static enum assay_code write_end(struct tar_writer *w, struct assay_error *err)
{
	static const char zeros[2 * TAR_BLOCK];

	if (assay_emit_make(w->e, w->rope, zeros, sizeof(zeros), err))
		return err->code;
	return pad(w, w->rope->size, RECORD_SIZE, err);
}

static void make_wishes(struct tar_writer *w)
{
	static const char *const owners[] = { "tar.uid", "tar.gid", "tar.uname", "tar.gname" };
	const struct assay_format *format = w->a->format;

	w->wishes.mode = assay_emit_field(format, "tar.mode");
	w->wishes.mtime = assay_emit_field(format, "tar.mtime");
	w->wishes.accessed = assay_emit_field(format, "tar.atime");
	w->wishes.changed = assay_emit_field(format, "tar.ctime");
	w->wishes.comment = assay_emit_field(format, "tar.pax.comment");
	for (size_t i = 0; i < 4; i++)
		w->wishes.owners[i] =
			assay_members_hold(&w->members, assay_emit_field(format, owners[i]));
}

/* A gem and an Arch package carry digests of their members, in a member that is compressed itself: what
 * they vouch for is not touched. */
static bool is_vouched(const struct assay_anatomy *a)
{
	for (const struct assay_node *n = a->root->first; n; n = n->next)
		if (assay_span_equal_text(n->name, "checksums.yaml.gz") ||
		    assay_span_equal_text(n->name, ".MTREE"))
			return true;
	return false;
}

enum assay_code tar_emit(struct assay_emit *e, const struct assay_anatomy *a, struct assay_rope *rope,
			 struct assay_error *err)
{
	struct tar_writer w = { .e = e, .a = a, .rope = rope };
	enum assay_code code;

	if (assay_members_open(e, a, a->root, &w.members, err))
		return err->code;
	w.is_vouched = is_vouched(a);
	make_wishes(&w);
	code = write_members(&w, err);
	if (!code)
		code = write_end(&w, err);
	assay_members_release(&w.members);
	return code;
}
