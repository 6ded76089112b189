/* SPDX-License-Identifier: Apache-2.0 */
/* One comparison of two files or directories, in the jail. */
#ifndef ASSAY_CLI_PAIR_H
#define ASSAY_CLI_PAIR_H

#include "assay/error.h"
#include "assay/json.h"

enum assay_code cli_pair_compare(const char *left, const char *right, json_t **ret,
				 struct assay_error *err) ASSAY_CHECKED;

#endif
