/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler's tables. */
#ifndef ASSAY_SCHEDULER_SCHEMA_H
#define ASSAY_SCHEDULER_SCHEMA_H

#include "assay/database.h"

/* Brings a database to this program's version. */
enum assay_code scheduler_schema(struct assay_database *db, struct assay_error *err) ASSAY_CHECKED;

#endif
