/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs.  While an attempt runs its worker sends parts of its log, but only while somebody reads it; each part is a
 * blob and a row, so that any scheduler of the farm can answer.  The whole log comes with the outcome.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/digest.h"
#include "assay/limits.h"
#include "scheduler.h"

enum { WAIT_MS_MAX = 60000, FOLLOWED_MS = 5000, PARTS_AT_ONCE = 64 };

static const int64_t OFFSET_MAX = INT64_MAX / 2; /* what is added to it must not overflow */

/* The attempt that is asked for, or the latest. */
struct wanted {
	int64_t job, fence, offset, limit, wait;
	bool is_over;
	const char *log; /* digest; NULL when there is none */
};

static enum assay_code find(struct api_call *call, struct wanted *w, struct assay_rows **rows,
			    struct assay_error *err)
{
	if (api_job(call, &w->job, err) ||
	    api_query_int(call, "attempt", 0, 1, INT64_MAX, &w->fence, err) ||
	    api_query_int(call, "offset", 0, 0, OFFSET_MAX, &w->offset, err) ||
	    api_query_int(call, "limit", ASSAY_MAX_LOG_PART, 1, ASSAY_MAX_LOG_PART, &w->limit,
			  err) ||
	    api_query_int(call, "wait_ms", 0, 0, WAIT_MS_MAX, &w->wait, err) ||
	    assay_database_run(call->db,
			       "SELECT fence, finished, log FROM attempt WHERE job = $1 AND ($2 = 0 OR fence = $2) "
			       "ORDER BY fence DESC LIMIT 1",
			       ASSAY_VALUES(assay_int(w->job), assay_int(w->fence)), rows, err))
		return err->code;
	if (!assay_rows_count(*rows))
		return assay_fail(err, ASSAY_ENOTFOUND, "job %s has no such attempt yet", call->argument);
	w->fence = assay_rows_int(*rows, 0, 0);
	w->is_over = assay_rows_int(*rows, 0, 1) > 0;
	w->log = assay_rows_text(*rows, 0, 2);
	return ASSAY_OK;
}

/* From skip on, at most so much of a blob. */
static enum assay_code add_blob(struct api_call *call, const char *hex, int64_t skip, int64_t most,
				struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = -1;
	struct assay_digest digest;
	char block[16384];
	ssize_t got = 1;

	if (!assay_digest_parse(assay_span_text(hex), &digest))
		return assay_fail(err, ASSAY_EIO, "log: \"%.70s\" is no digest", hex);
	if (assay_store_get(call->scheduler->store, &digest, &fd, err))
		return err->code;
	for (; most > 0 && got > 0; most -= got, skip += got) {
		got = pread(fd, block, (int64_t)sizeof(block) < most ? sizeof(block) : (size_t)most, skip);
		if (got < 0)
			return assay_fail_errno(err, "log");
		assay_buf_add(&call->response->body, block, (size_t)got);
	}
	return assay_buf_check(&call->response->body, "log", err);
}

static enum assay_code add_parts(struct api_call *call, const struct wanted *w, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	int64_t at = w->offset;

	if (assay_database_run(call->db,
			       "SELECT position, length, digest FROM log_part WHERE job = $1 AND fence = $2 AND position "
			       "+ length > $3 ORDER BY position LIMIT $4",
			       ASSAY_VALUES(assay_int(w->job), assay_int(w->fence), assay_int(at),
					    assay_int(PARTS_AT_ONCE)),
			       &rows, err))
		return err->code;
	for (size_t i = 0; i < assay_rows_count(rows); i++) {
		int64_t skip = at - assay_rows_int(rows, i, 0);
		int64_t left = w->limit - (int64_t)call->response->body.len;
		int64_t part = assay_rows_int(rows, i, 1) - skip;

		if (skip < 0 || left <= 0)
			break;
		if (add_blob(call, assay_rows_text(rows, i, 2), skip, part < left ? part : left, err))
			return err->code;
		at += part < left ? part : left;
	}
	return ASSAY_OK;
}

/* Its worker learns with the next heartbeat that somebody reads. */
static enum assay_code follow(struct api_call *call, const struct wanted *w, struct assay_error *err)
{
	return assay_database_run(call->db,
				  "UPDATE lease SET followed = $3 WHERE job = $1 AND fence = $2 AND followed < $4",
				  ASSAY_VALUES(assay_int(w->job), assay_int(w->fence), assay_int(call->now),
					       assay_int(call->now - FOLLOWED_MS)),
				  NULL, err);
}

/* 204: this is all there will be. */
static enum assay_code get(struct api_call *call, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	struct wanted w;

	if (find(call, &w, &rows, err))
		return err->code;
	call->response->type = "text/plain; charset=utf-8";
	call->response->status = 200;
	if (w.is_over && w.log ? add_blob(call, w.log, w.offset, w.limit, err) :
	    w.is_over	       ? ASSAY_OK :
				 follow(call, &w, err) || add_parts(call, &w, err))
		return err->code;
	if (call->response->body.len)
		return ASSAY_OK;
	if (w.is_over && !w.log && !w.offset)
		return assay_fail(err, ASSAY_ENOTFOUND, "attempt %lld of job %lld left no log", (long long)w.fence,
				  (long long)w.job);
	if (w.is_over)
		call->response->status = 204;
	else if (w.wait && !call->request->waited)
		call->response->wait_ms = (int)w.wait;
	return ASSAY_OK;
}

/* ---- from workers -------------------------------------------------------------------------------- */

struct part {
	const char *worker, *digest;
	int64_t job, fence, offset, length, now;
	int64_t size; /* so far, with this part if it was the next */
};

static enum assay_code add_part(struct assay_database *db, void *data, struct assay_error *err)
{
	struct part *p = data;
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(db,
			       "SELECT (SELECT coalesce(max(position + length), 0) FROM log_part WHERE log_part.job = "
			       "lease.job AND log_part.fence = lease.fence) FROM lease WHERE job = $1 AND fence = $2 AND "
			       "worker = $3 AND expires > $4@LOCK@",
			       ASSAY_VALUES(assay_int(p->job), assay_int(p->fence), assay_text(p->worker),
					    assay_int(p->now)),
			       &rows, err))
		return err->code;
	if (!assay_rows_count(rows))
		return assay_fail(err, ASSAY_ENOTFOUND, "job %lld: the lease is no longer this worker's",
				  (long long)p->job);
	p->size = assay_rows_int(rows, 0, 0);
	if (p->size != p->offset || !p->length)
		return ASSAY_OK;
	p->size += p->length;
	return assay_database_run(
		db, "INSERT INTO log_part (job, fence, position, length, digest) VALUES ($1, $2, $3, $4, $5)",
		ASSAY_VALUES(assay_int(p->job), assay_int(p->fence), assay_int(p->offset), assay_int(p->length),
			     assay_text(p->digest)),
		NULL, err);
}

/* A part that is not the next one is not taken: the answer says where to go on. */
static enum assay_code put(struct api_call *call, struct assay_error *err)
{
	struct assay_span body = call->request->body;
	struct part p = { .length = (int64_t)body.len, .now = call->now };
	struct assay_digest digest;
	char hex[ASSAY_DIGEST_TEXT];
	json_t *answer;

	if (api_job(call, &p.job, err) || api_query(call, "worker", "", &p.worker, err) ||
	    api_is_worker(call, p.worker, err) ||
	    api_query_int(call, "fence", 0, 1, INT64_MAX, &p.fence, err) ||
	    api_query_int(call, "offset", 0, 0, OFFSET_MAX, &p.offset, err))
		return err->code;
	if (body.len > ASSAY_MAX_LOG_PART)
		return assay_fail(err, ASSAY_ELIMIT, "log: want parts of at most %llu bytes",
				  (unsigned long long)ASSAY_MAX_LOG_PART);
	if (assay_store_put_span(call->scheduler->store, body, &digest, err))
		return err->code;
	p.digest = assay_digest_hex(&digest, hex);
	if (assay_database_transact(call->db, add_part, &p, err))
		return api_conflict(call, p.job, err);
	call->unaudited = true; /* the outcome is what counts */
	answer = assay_json_object();
	assay_json_set_int(answer, "size", p.size);
	assay_http_answer(call->response, 200, answer);
	call->wake = true;
	return ASSAY_OK;
}

const struct api_endpoint api_log[] = {
	{ "GET", "/v1/jobs/*/log", get, "the log of an attempt, as it grows", NEED_VIEWER, NULL },
	{ "PUT", "/v1/jobs/*/log", put, "the next part of a running attempt's log", NEED_WORKER,
	  NULL },
	{ .method = NULL },
};
