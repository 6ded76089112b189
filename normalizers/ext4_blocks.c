/* SPDX-License-Identifier: Apache-2.0 */
/* Contents by extents or by indirect blocks, and extended attributes; see the header. */
#include "assay/limits.h"
#include "ext4_int.h"

enum { EXTENTS = 0x80000 };
enum { EXTENT_MAGIC = 0xf30a, XATTR_MAGIC = 0xea020000, DEPTH_MAX = 5, UNWRITTEN = 32768 };

#define MAP_AT 0x28 /* of the inode: extents, or numbers of blocks */
#define MAP_SIZE 60

struct mapping {
	const struct ext4_image *image;
	uint64_t next;	/* block of the file that is wanted next */
	uint64_t left;	/* bytes of the file */
	uint64_t steps; /* blocks of the map that may still be read */
	ext4_take *take;
	void *data;
	struct assay_error *err;
};

static enum assay_code give(struct mapping *m, struct assay_span bytes)
{
	struct assay_span piece = assay_span_cut(bytes, 0, m->left);

	m->left -= piece.len;
	return piece.len ? m->take(m->data, piece, m->err) : ASSAY_OK;
}

static enum assay_code give_holes(struct mapping *m, uint64_t blocks)
{
	static const uint8_t zeros[64 * ASSAY_KIB];
	uint64_t bytes = blocks > m->left / m->image->block ? m->left : blocks * m->image->block;

	while (bytes) {
		uint64_t now = bytes < sizeof(zeros) ? bytes : sizeof(zeros);

		if (give(m, assay_span_of(zeros, now)))
			return m->err->code;
		bytes -= now;
	}
	return ASSAY_OK;
}

/* Blocks of the file from logical on stand at physical, or are holes. */
static enum assay_code map(struct mapping *m, uint64_t logical, uint64_t physical, uint64_t count, bool is_hole)
{
	struct assay_span bytes;

	if (logical < m->next)
		return assay_fail(m->err, ASSAY_EINPUT, "block %llu of a file: comes twice",
				  (unsigned long long)logical);
	if (give_holes(m, logical - m->next))
		return m->err->code;
	m->next = logical + count;
	if (is_hole || !m->left)
		return give_holes(m, count);
	if (physical > m->image->file.len / m->image->block)
		return assay_fail(m->err, ASSAY_EINPUT, "block %llu: lies outside the image",
				  (unsigned long long)physical);
	bytes = assay_span_cut(m->image->file, physical * m->image->block, count * m->image->block);
	if (bytes.len < count * m->image->block && bytes.len < m->left)
		return assay_fail(m->err, ASSAY_EINPUT, "block %llu: lies outside the image",
				  (unsigned long long)physical);
	return give(m, bytes);
}

static enum assay_code block_at(struct mapping *m, uint64_t number, struct assay_span *ret)
{
	if (number >= m->image->file.len / m->image->block || m->steps == 0)
		return assay_fail(m->err, ASSAY_EINPUT, "block %llu of a map: lies outside the image, or is one too many",
				  (unsigned long long)number);
	m->steps--;
	*ret = assay_span_cut(m->image->file, number * m->image->block, m->image->block);
	return ASSAY_OK;
}

static enum assay_code map_extents(struct mapping *m, struct assay_span node, unsigned depth)
{
	uint64_t count = ext4_get(node, 2, 2), levels = ext4_get(node, 6, 2);

	if (ext4_get(node, 0, 2) != EXTENT_MAGIC || levels > DEPTH_MAX || (depth && levels != depth - 1) ||
	    12 * (count + 1) > node.len)
		return assay_fail(m->err, ASSAY_EINPUT, "extents: head is wrong");
	for (uint64_t i = 0; i < count && m->left; i++) {
		struct assay_span entry = assay_span_cut(node, 12 * (i + 1), 12), child;
		uint64_t length = ext4_get(entry, 4, 2);
		bool is_unwritten = length > UNWRITTEN;

		if (levels) {
			if (block_at(m, ext4_get(entry, 4, 4) | ext4_get(entry, 8, 2) << 32, &child) ||
			    map_extents(m, child, (unsigned)levels))
				return m->err->code;
		} else if (map(m, ext4_get(entry, 0, 4), ext4_get(entry, 8, 4) | ext4_get(entry, 6, 2) << 32,
			       is_unwritten ? length - UNWRITTEN : length, is_unwritten)) {
			return m->err->code;
		}
	}
	return ASSAY_OK;
}

/* A block number of the map: of data, or of a block with more of them. */
static enum assay_code map_indirect(struct mapping *m, uint64_t number, unsigned depth)
{
	uint64_t covers = 1;
	struct assay_span child;

	for (unsigned i = 0; i < depth; i++)
		covers *= m->image->block / 4;
	if (!m->left)
		return ASSAY_OK;
	if (number == 0 || depth == 0)
		return map(m, m->next, number, covers, number == 0);
	if (block_at(m, number, &child))
		return m->err->code;
	for (uint64_t i = 0; i < m->image->block / 4 && m->left; i++)
		if (map_indirect(m, ext4_get(child, 4 * i, 4), depth - 1))
			return m->err->code;
	return ASSAY_OK;
}

enum assay_code ext4_contents(const struct ext4_image *image, struct assay_span inode, uint64_t size, ext4_take *take,
			      void *data, struct assay_error *err)
{
	struct mapping m = { .image = image, .left = size, .take = take, .data = data, .err = err,
			     .steps = image->file.len / image->block };
	struct assay_span root = assay_span_cut(inode, MAP_AT, MAP_SIZE);

	if (ext4_get(inode, 0x20, 4) & EXTENTS) {
		if (map_extents(&m, root, 0))
			return err->code;
	} else {
		for (unsigned i = 0; i < 15 && m.left; i++)
			if (map_indirect(&m, ext4_get(root, 4 * i, 4), i < 12 ? 0 : i - 11))
				return err->code;
	}
	return give_holes(&m, UINT64_MAX);
}

/* ---- extended attributes ------------------------------------------------------------------------------ */

/* values: what the places of the values are relative to. */
static enum assay_code add_xattrs(struct assay_span entries, struct assay_span values, struct assay_buf *records,
				  struct assay_error *err)
{
	static const char *const prefixes[] = { "", "user.", "system.posix_acl_access", "system.posix_acl_default",
						"trusted.", "", "security.", "system." };

	while (entries.len >= 4 && ext4_get(entries, 0, 4)) {
		uint64_t length = ext4_get(entries, 0, 1), index = ext4_get(entries, 1, 1);
		uint64_t size = ext4_get(entries, 8, 4);
		struct assay_span value = assay_span_cut(values, ext4_get(entries, 2, 2), size);

		if (index > 7 || value.len < size || ext4_get(entries, 4, 4) || entries.len < 16 + length)
			return assay_fail(err, ASSAY_EINPUT, "extended attribute: is not in its block");
		tree_tar_xattr(records, prefixes[index], assay_span_cut(entries, 16, length), value);
		entries = assay_span_cut(entries, (16 + length + 3) & ~(uint64_t)3, SIZE_MAX);
	}
	return ASSAY_OK;
}

enum assay_code ext4_xattrs(const struct ext4_image *image, struct assay_span inode, struct assay_buf *records,
			    struct assay_error *err)
{
	uint64_t at = 128 + ext4_get(inode, 0x80, 2), block = ext4_get(inode, 0x68, 4) | ext4_get(inode, 0x76, 2) << 32;
	struct assay_span area = assay_span_cut(inode, at + 4, SIZE_MAX);

	if (inode.len > 128 && ext4_get(inode, at, 4) == XATTR_MAGIC && add_xattrs(area, area, records, err))
		return err->code;
	if (!block)
		return ASSAY_OK;
	area = assay_span_cut(image->file, block * image->block, image->block);
	if (block > image->file.len / image->block || ext4_get(area, 0, 4) != XATTR_MAGIC)
		return assay_fail(err, ASSAY_EINPUT, "extended attributes: block %llu is none of them",
				  (unsigned long long)block);
	return add_xattrs(assay_span_cut(area, 32, SIZE_MAX), area, records, err);
}
