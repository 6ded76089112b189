/* SPDX-License-Identifier: Apache-2.0 */
/* The sevenzip walker on hostile bytes: see tree.h for what must hold. */
#include "assay/archive_late.h"
#include "tree.h"

extern const struct assay_format assay_format_sevenzip;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = ASSAY_ERROR_INIT;

	/* members are read where libarchive is there */
	if (archive_late_load(&err))
		return 0;
	return tree_fuzz(&assay_format_sevenzip, data, size);
}
