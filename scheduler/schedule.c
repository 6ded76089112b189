/* SPDX-License-Identifier: Apache-2.0 */
/* Schedules in the database; see the header.  What is queued is in fire.c. */
#include "schedule.h"

#include <string.h>

#include "assay/cleanup.h"
#include "assay/span.h"
#include "cron.h"
#include "rules.h"

enum {
	CLAIM_MS = 10 * 60 * 1000,
	LATE_MS = 5 * 60 * 1000, /* beyond that a time counts as missed */
};

static bool is_one_of(const char *word, const char *const *words)
{
	while (*words && strcmp(*words, word) != 0)
		words++;
	return *words;
}

static enum assay_code check(const struct schedule *s, struct assay_error *err)
{
	static const char *const rules[] = { "none", "one", "all", NULL };
	static const char *const lists[] = { "installed", "file", "archive", "targets", NULL };
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	if (!*s->name || strlen(s->name) > 64 || strspn(s->name, letters) != strlen(s->name))
		return assay_fail(err, ASSAY_EUSAGE,
				  "name: want at most 64 letters, digits, dots, dashes and underscores, have \"%.80s\"",
				  s->name);
	if (!is_one_of(s->catch_up, rules))
		return assay_fail(err, ASSAY_EUSAGE, "catch-up: want none, one or all, have \"%.40s\"", s->catch_up);
	if (!is_one_of(s->list, lists))
		return assay_fail(err, ASSAY_EUSAGE, "list: want installed, file, archive or targets, have \"%.40s\"",
				  s->list);
	if (strcmp(s->list, "installed") != 0 && !*s->argument)
		return assay_fail(err, ASSAY_EUSAGE, "list %s: want an argument", s->list);
	if (strcmp(s->list, "file") == 0 && *s->argument != '/')
		return assay_fail(err, ASSAY_EUSAGE, "list file: want an absolute path, have \"%.100s\"", s->argument);
	if (s->jitter_ms < 0 || s->jitter_ms > SCHEDULE_JITTER_MS_MAX)
		return assay_fail(err, ASSAY_EUSAGE, "jitter: want a day at most");
	return ASSAY_OK;
}

/* The same for each scheduler, another each time. */
static int64_t with_jitter(const struct schedule *s, int64_t fire)
{
	uint64_t spread = 1469598103934665603;

	for (const char *at = s->name; *at; at++)
		spread = (spread ^ (unsigned char)*at) * 1099511628211; /* FNV-1a */
	return fire + (int64_t)(rule_mix(spread ^ (uint64_t)fire) % (uint64_t)(s->jitter_ms + 1));
}

struct change {
	const struct schedule *schedule;
	const char *name;
	int64_t next, now;
};

static enum assay_code set(struct assay_database *db, void *data, struct assay_error *err)
{
	const struct change *c = data;
	const struct schedule *s = c->schedule;

	if (assay_database_run(db, "DELETE FROM schedule WHERE name = $1", ASSAY_VALUES(assay_text(s->name)), NULL, err))
		return err->code;
	return assay_database_run(
		db,
		"INSERT INTO schedule (name, cron, zone, jitter, catch_up, list, argument, pool, needs, options, submitter, "
		"priority, again, next, due) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
		ASSAY_VALUES(assay_text(s->name), assay_text(s->cron), assay_text(s->zone), assay_int(s->jitter_ms),
			     assay_text(s->catch_up), assay_text(s->list), assay_text(s->argument),
			     assay_text(s->pool), assay_text(s->needs), assay_text(s->options),
			     assay_text(s->submitter), assay_int(s->priority), assay_int(s->again),
			     assay_int(c->next), assay_int(with_jitter(s, c->next))),
		NULL, err);
}

static enum assay_code next_of(const struct schedule *s, int64_t after_ms, int64_t *ret,
			       struct assay_error *err)
{
	int64_t seconds;

	if (cron_next_in(s->cron, s->zone, after_ms / 1000, &seconds, err))
		return err->code;
	*ret = seconds * 1000;
	return ASSAY_OK;
}

enum assay_code schedule_set(struct assay_database *db, const struct schedule *schedule, int64_t now,
			     struct assay_error *err)
{
	struct change c = { .schedule = schedule, .now = now };

	if (check(schedule, err) || next_of(schedule, now, &c.next, err))
		return err->code;
	return assay_database_transact(db, set, &c, err);
}

static enum assay_code must_be(const struct assay_rows *rows, const char *name, struct assay_error *err)
{
	return assay_rows_count(rows) ? ASSAY_OK : assay_fail(err, ASSAY_ENOTFOUND, "there is no schedule %s", name);
}

static enum assay_code remove_one(struct assay_database *db, void *data, struct assay_error *err)
{
	const struct change *c = data;
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(db, "DELETE FROM schedule WHERE name = $1 RETURNING name",
			       ASSAY_VALUES(assay_text(c->name)), &rows, err))
		return err->code;
	return must_be(rows, c->name, err);
}

enum assay_code schedule_remove(struct assay_database *db, const char *name, struct assay_error *err)
{
	struct change c = { .name = name };

	return assay_database_transact(db, remove_one, &c, err);
}

static enum assay_code force(struct assay_database *db, void *data, struct assay_error *err)
{
	const struct change *c = data;
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(db, "UPDATE schedule SET forced = $2 WHERE name = $1 RETURNING name",
			       ASSAY_VALUES(assay_text(c->name), assay_int(c->now)), &rows, err))
		return err->code;
	return must_be(rows, c->name, err);
}

enum assay_code schedule_force(struct assay_database *db, const char *name, int64_t now,
			       struct assay_error *err)
{
	struct change c = { .name = name, .now = now };

	return assay_database_transact(db, force, &c, err);
}

/* ---- firing -------------------------------------------------------------------------------------- */

struct claiming {
	int64_t now;
	struct assay_arena *arena;
	struct schedule_claim *ret;
	bool none;
};

static enum assay_code keep(const struct assay_rows *rows, struct claiming *c, struct assay_error *err)
{
	const char *texts[10];
	int64_t next = assay_rows_int(rows, 0, 13), due = assay_rows_int(rows, 0, 14);
	int64_t forced = assay_rows_int(rows, 0, 15);

	for (int i = 0; i < 10; i++) {
		texts[i] = assay_arena_text(c->arena, assay_span_text(assay_rows_text(rows, 0, i)));
		if (!texts[i])
			return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	}
	*c->ret = (struct schedule_claim){
		.schedule = { .name = texts[0],
			      .cron = texts[1],
			      .zone = texts[2],
			      .catch_up = texts[3],
			      .list = texts[4],
			      .argument = texts[5],
			      .pool = texts[6],
			      .needs = texts[7],
			      .options = texts[8],
			      .submitter = texts[9],
			      .jitter_ms = assay_rows_int(rows, 0, 10),
			      .priority = assay_rows_int(rows, 0, 11),
			      .again = assay_rows_int(rows, 0, 12) },
		.fire = forced ? forced : next,
		.until = c->now + CLAIM_MS,
		.forced = forced,
		.missed = !forced && strcmp(texts[3], "none") == 0 && c->now - due > LATE_MS,
	};
	return ASSAY_OK;
}

/* What fired in the future, or is claimed until long after now, was so by a clock that has been set back. */
static enum assay_code claim(struct assay_database *db, void *data, struct assay_error *err)
{
	struct claiming *c = data;
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(db,
			       "SELECT name, cron, zone, catch_up, list, argument, pool, needs, options, submitter, jitter, "
			       "priority, again, next, due, forced FROM schedule WHERE (due <= $1 OR forced > 0 OR last > "
			       "$2) AND (claimed <= $1 OR claimed > $3) ORDER BY due, name LIMIT 1@SKIP@",
			       ASSAY_VALUES(assay_int(c->now), assay_int(c->now + LATE_MS), assay_int(c->now + 2 * CLAIM_MS)),
			       &rows, err))
		return err->code;
	c->none = !assay_rows_count(rows);
	if (c->none)
		return ASSAY_OK;
	if (keep(rows, c, err))
		return err->code;
	return assay_database_run(db, "UPDATE schedule SET claimed = $2 WHERE name = $1",
				  ASSAY_VALUES(assay_text(c->ret->schedule.name), assay_int(c->ret->until)), NULL, err);
}

enum assay_code schedule_claim(struct assay_database *db, int64_t now, struct assay_arena *arena,
			       struct schedule_claim *ret, struct assay_error *err)
{
	struct claiming c = { now, arena, ret, true };

	if (assay_database_transact(db, claim, &c, err))
		return err->code;
	return c.none ? assay_fail(err, ASSAY_ENOTFOUND, "no schedule is due") : ASSAY_OK;
}

struct holding {
	struct schedule_claim *claim;
	int64_t now;
};

static enum assay_code hold(struct assay_database *db, void *data, struct assay_error *err)
{
	const struct holding *h = data;
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(db, "UPDATE schedule SET claimed = $3 WHERE name = $1 AND claimed = $2 RETURNING name",
			       ASSAY_VALUES(assay_text(h->claim->schedule.name), assay_int(h->claim->until),
					    assay_int(h->now + CLAIM_MS)),
			       &rows, err))
		return err->code;
	return must_be(rows, h->claim->schedule.name, err);
}

enum assay_code schedule_hold(struct assay_database *db, struct schedule_claim *held, int64_t now,
			      struct assay_error *err)
{
	struct holding h = { held, now };

	if (assay_database_transact(db, hold, &h, err))
		return err->code;
	held->until = now + CLAIM_MS;
	return ASSAY_OK;
}

struct remark {
	const struct schedule_claim *claim;
	const char *note;
};

static enum assay_code remark(struct assay_database *db, void *data, struct assay_error *err)
{
	const struct remark *r = data;

	return assay_database_run(db, "UPDATE schedule SET note = $3 WHERE name = $1 AND claimed = $2",
				  ASSAY_VALUES(assay_text(r->claim->schedule.name), assay_int(r->claim->until),
					       assay_text(r->note)),
				  NULL, err);
}

enum assay_code schedule_note(struct assay_database *db, const struct schedule_claim *noted,
			      const char *note, struct assay_error *err)
{
	struct remark r = { noted, note };

	return assay_database_transact(db, remark, &r, err);
}

struct finish {
	const struct schedule_claim *claim;
	const char *note;
	int64_t next, now;
};

/* Whoever forced it once more meanwhile is not forgotten. */
static enum assay_code finish(struct assay_database *db, void *data, struct assay_error *err)
{
	const struct finish *f = data;
	const struct schedule_claim *c = f->claim;

	return assay_database_run(
		db,
		"UPDATE schedule SET next = $3, due = $4, forced = CASE WHEN forced = $5 THEN 0 ELSE forced END, claimed = "
		"0, last = $6, note = $7 WHERE name = $1 AND claimed = $2",
		ASSAY_VALUES(assay_text(c->schedule.name), assay_int(c->until), assay_int(f->next),
			     assay_int(with_jitter(&c->schedule, f->next)), assay_int(c->forced ? c->fire : -1),
			     assay_int(c->missed ? 0 : f->now), assay_text(f->note)),
		NULL, err);
}

enum assay_code schedule_done(struct assay_database *db, const struct schedule_claim *claimed,
			      const char *note, int64_t now, struct assay_error *err)
{
	const struct schedule *s = &claimed->schedule;
	struct finish f = { claimed, note, 0, now };
	bool each = !claimed->forced && strcmp(s->catch_up, "all") == 0;

	/* the time after this one, or after all that were missed */
	if (next_of(s, each ? claimed->fire : now, &f.next, err))
		return err->code;
	return assay_database_transact(db, finish, &f, err);
}
