/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Environments in the store:
 *	<store>/environments/<lock digest>/root         the tree
 *	<store>/environments/<lock digest>/record.json  what it is
 *	<store>/environments/<lock digest>/contents     digests by inode, for the next stage
 * made under tmp and renamed whole.  An environment is made stage by stage; the first stages of a
 * lock are a lock themselves, and their environment is kept under its digest for the next one.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/path.h"
#include "assay/time.h"
#include "install.h"
#include "mirror.h"
#include "tree.h"

/* The host's skeleton is made for one job; locked environments stay. */
static void release_host(struct assay_environment *environment)
{
	struct assay_error ignored = ASSAY_ERROR_INIT;

	for (const struct assay_box_mount *m = environment->mounts; m->source; m++)
		free((void *)m->source);
	free((void *)environment->mounts);
	if (assay_path_remove_tree(AT_FDCWD, environment->root, &ignored))
		assay_log(ASSAY_LOG_WARNING, "%s", ignored.msg);
}

void assay_environment_release(struct assay_environment *environment)
{
	if (environment->mounts)
		release_host(environment);
	free(environment->root);
	json_decref(environment->record);
	if (environment->lock_fd > 0)
		close(environment->lock_fd);
	*environment = (struct assay_environment){ .lock_fd = -1 };
}

/* The lock of the packages before end. */
static enum assay_code prefix(const struct assay_lock *lock, size_t end, struct assay_lock *ret,
			      struct assay_error *err)
{
	*ret = *lock;
	ret->arena = (struct assay_arena)ASSAY_ARENA_INIT(0);
	ret->package_count = end;
	return debian_lock_seal(ret, err);
}

/* The first package of the last stage. */
static size_t last_stage(const struct assay_lock *lock)
{
	size_t i = lock->package_count - 1;

	while (i > 0 && lock->packages[i - 1].stage == lock->packages[i].stage)
		i--;
	return i;
}

/* Fetches what the store lacks.  The mirror is asked only then: with all packages at hand an
 * environment needs no network. */
static enum assay_code fetch_packages(struct assay_store *store, const struct assay_lock *lock,
				      struct assay_error *err)
{
	assay_auto(debian_mirror_release) struct debian_mirror mirror = DEBIAN_MIRROR_INIT;
	assay_auto(assay_freep) struct debian_download *list =
		calloc(lock->package_count, sizeof(*list));
	size_t count = 0;

	if (!list)
		return assay_fail(err, ASSAY_ENOMEM, "packages: out of memory");
	for (size_t i = 0; i < lock->package_count; i++)
		if (!assay_store_has(store, &lock->packages[i].sha256))
			list[count++].file = &lock->packages[i];
	if (!count)
		return ASSAY_OK;
	if (debian_mirror_open(store, &mirror, err))
		return err->code;
	for (size_t i = 0; i < count; i++) {
		const struct assay_debian_file *p = list[i].file;
		const struct debian_stanza *stanza = debian_mirror_package(
			&mirror, assay_span_text(p->package), assay_span_text(p->version),
			p->architecture);

		/* an older version may still lie in the pool */
		list[i].repository = stanza ? stanza->index->repository
					    : mirror.indices[0].repository;
	}
	return debian_download_all(&mirror, list, count, err);
}

static json_t *tool_versions(void)
{
	static const char *const tools[][3] = { { "mmdebstrap", "--version", NULL },
						{ "apt-get", "--version", NULL },
						{ "dpkg", "--version", NULL } };
	json_t *object = assay_json_object();

	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
		assay_auto(assay_buf_release) struct assay_buf out = ASSAY_BUF_INIT(65536);
		struct assay_process process = ASSAY_PROCESS_INIT;
		struct assay_error ignored = ASSAY_ERROR_INIT;
		struct assay_span rest, line = { NULL, 0 };
		char shown[160];

		process.argv = tools[i];
		process.out = &out;
		if (assay_process_must(&process, &ignored))
			continue;
		rest = assay_buf_span(&out);
		assay_span_next_line(&rest, &line);
		assay_json_set_text(object, tools[i][0],
				    assay_span_show(line, shown, sizeof(shown)));
	}
	return object;
}

static json_t *make_record(const struct assay_lock *lock, const struct assay_digest *digest)
{
	json_t *record = assay_json_object();
	char hex[ASSAY_DIGEST_TEXT];

	assay_json_set_text(record, "kind", "debian");
	assay_json_set_text(record, "suite", lock->suite);
	assay_json_set_text(record, "architecture", lock->architecture);
	assay_json_set_text(record, "usr", lock->usr_is_split ? "split" : "merged");
	assay_json_set_int(record, "epoch", lock->epoch);
	assay_json_set_int(record, "packages", (int64_t)lock->package_count);
	assay_json_set_text(record, "lock", assay_digest_hex(&lock->digest, hex));
	assay_json_set_text(record, "digest", assay_digest_hex(digest, hex));
	assay_json_set(record, "tools", tool_versions());
	return record;
}

static enum assay_code out_of_memory(struct assay_error *err)
{
	return assay_fail(err, ASSAY_ENOMEM, "environment: out of memory");
}

/* A collection may have moved it away between open and lock. */
static bool is_still(const char *directory, int fd)
{
	struct stat here, there;

	return fstat(fd, &here) == 0 && lstat(directory, &there) == 0 &&
	       here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

static enum assay_code take(const char *directory, struct assay_environment *ret, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MIB);
	struct stat st;

	ret->lock_fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (ret->lock_fd < 0)
		return errno == ENOENT
			       ? assay_fail(err, ASSAY_ENOTFOUND, "%s: not made yet", directory)
			       : assay_fail_errno(err, "%s", directory);
	if (flock(ret->lock_fd, LOCK_SH))
		return assay_fail_errno(err, "%s", directory);
	if (!is_still(directory, ret->lock_fd))
		return assay_fail(err, ASSAY_ENOTFOUND, "%s: was removed", directory);
	if (fstatat(ret->lock_fd, "root", &st, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(st.st_mode))
		return assay_fail_errno(err, "%s", directory);
	/* the time of its last use, for collections; of another user's environment it is not ours to set */
	if (futimens(ret->lock_fd, NULL))
		assay_log(ASSAY_LOG_DEBUG, "%s: %s", directory, strerror(errno));
	if (assay_file_read(ret->lock_fd, "record.json", &text, err) ||
	    assay_json_parse(assay_buf_span(&text), "record.json", &ret->record, err))
		return assay_context(err, "%s", directory);
	if (!assay_digest_parse(assay_span_text(assay_json_text(ret->record, "digest", "")),
				&ret->digest))
		return assay_fail(err, ASSAY_EIO, "%s: record.json: want a digest", directory);
	ret->root = assay_path_join(directory, "root");
	return ret->root ? ASSAY_OK : out_of_memory(err);
}

/* A damaged one is not held: who makes it anew wants its lock. */
enum assay_code debian_environment_take(const char *directory, struct assay_environment *ret,
					struct assay_error *err)
{
	enum assay_code code = take(directory, ret, err);

	if (code) {
		assay_fd_closep(&ret->lock_fd);
		ret->lock_fd = -1;
	}
	return code;
}

/* Digests a tree; files it shares with the stage before are known by their inodes.  Without that
 * list all is read, which gives the same. */
static enum assay_code digest_tree(const struct debian_stage *stage, int made,
				   struct assay_digest *ret, struct assay_error *err)
{
	assay_auto(debian_contents_release) struct debian_contents known = { 0 };
	assay_auto(debian_contents_release) struct debian_contents contents = { 0 };
	assay_auto(assay_fd_closep) int root = -1;
	assay_auto(assay_fd_closep) int base = -1;
	struct assay_error ignored = ASSAY_ERROR_INIT;

	if (stage->base)
		base = open(stage->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (base >= 0 && debian_contents_read(base, "../contents", &known, &ignored))
		assay_log(ASSAY_LOG_DEBUG, "%s", ignored.msg);
	root = openat(made, "root", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (root < 0)
		return assay_fail_errno(err, "%s", stage->root);
	if (debian_tree_digest(root, &known, &contents, ret, err))
		return err->code;
	return debian_contents_write(made, "contents", &contents, err);
}

/* Installs into work/, digests, records, and puts the result in its place. */
static enum assay_code make_in(struct debian_stage *stage, const char *final,
			       struct assay_error *err)
{
	assay_auto(assay_json_freep) json_t *record = NULL;
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MIB);
	assay_auto(assay_freep) char *path = assay_path_join(stage->work, "made");
	assay_auto(assay_freep) char *tree = assay_path_join(stage->work, "made/root");
	assay_auto(assay_fd_closep) int made = -1;
	struct assay_digest digest;

	if (!path || !tree)
		return out_of_memory(err);
	if (debian_stage_install(stage, err))
		return err->code;
	if (mkdir(path, 0755) || rename(stage->root, tree))
		return assay_fail_errno(err, "%s", path);
	made = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (made < 0)
		return assay_fail_errno(err, "%s", path);
	if (digest_tree(stage, made, &digest, err))
		return err->code;
	record = make_record(stage->lock, &digest);
	assay_json_dump(record, &text);
	if (assay_buf_check(&text, "record", err) ||
	    assay_file_write(made, "record.json", assay_buf_span(&text), 0644, err))
		return err->code;
	if (syncfs(made))
		return assay_fail_errno(err, "flush %s", path);
	if (rename(path, final))
		return assay_fail_errno(err, "rename to %s", final);
	return ASSAY_OK;
}

static enum assay_code get(struct assay_store *store, const struct assay_lock *lock,
			   struct assay_environment *ret, struct assay_error *err);

static enum assay_code make(struct assay_store *store, const struct assay_lock *lock,
			    const char *final, struct assay_error *err)
{
	struct debian_stage stage = { .store = store, .lock = lock, .end = lock->package_count };
	assay_auto(assay_environment_release) struct assay_environment base = { .lock_fd = -1 };
	assay_auto(assay_freep) char *work = NULL, *root = NULL;
	struct assay_error ignored = ASSAY_ERROR_INIT;
	struct assay_lock before;
	enum assay_code code;

	stage.first = last_stage(lock);
	if (stage.first && (prefix(lock, stage.first, &before, err) ||
			    get(store, &before, &base, err)))
		return err->code;
	stage.base = base.root;
	if (assay_store_make_temp(store, &work, err))
		return err->code;
	root = assay_path_join(work, "root");
	stage.work = work;
	stage.root = root;
	assay_progress_start("environment", "%zu packages%s", stage.end - stage.first,
			     stage.first ? " upon what is there" : "");
	code = root ? make_in(&stage, final, err) : out_of_memory(err);
	assay_progress_end(code ? "failed" : "made");
	if (assay_path_remove_tree(AT_FDCWD, work, &ignored))
		assay_log(ASSAY_LOG_WARNING, "%s", ignored.msg);
	return code;
}

/* One process makes an environment, others wait for it. */
static enum assay_code get(struct assay_store *store, const struct assay_lock *lock,
			   struct assay_environment *ret, struct assay_error *err)
{
	char hex[ASSAY_DIGEST_TEXT], name[ASSAY_DIGEST_TEXT + 16], final[4200];
	assay_auto(assay_fd_closep) int making = -1;

	assay_digest_hex(&lock->digest, hex);
	snprintf(name, sizeof(name), "environment-%s", hex);
	snprintf(final, sizeof(final), "%s/environments", assay_store_root(store));
	if (assay_path_make_dirs(final, 0755, err))
		return err->code;
	snprintf(final, sizeof(final), "%s/environments/%s", assay_store_root(store), hex);
	if (debian_environment_take(final, ret, err) != ASSAY_ENOTFOUND)
		return err->code;
	*err = (struct assay_error)ASSAY_ERROR_INIT;
	if (assay_store_lock(store, name, &making, err))
		return err->code;
	if (debian_environment_take(final, ret, err) != ASSAY_ENOTFOUND)
		return err->code;
	*err = (struct assay_error)ASSAY_ERROR_INIT;
	if (make(store, lock, final, err))
		return err->code;
	return debian_environment_take(final, ret, err);
}

enum assay_code debian_environment_rights(struct assay_error *err)
{
	if (geteuid() == 0)
		return ASSAY_OK;
	return assay_fail(err, ASSAY_EUNSUPPORTED,
			  "making an environment: want root, or a user namespace with a range of ids "
			  "(\"unshare --map-auto --map-root-user assay ...\"); without either, a recipe "
			  "with `base: host` can be built, and environments that are made already can "
			  "be used");
}

enum assay_code assay_environment_debian(struct assay_store *store, const struct assay_lock *lock,
					 struct assay_environment *ret, struct assay_error *err)
{
	struct assay_environment made = { .lock_fd = -1 };
	char hex[ASSAY_DIGEST_TEXT], path[4200];
	enum assay_code code;

	if (!lock->package_count)
		return assay_fail(err, ASSAY_EINPUT, "environment: want packages, the lock has none");
	snprintf(path, sizeof(path), "%s/environments/%s", assay_store_root(store),
		 assay_digest_hex(&lock->digest, hex));
	code = debian_environment_take(path, &made, err);
	made.cached = !code;
	if (code == ASSAY_ENOTFOUND) {
		*err = (struct assay_error)ASSAY_ERROR_INIT;
		if (!debian_environment_rights(err) && !fetch_packages(store, lock, err))
			get(store, lock, &made, err);
	}
	if (err->code) {
		assay_environment_release(&made);
		return assay_context(err, "environment");
	}
	assay_json_set_bool(made.record, "cached", made.cached);
	*ret = made;
	return ASSAY_OK;
}
