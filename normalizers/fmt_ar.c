/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ar: static libraries (System V/GNU and BSD names, ar(5)), and .deb (deb(5)) as the same walk with
 * another profile: its members are prescribed, and packages are unpacked as root.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ar_emit.h"
#include "ar_index.h"
#include "field_rows.h"
#include "names.h"

enum {
	MAGIC,
	MEMBER,
	NAME,
	MTIME,
	UID,
	GID,
	MODE,
	SIZE,
	THIN_SIZE,
	HEADER,
	END_MARK,
	CONTENT,
	PADDING,
	LONG_NAMES,
	BSD_NAME,
	INDEX,
	INDEX_WRONG,
	ORDER,
	DEB_ORDER,
	FIRST_DEFINITIONS,
};

#define FOLD_CONTAINER ASSAY_GRADE_CONTAINER

static const struct assay_field ar_fields[] = {
	[MAGIC] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "ar.magic", ASSAY_SEVERITY_STRUCTURE, NULL,
				  "\"!<arch>\" and a newline (ar(5)); \"!<thin>\" where the members are "
				  "files of their own"),
	[MEMBER] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "ar.member", ASSAY_SEVERITY_CODE,
				   "file_only_on_one_side", "one member"),
	[NAME] = ASSAY_ROW_NEVER(ASSAY_METADATA, "ar.name", ASSAY_SEVERITY_STRUCTURE, "member_renamed",
				 "the name of the member"),
	[MTIME] = ASSAY_ROW_CHECKED(ASSAY_METADATA, "ar.mtime", assay_check_time_order, "ar-mtime",
				    FOLD_CONTAINER, "timestamps_in_static_libraries",
				    "seconds since 1970; neither linkers nor dpkg look at it"),
	[UID] = ASSAY_ROW_SAFE(ASSAY_METADATA, "ar.uid", "ar-owner", FOLD_CONTAINER,
			       "users_and_groups_in_tarball", "no reader restores it"),
	[GID] = ASSAY_ROW_SAFE(ASSAY_METADATA, "ar.gid", "ar-owner", FOLD_CONTAINER,
			       "users_and_groups_in_tarball", "no reader restores it"),
	[MODE] = ASSAY_ROW_CHECKED(ASSAY_METADATA, "ar.mode", assay_check_umask, "ar-umask",
				   FOLD_CONTAINER, "permissions_differ", "restored by ar x only"),
	[SIZE] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "ar.size", "ar-dialect", FOLD_CONTAINER,
				"size_of_changed_content", "bytes that follow the header"),
	[THIN_SIZE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "ar.thin_size", ASSAY_SEVERITY_CODE, NULL,
				      "length of a member of a thin archive, which is a file elsewhere"),
	[HEADER] = ASSAY_ROW_SAFE(ASSAY_STRUCTURE, "ar.header", "ar-dialect", FOLD_CONTAINER,
				  "archive_format_differs",
				  "how a name or number is written; the values are attributes"),
	[END_MARK] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "ar.end_mark", ASSAY_SEVERITY_STRUCTURE, NULL,
				     "a backquote and a newline end a header"),
	[CONTENT] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "ar.content", ASSAY_SEVERITY_CODE, NULL,
				    "the data of the member"),
	[PADDING] = ASSAY_ROW_SAFE(ASSAY_PADDING, "ar.padding", "ar-dialect", FOLD_CONTAINER, NULL,
				   "one byte, newline or NUL, up to an even offset"),
	[LONG_NAMES] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "ar.long_names", "ar-dialect", FOLD_CONTAINER,
				      "archive_format_differs",
				      "names that do not fit the headers; every byte of it is used"),
	[BSD_NAME] = ASSAY_ROW_SAFE(ASSAY_STRUCTURE, "ar.bsd_name", "ar-dialect", FOLD_CONTAINER,
				    "archive_format_differs", "a name in front of the data (#1/)"),
	[INDEX] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "ar.symbol_index", "ar-symbol-index", FOLD_CONTAINER,
				 "symbol_index_differs",
				 "which member defines which symbol; checked against the members, "
				 "ranlib makes it from them"),
	[INDEX_WRONG] = ASSAY_ROW_NEVER(ASSAY_METADATA, "ar.symbol_index.unproven",
					ASSAY_SEVERITY_CODE, NULL,
					"a symbol index that does not say what the members define, or "
					"that could not be checked: linkers follow it"),
	[ORDER] = ASSAY_ROW_CHECKED(ASSAY_STRUCTURE, "ar.order", assay_check_member_order, "ar-order",
				    FOLD_CONTAINER, "random_order_in_static_libraries",
				    "order of members: shows where names repeat"),
	[DEB_ORDER] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "deb.order", ASSAY_SEVERITY_STRUCTURE,
				      "random_order_in_archive",
				      "deb(5) prescribes the order: dpkg reads its input once"),
	[FIRST_DEFINITIONS] =
		ASSAY_ROW_NEVER(ASSAY_METADATA, "ar.first_definitions", ASSAY_SEVERITY_CODE, NULL,
				"which member comes first where several define a symbol, as a digest: "
				"linkers take the first"),
	{ .name = NULL },
};

#define F(x) (&ar_fields[x])

#define MAGIC_SIZE 8
#define HEADER_SIZE 60

struct ar_member {
	uint64_t offset, size, data; /* data, size: without a BSD name */
	size_t bsd_name;	     /* length of the name in front of the data */
	struct assay_span raw_name, name;
	uint64_t mtime, uid, gid, mode;
};

struct ar_archive {
	struct assay_span file;
	struct assay_span long_names;
	struct assay_names names;
	uint64_t long_names_used; /* bytes of the table that members refer to */
	struct assay_node *index; /* the first one, and what it says */
	struct assay_span index_name, index_bytes;
	bool is_package, is_thin;
};

static bool is_thin(struct assay_span file)
{
	return file.len >= MAGIC_SIZE && memcmp(file.data, "!<thin>\n", MAGIC_SIZE) == 0;
}

static bool has_magic(struct assay_span file)
{
	return file.len >= MAGIC_SIZE && memcmp(file.data, "!<arch>\n", MAGIC_SIZE) == 0;
}

/* deb(5): the first member is debian-binary. */
static bool is_deb(struct assay_span file)
{
	return has_magic(file) && file.len >= MAGIC_SIZE + HEADER_SIZE &&
	       memcmp(file.data + MAGIC_SIZE, "debian-binary", 13) == 0;
}

static unsigned ar_bid(struct assay_span file)
{
	return has_magic(file) || is_thin(file) ? 64 : 0;
}

static unsigned deb_bid(struct assay_span file)
{
	return is_deb(file) ? 64 + 104 : 0;
}

/* Digits, then spaces; an empty field is 0 (GNU ar leaves those of the table of names empty). */
static bool parse_field(struct assay_span field, unsigned base, uint64_t *ret)
{
	uint64_t value = 0;
	size_t i = 0;

	for (; i < field.len && field.data[i] >= '0' && field.data[i] < '0' + base; i++)
		value = value * base + (uint64_t)(field.data[i] - '0');
	for (; i < field.len; i++)
		if (field.data[i] != ' ')
			return false;
	*ret = value;
	return true;
}

static const struct {
	const char *what;
	uint8_t at, length, base;
} numbers[] = {
	{ "mtime", 16, 12, 10 }, { "uid", 28, 6, 10 },	{ "gid", 34, 6, 10 },
	{ "mode", 40, 8, 8 },	 { "size", 48, 10, 10 },
};

static enum assay_code read_numbers(struct assay_span head, uint64_t offset, uint64_t *values,
				    struct assay_error *err)
{
	char shown[64];

	for (size_t i = 0; i < 5; i++) {
		struct assay_span field = assay_span_cut(head, numbers[i].at, numbers[i].length);

		if (!parse_field(field, numbers[i].base, &values[i]))
			return assay_fail(err, ASSAY_EINPUT,
					  "offset %llu: %s field: want digits, have \"%s\"",
					  (unsigned long long)(offset + numbers[i].at), numbers[i].what,
					  assay_span_show(field, shown, sizeof(shown)));
	}
	if (memcmp(head.data + 58, "`\n", 2) != 0)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: header does not end with \"`\\n\"",
				  (unsigned long long)offset + 58);
	return ASSAY_OK;
}

/* GNU: "/123" is an offset in the table of long names, where names end with "/\n". */
static enum assay_code long_name(struct ar_archive *ar, struct ar_member *m, struct assay_error *err)
{
	struct assay_span rest;
	uint64_t at;
	size_t len;

	if (!assay_span_parse_u64(assay_span_cut(m->raw_name, 1, SIZE_MAX), &at) ||
	    at >= ar->long_names.len)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: name lies outside the table of names",
				  (unsigned long long)m->offset);
	rest = assay_span_cut(ar->long_names, at, SIZE_MAX);
	len = assay_span_find(rest, 0, assay_span_text("/\n"));
	if (len == SIZE_MAX || (at > 0 && ar->long_names.data[at - 1] != '\n'))
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: name is no entry of the table",
				  (unsigned long long)m->offset);
	m->name = assay_span_cut(rest, 0, len);
	ar->long_names_used += len + 2;
	return ASSAY_OK;
}

static bool is_table(struct assay_span raw_name)
{
	return assay_span_equal_text(raw_name, "//");
}

static bool is_index(struct assay_span name)
{
	return assay_span_equal_text(name, "/") || assay_span_equal_text(name, "/SYM64/") ||
	       assay_span_equal_text(name, "__.SYMDEF") ||
	       assay_span_equal_text(name, "__.SYMDEF SORTED");
}

static enum assay_code resolve_name(struct ar_archive *ar, struct ar_member *m,
				    struct assay_error *err)
{
	struct assay_span name = m->raw_name;
	uint64_t len;

	m->name = name;
	if (is_table(name) || is_index(name))
		return ASSAY_OK;
	if (assay_span_starts(name, "#1/")) {
		if (!assay_span_parse_u64(assay_span_cut(name, 3, SIZE_MAX), &len) || len > m->size)
			return assay_fail(err, ASSAY_EINPUT, "offset %llu: length of a BSD name",
					  (unsigned long long)m->offset);
		m->bsd_name = len;
		m->name = assay_span_cut(ar->file, m->data, len);
		m->name.len = strnlen((const char *)m->name.data, m->name.len);
		m->data += len;
		m->size -= len;
		return ASSAY_OK;
	}
	if (name.len > 1 && name.data[0] == '/')
		return long_name(ar, m, err);
	if (name.len > 1 && name.data[name.len - 1] == '/')
		m->name.len--;
	return ASSAY_OK;
}

static enum assay_code read_member(struct ar_archive *ar, uint64_t offset, struct ar_member *ret,
				   struct assay_error *err)
{
	struct assay_span head = assay_span_cut(ar->file, offset, HEADER_SIZE);
	uint64_t values[5];

	if (head.len < HEADER_SIZE)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: header: want 60 bytes, have %zu",
				  (unsigned long long)offset, head.len);
	if (read_numbers(head, offset, values, err))
		return err->code;
	*ret = (struct ar_member){ .offset = offset, .data = offset + HEADER_SIZE,
				   .mtime = values[0],	.uid = values[1], .gid = values[2],
				   .mode = values[3],	.size = values[4] };
	ret->raw_name = assay_span_cut(head, 0, 16);
	while (ret->raw_name.len && ret->raw_name.data[ret->raw_name.len - 1] == ' ')
		ret->raw_name.len--;
	/* a thin archive says how long its members are, and holds its tables only (GNU ar, T) */
	if (ar->is_thin && !is_table(ret->raw_name) && !is_index(ret->raw_name))
		ret->size = 0;
	if (ret->size > ar->file.len - ret->data)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: size field: %llu bytes, file has %llu",
				  (unsigned long long)offset + 48, (unsigned long long)ret->size,
				  (unsigned long long)(ar->file.len - ret->data));
	return resolve_name(ar, ret, err);
}

/* ---- spans ------------------------------------------------------------------------------------------ */

static void lay_out_padding(struct assay_layout *l)
{
	struct assay_span next = assay_layout_peek(l, 0, 1);

	if (assay_layout_at(l) % 2 == 0 || next.len == 0)
		return;
	if (next.data[0] != '\n' && next.data[0] != 0)
		assay_layout_ambiguous(l, assay_layout_at(l), "padding byte is neither newline nor NUL");
	assay_layout_leaf(l, F(PADDING), 1);
}

static void number(struct assay_layout *l, struct assay_node *group, int field, uint64_t value,
		   const struct assay_node *carrier)
{
	char text[24];

	snprintf(text, sizeof(text), field == MODE ? "%04llo" : "%llu", (unsigned long long)value);
	assay_layout_attribute(l, group, F(field), assay_span_text(text), (int64_t)value, carrier);
}

static void lay_out_header(struct assay_layout *l, struct assay_node *group,
			   const struct ar_member *m, bool is_thin_member)
{
	static const uint8_t lengths[] = { 16, 12, 6, 6, 8 };
	static const int carries[] = { NAME, MTIME, UID, GID, MODE };
	struct assay_node *leaves[5];

	for (size_t i = 0; i < 5; i++) {
		leaves[i] = assay_layout_leaf(l, F(HEADER), lengths[i]);
		assay_layout_name(l, leaves[i],
				  assay_span_text(i ? numbers[i - 1].what : "name"));
		assay_layout_carries(l, leaves[i], F(carries[i]));
	}
	assay_layout_leaf(l, F(is_thin_member ? THIN_SIZE : SIZE), 10);
	assay_layout_leaf(l, F(END_MARK), 2);
	assay_layout_attribute(l, group, F(NAME), m->name, 0, leaves[0]);
	number(l, group, MTIME, m->mtime, leaves[1]);
	number(l, group, UID, m->uid, leaves[2]);
	number(l, group, GID, m->gid, leaves[3]);
	number(l, group, MODE, m->mode & 07777, leaves[4]);
}

static enum assay_code lay_out_member(struct assay_layout *l, struct ar_archive *ar,
				      const struct ar_member *m, struct assay_error *err)
{
	struct assay_node *group;
	char shown[200];
	bool known;

	if (m->name.len == 0)
		assay_layout_ambiguous(l, m->offset, "member without a name");
	if (assay_names_add(&ar->names, m->name, false, &known, err))
		return err->code;
	/* linkers take members by offset, libraries hold equal names; dpkg takes the first */
	if (known && ar->is_package)
		assay_layout_ambiguous(l, m->offset, "member \"%s\" comes twice",
				       assay_span_show(m->name, shown, sizeof(shown)));
	group = assay_layout_open(l, F(MEMBER));
	assay_layout_member(l, group, m->name);
	lay_out_header(l, group, m, ar->is_thin);
	if (m->bsd_name)
		assay_layout_leaf(l, F(BSD_NAME), m->bsd_name);
	if (m->size)
		assay_layout_payload(l, assay_layout_leaf(l, F(CONTENT), m->size));
	lay_out_padding(l);
	assay_layout_close(l);
	return ASSAY_OK;
}

/* The table of names or the symbol index: one leaf with its header, it follows from the members. */
static void lay_out_special(struct assay_layout *l, struct ar_archive *ar, const struct ar_member *m)
{
	uint64_t length = m->data + m->size - m->offset;
	struct assay_span bytes = assay_span_cut(ar->file, m->data, m->size);
	struct assay_node *leaf;

	if (length % 2 && assay_layout_left(l) > length)
		length++;
	leaf = assay_layout_leaf(l, F(is_table(m->raw_name) ? LONG_NAMES : INDEX_WRONG), length);
	if (is_table(m->raw_name)) {
		ar->long_names = bytes;
	} else if (!ar->index) { /* proven when the members are known */
		ar->index = leaf;
		ar->index_name = m->name;
		ar->index_bytes = bytes;
	}
}

static void judge_long_names(struct assay_layout *l, const struct ar_archive *ar)
{
	uint64_t used = ar->long_names_used, size = ar->long_names.len;

	/* the table is padded to an even size with one newline */
	if (used != size && !(size == used + 1 && ar->long_names.data[size - 1] == '\n'))
		assay_layout_ambiguous(l, 0, "table of names: %llu of %llu bytes are names of members",
				       (unsigned long long)used, (unsigned long long)size);
}

static enum assay_code lay_out_members(struct assay_layout *l, struct ar_archive *ar,
				       struct assay_error *err)
{
	for (size_t i = 0; !assay_layout_failed(l) && assay_layout_left(l); i++) {
		struct ar_member m = { 0 };

		if (read_member(ar, assay_layout_at(l), &m, err))
			return assay_context(err, "member %zu", i);
		if (is_table(m.raw_name) && ar->long_names.data)
			return assay_fail(err, ASSAY_EINPUT, "member %zu: second table of names", i);
		if (is_table(m.raw_name) || is_index(m.name))
			lay_out_special(l, ar, &m);
		else if (lay_out_member(l, ar, &m, err))
			return err->code;
	}
	judge_long_names(l, ar);
	return ASSAY_OK;
}

/* ---- symbols ---------------------------------------------------------------------------------------- */

struct ar_definers {
	struct ar_definer *members;
	size_t *order; /* as they stand */
	size_t count;
};

static void definers_release(struct ar_definers *d)
{
	free(d->members);
	free(d->order);
}

static enum assay_code definers_find(struct assay_layout *l, struct ar_definers *ret, struct assay_error *err)
{
	const struct assay_anatomy *a = assay_layout_anatomy(l);
	const struct assay_node *root = assay_layout_root(l);
	size_t room = 1;

	for (const struct assay_node *n = root->first; n; n = n->next)
		room++;
	ret->members = calloc(room, sizeof(*ret->members));
	ret->order = calloc(room, sizeof(*ret->order));
	if (!ret->members || !ret->order)
		return assay_fail(err, ASSAY_ENOMEM, "ar: out of memory");
	for (const struct assay_node *n = root->first; n; n = n->next) {
		if (n->field != F(MEMBER))
			continue;
		ret->order[ret->count] = ret->count;
		ret->members[ret->count++] =
			(struct ar_definer){ n->name, assay_node_payload(a, n), n->offset };
	}
	return ASSAY_OK;
}

/* Whether the index is true, and an attribute of the whole library when the order of its members tells. */
static enum assay_code judge_symbols(struct assay_layout *l, const struct ar_archive *ar,
				     struct assay_error *err)
{
	struct ar_definers d = { .count = 0 };
	struct ar_symbols symbols = { .count = 0 };
	char digest[ASSAY_DIGEST_TEXT];

	if (!definers_find(l, &d, err) && !ar_symbols_read(d.members, d.count, &symbols, err)) {
		if (ar->index && ar_index_is_true(ar->index_name, ar->index_bytes, d.members, &symbols))
			ar->index->field = F(INDEX);
		if (!ar_first_definitions(d.members, d.count, &symbols, d.order, digest, err) && digest[0])
			assay_layout_attribute(l, assay_layout_root(l), F(FIRST_DEFINITIONS),
					       assay_span_text(digest), 0, NULL);
	}
	ar_symbols_release(&symbols);
	definers_release(&d);
	return err->code;
}

/* dpkg reads no symbols: an index in a package stays unproven. */
static enum assay_code lay_out_archive(struct assay_layout *l, bool is_package,
				       struct assay_error *err)
{
	struct ar_archive ar = { .file = assay_layout_bytes(l), .names = ASSAY_NAMES_INIT,
				 .is_package = is_package, .is_thin = is_thin(assay_layout_bytes(l)) };
	enum assay_code code;

	if (ar.is_thin)
		assay_layout_value(l, assay_layout_root(l), "thin");
	assay_layout_leaf(l, F(MAGIC), MAGIC_SIZE);
	code = lay_out_members(l, &ar, err);
	assay_names_release(&ar.names);
	if (!code && !is_package && !assay_layout_failed(l))
		code = judge_symbols(l, &ar, err);
	return code;
}

static enum assay_code ar_lay_out(struct assay_layout *l, struct assay_error *err)
{
	return lay_out_archive(l, false, err);
}

/* ---- deb ---------------------------------------------------------------------------------------------- */

/* deb(5): debian-binary, control.tar[.*], data.tar[.*]; unknown members only with a leading "_" and
 * not behind data.tar, which ends what dpkg reads. */
static void judge_deb(struct assay_layout *l)
{
	static const char *const wanted[] = { "debian-binary", "control.tar", "data.tar" };
	size_t have = 0;
	char shown[200];

	for (const struct assay_node *n = assay_layout_root(l)->first; n; n = n->next) {
		if (n->field != F(MEMBER))
			continue;
		/* debsigs and dpkg-sig */
		if (assay_span_starts(n->name, "_gpg"))
			assay_layout_signed(l, n->offset, n->name);
		assay_span_show(n->name, shown, sizeof(shown));
		if (have < 3 && assay_span_starts(n->name, wanted[have])) {
			have++;
			continue;
		}
		assay_layout_ambiguous(l, n->offset,
				       have == 3 ? "member \"%s\" behind data.tar: tools disagree on it"
						 : "member \"%s\" is not one that deb(5) prescribes here",
				       shown);
	}
	if (have < 3)
		assay_layout_ambiguous(l, 0, "member %s is missing", wanted[have]);
}

static enum assay_code deb_lay_out(struct assay_layout *l, struct assay_error *err)
{
	if (lay_out_archive(l, true, err))
		return err->code;
	judge_deb(l);
	return ASSAY_OK;
}

const struct assay_format assay_format_ar = {
	.name = "ar",
	.bid = ar_bid,
	.lay_out = ar_lay_out,
	.emit = ar_emit,
	.order = F(ORDER),
	.fields = ar_fields,
};

const struct assay_format assay_format_deb = {
	.name = "deb",
	.bid = deb_bid,
	.lay_out = deb_lay_out,
	.emit = deb_emit,
	.is_package = true,
	.order = F(DEB_ORDER),
	.fields = ar_fields,
};
