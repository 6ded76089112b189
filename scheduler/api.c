/* SPDX-License-Identifier: Apache-2.0 */
/* From a request to its endpoint, and what endpoints have in common. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/log.h"
#include "scheduler.h"

static const struct api_endpoint *const tables[] = { api_jobs, api_worker, api_farm };

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

static const struct api_endpoint *find(const struct assay_http_request *request, char *argument,
				       size_t size, bool *ret_path)
{
	*ret_path = false;
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct api_endpoint *e = tables[t]; e->method; e++) {
			if (!matches(e->path, request->path, argument, size))
				continue;
			*ret_path = true;
			if (strcmp(e->method, request->method) == 0)
				return e;
		}
	return NULL;
}

static enum assay_code parse_body(struct api_call *call, struct assay_error *err)
{
	bool raw = strcmp(call->request->method, "PUT") == 0; /* blobs */

	if (!call->request->body.len || raw)
		return ASSAY_OK;
	if (assay_json_parse(call->request->body, "body of the request", &call->body, err))
		return err->code;
	if (!json_is_object(call->body))
		return assay_fail(err, ASSAY_EUSAGE, "body of the request: want an object");
	return ASSAY_OK;
}

static enum assay_code serve(struct api_call *call, struct assay_error *err)
{
	char argument[300] = "";
	bool known;
	const struct api_endpoint *endpoint = find(call->request, argument, sizeof(argument), &known);
	enum assay_code code;

	if (!endpoint)
		return known ? assay_fail(err, ASSAY_EUSAGE, "%s: %s is not for it", call->request->path,
					  call->request->method) :
			       assay_fail(err, ASSAY_ENOTFOUND, "there is no %s", call->request->path);
	call->argument = argument;
	if (parse_body(call, err) || scheduler_borrow(call->scheduler, &call->db, err))
		return err->code;
	code = endpoint->run(call, err);
	scheduler_return(call->scheduler, call->db);
	return code;
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
		assay_http_problem(response, &err);
	}
	json_decref(call.body);
}

/* ---- bodies and rows ----------------------------------------------------------------------------- */

enum assay_code api_text(const struct api_call *call, const char *key, const char **ret,
			 struct assay_error *err)
{
	*ret = json_string_value(json_object_get(call->body, key));
	if (!*ret)
		return assay_fail(err, ASSAY_EUSAGE, "body of the request: want a string \"%s\"", key);
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

enum assay_code api_only(const struct api_call *call, const char *const *keys, struct assay_error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach(call->body, key, value) {
		const char *const *known = keys;

		while (*known && strcmp(*known, key) != 0)
			known++;
		if (!*known)
			return assay_fail(err, ASSAY_EUSAGE, "body of the request: there is no key \"%.60s\"",
					  key);
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
