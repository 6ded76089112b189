/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libgit2 as an object reader: no configuration of the system or the user is read, no owner is asked
 * for (nothing of a repository's configuration is executed here, so "safe.directory" protects
 * nothing), and each object is hashed again when it is read.
 */
#include "repository.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "assay/cleanup.h"
#include "assay/digest.h"
#include "assay/jail.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/path.h"
#include "assay/process.h"
#include "assay/vcs.h"
#include "fetch.h"

bool repository_library_start(void)
{
	static const git_config_level_t levels[] = { GIT_CONFIG_LEVEL_PROGRAMDATA,
						     GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG,
						     GIT_CONFIG_LEVEL_GLOBAL };

	struct assay_error ignored;

	if (git_late_load(&ignored) || git_libgit2_init() < 0)
		return false;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1);
	/* packs are mapped in windows; all of them are within what a jail may map */
	git_libgit2_opts(GIT_OPT_SET_MWINDOW_SIZE, (size_t)(32 * ASSAY_MIB));
	git_libgit2_opts(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, (size_t)ASSAY_GIB);
	return true;
}

enum assay_code repository_fail(struct assay_error *err, int status, const char *fmt, ...)
{
	const git_error *last = git_error_last();
	char what[ASSAY_ERROR_MAX / 2];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	return assay_fail(err,
			  status == GIT_ENOTFOUND   ? ASSAY_ENOTFOUND
			  : status == GIT_EMISMATCH ? ASSAY_EUNTRUSTED
						    : ASSAY_EIO,
			  "%s: %.300s", what, last && last->message ? last->message : "git failed");
}

/* The part of location behind prefix, when prefix ends at a component. */
static const char *behind_prefix(const char *location, const char *prefix, size_t len)
{
	if (len == 0 || strncmp(location, prefix, len) != 0)
		return NULL;
	if (prefix[len - 1] == '/' || location[len] == '/' || location[len] == '\0' ||
	    strcmp(location + len, ".git") == 0)
		return location + len;
	return NULL;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* "<path><rest>", tried as it is, with ".git" and without. */
static enum assay_code find_in_mirror(const char *path, const char *rest, const char *location,
				      char **ret, struct assay_error *err)
{
	size_t rest_len = strlen(rest);

	for (int form = 0; form < 3; form++) {
		assay_auto(assay_freep) char *full = NULL;
		size_t keep = rest_len;

		if (form == 2) {
			if (keep < 4 || strcmp(rest + keep - 4, ".git") != 0)
				continue;
			keep -= 4;
		}
		if (asprintf(&full, "%s%.*s%s", path, (int)keep, rest, form == 1 ? ".git" : "") < 0)
			return assay_fail(err, ASSAY_ENOMEM, "out of memory");
		if (is_directory(full)) {
			*ret = assay_steal(full);
			return ASSAY_OK;
		}
	}
	return assay_fail(err, ASSAY_ENOTFOUND, "%s: its mirror has no git repository at %s%s",
			  location, path, rest);
}

static enum assay_code find_mirror(const char *const *mirrors, const char *location,
				   const char **ret_path, const char **ret_rest,
				   struct assay_error *err)
{
	size_t longest = 0;

	for (; mirrors && *mirrors; mirrors++) {
		const char *equals = strchr(*mirrors, '=');
		size_t len = equals ? (size_t)(equals - *mirrors) : 0;
		const char *rest;

		if (!equals || len == 0 || equals[1] == '\0')
			return assay_fail(err, ASSAY_EUSAGE,
					  "mirror: want PREFIX=PATH, have \"%.200s\"", *mirrors);
		rest = behind_prefix(location, *mirrors, len);
		if (!rest || len <= longest)
			continue;
		longest = len;
		*ret_path = equals + 1;
		*ret_rest = rest;
	}
	return ASSAY_OK;
}

enum assay_code assay_vcs_mirror(const char *const *mirrors, const char *url, char **ret,
				 struct assay_error *err)
{
	const char *path = NULL, *rest = NULL;
	char *joined = NULL;

	if (find_mirror(mirrors, url, &path, &rest, err))
		return err->code;
	if (path && asprintf(&joined, "%s%s", path, rest) < 0)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	*ret = joined;
	return ASSAY_OK;
}

struct question {
	const char *path, *commit;
};

/* In the jail: is the commit there? */
static enum assay_code look_for_commit(void *data, struct assay_buf *answer, struct assay_error *err)
{
	const struct question *question = data;
	git_repository *repository = NULL;
	git_commit *found = NULL;
	git_oid oid;

	if (repository_open(question->path, &repository, err))
		return err->code;
	if (git_oid_fromstr(&oid, question->commit) == 0 &&
	    git_commit_lookup(&found, repository, &oid) == 0)
		assay_buf_add_text(answer, "y");
	return ASSAY_OK;
}

static enum assay_code has_commit(const char *path, const char *commit, bool *ret,
				  struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf answer = ASSAY_BUF_INIT(1);
	const char *const readable[] = { path, NULL };
	struct assay_jail jail = { .what = path, .answer_max = 1, .readable = readable };
	struct question question = { path, commit };

	if (assay_jail_run(&jail, look_for_commit, &question, &answer, err))
		return err->code;
	*ret = answer.len > 0;
	return ASSAY_OK;
}

/* Made under another name and renamed, so that a bare repository is there whole or not at all. */
static enum assay_code make_bare(const char *cache, const char *path, struct assay_error *err)
{
	assay_auto(assay_freep) char *draft = NULL;
	git_repository *repository = NULL;
	struct assay_error ignored;
	int status;

	if (faccessat(AT_FDCWD, path, F_OK, 0) == 0)
		return ASSAY_OK;
	if (assay_path_make_temp(cache, "new-", &draft, err))
		return err->code;
	status = git_repository_init(&repository, draft, 1);
	git_repository_free(repository);
	if (!status && rename(draft, path) == 0)
		return ASSAY_OK;
	if (status)
		repository_fail(err, status, "create %s", draft);
	else
		assay_fail_errno(err, "create %s", path);
	(void)!assay_path_remove_tree(AT_FDCWD, draft, &ignored);
	return err->code;
}

/* Waits in steps, so that a signal is heard. */
static enum assay_code lock_file(const char *path, int *ret_fd, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	bool said = false;

	if (fd < 0)
		return assay_fail_errno(err, "%s", path);
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return assay_fail_errno(err, "lock %s", path);
		if (assay_interrupted)
			return assay_fail(err, ASSAY_EINTERRUPTED, "interrupted");
		if (!said)
			assay_log(ASSAY_LOG_NOTE, "waiting for another assay that fetches the same repository");
		said = true;
		usleep(100000);
	}
	*ret_fd = fd;
	fd = -1;
	return ASSAY_OK;
}

static enum assay_code fetch_cached(const char *cache, const char *url, const char *commit,
				    char **ret, struct assay_error *err)
{
	assay_auto(assay_freep) char *path = NULL;
	assay_auto(assay_freep) char *lock = NULL;
	assay_auto(assay_fd_closep) int lock_fd = -1;
	char hex[ASSAY_DIGEST_TEXT];
	struct assay_digest key;
	bool has = false;

	if (!cache)
		return assay_fail(err, ASSAY_EUSAGE, "%s: nowhere to fetch it to", url);
	assay_digest_span(assay_span_text(url), &key);
	assay_digest_hex(&key, hex);
	if (asprintf(&path, "%s/%s.git", cache, hex) < 0 || asprintf(&lock, "%s.lock", path) < 0)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (assay_path_make_dirs(cache, 0755, err) || lock_file(lock, &lock_fd, err) ||
	    make_bare(cache, path, err))
		return err->code;
	if (commit && has_commit(path, commit, &has, err))
		return err->code;
	if (!has && fetch_into(path, url, commit, err))
		return err->code;
	*ret = assay_steal(path);
	return ASSAY_OK;
}

enum assay_code repository_locate(const struct vcs_place *place, const char *location,
				  const char *commit, char **ret, struct assay_error *err)
{
	const char *path = NULL, *rest = NULL;

	if (find_mirror(place->mirrors, location, &path, &rest, err))
		return err->code;
	if (path)
		return find_in_mirror(path, rest, location, ret, err);
	if (strncmp(location, "https://", 8) == 0 || strncmp(location, "http://", 7) == 0)
		return fetch_cached(place->cache, location, commit, ret, err);
	if (strncmp(location, "file://", 7) == 0)
		location += 7;
	else if (strstr(location, "://"))
		return assay_fail(err, ASSAY_EUSAGE,
				  "%s: want a path, or an https, http or file URL", location);
	if (!is_directory(location))
		return assay_fail(err, ASSAY_ENOTFOUND, "%s: no such git repository", location);
	*ret = strdup(location);
	return *ret ? ASSAY_OK : assay_fail(err, ASSAY_ENOMEM, "out of memory");
}

enum assay_code repository_open(const char *path, git_repository **ret, struct assay_error *err)
{
	int status = git_repository_open_ext(ret, path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);

	return status ? repository_fail(err, status, "%s", path) : ASSAY_OK;
}
