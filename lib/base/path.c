/* SPDX-License-Identifier: Apache-2.0 */
/* Directory trees are walked by descriptor, one level open at a time, so that depth costs memory
 * and not descriptors, and a link swapped in underneath is never followed. */
#include "assay/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "assay/cleanup.h"

bool assay_path_is_contained(struct assay_span path)
{
	size_t start = 0;

	if (path.len == 0 || path.data[0] == '/' || memchr(path.data, '\0', path.len))
		return false;
	for (size_t i = 0; i <= path.len; i++) {
		if (i < path.len && path.data[i] != '/')
			continue;
		if (i - start == 2 && path.data[start] == '.' && path.data[start + 1] == '.')
			return false;
		start = i + 1;
	}
	return true;
}

char *assay_path_join(const char *a, const char *b)
{
	char *path;
	size_t len = strlen(a);

	if (asprintf(&path, "%s%s%s", a, len && a[len - 1] == '/' ? "" : "/", b) < 0)
		return NULL;
	return path;
}

const char *assay_path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

enum assay_code assay_path_make_dirs(const char *path, mode_t mode, struct assay_error *err)
{
	assay_auto(assay_freep) char *copy = strdup(path);

	if (!copy)
		return assay_fail(err, ASSAY_ENOMEM, "%s: out of memory", path);
	for (char *p = copy + 1;; p++) {
		char kept = *p;

		if (kept != '/' && kept != '\0')
			continue;
		*p = '\0';
		if (mkdir(copy, mode) && errno != EEXIST)
			return assay_fail_errno(err, "create directory %s", copy);
		*p = kept;
		if (kept == '\0')
			return ASSAY_OK;
	}
}

/* Removes the entries of the open directory that are not directories; moves into the first that is
 * one.  Returns its name in *ret_child, or NULL when the directory is empty. */
static enum assay_code empty_level(DIR *dir, char **ret_child, struct assay_error *err)
{
	struct dirent *entry;

	*ret_child = NULL;
	rewinddir(dir);
	while ((entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		if (unlinkat(dirfd(dir), name, 0) == 0)
			continue;
		if (errno != EISDIR && errno != EPERM)
			return assay_fail_errno(err, "remove %s", name);
		*ret_child = strdup(name);
		return *ret_child ? ASSAY_OK : assay_fail(err, ASSAY_ENOMEM, "out of memory");
	}
	return ASSAY_OK;
}

static DIR *open_level(int parent, const char *name, dev_t dev)
{
	struct stat st;
	int fd;
	DIR *dir;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW))
		return NULL;
	if (st.st_dev != dev) {
		errno = EXDEV;
		return NULL;
	}
	if ((st.st_mode & 0700) != 0700 && fchmodat(parent, name, 0700, 0))
		return NULL;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	dir = fdopendir(fd);
	if (!dir)
		close(fd);
	return dir;
}

/* Renames a directory that sits deep in the tree up to the top before it is emptied: every level
 * is then one deep, and neither the stack nor the descriptor table grows with hostile depth. */
static enum assay_code remove_directory(int parent, const char *name, dev_t dev,
					struct assay_error *err)
{
	assay_auto(assay_dir_closep) DIR *top = open_level(parent, name, dev);
	unsigned long serial = 0;

	if (!top)
		return assay_fail_errno(err, "open %s", name);
	for (;;) {
		assay_auto(assay_freep) char *child = NULL;
		assay_auto(assay_freep) char *grandchild = NULL;
		assay_auto(assay_dir_closep) DIR *sub = NULL;

		if (empty_level(top, &child, err))
			return err->code;
		if (!child)
			break;
		sub = open_level(dirfd(top), child, dev);
		if (!sub)
			return assay_fail_errno(err, "open %s", child);
		for (;;) {
			char moved[48];

			free(grandchild);
			grandchild = NULL;
			if (empty_level(sub, &grandchild, err))
				return err->code;
			if (!grandchild)
				break;
			do
				snprintf(moved, sizeof(moved), ".assay-removing-%lu", serial++);
			while (faccessat(dirfd(top), moved, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
			/* moving a directory rewrites its "..", which needs its write bit */
			if (fchmodat(dirfd(sub), grandchild, 0700, 0) ||
			    renameat(dirfd(sub), grandchild, dirfd(top), moved))
				return assay_fail_errno(err, "move %s", grandchild);
		}
		if (unlinkat(dirfd(top), child, AT_REMOVEDIR))
			return assay_fail_errno(err, "remove directory %s", child);
	}
	if (unlinkat(parent, name, AT_REMOVEDIR))
		return assay_fail_errno(err, "remove directory %s", name);
	return ASSAY_OK;
}

enum assay_code assay_path_remove_tree(int dirfd, const char *path, struct assay_error *err)
{
	struct stat st;

	if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? ASSAY_OK : assay_fail_errno(err, "%s", path);
	if (S_ISDIR(st.st_mode))
		return remove_directory(dirfd, path, st.st_dev, err);
	if (unlinkat(dirfd, path, 0))
		return assay_fail_errno(err, "remove %s", path);
	return ASSAY_OK;
}

enum assay_code assay_path_make_temp(const char *parent, const char *prefix, char **ret,
				     struct assay_error *err)
{
	char *path;

	if (asprintf(&path, "%s/%sXXXXXX", parent, prefix) < 0)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (!mkdtemp(path)) {
		assay_fail_errno(err, "create a directory in %s", parent);
		free(path);
		return err->code;
	}
	*ret = path;
	return ASSAY_OK;
}
