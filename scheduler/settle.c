/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a job when a lease ends; see rules.h for the rules themselves. */
#include "settle.h"

#include <stdio.h>
#include <string.h>

#include "assay/cleanup.h"
#include "evidence.h"
#include "resource.h"
#include "rules.h"

/* What is known of the job before the outcome. */
struct before {
	int64_t failures, cancelling, started;
	const char *target, *pool_needs;
	const char *verdict, *candidate; /* of an attempt that waits to be confirmed, or NULL */
	const char *witness;		 /* who made it */
};

struct after {
	const char *state, *verdict, *reason, *unconfirmed, *candidate, *witness;
	int64_t not_before, failures;
	bool avoid; /* the worker that just had it */
};

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* The second opinion is here: does it say the same? */
static void confirm(const struct before *before, const struct queue_outcome *outcome,
		    struct after *after)
{
	bool both_failed = same(before->verdict, outcome->verdict) && !before->candidate &&
			   !outcome->candidate;

	after->state = "done";
	if (same(before->candidate, outcome->candidate) || both_failed)
		return;
	after->verdict = "flaky";
	after->reason = "two workers built different things from the same inputs";
}

static void decide(const struct before *before, const struct settlement *s, struct after *after)
{
	const struct queue_outcome *outcome = s->outcome;
	const struct rule *rule = rule_of(outcome->verdict);

	*after = (struct after){ .state = "done",
				 .verdict = outcome->verdict,
				 .reason = outcome->reason,
				 .candidate = outcome->candidate,
				 .failures = before->failures };
	if (before->cancelling || same(outcome->verdict, "cancelled")) {
		after->state = "cancelled";
	} else if (rule->kind == RULE_RETRY) {
		/* what an earlier attempt found stays to be confirmed */
		after->failures++;
		after->avoid = true;
		after->state = after->failures >= rule->tries ? "parked" : "waiting";
		after->reason = after->failures >= rule->tries ? rule->parked : outcome->reason;
		after->not_before = rule_next_try(rule, after->failures, s->job, s->now);
		after->unconfirmed = before->verdict;
		after->witness = before->witness;
		after->candidate = before->candidate;
	} else if (before->verdict) {
		confirm(before, outcome, after);
	} else if (rule->kind == RULE_CONFIRM) {
		after->state = "queued";
		after->unconfirmed = outcome->verdict;
		after->witness = s->worker;
	}
}

/* Nothing when the lease is not, or no longer, this worker's. */
static enum assay_code read_before(struct assay_database *db, const struct settlement *s, struct assay_rows **rows,
				   struct before *ret, struct assay_error *err)
{
	if (assay_database_run(db,
			       "SELECT failures, cancelling, unconfirmed, candidate, witness, target, granted, (SELECT needs FROM "
			       "pool WHERE name = job.pool) FROM lease JOIN job ON job.id = lease.job WHERE lease.job = $1 AND "
			       "lease.fence = $2 AND lease.worker = $3@LOCK@",
			       ASSAY_VALUES(assay_int(s->job), assay_int(s->fence), assay_text(s->worker)), rows, err))
		return err->code;
	if (!assay_rows_count(*rows))
		return ASSAY_OK;
	*ret = (struct before){ .failures = assay_rows_int(*rows, 0, 0),
				.cancelling = assay_rows_int(*rows, 0, 1),
				.verdict = assay_rows_text(*rows, 0, 2),
				.candidate = assay_rows_text(*rows, 0, 3),
				.witness = assay_rows_text(*rows, 0, 4),
				.target = assay_rows_text(*rows, 0, 5),
				.started = assay_rows_int(*rows, 0, 6),
				.pool_needs = assay_rows_text(*rows, 0, 7) };
	return ASSAY_OK;
}

static enum assay_code write_after(struct assay_database *db, const struct settlement *s,
				   const struct after *after, struct assay_error *err)
{
	bool over = strcmp(after->state, "done") == 0 || strcmp(after->state, "parked") == 0 ||
		    strcmp(after->state, "cancelled") == 0;

	return assay_database_run(
		db,
		"UPDATE job SET state = $2, verdict = $3, reason = $4, candidate = $5, report = "
		"coalesce($6, report), not_before = $7, failures = $8, avoid = $9, changed = $10, finished = "
		"$11, unconfirmed = $12, witness = $13, cancelling = 0 WHERE id = $1",
		ASSAY_VALUES(assay_int(s->job), assay_text(after->state), assay_text(after->verdict),
			     assay_text(after->reason), assay_text(after->candidate),
			     assay_text(s->outcome->report), assay_int(after->not_before),
			     assay_int(after->failures), assay_text(after->avoid ? s->worker : NULL),
			     assay_int(s->now), assay_int(over ? s->now : 0), assay_text(after->unconfirmed),
			     assay_text(after->witness)),
		NULL, err);
}

/* The parts of a log are for those who read along; a lost attempt has no other end at which they would go. */
static enum assay_code end_attempt(struct assay_database *db, const struct settlement *s,
				   struct assay_error *err)
{
	if (assay_database_run(db, "DELETE FROM lease WHERE job = $1 AND fence = $2",
			       ASSAY_VALUES(assay_int(s->job), assay_int(s->fence)), NULL, err) ||
	    assay_database_run(db, "DELETE FROM log_part WHERE job = $1 AND fence = $2",
			       ASSAY_VALUES(assay_int(s->job), assay_int(s->fence)), NULL, err))
		return err->code;
	return assay_database_run(
		db,
		"UPDATE attempt SET finished = $3, verdict = $4, reason = $5, candidate = $6, report = $7, "
		"memory = $8, disk = $9 WHERE job = $1 AND fence = $2",
		ASSAY_VALUES(assay_int(s->job), assay_int(s->fence), assay_int(s->now),
			     assay_text(s->outcome->verdict), assay_text(s->outcome->reason),
			     assay_text(s->outcome->candidate), assay_text(s->outcome->report),
			     assay_int(s->outcome->memory), assay_int(s->outcome->disk)),
		NULL, err);
}

static const char *constant_state(const char *state)
{
	static const char *const states[] = { "queued", "waiting", "running", "done", "parked",
					      "cancelled" };

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i], state) == 0)
			return states[i];
	return "unknown";
}

/* What becomes of an outcome that its pool does not take. */
static const struct queue_outcome reduced = { .verdict = "farm-error",
					      .reason = "the attempt had less isolation than its pool wants" };

/* A pool that wants full isolation takes no evidence of an attempt that had less, or that does not say what it had. */
static bool is_isolated(const struct before *before, const struct queue_outcome *outcome)
{
	if (!before->pool_needs || !strstr(before->pool_needs, "isolation=full"))
		return true;
	return outcome->isolation ? same(outcome->isolation, "full") : !rule_of(outcome->verdict)->boxed;
}

/* What it needed, if it came to an end by itself. */
static enum assay_code learn(struct assay_database *db, const struct settlement *s,
			     const struct before *before, struct assay_error *err)
{
	struct resource seen = { .memory = s->outcome->memory,
				 .disk = s->outcome->disk,
				 .duration_ms = s->now - before->started };

	if (!seen.memory || !before->started || seen.duration_ms < 0)
		return ASSAY_OK;
	return resource_learn(db, before->target, &seen, s->now, err);
}

enum assay_code settle(struct assay_database *db, struct settlement *settlement, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	struct settlement s = *settlement; /* which stays as it is, in case that all this is done once more */
	struct before before = { .failures = 0 };
	struct after after;

	if (read_before(db, &s, &rows, &before, err))
		return err->code;
	if (!assay_rows_count(rows))
		return assay_fail(err, ASSAY_ENOTFOUND, "job %lld: the lease is no longer this worker's", (long long)s.job);
	if (!is_isolated(&before, s.outcome))
		s.outcome = &reduced;
	decide(&before, &s, &after);
	if (end_attempt(db, &s, err) || write_after(db, &s, &after, err) || learn(db, &s, &before, err))
		return err->code;
	settlement->state = constant_state(after.state);
	return strcmp(settlement->state, "queued") == 0 ? assay_database_notify(db, err) : ASSAY_OK;
}

/* ---- a worker's report --------------------------------------------------------------------------- */

/* The lease is gone: because this very report was taken before, or because it is somebody else's now? */
static enum assay_code was_taken(struct assay_database *db, struct settlement *s,
				 struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(
		    db,
		    "SELECT job.state FROM attempt JOIN job ON job.id = attempt.job WHERE attempt.job = "
		    "$1 AND attempt.fence = $2 AND attempt.worker = $3 AND attempt.finished > 0 AND "
		    "((attempt.verdict = $4 AND coalesce(attempt.candidate, '') = coalesce($5, '')) OR attempt.reason = $6)",
		    ASSAY_VALUES(assay_int(s->job), assay_int(s->fence), assay_text(s->worker),
				 assay_text(s->outcome->verdict), assay_text(s->outcome->candidate),
				 assay_text(reduced.reason)),
		    &rows, err))
		return err->code;
	if (!assay_rows_count(rows))
		return assay_fail(err, ASSAY_ENOTFOUND,
				  "job %lld: the lease is no longer this worker's", (long long)s->job);
	s->state = constant_state(assay_rows_text(rows, 0, 0));
	return ASSAY_OK;
}

static enum assay_code report(struct assay_database *db, void *data, struct assay_error *err)
{
	struct settlement *s = data;

	if (settle(db, s, err) == ASSAY_ENOTFOUND) {
		*err = (struct assay_error)ASSAY_ERROR_INIT;
		return was_taken(db, s, err);
	}
	if (!err->code && s->outcome->evidence)
		return evidence_write(db, s->job, s->fence, s->outcome->evidence, err);
	return err->code;
}

enum assay_code queue_report(struct assay_database *db, const char *worker, int64_t job,
			     int64_t fence, const struct queue_outcome *outcome, int64_t now,
			     const char **ret_state, struct assay_error *err)
{
	struct settlement s = { job, fence, worker, outcome, now, NULL };

	if (assay_database_transact(db, report, &s, err))
		return err->code;
	*ret_state = s.state;
	return ASSAY_OK;
}
