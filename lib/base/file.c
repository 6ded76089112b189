/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, mapping and the write-flush-rename of every file the program makes. */
#include "assay/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>

enum assay_code assay_map_fd(int fd, struct assay_map *ret, struct assay_error *err)
{
	struct stat st;
	void *data;

	if (fstat(fd, &st))
		return assay_fail_errno(err, "stat");
	if (!S_ISREG(st.st_mode))
		return assay_fail(err, ASSAY_EINPUT, "want a regular file");
	if (st.st_size == 0) {
		ret->bytes = assay_span_of(NULL, 0);
		return ASSAY_OK;
	}
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return assay_fail_errno(err, "map %lld bytes", (long long)st.st_size);
	ret->bytes = assay_span_of(data, (size_t)st.st_size);
	return ASSAY_OK;
}

enum assay_code assay_map_file(const char *path, struct assay_map *ret, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = -1;

	if (assay_file_open(AT_FDCWD, path, &fd, err))
		return err->code;
	if (assay_map_fd(fd, ret, err))
		return assay_context(err, "%s", path);
	return ASSAY_OK;
}

void assay_map_release(struct assay_map *map)
{
	if (map->bytes.len)
		munmap((void *)map->bytes.data, map->bytes.len);
	map->bytes = assay_span_of(NULL, 0);
}

enum assay_code assay_file_open(int dirfd, const char *name, int *ret_fd, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = -1;
	struct stat st;

	/* O_NONBLOCK: a FIFO must not stop us before fstat has seen what it is */
	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return assay_fail_errno(err, "%s", name);
	if (fstat(fd, &st))
		return assay_fail_errno(err, "%s", name);
	if (!S_ISREG(st.st_mode))
		return assay_fail(err, ASSAY_EINPUT, "%s: want a regular file, have %s", name,
				  S_ISDIR(st.st_mode) ? "a directory" : "something else");
	*ret_fd = fd;
	fd = -1;
	return ASSAY_OK;
}

enum assay_code assay_file_read(int dirfd, const char *name, struct assay_buf *buf,
				struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = -1;

	if (assay_file_open(dirfd, name, &fd, err))
		return err->code;
	if (assay_buf_read_fd(buf, fd, err))
		return assay_context(err, "%s", name);
	return ASSAY_OK;
}

enum assay_code assay_fd_write(int fd, const void *data, size_t len, struct assay_error *err)
{
	const char *p = data;

	while (len) {
		ssize_t put = write(fd, p, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return assay_fail_errno(err, "write");
		p += put;
		len -= (size_t)put;
	}
	return ASSAY_OK;
}

enum assay_code assay_fd_copy(int in, int out, uint64_t *ret_size, struct assay_error *err)
{
	char block[131072];
	uint64_t size = 0;

	for (;;) {
		ssize_t got = read(in, block, sizeof(block));

		if (got == 0)
			break;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return assay_fail_errno(err, "read");
		if (assay_fd_write(out, block, (size_t)got, err))
			return err->code;
		size += (uint64_t)got;
	}
	if (ret_size)
		*ret_size = size;
	return ASSAY_OK;
}

enum assay_code assay_fd_read_exact(int fd, void *data, size_t len, struct assay_error *err)
{
	char *p = data;
	size_t have = 0;

	while (have < len) {
		ssize_t got = read(fd, p + have, len - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return assay_fail_errno(err, "read");
		if (got == 0 && have == 0)
			return assay_fail(err, ASSAY_END, "end of stream");
		if (got == 0)
			return assay_fail(err, ASSAY_EIO, "want %zu bytes, have %zu", len, have);
		have += (size_t)got;
	}
	return ASSAY_OK;
}

enum assay_code assay_draft_open(struct assay_draft *draft, int dirfd, const char *name,
				 mode_t mode, struct assay_error *err)
{
	const char *base = strrchr(name, '/');
	size_t dir_len = base ? (size_t)(base - name) + 1 : 0;
	uint64_t nonce = 0;

	base = base ? base + 1 : name;
	if (getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce))
		return assay_fail_errno(err, "getrandom");
	draft->dirfd = dirfd;
	draft->final_name = strdup(name);
	if (!draft->final_name ||
	    asprintf(&draft->draft_name, "%.*s.%s.%016llx.tmp", (int)dir_len, name, base,
		     (unsigned long long)nonce) < 0) {
		draft->draft_name = NULL;
		return assay_fail(err, ASSAY_ENOMEM, "%s: out of memory", name);
	}
	draft->fd = openat(dirfd, draft->draft_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (draft->fd < 0)
		return assay_fail_errno(err, "create %s", draft->draft_name);
	if (fchmod(draft->fd, mode))
		return assay_fail_errno(err, "chmod %s", draft->draft_name);
	return ASSAY_OK;
}

static enum assay_code sync_directory(int dirfd, const char *name, struct assay_error *err)
{
	assay_auto(assay_freep) char *dir = strdup(name);
	assay_auto(assay_fd_closep) int fd = -1;
	char *slash = dir ? strrchr(dir, '/') : NULL;

	if (!dir)
		return assay_fail(err, ASSAY_ENOMEM, "%s: out of memory", name);
	if (slash == dir)
		slash++;
	if (slash)
		*slash = '\0';
	fd = openat(dirfd, slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || (fsync(fd) && errno != EINVAL))
		return assay_fail_errno(err, "flush the directory of %s", name);
	return ASSAY_OK;
}

enum assay_code assay_draft_commit(struct assay_draft *draft, struct assay_error *err)
{
	int fd = draft->fd;

	if (fsync(fd))
		return assay_fail_errno(err, "flush %s", draft->final_name);
	draft->fd = -1;
	if (close(fd))
		return assay_fail_errno(err, "close %s", draft->final_name);
	if (renameat(draft->dirfd, draft->draft_name, draft->dirfd, draft->final_name))
		return assay_fail_errno(err, "rename to %s", draft->final_name);
	free(draft->draft_name);
	draft->draft_name = NULL;
	return sync_directory(draft->dirfd, draft->final_name, err);
}

void assay_draft_release(struct assay_draft *draft)
{
	if (draft->fd >= 0)
		close(draft->fd);
	if (draft->draft_name)
		unlinkat(draft->dirfd, draft->draft_name, 0);
	free(draft->draft_name);
	free(draft->final_name);
	*draft = (struct assay_draft)ASSAY_DRAFT_INIT;
}

enum assay_code assay_file_write(int dirfd, const char *name, struct assay_span bytes, mode_t mode,
				 struct assay_error *err)
{
	assay_auto(assay_draft_release) struct assay_draft draft = ASSAY_DRAFT_INIT;

	if (assay_draft_open(&draft, dirfd, name, mode, err))
		return err->code;
	if (assay_fd_write(draft.fd, bytes.data, bytes.len, err))
		return assay_context(err, "%s", name);
	return assay_draft_commit(&draft, err);
}

enum assay_code assay_file_write_new(const char *path, struct assay_span bytes, mode_t mode, struct assay_error *err)
{
	assay_auto(assay_draft_release) struct assay_draft draft = ASSAY_DRAFT_INIT;

	if (assay_draft_open(&draft, AT_FDCWD, path, mode, err))
		return err->code;
	if (assay_fd_write(draft.fd, bytes.data, bytes.len, err))
		return assay_context(err, "%s", path);
	if (fsync(draft.fd))
		return assay_fail_errno(err, "flush %s", path);
	if (link(draft.draft_name, path)) {
		if (errno == EEXIST)
			return assay_fail(err, ASSAY_EUSAGE, "%s: exists and is not overwritten", path);
		return assay_fail_errno(err, "create %s", path);
	}
	return ASSAY_OK;
}
