/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpio: newc and crc (070701, 070702, as in initramfs and rpm), odc (070707, POSIX.1-1988) and the binary
 * form of either byte order (octal 070707 as a word of 16 bits).
 * Inode and device numbers mean nothing by themselves: they only say which members are hard links of
 * one file, and that is kept as an attribute with the name of the first of them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "assay/limits.h"
#include "cpio_emit.h"
#include "field_rows.h"
#include "names.h"
#include "rows.h"

enum {
	MEMBER,
	ORDER,
	TYPE,
	MODE,
	UID,
	GID,
	MTIME,
	LINK,
	DEVICE,
	MAGIC,
	INODE,
	HEADER,
	SIZE,
	CHECK,
	NAME,
	CONTENT,
	PADDING,
	TRAILER,
	BLOCKING,
	AFTER_END,
};

#define CONTAINER ASSAY_GRADE_CONTAINER

static const struct assay_field cpio_fields[] = {
	[MEMBER] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "cpio.member", ASSAY_SEVERITY_CODE,
				   "file_only_on_one_side", "one member"),
	[ORDER] = ASSAY_ROW_CHECKED(ASSAY_STRUCTURE, "cpio.order", assay_check_member_order,
				    "cpio-order", CONTAINER, "random_order_in_archive",
				    "order of members: shows where names repeat or links come first"),
	[TYPE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "cpio.type", ASSAY_SEVERITY_CODE, NULL,
				 "file, directory, link or device (upper bits of c_mode)"),
	[MODE] = ASSAY_ROW_CHECKED(ASSAY_METADATA, "cpio.mode", assay_check_umask, "cpio-umask",
				   CONTAINER, "permissions_differ",
				   "permission, set-id and sticky bits (c_mode)"),
	[UID] = ASSAY_ROW_CHECKED(ASSAY_METADATA, "cpio.uid", assay_check_owner, "cpio-owner", CONTAINER,
				  "users_and_groups_in_tarball", "restored when root unpacks (c_uid)"),
	[GID] = ASSAY_ROW_CHECKED(ASSAY_METADATA, "cpio.gid", assay_check_owner, "cpio-owner", CONTAINER,
				  "users_and_groups_in_tarball", "restored when root unpacks (c_gid)"),
	[MTIME] = ASSAY_ROW_CHECKED(ASSAY_METADATA, "cpio.mtime", assay_check_time_order, "cpio-mtime",
				    CONTAINER, "timestamps_in_cpio_archive",
				    "time of last change (c_mtime); make looks at the order of times"),
	[LINK] = ASSAY_ROW_NEVER(ASSAY_METADATA, "cpio.linkname", ASSAY_SEVERITY_CODE,
				 "link_target_differs",
				 "the first member that is the same file by device and inode"),
	[DEVICE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "cpio.device", ASSAY_SEVERITY_CODE, NULL,
				   "numbers of a device node (c_rdev)"),
	[MAGIC] = ASSAY_ROW_SAFE(ASSAY_STRUCTURE, "cpio.magic", "cpio-dialect", CONTAINER,
				 "archive_format_differs", "which of the headers this is"),
	[INODE] = ASSAY_ROW_SAFE(ASSAY_METADATA, "cpio.inode", "cpio-inode", CONTAINER,
				 "device_or_inode_numbers",
				 "inode, device and link count of the packing machine; which members "
				 "are links of each other is an attribute"),
	[HEADER] = ASSAY_ROW_SAFE(ASSAY_STRUCTURE, "cpio.header", "cpio-dialect", CONTAINER,
				  "archive_format_differs",
				  "how the header writes a value; the values are attributes"),
	[SIZE] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "cpio.size", "cpio-dialect", CONTAINER,
				"size_of_changed_content", "lengths of data and name"),
	[CHECK] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "cpio.check", "cpio-dialect", CONTAINER,
				 "checksum_of_changed_content",
				 "sum of the data's bytes in the crc format, zero in the others"),
	[NAME] = ASSAY_ROW_NEVER(ASSAY_METADATA, "cpio.path", ASSAY_SEVERITY_STRUCTURE,
				 "member_renamed", "the name and its NUL"),
	[CONTENT] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "cpio.content", ASSAY_SEVERITY_DATA, NULL,
				    "data of a file, target of a symbolic link"),
	[PADDING] = ASSAY_ROW_CHECKED(ASSAY_PADDING, "cpio.padding", assay_check_zero, "cpio-dialect",
				      CONTAINER, NULL, "zeros up to a multiple of four"),
	[TRAILER] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "cpio.trailer", ASSAY_SEVERITY_STRUCTURE, NULL,
				    "the member TRAILER!!!, which ends the archive and has no data"),
	[BLOCKING] = ASSAY_ROW_CHECKED(ASSAY_PADDING, "cpio.blocking", assay_check_zero, "cpio-blocking",
				       CONTAINER, "archive_format_differs",
				       "zeros that fill the last block"),
	[AFTER_END] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "cpio.after_end", ASSAY_SEVERITY_STRUCTURE, NULL,
				      "bytes behind the trailer: the kernel reads on, cpio does not"),
	{ .name = NULL },
};

#define F(x) (&cpio_fields[x])

/* The numbers of a header, in the order of the table below. */
enum { INO, C_MODE, C_UID, C_GID, NLINK, C_MTIME, FILESIZE, DEV, RDEV, NAMESIZE, C_CHECK, NUMBERS };

struct header_part {
	uint8_t length; /* digits; dev and rdev of newc are two numbers of 8 */
	int number;	/* of the above */
	int field, carries;
};

static const struct header_part newc_parts[] = {
	{ 8, INO, INODE, 0 },	    { 8, C_MODE, HEADER, MODE }, { 8, C_UID, HEADER, UID },
	{ 8, C_GID, HEADER, GID },  { 8, NLINK, INODE, 0 },	 { 8, C_MTIME, HEADER, MTIME },
	{ 8, FILESIZE, SIZE, 0 },   { 16, DEV, INODE, 0 },	 { 16, RDEV, HEADER, DEVICE },
	{ 8, NAMESIZE, SIZE, 0 },   { 8, C_CHECK, CHECK, 0 },	 { 0, 0, 0, 0 },
};

static const struct header_part odc_parts[] = {
	{ 6, DEV, INODE, 0 },	 { 6, INO, INODE, 0 },	     { 6, C_MODE, HEADER, MODE },
	{ 6, C_UID, HEADER, UID }, { 6, C_GID, HEADER, GID },  { 6, NLINK, INODE, 0 },
	{ 6, RDEV, HEADER, DEVICE }, { 11, C_MTIME, HEADER, MTIME }, { 6, NAMESIZE, SIZE, 0 },
	{ 11, FILESIZE, SIZE, 0 }, { 0, 0, 0, 0 },
};

/* Words of 16 bits; a number of two has the high one first, whatever the order of bytes (pdp-11). */
static const struct header_part binary_parts[] = {
	{ 2, DEV, INODE, 0 },	 { 2, INO, INODE, 0 },	     { 2, C_MODE, HEADER, MODE },
	{ 2, C_UID, HEADER, UID }, { 2, C_GID, HEADER, GID },  { 2, NLINK, INODE, 0 },
	{ 2, RDEV, HEADER, DEVICE }, { 4, C_MTIME, HEADER, MTIME }, { 2, NAMESIZE, SIZE, 0 },
	{ 4, FILESIZE, SIZE, 0 }, { 0, 0, 0, 0 },
};

enum notation { LITTLE = 1, BIG = 2, OCTAL = 8, HEX = 16 };

static const struct dialect {
	const char *magic;
	uint8_t magic_size;
	const struct header_part *parts;
	enum notation notation;
	uint8_t alignment;
	bool has_sum;
} dialects[] = {
	{ "070701", 6, newc_parts, HEX, 4, false },  { "070702", 6, newc_parts, HEX, 4, true },
	{ "070707", 6, odc_parts, OCTAL, 1, false }, { "\xc7\x71", 2, binary_parts, LITTLE, 2, false },
	{ "\x71\xc7", 2, binary_parts, BIG, 2, false },
};

#define DIALECTS (sizeof(dialects) / sizeof(dialects[0]))

struct cpio_entry {
	uint64_t start, name_at, data, end; /* end includes the padding */
	uint64_t n[NUMBERS];
	struct assay_span name;
	const struct dialect *dialect;
};

/* A member that shares its inode, for finding the first of its kind. */
struct link {
	uint64_t dev, ino, start;
	struct assay_span name;
};

struct cpio_archive {
	struct link *links; /* sorted by device, inode, place */
	size_t count;
};

static const struct dialect *dialect_at(struct assay_span file, uint64_t at)
{
	for (size_t i = 0; i < DIALECTS; i++) {
		struct assay_span magic = assay_span_cut(file, at, dialects[i].magic_size);

		if (assay_span_equal(magic, assay_span_of(dialects[i].magic, dialects[i].magic_size)))
			return &dialects[i];
	}
	return NULL;
}

static bool read_words(struct assay_span file, uint64_t at, size_t len, bool big, uint64_t *ret)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i += 2)
		value = value << 16 | assay_rows_number(file, at + i, 2, big);
	*ret = value;
	return true;
}

static bool parse_digits(const uint8_t *p, size_t len, unsigned base, uint64_t *ret)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned digit = p[i] >= '0' && p[i] <= '9'   ? p[i] - (unsigned)'0'
				 : p[i] >= 'a' && p[i] <= 'f' ? p[i] - (unsigned)'a' + 10
				 : p[i] >= 'A' && p[i] <= 'F' ? p[i] - (unsigned)'A' + 10
							      : 99;

		if (digit >= base)
			return false;
		value = value * base + digit;
	}
	*ret = value;
	return true;
}

static enum assay_code read_numbers(struct assay_span file, struct cpio_entry *e,
				    struct assay_error *err)
{
	enum notation notation = e->dialect->notation;
	uint64_t at = e->start + e->dialect->magic_size;
	size_t total = e->dialect->magic_size;

	for (const struct header_part *part = e->dialect->parts; part->length; part++)
		total += part->length;
	if (file.len - e->start < total)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: header: cut short",
				  (unsigned long long)e->start);
	for (const struct header_part *part = e->dialect->parts; part->length; at += part++->length)
		if (notation <= BIG ?
			    !read_words(file, at, part->length, notation == BIG, &e->n[part->number]) :
			    !parse_digits(file.data + at, part->length, notation, &e->n[part->number]))
			return assay_fail(err, ASSAY_EINPUT, "offset %llu: want %s digits",
					  (unsigned long long)at, notation == OCTAL ? "octal" : "hex");
	e->name_at = at;
	return ASSAY_OK;
}

static uint64_t aligned(const struct cpio_entry *e, uint64_t at)
{
	return (at + e->dialect->alignment - 1) & ~((uint64_t)e->dialect->alignment - 1);
}

static enum assay_code read_entry(struct assay_span file, uint64_t at, struct cpio_entry *e,
				  struct assay_error *err)
{
	*e = (struct cpio_entry){ .start = at, .dialect = dialect_at(file, at) };
	if (!e->dialect)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: want a header",
				  (unsigned long long)at);
	if (read_numbers(file, e, err))
		return err->code;
	if (e->n[NAMESIZE] == 0 || e->n[NAMESIZE] > file.len - e->name_at ||
	    file.data[e->name_at + e->n[NAMESIZE] - 1] != 0)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: name does not end with a NUL",
				  (unsigned long long)e->name_at);
	e->name = assay_span_cut(file, e->name_at, e->n[NAMESIZE] - 1);
	e->data = aligned(e, e->name_at + e->n[NAMESIZE]);
	if (e->data > file.len || e->n[FILESIZE] > file.len - e->data)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: data: %llu bytes, file has less",
				  (unsigned long long)at, (unsigned long long)e->n[FILESIZE]);
	e->end = aligned(e, e->data + e->n[FILESIZE]);
	if (e->end > file.len)
		e->end = file.len;
	return ASSAY_OK;
}

static bool is_trailer(const struct cpio_entry *e)
{
	return assay_span_equal_text(e->name, "TRAILER!!!");
}

enum { TYPE_MASK = 0170000, TYPE_LINK = 0120000, TYPE_DIRECTORY = 0040000 };

static const char *type_of(const struct cpio_entry *e)
{
	static const struct {
		uint32_t bits;
		const char *word;
	} types[] = {
		{ 0100000, "file" },	      { TYPE_DIRECTORY, "directory" },
		{ TYPE_LINK, "symlink" },     { 0020000, "character device" },
		{ 0060000, "block device" }, { 0010000, "fifo" },
		{ 0140000, "socket" },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((e->n[C_MODE] & TYPE_MASK) == types[i].bits)
			return types[i].word;
	return "unknown";
}

/* Sixteen bits are a weak magic: the first header of the binary form must make sense too. */
static unsigned cpio_bid(struct assay_span file)
{
	const struct dialect *dialect = dialect_at(file, 0);
	struct assay_error err = ASSAY_ERROR_INIT;
	struct cpio_entry e;

	if (!dialect || file.len < 26)
		return 0;
	if (dialect->notation > BIG)
		return file.len >= 76 ? 48 : 0;
	if (read_entry(file, 0, &e, &err) || e.name.len == 0 || memchr(e.name.data, 0, e.name.len) ||
	    (strcmp(type_of(&e), "unknown") == 0 && !is_trailer(&e)))
		return 0;
	return 32;
}

/* ---- hard links ------------------------------------------------------------------------------------- */

static bool may_be_linked(const struct cpio_entry *e)
{
	return e->n[NLINK] > 1 && (e->n[C_MODE] & TYPE_MASK) != TYPE_DIRECTORY;
}

static int by_inode(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x->start < y->start ? -1 : x->start > y->start;
}

/* The first member with this inode, when there is more than one. */
static const struct link *first_link(const struct cpio_archive *cpio, const struct cpio_entry *e)
{
	struct link key = { e->n[DEV], e->n[INO], 0, { NULL, 0 } };
	size_t low = 0, high = cpio->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_inode(&cpio->links[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low + 1 >= cpio->count || cpio->links[low].dev != key.dev ||
	    cpio->links[low].ino != key.ino || cpio->links[low + 1].dev != key.dev ||
	    cpio->links[low + 1].ino != key.ino)
		return NULL;
	return &cpio->links[low];
}

/* Two passes: how many, then which; the archive's arena holds them for expand. */
static enum assay_code collect_links(struct assay_layout *l, struct cpio_archive *cpio,
				     struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	struct cpio_entry e;
	size_t room = 0;

	for (int pass = 0; pass < 2; pass++) {
		for (uint64_t at = 0; at < file.len; at = e.end) {
			if (read_entry(file, at, &e, err))
				return err->code;
			if (is_trailer(&e))
				break;
			if (!may_be_linked(&e))
				continue;
			if (pass == 0)
				room++;
			else
				cpio->links[cpio->count++] =
					(struct link){ e.n[DEV], e.n[INO], at, e.name };
		}
		if (pass == 0)
			cpio->links = assay_arena_alloc(&assay_layout_anatomy(l)->arena,
							(room + 1) * sizeof(*cpio->links));
		if (!cpio->links)
			return assay_fail(err, ASSAY_ELIMIT, "cpio: links: above the limit");
	}
	qsort(cpio->links, cpio->count, sizeof(*cpio->links), by_inode);
	return ASSAY_OK;
}

/* ---- the archive --------------------------------------------------------------------------------------- */

static enum assay_code judge_entry(struct assay_layout *l, struct assay_names *names,
				   const struct cpio_entry *e, struct assay_error *err)
{
	struct assay_span data = assay_span_cut(assay_layout_bytes(l), e->data, e->n[FILESIZE]);
	char shown[200];
	uint32_t sum = 0;
	bool known;

	assay_span_show(e->name, shown, sizeof(shown));
	if (assay_names_add(names, e->name, (e->n[C_MODE] & TYPE_MASK) == TYPE_LINK, &known, err))
		return err->code;
	if (known)
		assay_layout_ambiguous(l, e->start, "member \"%s\" comes twice", shown);
	if (assay_names_below_link(names, e->name))
		assay_layout_ambiguous(l, e->start, "member \"%s\" lies below a symbolic link", shown);
	if (e->name.len == 0 || memchr(e->name.data, 0, e->name.len))
		assay_layout_ambiguous(l, e->name_at, "member without a name, or with a NUL in it");
	for (size_t i = 0; e->dialect->has_sum && i < data.len; i++)
		sum += data.data[i];
	/* most packers write zero for what is no file, and nobody checks it there */
	if (e->n[C_CHECK] != sum && (e->n[C_CHECK] || strcmp(type_of(e), "file") == 0))
		assay_layout_ambiguous(l, e->start, "sum of the data of \"%s\" is wrong", shown);
	return ASSAY_OK;
}

/* Its header means nothing but the end; what else it says differs by packer. */
static void lay_out_trailer(struct assay_layout *l, const struct cpio_entry *e)
{
	uint64_t name_end = e->name_at + e->n[NAMESIZE];

	assay_layout_open(l, F(TRAILER));
	assay_layout_leaf(l, F(MAGIC), e->dialect->magic_size);
	for (const struct header_part *part = e->dialect->parts; part->length; part++)
		assay_layout_leaf(l, F(part->field), part->length);
	assay_layout_leaf(l, F(NAME), e->n[NAMESIZE]);
	if (e->data > name_end)
		assay_layout_leaf(l, F(PADDING), e->data - name_end);
	if (e->n[FILESIZE]) {
		assay_layout_ambiguous(l, e->data, "data behind the name of the trailer");
		assay_layout_leaf(l, F(CONTENT), e->n[FILESIZE]);
	}
	if (e->end > e->data + e->n[FILESIZE])
		assay_layout_leaf(l, F(PADDING), e->end - e->data - e->n[FILESIZE]);
	assay_layout_close(l);
}

static void lay_out_end(struct assay_layout *l)
{
	struct assay_span rest = assay_layout_peek(l, 0, UINT64_MAX);
	struct assay_node *leaf;
	size_t zeros = 0;

	if (rest.len == 0)
		return;
	if (assay_span_is_zero(rest)) {
		assay_layout_leaf(l, F(BLOCKING), rest.len);
		return;
	}
	while (zeros < rest.len && rest.data[zeros] == 0)
		zeros++;
	if (zeros)
		assay_layout_leaf(l, F(BLOCKING), zeros);
	assay_layout_ambiguous(l, assay_layout_at(l), "%zu bytes behind the trailer", rest.len - zeros);
	/* an initramfs: the next archive, perhaps compressed */
	leaf = assay_layout_leaf(l, F(AFTER_END), rest.len - zeros);
	assay_layout_name(l, leaf, assay_span_text("next archive"));
	assay_layout_payload(l, leaf);
}

static enum assay_code lay_out_members(struct assay_layout *l, struct assay_names *names,
				       struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);

	for (size_t i = 0; !assay_layout_failed(l); i++) {
		struct cpio_entry e;

		if (assay_layout_left(l) == 0) {
			assay_layout_ambiguous(l, file.len, "no trailer");
			break;
		}
		if (read_entry(file, assay_layout_at(l), &e, err))
			return assay_context(err, "member %zu", i);
		if (is_trailer(&e)) {
			lay_out_trailer(l, &e);
			break;
		}
		if (judge_entry(l, names, &e, err))
			return err->code;
		assay_layout_lazy(l, F(MEMBER), e.end - e.start, e.name, 0);
	}
	lay_out_end(l);
	return ASSAY_OK;
}

static enum assay_code cpio_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_anatomy *anatomy = assay_layout_anatomy(l);
	struct cpio_archive *cpio = assay_arena_alloc(&anatomy->arena, sizeof(*cpio));
	struct assay_names names = ASSAY_NAMES_INIT;
	enum assay_code code;

	if (!cpio)
		return assay_fail(err, ASSAY_ENOMEM, "cpio: out of memory");
	if (collect_links(l, cpio, err))
		return err->code;
	anatomy->priv = cpio;
	code = lay_out_members(l, &names, err);
	assay_names_release(&names);
	return code;
}

/* ---- one member ------------------------------------------------------------------------------------------ */

static void number(struct assay_layout *l, int field, uint64_t value, const struct assay_node *carrier)
{
	char text[32];

	snprintf(text, sizeof(text), field == MODE ? "%04llo" : "%llu", (unsigned long long)value);
	assay_layout_attribute(l, assay_layout_root(l), F(field), assay_span_text(text), (int64_t)value,
			       carrier);
}

static void lay_out_header(struct assay_layout *l, const struct cpio_archive *cpio,
			   const struct cpio_entry *e)
{
	static const int numbers[] = { C_MODE, C_UID, C_GID, C_MTIME };
	const struct link *first = may_be_linked(e) ? first_link(cpio, e) : NULL;
	struct assay_node *leaves[NUMBERS], *root = assay_layout_root(l);

	assay_layout_leaf(l, F(MAGIC), e->dialect->magic_size);
	for (const struct header_part *part = e->dialect->parts; part->length; part++) {
		leaves[part->number] = assay_layout_leaf(l, F(part->field), part->length);
		if (part->carries)
			assay_layout_carries(l, leaves[part->number], F(part->carries));
	}
	assay_layout_attribute(l, root, F(TYPE), assay_span_text(type_of(e)), 0, leaves[C_MODE]);
	for (size_t i = 0; i < 4; i++)
		number(l, MODE + (int)i, numbers[i] == C_MODE ? e->n[C_MODE] & 07777 : e->n[numbers[i]],
		       leaves[numbers[i]]);
	if (strstr(type_of(e), "device"))
		number(l, DEVICE, e->n[RDEV], leaves[RDEV]);
	if (first)
		assay_layout_attribute(l, root, F(LINK), first->name, 0, leaves[INO]);
}

static enum assay_code cpio_expand(struct assay_layout *l, const struct assay_node *lazy,
				   struct assay_error *err)
{
	uint64_t name_end;
	struct cpio_entry e;

	if (read_entry(assay_layout_bytes(l), lazy->offset, &e, err))
		return err->code;
	name_end = e.name_at + e.n[NAMESIZE];
	lay_out_header(l, assay_layout_anatomy(l)->priv, &e);
	assay_layout_leaf(l, F(NAME), e.n[NAMESIZE]);
	if (e.data > name_end)
		assay_layout_leaf(l, F(PADDING), e.data - name_end);
	if (e.n[FILESIZE])
		assay_layout_payload(l, assay_layout_leaf(l, F(CONTENT), e.n[FILESIZE]));
	if (e.end > e.data + e.n[FILESIZE])
		assay_layout_leaf(l, F(PADDING), e.end - e.data - e.n[FILESIZE]);
	return ASSAY_OK;
}

const struct assay_format assay_format_cpio = {
	.name = "cpio",
	.bid = cpio_bid,
	.lay_out = cpio_lay_out,
	.expand = cpio_expand,
	.emit = cpio_emit,
	.order = F(ORDER),
	.fields = cpio_fields,
};
