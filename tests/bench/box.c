/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box [RUNS [WAY]]: start to exit of /bin/true, ours with all layers against bwrap, runc and plain fork
 * and exec, taken in turns so that all see the same machine.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "assay/box.h"
#include "assay/time.h"
#include "tests/hostile/skeleton.h"

extern char **environ;

static struct skeleton skeleton;

static int by_assay(void)
{
	const char *const argv[] = { "/bin/true", NULL };
	const struct assay_box_policy policy = skeleton_policy(&skeleton, argv);
	struct assay_box_result result;
	struct assay_error err;
	int status;

	if (assay_box_run(&policy, &result, &err)) {
		fprintf(stderr, "%s\n", err.msg);
		exit(1);
	}
	status = result.exit_code;
	assay_box_result_release(&result);
	return status;
}

static int by_spawn(char *const *argv)
{
	int status = -1;
	pid_t pid;

	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) == 0)
		waitpid(pid, &status, 0);
	return status;
}

static int by_bwrap(void)
{
	static const char *const argv[] = { "bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc",
					    "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "/bin/true",
					    NULL };

	return by_spawn((char *const *)(uintptr_t)argv);
}

/* The bundle that OCI_BUNDLE names; tests/bench/box.sh makes one. */
static int by_runc(void)
{
	const char *bundle = getenv("OCI_BUNDLE");
	/* it cannot join its groups as a real-time process */
	const char *const argv[] = { "chrt", "-o", "0", "runc", "run", "--bundle", bundle, "assay-bench", NULL };

	return bundle ? by_spawn((char *const *)(uintptr_t)argv) : -1;
}

static int by_exec(void)
{
	static const char *const argv[] = { "/bin/true", NULL };

	return by_spawn((char *const *)(uintptr_t)argv);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct way {
	const char *name;
	int (*run)(void);
	bool absent; /* it failed once: not installed, or not for this user */
	double took[1000];
} ways[] = {
	{ .name = "assay", .run = by_assay },
	{ .name = "bwrap", .run = by_bwrap },
	{ .name = "runc", .run = by_runc },
	{ .name = "fork+exec", .run = by_exec },
};

#define WAYS (sizeof(ways) / sizeof(ways[0]))
#define RUNS_MAX (sizeof(ways[0].took) / sizeof(ways[0].took[0]))

static void run_all(size_t runs)
{
	/* the first round warms up */
	for (size_t i = 0; i <= runs; i++)
		for (size_t k = 0; k < WAYS; k++) {
			double start = assay_time_monotonic();

			if (ways[k].absent)
				continue;
			if (ways[k].run())
				ways[k].absent = true;
			else if (i)
				ways[k].took[i - 1] = 1e3 * (assay_time_monotonic() - start);
		}
}

static void print(size_t runs)
{
	const struct way *ours = &ways[0];

	printf("| start to exit of /bin/true, %zu runs | min | median | ours / it, min | median |\n"
	       "|---|--:|--:|--:|--:|\n",
	       runs);
	for (size_t k = 0; k < WAYS; k++) {
		struct way *way = &ways[k];

		if (way->absent) {
			printf("| %s | not here | | | |\n", way->name);
			continue;
		}
		qsort(way->took, runs, sizeof(double), compare);
		printf("| %s | %.2f ms | %.2f ms | %.2f | %.2f |\n", way->name, way->took[0],
		       way->took[runs / 2], ours->took[0] / way->took[0],
		       ours->took[runs / 2] / way->took[runs / 2]);
	}
}

/* box [RUNS [WAY]] */
int main(int argc, char **argv)
{
	size_t runs = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;

	if (runs < 1 || runs > RUNS_MAX || !skeleton_make(&skeleton))
		return 2;
	for (size_t k = 0; argc > 2 && k < WAYS; k++)
		ways[k].absent = strcmp(ways[k].name, argv[2]) != 0;
	run_all(runs);
	print(runs);
	skeleton_remove(&skeleton);
	return ways[0].absent && argc < 3;
}
