/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ISO 9660 images (ECMA-119; Joliet; Rock Ridge only as bytes of the system use area): volume
 * descriptors by fields, directories by records, and every file as a member of its own.
 */
#include "assay/limits.h"
#include "field_rows.h"
#include "places.h"
#include "rows.h"

enum {
	SYSTEM,
	DESCRIPTOR,
	HEADER,
	IDENTIFIER,
	DATE,
	PATHS,
	RECORD,
	RECORD_DATE,
	SYSTEM_USE,
	FILE_DATA,
	GAP,
	PADDING,
};

static const struct assay_field iso9660_fields[] = {
	[SYSTEM] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "iso9660.system-area", ASSAY_SEVERITY_CODE, NULL,
				   "32 KiB that firmware may run: boot sectors, partition tables (6.2.1)"),
	[DESCRIPTOR] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "iso9660.descriptor", ASSAY_SEVERITY_STRUCTURE,
				       NULL, "a volume descriptor of 2048 bytes (8)"),
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_METADATA, "iso9660.field", ASSAY_SEVERITY_DATA, NULL,
				   "a word of a volume descriptor, which readers follow (8.4)"),
	[IDENTIFIER] = ASSAY_ROW_NEVER(ASSAY_METADATA, "iso9660.identifier", ASSAY_SEVERITY_METADATA,
				       NULL, "a name in the volume descriptor: mounting by label uses it"),
	[DATE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "iso9660.volume-date", ASSAY_SEVERITY_METADATA,
				 "timestamps_in_filesystem_images",
				 "a date of the volume: boot loaders search for images by it as by a "
				 "UUID (8.4.26)"),
	[PATHS] = ASSAY_ROW_NEVER(ASSAY_METADATA, "iso9660.path-table", ASSAY_SEVERITY_METADATA, NULL,
				  "path table: the directories once more (9.4)"),
	[RECORD] = ASSAY_ROW_NEVER(ASSAY_METADATA, "iso9660.record", ASSAY_SEVERITY_STRUCTURE, NULL,
				   "a directory record: place, size, flags and name of a file (9.1)"),
	[RECORD_DATE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "iso9660.record.date", ASSAY_SEVERITY_METADATA,
					"timestamps_in_filesystem_images",
					"recording date of a file, its time when mounted (9.1.5)"),
	[SYSTEM_USE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "iso9660.record.system-use",
				       ASSAY_SEVERITY_STRUCTURE, NULL,
				       "Rock Ridge: modes, owners, times, links and long names (SUSP)"),
	[FILE_DATA] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "iso9660.file", ASSAY_SEVERITY_DATA, NULL,
				      "bytes of a file"),
	[GAP] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "iso9660.gap", ASSAY_SEVERITY_DATA, NULL,
				"bytes that no directory names: boot images, partitions, appended data"),
	[PADDING] = ASSAY_ROW_NEVER(ASSAY_PADDING, "iso9660.padding", ASSAY_SEVERITY_METADATA, NULL,
				    "zeros up to the next sector"),
	{ .name = NULL },
};

#define F(x) (&iso9660_fields[x])

#define SECTOR 2048
#define FIRST_DESCRIPTOR (16 * SECTOR)
#define RECORD_SIZE 33
#define MOST_DESCRIPTORS 64

enum { PRIMARY = 1, SUPPLEMENTARY = 2, TERMINATOR = 255 };

/* Of a primary or supplementary descriptor (8.4, 8.5). */
static const struct assay_row descriptor[] = {
	{ HEADER, 8, ASSAY_SHOW_NONE, "type and version" },
	{ IDENTIFIER, 32, ASSAY_SHOW_TEXT, "system" },
	{ IDENTIFIER, 32, ASSAY_SHOW_TEXT, "volume" },
	{ HEADER, 8, ASSAY_SHOW_NONE, "reserved" },
	{ HEADER, 8, ASSAY_SHOW_NONE, "size of the volume" },
	{ HEADER, 32, ASSAY_SHOW_NONE, "escape sequences" },
	{ HEADER, 12, ASSAY_SHOW_NONE, "set size, number and block size" },
	{ HEADER, 24, ASSAY_SHOW_NONE, "path tables" },
	{ HEADER, 18, ASSAY_SHOW_NONE, "root directory" },
	{ RECORD_DATE, 7, ASSAY_SHOW_NONE, "root directory" },
	{ HEADER, 9, ASSAY_SHOW_NONE, "root directory, rest" },
	{ IDENTIFIER, 128, ASSAY_SHOW_TEXT, "volume set" },
	{ IDENTIFIER, 128, ASSAY_SHOW_TEXT, "publisher" },
	{ IDENTIFIER, 128, ASSAY_SHOW_TEXT, "data preparer" },
	{ IDENTIFIER, 128, ASSAY_SHOW_TEXT, "application" },
	{ IDENTIFIER, 111, ASSAY_SHOW_TEXT, "copyright, abstract and bibliography" },
	{ DATE, 17, ASSAY_SHOW_TEXT, "creation" },
	{ DATE, 17, ASSAY_SHOW_TEXT, "modification" },
	{ DATE, 17, ASSAY_SHOW_TEXT, "expiration" },
	{ DATE, 17, ASSAY_SHOW_TEXT, "effective" },
	{ HEADER, 1167, ASSAY_SHOW_NONE, "version and application use" },
};

/* Directories still to be read, each with its path. */
struct directory {
	uint64_t start, length;
	struct assay_span path;
};

struct volume {
	struct assay_layout *l;
	struct assay_places places;
	struct directory *queue;
	size_t count, done, room;
	uint64_t *seen; /* sectors that are directories, as bits */
	bool failed;
};

static uint64_t get(struct assay_span s, uint64_t at, unsigned width)
{
	return assay_rows_number(s, at, width, false);
}

static unsigned iso9660_bid(struct assay_span file)
{
	return file.len >= FIRST_DESCRIPTOR + SECTOR &&
			       memcmp(file.data + FIRST_DESCRIPTOR, "\1CD001\1", 7) == 0 ?
		       56 :
		       0;
}

/* ---- directories ---- */

static void lay_out_record(struct assay_layout *l, struct assay_span record)
{
	uint64_t name = record.data[32], end = RECORD_SIZE + name + !(name & 1);
	struct assay_span shown = assay_span_cut(record, RECORD_SIZE, name);
	struct assay_node *leaf;

	leaf = assay_layout_leaf(l, F(RECORD), 18);
	assay_layout_name(l, leaf, shown);
	leaf = assay_layout_leaf(l, F(RECORD_DATE), 7);
	assay_layout_name(l, leaf, shown);
	assay_layout_value(l, leaf, "%u-%02u-%02u %02u:%02u:%02u", 1900U + record.data[18],
			   record.data[19], record.data[20], record.data[21], record.data[22],
			   record.data[23]);
	if (end > record.len)
		end = record.len;
	leaf = assay_layout_leaf(l, F(RECORD), end - 25);
	assay_layout_name(l, leaf, shown);
	if (record.len > end) {
		leaf = assay_layout_leaf(l, F(SYSTEM_USE), record.len - end);
		assay_layout_name(l, leaf, shown);
	}
}

/* The record at the start of rest; empty at the end of the records of a sector. */
static struct assay_span cut_record(struct assay_span rest, uint64_t at)
{
	uint64_t length = get(rest, at, 1), sector_left = SECTOR - at % SECTOR;

	if (length < RECORD_SIZE + 1 || length > sector_left || length > rest.len - at ||
	    RECORD_SIZE + get(rest, at + 32, 1) > length)
		return assay_span_of(NULL, 0);
	return assay_span_cut(rest, at, length);
}

static void lay_out_directory(struct assay_layout *l, const struct assay_place *place)
{
	struct assay_span bytes = assay_layout_peek(l, 0, place->length);
	uint64_t at = 0;

	assay_layout_name(l, assay_layout_open(l, F(RECORD)), place->name);
	while (at < bytes.len && !assay_layout_failed(l)) {
		struct assay_span record = cut_record(bytes, at);
		uint64_t sector_left = SECTOR - at % SECTOR;

		if (record.len) {
			lay_out_record(l, record);
			at += record.len;
			continue;
		}
		if (sector_left > bytes.len - at)
			sector_left = bytes.len - at;
		assay_layout_leaf(l, F(RECORD), sector_left);
		at += sector_left;
	}
	assay_layout_close(l);
}

static struct assay_span join(struct volume *v, struct assay_span path, struct assay_span name)
{
	char *text = assay_arena_alloc(&assay_layout_anatomy(v->l)->arena, path.len + name.len + 2);
	size_t len = path.len;

	if (!text) {
		v->failed = true;
		return name;
	}
	if (path.len) {
		memcpy(text, path.data, path.len);
		text[len++] = '/';
	}
	if (name.len)
		memcpy(text + len, name.data, name.len);
	return assay_span_of(text, len + name.len);
}

/* Each directory once, however many records lead to it. */
static bool is_new(struct volume *v, uint64_t sector)
{
	uint64_t bit = 1ULL << (sector % 64);

	if (v->seen[sector / 64] & bit)
		return false;
	v->seen[sector / 64] |= bit;
	return true;
}

static void enqueue(struct volume *v, uint64_t sector, uint64_t length, struct assay_span path)
{
	struct assay_span file = assay_layout_bytes(v->l);
	struct directory *queue;

	if (sector >= file.len / SECTOR || length > file.len - sector * SECTOR) {
		assay_layout_ambiguous(v->l, 0, "a directory lies outside the image");
		return;
	}
	if (length == 0 || !is_new(v, sector))
		return;
	if (v->count == v->room) {
		v->room = v->room ? 2 * v->room : 64;
		queue = assay_arena_alloc(&assay_layout_anatomy(v->l)->arena,
					  v->room * sizeof(*queue));
		if (!queue) {
			v->failed = true;
			return;
		}
		if (v->count)
			memcpy(queue, v->queue, v->count * sizeof(*queue));
		v->queue = queue;
	}
	v->queue[v->count++] = (struct directory){ sector * SECTOR, length, path };
}

/* The name by which systems that know Rock Ridge see the file (SUSP, entry NM), where there is one. */
static struct assay_span name_of(struct assay_span record)
{
	uint64_t name = record.data[32], at = RECORD_SIZE + name + !(name & 1);

	while (at + 5 <= record.len && record.data[at + 2] >= 4) {
		uint64_t length = record.data[at + 2];

		if (record.data[at] == 'N' && record.data[at + 1] == 'M' && record.data[at + 4] == 0 &&
		    length > 5 && length <= record.len - at)
			return assay_span_cut(record, at + 5, length - 5);
		at += length;
	}
	return assay_span_cut(record, RECORD_SIZE, name);
}

static void take_record(struct volume *v, const struct directory *d, struct assay_span record)
{
	struct assay_span name = assay_span_cut(record, RECORD_SIZE, record.data[32]);
	uint64_t sector = get(record, 2, 4), length = get(record, 10, 4);

	if (name.len == 1 && name.data[0] <= 1)
		return; /* the directory itself, and the one above */
	if (get(record, 2, 4) != assay_rows_number(record, 6, 4, true) ||
	    length != assay_rows_number(record, 14, 4, true))
		assay_layout_ambiguous(v->l, (uint64_t)(record.data - assay_layout_bytes(v->l).data),
				       "place or size of a file is another in big-endian order");
	sector += record.data[1]; /* extended attributes stand in front */
	if (record.data[25] & 2)
		enqueue(v, sector, length, join(v, d->path, name_of(record)));
	else
		assay_places_add(v->l, &v->places,
				 &(struct assay_place){ .start = sector * SECTOR,
							.length = length,
							.field = F(FILE_DATA),
							.name = join(v, d->path,
								     name_of(record)),
							.is_payload = true,
							.is_member = true });
}

static void read_directory(struct volume *v, const struct directory *d)
{
	struct assay_span bytes = assay_span_cut(assay_layout_bytes(v->l), d->start, d->length);
	uint64_t at = 0;

	assay_places_add(v->l, &v->places,
			 &(struct assay_place){ .start = d->start,
						.length = d->length,
						.field = F(RECORD),
						.name = join(v, assay_span_text("directory"), d->path),
						.lay_out = lay_out_directory });
	while (at < bytes.len && !v->failed && !v->places.failed) {
		struct assay_span record = cut_record(bytes, at);

		if (record.len)
			take_record(v, d, record);
		at = record.len ? at + record.len : (at / SECTOR + 1) * SECTOR;
	}
}

/* ---- the volume ---- */

static void add_path_tables(struct volume *v, struct assay_span d)
{
	uint64_t length = get(d, 132, 4);

	for (unsigned i = 0; i < 4; i++) {
		uint64_t sector = assay_rows_number(d, 140 + 4 * i, 4, i >= 2);

		if (sector)
			assay_places_add(v->l, &v->places,
					 &(struct assay_place){ .start = sector * SECTOR,
								.length = length,
								.field = F(PATHS) });
	}
}

static void lay_out_descriptors(struct volume *v)
{
	static const char *const names[] = { "boot record", "primary", "supplementary" };

	for (unsigned i = 0; i < MOST_DESCRIPTORS && !assay_layout_failed(v->l); i++) {
		struct assay_span d = assay_layout_peek(v->l, 0, SECTOR);
		uint8_t type = d.len == SECTOR ? d.data[0] : TERMINATOR;
		struct assay_node *group;

		if (d.len < SECTOR || memcmp(d.data + 1, "CD001", 5) != 0)
			return;
		group = assay_layout_open(v->l, F(DESCRIPTOR));
		assay_layout_name(v->l, group,
				  assay_span_text(type < 3 ? names[type] :
						  type == TERMINATOR ? "terminator" : "other"));
		if (type == PRIMARY || type == SUPPLEMENTARY) {
			assay_rows_lay_out(v->l, iso9660_fields, descriptor,
					   sizeof(descriptor) / sizeof(descriptor[0]), false);
			add_path_tables(v, d);
			enqueue(v, get(d, 158, 4), get(d, 166, 4),
				assay_span_text(type == PRIMARY ? "" : "~joliet"));
		} else {
			assay_layout_leaf(v->l, F(HEADER), SECTOR);
		}
		assay_layout_close(v->l);
		if (type == TERMINATOR)
			return;
	}
	assay_layout_truncated(v->l); /* what further ones name has not been read */
}

static enum assay_code iso9660_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	struct volume v = { .l = l };

	v.seen = assay_arena_alloc(&assay_layout_anatomy(l)->arena, file.len / SECTOR / 8 + 8);
	if (!v.seen)
		return assay_fail(err, ASSAY_ELIMIT, "ISO 9660: no memory left for its directories");
	assay_layout_leaf(l, F(SYSTEM), FIRST_DESCRIPTOR);
	lay_out_descriptors(&v);
	while (v.done < v.count && !v.failed && !v.places.failed)
		read_directory(&v, &v.queue[v.done++]);
	if (v.failed)
		return assay_fail(err, ASSAY_ELIMIT, "ISO 9660: no memory left for its files");
	return assay_places_lay_out(l, &v.places, file.len, F(GAP), F(PADDING), err);
}

const struct assay_format assay_format_iso9660 = {
	.name = "iso9660",
	.bid = iso9660_bid,
	.lay_out = iso9660_lay_out,
	.fields = iso9660_fields,
};
