/* SPDX-License-Identifier: Apache-2.0 */
/* Where a submodule comes from: the one question that .gitmodules is asked. */
#ifndef ASSAY_VCS_GITMODULES_H
#define ASSAY_VCS_GITMODULES_H

#include "assay/error.h"
#include "assay/span.h"

/* The url of the submodule at a path, malloc'ed; NULL when the file names none. */
char *gitmodules_url(struct assay_span file, const char *path);
/* A url as it stands, or a relative one ("./x", "../x") from the place of the repository above it.
 * What a URL names may not name a local path.  malloc'ed in *ret. */
enum assay_code gitmodules_resolve(const char *above, const char *url, char **ret,
				   struct assay_error *err) ASSAY_CHECKED;

#endif
