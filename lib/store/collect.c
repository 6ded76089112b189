/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collection, in an order that matters: first who lives is listed, then what there is, then what names what.
 * Whoever begins later uses what he relies on later than the list's time; whoever lives did so after his own
 * beginning; whoever has ended wrote down what he named before it was read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "assay/cleanup.h"
#include "assay/log.h"
#include "assay/path.h"
#include "assay/time.h"
#include "census.h"

enum { UPLOAD_S = 2 * 86400 }; /* no upload takes so long */

struct collection {
	struct assay_store *store;
	const struct assay_retention *policy;
	struct store_census census;
	struct assay_store_collected *result;
	int64_t now, floor; /* what was used since then stays */
	unsigned moved;
};

/* ---- who lives ----------------------------------------------------------------------------------- */

static enum assay_code look_at_process(int dirfd, const char *name, void *data, struct assay_error *err)
{
	struct collection *c = data;
	assay_auto(assay_fd_closep) int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	/* only what is no folder, or gone, is surely nobody's */
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ?
			       ASSAY_OK : assay_fail_errno(err, "store %s: tmp/%s", c->store->root, name);
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		return ASSAY_OK; /* nobody's */
	if (fstatat(fd, STORE_SINCE, &st, AT_SYMLINK_NOFOLLOW))
		st.st_mtim.tv_sec = 0; /* a version of assay that does not say */
	if (st.st_mtim.tv_sec < c->floor)
		c->floor = st.st_mtim.tv_sec;
	return ASSAY_OK;
}

static enum assay_code list_processes(struct collection *c, struct assay_error *err)
{
	enum assay_code code;

	if (flock(c->store->tmp_fd, LOCK_EX))
		return assay_fail_errno(err, "store %s: lock tmp", c->store->root);
	code = store_each(c->store->root_fd, "tmp", look_at_process, c, err);
	flock(c->store->tmp_fd, LOCK_UN);
	return code;
}

/* ---- entries ------------------------------------------------------------------------------------- */

static bool may_go(struct collection *c, enum assay_store_class class, int64_t used)
{
	if (store_is_kept(c->policy, class, used, c->now))
		return false;
	c->result->in_use += used >= c->floor;
	return used < c->floor;
}

/* First out of sight in one step, so that nobody ever finds half of it; should we die then, the next process that
 * opens the store removes the rest. */
static enum assay_code remove_entry(struct collection *c, const char *path, struct assay_error *err)
{
	char name[32];

	snprintf(name, sizeof(name), "gone-%u", c->moved++);
	if (renameat(c->store->root_fd, path, c->store->own_fd, name))
		return errno == ENOENT ? ASSAY_OK : assay_fail_errno(err, "store %s: remove %s", c->store->root, path);
	if (assay_path_remove_tree(c->store->own_fd, name, err))
		return assay_context(err, "store %s: remove %s", c->store->root, path);
	return ASSAY_OK;
}

/* Who uses an environment holds a shared lock on its folder. */
static int lock_if_unused(struct collection *c, const struct store_entry *entry)
{
	int fd = openat(c->store->root_fd, entry->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd >= 0 && (flock(fd, LOCK_EX | LOCK_NB) || fstat(fd, &st) || st.st_mtim.tv_sec != entry->used)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static enum assay_code remove_environment(struct collection *c, struct store_entry *entry, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int lock = lock_if_unused(c, entry);

	if (lock < 0) {
		c->result->in_use++;
		return ASSAY_OK;
	}
	entry->gone = true;
	entry->bytes = store_tree_bytes(c->store->root, entry->path);
	return c->policy->dry_run ? ASSAY_OK : remove_entry(c, entry->path, err);
}

static bool is_within(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && path[len] == '/';
}

/* With a run all its parts go; they stand behind it in the list. */
static void mark_parts(struct collection *c, size_t run)
{
	struct store_census *census = &c->census;

	for (size_t i = run + 1; i < census->entry_count && is_within(census->entries[i].path, census->entries[run].path); i++)
		census->entries[i].gone = true;
}

static enum assay_code collect_entry(struct collection *c, size_t i, struct assay_error *err)
{
	struct store_entry *entry = &c->census.entries[i];

	if (entry->gone || !may_go(c, entry->class, entry->used))
		return ASSAY_OK;
	if (entry->class == ASSAY_CLASS_ENVIRONMENTS)
		return remove_environment(c, entry, err);
	entry->gone = true;
	if (entry->class == ASSAY_CLASS_REPORTS)
		mark_parts(c, i);
	return c->policy->dry_run ? ASSAY_OK : remove_entry(c, entry->path, err);
}

/* ---- blobs --------------------------------------------------------------------------------------- */

/* Under the folder's lock: had it been used meanwhile, its time would say so. */
static enum assay_code remove_blob(struct collection *c, const struct store_blob *blob, bool *ret_gone,
				   struct assay_error *err)
{
	char name[BLOB_NAME_MAX], hex[ASSAY_DIGEST_TEXT], folder[3] = "";
	assay_auto(assay_fd_closep) int lock = -1;
	struct stat st;

	assay_digest_hex(&blob->digest, hex);
	snprintf(name, sizeof(name), "%.2s/%s", hex, hex);
	memcpy(folder, hex, 2);
	lock = openat(c->store->blobs_fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (lock < 0 || flock(lock, LOCK_EX))
		return assay_fail_errno(err, "store %s: lock blobs/%s", c->store->root, folder);
	if (fstatat(c->store->blobs_fd, name, &st, AT_SYMLINK_NOFOLLOW) || st.st_mtim.tv_sec != blob->used)
		return ASSAY_OK;
	if (!c->policy->dry_run && unlinkat(c->store->blobs_fd, name, 0))
		return assay_fail_errno(err, "store %s: remove blob %s", c->store->root, hex);
	*ret_gone = true;
	return ASSAY_OK;
}

/* What is in the remote store goes by the time of its last put alone: nobody can be asked who works there.  Who names
 * it later than this after he saw it, or put it, is too late (publish() in blob.c puts again what is half as old). */
#define REMOTE_GRACE_S (14 * 86400)

static enum assay_code collect_remote(struct collection *c, const struct store_blob *blob, struct assay_error *err)
{
	if (!blob->there || blob->held || store_is_kept(c->policy, ASSAY_CLASS_BLOBS, blob->there, c->now) ||
	    blob->there >= c->floor || blob->there >= c->now - REMOTE_GRACE_S)
		return ASSAY_OK;
	c->result->removed_remote++;
	return c->policy->dry_run ? ASSAY_OK : c->store->remote->ops->remove(c->store->remote, &blob->digest, err);
}

static enum assay_code collect_blobs(struct collection *c, struct assay_error *err)
{
	struct store_census *census = &c->census;

	if (census->farm_time < c->floor)
		c->floor = census->farm_time;
	for (size_t i = 0; i < census->blob_count; i++) {
		struct store_blob *blob = &census->blobs[i];
		bool gone = false;

		assay_progress_update(i, census->blob_count, "blobs");
		if (collect_remote(c, blob, err))
			return err->code;
		if (!blob->here)
			continue;
		if (!blob->held && may_go(c, ASSAY_CLASS_BLOBS, blob->used) && remove_blob(c, blob, &gone, err))
			return err->code;
		store_count_add(gone ? &c->result->removed[blob->class] : &c->result->kept[blob->class], blob->bytes,
				blob->used);
	}
	return ASSAY_OK;
}

/* ---- the rest ------------------------------------------------------------------------------------ */

/* Bad blobs that were moved aside, by the age of blobs; they may be evidence until then. */
static enum assay_code collect_corrupt(int dirfd, const char *name, void *data, struct assay_error *err)
{
	struct collection *c = data;
	const char *dot = strrchr(name, '.');
	struct stat st;

	if (!dot || strcmp(dot, STORE_CORRUPT) != 0 || fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) ||
	    !may_go(c, ASSAY_CLASS_BLOBS, st.st_mtim.tv_sec))
		return ASSAY_OK;
	store_count_add(&c->result->removed[ASSAY_CLASS_BLOBS], (uint64_t)st.st_blocks * 512, st.st_mtim.tv_sec);
	return c->policy->dry_run ? ASSAY_OK : assay_path_remove_tree(dirfd, name, err);
}

static enum assay_code collect_folder(int dirfd, const char *name, void *data, struct assay_error *err)
{
	return strlen(name) == 2 ? store_each(dirfd, name, collect_corrupt, data, err) : ASSAY_OK;
}

/* Files that processes lock to agree on who makes what: nothing is in them, but they would become many. */
static enum assay_code collect_lock_file(int dirfd, const char *name, void *data, struct assay_error *err)
{
	struct collection *c = data;
	assay_auto(assay_fd_closep) int fd = openat(dirfd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	(void)err;
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_mtim.tv_sec < c->floor && !c->policy->dry_run &&
	    flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlinkat(dirfd, name, 0);
	return ASSAY_OK;
}

static void count_entries(struct collection *c)
{
	for (size_t i = 0; i < c->census.entry_count; i++) {
		const struct store_entry *entry = &c->census.entries[i];
		struct assay_store_collected *r = c->result;

		store_count_add(entry->gone ? &r->removed[entry->class] : &r->kept[entry->class], entry->bytes,
				entry->used);
	}
	for (size_t i = 0; i < ASSAY_CLASS_COUNT; i++)
		c->result->removed_bytes += c->result->removed[i].bytes;
}

/* Only where the farm says what it names is it known what a remote store is for. */
static enum assay_code look_there(struct collection *c, struct assay_error *err)
{
	struct store_remote *remote = c->store->remote;

	if (!remote || faccessat(c->store->root_fd, "farm/" ASSAY_STORE_FARM_NAMES_FILE, F_OK, 0))
		return ASSAY_OK;
	if (!c->policy->dry_run && remote->ops->tidy(remote, c->now - UPLOAD_S, err))
		return err->code;
	return store_census_add_remote(c->store, &c->census, err);
}

static enum assay_code collect(struct collection *c, struct assay_error *err)
{
	if (list_processes(c, err) || store_census_take(c->store, false, &c->census, err) ||
	    look_there(c, err))
		return err->code;
	for (size_t i = 0; i < c->census.entry_count; i++) {
		assay_progress_update(i, c->census.entry_count, "entries");
		if (collect_entry(c, i, err))
			return err->code;
	}
	if (store_census_hold(c->store, &c->census, c->policy, c->now, err) || collect_blobs(c, err) ||
	    store_each(c->store->root_fd, "blobs", collect_folder, c, err) ||
	    store_each(c->store->root_fd, "locks", collect_lock_file, c, err))
		return err->code;
	count_entries(c);
	return ASSAY_OK;
}

#define COLLECTION "collection" /* a lock; the time of its file says when the last one ended */

bool assay_store_is_due(struct assay_store *store, const struct assay_retention *policy)
{
	struct stat st;

	return policy->every_s != ASSAY_KEEP_FOREVER &&
	       (fstatat(store->locks_fd, COLLECTION, &st, AT_SYMLINK_NOFOLLOW) || st.st_size == 0 ||
		assay_time_now() - st.st_mtim.tv_sec >= policy->every_s);
}

static enum assay_code collect_locked(struct assay_store *store, const struct assay_retention *policy, int lock,
				      struct assay_store_collected *ret, struct assay_error *err)
{
	struct collection c = { .store = store, .policy = policy, .result = ret };
	enum assay_code code;

	c.now = assay_time_now();
	c.floor = c.now - policy->grace_s;
	assay_progress_start("collect", "%s%s", store->root, policy->dry_run ? ", nothing is removed" : "");
	assay_store_renew(store); /* what this process used before is written down */
	code = collect(&c, err);
	assay_progress_end(code ? "failed" : "done");
	store_census_release(&c.census);
	/* a byte in it: one ended, and it is no file that a dry run or a waiting process just made */
	if (!code && !policy->dry_run && pwrite(lock, "\n", 1, 0) != 1)
		code = assay_fail_errno(err, "store %s: locks/" COLLECTION, store->root);
	return code;
}

enum assay_code assay_store_collect(struct assay_store *store, const struct assay_retention *policy,
				    struct assay_store_collected *ret, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int lock = -1;

	*ret = (struct assay_store_collected){ 0 };
	if (assay_store_lock(store, COLLECTION, &lock, err))
		return err->code;
	return collect_locked(store, policy, lock, ret, err);
}

enum assay_code assay_store_collect_if_due(struct assay_store *store, const struct assay_retention *policy,
					   bool *ret_done, struct assay_store_collected *ret, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int lock = -1;

	*ret_done = false;
	*ret = (struct assay_store_collected){ 0 };
	if (!assay_store_is_due(store, policy))
		return ASSAY_OK;
	if (assay_store_lock(store, COLLECTION, &lock, err))
		return err->code;
	if (!assay_store_is_due(store, policy))
		return ASSAY_OK; /* another process just did it */
	if (collect_locked(store, policy, lock, ret, err))
		return err->code;
	*ret_done = true;
	return ASSAY_OK;
}
