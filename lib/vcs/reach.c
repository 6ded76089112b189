/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A repository may lie in several places (gitrepository-layout(5)): a worktree has a file .git that says
 * "gitdir: <path>", there a file commondir, and objects/info/alternates lists other object stores.  What
 * these small files name becomes readable to the jail and nothing else happens with it.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "repository.h"

#define ALTERNATES_DEPTH 5 /* as in git itself */

static enum assay_code add(struct vcs_reach *reach, const char *path, struct assay_error *err)
{
	if (reach->count == VCS_REACH_MAX)
		return assay_fail(err, ASSAY_ELIMIT, "git repository: want at most %d places",
				  VCS_REACH_MAX);
	reach->paths[reach->count] = strdup(path);
	if (!reach->paths[reach->count])
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	reach->count++;
	return ASSAY_OK;
}

/* The whole of a small file below a directory; empty when there is none. */
static void read_small(const char *directory, const char *name, struct assay_buf *ret)
{
	assay_auto(assay_freep) char *path = assay_path_join(directory, name);
	struct assay_error ignored = ASSAY_ERROR_INIT;
	struct stat st;

	if (!path || stat(path, &st) || !S_ISREG(st.st_mode) ||
	    assay_file_read(AT_FDCWD, path, ret, &ignored))
		assay_buf_clear(ret);
}

/* A path as it stands in such a file: absolute, or from the directory on. */
static char *place_of(const char *directory, struct assay_span text)
{
	assay_auto(assay_freep) char *path = assay_span_dup(assay_span_trim(text));

	if (!path || !path[0])
		return NULL;
	return path[0] == '/' ? assay_steal(path) : assay_path_join(directory, path);
}

static enum assay_code add_objects(struct vcs_reach *reach, const char *objects, unsigned depth,
				   struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(64 * ASSAY_KIB);
	struct assay_span rest, line;

	if (add(reach, objects, err))
		return err->code;
	read_small(objects, "info/alternates", &text);
	rest = assay_buf_span(&text);
	while (depth < ALTERNATES_DEPTH && assay_span_next_line(&rest, &line)) {
		assay_auto(assay_freep) char *path = place_of(objects, line);

		/* nothing but an object store */
		if (path && strcmp(assay_path_base(path), "objects") == 0 &&
		    add_objects(reach, path, depth + 1, err))
			return err->code;
	}
	return ASSAY_OK;
}

static enum assay_code add_gitdir(struct vcs_reach *reach, const char *gitdir,
				  struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(64 * ASSAY_KIB);
	assay_auto(assay_freep) char *common = NULL;
	assay_auto(assay_freep) char *objects = NULL;

	if (add(reach, gitdir, err))
		return err->code;
	read_small(gitdir, "commondir", &text);
	common = place_of(gitdir, assay_buf_span(&text));
	if (common && add(reach, common, err))
		return err->code;
	objects = assay_path_join(common ? common : gitdir, "objects");
	return objects ? add_objects(reach, objects, 0, err) :
			 assay_fail(err, ASSAY_ENOMEM, "out of memory");
}

static enum assay_code reach_from(struct vcs_reach *reach, const char *path, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(64 * ASSAY_KIB);
	assay_auto(assay_freep) char *dotgit = assay_path_join(path, ".git");
	assay_auto(assay_freep) char *gitdir = NULL;
	struct stat st;

	if (!dotgit)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (add(reach, path, err))
		return err->code;
	if (stat(dotgit, &st) == 0 && S_ISDIR(st.st_mode))
		return add_gitdir(reach, dotgit, err);
	read_small(path, ".git", &text);
	if (assay_span_starts(assay_buf_span(&text), "gitdir:"))
		gitdir = place_of(path, assay_span_cut(assay_buf_span(&text), 7, text.len));
	return add_gitdir(reach, gitdir ? gitdir : path, err);
}

enum assay_code repository_reach(const char *path, struct vcs_reach *ret, struct assay_error *err)
{
	enum assay_code code;

	*ret = (struct vcs_reach){ .count = 0 };
	code = reach_from(ret, path, err);
	if (code)
		vcs_reach_release(ret);
	return code;
}

void vcs_reach_release(struct vcs_reach *reach)
{
	for (size_t i = 0; i < reach->count; i++)
		free(reach->paths[i]);
	*reach = (struct vcs_reach){ .count = 0 };
}
