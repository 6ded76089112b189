/* SPDX-License-Identifier: Apache-2.0 */
/* The server's side of TCP and TLS: the listening socket, and what is known of a peer. */
#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "server_int.h"

bool assay_http_split_address(char *address, char **ret_host, char **ret_port)
{
	char *colon = strrchr(address, ':'), *host = address;

	if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1) || strlen(colon + 1) > 5 ||
	    atoi(colon + 1) > 65535)
		return false;
	*colon = '\0';
	if (host[0] == '[' && colon > host + 1 && colon[-1] == ']') {
		colon[-1] = '\0';
		host++;
	} else if (strchr(host, ':')) {
		return false;
	}
	*ret_host = host;
	*ret_port = colon + 1;
	return true;
}

static int listen_one(const struct addrinfo *info)
{
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int yes = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	close(fd);
	return -1;
}

static unsigned port_of(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = { .any = { 0 } };
	socklen_t len = sizeof(address);

	if (getsockname(fd, &address.any, &len))
		return 0;
	return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

enum assay_code http_tcp_listen(const char *address, int *ret_fd, unsigned *ret_port, struct assay_error *err)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
	assay_auto(assay_freep) char *copy = strdup(address);
	struct addrinfo *found = NULL;
	char *host, *port;
	int fd = -1, problem;

	if (!copy)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (!assay_http_split_address(copy, &host, &port))
		return assay_fail(err, ASSAY_EUSAGE, "want HOST:PORT, [ADDRESS]:PORT or :PORT, have \"%s\"", address);
	problem = getaddrinfo(*host ? host : NULL, port, &hints, &found);
	if (problem)
		return assay_fail(err, ASSAY_EUSAGE, "%s: %s", address, gai_strerror(problem));
	for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next)
		fd = listen_one(at);
	freeaddrinfo(found);
	if (fd < 0)
		return assay_fail_errno(err, "listen at %s", address);
	*ret_port = port_of(fd);
	*ret_fd = fd;
	return ASSAY_OK;
}

static void show_address(const struct sockaddr *address, char *out, size_t size)
{
	const void *bytes = NULL;

	if (address->sa_family == AF_INET)
		bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
	else if (address->sa_family == AF_INET6)
		bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
	if (!bytes || !inet_ntop(address->sa_family, bytes, out, (socklen_t)size))
		snprintf(out, size, "unknown");
}

void http_tls_peer(struct MHD_Connection *connection, struct assay_http_request *request)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const union MHD_ConnectionInfo *session = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	unsigned count = 0;
	const gnutls_datum_t *chain = session ? gnutls_certificate_get_peers(session->tls_session, &count) : NULL;

	if (info)
		show_address(info->client_addr, request->from, sizeof(request->from));
	if (chain && count)
		request->certificate = assay_span_of(chain[0].data, chain[0].size);
}
