/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of the archive into the store.  apt fetches them, so that the machine's proxies and mirror
 * methods work; the store hashes them against the verified index.  A file that came short is the
 * mirror's trouble, one of the right length with other bytes is a matter of trust.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/path.h"
#include "mirror.h"

#define BATCH 32

static char *arena_field(struct assay_arena *arena, struct assay_span text)
{
	return text.len && text.len < DEBIAN_FIELDS_MAX ? assay_arena_text(arena, text) : NULL;
}

enum assay_code debian_file_of_stanza(struct assay_arena *arena, const struct debian_stanza *stanza,
				      struct assay_debian_file *ret, struct assay_error *err)
{
	struct assay_span sum = assay_deb822_field(stanza->text, "SHA256");
	struct assay_span size = assay_deb822_field(stanza->text, "Size");
	struct assay_span path = assay_deb822_field(stanza->text, "Filename");

	ret->package = arena_field(arena, stanza->name);
	ret->version = arena_field(arena, assay_deb822_field(stanza->text, "Version"));
	ret->architecture = arena_field(arena, assay_deb822_field(stanza->text, "Architecture"));
	ret->pool = path.len < 1024 ? assay_arena_text(arena, path) : NULL;
	if (!ret->package || !ret->version || !ret->architecture || !ret->pool ||
	    !debian_name_is_valid(ret->package) || !debian_version_is_valid(ret->version) ||
	    !debian_architecture_is_valid(ret->architecture) ||
	    !assay_path_is_contained(path) || !assay_span_ends(path, ".deb") ||
	    !assay_digest_parse(sum, &ret->sha256) || !assay_span_parse_u64(size, &ret->size))
		return assay_fail(err, ASSAY_EINPUT,
				  "package %.*s: want Version, Architecture, Filename, Size and "
				  "SHA256 in its stanza",
				  (int)(stanza->name.len < 120 ? stanza->name.len : 120),
				  (const char *)stanza->name.data);
	ret->name = assay_path_base(ret->pool);
	return ASSAY_OK;
}

char *debian_file_url(struct assay_arena *arena, const char *repository, const char *pool)
{
	struct assay_buf url = ASSAY_BUF_INIT(8192);
	char *text = NULL;

	assay_buf_printf(&url, "%s%s", repository,
			 assay_span_ends(assay_span_text(repository), "/") ? "" : "/");
	for (; *pool; pool++) {
		if (strchr("+~ %#?", *pool))
			assay_buf_printf(&url, "%%%02x", (unsigned char)*pool);
		else
			assay_buf_add(&url, pool, 1);
	}
	if (!url.failed)
		text = assay_arena_text(arena, assay_buf_span(&url));
	assay_buf_release(&url);
	return text;
}

static enum assay_code keep(const struct debian_mirror *mirror,
			    const struct assay_debian_file *file, const char *path,
			    struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = -1;
	struct assay_digest have;
	struct stat st;

	if (assay_file_open(AT_FDCWD, path, &fd, err))
		return err->code;
	if (fstat(fd, &st))
		return assay_fail_errno(err, "%s", path);
	if ((uint64_t)st.st_size < file->size)
		return assay_fail(err, ASSAY_EIO, "want %" PRIu64 " bytes, the mirror gave %lld",
				  file->size, (long long)st.st_size);
	return assay_store_put_fd(mirror->store, fd, &file->sha256, &have, NULL, err);
}

/* One call of apt's fetcher for a few files, so that connections are shared. */
static enum assay_code fetch_batch(const struct debian_mirror *mirror, const char *directory,
				   const struct debian_download *const *batch, size_t count,
				   struct assay_error *err)
{
	struct assay_arena arena = ASSAY_ARENA_INIT(ASSAY_MIB);
	const char *argv[2 + 2 * BATCH + 1] = { "/usr/lib/apt/apt-helper", "download-file" };
	enum assay_code code = ASSAY_OK;

	for (size_t i = 0; i < count; i++) {
		argv[2 + 2 * i] = debian_file_url(&arena, batch[i]->repository, batch[i]->file->pool);
		argv[3 + 2 * i] = assay_arena_printf(&arena, "%s/%zu", directory, i);
		if (!argv[2 + 2 * i] || !argv[3 + 2 * i])
			code = assay_fail(err, ASSAY_ENOMEM, "download: out of memory");
	}
	if (!code)
		code = debian_apt_run(mirror, argv, NULL, err);
	for (size_t i = 0; !code && i < count; i++) {
		code = keep(mirror, batch[i]->file, argv[3 + 2 * i], err);
		if (code)
			assay_context(err, "%s", argv[2 + 2 * i]);
		unlink(argv[3 + 2 * i]);
	}
	assay_arena_release(&arena);
	return code;
}

static enum assay_code fetch_all(const struct debian_mirror *mirror, const char *directory,
				 const struct debian_download *list, size_t count,
				 struct assay_error *err)
{
	const struct debian_download *batch[BATCH];
	uint64_t total = 0, done = 0, pending = 0;
	size_t filled = 0;

	for (size_t i = 0; i < count; i++)
		if (!assay_store_has(mirror->store, &list[i].file->sha256))
			total += list[i].file->size;
	for (size_t i = 0; i < count; i++) {
		if (!assay_store_has(mirror->store, &list[i].file->sha256)) {
			batch[filled++] = &list[i];
			pending += list[i].file->size;
		}
		if (!filled || (filled < BATCH && i + 1 < count))
			continue;
		if (fetch_batch(mirror, directory, batch, filled, err))
			return err->code;
		done += pending;
		pending = 0;
		filled = 0;
		assay_progress_update(done, total, "bytes");
	}
	return ASSAY_OK;
}

enum assay_code debian_download_all(const struct debian_mirror *mirror,
				    const struct debian_download *list, size_t count,
				    struct assay_error *err)
{
	assay_auto(assay_freep) char *directory = NULL;
	struct assay_error ignored = ASSAY_ERROR_INIT;
	size_t missing = 0;
	enum assay_code code;

	for (size_t i = 0; i < count; i++)
		missing += !assay_store_has(mirror->store, &list[i].file->sha256);
	if (!missing)
		return ASSAY_OK;
	if (assay_store_make_temp(mirror->store, &directory, err))
		return err->code;
	assay_progress_start("fetch", "%zu files of the archive", missing);
	code = fetch_all(mirror, directory, list, count, err);
	assay_progress_end(code ? "failed" : "verified");
	if (assay_path_remove_tree(AT_FDCWD, directory, &ignored))
		assay_log(ASSAY_LOG_WARNING, "%s", ignored.msg);
	return code;
}
