/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpm packages (rpm's docs/manual/format.md): a lead of historical interest, a header with digests and
 * signatures, a header with everything rpm knows of the package, and a compressed cpio archive.  The
 * digests of headers and payload are verified here; those of the files are claims (claims_rpm.c).
 */
#include <stdio.h>
#include <stdlib.h>

#include "assay/codec.h"
#include "assay/digest.h"
#include "field_rows.h"
#include "rpm_read.h"

enum {
	LEAD,
	LEAD_MAGIC,
	LEAD_PART,
	HEADER,
	MAGIC,
	COUNTS,
	ENTRY,
	PLACE,
	PADDING,
	GAP,
	REGION,
	TAG,
	IDENTITY,
	TOOL,
	COMPRESSOR,
	SCRIPT,
	DEPENDENCY,
	FILES,
	TIME,
	HOST,
	MTIMES,
	INODES,
	CHANGELOG,
	FLAGS,
	SIZES,
	FILE_DIGESTS,
	PAYLOAD_CLAIM,
	DIGEST,
	DIGEST_WRONG,
	SIGNATURE,
	RESERVED,
	PAYLOAD,
	SEALED,
};

#define CONTAINER ASSAY_GRADE_CONTAINER

static const struct assay_field rpm_fields[] = {
	[LEAD] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "rpm.lead", ASSAY_SEVERITY_STRUCTURE, NULL,
				 "96 bytes that rpm reads only the magic of"),
	[LEAD_MAGIC] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "rpm.lead.magic", ASSAY_SEVERITY_STRUCTURE, NULL,
				       "ed ab ee db"),
	[LEAD_PART] = ASSAY_ROW_NEVER(ASSAY_METADATA, "rpm.lead.part", ASSAY_SEVERITY_METADATA,
				      "version_string_differs",
				      "version, type, machine and name as file(1) and old rpms read them"),
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "rpm.header", ASSAY_SEVERITY_STRUCTURE, NULL,
				   "an index of tags and the store of their data"),
	[MAGIC] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "rpm.magic", ASSAY_SEVERITY_STRUCTURE, NULL,
				  "8e ad e8, version 1, four reserved bytes"),
	[COUNTS] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "rpm.counts", ASSAY_SEVERITY_METADATA,
				   "size_of_changed_content", "number of tags and size of the store"),
	[ENTRY] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "rpm.index.entry", ASSAY_SEVERITY_DATA, NULL,
				  "tag and type of an entry of the index"),
	[PLACE] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "rpm.index.place", ASSAY_SEVERITY_METADATA,
				  "moved_by_changed_size",
				  "offset and count of an entry: the data of all tags tile the store"),
	[PADDING] = ASSAY_ROW_CHECKED(ASSAY_PADDING, "rpm.padding", assay_check_zero, "rpm-padding",
				      CONTAINER, NULL, "zeros up to the alignment of a type"),
	[GAP] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "rpm.gap", ASSAY_SEVERITY_STRUCTURE, NULL,
				"bytes of the store that belong to no tag"),
	[REGION] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "rpm.region", ASSAY_SEVERITY_METADATA,
				   "size_of_changed_content",
				   "which entries are signed together: all of them, checked"),
	[TAG] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "rpm.tag", ASSAY_SEVERITY_DATA, NULL,
				"a tag of the header, which rpm, dnf or a script may query"),
	[IDENTITY] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "rpm.identity", ASSAY_SEVERITY_STRUCTURE,
				     "source_version_differs",
				     "name, epoch, version, release, architecture"),
	[TOOL] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "rpm.tool", ASSAY_SEVERITY_DATA, "tool_version_differs",
				 "version of rpm, compiler flags and platform of the build"),
	[COMPRESSOR] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "rpm.payload_format", ASSAY_SEVERITY_METADATA,
				       "compression_encoder_differs",
				       "PAYLOADFORMAT and PAYLOADCOMPRESSOR: what rpm unpacks with"),
	[SCRIPT] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "rpm.script", ASSAY_SEVERITY_CODE, NULL,
				   "a scriptlet or trigger, which runs as root, and its interpreter"),
	[DEPENDENCY] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "rpm.dependency", ASSAY_SEVERITY_DATA,
				       "dependency_version_differs",
				       "what the package requires, provides, conflicts with, obsoletes"),
	[FILES] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "rpm.files", ASSAY_SEVERITY_CODE, NULL,
				  "names, modes, owners, link targets, flags and capabilities of the files: "
				  "rpm installs by these, not by the archive"),
	[TIME] = ASSAY_ROW_SAFE(ASSAY_METADATA, "rpm.build_time", "rpm-build-stamp", CONTAINER,
				"timestamps_embedded_in_content",
				"BUILDTIME, seconds since 1970: shown by rpm -qi only"),
	[HOST] = ASSAY_ROW_CHECKED(ASSAY_METADATA, "rpm.build_host", assay_check_base_name,
				   "rpm-build-stamp", CONTAINER, "captures_hostname",
				   "BUILDHOST and COOKIE (host and time): shown by rpm -qi only"),
	[MTIMES] = ASSAY_ROW_CHECKED(ASSAY_METADATA, "rpm.file_mtimes", assay_check_times, "rpm-mtime",
				     CONTAINER, "timestamps_in_cpio_archive",
				     "FILEMTIMES: make and byte-code caches look at the order of times"),
	[INODES] = ASSAY_ROW_NEVER(ASSAY_METADATA, "rpm.file_inodes", ASSAY_SEVERITY_METADATA,
				   "device_or_inode_numbers",
				   "FILEINODES and FILEDEVICES: equal pairs are hard links of each other"),
	[CHANGELOG] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "rpm.changelog", ASSAY_SEVERITY_METADATA, NULL,
				      "times, authors and texts of the changelog"),
	[FLAGS] = ASSAY_ROW_SAFE(ASSAY_METADATA, "rpm.payload_flags", "rpm-recompress",
				 ASSAY_GRADE_ENCODING, "compression_encoder_differs",
				 "PAYLOADFLAGS: level of the compressor; no reader needs it"),
	[SIZES] = ASSAY_ROW_NEVER(ASSAY_METADATA, "rpm.sizes", ASSAY_SEVERITY_METADATA,
				  "size_of_changed_content",
				  "sizes of the files and of all together, as rpm reserves space"),
	[FILE_DIGESTS] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "rpm.file_digests", ASSAY_SEVERITY_METADATA,
					 "checksum_of_changed_content",
					 "FILEDIGESTS: held against the files that differ, and reported "
					 "when false"),
	[PAYLOAD_CLAIM] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "rpm.payload_digest", ASSAY_SEVERITY_METADATA,
					  "checksum_of_changed_content",
					  "digest of the uncompressed payload: held against it when it differs"),
	[DIGEST] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "rpm.digest", "rpm-digest", CONTAINER,
				  "checksum_of_changed_content",
				  "digest or size of the header or the payload, verified"),
	[DIGEST_WRONG] = ASSAY_ROW_NEVER(ASSAY_METADATA, "rpm.digest.false", ASSAY_SEVERITY_STRUCTURE,
					 "false_checksum_claim",
					 "a digest or size that is not that of the header or the payload"),
	[SIGNATURE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "rpm.signature", ASSAY_SEVERITY_STRUCTURE,
				      "cryptographic_signature_differs",
				      "an OpenPGP, IMA or fs-verity signature; a fact of its own, never "
				      "folded"),
	[RESERVED] = ASSAY_ROW_CHECKED(ASSAY_PADDING, "rpm.reserved", assay_check_zero, "rpm-padding",
				       CONTAINER, NULL, "RESERVEDSPACE: zeros to be taken by signatures"),
	[PAYLOAD] = ASSAY_ROW_CHECKED(ASSAY_ENCODING, "rpm.payload", assay_check_payload,
				      "rpm-recompress", ASSAY_GRADE_ENCODING,
				      "compression_encoder_differs", "the compressed cpio archive"),
	[SEALED] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "rpm.payload.raw", ASSAY_SEVERITY_CODE, NULL,
				   "a payload that is not compressed, or in a way not decoded here"),
	{ .name = NULL },
};

#define F(x) (&rpm_fields[x])

/* Tags of the header by number; what stands in no row is a plain tag. */
static const struct {
	uint16_t first, last;
	uint8_t field;
} classes[] = {
	{ 63, 63, REGION },	      { 1000, 1003, IDENTITY },	   { 1006, 1006, TIME },
	{ 1007, 1007, HOST },	      { 1009, 1009, SIZES },	   { 1021, 1022, IDENTITY },
	{ 1023, 1026, SCRIPT },	      { 1027, 1027, FILES },	   { 1028, 1028, SIZES },
	{ 1029, 1033, FILES },	      { 1034, 1034, MTIMES },	   { 1035, 1035, FILE_DIGESTS },
	{ 1036, 1040, FILES },	      { 1045, 1045, FILES },	   { 1046, 1046, SIZES },
	{ 1047, 1050, DEPENDENCY },   { 1053, 1055, DEPENDENCY },  { 1064, 1064, TOOL },
	{ 1065, 1065, SCRIPT },	      { 1066, 1069, DEPENDENCY },  { 1079, 1079, SCRIPT },
	{ 1080, 1082, CHANGELOG },    { 1085, 1088, SCRIPT },	   { 1090, 1090, DEPENDENCY },
	{ 1091, 1092, SCRIPT },	      { 1094, 1094, HOST },	   { 1095, 1096, INODES },
	{ 1097, 1098, FILES },	      { 1112, 1115, DEPENDENCY },  { 1116, 1118, FILES },
	{ 1122, 1122, TOOL },	      { 1124, 1125, COMPRESSOR },	   { 1126, 1126, FLAGS },	   { 1132, 1132, TOOL },
	{ 1147, 1147, FILES },	      { 1151, 1154, SCRIPT },	   { 1156, 1161, DEPENDENCY },
	{ 5008, 5009, SIZES },	      { 5010, 5010, FILES },	   { 5011, 5011, FILES },
	{ 5020, 5027, SCRIPT },	      { 5035, 5037, DEPENDENCY },  { 5046, 5057, DEPENDENCY },
	{ 5066, 5068, SCRIPT },	      { 5069, 5072, DEPENDENCY },  { 5076, 5078, SCRIPT },
	{ 5079, 5082, DEPENDENCY },   { 5084, 5085, DEPENDENCY },  { 5090, 5091, SIGNATURE },
	{ 5097, 5097, PAYLOAD_CLAIM }, { 5103, 5108, SCRIPT },
};

static const struct {
	uint16_t tag;
	uint8_t field;
} signature_classes[] = {
	{ 62, REGION },	   { 259, SIGNATURE },	{ 262, SIGNATURE },  { 267, SIGNATURE },
	{ 268, SIGNATURE }, { 271, SIZES }, { 274, SIGNATURE }, { 275, SIGNATURE },
	{ 276, SIGNATURE }, { 277, SIGNATURE },	{ 278, SIGNATURE },  { 999, RESERVED },
	{ 1002, SIGNATURE }, { 1005, SIGNATURE }, { 1006, SIGNATURE }, { 1007, SIZES },
	{ 1008, RESERVED },
};

static unsigned rpm_bid(struct assay_span file)
{
	return file.len > RPM_LEAD_SIZE && memcmp(file.data, "\xed\xab\xee\xdb", 4) == 0 ? 64 : 0;
}

/* ---- digests ------------------------------------------------------------------------------------------ */

enum covered { OF_HEADER, OF_PAYLOAD, OF_BOTH };

/* Digests and sizes that lay_out verifies.  hash < 0: a size. */
static const struct {
	bool is_signature;
	uint16_t tag;
	enum rpm_type type;
	int hash;
	enum covered covered;
} sums[] = {
	{ true, 257, RPM_INT32, -1, OF_BOTH },
	{ true, 1000, RPM_INT32, -1, OF_BOTH },
	{ true, 270, RPM_INT64, -1, OF_BOTH },
	{ true, 261, RPM_BIN, ASSAY_MD5, OF_BOTH },
	{ true, 1004, RPM_BIN, ASSAY_MD5, OF_BOTH },
	{ true, 269, RPM_STRING, ASSAY_SHA1, OF_HEADER },
	{ true, 273, RPM_STRING, ASSAY_SHA256, OF_HEADER },
	{ false, 5092, RPM_STRINGS, ASSAY_SHA256, OF_PAYLOAD },
	{ false, 5112, RPM_INT64, -1, OF_PAYLOAD },
	{ false, 5121, RPM_STRING, ASSAY_SHA512, OF_PAYLOAD },
};

static struct assay_span covered_by(const struct rpm_header headers[2], enum covered covered)
{
	const struct rpm_header *main = &headers[1];
	struct assay_span file = main->file;

	if (covered == OF_HEADER)
		return assay_span_cut(file, main->start, main->end - main->start);
	return assay_span_cut(file, covered == OF_BOTH ? main->start : main->end, SIZE_MAX);
}

static bool size_is_true(struct assay_span data, uint64_t size)
{
	uint64_t claimed = 0;

	for (size_t i = 0; i < data.len; i++)
		claimed = claimed << 8 | data.data[i];
	return claimed == (data.len == 4 ? (uint32_t)size : size);
}

static bool digest_is_true(struct assay_span data, enum rpm_type type, enum assay_hash hash,
			   struct assay_span of)
{
	char real[ASSAY_HASH_TEXT];
	static const char digits[] = "0123456789abcdef";

	assay_hash_hex(hash, of, real);
	if (type != RPM_BIN)
		return data.len == strlen(real) + 1 && memcmp(data.data, real, data.len) == 0;
	if (data.len * 2 != strlen(real))
		return false;
	for (size_t i = 0; i < data.len; i++)
		if (real[2 * i] != digits[data.data[i] >> 4] ||
		    real[2 * i + 1] != digits[data.data[i] & 15])
			return false;
	return true;
}

/* The field of a tag that is a digest or a size; -1 when it is none. */
static int sum_field(struct assay_layout *l, const struct rpm_header headers[2],
		     const struct rpm_header *h, const struct rpm_entry *e)
{
	struct assay_span data = assay_span_cut(h->file, e->at, e->end - e->at), of;
	bool is_true;

	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		if (sums[i].is_signature != h->is_signature || sums[i].tag != e->tag)
			continue;
		of = covered_by(headers, sums[i].covered);
		is_true = e->type == (uint32_t)sums[i].type && e->count >= 1 &&
			  (sums[i].hash < 0 ? e->count == 1 && size_is_true(data, of.len)
					    : digest_is_true(data, sums[i].type,
							     (enum assay_hash)sums[i].hash, of));
		if (!is_true)
			assay_layout_ambiguous(l, e->at, "%s is not that of the %s",
					       rpm_tag_name(e->tag, h->is_signature),
					       sums[i].covered == OF_HEADER	 ? "header" :
					       sums[i].covered == OF_PAYLOAD ? "payload" :
									       "header and payload");
		return is_true ? DIGEST : DIGEST_WRONG;
	}
	return -1;
}

/* ---- one header ---------------------------------------------------------------------------------------- */

static int class_of(const struct rpm_header *h, const struct rpm_entry *e)
{
	if (h->is_signature) {
		for (size_t i = 0; i < sizeof(signature_classes) / sizeof(signature_classes[0]); i++)
			if (signature_classes[i].tag == e->tag)
				return signature_classes[i].field;
		return TAG;
	}
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (classes[i].first <= e->tag && e->tag <= classes[i].last)
			return classes[i].field;
	return TAG;
}

/* Only what has the shape of its meaning may be folded. */
static int field_of(struct assay_layout *l, const struct rpm_header headers[2],
		    const struct rpm_header *h, const struct rpm_entry *e)
{
	int field = sum_field(l, headers, h, e);

	if (field < 0)
		field = class_of(h, e);
	if ((field == TIME && (e->type != RPM_INT32 || e->count != 1)) ||
	    (field == HOST && (e->type != RPM_STRING || e->end - e->at > 257)) ||
	    (field == FLAGS && (e->type != RPM_STRING || e->end - e->at > 16)) ||
	    (field == MTIMES && e->type != RPM_INT32) ||
	    /* of another type they are no claims, and nothing is held against them */
	    ((field == FILE_DIGESTS || field == PAYLOAD_CLAIM) && e->type != RPM_STRINGS))
		return TAG;
	return field;
}

static const char *name_of(struct assay_layout *l, const struct rpm_header *h,
			   const struct rpm_entry *e)
{
	const char *name = rpm_tag_name(e->tag, h->is_signature);

	if (!name)
		name = assay_arena_printf(&assay_layout_anatomy(l)->arena, "tag %u", e->tag);
	return name ? name : "tag";
}

static void lay_out_data(struct assay_layout *l, const struct rpm_header headers[2],
			 const struct rpm_header *h, const struct rpm_entry *e)
{
	struct assay_span data = assay_span_cut(h->file, e->at, e->end - e->at);
	struct assay_node *leaf = assay_layout_leaf(l, F(field_of(l, headers, h, e)), data.len);
	char shown[300];

	leaf->aux = e->type;
	assay_layout_name(l, leaf, assay_span_text(name_of(l, h, e)));
	if (e->type == RPM_INT32 && e->count == 1)
		assay_layout_value(l, leaf, "%u", rpm_be32(data, 0));
	else if (e->type == RPM_STRING || (e->type == RPM_STRINGS && e->count == 1))
		assay_layout_value(l, leaf, "%s",
				   assay_span_show(assay_span_cut(data, 0, data.len - 1), shown,
						   sizeof(shown)));
}

/* What lies in front of to and belongs to no tag. */
static void lay_out_gap(struct assay_layout *l, uint64_t to, bool may_align)
{
	uint64_t at = assay_layout_at(l);
	struct assay_span gap = assay_layout_peek(l, 0, to - at);
	bool is_padding = may_align && gap.len < 8;

	if (to <= at)
		return;
	for (size_t i = 0; i < gap.len; i++)
		is_padding &= gap.data[i] == 0;
	if (!is_padding)
		assay_layout_ambiguous(l, at, "%zu bytes belong to no tag", gap.len);
	assay_layout_leaf(l, F(is_padding ? PADDING : GAP), gap.len);
}

static void lay_out_header(struct assay_layout *l, const struct rpm_header headers[2],
			   const struct rpm_header *h)
{
	struct assay_node *group = assay_layout_open(l, F(HEADER));

	assay_layout_name(l, group, assay_span_text(h->is_signature ? "signature header" : "header"));
	if (h->doubt[0])
		assay_layout_ambiguous(l, h->doubt_at, "%s", h->doubt);
	assay_layout_leaf(l, F(MAGIC), 8);
	assay_layout_leaf(l, F(COUNTS), 8);
	for (size_t i = 0; i < h->count; i++) {
		struct assay_span name = assay_span_text(name_of(l, h, &h->entries[i]));

		assay_layout_name(l, assay_layout_leaf(l, F(ENTRY), 8), name);
		assay_layout_name(l, assay_layout_leaf(l, F(PLACE), 8), name);
	}
	for (size_t i = 0; i < h->count; i++) {
		const struct rpm_entry *e = &h->entries[h->by_place[i]];

		lay_out_gap(l, e->at, true);
		lay_out_data(l, headers, h, e);
	}
	lay_out_gap(l, h->end, false);
	assay_layout_close(l);
}

/* ---- the package ------------------------------------------------------------------------------------------ */

static void lay_out_lead(struct assay_layout *l)
{
	static const struct {
		const char *name;
		uint8_t length;
	} parts[] = {
		{ "version", 2 }, { "type", 2 },	  { "machine", 2 },  { "name", 66 },
		{ "system", 2 },  { "signature type", 2 }, { "reserved", 16 },
	};
	struct assay_node *group = assay_layout_open(l, F(LEAD));

	assay_layout_name(l, group, assay_span_text("lead"));
	assay_layout_leaf(l, F(LEAD_MAGIC), 4);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		assay_layout_name(l, assay_layout_leaf(l, F(LEAD_PART), parts[i].length),
				  assay_span_text(parts[i].name));
	assay_layout_close(l);
}

static bool is_compressed(const struct assay_format *format)
{
	static const char *const names[] = { "gzip", "xz", "zstd", "bzip2", "lzma" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(format->name, names[i]) == 0)
			return true;
	return false;
}

static void lay_out_payload(struct assay_layout *l, const struct rpm_header *h)
{
	struct assay_span payload = assay_layout_peek(l, 0, UINT64_MAX);
	struct assay_span claimed = rpm_header_find(h, 1125, RPM_STRING);
	const struct assay_format *format = assay_format_detect(payload);
	struct assay_node *leaf;
	char shown[40];

	if (payload.len == 0)
		return;
	if (claimed.len && is_compressed(format) &&
	    strncmp((const char *)claimed.data, format->name, claimed.len) != 0)
		assay_layout_ambiguous(l, assay_layout_at(l),
				       "the header calls the payload %s, and it is %s",
				       assay_span_show(assay_span_cut(claimed, 0, claimed.len - 1), shown,
						       sizeof(shown)),
				       format->name);
	leaf = assay_layout_leaf(l, F(is_compressed(format) ? PAYLOAD : SEALED), payload.len);
	assay_layout_name(l, leaf, assay_span_text("payload"));
	assay_layout_value(l, leaf, "%s", format->name);
	if (is_compressed(format))
		assay_layout_encoded(l, leaf);
	else
		assay_layout_payload(l, leaf);
}

static enum assay_code rpm_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct rpm_header headers[2];
	uint64_t padding;

	if (rpm_headers_read(assay_layout_bytes(l), &assay_layout_anatomy(l)->arena, headers, err))
		return err->code;
	assay_layout_value(l, assay_layout_root(l), "%s",
			   rpm_header_find(&headers[1], 1106, RPM_INT32).len ? "source package"
									      : "package");
	lay_out_lead(l);
	lay_out_header(l, headers, &headers[0]);
	padding = headers[1].start - headers[0].end;
	if (padding)
		lay_out_gap(l, headers[1].start, true);
	lay_out_header(l, headers, &headers[1]);
	lay_out_payload(l, &headers[1]);
	return ASSAY_OK;
}

/* By the module of the compressor: one stream and nothing else, or it is no payload. */
static enum assay_code rpm_decode(const struct assay_anatomy *anatomy, const struct assay_node *node,
				  struct assay_sink *sink, struct assay_error *err)
{
	struct assay_span payload = assay_node_bytes(anatomy, node);
	struct assay_anatomy inner;
	enum assay_code code = assay_anatomy_open_as(assay_format_detect(payload), payload, &inner, err);

	if (code)
		return assay_context(err, "payload");
	if (inner.structure == ASSAY_AMBIGUOUS)
		code = assay_fail(err, ASSAY_EINPUT, "%s: %s", inner.format->name, inner.reason);
	else if (!inner.format->decode || !(inner.root->flags & ASSAY_NODE_ENCODED))
		code = assay_fail(err, ASSAY_EBUG, "payload: %s has no decoder", inner.format->name);
	else
		code = inner.format->decode(&inner, inner.root, sink, err);
	assay_anatomy_release(&inner);
	return code;
}

/* ---- which item of a list of strings differs ---------------------------------------------------------------- */

static size_t count_strings(struct assay_span s)
{
	size_t count = 0;

	for (size_t i = 0; i < s.len; i++)
		count += s.data[i] == 0;
	return count;
}

static struct assay_span string_at(struct assay_span s, size_t at)
{
	return assay_span_of(s.data + at, strnlen((const char *)s.data + at, s.len - at));
}

static bool is_list(const struct assay_node *node)
{
	return node->field->kind == ASSAY_CONTENT && node->field != F(SEALED) &&
	       (node->aux == RPM_STRINGS || node->aux == RPM_STRING || node->aux == RPM_I18N_STRINGS);
}

static enum assay_code rpm_differ(const struct assay_anatomy *left, const struct assay_node *left_node,
				  const struct assay_anatomy *right,
				  const struct assay_node *right_node,
				  struct assay_findings *findings, struct assay_error *err)
{
	struct assay_span l = assay_node_bytes(left, left_node), r = assay_node_bytes(right, right_node);
	size_t count = count_strings(l), at[2] = { 0, 0 };
	char name[32];

	(void)err;
	if (!is_list(left_node) || !is_list(right_node) || count != count_strings(r))
		return ASSAY_OK;
	for (size_t i = 0; i < count; i++) {
		struct assay_span x = string_at(l, at[0]), y = string_at(r, at[1]);

		snprintf(name, sizeof(name), "item %zu", i);
		if (!assay_span_equal(x, y))
			assay_findings_add(findings,
					   &(struct assay_located){
						   .name = assay_span_text(count > 1 ? name : ""),
						   .left_offset = left_node->offset + at[0],
						   .left_length = x.len,
						   .right_offset = right_node->offset + at[1],
						   .right_length = y.len,
						   .bytes = x.len > y.len ? x.len : y.len,
						   .severity = left_node->field->severity,
					   });
		at[0] += x.len + 1;
		at[1] += y.len + 1;
	}
	return ASSAY_OK;
}

const struct assay_format assay_format_rpm = {
	.name = "rpm",
	.bid = rpm_bid,
	.lay_out = rpm_lay_out,
	.decode = rpm_decode,
	.differ = rpm_differ,
	.is_package = true,
	.fields = rpm_fields,
};
