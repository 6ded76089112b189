/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box [RUNS]: start to exit of /bin/true, ours with all layers against bwrap and plain fork and exec,
 * taken in turns so that all see the same machine.
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

#define RUNS_MAX 1000

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} ways[] = { { "assay", by_assay }, { "bwrap", by_bwrap }, { "fork+exec", by_exec } };
	static double took[3][RUNS_MAX];
	int runs = argc > 1 ? atoi(argv[1]) : 50;

	if (runs < 1 || runs > RUNS_MAX || !skeleton_make(&skeleton))
		return 2;
	for (int i = -1; i < runs; i++)
		for (int k = 0; k < 3; k++) {
			double start = assay_time_monotonic();
			int status = ways[k].run();

			if (status && k == 0)
				return 1;
			/* the first round warms up */
			if (i >= 0)
				took[k][i] = status ? -1 : 1e3 * (assay_time_monotonic() - start);
		}
	for (int k = 0; k < 3; k++) {
		qsort(took[k], (size_t)runs, sizeof(double), compare);
		printf("%-10s min %6.2f ms  median %6.2f ms  (%d runs)\n", ways[k].name, took[k][0],
		       took[k][runs / 2], runs);
	}
	printf("assay : bwrap  min %.2f  median %.2f\n", took[0][0] / took[1][0],
	       took[0][runs / 2] / took[1][runs / 2]);
	skeleton_remove(&skeleton);
	return 0;
}
