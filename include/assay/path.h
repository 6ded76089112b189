/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths and directory trees.  Paths of archives and requests are hostile: ask
 * assay_path_is_contained() before one is joined to anything.
 */
#ifndef ASSAY_PATH_H
#define ASSAY_PATH_H

#include <sys/types.h>

#include "assay/error.h"
#include "assay/span.h"

/* True for a non-empty relative path without ".." components, NUL, or a leading slash. */
bool assay_path_is_contained(struct assay_span path);
/* "<a>/<b>", malloc'ed; NULL when out of memory. */
char *assay_path_join(const char *a, const char *b);
/* The last component, inside path. */
const char *assay_path_base(const char *path);
/* Creates the directory and those above it, like mkdir -p. */
enum assay_code assay_path_make_dirs(const char *path, mode_t mode, struct assay_error *err)
	ASSAY_CHECKED;
/* Removes a file or a whole tree without following links or crossing mounts, whatever the modes
 * inside.  A path that does not exist is success. */
enum assay_code assay_path_remove_tree(int dirfd, const char *path, struct assay_error *err)
	ASSAY_CHECKED;
/* mkdtemp "<parent>/<prefix>XXXXXX"; *ret is malloc'ed. */
enum assay_code assay_path_make_temp(const char *parent, const char *prefix, char **ret,
				     struct assay_error *err) ASSAY_CHECKED;

#endif
