/* SPDX-License-Identifier: Apache-2.0 */
#include "tidy.h"

#include "assay/log.h"

void worker_tidy(struct assay_store *store, const struct assay_retention *policy)
{
	struct assay_store_collected got;
	struct assay_error err = ASSAY_ERROR_INIT;
	bool done;

	assay_store_renew(store);
	if (assay_store_collect_if_due(store, policy, &done, &got, &err))
		assay_log(ASSAY_LOG_WARNING, "%s", err.msg);
	else if (got.removed_bytes)
		assay_log(ASSAY_LOG_NOTE, "store: %llu bytes removed", (unsigned long long)got.removed_bytes);
}
