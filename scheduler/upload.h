/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs that arrive in parts.  What has come so far is a draft in the farm's folder, under the digest that it is to
 * have; nobody else sees it.  With its last byte it is hashed: it becomes a blob, or it is thrown away.
 */
#ifndef ASSAY_SCHEDULER_UPLOAD_H
#define ASSAY_SCHEDULER_UPLOAD_H

#include "assay/digest.h"
#include "assay/store.h"

struct upload_part {
	uint64_t first, total; /* of the whole, in bytes */
	struct assay_span bytes;
};

/* "bytes FIRST-LAST/TOTAL" for a body of so many bytes. */
bool upload_parse_range(const char *text, struct assay_span body, struct upload_part *ret);
/* How much is here, 0 when nothing is. */
enum assay_code upload_size(struct assay_store *store, const struct assay_digest *digest,
			    uint64_t *ret, struct assay_error *err) ASSAY_CHECKED;
/* Adds a part.  *ret_size: how much is here from then on; the part was not the next one when that is not its end.
 * *ret_whole: it is a blob now.  ASSAY_EUNTRUSTED: all of it is here and it is something else; ASSAY_EBUSY: another
 * part is being written. */
enum assay_code upload_add(struct assay_store *store, const struct assay_digest *digest,
			   const struct upload_part *part, uint64_t *ret_size, bool *ret_whole,
			   struct assay_error *err) ASSAY_CHECKED;
/* Removes drafts that nobody added to since a time (seconds). */
void upload_sweep(struct assay_store *store, int64_t since);

#endif
