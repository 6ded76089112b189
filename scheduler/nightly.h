/* SPDX-License-Identifier: Apache-2.0 */
/* The nightly digest: what is different from what was known before. */
#ifndef ASSAY_SCHEDULER_NIGHTLY_H
#define ASSAY_SCHEDULER_NIGHTLY_H

#include "assay/database.h"
#include "assay/json.h"

#define NIGHTLY_MS (24LL * 3600 * 1000)

/* *ret is an assay.nightly/1 object about the jobs that ended in [from, to). */
enum assay_code nightly_digest(struct assay_database *db, int64_t from, int64_t to, json_t **ret,
			       struct assay_error *err) ASSAY_CHECKED;
/* One section of it, into an object; see nightly.c for their names. */
enum assay_code nightly_section(struct assay_database *db, const char *name, int64_t from,
				int64_t to, json_t *digest, struct assay_error *err) ASSAY_CHECKED;

#endif
