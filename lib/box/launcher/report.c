/* SPDX-License-Identifier: Apache-2.0 */
/* Records of one size to the library; descriptors ride on them. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher.h"

int fd_send(int sock, const void *data, size_t len, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec part = { (void *)data, len };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *header;

		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(int));
	}
	return syscall(SYS_sendmsg, sock, &message, MSG_NOSIGNAL, 0, 0, WIRE_COOKIE) == (long)len ? 0 :
												    -1;
}

/* Each packet wakes the library's process: what can wait, waits for the next one. */
static struct wire_record pending[WIRE_MAX_PACKET];
static unsigned pending_count;

static void send_pending(int fd)
{
	size_t size = pending_count * sizeof(pending[0]);

	pending_count = 0;
	/* without a listener nobody needs the box any more */
	if (size && fd_send(WIRE_REPORT_FD, pending, size, fd))
		_exit(125);
}

void report_flush(void)
{
	send_pending(-1);
}

static void keep_record(struct wire_record *record)
{
	record->magic = WIRE_MAGIC;
	record->version = WIRE_VERSION;
	pending[pending_count++] = *record;
	/* one place stays free for a record that carries a descriptor */
	if (pending_count == WIRE_MAX_PACKET - 1)
		report_flush();
}

static void send_record(struct wire_record *record, int fd)
{
	record->magic = WIRE_MAGIC;
	record->version = WIRE_VERSION;
	pending[pending_count++] = *record;
	send_pending(fd);
}

static void format(struct wire_record *record, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));

static void format(struct wire_record *record, const char *fmt, va_list args)
{
	vsnprintf(record->detail, sizeof(record->detail), fmt, args);
}

void fail(const char *fmt, ...)
{
	struct wire_record record = { .kind = WIRE_ERROR, .status = errno };
	va_list args;

	va_start(args, fmt);
	format(&record, fmt, args);
	va_end(args);
	send_record(&record, -1);
	_exit(125);
}

void report(enum wire_kind kind, uint32_t id, int status, const char *fmt, ...)
{
	struct wire_record record = { .kind = (uint16_t)kind, .id = id, .status = status };
	va_list args;

	va_start(args, fmt);
	format(&record, fmt, args);
	va_end(args);
	send_record(&record, -1);
}

void report_layer(enum wire_layer layer, int status, const char *fmt, ...)
{
	struct wire_record record = { .kind = WIRE_LAYER, .id = layer, .status = status };
	va_list args;

	va_start(args, fmt);
	format(&record, fmt, args);
	va_end(args);
	keep_record(&record);
}

void report_fd(enum wire_kind kind, int fd, uint64_t value)
{
	struct wire_record record = { .kind = (uint16_t)kind, .values = { value } };

	send_record(&record, fd);
}

void report_usage(const struct rusage *usage)
{
	struct wire_record record = { .kind = WIRE_USAGE };

	record.values[0] = (uint64_t)usage->ru_utime.tv_sec * 1000000 +
			   (uint64_t)usage->ru_utime.tv_usec;
	record.values[1] = (uint64_t)usage->ru_stime.tv_sec * 1000000 +
			   (uint64_t)usage->ru_stime.tv_usec;
	record.values[2] = (uint64_t)usage->ru_maxrss;
	record.values[3] = (uint64_t)usage->ru_inblock;
	record.values[4] = (uint64_t)usage->ru_oublock;
	keep_record(&record);
}

void report_interface(const char *name, const uint64_t values[4])
{
	struct wire_record record = { .kind = WIRE_INTERFACE };

	snprintf(record.detail, sizeof(record.detail), "%s", name);
	memcpy(record.values, values, 4 * sizeof(values[0]));
	keep_record(&record);
}
