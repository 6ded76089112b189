/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: content-addressed blobs and built environments in a directory.
 *
 *	<root>/VERSION                 "assay-store 1"
 *	<root>/blobs/ab/abcdef...      a blob under its SHA-256, mode 0444
 *	<root>/environments/<lock digest>/   a built root file system and its record
 *	<root>/resolved/, runs/, farm/       locks, outputs of runs, what a scheduler keeps
 *	<root>/tmp/                    drafts; leftovers of dead processes are removed on open
 *	<root>/locks/                  flock files, one per thing being made
 *
 * A blob is written to tmp, flushed, and renamed; it is hashed again whenever it is read, and one
 * with wrong bytes is moved aside and reported, never used.  Several processes may share a store.  What is no
 * longer needed goes by assay/retention.h.
 */
#ifndef ASSAY_STORE_H
#define ASSAY_STORE_H

#include "assay/buf.h"
#include "assay/digest.h"
#include "assay/error.h"

struct assay_store;

/* root NULL: $ASSAY_STORE, else $XDG_CACHE_HOME/assay, else ~/.cache/assay.  Created when absent.
 *
 * "s3://BUCKET/PREFIX?endpoint=URL&region=NAME": blobs are kept in an S3 service, and the directory of the rest of that
 * rule is their cache; all else is in the directory alone.  Keys are taken from AWS_ACCESS_KEY_ID and
 * AWS_SECRET_ACCESS_KEY, or the shared credentials file. */
enum assay_code assay_store_open(const char *root, struct assay_store **ret,
				 struct assay_error *err) ASSAY_CHECKED;
/* Which directory that would be, malloc'ed; nothing is made. */
char *assay_store_place(const char *root);
void assay_store_free(struct assay_store *store);
void assay_store_freep(struct assay_store **store);
const char *assay_store_root(const struct assay_store *store); /* the directory */
/* By what another process opens the same store. */
const char *assay_store_name(const struct assay_store *store);

/* Stores what fd holds from its position on.  want NULL: any; else a mismatch is ASSAY_EUNTRUSTED
 * naming both digests, and nothing is stored. */
enum assay_code assay_store_put_fd(struct assay_store *store, int fd,
				   const struct assay_digest *want, struct assay_digest *ret,
				   uint64_t *ret_size, struct assay_error *err) ASSAY_CHECKED;
enum assay_code assay_store_put_span(struct assay_store *store, struct assay_span bytes,
				     struct assay_digest *ret, struct assay_error *err)
	ASSAY_CHECKED;
/* A blob that is there counts as used from now on. */
bool assay_store_has(struct assay_store *store, const struct assay_digest *digest);
/* Opens a blob after hashing it.  ASSAY_ENOTFOUND when absent; ASSAY_EUNTRUSTED when its bytes are
 * wrong (it is then renamed to blobs/../<hex>.corrupt). */
enum assay_code assay_store_get(struct assay_store *store, const struct assay_digest *digest,
				int *ret_fd, struct assay_error *err) ASSAY_CHECKED;
/* Copies a verified blob to a file (mode 0644), never a hard link. */
enum assay_code assay_store_copy_to(struct assay_store *store, const struct assay_digest *digest,
				    int dirfd, const char *name, struct assay_error *err)
	ASSAY_CHECKED;
/* Exclusive lock on a name, so that one thing is made once; waits, saying so on the log.  The lock
 * lives as long as the descriptor. */
enum assay_code assay_store_lock(struct assay_store *store, const char *name, int *ret_fd,
				 struct assay_error *err) ASSAY_CHECKED;
/* A fresh directory under tmp, owned by this process (removed on the next open should we die);
 * *ret is malloc'ed. */
enum assay_code assay_store_make_temp(struct assay_store *store, char **ret,
				      struct assay_error *err) ASSAY_CHECKED;

/* For who lives long: what was used before now may be removed, as far as it is concerned.  Call it when nothing is
 * at hand that is not written down yet. */
void assay_store_renew(struct assay_store *store);

/* Brings a URL (https, http, file) or path into the store, by libcurl.  want as in put. */
enum assay_code assay_fetch(struct assay_store *store, const char *url,
			    const struct assay_digest *want, struct assay_digest *ret,
			    uint64_t *ret_size, struct assay_error *err) ASSAY_CHECKED;

#endif
