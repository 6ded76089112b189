/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source archive into a directory.  libarchive decodes; what comes to the disk is decided here: its
 * own writer is not used, because it would set owners, times, devices and links by the archive's
 * word.  Filters that start programs and formats nobody ships sources in are not enabled.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "assay/buf.h"
#include "assay/archive_late.h"
#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/jail.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "assay/process.h"
#include "assay/vcs.h"
#include "name.h"
#include "target.h"
#include "writer.h"

struct unpacking {
	struct archive *archive;
	struct writer *writer;
	struct assay_error *err;
	int64_t newest;
	char parent[ASSAY_MAX_CHECKOUT_PATH + 1]; /* a directory, whose levels are no links */
};

static enum assay_code fail_archive(struct unpacking *u, const char *what)
{
	const char *text = archive_error_string(u->archive);

	return assay_fail(u->err, ASSAY_EINPUT, "%s: %.300s", what,
			  text ? text : "the archive is damaged");
}

static enum assay_code refuse(struct unpacking *u, const char *path, const char *trouble)
{
	char shown[256];

	return assay_fail(u->err, ASSAY_EUNTRUSTED, "hostile member \"%s\": %s",
			  assay_span_show(assay_span_text(path), shown, sizeof(shown)), trouble);
}

/* "./a//b/" becomes "a/b"; "" is the top itself. */
static enum assay_code clean_path(struct unpacking *u, const char *name, char *out, size_t size)
{
	size_t len = 0, start = 0, total = strlen(name);

	if (name[0] == '/')
		return refuse(u, name, "its path is absolute");
	if (total >= size)
		return refuse(u, name, "its path is too long");
	for (size_t i = 0; i <= total; i++) {
		struct assay_span part;
		const char *trouble;

		if (i < total && name[i] != '/')
			continue;
		part = assay_span_of(name + start, i - start);
		start = i + 1;
		if (part.len == 0 || assay_span_equal_text(part, "."))
			continue;
		trouble = assay_vcs_name_trouble(part);
		if (trouble)
			return refuse(u, name, trouble);
		if (len)
			out[len++] = '/';
		memcpy(out + len, part.data, part.len);
		len += part.len;
	}
	out[len] = '\0';
	return ASSAY_OK;
}

/* Archives may leave out directories, or name them twice: what is there as a directory is fine. */
static enum assay_code make_directory(struct unpacking *u, const char *path)
{
	struct stat st;

	if (fstatat(u->writer->top, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISDIR(st.st_mode)
			       ? ASSAY_OK
			       : refuse(u, path, "it is used as a directory and is none");
	return writer_directory(u->writer, path, u->err);
}

/* Every level is looked at, because one of them may be a link; most members follow one of the same
 * directory, though. */
static enum assay_code make_parents(struct unpacking *u, char *path)
{
	char *slash = strrchr(path, '/');
	enum assay_code code = ASSAY_OK;

	if (!slash)
		return ASSAY_OK;
	*slash = '\0';
	if (strcmp(path, u->parent) == 0) {
		*slash = '/';
		return ASSAY_OK;
	}
	for (char *p = strchr(path, '/'); p && !code; p = strchr(p + 1, '/')) {
		*p = '\0';
		code = make_directory(u, path);
		*p = '/';
	}
	if (!code)
		code = make_directory(u, path);
	if (!code)
		memcpy(u->parent, path, (size_t)(slash - path) + 1);
	*slash = '/';
	return code;
}

static enum assay_code check_expansion(struct unpacking *u)
{
	int64_t packed = archive_filter_bytes(u->archive, -1);

	if (assay_interrupted)
		return assay_fail(u->err, ASSAY_EINTERRUPTED, "interrupted");
	if (u->writer->bytes > ASSAY_MAX_EXPANSION_FREE && packed >= 0 &&
	    u->writer->bytes / ASSAY_MAX_EXPANSION > (uint64_t)packed)
		return assay_fail(u->err, ASSAY_ELIMIT,
				  "want at most %d bytes from one, have %llu from %lld",
				  ASSAY_MAX_EXPANSION, (unsigned long long)u->writer->bytes,
				  (long long)packed);
	return ASSAY_OK;
}

static enum assay_code copy_data(struct unpacking *u, struct writer_stream *stream)
{
	char block[65536];

	for (;;) {
		la_ssize_t got = archive_read_data(u->archive, block, sizeof(block));

		if (got == 0)
			return ASSAY_OK;
		if (got < 0)
			return fail_archive(u, stream->path);
		if (writer_stream_add(u->writer, stream, assay_span_of(block, (size_t)got), u->err) ||
		    check_expansion(u))
			return u->err->code;
	}
}

static enum assay_code write_file(struct unpacking *u, struct archive_entry *entry, const char *path)
{
	struct writer_stream stream;
	enum assay_code code;

	if (writer_stream_open(u->writer, path, (archive_entry_mode(entry) & 0111) != 0, &stream,
			       u->err))
		return u->err->code;
	code = copy_data(u, &stream);
	if (!code)
		code = writer_stream_close(u->writer, &stream, u->err);
	writer_stream_abandon(&stream);
	return code;
}

/* A hard link is a copy of a file that is there already. */
static enum assay_code write_copy(struct unpacking *u, const char *path, const char *target)
{
	char clean[ASSAY_MAX_CHECKOUT_PATH + 1], block[65536];
	assay_auto(assay_fd_closep) int fd = -1;
	struct writer_stream stream;
	enum assay_code code;
	struct stat st;
	ssize_t got;

	if (clean_path(u, target, clean, sizeof(clean)))
		return u->err->code;
	fd = openat(u->writer->top, clean, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return refuse(u, path, "it is a hard link to no file of the archive");
	if (writer_stream_open(u->writer, path, (st.st_mode & 0111) != 0, &stream, u->err))
		return u->err->code;
	code = ASSAY_OK;
	while (!code && (got = read(fd, block, sizeof(block))) != 0) {
		if (got < 0)
			code = assay_fail_errno(u->err, "read %s", target);
		else
			code = writer_stream_add(u->writer, &stream,
						 assay_span_of(block, (size_t)got), u->err);
	}
	if (!code)
		code = check_expansion(u);
	if (!code)
		code = writer_stream_close(u->writer, &stream, u->err);
	writer_stream_abandon(&stream);
	return code;
}

/* The raw bytes where libarchive has them; names in UTF-8 cannot be had so in the C locale. */
static const char *raw_or_utf8(const char *raw, const char *utf8)
{
	return raw ? raw : utf8;
}

static enum assay_code write_member(struct unpacking *u, struct archive_entry *entry)
{
	const char *name = raw_or_utf8(archive_entry_pathname(entry),
				       archive_entry_pathname_utf8(entry));
	const char *hardlink = raw_or_utf8(archive_entry_hardlink(entry),
					   archive_entry_hardlink_utf8(entry));
	const char *symlink = raw_or_utf8(archive_entry_symlink(entry),
					  archive_entry_symlink_utf8(entry));
	char path[ASSAY_MAX_CHECKOUT_PATH + 1];
	unsigned type = archive_entry_filetype(entry);

	if (!name)
		return refuse(u, "?", "it has no readable name");
	if (clean_path(u, name, path, sizeof(path)))
		return u->err->code;
	if (path[0] == '\0')
		return type == AE_IFDIR ? ASSAY_OK : refuse(u, name, "it has no name");
	if (make_parents(u, path))
		return u->err->code;
	if (hardlink)
		return write_copy(u, path, hardlink);
	switch (type) {
	case AE_IFDIR:
		return make_directory(u, path);
	case AE_IFREG:
		return write_file(u, entry, path);
	case AE_IFLNK:
		return writer_link(u->writer, path, assay_span_text(symlink ? symlink : ""), u->err);
	default:
		return refuse(u, name, "want a file, directory or link, have a device, FIFO or socket");
	}
}

static enum assay_code read_members(struct unpacking *u)
{
	struct archive_entry *entry;

	for (;;) {
		int status = archive_read_next_header(u->archive, &entry);

		if (status == ARCHIVE_EOF)
			return ASSAY_OK;
		if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
			return fail_archive(u, "archive");
		if (archive_entry_mtime_is_set(entry) && archive_entry_mtime(entry) > u->newest)
			u->newest = archive_entry_mtime(entry);
		if (write_member(u, entry))
			return u->err->code;
	}
}

static enum assay_code open_archive(struct unpacking *u, int fd)
{
	int (*const enable[])(struct archive *) = {
		archive_read_support_format_tar,    archive_read_support_format_zip,
		archive_read_support_filter_gzip,   archive_read_support_filter_bzip2,
		archive_read_support_filter_xz,	    archive_read_support_filter_zstd,
		archive_read_support_filter_lzma,
	};

	for (size_t i = 0; i < sizeof(enable) / sizeof(enable[0]); i++)
		if (enable[i](u->archive) != ARCHIVE_OK)
			return assay_fail(u->err, ASSAY_EUNSUPPORTED,
					  "libarchive here lacks a format: %s",
					  archive_error_string(u->archive));
	/* names are bytes: no conversion by the locale */
	(void)archive_read_set_option(u->archive, "tar", "hdrcharset", "BINARY");
	if (archive_read_open_fd(u->archive, fd, 65536) != ARCHIVE_OK)
		return fail_archive(u, "archive");
	return ASSAY_OK;
}

static enum assay_code unpack(struct unpacking *u, int fd, struct assay_checkout *ret)
{
	if (open_archive(u, fd) || read_members(u))
		return u->err->code;
	if (u->writer->count == 0)
		return assay_fail(u->err, ASSAY_EINPUT, "archive: want members, have none");
	ret->commit_time = u->newest;
	return writer_finish(u->writer, ret, u->err);
}

struct work {
	int archive, top;
};

/* In the jail: an archive to read and a directory to write into. */
static enum assay_code unpack_in_jail(void *data, struct assay_buf *answer, struct assay_error *err)
{
	const struct work *work = data;
	struct writer writer = WRITER_INIT;
	struct unpacking u = { .archive = archive_read_new(), .writer = &writer, .err = err };
	struct assay_checkout result = { .commit = "" };
	enum assay_code code;

	if (!u.archive)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	writer.top = work->top;
	code = unpack(&u, work->archive, &result);
	if (!code)
		assay_buf_add(answer, &result, sizeof(result));
	archive_read_free(u.archive);
	return code ? code : assay_buf_check(answer, "archive", err);
}

enum assay_code assay_vcs_unpack(int archive_fd, const char *directory, struct assay_checkout *ret,
				 struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf answer = ASSAY_BUF_INIT(sizeof(*ret));
	assay_auto(assay_fd_closep) int top = -1;
	struct assay_jail jail = { .what = "archive", .answer_max = sizeof(*ret) };
	struct work work = { .archive = archive_fd };

	if (archive_late_load(err) || target_open(directory, &top, err))
		return err->code;
	work.top = jail.writable_fd = top;
	if (assay_jail_run(&jail, unpack_in_jail, &work, &answer, err))
		return err->code;
	if (answer.len != sizeof(*ret))
		return assay_fail(err, ASSAY_EINPUT, "archive: the jail's answer is malformed");
	memcpy(ret, answer.data, sizeof(*ret));
	ret->lfs_first[sizeof(ret->lfs_first) - 1] = '\0';
	ret->commit[0] = ret->tree_id[0] = '\0';
	return target_stamp(top, ret->commit_time, err);
}
