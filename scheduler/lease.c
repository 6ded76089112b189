/* SPDX-License-Identifier: Apache-2.0 */
/* Out of the queue: the next job for a worker, and the heartbeats that keep it. */
#include <stdio.h>
#include <string.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/limits.h"
#include "queue.h"
#include "resource.h"

/* A job that failed on the only worker there is goes back to it after this long. */
enum { AVOID_MS = 10 * 60 * 1000 };

struct lease {
	const struct queue_worker *worker;
	int64_t length, now;
	struct assay_arena *arena;
	struct queue_lease *ret;
	int64_t granted; /* the job of a lease that this request was given before */
	/* why there is no job; not an error, so that the worker's visit is kept */
	struct assay_error none;
};

static int64_t clamp_length(int64_t ms)
{
	return ms < QUEUE_LEASE_MS_MIN ? QUEUE_LEASE_MS_MIN :
	       ms > QUEUE_LEASE_MS_MAX ? QUEUE_LEASE_MS_MAX :
					 ms;
}

static bool has_word(const char *words, const char *word, size_t len)
{
	for (const char *at = strstr(words, word); at; at = strstr(at + 1, word))
		if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
	return false;
}

enum ability {
	CANNOT,
	CAN_LATE, /* a wish is not fulfilled */
	CAN,
};

/* Every "name=value" that is needed must be among the labels; "name~value" should be. */
static enum ability ability_of(const char *labels, const char *needs)
{
	enum ability found = CAN;
	char word[ASSAY_MAX_LABEL + 1];

	while (*needs) {
		size_t len = strcspn(needs, " ");
		char *wish;

		if (len > ASSAY_MAX_LABEL)
			return CANNOT;
		memcpy(word, needs, len);
		word[len] = '\0';
		wish = strchr(word, '~');
		if (wish)
			*wish = '=';
		if (len && !has_word(labels, word, len)) {
			if (!wish)
				return CANNOT;
			found = CAN_LATE;
		}
		needs += len + (needs[len] == ' ');
	}
	return found;
}

/* *ret_classes: what is ever asked for in the pool, a line each. */
static enum assay_code greet(struct assay_database *db, struct lease *l, const char **ret_classes,
			     struct assay_rows **rows, struct assay_error *err)
{
	const char *state, *needs;

	if (assay_database_run(
		    db,
		    "INSERT INTO worker (name, pool, labels, state, version, seen, since) VALUES ($1, "
		    "$2, $3, 'active', $4, $5, $5) ON CONFLICT (name) DO UPDATE SET pool = $2, labels = "
		    "$3, version = $4, seen = $5 RETURNING state, (SELECT paused FROM pool WHERE name = $2), "
		    "(SELECT job FROM lease WHERE worker = $1 AND request = $6), "
		    "(SELECT needs FROM pool WHERE name = $2), (SELECT @JOINED@(needs, '\n') FROM class WHERE pool = $2)",
		    ASSAY_VALUES(assay_text(l->worker->name), assay_text(l->worker->pool),
				 assay_text(l->worker->labels), assay_text(l->worker->version),
				 assay_int(l->now), assay_text(l->worker->request)),
		    rows, err))
		return err->code;
	state = assay_rows_text(*rows, 0, 0);
	l->granted = assay_rows_int(*rows, 0, 2);
	needs = assay_rows_text(*rows, 0, 3);
	*ret_classes = assay_rows_text(*rows, 0, 4);
	if (strcmp(state, "revoked") == 0)
		assay_fail(&l->none, ASSAY_EUNTRUSTED, "worker %s is revoked", l->worker->name);
	else if (l->granted)
		return ASSAY_OK;
	else if (strcmp(state, "draining") == 0)
		assay_fail(&l->none, ASSAY_ENOTFOUND, "no job: the worker is being drained");
	else if (assay_rows_int(*rows, 0, 1))
		assay_fail(&l->none, ASSAY_ENOTFOUND, "no job: pool %s is paused", l->worker->pool);
	else if (needs && ability_of(l->worker->labels, needs) != CAN)
		assay_fail(&l->none, ASSAY_ENOTFOUND, "no job: pool %s wants workers with \"%s\"", l->worker->pool,
			   needs);
	return ASSAY_OK;
}

/* The first of one class, locked; nothing when there is none.  What this worker should rather leave to others is only
 * for it after a while. */
static enum assay_code first_of(struct assay_database *db, const struct lease *l, const char *needs,
				enum ability ability, struct assay_rows **ret, struct assay_error *err)
{
	return assay_database_run(
		db,
		"SELECT fence + 1, target, options, id, rank FROM job WHERE state = 'queued' AND pool = $1 AND needs = $2 AND "
		"rank < $5 AND changed < $5 AND "
		"((coalesce(avoid, '') <> $3 AND coalesce(witness, '') <> $3) OR changed < $4) "
		"ORDER BY rank, id LIMIT 1@SKIP@",
		ASSAY_VALUES(assay_text(l->worker->pool), assay_text(needs),
			     assay_text(l->worker->name), assay_int(l->now - AVOID_MS),
			     assay_int(ability == CAN ? INT64_MAX : l->now - RESOURCE_PATIENCE_MS)),
		ret, err);
}

/* Whether the job of one row is before that of another. */
static bool is_before(const struct assay_rows *a, const struct assay_rows *b)
{
	int64_t first = assay_rows_int(a, 0, 4), second = assay_rows_int(b, 0, 4);

	return first != second ? first < second : assay_rows_int(a, 0, 3) < assay_rows_int(b, 0, 3);
}

/* *ret: the row of first_of(). */
static enum assay_code choose(struct assay_database *db, struct lease *l, const char *classes,
			      struct assay_rows **ret, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf needs = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);

	for (const char *at = classes; at;) {
		assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
		size_t len = strcspn(at, "\n");
		enum ability ability;

		assay_buf_clear(&needs);
		assay_buf_add(&needs, at, len);
		if (assay_buf_check(&needs, "needs", err))
			return err->code;
		at = at[len] ? at + len + 1 : NULL;
		ability = ability_of(l->worker->labels, assay_buf_text(&needs));
		if (ability == CANNOT)
			continue;
		if (first_of(db, l, assay_buf_text(&needs), ability, &rows, err))
			return err->code;
		if (assay_rows_count(rows) && (!*ret || is_before(rows, *ret))) {
			assay_rows_free(*ret);
			*ret = assay_steal(rows);
		}
	}
	if (!*ret)
		assay_fail(&l->none, ASSAY_ENOTFOUND, "no job");
	return ASSAY_OK;
}

/* Fence, target and options out of a row, for the caller. */
static enum assay_code keep(const struct lease *l, int64_t job, const struct assay_rows *rows,
			    int64_t expires, int64_t length, struct assay_error *err)
{
	*l->ret = (struct queue_lease){
		.job = job,
		.fence = assay_rows_int(rows, 0, 0),
		.expires = expires,
		.length_ms = length,
		.target = assay_arena_text(l->arena, assay_span_text(assay_rows_text(rows, 0, 1))),
		.options = assay_arena_text(l->arena, assay_span_text(assay_rows_text(rows, 0, 2))),
	};
	return l->ret->target && l->ret->options ? ASSAY_OK : assay_fail(err, ASSAY_ENOMEM, "out of memory");
}

/* The same request again, because its answer was lost. */
static enum assay_code grant_again(struct assay_database *db, const struct lease *l,
				   struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(db,
			       "SELECT lease.fence, target, options, expires, length FROM lease JOIN job ON job.id = "
			       "lease.job WHERE lease.job = $1 AND worker = $2 AND request = $3",
			       ASSAY_VALUES(assay_int(l->granted), assay_text(l->worker->name),
					    assay_text(l->worker->request)),
			       &rows, err))
		return err->code;
	if (!assay_rows_count(rows))
		return assay_fail(err, ASSAY_EBUSY, "queue: the lease ended meanwhile");
	return keep(l, l->granted, rows, assay_rows_int(rows, 0, 3), assay_rows_int(rows, 0, 4), err);
}

/* The job is locked: nobody else can have taken it meanwhile. */
static enum assay_code grant(struct assay_database *db, const struct lease *l, const struct assay_rows *rows,
			     struct assay_error *err)
{
	int64_t job = assay_rows_int(rows, 0, 3), expires = l->now + l->length;

	if (keep(l, job, rows, expires, l->length, err) ||
	    assay_database_run(db, "UPDATE job SET state = 'running', fence = $2, changed = $3 WHERE id = $1",
			       ASSAY_VALUES(assay_int(job), assay_int(l->ret->fence), assay_int(l->now)), NULL, err) ||
	    assay_database_run(
		    db,
		    "INSERT INTO lease (job, worker, fence, granted, expires, length, request) VALUES ($1, "
		    "$2, $3, $4, $5, $6, $7)",
		    ASSAY_VALUES(assay_int(job), assay_text(l->worker->name), assay_int(l->ret->fence),
				 assay_int(l->now), assay_int(expires), assay_int(l->length),
				 assay_text(l->worker->request)),
		    NULL, err) ||
	    assay_database_run(
		    db, "INSERT INTO attempt (job, fence, worker, started) VALUES ($1, $2, $3, $4)",
		    ASSAY_VALUES(assay_int(job), assay_int(l->ret->fence),
				 assay_text(l->worker->name), assay_int(l->now)),
		    NULL, err))
		return err->code;
	return ASSAY_OK;
}

static enum assay_code lease(struct assay_database *db, void *data, struct assay_error *err)
{
	struct lease *l = data;
	assay_auto(assay_rows_freep) struct assay_rows *greeting = NULL;
	assay_auto(assay_rows_freep) struct assay_rows *job = NULL;
	const char *classes = NULL;

	l->none = (struct assay_error)ASSAY_ERROR_INIT;
	if (greet(db, l, &classes, &greeting, err))
		return err->code;
	if (l->granted && !l->none.code)
		return grant_again(db, l, err);
	if (!l->none.code && choose(db, l, classes, &job, err))
		return err->code;
	return l->none.code ? ASSAY_OK : grant(db, l, job, err);
}

enum assay_code queue_lease(struct assay_database *db, const struct queue_worker *worker,
			    int64_t length_ms, int64_t now, struct assay_arena *arena,
			    struct queue_lease *ret, struct assay_error *err)
{
	struct lease l = { worker, clamp_length(length_ms), now, arena, ret, 0, ASSAY_ERROR_INIT };

	if (assay_database_transact(db, lease, &l, err))
		return err->code;
	if (l.none.code)
		*err = l.none;
	return err->code;
}

enum assay_code queue_has_job(struct assay_database *db, const char *pool, bool *ret, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(db, "SELECT id FROM job WHERE state = 'queued' AND pool = $1 LIMIT 1",
			       ASSAY_VALUES(assay_text(pool)), &rows, err))
		return err->code;
	*ret = assay_rows_count(rows);
	return ASSAY_OK;
}

/* ---- heartbeats ---------------------------------------------------------------------------------- */

struct beat {
	const char *worker;
	int64_t job, fence, length, now;
	struct queue_beat *ret;
};

static enum assay_code not_held(const struct beat *b, struct assay_error *err)
{
	return assay_fail(err, ASSAY_ENOTFOUND, "job %lld: the lease is no longer this worker's",
			  (long long)b->job);
}

static enum assay_code read_lease(struct assay_database *db, const struct beat *b, bool *ret_due,
				  struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	int64_t left;

	if (assay_database_run(db,
			       "SELECT expires, length, cancelling FROM lease JOIN job ON job.id = lease.job WHERE "
			       "lease.job = $1 AND lease.fence = $2 AND worker = $3",
			       ASSAY_VALUES(assay_int(b->job), assay_int(b->fence), assay_text(b->worker)), &rows,
			       err))
		return err->code;
	if (!assay_rows_count(rows))
		return not_held(b, err);
	*b->ret = (struct queue_beat){ .expires = assay_rows_int(rows, 0, 0),
				       .cancel = assay_rows_int(rows, 0, 2) };
	left = b->ret->expires - b->now;
	*ret_due = assay_rows_int(rows, 0, 1) != b->length || left > b->length || left < b->length / 3 * 2;
	return ASSAY_OK;
}

static enum assay_code prolong(struct assay_database *db, void *data, struct assay_error *err)
{
	struct beat *b = data;
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(db,
			       "UPDATE lease SET expires = $4, length = $5 WHERE job = $1 AND fence = $2 AND worker = "
			       "$3 RETURNING (SELECT cancelling FROM job WHERE id = $1)",
			       ASSAY_VALUES(assay_int(b->job), assay_int(b->fence), assay_text(b->worker),
					    assay_int(b->now + b->length), assay_int(b->length)),
			       &rows, err) ||
	    assay_database_run(db, "UPDATE worker SET seen = $2 WHERE name = $1",
			       ASSAY_VALUES(assay_text(b->worker), assay_int(b->now)), NULL, err))
		return err->code;
	if (!assay_rows_count(rows))
		return not_held(b, err);
	*b->ret = (struct queue_beat){ .expires = b->now + b->length, .cancel = assay_rows_int(rows, 0, 0) };
	return ASSAY_OK;
}

enum assay_code queue_heartbeat(struct assay_database *db, const char *worker, int64_t job,
				int64_t fence, int64_t length_ms, int64_t now, struct queue_beat *ret,
				struct assay_error *err)
{
	struct queue_beat found = { .cancel = false };
	struct beat b = { worker, job, fence, clamp_length(length_ms), now, &found };
	bool due = false;

	if (read_lease(db, &b, &due, err) || (due && assay_database_transact(db, prolong, &b, err)))
		return err->code;
	*ret = found;
	return ASSAY_OK;
}
