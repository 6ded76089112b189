/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One exact source into one directory: a git commit by its full id, or an archive by its SHA-256.
 * Nothing of the source is executed: no hooks, no filters, no smudge.  Hostile paths ("..", ".git"
 * in any case, names that fold together, links that leave the tree) are refused.  Every mtime is set
 * to the commit's time (or epoch) and modes to 0644/0755.
 */
#ifndef ASSAY_VCS_H
#define ASSAY_VCS_H

#include "assay/digest.h"
#include "assay/error.h"

struct assay_checkout {
	char commit[65];            /* hex */
	char tree_id[65];           /* git's own tree id, hex; "" for an archive */
	struct assay_digest tree;   /* our SHA-256 over the sorted tree: type, mode, path, content */
	int64_t commit_time;        /* seconds; for an archive the newest member's mtime */
	uint64_t files, bytes;
};

/* location: local path or URL; mirrors: NULL-terminated list of "PREFIX=PATH" that map a URL prefix
 * to a local mirror.  cache: a directory for fetched repositories (in the store).  Submodules are
 * checked out by their recorded commit.  ASSAY_ENOTFOUND when the commit is not there. */
enum assay_code assay_vcs_checkout_git(const char *location, const char *commit,
				       const char *const *mirrors, const char *cache,
				       const char *directory, struct assay_checkout *ret,
				       struct assay_error *err) ASSAY_CHECKED;
/* Resolves a branch or tag name to a full commit id (for `recipe lock` only). */
enum assay_code assay_vcs_resolve(const char *location, const char *name,
				  const char *const *mirrors, const char *cache, char ret_commit[65],
				  struct assay_error *err) ASSAY_CHECKED;
/* Unpacks an archive (already verified by digest) through libarchive; a single top directory is
 * kept as it is. */
enum assay_code assay_vcs_unpack(int archive_fd, const char *directory, struct assay_checkout *ret,
				 struct assay_error *err) ASSAY_CHECKED;

#endif
