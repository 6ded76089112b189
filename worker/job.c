/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a job, as a table.  Reading the `rights` column from top to bottom is reading the
 * threat model: what a stage does not hold, hostile bytes that reach it cannot use.
 */
#include "job_int.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/log.h"
#include "assay/path.h"
#include "assay/process.h"
#include "assay/time.h"

enum stage_when {
	ONCE,   /* unless a stage before it ended the job */
	REPEAT, /* again for each attempt, until the outcome is settled */
	ALWAYS, /* also when the job has ended: negative results are evidence too */
};

static const struct stage {
	const char *name;
	enum stage_when when;
	enum assay_code (*run)(struct assay_job *job, struct assay_error *err);
	const char *rights;
	enum assay_verdict not_found; /* what "not there" means here */
	enum assay_verdict untrusted; /* what "wrong bytes" means here */
} stages[] = {
	{ "admit", ONCE, assay_stage_admit,
	  "network through apt or curl; store; recipe and signatures: jail", ASSAY_INPUTS_LOST,
	  ASSAY_REJECTED },
	{ "inputs", ONCE, assay_stage_inputs, "network through apt or curl; store",
	  ASSAY_INPUTS_LOST, ASSAY_INPUTS_LOST },
	{ "checkout", ONCE, assay_stage_checkout,
	  "fetching git: network, its cache; reading: jail, one source; store; job directory",
	  ASSAY_INPUTS_LOST, ASSAY_INPUTS_LOST },
	{ "environment", ONCE, assay_stage_environment, "store; network only for locked packages",
	  ASSAY_INPUTS_LOST, ASSAY_INPUTS_LOST },
	{ "replay", REPEAT, assay_stage_replay, "box: its workspace", ASSAY_FARM_ERROR,
	  ASSAY_FARM_ERROR },
	{ "collect", REPEAT, assay_stage_collect, "workspace, read-only, no links; store",
	  ASSAY_FARM_ERROR, ASSAY_FARM_ERROR },
	{ "compare", REPEAT, assay_stage_compare, "jail: two descriptors", ASSAY_FARM_ERROR,
	  ASSAY_FARM_ERROR },
	{ "report", ALWAYS, assay_stage_report, "nothing", ASSAY_FARM_ERROR, ASSAY_FARM_ERROR },
	{ "attest", ALWAYS, assay_stage_attest, "key, in a process of its own; output directory",
	  ASSAY_FARM_ERROR, ASSAY_FARM_ERROR },
	{ "output", ALWAYS, assay_stage_output, "store, read-only; output directory",
	  ASSAY_FARM_ERROR, ASSAY_FARM_ERROR },
};

#define STAGE_COUNT (sizeof(stages) / sizeof(stages[0]))

void assay_job_end(struct assay_job *job, enum assay_verdict verdict, const char *fmt, ...)
{
	va_list args;

	/* nothing that happens later makes a rejected artifact another thing */
	if (job->has_verdict && job->verdict == ASSAY_REJECTED)
		return;
	va_start(args, fmt);
	vsnprintf(job->reason, sizeof(job->reason), fmt, args);
	va_end(args);
	job->verdict = verdict;
	job->has_verdict = true;
	job->settled = true;
}

/* An error of a stage is a verdict about the target, or ours. */
static enum assay_verdict verdict_of_error(const struct stage *stage, enum assay_code code)
{
	switch (code) {
	case ASSAY_ENOTFOUND:
		return stage->not_found;
	case ASSAY_EUNTRUSTED:
		return stage->untrusted;
	default:
		return ASSAY_FARM_ERROR;
	}
}

static void record_stage(struct assay_job *job, const struct stage *stage, double seconds)
{
	json_t *record = assay_json_object();

	assay_json_set_text(record, "name", stage->name);
	assay_json_set_text(record, "rights", stage->rights);
	assay_json_set(record, "seconds", json_real((double)(int64_t)(seconds * 1000) / 1000));
	assay_json_append(job->stages, record);
}

static enum assay_code run_stage(struct assay_job *job, const struct stage *stage,
				 struct assay_error *err)
{
	double started = assay_time_monotonic();
	enum assay_code code;
	mode_t own;

	if (assay_interrupted)
		return assay_fail(err, ASSAY_EINTERRUPTED, "interrupted before %s", stage->name);
	/* the user that a build runs as must be able to read what we make for it; reports are as private as wanted */
	own = umask(022);
	if (stage->when == ALWAYS)
		umask(own);
	code = stage->run(job, err);
	umask(own);
	if (code) {
		while (assay_progress_depth())
			assay_progress_end("failed");
		if (err->code == ASSAY_EUSAGE || err->code == ASSAY_EINPUT ||
		    err->code == ASSAY_EINTERRUPTED || stage->when == ALWAYS)
			return err->code;
		assay_job_end(job, verdict_of_error(stage, err->code), "%s: %s", stage->name,
			      err->msg);
	}
	record_stage(job, stage, assay_time_monotonic() - started);
	return ASSAY_OK;
}

static size_t first_of(enum stage_when when)
{
	size_t i = 0;

	while (stages[i].when != when)
		i++;
	return i;
}

static enum assay_code run_stages(struct assay_job *job, struct assay_error *err)
{
	size_t i = 0;

	while (i < STAGE_COUNT) {
		if ((!job->has_verdict || stages[i].when == ALWAYS) &&
		    run_stage(job, &stages[i], err))
			return err->code;
		i++;
		if (i == first_of(ALWAYS) && !job->settled) {
			job->attempt++;
			i = first_of(REPEAT);
		}
	}
	return ASSAY_OK;
}

static enum assay_code open_output(struct assay_job *job, struct assay_error *err)
{
	const char *base = assay_path_base(job->options->target);
	char name[300], when[ASSAY_TIME_TEXT];

	if (job->options->output) {
		job->output = strdup(job->options->output);
	} else {
		snprintf(name, sizeof(name), "runs/%.200s-%s-%d", base,
			 assay_time_format(assay_time_now(), when), (int)getpid());
		job->output = assay_path_join(assay_store_root(job->store), name);
	}
	if (!job->output)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	return assay_path_make_dirs(job->output, 0755, err);
}

static enum assay_code open_job(struct assay_job *job, struct assay_error *err)
{
	/* first, before anything hostile is read: the process with the key knows nothing else */
	if (assay_signer_start(job->options->key, &job->signer, err))
		return assay_context(err, "signing key");
	return assay_job_open(job, err) ? err->code : open_output(job, err);
}

enum assay_code assay_job_open(struct assay_job *job, struct assay_error *err)
{
	job->target = strncmp(job->options->target, "pkg:", 4) == 0 ? &assay_target_debian :
								      &assay_target_recipe;
	if (assay_store_open(job->options->store, &job->store, err) ||
	    assay_store_make_temp(job->store, &job->directory, err))
		return assay_context(err, "store");
	job->sources = assay_path_join(job->directory, "inputs");
	if (!job->sources)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	/* the user that a build runs as looks into it, whatever our umask is */
	if (assay_path_make_dirs(job->sources, 0755, err))
		return err->code;
	if (chmod(job->sources, 0755))
		return assay_fail_errno(err, "%s", job->sources);
	job->chain = assay_json_array();
	job->inputs = assay_json_array();
	job->attempts = assay_json_array();
	job->stages = assay_json_array();
	job->extra = assay_json_array();
	job->attestations = assay_json_array();
	job->accept = job->options->accept ? job->options->accept : "reproducible";
	return ASSAY_OK;
}

static void release_subjects(struct assay_job *job)
{
	for (size_t i = 0; i < job->subject_count; i++) {
		struct assay_subject *subject = &job->subjects[i];

		for (size_t k = 0; k < ASSAY_MAX_ATTEMPTS; k++)
			free(subject->candidates[k].problem);
		free(subject->name);
		free(subject->purl);
		free(subject->built);
		json_decref(subject->signature);
		json_decref(subject->report);
	}
	free(job->subjects);
}

static void release_report(struct assay_job *job)
{
	json_decref(job->chain);
	json_decref(job->inputs);
	json_decref(job->attempts);
	json_decref(job->stages);
	json_decref(job->extra);
	json_decref(job->attestations);
	json_decref(job->source);
	json_decref(job->report);
}

void assay_job_close(struct assay_job *job)
{
	struct assay_error ignored = ASSAY_ERROR_INIT;

	assay_box_result_release(&job->box);
	assay_job_trace_stop(job);
	release_subjects(job);
	assay_environment_release(&job->environment);
	assay_lock_release(&job->lock);
	assay_arena_release(&job->plan.arena);
	if (job->target)
		job->target->release(job);
	if (job->directory && assay_path_remove_tree(AT_FDCWD, job->directory, &ignored))
		assay_log(ASSAY_LOG_WARNING, "%s: %s", job->directory, ignored.msg);
	assay_signer_stop(job->signer);
	assay_store_free(job->store);
	release_report(job);
	free(job->sources);
	free(job->output);
	free(job->directory);
}

enum assay_code assay_job_run(const struct assay_job_options *options, json_t **ret_report,
			      struct assay_error *err)
{
	struct assay_job job = ASSAY_JOB_INIT(options);
	enum assay_code code = open_job(&job, err);

	if (!code)
		code = run_stages(&job, err);
	if (!code)
		*ret_report = json_incref(job.report);
	assay_job_close(&job);
	return code;
}

struct assay_subject *assay_job_add_subject(struct assay_job *job, struct assay_error *err)
{
	struct assay_subject *grown;

	if (job->subject_count == ASSAY_MAX_SUBJECTS) {
		assay_fail(err, ASSAY_ELIMIT, "artifacts of one build: want at most %d",
			   ASSAY_MAX_SUBJECTS);
		return NULL;
	}
	grown = realloc(job->subjects, (job->subject_count + 1) * sizeof(*grown));
	if (!grown) {
		assay_fail(err, ASSAY_ENOMEM, "out of memory");
		return NULL;
	}
	job->subjects = grown;
	grown += job->subject_count++;
	memset(grown, 0, sizeof(*grown));
	return grown;
}

json_t *assay_job_add_input(struct assay_job *job, const char *kind, const char *name,
			    const struct assay_digest *sha256, int64_t size)
{
	json_t *input = assay_json_object();
	char hex[ASSAY_DIGEST_TEXT];

	assay_json_set_text(input, "kind", kind);
	assay_json_set_text(input, "name", name);
	if (sha256)
		assay_json_set_text(input, "sha256", assay_digest_hex(sha256, hex));
	if (size >= 0)
		assay_json_set_int(input, "size", size);
	assay_json_append(job->inputs, input);
	return input;
}
