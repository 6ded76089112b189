/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What makes two trees from the same packages differ: names of the host, logs, caches that hold
 * inode numbers or times, and the times of whatever was written just now.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "assay/cleanup.h"
#include "assay/path.h"
#include "tree.h"

/* Emptied, the directory itself kept. */
static const char *const emptied[] = {
	"dev", "proc", "sys", "run", "tmp", "var/tmp", "var/lib/apt/lists", "var/cache/apt",
	"var/backups", "var/cache/ldconfig", "var/cache/man", "var/cache/fontconfig", "var/log",
	"etc/apt/sources.list.d",
};

/* Removed: previous states, and what the tools that install leave of their own. */
static const char *const removed[] = {
	"etc/apt/sources.list", "etc/apt/apt.conf.d/99mmdebstrap",
	"etc/dpkg/dpkg.cfg.d/99mmdebstrap", "var/lib/dbus/machine-id", "var/lib/dpkg/status-old",
	"var/lib/dpkg/available-old", "var/lib/dpkg/diversions-old",
	"var/lib/dpkg/statoverride-old", "var/cache/debconf/config.dat-old",
	"var/cache/debconf/templates.dat-old", "var/cache/debconf/passwords.dat",
	"var/lib/apt/extended_states", "usr/sbin/policy-rc.d", "var/lib/systemd/random-seed",
};

/* The same on every machine. */
static const struct {
	const char *path, *text;
} written[] = {
	{ "etc/hostname", ASSAY_DEBIAN_HOSTNAME "\n" },
	{ "etc/hosts", "127.0.0.1 localhost " ASSAY_DEBIAN_HOSTNAME "\n::1 localhost\n" },
	{ "etc/resolv.conf", "" },
	{ "etc/machine-id", "" },
};

static enum assay_code empty_directory(int root, const char *path, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd =
		openat(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	assay_auto(assay_dir_closep) DIR *dir = NULL;
	struct dirent *entry;
	int copy;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			       ? ASSAY_OK
			       : assay_fail_errno(err, "%s", path);
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir)
		return assay_fail_errno(err, "%s", path);
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    assay_path_remove_tree(fd, entry->d_name, err))
			return assay_context(err, "%s", path);
	return ASSAY_OK;
}

/* The user that builds has a name and no home. */
static enum assay_code add_line(int root, const char *path, const char *line,
				struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(1 << 20);
	struct stat st;

	if (fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
		return assay_fail_errno(err, "%s", path);
	if (assay_file_read(root, path, &text, err))
		return err->code;
	assay_buf_add_text(&text, line);
	if (assay_buf_check(&text, path, err))
		return err->code;
	return assay_file_write(root, path, assay_buf_span(&text), st.st_mode & 07777, err);
}

static enum assay_code add_user(int root, struct assay_error *err)
{
	if (mkdirat(root, "build", 0755) && errno != EEXIST)
		return assay_fail_errno(err, "create /build");
	if (add_line(root, "etc/passwd", "build:x:1000:1000:build:/nonexistent:/bin/sh\n", err) ||
	    add_line(root, "etc/group", "build:x:1000:\n", err))
		return err->code;
	return ASSAY_OK;
}

static enum assay_code clamp_dir(int fd, int64_t epoch, unsigned depth, struct assay_error *err);

static enum assay_code clamp_entry(int dirfd, const char *name, int64_t epoch, unsigned depth,
				   struct assay_error *err)
{
	const struct timespec times[2] = { { .tv_sec = epoch }, { .tv_sec = epoch } };
	assay_auto(assay_fd_closep) int dir = -1;
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
		return assay_fail_errno(err, "%s", name);
	if (S_ISDIR(st.st_mode)) {
		dir = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (dir < 0)
			return assay_fail_errno(err, "%s", name);
		if (clamp_dir(dir, epoch, depth + 1, err))
			return assay_context(err, "%s", name);
	}
	/* whole seconds: a file from an archive has no more */
	if ((st.st_mtim.tv_sec > epoch || st.st_mtim.tv_nsec) &&
	    utimensat(dirfd, name,
		      st.st_mtim.tv_sec > epoch
			      ? times
			      : (const struct timespec[2]){ { .tv_sec = st.st_mtim.tv_sec },
							    { .tv_sec = st.st_mtim.tv_sec } },
		      AT_SYMLINK_NOFOLLOW))
		return assay_fail_errno(err, "time of %s", name);
	return ASSAY_OK;
}

static enum assay_code clamp_dir(int fd, int64_t epoch, unsigned depth, struct assay_error *err)
{
	assay_auto(assay_dir_closep) DIR *dir = NULL;
	struct dirent *entry;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir)
		return assay_fail_errno(err, "read a directory");
	if (depth > DEBIAN_TREE_DEPTH)
		return assay_fail(err, ASSAY_ELIMIT, "want directories at most %d deep",
				  DEBIAN_TREE_DEPTH);
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    clamp_entry(fd, entry->d_name, epoch, depth, err))
			return err->code;
	return ASSAY_OK;
}

enum assay_code debian_tree_clamp(int root, int64_t epoch, struct assay_error *err)
{
	return clamp_dir(root, epoch, 0, err);
}

enum assay_code debian_tree_finish(int root, bool first, int64_t epoch, struct assay_error *err)
{
	for (size_t i = 0; i < sizeof(emptied) / sizeof(emptied[0]); i++)
		if (empty_directory(root, emptied[i], err))
			return err->code;
	for (size_t i = 0; i < sizeof(removed) / sizeof(removed[0]); i++)
		if (assay_path_remove_tree(root, removed[i], err))
			return err->code;
	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++)
		if (assay_path_remove_tree(root, written[i].path, err) ||
		    assay_file_write(root, written[i].path, assay_span_text(written[i].text), 0644,
				     err))
			return err->code;
	if (first && add_user(root, err))
		return err->code;
	return clamp_dir(root, epoch, 0, err);
}
