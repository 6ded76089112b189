/* SPDX-License-Identifier: Apache-2.0 */
/* A branch or tag to the commit it names now: the only place where a name counts. */
#include "assay/vcs.h"

#include "assay/cleanup.h"
#include "assay/jail.h"
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

struct question {
	const char *path, *location, *name;
};

/* In the jail. */
static enum assay_code resolve(void *data, struct assay_buf *answer, struct assay_error *err)
{
	const struct question *question = data;
	git_repository *repository = NULL;
	char commit[65];
	git_oid oid;

	if (repository_open(question->path, &repository, err) ||
	    find_name(repository, question->location, question->name, &oid, err))
		return err->code;
	assay_buf_add_text(answer, git_oid_tostr(commit, sizeof(commit), &oid));
	return assay_buf_check(answer, "commit", err);
}

static enum assay_code ask(const struct vcs_place *place, const char *location, const char *name,
			   char ret_commit[65], struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf answer = ASSAY_BUF_INIT(64);
	assay_auto(assay_freep) char *path = NULL;
	struct assay_jail jail = { .what = location, .answer_max = 64 };
	struct vcs_reach reach;
	struct question question;
	enum assay_code code;

	if (repository_locate(place, location, NULL, &path, err) ||
	    repository_reach(path, &reach, err))
		return err->code;
	question = (struct question){ path, location, name };
	jail.readable = (const char *const *)reach.paths;
	code = assay_jail_run(&jail, resolve, &question, &answer, err);
	vcs_reach_release(&reach);
	if (code)
		return code;
	if (strspn(assay_buf_text(&answer), "0123456789abcdef") != answer.len || answer.len < 40)
		return assay_fail(err, ASSAY_EINPUT, "%s: the jail's answer is malformed", location);
	snprintf(ret_commit, 65, "%s", assay_buf_text(&answer));
	return ASSAY_OK;
}

enum assay_code assay_vcs_resolve(const char *location, const char *name,
				  const char *const *mirrors, const char *cache, char ret_commit[65],
				  struct assay_error *err)
{
	const struct vcs_place place = { .mirrors = mirrors, .cache = cache };
	enum assay_code code;

	if (!repository_library_start())
		return assay_fail(err, ASSAY_ENOMEM, "libgit2 does not start");
	code = ask(&place, location, name, ret_commit, err);
	git_libgit2_shutdown();
	return code;
}
