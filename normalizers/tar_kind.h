/* SPDX-License-Identifier: Apache-2.0 */
/* What a tar archive is to those who use it, by the names of its first members. */
#ifndef ASSAY_NORMALIZERS_TAR_KIND_H
#define ASSAY_NORMALIZERS_TAR_KIND_H

#include "anatomy.h"

/* "npm package", "crate", ...; NULL when nothing says more than tar. */
const char *tar_kind(const struct assay_node *root);

#endif
