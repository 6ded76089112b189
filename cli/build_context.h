/* SPDX-License-Identifier: Apache-2.0 */
/* What the user knows of one side's build: --left-context and --right-context. */
#ifndef ASSAY_CLI_BUILD_CONTEXT_H
#define ASSAY_CLI_BUILD_CONTEXT_H

#include "assay/compare.h"

struct cli_build_context {
	struct assay_build_context build; /* its texts live in json */
	json_t *json;
};

/* Reads a JSON object: path, hostname, user, kernel, timezone, locale (texts); started, finished,
 * source_date_epoch (seconds since 1970) and cpus.  All optional; other keys and types are errors. */
enum assay_code cli_build_context_read(const char *path, struct cli_build_context *ret,
				       struct assay_error *err) ASSAY_CHECKED;
void cli_build_context_release(struct cli_build_context *context);

#endif
