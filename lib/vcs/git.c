/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One commit into one directory, repository by repository: each is found or fetched out here, and read in
 * a jail that sees this repository and can write below the target (layer.c).  What a jail answers is
 * checked again before anything follows from it.
 */
#include "assay/cleanup.h"
#include "assay/jail.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/message.h"
#include "assay/path.h"
#include "assay/process.h"
#include "gitmodules.h"
#include "layer.h"
#include "name.h"
#include "repository.h"
#include "target.h"

struct checkout {
	const struct vcs_place *place;
	int top;
	struct assay_buf written; /* as writer_put() says it: what all layers so far have written */
	struct assay_checkout result;
	struct assay_error *err;
};

/* One repository of the tree of submodules. */
struct place_in_tree {
	const char *location, *commit, *prefix;
	unsigned depth;
};

static enum assay_code malformed(struct checkout *c, const char *location)
{
	return assay_fail(c->err, ASSAY_EINPUT, "%s: the jail's answer is malformed", location);
}

static enum assay_code run_layer(struct checkout *c, const struct place_in_tree *at,
				 struct assay_buf *answer)
{
	assay_auto(assay_freep) char *path = NULL;
	struct vcs_reach reach;
	struct assay_jail jail = { .what = at->location, .answer_max = ASSAY_MAX_TREE,
				   .writable_fd = c->top };
	struct layer_work work = { .location = at->location, .commit = at->commit,
				   .prefix = at->prefix, .top = c->top,
				   .written = assay_buf_span(&c->written) };
	enum assay_code code;

	if (repository_locate(c->place, at->location, at->commit, &path, c->err) ||
	    repository_reach(path, &reach, c->err))
		return c->err->code;
	work.path = path;
	jail.readable = (const char *const *)reach.paths;
	code = assay_jail_run(&jail, layer_write, &work, answer, c->err);
	vcs_reach_release(&reach);
	return code;
}

static enum assay_code checkout_layer(struct checkout *c, const struct place_in_tree *at);

/* The path was made by the writer, which refuses hostile names; a jail that lies about it gains nothing
 * beyond the target directory, but is not followed anywhere. */
static enum assay_code checkout_submodule(struct checkout *c, const struct place_in_tree *above,
					  struct assay_span *rest)
{
	char path[ASSAY_MAX_CHECKOUT_PATH + 1], url[4096], commit[65];
	assay_auto(assay_freep) char *location = NULL;
	assay_auto(assay_freep) char *prefix = NULL;
	struct place_in_tree below = { .commit = commit, .depth = above->depth + 1 };

	if (!assay_message_take_text(rest, path, sizeof(path)) ||
	    !assay_message_take_text(rest, url, sizeof(url)) ||
	    !assay_message_take_text(rest, commit, sizeof(commit)) ||
	    !assay_path_is_contained(assay_span_text(path)))
		return malformed(c, above->location);
	if (!url[0]) {
		assay_log(ASSAY_LOG_WARNING, "submodule %s has no url in .gitmodules: left empty",
			  path);
		return ASSAY_OK;
	}
	if (below.depth > ASSAY_MAX_SUBMODULE_DEPTH)
		return assay_fail(c->err, ASSAY_ELIMIT,
				  "submodule %s: want at most %d within each other", path,
				  ASSAY_MAX_SUBMODULE_DEPTH);
	if (gitmodules_resolve(above->location, url, &location, c->err))
		return assay_context(c->err, "submodule %s", path);
	if (asprintf(&prefix, "%s/", path) < 0)
		return assay_fail(c->err, ASSAY_ENOMEM, "out of memory");
	below.location = location;
	below.prefix = prefix;
	if (checkout_layer(c, &below))
		return assay_context(c->err, "submodule %s", path);
	return ASSAY_OK;
}

static enum assay_code checkout_layer(struct checkout *c, const struct place_in_tree *at)
{
	assay_auto(assay_buf_release) struct assay_buf answer = ASSAY_BUF_INIT(ASSAY_MAX_TREE);
	char commit[65], tree[65];
	struct assay_span rest, submodules, skipped;
	uint64_t time, count;

	if (run_layer(c, at, &answer))
		return c->err->code;
	rest = assay_buf_span(&answer);
	if (!assay_message_take_text(&rest, commit, sizeof(commit)) ||
	    !assay_message_take_text(&rest, tree, sizeof(tree)) || !assay_message_take_u64(&rest, &time) ||
	    !assay_message_take_u64(&rest, &count) || strcmp(commit, at->commit) != 0)
		return malformed(c, at->location);
	if (at->depth == 0) {
		memcpy(c->result.commit, commit, sizeof(commit));
		memcpy(c->result.tree_id, tree, sizeof(tree));
		c->result.commit_time = (int64_t)time;
	}
	submodules = rest;
	for (uint64_t i = 0; i < count * 3; i++)
		if (!assay_message_take_span(&rest, &skipped))
			return malformed(c, at->location);
	assay_buf_clear(&c->written);
	assay_buf_add_span(&c->written, rest);
	for (uint64_t i = 0; i < count; i++)
		if (checkout_submodule(c, at, &submodules))
			return c->err->code;
	return assay_buf_check(&c->written, "source", c->err);
}

static enum assay_code finish(struct checkout *c)
{
	assay_auto(assay_buf_release) struct assay_buf answer = ASSAY_BUF_INIT(sizeof(c->result));
	struct layer_work work = { .written = assay_buf_span(&c->written) };
	struct assay_jail jail = { .what = "source", .answer_max = sizeof(c->result) };
	struct assay_checkout sums;

	if (assay_jail_run(&jail, layer_finish, &work, &answer, c->err))
		return c->err->code;
	if (answer.len != sizeof(sums))
		return malformed(c, "source");
	memcpy(&sums, answer.data, sizeof(sums));
	c->result.tree = sums.tree;
	c->result.files = sums.files;
	c->result.bytes = sums.bytes;
	c->result.lfs_pointers = sums.lfs_pointers;
	memcpy(c->result.lfs_first, sums.lfs_first, sizeof(sums.lfs_first));
	c->result.lfs_first[sizeof(sums.lfs_first) - 1] = '\0';
	return target_stamp(c->top, c->result.commit_time, c->err);
}

static enum assay_code check_id(const char *location, const char *id, struct assay_error *err)
{
	if (strlen(id) == 64)
		return assay_fail(err, ASSAY_EUNSUPPORTED,
				  "%s: commits named by SHA-256 cannot be read yet", location);
	if (strlen(id) != 40 || strspn(id, "0123456789abcdef") != 40)
		return assay_fail(err, ASSAY_EUSAGE, "want a full commit id, have \"%s\"", id);
	return ASSAY_OK;
}

static enum assay_code checkout_all(struct checkout *c, const char *location, const char *commit,
				    const char *directory)
{
	const struct place_in_tree top = { .location = location, .commit = commit, .prefix = "" };

	if (check_id(location, commit, c->err) || target_open(directory, &c->top, c->err) ||
	    checkout_layer(c, &top))
		return c->err->code;
	if (c->result.commit_time < 0)
		return assay_fail(c->err, ASSAY_EINPUT, "commit %s: want a time after 1970", commit);
	return finish(c);
}

enum assay_code assay_vcs_checkout_git(const char *location, const char *commit,
				       const char *const *mirrors, const char *cache,
				       const char *directory, struct assay_checkout *ret,
				       struct assay_error *err)
{
	const struct vcs_place place = { .mirrors = mirrors, .cache = cache };
	struct checkout c = { .place = &place, .top = -1, .err = err,
			      .written = ASSAY_BUF_INIT(ASSAY_MAX_TREE) };
	enum assay_code code;

	if (!repository_library_start())
		return assay_fail(err, ASSAY_ENOMEM, "libgit2 does not start");
	code = checkout_all(&c, location, commit, directory);
	if (!code)
		*ret = c.result;
	if (c.top >= 0)
		close(c.top);
	assay_buf_release(&c.written);
	git_libgit2_shutdown();
	return code;
}
