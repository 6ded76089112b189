/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alpine packages (apk-tools 2, apk-package(5)): two or three gzip members one after the other -- a signature
 * of the second, the control data, the files -- each a tar archive of which only the last has an end.  apk
 * takes them apart; so they are compared one by one, and what .PKGINFO claims of the files is verified.
 */
#include <stdio.h>

#include "assay/codec.h"
#include "assay/digest.h"
#include "assay/limits.h"
#include "field_rows.h"

enum {
	SIGNATURE,
	SIGNED,
};

static const struct assay_field alpine_fields[] = {
	[SIGNATURE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "alpine.signature", ASSAY_SEVERITY_STRUCTURE,
				      "cryptographic_signature_differs",
				      "RSA signature of the control data (.SIGN.RSA...): a fact of its own"),
	[SIGNED] = ASSAY_ROW_NEVER(ASSAY_METADATA, "alpine.signed", ASSAY_SEVERITY_STRUCTURE,
				   "cryptographic_signature_differs",
				   "whether the package carries a signature; apk installs none without one "
				   "unless told to"),
	{ .name = NULL },
};

#define F(x) (&alpine_fields[x])

#define HEAD_MAX 16384 /* a signature, or control data without one, is shorter than this */
#define CONTROL_MAX (4 * ASSAY_MIB)
#define TAR_END 1024
#define DATAHASH "\ndatahash = "

static const uint8_t gzip_magic[] = { 0x1f, 0x8b, 0x08 };

/* The first member ends where the second begins, and is a tar archive with one of the two names. */
static bool starts_package(struct assay_span file, size_t second)
{
	struct assay_codec_space space = { .spill_fd = -1, .max = CONTROL_MAX };
	struct assay_error ignored = ASSAY_ERROR_INIT;
	struct assay_anatomy gzip;
	struct assay_decoded tar;
	struct assay_sink sink;
	bool is_one = false;

	if (assay_anatomy_open_as(&assay_format_gzip, assay_span_cut(file, 0, second), &gzip, &ignored))
		return false;
	assay_sink_open(&sink, &space, second, 0);
	if (gzip.structure == ASSAY_AMBIGUOUS ||
	    assay_format_gzip.decode(&gzip, gzip.root, &sink, &ignored)) {
		assay_sink_abandon(&sink);
	} else if (assay_sink_close(&sink, &tar, &ignored) == ASSAY_OK) {
		is_one = assay_span_starts(tar.bytes, ".SIGN.") ||
			 assay_span_starts(tar.bytes, ".PKGINFO");
		assay_decoded_release(&tar);
	}
	assay_anatomy_release(&gzip);
	return is_one;
}

static unsigned alpine_bid(struct assay_span file)
{
	struct assay_span head = assay_span_cut(file, 0, HEAD_MAX);
	size_t second;

	if (assay_format_gzip.bid(file) == 0)
		return 0;
	second = assay_span_find(head, 1, assay_span_of(gzip_magic, 3));
	return second != SIZE_MAX && starts_package(file, second) ? 27 + 27 + 48 : 0;
}

/* One member of the file, decoded by the module of gzip. */
static enum assay_code decode_member(const struct assay_anatomy *anatomy, const struct assay_node *node,
				     struct assay_sink *sink, struct assay_error *err)
{
	struct assay_node member = *node, parent = { .first = &member };

	member.next = NULL;
	return assay_format_gzip.decode(anatomy, &parent, sink, err);
}

static bool is_last(const struct assay_node *node)
{
	return node->next == NULL;
}

/* The members in front of the last are cut off at their end; apk reads on. */
static enum assay_code alpine_decode(const struct assay_anatomy *anatomy, const struct assay_node *node,
				     struct assay_sink *sink, struct assay_error *err)
{
	static const uint8_t end[TAR_END];

	if (decode_member(anatomy, node, sink, err))
		return err->code;
	return is_last(node) ? ASSAY_OK : assay_sink_add(sink, assay_span_of(end, TAR_END), err);
}

/* The digest of the files' member that .PKGINFO names; empty when it names none. */
static enum assay_code read_datahash(const struct assay_anatomy *anatomy, const struct assay_node *control,
				     char hex[ASSAY_HASH_TEXT], struct assay_error *err)
{
	struct assay_codec_space space = { .spill_fd = -1, .max = CONTROL_MAX };
	struct assay_decoded tar;
	struct assay_sink sink;
	size_t at;

	hex[0] = '\0';
	assay_sink_open(&sink, &space, control->length, 0);
	if (decode_member(anatomy, control, &sink, err)) {
		assay_sink_abandon(&sink);
		return err->code == ASSAY_ELIMIT ?
			       assay_fail(err, ASSAY_EINPUT, "control data: want at most %llu MiB",
					  CONTROL_MAX / ASSAY_MIB) :
			       err->code;
	}
	if (assay_sink_close(&sink, &tar, err))
		return err->code;
	at = assay_span_find(tar.bytes, 0, assay_span_text(DATAHASH));
	if (at != SIZE_MAX)
		snprintf(hex, ASSAY_HASH_TEXT, "%.*s",
			 ASSAY_SPAN_ARGS(assay_span_cut(tar.bytes, at + sizeof(DATAHASH) - 1, 64)));
	assay_decoded_release(&tar);
	return ASSAY_OK;
}

static enum assay_code judge_data(struct assay_layout *l, const struct assay_node *control,
				  const struct assay_node *data, struct assay_error *err)
{
	struct assay_anatomy *anatomy = assay_layout_anatomy(l);
	char claimed[ASSAY_HASH_TEXT], real[ASSAY_HASH_TEXT];

	if (read_datahash(anatomy, control, claimed, err))
		return err->code;
	if (claimed[0] &&
	    strcmp(claimed, assay_hash_hex(ASSAY_SHA256, assay_node_bytes(anatomy, data), real)) != 0)
		assay_layout_ambiguous(l, data->offset, "datahash of .PKGINFO is not that of the data");
	return ASSAY_OK;
}

static enum assay_code alpine_lay_out(struct assay_layout *l, struct assay_error *err)
{
	static const char *const names[] = { "signature", "control", "data" };
	struct assay_anatomy *anatomy = assay_layout_anatomy(l);
	struct assay_node *root = assay_layout_root(l), *members[3] = { NULL };
	size_t count = 0, first;

	if (assay_format_gzip.lay_out(l, err))
		return err->code;
	for (struct assay_node *n = root->first; n; n = n->next) {
		if (count == 3 || !(n->flags & ASSAY_NODE_GROUP))
			return assay_fail(err, ASSAY_EINPUT, "offset %llu: want two or three gzip members",
					  (unsigned long long)n->offset);
		members[count++] = n;
	}
	if (count < 2)
		return assay_fail(err, ASSAY_EINPUT, "want two or three gzip members");
	/* several members are what this format is made of */
	anatomy->structure = ASSAY_CANONICAL;
	root->flags &= ~(unsigned)ASSAY_NODE_ENCODED;
	first = 3 - count;
	for (size_t i = 0; i < count; i++) {
		assay_layout_name(l, members[i], assay_span_text(names[first + i]));
		if (first + i == 0)
			assay_layout_opaque(l, members[i], F(SIGNATURE));
		assay_layout_encoded(l, members[i]);
	}
	assay_layout_attribute(l, root, F(SIGNED), assay_span_text(count == 3 ? "yes" : "no"), 0, NULL);
	assay_layout_value(l, root, count == 3 ? "signed package" : "package");
	return judge_data(l, members[count - 2], members[count - 1], err);
}

const struct assay_format assay_format_alpine = {
	.name = "alpine",
	.bid = alpine_bid,
	.lay_out = alpine_lay_out,
	.decode = alpine_decode,
	.is_package = true,
	.fields = alpine_fields,
};
