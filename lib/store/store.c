/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's directory: opening it, the temporary space of each process, and locks.
 *
 * Whether a process lives is asked of the kernel by flock and never by process id, because ids are
 * reused and differ between containers that share a store.  Every process holds an exclusive flock
 * on its own directory under tmp; a directory whose lock can be had belongs to nobody.  tmp itself
 * is locked (shared by makers, exclusive by the sweeper) for the instant between mkdir and flock.
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
#include "remote.h"

#define VERSION_TEXT "assay-store 1\n"
#define LOCK_NAME_MAX 100

void assay_store_free(struct assay_store *store)
{
	struct assay_error ignored = ASSAY_ERROR_INIT;

	if (!store)
		return;
	if (store->remote)
		store->remote->ops->close(store->remote);
	if (store->curl && store->curl_pid == getpid())
		curl_easy_cleanup(store->curl);
	if (store->own_name && store->pid == getpid() &&
	    assay_path_remove_tree(store->tmp_fd, store->own_name, &ignored))
		assay_log(ASSAY_LOG_WARNING, "store: %s", ignored.msg);
	assay_fd_closep(&store->own_fd);
	assay_fd_closep(&store->tmp_fd);
	assay_fd_closep(&store->locks_fd);
	assay_fd_closep(&store->blobs_fd);
	assay_fd_closep(&store->root_fd);
	free(store->own_name);
	free(store->name);
	free(store->root);
	free(store);
}

void assay_store_freep(struct assay_store **store)
{
	assay_store_free(*store);
}

const char *assay_store_root(const struct assay_store *store)
{
	return store->root;
}

const char *assay_store_name(const struct assay_store *store)
{
	return store->name;
}

static const struct store_remote_ops *const remotes[] = { &store_remote_s3 };

static const struct store_remote_ops *remote_of(const char *name)
{
	for (size_t i = 0; name && i < sizeof(remotes) / sizeof(remotes[0]); i++)
		if (strncmp(name, remotes[i]->scheme, strlen(remotes[i]->scheme)) == 0)
			return remotes[i];
	return NULL;
}

/* What is not a directory lies elsewhere, with the usual directory before it. */
char *assay_store_place(const char *given)
{
	const char *store = getenv("ASSAY_STORE"), *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	char *root = NULL;

	if (given && !remote_of(given))
		return strdup(given);
	if (store && *store && !remote_of(store))
		return strdup(store);
	if (cache && *cache == '/')
		return assay_path_join(cache, "assay");
	if (asprintf(&root, "%s/.cache/assay", home && *home ? home : "") < 0)
		return NULL;
	return root;
}

/* Environments in a store are used as they lie there: whoever may write to it decides what a build
 * sees. */
static enum assay_code check_owner(int fd, struct assay_error *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return assay_fail_errno(err, "stat");
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return assay_fail(err, ASSAY_EUNTRUSTED, "want a directory of our own, have one of "
							 "user %u", (unsigned)st.st_uid);
	if (st.st_mode & S_IWOTH)
		return assay_fail(err, ASSAY_EUNTRUSTED,
				  "want a directory that others cannot write to, have mode %04o",
				  (unsigned)st.st_mode & 07777);
	return ASSAY_OK;
}

static bool is_litter(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	       strcmp(name, "lost+found") == 0 || strncmp(name, ".VERSION.", 9) == 0;
}

/* A store is made in an empty directory only, so that a mistyped --store scatters nothing. */
static enum assay_code check_empty(int root_fd, struct assay_error *err)
{
	assay_auto(assay_dir_closep) DIR *dir = NULL;
	int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return assay_fail_errno(err, "read directory");
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		if (!is_litter(entry->d_name))
			return assay_fail(err, ASSAY_EUSAGE, "want a store or an empty directory, "
							     "have \"%s\" and no VERSION",
					  entry->d_name);
	return ASSAY_OK;
}

static enum assay_code check_version(int root_fd, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(64);
	struct assay_error read_err = ASSAY_ERROR_INIT;

	if (assay_file_read(root_fd, "VERSION", &text, &read_err) == ASSAY_ENOTFOUND) {
		if (check_empty(root_fd, err))
			return err->code;
		return assay_file_write(root_fd, "VERSION", assay_span_text(VERSION_TEXT), 0644,
					err);
	}
	if (read_err.code) {
		*err = read_err;
		return err->code;
	}
	if (strcmp(assay_buf_text(&text), VERSION_TEXT) != 0)
		return assay_fail(err, ASSAY_EUNSUPPORTED, "VERSION: want \"%.*s\", have \"%.40s\"",
				  (int)strlen(VERSION_TEXT) - 1, VERSION_TEXT,
				  assay_buf_text(&text));
	return ASSAY_OK;
}

static enum assay_code open_part(int root_fd, const char *name, int *ret, struct assay_error *err)
{
	if (mkdirat(root_fd, name, 0755) && errno != EEXIST)
		return assay_fail_errno(err, "create %s", name);
	*ret = openat(root_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret < 0)
		return assay_fail_errno(err, "open %s", name);
	return ASSAY_OK;
}

static enum assay_code open_parts(struct assay_store *store, struct assay_error *err)
{
	int environments = -1;
	enum assay_code code;

	if (check_owner(store->root_fd, err))
		return err->code;
	if (flock(store->root_fd, LOCK_EX))
		return assay_fail_errno(err, "lock");
	code = check_version(store->root_fd, err);
	if (!code)
		code = open_part(store->root_fd, "blobs", &store->blobs_fd, err);
	if (!code)
		code = open_part(store->root_fd, "locks", &store->locks_fd, err);
	if (!code)
		code = open_part(store->root_fd, "tmp", &store->tmp_fd, err);
	if (!code)
		code = open_part(store->root_fd, "environments", &environments, err);
	assay_fd_closep(&environments);
	flock(store->root_fd, LOCK_UN);
	return code;
}

/* Takes the lock of an entry of tmp when its owner is dead; -1 when it lives or is gone. */
static int claim_entry(struct assay_store *store, const char *name)
{
	int fd;

	if (flock(store->tmp_fd, LOCK_EX))
		return -1;
	fd = openat(store->tmp_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB)) {
		close(fd);
		fd = -1;
	}
	flock(store->tmp_fd, LOCK_UN);
	return fd;
}

/* Trouble here never stops anybody: what cannot be removed now is tried again at the next open. */
static void sweep(struct assay_store *store)
{
	assay_auto(assay_dir_closep) DIR *dir = NULL;
	struct assay_error err = ASSAY_ERROR_INIT;
	int list = openat(store->tmp_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	dir = list < 0 ? NULL : fdopendir(list);
	for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
		int fd = is_litter(entry->d_name) ? -1 : claim_entry(store, entry->d_name);

		if (fd < 0)
			continue;
		assay_log(ASSAY_LOG_DEBUG, "store %s: removing tmp/%s, left by a dead process",
			  store->root, entry->d_name);
		if (assay_path_remove_tree(store->tmp_fd, entry->d_name, &err))
			assay_log(ASSAY_LOG_WARNING, "store %s: tmp/%s: %s", store->root,
				  entry->d_name, err.msg);
		close(fd);
	}
}

/* The time of this file says since when we depend on what we use. */
static enum assay_code begin(struct assay_store *store, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd =
		openat(store->own_fd, STORE_SINCE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return assay_fail_errno(err, "create tmp/%s/" STORE_SINCE, store->own_name);
	store->since = st.st_mtim.tv_sec;
	return ASSAY_OK;
}

void assay_store_renew(struct assay_store *store)
{
	struct stat st;

	if (utimensat(store->own_fd, STORE_SINCE, NULL, 0) == 0 &&
	    fstatat(store->own_fd, STORE_SINCE, &st, 0) == 0)
		__atomic_store_n(&store->since, st.st_mtim.tv_sec, __ATOMIC_RELAXED);
}

static enum assay_code make_own_directory(struct assay_store *store, struct assay_error *err)
{
	uint64_t nonce;

	if (getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce))
		return assay_fail_errno(err, "getrandom");
	if (asprintf(&store->own_name, "%ld-%016llx", (long)getpid(), (unsigned long long)nonce) <
	    0) {
		store->own_name = NULL;
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	}
	if (flock(store->tmp_fd, LOCK_SH))
		return assay_fail_errno(err, "lock tmp");
	if (mkdirat(store->tmp_fd, store->own_name, 0755))
		assay_fail_errno(err, "create tmp/%s", store->own_name);
	else if ((store->own_fd = openat(store->tmp_fd, store->own_name,
					 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0 ||
		 flock(store->own_fd, LOCK_EX | LOCK_NB))
		assay_fail_errno(err, "lock tmp/%s", store->own_name);
	else
		begin(store, err);
	flock(store->tmp_fd, LOCK_UN);
	return err->code;
}

static enum assay_code open_root(struct assay_store *store, const char *root,
				 struct assay_error *err)
{
	if (assay_path_make_dirs(root, 0755, err))
		return err->code;
	store->root = realpath(root, NULL);
	if (!store->root)
		return assay_fail_errno(err, "resolve");
	store->root_fd = open(store->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->root_fd < 0)
		return assay_fail_errno(err, "open");
	if (open_parts(store, err))
		return err->code;
	sweep(store);
	return make_own_directory(store, err);
}

/* A directory, or a remote store with the usual directory before it. */
static enum assay_code open_named(struct assay_store *store, const char *name, struct assay_error *err)
{
	const struct store_remote_ops *remote = remote_of(name);
	assay_auto(assay_freep) char *path = assay_store_place(name);

	if (!path)
		return assay_fail(err, ASSAY_ENOMEM, "store: out of memory");
	if ((remote && remote->open(name, &store->remote, err)) || open_root(store, path, err))
		return assay_context(err, "store %.*s", (int)strcspn(store->remote || !remote ? path : name, "?"),
				     store->remote || !remote ? path : name);
	store->name = strdup(remote ? name : store->root);
	return store->name ? ASSAY_OK : assay_fail(err, ASSAY_ENOMEM, "store: out of memory");
}

enum assay_code assay_store_open(const char *root, struct assay_store **ret,
				 struct assay_error *err)
{
	assay_auto(assay_store_freep) struct assay_store *store = calloc(1, sizeof(*store));
	const char *variable = getenv("ASSAY_STORE");

	if (store)
		store->root_fd = store->blobs_fd = store->locks_fd = store->tmp_fd =
			store->own_fd = -1;
	if (!store)
		return assay_fail(err, ASSAY_ENOMEM, "store: out of memory");
	store->pid = getpid();
	*err = (struct assay_error)ASSAY_ERROR_INIT;
	if (open_named(store, root ? root : variable && *variable ? variable : NULL, err))
		return err->code;
	*ret = assay_steal(store);
	return ASSAY_OK;
}

enum assay_code assay_store_make_temp(struct assay_store *store, char **ret,
				      struct assay_error *err)
{
	assay_auto(assay_freep) char *own = NULL;

	if (asprintf(&own, "%s/tmp/%s", store->root, store->own_name) < 0) {
		own = NULL;
		return assay_fail(err, ASSAY_ENOMEM, "store %s: out of memory", store->root);
	}
	if (assay_path_make_temp(own, "t-", ret, err))
		return assay_context(err, "store %s", store->root);
	return ASSAY_OK;
}

/* A name that is no plain file name is locked by its digest. */
static void lock_file_name(const char *name, char out[LOCK_NAME_MAX + 1])
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._-";
	struct assay_digest digest;
	size_t len = strlen(name);

	if (len && len <= LOCK_NAME_MAX && name[0] != '.' && strspn(name, plain) == len) {
		memcpy(out, name, len + 1);
		return;
	}
	assay_digest_span(assay_span_text(name), &digest);
	assay_digest_hex(&digest, out);
}

static enum assay_code wait_for_lock(int fd, const char *name, struct assay_error *err)
{
	static const struct timespec nap = { .tv_nsec = 100 * 1000 * 1000 };

	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return ASSAY_OK;
	if (errno == EWOULDBLOCK)
		assay_log(ASSAY_LOG_NOTE, "waiting for another process that works on %s", name);
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return assay_fail_errno(err, "lock %s", name);
		if (assay_interrupted)
			return assay_fail(err, ASSAY_EINTERRUPTED, "lock %s: interrupted", name);
		nanosleep(&nap, NULL);
	}
	return ASSAY_OK;
}

enum assay_code assay_store_lock(struct assay_store *store, const char *name, int *ret_fd,
				 struct assay_error *err)
{
	char file[LOCK_NAME_MAX + 1];
	struct stat st;

	lock_file_name(name, file);
	for (;;) {
		assay_auto(assay_fd_closep) int fd = openat(
			store->locks_fd, file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);

		if (fd < 0)
			return assay_fail_errno(err, "store %s: locks/%s", store->root, file);
		if (wait_for_lock(fd, name, err))
			return assay_context(err, "store %s", store->root);
		if (fstat(fd, &st) == 0 && st.st_nlink == 0)
			continue; /* a collection removed the file meanwhile: no lock to others */
		*ret_fd = fd;
		fd = -1;
		return ASSAY_OK;
	}
}
