/* SPDX-License-Identifier: Apache-2.0 */
/* The strict reader of tar entries; see the header for the grammar it follows. */
#include "tar_read.h"

#include <stdarg.h>
#include <stdio.h>

/* Offsets and lengths of the header block's fields (POSIX.1-2017 ustar; GNU where it differs). */
enum {
	NAME = 0,
	MODE = 100,
	UID = 108,
	GID = 116,
	SIZE = 124,
	MTIME = 136,
	CHKSUM = 148,
	TYPE = 156,
	LINKNAME = 157,
	MAGIC = 257,
	UNAME = 265,
	GNAME = 297,
	DEVMAJOR = 329,
	DEVMINOR = 337,
	PREFIX = 345,
	GNU_ATIME = 345,
	GNU_CTIME = 357,
	GNU_REST = 369,
	USTAR_REST = 500,
};

#define USTAR_SIZE_MAX 077777777777ULL

static void doubt(struct tar_entry *entry, uint64_t offset, const char *fmt, ...) ASSAY_PRINTF(3, 4);

static void doubt(struct tar_entry *entry, uint64_t offset, const char *fmt, ...)
{
	va_list args;

	if (entry->doubt.text[0])
		return;
	va_start(args, fmt);
	vsnprintf(entry->doubt.text, sizeof(entry->doubt.text), fmt, args);
	va_end(args);
	entry->doubt.offset = offset;
}

/* Base-256 (GNU, star): the first bit set, the rest a big-endian two's complement number. */
static bool parse_base256(struct assay_span field, int64_t *ret)
{
	uint8_t sign = field.data[0] & 0x40 ? 0xff : 0;
	uint64_t value = sign ? UINT64_MAX : 0;

	for (size_t i = 0; i < field.len; i++) {
		uint8_t byte = i ? field.data[i] : (uint8_t)((field.data[0] & 0x7f) | (sign & 0x80));

		if (field.len - i > 8 && byte != sign)
			return false;
		value = value << 8 | byte;
	}
	if ((value >> 63) != (sign ? 1U : 0U))
		return false;
	*ret = (int64_t)value;
	return true;
}

static bool parse_number(struct assay_span field, int64_t *ret)
{
	uint64_t value = 0;
	size_t i = 0;

	if (field.data[0] & 0x80)
		return parse_base256(field, ret);
	while (i < field.len && field.data[i] == ' ')
		i++;
	for (; i < field.len && field.data[i] >= '0' && field.data[i] <= '7'; i++)
		value = value << 3 | (uint64_t)(field.data[i] - '0');
	for (; i < field.len; i++)
		if (field.data[i] != ' ' && field.data[i] != 0)
			return false;
	*ret = (int64_t)value; /* 12 digits: 36 bits */
	return true;
}

static uint64_t sum_of(struct assay_span block, bool with_sign)
{
	int64_t sum = 0;

	for (size_t i = 0; i < TAR_BLOCK; i++) {
		uint8_t byte = i >= CHKSUM && i < CHKSUM + 8 ? ' ' : block.data[i];

		sum += with_sign ? (int8_t)byte : byte;
	}
	return (uint64_t)sum;
}

bool tar_checksum_is_right(struct assay_span block)
{
	int64_t want;

	return block.len >= TAR_BLOCK && parse_number(assay_span_cut(block, CHKSUM, 8), &want) &&
	       (uint64_t)want == sum_of(block, false);
}

static enum tar_dialect dialect_of(struct assay_span block)
{
	struct assay_span magic = assay_span_cut(block, MAGIC, 8);

	if (memcmp(magic.data, "ustar\0" "00", 8) == 0)
		return TAR_USTAR;
	if (memcmp(magic.data, "ustar  \0", 8) == 0)
		return TAR_GNU;
	return TAR_V7;
}

/* A text field up to its NUL; what stands behind the NUL no reader shows, so it must be nothing. */
static struct assay_span text_field(struct tar_entry *entry, struct assay_span block,
				    uint64_t offset, size_t at, size_t len, const char *what)
{
	struct assay_span field = assay_span_cut(block, at, len);
	size_t used = strnlen((const char *)field.data, len);

	if (!assay_span_is_zero(assay_span_cut(field, used, len)))
		doubt(entry, offset + at + used, "bytes hidden behind the NUL of the %s field",
		      what);
	return assay_span_cut(field, 0, used);
}

struct number_field {
	const char *what;
	size_t at, len;
	bool may_be_negative;
};

static enum assay_code number_field(struct assay_span block, uint64_t offset,
				    const struct number_field *f, int64_t *ret,
				    struct assay_error *err)
{
	char shown[64];

	if (!parse_number(assay_span_cut(block, f->at, f->len), ret))
		return assay_fail(err, ASSAY_EINPUT,
				  "offset %llu: %s field: want octal digits, have \"%s\"",
				  (unsigned long long)(offset + f->at), f->what,
				  assay_span_show(assay_span_cut(block, f->at, f->len), shown,
						  sizeof(shown)));
	if (*ret < 0 && !f->may_be_negative)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: %s field: negative",
				  (unsigned long long)(offset + f->at), f->what);
	return ASSAY_OK;
}

static enum assay_code read_numbers(struct assay_span block, uint64_t offset,
				    struct tar_header *head, struct assay_error *err)
{
	static const struct number_field fields[] = {
		{ "mode", MODE, 8, false },	  { "uid", UID, 8, false },
		{ "gid", GID, 8, false },	  { "size", SIZE, 12, false },
		{ "mtime", MTIME, 12, true },	  { "devmajor", DEVMAJOR, 8, false },
		{ "devminor", DEVMINOR, 8, false }, { "atime", GNU_ATIME, 12, true },
		{ "ctime", GNU_CTIME, 12, true },
	};
	size_t count = head->dialect == TAR_V7 ? 5 : head->dialect == TAR_USTAR ? 7 : 9;
	int64_t values[sizeof(fields) / sizeof(fields[0])] = { 0 };

	for (size_t i = 0; i < count; i++)
		if (number_field(block, offset, &fields[i], &values[i], err))
			return err->code;
	head->mode = (uint64_t)values[0];
	head->uid = (uint64_t)values[1];
	head->gid = (uint64_t)values[2];
	head->size = (uint64_t)values[3];
	head->mtime = values[4];
	head->devmajor = (uint64_t)values[5];
	head->devminor = (uint64_t)values[6];
	head->accessed = values[7];
	head->changed = values[8];
	return ASSAY_OK;
}

static void read_texts(struct tar_entry *entry, struct assay_span block, uint64_t offset)
{
	static const size_t rest[] = { MAGIC, USTAR_REST, GNU_REST };
	struct tar_header *head = &entry->head;
	size_t from = rest[head->dialect];
	int64_t major, minor;

	head->name = text_field(entry, block, offset, NAME, 100, "name");
	head->linkname = text_field(entry, block, offset, LINKNAME, 100, "link name");
	if (head->dialect != TAR_V7) {
		head->uname = text_field(entry, block, offset, UNAME, 32, "uname");
		head->gname = text_field(entry, block, offset, GNAME, 32, "gname");
	}
	if (head->dialect == TAR_USTAR)
		head->prefix = text_field(entry, block, offset, PREFIX, 155, "prefix");
	/* GNU tar's v7 headers hold the two device numbers of ustar, as zeros */
	if (head->dialect == TAR_V7 && assay_span_is_zero(assay_span_cut(block, from, DEVMAJOR - from)) &&
	    parse_number(assay_span_cut(block, DEVMAJOR, 8), &major) && major == 0 &&
	    parse_number(assay_span_cut(block, DEVMINOR, 8), &minor) && minor == 0)
		from = PREFIX;
	if (head->type != 'S' && !assay_span_is_zero(assay_span_cut(block, from, TAR_BLOCK)))
		doubt(entry, offset + from, "bytes in the unused part of a header");
}

static enum assay_code read_header(struct assay_span file, uint64_t offset,
				   struct tar_entry *entry, struct assay_error *err)
{
	struct assay_span block = assay_span_cut(file, offset, TAR_BLOCK);
	int64_t sum;

	if (block.len < TAR_BLOCK)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: header: want 512 bytes, have %zu",
				  (unsigned long long)offset, block.len);
	if (!parse_number(assay_span_cut(block, CHKSUM, 8), &sum) ||
	    ((uint64_t)sum != sum_of(block, false) && (uint64_t)sum != sum_of(block, true)))
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: checksum field: want 0%llo",
				  (unsigned long long)offset + CHKSUM,
				  (unsigned long long)sum_of(block, false));
	if ((uint64_t)sum != sum_of(block, false))
		doubt(entry, offset + CHKSUM, "checksum of signed bytes");
	entry->head = (struct tar_header){ .dialect = dialect_of(block),
					   .type = (char)block.data[TYPE] };
	if (read_numbers(block, offset, &entry->head, err))
		return err->code;
	read_texts(entry, block, offset);
	return ASSAY_OK;
}

/* ---- extended headers ------------------------------------------------------------------------- */

bool tar_record_next(struct assay_span *rest, struct tar_record *ret)
{
	uint64_t len = 0;
	size_t digits = 0;
	const uint8_t *equals;

	while (digits < rest->len && digits < 10 && rest->data[digits] >= '0' &&
	       rest->data[digits] <= '9')
		len = 10 * len + (uint64_t)(rest->data[digits++] - '0');
	/* "%d %s=%s\n": no leading zero, one space, a key, and the newline where the length says */
	if (digits == 0 || rest->data[0] == '0' || digits == rest->len || rest->data[digits] != ' ')
		return false;
	if (len > rest->len || len < digits + 4 || rest->data[len - 1] != '\n')
		return false;
	equals = memchr(rest->data + digits + 1, '=', len - digits - 2);
	if (!equals || equals == rest->data + digits + 1)
		return false;
	ret->whole = assay_span_cut(*rest, 0, len);
	ret->key = assay_span_of(rest->data + digits + 1,
				 (size_t)(equals - rest->data) - digits - 1);
	ret->value = assay_span_of(equals + 1, (size_t)(rest->data + len - 1 - (equals + 1)));
	*rest = assay_span_cut(*rest, len, SIZE_MAX);
	return true;
}

bool tar_time_parse(struct assay_span text, int64_t *ret_seconds)
{
	bool negative = text.len && text.data[0] == '-';
	uint64_t seconds = 0;
	size_t i = negative, start = i;

	for (; i < text.len && text.data[i] >= '0' && text.data[i] <= '9' && i < 18; i++)
		seconds = 10 * seconds + (uint64_t)(text.data[i] - '0');
	if (i == start)
		return false;
	if (i < text.len && text.data[i] == '.')
		for (i++; i < text.len && text.data[i] >= '0' && text.data[i] <= '9';)
			i++;
	if (i != text.len)
		return false;
	*ret_seconds = negative ? -(int64_t)seconds : (int64_t)seconds;
	return true;
}

static uint64_t round_up(uint64_t size)
{
	return (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
}

bool tar_extended_read(struct assay_span file, uint64_t at, struct tar_extended *ret)
{
	struct assay_span block = assay_span_cut(file, at, TAR_BLOCK);
	int64_t size;

	if (block.len < TAR_BLOCK || !memchr("xgLK", block.data[TYPE], 4) ||
	    !tar_checksum_is_right(block) || !parse_number(assay_span_cut(block, SIZE, 12), &size))
		return false;
	if (size < 0 || size > TAR_MAX_EXTENDED || (uint64_t)size > file.len - at - TAR_BLOCK)
		return false;
	*ret = (struct tar_extended){ .header = at, .data = at + TAR_BLOCK, .size = (uint64_t)size,
				      .type = (char)block.data[TYPE] };
	ret->end = ret->data + round_up(ret->size);
	return ret->end <= file.len;
}

struct pax_key {
	const char *key;
	size_t slot; /* in struct tar_pax */
	bool is_number, is_time;
};

#define SLOT(name) offsetof(struct tar_pax, name)

static const struct pax_key pax_keys[] = {
	{ "path", SLOT(path), false, false },	{ "linkpath", SLOT(linkpath), false, false },
	{ "uname", SLOT(uname), false, false }, { "gname", SLOT(gname), false, false },
	{ "uid", SLOT(uid), true, false },	{ "gid", SLOT(gid), true, false },
	{ "size", SLOT(size), true, false },	{ "mtime", SLOT(mtime), false, true },
	{ "atime", SLOT(accessed), false, true },	{ "ctime", SLOT(changed), false, true },
	{ "GNU.sparse.name", SLOT(sparse_name), false, false },
	{ "GNU.sparse.major", SLOT(sparse_major), true, false },
};

static void take_record(struct tar_entry *entry, uint64_t offset, const struct tar_record *record)
{
	if (assay_span_starts(record->key, "GNU.sparse."))
		doubt(entry, offset, "sparse member: not every reader knows the map");
	else if (assay_span_equal_text(record->key, "hdrcharset"))
		doubt(entry, offset, "hdrcharset: readers decode the other records differently");
	for (size_t i = 0; i < sizeof(pax_keys) / sizeof(pax_keys[0]); i++) {
		const struct pax_key *key = &pax_keys[i];
		struct assay_span *slot = (void *)((char *)&entry->pax + key->slot);
		uint64_t number;
		int64_t time;

		if (!assay_span_equal_text(record->key, key->key))
			continue;
		if (slot->data)
			doubt(entry, offset, "pax record \"%s\" comes twice", key->key);
		if (record->value.len == 0)
			doubt(entry, offset, "pax record \"%s\" is empty", key->key);
		else if ((key->is_number && !assay_span_parse_u64(record->value, &number)) ||
			 (key->is_time && !tar_time_parse(record->value, &time)))
			doubt(entry, offset, "pax record \"%s\" is not a number", key->key);
		else if (memchr(record->value.data, 0, record->value.len))
			doubt(entry, offset, "pax record \"%s\" holds a NUL", key->key);
		else
			*slot = record->value;
		return;
	}
}

static void read_pax(struct assay_span file, const struct tar_extended *x, struct tar_entry *entry)
{
	struct assay_span rest = assay_span_cut(file, x->data, x->size);
	struct assay_span seen = rest;
	struct tar_record record;

	while (rest.len) {
		uint64_t offset = x->data + (seen.len - rest.len);

		if (!tar_record_next(&rest, &record)) {
			doubt(entry, offset, "pax record breaks the grammar \"length key=value\"");
			return;
		}
		if (x->type == 'x')
			take_record(entry, offset, &record);
		else if (!assay_span_equal_text(record.key, "comment"))
			doubt(entry, offset, "pax global header sets more than a comment");
	}
}

static void read_long(struct assay_span file, const struct tar_extended *x, struct tar_entry *entry)
{
	struct assay_span *slot = x->type == 'L' ? &entry->long_name : &entry->long_link;
	struct assay_span text = assay_span_cut(file, x->data, x->size);

	if (slot->data)
		doubt(entry, x->header, "two GNU long names for one member");
	if (text.len == 0 || text.data[text.len - 1] != 0 ||
	    memchr(text.data, 0, text.len) != text.data + text.len - 1) {
		doubt(entry, x->data, "GNU long name does not end with its only NUL");
		text = assay_span_cut(text, 0, text.len ? strnlen((const char *)text.data, text.len) : 0);
	} else {
		text.len--;
	}
	*slot = text;
}

static void read_extended(struct assay_span file, const struct tar_extended *x,
			  struct tar_entry *entry)
{
	struct assay_span padding = assay_span_cut(file, x->data + x->size, x->end - x->data - x->size);

	if (x->type == 'x' || x->type == 'g')
		read_pax(file, x, entry);
	else
		read_long(file, x, entry);
	if (!assay_span_is_zero(padding))
		doubt(entry, x->data + x->size, "bytes in the padding of an extended header");
}

/* ---- the effective entry ---------------------------------------------------------------------- */

static enum assay_code join_name(struct tar_entry *entry, struct assay_arena *arena,
				 struct assay_error *err)
{
	const struct tar_header *head = &entry->head;
	uint8_t *joined;

	entry->linkname = entry->pax.linkpath.data    ? entry->pax.linkpath
			  : entry->long_link.data ? entry->long_link
						  : head->linkname;
	if (entry->pax.sparse_name.data || entry->pax.path.data || entry->long_name.data ||
	    head->prefix.len == 0) {
		entry->name = entry->pax.sparse_name.data ? entry->pax.sparse_name
			      : entry->pax.path.data   ? entry->pax.path
			      : entry->long_name.data ? entry->long_name
						      : head->name;
		return ASSAY_OK;
	}
	joined = assay_arena_alloc(arena, head->prefix.len + 1 + head->name.len);
	if (!joined)
		return assay_fail(err, ASSAY_ELIMIT, "span tree: out of memory or above the limit");
	memcpy(joined, head->prefix.data, head->prefix.len);
	joined[head->prefix.len] = '/';
	memcpy(joined + head->prefix.len + 1, head->name.data, head->name.len);
	entry->name = assay_span_of(joined, head->prefix.len + 1 + head->name.len);
	return ASSAY_OK;
}

static void judge_type(struct tar_entry *entry)
{
	char type = entry->head.type;
	uint64_t at = entry->header + TYPE;

	if (type == '\0' || type == '7')
		type = '0';
	if (type == '0' && assay_span_ends(entry->name, "/")) {
		if (entry->head.type != '\0' || entry->head.dialect != TAR_V7)
			doubt(entry, at, "a file whose name ends with \"/\"");
		type = '5';
	}
	entry->type = type;
	if (type < '0' || type > '6')
		doubt(entry, at, type == 'S' ? "sparse member: not every reader knows the map"
					     : "type of member that readers treat differently");
	if (entry->size && type != '0' && type >= '1' && type <= '6')
		doubt(entry, entry->header + SIZE, "data for a member that is not a file");
	if (entry->name.len == 0)
		doubt(entry, entry->header, "member without a name");
	if ((type == '1' || type == '2') != (entry->linkname.len != 0))
		doubt(entry, entry->header + LINKNAME, "link name and type contradict each other");
}

static enum assay_code judge_size(struct tar_entry *entry, struct assay_span file,
				  struct assay_error *err)
{
	uint64_t size = entry->head.size, left = file.len - entry->data;

	if (entry->pax.size.data && assay_span_parse_u64(entry->pax.size, &size) &&
	    size != entry->head.size && size <= USTAR_SIZE_MAX)
		doubt(entry, entry->header + SIZE, "size in the pax record and in the header differ");
	if (size > left)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: size field: %llu bytes, file has %llu",
				  (unsigned long long)entry->header + SIZE,
				  (unsigned long long)size, (unsigned long long)left);
	entry->size = size;
	entry->end = entry->data + round_up(size);
	if (entry->end > file.len) {
		doubt(entry, file.len, "the last block is cut short");
		entry->end = file.len;
	}
	return ASSAY_OK;
}

/* ---- sparse members (GNU tar manual, "Storing Sparse Files") ------------------------------------ */

enum { OLD_EXTENDED = 482, BLOCK_EXTENDED = 504 };

/* Blocks of the old format that continue the map in the header. */
static uint64_t map_blocks(struct assay_span file, uint64_t header)
{
	uint64_t blocks = 0, flag = header + OLD_EXTENDED;

	while (flag < file.len && file.data[flag] == 1) {
		blocks++;
		flag = header + blocks * TAR_BLOCK + BLOCK_EXTENDED;
	}
	return blocks;
}

/* Format 1.0: a count and as many pairs of offset and size, a line each, up to the end of a block. */
static uint64_t map_size(struct assay_span data)
{
	struct assay_span rest = data, line;
	uint64_t count, number;

	if (!assay_span_next_line(&rest, &line) || !assay_span_parse_u64(line, &count) ||
	    count > data.len / 4)
		return 0;
	for (uint64_t i = 0; i < 2 * count; i++)
		if (!assay_span_next_line(&rest, &line) || !assay_span_parse_u64(line, &number))
			return 0;
	number = round_up(data.len - rest.len);
	return number <= data.len ? number : 0;
}

static void read_map(struct tar_entry *entry, struct assay_span file)
{
	if (!entry->pax.sparse_major.data || !assay_span_equal_text(entry->pax.sparse_major, "1"))
		return;
	entry->map_size = map_size(assay_span_cut(file, entry->data, entry->size));
	if (!entry->map_size)
		doubt(entry, entry->data, "the map of a sparse member cannot be read");
}

enum assay_code tar_entry_read(struct assay_span file, uint64_t at, struct assay_arena *arena,
			       struct tar_entry *ret, struct assay_error *err)
{
	struct tar_extended x;
	bool has_pax = false;

	*ret = (struct tar_entry){ .start = at };
	while (tar_extended_read(file, at, &x)) {
		if (x.type == 'g' && at != ret->start)
			doubt(ret, at, "global header between an extended header and its member");
		if (x.type == 'x' && has_pax)
			doubt(ret, at, "two pax headers for one member");
		has_pax |= x.type == 'x';
		read_extended(file, &x, ret);
		at = x.end;
		if (x.type == 'g') {
			ret->global = true;
			ret->end = at;
			return ASSAY_OK;
		}
	}
	if (has_pax && (ret->long_name.data || ret->long_link.data))
		doubt(ret, ret->start, "pax and GNU extended headers for one member");
	ret->header = at;
	if (read_header(file, at, ret, err))
		return err->code;
	if (memchr("xgLK", ret->head.type ? ret->head.type : '0', 4))
		return assay_fail(err, ASSAY_EINPUT,
				  "offset %llu: extended header: want at most %d bytes of data",
				  (unsigned long long)at, TAR_MAX_EXTENDED);
	if (ret->head.type == 'S')
		ret->map_blocks = map_blocks(file, at);
	ret->data = at + TAR_BLOCK * (1 + ret->map_blocks);
	if (ret->data > file.len)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: map of a sparse member: cut short",
				  (unsigned long long)at);
	if (join_name(ret, arena, err) || judge_size(ret, file, err))
		return err->code;
	read_map(ret, file);
	judge_type(ret);
	return ASSAY_OK;
}
