/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scheduler's state in one file: a copy of its database as of one moment, with the keys of the farm in a table of
 * their own.  Blobs are not in it.
 */
#ifndef ASSAY_SCHEDULER_BACKUP_H
#define ASSAY_SCHEDULER_BACKUP_H

#include <stdbool.h>

/* What the program is for then; store and database NULL for their defaults.  Returns the exit status. */
int backup_answer(bool restore, const char *store, const char *database, const char *file);

#endif
