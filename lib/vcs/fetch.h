/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing objects from a server into a bare repository of the cache. */
#ifndef ASSAY_VCS_FETCH_H
#define ASSAY_VCS_FETCH_H

#include "assay/error.h"

/* repository: path of a bare repository.  commit NULL: all branches and tags and the server's HEAD,
 * pruned of what is gone there; else this commit, alone if the server allows it, or with everything
 * that branches and tags reach.  Runs in a child of its own; a silent server is given up after
 * ASSAY_GIT_SILENCE_S, and a signal to us ends it. */
enum assay_code fetch_into(const char *repository, const char *url, const char *commit,
			   struct assay_error *err) ASSAY_CHECKED;

#endif
