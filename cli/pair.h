/* SPDX-License-Identifier: Apache-2.0 */
/* One comparison of two files or directories, in the jail. */
#ifndef ASSAY_CLI_PAIR_H
#define ASSAY_CLI_PAIR_H

#include "assay/compare.h"
#include "assay/error.h"
#include "assay/json.h"

/* What is known of the two builds, left first; NULL: nothing. */
struct cli_pair_contexts {
	const struct assay_build_context *left, *right;
};

enum assay_code cli_pair_compare(const char *left, const char *right,
				 const struct cli_pair_contexts *contexts, json_t **ret,
				 struct assay_error *err) ASSAY_CHECKED;

#endif
