/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a job's submitter brought: what a package is to be rebuilt with, as somebody claims, or a recipe and the files
 * beside it.  They are blobs of the scheduler's, hashed again here.
 */
#ifndef ASSAY_WORKER_BROUGHT_H
#define ASSAY_WORKER_BROUGHT_H

#include "assay/http.h"

#define BROUGHT_BUILDINFO "claim.buildinfo" /* in the directory */

/* *ret: the path of a recipe below the directory, malloc'ed, when that is the target; else NULL. */
enum assay_code brought_fetch(struct assay_http_client *client, const char *directory,
			      const char *target, const json_t *options, char **ret,
			      struct assay_error *err) ASSAY_CHECKED;

#endif
