/* SPDX-License-Identifier: Apache-2.0 */
/* From a request to its endpoint, and what endpoints have in common. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/digest.h"
#include "assay/log.h"
#include "scheduler.h"

enum { TEXT_MAX = 4096 };

static const struct api_endpoint *const tables[] = { api_jobs,    api_log,  api_worker,     api_blob,
							  api_results, api_farm, api_rebuilderd };

/* "/v1/jobs/N/cancel" and "/v1/jobs/?/cancel": what stands for the star, in out. */
static bool matches(const char *pattern, const char *path, char *out, size_t size)
{
	const char *star = strchr(pattern, '*');
	size_t before = star ? (size_t)(star - pattern) : 0, len;

	if (!star)
		return strcmp(pattern, path) == 0;
	if (strncmp(pattern, path, before) != 0)
		return false;
	len = strcspn(path + before, "/");
	if (!len || len >= size || strcmp(path + before + len, star + 1) != 0)
		return false;
	memcpy(out, path + before, len);
	out[len] = '\0';
	return true;
}

/* allow: the methods of whatever lies at the path, for the header of that name. */
static const struct api_endpoint *find(const char *path, const char *method, char *argument,
				       size_t size, struct assay_buf *allow)
{
	const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct api_endpoint *e = tables[t]; e->method; e++) {
			if (!matches(e->path, path, argument, size))
				continue;
			if (strcmp(e->method, wanted) == 0)
				return e;
			assay_buf_printf(allow, "%s%s", allow->len ? ", " : "", e->method);
		}
	return NULL;
}

/* A body that says that it is something else is not looked at. */
static bool is_json(const struct assay_http_request *request)
{
	const char *type = assay_http_header(request, "Content-Type");

	return !type || assay_span_equal_text(assay_span_trim(assay_span_of(type, strcspn(type, ";"))),
					      "application/json");
}

/* What is PUT is bytes of any kind. */
static enum assay_code parse_body(struct api_call *call, struct assay_error *err)
{
	if (!call->request->body.len || strcmp(call->request->method, "PUT") == 0)
		return ASSAY_OK;
	if (!is_json(call->request)) {
		call->problem = 415;
		return assay_fail(err, ASSAY_EUSAGE, "body of the request: want application/json");
	}
	if (assay_json_parse(call->request->body, "body of the request", &call->body, err))
		return err->code;
	if (!json_is_object(call->body))
		return assay_fail(err, ASSAY_EUSAGE, "body of the request: want an object");
	return ASSAY_OK;
}

static enum assay_code refuse(struct api_call *call, const struct assay_buf *allow,
			      struct assay_error *err)
{
	const char *path = call->request->path;
	char shown[200];

	assay_span_show(assay_span_text(path), shown, sizeof(shown));
	if (!allow->len)
		return assay_fail(err, ASSAY_ENOTFOUND, "there is no %s", shown);
	call->problem = 405;
	assay_http_add_header(call->response, "Allow", assay_buf_text(allow));
	return assay_fail(err, ASSAY_EUSAGE, "%s: want %s, have %.20s", shown, assay_buf_text(allow),
			  call->request->method);
}

static enum assay_code serve(struct api_call *call, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf allow = ASSAY_BUF_INIT(100);
	char argument[300] = "";
	const struct api_endpoint *endpoint = find(call->request->path, call->request->method, argument,
						   sizeof(argument), &allow);
	enum assay_code code;
	bool alone; /* says that the process lives, whatever else does not */

	if (!endpoint)
		return refuse(call, &allow, err);
	if (!assay_span_is_utf8(assay_span_text(argument)))
		return assay_fail(err, ASSAY_EUSAGE, "path: want UTF-8");
	call->argument = argument;
	alone = strcmp(endpoint->path, "/healthz") == 0;
	if (parse_body(call, err) || (!alone && scheduler_borrow(call->scheduler, &call->db, err)))
		return err->code;
	code = endpoint->run(call, err);
	scheduler_return(call->scheduler, call->db);
	return code;
}

/* Whoever looks again and again is told in a few bytes that nothing changed. */
static void tag(struct api_call *call)
{
	struct assay_http_response *response = call->response;
	struct assay_digest digest;
	char hex[ASSAY_DIGEST_TEXT];

	if (response->status != 200 || response->type || strcmp(call->request->method, "POST") == 0)
		return;
	if (!response->etag[0]) {
		assay_digest_span(assay_buf_span(&response->body), &digest);
		snprintf(response->etag, sizeof(response->etag), "\"%.32s\"", assay_digest_hex(&digest, hex));
	}
	if (!assay_http_matches(call->request, response->etag))
		return;
	response->status = 304;
	assay_buf_clear(&response->body);
}

/* Requests to take a job are decided by the rules of pools, all others by who asks. */
static void count(struct scheduler *scheduler, const struct assay_http_request *request, unsigned status)
{
	bool admission = strcmp(request->path, "/v1/jobs") == 0 && strcmp(request->method, "POST") == 0;
	bool denied = status == 401 || status == 403 || (admission && status / 100 == 4);

	metrics_decide(&scheduler->decisions, admission ? METRICS_ADMISSION : METRICS_ACCESS,
		       status >= 500 ? METRICS_ERROR : denied ? METRICS_DENY : METRICS_ALLOW);
}

void api_serve(void *data, const struct assay_http_request *request,
	       struct assay_http_response *response)
{
	struct api_call call = { .scheduler = data,
				 .request = request,
				 .response = response,
				 .now = scheduler_now() };
	struct assay_error err = ASSAY_ERROR_INIT;

	if (serve(&call, &err)) {
		if (err.code != ASSAY_ENOTFOUND)
			assay_log(ASSAY_LOG_NOTE, "%s %s: %s", request->method, request->path, err.msg);
		assay_http_problem(response, call.problem, &err);
	} else {
		tag(&call);
	}
	count(data, request, response->status);
	json_decref(call.body);
}

/* ---- bodies and rows ----------------------------------------------------------------------------- */

enum assay_code api_text(const struct api_call *call, const char *key, const char **ret,
			 struct assay_error *err)
{
	*ret = json_string_value(json_object_get(call->body, key));
	if (!*ret)
		return assay_fail(err, ASSAY_EUSAGE, "body of the request: want a string \"%s\"", key);
	if (!**ret || strlen(*ret) > TEXT_MAX)
		return assay_fail(err, ASSAY_EUSAGE, "body of the request: \"%s\": want 1 to %d bytes", key,
				  TEXT_MAX);
	return ASSAY_OK;
}

enum assay_code api_int(const struct api_call *call, const char *key, int64_t *ret,
			struct assay_error *err)
{
	const json_t *value = json_object_get(call->body, key);

	if (!json_is_integer(value))
		return assay_fail(err, ASSAY_EUSAGE, "body of the request: want a number \"%s\"", key);
	*ret = json_integer_value(value);
	return ASSAY_OK;
}

enum assay_code api_query(const struct api_call *call, const char *name, const char *fallback,
			  const char **ret, struct assay_error *err)
{
	*ret = assay_http_query(call->request, name);
	if (!*ret)
		*ret = fallback;
	else if (!assay_span_is_utf8(assay_span_text(*ret)))
		return assay_fail(err, ASSAY_EUSAGE, "%s: want UTF-8", name);
	return ASSAY_OK;
}

enum assay_code api_query_int(const struct api_call *call, const char *name, int64_t fallback,
			      int64_t least, int64_t most, int64_t *ret, struct assay_error *err)
{
	const char *text = assay_http_query(call->request, name);
	uint64_t number;

	*ret = fallback;
	if (!text)
		return ASSAY_OK;
	if (!assay_span_parse_u64(assay_span_text(text), &number) || number > INT64_MAX ||
	    (int64_t)number < least || (int64_t)number > most)
		return assay_fail(err, ASSAY_EUSAGE, "%s: want a number from %lld to %lld", name,
				  (long long)least, (long long)most);
	*ret = (int64_t)number;
	return ASSAY_OK;
}

/* What a key's mark promises; a key without one is a text. */
static const struct kind {
	char mark;
	json_type type;
	const char *wanted;
} kinds[] = {
	{ '#', JSON_INTEGER, "a whole number" },
	{ '?', JSON_TRUE, "true or false" },
	{ '{', JSON_OBJECT, "an object" },
	{ '[', JSON_ARRAY, "a list" },
	{ '\0', JSON_STRING, "a text" },
};

static const struct kind *kind_of(const char *key)
{
	const struct kind *kind = kinds;

	while (kind->mark && kind->mark != key[0])
		kind++;
	return kind;
}

enum assay_code api_only(const struct api_call *call, const char *const *keys, struct assay_error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach(call->body, key, value) {
		const char *const *known = keys;
		const struct kind *kind = NULL;

		while (*known && strcmp(*known + (kind_of(*known)->mark != '\0'), key) != 0)
			known++;
		if (!*known)
			return assay_fail(err, ASSAY_EUSAGE, "body of the request: there is no key \"%.60s\"",
					  key);
		kind = kind_of(*known);
		if (json_typeof(value) != kind->type && !(kind->type == JSON_TRUE && json_is_false(value)))
			return assay_fail(err, ASSAY_EUSAGE, "body of the request: \"%s\": want %s", key,
					  kind->wanted);
	}
	return ASSAY_OK;
}

enum assay_code api_job(const struct api_call *call, int64_t *ret, struct assay_error *err)
{
	uint64_t number;

	if (!assay_span_parse_u64(assay_span_text(call->argument), &number) || number > INT64_MAX)
		return assay_fail(err, ASSAY_EUSAGE, "want the number of a job, have \"%s\"", call->argument);
	*ret = (int64_t)number;
	return ASSAY_OK;
}

enum assay_code api_conflict(struct api_call *call, int64_t job, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	struct assay_error found = ASSAY_ERROR_INIT;

	if (err->code != ASSAY_ENOTFOUND ||
	    assay_database_run(call->db, "SELECT state FROM job WHERE id = $1", ASSAY_VALUES(assay_int(job)),
			       &rows, &found))
		return err->code;
	if (assay_rows_count(rows))
		call->problem = 409;
	else
		assay_fail(err, ASSAY_ENOTFOUND, "there is no job %lld", (long long)job);
	return err->code;
}

json_t *api_rows(const struct assay_rows *rows, const char *const *names)
{
	json_t *list = assay_json_array();

	for (size_t i = 0; i < assay_rows_count(rows); i++) {
		json_t *object = assay_json_object();

		for (int k = 0; names[k]; k++) {
			const char *text = assay_rows_text(rows, i, k);

			if (!text)
				continue;
			if (names[k][0] == '#')
				assay_json_set_int(object, names[k] + 1, assay_rows_int(rows, i, k));
			else
				assay_json_set_text(object, names[k], text);
		}
		assay_json_append(list, object);
	}
	return list;
}
