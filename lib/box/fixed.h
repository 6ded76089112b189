/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a box sees where the kernel would tell about the host: the same small files everywhere, made
 * from the policy alone.  Of the machine only the processor's model and features and the kernel's
 * version come through.
 */
#ifndef ASSAY_BOX_FIXED_H
#define ASSAY_BOX_FIXED_H

#include <sys/sysinfo.h>

#include "assay/box.h"
#include "assay/span.h"

#define BOX_CPUS_MAX 256 /* more are not shown one by one */

typedef void box_fixed_put(void *to, const char *path, struct assay_span content);

/* Calls put for every file; a path that ends in "/" is a directory. */
void box_fixed_files(const struct assay_box_policy *policy, unsigned cpus, box_fixed_put *put,
		     void *to);
/* What sysinfo(2) answers. */
struct sysinfo box_fixed_sysinfo(const struct assay_box_policy *policy);

#endif
