/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_unotify(2).  Every notified call is refused, so arguments in the caller's memory are never
 * looked at and nothing can be changed between check and use.  Memory is bounded: calls are counted
 * by number, network attempts listed up to a limit.
 */
#include "notify.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "assay/time.h"
#include "filter.h"

/* The name of the calling thread; the caller is blocked in its call, unless it was killed, and then
 * the second check fails and the name is dropped. */
static void name_process(int listener, const struct seccomp_notif *request, char *out, size_t size)
{
	char path[64];
	ssize_t got = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/comm", request->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, out, size - 1);
		close(fd);
	}
	if (got < 0 || ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &request->id))
		got = 0;
	while (got > 0 && out[got - 1] == '\n')
		got--;
	out[got] = '\0';
}

static void count(int listener, const struct seccomp_notif *request, struct box_isolation *isolation)
{
	int number = request->data.nr;
	struct box_attempt *attempt;

	if (number >= 0 && number < BOX_MAX_REFUSED)
		isolation->refused[number]++;
	else
		isolation->refused_other++;
	if (number != SYS_socket && number != SYS_socketpair)
		return;
	if (isolation->attempt_count++ >= BOX_MAX_ATTEMPTS)
		return;
	attempt = &isolation->attempts[isolation->attempt_count - 1];
	attempt->time = assay_time_now();
	attempt->family = (int)request->data.args[0];
	attempt->type = (int)request->data.args[1];
	attempt->protocol = (int)request->data.args[2];
	name_process(listener, request, attempt->process, sizeof(attempt->process));
}

void box_notify_answer(int listener, struct box_isolation *isolation, bool counted)
{
	struct seccomp_notif request = { 0 };
	struct seccomp_notif_resp answer = { 0 };

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request))
		return; /* the caller was killed meanwhile */
	if (counted)
		count(listener, &request, isolation);
	answer.id = request.id;
	answer.error = -box_filter_errno(request.data.nr);
	/* fails only when the caller is gone */
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}
