/* SPDX-License-Identifier: Apache-2.0 */
/*
 * farm DATABASE-URL [JOBS...]: what a lease and its report cost beside the database transactions that they are, and whether that
 * grows with the queue.  Bare: a transaction that changes one row and is committed, by the same connection.  A cycle: a
 * lease and its report, by the scheduler's own functions: two transactions.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "scheduler/queue.h"
#include "scheduler/schema.h"

enum { ROUNDS = 301, LEASE = 60000, SUBMITTERS = 5 };

static struct assay_database *db;
static struct assay_error err;
static const int64_t now = 1767225600000;

static void must(enum assay_code code)
{
	if (!code)
		return;
	fprintf(stderr, "bench farm: %s\n", err.msg);
	exit(1);
}

static double clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double part_of(double *values, double part)
{
	qsort(values, ROUNDS, sizeof(*values), by_value);
	return values[(size_t)(part * (ROUNDS - 1))];
}

static void run(const char *sql, int64_t a, int64_t b)
{
	must(assay_database_run(db, sql, ASSAY_VALUES(assay_int(a), assay_int(b)), NULL, &err));
}

static int64_t one(const char *sql)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	must(assay_database_run(db, sql, NULL, 0, &rows, &err));
	return assay_rows_int(rows, 0, 0);
}

static enum assay_code touch(struct assay_database *database, void *data, struct assay_error *error)
{
	return assay_database_run(database, "UPDATE bare SET number = number + $1 WHERE id = 1",
				  ASSAY_VALUES(assay_int(*(int *)data)), NULL, error);
}

static double bare_us(void)
{
	double before = clock_us();
	int step = 1;

	must(assay_database_transact(db, touch, &step, &err));
	return clock_us() - before;
}

struct fill {
	int64_t from, to;
};

/* As queue_submit() writes them, in one transaction. */
static enum assay_code fill_step(struct assay_database *database, void *data, struct assay_error *error)
{
	const struct fill *f = data;

	return assay_database_run(
		database,
		"INSERT INTO job (target, options, digest, submitter, pool, needs, priority, rank, state, created, changed) "
		"WITH RECURSIVE n (i) AS (SELECT $1 + 0 UNION ALL SELECT i + 1 FROM n WHERE i < $2) SELECT 'pkg:deb/debian/p' "
		"|| i || '@1.0?arch=amd64', '{}', 'd' || i, 's' || (i % $4), 'default', '', 0, $3 + i * 200, 'queued', $3, $3 "
		"FROM n",
		ASSAY_VALUES(assay_int(f->from), assay_int(f->to), assay_int(now), assay_int(SUBMITTERS)), NULL, error);
}

static void fill(int64_t jobs)
{
	struct fill f = { one("SELECT count(*) FROM job") + 1, 0 };
	int64_t queued = one("SELECT count(*) FROM job WHERE state = 'queued'");

	f.to = f.from + jobs - queued - 1;
	if (f.to >= f.from)
		must(assay_database_transact(db, fill_step, &f, &err));
}

static void measure(int64_t jobs)
{
	struct queue_worker worker = { .name = "bench", .pool = "default", .labels = "arch=amd64", .version = "bench" };
	struct queue_outcome outcome = { .verdict = "reproducible", .reason = "", .candidate = "aa" };
	double bares[ROUNDS], leases[ROUNDS], reports[ROUNDS], cycles[ROUNDS], bare, cycle;
	struct rusage usage;

	fill(jobs);
	for (size_t i = 0; i < ROUNDS; i++) {
		struct assay_arena arena = ASSAY_ARENA_INIT(ASSAY_MIB);
		struct queue_lease lease;
		const char *state;
		double start, leased;

		/* in turns, so that both have the same noise around them */
		bares[i] = bare_us();
		start = clock_us();
		must(queue_lease(db, &worker, LEASE, now, &arena, &lease, &err));
		leased = clock_us();
		must(queue_report(db, "bench", lease.job, lease.fence, &outcome, now, &state, &err));
		cycles[i] = clock_us() - start;
		leases[i] = leased - start;
		reports[i] = cycles[i] - (leased - start);
		assay_arena_release(&arena);
	}
	getrusage(RUSAGE_SELF, &usage);
	bare = part_of(bares, 0.5);
	cycle = part_of(cycles, 0.5);
	printf("%9lld  %8.0f  %8.0f  %8.0f  %8.0f  %8.0f  %8.0f  %6.2f  %6ld\n", (long long)jobs, bare, part_of(leases, 0.5),
	       part_of(reports, 0.5), cycle, part_of(cycles, 0.99), 1e6 / cycle, cycle / (2 * bare), usage.ru_maxrss / 1024);
}

int main(int argc, char **argv)
{
	static const char *const sizes[] = { "1000", "100000", "1000000", NULL };

	if (argc < 2) {
		fputs("usage: farm DATABASE-URL [JOBS...]\n", stderr);
		return 2;
	}
	must(assay_database_open(argv[1], &db, &err));
	must(scheduler_schema(db, &err));
	must(assay_database_run(db, "CREATE TABLE bare (id BIGINT PRIMARY KEY, number BIGINT)", NULL, 0, NULL, &err));
	run("INSERT INTO bare VALUES ($1, $2)", 1, 0);
	run("INSERT INTO class (pool, needs) SELECT 'default', '' WHERE $1 = $2", 1, 1);
	puts("   queued   bare us  lease us report us  cycle us    p99 us  cycles/s   ratio  MiB");
	for (const char *const *size = argc > 2 ? (const char *const *)argv + 2 : sizes; *size; size++)
		measure(strtoll(*size, NULL, 10));
	assay_database_close(db);
	return 0;
}
