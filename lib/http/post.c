/* SPDX-License-Identifier: Apache-2.0 */
/* One POST to somebody else's server. */
#include <pthread.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/curl_late.h"
#include "assay/http.h"
#include "assay/limits.h"

enum { CONNECT_S = 3, ANSWER_S = 10 };

static void init_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t receive(char *data, size_t size, size_t count, void *to)
{
	assay_buf_add(to, data, size * count);
	return size * count;
}

static void prepare(CURL *curl, const char *url, struct assay_span body, struct curl_slist *headers,
		    struct assay_buf *answer, char *reason)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)ANSWER_S);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)body.data);
}

enum assay_code assay_http_post(const char *url, const char *const *headers, struct assay_span body,
				struct assay_buf *answer, long *ret_status, struct assay_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct curl_slist *list = NULL;
	char reason[CURL_ERROR_SIZE] = "";
	CURLcode result;
	CURL *curl;

	*ret_status = 0;
	if (curl_late_load(err))
		return err->code;
	pthread_once(&once, init_curl);
	curl = curl_easy_init();
	if (!curl)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	for (; *headers; headers++)
		list = curl_slist_append(list, *headers);
	prepare(curl, url, body, list, answer, reason);
	result = curl_easy_perform(curl);
	if (result == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
	else
		assay_fail(err, ASSAY_EBUSY, "%s: %s", url, reason[0] ? reason : curl_easy_strerror(result));
	curl_slist_free_all(list);
	curl_easy_cleanup(curl);
	return err->code;
}
