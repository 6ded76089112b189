/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flattened device trees (Devicetree Specification 0.4, chapter 5): what firmware hands to a kernel, and the images of
 * U-Boot that are such a tree (FIT).  Nodes by their path, properties by their name; where a name stands among the
 * strings follows from the others.
 */
#include <ctype.h>

#include "field_rows.h"
#include "rows.h"

enum {
	HEADER,
	PLACE,
	RESERVED,
	NODE,
	TOKEN,
	PROPERTY,
	LENGTH,
	NAME_PLACE,
	VALUE,
	TIME,
	STRINGS,
	PADDING,
	GAP,
};

static const struct assay_field fdt_fields[] = {
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_METADATA, "fdt.header", ASSAY_SEVERITY_STRUCTURE, NULL,
				   "magic, versions and the processor that boots (5.2)"),
	[PLACE] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "fdt.place", ASSAY_SEVERITY_METADATA, "size_of_changed_content",
				  "places and sizes of the blocks, by which they are found (5.2)"),
	[RESERVED] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "fdt.reserved", ASSAY_SEVERITY_CODE, NULL,
				     "memory that the kernel must not use (5.3)"),
	[NODE] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "fdt.node", ASSAY_SEVERITY_CODE, NULL,
				 "a node: its name and its properties (5.4)"),
	[TOKEN] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "fdt.token", ASSAY_SEVERITY_STRUCTURE, NULL,
				  "where a node, a property or the tree begins or ends (5.4.1)"),
	[PROPERTY] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "fdt.property", ASSAY_SEVERITY_CODE, NULL,
				     "a property: the length of its value, its name, its value (5.4.1)"),
	[LENGTH] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "fdt.length", ASSAY_SEVERITY_METADATA, "size_of_changed_content",
				   "begin of a property with a value, and the length of the value (5.4.1)"),
	[NAME_PLACE] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "fdt.name_place", ASSAY_SEVERITY_METADATA,
				       "size_of_changed_content",
				       "where the name stands among the strings; the name itself is compared (5.5)"),
	[VALUE] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "fdt.value", ASSAY_SEVERITY_CODE, NULL,
				  "the value of a property: drivers act on it"),
	[TIME] = ASSAY_ROW_NEVER(ASSAY_METADATA, "fdt.time", ASSAY_SEVERITY_METADATA,
				 "timestamps_embedded_in_content", "timestamp of a FIT image: U-Boot prints it"),
	[STRINGS] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "fdt.strings", ASSAY_SEVERITY_METADATA, NULL,
				    "names of the properties, in the order in which the compiler met them (5.5)"),
	[PADDING] = ASSAY_ROW_NEVER(ASSAY_PADDING, "fdt.padding", ASSAY_SEVERITY_METADATA, NULL,
				    "bytes up to a multiple of four, and room behind the blocks"),
	[GAP] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "fdt.gap", ASSAY_SEVERITY_DATA, NULL, "bytes that no block claims"),
	{ .name = NULL },
};

#define F(x) (&fdt_fields[x])

#define HEADER_SIZE 40
#define SHOWN 160	 /* characters of a value */
#define LONGEST_PATH 512 /* of a node */

enum token {
	BEGIN_NODE = 1,
	END_NODE = 2,
	PROP = 3,
	NOP = 4,
	END = 9,
};

static const struct assay_row header[] = {
	{ HEADER, 4, ASSAY_SHOW_HEX, "magic" },	       { PLACE, 4, ASSAY_SHOW_NUMBER, "total size" },
	{ PLACE, 4, ASSAY_SHOW_NUMBER, "structure" },  { PLACE, 4, ASSAY_SHOW_NUMBER, "strings" },
	{ PLACE, 4, ASSAY_SHOW_NUMBER, "reserved" },   { HEADER, 4, ASSAY_SHOW_NUMBER, "version" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "compatible" }, { HEADER, 4, ASSAY_SHOW_NUMBER, "processor" },
	{ PLACE, 4, ASSAY_SHOW_NUMBER, "strings size" }, { PLACE, 4, ASSAY_SHOW_NUMBER, "structure size" },
};

static uint64_t word(struct assay_span file, uint64_t at)
{
	return assay_rows_number(file, at, 4, true);
}

static unsigned fdt_bid(struct assay_span file)
{
	return file.len >= HEADER_SIZE && word(file, 0) == 0xd00dfeed && word(file, 24) <= 17 ? 64 : 0;
}

/* ---- values ------------------------------------------------------------------------------------------------- */

/* Texts, each with a NUL behind it. */
static bool is_texts(struct assay_span value)
{
	uint8_t before = 0;

	if (!value.len || value.data[value.len - 1])
		return false;
	for (size_t i = 0; i < value.len; before = value.data[i++])
		if (value.data[i] ? !isprint(value.data[i]) : !before)
			return false;
	return true;
}

static void show_texts(struct assay_layout *l, struct assay_node *leaf, struct assay_span value)
{
	char shown[SHOWN + 1];
	size_t used = 0;

	for (size_t i = 0; i + 1 < value.len && used < SHOWN; i++)
		shown[used++] = (char)(value.data[i] ? value.data[i] : ',');
	shown[used] = '\0';
	assay_layout_value(l, leaf, "%s", shown);
}

/* As the source writes cells. */
static void show_cells(struct assay_layout *l, struct assay_node *leaf, struct assay_span value)
{
	char shown[SHOWN + 16];
	size_t used = 0;

	for (size_t at = 0; at < value.len && used < SHOWN; at += 4)
		used += (size_t)snprintf(shown + used, sizeof(shown) - used, "%s0x%llx", at ? " " : "",
					 (unsigned long long)word(value, at));
	assay_layout_value(l, leaf, "<%s>", shown);
}

static void lay_out_value(struct assay_layout *l, uint64_t length, struct assay_span name)
{
	struct assay_span value = assay_layout_peek(l, 0, length);
	bool is_time = length == 4 && assay_span_equal_text(name, "timestamp");
	struct assay_node *leaf;

	if (!length)
		return;
	leaf = assay_layout_leaf(l, F(is_time ? TIME : VALUE), length);
	if (is_time)
		assay_layout_value(l, leaf, "%llu", (unsigned long long)word(value, 0));
	else if (is_texts(value))
		show_texts(l, leaf, value);
	else if (assay_span_equal_text(name, "data")) {
		assay_layout_payload(l, leaf);
		assay_layout_raw(l, leaf);
	} else if (length % 4 == 0) {
		show_cells(l, leaf, value);
	}
}

/* ---- the structure ------------------------------------------------------------------------------------------ */

struct tree {
	struct assay_layout *l;
	struct assay_span file;
	uint64_t strings, strings_size, end;
	struct assay_span path; /* of the node that is open, in the arena */
	bool is_open;		/* a group stands for it: its properties are not at their end */
};

static void pad(struct tree *t, const struct assay_field *field)
{
	uint64_t rest = assay_layout_at(t->l) % 4;

	if (rest)
		assay_layout_leaf(t->l, field, 4 - rest);
}

static void close_node(struct tree *t)
{
	if (t->is_open)
		assay_layout_close(t->l);
	t->is_open = false;
}

static enum assay_code begin_node(struct tree *t, struct assay_error *err)
{
	struct assay_span rest = assay_layout_peek(t->l, 4, UINT64_MAX), name = assay_rows_text(rest);
	struct assay_arena *arena = &assay_layout_anatomy(t->l)->arena;
	char *path;

	if (name.len == rest.len || t->path.len + name.len > LONGEST_PATH)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: name of a node: no end",
				  (unsigned long long)assay_layout_at(t->l));
	close_node(t);
	path = assay_arena_printf(arena, "%.*s%s%.*s", (int)t->path.len, (const char *)t->path.data,
				  t->path.len > 1 ? "/" : "", (int)name.len, (const char *)name.data);
	if (!path)
		return assay_fail(err, ASSAY_ENOMEM, "device tree");
	t->path = assay_span_text(path[0] ? path : "/");
	assay_layout_name(t->l, assay_layout_open(t->l, F(NODE)), t->path);
	t->is_open = true;
	assay_layout_leaf(t->l, F(TOKEN), 4 + name.len + 1);
	pad(t, F(PADDING));
	return ASSAY_OK;
}

static enum assay_code end_node(struct tree *t, struct assay_error *err)
{
	size_t len = t->path.len;

	if (!len)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: end of a node: none is open",
				  (unsigned long long)assay_layout_at(t->l));
	close_node(t);
	assay_layout_leaf(t->l, F(TOKEN), 4);
	while (len && t->path.data[len - 1] != '/')
		len--;
	/* "/a" is below "/", which is below nothing */
	t->path = assay_span_cut(t->path, 0, t->path.len == 1 ? 0 : len > 1 ? len - 1 : 1);
	return ASSAY_OK;
}

static enum assay_code property(struct tree *t, struct assay_error *err)
{
	uint64_t at = assay_layout_at(t->l), length = word(t->file, at + 4), place = word(t->file, at + 8);
	struct assay_span names = assay_span_cut(t->file, t->strings, t->strings_size), name;

	name = assay_rows_text(assay_span_cut(names, place, SIZE_MAX));
	if (!t->is_open || place >= names.len || name.len == names.len - place || length > t->end - at)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: property: %s", (unsigned long long)at,
				  t->is_open ? "its name or its value lies outside" : "stands in no node");
	assay_layout_name(t->l, assay_layout_open(t->l, F(PROPERTY)), name);
	assay_layout_leaf(t->l, F(length ? LENGTH : TOKEN), 8);
	assay_layout_leaf(t->l, F(NAME_PLACE), 4);
	lay_out_value(t->l, length, name);
	pad(t, F(PADDING));
	assay_layout_close(t->l);
	return ASSAY_OK;
}

static enum assay_code lay_out_tree(struct tree *t, struct assay_error *err)
{
	enum assay_code code = ASSAY_OK;

	while (!code && !assay_layout_failed(t->l) && assay_layout_at(t->l) + 4 <= t->end) {
		switch (word(t->file, assay_layout_at(t->l))) {
		case BEGIN_NODE:
			code = begin_node(t, err);
			break;
		case END_NODE:
			code = end_node(t, err);
			break;
		case PROP:
			code = property(t, err);
			break;
		case NOP:
			assay_layout_leaf(t->l, F(TOKEN), 4);
			break;
		case END:
			close_node(t);
			assay_layout_leaf(t->l, F(TOKEN), 4);
			if (!t->path.len)
				return ASSAY_OK;
			__attribute__((fallthrough));
		default:
			return assay_fail(err, ASSAY_EINPUT, "offset %llu: token: is none, or ends the tree too early",
					  (unsigned long long)assay_layout_at(t->l));
		}
	}
	close_node(t);
	return code ? code : assay_fail(err, ASSAY_EINPUT, "offset %llu: tree: has no end", (unsigned long long)t->end);
}

/* Bytes in front of the next block: zeros are room. */
static void lay_out_gap(struct assay_layout *l, uint64_t end)
{
	struct assay_span gap = assay_layout_peek(l, 0, end - assay_layout_at(l));
	bool zeros = true;

	for (size_t i = 0; i < gap.len; i++)
		zeros &= gap.data[i] == 0;
	if (gap.len)
		assay_layout_leaf(l, F(zeros ? PADDING : GAP), gap.len);
}

/* Blocks in the order in which all compilers write them; other orders are compared as bytes. */
static enum assay_code fdt_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	uint64_t total = word(file, 4), structure = word(file, 8), strings = word(file, 12), reserved = word(file, 16);
	struct tree t = {
		.l = l,
		.file = file,
		.strings = strings,
		.strings_size = word(file, 32),
		.end = structure + word(file, 36),
	};

	if (reserved < HEADER_SIZE || structure < reserved || structure % 4 || strings < t.end || total > file.len ||
	    total < strings + t.strings_size)
		return assay_fail(err, ASSAY_EINPUT, "offset 4: blocks: lie outside the tree, or in another order");
	assay_rows_lay_out(l, fdt_fields, header, sizeof(header) / sizeof(header[0]), true);
	lay_out_gap(l, reserved);
	if (structure > reserved)
		assay_layout_leaf(l, F(RESERVED), structure - reserved);
	if (lay_out_tree(&t, err))
		return err->code;
	lay_out_gap(l, strings);
	if (t.strings_size)
		assay_layout_name(l, assay_layout_leaf(l, F(STRINGS), t.strings_size), assay_span_text("strings"));
	lay_out_gap(l, total);
	/* external data of a FIT image, found through its properties */
	if (assay_layout_left(l))
		lay_out_gap(l, file.len);
	return ASSAY_OK;
}

const struct assay_format assay_format_fdt = {
	.name = "fdt",
	.bid = fdt_bid,
	.lay_out = fdt_lay_out,
	.fields = fdt_fields,
};
