/* SPDX-License-Identifier: Apache-2.0 */
/* From the root inode to a tar archive; see the header. */
#include "squashfs_read.h"

#include <stdlib.h>

#include "assay/arena.h"
#include "assay/limits.h"
#include "squashfs_int.h"

enum { DIRECTORY = 1, REGULAR, SYMLINK, BLOCK_DEVICE, CHARACTER_DEVICE, FIFO, SOCKET, EXTENDED = 7 };

#define DEPTH_MAX 128
#define PATH_LENGTH_MAX (64 * ASSAY_KIB)
#define UNPACKED_AT_ONCE 4 /* fragments kept unpacked */

/* An inode of either form. */
struct inode {
	unsigned type; /* of the basic form */
	uint32_t mode, uid, gid, number, fragment, fragment_at, xattrs, device, links;
	int64_t mtime;
	uint64_t size, start; /* start: of the data, or block of the directory */
	uint64_t offset;      /* of the directory */
	struct assay_span tail; /* sizes of blocks; target of a symbolic link */
};

struct fragment {
	uint32_t number;
	bool is_there;
	struct assay_decoded decoded;
};

struct reader {
	struct squashfs fs;
	struct assay_sink *sink;
	struct assay_arena arena;
	struct assay_span *paths; /* by number of inode: where it was seen first */
	struct assay_buf path;
	struct assay_codec_space space; /* of fragments */
	struct fragment fragments[UNPACKED_AT_ONCE];
	unsigned next_fragment;
	uint64_t left_to_unpack; /* fragments are unpacked again and again: up to here */
	unsigned depth;
};

/* ---- inodes ------------------------------------------------------------------------------------------ */

static uint64_t id_at(const struct reader *r, uint64_t index)
{
	return squashfs_get(r->fs.id_table.decoded.bytes, 4 * index, 4);
}

static void read_directory_inode(struct assay_span s, bool is_extended, struct inode *ret)
{
	ret->links = (uint32_t)squashfs_get(s, is_extended ? 16 : 20, 4);
	ret->size = squashfs_get(s, is_extended ? 20 : 24, is_extended ? 4 : 2);
	ret->start = squashfs_get(s, is_extended ? 24 : 16, 4);
	ret->offset = squashfs_get(s, is_extended ? 34 : 26, 2);
	if (is_extended)
		ret->xattrs = (uint32_t)squashfs_get(s, 36, 4);
}

static void read_file_inode(const struct reader *r, struct assay_span s, bool is_extended, struct inode *ret)
{
	uint64_t blocks;

	ret->start = squashfs_get(s, 16, is_extended ? 8 : 4);
	ret->size = squashfs_get(s, is_extended ? 24 : 28, is_extended ? 8 : 4);
	ret->links = is_extended ? (uint32_t)squashfs_get(s, 40, 4) : 1;
	ret->fragment = (uint32_t)squashfs_get(s, is_extended ? 44 : 20, 4);
	ret->fragment_at = (uint32_t)squashfs_get(s, is_extended ? 48 : 24, 4);
	if (is_extended)
		ret->xattrs = (uint32_t)squashfs_get(s, 52, 4);
	blocks = ret->size / r->fs.block_size;
	if (ret->fragment == SQUASHFS_NONE && ret->size % r->fs.block_size)
		blocks++;
	ret->tail = assay_span_cut(s, is_extended ? 56 : 32, blocks > s.len / 4 ? SIZE_MAX : 4 * blocks);
}

static enum assay_code read_inode(const struct reader *r, uint64_t block, uint64_t offset, struct inode *ret,
				  struct assay_error *err)
{
	struct assay_span s;
	uint64_t type;
	bool is_extended;

	if (squashfs_at(&r->fs.inode_table, block, offset, &s, err))
		return err->code;
	type = squashfs_get(s, 0, 2);
	is_extended = type > EXTENDED;
	if (type < DIRECTORY || type > EXTENDED + SOCKET || s.len < 20)
		return assay_fail(err, ASSAY_EINPUT, "inode: type %llu is not known", (unsigned long long)type);
	*ret = (struct inode){ .type = (unsigned)(is_extended ? type - EXTENDED : type),
			       .xattrs = SQUASHFS_NONE,
			       .mode = (uint32_t)squashfs_get(s, 2, 2),
			       .uid = (uint32_t)id_at(r, squashfs_get(s, 4, 2)),
			       .gid = (uint32_t)id_at(r, squashfs_get(s, 6, 2)),
			       .mtime = (int64_t)squashfs_get(s, 8, 4),
			       .number = (uint32_t)squashfs_get(s, 12, 4),
			       .links = (uint32_t)squashfs_get(s, 16, 4) };
	if (ret->number == 0 || ret->number > r->fs.inodes)
		return assay_fail(err, ASSAY_EINPUT, "inode: number %u of %u", ret->number, r->fs.inodes);
	if (ret->type == DIRECTORY)
		read_directory_inode(s, is_extended, ret);
	else if (ret->type == REGULAR)
		read_file_inode(r, s, is_extended, ret);
	else if (ret->type == SYMLINK)
		ret->tail = assay_span_cut(s, 24, squashfs_get(s, 20, 4));
	else if (ret->type <= CHARACTER_DEVICE)
		ret->device = (uint32_t)squashfs_get(s, 20, 4);
	if (is_extended && ret->type >= SYMLINK)
		ret->xattrs = (uint32_t)squashfs_get(
			s, ret->type == SYMLINK ? 24 + ret->tail.len : ret->type <= CHARACTER_DEVICE ? 24 : 20, 4);
	return ASSAY_OK;
}

/* ---- contents ------------------------------------------------------------------------------------------ */

static enum assay_code unpack_fragment(struct reader *r, uint32_t number, struct fragment *ret,
				       struct assay_error *err)
{
	struct assay_span entry = assay_span_cut(r->fs.fragment_table.decoded.bytes, 16ULL * number, 16);
	uint64_t word = squashfs_get(entry, 8, 4);
	struct assay_sink sink;

	if (entry.len < 16)
		return assay_fail(err, ASSAY_EINPUT, "fragment %u is not there", number);
	if (r->left_to_unpack < r->fs.block_size)
		return assay_fail(err, ASSAY_ELIMIT, "fragments: unpacked too often");
	r->left_to_unpack -= r->fs.block_size;
	assay_decoded_release(&ret->decoded);
	*ret = (struct fragment){ .number = number };
	assay_sink_open(&sink, &r->space, r->fs.image.len, 0);
	if (squashfs_unpack(&r->fs, squashfs_get(entry, 0, 8), word & 0xffffff, !(word & 0x1000000), &sink, err)) {
		assay_sink_abandon(&sink);
		return err->code;
	}
	ret->is_there = true;
	return assay_sink_close(&sink, &ret->decoded, err);
}

static enum assay_code write_fragment(struct reader *r, const struct inode *inode, uint64_t size,
				      struct assay_error *err)
{
	struct fragment *found = NULL;
	struct assay_span bytes;

	for (unsigned i = 0; i < UNPACKED_AT_ONCE && !found; i++)
		if (r->fragments[i].is_there && r->fragments[i].number == inode->fragment)
			found = &r->fragments[i];
	if (!found) {
		found = &r->fragments[r->next_fragment++ % UNPACKED_AT_ONCE];
		if (unpack_fragment(r, inode->fragment, found, err))
			return err->code;
	}
	bytes = assay_span_cut(found->decoded.bytes, inode->fragment_at, size);
	if (bytes.len < size)
		return assay_fail(err, ASSAY_EINPUT, "fragment %u: ends before the file does", inode->fragment);
	return assay_sink_add(r->sink, bytes, err);
}

static enum assay_code write_block(struct reader *r, uint64_t start, uint64_t word, uint64_t size,
				   struct assay_error *err)
{
	size_t before = assay_sink_bytes(r->sink).len;

	if (word == 0)
		return tree_tar_zeros(r->sink, size, err);
	if (squashfs_unpack(&r->fs, start, word & 0xffffff, !(word & 0x1000000), r->sink, err))
		return err->code;
	if (assay_sink_bytes(r->sink).len - before != size)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: block: does not unpack to %llu bytes",
				  (unsigned long long)start, (unsigned long long)size);
	return ASSAY_OK;
}

static enum assay_code write_content(struct reader *r, const struct inode *inode, struct assay_error *err)
{
	uint64_t left = inode->size, at = inode->start;

	for (size_t i = 0; 4 * i < inode->tail.len; i++) {
		uint64_t word = squashfs_get(inode->tail, 4 * i, 4);
		uint64_t size = left < r->fs.block_size ? left : r->fs.block_size;

		if (write_block(r, at, word, size, err))
			return err->code;
		at += word & 0xffffff;
		left -= size;
	}
	if (left && inode->fragment == SQUASHFS_NONE)
		return assay_fail(err, ASSAY_EINPUT, "file: has fewer blocks than its size says");
	return left ? write_fragment(r, inode, left, err) : ASSAY_OK;
}

/* ---- members -------------------------------------------------------------------------------------------- */

static enum assay_code fill_member(const struct reader *r, const struct inode *inode, struct assay_buf *records,
				   struct tree_member *ret, struct assay_error *err)
{
	static const char types[] = { [DIRECTORY] = '5',	[REGULAR] = '0',	  [SYMLINK] = '2',
				      [BLOCK_DEVICE] = '4', [CHARACTER_DEVICE] = '3', [FIFO] = '6', [SOCKET] = '6' };
	struct assay_span known = r->paths[inode->number - 1];

	*ret = (struct tree_member){
		.path = assay_buf_span(&r->path),
		.type = types[inode->type],
		.mode = inode->mode,
		.uid = inode->uid,
		.gid = inode->gid,
		.mtime = inode->mtime,
		.major = inode->device >> 8 & 0xfff,
		.minor = (inode->device & 0xff) | (inode->device >> 12 & 0xfff00),
		.size = inode->type == REGULAR && !known.len ? inode->size : 0,
		.link = inode->type == SYMLINK ? inode->tail : assay_span_of(NULL, 0),
	};
	if (known.len) {
		ret->type = '1';
		ret->link = known;
		return ASSAY_OK;
	}
	if (squashfs_xattrs(&r->fs, inode->xattrs, records, err))
		return err->code;
	ret->xattrs = assay_buf_span(records);
	return assay_buf_check(records, "extended attributes", err);
}

static enum assay_code write_member(struct reader *r, const struct inode *inode, struct assay_error *err)
{
	struct assay_buf records = ASSAY_BUF_INIT(ASSAY_MIB);
	struct tree_member member;
	enum assay_code code = fill_member(r, inode, &records, &member, err);

	if (!code)
		code = tree_tar_member(r->sink, &member, err);
	if (!code && member.size)
		code = write_content(r, inode, err);
	if (!code)
		code = tree_tar_pad(r->sink, member.size, err);
	assay_buf_release(&records);
	return code;
}

static enum assay_code walk(struct reader *r, const struct inode *inode, struct assay_error *err);

/* A name in a directory is not empty, and no path. */
static bool is_name(struct assay_span name)
{
	return name.len && !memchr(name.data, '/', name.len) && !memchr(name.data, 0, name.len) &&
	       !assay_span_equal_text(name, ".") && !assay_span_equal_text(name, "..");
}

static enum assay_code walk_entry(struct reader *r, uint64_t block, struct assay_span entry, struct assay_error *err)
{
	struct assay_span name = assay_span_cut(entry, 8, squashfs_get(entry, 6, 2) + 1);
	size_t before = r->path.len;
	struct inode inode;
	enum assay_code code;

	if (name.len < squashfs_get(entry, 6, 2) + 1 || !is_name(name))
		return assay_fail(err, ASSAY_EINPUT, "directory: name is no name");
	if (read_inode(r, block, squashfs_get(entry, 0, 2), &inode, err))
		return err->code;
	assay_buf_add_text(&r->path, "/");
	assay_buf_add_span(&r->path, name);
	code = assay_buf_check(&r->path, "path", err);
	if (!code)
		code = walk(r, &inode, err);
	r->path.len = before;
	return code;
}

static enum assay_code walk_directory(struct reader *r, const struct inode *directory, struct assay_error *err)
{
	struct assay_span rest;

	if (directory->size <= 3)
		return ASSAY_OK;
	if (squashfs_at(&r->fs.directory_table, directory->start, directory->offset, &rest, err))
		return err->code;
	rest = assay_span_cut(rest, 0, directory->size - 3);
	while (rest.len) {
		uint64_t count = squashfs_get(rest, 0, 4) + 1, block = squashfs_get(rest, 4, 4);

		if (rest.len < 12 || count > 256)
			return assay_fail(err, ASSAY_EINPUT, "directory: header is wrong");
		rest = assay_span_cut(rest, 12, SIZE_MAX);
		for (uint64_t i = 0; i < count; i++) {
			if (walk_entry(r, block, rest, err))
				return err->code;
			rest = assay_span_cut(rest, 9 + squashfs_get(rest, 6, 2), SIZE_MAX);
		}
	}
	return ASSAY_OK;
}

static enum assay_code walk(struct reader *r, const struct inode *inode, struct assay_error *err)
{
	struct assay_span *seen = &r->paths[inode->number - 1], path = assay_buf_span(&r->path);
	enum assay_code code = ASSAY_OK;

	if (inode->type == DIRECTORY && (seen->len || r->depth == DEPTH_MAX))
		return assay_fail(err, ASSAY_EINPUT, "directory: comes twice, or is too deep");
	if (write_member(r, inode, err))
		return err->code;
	if (seen->len)
		return ASSAY_OK;
	*seen = assay_span_of(assay_arena_text(&r->arena, path), path.len);
	if (!seen->data)
		return assay_fail(err, ASSAY_ELIMIT, "paths: above the limit");
	if (inode->type == DIRECTORY) {
		r->depth++;
		code = walk_directory(r, inode, err);
		r->depth--;
	}
	return code;
}

static enum assay_code read_all(struct reader *r, struct assay_error *err)
{
	struct inode root;

	r->paths = calloc((size_t)r->fs.inodes + 1, sizeof(*r->paths));
	if (!r->paths)
		return assay_fail(err, ASSAY_ENOMEM, "squashfs: out of memory");
	assay_buf_add_text(&r->path, ".");
	if (read_inode(r, r->fs.root >> 16, r->fs.root & 0xffff, &root, err) || walk(r, &root, err))
		return err->code;
	return tree_tar_end(r->sink, err);
}

enum assay_code squashfs_read(struct assay_span image, struct assay_sink *sink, struct assay_error *err)
{
	struct reader r = { .sink = sink,
			    .arena = ASSAY_ARENA_INIT(ASSAY_MAX_TREE),
			    .path = ASSAY_BUF_INIT(PATH_LENGTH_MAX),
			    .space = { .spill_fd = -1, .max = UINT64_MAX },
			    .left_to_unpack = ASSAY_GIB + 64 * (uint64_t)image.len };
	enum assay_code code = squashfs_open(image, &r.fs, err);

	if (!code)
		code = read_all(&r, err);
	for (unsigned i = 0; i < UNPACKED_AT_ONCE; i++)
		assay_decoded_release(&r.fragments[i].decoded);
	squashfs_close(&r.fs);
	assay_buf_release(&r.path);
	assay_arena_release(&r.arena);
	free(r.paths);
	return code;
}
