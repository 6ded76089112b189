/* SPDX-License-Identifier: Apache-2.0 */
#include "target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/path.h"

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static DIR *open_list(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);

	if (!dir && copy >= 0)
		close(copy);
	return dir;
}

static enum assay_code check_empty(int fd, const char *directory, struct assay_error *err)
{
	assay_auto(assay_dir_closep) DIR *dir = open_list(fd);
	struct dirent *entry;

	if (!dir)
		return assay_fail_errno(err, "%s", directory);
	while ((entry = readdir(dir)))
		if (!is_dots(entry->d_name))
			return assay_fail(err, ASSAY_EUSAGE,
					  "%s: want an empty directory, have \"%s\" in it",
					  directory, entry->d_name);
	return ASSAY_OK;
}

enum assay_code target_open(const char *directory, int *ret_fd, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = -1;

	if (assay_path_make_dirs(directory, 0755, err))
		return err->code;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return assay_fail_errno(err, "%s", directory);
	if (check_empty(fd, directory, err))
		return err->code;
	*ret_fd = fd;
	fd = -1;
	return ASSAY_OK;
}

static enum assay_code stamp_list(int top, const struct timespec times[2], unsigned depth,
				  struct assay_error *err)
{
	assay_auto(assay_dir_closep) DIR *dir = open_list(top);
	struct dirent *entry;

	if (!dir)
		return assay_fail_errno(err, "source directory");
	/* the writer makes none that is deeper */
	if (depth > ASSAY_MAX_CHECKOUT_DEPTH)
		return assay_fail(err, ASSAY_ELIMIT, "source: want at most %d directories in each other",
				  ASSAY_MAX_CHECKOUT_DEPTH);
	while ((entry = readdir(dir))) {
		assay_auto(assay_fd_closep) int below = -1;

		if (is_dots(entry->d_name))
			continue;
		below = openat(top, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0 && stamp_list(below, times, depth + 1, err))
			return err->code;
		if (utimensat(top, entry->d_name, times, AT_SYMLINK_NOFOLLOW))
			return assay_fail_errno(err, "set the time of a source file");
	}
	return ASSAY_OK;
}

enum assay_code target_stamp(int top, int64_t mtime, struct assay_error *err)
{
	const struct timespec times[2] = { { .tv_sec = mtime }, { .tv_sec = mtime } };

	if (stamp_list(top, times, 1, err))
		return err->code;
	return futimens(top, times) ? assay_fail_errno(err, "set the time of the source directory") :
				      ASSAY_OK;
}
