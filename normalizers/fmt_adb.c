/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Databases and packages of apk-tools 3 (apk-v3(5)): a magic and a schema, then blocks: the database, signatures
 * over it, contents of files.  The database is not taken apart; a file's content is compared as a file, named
 * by its place in the database.  Compressed ones ("ADBd", "ADBc") are compared as what they unpack to.
 */
#include "assay/codec.h"
#include "field_rows.h"
#include "rows.h"

enum {
	MAGIC,
	PACKED,
	STREAM,
	BLOCK,
	FRAME,
	DATABASE,
	SIGNATURE,
	CONTENT,
	PADDING,
};

static const struct assay_field adb_fields[] = {
	[MAGIC] = ASSAY_ROW_NEVER(ASSAY_METADATA, "adb.magic", ASSAY_SEVERITY_STRUCTURE, NULL,
				  "\"ADB.\" and the schema: package, index or list of installed packages"),
	[PACKED] = ASSAY_ROW_CHECKED(ASSAY_ENCODING, "adb.compression", assay_check_payload, "adb-recompress",
				     ASSAY_GRADE_ENCODING, "compression_encoder_differs",
				     "\"ADBd\", or \"ADBc\" with algorithm and level"),
	[STREAM] = ASSAY_ROW_CHECKED(ASSAY_ENCODING, "adb.stream", assay_check_payload, "adb-recompress",
				     ASSAY_GRADE_ENCODING, "compression_encoder_differs",
				     "deflate stream or zstd frame"),
	[BLOCK] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "adb.block", ASSAY_SEVERITY_STRUCTURE,
				  "file_only_on_one_side", "a block"),
	[FRAME] = ASSAY_ROW_NEVER(ASSAY_METADATA, "adb.frame", ASSAY_SEVERITY_STRUCTURE,
				  "size_of_changed_content",
				  "type and size of a block; of a content, which file of which directory it is"),
	[DATABASE] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "adb.database", ASSAY_SEVERITY_CODE, NULL,
				     "names, dependencies, scripts, owners, modes and digests of files"),
	[SIGNATURE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "adb.signature", ASSAY_SEVERITY_STRUCTURE,
				      "cryptographic_signature_differs", "signature over the database"),
	[CONTENT] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "adb.content", ASSAY_SEVERITY_CODE, NULL,
				    "content of a file"),
	[PADDING] = ASSAY_ROW_CHECKED(ASSAY_PADDING, "adb.padding", assay_check_zero, "adb-padding",
				      ASSAY_GRADE_ENCODING, NULL, "zeros up to a multiple of eight"),
	{ .name = NULL },
};

#define F(x) (&adb_fields[x])

enum { BLOCK_DATABASE, BLOCK_SIGNATURE, BLOCK_DATA, BLOCK_EXTENDED };
enum { ALGORITHM_DEFLATE = 1, ALGORITHM_ZSTD = 2 };

static unsigned adb_bid(struct assay_span file)
{
	return file.len >= 8 && memcmp(file.data, "ADB", 3) == 0 && memchr(".dc", file.data[3], 3) ? 32 : 0;
}

/* Length of what stands in front of the compressed stream; 0 when there is none. */
static unsigned packed_head(struct assay_span file)
{
	return file.data[3] == 'd' ? 4 : file.data[3] == 'c' ? 6 : 0;
}

struct block {
	unsigned type;
	uint64_t head, size; /* size includes the head */
};

static bool read_block(struct assay_span rest, struct block *ret)
{
	uint64_t word = assay_rows_number(rest, 0, 4, false);

	*ret = (struct block){ (unsigned)(word >> 30), 4, word & 0x3fffffff };
	if (ret->type == BLOCK_EXTENDED)
		*ret = (struct block){ (unsigned)(word & 0x3fffffff), 16, assay_rows_number(rest, 8, 8, false) };
	return rest.len >= ret->head && ret->size >= ret->head && ret->size <= rest.len;
}

static void lay_out_content(struct assay_layout *l, const struct block *block)
{
	struct assay_span head = assay_layout_peek(l, 0, 8);
	struct assay_node *leaf;
	const char *name;

	if (block->size - block->head < 8) {
		assay_layout_leaf(l, F(FRAME), block->size - block->head);
		return;
	}
	assay_layout_leaf(l, F(FRAME), 8);
	if (block->size - block->head == 8)
		return;
	name = assay_arena_printf(&assay_layout_anatomy(l)->arena, "directory %llu, file %llu",
				  (unsigned long long)assay_rows_number(head, 0, 4, false),
				  (unsigned long long)assay_rows_number(head, 4, 4, false));
	leaf = assay_layout_leaf(l, F(CONTENT), block->size - block->head - 8);
	assay_layout_name(l, leaf, assay_span_text(name ? name : ""));
	assay_layout_payload(l, leaf);
}

static void lay_out_block(struct assay_layout *l, const struct block *block)
{
	static const char *const names[] = { "database", "signature", "content" };
	uint64_t at = assay_layout_at(l), left;

	assay_layout_open(l, F(BLOCK));
	assay_layout_leaf(l, F(FRAME), block->head);
	if (block->type == BLOCK_SIGNATURE)
		assay_layout_signed(l, at, assay_span_text("apk signature"));
	if (block->type == BLOCK_DATA) {
		lay_out_content(l, block);
	} else if (block->size > block->head) {
		struct assay_node *leaf = assay_layout_leaf(l, F(block->type == BLOCK_SIGNATURE ? SIGNATURE : DATABASE),
							    block->size - block->head);

		assay_layout_name(l, leaf, assay_span_text(block->type <= BLOCK_DATA ? names[block->type] : "other"));
	}
	left = assay_layout_left(l);
	if (block->size % 8 && left)
		assay_layout_leaf(l, F(PADDING), left < 8 - block->size % 8 ? left : 8 - block->size % 8);
	assay_layout_close(l);
}

static enum assay_code adb_lay_out(struct assay_layout *l, struct assay_error *err)
{
	unsigned head = packed_head(assay_layout_bytes(l));
	struct assay_node *leaf;
	struct block block;

	if (head) {
		assay_layout_encoded(l, assay_layout_root(l));
		assay_layout_leaf(l, F(PACKED), head);
		assay_layout_leaf(l, F(STREAM), assay_layout_left(l));
		return ASSAY_OK;
	}
	leaf = assay_layout_leaf(l, F(MAGIC), 8);
	assay_layout_name(l, leaf, assay_span_cut(assay_layout_bytes(l), 4, 4));
	while (assay_layout_left(l) && !assay_layout_failed(l)) {
		if (!read_block(assay_layout_peek(l, 0, UINT64_MAX), &block))
			return assay_fail(err, ASSAY_EINPUT, "offset %llu: block: cut short",
					  (unsigned long long)assay_layout_at(l));
		lay_out_block(l, &block);
	}
	return ASSAY_OK;
}

static enum assay_code adb_decode(const struct assay_anatomy *anatomy, const struct assay_node *node,
				  struct assay_sink *sink, struct assay_error *err)
{
	struct assay_span stream = assay_span_cut(anatomy->bytes, packed_head(anatomy->bytes), SIZE_MAX);
	unsigned algorithm = anatomy->bytes.data[3] == 'd' ? ALGORITHM_DEFLATE : anatomy->bytes.data[4];
	uint64_t consumed;

	(void)node;
	if (algorithm != ALGORITHM_DEFLATE && algorithm != ALGORITHM_ZSTD)
		return assay_fail(err, ASSAY_EINPUT, "adb: compression %u is not known", algorithm);
	if (assay_codec_decode(algorithm == ALGORITHM_ZSTD ? ASSAY_CODEC_ZSTD : ASSAY_CODEC_DEFLATE, &stream, 1,
			       sink, &consumed, err))
		return err->code;
	if (consumed != stream.len)
		return assay_fail(err, ASSAY_EINPUT, "adb: %llu bytes behind the stream",
				  (unsigned long long)(stream.len - consumed));
	return ASSAY_OK;
}

const struct assay_format assay_format_adb = {
	.name = "adb",
	.bid = adb_bid,
	.lay_out = adb_lay_out,
	.decode = adb_decode,
	.is_package = true,
	.fields = adb_fields,
};
