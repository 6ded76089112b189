/* SPDX-License-Identifier: Apache-2.0 */
/* What no format knows: each input is text or binary, and one leaf. */
#include "tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (assay_format_binary.bid(assay_span_of(data, size)) == 0)
		abort();
	tree_fuzz(&assay_format_text, data, size);
	return tree_fuzz(&assay_format_binary, data, size);
}
