/* SPDX-License-Identifier: Apache-2.0 */
/* The rds walker on hostile bytes: see tree.h for what must hold. */
#include "tree.h"

extern const struct assay_format assay_format_rds;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return tree_fuzz(&assay_format_rds, data, size);
}
