/* SPDX-License-Identifier: Apache-2.0 */
/* A recipe as target: the user says in data where source, inputs and artifacts are. */
#include "job_int.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/log.h"
#include "assay/path.h"
#include "assay/vcs.h"

#define BUILD_UID 1000
#define BUILD_USER "build"
#define MAX_COMMANDS 1024

/* A location of the recipe: a URL as it is, a path from the recipe's own directory. */
static char *locate(const struct assay_job *job, const char *location)
{
	if (strstr(location, "://") || location[0] == '/')
		return strdup(location);
	return assay_path_join(job->recipe.directory, location);
}

static enum assay_code fetch(struct assay_job *job, const char *location,
			     const struct assay_digest *want, struct assay_digest *ret,
			     uint64_t *ret_size, struct assay_error *err)
{
	assay_auto(assay_freep) char *where = NULL;

	if (assay_vcs_mirror(job->options->mirrors, location, &where, err))
		return err->code;
	if (!where)
		where = locate(job, location);
	if (!where)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	return assay_fetch(job->store, where, want, ret, ret_size, err);
}

/* The signature file of the recipe, brought beside the job. */
static enum assay_code admit_signature(struct assay_job *job, struct assay_subject *subject,
				       const struct assay_recipe_artifact *artifact,
				       struct assay_error *err)
{
	assay_auto(assay_freep) char *copy = assay_path_join(job->directory, "signature");
	assay_auto(assay_freep) char *key = NULL;
	struct assay_digest digest;
	uint64_t size;

	/* a key is text (minisign, signify) or a file beside the recipe */
	key = assay_recipe_key_is_file(artifact) ? locate(job, artifact->signature_key)
						 : strdup(artifact->signature_key);
	if (!copy || !key)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (fetch(job, artifact->signature_file, NULL, &digest, &size, err)) {
		if (err->code != ASSAY_ENOTFOUND)
			return err->code;
		/* a missing signature is a verdict, which the check itself gives */
	} else if (assay_store_copy_to(job->store, &digest, AT_FDCWD, copy, err)) {
		return err->code;
	}
	return assay_job_check_signature(job, subject, artifact->signature_scheme, copy, key, err);
}

/* Where the build leaves it, from the workspace on. */
static char *built_path(const struct assay_plan *plan, const char *built)
{
	const char *below = plan->build_path + strlen(plan->workspace);

	while (*below == '/')
		below++;
	return *below ? assay_path_join(below, built) : strdup(built);
}

static enum assay_code admit_artifact(struct assay_job *job,
				      const struct assay_recipe_artifact *artifact,
				      struct assay_error *err)
{
	struct assay_subject *subject = assay_job_add_subject(job, err);

	if (!subject)
		return err->code;
	subject->name = strdup(assay_path_base(artifact->published ? artifact->published :
								     artifact->built));
	subject->built = built_path(&job->plan, artifact->built);
	if (!subject->name || !subject->built)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (!artifact->published)
		return assay_fail(err, ASSAY_EUSAGE,
				  "%s: artifact %s: want `published` (path or URL) to verify it",
				  job->recipe.path, artifact->built);
	if (fetch(job, artifact->published, artifact->has_sha256 ? &artifact->sha256 : NULL,
		  &subject->sha256, &subject->size, err))
		return assay_context(err, "artifact %s", subject->name);
	if (artifact->signature_scheme && !job->options->subjects)
		return admit_signature(job, subject, artifact, err);
	return ASSAY_OK;
}

/* The directory that becomes the writable workspace: "/build" for "/build/xxhash". */
static const char *workspace_of(struct assay_arena *arena, const char *build_path)
{
	const char *slash = strrchr(build_path, '/');

	if (slash == build_path)
		return build_path;
	return assay_arena_text(arena, assay_span_of(build_path, (size_t)(slash - build_path)));
}

/* What was queued, or pinned in a release gate, is a text and not whatever stands at its path by now. */
static enum assay_code check_recipe(const struct assay_job *job, struct assay_error *err)
{
	const char *wanted = job->options->recipe_digest;
	struct assay_digest digest;
	char have[ASSAY_DIGEST_TEXT];

	if (wanted && (!assay_digest_parse(assay_span_text(wanted), &digest) ||
		       !assay_digest_equal(&digest, &job->recipe.digest)))
		return assay_fail(err, ASSAY_EUSAGE, "%s: want SHA-256 %s, have %s: the recipe was changed", job->recipe.path,
				  wanted, assay_digest_hex(&job->recipe.digest, have));
	return ASSAY_OK;
}

static enum assay_code admit(struct assay_job *job, struct assay_error *err)
{
	const struct assay_recipe *recipe = &job->recipe;

	if (assay_recipe_load(job->options->target, &job->recipe, err) || check_recipe(job, err))
		return err->code;
	if (!job->options->accept && recipe->accept)
		job->accept = recipe->accept;
	job->plan.build_path = recipe->build_path;
	job->plan.workspace = workspace_of(&job->plan.arena, recipe->build_path);
	if (!job->plan.workspace)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	assay_job_add_input(job, "recipe", assay_path_base(recipe->path), &recipe->digest, -1);
	for (size_t i = 0; i < recipe->artifact_count; i++)
		if (admit_artifact(job, &recipe->artifacts[i], err))
			return err->code;
	return assay_job_take_local_subjects(job, err);
}

static enum assay_code read_lock(struct assay_job *job, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_CONTROL);
	assay_auto(assay_freep) char *path = NULL;

	if (!job->recipe.lock)
		return assay_fail(err, ASSAY_EUSAGE,
				  "%s: environment.debian: want a lock; `assay recipe lock %s` writes it",
				  job->recipe.path, job->recipe.path);
	path = locate(job, job->recipe.lock);
	if (!path)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (assay_file_read(AT_FDCWD, path, &text, err) ||
	    assay_lock_read(assay_buf_span(&text), path, &job->lock, err))
		return assay_context(err, "lock");
	job->has_lock = true;
	assay_job_add_input(job, "lock", assay_path_base(path), &job->lock.digest, -1);
	return ASSAY_OK;
}

static enum assay_code note_image(struct assay_job *job, struct assay_error *err)
{
	struct assay_digest digest;

	if (!assay_digest_parse(assay_span_text(job->recipe.oci_digest + strlen("sha256:")), &digest))
		return assay_fail(err, ASSAY_EBUG, "environment oci: %s", job->recipe.oci_digest);
	assay_job_add_input(job, "image", job->recipe.oci_layout, &digest, -1);
	return ASSAY_OK;
}

static enum assay_code inputs(struct assay_job *job, struct assay_error *err)
{
	const struct assay_recipe *recipe = &job->recipe;

	assay_progress_start("inputs", "%s", recipe->name);
	if (recipe->base == ASSAY_BASE_OCI && note_image(job, err))
		return err->code;
	if (recipe->base == ASSAY_BASE_DEBIAN && read_lock(job, err))
		return err->code;
	for (size_t i = 0; i < recipe->input_count; i++) {
		struct assay_recipe_input *input = &recipe->inputs[i];
		uint64_t size;

		if (fetch(job, input->location, &input->sha256, &input->sha256, &size, err))
			return assay_context(err, "input %s", input->to);
		assay_job_add_input(job, "file", input->location, &input->sha256, (int64_t)size);
	}
	assay_progress_end("%zu beside the source", recipe->input_count);
	return ASSAY_OK;
}

static void describe_source(struct assay_job *job, const struct assay_checkout *checkout)
{
	static const char *const kinds[] = { [ASSAY_SOURCE_GIT] = "git",
					     [ASSAY_SOURCE_ARCHIVE] = "archive",
					     [ASSAY_SOURCE_APT] = "apt-source" };
	const struct assay_recipe_source *source = &job->recipe.source;
	char hex[ASSAY_DIGEST_TEXT];

	job->source = assay_json_object();
	assay_json_set_text(job->source, "kind", kinds[source->kind]);
	assay_json_set_text(job->source, "location", source->location);
	assay_json_set_int(job->source, "files", (int64_t)checkout->files);
	assay_json_set_int(job->source, "bytes", (int64_t)checkout->bytes);
	if (source->kind == ASSAY_SOURCE_APT) {
		assay_json_set_text(job->source, "version", source->version);
		return;
	}
	if (source->kind == ASSAY_SOURCE_GIT) {
		assay_json_set_text(job->source, "commit", checkout->commit);
		assay_json_set_text(job->source, "git_tree", checkout->tree_id);
	} else {
		assay_json_set_text(job->source, "sha256",
				    assay_digest_hex(&source->sha256, hex));
	}
	assay_json_set_text(job->source, "tree_sha256", assay_digest_hex(&checkout->tree, hex));
	assay_json_set_int(job->source, "source_date_epoch", job->plan.source_date_epoch);
}

static enum assay_code checkout_git(struct assay_job *job, const char *to,
				    struct assay_checkout *ret, struct assay_error *err)
{
	const struct assay_recipe_source *source = &job->recipe.source;
	assay_auto(assay_freep) char *where = locate(job, source->location);
	assay_auto(assay_freep) char *cache = assay_path_join(assay_store_root(job->store), "git");

	if (!where || !cache)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (assay_vcs_checkout_git(where, source->commit, job->options->mirrors, cache, to, ret, err))
		return assay_context(err, "git %s", source->location);
	return ASSAY_OK;
}

static enum assay_code checkout_archive(struct assay_job *job, const char *to,
					struct assay_checkout *ret, struct assay_error *err)
{
	const struct assay_recipe_source *source = &job->recipe.source;
	assay_auto(assay_fd_closep) int fd = -1;
	struct assay_digest digest;
	uint64_t size;

	if (fetch(job, source->location, &source->sha256, &digest, &size, err) ||
	    assay_store_get(job->store, &digest, &fd, err) ||
	    assay_vcs_unpack(fd, to, ret, err))
		return assay_context(err, "archive %s", source->location);
	return ASSAY_OK;
}

/* A Debian source package, unpacked by dpkg-source in the box: only there its tar and patches do no
 * harm. */
static enum assay_code checkout_apt(struct assay_job *job, const char *to,
				    struct assay_checkout *ret, struct assay_error *err)
{
	const struct assay_recipe_source *source = &job->recipe.source;
	assay_auto(assay_fd_closep) int dir = -1;
	enum assay_code code = assay_debian_resolve_source(job->store, source->location,
							   source->version, &job->build, err);

	for (size_t i = 0; i < json_array_size(job->build.chain); i++)
		assay_json_append(job->chain, json_incref(json_array_get(job->build.chain, i)));
	if (code)
		return assay_context(err, "apt-source");
	if (assay_path_make_dirs(to, 0755, err))
		return err->code;
	dir = open(job->sources, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return assay_fail_errno(err, "%s", job->sources);
	for (size_t i = 0; i < job->build.source_count; i++) {
		const struct assay_debian_file *file = &job->build.sources[i];

		assay_job_add_input(job, "source", file->name, &file->sha256, (int64_t)file->size);
		ret->bytes += file->size;
		ret->files++;
	}
	return assay_debian_build_inputs(job->store, &job->build, dir, err);
}

static enum assay_code (*const checkouts[])(struct assay_job *, const char *,
					    struct assay_checkout *, struct assay_error *) = {
	[ASSAY_SOURCE_GIT] = checkout_git,
	[ASSAY_SOURCE_ARCHIVE] = checkout_archive,
	[ASSAY_SOURCE_APT] = checkout_apt,
};

static enum assay_code lay_down_inputs(struct assay_job *job, const char *source,
				       struct assay_error *err)
{
	for (size_t i = 0; i < job->recipe.input_count; i++) {
		const struct assay_recipe_input *input = &job->recipe.inputs[i];
		assay_auto(assay_freep) char *path = assay_path_join(source, input->to);
		char *slash;

		if (!path)
			return assay_fail(err, ASSAY_ENOMEM, "out of memory");
		slash = strrchr(path, '/');
		*slash = '\0';
		if (assay_path_make_dirs(path, 0755, err))
			return err->code;
		*slash = '/';
		if (assay_store_copy_to(job->store, &input->sha256, AT_FDCWD, path, err))
			return assay_context(err, "input %s", input->to);
	}
	return ASSAY_OK;
}

/* Whether one of the variables has the name of "NAME=value". */
static bool has_variable(const char *const *variables, const char *variable)
{
	size_t len = (size_t)(strchr(variable, '=') - variable) + 1;

	for (; *variables; variables++)
		if (strncmp(*variables, variable, len) == 0)
			return true;
	return false;
}

/* The whole environment of the build: the defaults that the recipe leaves alone, then its own. */
static enum assay_code plan_env(struct assay_job *job, struct assay_error *err)
{
	struct assay_arena *arena = &job->plan.arena;
	const struct assay_recipe *recipe = &job->recipe;
	const char *const defaults[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/nonexistent",
		"USER=" BUILD_USER,
		"LOGNAME=" BUILD_USER,
		"SHELL=/bin/sh",
		"TERM=dumb",
		assay_arena_printf(arena, "LC_ALL=%s", recipe->locale),
		assay_arena_printf(arena, "LANG=%s", recipe->locale),
		assay_arena_printf(arena, "TZ=%s", recipe->timezone),
		assay_arena_printf(arena, "SOURCE_DATE_EPOCH=%lld",
				   (long long)job->plan.source_date_epoch),
	};
	/* the time of a Debian source is known only once it is unpacked */
	size_t count = sizeof(defaults) / sizeof(defaults[0]) -
		       (recipe->source.kind == ASSAY_SOURCE_APT);
	size_t own = 0, n = 0;
	const char **env;

	while (recipe->variables[own])
		own++;
	env = assay_arena_alloc(arena, (own + count + 1) * sizeof(*env));
	for (size_t i = 0; env && i < count; i++)
		if (!defaults[i])
			env = NULL;
		else if (!has_variable(recipe->variables, defaults[i]))
			env[n++] = defaults[i];
	if (!env)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	memcpy(env + n, recipe->variables, own * sizeof(*env));
	job->plan.env = env;
	return ASSAY_OK;
}

/* The commands before the recipe's own.  The build path holds no character that needs quoting: the
 * recipe was checked for it. */
static size_t begin_copy(struct assay_job *job, const char **commands)
{
	struct assay_arena *arena = &job->plan.arena;
	const char *path = job->plan.build_path;

	/* sorted: the copy lists its directories in the order in which they were filled, on every host;
	 * a small image may have no tar, or one that cannot sort */
	commands[0] = assay_arena_printf(
		arena,
		"mkdir -p %s && if tar --sort=name -cf /dev/null -T /dev/null 2>/dev/null; then (tar -C "
		ASSAY_DEBIAN_INPUTS "/source --sort=name -cf - . || kill $$) | tar -C %s -xpf -; else cp -a "
		ASSAY_DEBIAN_INPUTS "/source/. %s; fi",
		path, path, path);
	commands[1] = assay_arena_printf(arena, "cd %s", path);
	return 2;
}

/* The time of a Debian source is that of its newest changelog entry. */
static size_t begin_apt(struct assay_job *job, const char **commands)
{
	struct assay_arena *arena = &job->plan.arena;
	const char *path = job->plan.build_path;

	commands[0] = assay_arena_printf(arena, "dpkg-source --no-check -x " ASSAY_DEBIAN_INPUTS "/%s %s",
					 job->build.sources[0].name, path);
	commands[1] = assay_arena_printf(arena, "cp -a " ASSAY_DEBIAN_INPUTS "/source/. %s", path);
	commands[2] = assay_arena_printf(arena, "cd %s", path);
	commands[3] = "export SOURCE_DATE_EPOCH=\"${SOURCE_DATE_EPOCH:-$(dpkg-parsechangelog -S "
		      "Timestamp)}\"";
	return 4;
}

static enum assay_code plan_commands(struct assay_job *job, struct assay_error *err)
{
	struct assay_arena *arena = &job->plan.arena;
	size_t count = 0, first;
	const char **commands;

	while (job->recipe.build[count])
		count++;
	if (count > MAX_COMMANDS)
		return assay_fail(err, ASSAY_ELIMIT, "build: want at most %d commands", MAX_COMMANDS);
	commands = assay_arena_alloc(arena, (count + 5) * sizeof(*commands));
	if (!commands)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	first = job->recipe.source.kind == ASSAY_SOURCE_APT ? begin_apt(job, commands)
							    : begin_copy(job, commands);
	for (size_t i = 0; i < first; i++)
		if (!commands[i])
			return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	memcpy(commands + first, job->recipe.build, count * sizeof(*commands));
	job->plan.commands = commands;
	return ASSAY_OK;
}

static enum assay_code make_plan(struct assay_job *job, const struct assay_checkout *checkout,
				 struct assay_error *err)
{
	const struct assay_recipe *recipe = &job->recipe;

	job->plan.source_date_epoch = checkout->commit_time;
	job->plan.hostname = recipe->hostname;
	job->plan.user = BUILD_USER;
	job->plan.uid = BUILD_UID;
	job->plan.umask = recipe->umask;
	job->plan.cpus = recipe->cpus;
	job->plan.limits = recipe->limits;
	if (plan_env(job, err))
		return err->code;
	return plan_commands(job, err);
}

static enum assay_code checkout(struct assay_job *job, struct assay_error *err)
{
	assay_auto(assay_freep) char *source = assay_path_join(job->sources, "source");
	struct assay_checkout result = { .commit = "" };

	if (!source)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	assay_progress_start("checkout", "%s", job->recipe.source.location);
	if (checkouts[job->recipe.source.kind](job, source, &result, err) ||
	    lay_down_inputs(job, source, err) || make_plan(job, &result, err))
		return err->code;
	describe_source(job, &result);
	assay_progress_end("%llu files", (unsigned long long)result.files);
	return ASSAY_OK;
}

static void release(struct assay_job *job)
{
	assay_debian_build_release(&job->build);
	assay_recipe_release(&job->recipe);
}

const struct assay_target_ops assay_target_recipe = {
	.kind = "recipe",
	.admit = admit,
	.inputs = inputs,
	.checkout = checkout,
	.release = release,
};
