/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs: in by draft, flush and rename; out only after their bytes have been hashed again.  A blob
 * whose bytes are wrong (a bad disk, a hand in the store, a symbolic link in its place) is moved
 * aside and never used.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/path.h"
#include "assay/process.h"
#include "assay/time.h"
#include "remote.h"

#define BLOCK 131072

static void blob_name(const struct assay_digest *digest, char out[BLOB_NAME_MAX])
{
	char hex[ASSAY_DIGEST_TEXT];

	assay_digest_hex(digest, hex);
	snprintf(out, BLOB_NAME_MAX, "%.2s/%s", hex, hex);
}

enum assay_code store_draft_open(struct store_draft *draft, struct assay_store *store,
				 struct assay_error *err)
{
	uint64_t nonce;

	draft->store = store;
	draft->hasher = assay_hasher_new();
	if (!draft->hasher)
		return assay_fail(err, ASSAY_ENOMEM, "store %s: out of memory", store->root);
	if (getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce))
		return assay_fail_errno(err, "getrandom");
	snprintf(draft->name, sizeof(draft->name), "b-%016llx", (unsigned long long)nonce);
	draft->fd = openat(store->own_fd, draft->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (draft->fd < 0) {
		draft->name[0] = '\0';
		return assay_fail_errno(err, "store %s: create a draft", store->root);
	}
	return ASSAY_OK;
}

enum assay_code store_draft_add(struct store_draft *draft, const void *data, size_t len,
				struct assay_error *err)
{
	if (len > ASSAY_MAX_BLOB - draft->size)
		return assay_fail(err, ASSAY_ELIMIT, "want at most %llu bytes",
				  (unsigned long long)ASSAY_MAX_BLOB);
	if (assay_fd_write(draft->fd, data, len, err))
		return assay_context(err, "store %s", draft->store->root);
	assay_hasher_add(draft->hasher, data, len);
	draft->size += len;
	return ASSAY_OK;
}

enum assay_code store_draft_rewind(struct store_draft *draft, struct assay_error *err)
{
	struct assay_digest unused;

	if (ftruncate(draft->fd, 0) || lseek(draft->fd, 0, SEEK_SET) != 0)
		return assay_fail_errno(err, "store %s: begin a draft again", draft->store->root);
	assay_hasher_end(draft->hasher, &unused);
	draft->size = 0;
	return ASSAY_OK;
}

/* The folder of a blob, locked against collections: between their look at a blob's time and its end there is room for
 * no use and no new blob.  Through a descriptor of our own, because threads share the others. */
static int lock_folder(struct assay_store *store, const char *name)
{
	char fan_out[3] = { name[0], name[1], '\0' };
	int fd = openat(store->blobs_fd, fan_out, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	while (fd >= 0 && flock(fd, LOCK_SH) && errno == EINTR)
		;
	return fd;
}

/* A directory or a link in the blob's place would stop or misdirect the rename: out of the way. */
static enum assay_code put_in_place(struct store_draft *draft, const char *name,
				    struct assay_error *err)
{
	struct assay_store *store = draft->store;
	char fan_out[3] = { name[0], name[1], '\0' };
	assay_auto(assay_fd_closep) int folder = -1;

	if (mkdirat(store->blobs_fd, fan_out, 0755) && errno != EEXIST)
		return assay_fail_errno(err, "create blobs/%s", fan_out);
	folder = lock_folder(store, name);
	if (folder < 0)
		return assay_fail_errno(err, "open blobs/%s", fan_out);
	if (renameat(store->own_fd, draft->name, store->blobs_fd, name)) {
		if (errno != EISDIR)
			return assay_fail_errno(err, "rename to blobs/%s", name);
		if (assay_path_remove_tree(store->blobs_fd, name, err))
			return err->code;
		if (renameat(store->own_fd, draft->name, store->blobs_fd, name))
			return assay_fail_errno(err, "rename to blobs/%s", name);
	}
	draft->name[0] = '\0';
	if (fsync(folder) && errno != EINVAL)
		return assay_fail_errno(err, "flush blobs/%s", fan_out);
	return ASSAY_OK;
}

/* ---- a remote store ------------------------------------------------------------------------------- */

static enum assay_code publish(struct assay_store *store, const struct assay_digest *digest, uint64_t size,
			       struct assay_error *err)
{
	struct store_remote *remote = store->remote;
	struct assay_error looked = ASSAY_ERROR_INIT;
	assay_auto(assay_fd_closep) int fd = -1;
	struct store_remote_entry entry;
	char name[BLOB_NAME_MAX];

	if (!remote->ops->look(remote, digest, &entry, &looked) && entry.bytes == size &&
	    entry.time > assay_time_now() - STORE_FRESH_S)
		return ASSAY_OK;
	if (looked.code && looked.code != ASSAY_ENOTFOUND) {
		*err = looked;
		return err->code;
	}
	blob_name(digest, name);
	fd = openat(store->blobs_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return assay_fail_errno(err, "store %s: blob %s", store->root, name + 3);
	return remote->ops->put(remote, digest, fd, size, err);
}

static enum assay_code check_draft(struct store_draft *draft, const struct assay_digest *want,
				   struct assay_digest *ret_have, struct assay_error *err)
{
	char have_hex[ASSAY_DIGEST_TEXT], want_hex[ASSAY_DIGEST_TEXT];

	assay_hasher_end(draft->hasher, ret_have);
	if (!want || assay_digest_equal(want, ret_have))
		return ASSAY_OK;
	return assay_fail(err, ASSAY_EUNTRUSTED, "want sha256 %s, have sha256 %s (%llu bytes)",
			  assay_digest_hex(want, want_hex), assay_digest_hex(ret_have, have_hex),
			  (unsigned long long)draft->size);
}

enum assay_code store_draft_commit(struct store_draft *draft, const struct assay_digest *want,
				   struct assay_digest *ret, uint64_t *ret_size,
				   struct assay_error *err)
{
	char name[BLOB_NAME_MAX];
	struct assay_digest have;
	int fd = draft->fd;

	if (check_draft(draft, want, &have, err))
		return err->code;
	if (fchmod(fd, 0444) || fsync(fd))
		return assay_fail_errno(err, "store %s: flush a draft", draft->store->root);
	draft->fd = -1;
	if (close(fd))
		return assay_fail_errno(err, "store %s: close a draft", draft->store->root);
	blob_name(&have, name);
	if (put_in_place(draft, name, err))
		return assay_context(err, "store %s", draft->store->root);
	if (draft->store->remote && !draft->fetched && publish(draft->store, &have, draft->size, err))
		return err->code;
	if (ret)
		*ret = have;
	if (ret_size)
		*ret_size = draft->size;
	return ASSAY_OK;
}

void store_draft_release(struct store_draft *draft)
{
	assay_fd_closep(&draft->fd);
	if (draft->name[0])
		unlinkat(draft->store->own_fd, draft->name, 0);
	assay_hasher_free(draft->hasher);
	*draft = (struct store_draft)STORE_DRAFT_INIT;
}

enum assay_code assay_store_put_fd(struct assay_store *store, int fd,
				   const struct assay_digest *want, struct assay_digest *ret,
				   uint64_t *ret_size, struct assay_error *err)
{
	assay_auto(store_draft_release) struct store_draft draft = STORE_DRAFT_INIT;
	assay_auto(assay_freep) uint8_t *block = malloc(BLOCK);

	if (!block)
		return assay_fail(err, ASSAY_ENOMEM, "store %s: out of memory", store->root);
	if (store_draft_open(&draft, store, err))
		return err->code;
	for (;;) {
		ssize_t got = read(fd, block, BLOCK);

		if (assay_interrupted)
			return assay_fail(err, ASSAY_EINTERRUPTED, "interrupted while storing");
		if (got == 0)
			return store_draft_commit(&draft, want, ret, ret_size, err);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return assay_fail_errno(err, "read");
		if (store_draft_add(&draft, block, (size_t)got, err))
			return err->code;
	}
}

enum assay_code assay_store_put_span(struct assay_store *store, struct assay_span bytes,
				     struct assay_digest *ret, struct assay_error *err)
{
	assay_auto(store_draft_release) struct store_draft draft = STORE_DRAFT_INIT;

	if (store_draft_open(&draft, store, err) ||
	    store_draft_add(&draft, bytes.data, bytes.len, err))
		return err->code;
	return store_draft_commit(&draft, NULL, ret, NULL, err);
}

/* A use sets the blob's time, so that no collection takes it away under whoever goes on to rely on it. */
static bool use(struct assay_store *store, const char *name)
{
	assay_auto(assay_fd_closep) int folder = -1;
	struct stat st;

	if (fstatat(store->blobs_fd, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
		return false;
	if (st.st_mtim.tv_sec > __atomic_load_n(&store->since, __ATOMIC_RELAXED))
		return true;
	folder = lock_folder(store, name);
	return utimensat(store->blobs_fd, name, NULL, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

static bool is_remote(struct assay_store *store, const struct assay_digest *digest)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	struct store_remote_entry entry;

	if (!store->remote)
		return false;
	if (!store->remote->ops->look(store->remote, digest, &entry, &err))
		return true;
	if (err.code != ASSAY_ENOTFOUND)
		assay_log(ASSAY_LOG_WARNING, "%s", err.msg);
	return false;
}

bool assay_store_has(struct assay_store *store, const struct assay_digest *digest)
{
	char name[BLOB_NAME_MAX];

	blob_name(digest, name);
	return use(store, name) || is_remote(store, digest);
}

/* Moves a bad blob aside, unless another process has put a new one in its place meanwhile. */
static enum assay_code condemn(struct assay_store *store, const char *name, const struct stat *bad,
			       const char *what, struct assay_error *err)
{
	struct assay_error ignored = ASSAY_ERROR_INIT;
	char aside[BLOB_NAME_MAX + sizeof(STORE_CORRUPT)];
	struct stat now;

	snprintf(aside, sizeof(aside), "%s" STORE_CORRUPT, name);
	if (fstatat(store->blobs_fd, name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	    now.st_ino == bad->st_ino && now.st_dev == bad->st_dev &&
	    (assay_path_remove_tree(store->blobs_fd, aside, &ignored) ||
	     renameat(store->blobs_fd, name, store->blobs_fd, aside)))
		return assay_fail(err, ASSAY_EUNTRUSTED,
				  "store %s: blob %s: %s; it could not be moved aside: remove it",
				  store->root, name + 3, what);
	return assay_fail(err, ASSAY_EUNTRUSTED, "store %s: blob %s: %s; moved aside to blobs/%s",
			  store->root, name + 3, what, aside);
}

static enum assay_code open_blob(struct assay_store *store, const char *name, int *ret_fd,
				 struct stat *ret_stat, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = -1;

	if (fstatat(store->blobs_fd, name, ret_stat, AT_SYMLINK_NOFOLLOW))
		return assay_fail_errno(err, "store %s: blob %s", store->root, name + 3);
	if (!S_ISREG(ret_stat->st_mode))
		return condemn(store, name, ret_stat, "want a regular file, have something else",
			       err);
	fd = openat(store->blobs_fd, name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, ret_stat))
		return assay_fail_errno(err, "store %s: blob %s", store->root, name + 3);
	if (!S_ISREG(ret_stat->st_mode))
		return assay_fail(err, ASSAY_EUNTRUSTED, "store %s: blob %s: want a regular file",
				  store->root, name + 3);
	*ret_fd = fd;
	fd = -1;
	return ASSAY_OK;
}

/* Reads fd to its end, hashing, and copying to out unless that is -1. */
static enum assay_code hash_and_copy(int fd, int out, struct assay_digest *ret,
				     struct assay_error *err)
{
	assay_auto(assay_hasher_freep) struct assay_hasher *hasher = assay_hasher_new();
	assay_auto(assay_freep) uint8_t *block = malloc(BLOCK);

	if (!hasher || !block)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	for (;;) {
		ssize_t got = read(fd, block, BLOCK);

		if (assay_interrupted)
			return assay_fail(err, ASSAY_EINTERRUPTED, "interrupted");
		if (got == 0)
			break;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return assay_fail_errno(err, "read");
		assay_hasher_add(hasher, block, (size_t)got);
		if (out >= 0 && assay_fd_write(out, block, (size_t)got, err))
			return err->code;
	}
	assay_hasher_end(hasher, ret);
	return ASSAY_OK;
}

static enum assay_code check_blob(struct assay_store *store, const struct assay_digest *digest,
				  const char *name, int fd, int out, const struct stat *st,
				  struct assay_error *err)
{
	char hex[ASSAY_DIGEST_TEXT], what[ASSAY_DIGEST_TEXT + 40];
	struct assay_digest have;

	if (hash_and_copy(fd, out, &have, err))
		return assay_context(err, "store %s: blob %s", store->root, name + 3);
	if (assay_digest_equal(digest, &have))
		return ASSAY_OK;
	snprintf(what, sizeof(what), "its bytes have sha256 %s", assay_digest_hex(&have, hex));
	return condemn(store, name, st, what, err);
}

/* Wrong bytes there are moved aside like those here. */
static enum assay_code condemn_there(struct assay_store *store, const struct assay_digest *digest,
				     struct assay_error *err)
{
	struct assay_error aside = ASSAY_ERROR_INIT;
	char hex[ASSAY_DIGEST_TEXT];
	bool moved = !store->remote->ops->condemn(store->remote, digest, &aside);

	return assay_context(err, "%.*s: blob %s, %s", (int)strcspn(store->name, "?"), store->name,
			     assay_digest_hex(digest, hex),
			     moved ? "moved aside to " STORE_CORRUPT : "which could not be moved aside");
}

/* From the remote store into the directory; keep false: only to look whether it could be. */
static enum assay_code bring(struct assay_store *store, const struct assay_digest *digest, bool keep,
			     struct assay_error *err)
{
	assay_auto(store_draft_release) struct store_draft draft = STORE_DRAFT_INIT;
	struct assay_digest have;
	enum assay_code code;

	draft.fetched = true;
	if (store_draft_open(&draft, store, err) || store->remote->ops->get(store->remote, digest, &draft, err))
		return err->code;
	code = keep ? store_draft_commit(&draft, digest, NULL, NULL, err) : check_draft(&draft, digest, &have, err);
	return code == ASSAY_EUNTRUSTED ? condemn_there(store, digest, err) : code;
}

enum assay_code store_remote_check(struct assay_store *store, const struct assay_digest *digest,
				   struct assay_error *err)
{
	return bring(store, digest, false, err);
}

/* Makes sure that the directory has it, when there is another place to get it from. */
static enum assay_code obtain(struct assay_store *store, const struct assay_digest *digest, struct assay_error *err)
{
	char name[BLOB_NAME_MAX];

	blob_name(digest, name);
	return use(store, name) || !store->remote ? ASSAY_OK : bring(store, digest, true, err);
}

enum assay_code store_blob_check(struct assay_store *store, const struct assay_digest *digest,
				 struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = -1;
	char name[BLOB_NAME_MAX];
	struct stat st;

	blob_name(digest, name);
	return open_blob(store, name, &fd, &st, err) ? err->code :
						       check_blob(store, digest, name, fd, -1, &st, err);
}

enum assay_code assay_store_get(struct assay_store *store, const struct assay_digest *digest,
				int *ret_fd, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = -1;
	char name[BLOB_NAME_MAX];
	struct stat st;

	blob_name(digest, name);
	if (obtain(store, digest, err) || open_blob(store, name, &fd, &st, err) ||
	    check_blob(store, digest, name, fd, -1, &st, err))
		return err->code;
	if (lseek(fd, 0, SEEK_SET) != 0)
		return assay_fail_errno(err, "store %s: blob %s", store->root, name + 3);
	*ret_fd = fd;
	fd = -1;
	return ASSAY_OK;
}

enum assay_code assay_store_copy_to(struct assay_store *store, const struct assay_digest *digest,
				    int dirfd, const char *name, struct assay_error *err)
{
	assay_auto(assay_draft_release) struct assay_draft draft = ASSAY_DRAFT_INIT;
	assay_auto(assay_fd_closep) int fd = -1;
	char blob[BLOB_NAME_MAX];
	struct stat st;

	blob_name(digest, blob);
	if (obtain(store, digest, err) || open_blob(store, blob, &fd, &st, err) ||
	    assay_draft_open(&draft, dirfd, name, 0644, err) ||
	    check_blob(store, digest, blob, fd, draft.fd, &st, err))
		return assay_context(err, "copy to %s", name);
	return assay_draft_commit(&draft, err);
}
