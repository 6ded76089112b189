/* SPDX-License-Identifier: Apache-2.0 */
#include "assay/late.h"

#include <dlfcn.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static enum assay_code load(struct assay_late *late, struct assay_error *err)
{
	void *handle = dlopen(late->soname, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return assay_fail(err, ASSAY_EUNSUPPORTED, "%s cannot be loaded: %.300s", late->soname,
				  dlerror());
	for (size_t i = 0; i < late->count; i++) {
		late->functions[i] = dlsym(handle, late->names[i]);
		if (!late->functions[i])
			return assay_fail(err, ASSAY_EUNSUPPORTED, "%s has no function %s",
					  late->soname, late->names[i]);
	}
	late->handle = handle;
	return ASSAY_OK;
}

enum assay_code assay_late_load(struct assay_late *late, struct assay_error *err)
{
	enum assay_code code = ASSAY_OK;

	pthread_mutex_lock(&lock);
	if (!late->handle)
		code = load(late, err);
	pthread_mutex_unlock(&lock);
	return code;
}
