/* SPDX-License-Identifier: Apache-2.0 */
/* From a location to a repository that has the commit: a local path, a mirror, or the cache. */
#ifndef ASSAY_VCS_REPOSITORY_H
#define ASSAY_VCS_REPOSITORY_H

#include <stdbool.h>


#include "assay/error.h"
#include "git_late.h"

struct vcs_place {
	const char *const *mirrors; /* may be NULL */
	const char *cache;          /* may be NULL */
};

/* Where the repository of a location is on this machine, malloc'ed; what a URL names is fetched into the
 * cache unless the commit is there.  commit NULL: all branches and tags are brought up to date, for
 * resolving a name. */
enum assay_code repository_locate(const struct vcs_place *place, const char *location,
				  const char *commit, char **ret, struct assay_error *err)
	ASSAY_CHECKED;

/* The directories that belong to a repository: itself, what a worktree's .git file and alternates name. */
#define VCS_REACH_MAX 32
struct vcs_reach {
	char *paths[VCS_REACH_MAX + 1]; /* NULL-terminated */
	size_t count;
};

enum assay_code repository_reach(const char *path, struct vcs_reach *ret, struct assay_error *err)
	ASSAY_CHECKED;
void vcs_reach_release(struct vcs_reach *reach);

/* In the jail. */
enum assay_code repository_open(const char *path, git_repository **ret, struct assay_error *err)
	ASSAY_CHECKED;
static inline void repository_freep(git_repository **repository)
{
	git_repository_free(*repository);
}
/* The message of libgit2's last error behind ours; GIT_ENOTFOUND becomes ASSAY_ENOTFOUND. */
enum assay_code repository_fail(struct assay_error *err, int status, const char *fmt, ...)
	ASSAY_PRINTF(3, 4) __attribute__((cold));
/* libgit2 with our settings; false when it cannot start.  Counted: pair with git_libgit2_shutdown. */
bool repository_library_start(void);

#endif
