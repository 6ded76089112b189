/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of a git work tree (gitformat-index(5)), versions 2 and 3: each entry as the place where the
 * file was found (times, device, inode, owner: of this machine only) and what is tracked (mode, id, name).
 */
#include "field_rows.h"
#include "rows.h"

enum {
	HEADER,
	ENTRY,
	STAT,
	TRACKED,
	EXTENSION,
	SUM,
};

static const struct assay_field gitindex_fields[] = {
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "gitindex.header", ASSAY_SEVERITY_STRUCTURE, NULL,
				   "DIRC, version and number of entries"),
	[ENTRY] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "gitindex.entry", ASSAY_SEVERITY_DATA, NULL,
				  "a tracked file"),
	[STAT] = ASSAY_ROW_NEVER(ASSAY_METADATA, "gitindex.stat", ASSAY_SEVERITY_METADATA,
				 "device_or_inode_numbers",
				 "times, device, inode, owner or size of the file on this machine: git "
				 "takes an unchanged file by it"),
	[TRACKED] = ASSAY_ROW_NEVER(ASSAY_METADATA, "gitindex.tracked", ASSAY_SEVERITY_DATA, NULL,
				    "mode, object id, flags and name"),
	[EXTENSION] = ASSAY_ROW_NEVER(ASSAY_METADATA, "gitindex.extension", ASSAY_SEVERITY_METADATA,
				      NULL, "cached trees, resolved conflicts, untracked files"),
	[SUM] = ASSAY_ROW_NEVER(ASSAY_METADATA, "gitindex.sum", ASSAY_SEVERITY_METADATA,
				"checksum_of_changed_content",
				"SHA-1 of the index (not verified here)"),
	{ .name = NULL },
};

#define F(x) (&gitindex_fields[x])

#define HEADER_SIZE 12
#define FIXED 62 /* of an entry, in front of its name */
#define EXTENDED 0x4000
#define SUM_SIZE 20

static unsigned gitindex_bid(struct assay_span file)
{
	uint64_t version = assay_rows_number(file, 4, 4, true);

	return file.len >= HEADER_SIZE + SUM_SIZE && assay_span_starts(file, "DIRC") &&
			       (version == 2 || version == 3) ?
		       63 :
		       0;
}

static const struct assay_row stat_rows[] = {
	{ STAT, 8, ASSAY_SHOW_NONE, "ctime" },	{ STAT, 8, ASSAY_SHOW_NONE, "mtime" },
	{ STAT, 4, ASSAY_SHOW_NUMBER, "device" }, { STAT, 4, ASSAY_SHOW_NUMBER, "inode" },
	{ TRACKED, 4, ASSAY_SHOW_HEX, "mode" },	{ STAT, 4, ASSAY_SHOW_NUMBER, "uid" },
	{ STAT, 4, ASSAY_SHOW_NUMBER, "gid" },	{ STAT, 4, ASSAY_SHOW_NUMBER, "size" },
	{ TRACKED, 20, ASSAY_SHOW_NONE, "object" },
};

/* The name ends with a NUL, and NULs fill the entry up to a multiple of eight. */
static enum assay_code lay_out_entry(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span rest = assay_layout_peek(l, 0, UINT64_MAX), name;
	uint64_t flags = assay_rows_number(rest, 60, 2, true);
	uint64_t start = FIXED + (flags & EXTENDED ? 2 : 0), length;
	const uint8_t *end = rest.len > start ? memchr(rest.data + start, 0, rest.len - start) : NULL;

	if (!end)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: entry: cut short",
				  (unsigned long long)assay_layout_at(l));
	name = assay_span_cut(rest, start, (uint64_t)(end - rest.data) - start);
	length = (start + name.len + 8) / 8 * 8;
	assay_layout_member(l, assay_layout_open(l, F(ENTRY)), name);
	assay_rows_lay_out(l, gitindex_fields, stat_rows, sizeof(stat_rows) / sizeof(stat_rows[0]),
			   true);
	assay_layout_name(l, assay_layout_leaf(l, F(TRACKED), length - 60),
			  assay_span_text("flags and name"));
	assay_layout_close(l);
	return ASSAY_OK;
}

static enum assay_code gitindex_lay_out(struct assay_layout *l, struct assay_error *err)
{
	uint64_t count = assay_rows_number(assay_layout_bytes(l), 8, 4, true);

	assay_layout_leaf(l, F(HEADER), HEADER_SIZE);
	for (uint64_t i = 0; i < count && !assay_layout_failed(l); i++)
		if (lay_out_entry(l, err))
			return err->code;
	while (assay_layout_left(l) > SUM_SIZE && !assay_layout_failed(l)) {
		struct assay_span head = assay_layout_peek(l, 0, 8);

		assay_layout_name(l, assay_layout_leaf(l, F(EXTENSION),
						       8 + assay_rows_number(head, 4, 4, true)),
				  assay_span_cut(head, 0, 4));
	}
	assay_layout_leaf(l, F(SUM), SUM_SIZE);
	return ASSAY_OK;
}

const struct assay_format assay_format_gitindex = {
	.name = "gitindex",
	.bid = gitindex_bid,
	.lay_out = gitindex_lay_out,
	.fields = gitindex_fields,
};
