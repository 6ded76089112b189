/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip (RFC 1952).  A member does not say where its deflate stream ends, so a file is taken for one
 * member that reaches to its end unless something speaks against that (what looks like a second
 * header, a size that cannot be), or it is small; only then the streams are decoded once to find the ends.  decode()
 * proves the assumption whenever a payload is read: stream end, CRC-32 and size must be exact.
 */
#include <stdio.h>

#include "emit.h"
#include "field_rows.h"
#include "rows.h"

enum {
	MEMBER,
	MAGIC,
	FLAGS,
	MTIME,
	XFL,
	OS,
	EXTRA,
	NAME,
	COMMENT,
	HEADER_CRC,
	DEFLATE,
	CRC32,
	ISIZE,
	TRAILING,
};

static const struct assay_field gzip_fields[] = {
	[MEMBER] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "gzip.member", ASSAY_SEVERITY_STRUCTURE, NULL,
				   "one gzip member; some readers stop after the first (RFC 1952 2.2)"),
	[MAGIC] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "gzip.magic", ASSAY_SEVERITY_STRUCTURE, NULL,
				  "1f 8b and the method, 8 = deflate (RFC 1952 2.3.1)"),
	[FLAGS] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "gzip.flags", "gzip-header", ASSAY_GRADE_ENCODING,
				 NULL, "which optional fields follow; each is rated by itself (FLG)"),
	[MTIME] = ASSAY_ROW_SAFE(ASSAY_METADATA, "gzip.mtime", "gzip-mtime", ASSAY_GRADE_ENCODING,
				 "timestamps_in_gzip_headers",
				 "time of the compressed file; only gunzip -N and -l look at it (MTIME)"),
	[XFL] = ASSAY_ROW_SAFE(ASSAY_METADATA, "gzip.xfl", "gzip-header", ASSAY_GRADE_ENCODING,
			       "compression_encoder_differs", "a hint at the level used (XFL)"),
	[OS] = ASSAY_ROW_SAFE(ASSAY_METADATA, "gzip.os", "gzip-header", ASSAY_GRADE_ENCODING,
			      "compression_encoder_differs",
			      "the system that compressed; informative (OS)"),
	[EXTRA] = ASSAY_ROW_NEVER(ASSAY_METADATA, "gzip.extra", ASSAY_SEVERITY_METADATA, NULL,
				  "subfields that seekable readers use, BGZF and dictzip (FEXTRA)"),
	[NAME] = ASSAY_ROW_CHECKED(ASSAY_METADATA, "gzip.name", assay_check_base_name, "gzip-name",
				   ASSAY_GRADE_ENCODING, "timestamps_in_gzip_headers",
				   "original file name, which gunzip -N restores (FNAME)"),
	[COMMENT] = ASSAY_ROW_UNSAFE(ASSAY_METADATA, "gzip.comment", ASSAY_SEVERITY_METADATA,
				     "gzip-comment", NULL, "free text (FCOMMENT)"),
	[HEADER_CRC] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "gzip.header_crc", "gzip-header",
				      ASSAY_GRADE_ENCODING, NULL,
				      "low half of the CRC-32 of the header (FHCRC)"),
	[DEFLATE] = ASSAY_ROW_CHECKED(ASSAY_ENCODING, "gzip.deflate", assay_check_payload,
				      "gzip-recompress", ASSAY_GRADE_ENCODING,
				      "compression_encoder_differs",
				      "the deflate stream: the compressor, its implementation and level "
				      "shape it (RFC 1951)"),
	[CRC32] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "gzip.crc32", ASSAY_SEVERITY_METADATA,
				  "checksum_of_changed_content", "CRC-32 of the payload"),
	[ISIZE] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "gzip.isize", ASSAY_SEVERITY_METADATA,
				  "size_of_changed_content", "size of the payload modulo 2^32"),
	[TRAILING] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "gzip.trailing", ASSAY_SEVERITY_STRUCTURE, NULL,
				     "bytes behind the last member: ignored, refused or read as padding"),
	{ .name = NULL },
};

#define F(x) (&gzip_fields[x])

enum { FTEXT = 1, FHCRC = 2, FEXTRA = 4, FNAME = 8, FCOMMENT = 16, RESERVED = 0xe0 };

#define FIXED 10
#define TRAILER 8
#define DEFLATE_MAX_RATIO 1032
#define ALWAYS_MEASURED 65536

struct gzip_header {
	uint8_t flags;
	size_t extra, name, comment, crc; /* lengths, 0 = absent */
	size_t length;			  /* of the whole header */
};

static uint32_t le(struct assay_span s, uint64_t at, unsigned width)
{
	return (uint32_t)assay_rows_number(s, at, width, false);
}

static bool starts_member(struct assay_span s)
{
	return s.len >= FIXED + 2 + TRAILER && s.data[0] == 0x1f && s.data[1] == 0x8b &&
	       s.data[2] == 8 && !(s.data[3] & RESERVED);
}

static unsigned gzip_bid(struct assay_span file)
{
	return starts_member(file) ? 27 : 0;
}

static bool text_length(struct assay_span s, size_t at, size_t *ret)
{
	const uint8_t *nul = at < s.len ? memchr(s.data + at, 0, s.len - at) : NULL;

	if (!nul)
		return false;
	*ret = (size_t)(nul - (s.data + at)) + 1;
	return true;
}

static enum assay_code read_header(struct assay_span s, uint64_t offset, struct gzip_header *ret,
				   struct assay_error *err)
{
	struct gzip_header h = { .flags = s.data[3], .length = FIXED };
	bool whole = true;

	if (h.flags & FEXTRA) {
		h.extra = s.len >= h.length + 2 ? 2 + le(s, h.length, 2) : SIZE_MAX / 2;
		h.length += h.extra;
	}
	if (h.flags & FNAME && (whole = text_length(s, h.length, &h.name)))
		h.length += h.name;
	if (whole && h.flags & FCOMMENT && (whole = text_length(s, h.length, &h.comment)))
		h.length += h.comment;
	if (h.flags & FHCRC)
		h.length += h.crc = 2;
	if (!whole || h.length > s.len || s.len - h.length < 2 + TRAILER)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: header: cut short",
				  (unsigned long long)offset);
	if (h.crc &&
	    le(s, h.length - 2, 2) != (assay_crc32(0, assay_span_cut(s, 0, h.length - 2)) & 0xffff))
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: header CRC is wrong",
				  (unsigned long long)(offset + h.length - 2));
	*ret = h;
	return ASSAY_OK;
}

/* What follows the first header cannot be, or does not look like, one stream to the end. */
static bool is_suspicious(struct assay_span file, size_t header)
{
	static const uint8_t magic[] = { 0x1f, 0x8b, 0x08 };
	uint64_t stream = file.len - header - TRAILER, isize = le(file, file.len - 4, 4);
	size_t at = header;

	/* small enough to look */
	if (stream < ALWAYS_MEASURED)
		return true;
	/* deflate stores at worst 5 bytes more for each 16 KiB; above 4 GiB the size wraps */
	if (stream < UINT32_MAX / DEFLATE_MAX_RATIO &&
	    (isize > stream * DEFLATE_MAX_RATIO || isize + isize / 1000 + 64 < stream))
		return true;
	while ((at = assay_span_find(file, at, assay_span_of(magic, 3))) != SIZE_MAX) {
		if (starts_member(assay_span_cut(file, at, SIZE_MAX)))
			return true;
		at++;
	}
	return false;
}

static enum assay_code lay_out_member(struct assay_layout *l, const struct gzip_header *h,
				      uint64_t stream)
{
	struct assay_span head = assay_layout_peek(l, 0, h->length);
	struct assay_node *node;

	assay_layout_leaf(l, F(MAGIC), 3);
	assay_layout_leaf(l, F(FLAGS), 1);
	node = assay_layout_leaf(l, F(MTIME), 4);
	assay_layout_value(l, node, "%u", le(head, 4, 4));
	node = assay_layout_leaf(l, F(XFL), 1);
	assay_layout_value(l, node, "%u", head.data[8]);
	node = assay_layout_leaf(l, F(OS), 1);
	assay_layout_value(l, node, "%u", head.data[9]);
	if (h->extra)
		assay_layout_leaf(l, F(EXTRA), h->extra);
	if (h->name)
		assay_layout_leaf(l, F(NAME), h->name);
	if (h->comment)
		assay_layout_leaf(l, F(COMMENT), h->comment);
	if (h->crc)
		assay_layout_leaf(l, F(HEADER_CRC), h->crc);
	assay_layout_leaf(l, F(DEFLATE), stream);
	assay_layout_leaf(l, F(CRC32), 4);
	assay_layout_leaf(l, F(ISIZE), 4);
	return ASSAY_OK;
}

/* Members whose ends had to be found by decoding. */
static enum assay_code lay_out_measured(struct assay_layout *l, struct assay_error *err)
{
	for (size_t i = 0; !assay_layout_failed(l); i++) {
		struct assay_span rest = assay_layout_peek(l, 0, UINT64_MAX);
		uint64_t at = assay_layout_at(l);
		struct assay_measure m;
		struct gzip_header h;
		size_t end;

		if (!starts_member(rest))
			break;
		if (read_header(rest, at, &h, err) ||
		    assay_codec_measure(ASSAY_CODEC_DEFLATE,
					assay_span_cut(rest, h.length, SIZE_MAX), &m, err))
			return assay_context(err, "member %zu", i);
		end = h.length + m.consumed;
		if (rest.len - end < TRAILER || le(rest, end, 4) != m.crc32 ||
		    le(rest, end + 4, 4) != (uint32_t)m.size)
			return assay_fail(err, ASSAY_EINPUT, "member %zu: CRC or size is wrong", i);
		if (i == 1)
			assay_layout_ambiguous(l, at, "more than one member");
		assay_layout_open(l, F(MEMBER));
		lay_out_member(l, &h, m.consumed);
		assay_layout_close(l);
	}
	if (assay_layout_left(l)) {
		assay_layout_ambiguous(l, assay_layout_at(l), "%llu bytes behind the last member",
				       (unsigned long long)assay_layout_left(l));
		assay_layout_leaf(l, F(TRAILING), assay_layout_left(l));
	}
	return ASSAY_OK;
}

static enum assay_code gzip_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	struct gzip_header h;

	assay_layout_encoded(l, assay_layout_root(l));
	if (read_header(file, 0, &h, err))
		return err->code;
	if (is_suspicious(file, h.length))
		return lay_out_measured(l, err);
	assay_layout_open(l, F(MEMBER));
	lay_out_member(l, &h, file.len - h.length - TRAILER);
	assay_layout_close(l);
	return ASSAY_OK;
}

static enum assay_code decode_member(struct assay_span file, const struct assay_node *group,
				     struct assay_sink *sink, struct assay_error *err)
{
	size_t before = assay_sink_bytes(sink).len;
	struct assay_span stream = { NULL, 0 }, decoded;
	uint64_t end = group->offset + group->length, consumed;

	for (const struct assay_node *node = group->first; node; node = node->next)
		if (node->field == F(DEFLATE))
			stream = assay_span_cut(file, node->offset, node->length);
	if (assay_codec_decode(ASSAY_CODEC_DEFLATE, &stream, 1, sink, &consumed, err))
		return err->code;
	decoded = assay_span_cut(assay_sink_bytes(sink), before, SIZE_MAX);
	if (consumed != stream.len)
		return assay_fail(err, ASSAY_EINPUT,
				  "deflate stream ends %llu bytes before the checksum",
				  (unsigned long long)(stream.len - consumed));
	if (le(file, end - 8, 4) != assay_crc32(0, decoded))
		return assay_fail(err, ASSAY_EINPUT, "CRC-32 is wrong");
	if (le(file, end - 4, 4) != (uint32_t)decoded.len)
		return assay_fail(err, ASSAY_EINPUT, "size is wrong: have %zu bytes", decoded.len);
	return ASSAY_OK;
}

static enum assay_code gzip_decode(const struct assay_anatomy *anatomy,
				   const struct assay_node *node, struct assay_sink *sink,
				   struct assay_error *err)
{
	for (const struct assay_node *member = node->first; member; member = member->next)
		if (member->field == F(MEMBER) && decode_member(anatomy->bytes, member, sink, err))
			return err->code;
	return ASSAY_OK;
}

/* ---- the canonical form ---------------------------------------------------------------------------- */

#define OS_UNKNOWN 255

/* Subfields that seekable readers use say where blocks of this very stream start: it stays. */
static enum assay_code emit_stream(struct assay_emit *e, const struct assay_anatomy *a,
				   struct assay_node *const *parts, struct assay_rope *rope,
				   struct assay_error *err)
{
	struct assay_emitted emitted = { .is_kept = true };
	struct assay_span none = { NULL, 0 };
	uint8_t trailer[TRAILER];
	enum assay_code code;

	if (!parts[EXTRA] && assay_emit_encoded(e, a, a->root, F(DEFLATE), ASSAY_CODEC_DEFLATE, false,
						none, &emitted, err))
		return err->code;
	if (emitted.is_kept) {
		code = assay_rope_add(rope, assay_span_cut(a->bytes, parts[DEFLATE]->offset, SIZE_MAX),
				      err);
	} else {
		assay_emit_le(trailer, emitted.crc32, 4);
		assay_emit_le(trailer + 4, emitted.size & UINT32_MAX, 4);
		code = assay_rope_join(rope, &emitted.rope, err);
		if (!code)
			code = assay_emit_make(e, rope, trailer, sizeof(trailer), err);
	}
	assay_emitted_release(&emitted);
	return code;
}

static bool drops_name(const struct assay_emit *e, const struct assay_anatomy *a,
		       const struct assay_node *name)
{
	struct assay_span bytes = name ? assay_node_bytes(a, name) : assay_span_of(NULL, 0);

	return !name || (assay_emit_wants(e, F(NAME)) && F(NAME)->check->leaf(bytes, bytes));
}

static enum assay_code gzip_emit(struct assay_emit *e, const struct assay_anatomy *a,
				 struct assay_rope *rope, struct assay_error *err)
{
	static const int optional[] = { EXTRA, NAME, COMMENT }, flags[] = { FEXTRA, FNAME, FCOMMENT };
	struct assay_node *parts[TRAILING + 1] = { NULL };
	uint8_t head[FIXED] = { 0x1f, 0x8b, 8 };
	enum assay_code code = ASSAY_OK;

	for (struct assay_node *n = a->root->first->first; n; n = n->next)
		parts[n->field - gzip_fields] = n;
	if (drops_name(e, a, parts[NAME]))
		parts[NAME] = NULL;
	if (assay_emit_wants(e, F(COMMENT)))
		parts[COMMENT] = NULL;
	for (size_t i = 0; i < 3; i++)
		head[3] |= parts[optional[i]] ? (uint8_t)flags[i] : 0;
	if (!assay_emit_wants(e, F(MTIME)))
		memcpy(head + 4, a->bytes.data + parts[MTIME]->offset, 4);
	head[9] = OS_UNKNOWN;
	if (assay_emit_make(e, rope, head, sizeof(head), err))
		return err->code;
	for (size_t i = 0; i < 3 && !code; i++)
		if (parts[optional[i]])
			code = assay_emit_copy(rope, a, parts[optional[i]], err);
	return code ? code : emit_stream(e, a, parts, rope, err);
}

const struct assay_format assay_format_gzip = {
	.name = "gzip",
	.bid = gzip_bid,
	.lay_out = gzip_lay_out,
	.decode = gzip_decode,
	.emit = gzip_emit,
	.fields = gzip_fields,
};
