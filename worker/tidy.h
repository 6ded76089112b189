/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's store between two jobs. */
#ifndef ASSAY_WORKER_TIDY_H
#define ASSAY_WORKER_TIDY_H

#include "assay/retention.h"

/* No job is at hand: says so to collections, and collects itself when that is due.  Trouble is logged; no job waits
 * for it. */
void worker_tidy(struct assay_store *store, const struct assay_retention *policy);

#endif
