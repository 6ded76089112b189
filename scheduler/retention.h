/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store, kept from growing without end while the farm works: a thread writes down which blobs the database names,
 * and collects (assay/retention.h) what nothing needs any more.
 */
#ifndef ASSAY_SCHEDULER_RETENTION_H
#define ASSAY_SCHEDULER_RETENTION_H

#include "assay/buf.h"
#include "assay/database.h"
#include "assay/store.h"

struct retention;

/* text as of assay_retention_parse(); NULL for the usual.  Writes down what the database names before it returns. */
enum assay_code retention_start(struct assay_store *store, const char *database, const char *text,
				struct retention **ret, struct assay_error *err) ASSAY_CHECKED;
void retention_stop(struct retention *retention); /* accepts NULL */
/* What was collected since the start, as Prometheus text. */
void retention_metrics(struct retention *retention, struct assay_buf *out);

/* Writes the list alone. */
enum assay_code retention_write_names(struct assay_database *db, struct assay_store *store, int64_t now,
				      struct assay_error *err) ASSAY_CHECKED;

#endif
