/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control data of Debian (deb822(5)): control files of packages, .dsc, .changes, .buildinfo, indices, and the
 * DESCRIPTION of R packages.  Stanzas and their fields by name, files that a list names by theirs; a cleartext
 * signature around it is a fact of its own.  Nothing is folded: whatever stands here, somebody acts on.
 */
#include "assay/deb822.h"
#include "field_rows.h"

#include <strings.h>

enum {
	STANZA,
	FIELD,
	LIST,
	LISTED,
	COMMENT,
	ARMOR,
	SIGNATURE,
	TRAILING,
};

static const struct assay_field deb822_fields[] = {
	[STANZA] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "deb822.stanza", ASSAY_SEVERITY_DATA, NULL,
				   "a paragraph of fields, named by its package"),
	[FIELD] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "deb822.field", ASSAY_SEVERITY_DATA, NULL,
				  "a field with its continuation lines"),
	[LIST] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "deb822.list", ASSAY_SEVERITY_DATA, NULL,
				 "a field that lists files with their digests and sizes"),
	[LISTED] = ASSAY_ROW_NEVER(ASSAY_METADATA, "deb822.listed", ASSAY_SEVERITY_DATA,
				   "checksum_of_changed_content",
				   "digest and size of a file: it is another one"),
	[COMMENT] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "deb822.between", ASSAY_SEVERITY_METADATA, NULL,
				    "blank lines between stanzas, and comments that stand alone"),
	[ARMOR] = ASSAY_ROW_NEVER(ASSAY_METADATA, "deb822.armor", ASSAY_SEVERITY_METADATA, NULL,
				  "head of a cleartext signature (RFC 9580 section 7)"),
	[SIGNATURE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "deb822.signature", ASSAY_SEVERITY_DATA,
				      "cryptographic_signature_differs",
				      "OpenPGP signature over the text in front of it"),
	[TRAILING] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "deb822.unsigned", ASSAY_SEVERITY_STRUCTURE, NULL,
				     "text behind the signature, which nobody has signed"),
	{ .name = NULL },
};

#define F(x) (&deb822_fields[x])

static const char begin_signed[] = "-----BEGIN PGP SIGNED MESSAGE-----\n";
static const char begin_signature[] = "\n-----BEGIN PGP SIGNATURE-----\n";
static const char end_signature[] = "\n-----END PGP SIGNATURE-----\n";

#define BID_BITS 72

/* Where the parts of a file begin. */
struct control_parts {
	struct assay_span text;
	size_t signature, after; /* both the end of the file when it is not signed */
};

/* False for a signature that does not end, or a head that does not. */
static bool split(struct assay_span file, struct control_parts *ret)
{
	size_t head, at;

	*ret = (struct control_parts){ file, file.len, file.len };
	if (!assay_span_starts(file, begin_signed))
		return true;
	head = assay_span_find(file, 0, assay_span_text("\n\n"));
	at = head == SIZE_MAX ? SIZE_MAX : assay_span_find(file, head + 1, assay_span_text(begin_signature));
	if (at == SIZE_MAX)
		return false;
	ret->text = assay_span_cut(file, head + 2, at + 1 - (head + 2));
	ret->signature = at + 1;
	at = assay_span_find(file, at + 1, assay_span_text(end_signature));
	if (at == SIZE_MAX)
		return false;
	ret->after = at + sizeof(end_signature) - 1;
	return true;
}

/* The first field of a stanza is one of these, and one of the second column is there too. */
static bool is_known(struct assay_span stanza)
{
	static const char *const leading[] = { "Format:", "Package:", "Source:", "Origin:", "Suite:" };
	static const char *const beside[] = { "Version",  "Architecture", "Maintainer", "Binary",
					      "Codename", "Standards-Version" };
	bool leads = false;

	for (size_t i = 0; i < sizeof(leading) / sizeof(leading[0]); i++)
		leads = leads || assay_span_starts(stanza, leading[i]);
	for (size_t i = 0; leads && i < sizeof(beside) / sizeof(beside[0]); i++)
		if (assay_deb822_field(stanza, beside[i]).data)
			return true;
	return false;
}

static unsigned deb822_bid(struct assay_span file)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	struct control_parts parts;
	struct assay_span stanza;
	size_t count = 0;

	if (file.len < 16 || file.data[0] < '-' || file.data[0] > 'S' || !split(file, &parts))
		return 0;
	while (assay_deb822_next(&parts.text, &stanza)) {
		if (count++ == 0 && !is_known(stanza))
			return 0;
		if (assay_deb822_check(stanza, &err))
			return 0;
	}
	return count ? BID_BITS : 0;
}

/* ---- fields ---------------------------------------------------------------------------------------- */

static struct assay_span with_newline(struct assay_span line, struct assay_span in)
{
	return line.data + line.len < in.data + in.len ? assay_span_of(line.data, line.len + 1) : line;
}

/* Cuts the next field off a stanza, its continuation lines and comments within them included. */
static bool next_field(struct assay_span *rest, struct assay_span *ret)
{
	struct assay_span whole = *rest, line, after;
	size_t length = 0;

	if (!rest->len)
		return false;
	after = *rest;
	while (assay_span_next_line(&after, &line)) {
		bool goes_on = line.len && (line.data[0] == ' ' || line.data[0] == '\t' || line.data[0] == '#');

		if (length && !goes_on)
			break;
		length = (size_t)(with_newline(line, whole).data - whole.data) + with_newline(line, whole).len;
		*rest = after;
	}
	*ret = assay_span_cut(whole, 0, length);
	*rest = assay_span_cut(whole, length, SIZE_MAX);
	return true;
}

static struct assay_span field_name(struct assay_span field)
{
	const uint8_t *colon = memchr(field.data, ':', field.len);

	return assay_span_cut(field, 0, colon ? (size_t)(colon - field.data) : 0);
}

static bool is_list(struct assay_span name)
{
	return assay_span_equal_text(name, "Files") || assay_span_starts(name, "Checksums-") ||
	       assay_span_equal_text(name, "MD5Sum") || assay_span_equal_text(name, "SHA1") ||
	       assay_span_equal_text(name, "SHA256") || assay_span_equal_text(name, "SHA512");
}

/* "digest size [section priority] name": the last word is the name. */
static struct assay_span listed_name(struct assay_span line)
{
	struct assay_span rest = line, word, last = { NULL, 0 };
	size_t words = 0;

	for (; assay_deb822_next_word(&rest, &word) && word.len; words++)
		last = word;
	return words >= 3 ? last : assay_span_of(NULL, 0);
}

static void lay_out_list(struct assay_layout *l, struct assay_span field, struct assay_span name)
{
	struct assay_span rest = field, line;
	struct assay_node *leaf;

	assay_layout_name(l, assay_layout_open(l, F(LIST)), name);
	while (assay_span_next_line(&rest, &line)) {
		struct assay_span file = line.data == field.data ? assay_span_of(NULL, 0) : listed_name(line);

		leaf = assay_layout_leaf(l, F(file.len ? LISTED : FIELD), with_newline(line, field).len);
		assay_layout_name(l, leaf, file);
	}
	assay_layout_close(l);
}

static void lay_out_stanza(struct assay_layout *l, struct assay_span stanza)
{
	static const char *const names[] = { "Package", "Source", "Suite" };
	struct assay_node *group = assay_layout_open(l, F(STANZA));
	struct assay_span rest = stanza, field, title = { NULL, 0 };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !title.len; i++)
		title = assay_deb822_field(stanza, names[i]);
	assay_layout_value(l, group, "%.*s", ASSAY_SPAN_ARGS(assay_span_cut(title, 0, 200)));
	while (!assay_layout_failed(l) && next_field(&rest, &field)) {
		struct assay_span name = field_name(field);

		if (is_list(name))
			lay_out_list(l, field, name);
		else
			assay_layout_name(l, assay_layout_leaf(l, F(FIELD), field.len), name);
	}
	assay_layout_close(l);
}

/* Of an index every stanza is a part of its own; a .dsc or a control file has one, which needs no name. */
static void lay_out_stanzas(struct assay_layout *l, struct assay_span text)
{
	size_t base = (size_t)(text.data - assay_layout_bytes(l).data), end = base + text.len;
	struct assay_span rest = text, stanza;

	while (!assay_layout_failed(l) && assay_deb822_next(&rest, &stanza)) {
		size_t at = (size_t)(stanza.data - assay_layout_bytes(l).data);

		if (at > assay_layout_at(l))
			assay_layout_leaf(l, F(COMMENT), at - assay_layout_at(l));
		lay_out_stanza(l, with_newline(stanza, text));
	}
	if (end > assay_layout_at(l))
		assay_layout_leaf(l, F(COMMENT), end - assay_layout_at(l));
}

static enum assay_code deb822_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	struct control_parts parts;

	if (!split(file, &parts))
		return assay_fail(err, ASSAY_EINPUT, "cleartext signature: has no end");
	if (parts.text.data > file.data)
		assay_layout_leaf(l, F(ARMOR), (size_t)(parts.text.data - file.data));
	lay_out_stanzas(l, parts.text);
	if (parts.signature == file.len)
		return ASSAY_OK;
	assay_layout_signed(l, parts.signature, assay_span_text("OpenPGP cleartext signature"));
	assay_layout_leaf(l, F(SIGNATURE), parts.after - parts.signature);
	if (parts.after < file.len) {
		assay_layout_ambiguous(l, parts.after, "%zu bytes behind the signature",
				       file.len - parts.after);
		assay_layout_leaf(l, F(TRAILING), file.len - parts.after);
	}
	return ASSAY_OK;
}

const struct assay_format assay_format_deb822 = {
	.name = "deb822",
	.bid = deb822_bid,
	.lay_out = deb822_lay_out,
	.fields = deb822_fields,
};
