/* SPDX-License-Identifier: Apache-2.0 */
/* A branch or tag to the commit it names now: the only place where a name counts. */
#include "assay/vcs.h"
#include "repository.h"

static bool find_ref(git_repository *repository, const char *prefix, const char *name,
		     git_oid *ret)
{
	git_reference *reference = NULL;
	git_object *commit = NULL;
	char full[400];
	bool found;

	snprintf(full, sizeof(full), "%s%s", prefix, name);
	found = git_reference_lookup(&reference, repository, full) == 0 &&
		git_reference_peel(&commit, reference, GIT_OBJECT_COMMIT) == 0;
	if (found)
		*ret = *git_object_id(commit);
	git_object_free(commit);
	git_reference_free(reference);
	return found;
}

static bool find_commit(git_repository *repository, const char *id, git_oid *ret)
{
	git_commit *commit = NULL;
	bool found = strlen(id) == GIT_OID_HEXSZ && git_oid_fromstr(ret, id) == 0 &&
		     git_commit_lookup(&commit, repository, ret) == 0;

	git_commit_free(commit);
	return found;
}

static enum assay_code find_name(git_repository *repository, const char *location,
				 const char *name, git_oid *ret, struct assay_error *err)
{
	bool branch, tag;
	git_oid other;

	if (find_commit(repository, name, ret))
		return ASSAY_OK;
	if (strcmp(name, "HEAD") == 0 || strncmp(name, "refs/", 5) == 0) {
		if (find_ref(repository, "", name, ret))
			return ASSAY_OK;
		return assay_fail(err, ASSAY_ENOTFOUND, "%s has no \"%s\"", location, name);
	}
	tag = find_ref(repository, "refs/tags/", name, ret);
	branch = find_ref(repository, "refs/heads/", name, tag ? &other : ret);
	if (tag && branch && !git_oid_equal(&other, ret))
		return assay_fail(err, ASSAY_EUSAGE,
				  "%s: \"%s\" is a branch and a tag; write refs/heads/%s or refs/tags/%s",
				  location, name, name, name);
	if (tag || branch || find_ref(repository, "refs/remotes/origin/", name, ret))
		return ASSAY_OK;
	return assay_fail(err, ASSAY_ENOTFOUND, "%s has no branch or tag \"%s\"", location, name);
}

enum assay_code assay_vcs_resolve(const char *location, const char *name,
				  const char *const *mirrors, const char *cache, char ret_commit[65],
				  struct assay_error *err)
{
	const struct vcs_place place = { .mirrors = mirrors, .cache = cache };
	git_repository *repository = NULL;
	git_oid oid;
	enum assay_code code;

	if (!repository_library_start())
		return assay_fail(err, ASSAY_ENOMEM, "libgit2 does not start");
	code = repository_open(&place, location, NULL, &repository, err);
	if (!code)
		code = find_name(repository, location, name, &oid, err);
	if (!code)
		git_oid_tostr(ret_commit, 65, &oid);
	git_repository_free(repository);
	git_libgit2_shutdown();
	return code;
}
