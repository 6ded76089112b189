/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors over a socket, many at once. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "launcher.h"

#define AT_ONCE 128 /* the kernel takes 253 */

union control {
	char bytes[CMSG_SPACE(AT_ONCE * sizeof(int))];
	struct cmsghdr align;
};

static int send_some(int sock, const int *fds, uint32_t count)
{
	union control control = { 0 };
	char byte = 0;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
				  .msg_controllen = CMSG_SPACE(count * sizeof(int)) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	return sendmsg(sock, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

static int receive_some(int sock, int *fds, uint32_t count)
{
	union control control;
	char byte;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *header;

	if (recvmsg(sock, &message, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(count * sizeof(int)))
		return -1;
	memcpy(fds, CMSG_DATA(header), count * sizeof(int));
	return 0;
}

int fds_send(int sock, const int *fds, uint32_t count)
{
	for (uint32_t i = 0; i < count; i += AT_ONCE) {
		uint32_t some = count - i < AT_ONCE ? count - i : AT_ONCE;

		if (send_some(sock, fds + i, some))
			return -1;
		for (uint32_t k = i; k < i + some; k++)
			close(fds[k]);
	}
	return 0;
}

int fds_receive(int sock, int *fds, uint32_t count)
{
	for (uint32_t i = 0; i < count; i += AT_ONCE)
		if (receive_some(sock, fds + i, count - i < AT_ONCE ? count - i : AT_ONCE))
			return -1;
	return 0;
}
