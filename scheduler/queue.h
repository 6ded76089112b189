/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue: who builds what next, and what becomes of it.  Every function is one transaction; all times are
 * milliseconds of a clock that the caller brings, so that a simulation can run years in a minute.
 *
 *	submit -> queued -> lease -> running -> report -> done
 *	             ^                  |
 *	             |                  +-- no evidence, or to be confirmed: waiting, until not_before
 *	             |                  +-- no evidence again and again: parked, with the reason
 *	             +-- sweep ---------+-- the lease ran out: as if the worker had reported "lost"
 *
 * A lease carries a fence, which grows with each lease of a job.  Only who shows the newest fence may say anything
 * about the job; a report that was acknowledged, or whose acknowledgement was lost, may be repeated.  A lease ends by
 * its report, or by a sweep after it ran out: until somebody notices, a late holder is still the holder.  Leases that
 * ran out while nobody swept (the schedulers or their database were away, the clock jumped) go on with what was left.
 */
#ifndef ASSAY_SCHEDULER_QUEUE_H
#define ASSAY_SCHEDULER_QUEUE_H

#include "assay/arena.h"
#include "assay/database.h"
#include "assay/json.h"

#define QUEUE_LEASE_MS_MIN 10000
#define QUEUE_LEASE_MS_MAX (24 * 3600 * 1000)

struct queue_submission {
	const char *target;
	const char *options;   /* canonical JSON */
	const char *submitter;
	const char *key;       /* of the submitter: the same key is the same submission; or NULL */
	const char *pool;
	const char *needs;     /* "arch=amd64 gpu=yes": sorted words; "" for none */
	int64_t priority;      /* each step is worth ten minutes of waiting */
	int64_t deadline;      /* 0: none */
	bool again;            /* although the same job is done */
};

/* A class of needs counts as asked for, for so long, before that is noted again; and without it, until it is swept. */
#define QUEUE_CLASS_NOTED_MS (3600 * 1000)
#define QUEUE_CLASS_KEPT_MS (24 * 3600 * 1000)

/* A target without a version means whatever is newest: its verdict stands for a job of this age. */
#define QUEUE_UNVERSIONED_MS (20 * 3600 * 1000)

enum queue_admission {
	QUEUE_NEW,
	QUEUE_REPEATED, /* this submission was here before */
	QUEUE_OPEN,     /* the same job is queued or running */
	QUEUE_DONE,     /* the same job has its verdict */
};

/* ASSAY_ENOTFOUND: the key was used for another submission.  ASSAY_EUSAGE: something is too long, or its pool has too many
 * kinds of needs as it is. */
enum assay_code queue_submit(struct assay_database *db, const struct queue_submission *submission,
			     int64_t now, int64_t *ret_job, enum queue_admission *ret_how,
			     struct assay_error *err) ASSAY_CHECKED;

struct queue_worker {
	const char *name, *pool;
	const char *labels; /* sorted words */
	const char *version;
	const char *request; /* the worker's own key: asked again, it gets the same lease again; or NULL */
};

struct queue_lease {
	int64_t job, fence, expires, length_ms; /* the length that was granted */
	const char *target, *options; /* in the arena */
};

/* The next job for this worker.  ASSAY_ENOTFOUND when there is none; ASSAY_EUNTRUSTED when the worker was revoked.
 * The worker is known from then on. */
enum assay_code queue_lease(struct assay_database *db, const struct queue_worker *worker,
			    int64_t length_ms, int64_t now, struct assay_arena *arena,
			    struct queue_lease *ret, struct assay_error *err) ASSAY_CHECKED;

/* Whether a pool has a job in its queue at all: so that of many workers that are woken for one job, those that come
 * too late cost a look and no transaction that writes. */
enum assay_code queue_has_job(struct assay_database *db, const char *pool, bool *ret, struct assay_error *err)
	ASSAY_CHECKED;

struct queue_beat {
	bool cancel;	 /* the job is to be stopped */
	int64_t expires; /* of the lease */
};

/* Prolongs a lease, once a third of it is used up: the heartbeats between cost no write.  ASSAY_ENOTFOUND: the lease is
 * not, or no longer, this worker's; what it does is for nothing. */
enum assay_code queue_heartbeat(struct assay_database *db, const char *worker, int64_t job,
				int64_t fence, int64_t length_ms, int64_t now, struct queue_beat *ret,
				struct assay_error *err) ASSAY_CHECKED;

struct queue_outcome {
	const char *verdict;   /* of DESIGN.md section 2, or "lost" or "cancelled" */
	const char *reason;
	const char *candidate; /* digest over what was built; NULL when nothing was */
	const char *report;    /* digest of the report in the store; may be NULL */
	const char *isolation; /* class that the attempt really had, "full" or "reduced"; NULL: not known */
	int64_t memory, disk;  /* the attempt's peaks, in bytes; 0: not known */
	const json_t *evidence; /* see evidence.h; or NULL */
};

/* Ends a lease with its outcome.  *ret_state: the job's state from then on.  ASSAY_ENOTFOUND as above. */
enum assay_code queue_report(struct assay_database *db, const char *worker, int64_t job,
			     int64_t fence, const struct queue_outcome *outcome, int64_t now,
			     const char **ret_state, struct assay_error *err) ASSAY_CHECKED;

/* A clock that jumps must be brought here before anywhere else.
 *
 * What time alone brings: leases that ran out, waiting jobs that are due, deadlines.  At most so many at once;
 * *ret_done says how many, so that the caller comes again at once when it was as many. */
enum assay_code queue_sweep(struct assay_database *db, int64_t now, size_t most, size_t *ret_done,
			    struct assay_error *err) ASSAY_CHECKED;

/* A queued job ends at once; a running one is told through its heartbeat. */
enum assay_code queue_cancel(struct assay_database *db, int64_t job, int64_t now,
			     struct assay_error *err) ASSAY_CHECKED;
/* A job that is done, parked or cancelled goes through the queue once more. */
enum assay_code queue_retry(struct assay_database *db, int64_t job, int64_t now,
			    struct assay_error *err) ASSAY_CHECKED;
/* "active", "draining" (no new leases) or "revoked" (its leases end now). */
enum assay_code queue_worker_state(struct assay_database *db, const char *worker, const char *state,
				   int64_t now, struct assay_error *err) ASSAY_CHECKED;
enum assay_code queue_pool_pause(struct assay_database *db, const char *pool, bool paused,
				 struct assay_error *err) ASSAY_CHECKED;

#endif
