/* SPDX-License-Identifier: Apache-2.0 */
#include "address.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "assay/span.h"

static const struct {
	int family;
	const char *name;
} families[] = {
	{ AF_UNSPEC, "unspec" },   { AF_UNIX, "unix" },	      { AF_INET, "inet" },
	{ AF_INET6, "inet6" },	   { AF_NETLINK, "netlink" }, { AF_PACKET, "packet" },
	{ AF_ALG, "alg" },	   { AF_VSOCK, "vsock" },     { AF_BLUETOOTH, "bluetooth" },
	{ AF_XDP, "xdp" },	   { AF_CAN, "can" },	      { AF_KEY, "key" },
	{ AF_TIPC, "tipc" },	   { AF_QIPCRTR, "qipcrtr" },
};

static const struct {
	int type;
	const char *name;
} types[] = {
	{ SOCK_STREAM, "stream" }, { SOCK_DGRAM, "dgram" }, { SOCK_RAW, "raw" },
	{ SOCK_SEQPACKET, "seqpacket" }, { SOCK_RDM, "rdm" },
};

const char *box_family_name(int family, char *out, size_t size)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (families[i].family == family)
			return families[i].name;
	snprintf(out, size, "family %d", family);
	return out;
}

const char *box_socket_type_name(int type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == (type & 0xf))
			return types[i].name;
	return "other";
}

static bool show_inet(const void *address, size_t len, char *out)
{
	struct sockaddr_in in;
	char text[INET_ADDRSTRLEN];

	if (len < sizeof(in))
		return false;
	memcpy(&in, address, sizeof(in));
	inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
	snprintf(out, BOX_ADDRESS_TEXT, "%s port %u", text, ntohs(in.sin_port));
	return true;
}

static bool show_inet6(const void *address, size_t len, char *out)
{
	struct sockaddr_in6 in;
	char text[INET6_ADDRSTRLEN];

	if (len < offsetof(struct sockaddr_in6, sin6_scope_id))
		return false;
	memcpy(&in, address, offsetof(struct sockaddr_in6, sin6_scope_id));
	inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof(text));
	snprintf(out, BOX_ADDRESS_TEXT, "%s port %u", text, ntohs(in.sin6_port));
	return true;
}

static bool show_vsock(const void *address, size_t len, char *out)
{
	struct sockaddr_vm vm;

	if (len < sizeof(vm))
		return false;
	memcpy(&vm, address, sizeof(vm));
	snprintf(out, BOX_ADDRESS_TEXT, "cid %u port %u", vm.svm_cid, vm.svm_port);
	return true;
}

/* unix(7): a path, or behind a NUL a name that is no path. */
static bool show_unix(const void *address, size_t len, char *out)
{
	const char *path = (const char *)address + offsetof(struct sockaddr_un, sun_path);
	size_t size = len - offsetof(struct sockaddr_un, sun_path);
	bool named = size && path[0] == '\0';

	if (!size)
		return false;
	out[0] = '@';
	assay_span_show(assay_span_of(path + named, named ? size - 1 : strnlen(path, size)),
			out + named, BOX_ADDRESS_TEXT - 1);
	return true;
}

static bool (*const shows[])(const void *, size_t, char *) = {
	[AF_UNIX] = show_unix,
	[AF_INET] = show_inet,
	[AF_INET6] = show_inet6,
	[AF_VSOCK] = show_vsock,
};

void box_address_show(const void *address, size_t len, char out[BOX_ADDRESS_TEXT])
{
	const unsigned char *bytes = address;
	sa_family_t family = AF_UNSPEC;
	size_t used = 0;

	if (len >= sizeof(family))
		memcpy(&family, address, sizeof(family));
	if (family < sizeof(shows) / sizeof(shows[0]) && shows[family] &&
	    shows[family](address, len, out))
		return;
	out[0] = '\0';
	for (size_t i = 0; i < len && used + 3 < BOX_ADDRESS_TEXT; i++)
		used += (size_t)snprintf(out + used, BOX_ADDRESS_TEXT - used, "%02x", bytes[i]);
}
