/* SPDX-License-Identifier: Apache-2.0 */
/* The strict system call filter of jails. */
#ifndef ASSAY_BOX_JAIL_FILTER_H
#define ASSAY_BOX_JAIL_FILTER_H

#include <stdbool.h>

#include "assay/error.h"

/* Compiles the filters; in the parent, once per process. */
enum assay_code jail_filter_prepare(struct assay_error *err) ASSAY_CHECKED;
/* In the child: no allocation, no way back.  reading: files may be opened read-only (Landlock says
 * which).  False with errno. */
bool jail_filter_install(bool reading);

#endif
