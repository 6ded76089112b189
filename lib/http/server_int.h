/* SPDX-License-Identifier: Apache-2.0 */
/* What the server and its TLS side know of each other. */
#ifndef ASSAY_SERVER_INT_H
#define ASSAY_SERVER_INT_H

#include <microhttpd.h>
#include <pthread.h>

#include "assay/http.h"

enum {
	HTTP_LISTENERS = 2, /* the Unix socket, and TLS */
	HTTP_THREADS = 4,
	HTTP_CONNECTIONS = 4096,
	HTTP_PER_ADDRESS = 1024,
	HTTP_IDLE_S = 120,
};

#define HTTP_FLAGS (MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME)
#define HTTP_OPTIONS                                                                               \
	MHD_OPTION_THREAD_POOL_SIZE, (unsigned)HTTP_THREADS, MHD_OPTION_CONNECTION_LIMIT,          \
		(unsigned)HTTP_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_S
/* of GnuTLS; tickets would let a session outlive its certificate */
#define HTTP_TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:%NO_TICKETS:%SERVER_PRECEDENCE"

struct http_listener {
	struct assay_http_server *server;
	struct MHD_Daemon *daemon;
	bool secure;
};

struct assay_http_server {
	struct http_listener listeners[HTTP_LISTENERS];
	assay_http_handler *handler;
	assay_http_limit *limit;
	void *data;
	char *socket;
	pthread_mutex_t lock;
	struct exchange *aside; /* requests that wait for something to happen */
	uint64_t wakes;		/* how often something did */
	pthread_t clock;
	bool stopping;
};

/* A listening socket at "host:port". */
enum assay_code http_tcp_listen(const char *address, int *ret_fd, unsigned *ret_port, struct assay_error *err)
	ASSAY_CHECKED;
/* The peer's certificate and address. */
void http_tls_peer(struct MHD_Connection *connection, struct assay_http_request *request);

#endif
