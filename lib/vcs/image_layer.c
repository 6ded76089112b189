/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer of a container image (OCI image-spec, "layer.md") into a directory of its own.  Unlike a
 * source it is a root file system: modes are kept, links may point anywhere, because they are only
 * ever followed inside the box; whiteouts come as the files that announce them.  Owners and setuid
 * bits are dropped: a build runs as one user, without new privileges.  Written in the jail, so that no
 * member can leave the directory, whatever its path.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "assay/archive_late.h"
#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/jail.h"
#include "assay/limits.h"
#include "assay/vcs.h"
#include "target.h"

struct layer {
	struct archive *archive;
	int fd, top;
	uint64_t bytes;
	size_t members;
	struct assay_error *err;
};

static enum assay_code refuse(struct layer *l, const char *path, const char *trouble)
{
	char shown[256];

	return assay_fail(l->err, ASSAY_EUNTRUSTED, "hostile member \"%s\": %s",
			  assay_span_show(assay_span_text(path), shown, sizeof(shown)), trouble);
}

/* "./a//b/" becomes "a/b"; "" is the top itself. */
static enum assay_code clean_path(struct layer *l, const char *name, char *out, size_t size)
{
	struct assay_span rest = assay_span_text(name);
	size_t len = 0;

	if (rest.len >= size)
		return refuse(l, name, "its path is too long");
	while (rest.len) {
		const uint8_t *slash = memchr(rest.data, '/', rest.len);
		struct assay_span part =
			assay_span_cut(rest, 0, slash ? (size_t)(slash - rest.data) : rest.len);

		rest = assay_span_cut(rest, part.len + 1, rest.len);
		if (part.len == 0 || assay_span_equal_text(part, "."))
			continue;
		if (assay_span_equal_text(part, ".."))
			return refuse(l, name, "its path leaves the tree");
		if (len)
			out[len++] = '/';
		memcpy(out + len, part.data, part.len);
		len += part.len;
	}
	out[len] = '\0';
	return ASSAY_OK;
}

static enum assay_code make_directory(struct layer *l, const char *path, mode_t mode)
{
	struct stat st;

	if (mkdirat(l->top, path, mode) == 0)
		return ASSAY_OK;
	if (errno != EEXIST)
		return assay_fail_errno(l->err, "%s", path);
	if (fstatat(l->top, path, &st, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(st.st_mode))
		return refuse(l, path, "it is used as a directory and is none");
	return ASSAY_OK;
}

/* Every level is looked at, because a member before may have made a link of it. */
static enum assay_code make_parents(struct layer *l, char *path)
{
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		enum assay_code code;

		*slash = '\0';
		code = make_directory(l, path, 0755);
		*slash = '/';
		if (code)
			return code;
	}
	return ASSAY_OK;
}

static enum assay_code check_size(struct layer *l, uint64_t more)
{
	int64_t packed = archive_filter_bytes(l->archive, -1);

	l->bytes += more;
	if (l->bytes > ASSAY_MAX_CHECKOUT)
		return assay_fail(l->err, ASSAY_ELIMIT, "want at most %llu bytes",
				  (unsigned long long)ASSAY_MAX_CHECKOUT);
	if (l->bytes > ASSAY_MAX_EXPANSION_FREE && packed >= 0 &&
	    l->bytes / ASSAY_MAX_EXPANSION > (uint64_t)packed)
		return assay_fail(l->err, ASSAY_ELIMIT, "want at most %d bytes from one",
				  ASSAY_MAX_EXPANSION);
	return ASSAY_OK;
}

static int create(struct layer *l, const char *path, mode_t mode)
{
	return openat(l->top, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 0777);
}

static enum assay_code write_file(struct layer *l, const char *path, mode_t mode)
{
	assay_auto(assay_fd_closep) int fd = create(l, path, mode);
	char block[65536];
	la_ssize_t got;

	if (fd < 0)
		return errno == EEXIST ? refuse(l, path, "it comes twice")
				       : assay_fail_errno(l->err, "%s", path);
	while ((got = archive_read_data(l->archive, block, sizeof(block))) > 0)
		if (check_size(l, (uint64_t)got) || assay_fd_write(fd, block, (size_t)got, l->err))
			return l->err->code;
	if (got < 0)
		return assay_fail(l->err, ASSAY_EINPUT, "%s: %.300s", path,
				  archive_error_string(l->archive));
	return ASSAY_OK;
}

/* A hard link is a copy of a file of the same layer. */
static enum assay_code write_copy(struct layer *l, const char *path, const char *target)
{
	char clean[ASSAY_MAX_CHECKOUT_PATH + 1];
	assay_auto(assay_fd_closep) int from = -1;
	assay_auto(assay_fd_closep) int to = -1;
	uint64_t size = 0;
	struct stat st;

	if (clean_path(l, target, clean, sizeof(clean)) || make_parents(l, clean))
		return l->err->code;
	from = openat(l->top, clean, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0 || fstat(from, &st) || !S_ISREG(st.st_mode))
		return refuse(l, path, "it is a hard link to no file of the layer");
	to = create(l, path, st.st_mode);
	if (to < 0)
		return errno == EEXIST ? refuse(l, path, "it comes twice")
				       : assay_fail_errno(l->err, "%s", path);
	if (assay_fd_copy(from, to, &size, l->err))
		return l->err->code;
	return check_size(l, size);
}

static enum assay_code write_link(struct layer *l, const char *path, const char *target)
{
	if (!target || !*target)
		return refuse(l, path, "it is a link to nothing");
	if (symlinkat(target, l->top, path) == 0)
		return ASSAY_OK;
	return errno == EEXIST ? refuse(l, path, "it comes twice")
			       : assay_fail_errno(l->err, "%s", path);
}

static enum assay_code write_member(struct layer *l, struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);
	const char *hardlink = archive_entry_hardlink(entry);
	mode_t mode = archive_entry_mode(entry) & 07777;
	char path[ASSAY_MAX_CHECKOUT_PATH + 1];

	if (++l->members > ASSAY_MAX_MEMBERS)
		return assay_fail(l->err, ASSAY_ELIMIT, "want at most %d members", ASSAY_MAX_MEMBERS);
	if (!name)
		return refuse(l, "?", "it has no readable name");
	if (clean_path(l, name, path, sizeof(path)))
		return l->err->code;
	if (path[0] == '\0')
		return archive_entry_filetype(entry) == AE_IFDIR ? ASSAY_OK
								 : refuse(l, name, "it has no name");
	if (make_parents(l, path))
		return l->err->code;
	if (hardlink)
		return write_copy(l, path, hardlink);
	switch (archive_entry_filetype(entry)) {
	case AE_IFDIR:
		/* ours to enter and to write into until the layer is whole */
		return make_directory(l, path, (mode & 01777) | 0700);
	case AE_IFREG:
		return write_file(l, path, mode);
	case AE_IFLNK:
		return write_link(l, path, archive_entry_symlink(entry));
	default:
		/* the box has a /dev of its own */
		return strncmp(path, "dev/", 4) == 0
			       ? ASSAY_OK
			       : refuse(l, name, "want a file, directory or link, have a device, "
						 "FIFO or socket");
	}
}

static enum assay_code read_members(struct layer *l)
{
	struct archive_entry *entry;

	for (;;) {
		int status = archive_read_next_header(l->archive, &entry);

		if (status == ARCHIVE_EOF)
			return ASSAY_OK;
		if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
			return assay_fail(l->err, ASSAY_EINPUT, "%.300s",
					  archive_error_string(l->archive));
		if (write_member(l, entry))
			return l->err->code;
	}
}

static enum assay_code unpack(void *data, struct assay_buf *answer, struct assay_error *err)
{
	struct layer *l = data;

	(void)answer;
	l->err = err;
	l->archive = archive_read_new();
	if (!l->archive)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (archive_read_support_format_tar(l->archive) != ARCHIVE_OK ||
	    archive_read_support_filter_gzip(l->archive) != ARCHIVE_OK ||
	    archive_read_support_filter_zstd(l->archive) != ARCHIVE_OK ||
	    archive_read_open_fd(l->archive, l->fd, 65536) != ARCHIVE_OK)
		assay_fail(err, ASSAY_EINPUT, "%.300s", archive_error_string(l->archive));
	else
		read_members(l);
	archive_read_free(l->archive);
	return err->code;
}

enum assay_code assay_vcs_unpack_layer(int layer_fd, const char *directory, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf answer = ASSAY_BUF_INIT(64);
	assay_auto(assay_fd_closep) int top = -1;
	struct assay_jail jail = { .what = "layer", .answer_max = 64 };
	struct layer l = { .fd = layer_fd };

	if (archive_late_load(err) || target_open(directory, &top, err))
		return err->code;
	l.top = jail.writable_fd = top;
	return assay_jail_run(&jail, unpack, &l, &answer, err);
}
