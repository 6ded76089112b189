/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of a squashfs image, unpacked; see the header. */
#include <stdlib.h>

#include "assay/limits.h"
#include "squashfs_int.h"

#define METADATA_BLOCK 8192
#define NOT_THERE UINT64_MAX
#define TABLE_MAX (512 * ASSAY_MIB)

enum assay_code squashfs_unpack(const struct squashfs *fs, uint64_t start, uint64_t size, bool is_packed,
				struct assay_sink *sink, struct assay_error *err)
{
	struct assay_span bytes = assay_span_cut(fs->image, start, size);
	uint64_t consumed;

	if (bytes.len < size)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: block: lies outside the image",
				  (unsigned long long)start);
	if (!is_packed)
		return assay_sink_add(sink, bytes, err);
	return assay_codec_decode(fs->codec, &bytes, 1, sink, &consumed, err);
}

static enum assay_code unpack_metadata(struct squashfs *fs, uint64_t *at, struct assay_sink *sink,
				       struct assay_error *err)
{
	uint64_t head = squashfs_get(fs->image, *at, 2), size = head & 0x7fff;
	size_t before = assay_sink_bytes(sink).len;

	if (*at + 2 + size > fs->image.len || size == 0)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: metadata block: cut short",
				  (unsigned long long)*at);
	if (squashfs_unpack(fs, *at + 2, size, !(head & 0x8000), sink, err))
		return err->code;
	if (assay_sink_bytes(sink).len - before > METADATA_BLOCK)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: metadata block: want at most %d bytes",
				  (unsigned long long)*at, METADATA_BLOCK);
	*at += 2 + size;
	return ASSAY_OK;
}

/* All blocks from start to end, or those at the places in the list. */
static enum assay_code unpack_table(struct squashfs *fs, uint64_t start, uint64_t end, struct assay_span places,
				    struct squashfs_table *ret, struct assay_error *err)
{
	size_t room = places.len ? places.len / 8 : (size_t)((end - start) / 3 + 1);
	struct assay_sink sink;
	uint64_t at = start;
	enum assay_code code = ASSAY_OK;

	ret->blocks = calloc(room + 1, sizeof(*ret->blocks));
	if (!ret->blocks)
		return assay_fail(err, ASSAY_ENOMEM, "squashfs: out of memory");
	assay_sink_open(&sink, &fs->space, fs->image.len, 0);
	while (!code && ret->count < room && (places.len || at < end)) {
		if (places.len)
			at = squashfs_get(places, 8 * ret->count, 8);
		if (at >= fs->image.len) {
			code = assay_fail(err, ASSAY_EINPUT, "offset %llu: table: lies outside the image",
					  (unsigned long long)at);
			break;
		}
		ret->blocks[ret->count++] =
			(struct squashfs_block){ at - start, assay_sink_bytes(&sink).len };
		code = unpack_metadata(fs, &at, &sink, err);
	}
	if (!code)
		return assay_sink_close(&sink, &ret->decoded, err);
	assay_sink_abandon(&sink);
	return code;
}

/* A table of which the superblock names the list of its blocks. */
static enum assay_code unpack_listed(struct squashfs *fs, uint64_t list, uint64_t count, unsigned size,
				     struct squashfs_table *ret, struct assay_error *err)
{
	uint64_t blocks = (count * size + METADATA_BLOCK - 1) / METADATA_BLOCK;
	struct assay_span places = assay_span_cut(fs->image, list, 8 * blocks);

	if (!count)
		return ASSAY_OK;
	if (places.len < 8 * blocks)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: list of blocks: cut short",
				  (unsigned long long)list);
	if (unpack_table(fs, 0, fs->image.len, places, ret, err))
		return err->code;
	if (ret->decoded.bytes.len < count * size)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: table: want %llu entries",
				  (unsigned long long)list, (unsigned long long)count);
	return ASSAY_OK;
}

enum assay_code squashfs_at(const struct squashfs_table *table, uint64_t block, uint64_t offset,
			    struct assay_span *ret, struct assay_error *err)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->blocks[middle].start < block)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == table->count || table->blocks[low].start != block || offset >= METADATA_BLOCK)
		return assay_fail(err, ASSAY_EINPUT, "reference to block %llu, offset %llu: nothing is there",
				  (unsigned long long)block, (unsigned long long)offset);
	*ret = assay_span_cut(table->decoded.bytes, table->blocks[low].at + offset, SIZE_MAX);
	return ASSAY_OK;
}

/* ---- the superblock --------------------------------------------------------------------------------- */

static bool codec_of(struct assay_span image, enum assay_codec *ret)
{
	static const struct {
		unsigned number;
		enum assay_codec codec;
	} codecs[] = { { 1, ASSAY_CODEC_ZLIB }, { 4, ASSAY_CODEC_XZ }, { 6, ASSAY_CODEC_ZSTD } };

	for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++)
		if (squashfs_get(image, 20, 2) == codecs[i].number) {
			*ret = codecs[i].codec;
			return true;
		}
	return false;
}

bool squashfs_is_readable(struct assay_span image)
{
	enum assay_codec codec;

	return codec_of(image, &codec);
}

static enum assay_code open_xattrs(struct squashfs *fs, uint64_t start, struct assay_error *err)
{
	uint64_t values = squashfs_get(fs->image, start, 8);

	if (start == NOT_THERE)
		return ASSAY_OK;
	fs->xattrs = (uint32_t)squashfs_get(fs->image, start + 8, 4);
	if (start > fs->image.len || values >= start || fs->xattrs > ASSAY_MAX_MEMBERS)
		return assay_fail(err, ASSAY_EINPUT, "extended attributes: lie outside the image");
	if (!fs->xattrs)
		return ASSAY_OK;
	if (unpack_listed(fs, start + 16, fs->xattrs, 16, &fs->xattr_ids, err))
		return err->code;
	/* the values end where the first block of the list of sets begins */
	return unpack_table(fs, values, squashfs_get(fs->image, start + 16, 8), assay_span_of(NULL, 0),
			    &fs->xattr_values, err);
}

enum assay_code squashfs_open(struct assay_span image, struct squashfs *ret, struct assay_error *err)
{
	uint64_t inodes = squashfs_get(image, 64, 8), directories = squashfs_get(image, 72, 8);
	uint64_t fragments = squashfs_get(image, 80, 8), used = squashfs_get(image, 40, 8);
	uint64_t end = fragments < used ? squashfs_get(image, fragments, 8) : NOT_THERE;

	*ret = (struct squashfs){ .image = assay_span_cut(image, 0, used), .space = { .spill_fd = -1, .max = TABLE_MAX } };
	ret->inodes = (uint32_t)squashfs_get(image, 4, 4);
	ret->block_size = (uint32_t)squashfs_get(image, 12, 4);
	ret->fragments = (uint32_t)squashfs_get(image, 16, 4);
	ret->ids = (uint32_t)squashfs_get(image, 26, 2);
	ret->root = squashfs_get(image, 32, 8);
	/* directories end where the first block of the next table begins */
	if (!ret->fragments)
		end = squashfs_get(image, squashfs_get(image, 48, 8), 8);
	if (squashfs_get(image, 88, 8) < used && squashfs_get(image, squashfs_get(image, 88, 8), 8) < end)
		end = squashfs_get(image, squashfs_get(image, 88, 8), 8);
	if (!codec_of(image, &ret->codec))
		return assay_fail(err, ASSAY_EUNSUPPORTED, "compressor: is not known");
	if (inodes > directories || directories > end || end > used || ret->inodes > ASSAY_MAX_MEMBERS ||
	    ret->block_size < 4096 || ret->block_size > ASSAY_MIB)
		return assay_fail(err, ASSAY_EINPUT, "tables: lie outside the image");
	if (unpack_table(ret, inodes, directories, assay_span_of(NULL, 0), &ret->inode_table, err) ||
	    unpack_table(ret, directories, end, assay_span_of(NULL, 0), &ret->directory_table, err) ||
	    unpack_listed(ret, fragments, ret->fragments, 16, &ret->fragment_table, err) ||
	    unpack_listed(ret, squashfs_get(image, 48, 8), ret->ids, 4, &ret->id_table, err))
		return err->code;
	return open_xattrs(ret, squashfs_get(image, 56, 8), err);
}

void squashfs_close(struct squashfs *fs)
{
	struct squashfs_table *tables[] = { &fs->xattr_values, &fs->xattr_ids, &fs->id_table,
					    &fs->fragment_table, &fs->directory_table, &fs->inode_table };

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		assay_decoded_release(&tables[i]->decoded);
		free(tables[i]->blocks);
	}
}

/* ---- extended attributes ------------------------------------------------------------------------------ */

enum { XATTR_ELSEWHERE = 0x100 };

/* Name and value of the attribute at the start of *rest; a value may stand elsewhere, once. */
static enum assay_code next_xattr(const struct squashfs *fs, struct assay_span *rest, struct assay_buf *records,
				  struct assay_error *err)
{
	static const char *const prefixes[] = { "user.", "trusted.", "security." };
	uint64_t type = squashfs_get(*rest, 0, 2), name_size = squashfs_get(*rest, 2, 2), size;
	struct assay_span name = assay_span_cut(*rest, 4, name_size), value;

	*rest = assay_span_cut(*rest, 4 + name_size, SIZE_MAX);
	size = squashfs_get(*rest, 0, 4);
	value = assay_span_cut(*rest, 4, size);
	if ((type & 0xff) > 2 || name.len < name_size || value.len < size)
		return assay_fail(err, ASSAY_EINPUT, "extended attribute: cut short");
	*rest = assay_span_cut(*rest, 4 + size, SIZE_MAX);
	if (type & XATTR_ELSEWHERE) {
		uint64_t place = squashfs_get(value, 0, 8);

		if (squashfs_at(&fs->xattr_values, place >> 16, place & 0xffff, &value, err))
			return err->code;
		size = squashfs_get(value, 0, 4);
		value = assay_span_cut(value, 4, size);
		if (value.len < size)
			return assay_fail(err, ASSAY_EINPUT, "extended attribute: cut short");
	}
	tree_tar_xattr(records, prefixes[type & 0xff], name, value);
	return ASSAY_OK;
}

enum assay_code squashfs_xattrs(const struct squashfs *fs, uint32_t set, struct assay_buf *records,
				struct assay_error *err)
{
	struct assay_span entry = assay_span_cut(fs->xattr_ids.decoded.bytes, 16ULL * set, 16), rest;
	uint64_t place = squashfs_get(entry, 0, 8), count = squashfs_get(entry, 8, 4);

	if (set == SQUASHFS_NONE)
		return ASSAY_OK;
	if (entry.len < 16 || count > 4096)
		return assay_fail(err, ASSAY_EINPUT, "extended attributes: set %u is not there", set);
	if (squashfs_at(&fs->xattr_values, place >> 16, place & 0xffff, &rest, err))
		return err->code;
	for (uint64_t i = 0; i < count; i++)
		if (next_xattr(fs, &rest, records, err))
			return err->code;
	return ASSAY_OK;
}
