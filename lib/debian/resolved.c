/* SPDX-License-Identifier: Apache-2.0 */
#include "resolved.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/path.h"

/* Raised when the way from a key to a lock changes: old answers are then not found. */
#define EDITION "assay-resolved 2"

enum assay_code debian_resolved_key(const struct assay_debian_build *build,
				    struct assay_digest *ret, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(4096);
	char basis[ASSAY_DIGEST_TEXT], hex[ASSAY_DIGEST_TEXT];
	struct assay_digest installed;

	assay_buf_printf(&text, EDITION "\n%s\n%s\n", assay_digest_hex(&build->basis, basis),
			 assay_digest_hex(&build->sources[0].sha256, hex));
	assay_digest_span(assay_span_text(build->installed ? build->installed : ""), &installed);
	assay_buf_printf(&text, "%s\n%s %d\n", build->kind, assay_digest_hex(&installed, hex),
			 build->usr_was_merged);
	if (assay_buf_check(&text, "environment lock", err))
		return err->code;
	assay_digest_span(assay_buf_span(&text), ret);
	return ASSAY_OK;
}

static char *place(struct assay_store *store, const struct assay_digest *key)
{
	char name[ASSAY_DIGEST_TEXT + 16], hex[ASSAY_DIGEST_TEXT];

	snprintf(name, sizeof(name), "resolved/%s", assay_digest_hex(key, hex));
	return assay_path_join(assay_store_root(store), name);
}

static enum assay_code read_lock(struct assay_store *store, const char *path,
				 struct assay_lock *ret, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf name = ASSAY_BUF_INIT(2 * ASSAY_DIGEST_TEXT);
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_LOCK);
	assay_auto(assay_fd_closep) int fd = -1;
	struct assay_digest digest;

	if (assay_file_read(AT_FDCWD, path, &name, err))
		return err->code;
	if (!assay_digest_parse(assay_span_trim(assay_buf_span(&name)), &digest))
		return assay_fail(err, ASSAY_EINPUT, "%s: want a SHA-256", path);
	if (assay_store_get(store, &digest, &fd, err) || assay_buf_read_fd(&text, fd, err))
		return err->code;
	return assay_lock_read(assay_buf_span(&text), path, ret, err);
}

bool debian_resolved_get(struct assay_store *store, const struct assay_digest *key,
			 struct assay_lock *ret)
{
	assay_auto(assay_freep) char *path = place(store, key);
	struct assay_error err = ASSAY_ERROR_INIT;

	if (!path)
		return false;
	if (!read_lock(store, path, ret, &err)) {
		utimensat(AT_FDCWD, path, NULL, 0); /* its last use */
		return true;
	}
	if (err.code != ASSAY_ENOTFOUND)
		assay_log(ASSAY_LOG_WARNING, "%s; resolving anew", err.msg);
	return false;
}

static enum assay_code write_lock(struct assay_store *store, const char *path,
				  const struct assay_lock *lock, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_LOCK);
	assay_auto(assay_freep) char *directory = assay_path_join(assay_store_root(store), "resolved");
	char line[ASSAY_DIGEST_TEXT + 1], hex[ASSAY_DIGEST_TEXT];
	struct assay_digest digest;

	if (!directory)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	assay_lock_write(lock, &text);
	if (assay_buf_check(&text, "lock", err) || assay_path_make_dirs(directory, 0755, err) ||
	    assay_store_put_span(store, assay_buf_span(&text), &digest, err))
		return err->code;
	snprintf(line, sizeof(line), "%s\n", assay_digest_hex(&digest, hex));
	return assay_file_write(AT_FDCWD, path, assay_span_text(line), 0644, err);
}

void debian_resolved_put(struct assay_store *store, const struct assay_digest *key,
			 const struct assay_lock *lock)
{
	assay_auto(assay_freep) char *path = place(store, key);
	struct assay_error err = ASSAY_ERROR_INIT;

	if (path && write_lock(store, path, lock, &err))
		assay_log(ASSAY_LOG_WARNING, "%s: %s; not kept", path, err.msg);
}
