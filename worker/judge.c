/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judgement: each subject against its candidate, in the jail; a first divergence is confirmed by a
 * second attempt.  Candidates that disagree with each other make `flaky`; candidates that agree with
 * each other and not with the subject make a stable divergence.
 */
#include "job_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/compare.h"
#include "assay/jail.h"
#include "assay/log.h"
#include "assay/time.h"
#include "drift.h"

struct pair {
	struct assay_side left, right;
	struct assay_compare_options options;
};

/* Runs in the jail: two descriptors in, JSON out. */
static enum assay_code compare_pair(void *data, struct assay_buf *answer, struct assay_error *err)
{
	struct pair *pair = data;
	json_t *report = NULL;

	if (assay_compare(&pair->left, &pair->right, &pair->options, &report, err))
		return err->code;
	assay_json_dump_compact(report, answer);
	json_decref(report);
	return assay_buf_check(answer, "report", err);
}

static enum assay_code run_jailed(struct pair *pair, json_t **ret, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf answer = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	struct assay_jail jail = { .what = pair->left.name, .answer_max = ASSAY_MAX_REPORT };

	if (assay_compare_prepare(pair->left.fd, err) || assay_compare_prepare(pair->right.fd, err))
		return err->code;
	if (assay_compare_prepare_all(err) || assay_jail_run(&jail, compare_pair, pair, &answer, err))
		return err->code;
	return assay_json_parse(assay_buf_span(&answer), "comparison", ret, err);
}

static const char *variable(const struct assay_job *job, const char *name)
{
	size_t len = strlen(name);

	for (const char *const *v = job->plan.env; v && *v; v++)
		if (strncmp(*v, name, len) == 0 && (*v)[len] == '=')
			return *v + len + 1;
	return NULL;
}

/* What we know of our own build; of theirs we know what they published. */
static struct assay_build_context our_context(const struct assay_job *job)
{
	static struct utsname kernel;
	const json_t *attempt = json_array_get(job->attempts, json_array_size(job->attempts) - 1);
	struct assay_build_context context = {
		.path = job->plan.build_path,
		.hostname = job->plan.hostname,
		.user = job->plan.user,
		.timezone = variable(job, "TZ"),
		.locale = variable(job, "LC_ALL"),
		.source_date_epoch = job->plan.source_date_epoch,
		.cpus = job->plan.cpus,
		.finished = assay_time_now(),
	};
	int64_t elapsed = (int64_t)json_number_value(json_object_get(attempt, "wall_s"));

	context.started = context.finished - elapsed;
	if (uname(&kernel) == 0)
		context.kernel = kernel.release;
	return context;
}

/* Compares two blobs of the store. */
static enum assay_code compare_blobs(struct assay_job *job, const char *name,
				     const struct assay_digest *left,
				     const struct assay_digest *right, json_t **ret,
				     struct assay_error *err)
{
	assay_auto(assay_fd_closep) int left_fd = -1;
	assay_auto(assay_fd_closep) int right_fd = -1;
	assay_auto(assay_fd_closep) int left_spill = -1;
	assay_auto(assay_fd_closep) int right_spill = -1;
	struct assay_build_context context = our_context(job);
	struct pair pair;

	if (assay_store_get(job->store, left, &left_fd, err) ||
	    assay_store_get(job->store, right, &right_fd, err) ||
	    assay_spill_open(&left_spill, err) || assay_spill_open(&right_spill, err))
		return err->code;
	pair = (struct pair){
		.left = { name, left_fd, NULL },
		.right = { name, right_fd, &context },
		.options = { { left_spill, right_spill }, 2 },
	};
	return run_jailed(&pair, ret, err);
}

static json_t *describe_missing(const struct assay_subject *subject, const char *problem)
{
	json_t *report = assay_json_object();

	assay_json_set_text(report, "schema", "assay.report/1");
	assay_json_set_text(report, "verdict", assay_verdict_name(ASSAY_INCOMPLETE));
	json_object_set_new(report, "reason", json_sprintf("%s: %s", subject->name, problem));
	return report;
}

static enum assay_code judge_first(struct assay_job *job, struct assay_subject *subject,
				   struct assay_error *err)
{
	struct assay_candidate *candidate = &subject->candidates[0];

	if (!candidate->present) {
		subject->report = describe_missing(subject, candidate->problem);
		subject->verdict = ASSAY_INCOMPLETE;
		return ASSAY_OK;
	}
	if (compare_blobs(job, subject->name, &subject->sha256, &candidate->sha256,
			  &subject->report, err))
		return assay_context(err, "%s", subject->name);
	if (!assay_verdict_parse(assay_json_text(subject->report, "verdict", ""), &subject->verdict))
		return assay_fail(err, ASSAY_EBUG, "comparison without a verdict");
	if (subject->verdict == ASSAY_DIVERGENT &&
	    drift_describe(job, subject, &candidate->sha256, err))
		return assay_context(err, "%s", subject->name);
	return ASSAY_OK;
}

static bool candidates_agree(const struct assay_candidate *a, const struct assay_candidate *b)
{
	return a->present == b->present &&
	       (!a->present || assay_digest_equal(&a->sha256, &b->sha256));
}

/* What a later attempt adds: do our own builds agree with each other? */
static enum assay_code judge_again(struct assay_job *job, struct assay_subject *subject,
				   struct assay_error *err)
{
	struct assay_candidate *first = &subject->candidates[0];
	struct assay_candidate *now = &subject->candidates[job->attempt];
	json_t *between = NULL;

	if (subject->verdict == ASSAY_FLAKY || candidates_agree(first, now))
		return ASSAY_OK;
	subject->verdict = ASSAY_FLAKY;
	assay_json_set_text(subject->report, "verdict", assay_verdict_name(ASSAY_FLAKY));
	json_object_del(subject->report, "grade");
	json_object_set_new(subject->report, "reason",
			    json_sprintf("attempts 1 and %u of the same build disagree",
					 job->attempt + 1));
	if (!first->present || !now->present)
		return ASSAY_OK;
	if (compare_blobs(job, subject->name, &first->sha256, &now->sha256, &between, err))
		return assay_context(err, "%s", subject->name);
	assay_json_set(subject->report, "between_attempts", between);
	return ASSAY_OK;
}

static bool needs_confirmation(const struct assay_job *job)
{
	for (size_t i = 0; i < job->subject_count; i++)
		if (job->subjects[i].verdict == ASSAY_DIVERGENT ||
		    job->subjects[i].verdict == ASSAY_INCOMPLETE)
			return true;
	return false;
}

static void settle(struct assay_job *job)
{
	unsigned most = job->options->attempts ? job->options->attempts : 2;

	job->settled = !needs_confirmation(job) || job->attempt + 1 >= most;
	for (size_t i = 0; job->settled && i < job->subject_count; i++)
		if (job->subjects[i].verdict == ASSAY_DIVERGENT)
			assay_json_set_bool(job->subjects[i].report, "stable", job->attempt > 0);
}

enum assay_code assay_stage_compare(struct assay_job *job, struct assay_error *err)
{
	size_t same = 0;

	assay_progress_start("compare", "%zu artifact%s", job->subject_count,
			     job->subject_count == 1 ? "" : "s");
	for (size_t i = 0; i < job->subject_count; i++) {
		struct assay_subject *subject = &job->subjects[i];

		if (job->attempt ? judge_again(job, subject, err) : judge_first(job, subject, err))
			return err->code;
		same += subject->verdict == ASSAY_REPRODUCIBLE;
		assay_progress_update(i + 1, job->subject_count, "artifacts");
	}
	settle(job);
	assay_progress_end("%zu of %zu bit-identical%s", same, job->subject_count,
			   job->settled ? "" : "; building once more to confirm");
	return ASSAY_OK;
}
