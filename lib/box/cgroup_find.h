/* SPDX-License-Identifier: Apache-2.0 */
/* Where the control groups of this process are mounted. */
#ifndef ASSAY_BOX_CGROUP_FIND_H
#define ASSAY_BOX_CGROUP_FIND_H

#include <stdbool.h>

/* A descriptor of the directory below which groups with this controller ("" = the version 2 tree
 * itself) can be made; -1 with errno set.  Looked up once per process. */
int cgroup_find(const char *controller, bool *ret_v2);

#endif
