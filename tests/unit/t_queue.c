/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue, on SQLite and, where ASSAY_TEST_POSTGRES names a server (tests/farm/postgres starts one), on
 * PostgreSQL: the same cases on both.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "scheduler/pool.h"
#include "scheduler/queue.h"
#include "scheduler/resource.h"
#include "scheduler/rules.h"
#include "scheduler/schema.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

static struct assay_database *db;
static struct assay_arena arena = ASSAY_ARENA_INIT(ASSAY_MIB);
static struct assay_error err;
static int64_t now = 1000000;

static void must(enum assay_code code)
{
	ck_assert_msg(code == ASSAY_OK, "%s", err.msg);
}

static void setup(void)
{
	const char *server = getenv("ASSAY_TEST_POSTGRES");

	now = 1000000;
	must(assay_database_open(server ? server : "sqlite::memory:", &db, &err));
	if (server) {
		must(assay_database_run(db, "DROP SCHEMA public CASCADE", NULL, 0, NULL, &err));
		must(assay_database_run(db, "CREATE SCHEMA public", NULL, 0, NULL, &err));
	}
	must(scheduler_schema(db, &err));
	must(scheduler_schema(db, &err)); /* a second time changes nothing */
}

static void teardown(void)
{
	assay_database_close(db);
	assay_arena_release(&arena);
}

static int64_t submit_as(const char *submitter, const char *target, int64_t priority)
{
	struct queue_submission s = { .target = target, .options = "{}", .submitter = submitter,
				      .pool = "dev", .needs = "", .priority = priority };
	enum queue_admission how;
	int64_t job;

	must(queue_submit(db, &s, now, &job, &how, &err));
	ck_assert_int_eq(how, QUEUE_NEW);
	return job;
}

static int64_t submit(const char *target)
{
	return submit_as("nightly", target, 0);
}

static enum assay_code lease_with(const char *worker, const char *labels, struct queue_lease *ret)
{
	struct queue_worker w = { worker, "dev", labels, "test", NULL };

	return queue_lease(db, &w, MINUTE, now, &arena, ret, &err);
}

static struct queue_lease lease(const char *worker)
{
	struct queue_lease l;

	must(lease_with(worker, "", &l));
	return l;
}

static void none(const char *worker)
{
	struct queue_lease l;

	ck_assert_int_eq(lease_with(worker, "", &l), ASSAY_ENOTFOUND);
}

static const char *report(const char *worker, const struct queue_lease *l, const char *verdict,
			  const char *candidate)
{
	struct queue_outcome outcome = { .verdict = verdict, .reason = "because", .candidate = candidate };
	const char *state;

	must(queue_report(db, worker, l->job, l->fence, &outcome, now, &state, &err));
	return state;
}

static const char *of_job(int64_t job, const char *column)
{
	static char text[200];
	struct assay_rows *rows;
	char sql[100];

	snprintf(sql, sizeof(sql), "SELECT %s FROM job WHERE id = $1", column);
	must(assay_database_run(db, sql, ASSAY_VALUES(assay_int(job)), &rows, &err));
	snprintf(text, sizeof(text), "%s", assay_rows_text(rows, 0, 0) ? assay_rows_text(rows, 0, 0) : "");
	assay_rows_free(rows);
	return text;
}

static void sweep(void)
{
	size_t done;

	must(queue_sweep(db, now, 100, &done, &err));
}

/* Time passes while somebody sweeps. */
static void pass(int64_t ms)
{
	for (int64_t until = now + ms; now < until;) {
		now += 5 * SECOND;
		sweep();
	}
}

START_TEST(a_job_goes_through)
{
	int64_t job = submit("pkg:deb/debian/hello");
	struct queue_lease l = lease("w1");
	struct queue_beat beat;

	ck_assert_int_eq(l.job, job);
	ck_assert_str_eq(l.target, "pkg:deb/debian/hello");
	none("w2");
	must(queue_heartbeat(db, "w1", job, l.fence, MINUTE, now, &beat, &err));
	ck_assert(!beat.cancel);
	ck_assert_int_eq(beat.expires, now + MINUTE);
	ck_assert_str_eq(report("w1", &l, "reproducible", "aa"), "done");
	ck_assert_str_eq(of_job(job, "verdict"), "reproducible");
	none("w1");
}
END_TEST

START_TEST(an_acknowledgement_that_was_lost_is_given_again)
{
	struct queue_lease l;
	struct queue_outcome other = { .verdict = "reproducible", .reason = "", .candidate = "bb" };
	const char *state;

	submit("a");
	l = lease("w1");
	ck_assert_str_eq(report("w1", &l, "reproducible", "aa"), "done");
	ck_assert_str_eq(report("w1", &l, "reproducible", "aa"), "done");
	/* but only the same report */
	ck_assert_int_eq(queue_report(db, "w1", l.job, l.fence, &other, now, &state, &err), ASSAY_ENOTFOUND);
}
END_TEST

START_TEST(who_lost_the_lease_is_not_heard)
{
	int64_t job = submit("a");
	struct queue_lease old = lease("w1"), fresh;
	struct queue_outcome outcome = { .verdict = "reproducible", .reason = "", .candidate = "aa" };
	const char *state;
	struct queue_beat beat;

	pass(2 * MINUTE);
	ck_assert_int_eq(queue_heartbeat(db, "w1", job, old.fence, MINUTE, now, &beat, &err), ASSAY_ENOTFOUND);
	ck_assert_int_gt(of_job(job, "failures")[0], '0');
	fresh = lease("w2");
	ck_assert_int_eq(fresh.job, job);
	ck_assert_int_gt(fresh.fence, old.fence);
	ck_assert_int_eq(queue_report(db, "w1", job, old.fence, &outcome, now, &state, &err), ASSAY_ENOTFOUND);
	ck_assert_int_eq(queue_report(db, "w1", job, fresh.fence, &outcome, now, &state, &err),
			 ASSAY_ENOTFOUND);
	ck_assert_str_eq(report("w2", &fresh, "reproducible", "aa"), "done");
}
END_TEST

START_TEST(a_divergence_is_confirmed_elsewhere)
{
	int64_t job = submit("a");
	struct queue_lease l = lease("w1");

	ck_assert_str_eq(report("w1", &l, "divergent", "bb"), "queued");
	none("w1");
	l = lease("w2");
	ck_assert_str_eq(report("w2", &l, "divergent", "bb"), "done");
	ck_assert_str_eq(of_job(job, "verdict"), "divergent");
}
END_TEST

START_TEST(two_candidates_that_differ_are_flaky)
{
	static const char *const second[][2] = { { "divergent", "cc" }, { "reproducible", "aa" } };
	int64_t job = submit("a");
	struct queue_lease l = lease("w1");

	report("w1", &l, "divergent", "bb");
	l = lease("w2");
	ck_assert_str_eq(report("w2", &l, second[_i][0], second[_i][1]), "done");
	ck_assert_str_eq(of_job(job, "verdict"), "flaky");
}
END_TEST

/* A second opinion that could not be had does not forget the first. */
START_TEST(trouble_does_not_confirm)
{
	int64_t job = submit("a");
	struct queue_lease l = lease("w1");

	report("w1", &l, "divergent", "bb");
	l = lease("w2");
	ck_assert_str_eq(report("w2", &l, "farm-error", NULL), "waiting");
	now += HOUR;
	sweep();
	l = lease("w3");
	ck_assert_str_eq(report("w3", &l, "divergent", "bb"), "done");
	ck_assert_str_eq(of_job(job, "verdict"), "divergent");
}
END_TEST

/* Trouble is no opinion that another could contradict. */
START_TEST(trouble_is_not_confirmed)
{
	int64_t job = submit("a");
	struct queue_lease l = lease("w1");

	ck_assert_str_eq(report("w1", &l, "farm-error", NULL), "waiting");
	now += HOUR;
	sweep();
	l = lease("w2");
	ck_assert_str_eq(report("w2", &l, "reproducible", "aa"), "done");
	ck_assert_str_eq(of_job(job, "verdict"), "reproducible");
}
END_TEST

/* Whoever made the first attempt does not confirm it, whatever happened between. */
START_TEST(the_witness_is_not_asked_again)
{
	struct queue_lease l;

	submit("a");
	l = lease("w1");
	report("w1", &l, "divergent", "bb");
	l = lease("w2");
	report("w2", &l, "farm-error", NULL);
	now += 2 * MINUTE;
	sweep();
	none("w1");
	none("w2");
	l = lease("w3");
	ck_assert_str_eq(report("w3", &l, "divergent", "bb"), "done");
}
END_TEST

/* The schedulers were away, or the clock was set: nobody could prolong a lease, and nobody loses it. */
START_TEST(leases_outlive_what_is_not_the_workers_fault)
{
	static const int64_t jumps[] = { 10 * MINUTE, 100 * (int64_t)HOUR, -10 * MINUTE, -100 * (int64_t)HOUR };
	struct queue_lease l;
	struct queue_beat beat;
	int64_t job = submit("a");

	l = lease("w1");
	pass(20 * SECOND);
	now += jumps[_i];
	sweep();
	must(queue_heartbeat(db, "w1", job, l.fence, MINUTE, now, &beat, &err));
	ck_assert_int_le(beat.expires, now + MINUTE);
	ck_assert_int_ge(beat.expires, now + 35 * SECOND);
	pass(30 * SECOND);
	ck_assert_str_eq(of_job(job, "state"), "running");
	must(queue_heartbeat(db, "w1", job, l.fence, MINUTE, now, &beat, &err));
	/* but a worker that died meanwhile is found out after one length */
	pass(70 * SECOND);
	ck_assert_str_ne(of_job(job, "failures"), "0");
}
END_TEST

/* What waits by a clock that is set back does not wait for as long. */
/* However often the clock jumps, a worker that is dead is found out. */
START_TEST(jumps_do_not_keep_the_dead_alive)
{
	static const int64_t jumps[] = { 10 * MINUTE, -10 * MINUTE, 30 * SECOND, -30 * SECOND };
	int64_t job = submit("a");

	lease("w1");
	for (int i = 0; i < 20; i++) {
		pass(5 * SECOND);
		now += jumps[(i + _i) % 4];
		sweep();
	}
	ck_assert_str_ne(of_job(job, "failures"), "0");
}
END_TEST

START_TEST(jobs_do_not_wait_for_a_future_that_was_taken_back)
{
	struct queue_lease l;
	int64_t late, waiting;

	now += 1000 * (int64_t)HOUR;
	waiting = submit("a");
	l = lease("w1");
	sweep();
	report("w1", &l, "farm-error", NULL);
	late = submit("later");
	sweep();
	now -= 1000 * (int64_t)HOUR;
	sweep();
	submit("by the right clock");
	ck_assert_int_eq(lease("w1").job, late);
	pass(5 * MINUTE);
	ck_assert_str_eq(of_job(waiting, "state"), "queued");
}
END_TEST

START_TEST(heartbeats_write_only_what_is_due)
{
	struct queue_lease l;
	struct queue_beat first, later;

	submit("a");
	l = lease("w1");
	now += 10 * SECOND;
	must(queue_heartbeat(db, "w1", l.job, l.fence, MINUTE, now, &first, &err));
	ck_assert_int_eq(first.expires, l.expires);
	now += 11 * SECOND;
	must(queue_heartbeat(db, "w1", l.job, l.fence, MINUTE, now, &later, &err));
	ck_assert_int_eq(later.expires, now + MINUTE);
	/* another length is taken at once */
	must(queue_heartbeat(db, "w1", l.job, l.fence, 2 * MINUTE, now, &later, &err));
	ck_assert_int_eq(later.expires, now + 2 * MINUTE);
}
END_TEST

START_TEST(a_lease_whose_answer_was_lost_is_given_again)
{
	struct queue_worker w = { "w1", "dev", "", "test", "r1" };
	struct queue_lease first, again, other;

	submit("a");
	submit("b");
	must(queue_lease(db, &w, MINUTE, now, &arena, &first, &err));
	now += 5 * SECOND;
	must(queue_lease(db, &w, MINUTE, now, &arena, &again, &err));
	ck_assert_int_eq(again.job, first.job);
	ck_assert_int_eq(again.fence, first.fence);
	ck_assert_int_eq(again.expires, first.expires);
	ck_assert_str_eq(again.target, "a");
	w.name = "w2"; /* the same key of another */
	must(queue_lease(db, &w, MINUTE, now, &arena, &other, &err));
	ck_assert_int_ne(other.job, first.job);
	report("w1", &first, "reproducible", "aa");
	w.name = "w1";
	ck_assert_int_eq(queue_lease(db, &w, MINUTE, now, &arena, &again, &err), ASSAY_ENOTFOUND);
}
END_TEST

START_TEST(a_verdict_about_the_newest_grows_old)
{
	struct queue_submission s = { .options = "{}", .submitter = "x", .pool = "dev", .needs = "" };
	static const struct {
		const char *target;
		enum queue_admission tomorrow;
	} cases[] = { { "pkg:deb/debian/hello", QUEUE_NEW },
		      { "pkg:deb/debian/hello@2.10-3", QUEUE_DONE },
		      { "/srv/hello.yaml", QUEUE_DONE } };
	enum queue_admission how;
	struct queue_lease l;
	int64_t job;

	s.target = cases[_i].target;
	must(queue_submit(db, &s, now, &job, &how, &err));
	l = lease("w1");
	report("w1", &l, "reproducible", "aa");
	now += HOUR;
	must(queue_submit(db, &s, now, &job, &how, &err));
	ck_assert_int_eq(how, QUEUE_DONE);
	now += 23 * HOUR;
	must(queue_submit(db, &s, now, &job, &how, &err));
	ck_assert_int_eq(how, cases[_i].tomorrow);
}
END_TEST

START_TEST(the_only_worker_may_confirm_itself_in_the_end)
{
	struct queue_lease l;

	submit("a");
	l = lease("w1");
	report("w1", &l, "divergent", "bb");
	none("w1");
	now += 11 * MINUTE;
	l = lease("w1");
	ck_assert_str_eq(report("w1", &l, "divergent", "bb"), "done");
}
END_TEST

START_TEST(what_is_hopeless_is_parked)
{
	static const char *const verdicts[] = { "farm-error", "inputs-lost", "timed-out", "lost", "never heard of" };
	const struct rule *rule = rule_of(verdicts[_i]);
	int64_t job = submit("a");

	for (int64_t i = 1; i <= rule->tries; i++) {
		char worker[20];
		struct queue_lease l;

		snprintf(worker, sizeof(worker), "w%d", (int)i);
		l = lease(worker);
		ck_assert_str_eq(report(worker, &l, verdicts[_i], NULL), i == rule->tries ? "parked" : "waiting");
		now += 400 * (int64_t)HOUR;
		sweep();
	}
	ck_assert_str_eq(of_job(job, "reason"), rule->parked);
	none("w99");
	must(queue_retry(db, job, now, &err));
	ck_assert_int_eq(lease("w1").job, job);
}
END_TEST

START_TEST(the_same_job_is_not_built_twice)
{
	struct queue_submission s = { .target = "a", .options = "{}", .submitter = "x", .pool = "dev", .needs = "" };
	enum queue_admission how;
	int64_t first = submit("a"), again;
	struct queue_lease l;

	must(queue_submit(db, &s, now, &again, &how, &err));
	ck_assert_int_eq(how, QUEUE_OPEN);
	ck_assert_int_eq(again, first);
	l = lease("w1");
	must(queue_submit(db, &s, now, &again, &how, &err));
	ck_assert_int_eq(how, QUEUE_OPEN);
	report("w1", &l, "reproducible", "aa");
	must(queue_submit(db, &s, now, &again, &how, &err));
	ck_assert_int_eq(how, QUEUE_DONE);
	s.again = true;
	must(queue_submit(db, &s, now, &again, &how, &err));
	ck_assert_int_eq(how, QUEUE_NEW);
	ck_assert_int_ne(again, first);
	s.again = false;
	s.options = "{\"accept\": \"code\"}";
	must(queue_submit(db, &s, now, &again, &how, &err));
	ck_assert_int_eq(how, QUEUE_NEW);
}
END_TEST

START_TEST(a_submission_key_counts_once)
{
	struct queue_submission s = { .target = "a", .options = "{}", .submitter = "x", .key = "k1",
				      .pool = "dev", .needs = "", .again = true };
	enum queue_admission how;
	int64_t first, second;
	struct queue_lease l;

	must(queue_submit(db, &s, now, &first, &how, &err));
	l = lease("w1");
	report("w1", &l, "reproducible", "aa");
	must(queue_submit(db, &s, now, &second, &how, &err));
	ck_assert_int_eq(how, QUEUE_REPEATED);
	ck_assert_int_eq(first, second);
	s.priority = 1;
	ck_assert_int_eq(queue_submit(db, &s, now, &second, &how, &err), ASSAY_ENOTFOUND);
	s.priority = 0;
	s.deadline = now + MINUTE;
	ck_assert_int_eq(queue_submit(db, &s, now, &second, &how, &err), ASSAY_ENOTFOUND);
	s.deadline = 0;
	s.needs = "arch=amd64";
	ck_assert_int_eq(queue_submit(db, &s, now, &second, &how, &err), ASSAY_ENOTFOUND);
	s.needs = "";
	s.target = "b";
	ck_assert_int_eq(queue_submit(db, &s, now, &second, &how, &err), ASSAY_ENOTFOUND);
	s.submitter = "y";
	must(queue_submit(db, &s, now, &second, &how, &err));
	ck_assert_int_eq(how, QUEUE_NEW);
}
END_TEST

/* Who submits a thousand does not keep out who submits one. */
START_TEST(submitters_take_turns)
{
	char target[20];
	int64_t late;

	for (int i = 0; i < 100; i++) {
		snprintf(target, sizeof(target), "flood-%d", i);
		submit_as("flood", target, 0);
	}
	now += 1;
	late = submit_as("one", "mine", 0);
	for (int i = 0; i < 3; i++)
		if (lease("w1").job == late)
			return;
	ck_abort_msg("the single job waits behind the flood");
}
END_TEST

START_TEST(priority_is_worth_waiting_and_no_more)
{
	int64_t old = submit_as("a", "old", 0), urgent;

	now += 9 * MINUTE;
	urgent = submit_as("b", "urgent", 1);
	ck_assert_int_eq(lease("w1").job, urgent);
	now += 2 * MINUTE;
	submit_as("b", "urgent2", 1);
	ck_assert_int_eq(lease("w1").job, old);
}
END_TEST

START_TEST(needs_find_their_workers)
{
	struct queue_submission s = { .target = "big", .options = "{}", .submitter = "x", .pool = "dev",
				      .needs = "arch=amd64 memory=large" };
	enum queue_admission how;
	struct queue_lease l;
	int64_t job;

	must(queue_submit(db, &s, now, &job, &how, &err));
	ck_assert_int_eq(lease_with("w1", "arch=amd64 memory=larger", &l), ASSAY_ENOTFOUND);
	ck_assert_int_eq(lease_with("w1", "xarch=amd64 memory=large", &l), ASSAY_ENOTFOUND);
	must(lease_with("w1", "arch=amd64 disk=1 memory=large", &l));
	ck_assert_int_eq(l.job, job);
}
END_TEST

/* What earlier attempts took places the next: but a wish that nobody can fulfil strands no job. */
START_TEST(memory_is_learned)
{
	struct queue_outcome outcome = { .verdict = "reproducible", .reason = "", .candidate = "aa",
					 .memory = 5 * (int64_t)ASSAY_GIB };
	const char *state;
	struct queue_lease l;
	int64_t job;

	submit("pkg:deb/debian/big@1?arch=amd64");
	l = lease("w1");
	now += 3 * MINUTE;
	must(queue_report(db, "w1", l.job, l.fence, &outcome, now, &state, &err));
	job = submit("pkg:deb/debian/big@2?arch=amd64");
	ck_assert_str_eq(of_job(job, "needs"), "memory~8g");
	ck_assert_int_eq(lease_with("small", "memory=1g memory=2g memory=4g", &l), ASSAY_ENOTFOUND);
	now += RESOURCE_PATIENCE_MS + 2 * SECOND;
	must(lease_with("small", "memory=1g memory=2g memory=4g", &l));
	ck_assert_int_eq(l.job, job);
	job = submit("pkg:deb/debian/big@3?arch=amd64");
	must(lease_with("large", "memory=4g memory=8g", &l));
	ck_assert_int_eq(l.job, job);
}
END_TEST

START_TEST(memory_that_is_no_longer_needed_is_forgotten)
{
	struct resource seen = { .memory = 8 * (int64_t)ASSAY_GIB, .duration_ms = 1000 }, known;

	must(resource_learn(db, "pkg:deb/debian/x@1", &seen, now, &err));
	must(resource_read(db, "pkg:deb/debian/x@2", &known, &err));
	ck_assert_int_eq(known.memory, seen.memory);
	seen.memory = ASSAY_GIB / 2;
	for (int i = 0; i < 30; i++)
		must(resource_learn(db, "pkg:deb/debian/x@1", &seen, now, &err));
	must(resource_read(db, "pkg:deb/debian/x@2", &known, &err));
	ck_assert_int_eq(known.memory, seen.memory);
	must(resource_read(db, "pkg:deb/debian/xx", &known, &err));
	ck_assert_int_eq(known.memory, 0);
}
END_TEST

START_TEST(wishes_stand_beside_needs)
{
	static const struct {
		int64_t mib;
		const char *needs, *both;
	} cases[] = { { 0, "", "" },
		      { 700, "arch=amd64", "arch=amd64" },
		      { 1500, "arch=amd64", "arch=amd64 memory~2g" },
		      { 1700, "", "memory~4g" },
		      { 6000, "memory=2g", "memory=2g" } };
	struct resource known = { .memory = cases[_i].mib * (int64_t)ASSAY_MIB };
	struct assay_buf out = ASSAY_BUF_INIT(100);

	resource_needs(&known, cases[_i].needs, &out);
	ck_assert_str_eq(out.len ? assay_buf_text(&out) : "", cases[_i].both);
	assay_buf_release(&out);
}
END_TEST

START_TEST(disk_is_learned_beside_memory)
{
	struct queue_outcome outcome = { .verdict = "reproducible", .reason = "", .candidate = "aa",
					 .memory = 3 * (int64_t)ASSAY_GIB, .disk = 6 * (int64_t)ASSAY_GIB };
	struct resource known;
	const char *state;
	struct queue_lease l;
	int64_t job;

	submit("pkg:deb/debian/wide@1?arch=amd64");
	l = lease("w1");
	now += MINUTE;
	must(queue_report(db, "w1", l.job, l.fence, &outcome, now, &state, &err));
	must(resource_read(db, "pkg:deb/debian/wide@2", &known, &err));
	ck_assert_int_eq(known.disk, outcome.disk);
	job = submit("pkg:deb/debian/wide@2?arch=amd64");
	ck_assert_str_eq(of_job(job, "needs"), "disk~8g memory~4g");
	ck_assert_int_eq(lease_with("narrow", "disk=4g memory=4g", &l), ASSAY_ENOTFOUND);
	must(lease_with("wide", "disk=4g disk=8g memory=4g", &l));
	ck_assert_int_eq(l.job, job);
	/* half of it is needed later: the wish follows */
	outcome.disk = ASSAY_GIB / 2;
	must(queue_report(db, "wide", l.job, l.fence, &outcome, now, &state, &err));
	for (int i = 0; i < 20; i++)
		must(resource_learn(db, "pkg:deb/debian/wide@2",
				    &(struct resource){ .memory = 1, .disk = outcome.disk, .duration_ms = 1 }, now, &err));
	job = submit("pkg:deb/debian/wide@3?arch=amd64");
	ck_assert_str_eq(of_job(job, "needs"), "");
}
END_TEST

/* What takes an hour must begin an hour before its deadline. */
START_TEST(deadlines_go_first_in_time)
{
	struct resource seen = { .memory = ASSAY_MIB, .duration_ms = 60 * MINUTE };
	struct queue_submission s = { .target = "slow", .options = "{}", .submitter = "x", .pool = "dev",
				      .needs = "", .deadline = now + 70 * MINUTE };
	enum queue_admission how;
	int64_t first = submit("first"), job;

	must(resource_learn(db, "slow", &seen, now, &err));
	must(queue_submit(db, &s, now, &job, &how, &err));
	ck_assert_int_eq(lease("w1").job, job);
	ck_assert_int_eq(lease("w1").job, first);
}
END_TEST

START_TEST(parts_of_a_log_go_with_their_attempt)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	int64_t job = submit("a");
	struct queue_lease l = lease("w1");

	must(assay_database_run(db, "INSERT INTO log_part (job, fence, position, length, digest) VALUES ($1, $2, 0, 1, 'aa')",
				ASSAY_VALUES(assay_int(job), assay_int(l.fence)), NULL, &err));
	pass(10 * 60 * SECOND);
	must(assay_database_run(db, "SELECT verdict, (SELECT count(*) FROM log_part) FROM attempt", NULL, 0, &rows, &err));
	ck_assert_str_eq(assay_rows_text(rows, 0, 0), "lost");
	ck_assert_int_eq(assay_rows_int(rows, 0, 1), 0);
}
END_TEST

START_TEST(pools_have_rules)
{
	struct pool_rules rules = { "isolation=full", "container", true };
	struct queue_outcome outcome = { .verdict = "reproducible", .reason = "", .candidate = "aa",
					 .isolation = "reduced" };
	json_t *options = json_pack("{s:s}", "accept", "code");
	struct queue_lease l;
	const char *state;

	must(pool_set(db, "dev", &rules, &err));
	ck_assert_int_eq(pool_admit(db, "dev", options, &err), ASSAY_EUSAGE);
	assay_json_set_text(options, "accept", "encoding");
	must(pool_admit(db, "dev", options, &err));
	ck_assert(assay_json_bool(options, "require_signature"));
	assay_json_set_text(options, "accept", "anything");
	ck_assert_int_eq(pool_admit(db, "nameless", options, &err), ASSAY_EUSAGE);
	json_decref(options);
	options = json_pack("{s:s}", "command", "rm");
	ck_assert_int_eq(pool_admit(db, "nameless", options, &err), ASSAY_EUSAGE);
	json_decref(options);
	options = json_pack("{s:s}", "buildinfo", "no digest");
	ck_assert_int_eq(pool_admit(db, "nameless", options, &err), ASSAY_EUSAGE);
	json_decref(options);
	options = json_pack("{s:s}", "recipe", "");
	ck_assert_int_eq(pool_admit(db, "nameless", options, &err), ASSAY_EUSAGE);
	json_decref(options);
	submit("a");
	ck_assert_int_eq(lease_with("w1", "isolation=reduced", &l), ASSAY_ENOTFOUND);
	must(lease_with("w1", "isolation=full", &l));
	/* it said so, but it was not so; and whoever did not hear the answer says it again */
	for (int i = 0; i < 2; i++) {
		must(queue_report(db, "w1", l.job, l.fence, &outcome, now, &state, &err));
		ck_assert_str_eq(state, "waiting");
	}
	now += HOUR;
	sweep();
	must(lease_with("w2", "isolation=full", &l));
	outcome.isolation = NULL; /* nor did that one say what it had */
	must(queue_report(db, "w2", l.job, l.fence, &outcome, now, &state, &err));
	ck_assert_str_eq(state, "waiting");
	now += HOUR;
	sweep();
	must(lease_with("w3", "isolation=full", &l));
	outcome.isolation = "full";
	must(queue_report(db, "w3", l.job, l.fence, &outcome, now, &state, &err));
	ck_assert_str_eq(state, "done");
	rules.accept = "everything";
	ck_assert_int_eq(pool_set(db, "dev", &rules, &err), ASSAY_EUSAGE);
}
END_TEST

START_TEST(one_pools_verdict_is_not_anothers)
{
	struct queue_submission s = { .target = "a", .options = "{}", .submitter = "x", .pool = "prod", .needs = "" };
	enum queue_admission how;
	int64_t dev = submit("a"), prod;

	must(queue_submit(db, &s, now, &prod, &how, &err));
	ck_assert_int_eq(how, QUEUE_NEW);
	ck_assert_int_ne(dev, prod);
}
END_TEST

START_TEST(held_back_workers_and_pools_get_nothing)
{
	struct queue_lease l;
	struct queue_outcome outcome = { .verdict = "reproducible", .reason = "", .candidate = "aa" };
	const char *state;

	none("w1");
	submit("a");
	must(queue_pool_pause(db, "dev", true, &err));
	none("w1");
	must(queue_pool_pause(db, "dev", false, &err));
	must(queue_worker_state(db, "w1", "draining", now, &err));
	none("w1");
	must(queue_worker_state(db, "w1", "active", now, &err));
	l = lease("w1");
	must(queue_worker_state(db, "w1", "revoked", now, &err));
	ck_assert_int_eq(lease_with("w1", "", &l), ASSAY_EUNTRUSTED);
	ck_assert_int_eq(queue_report(db, "w1", l.job, l.fence, &outcome, now, &state, &err), ASSAY_ENOTFOUND);
	ck_assert_int_eq(queue_worker_state(db, "nobody", "active", now, &err), ASSAY_ENOTFOUND);
}
END_TEST

START_TEST(cancelling)
{
	int64_t queued = submit("a"), running;
	struct queue_lease l;
	struct queue_beat beat;

	must(queue_cancel(db, queued, now, &err));
	ck_assert_str_eq(of_job(queued, "state"), "cancelled");
	none("w1");
	running = submit("b");
	l = lease("w1");
	must(queue_cancel(db, running, now, &err));
	must(queue_heartbeat(db, "w1", running, l.fence, MINUTE, now, &beat, &err));
	ck_assert(beat.cancel);
	ck_assert_str_eq(report("w1", &l, "cancelled", NULL), "cancelled");
	ck_assert_int_eq(queue_cancel(db, running, now, &err), ASSAY_ENOTFOUND);
	/* a worker that dies meanwhile does not bring it back */
	running = submit("c");
	l = lease("w1");
	must(queue_cancel(db, running, now, &err));
	pass(2 * MINUTE);
	ck_assert_str_eq(of_job(running, "state"), "cancelled");
}
END_TEST

START_TEST(deadlines)
{
	struct queue_submission s = { .target = "late", .options = "{}", .submitter = "x", .pool = "dev",
				      .needs = "", .deadline = now + MINUTE };
	enum queue_admission how;
	int64_t job;

	must(queue_submit(db, &s, now, &job, &how, &err));
	now += 2 * MINUTE;
	sweep();
	ck_assert_str_eq(of_job(job, "state"), "parked");
	ck_assert_str_eq(of_job(job, "reason"), "its deadline passed");
}
END_TEST

START_TEST(delays_grow_and_are_spread)
{
	const struct rule *rule = rule_of("farm-error");
	int64_t first = rule_next_try(rule, 1, 7, 0), other = rule_next_try(rule, 1, 8, 0);

	ck_assert_int_eq(first, rule_next_try(rule, 1, 7, 0));
	ck_assert_int_ne(first, other);
	for (int64_t failures = 1; failures < 60; failures++) {
		int64_t at = rule_next_try(rule, failures, 3, 0);

		ck_assert_int_ge(at, rule->delay_ms / 2);
		ck_assert_int_le(at, rule->delay_ms * 256 * 3 / 2 + 1);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue");
	TCase *tcase = tcase_create("queue");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_job_goes_through);
	tcase_add_test(tcase, an_acknowledgement_that_was_lost_is_given_again);
	tcase_add_test(tcase, who_lost_the_lease_is_not_heard);
	tcase_add_test(tcase, a_divergence_is_confirmed_elsewhere);
	tcase_add_loop_test(tcase, two_candidates_that_differ_are_flaky, 0, 2);
	tcase_add_test(tcase, trouble_does_not_confirm);
	tcase_add_test(tcase, trouble_is_not_confirmed);
	tcase_add_test(tcase, the_only_worker_may_confirm_itself_in_the_end);
	tcase_add_test(tcase, the_witness_is_not_asked_again);
	tcase_add_loop_test(tcase, leases_outlive_what_is_not_the_workers_fault, 0, 4);
	tcase_add_loop_test(tcase, jumps_do_not_keep_the_dead_alive, 0, 4);
	tcase_add_test(tcase, jobs_do_not_wait_for_a_future_that_was_taken_back);
	tcase_add_test(tcase, heartbeats_write_only_what_is_due);
	tcase_add_test(tcase, a_lease_whose_answer_was_lost_is_given_again);
	tcase_add_loop_test(tcase, a_verdict_about_the_newest_grows_old, 0, 3);
	tcase_add_loop_test(tcase, what_is_hopeless_is_parked, 0, 5);
	tcase_add_test(tcase, the_same_job_is_not_built_twice);
	tcase_add_test(tcase, a_submission_key_counts_once);
	tcase_add_test(tcase, submitters_take_turns);
	tcase_add_test(tcase, priority_is_worth_waiting_and_no_more);
	tcase_add_test(tcase, needs_find_their_workers);
	tcase_add_test(tcase, memory_is_learned);
	tcase_add_test(tcase, disk_is_learned_beside_memory);
	tcase_add_test(tcase, memory_that_is_no_longer_needed_is_forgotten);
	tcase_add_loop_test(tcase, wishes_stand_beside_needs, 0, 5);
	tcase_add_test(tcase, deadlines_go_first_in_time);
	tcase_add_test(tcase, parts_of_a_log_go_with_their_attempt);
	tcase_add_test(tcase, pools_have_rules);
	tcase_add_test(tcase, one_pools_verdict_is_not_anothers);
	tcase_add_test(tcase, held_back_workers_and_pools_get_nothing);
	tcase_add_test(tcase, cancelling);
	tcase_add_test(tcase, deadlines);
	tcase_add_test(tcase, delays_grow_and_are_spread);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
