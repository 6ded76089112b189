/* SPDX-License-Identifier: Apache-2.0 */
/* From a request to its endpoint, and what endpoints have in common. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/digest.h"
#include "assay/log.h"
#include "audit.h"
#include "scheduler.h"

enum { TEXT_MAX = 4096, PAGE_MAX = 1000 };

static const struct api_endpoint *const tables[] = { api_jobs,	api_log,  api_worker,	  api_blob,
						     api_results, api_farm, api_rebuilderd, api_identity,
						     api_schedules };

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

static enum assay_code no_endpoint(struct api_call *call, const struct assay_buf *allow,
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

/* ---- who may, and what is remembered ------------------------------------------------------------- */

void api_about(struct api_call *call, const char *key, const char *text)
{
	if (!call->about)
		call->about = assay_json_object();
	assay_json_set_text(call->about, key, text);
}

void api_about_int(struct api_call *call, const char *key, int64_t number)
{
	if (!call->about)
		call->about = assay_json_object();
	assay_json_set_int(call->about, key, number);
}

enum assay_code api_is_worker(const struct api_call *call, const char *name, struct assay_error *err)
{
	if (call->identity.kind == IDENTITY_LOCAL || strcmp(call->identity.name, name) == 0)
		return ASSAY_OK;
	return assay_fail(err, ASSAY_EUNTRUSTED, "worker %s does not speak for %s", call->identity.name, name);
}

enum assay_code api_may_name_files(const struct api_call *call, const char *what, struct assay_error *err)
{
	if (call->identity.kind == IDENTITY_LOCAL)
		return ASSAY_OK;
	return assay_fail(err, ASSAY_EUNTRUSTED, "%s is a file of this farm's machines: it is submitted over the scheduler's socket",
			  what);
}

/* reason NULL: it was done. */
static json_t *audit_record(const struct api_call *call, const char *reason)
{
	json_t *record = assay_json_object();
	char text[600];

	assay_json_set_int(record, "time", call->now);
	assay_json_set_text(record, "actor", identity_text(&call->identity, text, sizeof(text)));
	assay_json_set_text(record, "role", identity_role_text(call->identity.role));
	if (call->identity.serial[0])
		assay_json_set_text(record, "certificate", call->identity.serial);
	if (call->request->from[0])
		assay_json_set_text(record, "from", call->request->from);
	snprintf(text, sizeof(text), "%s %.500s", call->request->method, call->request->path);
	assay_json_set_text(record, "action", text);
	assay_json_set_int(record, "status", call->response->status);
	if (reason)
		assay_json_set_text(record, "reason", reason);
	if (call->about)
		assay_json_set(record, "about", json_incref(call->about));
	return record;
}

static enum assay_code remember(struct api_call *call, const char *reason, struct assay_error *err)
{
	assay_auto(assay_json_freep) json_t *record = audit_record(call, reason);

	return audit_append(call->db, record, err);
}

/* A refusal is told when the answer is made; that it cannot be written is no reason to let anybody in. */
static void remember_refusal(struct api_call *call, const char *reason)
{
	struct assay_error err = ASSAY_ERROR_INIT;

	if (call->identity.kind == IDENTITY_NOBODY && !audit_admit(call->scheduler, call->now))
		return;
	if (remember(call, reason, &err))
		assay_log(ASSAY_LOG_ERROR, "audit: a refusal could not be recorded: %s", err.msg);
}

static enum assay_code admit(struct api_call *call, const struct api_endpoint *endpoint, struct assay_error *err)
{
	char name[300];

	if (identity_of(call->scheduler, call->db, call->request, call->now, &call->identity, err))
		return err->code;
	if (identity_may(&call->identity, endpoint->need))
		return ASSAY_OK;
	return assay_fail(err, ASSAY_EUNTRUSTED, "want %s, have %s%s%s", identity_need_text(endpoint->need),
			  identity_text(&call->identity, name, sizeof(name)),
			  call->identity.role == ROLE_NONE ? "" : " with role ",
			  call->identity.role == ROLE_NONE ? "" : identity_role_text(call->identity.role));
}

/* ---- one request --------------------------------------------------------------------------------- */

struct change {
	struct api_call *call;
	const struct api_endpoint *endpoint;
};

/* The change and its audit record: both, or neither. */
static enum assay_code change(struct assay_database *db, void *data, struct assay_error *err)
{
	struct change *c = data;
	struct api_call *call = c->call;

	(void)db;
	json_decref(call->about);
	call->about = NULL;
	call->wake = call->unaudited = false;
	call->problem = 0;
	call->response->status = 0;
	call->response->wait_ms = 0;
	if (c->endpoint->run(call, err))
		return err->code;
	*err = (struct assay_error)ASSAY_ERROR_INIT;
	return call->unaudited ? ASSAY_OK : remember(call, NULL, err);
}

static enum assay_code run(struct api_call *call, const struct api_endpoint *endpoint, struct assay_error *err)
{
	struct change c = { .call = call, .endpoint = endpoint };

	if (strcmp(endpoint->method, "GET") == 0)
		return endpoint->run(call, err);
	if (endpoint->prepare && endpoint->prepare(call, err))
		return err->code;
	/* bytes into the store take their time; what they change in the database is a transaction of its own */
	if (strcmp(endpoint->method, "PUT") == 0 ? change(call->db, &c, err) :
						   assay_database_transact(call->db, change, &c, err))
		return err->code;
	if (call->wake)
		assay_http_wake(call->scheduler->server);
	return ASSAY_OK;
}

static enum assay_code serve(struct api_call *call, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf allow = ASSAY_BUF_INIT(100);
	char argument[300] = "";
	const struct api_endpoint *endpoint = find(call->request->path, call->request->method, argument,
						   sizeof(argument), &allow);
	bool alone; /* says that the process lives, whatever else does not */

	if (!endpoint)
		return no_endpoint(call, &allow, err);
	if (!assay_span_is_utf8(assay_span_text(argument)))
		return assay_fail(err, ASSAY_EUSAGE, "path: want UTF-8");
	call->argument = argument;
	alone = strcmp(endpoint->path, "/healthz") == 0;
	if (alone)
		return endpoint->run(call, err);
	if (scheduler_borrow(call->scheduler, &call->db, err))
		return err->code;
	if (admit(call, endpoint, err) || parse_body(call, err))
		return err->code;
	return run(call, endpoint, err);
}

/* Nobody, and whoever showed something that does not hold, should show something else: 401.  Somebody may not: 403. */
static void refuse(struct api_call *call, const struct assay_error *err)
{
	bool unknown = err->code == ASSAY_EUNTRUSTED && call->identity.kind == IDENTITY_NOBODY;

	if (err->code != ASSAY_ENOTFOUND)
		assay_log(ASSAY_LOG_NOTE, "%s %s: %s", call->request->method, call->request->path, err->msg);
	assay_http_problem(call->response, unknown ? 401 : call->problem, err);
	if (err->code == ASSAY_EUNTRUSTED && call->db)
		remember_refusal(call, err->msg);
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

	bool refused = serve(&call, &err);

	/* an answer that was cut short is none */
	if (!refused && assay_buf_check(&response->body, "answer", &err)) {
		refused = true;
		call.problem = 500;
	}
	if (refused)
		refuse(&call, &err);
	else
		tag(&call);
	count(data, request, response->status);
	if (call.db)
		scheduler_return(call.scheduler, call.db);
	json_decref(call.about);
	json_decref(call.body);
}

/* Before hundreds of megabytes are taken from somebody: a worker brings what it built, a submitter what it wants. */
static size_t blob_limit(struct scheduler *scheduler, const struct assay_http_request *request)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_database *db;
	struct identity identity = { .kind = IDENTITY_NOBODY };

	if (scheduler_borrow(scheduler, &db, &err))
		return ASSAY_MAX_REQUEST;
	if (identity_of(scheduler, db, request, scheduler_now(), &identity, &err))
		assay_log(ASSAY_LOG_DEBUG, "%s %s: %s", request->method, request->path, err.msg);
	scheduler_return(scheduler, db);
	return identity_may(&identity, NEED_WORKER)	? ASSAY_MAX_UPLOAD_PART
	       : identity_may(&identity, NEED_SUPPLIER) ? ASSAY_MAX_BROUGHT
							: ASSAY_MAX_REQUEST;
}

size_t api_limit(void *data, const struct assay_http_request *request)
{
	assay_auto(assay_buf_release) struct assay_buf allow = ASSAY_BUF_INIT(100);
	char argument[300];
	const struct api_endpoint *endpoint = find(request->path, request->method, argument, sizeof(argument), &allow);

	/* whoever has not shown who it is has little to say */
	if (request->secure && !request->certificate.len && !request->authorization)
		return ASSAY_MAX_FIELD;
	return endpoint && strcmp(endpoint->method, "PUT") == 0 ? blob_limit(data, request)
								: ASSAY_MAX_REQUEST;
}

const char *api_submitter(const struct api_call *call)
{
	return call->identity.kind == IDENTITY_LOCAL ? assay_json_text(call->body, "submitter", "anonymous") :
						       call->identity.name;
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

const char *const api_no_keys[] = { NULL };

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

enum assay_code api_page_read(const struct api_call *call, struct api_page *ret,
			      struct assay_error *err)
{
	return api_query(call, "after", "", &ret->after, err)
		       ? err->code
		       : api_query_int(call, "limit", PAGE_MAX, 1, PAGE_MAX, &ret->most, err);
}

enum assay_code api_page_answer(struct api_call *call, const struct api_page *page, const char *key,
				const struct assay_rows *rows, const char *const *names)
{
	json_t *answer = assay_json_object();
	size_t count = assay_rows_count(rows);

	assay_json_set(answer, key, api_rows(rows, names));
	if (count == (size_t)page->most)
		assay_json_set_text(answer, "after", assay_rows_text(rows, count - 1, 0));
	assay_http_answer(call->response, 200, answer);
	return ASSAY_OK;
}
