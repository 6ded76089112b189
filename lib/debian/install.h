/* SPDX-License-Identifier: Apache-2.0 */
/* One stage of an environment: packages installed on nothing, or upon the stage before. */
#ifndef DEBIAN_INSTALL_H
#define DEBIAN_INSTALL_H

#include "debian_int.h"

struct debian_stage {
	struct assay_store *store;
	const struct assay_lock *lock;
	size_t first, end;  /* the packages of this stage */
	const char *base;   /* root of the stage before, NULL when there is none */
	const char *work;   /* a directory of ours */
	const char *root;   /* the result: <work>/root */
};

/* Installs without network, in namespaces of its own; what it started is dead when it returns. */
enum assay_code debian_stage_install(const struct debian_stage *stage, struct assay_error *err)
	ASSAY_CHECKED;

#endif
