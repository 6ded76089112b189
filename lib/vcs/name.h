/* SPDX-License-Identifier: Apache-2.0 */
/* Which names and link targets of a source may come to the disk. */
#ifndef ASSAY_VCS_NAME_H
#define ASSAY_VCS_NAME_H

#include "assay/error.h"
#include "assay/span.h"

/* One component: not empty, ".", "..", ".git" or what another file system takes for it, no slash or
 * NUL, at most 255 bytes.  NULL when the name is fine, else what is wrong, in words. */
const char *assay_vcs_name_trouble(struct assay_span name);
/* A link at a path of the given depth (0: at the top): relative, its ".." come first and are no more
 * than its depth.  Then no chain of such links leaves the tree.  NULL or what is wrong. */
const char *assay_vcs_link_trouble(struct assay_span target, size_t depth);

#endif
