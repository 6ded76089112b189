/* SPDX-License-Identifier: Apache-2.0 */
/* What workers ask for: a lease, its prolongation, and to be heard. */
#include <string.h>

#include "assay/cleanup.h"
#include "assay/digest.h"
#include "assay/limits.h"
#include "evidence.h"
#include "job_token.h"
#include "queue.h"
#include "rules.h"
#include "scheduler.h"

/* A text of a body, and how long it may be. */
struct api_length {
	const char *key;
	size_t most;
};

enum { WAIT_MS_MAX = 60000, FOLLOWED_MS = 60000 };

static enum assay_code grant(struct api_call *call, const struct queue_worker *worker, int64_t length,
			     struct assay_error *err)
{
	struct assay_arena arena = ASSAY_ARENA_INIT(ASSAY_MAX_RECIPE);
	struct queue_lease lease;
	enum assay_code code = queue_lease(call->db, worker, length, call->now, &arena, &lease, err);

	if (!code) {
		json_t *answer = assay_json_object(), *options = NULL;
		char token[JOB_TOKEN_TEXT];

		job_token_make(call->scheduler->authority, lease.job, lease.fence, worker->name, call->now, token);
		api_about(call, "worker", worker->name);
		api_about_int(call, "job", lease.job);
		api_about_int(call, "fence", lease.fence);
		code = assay_json_parse(assay_span_text(lease.options), "options", &options, err);
		assay_json_set_int(answer, "job", lease.job);
		assay_json_set_int(answer, "fence", lease.fence);
		assay_json_set_int(answer, "expires", lease.expires);
		assay_json_set_int(answer, "length_ms", lease.length_ms);
		assay_json_set_text(answer, "token", token);
		assay_json_set_text(answer, "target", lease.target);
		assay_json_set(answer, "options", options ? options : assay_json_object());
		assay_http_answer(call->response, 200, answer);
	}
	assay_arena_release(&arena);
	return code;
}

/* What is kept, and listed again and again, is short. */
static enum assay_code check_lengths(const struct api_call *call, const struct api_length *lengths, struct assay_error *err)
{
	for (; lengths->key; lengths++) {
		const char *text = assay_json_text(call->body, lengths->key, NULL);

		if (text && strlen(text) > lengths->most)
			return assay_fail(err, ASSAY_EUSAGE, "body of the request: \"%s\": want at most %zu bytes, have %zu",
					  lengths->key, lengths->most, strlen(text));
	}
	return ASSAY_OK;
}

/* No job now is no error: the request waits for one, as long as the worker said. */
static enum assay_code lease(struct api_call *call, struct assay_error *err)
{
	static const char *const keys[] = { "worker", "pool", "labels", "version", "#length_ms", "#wait_ms",
					    "request", NULL };
	static const struct api_length lengths[] = { { "worker", 2 * ASSAY_MAX_NAME }, { "pool", ASSAY_MAX_NAME },
						     { "labels", 4096 },	       { "version", ASSAY_MAX_NAME },
						     { "request", ASSAY_MAX_NAME },    { NULL, 0 } };
	struct queue_worker worker = { .request = assay_json_text(call->body, "request", NULL),
				       .pool = assay_json_text(call->body, "pool", "default"),
				       .labels = assay_json_text(call->body, "labels", ""),
				       .version = assay_json_text(call->body, "version", "") };
	int64_t length, wait = assay_json_int(call->body, "wait_ms", 0);
	enum assay_code code = ASSAY_ENOTFOUND;
	bool worth_it = true;

	if (api_only(call, keys, err) || check_lengths(call, lengths, err) || api_text(call, "worker", &worker.name, err) ||
	    api_is_worker(call, worker.name, err) || api_int(call, "length_ms", &length, err))
		return err->code;
	if (call->identity.pool[0] && strcmp(call->identity.pool, worker.pool) != 0)
		return assay_fail(err, ASSAY_EUNTRUSTED, "worker %s draws from pool %s, and not from %s", worker.name,
				  call->identity.pool, worker.pool);
	if (call->request->again && queue_has_job(call->db, worker.pool, &worth_it, err))
		return err->code;
	if (worth_it)
		code = grant(call, &worker, length, err);
	if (code != ASSAY_ENOTFOUND)
		return code;
	call->response->status = 204;
	call->unaudited = true;
	if (!call->request->waited)
		call->response->wait_ms = (int)(wait > WAIT_MS_MAX ? WAIT_MS_MAX : wait);
	return ASSAY_OK;
}

/* Somebody reads the job's log. */
static enum assay_code is_followed(struct api_call *call, int64_t job, bool *ret, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(call->db, "SELECT job FROM lease WHERE job = $1 AND followed > $2",
			       ASSAY_VALUES(assay_int(job), assay_int(call->now - FOLLOWED_MS)), &rows, err))
		return err->code;
	*ret = assay_rows_count(rows) > 0;
	return ASSAY_OK;
}

static enum assay_code heartbeat(struct api_call *call, struct assay_error *err)
{
	static const char *const keys[] = { "worker", "#fence", "#length_ms", NULL };
	const char *worker;
	int64_t job, fence, length;
	char token[JOB_TOKEN_TEXT];
	struct queue_beat beat;
	bool followed = false;
	json_t *answer;

	if (api_only(call, keys, err) || api_job(call, &job, err) || api_text(call, "worker", &worker, err) ||
	    api_is_worker(call, worker, err) || api_int(call, "fence", &fence, err) ||
	    api_int(call, "length_ms", &length, err))
		return err->code;
	if (queue_heartbeat(call->db, worker, job, fence, length, call->now, &beat, err))
		return api_conflict(call, job, err);
	if (is_followed(call, job, &followed, err))
		return err->code;
	call->unaudited = true;
	job_token_make(call->scheduler->authority, job, fence, worker, call->now, token);
	answer = assay_json_object();
	assay_json_set_bool(answer, "cancel", beat.cancel);
	assay_json_set_int(answer, "expires", beat.expires);
	assay_json_set_bool(answer, "follow", followed);
	assay_json_set_text(answer, "token", token);
	assay_http_answer(call->response, 200, answer);
	return ASSAY_OK;
}

/* What an outcome names was uploaded before it. */
static enum assay_code all_here(struct api_call *call, struct assay_error *err)
{
	static const char *const blobs[] = { "report", "log", "attestations" };
	struct assay_digest digest;

	for (size_t i = 0; i < sizeof(blobs) / sizeof(blobs[0]); i++) {
		const char *hex = assay_json_text(call->body, blobs[i], NULL);

		if (hex && (!assay_digest_parse(assay_span_text(hex), &digest) ||
			    !assay_store_has(call->scheduler->store, &digest)))
			return assay_fail(err, ASSAY_EUSAGE, "%s: want the SHA-256 of a blob that was uploaded before",
					  blobs[i]);
	}
	return ASSAY_OK;
}

/* Whoever comes over the socket is trusted with the whole farm; a token that is shown there is looked at all the same. */
static enum assay_code check_token(const struct api_call *call, int64_t job, int64_t fence, const char *worker,
				   struct assay_error *err)
{
	const char *token = assay_json_text(call->body, "token", NULL);

	if (!token && call->identity.kind == IDENTITY_LOCAL)
		return ASSAY_OK;
	return job_token_check(call->scheduler->authority, token ? token : "", job, fence, worker, call->now, err);
}

static enum assay_code check_verdict(const char *verdict, struct assay_error *err)
{
	return strcmp(rule_of(verdict)->verdict, verdict) == 0 ?
		       ASSAY_OK :
		       assay_fail(err, ASSAY_EUSAGE, "verdict: there is no \"%.60s\"", verdict);
}

static enum assay_code outcome(struct api_call *call, struct assay_error *err)
{
	static const char *const keys[] = { "worker",	"#fence",	  "token", "verdict",	    "reason",	       "candidate",
					    "report",	"log",		  "attestations",   "[subjects",	       "[causes",
					    "#fields_present", "#fields_required", "#egress_denied",
					    "isolation", "#memory", "#disk", NULL };
	static const struct api_length lengths[] = { { "reason", 16384 }, { "candidate", 128 }, { "isolation", 64 }, { NULL, 0 } };
	struct queue_outcome o = { .reason = assay_json_text(call->body, "reason", ""),
				   .candidate = assay_json_text(call->body, "candidate", NULL),
				   .report = assay_json_text(call->body, "report", NULL),
				   .evidence = call->body,
				   .isolation = assay_json_text(call->body, "isolation", NULL),
				   .memory = assay_json_int(call->body, "memory", 0),
				   .disk = assay_json_int(call->body, "disk", 0) };
	const char *worker, *state = NULL;
	int64_t job, fence;
	json_t *answer;

	if (api_only(call, keys, err) || check_lengths(call, lengths, err) || api_job(call, &job, err) ||
	    api_text(call, "worker", &worker, err) || api_is_worker(call, worker, err) ||
	    api_int(call, "fence", &fence, err) || api_text(call, "verdict", &o.verdict, err) ||
	    check_verdict(o.verdict, err) || check_token(call, job, fence, worker, err) ||
	    evidence_check(call->body, err) || all_here(call, err))
		return err->code;
	if (queue_report(call->db, worker, job, fence, &o, call->now, &state, err))
		return api_conflict(call, job, err);
	api_about(call, "worker", worker);
	api_about_int(call, "fence", fence);
	api_about(call, "verdict", o.verdict);
	api_about(call, "state", state);
	answer = assay_json_object();
	assay_json_set_text(answer, "state", state);
	assay_http_answer(call->response, 200, answer);
	call->wake = true;
	return ASSAY_OK;
}

const struct api_endpoint api_worker[] = {
	{ "POST", "/v1/lease", lease, "the next job, waited for", NEED_WORKER, NULL },
	{ "POST", "/v1/jobs/*/heartbeat", heartbeat, "prolong a lease", NEED_WORKER, NULL },
	{ "POST", "/v1/jobs/*/outcome", outcome, "end a lease with its outcome", NEED_WORKER,
	  NULL },
	{ .method = NULL },
};
