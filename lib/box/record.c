/* SPDX-License-Identifier: Apache-2.0 */
/* What the launcher reports, and the descriptors it hands over. */
#include <errno.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixed.h"
#include "native.h"
#include "subids.h"

/* linux/seccomp.h of the build may be older than the kernel */
#define NOTIF_SET_FLAGS _IOW('!', 4, uint64_t)
#define NOTIF_FD_SYNC_WAKE_UP 1ULL

static void take_layer(struct box_run *run, const struct wire_record *r, int fd)
{
	char why[BOX_SUBIDS_WHY] = "";

	(void)fd;
	/* the launcher does not know why it got no range */
	if (r->id == LAYER_USERNS && !run->slot.base)
		box_slot_why(why, sizeof(why));
	if (r->id < LAYER_COUNT)
		box_isolation_layer(&run->isolation, (enum wire_layer)r->id, r->status, "%s%s%s",
				    r->detail, why[0] ? ": " : "", why);
}

static void take_pid(struct box_run *run, const struct wire_record *r, int fd)
{
	(void)fd;
	if (!r->id || run->init >= 0)
		return;
	run->init_pid = (pid_t)r->id;
	run->init = pidfd_open(run->init_pid, 0);
}

static void take_workspace(struct box_run *run, const struct wire_record *r, int fd)
{
	if (run->workspace < 0)
		run->workspace = dup(fd);
	run->disk_own = r->values[0];
}

static void take_listener(struct box_run *run, const struct wire_record *r, int fd)
{
	(void)r;
	if (run->notify.listener < 0)
		run->notify.listener = dup(fd);
	/* answers wake the caller on the same processor where the kernel knows how (6.6) */
	if (run->notify.listener >= 0)
		ioctl(run->notify.listener, NOTIF_SET_FLAGS, NOTIF_FD_SYNC_WAKE_UP);
}

static void take_decoy(struct box_run *run, const struct wire_record *r, int fd)
{
	(void)r;
	for (int i = 0; i < BOX_DECOYS; i++)
		if (run->notify.decoys[i] < 0) {
			run->notify.decoys[i] = dup(fd);
			break;
		}
}

/* A change of credentials forgets these two. */
static void become_for_files(unsigned id)
{
	int dumpable = prctl(PR_GET_DUMPABLE), death = 0;

	prctl(PR_GET_PDEATHSIG, &death);
	setfsgid(id);
	setfsuid(id);
	prctl(PR_SET_DUMPABLE, dumpable);
	prctl(PR_SET_PDEATHSIG, death);
}

/* Without privileges the files lie in the box's own tmpfs, which knows one user only. */
static void take_fixed(struct box_run *run, const struct wire_record *r, int fd)
{
	(void)r;
	if (run->failed || fd < 0)
		return;
	if (run->slot.base && !run->slot.gid_base)
		become_for_files(run->slot.base);
	run->failed = box_fixed_fill(run->policy, fd, &run->failure) != ASSAY_OK;
	if (run->slot.base && !run->slot.gid_base)
		become_for_files(geteuid());
	/* when it is gone this shows elsewhere; when we failed it finds no files, and fails as well */
	(void)send(run->child.report, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void take_ready(struct box_run *run, const struct wire_record *r, int fd)
{
	(void)r;
	(void)fd;
	run->ready = run->notify.counted = true;
}

static void take_started(struct box_run *run, const struct wire_record *r, int fd)
{
	(void)r;
	(void)fd;
	box_settle(run);
}

static void take_exit(struct box_run *run, const struct wire_record *r, int fd)
{
	(void)fd;
	run->command_ended = true;
	run->status = r->status;
}

static void take_usage(struct box_run *run, const struct wire_record *r, int fd)
{
	(void)fd;
	memcpy(run->usage, r->values, sizeof(run->usage));
}

static void take_interface(struct box_run *run, const struct wire_record *r, int fd)
{
	struct box_isolation *isolation = &run->isolation;
	struct box_interface *out = &isolation->interfaces[isolation->interface_count];

	(void)fd;
	if (isolation->interface_count == BOX_MAX_INTERFACES)
		return;
	isolation->interface_count++;
	snprintf(out->name, sizeof(out->name), "%.31s", r->detail);
	out->rx_packets = r->values[0];
	out->tx_packets = r->values[1];
	out->rx_bytes = r->values[2];
	out->tx_bytes = r->values[3];
}

static void take_error(struct box_run *run, const struct wire_record *r, int fd)
{
	(void)fd;
	if (run->failed)
		return;
	run->failed = true;
	errno = r->status;
	run->failure.code = assay_fail_errno(&run->failure, "box: %s", r->detail);
}

static void take_no_range(struct box_run *run, const struct wire_record *r, int fd)
{
	(void)fd;
	box_slot_refuse(r->detail);
	run->no_range = true;
}

static void (*const take[])(struct box_run *, const struct wire_record *, int) = {
	[WIRE_LAYER] = take_layer,	   [WIRE_PID] = take_pid,
	[WIRE_WORKSPACE] = take_workspace, [WIRE_LISTENER] = take_listener,
	[WIRE_DECOY] = take_decoy,	   [WIRE_FIXED] = take_fixed,
	[WIRE_STARTED] = take_started,
	[WIRE_READY] = take_ready,	   [WIRE_EXIT] = take_exit,
	[WIRE_USAGE] = take_usage,	   [WIRE_INTERFACE] = take_interface,
	[WIRE_ERROR] = take_error,	   [WIRE_NO_RANGE] = take_no_range,
};

static void take_record(struct box_run *run, struct wire_record *record, int fd)
{
	record->detail[sizeof(record->detail) - 1] = '\0';
	if (record->magic == WIRE_MAGIC && record->version == WIRE_VERSION && record->kind &&
	    record->kind < sizeof(take) / sizeof(take[0]))
		take[record->kind](run, record, fd);
}

bool box_take_records(struct box_run *run)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct wire_record records[WIRE_MAX_PACKET];
	struct iovec part = { records, sizeof(records) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };
	ssize_t got = recvmsg(run->child.report, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	struct cmsghdr *header;
	size_t count;
	int fd = -1;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	/* an OCI runtime that has no other place may write words of its own into it */
	if (got <= 0 || (!run->oci && (size_t)got % sizeof(records[0]))) {
		close(run->child.report);
		run->child.report = -1;
		return false;
	}
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(header), sizeof(int));
	count = (size_t)got / sizeof(records[0]);
	for (size_t i = 0; i < count; i++)
		take_record(run, &records[i], i + 1 == count ? fd : -1);
	if (fd >= 0)
		close(fd);
	return true;
}
