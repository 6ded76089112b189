/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of a 7z or cabinet archive through libarchive, as a tar archive (tree_tar.h), after a walker has
 * proven the outer structure.  Only where libarchive has been loaded (assay_compare_prepare()): a jail cannot.
 */
#ifndef ASSAY_NORMALIZERS_TREE_ARCHIVE_H
#define ASSAY_NORMALIZERS_TREE_ARCHIVE_H

#include "tree_tar.h"

bool tree_archive_is_ready(void);
enum assay_code tree_archive_read(struct assay_span archive, struct assay_sink *sink, struct assay_error *err)
	ASSAY_CHECKED;

#endif
