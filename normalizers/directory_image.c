/* SPDX-License-Identifier: Apache-2.0 */
/* Two image layouts as tar archives; see the header. */
#include "directory_image.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "directory.h"
#include "tree_tar.h"

#define DEPTH_MAX 16
#define PATH_LENGTH_MAX 4096
#define LINK_MAX_SHOWN 4096

static bool has_file(int fd, const char *name)
{
	struct stat st;

	return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

bool assay_image_directory_is(int fd)
{
	return has_file(fd, "oci-layout") && has_file(fd, "index.json");
}

struct writing {
	struct assay_sink *sink;
	struct assay_buf path;
	unsigned depth;
	struct assay_error *err;
};

static enum assay_code write_tree(struct writing *w, int fd);

static char type_of(mode_t mode)
{
	return S_ISREG(mode) ? '0' : S_ISLNK(mode) ? '2' : S_ISDIR(mode) ? '5' : S_ISCHR(mode) ? '3' :
	       S_ISBLK(mode) ? '4' : '6';
}

static enum assay_code write_file(struct writing *w, int fd, struct tree_member *member)
{
	assay_auto(assay_map_release) struct assay_map map = { 0 };

	if (assay_map_fd(fd, &map, w->err))
		return w->err->code;
	member->size = map.bytes.len;
	if (tree_tar_member(w->sink, member, w->err) || assay_sink_add(w->sink, map.bytes, w->err))
		return w->err->code;
	return tree_tar_pad(w->sink, member->size, w->err);
}

/* Owners and times of a directory on disk are those of whoever unpacked it. */
static enum assay_code write_entry(struct writing *w, int dirfd, const char *name)
{
	assay_auto(assay_fd_closep) int fd = -1;
	char link[LINK_MAX_SHOWN];
	struct stat st;
	struct tree_member member = { .path = assay_buf_span(&w->path) };

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
		return assay_fail_errno(w->err, "%s", name);
	member.type = type_of(st.st_mode);
	member.mode = st.st_mode & 07777;
	if (S_ISLNK(st.st_mode)) {
		ssize_t length = readlinkat(dirfd, name, link, sizeof(link));

		if (length < 0)
			return assay_fail_errno(w->err, "%s", name);
		member.link = assay_span_of(link, (size_t)length);
	}
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return tree_tar_member(w->sink, &member, w->err);
	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0)
		return assay_fail_errno(w->err, "%s", name);
	if (S_ISREG(st.st_mode))
		return write_file(w, fd, &member);
	return tree_tar_member(w->sink, &member, w->err) ? w->err->code : write_tree(w, fd);
}

static enum assay_code write_tree(struct writing *w, int fd)
{
	struct assay_names_list list = { 0 };
	size_t before = w->path.len;
	enum assay_code code;

	if (w->depth == DEPTH_MAX)
		return assay_fail(w->err, ASSAY_ELIMIT, "directories nested too deeply");
	w->depth++;
	code = assay_directory_list(fd, &list, w->err);
	for (size_t i = 0; i < list.count && !code; i++) {
		assay_buf_printf(&w->path, "%s%s", before ? "/" : "", list.names[i]);
		code = assay_buf_check(&w->path, "path", w->err);
		if (!code)
			code = write_entry(w, fd, list.names[i]);
		w->path.len = before;
	}
	assay_directory_list_release(&list);
	w->depth--;
	return code;
}

static enum assay_code write_archive(struct assay_codec_space *space, int fd, struct assay_decoded *ret,
				     struct assay_error *err)
{
	struct assay_sink sink;
	struct writing w = { .sink = &sink, .path = ASSAY_BUF_INIT(PATH_LENGTH_MAX), .err = err };
	enum assay_code code;

	assay_sink_open(&sink, space, ASSAY_MAX_DECODED, 0);
	code = write_tree(&w, fd);
	if (!code)
		code = tree_tar_end(&sink, err);
	assay_buf_release(&w.path);
	if (!code)
		return assay_sink_close(&sink, ret, err);
	assay_sink_abandon(&sink);
	return code;
}

enum assay_code assay_image_directory_compare(struct assay_walk *walk, int left_fd, int right_fd,
					      struct assay_error *err)
{
	struct assay_decoded left = { 0 }, right = { 0 };
	enum assay_code code = write_archive(&walk->spaces[0], left_fd, &left, err);

	if (!code)
		code = write_archive(&walk->spaces[1], right_fd, &right, err);
	if (!code && !assay_span_equal(left.bytes, right.bytes))
		code = assay_walk_content(walk, NULL, left.bytes, right.bytes, err);
	assay_decoded_release(&right);
	assay_decoded_release(&left);
	return code;
}
