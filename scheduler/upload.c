/* SPDX-License-Identifier: Apache-2.0 */
/* See the header. */
#include "upload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "place.h"

#define FOLDER "uploads"

bool upload_parse_range(const char *text, struct assay_span body, struct upload_part *ret)
{
	struct assay_span rest = assay_span_text(text), first, last;
	uint64_t end;
	size_t dash, slash;

	if (!assay_span_starts(rest, "bytes "))
		return false;
	rest = assay_span_cut(rest, 6, rest.len);
	dash = assay_span_find(rest, 0, assay_span_text("-"));
	slash = assay_span_find(rest, 0, assay_span_text("/"));
	if (dash == SIZE_MAX || slash == SIZE_MAX || slash < dash)
		return false;
	first = assay_span_cut(rest, 0, dash);
	last = assay_span_cut(rest, dash + 1, slash - dash - 1);
	if (!assay_span_parse_u64(first, &ret->first) || !assay_span_parse_u64(last, &end) ||
	    !assay_span_parse_u64(assay_span_cut(rest, slash + 1, rest.len), &ret->total))
		return false;
	ret->bytes = body;
	return body.len && ret->total <= ASSAY_MAX_BLOB && end < ret->total && ret->first <= end &&
	       end - ret->first + 1 == body.len;
}

static enum assay_code folder(struct assay_store *store, char **ret, struct assay_error *err)
{
	if (scheduler_path(store, FOLDER, ret, err))
		return err->code;
	return assay_path_make_dirs(*ret, 0700, err);
}

static enum assay_code path_of(struct assay_store *store, const struct assay_digest *digest,
			       char **ret, struct assay_error *err)
{
	assay_auto(assay_freep) char *parent = NULL;
	char hex[ASSAY_DIGEST_TEXT];

	if (folder(store, &parent, err))
		return err->code;
	*ret = assay_path_join(parent, assay_digest_hex(digest, hex));
	return *ret ? ASSAY_OK : assay_fail(err, ASSAY_ENOMEM, "out of memory");
}

enum assay_code upload_size(struct assay_store *store, const struct assay_digest *digest,
			    uint64_t *ret, struct assay_error *err)
{
	assay_auto(assay_freep) char *path = NULL;
	struct stat st;

	*ret = 0;
	if (path_of(store, digest, &path, err))
		return err->code;
	if (stat(path, &st) == 0)
		*ret = (uint64_t)st.st_size;
	else if (errno != ENOENT)
		return assay_fail_errno(err, FOLDER);
	return ASSAY_OK;
}

static enum assay_code append(int fd, const struct upload_part *part, uint64_t *ret_size,
			      struct assay_error *err)
{
	struct stat st;
	size_t done = 0;

	if (fstat(fd, &st))
		return assay_fail_errno(err, FOLDER);
	*ret_size = (uint64_t)st.st_size;
	if (*ret_size != part->first)
		return ASSAY_OK;
	while (done < part->bytes.len) {
		ssize_t n = pwrite(fd, part->bytes.data + done, part->bytes.len - done,
				   (off_t)(part->first + done));

		if (n < 0)
			return assay_fail_errno(err, FOLDER);
		done += (size_t)n;
	}
	*ret_size += done;
	return ASSAY_OK;
}

enum assay_code upload_add(struct assay_store *store, const struct assay_digest *digest,
			   const struct upload_part *part, uint64_t *ret_size, bool *ret_whole,
			   struct assay_error *err)
{
	assay_auto(assay_freep) char *path = NULL;
	assay_auto(assay_fd_closep) int fd = -1;
	enum assay_code code;
	struct assay_digest have;
	uint64_t size;

	*ret_whole = false;
	if (path_of(store, digest, &path, err))
		return err->code;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return assay_fail_errno(err, FOLDER);
	if (flock(fd, LOCK_EX | LOCK_NB))
		return assay_fail(err, ASSAY_EBUSY, "another part of this blob is being written");
	if (append(fd, part, ret_size, err))
		return err->code;
	if (*ret_size < part->total)
		return ASSAY_OK;
	/* whatever it turns out to be, it is no draft any more */
	lseek(fd, 0, SEEK_SET);
	code = assay_store_put_fd(store, fd, digest, &have, &size, err);
	if (!code || code == ASSAY_EUNTRUSTED)
		unlink(path);
	*ret_whole = !code;
	return code;
}

void upload_sweep(struct assay_store *store, int64_t since)
{
	struct assay_error ignored = ASSAY_ERROR_INIT;
	assay_auto(assay_freep) char *path = NULL;
	assay_auto(assay_dir_closep) DIR *dir = NULL;

	if (folder(store, &path, &ignored))
		return;
	dir = opendir(path);
	for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
		struct stat st;

		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_mtim.tv_sec < since)
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
}
