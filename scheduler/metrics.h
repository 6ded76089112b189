/* SPDX-License-Identifier: Apache-2.0 */
/* The farm's state as Prometheus text (exposition format 0.0.4), read from the database when asked. */
#ifndef ASSAY_SCHEDULER_METRICS_H
#define ASSAY_SCHEDULER_METRICS_H

#include "assay/buf.h"
#include "assay/database.h"

enum assay_code metrics_write(struct assay_database *db, int64_t now, struct assay_buf *out,
			      struct assay_error *err) ASSAY_CHECKED;

#endif
