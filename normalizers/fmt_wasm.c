/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebAssembly modules (core specification 2.0, chapter 5; tool conventions for "name" and "producers"):
 * sections by id, custom ones by name, and each function body as a part of its own.
 */
#include "field_rows.h"
#include "rows.h"

enum {
	HEADER,
	SECTION,
	FRAME,
	CUSTOM,
	NAMES,
	PRODUCERS,
	SIGNATURE,
	CODE,
	BODY,
	DATA,
	TABLES,
	TRAILING,
};

static const struct assay_field wasm_fields[] = {
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "wasm.header", ASSAY_SEVERITY_STRUCTURE, NULL,
				   "NUL \"asm\" and the version (5.5.16)"),
	[SECTION] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "wasm.section", ASSAY_SEVERITY_CODE, NULL,
				    "a section: id, size, content (5.5.2)"),
	[FRAME] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "wasm.section.frame", ASSAY_SEVERITY_METADATA,
				  "size_of_changed_content", "id and size of a section, verified"),
	[CUSTOM] = ASSAY_ROW_NEVER(ASSAY_METADATA, "wasm.custom", ASSAY_SEVERITY_DATA, NULL,
				   "custom section: programs may read it (5.5.3)"),
	[NAMES] = ASSAY_ROW_NEVER(ASSAY_METADATA, "wasm.names", ASSAY_SEVERITY_METADATA, NULL,
				  "names of functions for debuggers (7.4.1), or DWARF"),
	[PRODUCERS] = ASSAY_ROW_NEVER(ASSAY_METADATA, "wasm.producers", ASSAY_SEVERITY_METADATA,
				      "compiler_version_differs",
				      "languages and tools that made the module"),
	[SIGNATURE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "wasm.signature", ASSAY_SEVERITY_STRUCTURE, NULL,
				      "signature of the module: a fact of its own, never folded"),
	[CODE] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "wasm.code", ASSAY_SEVERITY_CODE, NULL,
				 "count or size in front of function bodies (5.5.13)"),
	[BODY] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "wasm.function", ASSAY_SEVERITY_CODE, NULL,
				 "locals and instructions of a function"),
	[DATA] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "wasm.data", ASSAY_SEVERITY_DATA, NULL,
				 "initial bytes of the memory (5.5.14)"),
	[TABLES] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "wasm.declarations", ASSAY_SEVERITY_CODE, NULL,
				   "types, imports, exports, tables, globals, start"),
	[TRAILING] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "wasm.trailing", ASSAY_SEVERITY_STRUCTURE, NULL,
				     "bytes that are no section"),
	{ .name = NULL },
};

#define F(x) (&wasm_fields[x])

#define HEADER_SIZE 8
#define SECTION_CODE 10

static const char *const section_names[] = { "custom",	"type",	  "import", "function", "table",
					     "memory",	"global", "export", "start",	"element",
					     "code",	"data",	  "data count", "tag" };

#define SECTIONS (sizeof(section_names) / sizeof(section_names[0]))

/* Unsigned LEB128 of at most 32 bits; false when cut short or longer. */
static bool leb(struct assay_span s, uint64_t *at, uint64_t *ret)
{
	*ret = 0;
	for (unsigned shift = 0; shift < 35; shift += 7) {
		if (*at >= s.len)
			return false;
		*ret |= (uint64_t)(s.data[*at] & 0x7f) << shift;
		if (!(s.data[(*at)++] & 0x80))
			return *ret <= UINT32_MAX;
	}
	return false;
}

static unsigned wasm_bid(struct assay_span file)
{
	return file.len >= HEADER_SIZE && memcmp(file.data, "\0asm\1\0\0\0", HEADER_SIZE) == 0 ? 64 :
													0;
}

/* A vector of bodies, each with its size in front. */
static void lay_out_bodies(struct assay_layout *l, uint64_t size)
{
	uint64_t end = assay_layout_at(l) + size, at = 0, count, body;
	struct assay_span s = assay_layout_peek(l, 0, size);

	if (!leb(s, &at, &count))
		count = 0;
	if (at)
		assay_layout_name(l, assay_layout_leaf(l, F(CODE), at), assay_span_text("count"));
	for (uint64_t i = 0; i < count && !assay_layout_failed(l); i++) {
		uint64_t start = at;
		char *name;

		if (!leb(s, &at, &body) || body > s.len - at)
			break;
		name = assay_arena_printf(&assay_layout_anatomy(l)->arena, "body %llu",
					  (unsigned long long)i);
		assay_layout_name(l, assay_layout_leaf(l, F(BODY), at - start + body),
				  assay_span_text(name ? name : ""));
		at += body;
	}
	if (assay_layout_at(l) < end) {
		assay_layout_ambiguous(l, assay_layout_at(l), "code: the bodies do not fill the section");
		assay_layout_leaf(l, F(CODE), end - assay_layout_at(l));
	}
}

static int custom_field(struct assay_span name)
{
	static const struct {
		const char *prefix;
		int field;
	} known[] = {
		{ "producers", PRODUCERS }, { "name", NAMES },		{ ".debug", NAMES },
		{ "build_id", NAMES },	    { "sourceMappingURL", NAMES }, { "signature", SIGNATURE },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (assay_span_starts(name, known[i].prefix))
			return known[i].field;
	return CUSTOM;
}

static void lay_out_content(struct assay_layout *l, struct assay_node *group, uint64_t id,
			    uint64_t size)
{
	struct assay_span s = assay_layout_peek(l, 0, size), name;
	uint64_t at = 0, length;

	if (id == 0 && leb(s, &at, &length) && length <= s.len - at) {
		name = assay_span_cut(s, at, length);
		assay_layout_name(l, group, name);
		assay_layout_leaf(l, F(custom_field(name)), size);
	} else if (id == SECTION_CODE) {
		lay_out_bodies(l, size);
	} else if (size) {
		assay_layout_leaf(l, F(id == SECTION_CODE + 1 ? DATA : id == 0 ? CUSTOM : TABLES), size);
	}
}

/* Sections but custom ones stand once each, in the order of the specification. */
static bool is_in_order(uint64_t id, unsigned *last)
{
	static const uint8_t order[SECTIONS] = { 0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11, 6 };

	if (id == 0)
		return true;
	if (order[id] <= *last)
		return false;
	*last = order[id];
	return true;
}

static enum assay_code wasm_lay_out(struct assay_layout *l, struct assay_error *err)
{
	unsigned last = 0;

	(void)err;
	assay_layout_leaf(l, F(HEADER), HEADER_SIZE);
	while (!assay_layout_failed(l) && assay_layout_left(l)) {
		struct assay_span rest = assay_layout_peek(l, 0, UINT64_MAX);
		uint64_t id = rest.data[0], at = 1, size;
		struct assay_node *group;

		if (id >= SECTIONS || !leb(rest, &at, &size) || size > rest.len - at) {
			assay_layout_ambiguous(l, assay_layout_at(l), "bytes that are no section");
			assay_layout_leaf(l, F(TRAILING), rest.len);
			break;
		}
		if (!is_in_order(id, &last))
			assay_layout_ambiguous(l, assay_layout_at(l),
					       "section \"%s\" stands twice or out of order",
					       section_names[id]);
		group = assay_layout_open(l, F(SECTION));
		assay_layout_name(l, group, assay_span_text(section_names[id]));
		assay_layout_leaf(l, F(FRAME), at);
		lay_out_content(l, group, id, size);
		assay_layout_close(l);
	}
	return ASSAY_OK;
}

const struct assay_format assay_format_wasm = {
	.name = "wasm",
	.bid = wasm_bid,
	.lay_out = wasm_lay_out,
	.fields = wasm_fields,
};
