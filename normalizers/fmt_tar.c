/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tar: v7, ustar, pax, GNU.  lay_out() walks all entries and proves the structure; a member's inside
 * is laid out by expand(), for members that differ.  What a member is (attributes) is kept apart from
 * the header fields and pax records that carry it, so that the same tree in another dialect compares
 * equal but for the dialect.
 */
#include <stdio.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "field_rows.h"
#include "names.h"
#include "tar_kind.h"
#include "tar_read.h"

enum {
	MEMBER,
	ORDER,
	TYPE,
	MODE,
	UID,
	GID,
	UNAME,
	GNAME,
	MTIME,
	ATIME,
	CTIME,
	LINK,
	DEVICE,
	PATH,
	HEADER,
	SIZE,
	CHECKSUM,
	EXTENDED,
	EXTENDED_HEADER,
	RECORD,
	XATTR,
	COMMENT,
	LONG_NAME,
	SPARSE,
	GLOBAL,
	CONTENT,
	PADDING,
	END,
	BLOCKING,
	AFTER_END,
};

#define FOLD_CONTAINER ASSAY_GRADE_CONTAINER
#define MTIME_RULE                                                                                  \
	"time of last change; make and bytecode caches look at the order of times, not at the values " \
	"(POSIX.1-2017 pax, mtime)"
#define OWNER_RULE "restored by tar and dpkg when root unpacks (POSIX.1-2017 pax)"

static const struct assay_field tar_fields[] = {
	[MEMBER] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "tar.member", ASSAY_SEVERITY_CODE,
				   "file_only_on_one_side", "one entry with its extended headers"),
	[ORDER] = ASSAY_ROW_CHECKED(ASSAY_STRUCTURE, "tar.order", assay_check_member_order, "tar-order",
				    FOLD_CONTAINER, "random_order_in_archive",
				    "order of members: shows only where names repeat or links precede "
				    "their targets"),
	[TYPE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "tar.type", ASSAY_SEVERITY_CODE, NULL,
				 "file, directory, link or device: decides what unpacking does "
				 "(ustar typeflag)"),
	[MODE] = ASSAY_ROW_CHECKED(ASSAY_METADATA, "tar.mode", assay_check_umask, "tar-umask",
				   FOLD_CONTAINER, "permissions_differ",
				   "permission, set-id and sticky bits (ustar mode); only what one "
				   "umask explains for all members is folded"),
	[UID] = ASSAY_ROW_CHECKED(ASSAY_METADATA, "tar.uid", assay_check_owner, "tar-owner",
				  FOLD_CONTAINER, "users_and_groups_in_tarball", OWNER_RULE),
	[GID] = ASSAY_ROW_CHECKED(ASSAY_METADATA, "tar.gid", assay_check_owner, "tar-owner",
				  FOLD_CONTAINER, "users_and_groups_in_tarball", OWNER_RULE),
	[UNAME] = ASSAY_ROW_CHECKED(ASSAY_METADATA, "tar.uname", assay_check_owner, "tar-owner",
				    FOLD_CONTAINER, "users_and_groups_in_tarball", OWNER_RULE),
	[GNAME] = ASSAY_ROW_CHECKED(ASSAY_METADATA, "tar.gname", assay_check_owner, "tar-owner",
				    FOLD_CONTAINER, "users_and_groups_in_tarball", OWNER_RULE),
	[MTIME] = ASSAY_ROW_CHECKED(ASSAY_METADATA, "tar.mtime", assay_check_time_order, "tar-mtime",
				    FOLD_CONTAINER, "timestamps_in_tarball", MTIME_RULE),
	[ATIME] = ASSAY_ROW_SAFE(ASSAY_METADATA, "tar.atime", "tar-atime", FOLD_CONTAINER,
				 "timestamps_in_tarball",
				 "time of last access: changes with the first reader (pax atime)"),
	[CTIME] = ASSAY_ROW_SAFE(ASSAY_METADATA, "tar.ctime", "tar-ctime", FOLD_CONTAINER,
				 "timestamps_in_tarball",
				 "time of inode change: no system can restore it (pax ctime)"),
	[LINK] = ASSAY_ROW_NEVER(ASSAY_METADATA, "tar.linkname", ASSAY_SEVERITY_CODE,
				 "link_target_differs",
				 "where a link leads; writing through links is the classic escape"),
	[DEVICE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "tar.device", ASSAY_SEVERITY_CODE, NULL,
				   "major and minor number of a device node (ustar devmajor, devminor)"),
	[PATH] = ASSAY_ROW_NEVER(ASSAY_METADATA, "tar.path", ASSAY_SEVERITY_STRUCTURE,
				 "member_renamed", "the name under which the member is unpacked"),
	[HEADER] = ASSAY_ROW_SAFE(ASSAY_STRUCTURE, "tar.header", "tar-dialect", FOLD_CONTAINER,
				  "archive_format_differs",
				  "how the header writes a value; the values themselves are attributes"),
	[SIZE] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "tar.size", "tar-dialect", FOLD_CONTAINER,
				"size_of_changed_content", "length of the data that follows"),
	[CHECKSUM] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "tar.checksum", "tar-dialect", FOLD_CONTAINER,
				    "checksum_of_changed_content", "sum of the header's bytes"),
	[EXTENDED] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "tar.extended", ASSAY_SEVERITY_METADATA,
				     "archive_format_differs",
				     "an extended header (pax x, GNU L and K) of the member behind it: "
				     "its records are rated one by one"),
	[EXTENDED_HEADER] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "tar.extended.header", "tar-dialect",
					   FOLD_CONTAINER, "archive_format_differs",
					   "header block of an extended header: readers take only its "
					   "type and size"),
	[RECORD] = ASSAY_ROW_NEVER(ASSAY_METADATA, "tar.pax.record", ASSAY_SEVERITY_METADATA, NULL,
				   "a pax record that assay knows no meaning of: some reader may"),
	[XATTR] = ASSAY_ROW_NEVER(ASSAY_METADATA, "tar.xattr", ASSAY_SEVERITY_CODE,
				  "extended_attributes_differ",
				  "extended attributes, ACLs, labels: file capabilities are among them"),
	[COMMENT] = ASSAY_ROW_UNSAFE(ASSAY_METADATA, "tar.pax.comment", ASSAY_SEVERITY_METADATA,
				     "tar-comment", NULL,
				     "any bytes, ignored by archivers (POSIX.1-2017 pax, comment); git "
				     "archive writes the commit there, and git reads it"),
	[LONG_NAME] = ASSAY_ROW_SAFE(ASSAY_STRUCTURE, "tar.long_name", "tar-dialect", FOLD_CONTAINER,
				     "archive_format_differs",
				     "a name too long for the header (GNU L, K): an attribute carries it"),
	[SPARSE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "tar.sparse_map", ASSAY_SEVERITY_DATA,
				   "archive_format_differs",
				   "where the stored pieces of a sparse file stand (GNU type S, pax 0.0, 0.1 "
				   "and 1.0): readers that do not know it unpack another file"),
	[GLOBAL] = ASSAY_ROW_UNSAFE(ASSAY_METADATA, "tar.global", ASSAY_SEVERITY_METADATA,
				    "tar-global", "source_commit_differs",
				   "pax global header; git archive writes the commit into its comment"),
	[CONTENT] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "tar.content", ASSAY_SEVERITY_DATA, NULL,
				    "the data of the member"),
	[PADDING] = ASSAY_ROW_CHECKED(ASSAY_PADDING, "tar.padding", assay_check_zero, "tar-dialect",
				      FOLD_CONTAINER, NULL, "zeros up to the next block of 512 bytes"),
	[END] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "tar.end", ASSAY_SEVERITY_STRUCTURE, NULL,
				"two zero blocks end the archive (POSIX.1-2017 ustar)"),
	[BLOCKING] = ASSAY_ROW_CHECKED(ASSAY_PADDING, "tar.blocking", assay_check_zero, "tar-blocking",
				       FOLD_CONTAINER, "archive_format_differs",
				       "zero blocks that fill the last record (tar --blocking-factor)"),
	[AFTER_END] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "tar.after_end", ASSAY_SEVERITY_STRUCTURE, NULL,
				      "bytes behind the end of the archive: tar -i and others read on"),
	{ .name = NULL },
};

#define F(x) (&tar_fields[x])

static unsigned tar_bid(struct assay_span file)
{
	struct assay_span block = assay_span_cut(file, 0, TAR_BLOCK);

	if (block.len < TAR_BLOCK || assay_span_is_zero(block) || !tar_checksum_is_right(block))
		return 0;
	return memcmp(block.data + 257, "ustar", 5) == 0 ? 48 + 40 : 48;
}

/* ---- the whole archive -------------------------------------------------------------------------- */

static enum assay_code note_name(struct assay_layout *l, struct assay_names *names,
				 const struct tar_entry *entry, struct assay_error *err)
{
	char shown[200];
	bool known;

	if (assay_names_add(names, entry->name, entry->type == '2', &known, err))
		return err->code;
	if (known)
		assay_layout_ambiguous(l, entry->header, "member \"%s\" comes twice",
				       assay_span_show(entry->name, shown, sizeof(shown)));
	if (assay_names_below_link(names, entry->name))
		assay_layout_ambiguous(l, entry->header,
				       "member \"%s\" lies below a symbolic link of this archive",
				       assay_span_show(entry->name, shown, sizeof(shown)));
	return ASSAY_OK;
}

static size_t zeros_from(struct assay_span file, uint64_t at)
{
	size_t i = at;

	while (i < file.len && file.len - i >= TAR_BLOCK &&
	       assay_span_is_zero(assay_span_cut(file, i, TAR_BLOCK)))
		i += TAR_BLOCK;
	if (file.len - i < TAR_BLOCK && assay_span_is_zero(assay_span_cut(file, i, TAR_BLOCK)))
		i = file.len;
	return i - at;
}

static void lay_out_end(struct assay_layout *l)
{
	uint64_t at = assay_layout_at(l), zeros = zeros_from(assay_layout_bytes(l), at);
	uint64_t end = zeros < 2 * TAR_BLOCK ? zeros : 2 * TAR_BLOCK;

	if (end < 2 * TAR_BLOCK)
		assay_layout_ambiguous(l, at, "want two zero blocks at the end, have %llu bytes",
				       (unsigned long long)end);
	if (end)
		assay_layout_leaf(l, F(END), end);
	if (zeros > end)
		assay_layout_leaf(l, F(BLOCKING), zeros - end);
	if (assay_layout_left(l)) {
		assay_layout_ambiguous(l, assay_layout_at(l), "%llu bytes behind the end of the archive",
				       (unsigned long long)assay_layout_left(l));
		assay_layout_leaf(l, F(AFTER_END), assay_layout_left(l));
	}
}

static enum assay_code lay_out_entries(struct assay_layout *l, struct assay_names *names,
				       struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	struct assay_arena *arena = &assay_layout_anatomy(l)->arena;

	for (size_t i = 0; !assay_layout_failed(l) && assay_layout_left(l) >= TAR_BLOCK; i++) {
		uint64_t at = assay_layout_at(l);
		struct tar_entry entry;

		if (assay_span_is_zero(assay_span_cut(file, at, TAR_BLOCK)))
			break;
		if (tar_entry_read(file, at, arena, &entry, err))
			return assay_context(err, "member %zu", i);
		if (entry.doubt.text[0])
			assay_layout_ambiguous(l, entry.doubt.offset, "%s", entry.doubt.text);
		if (entry.global) {
			assay_layout_leaf(l, F(GLOBAL), entry.end - at);
			continue;
		}
		if (note_name(l, names, &entry, err))
			return err->code;
		assay_layout_lazy(l, F(MEMBER), entry.end - at, entry.name, 0);
	}
	lay_out_end(l);
	return ASSAY_OK;
}

static enum assay_code tar_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_names names = ASSAY_NAMES_INIT;
	enum assay_code code = lay_out_entries(l, &names, err);

	assay_names_release(&names);
	if (!code && tar_kind(assay_layout_root(l)))
		assay_layout_value(l, assay_layout_root(l), "%s", tar_kind(assay_layout_root(l)));
	return code;
}

/* ---- one member ----------------------------------------------------------------------------------- */

static void number(struct assay_layout *l, const struct assay_field *field, int64_t value,
		   const char *fmt, const struct assay_node *carrier)
{
	char text[32];

	if (fmt[1] == '0')
		snprintf(text, sizeof(text), "%04llo", (unsigned long long)value);
	else
		snprintf(text, sizeof(text), "%lld", (long long)value);
	assay_layout_attribute(l, assay_layout_root(l), field, assay_span_text(text), value, carrier);
}

static void text(struct assay_layout *l, const struct assay_field *field, struct assay_span value,
		 const struct assay_node *carrier)
{
	assay_layout_attribute(l, assay_layout_root(l), field, value, 0, carrier);
}

/* A pax time without the zeros that end its fraction: what an integer header field would say. */
static void time_record(struct assay_layout *l, const struct assay_field *field,
			struct assay_span value, const struct assay_node *carrier)
{
	int64_t seconds = 0;

	if (!tar_time_parse(value, &seconds))
		return;
	if (memchr(value.data, '.', value.len)) {
		while (value.data[value.len - 1] == '0')
			value.len--;
		if (value.data[value.len - 1] == '.')
			value.len--;
	}
	assay_layout_attribute(l, assay_layout_root(l), field, value, seconds, carrier);
}

static const struct {
	const char *key;
	int field;
	bool is_prefix, is_time, is_number;
} records[] = {
	{ "path", PATH, false, false, false },
	{ "linkpath", LINK, false, false, false },
	{ "uname", UNAME, false, false, false },
	{ "gname", GNAME, false, false, false },
	{ "uid", UID, false, false, true },
	{ "gid", GID, false, false, true },
	{ "size", SIZE, false, false, true },
	{ "mtime", MTIME, false, true, false },
	{ "atime", ATIME, false, true, false },
	{ "ctime", CTIME, false, true, false },
	{ "comment", COMMENT, false, false, false },
	{ "GNU.sparse.name", PATH, false, false, false },
	{ "GNU.sparse.", SPARSE, true, false, false },
	{ "SCHILY.xattr.", XATTR, true, false, false },
	{ "SCHILY.acl.", XATTR, true, false, false },
	{ "LIBARCHIVE.xattr.", XATTR, true, false, false },
	{ "RHT.security.", XATTR, true, false, false },
	{ "SCHILY.fflags", XATTR, false, false, false },
};

static void lay_out_record(struct assay_layout *l, const struct tar_record *record)
{
	size_t count = sizeof(records) / sizeof(records[0]), i = 0;
	struct assay_node *leaf;
	uint64_t value = 0;

	while (i < count && !(records[i].is_prefix
				      ? assay_span_starts(record->key, records[i].key)
				      : assay_span_equal_text(record->key, records[i].key)))
		i++;
	if (i == count || records[i].field == XATTR || records[i].field == COMMENT ||
	    records[i].field == SPARSE) {
		leaf = assay_layout_leaf(l, F(i == count ? RECORD : records[i].field),
					 record->whole.len);
		assay_layout_name(l, leaf, record->key);
		return;
	}
	leaf = assay_layout_leaf(l, F(records[i].field == SIZE ? SIZE : HEADER), record->whole.len);
	assay_layout_name(l, leaf, record->key);
	if (records[i].field == SIZE)
		return;
	assay_layout_carries(l, leaf, F(records[i].field));
	if (records[i].is_time)
		time_record(l, F(records[i].field), record->value, leaf);
	else if (records[i].is_number && assay_span_parse_u64(record->value, &value))
		number(l, F(records[i].field), (int64_t)value, "%d", leaf);
	else
		text(l, F(records[i].field), record->value, leaf);
}

static void lay_out_extended(struct assay_layout *l, struct assay_span file,
			     const struct tar_extended *x, const struct tar_entry *entry)
{
	struct assay_span rest = assay_span_cut(file, x->data, x->size);
	struct assay_node *group = assay_layout_open(l, F(EXTENDED)), *leaf;
	struct tar_record record;

	assay_layout_value(l, group, "type %c", x->type);
	assay_layout_leaf(l, F(EXTENDED_HEADER), TAR_BLOCK);
	if (x->type == 'x') {
		while (rest.len && tar_record_next(&rest, &record))
			lay_out_record(l, &record);
		if (rest.len)
			assay_layout_leaf(l, F(RECORD), rest.len);
	} else if (x->size) {
		leaf = assay_layout_leaf(l, F(LONG_NAME), x->size);
		assay_layout_carries(l, leaf, F(x->type == 'L' ? PATH : LINK));
		text(l, F(x->type == 'L' ? PATH : LINK),
		     x->type == 'L' ? entry->long_name : entry->long_link, leaf);
	}
	if (x->end > x->data + x->size)
		assay_layout_leaf(l, F(PADDING), x->end - x->data - x->size);
	assay_layout_close(l);
}

/* The header's fields in their order; a field whose meaning a pax record took over carries nothing. */
static const struct {
	const char *name;
	uint8_t length;
	int field, carries; /* carries: 0 = nothing */
} header_parts[] = {
	{ "name", 100, HEADER, PATH },
	{ "mode", 8, HEADER, MODE },
	{ "uid", 8, HEADER, UID },
	{ "gid", 8, HEADER, GID },
	{ "size", 12, SIZE, 0 },
	{ "mtime", 12, HEADER, MTIME },
	{ "checksum", 8, CHECKSUM, 0 },
	{ "type", 1, HEADER, TYPE },
	{ "linkname", 100, HEADER, LINK },
	{ "magic", 8, HEADER, 0 },
	{ "uname", 32, HEADER, UNAME },
	{ "gname", 32, HEADER, GNAME },
	{ "devmajor", 8, HEADER, DEVICE },
	{ "devminor", 8, HEADER, DEVICE },
	{ "prefix", 155, HEADER, PATH },
	{ "unused", 12, HEADER, 0 },
};

#define PARTS (sizeof(header_parts) / sizeof(header_parts[0]))

static struct assay_span type_word(const struct tar_entry *entry)
{
	static const char *const words[] = { "file",  "hardlink",  "symlink", "character device",
					     "block device", "directory", "fifo" };

	if (entry->type >= '0' && entry->type <= '6')
		return assay_span_text(words[entry->type - '0']);
	return assay_span_of(&entry->type, 1);
}

static void header_attributes(struct assay_layout *l, const struct tar_entry *entry,
			      struct assay_node *const *leaves)
{
	const struct tar_header *head = &entry->head;
	const struct tar_pax *pax = &entry->pax;
	char device[64];

	text(l, F(TYPE), type_word(entry), leaves[7]);
	number(l, F(MODE), (int64_t)(head->mode & 07777), "%04o", leaves[1]);
	if (!pax->uid.data)
		number(l, F(UID), (int64_t)head->uid, "%d", leaves[2]);
	if (!pax->gid.data)
		number(l, F(GID), (int64_t)head->gid, "%d", leaves[3]);
	if (!pax->mtime.data)
		number(l, F(MTIME), head->mtime, "%d", leaves[5]);
	if (!pax->uname.data)
		text(l, F(UNAME), head->uname, leaves[10]);
	if (!pax->gname.data)
		text(l, F(GNAME), head->gname, leaves[11]);
	if (!pax->path.data && !entry->long_name.data)
		text(l, F(PATH), entry->name, leaves[0]);
	if (entry->linkname.len && !pax->linkpath.data && !entry->long_link.data)
		text(l, F(LINK), entry->linkname, leaves[8]);
	if (head->accessed && !pax->accessed.data)
		number(l, F(ATIME), head->accessed, "%d", leaves[14]);
	if (head->changed && !pax->changed.data)
		number(l, F(CTIME), head->changed, "%d", leaves[14]);
	if (entry->type != '3' && entry->type != '4')
		return;
	snprintf(device, sizeof(device), "%llu:%llu", (unsigned long long)head->devmajor,
		 (unsigned long long)head->devminor);
	text(l, F(DEVICE), assay_span_text(device), leaves[12]);
}

static void lay_out_header(struct assay_layout *l, const struct tar_entry *entry)
{
	struct assay_node *leaves[PARTS];

	for (size_t i = 0; i < PARTS; i++) {
		leaves[i] = assay_layout_leaf(l, F(header_parts[i].field), header_parts[i].length);
		assay_layout_name(l, leaves[i], assay_span_text(header_parts[i].name));
		if (header_parts[i].carries)
			assay_layout_carries(l, leaves[i], F(header_parts[i].carries));
	}
	header_attributes(l, entry, leaves);
}

static enum assay_code tar_expand(struct assay_layout *l, const struct assay_node *lazy,
				  struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	uint64_t at = lazy->offset;
	/* for a name that has to be joined; what is laid out copies it */
	assay_auto(assay_arena_release) struct assay_arena scratch = ASSAY_ARENA_INIT(ASSAY_MIB);
	struct tar_extended x;
	struct tar_entry entry;

	if (tar_entry_read(file, at, &scratch, &entry, err))
		return err->code;
	for (; tar_extended_read(file, at, &x) && at < entry.header; at = x.end)
		lay_out_extended(l, file, &x, &entry);
	lay_out_header(l, &entry);
	if (entry.map_blocks || entry.map_size)
		assay_layout_leaf(l, F(SPARSE), entry.map_blocks * TAR_BLOCK + entry.map_size);
	if (entry.size > entry.map_size)
		assay_layout_payload(l, assay_layout_leaf(l, F(CONTENT), entry.size - entry.map_size));
	if (entry.end > entry.data + entry.size)
		assay_layout_leaf(l, F(PADDING), entry.end - entry.data - entry.size);
	return ASSAY_OK;
}

const struct assay_format assay_format_tar = {
	.name = "tar",
	.bid = tar_bid,
	.lay_out = tar_lay_out,
	.expand = tar_expand,
	.emit = tar_emit,
	.order = F(ORDER),
	.fields = tar_fields,
};
