/* SPDX-License-Identifier: Apache-2.0 */
/* What submitters ask for: jobs in, jobs looked at. */
#include <stdlib.h>
#include <string.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/digest.h"
#include "assay/limits.h"
#include "admission.h"
#include "pool.h"
#include "queue.h"
#include "scheduler.h"

enum { PAGE = 100, PAGE_MAX = 1000 };

static const char *const job_names[] = { "#id",	       "target",    "state",	 "verdict", "reason",
					 "submitter", "pool",	    "needs",	 "#priority", "#failures",
					 "#created",  "#changed",   "#finished", "report",  NULL };

#define JOB_COLUMNS                                                                                \
	"id, target, state, verdict, reason, submitter, pool, needs, priority, failures, created, " \
	"changed, finished, report"

static enum assay_code check_target(const struct api_call *call, const char *target, struct assay_error *err)
{
	if (strncmp(target, "pkg:", 4) == 0)
		return ASSAY_OK;
	if (strncmp(target, ADMISSION_RECIPE, strlen(ADMISSION_RECIPE)) == 0)
		return ASSAY_OK;
	if (target[0] != '/')
		return assay_fail(err, ASSAY_EUSAGE,
				  "target: want a package URL, " ADMISSION_RECIPE
				  "NAME, or the whole path of a recipe");
	return api_may_name_files(call, "target: a recipe", err);
}

static enum assay_code check_submission(struct api_call *call, struct assay_error *err)
{
	static const char *const keys[] = { "target", "{options",  "submitter", "key",	  "pool",
					    "needs",  "#priority", "#deadline", "?again", NULL };
	const char *target, *key = assay_json_text(call->body, "key", NULL);

	if (key && strlen(key) > ASSAY_MAX_SUBMISSION_KEY)
		return assay_fail(err, ASSAY_EUSAGE, "key: want at most %d bytes, have %zu",
				  ASSAY_MAX_SUBMISSION_KEY, strlen(key));
	if (api_only(call, keys, err) || api_text(call, "target", &target, err) ||
	    check_target(call, target, err) ||
	    admission_check_needs(assay_json_text(call->body, "needs", ""), err))
		return err->code;
	return admission_check(call->scheduler->store, target,
			       json_object_get(call->body, "options"), err);
}

static enum assay_code submit(struct api_call *call, struct assay_error *err)
{
	static const char *const admissions[] = { [QUEUE_NEW] = "new",
						  [QUEUE_REPEATED] = "repeated",
						  [QUEUE_OPEN] = "open",
						  [QUEUE_DONE] = "done" };
	assay_auto(assay_buf_release) struct assay_buf options = ASSAY_BUF_INIT(ASSAY_MAX_RECIPE);
	struct queue_submission s = {
		.submitter = api_submitter(call),
		.key = assay_json_text(call->body, "key", NULL),
		.pool = assay_json_text(call->body, "pool", "default"),
		.needs = assay_json_text(call->body, "needs", ""),
		.priority = assay_json_int(call->body, "priority", 0),
		.deadline = assay_json_int(call->body, "deadline", 0),
		.again = assay_json_bool(call->body, "again"),
	};
	json_t *given = json_object_get(call->body, "options");
	assay_auto(assay_json_freep) json_t *wanted = given ? json_incref(given) : assay_json_object();
	json_t *answer = assay_json_object();
	enum queue_admission how = QUEUE_NEW;
	int64_t job = 0;

	if (s.priority < -100 || s.priority > 100)
		assay_fail(err, ASSAY_EUSAGE, "priority: want -100 to 100, have %lld", (long long)s.priority);
	else if (s.deadline < 0)
		assay_fail(err, ASSAY_EUSAGE, "deadline: want milliseconds since 1970, have %lld",
			   (long long)s.deadline);
	else if (!api_text(call, "target", &s.target, err) &&
		 !pool_admit(call->db, s.pool, wanted, err)) {
		assay_json_dump_compact(wanted, &options);
		s.options = assay_buf_text(&options);
		if (!assay_buf_check(&options, "options", err) &&
		    !queue_submit(call->db, &s, call->now, &job, &how, err)) {
			assay_json_set_int(answer, "job", job);
			assay_json_set_text(answer, "admission", admissions[how]);
			api_about_int(call, "job", job);
			api_about(call, "target", s.target);
			api_about(call, "admission", admissions[how]);
			assay_http_answer(call->response, how == QUEUE_NEW ? 201 : 200, answer);
			call->wake = true;
			return ASSAY_OK;
		}
		if (err->code == ASSAY_ENOTFOUND)
			call->problem = 409;
	}
	json_decref(answer);
	return err->code;
}

/* Newest first; "before" continues a list. */
static enum assay_code list(struct api_call *call, struct assay_error *err)
{
	static const char *const filters[] = { "state", "target", "verdict", "pool", "submitter" };
	struct assay_value values[3 + sizeof(filters) / sizeof(filters[0])];
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	int64_t before, most, since;
	size_t count = 3;
	json_t *answer;

	if (api_query_int(call, "before", INT64_MAX, 1, INT64_MAX, &before, err) ||
	    api_query_int(call, "limit", PAGE, 1, PAGE_MAX, &most, err) ||
	    api_query_int(call, "since", 0, 0, INT64_MAX, &since, err))
		return err->code;
	values[0] = assay_int(before);
	values[1] = assay_int(most);
	values[2] = assay_int(since);
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		const char *text;

		if (api_query(call, filters[i], "", &text, err))
			return err->code;
		values[count++] = assay_text(text);
	}
	if (assay_database_run(
		    call->db,
		    "SELECT " JOB_COLUMNS " FROM job WHERE id < $1 AND changed >= $3 AND ($4 = '' OR state = $4) AND "
		    "($5 = '' OR target = $5) AND ($6 = '' OR verdict = $6) AND ($7 = '' OR pool = $7) AND ($8 = '' OR "
		    "submitter = $8) ORDER BY id DESC LIMIT $2",
		    values, count, &rows, err))
		return err->code;
	answer = assay_json_object();
	count = assay_rows_count(rows);
	assay_json_set(answer, "jobs", api_rows(rows, job_names));
	if (count == (size_t)most)
		assay_json_set_int(answer, "before", assay_rows_int(rows, count - 1, 0));
	assay_http_answer(call->response, 200, answer);
	return ASSAY_OK;
}

static enum assay_code find(struct api_call *call, struct assay_rows **ret, struct assay_error *err)
{
	int64_t job;

	if (api_job(call, &job, err) ||
	    assay_database_run(call->db, "SELECT " JOB_COLUMNS " FROM job WHERE id = $1",
			       ASSAY_VALUES(assay_int(job)), ret, err))
		return err->code;
	if (!assay_rows_count(*ret))
		return assay_fail(err, ASSAY_ENOTFOUND, "there is no job %lld", (long long)job);
	return ASSAY_OK;
}

static enum assay_code show(struct api_call *call, struct assay_error *err)
{
	static const char *const names[] = { "#number", "worker", "#started", "#finished", "verdict",
					     "reason", "candidate", "report",
					     "log", "attestations", NULL };
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	assay_auto(assay_rows_freep) struct assay_rows *attempts = NULL;
	json_t *jobs, *answer;

	if (find(call, &rows, err) ||
	    assay_database_run(call->db,
			       "SELECT fence, worker, started, finished, verdict, reason, candidate, report, log, "
			       "attestations FROM attempt WHERE job = $1 ORDER BY fence",
			       ASSAY_VALUES(assay_int(assay_rows_int(rows, 0, 0))), &attempts, err))
		return err->code;
	jobs = api_rows(rows, job_names);
	answer = json_incref(json_array_get(jobs, 0));
	json_decref(jobs);
	assay_json_set(answer, "attempts", api_rows(attempts, names));
	assay_http_answer(call->response, 200, answer);
	return ASSAY_OK;
}

/* A report never changes, so its digest is its tag. */
static enum assay_code report(struct api_call *call, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	assay_auto(assay_fd_closep) int fd = -1;
	struct assay_digest digest;
	const char *hex;

	if (find(call, &rows, err))
		return err->code;
	hex = assay_rows_text(rows, 0, 13);
	if (!hex || !assay_digest_parse(assay_span_text(hex), &digest))
		return assay_fail(err, ASSAY_ENOTFOUND, "job %s has no report yet", call->argument);
	snprintf(call->response->etag, sizeof(call->response->etag), "\"%s\"", hex);
	if (assay_http_matches(call->request, call->response->etag)) {
		call->response->status = 304;
		return ASSAY_OK;
	}
	if (assay_store_get(call->scheduler->store, &digest, &fd, err) ||
	    assay_buf_read_fd(&call->response->body, fd, err))
		return err->code;
	call->response->status = 200;
	return ASSAY_OK;
}

/* A submitter turns its own jobs, an operator all of them. */
static enum assay_code own_job(struct api_call *call, int64_t *ret, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (api_job(call, ret, err))
		return err->code;
	if (identity_may(&call->identity, NEED_OPERATOR))
		return ASSAY_OK;
	if (assay_database_run(call->db, "SELECT id FROM job WHERE id = $1 AND submitter = $2",
			       ASSAY_VALUES(assay_int(*ret), assay_text(call->identity.name)), &rows, err))
		return err->code;
	if (!assay_rows_count(rows))
		return assay_fail(err, ASSAY_EUNTRUSTED, "job %lld: want its submitter or role operator, have user:%s",
				  (long long)*ret, call->identity.name);
	return ASSAY_OK;
}

static enum assay_code cancel(struct api_call *call, struct assay_error *err)
{
	int64_t job;

	if (api_only(call, api_no_keys, err) || own_job(call, &job, err))
		return err->code;
	if (queue_cancel(call->db, job, call->now, err))
		return api_conflict(call, job, err);
	assay_http_answer(call->response, 200, assay_json_object());
	return ASSAY_OK;
}

static enum assay_code retry(struct api_call *call, struct assay_error *err)
{
	int64_t job;

	if (api_only(call, api_no_keys, err) || own_job(call, &job, err))
		return err->code;
	if (queue_retry(call->db, job, call->now, err))
		return api_conflict(call, job, err);
	call->wake = true;
	assay_http_answer(call->response, 200, assay_json_object());
	return ASSAY_OK;
}

const struct api_endpoint api_jobs[] = {
	{ "POST", "/v1/jobs", submit, "queue a job", NEED_SUBMITTER, check_submission },
	{ "GET", "/v1/jobs", list, "jobs, newest first", NEED_VIEWER, NULL },
	{ "GET", "/v1/jobs/*", show, "one job with its attempts", NEED_VIEWER, NULL },
	{ "GET", "/v1/jobs/*/report", report, "its report", NEED_VIEWER, NULL },
	{ "POST", "/v1/jobs/*/cancel", cancel, "stop it", NEED_SUBMITTER, NULL },
	{ "POST", "/v1/jobs/*/retry", retry, "through the queue once more", NEED_SUBMITTER, NULL },
	{ .method = NULL },
};
