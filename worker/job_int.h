/* SPDX-License-Identifier: Apache-2.0 */
/* What the stages of one job share.  Each stage reads what the ones before it filled in. */
#ifndef ASSAY_WORKER_JOB_INT_H
#define ASSAY_WORKER_JOB_INT_H

#include "assay/box.h"
#include "assay/debian.h"
#include "assay/job.h"
#include "assay/limits.h"
#include "assay/recipe.h"
#include "assay/signer.h"
#include "assay/store.h"
#include "assay/verdict.h"

#define ASSAY_MAX_ATTEMPTS 9
#define ASSAY_MAX_SUBJECTS 1000
#define ASSAY_MAX_EXTRA 100 /* unexpected outputs that a report lists */

/* What one attempt made of one subject. */
struct assay_candidate {
	bool present;
	struct assay_digest sha256; /* in the store */
	uint64_t size;
	char *problem; /* why it was not collected, or NULL */
};

/* One artifact under test. */
struct assay_subject {
	char *name;
	char *purl;  /* or NULL */
	char *built; /* where the build leaves it, relative to the workspace */
	struct assay_digest sha256; /* in the store */
	uint64_t size;
	json_t *signature; /* {"scheme", "status", "key", "detail"} or NULL */
	struct assay_candidate candidates[ASSAY_MAX_ATTEMPTS];
	json_t *report; /* the comparison, with its verdict */
	enum assay_verdict verdict;
};

/* How the build is replayed: everything the box needs to be told. */
struct assay_plan {
	struct assay_arena arena;
	const char *workspace;          /* absolute path inside */
	const char *build_path;         /* absolute, within workspace */
	const char *output_directory;   /* where extra outputs are looked for; relative, or NULL */
	const char *output_suffix;      /* ".deb" */
	const char *const *commands;    /* one shell, in order, stopping at the first failure */
	const char *const *env;         /* complete */
	const char *hostname, *user;
	unsigned uid, umask, cpus;
	struct assay_recipe_limits limits;
	int64_t source_date_epoch; /* 0 = none */
};

struct assay_job;

/* The two kinds of target. */
struct assay_target_ops {
	const char *kind; /* "debian", "recipe" */
	enum assay_code (*admit)(struct assay_job *job, struct assay_error *err);
	enum assay_code (*inputs)(struct assay_job *job, struct assay_error *err);
	enum assay_code (*checkout)(struct assay_job *job, struct assay_error *err);
	/* Adds to the reason of a verdict that is not `reproducible`; may be NULL. */
	void (*remark)(struct assay_job *job);
	void (*release)(struct assay_job *job);
};

struct assay_job {
	const struct assay_job_options *options;
	const struct assay_target_ops *target;
	struct assay_store *store;
	char *directory; /* private to the job, under the store's tmp */
	char *sources;   /* what the box sees at ASSAY_INPUTS_INSIDE */
	char *output;    /* directory of the evidence */
	struct assay_signer *signer;

	struct assay_recipe recipe;      /* kind "recipe" */
	struct assay_debian_build build; /* kind "debian" */
	struct assay_debian_commands commands;
	bool has_lock;                   /* environment debian, else host */
	struct assay_lock lock;

	struct assay_subject *subjects;
	size_t subject_count;
	struct assay_environment environment;
	struct assay_plan plan;

	unsigned attempt; /* of the running one, from 0 */
	bool settled;     /* no further attempt is needed */
	struct assay_box_result box;
	struct assay_box_trace trace; /* of the running attempt; fd -1: none */

	const char *accept;
	bool has_verdict; /* set by the stage that ended the job */
	enum assay_verdict verdict;
	char reason[ASSAY_ERROR_MAX];

	/* parts of the report */
	json_t *chain, *inputs, *attempts, *stages, *extra, *attestations, *source;
	json_t *report;
};

#define ASSAY_JOB_INIT(the_options)                                                                \
	{                                                                                          \
		.options = (the_options),                                                          \
		.plan = { .arena = ASSAY_ARENA_INIT(ASSAY_MAX_TOOL_OUTPUT) },                      \
		.environment = { .lock_fd = -1 },                                                  \
		.box = { .workspace_fd = -1 },                                                     \
		.trace = { .fd = -1 },                                                             \
	}

extern const struct assay_target_ops assay_target_debian;
extern const struct assay_target_ops assay_target_recipe;

/* The store, a directory of its own and an empty report; to be closed also after a failure. */
enum assay_code assay_job_open(struct assay_job *job, struct assay_error *err) ASSAY_CHECKED;
void assay_job_close(struct assay_job *job);
/* Ends the job with a verdict; later stages that only report still run. */
void assay_job_end(struct assay_job *job, enum assay_verdict verdict, const char *fmt, ...)
	ASSAY_PRINTF(3, 4);
/* Appends a zeroed subject; NULL when there are too many or no memory. */
struct assay_subject *assay_job_add_subject(struct assay_job *job, struct assay_error *err);
/* Appends {"kind", "name", "sha256"?, "size"?} to the report's inputs and returns it (borrowed). */
json_t *assay_job_add_input(struct assay_job *job, const char *kind, const char *name,
			    const struct assay_digest *sha256, int64_t size);
/* Takes the local files of --subject in place of the published subjects, by their names. */
enum assay_code assay_job_take_local_subjects(struct assay_job *job, struct assay_error *err)
	ASSAY_CHECKED;
/* Checks a detached signature over a subject and keeps the result with it; one that does not hold
 * ends the job `rejected`. */
enum assay_code assay_job_check_signature(struct assay_job *job, struct assay_subject *subject,
					  const char *scheme, const char *file, const char *key,
					  struct assay_error *err) ASSAY_CHECKED;

/* With options.trace: opens the file of this attempt's trace, and keeps it beside the log.  Without it
 * they do nothing. */
enum assay_code assay_job_trace_start(struct assay_job *job, struct assay_error *err) ASSAY_CHECKED;
enum assay_code assay_job_trace_keep(struct assay_job *job, json_t *attempt,
				     struct assay_error *err) ASSAY_CHECKED;
void assay_job_trace_stop(struct assay_job *job);

/* The stages, in the order of the table in job.c. */
enum assay_code assay_stage_admit(struct assay_job *job, struct assay_error *err);
enum assay_code assay_stage_inputs(struct assay_job *job, struct assay_error *err);
enum assay_code assay_stage_checkout(struct assay_job *job, struct assay_error *err);
enum assay_code assay_stage_environment(struct assay_job *job, struct assay_error *err);
enum assay_code assay_stage_replay(struct assay_job *job, struct assay_error *err);
enum assay_code assay_stage_collect(struct assay_job *job, struct assay_error *err);
enum assay_code assay_stage_compare(struct assay_job *job, struct assay_error *err);
enum assay_code assay_stage_report(struct assay_job *job, struct assay_error *err);
enum assay_code assay_stage_attest(struct assay_job *job, struct assay_error *err);
enum assay_code assay_stage_output(struct assay_job *job, struct assay_error *err);

#endif
