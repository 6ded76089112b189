/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simulate [--jobs=N] [--workers=N] [--seed=N] [--database=URL]: the scheduler's queue under a virtual clock.  Workers die
 * and come back, messages are lost, doubled and late, builds end in every way there is; the same seed gives the same
 * run.  In the end each job must have the one verdict that its nature allows, no lease is left, and nothing that a
 * stale holder said was ever taken.
 */
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "scheduler/queue.h"
#include "scheduler/schema.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, LEASE = 3 * MINUTE, BEAT_EVERY = MINUTE, SUBMITTERS = 7, SWEEP = 5 * SECOND };

/* What a job is, in truth. */
enum nature { REPRODUCIBLE, DIVERGENT, FLAKY, FAILING, LOST_INPUTS, REJECTED, NATURES };

static const struct {
	const char *verdict; /* of an attempt */
	const char *state, *final;
	unsigned weight;
} natures[NATURES] = {
	[REPRODUCIBLE] = { "reproducible", "done", "reproducible", 880 },
	[DIVERGENT] = { "divergent", "done", "divergent", 60 },
	[FLAKY] = { "divergent", "done", "flaky", 20 },
	[FAILING] = { "build-failed", "done", "build-failed", 20 },
	[LOST_INPUTS] = { "inputs-lost", "parked", "inputs-lost", 10 },
	[REJECTED] = { "rejected", "done", "rejected", 10 },
};

enum event_kind { ARRIVE, POLL, BEAT, FINISH, SWEEP_NOW };

struct event {
	int64_t at;
	uint64_t order; /* among those of the same time */
	enum event_kind kind;
	uint32_t worker, epoch;
};

struct worker {
	int64_t job, fence;
	uint32_t epoch; /* grows when it dies: events of an earlier life are nobody's */
};

struct simulation {
	struct assay_database *db;
	struct assay_arena arena;
	struct event *heap;
	size_t heap_count, heap_room;
	uint64_t order, random;
	struct worker *workers;
	size_t worker_count, jobs, arrived, taken, refused, deaths, doubled;
	int64_t *holder; /* the fence that each job's newest lease has, by job number */
	int64_t now;
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "simulate: %s: %s\n", what, why);
	exit(1);
}

static uint64_t draw(struct simulation *s)
{
	uint64_t x = s->random += 0x9e3779b97f4a7c15;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static bool chance(struct simulation *s, unsigned in_ten_thousand)
{
	return draw(s) % 10000 < in_ten_thousand;
}

static enum nature nature_of(int64_t job)
{
	uint64_t x = (uint64_t)job * 0x9e3779b97f4a7c15;
	unsigned left = (unsigned)((x >> 32) % 1000);
	int nature = 0;

	while (left >= natures[nature].weight)
		left -= natures[nature++].weight;
	return (enum nature)nature;
}

/* ---- the heap of events --------------------------------------------------------------------------- */

static bool before(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push(struct simulation *s, int64_t delay, enum event_kind kind, size_t worker)
{
	size_t at = s->heap_count++;
	struct event event = { s->now + delay, s->order++, kind, (uint32_t)worker,
			       kind == ARRIVE || kind == SWEEP_NOW ? 0 : s->workers[worker].epoch };

	if (s->heap_count > s->heap_room) {
		s->heap_room = s->heap_room ? 2 * s->heap_room : 1024;
		s->heap = realloc(s->heap, s->heap_room * sizeof(*s->heap));
		if (!s->heap)
			die("events", "out of memory");
	}
	for (; at && before(&event, &s->heap[(at - 1) / 2]); at = (at - 1) / 2)
		s->heap[at] = s->heap[(at - 1) / 2];
	s->heap[at] = event;
}

static struct event pop(struct simulation *s)
{
	struct event top = s->heap[0], last = s->heap[--s->heap_count];
	size_t at = 0;

	for (size_t child = 1; child < s->heap_count; child = 2 * at + 1) {
		if (child + 1 < s->heap_count && before(&s->heap[child + 1], &s->heap[child]))
			child++;
		if (!before(&s->heap[child], &last))
			break;
		s->heap[at] = s->heap[child];
		at = child;
	}
	s->heap[at] = last;
	return top;
}

/* ---- events --------------------------------------------------------------------------------------- */

static void must(enum assay_code code, const struct assay_error *err)
{
	if (code)
		die("queue", err->msg);
}

static void arrive(struct simulation *s)
{
	char target[40], submitter[20];
	struct queue_submission given = { .target = target, .options = "{}", .submitter = submitter,
					  .pool = "default", .needs = "" };
	struct assay_error err = ASSAY_ERROR_INIT;
	enum queue_admission how;
	int64_t job;

	snprintf(target, sizeof(target), "t%zu", ++s->arrived);
	snprintf(submitter, sizeof(submitter), "s%d", (int)(draw(s) % SUBMITTERS));
	given.priority = (int64_t)(draw(s) % 5) - 2;
	given.key = target;
	/* a submitter whose answer was lost says it again */
	for (int times = chance(s, 200) ? 2 : 1; times; times--)
		must(queue_submit(s->db, &given, s->now, &job, &how, &err), &err);
	if (job != (int64_t)s->arrived)
		die("submit", "a job was doubled or lost");
	if (s->arrived < s->jobs)
		push(s, (int64_t)(draw(s) % 40), ARRIVE, 0);
}

static void poll(struct simulation *s, size_t number)
{
	struct worker *worker = &s->workers[number];
	char name[20];
	struct queue_worker given = { name, "default", "arch=amd64", "sim", NULL };
	struct assay_error err = ASSAY_ERROR_INIT;
	struct queue_lease lease;
	enum assay_code code;

	snprintf(name, sizeof(name), "w%zu", number);
	code = queue_lease(s->db, &given, LEASE, s->now, &s->arena, &lease, &err);
	if (code == ASSAY_ENOTFOUND) {
		push(s, 20 * SECOND + (int64_t)(draw(s) % (20 * SECOND)), POLL, number);
		return;
	}
	must(code, &err);
	assay_arena_release(&s->arena);
	if (lease.fence <= s->holder[lease.job])
		die("lease", "a fence did not grow");
	s->holder[lease.job] = lease.fence;
	worker->job = lease.job;
	worker->fence = lease.fence;
	if (chance(s, 50)) { /* the answer is lost on its way: the worker knows of no job */
		push(s, SECOND, POLL, number);
		return;
	}
	push(s, BEAT_EVERY, BEAT, number);
	push(s, 10 * SECOND + (int64_t)(draw(s) % (5 * MINUTE)), FINISH, number);
}

static void beat(struct simulation *s, size_t number)
{
	struct worker *worker = &s->workers[number];
	char name[20];
	struct assay_error err = ASSAY_ERROR_INIT;
	struct queue_beat beat;

	snprintf(name, sizeof(name), "w%zu", number);
	if (chance(s, 60)) { /* it dies */
		worker->epoch++;
		s->deaths++;
		push(s, MINUTE, POLL, number);
		return;
	}
	if (!chance(s, 100)) /* else lost on its way */
		(void)!queue_heartbeat(s->db, name, worker->job, worker->fence, LEASE, s->now, &beat, &err);
	push(s, BEAT_EVERY, BEAT, number);
}

static void say(struct simulation *s, size_t number, const struct queue_outcome *outcome)
{
	struct worker *worker = &s->workers[number];
	char name[20];
	struct assay_error err = ASSAY_ERROR_INIT;
	const char *state;
	enum assay_code code;

	snprintf(name, sizeof(name), "w%zu", number);
	code = queue_report(s->db, name, worker->job, worker->fence, outcome, s->now, &state, &err);
	if (code == ASSAY_ENOTFOUND) {
		s->refused++;
		return;
	}
	must(code, &err);
	if (s->holder[worker->job] != worker->fence)
		die("report", "a stale holder was heard");
	s->taken++;
}

static void finish(struct simulation *s, size_t number)
{
	struct worker *worker = &s->workers[number];
	enum nature nature = nature_of(worker->job);
	char candidate[40];
	struct queue_outcome outcome = { .verdict = natures[nature].verdict, .reason = "simulated" };

	snprintf(candidate, sizeof(candidate), "c%lld-%lld", (long long)worker->job,
		 nature == FLAKY ? (long long)worker->fence : 0);
	if (nature == REPRODUCIBLE || nature == DIVERGENT || nature == FLAKY)
		outcome.candidate = candidate;
	if (chance(s, 100)) {
		outcome.verdict = "farm-error";
		outcome.candidate = NULL;
	}
	say(s, number, &outcome);
	if (chance(s, 200)) { /* the acknowledgement is lost, so it says it again */
		s->doubled++;
		say(s, number, &outcome);
	}
	worker->epoch++;
	push(s, 0, POLL, number);
}

static size_t open_jobs(struct simulation *s)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	struct assay_error err = ASSAY_ERROR_INIT;

	must(assay_database_run(s->db,
				"SELECT (SELECT count(*) FROM job WHERE state = 'queued') + (SELECT count(*) FROM job WHERE "
				"state = 'waiting') + (SELECT count(*) FROM lease)",
				NULL, 0, &rows, &err),
	     &err);
	return (size_t)assay_rows_int(rows, 0, 0);
}

static void sweep(struct simulation *s)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	size_t done;

	do
		must(queue_sweep(s->db, s->now, 500, &done, &err), &err);
	while (done >= 500);
	push(s, SWEEP, SWEEP_NOW, 0);
}

static void run(struct simulation *s)
{
	int64_t look = 0;

	push(s, 0, ARRIVE, 0);
	push(s, 0, SWEEP_NOW, 0);
	for (size_t i = 0; i < s->worker_count; i++)
		push(s, (int64_t)(draw(s) % MINUTE), POLL, i);
	while (true) {
		struct event event = pop(s);

		s->now = event.at;
		if (event.kind == ARRIVE)
			arrive(s);
		else if (event.kind == SWEEP_NOW)
			sweep(s);
		else if (event.epoch != s->workers[event.worker].epoch)
			continue;
		else if (event.kind == POLL)
			poll(s, event.worker);
		else if (event.kind == BEAT)
			beat(s, event.worker);
		else
			finish(s, event.worker);
		if (s->arrived == s->jobs && s->now > look) {
			look = s->now + 10 * MINUTE;
			if (!open_jobs(s))
				return;
		}
	}
}

/* ---- the end -------------------------------------------------------------------------------------- */

static int64_t one(struct simulation *s, const char *sql)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	struct assay_error err = ASSAY_ERROR_INIT;

	must(assay_database_run(s->db, sql, NULL, 0, &rows, &err), &err);
	return assay_rows_int(rows, 0, 0);
}

/* Retries run out for a few by bad luck: those are parked, and say so. */
static void check_verdicts(struct simulation *s)
{
	size_t wrong = 0, parked = 0;

	for (size_t first = 1; first <= s->jobs; first += 10000) {
		assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
		struct assay_error err = ASSAY_ERROR_INIT;

		must(assay_database_run(s->db, "SELECT id, state, verdict FROM job WHERE id >= $1 AND id < $2",
					ASSAY_VALUES(assay_int((int64_t)first), assay_int((int64_t)first + 10000)), &rows, &err),
		     &err);
		for (size_t i = 0; i < assay_rows_count(rows); i++) {
			enum nature nature = nature_of(assay_rows_int(rows, i, 0));
			const char *state = assay_rows_text(rows, i, 1), *verdict = assay_rows_text(rows, i, 2);

			if (strcmp(state, natures[nature].state) == 0 && verdict &&
			    strcmp(verdict, natures[nature].final) == 0)
				continue;
			if (strcmp(state, "parked") == 0)
				parked++;
			else
				wrong++;
		}
	}
	printf("parked by bad luck: %zu\n", parked);
	if (wrong || parked > s->jobs / 1000 + 5)
		die("verdicts", "a job has another than its nature allows");
}

static void check(struct simulation *s)
{
	if (one(s, "SELECT count(*) FROM job") != (int64_t)s->jobs)
		die("jobs", "lost or doubled");
	if (one(s, "SELECT count(*) FROM lease"))
		die("leases", "left over");
	if (one(s, "SELECT count(*) FROM job WHERE state NOT IN ('done', 'parked')"))
		die("jobs", "stranded");
	if (one(s, "SELECT count(*) FROM attempt WHERE finished = 0"))
		die("attempts", "without an end");
	check_verdicts(s);
}

static size_t number_of(const char *argument, const char *name, size_t otherwise)
{
	size_t len = strlen(name);

	return strncmp(argument, name, len) == 0 ? strtoull(argument + len, NULL, 10) : otherwise;
}

static void print_cost(time_t seconds)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	printf("%lld s, %lld s of a processor, %ld MiB\n", (long long)seconds,
	       (long long)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec), usage.ru_maxrss / 1024);
}

int main(int argc, char **argv)
{
	struct simulation s = { .arena = ASSAY_ARENA_INIT(ASSAY_MIB), .jobs = 20000, .worker_count = 300, .random = 1 };
	const char *url = "sqlite::memory:";
	time_t started = time(NULL);
	struct assay_error err = ASSAY_ERROR_INIT;

	/* the database lives in memory: giving it back and asking for it again would be a third of the time */
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	mallopt(M_TOP_PAD, 64 * (int)ASSAY_MIB);
	for (int i = 1; i < argc; i++) {
		s.jobs = number_of(argv[i], "--jobs=", s.jobs);
		s.worker_count = number_of(argv[i], "--workers=", s.worker_count);
		s.random = number_of(argv[i], "--seed=", s.random);
		if (strncmp(argv[i], "--database=", 11) == 0)
			url = argv[i] + 11;
	}
	s.workers = calloc(s.worker_count, sizeof(*s.workers));
	s.holder = calloc(s.jobs + 1, sizeof(*s.holder));
	if (!s.workers || !s.holder || !s.jobs)
		die("simulation", "no jobs, or out of memory");
	must(assay_database_open(url, &s.db, &err), &err);
	must(scheduler_schema(s.db, &err), &err);
	run(&s);
	check(&s);
	printf("%zu jobs, %zu workers, %lld h: %zu reports taken, %zu refused, %zu said twice, %zu deaths\n", s.jobs,
	       s.worker_count, (long long)(s.now / 3600000), s.taken, s.refused, s.doubled, s.deaths);
	print_cost(time(NULL) - started);
	assay_database_close(s.db);
	free(s.workers);
	free(s.holder);
	free(s.heap);
	return 0;
}
