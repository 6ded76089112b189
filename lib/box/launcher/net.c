/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The box's network namespace.  Of all namespaces it takes the kernel longest to make: the launcher does
 * it while the init builds the tree, and stays in it, to read over rtnetlink what its interfaces
 * carried when the box is dead.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "launcher.h"

static void report_link(const struct nlmsghdr *message)
{
	const struct ifinfomsg *info = NLMSG_DATA(message);
	int left = (int)IFLA_PAYLOAD(message);
	struct rtnl_link_stats64 stats = { 0 };
	char name[32] = "?";
	uint64_t values[4];

	for (const struct rtattr *a = IFLA_RTA(info); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		size_t size = RTA_PAYLOAD(a);

		if (a->rta_type == IFLA_IFNAME && size < sizeof(name))
			memcpy(name, RTA_DATA(a), size);
		if (a->rta_type == IFLA_STATS64)
			memcpy(&stats, RTA_DATA(a), size < sizeof(stats) ? size : sizeof(stats));
	}
	values[0] = stats.rx_packets;
	values[1] = stats.tx_packets;
	values[2] = stats.rx_bytes;
	values[3] = stats.tx_bytes;
	report_interface(name, values);
}

static bool read_links(int sock)
{
	_Alignas(struct nlmsghdr) static char buffer[16384];
	ssize_t got = recv(sock, buffer, sizeof(buffer), 0);
	int left = (int)got;

	if (got <= 0)
		return false;
	for (const struct nlmsghdr *m = (const void *)buffer; NLMSG_OK(m, (unsigned)left);
	     m = NLMSG_NEXT(m, left)) {
		if (m->nlmsg_type != RTM_NEWLINK)
			return false;
		report_link(m);
	}
	return true;
}

int net_make(int userns)
{
	int fd;

	if ((userns >= 0 && setns(userns, CLONE_NEWUSER)) || unshare(CLONE_NEWNET))
		fail("make a network namespace");
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail("open the network namespace");
	return fd;
}

void net_report(void)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
	} request = {
		.header = { .nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETLINK,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
	};
	int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (sock < 0)
		return;
	if (send(sock, &request, sizeof(request), 0) == sizeof(request))
		while (read_links(sock))
			;
	close(sock);
}
