/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mach-O programs, libraries and objects (loader.h, nlist.h and fat.h of Darwin): the header and each
 * load command by name, sections by segment, and what the link-edit segment holds by kind.  A fat file
 * is laid out as one member for each machine.
 */
#include <stdio.h>

#include "field_rows.h"
#include "places.h"
#include "rows.h"

enum {
	FAT,
	SLICE,
	HEADER,
	COMMAND,
	UUID,
	VERSION,
	CODE,
	DATA,
	LINKEDIT,
	SYMBOLS,
	SIGNATURE,
	GAP,
	PADDING,
};

static const struct assay_field macho_fields[] = {
	[FAT] = ASSAY_ROW_NEVER(ASSAY_METADATA, "macho.fat-header", ASSAY_SEVERITY_STRUCTURE, NULL,
				"machines of a fat file, and where their parts are"),
	[SLICE] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "macho.slice", ASSAY_SEVERITY_CODE, NULL,
				  "the program for one machine"),
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_METADATA, "macho.header", ASSAY_SEVERITY_CODE, NULL,
				   "machine, type, flags, number and size of the load commands"),
	[COMMAND] = ASSAY_ROW_NEVER(ASSAY_METADATA, "macho.load-command", ASSAY_SEVERITY_CODE, NULL,
				    "a load command: the loader acts on it"),
	[UUID] = ASSAY_ROW_NEVER(ASSAY_METADATA, "macho.uuid", ASSAY_SEVERITY_METADATA,
				 "build_id_differences_only",
				 "LC_UUID: a hash of what the linker wrote, or random"),
	[VERSION] = ASSAY_ROW_NEVER(ASSAY_METADATA, "macho.version", ASSAY_SEVERITY_METADATA,
				    "compiler_version_differs",
				    "versions of the system, of the tools and of the source"),
	[CODE] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "macho.code", ASSAY_SEVERITY_CODE, NULL,
				 "a section with instructions"),
	[DATA] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "macho.data", ASSAY_SEVERITY_DATA, NULL,
				 "a section that the program reads"),
	[LINKEDIT] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "macho.linkedit", ASSAY_SEVERITY_CODE, NULL,
				     "rebases, bindings, exports, relocations: they choose what is called"),
	[SYMBOLS] = ASSAY_ROW_NEVER(ASSAY_METADATA, "macho.symbols", ASSAY_SEVERITY_METADATA, NULL,
				    "symbols and their strings, with times of object files (N_OSO)"),
	[SIGNATURE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "macho.code-signature",
				      ASSAY_SEVERITY_STRUCTURE, NULL,
				      "code signature: a fact of its own, never folded"),
	[GAP] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "macho.gap", ASSAY_SEVERITY_CODE, NULL,
				"bytes that are not zero and that no load command names"),
	[PADDING] = ASSAY_ROW_NEVER(ASSAY_PADDING, "macho.padding", ASSAY_SEVERITY_METADATA, NULL,
				    "zeros between the parts"),
	{ .name = NULL },
};

#define F(x) (&macho_fields[x])

#define FAT_MAGIC 0xcafebabe
#define MAGIC_32 0xfeedface
#define MAGIC_64 0xfeedfacf
#define MOST_SLICES 30 /* a Java class has 45 or more there: its version */
#define MOST_COMMANDS 65536

enum {
	LC_SEGMENT = 0x1, LC_SYMTAB = 0x2, LC_DYSYMTAB = 0xb, LC_SEGMENT_64 = 0x19, LC_UUID = 0x1b,
	LC_CODE_SIGNATURE = 0x1d, LC_DYLD_INFO = 0x22, LC_VERSION_MIN = 0x24, LC_SOURCE_VERSION = 0x2a,
	LC_BUILD_VERSION = 0x32,
};

/* Commands that name one piece of the link-edit segment: offset and size behind their header. */
static const struct {
	uint32_t command;
	const char *name;
} pieces[] = {
	{ LC_CODE_SIGNATURE, "code signature" }, { 0x1e, "split info" },
	{ 0x26, "function starts" },		 { 0x29, "data in code" },
	{ 0x2b, "code directory requirements" }, { 0x2e, "optimization hints" },
	{ 0x33, "exports" },			 { 0x34, "chained fixups" },
};

struct macho {
	struct assay_span file;
	bool is_64, is_big;
	uint64_t header, commands, count;
};

static uint64_t get(const struct macho *m, uint64_t at, unsigned width)
{
	return assay_rows_number(m->file, at, width, m->is_big);
}

static bool read_magic(struct assay_span file, struct macho *ret)
{
	uint64_t big = assay_rows_number(file, 0, 4, true), little = assay_rows_number(file, 0, 4, false);

	*ret = (struct macho){ .file = file };
	ret->is_big = big == MAGIC_32 || big == MAGIC_64;
	ret->is_64 = big == MAGIC_64 || little == MAGIC_64;
	ret->header = ret->is_64 ? 32 : 28;
	ret->count = get(ret, 16, 4);
	ret->commands = get(ret, 20, 4);
	return file.len >= ret->header &&
	       (ret->is_big || little == MAGIC_32 || little == MAGIC_64);
}

static bool is_fat(struct assay_span file)
{
	return file.len >= 8 && assay_rows_number(file, 0, 4, true) == FAT_MAGIC &&
	       assay_rows_number(file, 4, 4, true) > 0 &&
	       assay_rows_number(file, 4, 4, true) <= MOST_SLICES;
}

static unsigned macho_bid(struct assay_span file)
{
	struct macho m;

	return read_magic(file, &m) || is_fat(file) ? 40 : 0;
}

static void add(struct assay_layout *l, struct assay_places *places, int field, uint64_t start,
		uint64_t length, struct assay_span name)
{
	assay_places_add(l, places,
			 &(struct assay_place){ .start = start,
						.length = length,
						.field = F(field),
						.name = name });
}

/* ---- fat files ---- */

static enum assay_code fat_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	uint64_t count = assay_rows_number(file, 4, 4, true);
	struct assay_places places = { 0 };

	assay_layout_leaf(l, F(FAT), 8 + 20 * count);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t at = 8 + 20 * i;
		char *name = assay_arena_printf(&assay_layout_anatomy(l)->arena, "machine 0x%llx.%llx",
						(unsigned long long)assay_rows_number(file, at, 4, true),
						(unsigned long long)assay_rows_number(file, at + 4, 4,
										      true));

		assay_places_add(l, &places,
				 &(struct assay_place){
					 .start = assay_rows_number(file, at + 8, 4, true),
					 .length = assay_rows_number(file, at + 12, 4, true),
					 .field = F(SLICE),
					 .name = assay_span_text(name ? name : ""),
					 .is_payload = true,
					 .is_member = true });
	}
	return assay_places_lay_out(l, &places, file.len, F(GAP), F(PADDING), err);
}

/* ---- load commands ---- */

static const char *command_name(uint64_t command)
{
	static const char *const names[] = {
		[0x1] = "SEGMENT", [0x2] = "SYMTAB", [0xb] = "DYSYMTAB", [0xc] = "LOAD_DYLIB",
		[0xd] = "ID_DYLIB", [0xe] = "LOAD_DYLINKER", [0x19] = "SEGMENT_64", [0x1b] = "UUID",
		[0x1c] = "RPATH", [0x1d] = "CODE_SIGNATURE", [0x22] = "DYLD_INFO",
		[0x24] = "VERSION_MIN_MACOSX", [0x26] = "FUNCTION_STARTS", [0x28] = "MAIN",
		[0x29] = "DATA_IN_CODE", [0x2a] = "SOURCE_VERSION", [0x32] = "BUILD_VERSION",
		[0x33] = "DYLD_EXPORTS_TRIE", [0x34] = "DYLD_CHAINED_FIXUPS",
	};

	command &= 0x7fffffff; /* LC_REQ_DYLD */
	return command < sizeof(names) / sizeof(names[0]) && names[command] ? names[command] : "other";
}

static int command_field(uint64_t command)
{
	switch (command) {
	case LC_UUID: return UUID;
	case LC_VERSION_MIN:
	case LC_SOURCE_VERSION:
	case LC_BUILD_VERSION: return VERSION;
	default: return COMMAND;
	}
}

static struct assay_span fixed_name(const struct macho *m, uint64_t at)
{
	return assay_rows_text(assay_span_cut(m->file, at, 16));
}

/* Sections of one segment (section and section_64). */
static void add_sections(struct assay_layout *l, struct assay_places *places, const struct macho *m,
			 uint64_t at, uint64_t size)
{
	uint64_t count = get(m, at + (m->is_64 ? 64 : 48), 4), record = m->is_64 ? 80 : 68;
	uint64_t first = at + (m->is_64 ? 72 : 56);

	for (uint64_t i = 0; i < count && first + record <= at + size; i++, first += record) {
		unsigned width = m->is_64 ? 8 : 4;
		uint64_t places_at = first + 32 + 2 * width; /* offset, align, reloff, nreloc, flags */
		uint64_t flags = get(m, places_at + 16, 4), type = flags & 0xff;
		char part[40];
		char *name;

		snprintf(part, sizeof(part), "%.*s", ASSAY_SPAN_ARGS(fixed_name(m, first + 16)));
		name = assay_arena_printf(&assay_layout_anatomy(l)->arena, "%s,%.*s", part,
					  ASSAY_SPAN_ARGS(fixed_name(m, first)));
		if (type == 1 || type == 12 || type == 18) /* zero fill: no bytes in the file */
			continue;
		add(l, places, flags & 0x80000400 ? CODE : DATA, get(m, places_at, 4),
		    get(m, first + 32 + width, width), assay_span_text(name ? name : ""));
		add(l, places, LINKEDIT, get(m, places_at + 8, 4), 8 * get(m, places_at + 12, 4),
		    assay_span_text("relocations"));
	}
}

static void add_symbols(struct assay_layout *l, struct assay_places *places, const struct macho *m,
			uint64_t at)
{
	add(l, places, SYMBOLS, get(m, at + 8, 4), get(m, at + 12, 4) * (m->is_64 ? 16 : 12),
	    assay_span_text("symbols"));
	add(l, places, SYMBOLS, get(m, at + 16, 4), get(m, at + 20, 4), assay_span_text("strings"));
}

static void add_dyld_info(struct assay_layout *l, struct assay_places *places, const struct macho *m,
			  uint64_t at)
{
	static const char *const names[] = { "rebase", "bind", "weak bind", "lazy bind", "exports" };

	for (unsigned i = 0; i < 5; i++)
		add(l, places, LINKEDIT, get(m, at + 8 + 8 * i, 4), get(m, at + 12 + 8 * i, 4),
		    assay_span_text(names[i]));
}

static void add_command(struct assay_layout *l, struct assay_places *places, const struct macho *m,
			uint64_t at, uint64_t size)
{
	uint64_t command = get(m, at, 4) & 0x7fffffff;

	if (command == LC_SEGMENT || command == LC_SEGMENT_64)
		add_sections(l, places, m, at, size);
	else if (command == LC_SYMTAB)
		add_symbols(l, places, m, at);
	else if (command == LC_DYLD_INFO)
		add_dyld_info(l, places, m, at);
	else if (command == LC_DYSYMTAB)
		add(l, places, LINKEDIT, get(m, at + 56, 4), 4 * get(m, at + 60, 4),
		    assay_span_text("indirect symbols"));
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
		if (pieces[i].command == command)
			add(l, places, command == LC_CODE_SIGNATURE ? SIGNATURE : LINKEDIT,
			    get(m, at + 8, 4), get(m, at + 12, 4), assay_span_text(pieces[i].name));
}

static void lay_out_command(struct assay_layout *l, const struct macho *m, uint64_t at, uint64_t size)
{
	uint64_t command = get(m, at, 4);
	struct assay_node *leaf = assay_layout_leaf(l, F(command_field(command)), size);

	assay_layout_name(l, leaf, assay_span_text(command_name(command)));
	if ((command == LC_SEGMENT || command == LC_SEGMENT_64) && size >= 24)
		assay_layout_name(l, leaf, fixed_name(m, at + 8));
}

static enum assay_code macho_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	struct assay_places places = { 0 };
	struct macho m;
	uint64_t at, end;

	if (is_fat(file))
		return fat_lay_out(l, err);
	if (!read_magic(file, &m) || m.commands > file.len - m.header)
		return assay_fail(err, ASSAY_EINPUT, "offset 20: load commands: want %llu bytes",
				  (unsigned long long)m.commands);
	assay_layout_leaf(l, F(HEADER), m.header);
	at = m.header;
	end = m.header + m.commands;
	for (uint64_t i = 0; i < m.count && i < MOST_COMMANDS && at + 8 <= end; i++) {
		uint64_t size = get(&m, at + 4, 4);

		if (size < 8 || size > end - at)
			return assay_fail(err, ASSAY_EINPUT, "offset %llu: load command: wrong size",
					  (unsigned long long)at);
		lay_out_command(l, &m, at, size);
		add_command(l, &places, &m, at, size);
		at += size;
	}
	if (at < end) {
		assay_layout_ambiguous(l, at, "the load commands do not fill their room");
		assay_layout_leaf(l, F(COMMAND), end - at);
	}
	return assay_places_lay_out(l, &places, file.len, F(GAP), F(PADDING), err);
}

const struct assay_format assay_format_macho = {
	.name = "macho",
	.bid = macho_bid,
	.lay_out = macho_lay_out,
	.fields = macho_fields,
};
