/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: the open store, and a blob on its way into being. */
#ifndef ASSAY_STORE_INT_H
#define ASSAY_STORE_INT_H

#include <sys/types.h>

#include "assay/store.h"
#include "assay/curl_late.h"

struct store_remote;

struct assay_store {
	char *root;     /* absolute */
	char *name;	/* as it was asked for */
	struct store_remote *remote; /* or NULL: see remote.h */
	char *own_name; /* our directory under tmp */
	int root_fd;
	int blobs_fd;
	int locks_fd;
	int tmp_fd;
	int own_fd; /* our directory; the flock on it says that we live */
	pid_t pid;  /* who made own_fd; a forked child does not tidy it away */
	int64_t since; /* what was used before may be removed; own_fd/since has it as its time */
	CURL *curl; /* kept between fetches for its connections */
	pid_t curl_pid;
};

#define STORE_SINCE "since" /* in a process's folder under tmp */
#define STORE_CORRUPT ".corrupt"
#define BLOB_NAME_MAX (2 + 1 + ASSAY_DIGEST_TEXT) /* "ab/abcdef..." */

/* Bytes are added, hashed and counted; only commit gives them a name in the store. */
struct store_draft {
	struct assay_store *store;
	struct assay_hasher *hasher;
	int fd;
	char name[32]; /* in the store's own directory; "" = nothing to remove */
	uint64_t size;
	bool fetched; /* from the remote: it need not go back */
};

#define STORE_DRAFT_INIT { .fd = -1 }

enum assay_code store_draft_open(struct store_draft *draft, struct assay_store *store,
				 struct assay_error *err) ASSAY_CHECKED;
enum assay_code store_draft_add(struct store_draft *draft, const void *data, size_t len,
				struct assay_error *err) ASSAY_CHECKED;
/* Begins again with nothing, for another try of a download. */
enum assay_code store_draft_rewind(struct store_draft *draft, struct assay_error *err)
	ASSAY_CHECKED;
enum assay_code store_draft_commit(struct store_draft *draft, const struct assay_digest *want,
				   struct assay_digest *ret, uint64_t *ret_size,
				   struct assay_error *err) ASSAY_CHECKED;
/* Hashes a blob again without counting that as a use; as assay_store_get() otherwise. */
enum assay_code store_blob_check(struct assay_store *store, const struct assay_digest *digest,
				 struct assay_error *err) ASSAY_CHECKED;
void store_draft_release(struct store_draft *draft);

#endif
