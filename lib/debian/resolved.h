/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What apt's resolver once answered, kept in the store: the same indices, configuration and source
 * give the same packages, so that asking again is only waiting.
 *
 *	<store>/resolved/<key>   the lock's digest; the lock itself is a blob
 *
 * Both are checked when read.  What is missing or does not hold is resolved anew.
 */
#ifndef DEBIAN_RESOLVED_H
#define DEBIAN_RESOLVED_H

#include "debian_int.h"

/* The name of everything a build's lock depends on. */
enum assay_code debian_resolved_key(const struct assay_debian_build *build,
				    struct assay_digest *ret, struct assay_error *err)
	ASSAY_CHECKED;
bool debian_resolved_get(struct assay_store *store, const struct assay_digest *key,
			 struct assay_lock *ret);
/* Trouble is logged and no more: the answer is at hand. */
void debian_resolved_put(struct assay_store *store, const struct assay_digest *key,
			 const struct assay_lock *lock);

#endif
