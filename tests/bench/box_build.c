/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box_build SOURCE ROUNDS: configure and make of SOURCE, bare on a tmpfs, in a box, and in a box that records files and
 * programs, in turns.  Processor time counts: it is the build's own, whoever else is busy.  The supervisor's is
 * in it.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "assay/box.h"
#include "assay/time.h"
#include "tests/hostile/skeleton.h"

#define ROUNDS_MAX 50

static const char script[] = "cp -r $INPUT/. . && ./configure >/dev/null && make >/dev/null";
static const char *const bare_env[] = { "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/nonexistent",
					"INPUT=/mnt/input", NULL };
static const char *const box_env[] = { "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/nonexistent",
				       "INPUT=/input", NULL };
static struct skeleton skeleton;
static const char *source;

static double processor_s(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* On a tmpfs, as the box has one, and as another user than root. */
static int bare_child(void)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bare", "/mnt", "tmpfs", 0, "mode=0755") || mkdir("/mnt/input", 0755) ||
	    mkdir("/mnt/job", 0755) || mount(source, "/mnt/input", NULL, MS_BIND, NULL) ||
	    chown("/mnt/job", 1000, 1000) || chdir("/mnt/job") || setgid(1000) || setuid(1000))
		return 1;
	return execve(argv[0], (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)bare_env);
}

static int bare(int trace)
{
	int status = 1;
	pid_t pid = fork();

	(void)trace;
	if (pid == 0)
		_exit(bare_child());
	waitpid(pid, &status, 0);
	return status;
}

static int boxed(int trace)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };
	struct assay_box_policy policy = skeleton_policy(&skeleton, argv);
	struct assay_box_mount mounts[SKELETON_MOUNTS + 2];
	struct assay_box_result result;
	struct assay_error err;
	int status, null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct assay_box_trace record = { .fd = null };

	memcpy(mounts, skeleton.mounts, sizeof(skeleton.mounts));
	mounts[skeleton.mount_count] = (struct assay_box_mount){ source, "/input" };
	mounts[skeleton.mount_count + 1] = (struct assay_box_mount){ NULL, NULL };
	policy.mounts = mounts;
	policy.env = box_env;
	policy.cpus = 0;
	policy.time_s = 3600;
	policy.memory = policy.disk = 1 << 30;
	policy.inodes = 100000;
	policy.processes = 512;
	policy.trace = trace ? &record : NULL;
	if (assay_box_run(&policy, &result, &err)) {
		fprintf(stderr, "%s\n", err.msg);
		exit(1);
	}
	close(null);
	status = result.reason != ASSAY_BOX_EXITED || result.exit_code;
	assay_box_result_release(&result);
	return status;
}

static struct way {
	const char *name;
	int (*run)(int trace);
	int trace;
	double wall[ROUNDS_MAX], cpu[ROUNDS_MAX];
} ways[] = {
	{ .name = "bare", .run = bare },
	{ .name = "box", .run = boxed },
	{ .name = "box, recording", .run = boxed, .trace = 1 },
};

#define WAYS (sizeof(ways) / sizeof(ways[0]))

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static bool measure(int round)
{
	for (size_t k = 0; k < WAYS; k++) {
		double cpu = processor_s(RUSAGE_CHILDREN) + processor_s(RUSAGE_SELF);
		double start = assay_time_monotonic();

		if (ways[k].run(ways[k].trace)) {
			fprintf(stderr, "%s: the build failed\n", ways[k].name);
			return false;
		}
		ways[k].wall[round] = assay_time_monotonic() - start;
		ways[k].cpu[round] = processor_s(RUSAGE_CHILDREN) + processor_s(RUSAGE_SELF) - cpu;
	}
	return true;
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[2]) : 5;

	if (argc < 2 || rounds < 1 || rounds > ROUNDS_MAX || !skeleton_make(&skeleton))
		return 2;
	source = argv[1];
	for (int round = 0; round < rounds; round++)
		if (!measure(round))
			return 1;
	printf("\n| configure and make, %d rounds | processor min | median | it / bare, min | median | wall min |\n"
	       "|---|--:|--:|--:|--:|--:|\n",
	       rounds);
	for (size_t k = 0; k < WAYS; k++) {
		qsort(ways[k].wall, (size_t)rounds, sizeof(double), by_value);
		qsort(ways[k].cpu, (size_t)rounds, sizeof(double), by_value);
		printf("| %s | %.2f s | %.2f s | %.3f | %.3f | %.2f s |\n", ways[k].name, ways[k].cpu[0],
		       ways[k].cpu[rounds / 2], ways[k].cpu[0] / ways[0].cpu[0],
		       ways[k].cpu[rounds / 2] / ways[0].cpu[rounds / 2], ways[k].wall[0]);
	}
	skeleton_remove(&skeleton);
	return 0;
}
