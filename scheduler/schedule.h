/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedules: targets that are queued again and again.  Each has a cron expression in a time zone, and a list that is
 * read anew each time it fires: what is installed on the scheduler's machine, a file, what the archive's index offers,
 * or fixed targets.  What was verified is known and costs a look-up; new versions are queued by themselves.
 *
 * Firing is claimed in the database, so that of several schedulers one does it; whoever dies while at it is replaced
 * when the claim runs out, and what was queued by then is not queued twice.
 */
#ifndef ASSAY_SCHEDULER_SCHEDULE_H
#define ASSAY_SCHEDULER_SCHEDULE_H

#include "assay/arena.h"
#include "assay/database.h"

#define SCHEDULE_JITTER_MS_MAX (24 * 3600 * 1000)

struct schedule {
	const char *name, *cron, *zone;
	int64_t jitter_ms;    /* fires up to so much later, each time another delay */
	const char *catch_up; /* what is missed while no scheduler runs: "none", "one" for them all, or "all" */
	const char *list;     /* "installed", "file", "archive", "targets" */
	const char *argument; /* a path, a pattern, or targets, one a line; "" for "installed" */
	const char *pool, *needs, *options, *submitter;
	int64_t priority;
	bool again; /* although the same job is done */
};

/* New, or another under the same name.  ASSAY_EUSAGE for what is wrong with it. */
enum assay_code schedule_set(struct assay_database *db, const struct schedule *schedule, int64_t now,
			     struct assay_error *err) ASSAY_CHECKED;
/* ASSAY_ENOTFOUND when there is none of that name. */
enum assay_code schedule_remove(struct assay_database *db, const char *name, struct assay_error *err)
	ASSAY_CHECKED;
/* Beside its times, once, as soon as may be. */
enum assay_code schedule_force(struct assay_database *db, const char *name, int64_t now,
			       struct assay_error *err) ASSAY_CHECKED;

struct schedule_claim {
	struct schedule schedule; /* strings in the arena */
	int64_t fire;		  /* the time it stands for; not that of the jitter */
	int64_t until;		  /* of the claim: what proves it */
	bool forced, missed;	  /* missed: only to be passed over */
};

/* One that is due.  ASSAY_ENOTFOUND: none is. */
enum assay_code schedule_claim(struct assay_database *db, int64_t now, struct assay_arena *arena,
			       struct schedule_claim *ret, struct assay_error *err) ASSAY_CHECKED;
/* Longer, because there is much to queue.  ASSAY_ENOTFOUND: the schedule was removed or changed. */
enum assay_code schedule_hold(struct assay_database *db, struct schedule_claim *claim, int64_t now,
			      struct assay_error *err) ASSAY_CHECKED;
/* What is in the way now; it is tried again when the claim runs out. */
enum assay_code schedule_note(struct assay_database *db, const struct schedule_claim *claim,
			      const char *note, struct assay_error *err) ASSAY_CHECKED;
/* It fired; the next time follows from its rule.  note: what came of it, in words. */
enum assay_code schedule_done(struct assay_database *db, const struct schedule_claim *claim,
			      const char *note, int64_t now, struct assay_error *err) ASSAY_CHECKED;

#endif
