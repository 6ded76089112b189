/* SPDX-License-Identifier: Apache-2.0 */
/* Where a scheduler keeps its things. */
#ifndef ASSAY_SCHEDULER_PLACE_H
#define ASSAY_SCHEDULER_PLACE_H

#include "assay/store.h"

/* "<store>/farm/<name>", malloc'ed; the folder is made. */
enum assay_code scheduler_path(struct assay_store *store, const char *name, char **ret,
			       struct assay_error *err) ASSAY_CHECKED;

/* "sqlite:<store>/farm/queue.db", malloc'ed. */
enum assay_code scheduler_default_database(struct assay_store *store, char **ret, struct assay_error *err)
	ASSAY_CHECKED;

#endif
