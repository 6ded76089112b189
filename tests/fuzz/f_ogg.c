/* SPDX-License-Identifier: Apache-2.0 */
/* The ogg walker on hostile bytes: see tree.h for what must hold. */
#include "tree.h"

extern const struct assay_format assay_format_ogg;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return tree_fuzz(&assay_format_ogg, data, size);
}
