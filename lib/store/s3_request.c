/* SPDX-License-Identifier: Apache-2.0 */
#include "s3_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/process.h"

enum { TRIES = 6, FIRST_PAUSE_MS = 200, CONNECT_S = 15, STALL_S = 60 };

/* One try. */
struct transfer {
	const struct s3_request *request;
	struct s3_answer *answer;
	struct assay_error err; /* of our own side */
	CURL *curl;
	uint64_t sent;
	char reason[CURL_ERROR_SIZE];
	char shown[300];
};

/* ---- connections --------------------------------------------------------------------------------- */

static void init_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static CURL *borrow(struct s3 *s3)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	CURL *curl = NULL;

	pthread_once(&once, init_curl);
	pthread_mutex_lock(&s3->lock);
	if (s3->pid != getpid()) {
		s3->idle_count = 0; /* the parent's connections are not ours to use or to close */
		s3->pid = getpid();
	}
	if (s3->idle_count)
		curl = s3->idle[--s3->idle_count];
	pthread_mutex_unlock(&s3->lock);
	if (curl)
		curl_easy_reset(curl);
	return curl ? curl : curl_easy_init();
}

static void give_back(struct s3 *s3, CURL *curl)
{
	pthread_mutex_lock(&s3->lock);
	if (s3->idle_count < S3_HANDLES) {
		s3->idle[s3->idle_count++] = curl;
		curl = NULL;
	}
	pthread_mutex_unlock(&s3->lock);
	if (curl)
		curl_easy_cleanup(curl);
}

void s3_release(struct s3 *s3)
{
	for (size_t i = 0; i < s3->idle_count && s3->pid == getpid(); i++)
		curl_easy_cleanup(s3->idle[i]);
	if (s3->secret)
		explicit_bzero(s3->secret, strlen(s3->secret));
	free(s3->secret);
	free(s3->key_id);
	free(s3->token);
	free(s3->bucket);
	free(s3->prefix);
	free(s3->endpoint);
	free(s3->region);
}

/* ---- one try ------------------------------------------------------------------------------------- */

static size_t on_send(char *out, size_t one, size_t count, void *data)
{
	struct transfer *t = data;
	const struct s3_request *r = t->request;
	uint64_t left = (r->fd >= 0 ? r->length : r->body.len) - t->sent;
	size_t want = left < one * count ? (size_t)left : one * count;
	ssize_t got = (ssize_t)want;

	if (r->fd >= 0)
		got = pread(r->fd, out, want, (off_t)(r->offset + t->sent));
	else if (want)
		memcpy(out, r->body.data + t->sent, want);
	if (got < 0) {
		assay_fail_errno(&t->err, "read what is to be sent");
		return CURL_READFUNC_ABORT;
	}
	if (!got && want) {
		assay_fail(&t->err, ASSAY_EIO, "what is to be sent became shorter");
		return CURL_READFUNC_ABORT;
	}
	t->sent += (uint64_t)got;
	return (size_t)got;
}

static size_t on_receive(char *data, size_t one, size_t count, void *pointer)
{
	struct transfer *t = pointer;
	long status = 0;

	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	if (t->request->draft && status == 200)
		return store_draft_add(t->request->draft, data, one * count, &t->err) ? CURL_WRITEFUNC_ERROR :
											one * count;
	assay_buf_add(&t->answer->body, data, one * count);
	return t->answer->body.failed ? CURL_WRITEFUNC_ERROR : one * count;
}

static size_t on_header(char *data, size_t one, size_t count, void *pointer)
{
	struct transfer *t = pointer;
	struct assay_span line = assay_span_trim(assay_span_of(data, one * count));

	if (line.len > 5 && strncasecmp((const char *)line.data, "etag:", 5) == 0) {
		struct assay_span value = assay_span_trim(assay_span_of(line.data + 5, line.len - 5));

		snprintf(t->answer->etag, sizeof(t->answer->etag), "%.*s", (int)value.len, (const char *)value.data);
	}
	return one * count;
}

static int on_progress(void *data, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
	(void)data;
	assay_progress_update((uint64_t)(down + up), (uint64_t)(down_all + up_all), "bytes");
	return assay_interrupted != 0;
}

static bool add_header(struct curl_slist **list, const char *name, const char *value)
{
	assay_auto(assay_freep) char *line = NULL;
	struct curl_slist *grown;

	if (!value)
		return true;
	if (asprintf(&line, "%s: %s", name, value) < 0) {
		line = NULL;
		return false;
	}
	grown = curl_slist_append(*list, line);
	if (grown)
		*list = grown;
	return grown != NULL;
}

/* The service compares the payload's digest with what it got, so that nothing damaged on the way is stored. */
static enum assay_code payload_digest(const struct s3_request *r, struct assay_digest *ret, struct assay_error *err)
{
	assay_auto(assay_hasher_freep) struct assay_hasher *hasher = NULL;
	assay_auto(assay_freep) char *block = NULL;
	uint64_t done = 0;

	if (r->payload || r->fd < 0) {
		if (r->payload)
			*ret = *r->payload;
		else
			assay_digest_span(r->body, ret);
		return ASSAY_OK;
	}
	hasher = assay_hasher_new();
	block = malloc(ASSAY_MIB);
	while (hasher && block && done < r->length) {
		size_t want = r->length - done < ASSAY_MIB ? (size_t)(r->length - done) : ASSAY_MIB;
		ssize_t got = pread(r->fd, block, want, (off_t)(r->offset + done));

		if (got < 0)
			return assay_fail_errno(err, "read what is to be sent");
		if (!got)
			return assay_fail(err, ASSAY_EIO, "what is to be sent became shorter");
		assay_hasher_add(hasher, block, (size_t)got);
		done += (uint64_t)got;
	}
	if (!hasher || !block)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	assay_hasher_end(hasher, ret);
	return ASSAY_OK;
}

static enum assay_code set_up(struct s3 *s3, struct transfer *t, const char *url, struct curl_slist *headers,
			      const char *signing, struct assay_error *err)
{
	const struct s3_request *r = t->request;
	bool sends = r->fd >= 0 || strcmp(r->method, "PUT") == 0 || strcmp(r->method, "POST") == 0;
	uint64_t length = r->fd >= 0 ? r->length : r->body.len;
	CURLcode bad = CURLE_OK;

#define SET(option, value) bad = bad ? bad : curl_easy_setopt(t->curl, option, value)
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_CUSTOMREQUEST, r->method);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
	SET(CURLOPT_LOW_SPEED_TIME, (long)STALL_S);
	SET(CURLOPT_USERAGENT, "assay/" ASSAY_VERSION);
	SET(CURLOPT_AWS_SIGV4, signing);
	SET(CURLOPT_USERNAME, s3->key_id);
	SET(CURLOPT_PASSWORD, s3->secret);
	SET(CURLOPT_HTTPHEADER, headers);
	SET(CURLOPT_FILETIME, 1L);
	SET(CURLOPT_WRITEFUNCTION, on_receive);
	SET(CURLOPT_WRITEDATA, t);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, t);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(CURLOPT_ERRORBUFFER, t->reason);
	if (strcmp(r->method, "HEAD") == 0)
		SET(CURLOPT_NOBODY, 1L);
	if (sends) {
		SET(CURLOPT_UPLOAD, 1L);
		SET(CURLOPT_READFUNCTION, on_send);
		SET(CURLOPT_READDATA, t);
		SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)length);
	}
#undef SET
	if (bad)
		return assay_fail(err, ASSAY_EBUG, "%s: curl: %s", t->shown, curl_easy_strerror(bad));
	return ASSAY_OK;
}

/* ---- what the answer means ----------------------------------------------------------------------- */

struct assay_span s3_element(struct assay_span *at, const char *name)
{
	char open[64], close[64];
	const uint8_t *from, *to;

	snprintf(open, sizeof(open), "<%s>", name);
	snprintf(close, sizeof(close), "</%s>", name);
	from = at->len ? memmem(at->data, at->len, open, strlen(open)) : NULL;
	if (!from)
		return assay_span_of(NULL, 0);
	from += strlen(open);
	to = memmem(from, at->len - (size_t)(from - at->data), close, strlen(close));
	if (!to)
		return assay_span_of(NULL, 0);
	*at = assay_span_of(to, at->len - (size_t)(to - at->data));
	return assay_span_of(from, (size_t)(to - from));
}

char *s3_escape(const char *text)
{
	char *escaped = curl_easy_escape(NULL, text, 0), *copy = escaped ? strdup(escaped) : NULL;

	curl_free(escaped);
	return copy;
}

static bool is_later(long status)
{
	return status == 408 || status == 429 || status / 100 == 5;
}

static enum assay_code explain_status(struct transfer *t, struct assay_error *err)
{
	struct assay_span body = assay_buf_span(&t->answer->body), code = s3_element(&body, "Code"), message;
	char why[400];
	long status = t->answer->status;
	enum assay_code means = status == 404		       ? ASSAY_ENOTFOUND :
				status == 401 || status == 403 ? ASSAY_EUNTRUSTED :
				is_later(status)	       ? ASSAY_EBUSY :
								 ASSAY_EIO;

	body = assay_buf_span(&t->answer->body);
	message = s3_element(&body, "Message");
	snprintf(why, sizeof(why), "%s%.*s%s%.*s", code.len ? ", " : "", (int)code.len,
		 code.len ? (const char *)code.data : "", message.len ? ": " : "", (int)message.len,
		 message.len ? (const char *)message.data : "");
	return assay_fail(err, means, "%s: HTTP status %ld%s", t->shown, status, why);
}

static enum assay_code explain(struct transfer *t, CURLcode result, struct assay_error *err)
{
	if (t->err.code) {
		*err = t->err;
		return assay_context(err, "%s", t->shown);
	}
	if (result == CURLE_ABORTED_BY_CALLBACK)
		return assay_fail(err, ASSAY_EINTERRUPTED, "%s: interrupted", t->shown);
	if (result == CURLE_PEER_FAILED_VERIFICATION)
		return assay_fail(err, ASSAY_EUNTRUSTED, "%s: %s", t->shown, t->reason);
	return assay_fail(err, ASSAY_EBUSY, "%s: %s", t->shown, t->reason[0] ? t->reason : curl_easy_strerror(result));
}

static enum assay_code try(struct s3 *s3, struct transfer *t, const char *url, struct curl_slist *headers,
			   const char *signing, struct assay_error *err)
{
	curl_off_t length = -1, time = -1;
	CURLcode result;

	*err = (struct assay_error)ASSAY_ERROR_INIT;
	t->err = (struct assay_error)ASSAY_ERROR_INIT;
	t->sent = 0;
	t->reason[0] = t->answer->etag[0] = '\0';
	assay_buf_clear(&t->answer->body);
	if (t->request->draft && store_draft_rewind(t->request->draft, err))
		return err->code;
	t->curl = borrow(s3);
	if (!t->curl)
		return assay_fail(err, ASSAY_ENOMEM, "%s: out of memory", t->shown);
	if (set_up(s3, t, url, headers, signing, err)) {
		curl_easy_cleanup(t->curl);
		return err->code;
	}
	result = curl_easy_perform(t->curl);
	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &t->answer->status);
	curl_easy_getinfo(t->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	curl_easy_getinfo(t->curl, CURLINFO_FILETIME_T, &time);
	t->answer->size = length > 0 ? (uint64_t)length : 0;
	t->answer->time = time > 0 ? time : 0;
	if (result != CURLE_OK)
		explain(t, result, err);
	else if (t->answer->status / 100 != 2)
		explain_status(t, err);
	give_back(s3, t->curl);
	return err->code;
}

/* Between half and one and a half of a pause that doubles, so that those who failed together do not come back
 * together. */
static void pause_before(int try)
{
	uint32_t random = 0;
	uint64_t ms = (uint64_t)FIRST_PAUSE_MS << try;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = UINT32_MAX / 2;
	usleep((useconds_t)(1000 * (ms / 2 + ms * random / UINT32_MAX)));
}

static enum assay_code try_often(struct s3 *s3, struct transfer *t, const char *url, struct curl_slist *headers,
				 const char *signing, struct assay_error *err)
{
	enum assay_code code = try(s3, t, url, headers, signing, err);

	for (int i = 1; i < TRIES && code == ASSAY_EBUSY && !assay_interrupted; i++) {
		assay_log(ASSAY_LOG_NOTE, "%s; trying again", err->msg);
		pause_before(i - 1);
		code = try(s3, t, url, headers, signing, err);
	}
	return code;
}

enum assay_code s3_call(struct s3 *s3, const struct s3_request *request, struct s3_answer *ret,
			struct assay_error *err)
{
	struct transfer t = { .request = request, .answer = ret, .err = ASSAY_ERROR_INIT };
	assay_auto(assay_freep) char *url = NULL;
	assay_auto(assay_freep) char *signing = NULL;
	struct curl_slist *headers = NULL;
	char hex[ASSAY_DIGEST_TEXT];
	struct assay_digest payload;
	enum assay_code code;

	snprintf(t.shown, sizeof(t.shown), "%s/%s/%s", s3->endpoint, s3->bucket, request->key ? request->key : "");
	if (payload_digest(request, &payload, err))
		return assay_context(err, "%s", t.shown);
	if (asprintf(&url, "%s/%s%s%s%s%s", s3->endpoint, s3->bucket, request->key ? "/" : "",
		     request->key ? request->key : "", request->query ? "?" : "",
		     request->query ? request->query : "") < 0 ||
	    asprintf(&signing, "aws:amz:%s:s3", s3->region) < 0 ||
	    !add_header(&headers, "x-amz-content-sha256", assay_digest_hex(&payload, hex)) ||
	    !add_header(&headers, "x-amz-security-token", s3->token) ||
	    !add_header(&headers, "x-amz-copy-source", request->copy_source))
		code = assay_fail(err, ASSAY_ENOMEM, "%s: out of memory", t.shown);
	else
		code = try_often(s3, &t, url, headers, signing, err);
	curl_slist_free_all(headers);
	return code;
}
