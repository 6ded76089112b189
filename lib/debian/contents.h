/* SPDX-License-Identifier: Apache-2.0 */
/* Digests of contents by inode: what tree.c needs beside tree.h. */
#ifndef DEBIAN_CONTENTS_H
#define DEBIAN_CONTENTS_H

#include "tree.h"

/* NULL when unknown, or when contents is NULL. */
const struct assay_digest *debian_contents_find(const struct debian_contents *contents,
						uint64_t inode);
/* contents NULL: nothing happens. */
enum assay_code debian_contents_add(struct debian_contents *contents, uint64_t inode,
				    const struct assay_digest *digest, struct assay_error *err)
	ASSAY_CHECKED;

#endif
