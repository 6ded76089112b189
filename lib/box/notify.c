/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_unotify(2).  What the filter's allow-list lacks is refused by number, whatever its arguments
 * point to.  Memory of the caller is read for the record alone: where a connection should have gone, what
 * was executed.  Such calls may go on, because nothing that they could reach depends on the answer: all
 * sockets in a box are unix sockets, and the kernel judges paths.
 *
 * A socket for the internet is answered with a decoy, a unix socket that knows nobody.  Builds that ask
 * whether the machine has IPv6 get the answer they get elsewhere, and those that want out name the
 * address before they fail.  Memory is bounded: calls are counted by number, attempts listed up to a limit.
 */
#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "assay/time.h"
#include "caller.h"
#include "emulate.h"
#include "filter.h"

struct call {
	const struct box_notify *notify;
	const struct seccomp_notif *request;
	struct seccomp_notif_resp answer;
	bool answered; /* already, with a descriptor */
};

static uint64_t argument(const struct call *call, int i)
{
	return call->request->data.args[i];
}

static pid_t caller(const struct call *call)
{
	return (pid_t)call->request->pid;
}

static void let_through(struct call *call)
{
	call->answer.error = 0;
	call->answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
}

/* The caller is blocked in its call, unless it was killed: then its number may be another's by now. */
static bool is_alive(const struct call *call)
{
	return ioctl(call->notify->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &call->request->id) == 0;
}

static void count(struct call *call)
{
	struct box_isolation *isolation = call->notify->isolation;
	int number = call->request->data.nr;

	if (!call->notify->counted)
		return;
	if (number >= 0 && number < BOX_MAX_REFUSED)
		isolation->refused[number]++;
	else
		isolation->refused_other++;
}

static void record_attempt(struct call *call, const struct box_attempt *attempt)
{
	struct box_isolation *isolation = call->notify->isolation;
	char name[64], line[BOX_ADDRESS_TEXT + 64], family[32];
	struct box_attempt *out;

	if (!call->notify->counted)
		return;
	box_filter_name(call->request->data.nr, name, sizeof(name));
	snprintf(line, sizeof(line), "%s %s", box_family_name(attempt->family, family, sizeof(family)),
		 attempt->address[0] ? attempt->address : box_socket_type_name(attempt->type));
	box_trace_network(call->notify->trace, caller(call), name, line);
	if (isolation->attempt_count++ >= BOX_MAX_ATTEMPTS)
		return;
	out = &isolation->attempts[isolation->attempt_count - 1];
	*out = *attempt;
	out->call = call->request->data.nr;
	out->time = assay_time_now();
	out->pid = caller(call);
	box_caller_name(out->pid, out->process, sizeof(out->process));
	box_caller_program(out->pid, out->program, sizeof(out->program));
	if (!is_alive(call))
		out->process[0] = out->program[0] = '\0';
}

/* ---- socket, socketpair ----------------------------------------------------------------------- */

static bool give_decoy(struct call *call, int family, int type)
{
	int decoy = (type & 0xf) == SOCK_STREAM ? call->notify->decoys[BOX_DECOY_STREAM] :
		    (type & 0xf) == SOCK_DGRAM	? call->notify->decoys[BOX_DECOY_DGRAM] :
						  -1;
	struct seccomp_notif_addfd add = {
		.id = call->request->id,
		.flags = SECCOMP_ADDFD_FLAG_SEND,
		.newfd_flags = type & SOCK_CLOEXEC ? O_CLOEXEC : 0,
	};

	if (!call->notify->counted || decoy < 0 || (family != AF_INET && family != AF_INET6))
		return false;
	add.srcfd = (uint32_t)decoy;
	return ioctl(call->notify->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) >= 0;
}

static void on_socket(struct call *call)
{
	const struct box_attempt attempt = { .family = (int)argument(call, 0),
					     .type = (int)argument(call, 1),
					     .protocol = (int)argument(call, 2) };

	record_attempt(call, &attempt);
	call->answered = call->request->data.nr == SYS_socket &&
			 give_decoy(call, attempt.family, attempt.type);
	if (!call->answered)
		count(call);
}

/* ---- calls that name an address --------------------------------------------------------------- */

static void judge_address(struct call *call, uint64_t address, uint64_t len)
{
	struct box_attempt attempt = { .family = AF_UNSPEC };
	unsigned char bytes[128];
	char name[64];
	sa_family_t family;

	len = len < sizeof(bytes) ? len : sizeof(bytes);
	if (!address || len < sizeof(family) ||
	    !box_caller_read(caller(call), address, bytes, len)) {
		let_through(call);
		return;
	}
	memcpy(&family, bytes, sizeof(family));
	attempt.family = family;
	box_address_show(bytes, len, attempt.address);
	if (family == AF_UNSPEC || family == AF_UNIX) {
		let_through(call);
		if (call->notify->counted && family == AF_UNIX)
			box_trace_network(call->notify->trace, caller(call),
					  box_filter_name(call->request->data.nr, name,
							  sizeof(name)),
					  attempt.address);
		return;
	}
	count(call);
	record_attempt(call, &attempt);
}

static void on_address(struct call *call)
{
	judge_address(call, argument(call, 1), argument(call, 2) & 0xffffffff);
}

static void on_sendto(struct call *call)
{
	judge_address(call, argument(call, 4), argument(call, 5) & 0xffffffff);
}

/* sendmmsg(2): the first message stands for all, its header comes first. */
static void on_message(struct call *call)
{
	struct msghdr header = { .msg_name = NULL };

	if (!box_caller_read(caller(call), argument(call, 1), &header, sizeof(header)))
		header.msg_name = NULL;
	judge_address(call, (uintptr_t)header.msg_name, header.msg_namelen);
}

/* ---- what a trace wants to know --------------------------------------------------------------- */

static void trace_exec(struct call *call, int dirfd, int first)
{
	char path[4500] = "";
	json_t *argv;

	let_through(call);
	if (!call->notify->trace || !call->notify->counted)
		return;
	if (!box_caller_path(caller(call), dirfd, argument(call, first), path, sizeof(path)))
		return;
	argv = box_caller_vector(caller(call), argument(call, first + 1));
	box_trace_exec(call->notify->trace, caller(call), path, argv);
}

static void on_execve(struct call *call)
{
	trace_exec(call, AT_FDCWD, 0);
}

static void on_execveat(struct call *call)
{
	trace_exec(call, (int)argument(call, 0), 1);
}

static void trace_open(struct call *call, int dirfd, int at)
{
	char path[4500] = "";

	let_through(call);
	if (call->notify->trace && call->notify->counted &&
	    box_caller_path(caller(call), dirfd, argument(call, at), path, sizeof(path)))
		box_trace_asked(call->notify->trace, caller(call), path);
}

static void on_open(struct call *call)
{
	trace_open(call, AT_FDCWD, 0);
}

static void on_openat(struct call *call)
{
	trace_open(call, (int)argument(call, 0), 1);
}

static void on_sysinfo(struct call *call)
{
	if (!box_emulate_sysinfo(call->notify->listener, call->request, call->notify->sysinfo, &call->answer))
		call->notify->isolation->memory_shown = true;
}

static const struct {
	int number;
	void (*answer)(struct call *call);
} rules[] = {
	{ SYS_socket, on_socket },	{ SYS_socketpair, on_socket },	{ SYS_bind, on_address },
	{ SYS_connect, on_address },	{ SYS_sendto, on_sendto },	{ SYS_sendmsg, on_message },
	{ SYS_sendmmsg, on_message },	{ SYS_execve, on_execve },	{ SYS_execveat, on_execveat },
	{ SYS_openat, on_openat },	{ SYS_openat2, on_openat },	{ SYS_sysinfo, on_sysinfo },
#ifdef SYS_open
	{ SYS_open, on_open },		{ SYS_creat, on_open },
#endif
};

void box_notify_answer(const struct box_notify *notify)
{
	struct seccomp_notif request = { 0 };
	struct call call = { .notify = notify, .request = &request };
	void (*answer)(struct call *) = count;

	if (ioctl(notify->listener, SECCOMP_IOCTL_NOTIF_RECV, &request))
		return; /* the caller was killed meanwhile */
	/* the last probe, by the process that becomes the command: what it sees is what is watched, whoever made
	 * the box, and it waits until that is done */
	if (!notify->counted && request.data.nr == SYS_socket)
		box_trace_watch(notify->trace, caller(&call));
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].number == request.data.nr)
			answer = rules[i].answer;
	call.answer.id = request.id;
	call.answer.error = -box_filter_errno(request.data.nr);
	answer(&call);
	/* fails only when the caller is gone */
	if (!call.answered)
		ioctl(notify->listener, SECCOMP_IOCTL_NOTIF_SEND, &call.answer);
}
