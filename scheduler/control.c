/* SPDX-License-Identifier: Apache-2.0 */
/* What operators do to jobs, workers and pools. */
#include <string.h>

#include "assay/cleanup.h"
#include "queue.h"
#include "settle.h"

struct control {
	int64_t job, now;
	const char *name, *state;
	bool paused;
};

static enum assay_code one_row(struct assay_database *db, const char *sql,
			       const struct assay_value *values, size_t count, const char *wanted,
			       struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(db, sql, values, count, &rows, err))
		return err->code;
	if (!assay_rows_count(rows))
		return assay_fail(err, ASSAY_ENOTFOUND, "%s", wanted);
	return ASSAY_OK;
}

static enum assay_code cancel(struct assay_database *db, void *data, struct assay_error *err)
{
	const struct control *c = data;

	return one_row(db,
		       "UPDATE job SET state = CASE WHEN state = 'running' THEN state ELSE 'cancelled' END, "
		       "cancelling = CASE WHEN state = 'running' THEN 1 ELSE 0 END, "
		       "finished = CASE WHEN state = 'running' THEN 0 ELSE $2 END, changed = $2 "
		       "WHERE id = $1 AND state IN ('queued', 'waiting', 'running') RETURNING id",
		       ASSAY_VALUES(assay_int(c->job), assay_int(c->now)),
		       "no job of this number is queued, waiting or running", err);
}

enum assay_code queue_cancel(struct assay_database *db, int64_t job, int64_t now,
			     struct assay_error *err)
{
	struct control c = { .job = job, .now = now };

	return assay_database_transact(db, cancel, &c, err);
}

/* Another open job of the same kind would stand in its way; the index refuses, and it is said. */
static enum assay_code retry(struct assay_database *db, void *data, struct assay_error *err)
{
	const struct control *c = data;

	if (one_row(db,
		    "UPDATE job SET state = 'queued', verdict = NULL, reason = NULL, unconfirmed = NULL, candidate = NULL, "
		    "witness = NULL, failures = 0, finished = 0, avoid = NULL, cancelling = 0, changed = $2 WHERE id = $1 AND "
		    "state IN ('done', 'parked', 'cancelled') AND NOT EXISTS (SELECT 1 FROM job other WHERE "
		    "other.digest = job.digest AND other.id <> job.id AND other.state IN ('queued', 'waiting', "
		    "'running')) RETURNING id",
		    ASSAY_VALUES(assay_int(c->job), assay_int(c->now)),
		    "no job of this number is done, parked or cancelled; or the same is queued "
		    "again already",
		    err) ||
	    /* which may have been swept since */
	    assay_database_run(db,
			       "INSERT INTO class (pool, needs, used) SELECT pool, needs, $2 FROM "
			       "job WHERE id = $1 ON CONFLICT "
			       "(pool, needs) DO UPDATE SET used = $2",
			       ASSAY_VALUES(assay_int(c->job), assay_int(c->now)), NULL, err))
		return err->code;
	return assay_database_notify(db, err);
}

enum assay_code queue_retry(struct assay_database *db, int64_t job, int64_t now,
			    struct assay_error *err)
{
	struct control c = { .job = job, .now = now };

	return assay_database_transact(db, retry, &c, err);
}

static enum assay_code end_leases(struct assay_database *db, const struct control *c,
				  struct assay_error *err)
{
	struct queue_outcome outcome = { .verdict = "lost", .reason = "its worker was revoked" };
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(db, "SELECT job, fence FROM lease WHERE worker = $1@LOCK@",
			       ASSAY_VALUES(assay_text(c->name)), &rows, err))
		return err->code;
	for (size_t i = 0; i < assay_rows_count(rows); i++) {
		struct settlement s = { .job = assay_rows_int(rows, i, 0),
					.fence = assay_rows_int(rows, i, 1),
					.worker = c->name,
					.outcome = &outcome,
					.now = c->now };

		/* it is no fault of the job: another worker may have it now */
		if (settle(db, &s, err) ||
		    assay_database_run(db, "UPDATE job SET state = 'queued', not_before = 0 WHERE id = $1 AND state = 'waiting'",
				       ASSAY_VALUES(assay_int(s.job)), NULL, err))
			return err->code;
	}
	return assay_rows_count(rows) ? assay_database_notify(db, err) : ASSAY_OK;
}

static enum assay_code worker_state(struct assay_database *db, void *data, struct assay_error *err)
{
	const struct control *c = data;

	if (one_row(db, "UPDATE worker SET state = $2 WHERE name = $1 RETURNING name",
		    ASSAY_VALUES(assay_text(c->name), assay_text(c->state)),
		    "no worker of this name was ever seen", err))
		return err->code;
	return strcmp(c->state, "revoked") == 0 ? end_leases(db, c, err) : ASSAY_OK;
}

enum assay_code queue_worker_state(struct assay_database *db, const char *worker, const char *state,
				   int64_t now, struct assay_error *err)
{
	struct control c = { .name = worker, .state = state, .now = now };

	return assay_database_transact(db, worker_state, &c, err);
}

static enum assay_code pause_pool(struct assay_database *db, void *data, struct assay_error *err)
{
	const struct control *c = data;

	if (assay_database_run(db,
			       "INSERT INTO pool (name, paused) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE "
			       "SET paused = $2",
			       ASSAY_VALUES(assay_text(c->name), assay_int(c->paused)), NULL, err))
		return err->code;
	return assay_database_notify(db, err);
}

enum assay_code queue_pool_pause(struct assay_database *db, const char *pool, bool paused,
				 struct assay_error *err)
{
	struct control c = { .name = pool, .paused = paused };

	return assay_database_transact(db, pause_pool, &c, err);
}
