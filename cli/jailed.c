/* SPDX-License-Identifier: Apache-2.0 */
#include "jailed.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "assay/compare.h"
#include "assay/limits.h"

static bool are_small(const int *files)
{
	uint64_t size = 0;
	struct stat st;

	for (; *files >= 0; files++) {
		if (fstat(*files, &st) || !S_ISREG(st.st_mode))
			return false;
		size += (uint64_t)st.st_size;
	}
	return size <= ASSAY_MAX_SMALL;
}

enum assay_code cli_run_jailed(const struct assay_jail *jail, const int *files, assay_jail_work *work, void *data,
			       struct assay_buf *ret_answer, struct assay_error *err)
{
	enum assay_code code = are_small(files) ? assay_jail_run(jail, work, data, ret_answer, err) :
						  ASSAY_EUNSUPPORTED;

	if (code != ASSAY_EUNSUPPORTED)
		return code;
	return assay_compare_prepare_all(err) ? err->code : assay_jail_run(jail, work, data, ret_answer, err);
}
