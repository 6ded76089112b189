/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resource limits, all that the kernel has, so that none is the host's.  With privileges they are set
 * by the launcher, which may raise them; without, by the command's process, so that the limit on
 * processes counts in the box and not among all that the user runs.
 */
#include <errno.h>
#include <sys/resource.h>

#include "launcher.h"

/* To the kernel of an OCI runtime. */
static unsigned unknown;

/* False when only less could be had. */
static bool limit(const struct wire_policy *p, int resource, struct rlimit want)
{
	struct rlimit now;

	if (setrlimit(resource, &want) == 0)
		return true;
	if (errno != EPERM || getrlimit(resource, &now))
		fail("set limit %d", resource);
	want.rlim_max = now.rlim_max < want.rlim_max ? now.rlim_max : want.rlim_max;
	want.rlim_cur = want.rlim_cur < want.rlim_max ? want.rlim_cur : want.rlim_max;
	if (setrlimit(resource, &want)) {
		if (!(p->flags & WIRE_OCI))
			fail("set limit %d", resource);
		unknown++;
	}
	return false;
}

/* All that the kernel has, so that none is the host's. */
void limits_set(const struct wire_policy *p)
{
	bool bare = go_flags & WIRE_LIMIT_PROCESSES;
	const struct {
		int resource;
		struct rlimit value;
	} limits[] = {
		/* less than any core; at 0 a handler of the host would be started all the same: core(5) */
		{ RLIMIT_CORE, { 1, 1 } },
		{ RLIMIT_NOFILE, { 1024, 4096 } },
		{ RLIMIT_FSIZE, { p->disk, p->disk } },
		{ RLIMIT_STACK, { 8 << 20, RLIM_INFINITY } },
		{ RLIMIT_MEMLOCK, { 64 << 10, 64 << 10 } },
		{ RLIMIT_RTPRIO, { 0, 0 } },
		{ RLIMIT_NICE, { 0, 0 } },
		{ RLIMIT_MSGQUEUE, { 800 << 10, 800 << 10 } },
		{ RLIMIT_SIGPENDING, { 4096, 4096 } },
		{ RLIMIT_CPU, { RLIM_INFINITY, RLIM_INFINITY } },
		{ RLIMIT_DATA, { RLIM_INFINITY, RLIM_INFINITY } },
		{ RLIMIT_RSS, { RLIM_INFINITY, RLIM_INFINITY } },
		{ RLIMIT_LOCKS, { RLIM_INFINITY, RLIM_INFINITY } },
		{ RLIMIT_RTTIME, { RLIM_INFINITY, RLIM_INFINITY } },
		{ RLIMIT_AS, go_flags & WIRE_LIMIT_MEMORY ? (struct rlimit){ p->memory, p->memory }
							  : (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY } },
		/* the group counts first where there is one: it tells what happened */
		{ RLIMIT_NPROC, { p->processes * (bare ? 1 : 2), p->processes * (bare ? 1 : 2) } },
	};
	unsigned lowered = 0;

	if (policy_skips(p, LAYER_RLIMITS))
		return;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		lowered += !limit(p, limits[i].resource, limits[i].value);
	report_layer(LAYER_RLIMITS, unknown ? EPERM : 0, "no cores, fsize %llu, nofile 1024%s", (unsigned long long)p->disk,
		     lowered ? "; some lower than wanted, as we were started with less" : "");
}
