/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One commit into one directory.  Trees are walked and blobs written by us: libgit2's own checkout
 * would apply attributes, filters and line ending rules, and none of that belongs to the exact bytes
 * of a commit.
 */
#include "assay/vcs.h"

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/process.h"
#include "gitmodules.h"
#include "repository.h"
#include "writer.h"

struct checkout {
	const struct vcs_place *place;
	struct writer *writer;
	struct assay_error *err;
};

/* One repository of the tree of submodules. */
struct layer {
	struct checkout *c;
	git_repository *repository;
	const char *location;
	const char *prefix;   /* "" or "vendor/x/": where it is checked out */
	git_blob *gitmodules; /* NULL: none */
	unsigned depth;
};

static void blob_freep(git_blob **blob)
{
	git_blob_free(*blob);
}

static void tree_freep(git_tree **tree)
{
	git_tree_free(*tree);
}

static void commit_freep(git_commit **commit)
{
	git_commit_free(*commit);
}

static struct assay_span blob_span(const git_blob *blob)
{
	return assay_span_of(git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));
}

static enum assay_code check_size(struct layer *layer, const git_oid *id, const char *path)
{
	git_object_t type;
	git_odb *odb = NULL;
	size_t size = 0;
	int status = git_repository_odb(&odb, layer->repository);

	if (!status)
		status = git_odb_read_header(&size, &type, odb, id);
	git_odb_free(odb);
	if (status)
		return repository_fail(layer->c->err, status, "%s", path);
	if (size > ASSAY_MAX_GIT_BLOB)
		return assay_fail(layer->c->err, ASSAY_ELIMIT,
				  "%s: want a file of at most %llu MiB, have %zu bytes", path,
				  ASSAY_MAX_GIT_BLOB / ASSAY_MIB, size);
	return ASSAY_OK;
}

static enum assay_code write_blob(struct layer *layer, const git_tree_entry *entry, const char *path)
{
	assay_auto(blob_freep) git_blob *blob = NULL;
	const git_oid *id = git_tree_entry_id(entry);
	unsigned mode = (unsigned)git_tree_entry_filemode_raw(entry);
	int status;

	if (check_size(layer, id, path))
		return layer->c->err->code;
	status = git_blob_lookup(&blob, layer->repository, id);
	if (status)
		return repository_fail(layer->c->err, status, "%s", path);
	if ((mode & 0170000) == 0120000)
		return writer_link(layer->c->writer, path, blob_span(blob), layer->c->err);
	return writer_file(layer->c->writer, path, (mode & 0100) != 0, blob_span(blob),
			   layer->c->err);
}

static enum assay_code checkout_layer(struct layer *layer, const char *commit,
				      struct assay_checkout *ret);

static enum assay_code write_submodule(struct layer *layer, const git_tree_entry *entry,
				       const char *path)
{
	struct assay_error *err = layer->c->err;
	assay_auto(assay_freep) char *url = NULL;
	assay_auto(assay_freep) char *location = NULL;
	assay_auto(assay_freep) char *prefix = NULL;
	struct layer below = { .c = layer->c, .depth = layer->depth + 1 };
	char commit[GIT_OID_HEXSZ + 1];

	if (writer_directory(layer->c->writer, path, err))
		return err->code;
	if (layer->gitmodules)
		url = gitmodules_url(blob_span(layer->gitmodules), path + strlen(layer->prefix));
	if (!url) {
		/* git itself leaves an empty directory: nobody can say where it comes from */
		assay_log(ASSAY_LOG_WARNING, "submodule %s has no url in .gitmodules: left empty",
			  path);
		return ASSAY_OK;
	}
	if (below.depth > ASSAY_MAX_SUBMODULE_DEPTH)
		return assay_fail(err, ASSAY_ELIMIT, "submodule %s: want at most %d within each other",
				  path, ASSAY_MAX_SUBMODULE_DEPTH);
	if (gitmodules_resolve(layer->location, url, &location, err))
		return assay_context(err, "submodule %s", path);
	if (asprintf(&prefix, "%s/", path) < 0)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	below.location = location;
	below.prefix = prefix;
	git_oid_tostr(commit, sizeof(commit), git_tree_entry_id(entry));
	if (checkout_layer(&below, commit, NULL))
		return assay_context(err, "submodule %s", path);
	return ASSAY_OK;
}

static enum assay_code write_tree(struct layer *layer, const git_tree *tree, const char *above);

static enum assay_code write_subtree(struct layer *layer, const git_tree_entry *entry,
				     const char *path)
{
	assay_auto(assay_freep) char *above = NULL;
	assay_auto(tree_freep) git_tree *tree = NULL;
	int status;

	/* the writer's depth limit ends this recursion */
	if (writer_directory(layer->c->writer, path, layer->c->err))
		return layer->c->err->code;
	status = git_tree_lookup(&tree, layer->repository, git_tree_entry_id(entry));
	if (status)
		return repository_fail(layer->c->err, status, "%s", path);
	if (asprintf(&above, "%s/", path) < 0)
		return assay_fail(layer->c->err, ASSAY_ENOMEM, "out of memory");
	return write_tree(layer, tree, above);
}

static enum assay_code write_entry(struct layer *layer, const git_tree_entry *entry,
				   const char *above)
{
	assay_auto(assay_freep) char *path = NULL;
	unsigned mode = (unsigned)git_tree_entry_filemode_raw(entry);

	if (assay_interrupted)
		return assay_fail(layer->c->err, ASSAY_EINTERRUPTED, "interrupted");
	if (strchr(git_tree_entry_name(entry), '/'))
		return assay_fail(layer->c->err, ASSAY_EUNTRUSTED,
				  "hostile path \"%s\": its name has a slash in it",
				  git_tree_entry_name(entry));
	if (asprintf(&path, "%s%s", above, git_tree_entry_name(entry)) < 0)
		return assay_fail(layer->c->err, ASSAY_ENOMEM, "out of memory");
	switch (mode & 0170000) {
	case 0040000:
		return write_subtree(layer, entry, path);
	case 0100000:
	case 0120000:
		return write_blob(layer, entry, path);
	case 0160000:
		return write_submodule(layer, entry, path);
	default:
		return assay_fail(layer->c->err, ASSAY_EUNTRUSTED,
				  "%s: want a file, directory, link or submodule, have mode %o",
				  path, mode);
	}
}

static enum assay_code write_tree(struct layer *layer, const git_tree *tree, const char *above)
{
	size_t count = git_tree_entrycount(tree);

	for (size_t i = 0; i < count; i++)
		if (write_entry(layer, git_tree_entry_byindex(tree, i), above))
			return layer->c->err->code;
	return ASSAY_OK;
}

static enum assay_code find_gitmodules(struct layer *layer, const git_tree *tree, git_blob **ret)
{
	const git_tree_entry *entry = git_tree_entry_byname(tree, ".gitmodules");
	int status;

	if (!entry || git_tree_entry_type(entry) != GIT_OBJECT_BLOB ||
	    git_tree_entry_filemode(entry) == GIT_FILEMODE_LINK)
		return ASSAY_OK;
	if (check_size(layer, git_tree_entry_id(entry), ".gitmodules"))
		return layer->c->err->code;
	status = git_blob_lookup(ret, layer->repository, git_tree_entry_id(entry));
	if (status)
		return repository_fail(layer->c->err, status, ".gitmodules");
	if (git_blob_rawsize(*ret) > (git_object_size_t)ASSAY_MAX_GITMODULES)
		return assay_fail(layer->c->err, ASSAY_ELIMIT, ".gitmodules: want at most %llu bytes",
				  ASSAY_MAX_GITMODULES);
	layer->gitmodules = *ret;
	return ASSAY_OK;
}

static enum assay_code find_commit(git_repository *repository, const char *location,
				   const char *id, git_commit **ret, struct assay_error *err)
{
	git_object *object = NULL;
	enum assay_code code = ASSAY_OK;
	git_oid oid;

	if (strlen(id) == 64)
		return assay_fail(err, ASSAY_EUNSUPPORTED,
				  "%s: commits named by SHA-256 cannot be read yet", location);
	if (strlen(id) != GIT_OID_HEXSZ || git_oid_fromstr(&oid, id))
		return assay_fail(err, ASSAY_EUSAGE, "want a full commit id, have \"%s\"", id);
	if (git_commit_lookup(ret, repository, &oid) == 0)
		return ASSAY_OK;
	if (git_object_lookup(&object, repository, &oid, GIT_OBJECT_ANY) == 0)
		code = assay_fail(err, ASSAY_EINPUT, "%s: want a commit, %s is a %s", location, id,
				  git_object_type2string(git_object_type(object)));
	else if (git_error_last() && git_error_last()->klass == GIT_ERROR_ODB &&
		 strstr(git_error_last()->message, "mismatch"))
		code = assay_fail(err, ASSAY_EUNTRUSTED, "%s: %s: %.300s", location, id,
				  git_error_last()->message);
	else
		code = assay_fail(err, ASSAY_ENOTFOUND, "%s has no commit %s", location, id);
	git_object_free(object);
	return code;
}

static enum assay_code checkout_layer(struct layer *layer, const char *commit_id,
				      struct assay_checkout *ret)
{
	assay_auto(repository_freep) git_repository *repository = NULL;
	assay_auto(commit_freep) git_commit *commit = NULL;
	assay_auto(tree_freep) git_tree *tree = NULL;
	assay_auto(blob_freep) git_blob *gitmodules = NULL;
	struct assay_error *err = layer->c->err;
	int status;

	if (repository_open(layer->c->place, layer->location, commit_id, &repository, err) ||
	    find_commit(repository, layer->location, commit_id, &commit, err))
		return err->code;
	layer->repository = repository;
	status = git_commit_tree(&tree, commit);
	if (status)
		return repository_fail(err, status, "tree of %s", commit_id);
	if (ret) {
		ret->commit_time = git_commit_time(commit);
		git_oid_tostr(ret->commit, sizeof(ret->commit), git_commit_id(commit));
		git_oid_tostr(ret->tree_id, sizeof(ret->tree_id), git_commit_tree_id(commit));
	}
	if (find_gitmodules(layer, tree, &gitmodules))
		return err->code;
	return write_tree(layer, tree, layer->prefix);
}

static enum assay_code checkout_all(struct checkout *c, const char *location, const char *commit,
				    const char *directory, struct assay_checkout *ret)
{
	struct layer top = { .c = c, .location = location, .prefix = "" };
	struct assay_checkout result = { .commit = "" };

	if (writer_open(c->writer, directory, c->err) || checkout_layer(&top, commit, &result))
		return c->err->code;
	if (result.commit_time < 0)
		return assay_fail(c->err, ASSAY_EINPUT, "commit %s: want a time after 1970", commit);
	if (writer_finish(c->writer, result.commit_time, &result, c->err))
		return c->err->code;
	*ret = result;
	return ASSAY_OK;
}

enum assay_code assay_vcs_checkout_git(const char *location, const char *commit,
				       const char *const *mirrors, const char *cache,
				       const char *directory, struct assay_checkout *ret,
				       struct assay_error *err)
{
	const struct vcs_place place = { .mirrors = mirrors, .cache = cache };
	struct writer writer = WRITER_INIT;
	struct checkout c = { .place = &place, .writer = &writer, .err = err };
	enum assay_code code;

	if (!repository_library_start())
		return assay_fail(err, ASSAY_ENOMEM, "libgit2 does not start");
	code = checkout_all(&c, location, commit, directory, ret);
	writer_release(&writer);
	git_libgit2_shutdown();
	return code;
}
