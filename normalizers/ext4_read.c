/* SPDX-License-Identifier: Apache-2.0 */
/* From the root inode to a tar archive; see the header. */
#include "ext4_read.h"

#include <stdlib.h>

#include "assay/arena.h"
#include "assay/limits.h"
#include "ext4_int.h"

#define ROOT 2
#define DEPTH_MAX 128
#define PATH_LENGTH_MAX (64 * ASSAY_KIB)
#define DIRECTORY_MAX (64 * ASSAY_MIB)
#define FAST_SYMLINK 60

enum { TYPE_MASK = 0170000, FIFO = 0010000, CHARACTER_DEVICE = 0020000, DIRECTORY = 0040000, BLOCK_DEVICE = 0060000,
       REGULAR = 0100000, SYMLINK = 0120000, SOCKET = 0140000 };
enum { EXTENTS = 0x80000, UNREADABLE = 0x10000000 | 0x800 | 0x4 }; /* inline, encrypted, compressed */

struct reader {
	const struct ext4_image *image;
	struct assay_sink *sink;
	struct assay_arena arena;
	struct assay_span *paths; /* by number of inode: where it was seen first */
	struct assay_buf path;
	unsigned depth;
};

static enum assay_code find_inode(const struct reader *r, uint64_t number, struct assay_span *ret,
				  struct assay_error *err)
{
	const struct ext4_image *i = r->image;
	uint64_t first = (2048 + i->block - 1) / i->block * i->block;
	uint64_t group = (number - 1) / i->inodes_a_group, index = (number - 1) % i->inodes_a_group;
	uint64_t at = first + group * i->descriptor, table = ext4_get(i->file, at + 8, 4);

	if (i->is_64 && i->descriptor >= 64)
		table |= ext4_get(i->file, at + 0x28, 4) << 32;
	if (number == 0 || number > i->inodes || table == 0 || table > i->file.len / i->block)
		return assay_fail(err, ASSAY_EINPUT, "inode %llu: lies outside the image", (unsigned long long)number);
	*ret = assay_span_cut(i->file, table * i->block + index * i->inode, i->inode);
	return ret->len < i->inode ? assay_fail(err, ASSAY_EINPUT, "inode %llu: cut short",
						(unsigned long long)number) :
				     ASSAY_OK;
}

static uint64_t size_of(struct assay_span inode)
{
	return ext4_get(inode, 4, 4) | ext4_get(inode, 0x6c, 4) << 32;
}

/* ---- members ------------------------------------------------------------------------------------------ */

static enum assay_code into_sink(void *data, struct assay_span bytes, struct assay_error *err)
{
	return assay_sink_add(data, bytes, err);
}

static enum assay_code into_buf(void *data, struct assay_span bytes, struct assay_error *err)
{
	assay_buf_add_span(data, bytes);
	return assay_buf_check(data, "contents", err);
}

static char type_of(unsigned mode)
{
	static const struct {
		unsigned mode;
		char type;
	} types[] = { { REGULAR, '0' },		 { SYMLINK, '2' }, { CHARACTER_DEVICE, '3' },
		      { BLOCK_DEVICE, '4' }, { DIRECTORY, '5' }, { FIFO, '6' },
		      { SOCKET, '6' } };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((mode & TYPE_MASK) == types[i].mode)
			return types[i].type;
	return 0;
}

static void fill_device(struct assay_span inode, struct tree_member *ret)
{
	uint64_t old = ext4_get(inode, 0x28, 4), number = ext4_get(inode, 0x2c, 4);

	ret->major = (uint32_t)(old ? old >> 8 & 0xff : number >> 8 & 0xfff);
	ret->minor = (uint32_t)(old ? old & 0xff : (number & 0xff) | (number >> 12 & 0xfff00));
}

static enum assay_code read_link(const struct reader *r, struct assay_span inode, struct assay_buf *target,
				 struct assay_error *err)
{
	uint64_t size = size_of(inode);

	if (size < FAST_SYMLINK && !(ext4_get(inode, 0x20, 4) & EXTENTS)) {
		assay_buf_add_span(target, assay_span_cut(inode, 0x28, size));
		return ASSAY_OK;
	}
	if (size > r->image->block)
		return assay_fail(err, ASSAY_EINPUT, "symbolic link: target is too long");
	return ext4_contents(r->image, inode, size, into_buf, target, err);
}

static void fill_member(const struct reader *r, struct assay_span inode, struct tree_member *ret)
{
	unsigned mode = (unsigned)ext4_get(inode, 0, 2);

	*ret = (struct tree_member){
		.path = assay_buf_span(&r->path),
		.type = type_of(mode),
		.mode = mode & 07777,
		.uid = (uint32_t)(ext4_get(inode, 2, 2) | ext4_get(inode, 0x78, 2) << 16),
		.gid = (uint32_t)(ext4_get(inode, 0x18, 2) | ext4_get(inode, 0x7a, 2) << 16),
		.mtime = (int32_t)ext4_get(inode, 0x10, 4),
		.size = type_of(mode) == '0' ? size_of(inode) : 0,
	};
	if (ret->type == '3' || ret->type == '4')
		fill_device(inode, ret);
}

static enum assay_code write_inode(struct reader *r, struct assay_span inode, struct assay_error *err)
{
	struct assay_buf records = ASSAY_BUF_INIT(ASSAY_MIB), target = ASSAY_BUF_INIT(64 * ASSAY_KIB);
	struct tree_member member;
	enum assay_code code = ASSAY_OK;

	fill_member(r, inode, &member);
	if (!member.type || ext4_get(inode, 0x20, 4) & UNREADABLE)
		return assay_fail(err, ASSAY_EINPUT, "inode: type or contents of a kind that is not read");
	if (member.type == '2')
		code = read_link(r, inode, &target, err);
	member.link = assay_buf_span(&target);
	if (!code)
		code = ext4_xattrs(r->image, inode, &records, err);
	member.xattrs = assay_buf_span(&records);
	if (!code)
		code = assay_buf_check(&records, "extended attributes", err);
	if (!code)
		code = tree_tar_member(r->sink, &member, err);
	if (!code && member.size)
		code = ext4_contents(r->image, inode, member.size, into_sink, r->sink, err);
	if (!code)
		code = tree_tar_pad(r->sink, member.size, err);
	assay_buf_release(&records);
	assay_buf_release(&target);
	return code;
}

/* ---- the tree ------------------------------------------------------------------------------------------- */

static enum assay_code walk(struct reader *r, uint64_t number, struct assay_error *err);

struct name {
	struct assay_span text;
	uint64_t inode;
};

static int by_text(const void *left, const void *right)
{
	return assay_span_compare(((const struct name *)left)->text, ((const struct name *)right)->text);
}

static bool is_name(struct assay_span name)
{
	return name.len && !memchr(name.data, '/', name.len) && !memchr(name.data, 0, name.len);
}

/* Blocks of a hashed directory's tree look like one unused entry each. */
static enum assay_code list_names(const struct reader *r, struct assay_span bytes, struct name *list, size_t *count,
				  struct assay_error *err)
{
	for (uint64_t at = 0; at < bytes.len;) {
		uint64_t inode = ext4_get(bytes, at, 4), step = ext4_get(bytes, at + 4, 2);
		struct assay_span name = assay_span_cut(bytes, at + 8, ext4_get(bytes, at + 6, 1));

		step = step == 0xffff ? 65536 : step;
		if (step < 8 || step % 4 || step > r->image->block - at % r->image->block || name.len + 8 > step)
			return assay_fail(err, ASSAY_EINPUT, "directory: entry at %llu is wrong", (unsigned long long)at);
		at += step;
		if (!inode || assay_span_equal_text(name, ".") || assay_span_equal_text(name, ".."))
			continue;
		if (!is_name(name))
			return assay_fail(err, ASSAY_EINPUT, "directory: name is no name");
		list[(*count)++] = (struct name){ name, inode };
	}
	return ASSAY_OK;
}

static enum assay_code walk_names(struct reader *r, struct assay_span bytes, struct assay_error *err)
{
	struct name *list = calloc(bytes.len / 8 + 1, sizeof(*list));
	size_t count = 0, before = r->path.len;
	enum assay_code code;

	if (!list)
		return assay_fail(err, ASSAY_ENOMEM, "ext4: out of memory");
	code = list_names(r, bytes, list, &count, err);
	if (!code && count)
		qsort(list, count, sizeof(*list), by_text);
	for (size_t i = 0; i < count && !code; i++) {
		assay_buf_add_text(&r->path, "/");
		assay_buf_add_span(&r->path, list[i].text);
		code = assay_buf_check(&r->path, "path", err);
		if (!code)
			code = walk(r, list[i].inode, err);
		r->path.len = before;
	}
	free(list);
	return code;
}

static enum assay_code walk_directory(struct reader *r, struct assay_span inode, struct assay_error *err)
{
	struct assay_buf bytes = ASSAY_BUF_INIT(DIRECTORY_MAX);
	enum assay_code code;

	if (size_of(inode) > DIRECTORY_MAX || size_of(inode) % r->image->block || r->depth == DEPTH_MAX)
		return assay_fail(err, ASSAY_EINPUT, "directory: size is wrong, or too deep");
	r->depth++;
	code = ext4_contents(r->image, inode, size_of(inode), into_buf, &bytes, err);
	if (!code)
		code = walk_names(r, assay_buf_span(&bytes), err);
	assay_buf_release(&bytes);
	r->depth--;
	return code;
}

static enum assay_code walk(struct reader *r, uint64_t number, struct assay_error *err)
{
	struct assay_span inode, path = assay_buf_span(&r->path), *seen;
	bool is_directory;

	if (find_inode(r, number, &inode, err))
		return err->code;
	seen = &r->paths[number - 1];
	is_directory = (ext4_get(inode, 0, 2) & TYPE_MASK) == DIRECTORY;
	if (seen->len && is_directory)
		return assay_fail(err, ASSAY_EINPUT, "directory: comes twice");
	if (seen->len) {
		struct tree_member link;

		fill_member(r, inode, &link);
		link.type = '1';
		link.link = *seen;
		link.size = 0;
		return tree_tar_member(r->sink, &link, err);
	}
	if (write_inode(r, inode, err))
		return err->code;
	*seen = assay_span_of(assay_arena_text(&r->arena, path), path.len);
	if (!seen->data)
		return assay_fail(err, ASSAY_ELIMIT, "paths: above the limit");
	return is_directory ? walk_directory(r, inode, err) : ASSAY_OK;
}

enum assay_code ext4_read(const struct ext4_image *image, struct assay_sink *sink, struct assay_error *err)
{
	struct reader r = { .image = image,
			    .sink = sink,
			    .arena = ASSAY_ARENA_INIT(ASSAY_MAX_TREE),
			    .path = ASSAY_BUF_INIT(PATH_LENGTH_MAX) };
	enum assay_code code;

	if (image->inodes == 0 || image->inodes > image->file.len / image->inode || image->inodes_a_group == 0)
		return assay_fail(err, ASSAY_EINPUT, "superblock: more inodes than there is room for");
	r.paths = calloc(image->inodes, sizeof(*r.paths));
	if (!r.paths)
		return assay_fail(err, ASSAY_ENOMEM, "ext4: out of memory");
	assay_buf_add_text(&r.path, ".");
	code = walk(&r, ROOT, err);
	if (!code)
		code = tree_tar_end(sink, err);
	assay_buf_release(&r.path);
	assay_arena_release(&r.arena);
	free(r.paths);
	return code;
}
