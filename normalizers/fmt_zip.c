/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zip, and what is zip by another name (jar, whl, apk, epub).  zip_read.c proves that the local
 * headers and the central directory tell the same story; here every byte gets its span.  A member
 * stands twice, once before its data and once in the directory, and both are members of their lists.
 */
#include <stdio.h>

#include "assay/codec.h"
#include "field_rows.h"
#include "names.h"
#include "zip_fields.h"
#include "zip_kind.h"
#include "zip_read.h"

#define F(x) (&zip_fields[x])
#define CENTRAL_AUX (1ULL << 63)

static unsigned zip_bid(struct assay_span file)
{
	uint64_t end;

	if (file.len < ZIP_END_SIZE)
		return 0;
	if (zip_get(file, 0, 4) == ZIP_LOCAL_MAGIC || zip_get(file, 0, 4) == ZIP_END_MAGIC)
		return zip_end_find(file, &end) ? 64 : 0;
	/* behind a prefix (a script, a program): only what has nothing else to say for itself */
	if (zip_get(file, file.len - ZIP_END_SIZE, 4) != ZIP_END_MAGIC)
		return 0;
	if (assay_span_starts(file, "JM\1"))
		return 32;
	return zip_get(file, file.len - 2, 2) == 0 ? 20 : 0;
}

/* ---- what a member effectively is -------------------------------------------------------------------- */

enum { TYPE_MASK = 0170000, TYPE_DIRECTORY = 0040000, TYPE_LINK = 0120000, TYPE_FILE = 0100000 };

const char *zip_entry_type(const struct zip_archive *zip, const struct zip_entry *e)
{
	switch (e->external >> 16 & TYPE_MASK) {
	case TYPE_DIRECTORY:
		return "directory";
	case TYPE_LINK:
		return "symlink";
	case TYPE_FILE:
	case 0:
		return assay_span_ends(zip_entry_name(zip, e), "/") ? "directory" : "file";
	default:
		return "special";
	}
}

/* Days from civil, for DOS dates, which have no zone: they are read as UTC. */
static int64_t dos_seconds(uint16_t date, uint16_t time)
{
	static const uint16_t before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	int64_t year = 1980 + (date >> 9), month = date >> 5 & 15, day = date & 31, days;

	month = month < 1 ? 1 : month > 12 ? 12 : month;
	days = (year - 1970) * 365 + (year - 1969) / 4 - (year > 2100) + before[month - 1] + day - 1;
	if (month > 2 && year % 4 == 0 && year != 2100)
		days++;
	return ((days * 24 + (time >> 11)) * 60 + (time >> 5 & 63)) * 60 + (time & 31) * 2;
}

/* The time most readers restore: Info-ZIP's UTC seconds (0x5455) before the DOS date. */
int64_t zip_entry_time(const struct zip_entry *e, struct assay_span extras)
{
	struct assay_span body;

	if (zip_extra_find(extras, 0x5455, &body) && body.len >= 5 && body.data[0] & 1)
		return (int32_t)zip_get(body, 1, 4);
	return dos_seconds(e->date, e->time);
}

static void number(struct assay_layout *l, int field, int64_t value, const char *fmt,
		   const struct assay_node *carrier)
{
	char text[32];

	if (fmt[1] == '0')
		snprintf(text, sizeof(text), "%04llo", (unsigned long long)value);
	else
		snprintf(text, sizeof(text), "%lld", (long long)value);
	assay_layout_attribute(l, assay_layout_root(l), F(field), assay_span_text(text), value, carrier);
}

static void word(struct assay_layout *l, int field, const char *value,
		 const struct assay_node *carrier)
{
	assay_layout_attribute(l, assay_layout_root(l), F(field), assay_span_text(value), 0, carrier);
}

/* What of the flags changes how a member is read; the others describe the encoder. */
static void flags_attribute(struct assay_layout *l, const struct zip_archive *zip,
			    const struct zip_entry *e, const struct assay_node *carrier)
{
	struct assay_span name = zip_entry_name(zip, e);
	bool ascii = true;
	char text[64];

	for (size_t i = 0; i < name.len; i++)
		ascii &= name.data[i] < 0x80;
	snprintf(text, sizeof(text), "%s%s%s", e->flags & ZIP_ENCRYPTED ? "encrypted " : "",
		 e->flags & ZIP_STRONG ? "masked " : "",
		 ascii			  ? "plain name"
		 : e->flags & ZIP_UTF8 ? "UTF-8 name"
					  : "name in an unknown code page");
	word(l, ZIP_READING, text, carrier);
}

/* 0x7875 (Info-ZIP): version 1, then sizes and values of uid and gid. */
static bool parse_owner(struct assay_span body, uint64_t *uid, uint64_t *gid)
{
	if (body.len < 3 || body.data[0] != 1 || body.data[1] > 8 ||
	    body.len < 3U + body.data[1] || body.data[2 + body.data[1]] > 8 ||
	    body.len != 3U + body.data[1] + body.data[2 + body.data[1]])
		return false;
	*uid = zip_get(body, 2, body.data[1]);
	*gid = zip_get(body, 3 + body.data[1], body.data[2 + body.data[1]]);
	return true;
}

bool zip_owner_is_valid(struct assay_span body)
{
	uint64_t uid, gid;

	return parse_owner(body, &uid, &gid);
}

static void lay_out_extra(struct assay_layout *l, uint16_t id, struct assay_span body, uint64_t length)
{
	static const struct {
		uint16_t id;
		int field, carries;
	} known[] = {
		{ 0x0001, ZIP_EXTRA_ZIP64, 0 },	     { 0x000a, ZIP_EXTRA_TIME, 0 },
		{ 0x5455, ZIP_EXTRA_TIME, ZIP_MTIME }, { 0x7875, ZIP_EXTRA_OWNER, ZIP_UID },
		{ 0xcafe, ZIP_EXTRA_MARK, 0 },	     { 0xd935, ZIP_EXTRA_ALIGN, 0 },
	};
	const char *title = zip_extra_name(id);
	struct assay_node *leaf;
	uint64_t uid = 0, gid = 0;
	size_t i = 0, count = sizeof(known) / sizeof(known[0]);

	while (i < count && known[i].id != id)
		i++;
	if (id == 0x7875 && !parse_owner(body, &uid, &gid))
		i = count;
	if (id == 0xcafe && body.len)
		i = count;
	leaf = assay_layout_leaf(l, F(i == count ? ZIP_EXTRA : known[i].field), length);
	assay_layout_value(l, leaf, title ? "0x%04x %s" : "0x%04x", id, title);
	if (leaf->value)
		assay_layout_name(l, leaf, assay_span_of(leaf->value, 6));
	if (i == count || !known[i].carries)
		return;
	if (id == 0x7875) {
		const struct zip_archive *zip = assay_layout_anatomy(l)->priv;
		int field = zip->has_set_id ? ZIP_SET_ID_UID : ZIP_UID;

		assay_layout_carries(l, leaf, F(field));
		number(l, field, (int64_t)uid, "%d", leaf);
		number(l, field + 1, (int64_t)gid, "%d", leaf);
		return;
	}
	assay_layout_carries(l, leaf, F(known[i].carries));
}

static void lay_out_extras(struct assay_layout *l, struct assay_span extras)
{
	struct assay_span rest = extras, body, whole;
	uint16_t id;

	while (zip_extra_next(&rest, &id, &body, &whole))
		lay_out_extra(l, id, body, whole.len);
	if (rest.len)
		assay_layout_leaf(l, F(ZIP_EXTRA), rest.len);
}

/* ---- one member ------------------------------------------------------------------------------------------ */

/* Readers that map files insist on stored members (Android), or on the first one (EPUB). */
bool zip_method_is_fixed(const struct zip_archive *zip, const struct zip_entry *e)
{
	struct assay_span name = zip_entry_name(zip, e);

	return assay_span_ends(name, ".so") || assay_span_equal_text(name, "resources.arsc") ||
	       assay_span_equal_text(name, "mimetype");
}

static int method_field(const struct zip_archive *zip, const struct zip_entry *e)
{
	return zip_method_is_fixed(zip, e) ? ZIP_METHOD_FIXED : ZIP_METHOD;
}

struct part {
	int field;
	uint8_t length;
};

static void lay_out_parts(struct assay_layout *l, const struct part *parts, size_t count,
			  struct assay_node **leaves)
{
	for (size_t i = 0; i < count; i++)
		leaves[i] = assay_layout_leaf(l, F(parts[i].field), parts[i].length);
}

static void expand_local(struct assay_layout *l, const struct zip_archive *zip,
			 const struct zip_entry *e, uint64_t aux)
{
	const struct part parts[] = {
		{ ZIP_MAGIC, 4 }, { ZIP_VERSION, 2 }, { ZIP_FLAGS, 2 }, { method_field(zip, e), 2 },
		{ ZIP_TIME, 4 },  { ZIP_CRC, 4 },     { ZIP_SIZES, 8 }, { ZIP_LENGTHS, 4 },
	};
	struct assay_node *leaves[8], *node;

	lay_out_parts(l, parts, 8, leaves);
	assay_layout_carries(l, leaves[2], F(ZIP_READING));
	flags_attribute(l, zip, e, leaves[2]);
	assay_layout_carries(l, leaves[4], F(ZIP_MTIME));
	number(l, ZIP_MTIME, zip_entry_time(e, zip_local_extras(zip, e)), "%d", leaves[4]);
	assay_layout_value(l, leaves[3], "%u", e->method);
	if (e->local_name)
		assay_layout_leaf(l, F(ZIP_NAME), e->local_name);
	lay_out_extras(l, zip_local_extras(zip, e));
	if (e->packed) {
		bool readable = (e->method == 0 || e->method == 8) &&
				!(e->flags & (ZIP_ENCRYPTED | ZIP_STRONG));


		node = assay_layout_leaf(l, F(readable ? ZIP_DATA : ZIP_SEALED), e->packed);
		node->aux = aux;
		if (readable)
			assay_layout_encoded(l, node);
		if (readable && zip_is_signature(zip_entry_name(zip, e)))
			assay_layout_opaque(l, node, F(ZIP_SIGNATURE));
	}
	if (e->descriptor)
		assay_layout_leaf(l, F(ZIP_DESCRIPTOR), e->descriptor);
}

bool zip_mode_is_plain(const struct zip_archive *zip, const struct zip_entry *e)
{
	unsigned mode = e->external >> 16;
	const char *type = zip_entry_type(zip, e);

	if (strcmp(type, "symlink") == 0)
		return false;
	return strcmp(type, "directory") == 0 ? (mode & 06700) == 0700 : (mode & 06711) == 0600;
}

const char *zip_host_word(const struct zip_entry *e)
{
	unsigned host = e->made_by >> 8;

	return host == ZIP_HOST_UNIX ? "Unix" : host == ZIP_HOST_DARWIN ? "Darwin" : "other";
}

static void central_attributes(struct assay_layout *l, const struct zip_archive *zip,
			       const struct zip_entry *e, struct assay_node **leaves)
{
	unsigned mode = e->external >> 16;

	word(l, ZIP_TYPE, zip_entry_type(zip, e), leaves[15]);
	if (mode)
		number(l, ZIP_MODE, mode & 07777, "%04o", leaves[15]);
	/* only some readers believe a mode that no Unix wrote: then the creator decides */
	if (mode && !zip_mode_is_plain(zip, e))
		word(l, ZIP_HOST, zip_host_word(e), leaves[2]);
	flags_attribute(l, zip, e, leaves[4]);
	number(l, ZIP_MTIME, zip_entry_time(e, zip_central_extras(zip, e)), "%d", leaves[6]);
}

static void expand_central(struct assay_layout *l, const struct zip_archive *zip,
			   const struct zip_entry *e)
{
	const struct part parts[] = {
		{ ZIP_MAGIC, 4 },     { ZIP_CREATOR, 1 },	{ ZIP_CREATOR, 1 },
		{ ZIP_VERSION, 2 },   { ZIP_FLAGS, 2 },		{ method_field(zip, e), 2 },
		{ ZIP_TIME, 4 },      { ZIP_CRC, 4 },		{ ZIP_SIZES, 8 },
		{ ZIP_LENGTHS, 6 },   { ZIP_DISK, 2 },		{ ZIP_CREATOR, 2 },
		{ ZIP_DOS_BITS, 1 },  { ZIP_DOS_BITS, 1 },	{ ZIP_EXTERNAL, 2 },
	};
	struct assay_node *leaves[16];

	lay_out_parts(l, parts, 15, leaves);
	leaves[15] = leaves[14];
	assay_layout_carries(l, leaves[2], F(ZIP_HOST));
	assay_layout_carries(l, leaves[4], F(ZIP_READING));
	assay_layout_carries(l, leaves[6], F(ZIP_MTIME));
	assay_layout_carries(l, leaves[14], F(ZIP_MODE));
	assay_layout_leaf(l, F(ZIP_OFFSET), 4);
	central_attributes(l, zip, e, leaves);
	if (e->name_size)
		assay_layout_leaf(l, F(ZIP_NAME), e->name_size);
	lay_out_extras(l, zip_central_extras(zip, e));
	if (e->comment)
		assay_layout_leaf(l, F(ZIP_MEMBER_COMMENT), e->comment);
}

static enum assay_code zip_expand(struct assay_layout *l, const struct assay_node *lazy,
				  struct assay_error *err)
{
	const struct zip_archive *zip = assay_layout_anatomy(l)->priv;
	uint64_t index = lazy->aux & ~CENTRAL_AUX;

	if (!zip || index >= zip->count)
		return assay_fail(err, ASSAY_EBUG, "zip: no entry %llu", (unsigned long long)index);
	if (lazy->aux & CENTRAL_AUX)
		expand_central(l, zip, &zip->entries[index]);
	else
		expand_local(l, zip, &zip->entries[index], index);
	return ASSAY_OK;
}

static enum assay_code zip_decode(const struct assay_anatomy *anatomy, const struct assay_node *node,
				  struct assay_sink *sink, struct assay_error *err)
{
	const struct zip_archive *zip = anatomy->priv;
	const struct zip_entry *e = &zip->entries[node->aux];
	struct assay_span packed = assay_span_cut(anatomy->bytes, e->data, e->packed), bytes;
	uint64_t consumed = packed.len;

	if (e->method == 0 ? assay_sink_add(sink, packed, err)
			   : assay_codec_decode(ASSAY_CODEC_DEFLATE, &packed, 1, sink, &consumed, err))
		return err->code;
	bytes = assay_sink_bytes(sink);
	if (consumed != packed.len)
		return assay_fail(err, ASSAY_EINPUT, "deflate stream ends %llu bytes before its member",
				  (unsigned long long)(packed.len - consumed));
	if (bytes.len != e->size || assay_crc32(0, bytes) != e->crc)
		return assay_fail(err, ASSAY_EINPUT, "size or CRC-32 of the member is wrong");
	return ASSAY_OK;
}

/* ---- the whole archive -------------------------------------------------------------------------------------- */

static enum assay_code note_name(struct assay_layout *l, struct assay_names *names,
				 const struct zip_archive *zip, const struct zip_entry *e,
				 struct assay_error *err)
{
	struct assay_span name = zip_entry_name(zip, e);
	char shown[200];
	bool known;

	if (assay_names_add(names, name, strcmp(zip_entry_type(zip, e), "symlink") == 0, &known, err))
		return err->code;
	assay_span_show(name, shown, sizeof(shown));
	if (known)
		assay_layout_ambiguous(l, e->local, "member \"%s\" comes twice", shown);
	if (name.len == 0 || memchr(name.data, 0, name.len))
		assay_layout_ambiguous(l, e->local, "member without a name, or with a NUL in it");
	else if (name.data[name.len - 1] == '/' && e->size)
		assay_layout_ambiguous(l, e->local, "directory \"%s\" with data", shown);
	if (assay_names_below_link(names, name))
		assay_layout_ambiguous(l, e->local, "member \"%s\" lies below a symbolic link", shown);
	return ASSAY_OK;
}

static void lay_out_apk_block(struct assay_layout *l, uint64_t length)
{
	struct assay_span rest = assay_layout_peek(l, ZIP_APK_SIZE, length - ZIP_APK_SIZE - ZIP_APK_TAIL);
	struct assay_span value;
	struct assay_node *group = assay_layout_open(l, F(ZIP_APK_BLOCK)), *leaf;
	uint32_t id;

	assay_layout_name(l, group, assay_span_text("APK signing block"));
	assay_layout_leaf(l, F(ZIP_APK_FRAME), ZIP_APK_SIZE);
	while (zip_apk_pair(&rest, &id, &value)) {
		const char *name = zip_apk_id_name(id);
		int field = id == ZIP_APK_PADDING		       ? ZIP_APK_ZEROS :
			    name && !strstr(name, "metadata") ? ZIP_APK_SIGNATURE :
								       ZIP_APK_OTHER;

		assay_layout_leaf(l, F(ZIP_APK_FRAME), 8);
		leaf = assay_layout_leaf(l, F(ZIP_APK_OTHER), 4);
		assay_layout_value(l, leaf, name ? "0x%08x %s" : "0x%08x", id, name);
		if (!value.len)
			continue;
		leaf = assay_layout_leaf(l, F(field), value.len);
		if (name)
			assay_layout_name(l, leaf, assay_span_text(name));
	}
	assay_layout_leaf(l, F(ZIP_APK_FRAME), ZIP_APK_TAIL);
	assay_layout_close(l);
}

static void lay_out_gap(struct assay_layout *l, uint64_t to)
{
	uint64_t at = assay_layout_at(l);

	if (to <= at)
		return;
	assay_layout_ambiguous(l, at, "%llu bytes that no member claims", (unsigned long long)(to - at));
	assay_layout_leaf(l, F(ZIP_GAP), to - at);
}

static void lay_out_end(struct assay_layout *l, const struct zip_archive *zip)
{
	if (zip->end64) {
		assay_layout_leaf(l, F(ZIP_END64), ZIP_END64_SIZE);
		assay_layout_leaf(l, F(ZIP_END64), ZIP_LOCATOR_SIZE);
	}
	assay_layout_leaf(l, F(ZIP_MAGIC), 4);
	assay_layout_leaf(l, F(ZIP_END), ZIP_END_SIZE - 4);
	if (zip->comment)
		assay_layout_leaf(l, F(ZIP_COMMENT), zip->comment);
	if (assay_layout_left(l))
		assay_layout_leaf(l, F(ZIP_GAP), assay_layout_left(l));
}

/* Readers that look at the first members only: JarInputStream, EPUB (OCF 3.3). */
const char *zip_leading(struct assay_span first, struct assay_span second)
{
	static const char manifest[] = "META-INF/MANIFEST.MF";
	bool is_typed = assay_span_equal_text(first, "mimetype");
	bool has_manifest = assay_span_equal_text(first, manifest) ||
			    ((is_typed || assay_span_equal_text(first, "META-INF/")) &&
			     assay_span_equal_text(second, manifest));

	if (is_typed)
		return has_manifest ? "mimetype, META-INF/MANIFEST.MF" : "mimetype";
	return has_manifest ? manifest : "any";
}

static struct assay_span local_name(const struct zip_archive *zip, size_t i)
{
	return i < zip->count ? zip_entry_name(zip, &zip->entries[zip->by_local[i]]) :
				assay_span_of(NULL, 0);
}

static void signed_attribute(struct assay_layout *l, const struct zip_archive *zip)
{
	char signatures[512];

	zip_signatures(zip, signatures, sizeof(signatures));
	assay_layout_attribute(l, assay_layout_root(l), F(ZIP_SIGNED), assay_span_text(signatures), 0,
			       NULL);
	if (strcmp(signatures, "none") != 0)
		assay_layout_signed(l, 0, assay_span_text(signatures));
}

static enum assay_code lay_out_archive(struct assay_layout *l, const struct zip_archive *zip,
				       struct assay_names *names, struct assay_error *err)
{
	struct assay_node *group, *node;

	if (zip->doubt.text[0])
		assay_layout_ambiguous(l, zip->doubt.offset, "%s", zip->doubt.text);
	if (zip_kind(zip))
		assay_layout_value(l, assay_layout_root(l), "%s", zip_kind(zip));
	assay_layout_attribute(l, assay_layout_root(l), F(ZIP_LEADING),
			       assay_span_text(zip_leading(local_name(zip, 0), local_name(zip, 1))), 0,
			       NULL);
	signed_attribute(l, zip);
	if (zip->head && zip->count && zip->entries[zip->by_local[0]].local == zip->head)
		assay_layout_leaf(l, F(ZIP_HEAD), zip->head);
	for (size_t i = 0; i < zip->count && !assay_layout_failed(l); i++) {
		const struct zip_entry *e = &zip->entries[zip->by_local[i]];

		lay_out_gap(l, e->local);
		if (note_name(l, names, zip, e, err))
			return err->code;
		assay_layout_lazy(l, F(ZIP_MEMBER), e->end - e->local, zip_entry_name(zip, e),
				  zip->by_local[i]);
	}
	if (zip_apk_block(zip->file, assay_layout_at(l), zip->central))
		lay_out_apk_block(l, zip->central - assay_layout_at(l));
	lay_out_gap(l, zip->central);
	group = assay_layout_open(l, F(ZIP_DIRECTORY));
	assay_layout_name(l, group, assay_span_text("central directory"));
	for (size_t i = 0; i < zip->count && !assay_layout_failed(l); i++) {
		const struct zip_entry *e = &zip->entries[i];

		node = assay_layout_lazy(l, F(ZIP_CENTRAL), e->central_size, zip_entry_name(zip, e),
					 i | CENTRAL_AUX);
		node->flags |= ASSAY_NODE_ECHO;
	}
	assay_layout_close(l);
	lay_out_end(l, zip);
	return ASSAY_OK;
}

static enum assay_code zip_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_anatomy *anatomy = assay_layout_anatomy(l);
	struct assay_names names = ASSAY_NAMES_INIT;
	struct zip_archive *zip = assay_arena_alloc(&anatomy->arena, sizeof(*zip));
	enum assay_code code;

	if (!zip)
		return assay_fail(err, ASSAY_ENOMEM, "zip: out of memory");
	if (zip_read(assay_layout_bytes(l), &anatomy->arena, zip, err))
		return err->code;
	anatomy->priv = zip;
	code = lay_out_archive(l, zip, &names, err);
	assay_names_release(&names);
	return code;
}

const struct assay_format assay_format_zip = {
	.name = "zip",
	.bid = zip_bid,
	.lay_out = zip_lay_out,
	.expand = zip_expand,
	.decode = zip_decode,
	.emit = zip_emit,
	.order = F(ZIP_ORDER),
	.fields = zip_fields,
};
