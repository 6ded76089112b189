/* SPDX-License-Identifier: Apache-2.0 */
/* What time alone brings. */
#include <string.h>

#include "assay/cleanup.h"
#include "queue.h"
#include "settle.h"

enum {
	NOTE_MS = 3000, /* between two notes that leases are looked after */
	GAP_MS = 8000,	/* without one; less than the shortest lease */
};

struct sweep {
	int64_t now;
	size_t most, done;
};

static enum assay_code lose(struct assay_database *db, const struct assay_rows *rows, size_t row,
			    int64_t now, const char *reason, struct assay_error *err)
{
	struct queue_outcome outcome = { .verdict = "lost", .reason = reason };
	struct settlement s = { .job = assay_rows_int(rows, row, 0),
				.fence = assay_rows_int(rows, row, 1),
				.worker = assay_rows_text(rows, row, 2),
				.outcome = &outcome,
				.now = now };

	return settle(db, &s, err);
}

/* The clock was set back: what was to come by the old one would come late by as much. */
static enum assay_code set_back(struct assay_database *db, int64_t now, int64_t by, struct assay_error *err)
{
	static const char *const statements[] = {
		"UPDATE job SET not_before = not_before + $2 WHERE state = 'waiting' AND not_before > $1",
		"UPDATE job SET changed = $1 WHERE changed > $1 AND state IN ('queued', 'waiting', 'running')",
		"UPDATE job SET rank = rank + $2 WHERE rank > $1 AND state IN ('queued', 'waiting', 'running')",
		"UPDATE share SET used = used + $2 WHERE used > $1",
	};

	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		if (assay_database_run(db, statements[i], ASSAY_VALUES(assay_int(now), assay_int(by)), NULL, err))
			return err->code;
	return ASSAY_OK;
}

/* Nobody looked for a while, or the clock is another: whoever holds a lease could not prolong it.  What was left of it
 * when somebody last looked is left of it now. */
static enum assay_code carry_over(struct assay_database *db, int64_t now, int64_t looked, struct assay_error *err)
{
	if (assay_database_run(db,
			       "UPDATE lease SET expires = CASE WHEN expires - $2 > length THEN $1 + length ELSE $1 + expires - "
			       "$2 END",
			       ASSAY_VALUES(assay_int(now), assay_int(looked)), NULL, err))
		return err->code;
	return now < looked ? set_back(db, now, now - looked, err) : ASSAY_OK;
}

/* Notes that leases are looked after.  An idle farm writes nothing. */
static enum assay_code look(struct assay_database *db, const struct sweep *sweep, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	int64_t since;

	if (assay_database_run(db,
			       "SELECT swept FROM watch WHERE EXISTS (SELECT 1 FROM lease) OR EXISTS (SELECT 1 FROM job "
			       "WHERE state = 'waiting')",
			       NULL, 0, &rows, err))
		return err->code;
	if (!assay_rows_count(rows))
		return ASSAY_OK;
	since = sweep->now - assay_rows_int(rows, 0, 0);
	if ((since < -GAP_MS || since > GAP_MS) && carry_over(db, sweep->now, sweep->now - since, err))
		return err->code;
	if (since >= 0 && since < NOTE_MS)
		return ASSAY_OK;
	return assay_database_run(db, "UPDATE watch SET swept = $1", ASSAY_VALUES(assay_int(sweep->now)), NULL, err);
}

static enum assay_code expire(struct assay_database *db, struct sweep *sweep, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(db,
			       "SELECT job, fence, worker FROM lease WHERE expires <= $1 ORDER BY expires "
			       "LIMIT $2@SKIP@",
			       ASSAY_VALUES(assay_int(sweep->now), assay_int((int64_t)sweep->most)), &rows,
			       err))
		return err->code;
	for (size_t i = 0; i < assay_rows_count(rows); i++)
		if (lose(db, rows, i, sweep->now, "the worker was not heard of any more", err))
			return err->code;
	sweep->done += assay_rows_count(rows);
	return ASSAY_OK;
}

static enum assay_code wake(struct assay_database *db, struct sweep *sweep, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(db,
			       "UPDATE job SET state = 'queued', changed = $1 WHERE id IN (SELECT id FROM job "
			       "WHERE state = 'waiting' AND not_before <= $1 ORDER BY not_before LIMIT "
			       "$2@SKIP@) RETURNING id",
			       ASSAY_VALUES(assay_int(sweep->now), assay_int((int64_t)sweep->most)), &rows,
			       err))
		return err->code;
	sweep->done += assay_rows_count(rows);
	return assay_rows_count(rows) ? assay_database_notify(db, err) : ASSAY_OK;
}

/* Behind its deadline a job ends; a running one is told so by its next heartbeat. */
static enum assay_code overdue(struct assay_database *db, struct sweep *sweep, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(
		    db,
		    "UPDATE job SET state = CASE WHEN state = 'running' THEN state ELSE 'parked' END, "
		    "finished = CASE WHEN state = 'running' THEN 0 ELSE $1 END, "
		    "cancelling = CASE WHEN state = 'running' THEN 1 ELSE 0 END, "
		    "reason = 'its deadline passed', changed = $1, deadline = 0 WHERE id IN (SELECT id FROM "
		    "job WHERE deadline > 0 AND deadline <= $1 AND state IN ('queued', 'waiting', "
		    "'running') ORDER BY deadline LIMIT $2@SKIP@) RETURNING id",
		    ASSAY_VALUES(assay_int(sweep->now), assay_int((int64_t)sweep->most)), &rows, err))
		return err->code;
	sweep->done += assay_rows_count(rows);
	return ASSAY_OK;
}

/* A kind of needs that nobody asks for, and no job that is not over has.  A submission that notes it just now waits for
 * this, or this for the submission. */
static enum assay_code forget_classes(struct assay_database *db, struct sweep *sweep,
				      struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(
		    db, "SELECT pool, needs FROM class WHERE used < $1 ORDER BY used LIMIT $2",
		    ASSAY_VALUES(assay_int(sweep->now - QUEUE_CLASS_KEPT_MS),
				 assay_int((int64_t)sweep->most)),
		    &rows, err))
		return err->code;
	for (size_t i = 0; i < assay_rows_count(rows); i++) {
		const struct assay_value values[] = { assay_text(assay_rows_text(rows, i, 0)),
						      assay_text(assay_rows_text(rows, i, 1)),
						      assay_int(sweep->now - QUEUE_CLASS_KEPT_MS),
						      assay_int(sweep->now) };

		if (assay_database_run(db,
				       "DELETE FROM class WHERE pool = $1 AND needs = $2 AND used "
				       "< $3 AND NOT EXISTS (SELECT 1 FROM "
				       "job WHERE pool = $1 AND needs = $2 AND state = 'queued') "
				       "AND NOT EXISTS (SELECT 1 FROM job "
				       "WHERE pool = $1 AND needs = $2 AND state IN ('waiting', "
				       "'running', 'parked'))",
				       values, 3, NULL, err) ||
		    assay_database_run(db,
				       "UPDATE class SET used = $4 WHERE pool = $1 AND needs = $2 "
				       "AND used < $3",
				       values, 4, NULL, err))
			return err->code;
	}
	return ASSAY_OK;
}

static enum assay_code sweep(struct assay_database *db, void *data, struct assay_error *err)
{
	struct sweep *s = data;

	s->done = 0;
	if (look(db, s, err) || expire(db, s, err) || wake(db, s, err) || overdue(db, s, err) ||
	    forget_classes(db, s, err))
		return err->code;
	return ASSAY_OK;
}

enum assay_code queue_sweep(struct assay_database *db, int64_t now, size_t most, size_t *ret_done,
			    struct assay_error *err)
{
	struct sweep s = { now, most, 0 };

	if (assay_database_transact(db, sweep, &s, err))
		return err->code;
	*ret_done = s.done;
	return ASSAY_OK;
}
