/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PE/COFF images: programs and libraries of Windows, EFI, .NET (Microsoft PE and COFF specification).
 * The time of the link stands in up to four places; it may be folded only where nobody relies on it:
 * no Authenticode signature covers it, no bound import names it.
 */
#include "assay/hex.h"
#include "field_rows.h"
#include "places.h"
#include "rows.h"

enum {
	DOS,
	STUB,
	RICH,
	SIGNATURE,
	HEADER,
	TIME,
	TIME_KEPT,
	CHECKSUM,
	CHECKSUM_WRONG,
	SECTIONS,
	CODE,
	DATA,
	DEBUG,
	CODEVIEW,
	CERTIFICATE,
	SYMBOLS,
	GAP,
	PADDING,
	TRAILING,
};

#define TIMES "pe-time", ASSAY_GRADE_CODE, "timestamps_in_pe_binaries"

static const struct assay_field pe_fields[] = {
	[DOS] = ASSAY_ROW_NEVER(ASSAY_METADATA, "pe.dos-header", ASSAY_SEVERITY_CODE, NULL,
				"MZ header: DOS runs the stub, Windows finds the image through it"),
	[STUB] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "pe.dos-stub", ASSAY_SEVERITY_CODE, NULL,
				 "program for DOS"),
	[RICH] = ASSAY_ROW_NEVER(ASSAY_METADATA, "pe.rich-header", ASSAY_SEVERITY_METADATA,
				 "compiler_version_differs",
				 "versions of the Microsoft tools that made the objects, undocumented"),
	[SIGNATURE] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "pe.signature", ASSAY_SEVERITY_STRUCTURE,
				      NULL, "PE NUL NUL (section 3.2)"),
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_METADATA, "pe.header", ASSAY_SEVERITY_CODE, NULL,
				   "COFF or optional header: the loader acts on it (sections 3.3, 3.4)"),
	[TIME] = ASSAY_ROW_SAFE(ASSAY_METADATA, "pe.time", TIMES,
				"TimeDateStamp of an image without a signature and without bound "
				"imports: only symbol servers look at it (section 3.3)"),
	[TIME_KEPT] = ASSAY_ROW_NEVER(ASSAY_METADATA, "pe.time.kept", ASSAY_SEVERITY_METADATA,
				      "timestamps_in_pe_binaries",
				      "TimeDateStamp that a signature covers or a bound import may name"),
	[CHECKSUM] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "pe.checksum", ASSAY_SEVERITY_METADATA,
				     "checksum_of_changed_content",
				     "CheckSum of the whole file, verified, or 0 (section 3.4.2)"),
	[CHECKSUM_WRONG] = ASSAY_ROW_NEVER(ASSAY_METADATA, "pe.checksum.wrong",
					   ASSAY_SEVERITY_METADATA, NULL,
					   "CheckSum that is not the sum of the file: drivers and boot "
					   "loaders are refused"),
	[SECTIONS] = ASSAY_ROW_NEVER(ASSAY_METADATA, "pe.section-header", ASSAY_SEVERITY_CODE, NULL,
				     "name, place, size and rights of a section (section 4)"),
	[CODE] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "pe.code", ASSAY_SEVERITY_CODE, NULL,
				 "section whose bytes may be executed"),
	[DATA] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "pe.data", ASSAY_SEVERITY_DATA, NULL,
				 "section that the program reads: data, imports, resources"),
	[DEBUG] = ASSAY_ROW_NEVER(ASSAY_METADATA, "pe.debug-directory", ASSAY_SEVERITY_METADATA, NULL,
				  "type, size and place of debug data (section 6.1)"),
	[CODEVIEW] = ASSAY_ROW_NEVER(ASSAY_METADATA, "pe.codeview", ASSAY_SEVERITY_METADATA, NULL,
				     "id, age and path of the PDB file: debuggers load it"),
	[CERTIFICATE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "pe.authenticode", ASSAY_SEVERITY_STRUCTURE,
					NULL, "Authenticode signature: a fact of its own, never folded"),
	[SYMBOLS] = ASSAY_ROW_NEVER(ASSAY_METADATA, "pe.symbols", ASSAY_SEVERITY_METADATA, NULL,
				    "COFF symbols and strings: debuggers read them (section 5.4)"),
	[GAP] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "pe.gap", ASSAY_SEVERITY_CODE, NULL,
				"bytes that are not zero between the parts: nobody should need them"),
	[PADDING] = ASSAY_ROW_NEVER(ASSAY_PADDING, "pe.padding", ASSAY_SEVERITY_METADATA, NULL,
				    "zeros that align the next part"),
	[TRAILING] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "pe.overlay", ASSAY_SEVERITY_DATA, NULL,
				     "bytes behind the last section: installers keep their payload "
				     "there"),
	{ .name = NULL },
};

#define F(x) (&pe_fields[x])

#define DOS_HEADER 64
#define COFF_HEADER 20
#define SECTION_HEADER 40
#define DEBUG_ENTRY 28
#define MOST_DIRECTORIES 16
#define MOST_SECTIONS 4096 /* loaders take 96 */
#define MOST_DEBUG_ENTRIES 256
#define RICH_WITHIN 4096 /* bytes from the start of the file */
#define EXECUTABLE 0x20000020 /* CNT_CODE, MEM_EXECUTE */

enum { EXPORTS = 0, SECURITY = 4, DEBUGGING = 6, BOUND_IMPORTS = 11 };

/* What is needed of the headers, all of it checked against the file. */
struct image {
	struct assay_span file;
	uint64_t pe, optional, optional_size, sections, section_count, headers_end;
	uint64_t directories; /* where the table of data directories begins */
	uint64_t directory_count;
	bool is_plus;	      /* PE32+: 64 bits */
	bool keeps_time;
};

static uint64_t get(const struct image *image, uint64_t at, unsigned width)
{
	return assay_rows_number(image->file, at, width, false);
}

static uint64_t directory(const struct image *image, unsigned index, uint64_t *ret_size)
{
	uint64_t at = image->directories + 8ULL * index;

	*ret_size = index < image->directory_count ? get(image, at + 4, 4) : 0;
	return *ret_size ? get(image, at, 4) : 0;
}

static uint64_t section_at(const struct image *image, uint64_t index)
{
	return image->sections + SECTION_HEADER * index;
}

/* Sections may share their bytes, and loaders round the start of one down to a multiple of 512. */
static bool is_run(const struct image *image, uint64_t from, uint64_t length)
{
	for (uint64_t i = 0; i < image->section_count; i++) {
		uint64_t at = section_at(image, i), start = get(image, at + 20, 4);
		uint64_t end = start + get(image, at + 16, 4);

		if (get(image, at + 36, 4) & EXECUTABLE && from < ((end + 511) & ~511ULL) &&
		    from + length > (start & ~511ULL))
			return true;
	}
	return false;
}

/* The offset in the file of an address; 0 when no section holds length bytes of it. */
static uint64_t offset_of(const struct image *image, uint64_t address, uint64_t length)
{
	for (uint64_t i = 0; i < image->section_count; i++) {
		uint64_t at = section_at(image, i), start = get(image, at + 12, 4);
		uint64_t raw = get(image, at + 16, 4);

		if (address >= start && address - start < raw && length <= raw - (address - start))
			return get(image, at + 20, 4) + address - start;
	}
	return 0;
}

static unsigned pe_bid(struct assay_span file)
{
	uint64_t pe = assay_rows_number(file, 60, 4, false);

	if (file.len < DOS_HEADER || file.data[0] != 'M' || file.data[1] != 'Z' ||
	    pe > file.len || file.len - pe < 4 + COFF_HEADER)
		return 0;
	return memcmp(file.data + pe, "PE\0\0", 4) == 0 ? 48 : 0;
}

static enum assay_code read_image(struct assay_span file, struct image *ret, struct assay_error *err)
{
	struct image image = { .file = file, .pe = assay_rows_number(file, 60, 4, false) };
	uint64_t counted, size;

	image.optional = image.pe + 4 + COFF_HEADER;
	image.optional_size = get(&image, image.pe + 20, 2);
	image.section_count = get(&image, image.pe + 6, 2);
	image.sections = image.optional + image.optional_size;
	image.headers_end = section_at(&image, image.section_count);
	if (image.section_count > MOST_SECTIONS)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: sections: want at most %d, have %llu",
				  (unsigned long long)image.pe + 6, MOST_SECTIONS,
				  (unsigned long long)image.section_count);
	if (image.pe < DOS_HEADER || image.headers_end > file.len)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: headers: want %llu bytes, have %zu",
				  (unsigned long long)image.pe,
				  (unsigned long long)image.headers_end, file.len);
	image.is_plus = get(&image, image.optional, 2) == 0x20b;
	image.directories = image.optional + (image.is_plus ? 112 : 96);
	if (image.optional_size < (image.is_plus ? 112U : 96U))
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: optional header: too short",
				  (unsigned long long)image.optional);
	counted = get(&image, image.directories - 4, 4);
	image.directory_count = (image.sections - image.directories) / 8;
	if (counted < image.directory_count)
		image.directory_count = counted;
	if (image.directory_count > MOST_DIRECTORIES)
		image.directory_count = MOST_DIRECTORIES;
	directory(&image, SECURITY, &size);
	image.keeps_time = size > 0;
	directory(&image, BOUND_IMPORTS, &size);
	image.keeps_time |= size > 0;
	*ret = image;
	return ASSAY_OK;
}

/* ---- headers ---- */

/* "DanS" and the records are masked with the word behind "Rich". */
static uint64_t find_rich(const struct image *image, uint64_t *ret_length)
{
	for (uint64_t end = DOS_HEADER; end + 8 <= image->pe && end < RICH_WITHIN; end += 4) {
		uint64_t mask = get(image, end + 4, 4);

		if (memcmp(image->file.data + end, "Rich", 4) != 0)
			continue;
		for (uint64_t at = DOS_HEADER; at < end; at += 4)
			if ((get(image, at, 4) ^ mask) == 0x536e6144) {
				*ret_length = end + 8 - at;
				return at;
			}
	}
	return 0;
}

static void lay_out_stub(struct assay_layout *l, const struct image *image)
{
	uint64_t length = 0, rich = find_rich(image, &length);
	struct assay_node *leaf;

	assay_layout_leaf(l, F(DOS), DOS_HEADER);
	if (rich) {
		if (rich > DOS_HEADER)
			assay_layout_leaf(l, F(STUB), rich - DOS_HEADER);
		leaf = assay_layout_leaf(l, F(RICH), length);
		assay_layout_value(l, leaf, "%llu tools",
				   (unsigned long long)(length > 24 ? (length - 24) / 8 : 0));
	}
	if (image->pe > assay_layout_at(l))
		assay_layout_leaf(l, F(STUB), image->pe - assay_layout_at(l));
}

/* The sum of all 16-bit words with end-around carry, its own field as zero, plus the file's length. */
static uint32_t sum_of(const struct image *image, uint64_t field)
{
	uint64_t sum = 0;

	for (uint64_t at = 0; at < image->file.len; at += 2) {
		uint64_t word = image->file.data[at];

		if (at + 1 < image->file.len)
			word |= (uint64_t)image->file.data[at + 1] << 8;
		if (at >= field && at < field + 4)
			word = 0;
		sum += word;
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint32_t)(sum + image->file.len);
}

static const struct assay_row coff_header[] = {
	{ HEADER, 2, ASSAY_SHOW_HEX, "machine" },
	{ HEADER, 2, ASSAY_SHOW_NUMBER, "number of sections" },
	{ TIME, 4, ASSAY_SHOW_TIME, NULL },
	{ HEADER, 4, ASSAY_SHOW_HEX, "pointer to symbols" },
	{ HEADER, 4, ASSAY_SHOW_NUMBER, "number of symbols" },
	{ HEADER, 2, ASSAY_SHOW_NUMBER, "size of optional header" },
	{ HEADER, 2, ASSAY_SHOW_HEX, "characteristics" },
};

static const struct assay_row kept_time[] = { { TIME_KEPT, 4, ASSAY_SHOW_TIME, NULL } };

static const struct assay_row optional_header[] = {
	{ HEADER, 2, ASSAY_SHOW_HEX, "magic" },
	{ HEADER, 2, ASSAY_SHOW_HEX, "linker version" },
	{ HEADER, 12, ASSAY_SHOW_NONE, "sizes of code and data" },
	{ HEADER, 4, ASSAY_SHOW_HEX, "entry point" },
	{ HEADER, 12, ASSAY_SHOW_NONE, "bases" },
	{ HEADER, 8, ASSAY_SHOW_NONE, "alignments" },
	{ HEADER, 16, ASSAY_SHOW_NONE, "versions" },
	{ HEADER, 8, ASSAY_SHOW_NONE, "sizes of image and headers" },
};

#define ROWS(x) (x), sizeof(x) / sizeof((x)[0])

static void lay_out_headers(struct assay_layout *l, const struct image *image)
{
	uint64_t field = image->optional + 64, at;
	uint64_t have = get(image, field, 4);
	bool holds = have == 0 || have == sum_of(image, field);

	assay_layout_leaf(l, F(SIGNATURE), 4);
	assay_rows_lay_out(l, pe_fields, coff_header, 2, false);
	if (image->keeps_time)
		assay_rows_lay_out(l, pe_fields, ROWS(kept_time), false);
	else
		assay_rows_lay_out(l, pe_fields, coff_header + 2, 1, false);
	assay_rows_lay_out(l, pe_fields, coff_header + 3, 4, false);
	assay_rows_lay_out(l, pe_fields, ROWS(optional_header), false);
	assay_layout_value(l, assay_layout_leaf(l, F(holds ? CHECKSUM : CHECKSUM_WRONG), 4),
			   "0x%08llx", (unsigned long long)have);
	at = assay_layout_at(l);
	assay_layout_name(l, assay_layout_leaf(l, F(HEADER), image->directories - at),
			  assay_span_text("subsystem and sizes"));
	if (image->sections > image->directories)
		assay_layout_name(l, assay_layout_leaf(l, F(HEADER),
						       image->sections - image->directories),
				  assay_span_text("data directories"));
}

static struct assay_span section_name(const struct image *image, uint64_t index)
{
	return assay_rows_text(assay_span_cut(image->file, section_at(image, index), 8));
}

/* ---- parts ---- */

static void lay_out_debug_entry(struct assay_layout *l, const struct assay_place *place)
{
	static const struct assay_row entry[] = {
		{ DEBUG, 4, ASSAY_SHOW_HEX, "characteristics" },
		{ TIME, 4, ASSAY_SHOW_TIME, "debug directory" },
		{ TIME_KEPT, 4, ASSAY_SHOW_TIME, "debug directory" },
		{ DEBUG, 20, ASSAY_SHOW_NONE, "entry" },
	};

	assay_rows_lay_out(l, pe_fields, entry, 1, false);
	assay_rows_lay_out(l, pe_fields, entry + (place->detail ? 2 : 1), 1, false);
	assay_rows_lay_out(l, pe_fields, entry + 3, 1, false);
}

static void lay_out_codeview(struct assay_layout *l, const struct assay_place *place)
{
	struct assay_span bytes = assay_layout_peek(l, 0, place->length);
	struct assay_node *leaf = assay_layout_leaf(l, place->field, place->length);
	char hex[33], shown[256];

	assay_layout_name(l, leaf, place->name);
	if (assay_span_starts(bytes, "RSDS") && bytes.len > 24)
		assay_layout_value(l, leaf, "id %s, %s",
				   assay_hex_encode(assay_span_cut(bytes, 4, 16), hex),
				   assay_span_show(assay_rows_text(assay_span_cut(bytes, 24,
										  bytes.len)),
						   shown, sizeof(shown)));
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

/* A section is cut where a directory or a time stands in it; one that is run is not, its bytes may be both. */
static void add_inside(struct assay_layout *l, struct assay_places *places,
		       const struct image *image)
{
	uint64_t size, address = directory(image, DEBUGGING, &size), at;

	at = size ? offset_of(image, address, size) : 0;
	if (is_run(image, at, size))
		at = 0;
	if (size > MOST_DEBUG_ENTRIES * DEBUG_ENTRY)
		size = MOST_DEBUG_ENTRIES * DEBUG_ENTRY;
	for (uint64_t i = 0; at && i + DEBUG_ENTRY <= size; i += DEBUG_ENTRY) {
		uint64_t length = get(image, at + i + 16, 4), data = get(image, at + i + 24, 4);

		assay_places_add(l, places,
				 &(struct assay_place){ .start = at + i,
							.length = DEBUG_ENTRY,
							.field = F(DEBUG),
							.lay_out = lay_out_debug_entry,
							.detail = image->keeps_time });
		if (get(image, at + i + 12, 4) == 2 && data && length)
			assay_places_add(l, places,
					 &(struct assay_place){ .start = data,
								.length = length,
								.field = F(CODEVIEW),
								.lay_out = lay_out_codeview });
	}
	address = directory(image, EXPORTS, &size);
	at = size >= 8 ? offset_of(image, address, 8) : 0;
	if (at && !is_run(image, at, 8))
		add(l, places, image->keeps_time ? TIME_KEPT : TIME, at + 4, 4,
		    assay_span_text("export directory"));
}

static void lay_out_section(struct assay_layout *l, struct assay_places *inside,
			    const struct image *image, uint64_t index, struct assay_places *outer)
{
	uint64_t at = section_at(image, index), start = get(image, at + 20, 4);
	uint64_t length = get(image, at + 16, 4), done = start, end = start + length;
	bool is_code = get(image, at + 36, 4) & EXECUTABLE;
	struct assay_span name = section_name(image, index);

	if (start == 0)
		return;
	for (size_t i = 0; i < inside->count; i++) {
		const struct assay_place *p = &inside->list[i];

		if (p->start < done || p->start >= end || p->length > end - p->start)
			continue;
		add(l, outer, is_code ? CODE : DATA, done, p->start - done, name);
		assay_places_add(l, outer, p);
		done = p->start + p->length;
	}
	add(l, outer, is_code ? CODE : DATA, done, end - done, name);
}

static void add_parts(struct assay_layout *l, struct assay_places *places, const struct image *image)
{
	struct assay_places inside = { 0 };
	uint64_t symbols = get(image, image->pe + 12, 4), count = get(image, image->pe + 16, 4);
	uint64_t size, certificate = directory(image, SECURITY, &size);

	add_inside(l, &inside, image);
	assay_places_sort(&inside);
	for (uint64_t i = 0; i < image->section_count; i++)
		lay_out_section(l, &inside, image, i, places);
	if (size) /* the one directory that is a place in the file and not an address */
		add(l, places, CERTIFICATE, certificate, size, assay_span_text("signature"));
	if (symbols && count) {
		uint64_t strings = symbols + 18 * count, length = get(image, strings, 4);

		add(l, places, SYMBOLS, symbols, 18 * count + (length >= 4 ? length : 4),
		    assay_span_text("symbols"));
	}
}

static enum assay_code pe_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_places places = { 0 };
	uint64_t end = 0;
	struct image image;

	if (read_image(assay_layout_bytes(l), &image, err))
		return err->code;
	lay_out_stub(l, &image);
	lay_out_headers(l, &image);
	for (uint64_t i = 0; i < image.section_count; i++)
		assay_layout_name(l, assay_layout_leaf(l, F(SECTIONS), SECTION_HEADER),
				  section_name(&image, i));
	add_parts(l, &places, &image);
	for (size_t i = 0; i < places.count; i++)
		if (places.list[i].start + places.list[i].length > end)
			end = places.list[i].start + places.list[i].length;
	if (end < assay_layout_at(l))
		end = assay_layout_at(l);
	if (assay_places_lay_out(l, &places, end, F(GAP), F(PADDING), err))
		return err->code;
	if (!assay_layout_failed(l) && assay_layout_left(l))
		assay_layout_leaf(l, F(TRAILING), assay_layout_left(l));
	return ASSAY_OK;
}

const struct assay_format assay_format_pe = {
	.name = "pe",
	.bid = pe_bid,
	.lay_out = pe_lay_out,
	.fields = pe_fields,
};
