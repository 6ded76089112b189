/* SPDX-License-Identifier: Apache-2.0 */
/* Where a scheduler keeps its things: in the folder "farm" of its store. */
#include "place.h"

#include <stdio.h>

#include "assay/cleanup.h"
#include "assay/path.h"
#include "assay/scheduler.h"

enum assay_code scheduler_path(struct assay_store *store, const char *name, char **ret,
			       struct assay_error *err)
{
	assay_auto(assay_freep) char *folder = assay_path_join(assay_store_root(store), "farm");

	if (!folder)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (assay_path_make_dirs(folder, 0700, err))
		return err->code;
	*ret = assay_path_join(folder, name);
	return *ret ? ASSAY_OK : assay_fail(err, ASSAY_ENOMEM, "out of memory");
}

enum assay_code scheduler_default_database(struct assay_store *store, char **ret, struct assay_error *err)
{
	assay_auto(assay_freep) char *path = NULL;

	if (scheduler_path(store, "queue.db", &path, err))
		return err->code;
	if (asprintf(ret, "sqlite:%s", path) < 0)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	return ASSAY_OK;
}

enum assay_code assay_scheduler_socket(const char *root, char **ret, struct assay_error *err)
{
	assay_auto(assay_store_freep) struct assay_store *store = NULL;

	if (assay_store_open(root, &store, err))
		return err->code;
	return scheduler_path(store, "socket", ret, err);
}
