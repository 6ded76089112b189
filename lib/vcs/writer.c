/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing is ever written through a link: directories are only entered when this run made them, each
 * file is created with O_EXCL, and every link is checked so that it stays inside (name.c).
 *
 * The digest of a tree is the SHA-256 of, for each entry in byte order of its path:
 * "<type> <length of path>:<path> <hex SHA-256 of content>\n".  git's own tree id is SHA-1, which has
 * been collided; this one goes into the evidence beside it.
 */
#include "writer.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/message.h"
#include "assay/path.h"
#include "name.h"

static const char lfs_magic[] = "version https://git-lfs.github.com/spec/v1\n";

void writer_release(struct writer *w)
{
	if (w->top >= 0)
		close(w->top);
	w->top = -1;
	assay_arena_release(&w->arena);
}

static enum assay_code refuse(struct assay_error *err, const char *path, const char *trouble)
{
	char shown[256];

	return assay_fail(err, ASSAY_EUNTRUSTED, "hostile path \"%s\": its name %s",
			  assay_span_show(assay_span_text(path), shown, sizeof(shown)), trouble);
}

static enum assay_code fail_at(struct assay_error *err, const char *path)
{
	int sys = errno;
	char shown[256];

	assay_span_show(assay_span_text(path), shown, sizeof(shown));
	if (sys == EEXIST)
		return assay_fail(err, ASSAY_EUNTRUSTED, "hostile path \"%s\": it occurs twice",
				  shown);
	errno = sys;
	return assay_fail_errno(err, "write %s", shown);
}

static enum assay_code check_path(const char *path, struct assay_error *err)
{
	const char *trouble = assay_vcs_name_trouble(assay_span_text(assay_path_base(path)));
	size_t depth = 1;

	if (trouble)
		return refuse(err, path, trouble);
	for (const char *p = path; *p; p++)
		depth += *p == '/';
	if (depth > ASSAY_MAX_CHECKOUT_DEPTH || strlen(path) > ASSAY_MAX_CHECKOUT_PATH)
		return refuse(err, path, "lies too deep");
	return ASSAY_OK;
}

static struct writer_record *add_record(struct writer *w, const char *path, char type,
					struct assay_error *err)
{
	struct writer_record *record;

	if (w->count >= ASSAY_MAX_MEMBERS) {
		assay_fail(err, ASSAY_ELIMIT, "want at most %d files in a source", ASSAY_MAX_MEMBERS);
		return NULL;
	}
	if (w->count == w->room) {
		size_t room = w->room ? w->room * 2 : 256;
		struct writer_record *records =
			assay_arena_alloc(&w->arena, room * sizeof(*records));

		if (records && w->count)
			memcpy(records, w->records, w->count * sizeof(*records));
		if (records) {
			w->records = records;
			w->room = room;
		}
	}
	record = w->count < w->room ? &w->records[w->count] : NULL;
	if (record)
		record->path = assay_arena_text(&w->arena, assay_span_text(path));
	if (!record || !record->path) {
		assay_fail(err, ASSAY_ELIMIT, "the list of files does not fit in memory");
		return NULL;
	}
	record->type = type;
	w->count++;
	return record;
}

enum assay_code writer_directory(struct writer *w, const char *path, struct assay_error *err)
{
	if (check_path(path, err))
		return err->code;
	if (mkdirat(w->top, path, 0755))
		return fail_at(err, path);
	return add_record(w, path, 'd', err) ? ASSAY_OK : err->code;
}

enum assay_code writer_link(struct writer *w, const char *path, struct assay_span target,
			    struct assay_error *err)
{
	assay_auto(assay_freep) char *text = NULL;
	struct writer_record *record;
	const char *trouble;
	size_t depth = 0;
	char shown[256];

	if (check_path(path, err))
		return err->code;
	for (const char *p = path; *p; p++)
		depth += *p == '/';
	trouble = assay_vcs_link_trouble(target, depth);
	if (!trouble && strcasecmp(assay_path_base(path), ".gitmodules") == 0)
		trouble = "stands where git reads its configuration";
	if (trouble)
		return assay_fail(err, ASSAY_EUNTRUSTED, "hostile link \"%s\": it %s",
				  assay_span_show(assay_span_text(path), shown, sizeof(shown)),
				  trouble);
	text = assay_span_dup(target);
	if (!text)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (symlinkat(text, w->top, path))
		return fail_at(err, path);
	record = add_record(w, path, 'l', err);
	if (!record)
		return err->code;
	assay_digest_span(target, &record->content);
	w->files++;
	return ASSAY_OK;
}

enum assay_code writer_stream_open(struct writer *w, const char *path, bool executable,
				   struct writer_stream *ret, struct assay_error *err)
{
	struct writer_stream stream = { .path = path, .executable = executable };

	if (check_path(path, err))
		return err->code;
	stream.fd = openat(w->top, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			   executable ? 0755 : 0644);
	if (stream.fd < 0)
		return fail_at(err, path);
	stream.hasher = assay_hasher_new();
	if (!stream.hasher) {
		close(stream.fd);
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	}
	*ret = stream;
	return ASSAY_OK;
}

enum assay_code writer_stream_add(struct writer *w, struct writer_stream *stream,
				  struct assay_span bytes, struct assay_error *err)
{
	if (bytes.len > ASSAY_MAX_CHECKOUT - w->bytes)
		return assay_fail(err, ASSAY_ELIMIT, "want a source of at most %llu GiB",
				  ASSAY_MAX_CHECKOUT / ASSAY_GIB);
	w->bytes += bytes.len;
	assay_hasher_add(stream->hasher, bytes.data, bytes.len);
	if (assay_fd_write(stream->fd, bytes.data, bytes.len, err))
		return assay_context(err, "%s", stream->path);
	return ASSAY_OK;
}

enum assay_code writer_stream_close(struct writer *w, struct writer_stream *stream,
				    struct assay_error *err)
{
	struct writer_record *record;
	int fd = stream->fd;

	stream->fd = -1;
	if (close(fd))
		return fail_at(err, stream->path);
	record = add_record(w, stream->path, stream->executable ? 'x' : 'f', err);
	if (!record)
		return err->code;
	assay_hasher_end(stream->hasher, &record->content);
	w->files++;
	writer_stream_abandon(stream);
	return ASSAY_OK;
}

void writer_stream_abandon(struct writer_stream *stream)
{
	if (stream->fd >= 0)
		close(stream->fd);
	assay_hasher_free(stream->hasher);
	stream->fd = -1;
	stream->hasher = NULL;
}

static void note_lfs(struct writer *w, const char *path, struct assay_span content)
{
	if (content.len > 1024 || !assay_span_starts(content, lfs_magic))
		return;
	if (w->lfs_pointers++ == 0)
		assay_span_show(assay_span_text(path), w->lfs_first, sizeof(w->lfs_first));
}

enum assay_code writer_file(struct writer *w, const char *path, bool executable,
			    struct assay_span content, struct assay_error *err)
{
	struct writer_stream stream;
	enum assay_code code;

	if (writer_stream_open(w, path, executable, &stream, err))
		return err->code;
	code = writer_stream_add(w, &stream, content, err);
	if (!code)
		code = writer_stream_close(w, &stream, err);
	writer_stream_abandon(&stream);
	note_lfs(w, path, content);
	return code;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct writer_record *)a)->path,
		      ((const struct writer_record *)b)->path);
}

static int by_folded_path(const void *a, const void *b)
{
	const struct writer_record *left = a, *right = b;
	int order = strcasecmp(left->path, right->path);

	return order ? order : strcmp(left->path, right->path);
}

/* Only ASCII is folded: what Unicode folds differs between file systems and their versions. */
static enum assay_code refuse_twins(struct writer *w, struct assay_error *err)
{
	char first[256], second[256];

	qsort(w->records, w->count, sizeof(*w->records), by_folded_path);
	for (size_t i = 1; i < w->count; i++) {
		if (strcasecmp(w->records[i - 1].path, w->records[i].path) != 0)
			continue;
		assay_span_show(assay_span_text(w->records[i - 1].path), first, sizeof(first));
		assay_span_show(assay_span_text(w->records[i].path), second, sizeof(second));
		return assay_fail(err, ASSAY_EUNTRUSTED,
				  "hostile paths \"%s\" and \"%s\": they differ in case only", first,
				  second);
	}
	return ASSAY_OK;
}

static enum assay_code hash_records(struct writer *w, struct assay_digest *ret,
				    struct assay_error *err)
{
	struct assay_hasher *hasher = assay_hasher_new();
	char hex[ASSAY_DIGEST_TEXT], head[64];

	if (!hasher)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	qsort(w->records, w->count, sizeof(*w->records), by_path);
	for (size_t i = 0; i < w->count; i++) {
		const struct writer_record *record = &w->records[i];
		size_t len = strlen(record->path);
		int head_len = snprintf(head, sizeof(head), "%c %zu:", record->type, len);

		assay_hasher_add(hasher, head, (size_t)head_len);
		assay_hasher_add(hasher, record->path, len);
		assay_hasher_add(hasher, " ", 1);
		assay_hasher_add(hasher, assay_digest_hex(&record->content, hex), 64);
		assay_hasher_add(hasher, "\n", 1);
	}
	assay_hasher_end(hasher, ret);
	assay_hasher_free(hasher);
	return ASSAY_OK;
}

enum assay_code writer_finish(struct writer *w, struct assay_checkout *ret, struct assay_error *err)
{
	if (w->count && refuse_twins(w, err))
		return err->code;
	if (hash_records(w, &ret->tree, err))
		return err->code;
	ret->files = w->files;
	ret->bytes = w->bytes;
	ret->lfs_pointers = w->lfs_pointers;
	memcpy(ret->lfs_first, w->lfs_first, sizeof(ret->lfs_first));
	return ASSAY_OK;
}

void writer_put(const struct writer *w, struct assay_buf *out)
{
	assay_message_put_u64(out, w->files);
	assay_message_put_u64(out, w->bytes);
	assay_message_put_u64(out, w->lfs_pointers);
	assay_message_put_text(out, w->lfs_first);
	assay_message_put_u64(out, w->count);
	for (size_t i = 0; i < w->count; i++) {
		assay_buf_add(out, &w->records[i].type, 1);
		assay_message_put_text(out, w->records[i].path);
		assay_buf_add(out, w->records[i].content.bytes, sizeof(w->records[i].content.bytes));
	}
}

static enum assay_code take_record(struct writer *w, struct assay_span *rest, struct assay_error *err)
{
	char path[ASSAY_MAX_CHECKOUT_PATH + 1];
	struct writer_record *record;
	struct assay_digest content;
	char type;

	if (!assay_message_take(rest, &type, 1) || !assay_message_take_text(rest, path, sizeof(path)) ||
	    !assay_message_take(rest, content.bytes, sizeof(content.bytes)))
		return assay_fail(err, ASSAY_EINPUT, "source: the jail's answer is malformed");
	record = add_record(w, path, type, err);
	if (!record)
		return err->code;
	record->content = content;
	return ASSAY_OK;
}

enum assay_code writer_take(struct writer *w, struct assay_span *rest, struct assay_error *err)
{
	uint64_t count;

	w->count = 0;
	if (!assay_message_take_u64(rest, &w->files) || !assay_message_take_u64(rest, &w->bytes) ||
	    !assay_message_take_u64(rest, &w->lfs_pointers) ||
	    !assay_message_take_text(rest, w->lfs_first, sizeof(w->lfs_first)) ||
	    !assay_message_take_u64(rest, &count) || w->bytes > ASSAY_MAX_CHECKOUT)
		return assay_fail(err, ASSAY_EINPUT, "source: the jail's answer is malformed");
	while (count--)
		if (take_record(w, rest, err))
			return err->code;
	return ASSAY_OK;
}
