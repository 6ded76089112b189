/* SPDX-License-Identifier: Apache-2.0 */
#include "census.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/path.h"
#include "assay/process.h"

enum assay_code store_each(int dirfd, const char *path, store_entry_fn *fn, void *data,
			   struct assay_error *err)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	assay_auto(assay_dir_closep) DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return errno == ENOENT ? ASSAY_OK : assay_fail_errno(err, "%s", path);
	for (;;) {
		struct dirent *entry = (errno = 0, readdir(dir));

		if (!entry)
			return errno ? assay_fail_errno(err, "%s", path) : ASSAY_OK;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (assay_interrupted)
			return assay_fail(err, ASSAY_EINTERRUPTED, "interrupted");
		if (fn(fd, entry->d_name, data, err))
			return err->code;
	}
}

uint64_t store_tree_bytes(const char *root, const char *path)
{
	assay_auto(assay_freep) char *full = assay_path_join(root, path);
	char *const paths[] = { full, NULL };
	FTS *walk = full ? fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL) : NULL;
	uint64_t bytes = 0;

	for (FTSENT *e = walk ? fts_read(walk) : NULL; e && !assay_interrupted; e = fts_read(walk))
		if (e->fts_info != FTS_DP && e->fts_statp && e->fts_statp->st_nlink)
			bytes += (uint64_t)e->fts_statp->st_blocks * 512 /
				 (e->fts_info == FTS_D ? 1 : e->fts_statp->st_nlink);
	if (walk)
		fts_close(walk);
	return bytes;
}

void store_count_add(struct assay_store_count *count, uint64_t bytes, int64_t used)
{
	if (!count->count || used < count->oldest)
		count->oldest = used;
	if (!count->count || used > count->newest)
		count->newest = used;
	count->count++;
	count->bytes += bytes;
}

bool store_is_kept(const struct assay_retention *policy, enum assay_store_class class, int64_t used, int64_t now)
{
	return policy->keep_s[class] == ASSAY_KEEP_FOREVER || used > now - policy->keep_s[class];
}

/* One more element behind what an array holds; NULL when there is no room. */
static void *grow(void *array, size_t count, size_t *room, size_t size)
{
	size_t wanted = *room ? *room * 2 : 256;
	void *grown;

	if (count < *room)
		return array;
	grown = reallocarray(array, wanted, size);
	if (grown)
		*room = wanted;
	return grown;
}

/* ---- blobs --------------------------------------------------------------------------------------- */

static enum assay_code append_blob(struct store_census *census, const struct store_blob *blob,
				   struct assay_error *err)
{
	struct store_blob *grown;

	if (census->blob_count == ASSAY_MAX_STORE_BLOBS)
		return assay_fail(err, ASSAY_ELIMIT, "blobs: want at most %d", ASSAY_MAX_STORE_BLOBS);
	grown = grow(census->blobs, census->blob_count, &census->blob_room, sizeof(*grown));
	if (!grown)
		return assay_fail(err, ASSAY_ENOMEM, "blobs: out of memory");
	census->blobs = grown;
	census->blobs[census->blob_count++] = *blob;
	return ASSAY_OK;
}

static enum assay_code add_blob(int dirfd, const char *name, void *data, struct assay_error *err)
{
	struct store_census *census = data;
	struct store_blob blob = { .class = ASSAY_CLASS_BLOBS, .here = true };
	size_t len = strlen(name);
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
		return ASSAY_OK;
	blob.bytes = (uint64_t)st.st_blocks * 512;
	blob.used = st.st_mtim.tv_sec;
	if (len > strlen(STORE_CORRUPT) && strcmp(name + len - strlen(STORE_CORRUPT), STORE_CORRUPT) == 0)
		store_count_add(&census->quarantined, blob.bytes, blob.used);
	if (!assay_digest_parse(assay_span_text(name), &blob.digest))
		return ASSAY_OK;
	return append_blob(census, &blob, err);
}

static enum assay_code add_fan_out(int dirfd, const char *name, void *data, struct assay_error *err)
{
	struct stat st;

	if (strlen(name) != 2 || fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(st.st_mode))
		return ASSAY_OK;
	return store_each(dirfd, name, add_blob, data, err);
}

static int by_digest(const void *a, const void *b)
{
	return memcmp(((const struct store_blob *)a)->digest.bytes, ((const struct store_blob *)b)->digest.bytes,
		      ASSAY_DIGEST_SIZE);
}

struct store_blob *store_census_find(struct store_census *census, const struct assay_digest *digest)
{
	struct store_blob key = { .digest = *digest };

	return census->blob_count ? bsearch(&key, census->blobs, census->blob_count, sizeof(key), by_digest) : NULL;
}

struct remote_listing {
	struct store_census *census;
	size_t local; /* so many of the list are sorted, and here */
};

static enum assay_code add_remote(const struct store_remote_entry *entry, void *data, struct assay_error *err)
{
	struct remote_listing *l = data;
	struct store_blob blob = { .digest = entry->digest, .there = entry->time ? entry->time : 1,
				   .bytes = entry->bytes, .used = entry->time };
	struct store_blob *known = l->local ? bsearch(&blob, l->census->blobs, l->local, sizeof(blob), by_digest) : NULL;

	if (known)
		known->there = blob.there;
	return known ? ASSAY_OK : append_blob(l->census, &blob, err);
}

enum assay_code store_census_add_remote(struct assay_store *store, struct store_census *census,
					struct assay_error *err)
{
	struct remote_listing l = { census, census->blob_count };

	if (!store->remote)
		return ASSAY_OK;
	if (store->remote->ops->each(store->remote, add_remote, &l, err))
		return err->code;
	if (census->blob_count)
		qsort(census->blobs, census->blob_count, sizeof(*census->blobs), by_digest);
	return ASSAY_OK;
}

/* ---- entries ------------------------------------------------------------------------------------- */

struct listing {
	struct assay_store *store;
	struct store_census *census;
	enum assay_store_class class;
	bool sizes;
	const char *folder;
};

static enum assay_code add_entry(struct listing *l, enum assay_store_class class, const char *folder,
				 const char *name, int64_t used, struct assay_error *err)
{
	struct store_census *census = l->census;
	struct store_entry *grown = grow(census->entries, census->entry_count, &census->entry_room, sizeof(*grown));
	char *path;

	if (!grown || asprintf(&path, "%s/%s", folder, name) < 0)
		return assay_fail(err, ASSAY_ENOMEM, "%s: out of memory", folder);
	census->entries = grown;
	census->entries[census->entry_count++] = (struct store_entry){
		.path = path,
		.class = class,
		.used = used,
		.bytes = l->sizes || class != ASSAY_CLASS_ENVIRONMENTS ? store_tree_bytes(l->store->root, path) : 0,
	};
	return ASSAY_OK;
}

static enum assay_code add_simple(int dirfd, const char *name, void *data, struct assay_error *err)
{
	struct listing *l = data;
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? ASSAY_OK : assay_fail_errno(err, "%s/%s", l->folder, name);
	return add_entry(l, l->class, l->folder, name, st.st_mtim.tv_sec, err);
}

static bool begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

/* Logs and candidates of a run; what else there is belongs to its report. */
static enum assay_code add_part(int dirfd, const char *name, void *data, struct assay_error *err)
{
	struct listing *l = data;
	struct stat st;

	if (begins(name, "attempt-"))
		l->class = ASSAY_CLASS_LOGS;
	else if (strcmp(name, "candidates") == 0 || begins(name, "workspace-"))
		l->class = ASSAY_CLASS_CANDIDATES;
	else
		return ASSAY_OK;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? ASSAY_OK : assay_fail_errno(err, "%s/%s", l->folder, name);
	return add_entry(l, l->class, l->folder, name, st.st_mtim.tv_sec, err);
}

/* A run is as old as its report; without one it is under way, or was killed. */
static enum assay_code add_run(int dirfd, const char *name, void *data, struct assay_error *err)
{
	struct listing *l = data, parts = *l;
	char folder[PATH_MAX], report[PATH_MAX];
	struct store_census *census = l->census;
	size_t run = census->entry_count;
	struct stat st, done;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? ASSAY_OK : assay_fail_errno(err, "%s/%s", l->folder, name);
	if (!S_ISDIR(st.st_mode))
		return ASSAY_OK;
	snprintf(report, sizeof(report), "%s/report.json", name);
	if (fstatat(dirfd, report, &done, AT_SYMLINK_NOFOLLOW) == 0)
		st = done;
	if (add_entry(l, ASSAY_CLASS_REPORTS, "runs", name, st.st_mtim.tv_sec, err))
		return err->code;
	snprintf(folder, sizeof(folder), "runs/%s", name);
	parts.folder = folder;
	if (store_each(dirfd, name, add_part, &parts, err))
		return err->code;
	for (size_t i = run + 1; i < census->entry_count; i++)
		census->entries[run].bytes -= census->entries[i].bytes < census->entries[run].bytes ?
						      census->entries[i].bytes : census->entries[run].bytes;
	return ASSAY_OK;
}

enum assay_code store_census_take(struct assay_store *store, bool sizes, struct store_census *ret,
				  struct assay_error *err)
{
	static const struct {
		const char *folder;
		enum assay_store_class class;
		store_entry_fn *add;
	} folders[] = {
		{ "runs", ASSAY_CLASS_REPORTS, add_run },
		{ "resolved", ASSAY_CLASS_LOCKS, add_simple },
		{ "environments", ASSAY_CLASS_ENVIRONMENTS, add_simple },
	};

	ret->farm_time = INT64_MAX;
	if (store_each(store->root_fd, "blobs", add_fan_out, ret, err))
		return assay_context(err, "store %s", store->root);
	if (ret->blob_count)
		qsort(ret->blobs, ret->blob_count, sizeof(*ret->blobs), by_digest);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		struct listing l = { store, ret, folders[i].class, sizes, folders[i].folder };

		if (store_each(store->root_fd, folders[i].folder, folders[i].add, &l, err))
			return assay_context(err, "store %s", store->root);
	}
	return ASSAY_OK;
}

void store_census_release(struct store_census *census)
{
	for (size_t i = 0; i < census->entry_count; i++)
		free(census->entries[i].path);
	free(census->entries);
	free(census->blobs);
	*census = (struct store_census){ 0 };
}
