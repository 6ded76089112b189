/* SPDX-License-Identifier: Apache-2.0 */
/* A .buildinfo as something to submit: its bytes, and the package URL that it is about. */
#ifndef ASSAY_CLI_BUILDINFO_H
#define ASSAY_CLI_BUILDINFO_H

#include "assay/buf.h"
#include "assay/error.h"

/* location: a path, or an http or https URL, which is fetched into the store (NULL: the default).  *ret_path names the file
 * and *ret_target the package; both are malloc'ed. */
enum assay_code cli_buildinfo_read(const char *store, const char *location, char **ret_path,
				   char **ret_target, struct assay_error *err) ASSAY_CHECKED;

#endif
