/* SPDX-License-Identifier: Apache-2.0 */
/* The stages that differ by kind of target, and the environment, which does not. */
#include "job_int.h"

#include <stdlib.h>

#include "assay/cleanup.h"
#include "assay/log.h"

enum assay_code assay_stage_inputs(struct assay_job *job, struct assay_error *err)
{
	return job->target->inputs(job, err);
}

enum assay_code assay_stage_checkout(struct assay_job *job, struct assay_error *err)
{
	return job->target->checkout(job, err);
}

enum assay_code assay_stage_environment(struct assay_job *job, struct assay_error *err)
{
	char hex[ASSAY_DIGEST_TEXT];

	if (job->recipe.oci_layout) {
		assay_auto(assay_freep) char *layout =
			assay_recipe_locate(&job->recipe, job->recipe.oci_layout);

		assay_progress_start("environ", "image %.19s of %s", job->recipe.oci_digest,
				     job->recipe.oci_layout);
		if (!layout)
			return assay_fail(err, ASSAY_ENOMEM, "out of memory");
		if (assay_environment_oci(job->store, layout, job->recipe.oci_digest,
					  &job->environment, err))
			return err->code;
	} else if (job->has_lock) {
		assay_progress_start("environ", "debian %s, %zu packages", job->lock.suite,
				     job->lock.package_count);
		if (assay_environment_debian(job->store, &job->lock, &job->environment, err))
			return err->code;
	} else {
		assay_progress_start("environ", "this host's own /usr (weaker than a locked one)");
		if (assay_environment_host(job->store, &job->environment, err))
			return err->code;
	}
	assay_digest_hex(&job->environment.digest, hex);
	assay_progress_end("%s, sha256 %.12s", job->environment.cached ? "cached, reused" : "made",
			   hex);
	return ASSAY_OK;
}
