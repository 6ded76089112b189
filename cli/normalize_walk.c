/* SPDX-License-Identifier: Apache-2.0 */
/* A directory's files, from descriptor to descriptor, so that no name leads outside. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "normalize.h"

static void closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

struct names {
	char **list;
	size_t count, room;
};

static void names_release(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->list[i]);
	free(names->list);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum assay_code read_names(DIR *dir, const char *shown, struct names *ret,
				  struct assay_error *err)
{
	struct dirent *entry;

	while ((errno = 0, entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (ret->count == ret->room) {
			size_t room = ret->room ? 2 * ret->room : 64;
			void *bigger = reallocarray(ret->list, room, sizeof(*ret->list));

			if (!bigger)
				return assay_fail(err, ASSAY_ENOMEM, "%s: out of memory", shown);
			ret->list = bigger;
			ret->room = room;
		}
		ret->list[ret->count] = strdup(entry->d_name);
		if (!ret->list[ret->count])
			return assay_fail(err, ASSAY_ENOMEM, "%s: out of memory", shown);
		ret->count++;
	}
	if (errno)
		return assay_fail_errno(err, "%s", shown);
	if (ret->count)
		qsort(ret->list, ret->count, sizeof(*ret->list), by_name);
	return ASSAY_OK;
}

static enum assay_code walk(struct cli_normalize *run, int parent, const char *name, const char *shown,
			    unsigned depth, struct assay_error *err);

static enum assay_code visit(struct cli_normalize *run, int dirfd, const char *name, const char *folder,
			     unsigned depth, struct assay_error *err)
{
	assay_auto(assay_freep) char *shown = NULL;
	struct assay_error own = ASSAY_ERROR_INIT;
	struct stat st;

	if (asprintf(&shown, "%s/%s", folder, name) < 0) {
		shown = NULL;
		return assay_fail(err, ASSAY_ENOMEM, "%s: out of memory", folder);
	}
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
		return assay_fail_errno(err, "%s", shown);
	if (S_ISDIR(st.st_mode))
		return walk(run, dirfd, name, shown, depth + 1, err);
	if (S_ISREG(st.st_mode) && cli_normalize_file(run, dirfd, name, shown, true, &own)) {
		cli_fail(&own);
		run->failed = true;
	}
	return ASSAY_OK;
}

static enum assay_code walk(struct cli_normalize *run, int parent, const char *name, const char *shown,
			    unsigned depth, struct assay_error *err)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (depth ? O_NOFOLLOW : 0));
	assay_auto(closedirp) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct names names = { 0 };
	enum assay_code code;

	if (!dir) {
		assay_fail_errno(err, "%s", shown);
		if (fd >= 0)
			close(fd);
		return err->code;
	}
	if (depth > ASSAY_MAX_CHECKOUT_DEPTH)
		return assay_fail(err, ASSAY_ELIMIT, "%s: directories nested deeper than %d", shown,
				  ASSAY_MAX_CHECKOUT_DEPTH);
	code = read_names(dir, shown, &names, err);
	for (size_t i = 0; i < names.count && !code; i++)
		code = visit(run, dirfd(dir), names.list[i], shown, depth, err);
	names_release(&names);
	return code;
}

enum assay_code cli_normalize_directory(struct cli_normalize *run, const char *path,
					struct assay_error *err)
{
	return walk(run, AT_FDCWD, path, path, 0, err);
}
