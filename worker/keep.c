/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "workspace.h"

struct keeping {
	json_t *attempt;
	char path[4096]; /* of what is being kept, from the workspace on */
	size_t len;
	unsigned depth;
	uint64_t entries;
	struct assay_error *err;
};

static enum assay_code keep_tree(int from, int to, struct keeping *k);

/* What cannot be kept is told; a build must not make the job fail by it. */
static enum assay_code skip(struct keeping *k, const char *why)
{
	assay_job_add_finding(k->attempt, k->path, "unreadable", why);
	return ASSAY_OK;
}

/* Relative, and its ".." are no more than the directories it lies in. */
static bool stays_inside(const char *target, unsigned depth)
{
	unsigned up = 0, down = 0;

	if (target[0] == '/' || target[0] == '\0')
		return false;
	for (const char *part = target; *part; part += strcspn(part, "/"), part += *part == '/') {
		size_t len = strcspn(part, "/");

		if (len == 2 && part[0] == '.' && part[1] == '.')
			up += down == 0, down -= down > 0;
		else if (len && !(len == 1 && part[0] == '.'))
			down++;
	}
	return up < depth;
}

static enum assay_code keep_link(int from, int to, const char *name, struct keeping *k)
{
	char target[4096];
	ssize_t len = readlinkat(from, name, target, sizeof(target) - 1);

	if (len < 0)
		return assay_fail_errno(k->err, "%s", k->path);
	target[len] = '\0';
	if (!stays_inside(target, k->depth)) {
		assay_job_add_finding(k->attempt, k->path, "link", target);
		return ASSAY_OK;
	}
	if (symlinkat(target, to, name) && errno != EEXIST)
		return assay_fail_errno(k->err, "%s", k->path);
	return ASSAY_OK;
}

static enum assay_code keep_directory(int from, int to, const char *name, struct keeping *k)
{
	assay_auto(assay_fd_closep) int in = -1;
	assay_auto(assay_fd_closep) int out = -1;

	if (k->depth >= ASSAY_MAX_CHECKOUT_DEPTH)
		return ASSAY_OK; /* the survey has said so */
	if (mkdirat(to, name, 0755) && errno != EEXIST)
		return assay_fail_errno(k->err, "%s", k->path);
	out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (in < 0)
		return skip(k, strerror(errno));
	return out < 0 ? assay_fail_errno(k->err, "%s", k->path) : keep_tree(in, out, k);
}

static enum assay_code keep_file(int from, int to, const char *name, unsigned mode, struct keeping *k)
{
	assay_auto(assay_fd_closep) int in =
		openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	assay_auto(assay_fd_closep) int out = -1;

	if (in < 0)
		return skip(k, strerror(errno));
	/* set-id bits of a build's output never reach the host */
	out = openat(to, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		     mode & 0100 ? 0755 : 0644);
	return out < 0 ? assay_fail_errno(k->err, "%s", k->path) :
			 assay_fd_copy(in, out, NULL, k->err);
}

static enum assay_code keep_entry(int from, int to, const char *name, struct keeping *k)
{
	struct stat st;

	if (++k->entries > ASSAY_MAX_MEMBERS)
		return assay_fail(k->err, ASSAY_ELIMIT, "--keep: want at most %d files",
				  ASSAY_MAX_MEMBERS);
	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW))
		return assay_fail_errno(k->err, "%s", k->path);
	if (S_ISLNK(st.st_mode))
		return keep_link(from, to, name, k);
	if (S_ISDIR(st.st_mode))
		return keep_directory(from, to, name, k);
	return S_ISREG(st.st_mode) ? keep_file(from, to, name, st.st_mode, k) : ASSAY_OK;
}

static enum assay_code keep_tree(int from, int to, struct keeping *k)
{
	int copy = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assay_auto(assay_dir_closep) DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	size_t before = k->len;
	struct dirent *entry;

	if (!dir)
		return assay_fail_errno(k->err, "open directory %s", k->path);
	k->depth++;
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		k->len = before + (size_t)snprintf(k->path + before, sizeof(k->path) - before, "%s%s",
						   before ? "/" : "", entry->d_name);
		if (k->len >= sizeof(k->path)) {
			skip(k, "its path is too long");
			continue;
		}
		if (keep_entry(from, to, entry->d_name, k))
			return k->err->code;
	}
	k->depth--;
	k->len = before;
	k->path[before] = '\0';
	return ASSAY_OK;
}

enum assay_code assay_job_keep_workspace(struct assay_job *job, json_t *attempt,
					 struct assay_error *err)
{
	assay_auto(assay_freep) struct keeping *k = calloc(1, sizeof(*k));
	assay_auto(assay_fd_closep) int to = -1;
	char path[4096];

	if (!k)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	k->attempt = attempt;
	k->err = err;
	snprintf(path, sizeof(path), "%s/workspace-%u", job->output, job->attempt + 1);
	if (assay_path_make_dirs(path, 0755, err))
		return err->code;
	to = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to < 0)
		return assay_fail_errno(err, "%s", path);
	return keep_tree(job->box.workspace_fd, to, k);
}
