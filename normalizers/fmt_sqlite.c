/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite 3 databases (sqlite.org/fileformat2.html): the header by fields, the pages by number, kind
 * and the table or index they belong to.  Records are not decoded: a page that differs is named.
 */
#include "assay/limits.h"
#include "field_rows.h"
#include "rows.h"

enum {
	MAGIC,
	HEADER,
	COUNTER,
	LIBRARY,
	RESERVED,
	PAGE,
	TRAILING,
};

static const struct assay_field sqlite_fields[] = {
	[MAGIC] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "sqlite.magic", ASSAY_SEVERITY_STRUCTURE, NULL,
				  "\"SQLite format 3\" NUL (section 1.3.1)"),
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_METADATA, "sqlite.header", ASSAY_SEVERITY_DATA, NULL,
				   "a word of the database header (section 1.3)"),
	[COUNTER] = ASSAY_ROW_NEVER(ASSAY_METADATA, "sqlite.change-counter", ASSAY_SEVERITY_METADATA,
				    "sqlite_change_counter",
				    "number of transactions: caches of other processes rely on it "
				    "(sections 1.3.7, 1.3.19)"),
	[LIBRARY] = ASSAY_ROW_NEVER(ASSAY_METADATA, "sqlite.library-version", ASSAY_SEVERITY_METADATA,
				    "tool_version_differs",
				    "version of the library that wrote last (section 1.3.19)"),
	[RESERVED] = ASSAY_ROW_NEVER(ASSAY_METADATA, "sqlite.reserved", ASSAY_SEVERITY_STRUCTURE, NULL,
				     "twenty bytes that must be zero"),
	[PAGE] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "sqlite.page", ASSAY_SEVERITY_DATA, NULL,
				 "a page: rows of a table, keys of an index, free or overflow"),
	[TRAILING] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "sqlite.trailing", ASSAY_SEVERITY_STRUCTURE, NULL,
				     "bytes behind the last page"),
	{ .name = NULL },
};

#define F(x) (&sqlite_fields[x])

#define HEADER_SIZE 100
#define MOST_NAMED_PAGES ASSAY_MAX_MEMBERS

static const struct assay_row header[] = {
	{ MAGIC, 16, ASSAY_SHOW_NONE, NULL },
	{ HEADER, 2, ASSAY_SHOW_NUMBER, "page size" },
	{ HEADER, 1, ASSAY_SHOW_NUMBER, "write version" },
	{ HEADER, 1, ASSAY_SHOW_NUMBER, "read version" },
	{ HEADER, 1, ASSAY_SHOW_NUMBER, "reserved bytes of a page" },
	{ HEADER, 3, ASSAY_SHOW_HEX, "payload fractions" },
	{ COUNTER, 4, ASSAY_SHOW_NUMBER, "change counter" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "number of pages" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "first free page" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "number of free pages" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "schema cookie" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "schema format" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "default cache size" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "largest root page" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "text encoding" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "user version" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "incremental vacuum" },
	{ HEADER, 4, ASSAY_SHOW_HEX, "application id" },
	{ RESERVED, 20, ASSAY_SHOW_NONE, NULL },
	{ COUNTER, 4, ASSAY_SHOW_NUMBER, "version valid for" },
	{ LIBRARY, 4, ASSAY_SHOW_NUMBER, NULL },
};

struct database {
	struct assay_span file;
	uint64_t page_size, pages;
	struct assay_span *owners; /* of page n: the table or index it belongs to */
	uint64_t *stack;	   /* room for all pages */
	struct assay_arena *arena;
};

static uint64_t get(const struct database *db, uint64_t at, unsigned width)
{
	return assay_rows_number(db->file, at, width, true);
}

static uint64_t start_of(const struct database *db, uint64_t page)
{
	return (page - 1) * db->page_size;
}

/* The b-tree header of page 1 stands behind the database header. */
static uint64_t tree_of(const struct database *db, uint64_t page)
{
	return start_of(db, page) + (page == 1 ? HEADER_SIZE : 0);
}

enum { INTERIOR_INDEX = 2, INTERIOR_TABLE = 5, LEAF_INDEX = 10, LEAF_TABLE = 13 };

static bool is_interior(uint64_t kind)
{
	return kind == INTERIOR_INDEX || kind == INTERIOR_TABLE;
}

static uint64_t varint(const struct database *db, uint64_t *at)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < 9; i++) {
		uint64_t byte = get(db, (*at)++, 1);

		if (i == 8)
			return value << 8 | byte;
		value = value << 7 | (byte & 0x7f);
		if (!(byte & 0x80))
			break;
	}
	return value;
}

/* The place of cell i of a page; 0 when it lies outside the page. */
static uint64_t cell_of(const struct database *db, uint64_t page, uint64_t i)
{
	uint64_t tree = tree_of(db, page), kind = get(db, tree, 1), cell;

	cell = get(db, tree + (is_interior(kind) ? 12 : 8) + 2 * i, 2);
	return cell < db->page_size ? start_of(db, page) + cell : 0;
}

static uint64_t serial_size(uint64_t type)
{
	static const uint8_t sizes[] = { 0, 1, 2, 3, 4, 6, 8, 8, 0, 0 };

	return type < sizeof(sizes) ? sizes[type] : type < 12 ? 0 : (type - 12) / 2;
}

/* Pages of one tree, from its root down; a page that already belongs to another is left alone, so this
 * ends on any input. */
static void claim(const struct database *db, uint64_t root, struct assay_span owner)
{
	uint64_t *stack = db->stack, depth = 0;

	stack[depth++] = root;
	while (depth) {
		uint64_t page = stack[--depth], tree, kind, cells;

		if (page == 0 || page > db->pages || db->owners[page].len)
			continue;
		db->owners[page] = owner;
		tree = tree_of(db, page);
		kind = get(db, tree, 1);
		cells = is_interior(kind) ? get(db, tree + 3, 2) : 0;
		for (uint64_t i = 0; i < cells && depth < db->pages; i++)
			stack[depth++] = get(db, cell_of(db, page, i), 4);
		if (is_interior(kind) && depth < db->pages)
			stack[depth++] = get(db, tree + 8, 4);
	}
}

/* A row of sqlite_schema: type, name, tbl_name, rootpage, sql. */
static void claim_row(const struct database *db, uint64_t cell)
{
	uint64_t at = cell, header_at, header_end, types[4], body;
	struct assay_span name = { NULL, 0 };

	varint(db, &at); /* payload */
	varint(db, &at); /* row id */
	header_at = at;
	header_end = header_at + varint(db, &at);
	for (size_t i = 0; i < 4; i++)
		types[i] = varint(db, &at);
	if (at > header_end || header_end - header_at > db->page_size)
		return;
	body = header_end;
	for (size_t i = 0; i < 3; i++) {
		if (serial_size(types[i]) > db->page_size)
			return;
		if (i == 1)
			name = assay_span_cut(db->file, body, serial_size(types[i]));
		body += serial_size(types[i]);
	}
	if (name.len && types[3] >= 1 && types[3] <= 6)
		claim(db, get(db, body, (unsigned)serial_size(types[3])), name);
	else if (name.len && types[3] == 9)
		claim(db, 1, name);
}

/* Every row of sqlite_schema, whose tree begins at page 1, names a root. */
static void claim_all(const struct database *db)
{
	struct assay_span schema = assay_span_text("sqlite_schema");

	claim(db, 1, schema);
	for (uint64_t page = 1; page <= db->pages; page++) {
		uint64_t tree = tree_of(db, page);

		if (db->owners[page].data != schema.data || get(db, tree, 1) != LEAF_TABLE)
			continue;
		for (uint64_t i = 0; i < get(db, tree + 3, 2); i++) {
			uint64_t cell = cell_of(db, page, i);

			if (cell)
				claim_row(db, cell);
		}
	}
}

static const char *kind_of(const struct database *db, uint64_t page)
{
	switch (get(db, tree_of(db, page), 1)) {
	case INTERIOR_INDEX:
	case INTERIOR_TABLE: return "inner";
	case LEAF_INDEX: return "keys";
	case LEAF_TABLE: return "rows";
	default: return "other";
	}
}

static void lay_out_page(struct assay_layout *l, const struct database *db, uint64_t page)
{
	uint64_t length = page == 1 ? db->page_size - HEADER_SIZE : db->page_size;
	struct assay_node *leaf = assay_layout_leaf(l, F(PAGE), length);
	struct assay_span owner = db->owners[page];
	char shown[100], *name;

	if (owner.len)
		name = assay_arena_printf(db->arena, "page %llu (%s of %s)", (unsigned long long)page,
					  kind_of(db, page),
					  assay_span_show(owner, shown, sizeof(shown)));
	else
		name = assay_arena_printf(db->arena, "page %llu (free or overflow)",
					  (unsigned long long)page);
	assay_layout_name(l, leaf, assay_span_text(name ? name : ""));
}

/* A database of more pages than that is cut into pieces that name no table. */
static enum assay_code lay_out_pages(struct assay_layout *l, struct database *db,
				     struct assay_error *err)
{
	if (db->pages > MOST_NAMED_PAGES) {
		assay_rows_pieces(l, F(PAGE), db->pages * db->page_size, db->page_size,
				  "page from 0:");
		return ASSAY_OK;
	}
	db->owners = assay_arena_alloc(db->arena, (db->pages + 1) * sizeof(*db->owners));
	db->stack = assay_arena_alloc(db->arena, (db->pages + 1) * sizeof(*db->stack));
	if (!db->owners || !db->stack)
		return assay_fail(err, ASSAY_ELIMIT, "%llu pages: no memory left for them",
				  (unsigned long long)db->pages);
	claim_all(db);
	for (uint64_t page = 1; page <= db->pages && !assay_layout_failed(l); page++)
		lay_out_page(l, db, page);
	return ASSAY_OK;
}

static unsigned sqlite_bid(struct assay_span file)
{
	return file.len >= HEADER_SIZE && memcmp(file.data, "SQLite format 3", 16) == 0 ? 128 : 0;
}

static enum assay_code sqlite_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct database db = { .file = assay_layout_bytes(l),
			       .arena = &assay_layout_anatomy(l)->arena };
	uint64_t stated = get(&db, 28, 4);

	db.page_size = get(&db, 16, 2) == 1 ? 65536 : get(&db, 16, 2);
	if (db.page_size < 512 || db.page_size & (db.page_size - 1))
		return assay_fail(err, ASSAY_EINPUT,
				  "offset 16: page size: want a power of two from 512 on, have %llu",
				  (unsigned long long)db.page_size);
	db.pages = db.file.len / db.page_size;
	if (db.pages == 0)
		return assay_fail(err, ASSAY_EINPUT, "page 1: cut short");
	if (stated && get(&db, 24, 4) == get(&db, 92, 4) && stated != db.pages)
		assay_layout_ambiguous(l, 28, "the header counts %llu pages, the file holds %llu",
				       (unsigned long long)stated, (unsigned long long)db.pages);
	assay_rows_lay_out(l, sqlite_fields, header, sizeof(header) / sizeof(header[0]), true);
	if (lay_out_pages(l, &db, err))
		return err->code;
	if (!assay_layout_failed(l) && assay_layout_left(l)) {
		assay_layout_ambiguous(l, assay_layout_at(l), "bytes behind the last page");
		assay_layout_leaf(l, F(TRAILING), assay_layout_left(l));
	}
	return ASSAY_OK;
}

const struct assay_format assay_format_sqlite = {
	.name = "sqlite",
	.bid = sqlite_bid,
	.lay_out = sqlite_lay_out,
	.fields = sqlite_fields,
};
