/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PDF (ISO 32000-2): indirect objects one after the other, cross-reference tables whose offsets are
 * checked, trailers.  Read from the front to the end, as nothing reads it but everything written is met;
 * what stands between the parts makes the structure ambiguous.  Streams are decoded where Flate is their
 * only filter.
 */
#include <stdio.h>

#include "assay/codec.h"
#include "field_rows.h"
#include "pdf_token.h"

enum {
	OBJECT,
	FRAME,
	TEXT,
	COMMENT,
	SPACE,
	DATE,
	TOOL,
	ID,
	LENGTH,
	FLATE,
	XREF_STREAM,
	STREAM,
	SIGNATURE,
	XREF,
	START,
	TRAILER,
	GARBAGE,
};

#define CONTAINER ASSAY_GRADE_CONTAINER

static const struct assay_field pdf_fields[] = {
	[OBJECT] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "pdf.object", ASSAY_SEVERITY_DATA, NULL,
				   "an indirect object (7.3.10)"),
	[FRAME] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "pdf.frame", ASSAY_SEVERITY_STRUCTURE, NULL,
				  "obj, endobj, stream, endstream, trailer"),
	[TEXT] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "pdf.text", ASSAY_SEVERITY_DATA, NULL,
				 "dictionaries and other values: what is shown, and scripts that run (7.3)"),
	[COMMENT] = ASSAY_ROW_NEVER(ASSAY_METADATA, "pdf.comment", ASSAY_SEVERITY_METADATA,
				    "version_string_differs",
				    "a comment, the header with the version among them (7.5.2)"),
	[SPACE] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "pdf.space", ASSAY_SEVERITY_METADATA, NULL,
				  "white space between objects"),
	[DATE] = ASSAY_ROW_SAFE(ASSAY_METADATA, "pdf.date", "pdf-date", CONTAINER, "timestamps_in_pdf",
				"CreationDate or ModDate: a date as 7.9.4 writes it and nothing else"),
	[TOOL] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "pdf.producer", ASSAY_SEVERITY_METADATA,
				 "tool_version_differs", "Producer or Creator: what wrote the file (14.3.3)"),
	[ID] = ASSAY_ROW_SAFE(ASSAY_METADATA, "pdf.id", "pdf-id", CONTAINER, "timestamps_in_pdf",
			      "ID of the trailer, two digests of the time and the rest of the file; no "
			      "reader needs it in a file that is not encrypted (14.4)"),
	[LENGTH] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "pdf.length", ASSAY_SEVERITY_METADATA,
				   "size_of_changed_content", "Length of a stream, checked (7.3.8.2)"),
	[FLATE] = ASSAY_ROW_CHECKED(ASSAY_ENCODING, "pdf.flate", assay_check_payload, "pdf-recompress",
				    ASSAY_GRADE_ENCODING, "compression_encoder_differs",
				    "a stream compressed with Flate (7.4.4)"),
	[XREF_STREAM] = ASSAY_ROW_NEVER(ASSAY_METADATA, "pdf.xref_stream", ASSAY_SEVERITY_METADATA,
					"moved_by_changed_size",
					"a cross-reference stream: where the objects stand (7.5.8)"),
	[STREAM] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "pdf.stream", ASSAY_SEVERITY_DATA, NULL,
				   "a stream without filter, or with one not decoded here (7.3.8)"),
	[SIGNATURE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "pdf.signature", ASSAY_SEVERITY_STRUCTURE,
				      "cryptographic_signature_differs",
				      "Contents of a signature dictionary: signs the ByteRange (12.8.1)"),
	[XREF] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "pdf.xref", ASSAY_SEVERITY_METADATA,
				 "moved_by_changed_size",
				 "cross-reference table: where the objects stand, checked (7.5.4)"),
	[START] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "pdf.startxref", ASSAY_SEVERITY_METADATA,
				  "moved_by_changed_size", "where the last table stands, checked (7.5.5)"),
	[TRAILER] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "pdf.trailer", ASSAY_SEVERITY_DATA, NULL,
				    "which object is the root, and the file's identifier (7.5.5)"),
	[GARBAGE] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "pdf.garbage", ASSAY_SEVERITY_STRUCTURE, NULL,
				    "bytes between objects that are none: most readers pass over them"),
	{ .name = NULL },
};

#define F(x) (&pdf_fields[x])

static unsigned pdf_bid(struct assay_span file)
{
	return assay_span_starts(file, "%PDF-") && file.len > 16 ? 40 : 0;
}

/* ---- values ------------------------------------------------------------------------------------------- */

/* "D:YYYYMMDDHHmmSSOHH'mm'" in brackets, shortened from the end (7.9.4). */
static bool is_date(struct assay_span s)
{
	static const char shape[] = "(D:00000000000000";
	size_t i = 0;

	if (s.len < 8 || s.len > 26 || s.data[s.len - 1] != ')')
		return false;
	for (; i < s.len - 1 && shape[i]; i++)
		if (shape[i] == '0' ? s.data[i] < '0' || s.data[i] > '9' : s.data[i] != (uint8_t)shape[i])
			return false;
	for (; i < s.len - 1; i++)
		if (!memchr("0123456789+-Z'", s.data[i], 14))
			return false;
	return true;
}

/* What the value behind a key is; TEXT when it is nothing of its own. */
static int field_of(struct assay_span key, struct pdf_token value, bool is_encrypted)
{
	if (value.kind == PDF_STRING && (assay_span_equal_text(key, "/CreationDate") ||
					 assay_span_equal_text(key, "/ModDate")))
		return is_date(value.text) ? DATE : TEXT;
	if (value.kind == PDF_STRING &&
	    (assay_span_equal_text(key, "/Producer") || assay_span_equal_text(key, "/Creator")))
		return TOOL;
	if (value.kind == PDF_HEX && value.text.len > 1024 && assay_span_equal_text(key, "/Contents"))
		return SIGNATURE;
	if (value.kind == PDF_ARRAY && assay_span_equal_text(key, "/ID"))
		return is_encrypted ? TEXT : ID;
	return TEXT;
}

/* "[<hex> <hex>]" */
static bool is_id(struct assay_span file, size_t at, size_t *ret_end)
{
	struct pdf_token token;
	size_t strings = 0;

	for (at++; pdf_token_next(file, at, &token); at = token.end) {
		if (token.kind == PDF_ARRAY_END) {
			*ret_end = token.end;
			return strings == 2;
		}
		if (token.kind != PDF_HEX || token.text.len > 2 + 64)
			return false;
		strings++;
	}
	return false;
}

static void lay_out_to(struct assay_layout *l, int field, uint64_t end)
{
	if (end > assay_layout_at(l))
		assay_layout_leaf(l, F(field), end - assay_layout_at(l));
}

/* What is known of the stream whose dictionary is laid out. */
struct stream {
	uint64_t length; /* UINT64_MAX: not said, or elsewhere */
	size_t filters;
	bool is_flate, is_xref;
	bool follows; /* there is one: Length is checked against it */
};

static void note_key(struct assay_span file, struct assay_span key, const struct pdf_token *value,
		     struct stream *stream)
{
	struct pdf_token next;

	if (assay_span_equal_text(key, "/Length") && value->kind == PDF_WORD &&
	    pdf_token_next(file, value->end, &next) && next.kind != PDF_WORD)
		assay_span_parse_u64(value->text, &stream->length);
	if (assay_span_equal_text(key, "/Filter")) {
		stream->filters++;
		stream->is_flate = assay_span_equal_text(value->text, "/FlateDecode");
		/* [/FlateDecode] */
		if (value->kind == PDF_ARRAY && pdf_token_next(file, value->end, &next)) {
			stream->is_flate = assay_span_equal_text(next.text, "/FlateDecode");
			if (pdf_token_next(file, next.end, &next) && next.kind != PDF_ARRAY_END)
				stream->filters++;
		}
	}
	if (assay_span_equal_text(key, "/Type"))
		stream->is_xref = assay_span_equal_text(value->text, "/XRef");
}

/* Values from the cursor on, up to the word that ends them; *ret_end is where that begins. */
static bool lay_out_values(struct assay_layout *l, const char *const *ends, bool is_encrypted,
			   struct stream *stream, struct pdf_token *ret_end)
{
	struct assay_span file = assay_layout_bytes(l), key = assay_span_of(NULL, 0);
	struct pdf_token token;
	unsigned depth = 0;

	for (size_t at = assay_layout_at(l); pdf_token_next(file, at, &token); at = token.end) {
		size_t end = token.end;
		int field = field_of(key, token, is_encrypted);

		for (size_t i = 0; token.kind == PDF_WORD && ends[i]; i++)
			if (assay_span_equal_text(token.text, ends[i])) {
				lay_out_to(l, TEXT, token.at);
				*ret_end = token;
				return true;
			}
		/* keys of the object's own dictionary, not of one inside it */
		depth += token.kind == PDF_DICT;
		depth -= token.kind == PDF_DICT_END && depth;
		if (depth == 1 && key.len)
			note_key(file, key, &token, stream);
		if (depth == 1 && stream->follows && stream->length != UINT64_MAX &&
		    assay_span_equal_text(key, "/Length"))
			field = LENGTH;
		if (field == ID && !is_id(file, token.at, &end))
			field = TEXT;
		if (field != TEXT) {
			lay_out_to(l, TEXT, token.at);
			lay_out_to(l, field, end);
			token.end = end;
		}
		key = token.kind == PDF_NAME ? token.text : assay_span_of(NULL, 0);
	}
	return false;
}

/* ---- objects --------------------------------------------------------------------------------------------- */

/* Bytes of the line end at at, as 7.3.8.1 wants one behind "stream". */
static size_t line_end(struct assay_span file, size_t at)
{
	if (at < file.len && file.data[at] == '\n')
		return 1;
	if (at < file.len && file.data[at] == '\r')
		return at + 1 < file.len && file.data[at + 1] == '\n' ? 2 : 1;
	return 0;
}

/* Where the data of a stream ends: where Length says, if "endstream" stands there; else in front of the
 * first "endstream". */
static bool find_stream_end(struct assay_span file, size_t start, uint64_t length, size_t *ret_end,
			    size_t *ret_word)
{
	size_t word;

	if (length <= file.len - start) {
		size_t end = start + (size_t)length;

		word = end + line_end(file, end);
		if (assay_span_starts(assay_span_cut(file, word, SIZE_MAX), "endstream")) {
			*ret_end = end;
			*ret_word = word;
			return true;
		}
	}
	word = assay_span_find(file, start, assay_span_text("endstream"));
	if (word == SIZE_MAX)
		return false;
	*ret_word = word;
	if (word > start && file.data[word - 1] == '\n')
		word--;
	if (word > start && file.data[word - 1] == '\r')
		word--;
	*ret_end = word;
	return true;
}

static enum assay_code lay_out_stream(struct assay_layout *l, const struct stream *stream, size_t word,
				      struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	size_t start = word + strlen("stream"), end, after;
	bool is_flate = stream->filters == 1 && stream->is_flate;
	struct assay_node *leaf;

	start += line_end(file, start);
	if (!find_stream_end(file, start, stream->length, &end, &after))
		return assay_fail(err, ASSAY_EINPUT, "offset %zu: stream without endstream", word);
	if (stream->length != UINT64_MAX && stream->length != end - start)
		assay_layout_ambiguous(l, start, "Length of a stream is wrong");
	lay_out_to(l, FRAME, start);
	if (end > start) {
		leaf = assay_layout_leaf(l, F(is_flate ? FLATE : STREAM), end - start);
		assay_layout_raw(l, leaf);
		if (is_flate)
			assay_layout_encoded(l, leaf);
		if (is_flate && stream->is_xref)
			assay_layout_opaque(l, leaf, F(XREF_STREAM));
		else if (!is_flate && stream->filters == 0)
			assay_layout_payload(l, leaf);
	}
	lay_out_to(l, FRAME, after + strlen("endstream"));
	return ASSAY_OK;
}

/* What ends the values from at on. */
static bool ends_in_stream(struct assay_span file, size_t at)
{
	struct pdf_token token;

	for (; pdf_token_next(file, at, &token); at = token.end)
		if (token.kind == PDF_WORD && (assay_span_equal_text(token.text, "stream") ||
					       assay_span_equal_text(token.text, "endobj") ||
					       assay_span_equal_text(token.text, "obj")))
			return assay_span_equal_text(token.text, "stream");
	return false;
}

/* From "N G obj" to behind "endobj". */
static enum assay_code lay_out_object(struct assay_layout *l, struct assay_span label, size_t body,
				      bool is_encrypted, struct assay_error *err)
{
	static const char *const ends[] = { "endobj", "stream", "obj", NULL };
	static const char *const behind[] = { "endobj", NULL };
	struct stream stream = { .length = UINT64_MAX,
				 .follows = ends_in_stream(assay_layout_bytes(l), body) };
	struct assay_node *group = assay_layout_open(l, F(OBJECT));
	uint64_t at = assay_layout_at(l);
	struct pdf_token end;

	assay_layout_name(l, group, label);
	lay_out_to(l, FRAME, body);
	if (!lay_out_values(l, ends, is_encrypted, &stream, &end) || assay_span_equal_text(end.text, "obj"))
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: object without endobj",
				  (unsigned long long)at);
	if (assay_span_equal_text(end.text, "stream")) {
		if (lay_out_stream(l, &stream, end.at, err))
			return err->code;
		if (!lay_out_values(l, behind, is_encrypted, &stream, &end))
			return assay_fail(err, ASSAY_EINPUT, "offset %llu: object without endobj",
					  (unsigned long long)at);
	}
	lay_out_to(l, FRAME, end.end);
	assay_layout_close(l);
	return ASSAY_OK;
}

/* ---- tables --------------------------------------------------------------------------------------------------- */

#define LABEL_MAX 64

static bool object_stands_at(struct assay_span file, uint64_t at, uint64_t number)
{
	struct pdf_object object;

	/* a label is short; what is far from it is not looked at once for each entry */
	return pdf_object_at(assay_span_cut(file, at, LABEL_MAX), 0, &object) && object.at == 0 &&
	       object.number == number;
}

/* "0000000016 00000 n" and a line end of two bytes. */
static bool is_entry(struct assay_span e)
{
	for (size_t i = 0; i < 16; i++)
		if (i == 10 ? e.data[i] != ' ' : e.data[i] < '0' || e.data[i] > '9')
			return false;
	return e.data[16] == ' ' && (e.data[17] == 'n' || e.data[17] == 'f') &&
	       memchr(" \r", e.data[18], 2) && memchr("\r\n", e.data[19], 2);
}

/* Between the words of a table and its numbers stands white space, and no comment. */
static void judge_plain(struct assay_layout *l, size_t from, size_t to)
{
	struct assay_span s = assay_span_cut(assay_layout_bytes(l), from, to - from);

	if (s.len && memchr(s.data, '%', s.len))
		assay_layout_ambiguous(l, from, "a comment inside a cross-reference table");
}

/* "xref", then sections "first count" of 20-byte entries (7.5.4). */
static enum assay_code lay_out_xref(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	struct pdf_token first, count;
	size_t at = (size_t)assay_layout_at(l) + 4;
	uint64_t from, entries, offset;

	while (pdf_token_next(file, at, &first) && pdf_token_next(file, first.end, &count) &&
	       assay_span_parse_u64(first.text, &from) && assay_span_parse_u64(count.text, &entries)) {
		judge_plain(l, at, count.end);
		at = count.end;
		while (at < file.len && memchr(" \r\n", file.data[at], 3))
			at++;
		if (entries > (file.len - at) / 20)
			return assay_fail(err, ASSAY_EINPUT, "offset %zu: cross-reference table: cut short",
					  at);
		for (uint64_t i = 0; i < entries; i++, at += 20) {
			if (!is_entry(assay_span_cut(file, at, 20)))
				assay_layout_ambiguous(l, at, "no entry of a cross-reference table");
			else if (file.data[at + 17] == 'n' &&
				 (!assay_span_parse_u64(assay_span_cut(file, at, 10), &offset) ||
				  !object_stands_at(file, offset, from + i)))
				assay_layout_ambiguous(l, at, "object %llu does not stand where the table says",
						       (unsigned long long)(from + i));
		}
	}
	lay_out_to(l, XREF, at);
	return ASSAY_OK;
}

static enum assay_code lay_out_trailer(struct assay_layout *l, bool is_encrypted, struct assay_error *err)
{
	static const char *const ends[] = { "startxref", NULL };
	struct stream stream = { .length = UINT64_MAX };
	uint64_t at = assay_layout_at(l);
	struct pdf_token end;

	assay_layout_name(l, assay_layout_open(l, F(TRAILER)), assay_span_text("trailer"));
	assay_layout_leaf(l, F(FRAME), strlen("trailer"));
	if (!lay_out_values(l, ends, is_encrypted, &stream, &end))
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: trailer without startxref",
				  (unsigned long long)at);
	assay_layout_close(l);
	return ASSAY_OK;
}

static void lay_out_start(struct assay_layout *l)
{
	struct assay_span file = assay_layout_bytes(l);
	struct pdf_object object;
	struct pdf_token word, number;
	uint64_t at = 0;

	if (!pdf_token_next(file, (size_t)assay_layout_at(l), &word) ||
	    !pdf_token_next(file, word.end, &number) || !assay_span_parse_u64(number.text, &at)) {
		assay_layout_ambiguous(l, assay_layout_at(l), "startxref without a number");
		lay_out_to(l, START, word.end);
		return;
	}
	/* 0 in the first part of a linearized file */
	if (at && !assay_span_starts(assay_span_cut(file, at, SIZE_MAX), "xref") &&
	    !(at < file.len && pdf_object_at(file, (size_t)at, &object) && object.at == at))
		assay_layout_ambiguous(l, word.at, "startxref does not lead to a table");
	judge_plain(l, word.at, number.end);
	lay_out_to(l, START, number.end);
}

/* ---- the file ----------------------------------------------------------------------------------------------------- */

static void lay_out_comment(struct assay_layout *l)
{
	struct assay_span rest = assay_layout_peek(l, 0, UINT64_MAX);
	size_t length = 0;

	while (length < rest.len && rest.data[length] != '\n' && rest.data[length] != '\r')
		length++;
	assay_layout_leaf(l, F(COMMENT), length);
}

static enum assay_code lay_out_part(struct assay_layout *l, bool is_encrypted, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l), rest;
	size_t at = (size_t)assay_layout_at(l);
	struct pdf_object object;

	rest = assay_span_cut(file, at, SIZE_MAX);
	if (assay_span_starts(rest, "%")) {
		lay_out_comment(l);
		return ASSAY_OK;
	}
	if (pdf_object_at(file, at, &object) && object.at == at)
		return lay_out_object(l, object.label, object.body, is_encrypted, err);
	if (assay_span_starts(rest, "xref"))
		return lay_out_xref(l, err);
	if (assay_span_starts(rest, "trailer"))
		return lay_out_trailer(l, is_encrypted, err);
	if (assay_span_starts(rest, "startxref")) {
		lay_out_start(l);
		return ASSAY_OK;
	}
	assay_layout_ambiguous(l, at, "bytes that belong to no object");
	lay_out_to(l, GARBAGE, at + pdf_word_length(rest));
	return ASSAY_OK;
}

static enum assay_code pdf_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	bool is_encrypted = assay_span_find(file, 0, assay_span_text("/Encrypt")) != SIZE_MAX;

	while (assay_layout_left(l) && !assay_layout_failed(l)) {
		size_t space = pdf_space_length(assay_layout_peek(l, 0, UINT64_MAX));

		if (space)
			assay_layout_leaf(l, F(SPACE), space);
		else if (lay_out_part(l, is_encrypted, err))
			return err->code;
	}
	return ASSAY_OK;
}

static enum assay_code pdf_decode(const struct assay_anatomy *anatomy, const struct assay_node *node,
				  struct assay_sink *sink, struct assay_error *err)
{
	struct assay_span packed = assay_node_bytes(anatomy, node);
	uint64_t consumed;

	if (assay_codec_decode(ASSAY_CODEC_ZLIB, &packed, 1, sink, &consumed, err))
		return err->code;
	if (consumed != packed.len)
		return assay_fail(err, ASSAY_EINPUT, "pdf: %llu bytes behind the zlib stream",
				  (unsigned long long)(packed.len - consumed));
	return ASSAY_OK;
}

const struct assay_format assay_format_pdf = {
	.name = "pdf",
	.bid = pdf_bid,
	.lay_out = pdf_lay_out,
	.decode = pdf_decode,
	.fields = pdf_fields,
};
