/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a store, entry by entry, and what names what. */
#ifndef ASSAY_STORE_CENSUS_H
#define ASSAY_STORE_CENSUS_H

#include "assay/retention.h"
#include "remote.h"

struct store_blob {
	struct assay_digest digest;
	enum assay_store_class class;
	bool held; /* by something that names it and is kept */
	bool here;     /* in the directory */
	int64_t there; /* since when it is in the remote store; 0: it is not */
	uint64_t bytes;
	int64_t used;
};

/* A run, a part of one, a lock, an environment. */
struct store_entry {
	char *path; /* from the store's root */
	enum assay_store_class class;
	bool gone;
	uint64_t bytes;
	int64_t used;
};

struct store_census {
	struct store_blob *blobs; /* by digest */
	struct store_entry *entries;
	size_t blob_count, blob_room, entry_count, entry_room;
	struct assay_store_count quarantined;
	int64_t farm_time; /* when the farm said what it names; INT64_MAX: there is no farm */
};

/* sizes: those of environments too, which takes a walk through each. */
enum assay_code store_census_take(struct assay_store *store, bool sizes, struct store_census *ret,
				  struct assay_error *err) ASSAY_CHECKED;
/* Adds what is in the remote store. */
enum assay_code store_census_add_remote(struct assay_store *store, struct store_census *census,
					struct assay_error *err) ASSAY_CHECKED;
void store_census_release(struct store_census *census);
/* NULL when there is no such blob. */
struct store_blob *store_census_find(struct store_census *census, const struct assay_digest *digest);
/* Follows what entries that are not gone, and the farm, name: sets the class of blobs, and holds them. */
enum assay_code store_census_hold(struct assay_store *store, struct store_census *census,
				  const struct assay_retention *policy, int64_t now,
				  struct assay_error *err) ASSAY_CHECKED;

/* Calls fn for each entry of a directory of the store but "." and ".."; one that is not there has none. */
typedef enum assay_code store_entry_fn(int dirfd, const char *name, void *data, struct assay_error *err);
enum assay_code store_each(int dirfd, const char *path, store_entry_fn *fn, void *data,
			   struct assay_error *err) ASSAY_CHECKED;
/* What a file or a tree takes on the disk; 0 for what cannot be read. */
uint64_t store_tree_bytes(const char *root, const char *path);
void store_count_add(struct assay_store_count *count, uint64_t bytes, int64_t used);
/* True while an age of the policy has not passed since a time. */
bool store_is_kept(const struct assay_retention *policy, enum assay_store_class class, int64_t used, int64_t now);

#endif
