/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cloning, merging and digesting trees.  They are made of packages the archive's signature covers,
 * but the walks are written as if they were not: names are never followed, depth is bounded.
 */
#include "contents.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "assay/cleanup.h"
#include "assay/path.h"
#include "assay/xattr.h"

#define XATTR_NAMES_MAX 65536
#define XATTR_VALUE_MAX 65536
#define OVERLAY "trusted.overlay."

static int open_dir(int dirfd, const char *name)
{
	return openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int any_entry(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

typedef enum assay_code entry_fn(int dirfd, const char *name, const struct stat *st, void *data,
				 unsigned depth, struct assay_error *err);

/* Calls fn for each entry of a directory, in the order of the bytes of their names. */
static enum assay_code each_entry(int dirfd, entry_fn *fn, void *data, unsigned depth,
				  struct assay_error *err)
{
	struct dirent **entries = NULL;
	int count = scandirat(dirfd, ".", &entries, any_entry, by_bytes);
	enum assay_code code = ASSAY_OK;
	struct stat st;

	if (count < 0)
		return assay_fail_errno(err, "read a directory");
	if (depth > DEBIAN_TREE_DEPTH)
		code = assay_fail(err, ASSAY_ELIMIT, "want directories at most %d deep",
				  DEBIAN_TREE_DEPTH);
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;

		if (!code && assay_interrupted)
			code = assay_fail(err, ASSAY_EINTERRUPTED, "interrupted");
		if (!code && fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
			code = assay_fail_errno(err, "%s", name);
		if (!code)
			code = fn(dirfd, name, &st, data, depth, err);
		free(entries[i]);
	}
	free(entries);
	return code;
}

/* Owner, mode, xattrs and time of a directory, once it is filled. */
static enum assay_code copy_meta(int from, int to, struct assay_error *err)
{
	struct timespec times[2];
	struct stat st;

	if (fstat(from, &st) || fchown(to, st.st_uid, st.st_gid) ||
	    fchmod(to, st.st_mode & 07777))
		return assay_fail_errno(err, "owner and mode of a directory");
	if (assay_xattrs_copy(from, to, OVERLAY, err))
		return err->code;
	times[0] = times[1] = st.st_mtim;
	if (futimens(to, times))
		return assay_fail_errno(err, "time of a directory");
	return ASSAY_OK;
}

static enum assay_code clone_dir(int from, int to, unsigned depth, struct assay_error *err);

static enum assay_code clone_entry(int dirfd, const char *name, const struct stat *st, void *data,
				   unsigned depth, struct assay_error *err)
{
	int to = *(int *)data;
	assay_auto(assay_fd_closep) int from_dir = -1;
	assay_auto(assay_fd_closep) int to_dir = -1;

	if (!S_ISDIR(st->st_mode)) {
		if (linkat(dirfd, name, to, name, 0))
			return assay_fail_errno(err, "link %s", name);
		return ASSAY_OK;
	}
	if (mkdirat(to, name, 0700))
		return assay_fail_errno(err, "create %s", name);
	from_dir = open_dir(dirfd, name);
	to_dir = open_dir(to, name);
	if (from_dir < 0 || to_dir < 0)
		return assay_fail_errno(err, "open %s", name);
	if (clone_dir(from_dir, to_dir, depth + 1, err))
		return assay_context(err, "%s", name);
	return ASSAY_OK;
}

static enum assay_code clone_dir(int from, int to, unsigned depth, struct assay_error *err)
{
	if (each_entry(from, clone_entry, &to, depth, err))
		return err->code;
	return copy_meta(from, to, err);
}

enum assay_code debian_tree_clone(int from, int to, struct assay_error *err)
{
	return clone_dir(from, to, 0, err);
}

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

static bool is_opaque(int fd)
{
	char value[4];

	return fgetxattr(fd, OVERLAY "opaque", value, sizeof(value)) == 1 && value[0] == 'y';
}

/* A file that overlayfs copied up carries where it came from; that is no part of the tree. */
static void strip_overlay(int dirfd, const char *name)
{
	static const char *const names[] = { OVERLAY "origin", OVERLAY "impure", OVERLAY "nlink",
					     OVERLAY "uuid", OVERLAY "upper" };
	char path[64 + NAME_MAX];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dirfd, name);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		lremovexattr(path, names[i]);
}

static enum assay_code merge_dir(int upper, int root, unsigned depth, struct assay_error *err);

static enum assay_code merge_directory(int dirfd, const char *name, int root, unsigned depth,
				       struct assay_error *err)
{
	assay_auto(assay_fd_closep) int from = open_dir(dirfd, name);
	assay_auto(assay_fd_closep) int to = -1;
	struct stat have;

	if (from < 0)
		return assay_fail_errno(err, "open %s", name);
	if (fstatat(root, name, &have, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (!S_ISDIR(have.st_mode) || is_opaque(from)) && assay_path_remove_tree(root, name, err))
		return err->code;
	if (mkdirat(root, name, 0700) && errno != EEXIST)
		return assay_fail_errno(err, "create %s", name);
	to = open_dir(root, name);
	if (to < 0)
		return assay_fail_errno(err, "open %s", name);
	if (merge_dir(from, to, depth + 1, err))
		return assay_context(err, "%s", name);
	return ASSAY_OK;
}

static enum assay_code merge_entry(int dirfd, const char *name, const struct stat *st, void *data,
				   unsigned depth, struct assay_error *err)
{
	int root = *(int *)data;
	struct stat have;

	if (S_ISDIR(st->st_mode))
		return merge_directory(dirfd, name, root, depth, err);
	if (fstatat(root, name, &have, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (is_whiteout(st) || S_ISDIR(have.st_mode)) && assay_path_remove_tree(root, name, err))
		return err->code;
	if (is_whiteout(st))
		return ASSAY_OK;
	strip_overlay(dirfd, name);
	if (renameat(dirfd, name, root, name))
		return assay_fail_errno(err, "move %s", name);
	return ASSAY_OK;
}

static enum assay_code merge_dir(int upper, int root, unsigned depth, struct assay_error *err)
{
	struct timespec times[2];
	struct stat st;

	/* moving entries out changes the time that is wanted */
	if (fstat(upper, &st))
		return assay_fail_errno(err, "stat");
	if (each_entry(upper, merge_entry, &root, depth, err) || copy_meta(upper, root, err))
		return err->code;
	times[0] = times[1] = st.st_mtim;
	if (futimens(root, times))
		return assay_fail_errno(err, "time of a directory");
	return ASSAY_OK;
}

enum assay_code debian_tree_merge(int upper, int root, struct assay_error *err)
{
	return merge_dir(upper, root, 0, err);
}

/* What a digest needs on its way through a tree. */
struct digesting {
	const struct debian_contents *known;
	struct debian_contents *contents;
	struct assay_hasher *hasher;
	char path[8192];
	size_t len;
	char *names, *value;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum assay_code add_xattrs(struct digesting *d, int dirfd, const char *name,
				  struct assay_error *err)
{
	char path[64 + NAME_MAX], head[64];
	const char *list[256];
	size_t count = 0;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dirfd, name);
	len = llistxattr(path, d->names, XATTR_NAMES_MAX);
	if (len <= 0)
		return len == 0 || errno == ENOTSUP ? ASSAY_OK
						    : assay_fail_errno(err, "list xattrs");
	for (const char *p = d->names; p < d->names + len; p += strlen(p) + 1) {
		if (count == sizeof(list) / sizeof(list[0]))
			return assay_fail(err, ASSAY_ELIMIT, "%s: too many xattrs", name);
		list[count++] = p;
	}
	qsort(list, count, sizeof(*list), by_name);
	for (size_t i = 0; i < count; i++) {
		ssize_t size = lgetxattr(path, list[i], d->value, XATTR_VALUE_MAX);

		if (size < 0)
			return assay_fail_errno(err, "xattr %s", list[i]);
		snprintf(head, sizeof(head), "x %zu %zd ", strlen(list[i]), size);
		assay_hasher_add(d->hasher, head, strlen(head));
		assay_hasher_add(d->hasher, list[i], strlen(list[i]));
		assay_hasher_add(d->hasher, d->value, (size_t)size);
	}
	return ASSAY_OK;
}

static enum assay_code add_content(struct digesting *d, int dirfd, const char *name,
				   const struct stat *st, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = -1;
	const struct assay_digest *found;
	struct assay_digest digest;
	char target[4097];
	ssize_t len;

	if (S_ISLNK(st->st_mode)) {
		len = readlinkat(dirfd, name, target, sizeof(target));
		if (len < 0)
			return assay_fail_errno(err, "%s", name);
		assay_hasher_add(d->hasher, target, (size_t)len);
		return ASSAY_OK;
	}
	if (!S_ISREG(st->st_mode))
		return ASSAY_OK;
	found = debian_contents_find(d->known, st->st_ino);
	if (found) {
		digest = *found;
	} else {
		fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return assay_fail_errno(err, "%s", name);
		if (assay_digest_fd(fd, &digest, NULL, err))
			return err->code;
	}
	assay_hasher_add(d->hasher, digest.bytes, sizeof(digest.bytes));
	return debian_contents_add(d->contents, st->st_ino, &digest, err);
}

/* One record: lengths first, so that no two trees give the same stream. */
static enum assay_code digest_entry(int dirfd, const char *name, const struct stat *st, void *data,
				    unsigned depth, struct assay_error *err)
{
	struct digesting *d = data;
	assay_auto(assay_fd_closep) int dir = -1;
	size_t before = d->len, len = strlen(name);
	char head[160];

	if (d->len + len + 2 > sizeof(d->path))
		return assay_fail(err, ASSAY_ELIMIT, "%s: path too long", name);
	d->path[d->len++] = '/';
	memcpy(d->path + d->len, name, len);
	d->len += len;
	snprintf(head, sizeof(head), "e %o %u %u %" PRId64 " %" PRId64 " %u:%u %zu ",
		 (unsigned)st->st_mode, (unsigned)st->st_uid, (unsigned)st->st_gid,
		 S_ISDIR(st->st_mode) ? (int64_t)0 : (int64_t)st->st_size,
		 (int64_t)st->st_mtim.tv_sec, (unsigned)(st->st_rdev >> 8),
		 (unsigned)(st->st_rdev & 0xff), d->len);
	assay_hasher_add(d->hasher, head, strlen(head));
	assay_hasher_add(d->hasher, d->path, d->len);
	if (add_xattrs(d, dirfd, name, err) || add_content(d, dirfd, name, st, err))
		return err->code;
	if (S_ISDIR(st->st_mode)) {
		dir = open_dir(dirfd, name);
		if (dir < 0)
			return assay_fail_errno(err, "%s", name);
		if (each_entry(dir, digest_entry, d, depth + 1, err))
			return assay_context(err, "%s", name);
	}
	d->len = before;
	return ASSAY_OK;
}

enum assay_code debian_tree_digest(int root, const struct debian_contents *known,
				   struct debian_contents *ret_contents, struct assay_digest *ret,
				   struct assay_error *err)
{
	assay_auto(assay_freep) struct digesting *d = calloc(1, sizeof(*d));
	assay_auto(assay_freep) char *names = malloc(XATTR_NAMES_MAX);
	assay_auto(assay_freep) char *value = malloc(XATTR_VALUE_MAX);
	assay_auto(assay_hasher_freep) struct assay_hasher *hasher = assay_hasher_new();

	if (!d || !names || !value || !hasher)
		return assay_fail(err, ASSAY_ENOMEM, "digest of a tree: out of memory");
	d->hasher = hasher;
	d->known = known;
	d->contents = ret_contents;
	d->names = names;
	d->value = value;
	if (each_entry(root, digest_entry, d, 0, err))
		return assay_context(err, "digest of a tree");
	assay_hasher_end(hasher, ret);
	return ASSAY_OK;
}
