/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report of a whole verification, and everything of the run that stays: report.json,
 * report.html, the statements, and on request the candidates.
 */
#include "job_int.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/attest.h"
#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/log.h"
#include "assay/path.h"
#include "assay/report.h"

static void set_artifact(json_t *report, const char *key, const struct assay_subject *subject,
			 const struct assay_digest *sha256, uint64_t size)
{
	json_t *artifact = assay_json_object();
	json_t *digest = assay_json_object();
	char hex[ASSAY_DIGEST_TEXT];

	assay_json_set_text(digest, "sha256", assay_digest_hex(sha256, hex));
	assay_json_set(artifact, "digest", digest);
	assay_json_set(artifact, "name", assay_json_name(assay_span_text(subject->name)));
	assay_json_set_int(artifact, "size", (int64_t)size);
	assay_json_set(report, key, artifact);
}

/* An artifact that was never compared shares the fate of the job; but one that nobody rejected was
 * only not tried, because nothing is built for a build of which any artifact is rejected. */
static json_t *describe_untried(const struct assay_job *job, struct assay_subject *subject)
{
	json_t *report = assay_json_object();
	bool is_bystander = job->verdict == ASSAY_REJECTED && subject->verdict != ASSAY_REJECTED;

	if (!subject->verdict)
		subject->verdict = is_bystander ? ASSAY_INPUTS_LOST : job->verdict;
	assay_json_set_text(report, "schema", "assay.report/1");
	assay_json_set_text(report, "verdict", assay_verdict_name(subject->verdict));
	if (is_bystander)
		json_object_set_new(report, "reason",
				    json_sprintf("not tried: another artifact of the same build was "
						 "rejected (%s)", job->reason));
	else
		assay_json_set_text(report, "reason", job->reason);
	return report;
}

static json_t *describe_subject(const struct assay_job *job, struct assay_subject *subject)
{
	json_t *report = subject->report ? json_incref(subject->report)
					 : describe_untried(job, subject);
	json_t *artifact;

	set_artifact(report, "subject", subject, &subject->sha256, subject->size);
	artifact = json_object_get(report, "subject");
	if (subject->purl)
		assay_json_set_text(artifact, "purl", subject->purl);
	if (subject->signature)
		assay_json_set(artifact, "signature", json_incref(subject->signature));
	if (subject->candidates[0].present)
		set_artifact(report, "candidate", subject, &subject->candidates[0].sha256,
			     subject->candidates[0].size);
	return report;
}

static const struct assay_subject *worst_subject(const struct assay_job *job)
{
	const struct assay_subject *worst = NULL;

	for (size_t i = 0; i < job->subject_count; i++)
		if (!worst || job->subjects[i].verdict > worst->verdict)
			worst = &job->subjects[i];
	return worst;
}

static size_t count_verdict(const struct assay_job *job, enum assay_verdict verdict)
{
	size_t count = 0;

	for (size_t i = 0; i < job->subject_count; i++)
		count += job->subjects[i].verdict == verdict;
	return count;
}

/* The verdict of the whole is the worst of its parts; outputs nobody published make it
 * incomplete. */
static void judge_whole(struct assay_job *job)
{
	const struct assay_subject *worst = worst_subject(job);
	size_t extra = json_array_size(job->extra);

	if (job->has_verdict || !worst)
		return;
	if (extra && worst->verdict < ASSAY_INCOMPLETE)
		assay_job_end(job, ASSAY_INCOMPLETE,
			      "the build made %zu artifact%s that %s not published, such as %s", extra,
			      extra == 1 ? "" : "s", extra == 1 ? "is" : "are",
			      json_is_string(json_array_get(job->extra, 0)) ?
				      json_string_value(json_array_get(job->extra, 0)) :
				      "one with a name that is not text");
	else if (worst->verdict == ASSAY_REPRODUCIBLE)
		assay_job_end(job, ASSAY_REPRODUCIBLE, "%zu of %zu artifact%s bit-identical",
			      job->subject_count, job->subject_count,
			      job->subject_count == 1 ? " is" : "s are");
	else
		assay_job_end(job, worst->verdict, "%zu of %zu artifacts %s; %s: %s",
			      count_verdict(job, worst->verdict), job->subject_count,
			      assay_verdict_name(worst->verdict), worst->name,
			      assay_json_text(worst->report, "reason", ""));
}

/* The weakest grade of the equivalent subjects. */
static const char *whole_grade(const struct assay_job *job)
{
	static const char *const grades[] = { "encoding", "container", "code" };
	const char *weakest = NULL;

	if (job->verdict != ASSAY_EQUIVALENT)
		return NULL;
	for (size_t g = 0; g < sizeof(grades) / sizeof(grades[0]); g++)
		for (size_t i = 0; i < job->subject_count; i++)
			if (strcmp(assay_json_text(job->subjects[i].report, "grade", ""),
				   grades[g]) == 0)
				weakest = grades[g];
	return weakest;
}

static void add_accounting(const struct assay_job *job, json_t *report)
{
	static const char *const keys[] = { "bytes_different", "bytes_explained",
					    "bytes_unexplained" };
	json_t *sum = assay_json_object();

	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		int64_t total = 0;

		for (size_t i = 0; i < job->subject_count; i++)
			total += assay_json_int(json_object_get(job->subjects[i].report, "accounting"),
						keys[k], 0);
		assay_json_set_int(sum, keys[k], total);
	}
	assay_json_set(report, "accounting", sum);
}

static void add_tool(json_t *report)
{
	json_t *tool = assay_json_object();

	assay_json_set_text(tool, "name", "assay");
	assay_json_set_text(tool, "version", ASSAY_VERSION);
	assay_json_set(report, "tool", tool);
}

static json_t *list_of(const char *const *items)
{
	json_t *list = assay_json_array();

	for (; items && *items; items++)
		assay_json_append(list, assay_json_name(assay_span_text(*items)));
	return list;
}

/* What was replayed, so that anyone can replay it. */
static json_t *describe_plan(const struct assay_plan *plan)
{
	json_t *object = assay_json_object();

	if (!plan->commands)
		return object;
	assay_json_set_text(object, "path", plan->build_path);
	assay_json_set_text(object, "hostname", plan->hostname);
	assay_json_set_text(object, "user", plan->user);
	assay_json_set_int(object, "uid", plan->uid);
	assay_json_set_int(object, "cpus", plan->cpus);
	assay_json_set(object, "umask", json_sprintf("%03o", plan->umask));
	assay_json_set(object, "commands", list_of(plan->commands));
	assay_json_set(object, "variables", list_of(plan->env));
	return object;
}

static json_t *make_report(struct assay_job *job)
{
	json_t *report = assay_json_object();
	json_t *subjects = assay_json_array();
	json_t *first = json_array_get(job->attempts, 0);
	const char *grade = whole_grade(job);
	bool truncated = false;

	for (size_t i = 0; i < job->subject_count; i++) {
		json_t *subject = describe_subject(job, &job->subjects[i]);

		truncated |= assay_json_bool(subject, "truncated");
		assay_json_append(subjects, subject);
	}
	assay_json_set_text(report, "schema", "assay.report/1");
	assay_json_set_text(report, "target", job->options->target);
	assay_json_set_text(report, "kind", job->target->kind);
	assay_json_set_text(report, "verdict", assay_verdict_name(job->verdict));
	assay_json_set_text(report, "reason", job->reason);
	assay_json_set_text(report, "accept", job->accept);
	assay_json_set_int(report, "exit_status",
			   assay_verdict_exit_status(job->verdict, grade, job->accept));
	if (grade)
		assay_json_set_text(report, "grade", grade);
	add_accounting(job, report);
	add_tool(report);
	assay_json_set(report, "subjects", subjects);
	assay_json_set(report, "attempts", json_incref(job->attempts));
	assay_json_set(report, "inputs", json_incref(job->inputs));
	assay_json_set(report, "chain", json_incref(job->chain));
	assay_json_set(report, "stages", json_incref(job->stages));
	assay_json_set(report, "extra_outputs", json_incref(job->extra));
	assay_json_set(report, "environment",
		       job->environment.record ? json_incref(job->environment.record) :
						 assay_json_object());
	assay_json_set(report, "isolation",
		       first ? json_incref(json_object_get(first, "isolation")) :
			       assay_json_object());
	assay_json_set(report, "build", describe_plan(&job->plan));
	assay_json_set(report, "source",
		       job->source ? json_incref(job->source) : assay_json_object());
	assay_json_set_bool(report, "truncated", truncated);
	return report;
}

enum assay_code assay_stage_report(struct assay_job *job, struct assay_error *err)
{
	judge_whole(job);
	if (!job->has_verdict)
		assay_job_end(job, ASSAY_FARM_ERROR, "there was no artifact to verify");
	if (job->verdict != ASSAY_REPRODUCIBLE && job->target->remark)
		job->target->remark(job);
	job->report = make_report(job);
	(void)err;
	return ASSAY_OK;
}

enum assay_code assay_stage_attest(struct assay_job *job, struct assay_error *err)
{
	json_t *list = NULL;

	if (assay_attest_write(job->report, job->signer, job->output, &list, err))
		return assay_context(err, "statements");
	assay_json_set(job->report, "attestations", list);
	return ASSAY_OK;
}

static enum assay_code write_as(const struct assay_job *job, const char *writer, const char *name,
				struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	assay_auto(assay_freep) char *path = assay_path_join(job->output, name);
	struct assay_report_style style = { .verbose = true };

	if (!path)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	assay_report_writer_find(writer)->write(job->report, &style, &text);
	if (assay_buf_check(&text, name, err))
		return err->code;
	return assay_file_write(AT_FDCWD, path, assay_buf_span(&text), 0644, err);
}

/* candidates/<attempt>/<name>, only where the user asked for a directory of the run. */
static enum assay_code write_candidates(struct assay_job *job, struct assay_error *err)
{
	for (unsigned k = 0; k <= job->attempt && job->options->output; k++) {
		char directory[4096], path[8192];

		snprintf(directory, sizeof(directory), "%s/candidates/%u", job->output, k + 1);
		if (assay_path_make_dirs(directory, 0755, err))
			return err->code;
		for (size_t i = 0; i < job->subject_count; i++) {
			const struct assay_candidate *c = &job->subjects[i].candidates[k];

			snprintf(path, sizeof(path), "%s/%s", directory,
				 assay_path_base(job->subjects[i].name));
			if (c->present &&
			    assay_store_copy_to(job->store, &c->sha256, AT_FDCWD, path, err))
				return err->code;
		}
	}
	return ASSAY_OK;
}

enum assay_code assay_stage_output(struct assay_job *job, struct assay_error *err)
{
	assay_json_set_text(job->report, "output", job->output);
	if (write_as(job, "json", "report.json", err) || write_as(job, "html", "report.html", err) ||
	    write_as(job, "markdown", "report.md", err) || write_candidates(job, err))
		return assay_context(err, "output");
	return ASSAY_OK;
}
