/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Into the queue.  A job's rank is decided here and never changes: the time of its turn if the farm took one job
 * of each submitter after the other (start-time fair queuing), earlier by what its priority is worth.  A rank is a
 * point in time, so whoever waits long enough is overtaken by nobody: that is the ageing, and it costs nothing.
 */
#include <stdio.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/digest.h"
#include "assay/limits.h"
#include "queue.h"
#include "resource.h"

enum {
	SHARE_MS = 1000,              /* of its submitter's share, for each job */
	PRIORITY_MS = 10 * 60 * 1000, /* a step of priority is worth so much waiting */
};

struct submit {
	const struct queue_submission *given;
	char digest[ASSAY_DIGEST_TEXT]; /* of what is to be built, and how */
	char wish[ASSAY_DIGEST_TEXT];	/* of all that was said */
	int64_t now, job;
	enum queue_admission how;
};

static void digest_of(const char *const *texts, char *out)
{
	struct assay_hasher *hasher = assay_hasher_new();
	struct assay_digest digest = { .bytes = { 0 } };

	if (!hasher)
		abort();
	for (; *texts; texts++)
		assay_hasher_add(hasher, *texts, strlen(*texts) + 1);
	assay_hasher_end(hasher, &digest);
	assay_hasher_free(hasher);
	assay_digest_hex(&digest, out);
}

/* What one pool found out is no word about another, whose rules may be stricter. */
static void name(struct submit *s)
{
	const struct queue_submission *given = s->given;
	char numbers[80];

	digest_of((const char *[]){ given->target, given->options, given->pool, NULL }, s->digest);
	snprintf(numbers, sizeof(numbers), "%lld %lld %d", (long long)given->priority,
		 (long long)given->deadline, given->again);
	digest_of((const char *[]){ s->digest, given->needs, numbers, NULL }, s->wish);
}

/* "pkg:deb/debian/hello" is another package tomorrow; "...@2.10-3" is not, and neither is a recipe. */
static bool has_version(const char *target)
{
	return strncmp(target, "pkg:", 4) != 0 || strchr(target, '@');
}

/* A job found by a query that gives its id and state. */
static enum assay_code find(struct assay_database *db, const char *sql,
			    const struct assay_value *values, size_t count, int64_t *ret_job,
			    bool *ret_done, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	*ret_job = 0;
	if (assay_database_run(db, sql, values, count, &rows, err))
		return err->code;
	if (assay_rows_count(rows)) {
		*ret_job = assay_rows_int(rows, 0, 0);
		*ret_done = strcmp(assay_rows_text(rows, 0, 1), "done") == 0;
	}
	return ASSAY_OK;
}

static enum assay_code find_key(struct assay_database *db, struct submit *s, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(
		    db, "SELECT id, digest, wish FROM job WHERE submitter = $1 AND submission = $2",
		    ASSAY_VALUES(assay_text(s->given->submitter), assay_text(s->given->key)), &rows,
		    err))
		return err->code;
	s->how = QUEUE_REPEATED;
	if (!assay_rows_count(rows))
		return ASSAY_OK;
	s->job = assay_rows_int(rows, 0, 0);
	/* of jobs from before it was noted nothing more is known */
	if (strcmp(assay_rows_text(rows, 0, 1), s->digest) != 0 ||
	    strcmp(assay_rows_text(rows, 0, 2) ?: s->wish, s->wish) != 0)
		return assay_fail(err, ASSAY_ENOTFOUND,
				  "key \"%.100s\" was used for another submission, job %lld",
				  s->given->key, (long long)s->job);
	return ASSAY_OK;
}

static enum assay_code find_known(struct assay_database *db, struct submit *s,
				  struct assay_error *err)
{
	const struct queue_submission *given = s->given;
	bool done = false;

	if (given->key) {
		if (find_key(db, s, err))
			return err->code;
		if (s->job)
			return ASSAY_OK;
	}
	if (find(db,
		 "SELECT id, state FROM job WHERE digest = $1 AND state IN ('queued', 'waiting', "
		 "'running')",
		 ASSAY_VALUES(assay_text(s->digest)), &s->job, &done, err))
		return err->code;
	s->how = QUEUE_OPEN;
	if (s->job || given->again)
		return ASSAY_OK;
	if (find(db,
		 "SELECT id, CASE WHEN created < $2 THEN 'old' ELSE state END FROM job WHERE digest = $1 "
		 "ORDER BY id DESC LIMIT 1",
		 ASSAY_VALUES(assay_text(s->digest),
			      assay_int(has_version(given->target) ? 0 : s->now - QUEUE_UNVERSIONED_MS)),
		 &s->job, &done, err))
		return err->code;
	s->how = QUEUE_DONE;
	if (!done)
		s->job = 0;
	return ASSAY_OK;
}

/* The submitter's turn, and its share used up by one job more. */
static enum assay_code take_share(struct assay_database *db, const struct submit *s,
				  int64_t *ret_turn, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(db,
			       "INSERT INTO share (submitter, used) VALUES ($1, $2) ON CONFLICT "
			       "(submitter) DO UPDATE SET used = CASE WHEN share.used > $2 THEN "
			       "share.used ELSE $2 END + $3 RETURNING used",
			       ASSAY_VALUES(assay_text(s->given->submitter), assay_int(s->now),
					    assay_int(SHARE_MS)),
			       &rows, err))
		return err->code;
	*ret_turn = assay_rows_int(rows, 0, 0);
	return ASSAY_OK;
}

/* Kinds of needs are few, so that the next job is found by index in each; those that nobody asks for any more are swept.
 * A look is all it costs but once an hour. */
static enum assay_code note_class(struct assay_database *db, const struct submit *s,
				  const char *needs, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	const char *pool = s->given->pool;

	if (assay_database_run(
		    db,
		    "SELECT count(*), (SELECT used FROM class WHERE pool = $1 AND needs = $2) FROM "
		    "class WHERE pool = "
		    "$1 AND NOT EXISTS (SELECT 1 FROM class WHERE pool = $1 AND needs = $2)",
		    ASSAY_VALUES(assay_text(pool), assay_text(needs)), &rows, err))
		return err->code;
	if (assay_rows_int(rows, 0, 0) >= ASSAY_MAX_CLASSES)
		return assay_fail(err, ASSAY_EUSAGE,
				  "needs: the jobs of pool %s have %d different ones; want one of "
				  "those, or none",
				  pool, ASSAY_MAX_CLASSES);
	if (assay_rows_text(rows, 0, 1) &&
	    assay_rows_int(rows, 0, 1) > s->now - QUEUE_CLASS_NOTED_MS)
		return ASSAY_OK;
	return assay_database_run(
		db,
		"INSERT INTO class (pool, needs, used) VALUES ($1, $2, $3) ON CONFLICT (pool, "
		"needs) DO UPDATE SET "
		"used = $3",
		ASSAY_VALUES(assay_text(pool), assay_text(needs), assay_int(s->now)), NULL, err);
}

static enum assay_code insert(struct assay_database *db, struct submit *s, const char *needs,
			      int64_t rank, struct assay_error *err)
{
	const struct queue_submission *given = s->given;
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (note_class(db, s, needs, err) ||
	    assay_database_run(
		    db,
		    "INSERT INTO job (target, options, digest, submitter, submission, pool, needs, "
		    "priority, rank, state, deadline, created, changed, wish) VALUES ($1, $2, $3, "
		    "$4, $5, "
		    "$6, $7, $8, $9, 'queued', $10, $11, $11, $12) ON CONFLICT DO NOTHING "
		    "RETURNING id",
		    ASSAY_VALUES(assay_text(given->target), assay_text(given->options),
				 assay_text(s->digest), assay_text(given->submitter),
				 assay_text(given->key), assay_text(given->pool), assay_text(needs),
				 assay_int(given->priority), assay_int(rank),
				 assay_int(given->deadline), assay_int(s->now),
				 assay_text(given->key ? s->wish : NULL)),
		    &rows, err))
		return err->code;
	/* another scheduler was faster: its job is found in the next round */
	if (!assay_rows_count(rows))
		return assay_fail(err, ASSAY_EBUSY, "queue: the same job came twice at once");
	s->job = assay_rows_int(rows, 0, 0);
	s->how = QUEUE_NEW;
	return assay_database_notify(db, err);
}

static enum assay_code submit(struct assay_database *db, void *data, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf needs = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	struct submit *s = data;
	struct resource known;
	int64_t turn;

	s->job = 0;
	if (find_known(db, s, err))
		return err->code;
	if (s->job)
		return ASSAY_OK;
	if (resource_read(db, s->given->target, &known, err) || take_share(db, s, &turn, err))
		return err->code;
	resource_needs(&known, s->given->needs, &needs);
	if (assay_buf_check(&needs, "needs", err))
		return err->code;
	return insert(db, s, assay_buf_text(&needs),
		      resource_rank(&known, turn - s->given->priority * PRIORITY_MS, s->given->deadline), err);
}

static enum assay_code check_lengths(const struct queue_submission *given, struct assay_error *err)
{
	const struct {
		const char *name, *text;
		size_t most;
	} all[] = { { "target", given->target, ASSAY_MAX_TARGET },
		    { "submitter", given->submitter, 2 * ASSAY_MAX_NAME },
		    { "key", given->key ? given->key : "-",
		      ASSAY_MAX_SUBMISSION_KEY + ASSAY_MAX_TARGET },
		    { "pool", given->pool, ASSAY_MAX_NAME } };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!*all[i].text || strlen(all[i].text) > all[i].most)
			return assay_fail(err, ASSAY_EUSAGE, "%s: want 1 to %zu bytes, have %zu",
					  all[i].name, all[i].most, strlen(all[i].text));
	return ASSAY_OK;
}

enum assay_code queue_submit(struct assay_database *db, const struct queue_submission *submission,
			     int64_t now, int64_t *ret_job, enum queue_admission *ret_how,
			     struct assay_error *err)
{
	struct submit s = { .given = submission, .now = now };

	name(&s);
	if (check_lengths(submission, err) || assay_database_transact(db, submit, &s, err))
		return err->code;
	*ret_job = s.job;
	*ret_how = s.how;
	return ASSAY_OK;
}
