/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail [RUNS]: what a jail costs beside plain fork and wait, taken in turns: a closed one as for two files,
 * one that reads a directory, one that writes into one.  The process is as large as that of `assay compare`.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assay/jail.h"
#include "assay/time.h"

static enum assay_code nothing(void *data, struct assay_buf *answer, struct assay_error *err)
{
	(void)data;
	(void)err;
	assay_buf_add_text(answer, "x");
	return ASSAY_OK;
}

static bool by_fork(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(0);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static bool by_jail(const struct assay_jail *jail)
{
	struct assay_buf answer = ASSAY_BUF_INIT(16);
	struct assay_error err = ASSAY_ERROR_INIT;
	bool good = assay_jail_run(jail, nothing, NULL, &answer, &err) == ASSAY_OK;

	if (!good)
		fprintf(stderr, "%s\n", err.msg);
	assay_buf_release(&answer);
	return good;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

#define RUNS_MAX 1000
#define WAYS 4

int main(int argc, char **argv)
{
	static const char *const names[WAYS] = { "fork and wait", "closed jail", "jail that reads",
						 "jail that writes" };
	static const char *const readable[] = { "/usr", NULL };
	static double took[WAYS][RUNS_MAX];
	struct assay_jail jails[WAYS] = { { .what = "fork" }, { .what = "closed" },
					  { .what = "reads", .readable = readable },
					  { .what = "writes" } };
	int runs = argc > 1 ? atoi(argv[1]) : 200;

	if (runs < 1 || runs > RUNS_MAX)
		return 2;
	jails[3].writable_fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* the first round compiles the filters */
	for (int i = -1; i < runs; i++)
		for (int k = 0; k < WAYS; k++) {
			double start = assay_time_monotonic();

			jails[k].answer_max = 16;
			if (!(k ? by_jail(&jails[k]) : by_fork()))
				return 1;
			if (i >= 0)
				took[k][i] = 1e3 * (assay_time_monotonic() - start);
		}
	for (int k = 0; k < WAYS; k++) {
		qsort(took[k], (size_t)runs, sizeof(double), compare);
		printf("%-17s min %6.2f ms  median %6.2f ms  (%d runs)\n", names[k], took[k][0],
		       took[k][runs / 2], runs);
	}
	return 0;
}
