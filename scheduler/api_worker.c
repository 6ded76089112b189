/* SPDX-License-Identifier: Apache-2.0 */
/* What workers ask for: a lease, its prolongation, and to be heard. */
#include <string.h>

#include "assay/cleanup.h"
#include "assay/digest.h"
#include "assay/limits.h"
#include "queue.h"
#include "scheduler.h"

enum { WAIT_MS_MAX = 60000 };

static enum assay_code grant(struct api_call *call, const struct queue_worker *worker, int64_t length,
			     struct assay_error *err)
{
	struct assay_arena arena = ASSAY_ARENA_INIT(ASSAY_MAX_RECIPE);
	struct queue_lease lease;
	enum assay_code code = queue_lease(call->db, worker, length, call->now, &arena, &lease, err);

	if (!code) {
		json_t *answer = assay_json_object(), *options = NULL;

		code = assay_json_parse(assay_span_text(lease.options), "options", &options, err);
		assay_json_set_int(answer, "job", lease.job);
		assay_json_set_int(answer, "fence", lease.fence);
		assay_json_set_int(answer, "expires", lease.expires);
		assay_json_set_int(answer, "length_ms", lease.length_ms);
		assay_json_set_text(answer, "target", lease.target);
		assay_json_set(answer, "options", options ? options : assay_json_object());
		assay_http_answer(call->response, 200, answer);
	}
	assay_arena_release(&arena);
	return code;
}

/* No job now is no error: the request waits for one, as long as the worker said. */
static enum assay_code lease(struct api_call *call, struct assay_error *err)
{
	static const char *const keys[] = { "worker", "pool", "labels", "version", "length_ms", "wait_ms",
					    "request", NULL };
	struct queue_worker worker = { .request = assay_json_text(call->body, "request", NULL),
				       .pool = assay_json_text(call->body, "pool", "default"),
				       .labels = assay_json_text(call->body, "labels", ""),
				       .version = assay_json_text(call->body, "version", "") };
	int64_t length, wait = assay_json_int(call->body, "wait_ms", 0);
	enum assay_code code;

	if (api_only(call, keys, err) || api_text(call, "worker", &worker.name, err) ||
	    api_int(call, "length_ms", &length, err))
		return err->code;
	code = grant(call, &worker, length, err);
	if (code != ASSAY_ENOTFOUND)
		return code;
	call->response->status = 204;
	if (!call->request->waited)
		call->response->wait_ms = (int)(wait > WAIT_MS_MAX ? WAIT_MS_MAX : wait);
	return ASSAY_OK;
}

static enum assay_code heartbeat(struct api_call *call, struct assay_error *err)
{
	static const char *const keys[] = { "worker", "fence", "length_ms", NULL };
	const char *worker;
	int64_t job, fence, length;
	struct queue_beat beat;
	json_t *answer;

	if (api_only(call, keys, err) || api_job(call, &job, err) || api_text(call, "worker", &worker, err) ||
	    api_int(call, "fence", &fence, err) || api_int(call, "length_ms", &length, err))
		return err->code;
	if (queue_heartbeat(call->db, worker, job, fence, length, call->now, &beat, err))
		return api_conflict(call, job, err);
	answer = assay_json_object();
	assay_json_set_bool(answer, "cancel", beat.cancel);
	assay_json_set_int(answer, "expires", beat.expires);
	assay_http_answer(call->response, 200, answer);
	return ASSAY_OK;
}

static enum assay_code outcome(struct api_call *call, struct assay_error *err)
{
	static const char *const keys[] = { "worker", "fence", "verdict", "reason", "candidate", "report",
					    "isolation", "memory", NULL };
	struct queue_outcome o = { .reason = assay_json_text(call->body, "reason", ""),
				   .candidate = assay_json_text(call->body, "candidate", NULL),
				   .report = assay_json_text(call->body, "report", NULL),
				   .isolation = assay_json_text(call->body, "isolation", NULL),
				   .memory = assay_json_int(call->body, "memory", 0) };
	struct assay_digest digest;
	const char *worker, *state = NULL;
	int64_t job, fence;
	json_t *answer;

	if (api_only(call, keys, err) || api_job(call, &job, err) || api_text(call, "worker", &worker, err) ||
	    api_int(call, "fence", &fence, err) || api_text(call, "verdict", &o.verdict, err))
		return err->code;
	if (o.report && (!assay_digest_parse(assay_span_text(o.report), &digest) ||
			 !assay_store_has(call->scheduler->store, &digest)))
		return assay_fail(err, ASSAY_EUSAGE, "report: want the SHA-256 of a blob that was uploaded before");
	if (queue_report(call->db, worker, job, fence, &o, call->now, &state, err))
		return api_conflict(call, job, err);
	answer = assay_json_object();
	assay_json_set_text(answer, "state", state);
	assay_http_answer(call->response, 200, answer);
	assay_http_wake(call->scheduler->server);
	return ASSAY_OK;
}

static enum assay_code put_blob(struct api_call *call, struct assay_error *err)
{
	struct assay_digest want, have;

	if (!assay_digest_parse(assay_span_text(call->argument), &want))
		return assay_fail(err, ASSAY_EUSAGE, "want a SHA-256 in hex, have \"%s\"", call->argument);
	assay_digest_span(call->request->body, &have);
	if (!assay_digest_equal(&want, &have)) {
		call->problem = 422;
		return assay_fail(err, ASSAY_EUNTRUSTED, "the body has another SHA-256 than the path says");
	}
	if (assay_store_put_span(call->scheduler->store, call->request->body, &have, err))
		return err->code;
	assay_http_answer(call->response, 201, assay_json_object());
	return ASSAY_OK;
}

const struct api_endpoint api_worker[] = {
	{ "POST", "/v1/lease", lease, "the next job, waited for" },
	{ "POST", "/v1/jobs/*/heartbeat", heartbeat, "prolong a lease" },
	{ "POST", "/v1/jobs/*/outcome", outcome, "end a lease with its outcome" },
	{ "PUT", "/v1/blobs/*", put_blob, "store bytes under their SHA-256" },
	{ .method = NULL },
};
