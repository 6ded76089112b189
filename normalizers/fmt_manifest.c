/* SPDX-License-Identifier: Apache-2.0 */
/*
 * META-INF/MANIFEST.MF and the .SF files of signed jars (jar file specification): sections of headers, a
 * header with its continuation lines.  Programs can read every one of them, so none is folded; each is
 * compared by itself and named.
 */
#include "field_rows.h"

enum {
	SECTION,
	HEADER,
	BUILT_BY,
	TIME,
	TOOL,
	DIGEST,
	SIGNED,
	BLANK,
	ODD,
};

static const struct assay_field manifest_fields[] = {
	[SECTION] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "manifest.section", ASSAY_SEVERITY_DATA, NULL,
				    "the main section, or that of one file (Name)"),
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "manifest.header", ASSAY_SEVERITY_DATA, NULL,
				   "a header and its continuation lines: Main-Class and Class-Path decide "
				   "what runs, any other a program may read"),
	[BUILT_BY] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "manifest.built_by", ASSAY_SEVERITY_METADATA,
				     "captures_username", "Built-By: who ran the build"),
	[TIME] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "manifest.time", ASSAY_SEVERITY_METADATA,
				 "timestamps_in_java_manifest",
				 "Bnd-LastModified, Build-Time and the like: when the build ran"),
	[TOOL] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "manifest.tool", ASSAY_SEVERITY_METADATA,
				 "tool_version_differs", "Created-By, Build-Jdk, Tool: what built the jar"),
	[DIGEST] = ASSAY_ROW_NEVER(ASSAY_METADATA, "manifest.digest", ASSAY_SEVERITY_METADATA,
				   "checksum_of_changed_content",
				   "digest of a file of the jar: a claim, held against that file"),
	[SIGNED] = ASSAY_ROW_NEVER(ASSAY_METADATA, "manifest.signed_digest", ASSAY_SEVERITY_STRUCTURE,
				   "cryptographic_signature_differs",
				   "digest of the manifest, or of a section, that the jar's signature "
				   "covers"),
	[BLANK] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "manifest.blank", ASSAY_SEVERITY_STRUCTURE,
				  "line_endings_differ", "the empty line that ends a section"),
	[ODD] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "manifest.odd", ASSAY_SEVERITY_STRUCTURE, NULL,
				"what is no header: readers differ"),
	{ .name = NULL },
};

#define F(x) (&manifest_fields[x])

static const struct {
	const char *key;
	uint8_t field;
} headers[] = {
	{ "Built-By", BUILT_BY },	{ "Build-Host", BUILT_BY },   { "Builder", BUILT_BY },
	{ "Bnd-LastModified", TIME },	{ "Build-Time", TIME },	      { "Build-Date", TIME },
	{ "Build-Timestamp", TIME },	{ "Built-On", TIME },	      { "Build-Date-UTC", TIME },
	{ "Created-By", TOOL },		{ "Build-Jdk", TOOL },	      { "Build-Jdk-Spec", TOOL },
	{ "Tool", TOOL },		{ "Build-Tool", TOOL },	      { "Ant-Version", TOOL },
	{ "Archiver-Version", TOOL },	{ "Originally-Created-By", TOOL },
};

static unsigned manifest_bid(struct assay_span file)
{
	if (assay_span_starts(file, "Manifest-Version: "))
		return 18 * 8;
	return assay_span_starts(file, "Signature-Version: ") ? 19 * 8 : 0;
}

/* Up to behind the newline (LF, CR LF or CR). */
static size_t line_length(struct assay_span rest)
{
	for (size_t i = 0; i < rest.len; i++) {
		if (rest.data[i] == '\n')
			return i + 1;
		if (rest.data[i] == '\r')
			return i + 1 < rest.len && rest.data[i + 1] == '\n' ? i + 2 : i + 1;
	}
	return rest.len;
}

static size_t header_length(struct assay_span rest)
{
	size_t length = line_length(rest);

	while (length < rest.len && rest.data[length] == ' ')
		length += line_length(assay_span_cut(rest, length, SIZE_MAX));
	return length;
}

static int field_of(struct assay_span key, bool is_signature)
{
	if (assay_span_ends(key, "-Digest") || assay_span_ends(key, "-Digest-Manifest") ||
	    assay_span_ends(key, "-Digest-Manifest-Main-Attributes"))
		return is_signature ? SIGNED : DIGEST;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		if (key.len == strlen(headers[i].key) &&
		    strncasecmp((const char *)key.data, headers[i].key, key.len) == 0)
			return headers[i].field;
	return HEADER;
}

static bool is_blank(struct assay_span line)
{
	return line.len == 0 || line.data[0] == '\n' || line.data[0] == '\r';
}

/* One section without its blank line; a header that comes twice is read by some as the first. */
static void lay_out_section(struct assay_layout *l, bool is_main, bool is_signature)
{
	struct assay_span first = assay_layout_peek(l, 0, UINT64_MAX), rest = first, key;
	struct assay_node *group = assay_layout_open(l, F(SECTION)), *leaf;

	first = assay_span_cut(first, 0, header_length(first));
	assay_layout_name(l, group, is_main ? assay_span_text("main") :
			  assay_span_starts(first, "Name: ") ?
				   assay_span_trim(assay_span_cut(first, 6, SIZE_MAX)) :
				   assay_span_text("section without a name"));
	while (rest.len && !is_blank(rest) && !assay_layout_failed(l)) {
		size_t length = header_length(rest), colon = assay_span_find(rest, 0, assay_span_text(": "));

		key = assay_span_cut(rest, 0, colon < length ? colon : 0);
		leaf = assay_layout_leaf(l, F(key.len ? field_of(key, is_signature) : ODD), length);
		assay_layout_name(l, leaf, key);
		if (!key.len)
			assay_layout_ambiguous(l, leaf->offset, "a line that is no header");
		rest = assay_span_cut(rest, length, SIZE_MAX);
	}
	assay_layout_close(l);
}

static enum assay_code manifest_lay_out(struct assay_layout *l, struct assay_error *err)
{
	bool is_signature = assay_span_starts(assay_layout_bytes(l), "Signature");
	bool is_main = true;

	(void)err;
	assay_layout_value(l, assay_layout_root(l), is_signature ? "signature file" : "manifest");
	while (assay_layout_left(l) && !assay_layout_failed(l)) {
		struct assay_span rest = assay_layout_peek(l, 0, UINT64_MAX);

		if (is_blank(rest)) {
			assay_layout_leaf(l, F(BLANK), line_length(rest));
			continue;
		}
		lay_out_section(l, is_main, is_signature);
		is_main = false;
	}
	return ASSAY_OK;
}

const struct assay_format assay_format_manifest = {
	.name = "manifest",
	.bid = manifest_bid,
	.lay_out = manifest_lay_out,
	.fields = manifest_fields,
};
