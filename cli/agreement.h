/* SPDX-License-Identifier: Apache-2.0 */
/* More than two candidates: who agrees with whom. */
#ifndef ASSAY_CLI_AGREEMENT_H
#define ASSAY_CLI_AGREEMENT_H

#include "assay/error.h"
#include "assay/json.h"

#define CLI_MAX_CANDIDATES 64

/* *ret is an assay.agreement/1 object: groups of bit-identical files or directories, the classes in which groups are
 * equivalent, and a comparison for each two groups that were held against each other. */
enum assay_code cli_agreement(char *const *paths, size_t count, json_t **ret,
			      struct assay_error *err) ASSAY_CHECKED;

#endif
