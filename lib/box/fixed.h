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

/* Calls put for every file; a path that ends in "/" is a directory, and comes before what lies in it. */
void box_fixed_files(const struct assay_box_policy *policy, unsigned cpus, box_fixed_put *put,
		     void *to);
/* How many processors a box of this policy shows. */
unsigned box_fixed_cpus(const struct assay_box_policy *policy);
/* Writes the files below dir, with /dev's places and links, a blank file and an empty directory. */
enum assay_code box_fixed_fill(const struct assay_box_policy *policy, int dir, struct assay_error *err)
	ASSAY_CHECKED;
/* A detached mount of such a tree, the caller's; -1 without privileges.  Kept for the next box where the
 * kernel can clone it. */
int box_fixed_open(const struct assay_box_policy *policy);
/* What sysinfo(2) answers. */
struct sysinfo box_fixed_sysinfo(const struct assay_box_policy *policy);

#endif
