/* SPDX-License-Identifier: Apache-2.0 */
/* The client: libcurl over a Unix socket, one connection that is kept. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/curl_late.h"
#include "assay/http.h"
#include "assay/limits.h"

enum { CONNECT_S = 5, ANSWER_S = 300 };

struct assay_http_client {
	CURL *curl;
	char *socket;
};

static void init_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum assay_code assay_http_client_new(const char *socket, struct assay_http_client **ret,
				      struct assay_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct assay_http_client *client = NULL;

	if (curl_late_load(err))
		return err->code;
	pthread_once(&once, init_curl);
	client = calloc(1, sizeof(*client));
	if (client) {
		client->curl = curl_easy_init();
		client->socket = strdup(socket);
	}
	if (!client || !client->curl || !client->socket) {
		assay_http_client_free(client);
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	}
	*ret = client;
	return ASSAY_OK;
}

void assay_http_client_free(struct assay_http_client *client)
{
	if (!client)
		return;
	curl_easy_cleanup(client->curl);
	free(client->socket);
	free(client);
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

static void prepare(struct assay_http_client *client, const char *method, const char *url,
		    struct assay_span body, struct curl_slist *headers, struct assay_buf *answer,
		    char *reason)
{
	CURL *curl = client->curl;

	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->socket);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)ANSWER_S);
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
		{ 400, ASSAY_EUSAGE },	  { 403, ASSAY_EUNTRUSTED }, { 404, ASSAY_ENOTFOUND },
		{ 409, ASSAY_ENOTFOUND }, { 413, ASSAY_ELIMIT },     { 422, ASSAY_EUNTRUSTED },
		{ 503, ASSAY_EBUSY },
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
	long status = 0;
	CURLcode result;

	headers = curl_slist_append(headers, "Expect:");
	assay_buf_printf(&url, "http://scheduler%s", path);
	assay_buf_clear(answer);
	prepare(client, method, assay_buf_text(&url), body, headers, answer, reason);
	result = curl_easy_perform(client->curl);
	curl_slist_free_all(headers);
	if (result == CURLE_COULDNT_CONNECT)
		return assay_fail(err, ASSAY_EBUSY,
				  "no scheduler answers at %s; start one with `assay scheduler`",
				  client->socket);
	if (result != CURLE_OK)
		return assay_fail(err, ASSAY_EBUSY, "scheduler: %s",
				  reason[0] ? reason : curl_easy_strerror(result));
	if (assay_buf_check(answer, "answer", err))
		return err->code;
	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
	return status / 100 == 2 ? ASSAY_OK : fail_status(status, path, answer, err);
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
