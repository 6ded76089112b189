/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine can say of itself, for the scheduler to place jobs by. */
#ifndef ASSAY_WORKER_LABELS_H
#define ASSAY_WORKER_LABELS_H

#include "assay/box.h"
#include "assay/buf.h"

/* "arch=amd64 box=native isolation=full memory=1g memory=2g memory=4g", and more behind it, or NULL.  A box is tried for
 * it; the memory's classes are all up to what the machine has. */
void worker_labels(const struct assay_box_choice *choice, const char *more, struct assay_buf *out);

#endif
