/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One job: from a target to a signed verdict (DESIGN.md section 4).  worker/job.c holds the way of a
 * job as a table of stages with the rights each one runs with.
 */
#ifndef ASSAY_JOB_H
#define ASSAY_JOB_H

#include "assay/box.h"
#include "assay/error.h"
#include "assay/json.h"

struct assay_job_options {
	const char *target;          /* recipe file, or package URL */
	const char *recipe_digest;   /* SHA-256 that the recipe must have, or NULL */
	const char *store;           /* directory; NULL = default */
	const char *output;          /* directory for everything of the run; NULL = evidence only,
	                              * in <store>/runs */
	const char *buildinfo;       /* path or NULL */
	const char *buildinfo_key;   /* keyring that it must be signed with, or NULL */
	const char *key;             /* private key that signs the statements; NULL = default */
	const char *const *mirrors;  /* "PREFIX=PATH", NULL-terminated, or NULL */
	const char *const *subjects; /* local files verified in place of the published ones */
	const char *subject_scheme, *subject_signature, *subject_key; /* of the one local subject */
	const char *accept;          /* overrides the recipe's */
	const struct assay_box_choice *box; /* what makes the build's box; NULL = native */
	unsigned attempts;           /* at most; 0 = 2: a first divergence is repeated once */
	uint64_t time_s;             /* limit of one attempt; 0 = the recipe's */
	bool require_signature;      /* unsigned or unknown subjects are `rejected` */
	const char *secrets;         /* file with values, one a line, that no log may show; or NULL */
	bool keep;                   /* keep the box's work directory in the output */
	bool trace;                  /* record what each attempt opens, runs and asks of the network */
	bool verbose;                /* the build's log on stderr as it comes */
};

/* Runs the job.  *ret_report is the whole assay.report/1 object of a verification, with its overall
 * "verdict", "reason" and "exit_status"; every verdict, also one that built nothing, comes this way.
 * An error is wrong usage, an interruption, or trouble that kept even the report from being made. */
enum assay_code assay_job_run(const struct assay_job_options *options, json_t **ret_report,
			      struct assay_error *err) ASSAY_CHECKED;

/* The recipe and the lock by which a Debian package URL would be rebuilt.  lock_name is what the
 * recipe calls the lock. */
enum assay_code assay_job_infer(const char *store, const char *target, const char *lock_name,
				struct assay_buf *ret_recipe, struct assay_buf *ret_lock,
				struct assay_error *err) ASSAY_CHECKED;

#endif
