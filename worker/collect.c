/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collection: what the build left, taken without following a link and without blocking on what is
 * not a file.  Everything in the box is dead by now, so nothing changes underneath.
 */
#include "workspace.h"

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

int assay_open_beneath(int dir, const char *path, int flags)
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

/* A link is told by its text and never followed. */
static void describe_problem(const struct assay_job *job, const struct assay_subject *subject,
			     struct assay_candidate *candidate)
{
	int sys = errno;
	char target[4096], shown[256], text[400];
	ssize_t len = readlinkat(job->box.workspace_fd, subject->built, target, sizeof(target));

	if (sys == ELOOP && len >= 0) {
		assay_span_show(assay_span_of(target, (size_t)len), shown, sizeof(shown));
		snprintf(text, sizeof(text), "a symbolic link to \"%s\", want a file", shown);
		set_problem(candidate, text);
	} else {
		set_problem(candidate, sys == ENOENT  ? "the build did not make it" :
				       sys == ELOOP   ? "behind a symbolic link, want a file" :
				       sys == EXDEV   ? "outside of the workspace" :
				       sys == ENXIO   ? "a socket or a FIFO, want a file" :
							strerror(sys));
	}
}

static enum assay_code collect_one(struct assay_job *job, struct assay_subject *subject,
				   struct assay_error *err)
{
	struct assay_candidate *candidate = &subject->candidates[job->attempt];
	assay_auto(assay_fd_closep) int fd = assay_open_beneath(job->box.workspace_fd, subject->built, 0);
	struct stat st;

	if (fd < 0) {
		describe_problem(job, subject, candidate);
		return ASSAY_OK;
	}
	if (fstat(fd, &st))
		return assay_fail_errno(err, "%s", subject->built);
	if (!S_ISREG(st.st_mode)) {
		set_problem(candidate, S_ISDIR(st.st_mode)  ? "a directory, want a file" :
				       S_ISFIFO(st.st_mode) ? "a FIFO, want a file" :
							      "not a regular file");
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
	fd = assay_open_beneath(job->box.workspace_fd, job->plan.output_directory, O_DIRECTORY);
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
	if (assay_job_survey(job, attempt, err) ||
	    (job->options->keep && assay_job_keep_workspace(job, attempt, err)))
		return err->code;
	assay_json_set(attempt, "outputs", describe_outputs(job));
	assay_box_result_release(&job->box);
	return ASSAY_OK;
}
