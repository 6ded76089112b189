/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URLs and paths into the store.  Everything that arrives goes to a draft and becomes a blob only
 * when it is whole: curl says so by the transfer's length, the caller by the digest.
 *
 * Without a digest the transport is all the protection there is; an https URL is then not followed
 * to http.  Redirects never lead to another scheme than these two, whatever curl was built with.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <strings.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/process.h"
#include "store_int.h"

#define TRIES 3
#define FIRST_PAUSE_US 250000 /* then 4 times, 9 times as long */
#define REDIRECTS 10L
#define CONNECT_TIMEOUT_S 30L
#define STALL_S 60L /* less than one byte a second for so long is a dead peer */
#define URL_SHOWN 400

struct download {
	struct store_draft draft;
	struct assay_error err; /* of the write callback; ASSAY_OK when it had no trouble */
	CURL *curl;
	char shown[URL_SHOWN]; /* the URL without user and password */
	char reason[CURL_ERROR_SIZE];
};

static void init_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void url_freep(CURLU **url)
{
	curl_url_cleanup(*url);
}

static void curl_text_freep(char **text)
{
	curl_free(*text);
}

/* Errors and logs are public; passwords in a URL are not. */
static void show_url(CURLU *url, char *out, size_t size)
{
	assay_auto(url_freep) CURLU *copy = curl_url_dup(url);
	assay_auto(curl_text_freep) char *text = NULL;

	if (!copy || curl_url_set(copy, CURLUPART_USER, NULL, 0) ||
	    curl_url_set(copy, CURLUPART_PASSWORD, NULL, 0) ||
	    curl_url_get(copy, CURLUPART_URL, &text, 0)) {
		snprintf(out, size, "URL");
		return;
	}
	assay_span_show(assay_span_text(text), out, size);
}

static size_t on_data(char *data, size_t one, size_t len, void *pointer)
{
	struct download *d = pointer;
	size_t total = one * len;

	return store_draft_add(&d->draft, data, total, &d->err) ? CURL_WRITEFUNC_ERROR : total;
}

static int on_progress(void *pointer, curl_off_t want, curl_off_t have, curl_off_t up_want,
		       curl_off_t up_have)
{
	(void)pointer;
	(void)up_want;
	(void)up_have;
	assay_progress_update((uint64_t)have, (uint64_t)want, "bytes");
	return assay_interrupted != 0;
}

static enum assay_code take_handle(struct assay_store *store, CURL **ret, struct assay_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, init_curl);
	if (store->curl && store->curl_pid != getpid())
		store->curl = NULL; /* the parent's connections are not ours to use or to close */
	if (!store->curl) {
		store->curl = curl_easy_init();
		store->curl_pid = getpid();
	}
	if (!store->curl)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	curl_easy_reset(store->curl);
	*ret = store->curl;
	return ASSAY_OK;
}

static enum assay_code set_up(struct download *d, const char *url, bool pinned, bool https,
			      struct assay_error *err)
{
	const char *redirects = https && !pinned ? "https" : "http,https";
	CURLcode bad = CURLE_OK;

#define SET(option, value) bad = bad ? bad : curl_easy_setopt(d->curl, option, value)
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_REDIR_PROTOCOLS_STR, redirects);
	SET(CURLOPT_FOLLOWLOCATION, 1L);
	SET(CURLOPT_MAXREDIRS, REDIRECTS);
	SET(CURLOPT_FAILONERROR, 1L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
	SET(CURLOPT_LOW_SPEED_TIME, STALL_S);
	SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)ASSAY_MAX_BLOB);
	SET(CURLOPT_USERAGENT, "assay/" ASSAY_VERSION);
	SET(CURLOPT_WRITEFUNCTION, on_data);
	SET(CURLOPT_WRITEDATA, d);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(CURLOPT_ERRORBUFFER, d->reason);
#undef SET
	if (bad)
		return assay_fail(err, ASSAY_EBUG, "%s: curl: %s", d->shown,
				  curl_easy_strerror(bad));
	return ASSAY_OK;
}

static enum assay_code code_of_status(long status)
{
	/* 408 and 429 ask for another try; every other 4xx says that the file is not to be had */
	return status >= 400 && status < 500 && status != 408 && status != 429 ? ASSAY_ENOTFOUND
									       : ASSAY_EIO;
}

/* What is not listed is the network's trouble: ASSAY_EIO. */
static const struct {
	CURLcode result;
	enum assay_code code;
} meanings[] = {
	{ CURLE_ABORTED_BY_CALLBACK, ASSAY_EINTERRUPTED },
	{ CURLE_FILESIZE_EXCEEDED, ASSAY_ELIMIT },
	{ CURLE_OPERATION_TIMEDOUT, ASSAY_ETIMEOUT },
	{ CURLE_OUT_OF_MEMORY, ASSAY_ENOMEM },
	{ CURLE_PEER_FAILED_VERIFICATION, ASSAY_EUNTRUSTED },
	{ CURLE_TOO_MANY_REDIRECTS, ASSAY_ENOTFOUND },
	{ CURLE_UNSUPPORTED_PROTOCOL, ASSAY_ENOTFOUND },
};

static enum assay_code explain(struct download *d, CURLcode result, struct assay_error *err)
{
	enum assay_code code = ASSAY_EIO;
	long status = 0;

	curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, &status);
	if (d->err.code) {
		*err = d->err;
		return assay_context(err, "%s", d->shown);
	}
	if (result == CURLE_HTTP_RETURNED_ERROR)
		return assay_fail(err, code_of_status(status), "%s: HTTP status %ld", d->shown,
				  status);
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].result == result)
			code = meanings[i].code;
	return assay_fail(err, code, "%s: %s (HTTP status %ld, %llu bytes came)", d->shown,
			  d->reason[0] ? d->reason : curl_easy_strerror(result), status,
			  (unsigned long long)d->draft.size);
}

/* One transfer; the draft is empty when it begins. */
static enum assay_code transfer(struct download *d, struct assay_error *err)
{
	CURLcode result;

	d->reason[0] = '\0';
	d->err = (struct assay_error)ASSAY_ERROR_INIT;
	*err = (struct assay_error)ASSAY_ERROR_INIT;
	if (store_draft_rewind(&d->draft, err))
		return err->code;
	result = curl_easy_perform(d->curl);
	return result == CURLE_OK ? ASSAY_OK : explain(d, result, err);
}

static bool is_worth_another_try(const struct download *d, enum assay_code code)
{
	return (code == ASSAY_EIO || code == ASSAY_ETIMEOUT) && !d->err.code;
}

static enum assay_code fetch_http(struct assay_store *store, CURLU *url, bool https,
				  const struct assay_digest *want, struct assay_digest *ret,
				  uint64_t *ret_size, struct assay_error *err)
{
	struct download d = { .draft = STORE_DRAFT_INIT, .err = ASSAY_ERROR_INIT };
	char *text = NULL;
	enum assay_code code;

	show_url(url, d.shown, sizeof(d.shown));
	if (curl_url_get(url, CURLUPART_URL, &text, 0))
		return assay_fail(err, ASSAY_ENOMEM, "%s: out of memory", d.shown);
	code = take_handle(store, &d.curl, err);
	if (!code)
		code = set_up(&d, text, want != NULL, https, err);
	if (!code)
		code = store_draft_open(&d.draft, store, err);
	if (!code) {
		code = transfer(&d, err);
		for (unsigned i = 1; i < TRIES && is_worth_another_try(&d, code); i++) {
			assay_log(ASSAY_LOG_NOTE, "%s; trying again", err->msg);
			usleep(i * i * FIRST_PAUSE_US);
			code = transfer(&d, err);
		}
	}
	if (!code && store_draft_commit(&d.draft, want, ret, ret_size, err))
		code = assay_context(err, "%s", d.shown);
	store_draft_release(&d.draft);
	curl_free(text);
	return code;
}

static enum assay_code fetch_path(struct assay_store *store, const char *path,
				  const struct assay_digest *want, struct assay_digest *ret,
				  uint64_t *ret_size, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = -1;

	if (assay_file_open(AT_FDCWD, path, &fd, err))
		return err->code;
	if (assay_store_put_fd(store, fd, want, ret, ret_size, err))
		return assay_context(err, "%s", path);
	return ASSAY_OK;
}

static enum assay_code fetch_file_url(struct assay_store *store, CURLU *url,
				      const struct assay_digest *want, struct assay_digest *ret,
				      uint64_t *ret_size, struct assay_error *err)
{
	assay_auto(curl_text_freep) char *path = NULL, *host = NULL;

	curl_url_get(url, CURLUPART_HOST, &host, 0);
	if (host && *host && strcasecmp(host, "localhost") != 0)
		return assay_fail(err, ASSAY_EUSAGE, "file URL: want no host, have \"%s\"", host);
	if (curl_url_get(url, CURLUPART_PATH, &path, CURLU_URLDECODE) || !path)
		return assay_fail(err, ASSAY_EUSAGE, "file URL: want a path");
	return fetch_path(store, path, want, ret, ret_size, err);
}

/* A blob that is already here, with the right bytes, spares the journey; one with wrong bytes has
 * been moved aside by the attempt to read it. */
static bool is_here(struct assay_store *store, const struct assay_digest *want,
		    struct assay_digest *ret, uint64_t *ret_size)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	assay_auto(assay_fd_closep) int fd = -1;
	off_t size;

	if (!want || !assay_store_has(store, want))
		return false;
	if (assay_store_get(store, want, &fd, &err)) {
		assay_log(ASSAY_LOG_WARNING, "%s; fetching it again", err.msg);
		return false;
	}
	size = lseek(fd, 0, SEEK_END);
	if (size < 0)
		return false;
	if (ret)
		*ret = *want;
	if (ret_size)
		*ret_size = (uint64_t)size;
	return true;
}

static enum assay_code fetch_url(struct assay_store *store, const char *url,
				 const struct assay_digest *want, struct assay_digest *ret,
				 uint64_t *ret_size, struct assay_error *err)
{
	assay_auto(url_freep) CURLU *parsed = curl_url();
	assay_auto(curl_text_freep) char *scheme = NULL;

	if (!parsed)
		return assay_fail(err, ASSAY_ENOMEM, "fetch: out of memory");
	if (curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) ||
	    curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0))
		return assay_fail(err, ASSAY_EUSAGE, "URL: want scheme://host/path, have \"%s\"",
				  strchr(url, '@') ? "(hidden: may hold a password)" : url);
	if (strcmp(scheme, "file") == 0)
		return fetch_file_url(store, parsed, want, ret, ret_size, err);
	if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
		return assay_fail(err, ASSAY_EUSAGE, "URL: want https, http or file, have \"%s\"",
				  scheme);
	return fetch_http(store, parsed, strcmp(scheme, "https") == 0, want, ret, ret_size, err);
}

enum assay_code assay_fetch(struct assay_store *store, const char *url,
			    const struct assay_digest *want, struct assay_digest *ret,
			    uint64_t *ret_size, struct assay_error *err)
{
	if (is_here(store, want, ret, ret_size))
		return ASSAY_OK;
	if (!strstr(url, "://"))
		return fetch_path(store, url, want, ret, ret_size, err);
	if (curl_late_load(err))
		return err->code;
	return fetch_url(store, url, want, ret, ret_size, err);
}
