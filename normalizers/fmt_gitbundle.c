/* SPDX-License-Identifier: Apache-2.0 */
/*
 * git bundles (gitformat-bundle(5)) and packs (gitformat-pack(5)): capabilities, prerequisites and
 * references by line, then the pack; each object of it with its kind, its size and its zlib stream.
 */
#include "assay/codec.h"
#include "assay/limits.h"
#include "field_rows.h"
#include "rows.h"

enum {
	SIGNATURE,
	CAPABILITY,
	REFERENCE,
	SEPARATOR,
	PACK,
	OBJECT,
	OBJECT_HEADER,
	OBJECT_DATA,
	SUM,
	TRAILING,
};

static const struct assay_field gitbundle_fields[] = {
	[SIGNATURE] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "gitbundle.signature",
				      ASSAY_SEVERITY_STRUCTURE, NULL, "\"# v2 git bundle\" or v3"),
	[CAPABILITY] = ASSAY_ROW_NEVER(ASSAY_METADATA, "gitbundle.capability",
				       ASSAY_SEVERITY_STRUCTURE, NULL,
				       "object format or filter, or a commit that must be there"),
	[REFERENCE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "gitbundle.reference", ASSAY_SEVERITY_DATA,
				      "source_commit_differs",
				      "name of a branch or tag, and its commit"),
	[SEPARATOR] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "gitbundle.separator", ASSAY_SEVERITY_STRUCTURE,
				      NULL, "empty line in front of the pack"),
	[PACK] = ASSAY_ROW_NEVER(ASSAY_METADATA, "gitbundle.pack", ASSAY_SEVERITY_STRUCTURE, NULL,
				 "PACK, version and number of objects"),
	[OBJECT] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "gitbundle.object", ASSAY_SEVERITY_DATA, NULL,
				   "an object: commit, tree, blob, tag or delta"),
	[OBJECT_HEADER] = ASSAY_ROW_NEVER(ASSAY_METADATA, "gitbundle.object.header",
					  ASSAY_SEVERITY_DATA, NULL,
					  "kind, size, and the base of a delta"),
	[OBJECT_DATA] = ASSAY_ROW_NEVER(ASSAY_ENCODING, "gitbundle.object.data",
					ASSAY_SEVERITY_METADATA, "compression_encoder_differs",
					"the object as a zlib stream"),
	[SUM] = ASSAY_ROW_NEVER(ASSAY_METADATA, "gitbundle.sum", ASSAY_SEVERITY_METADATA,
				"checksum_of_changed_content", "SHA-1 of the pack (not verified here)"),
	[TRAILING] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "gitbundle.trailing", ASSAY_SEVERITY_STRUCTURE,
				     NULL, "bytes behind the pack"),
	{ .name = NULL },
};

#define F(x) (&gitbundle_fields[x])

#define PACK_HEADER 12
#define SUM_SIZE 20

static unsigned gitbundle_bid(struct assay_span file)
{
	if (assay_span_starts(file, "# v2 git bundle\n") || assay_span_starts(file, "# v3 git bundle\n"))
		return 128;
	return assay_span_starts(file, "PACK") && assay_rows_number(file, 4, 4, true) == 2 ? 60 : 0;
}

static void lay_out_lines(struct assay_layout *l)
{
	struct assay_span rest = assay_layout_bytes(l), line;

	assay_span_next_line(&rest, &line);
	assay_layout_leaf(l, F(SIGNATURE), line.len + 1);
	while (assay_span_next_line(&rest, &line) && line.len && !assay_layout_failed(l)) {
		bool is_capability = line.data[0] == '@' || line.data[0] == '-';
		size_t space = assay_span_find(line, 0, assay_span_text(" "));
		struct assay_node *leaf;
		uint64_t length = line.len + 1;

		if (length > assay_layout_left(l))
			length = assay_layout_left(l);
		leaf = assay_layout_leaf(l, F(is_capability ? CAPABILITY : REFERENCE), length);
		assay_layout_name(l, leaf,
				  is_capability || space == SIZE_MAX ?
					  line :
					  assay_span_cut(line, space + 1, line.len));
	}
	if (assay_layout_left(l) && !assay_layout_failed(l))
		assay_layout_leaf(l, F(SEPARATOR), 1);
}

static const char *const kinds[] = { "none", "commit", "tree", "blob", "tag", "reserved",
				     "offset delta", "delta" };

/* Kind and size in seven bits a byte, then for a delta the distance to its base or its id. */
static uint64_t header_length(struct assay_span s, unsigned *ret_kind)
{
	uint64_t at = 0;

	*ret_kind = s.len ? s.data[0] >> 4 & 7 : 0;
	while (at < s.len && s.data[at] & 0x80)
		at++;
	at++;
	if (*ret_kind == 6) {
		while (at < s.len && s.data[at] & 0x80)
			at++;
		at++;
	}
	return *ret_kind == 7 ? at + SUM_SIZE : at;
}

static enum assay_code lay_out_object(struct assay_layout *l, uint64_t index, struct assay_error *err)
{
	struct assay_span rest = assay_layout_peek(l, 0, UINT64_MAX);
	struct assay_measure measure;
	unsigned kind;
	uint64_t header = header_length(rest, &kind);
	struct assay_node *leaf;
	char *name;

	if (header >= rest.len ||
	    assay_codec_measure(ASSAY_CODEC_ZLIB, assay_span_cut(rest, header, rest.len), &measure, err))
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: object %llu: no zlib stream",
				  (unsigned long long)assay_layout_at(l), (unsigned long long)index);
	name = assay_arena_printf(&assay_layout_anatomy(l)->arena, "%s %llu", kinds[kind],
				  (unsigned long long)index);
	assay_layout_name(l, assay_layout_open(l, F(OBJECT)), assay_span_text(name ? name : ""));
	leaf = assay_layout_leaf(l, F(OBJECT_HEADER), header);
	assay_layout_value(l, leaf, "%s, %llu bytes", kinds[kind], (unsigned long long)measure.size);
	leaf = assay_layout_leaf(l, F(OBJECT_DATA), measure.consumed);
	assay_layout_encoded(l, leaf);
	assay_layout_raw(l, leaf);
	assay_layout_close(l);
	return ASSAY_OK;
}

static enum assay_code gitbundle_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span pack;
	uint64_t count;

	if (!assay_span_starts(assay_layout_bytes(l), "PACK"))
		lay_out_lines(l);
	pack = assay_layout_peek(l, 0, PACK_HEADER);
	count = assay_rows_number(pack, 8, 4, true);
	if (!assay_span_starts(pack, "PACK") || count > ASSAY_MAX_MEMBERS)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: want a pack of at most %d objects",
				  (unsigned long long)assay_layout_at(l), ASSAY_MAX_MEMBERS);
	assay_layout_leaf(l, F(PACK), PACK_HEADER);
	for (uint64_t i = 0; i < count && !assay_layout_failed(l); i++)
		if (lay_out_object(l, i, err))
			return err->code;
	assay_layout_leaf(l, F(SUM), SUM_SIZE);
	if (!assay_layout_failed(l) && assay_layout_left(l)) {
		assay_layout_ambiguous(l, assay_layout_at(l), "bytes behind the pack");
		assay_layout_leaf(l, F(TRAILING), assay_layout_left(l));
	}
	return ASSAY_OK;
}

static enum assay_code gitbundle_decode(const struct assay_anatomy *anatomy,
					const struct assay_node *node, struct assay_sink *sink,
					struct assay_error *err)
{
	struct assay_span bytes = assay_node_bytes(anatomy, node);
	uint64_t consumed;

	return assay_codec_decode(ASSAY_CODEC_ZLIB, &bytes, 1, sink, &consumed, err);
}

const struct assay_format assay_format_gitbundle = {
	.name = "gitbundle",
	.bid = gitbundle_bid,
	.lay_out = gitbundle_lay_out,
	.decode = gitbundle_decode,
	.fields = gitbundle_fields,
};
