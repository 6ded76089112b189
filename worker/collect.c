/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collection: what the build left, taken without following a link and without blocking on what is
 * not a file.  Everything in the box is dead by now, so nothing changes underneath.
 */
#include "job_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/log.h"
#include "assay/path.h"

/* Below dir, without links, magic links or "..". */
static int open_beneath(int dir, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

static void set_problem(struct assay_candidate *candidate, const char *text)
{
	free(candidate->problem);
	candidate->problem = strdup(text);
}

static enum assay_code collect_one(struct assay_job *job, struct assay_subject *subject,
				   struct assay_error *err)
{
	struct assay_candidate *candidate = &subject->candidates[job->attempt];
	assay_auto(assay_fd_closep) int fd = open_beneath(job->box.workspace_fd, subject->built, 0);
	struct stat st;

	if (fd < 0) {
		set_problem(candidate, errno == ENOENT ? "the build did not make it" :
				       errno == ELOOP  ? "a symbolic link, want a file" :
							 strerror(errno));
		return ASSAY_OK;
	}
	if (fstat(fd, &st))
		return assay_fail_errno(err, "%s", subject->built);
	if (!S_ISREG(st.st_mode)) {
		set_problem(candidate, "not a regular file");
		return ASSAY_OK;
	}
	if (assay_store_put_fd(job->store, fd, NULL, &candidate->sha256, &candidate->size, err))
		return assay_context(err, "%s", subject->built);
	candidate->present = true;
	return ASSAY_OK;
}

static bool is_subject(const struct assay_job *job, const char *name)
{
	for (size_t i = 0; i < job->subject_count; i++)
		if (strcmp(job->subjects[i].name, name) == 0)
			return true;
	return false;
}

/* Debug symbols are published in an archive of their own and are not part of this one. */
static bool is_expected_extra(const char *name)
{
	return strstr(name, "-dbgsym_") != NULL;
}

static enum assay_code note_extra(struct assay_job *job, struct assay_error *err)
{
	const char *suffix = job->plan.output_suffix;
	assay_auto(assay_fd_closep) int fd = -1;
	assay_auto(assay_dir_closep) DIR *dir = NULL;
	struct dirent *entry;

	if (!job->plan.output_directory || job->attempt > 0)
		return ASSAY_OK;
	fd = open_beneath(job->box.workspace_fd, job->plan.output_directory, O_DIRECTORY);
	if (fd < 0)
		return ASSAY_OK;
	dir = fdopendir(fd);
	if (!dir)
		return assay_fail_errno(err, "%s", job->plan.output_directory);
	fd = -1;
	while ((entry = readdir(dir)) && json_array_size(job->extra) < ASSAY_MAX_EXTRA) {
		struct assay_span name = assay_span_text(entry->d_name);

		if (assay_span_ends(name, suffix) && !is_subject(job, entry->d_name) &&
		    !is_expected_extra(entry->d_name))
			assay_json_append(job->extra, assay_json_name(name));
	}
	return ASSAY_OK;
}

struct keeping {
	struct assay_error *err;
	unsigned depth;
};

static enum assay_code keep_tree(int from, int to, struct keeping *state);

static enum assay_code keep_entry(int from, int to, const char *name, struct keeping *state)
{
	assay_auto(assay_fd_closep) int in = -1;
	assay_auto(assay_fd_closep) int out = -1;
	char link[4096];
	struct stat st;
	ssize_t len;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW))
		return assay_fail_errno(state->err, "%s", name);
	if (S_ISLNK(st.st_mode)) {
		len = readlinkat(from, name, link, sizeof(link) - 1);
		if (len < 0)
			return assay_fail_errno(state->err, "%s", name);
		link[len] = '\0';
		if (symlinkat(link, to, name) && errno != EEXIST)
			return assay_fail_errno(state->err, "%s", name);
		return ASSAY_OK;
	}
	if (S_ISDIR(st.st_mode)) {
		if (mkdirat(to, name, 0755) && errno != EEXIST)
			return assay_fail_errno(state->err, "%s", name);
		in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (in < 0 || out < 0)
			return assay_fail_errno(state->err, "%s", name);
		return keep_tree(in, out, state);
	}
	if (!S_ISREG(st.st_mode))
		return ASSAY_OK;
	in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	/* setuid bits of a build's output never reach the host */
	out = openat(to, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		     st.st_mode & 0100 ? 0755 : 0644);
	if (in < 0 || out < 0)
		return assay_fail_errno(state->err, "%s", name);
	return assay_fd_copy(in, out, NULL, state->err);
}

static enum assay_code keep_tree(int from, int to, struct keeping *state)
{
	int copy = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assay_auto(assay_dir_closep) DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!dir)
		return assay_fail_errno(state->err, "open directory");
	if (++state->depth > 256)
		return assay_fail(state->err, ASSAY_ELIMIT, "--keep: want at most 256 levels");
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (keep_entry(from, to, entry->d_name, state))
			return state->err->code;
	}
	state->depth--;
	return ASSAY_OK;
}

static enum assay_code keep_workspace(struct assay_job *job, struct assay_error *err)
{
	struct keeping state = { .err = err };
	assay_auto(assay_fd_closep) int to = -1;
	char path[4096];

	snprintf(path, sizeof(path), "%s/workspace-%u", job->output, job->attempt + 1);
	if (assay_path_make_dirs(path, 0755, err))
		return err->code;
	to = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to < 0)
		return assay_fail_errno(err, "%s", path);
	return keep_tree(job->box.workspace_fd, to, &state);
}

static json_t *describe_outputs(const struct assay_job *job)
{
	json_t *outputs = assay_json_array();
	char hex[ASSAY_DIGEST_TEXT];

	for (size_t i = 0; i < job->subject_count; i++) {
		const struct assay_candidate *c = &job->subjects[i].candidates[job->attempt];
		json_t *output;

		if (!c->present)
			continue;
		output = assay_json_object();
		assay_json_set(output, "name", assay_json_name(assay_span_text(job->subjects[i].name)));
		assay_json_set_text(output, "sha256", assay_digest_hex(&c->sha256, hex));
		assay_json_set_int(output, "size", (int64_t)c->size);
		assay_json_append(outputs, output);
	}
	return outputs;
}

enum assay_code assay_stage_collect(struct assay_job *job, struct assay_error *err)
{
	json_t *attempt = json_array_get(job->attempts, job->attempt);

	for (size_t i = 0; i < job->subject_count; i++)
		if (collect_one(job, &job->subjects[i], err))
			return err->code;
	if (note_extra(job, err))
		return err->code;
	if (job->options->keep && keep_workspace(job, err))
		return err->code;
	assay_json_set(attempt, "outputs", describe_outputs(job));
	assay_box_result_release(&job->box);
	return ASSAY_OK;
}
