/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where blobs are besides the directory, for stores that several machines share.  The directory is its cache then: what
 * is put goes to both, and what is wanted and not here comes from there, hashed on the way.
 */
#ifndef ASSAY_STORE_REMOTE_H
#define ASSAY_STORE_REMOTE_H

#include "store_int.h"

/* What was there for longer is put again: collections there go by the time of the last put (collect.c). */
#define STORE_FRESH_S (7 * 86400)

struct store_remote_entry {
	struct assay_digest digest;
	uint64_t bytes;
	int64_t time; /* when it came there */
};

typedef enum assay_code store_remote_fn(const struct store_remote_entry *entry, void *data, struct assay_error *err);

struct store_remote_ops {
	const char *scheme; /* "s3://" */
	enum assay_code (*open)(const char *url, struct store_remote **ret, struct assay_error *err);
	void (*close)(struct store_remote *remote);
	/* ASSAY_ENOTFOUND when it is not there. */
	enum assay_code (*look)(struct store_remote *remote, const struct assay_digest *digest,
				struct store_remote_entry *ret, struct assay_error *err);
	/* Adds its bytes to the draft, which begins empty; who commits compares the digest. */
	enum assay_code (*get)(struct store_remote *remote, const struct assay_digest *digest,
			       struct store_draft *draft, struct assay_error *err);
	/* All of it or nothing becomes visible. */
	enum assay_code (*put)(struct store_remote *remote, const struct assay_digest *digest, int fd,
			       uint64_t size, struct assay_error *err);
	enum assay_code (*each)(struct store_remote *remote, store_remote_fn *fn, void *data, struct assay_error *err);
	enum assay_code (*remove)(struct store_remote *remote, const struct assay_digest *digest,
				  struct assay_error *err);
	/* Moves one with wrong bytes aside. */
	enum assay_code (*condemn)(struct store_remote *remote, const struct assay_digest *digest,
				   struct assay_error *err);
	/* Ends uploads that were begun before a time and never finished; a thousand at once, the next call goes on. */
	enum assay_code (*tidy)(struct store_remote *remote, int64_t before, struct assay_error *err);
};

struct store_remote {
	const struct store_remote_ops *ops;
};

/* Hashes what is there, as store_blob_check() does here. */
enum assay_code store_remote_check(struct assay_store *store, const struct assay_digest *digest,
				   struct assay_error *err) ASSAY_CHECKED;

extern const struct store_remote_ops store_remote_s3;

#endif
