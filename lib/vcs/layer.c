/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One repository's tree of one commit, in the jail.  Trees are walked and blobs written by us: libgit2's
 * own checkout would apply attributes, filters and line ending rules, and none of that belongs to the
 * exact bytes of a commit.  Submodules are other repositories: they are handed back to be found first.
 */
#include "layer.h"

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/message.h"
#include "assay/process.h"
#include "gitmodules.h"
#include "repository.h"

struct layer {
	const struct layer_work *work;
	struct writer writer;
	git_repository *repository;
	git_blob *gitmodules; /* NULL: none */
	struct assay_buf submodules;
	uint64_t submodule_count;
	struct assay_error *err;
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
		return repository_fail(layer->err, status, "%s", path);
	if (size > ASSAY_MAX_GIT_BLOB)
		return assay_fail(layer->err, ASSAY_ELIMIT,
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
		return layer->err->code;
	status = git_blob_lookup(&blob, layer->repository, id);
	if (status)
		return repository_fail(layer->err, status, "%s", path);
	if ((mode & 0170000) == 0120000)
		return writer_link(&layer->writer, path, blob_span(blob), layer->err);
	return writer_file(&layer->writer, path, (mode & 0100) != 0, blob_span(blob),
			   layer->err);
}

/* To the message: where, from where, which commit.  Without a url: git itself leaves an empty directory,
 * because nobody can say where it comes from. */
static enum assay_code write_submodule(struct layer *layer, const git_tree_entry *entry,
				       const char *path)
{
	assay_auto(assay_freep) char *url = NULL;
	char commit[GIT_OID_HEXSZ + 1];

	if (writer_directory(&layer->writer, path, layer->err))
		return layer->err->code;
	if (layer->gitmodules)
		url = gitmodules_url(blob_span(layer->gitmodules), path + strlen(layer->work->prefix));
	git_oid_tostr(commit, sizeof(commit), git_tree_entry_id(entry));
	assay_message_put_text(&layer->submodules, path);
	assay_message_put_text(&layer->submodules, url ? url : "");
	assay_message_put_text(&layer->submodules, commit);
	layer->submodule_count++;
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
	if (writer_directory(&layer->writer, path, layer->err))
		return layer->err->code;
	status = git_tree_lookup(&tree, layer->repository, git_tree_entry_id(entry));
	if (status)
		return repository_fail(layer->err, status, "%s", path);
	if (asprintf(&above, "%s/", path) < 0)
		return assay_fail(layer->err, ASSAY_ENOMEM, "out of memory");
	return write_tree(layer, tree, above);
}

static enum assay_code write_entry(struct layer *layer, const git_tree_entry *entry,
				   const char *above)
{
	assay_auto(assay_freep) char *path = NULL;
	unsigned mode = (unsigned)git_tree_entry_filemode_raw(entry);

	if (assay_interrupted)
		return assay_fail(layer->err, ASSAY_EINTERRUPTED, "interrupted");
	if (strchr(git_tree_entry_name(entry), '/'))
		return assay_fail(layer->err, ASSAY_EUNTRUSTED,
				  "hostile path \"%s\": its name has a slash in it",
				  git_tree_entry_name(entry));
	if (asprintf(&path, "%s%s", above, git_tree_entry_name(entry)) < 0)
		return assay_fail(layer->err, ASSAY_ENOMEM, "out of memory");
	switch (mode & 0170000) {
	case 0040000:
		return write_subtree(layer, entry, path);
	case 0100000:
	case 0120000:
		return write_blob(layer, entry, path);
	case 0160000:
		return write_submodule(layer, entry, path);
	default:
		return assay_fail(layer->err, ASSAY_EUNTRUSTED,
				  "%s: want a file, directory, link or submodule, have mode %o",
				  path, mode);
	}
}

static enum assay_code write_tree(struct layer *layer, const git_tree *tree, const char *above)
{
	size_t count = git_tree_entrycount(tree);

	for (size_t i = 0; i < count; i++)
		if (write_entry(layer, git_tree_entry_byindex(tree, i), above))
			return layer->err->code;
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
		return layer->err->code;
	status = git_blob_lookup(ret, layer->repository, git_tree_entry_id(entry));
	if (status)
		return repository_fail(layer->err, status, ".gitmodules");
	if (git_blob_rawsize(*ret) > (git_object_size_t)ASSAY_MAX_GITMODULES)
		return assay_fail(layer->err, ASSAY_ELIMIT, ".gitmodules: want at most %llu bytes",
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

static enum assay_code write_layer(struct layer *layer, struct assay_buf *answer)
{
	assay_auto(repository_freep) git_repository *repository = NULL;
	assay_auto(commit_freep) git_commit *commit = NULL;
	assay_auto(tree_freep) git_tree *tree = NULL;
	assay_auto(blob_freep) git_blob *gitmodules = NULL;
	const struct layer_work *work = layer->work;
	char id[GIT_OID_HEXSZ + 1];
	int status;

	if (repository_open(work->path, &repository, layer->err) ||
	    find_commit(repository, work->location, work->commit, &commit, layer->err))
		return layer->err->code;
	layer->repository = repository;
	status = git_commit_tree(&tree, commit);
	if (status)
		return repository_fail(layer->err, status, "tree of %s", work->commit);
	if (find_gitmodules(layer, tree, &gitmodules) || write_tree(layer, tree, work->prefix))
		return layer->err->code;
	assay_message_put_text(answer, git_oid_tostr(id, sizeof(id), git_commit_id(commit)));
	assay_message_put_text(answer, git_oid_tostr(id, sizeof(id), git_commit_tree_id(commit)));
	assay_message_put_u64(answer, (uint64_t)git_commit_time(commit));
	assay_message_put_u64(answer, layer->submodule_count);
	assay_buf_add_span(answer, assay_buf_span(&layer->submodules));
	writer_put(&layer->writer, answer);
	return assay_buf_check(&layer->submodules, "submodules", layer->err);
}

enum assay_code layer_write(void *data, struct assay_buf *answer, struct assay_error *err)
{
	const struct layer_work *work = data;
	struct layer layer = { .work = work, .writer = WRITER_INIT, .err = err,
			       .submodules = ASSAY_BUF_INIT(ASSAY_MAX_GITMODULES) };
	struct assay_span before = work->written;

	layer.writer.top = work->top;
	if (before.len && writer_take(&layer.writer, &before, err))
		return err->code;
	if (write_layer(&layer, answer))
		return err->code;
	return assay_buf_check(answer, "source", err);
}

enum assay_code layer_finish(void *data, struct assay_buf *answer, struct assay_error *err)
{
	const struct layer_work *work = data;
	struct writer writer = WRITER_INIT;
	struct assay_checkout result = { .commit = "" };
	struct assay_span written = work->written;

	if (writer_take(&writer, &written, err) || writer_finish(&writer, &result, err))
		return err->code;
	assay_buf_add(answer, &result, sizeof(result));
	return assay_buf_check(answer, "source", err);
}
