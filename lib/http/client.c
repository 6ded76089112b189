/* SPDX-License-Identifier: Apache-2.0 */
/* The client: libcurl over a Unix socket or TLS, one connection that is kept. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/curl_late.h"
#include "assay/digest.h"
#include "assay/file.h"
#include "assay/http.h"
#include "assay/limits.h"

enum { CONNECT_S = 5, ANSWER_S = 300, PART = 32 * 1024 * 1024, PART_TRIES = 5 };

struct assay_http_client {
	CURL *curl;
	long status;	   /* of the last answer */
	const char *range; /* Content-Range of the next request; NULL: none */
	char *place; /* path of a socket, or URL */
	char *authority, *certificate, *key, *authorization;
	bool secure, unverified, older;
	unsigned patience_s;
};

static void init_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum assay_code assay_http_client_new(const char *place, struct assay_http_client **ret,
				      struct assay_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct assay_http_client *client = NULL;

	if (curl_late_load(err))
		return err->code;
	if (strstr(place, "://") && strncmp(place, "https://", 8) != 0)
		return assay_fail(err, ASSAY_EUSAGE, "scheduler: want https://HOST:PORT or the path of a socket, have \"%s\"",
				  place);
	pthread_once(&once, init_curl);
	client = calloc(1, sizeof(*client));
	if (client) {
		client->curl = curl_easy_init();
		client->place = strdup(place);
		client->secure = strncmp(place, "https://", 8) == 0;
	}
	if (!client || !client->curl || !client->place) {
		assay_http_client_free(client);
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	}
	*ret = client;
	return ASSAY_OK;
}

static void forget(struct assay_http_client *client)
{
	free(client->authority);
	free(client->certificate);
	free(client->key);
	free(client->authorization);
	client->authority = client->certificate = client->key = client->authorization = NULL;
}

void assay_http_client_free(struct assay_http_client *client)
{
	if (!client)
		return;
	curl_easy_cleanup(client->curl);
	free(client->place);
	forget(client);
	free(client);
}

static bool copy(const char *text, char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return *ret || !text;
}

enum assay_code assay_http_client_identify(struct assay_http_client *client, const struct assay_http_identity *identity,
					   struct assay_error *err)
{
	bool good;

	forget(client);
	client->unverified = identity->unverified;
	client->older = identity->older;
	client->patience_s = identity->patience_s;
	good = copy(identity->authority, &client->authority) && copy(identity->certificate, &client->certificate) &&
	       copy(identity->key, &client->key);
	if (good && identity->bearer && asprintf(&client->authorization, "Authorization: Bearer %s", identity->bearer) < 0) {
		client->authorization = NULL;
		good = false;
	}
	return good ? ASSAY_OK : assay_fail(err, ASSAY_ENOMEM, "out of memory");
}

void assay_http_client_freep(struct assay_http_client **client)
{
	assay_http_client_free(*client);
}

static size_t receive(char *data, size_t size, size_t count, void *to)
{
	assay_buf_add(to, data, size * count);
	return size * count;
}

static void prepare_tls(const struct assay_http_client *client)
{
	CURL *curl = client->curl;
	long verify = !client->unverified;

	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(curl, CURLOPT_SSLVERSION,
			 client->older ? (long)CURL_SSLVERSION_TLSv1_2 : (long)CURL_SSLVERSION_TLSv1_3);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, verify);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, verify * 2);
	if (client->authority) {
		curl_easy_setopt(curl, CURLOPT_CAINFO, client->authority);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL); /* else those of the system count as well */
	}
	if (client->certificate) {
		curl_easy_setopt(curl, CURLOPT_SSLCERT, client->certificate);
		curl_easy_setopt(curl, CURLOPT_SSLKEY, client->key);
	}
}

static void prepare(struct assay_http_client *client, const char *method, const char *url,
		    struct assay_span body, struct curl_slist *headers, struct assay_buf *answer,
		    char *reason)
{
	CURL *curl = client->curl;

	curl_easy_reset(curl);
	if (client->secure) {
		prepare_tls(client);
	} else {
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->place);
		curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	}
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, client->patience_s ? (long)client->patience_s : (long)ANSWER_S);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	if (strcmp(method, "GET") != 0) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.len ? (const char *)body.data : "");
	}
}

static enum assay_code fail_status(long status, const char *path, const struct assay_buf *answer,
				   struct assay_error *err)
{
	static const struct {
		long status;
		enum assay_code code;
	} codes[] = {
		{ 400, ASSAY_EUSAGE },	  { 401, ASSAY_EUNTRUSTED }, { 403, ASSAY_EUNTRUSTED },
		{ 404, ASSAY_ENOTFOUND }, { 409, ASSAY_ENOTFOUND },  { 413, ASSAY_ELIMIT },
		{ 422, ASSAY_EUNTRUSTED }, { 503, ASSAY_EBUSY },
	};
	assay_auto(assay_json_freep) json_t *problem = NULL;
	enum assay_code code = ASSAY_EIO;
	struct assay_error ignored = ASSAY_ERROR_INIT;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].status == status)
			code = codes[i].code;
	if (assay_json_parse(assay_buf_span(answer), "answer", &problem, &ignored))
		return assay_fail(err, code, "scheduler: %s: status %ld", path, status);
	return assay_fail(err, code, "scheduler: %s", assay_json_text(problem, "detail", "no detail"));
}

enum assay_code assay_http_send(struct assay_http_client *client, const char *method,
				const char *path, struct assay_span body, struct assay_buf *answer,
				struct assay_error *err)
{
	struct curl_slist *headers = curl_slist_append(
		NULL, strcmp(method, "PUT") == 0 ? "Content-Type: application/octet-stream" :
						   "Content-Type: application/json");
	assay_auto(assay_buf_release) struct assay_buf url = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	char reason[CURL_ERROR_SIZE] = "";
	CURLcode result;

	client->status = 0;
	headers = curl_slist_append(headers, "Expect:");
	if (client->range)
		headers = curl_slist_append(headers, client->range);
	if (client->authorization)
		headers = curl_slist_append(headers, client->authorization);
	assay_buf_printf(&url, "%s%s", client->secure ? client->place : "http://scheduler", path);
	assay_buf_clear(answer);
	prepare(client, method, assay_buf_text(&url), body, headers, answer, reason);
	result = curl_easy_perform(client->curl);
	curl_slist_free_all(headers);
	if (result == CURLE_COULDNT_CONNECT)
		return assay_fail(err, ASSAY_EBUSY,
				  "no scheduler answers at %s; start one with `assay scheduler`",
				  client->place);
	if (result == CURLE_PEER_FAILED_VERIFICATION)
		return assay_fail(err, ASSAY_EUNTRUSTED, "scheduler: %s: %s", client->place,
				  reason[0] ? reason : curl_easy_strerror(result));
	if (result != CURLE_OK)
		return assay_fail(err, ASSAY_EBUSY, "scheduler: %s",
				  reason[0] ? reason : curl_easy_strerror(result));
	if (assay_buf_check(answer, "answer", err))
		return err->code;
	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &client->status);
	return client->status / 100 == 2 ? ASSAY_OK : fail_status(client->status, path, answer, err);
}

bool assay_http_is_remote(const struct assay_http_client *client)
{
	return client->secure;
}

long assay_http_status(const struct assay_http_client *client)
{
	return client->status;
}

enum assay_code assay_http_call(struct assay_http_client *client, const char *method,
				const char *path, const json_t *body, json_t **ret_answer,
				struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	assay_auto(assay_buf_release) struct assay_buf answer = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);

	if (body)
		assay_json_dump_compact(body, &text);
	*ret_answer = NULL;
	if (assay_buf_check(&text, "request", err) ||
	    assay_http_send(client, method, path, assay_buf_span(&text), &answer, err))
		return err->code;
	return answer.len ? assay_json_parse(assay_buf_span(&answer), "answer", ret_answer, err) : ASSAY_OK;
}

/* ---- blobs --------------------------------------------------------------------------------------- */

/* What is there of it already. */
static enum assay_code ask_size(struct assay_http_client *client, const char *hex, uint64_t *ret,
				struct assay_error *err)
{
	assay_auto(assay_json_freep) json_t *answer = NULL;
	char path[120];

	snprintf(path, sizeof(path), "/v1/blobs/%s/upload", hex);
	if (assay_http_call(client, "GET", path, NULL, &answer, err))
		return err->code;
	*ret = (uint64_t)assay_json_int(answer, "size", 0);
	return ASSAY_OK;
}

static enum assay_code send_part(struct assay_http_client *client, const char *path,
				 struct assay_span whole, uint64_t from, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf answer = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	struct assay_span part = assay_span_cut(whole, from, PART);
	char range[100];
	enum assay_code code;

	snprintf(range, sizeof(range), "Content-Range: bytes %llu-%llu/%zu", (unsigned long long)from,
		 (unsigned long long)(from + part.len - 1), whole.len);
	client->range = range;
	code = assay_http_send(client, "PUT", path, part, &answer, err);
	client->range = NULL;
	return code;
}

static enum assay_code send_parts(struct assay_http_client *client, const char *path, const char *hex,
				  struct assay_span whole, struct assay_error *err)
{
	uint64_t at = 0;

	for (int try = 0; try < PART_TRIES; try++) {
		*err = (struct assay_error)ASSAY_ERROR_INIT;
		if (ask_size(client, hex, &at, err))
			return err->code;
		/* all bytes may be there and be no blob: with its last part it becomes one */
		if (at >= whole.len)
			at = whole.len - PART;
		while (at < whole.len && !send_part(client, path, whole, at, err)) {
			if (client->status != 202)
				return ASSAY_OK;
			at += PART;
		}
		if (err->code == ASSAY_EUNTRUSTED)
			return err->code;
	}
	return err->code ? err->code :
			   assay_fail(err, ASSAY_EIO, "scheduler: %s: has all %zu bytes and wants more", path, whole.len);
}

enum assay_code assay_http_upload(struct assay_http_client *client, const char *path, char *ret_hex,
				  struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf answer = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	assay_auto(assay_map_release) struct assay_map map = { { NULL, 0 } };
	struct assay_digest digest;
	char url[120];

	if (assay_map_file(path, &map, err))
		return err->code;
	assay_digest_span(map.bytes, &digest);
	snprintf(url, sizeof(url), "/v1/blobs/%s", assay_digest_hex(&digest, ret_hex));
	if (map.bytes.len > PART)
		return send_parts(client, url, ret_hex, map.bytes, err);
	return assay_http_send(client, "PUT", url, map.bytes, &answer, err);
}
