/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One exact source into one directory: a git commit by its full id, or an archive by its SHA-256.
 * Nothing of the source is executed: no hooks, no filters, no smudge.  Hostile paths ("..", ".git"
 * in any case, names that fold together, links that leave the tree) are refused.  Every mtime is set
 * to the commit's time (or epoch) and modes to 0644/0755.
 *
 * The target directory is created, or must be empty.  After an error it holds an unfinished tree that
 * the caller removes.  No function keeps state between calls; those that fetch lock the cache.
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
	/* Git LFS pointers, left as they are: their content must come as inputs. */
	uint64_t lfs_pointers;
	char lfs_first[256]; /* path of the first, "" when there is none */
};

/* Where a URL's prefix is mapped to by the list ("PREFIX=PATH", the longest prefix that ends at a
 * component wins): malloc'ed path in *ret, NULL when no prefix matches.  mirrors may be NULL. */
enum assay_code assay_vcs_mirror(const char *const *mirrors, const char *url, char **ret,
				 struct assay_error *err) ASSAY_CHECKED;
/* location: local path or URL (https, http, file); mirrors: NULL or a NULL-terminated list of
 * "PREFIX=PATH" that map a URL prefix to a local mirror: the longest that matches is used, and then
 * nothing is fetched.  cache: a directory for fetched repositories (in the store; may be NULL when
 * nothing is to be fetched).  Submodules are checked out by their recorded commit; what a URL names
 * may only name URLs.  ASSAY_ENOTFOUND when the repository or commit is not there; ASSAY_EUNTRUSTED
 * when the source is hostile. */
enum assay_code assay_vcs_checkout_git(const char *location, const char *commit,
				       const char *const *mirrors, const char *cache,
				       const char *directory, struct assay_checkout *ret,
				       struct assay_error *err) ASSAY_CHECKED;
/* Resolves a branch or tag name, "HEAD" or a full "refs/..." name to a commit id (for `recipe lock`
 * only).  A name that is both a branch and a tag is refused. */
enum assay_code assay_vcs_resolve(const char *location, const char *name,
				  const char *const *mirrors, const char *cache, char ret_commit[65],
				  struct assay_error *err) ASSAY_CHECKED;
/* Unpacks an archive (tar with any compression, or zip; already verified by digest) through
 * libarchive; a single top directory is kept as it is.  Hard links become copies; devices, sockets,
 * duplicate names, links that leave the tree and members under a link are refused. */
enum assay_code assay_vcs_unpack(int archive_fd, const char *directory, struct assay_checkout *ret,
				 struct assay_error *err) ASSAY_CHECKED;
/* Unpacks a layer of a container image (tar, perhaps gzip or zstd; already verified by digest): modes
 * are kept, links point where they will, whiteouts become files named ".wh.NAME", times are now's.
 * ASSAY_EUNTRUSTED for a member that would leave the directory or comes twice. */
enum assay_code assay_vcs_unpack_layer(int layer_fd, const char *directory, struct assay_error *err)
	ASSAY_CHECKED;

#endif
