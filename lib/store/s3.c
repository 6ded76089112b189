/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs as objects PREFIX/blobs/ab/abcdef...  A large one is sent in parts, of which nobody sees anything before the
 * last request; who dies in between leaves parts that tidy() ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/time.h"
#include "s3_request.h"

#define PART (16 * ASSAY_MIB)
#define PARTS_MAX 9000 /* a service takes at most ten thousand */
#define KEY_MAX 1200

static struct s3 *s3_of(struct store_remote *remote)
{
	return (struct s3 *)remote;
}

static void key_of(const struct s3 *s3, const struct assay_digest *digest, const char *more, char out[KEY_MAX])
{
	char hex[ASSAY_DIGEST_TEXT];

	assay_digest_hex(digest, hex);
	snprintf(out, KEY_MAX, "%sblobs/%.2s/%s%s", s3->prefix, hex, hex, more);
}

/* Whether an answer is of the kind that was asked for: the status alone does not say so. */
static bool holds(const struct s3_answer *answer, const char *element)
{
	return assay_span_find(assay_buf_span(&answer->body), 0, assay_span_text(element)) != SIZE_MAX;
}

static void s3_close(struct store_remote *remote)
{
	s3_release(s3_of(remote));
	free(remote);
}

static enum assay_code s3_open(const char *url, struct store_remote **ret, struct assay_error *err)
{
	struct s3 *s3;

	if (curl_late_load(err))
		return err->code;
	s3 = calloc(1, sizeof(*s3));
	if (!s3)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	s3->remote.ops = &store_remote_s3;
	pthread_mutex_init(&s3->lock, NULL);
	s3->pid = getpid();
	if (s3_configure(url, s3, err)) {
		s3_close(&s3->remote);
		return err->code;
	}
	if (strlen(s3->prefix) > KEY_MAX - 100) {
		s3_close(&s3->remote);
		return assay_fail(err, ASSAY_EUSAGE, "want a prefix of at most %d bytes", KEY_MAX - 100);
	}
	*ret = &s3->remote;
	return ASSAY_OK;
}

/* ---- one object ---------------------------------------------------------------------------------- */

static enum assay_code s3_look(struct store_remote *remote, const struct assay_digest *digest,
			       struct store_remote_entry *ret, struct assay_error *err)
{
	struct s3_answer answer = S3_ANSWER_INIT;
	char key[KEY_MAX];
	const struct s3_request request = S3_REQUEST(.method = "HEAD", .key = key);

	key_of(s3_of(remote), digest, "", key);
	if (!s3_call(s3_of(remote), &request, &answer, err))
		*ret = (struct store_remote_entry){ *digest, answer.size, answer.time };
	assay_buf_release(&answer.body);
	return err->code;
}

static enum assay_code s3_get(struct store_remote *remote, const struct assay_digest *digest,
			      struct store_draft *draft, struct assay_error *err)
{
	struct s3_answer answer = S3_ANSWER_INIT;
	char key[KEY_MAX];
	const struct s3_request request = S3_REQUEST(.method = "GET", .key = key, .draft = draft);
	enum assay_code code;

	key_of(s3_of(remote), digest, "", key);
	code = s3_call(s3_of(remote), &request, &answer, err);
	assay_buf_release(&answer.body);
	return code;
}

static enum assay_code delete_key(struct s3 *s3, const char *key, const char *query, struct assay_error *err)
{
	struct s3_answer answer = S3_ANSWER_INIT;
	const struct s3_request request = S3_REQUEST(.method = "DELETE", .key = key, .query = query);

	if (s3_call(s3, &request, &answer, err) == ASSAY_ENOTFOUND)
		*err = (struct assay_error)ASSAY_ERROR_INIT;
	assay_buf_release(&answer.body);
	return err->code;
}

static enum assay_code s3_remove(struct store_remote *remote, const struct assay_digest *digest,
				 struct assay_error *err)
{
	char key[KEY_MAX];

	key_of(s3_of(remote), digest, "", key);
	return delete_key(s3_of(remote), key, NULL, err);
}

static enum assay_code s3_condemn(struct store_remote *remote, const struct assay_digest *digest,
				  struct assay_error *err)
{
	struct s3 *s3 = s3_of(remote);
	struct s3_answer answer = S3_ANSWER_INIT;
	char key[KEY_MAX], aside[KEY_MAX], source[KEY_MAX + 80];
	const struct s3_request request = S3_REQUEST(.method = "PUT", .key = aside, .copy_source = source);

	key_of(s3, digest, "", key);
	key_of(s3, digest, STORE_CORRUPT, aside);
	snprintf(source, sizeof(source), "/%.70s/%s", s3->bucket, key);
	/* as with parts, an answer may begin well and end with an error */
	if (!s3_call(s3, &request, &answer, err) && !holds(&answer, "<CopyObjectResult"))
		assay_fail(err, ASSAY_EIO, "%s: was not copied: %.200s", key, assay_buf_text(&answer.body));
	if (!err->code)
		delete_key(s3, key, NULL, err);
	assay_buf_release(&answer.body);
	return err->code;
}

/* ---- putting ------------------------------------------------------------------------------------- */

struct upload {
	struct s3 *s3;
	const char *key;
	char *id; /* encoded for a query */
	int fd;
	uint64_t size, part;
	struct assay_buf done; /* the list of parts */
};

static enum assay_code begin_upload(struct upload *u, struct assay_error *err)
{
	struct s3_answer answer = S3_ANSWER_INIT;
	const struct s3_request request = S3_REQUEST(.method = "POST", .key = u->key, .query = "uploads=");
	assay_auto(assay_freep) char *id = NULL;
	struct assay_span at, found;

	if (!s3_call(u->s3, &request, &answer, err)) {
		at = assay_buf_span(&answer.body);
		found = s3_element(&at, "UploadId");
		id = found.len ? strndup((const char *)found.data, found.len) : NULL;
		u->id = id ? s3_escape(id) : NULL;
		if (!u->id)
			assay_fail(err, ASSAY_EIO, "%s: want an UploadId", u->key);
	}
	assay_buf_release(&answer.body);
	return err->code;
}

static enum assay_code send_part(struct upload *u, unsigned number, struct assay_error *err)
{
	struct s3_answer answer = S3_ANSWER_INIT;
	assay_auto(assay_freep) char *query = NULL;
	struct s3_request request = S3_REQUEST(.method = "PUT", .key = u->key);
	uint64_t offset = (uint64_t)(number - 1) * u->part;

	if (asprintf(&query, "partNumber=%u&uploadId=%s", number, u->id) < 0)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	request.query = query;
	request.fd = u->fd;
	request.offset = offset;
	request.length = u->size - offset < u->part ? u->size - offset : u->part;
	if (!s3_call(u->s3, &request, &answer, err)) {
		if (!answer.etag[0] || strpbrk(answer.etag, "<&"))
			assay_fail(err, ASSAY_EIO, "%s: part %u: want an ETag", u->key, number);
		assay_buf_printf(&u->done, "<Part><PartNumber>%u</PartNumber><ETag>%s</ETag></Part>", number,
				 answer.etag);
	}
	assay_buf_release(&answer.body);
	return err->code;
}

/* The answer may begin before the service knows whether it will succeed: the status alone says nothing. */
static enum assay_code end_upload(struct upload *u, struct assay_error *err)
{
	struct s3_answer answer = S3_ANSWER_INIT;
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(4 * ASSAY_MIB);
	assay_auto(assay_freep) char *query = NULL;
	struct s3_request request = S3_REQUEST(.method = "POST", .key = u->key);

	assay_buf_printf(&text, "<CompleteMultipartUpload>%s</CompleteMultipartUpload>", assay_buf_text(&u->done));
	if (assay_buf_check(&text, "list of parts", err))
		return err->code;
	if (asprintf(&query, "uploadId=%s", u->id) < 0)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	request.query = query;
	request.body = assay_buf_span(&text);
	if (!s3_call(u->s3, &request, &answer, err) && !holds(&answer, "<CompleteMultipartUploadResult"))
		assay_fail(err, ASSAY_EIO, "%s: the parts were not put together: %.200s", u->key,
			   assay_buf_text(&answer.body));
	assay_buf_release(&answer.body);
	return err->code;
}

static void abandon(struct upload *u)
{
	struct assay_error ignored = ASSAY_ERROR_INIT;
	assay_auto(assay_freep) char *query = NULL;

	if (u->id && asprintf(&query, "uploadId=%s", u->id) > 0 && delete_key(u->s3, u->key, query, &ignored))
		assay_log(ASSAY_LOG_DEBUG, "%s", ignored.msg);
}

static enum assay_code put_in_parts(struct upload *u, struct assay_error *err)
{
	if (begin_upload(u, err))
		return err->code;
	for (unsigned i = 1; (uint64_t)(i - 1) * u->part < u->size; i++)
		if (send_part(u, i, err))
			return err->code;
	return end_upload(u, err);
}

static enum assay_code put_whole(struct s3 *s3, const char *key, const struct assay_digest *digest, int fd,
				 uint64_t size, struct assay_error *err)
{
	struct s3_answer answer = S3_ANSWER_INIT;
	const struct s3_request request = {
		.method = "PUT", .key = key, .fd = fd, .length = size, .payload = digest
	};
	enum assay_code code = s3_call(s3, &request, &answer, err);

	assay_buf_release(&answer.body);
	return code;
}

/* That the answer to the last request was lost is no reason to send all again: what is there in its size is whole,
 * because parts become an object at once.  It must have come there just now: what lay there before is why we send. */
static enum assay_code put_large(struct store_remote *remote, const char *key, const struct assay_digest *digest,
				 int fd, uint64_t size, struct assay_error *err)
{
	struct upload u = { .s3 = s3_of(remote), .key = key, .fd = fd, .size = size, .part = PART,
			    .done = ASSAY_BUF_INIT(4 * ASSAY_MIB) };
	struct assay_error seen = ASSAY_ERROR_INIT;
	struct store_remote_entry entry;
	enum assay_code code;

	if (size / PARTS_MAX + 1 > PART)
		u.part = size / PARTS_MAX + 1;
	code = put_in_parts(&u, err);
	if (!s3_look(remote, digest, &entry, &seen) && entry.bytes == size &&
	    (!code || entry.time > assay_time_now() - STORE_FRESH_S))
		code = ASSAY_OK;
	else if (!code)
		code = assay_fail(err, ASSAY_EIO, "%s: want %llu bytes there after the upload", key,
				  (unsigned long long)size);
	if (code)
		abandon(&u);
	else
		*err = (struct assay_error)ASSAY_ERROR_INIT;
	assay_buf_release(&u.done);
	free(u.id);
	return code;
}

static enum assay_code s3_put(struct store_remote *remote, const struct assay_digest *digest, int fd, uint64_t size,
			      struct assay_error *err)
{
	char key[KEY_MAX];

	key_of(s3_of(remote), digest, "", key);
	return size > PART ? put_large(remote, key, digest, fd, size, err) :
			     put_whole(s3_of(remote), key, digest, fd, size, err);
}

/* ---- lists --------------------------------------------------------------------------------------- */

static bool parse_time(struct assay_span text, int64_t *ret)
{
	char copy[40];
	struct tm tm = { 0 };

	snprintf(copy, sizeof(copy), "%.*s", (int)(text.len < 39 ? text.len : 39), text.len ? (const char *)text.data : "");
	if (!strptime(copy, "%Y-%m-%dT%H:%M:%S", &tm))
		return false;
	*ret = timegm(&tm);
	return true;
}

/* A blob of ours; all else in the bucket is somebody else's. */
static bool parse_key(const struct s3 *s3, struct assay_span key, struct assay_digest *ret)
{
	size_t before = strlen(s3->prefix) + strlen("blobs/ab/");

	return key.len == before + ASSAY_DIGEST_TEXT - 1 &&
	       assay_digest_parse(assay_span_of(key.data + before, ASSAY_DIGEST_TEXT - 1), ret);
}

/* One page of a list; *last is the last name on it, "" when there are no more. */
static enum assay_code each_of_page(struct s3 *s3, struct assay_span page, store_remote_fn *fn, void *data,
				    char last[KEY_MAX], struct assay_error *err)
{
	struct assay_span at = page, object, truncated = page;

	last[0] = '\0';
	for (object = s3_element(&at, "Contents"); object.len; object = s3_element(&at, "Contents")) {
		struct assay_span of = object, key = s3_element(&of, "Key"), size, time;
		struct store_remote_entry entry = { .bytes = 0 };
		char number[24];

		snprintf(last, KEY_MAX, "%.*s", (int)(key.len < KEY_MAX ? key.len : 0), key.len ? (const char *)key.data : "");
		of = object;
		size = s3_element(&of, "Size");
		of = object;
		time = s3_element(&of, "LastModified");
		if (!parse_key(s3, key, &entry.digest))
			continue;
		if (!size.len || size.len >= sizeof(number) || !parse_time(time, &entry.time))
			return assay_fail(err, ASSAY_EIO, "%s: want size and time of %s", s3->endpoint, last);
		snprintf(number, sizeof(number), "%.*s", (int)size.len, (const char *)size.data);
		entry.bytes = strtoull(number, NULL, 10);
		if (fn(&entry, data, err))
			return err->code;
	}
	truncated = s3_element(&truncated, "IsTruncated");
	if (assay_span_equal_text(truncated, "false"))
		last[0] = '\0';
	else if (!assay_span_equal_text(truncated, "true"))
		return assay_fail(err, ASSAY_EIO, "%s: want a list of objects, have something else", s3->endpoint);
	else if (!*last || strchr(last, '&'))
		return assay_fail(err, ASSAY_EIO, "%s: the list goes on behind \"%s\", which is no name of ours",
				  s3->endpoint, last);
	return ASSAY_OK;
}

static enum assay_code s3_each(struct store_remote *remote, store_remote_fn *fn, void *data, struct assay_error *err)
{
	struct s3 *s3 = s3_of(remote);
	char last[KEY_MAX] = "", before[KEY_MAX];

	do {
		struct s3_answer answer = S3_ANSWER_INIT;
		assay_auto(assay_freep) char *prefix = s3_escape(s3->prefix), *after = s3_escape(last), *query = NULL;
		struct s3_request request = S3_REQUEST(.method = "GET");

		memcpy(before, last, sizeof(before));
		if (!prefix || !after ||
		    asprintf(&query, "list-type=2&prefix=%sblobs%%2F%s%s", prefix, *last ? "&start-after=" : "",
			     *last ? after : "") < 0)
			return assay_fail(err, ASSAY_ENOMEM, "out of memory");
		request.query = query;
		if (!s3_call(s3, &request, &answer, err))
			each_of_page(s3, assay_buf_span(&answer.body), fn, data, last, err);
		assay_buf_release(&answer.body);
		if (!err->code && *last && strcmp(last, before) <= 0)
			return assay_fail(err, ASSAY_EIO, "%s: the list does not go on", s3->endpoint);
	} while (!err->code && *last);
	return err->code;
}

static enum assay_code end_stale(struct s3 *s3, struct assay_span upload, int64_t before, struct assay_error *err)
{
	struct assay_span of = upload, key = s3_element(&of, "Key"), id, begun;
	assay_auto(assay_freep) char *name = strndup(key.len ? (const char *)key.data : "", key.len);
	assay_auto(assay_freep) char *text = NULL, *escaped = NULL, *query = NULL;
	struct assay_digest digest;
	int64_t time;

	of = upload;
	id = s3_element(&of, "UploadId");
	of = upload;
	begun = s3_element(&of, "Initiated");
	if (!parse_key(s3, key, &digest) || !id.len || !parse_time(begun, &time) || time >= before)
		return ASSAY_OK;
	text = strndup((const char *)id.data, id.len);
	escaped = text ? s3_escape(text) : NULL;
	if (!name || !escaped || asprintf(&query, "uploadId=%s", escaped) < 0)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	return delete_key(s3, name, query, err);
}

static enum assay_code s3_tidy(struct store_remote *remote, int64_t before, struct assay_error *err)
{
	struct s3 *s3 = s3_of(remote);
	struct s3_answer answer = S3_ANSWER_INIT;
	assay_auto(assay_freep) char *prefix = s3_escape(s3->prefix), *query = NULL;
	struct s3_request request = S3_REQUEST(.method = "GET");
	struct assay_span at, upload;

	if (!prefix || asprintf(&query, "prefix=%sblobs%%2F&uploads=", prefix) < 0)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	request.query = query;
	if (!s3_call(s3, &request, &answer, err)) {
		at = assay_buf_span(&answer.body);
		for (upload = s3_element(&at, "Upload"); upload.len && !err->code; upload = s3_element(&at, "Upload"))
			end_stale(s3, upload, before, err);
	}
	assay_buf_release(&answer.body);
	return err->code;
}

const struct store_remote_ops store_remote_s3 = {
	.scheme = "s3://",
	.open = s3_open,
	.close = s3_close,
	.look = s3_look,
	.get = s3_get,
	.put = s3_put,
	.each = s3_each,
	.remove = s3_remove,
	.condemn = s3_condemn,
	.tidy = s3_tidy,
};
