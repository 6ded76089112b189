/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JPEG (ITU-T T.81, annex B; JFIF; Exif 2.32): segments by marker, dates of the Exif directory as fields,
 * the entropy-coded data of each scan as content.
 */
#include "field_rows.h"
#include "rows.h"

enum {
	MARKER,
	SEGMENT,
	FRAME,
	TABLES,
	APPLICATION,
	EXIF,
	DATE,
	COMMENT,
	SCAN,
	TRAILING,
};

static const struct assay_field jpeg_fields[] = {
	[MARKER] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "jpeg.marker", ASSAY_SEVERITY_STRUCTURE, NULL,
				   "start or end of the image (B.1.1.3)"),
	[SEGMENT] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "jpeg.segment", ASSAY_SEVERITY_DATA, NULL,
				    "a segment: marker, length, parameters (B.1.1.4)"),
	[FRAME] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "jpeg.segment.frame", ASSAY_SEVERITY_METADATA, NULL,
				  "marker and length of a segment"),
	[TABLES] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "jpeg.parameters", ASSAY_SEVERITY_DATA, NULL,
				   "size of the image, tables, parameters of a scan (B.2)"),
	[APPLICATION] = ASSAY_ROW_NEVER(ASSAY_METADATA, "jpeg.application", ASSAY_SEVERITY_DATA, NULL,
					"data of an application: JFIF, colour profile, XMP (B.2.4.6)"),
	[EXIF] = ASSAY_ROW_NEVER(ASSAY_METADATA, "jpeg.exif", ASSAY_SEVERITY_METADATA, NULL,
				 "Exif but for its dates: orientation is obeyed, places are private"),
	[DATE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "jpeg.exif.date", ASSAY_SEVERITY_METADATA,
				 "timestamps_embedded_in_content",
				 "DateTime, DateTimeOriginal or DateTimeDigitized: catalogues sort by it"),
	[COMMENT] = ASSAY_ROW_NEVER(ASSAY_METADATA, "jpeg.comment", ASSAY_SEVERITY_METADATA, NULL,
				    "comment, often the name of the encoder (B.2.4.5)"),
	[SCAN] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "jpeg.scan", ASSAY_SEVERITY_DATA, NULL,
				 "entropy-coded image data"),
	[TRAILING] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "jpeg.trailing", ASSAY_SEVERITY_STRUCTURE, NULL,
				     "bytes behind the end of the image: some programs read them"),
	{ .name = NULL },
};

#define F(x) (&jpeg_fields[x])

enum { SOI = 0xd8, EOI = 0xd9, SOS = 0xda, APP0 = 0xe0, APP1 = 0xe1, APP15 = 0xef, COM = 0xfe };

#define DATE_SIZE 19 /* "2024:01:31 23:59:59" */

static unsigned jpeg_bid(struct assay_span file)
{
	return file.len >= 4 && memcmp(file.data, "\xff\xd8\xff", 3) == 0 && file.data[3] >= 0xc0 ? 26 :
												    0;
}

static const char *marker_name(uint8_t marker)
{
	static const char *const named[] = { [0] = "SOF0", [1] = "SOF1", [2] = "SOF2", [4] = "DHT",
					     [0x1a] = "SOS", [0x1b] = "DQT", [0x1c] = "DNL",
					     [0x1d] = "DRI" };
	static const char *const applications[] = {
		"APP0", "APP1", "APP2",	 "APP3",  "APP4",  "APP5",  "APP6",  "APP7",
		"APP8", "APP9", "APP10", "APP11", "APP12", "APP13", "APP14", "APP15"
	};

	if (marker >= APP0 && marker <= APP15)
		return applications[marker - APP0];
	if (marker == COM)
		return "COM";
	if (marker >= 0xc0 && marker - 0xc0U < sizeof(named) / sizeof(named[0]) && named[marker - 0xc0])
		return named[marker - 0xc0];
	return "other";
}

/* yyyy:mm:dd hh:mm:ss, digits and separators in their places. */
static bool is_date(struct assay_span s)
{
	static const char pattern[] = "0000:00:00 00:00:00";

	for (size_t i = 0; i < DATE_SIZE; i++)
		if (pattern[i] == '0' ? s.data[i] < '0' || s.data[i] > '9' :
					s.data[i] != (uint8_t)pattern[i])
			return false;
	return true;
}

/* Dates have a form of their own, so they are found without the directory that points to them. */
static void lay_out_exif(struct assay_layout *l, uint64_t length)
{
	struct assay_span s = assay_layout_peek(l, 0, length);
	uint64_t done = 0;

	for (uint64_t at = 0; at + DATE_SIZE <= s.len; at++) {
		if (!is_date(assay_span_cut(s, at, DATE_SIZE)))
			continue;
		if (at > done)
			assay_layout_leaf(l, F(EXIF), at - done);
		assay_layout_leaf(l, F(DATE), DATE_SIZE);
		done = at + DATE_SIZE;
		at = done - 1;
	}
	if (s.len > done)
		assay_layout_leaf(l, F(EXIF), s.len - done);
}

static void lay_out_segment(struct assay_layout *l, uint8_t marker, uint64_t length)
{
	struct assay_span data = assay_layout_peek(l, 4, length - 2);

	assay_layout_name(l, assay_layout_open(l, F(SEGMENT)), assay_span_text(marker_name(marker)));
	assay_layout_leaf(l, F(FRAME), 4);
	if (marker == APP1 && assay_span_starts(data, "Exif"))
		lay_out_exif(l, data.len);
	else if (data.len && marker >= APP0 && marker <= APP15)
		assay_layout_leaf(l, F(APPLICATION), data.len);
	else if (data.len)
		assay_layout_leaf(l, F(marker == COM ? COMMENT : TABLES), data.len);
	assay_layout_close(l);
}

/* Up to the next marker that is neither a stuffed zero nor a restart (B.1.1.5). */
static uint64_t scan_length(struct assay_span s)
{
	for (uint64_t at = 0; at + 1 < s.len; at++)
		if (s.data[at] == 0xff && s.data[at + 1] != 0 && s.data[at + 1] != 0xff &&
		    (s.data[at + 1] < 0xd0 || s.data[at + 1] > 0xd7))
			return at;
	return s.len;
}

static enum assay_code jpeg_lay_out(struct assay_layout *l, struct assay_error *err)
{
	assay_layout_leaf(l, F(MARKER), 2);
	while (!assay_layout_failed(l) && assay_layout_left(l)) {
		struct assay_span rest = assay_layout_peek(l, 0, UINT64_MAX);
		uint64_t length = assay_rows_number(rest, 2, 2, true);
		uint8_t marker = rest.len > 1 ? rest.data[1] : 0;

		if (rest.data[0] != 0xff || marker < 0xc0 || marker == SOI)
			return assay_fail(err, ASSAY_EINPUT, "offset %llu: want a marker",
					  (unsigned long long)assay_layout_at(l));
		if (marker == EOI) {
			assay_layout_leaf(l, F(MARKER), 2);
			break;
		}
		if (length < 2 || length > rest.len - 2)
			return assay_fail(err, ASSAY_EINPUT, "offset %llu: segment: cut short",
					  (unsigned long long)assay_layout_at(l));
		lay_out_segment(l, marker, length);
		if (marker == SOS && assay_layout_left(l))
			assay_layout_leaf(l, F(SCAN),
					  scan_length(assay_layout_peek(l, 0, UINT64_MAX)));
	}
	if (!assay_layout_failed(l) && assay_layout_left(l)) {
		assay_layout_ambiguous(l, assay_layout_at(l), "%llu bytes behind the end of the image",
				       (unsigned long long)assay_layout_left(l));
		assay_layout_leaf(l, F(TRAILING), assay_layout_left(l));
	}
	return ASSAY_OK;
}

const struct assay_format assay_format_jpeg = {
	.name = "jpeg",
	.bid = jpeg_bid,
	.lay_out = jpeg_lay_out,
	.fields = jpeg_fields,
};
