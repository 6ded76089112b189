/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP for the farm: a server by libmicrohttpd, a client by libcurl, over a Unix socket or over TLS 1.3.  Bodies are
 * JSON or bytes and bounded; errors are problem documents (RFC 9457).
 */
#ifndef ASSAY_HTTP_H
#define ASSAY_HTTP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "assay/buf.h"
#include "assay/error.h"
#include "assay/json.h"

/* ---- server -------------------------------------------------------------------------------------- */

struct assay_http_request {
	const char *method, *path;
	struct assay_span body;
	bool secure;	/* over TLS; else over the Unix socket */
	uid_t peer_uid; /* whoever connected to the socket, by the kernel's word; else -1 */
	pid_t peer_pid;
	struct assay_span certificate; /* the peer's, DER; TLS has proved that it holds the key, and nothing else */
	const char *authorization;     /* the header, or NULL */
	char from[64];		       /* address of the peer, "" over the socket */
	bool again;	/* it was put aside, and is asked again */
	bool waited;	/* no more patience: answer now */
	void *connection; /* for the next two */
};

/* A parameter of the query, decoded; NULL when absent. */
const char *assay_http_query(const struct assay_http_request *request, const char *name);
/* A header of the request; NULL when absent. */
const char *assay_http_header(const struct assay_http_request *request, const char *name);
/* If-None-Match of the request names this tag (given with its quotes), or any. */
bool assay_http_matches(const struct assay_http_request *request, const char *etag);

enum { ASSAY_HTTP_HEADERS = 6 };

struct assay_http_response {
	unsigned status;
	const char *type;      /* NULL: application/json */
	struct assay_buf body; /* ends up with a newline for JSON */
	/* in place of a body, unless negative: so much of a file, which is closed then */
	int fd;
	uint64_t fd_offset, fd_size;
	char etag[72];	       /* with its quotes; "" for none */
	struct {
		const char *name; /* NULL: no more */
		char value[80];
	} headers[ASSAY_HTTP_HEADERS];
	/* > 0: there is no answer yet; the request is put aside and asked again when assay_http_wake() is
	 * called or so many milliseconds have passed */
	int wait_ms;
};

/* Sets body and type.  Takes the reference. */
void assay_http_answer(struct assay_http_response *response, unsigned status, json_t *body);
/* A problem document (RFC 9457).  status 0: the error's code decides. */
void assay_http_problem(struct assay_http_response *response, unsigned status,
			const struct assay_error *err);
/* One header more; name is a constant. */
void assay_http_add_header(struct assay_http_response *response, const char *name,
			   const char *value);

/* Called from several threads at once. */
typedef void assay_http_handler(void *data, const struct assay_http_request *request,
				struct assay_http_response *response);

/* How long a body may be, asked when only the headers are here.  A longer one is answered with 413, and not
 * kept; one of more than twice that is cut off. */
typedef size_t assay_http_limit(void *data, const struct assay_http_request *request);

struct assay_http_server;

/* Listens at a Unix socket, which only this user (and root) may connect to. */
enum assay_code assay_http_serve(const char *socket, assay_http_handler *handler, assay_http_limit *limit, void *data,
				 struct assay_http_server **ret, struct assay_error *err) ASSAY_CHECKED;

struct assay_http_tls {
	const char *address;	       /* "host:port"; "[::1]:port"; ":port" is every address */
	const char *key, *certificate; /* of the server, PEM */
	const char *authorities;       /* whose certificates clients are asked for, PEM */
};

/* Listens at a TCP port as well, with TLS 1.3 and nothing older.  A client is asked for a certificate and may have
 * none: who is let in is the handler's business.  *ret_port: the port, when 0 was asked for. */
enum assay_code assay_http_serve_tls(struct assay_http_server *server, const struct assay_http_tls *tls,
				     unsigned *ret_port, struct assay_error *err) ASSAY_CHECKED;
/* Splits "host:port" in place; false when it is not of that form. */
bool assay_http_split_address(char *address, char **ret_host, char **ret_port);
/* Requests that were put aside are asked again. */
void assay_http_wake(struct assay_http_server *server);
/* Waits for the requests that are being answered; accepts NULL. */
void assay_http_stop(struct assay_http_server *server);

/* ---- client -------------------------------------------------------------------------------------- */

struct assay_http_client;

/* place: the path of a Unix socket, or "https://host:port". */
enum assay_code assay_http_client_new(const char *place, struct assay_http_client **ret,
				      struct assay_error *err) ASSAY_CHECKED;

/* Who a client is, over TLS; each may be NULL, all are copied. */
struct assay_http_identity {
	const char *authority;	       /* whom to believe: PEM file; NULL: the system's */
	const char *certificate, *key; /* PEM files */
	const char *bearer;	       /* token */
	bool unverified;	       /* the server is believed without proof: to ask for its authority, no more */
	bool older;		       /* TLS 1.2 will do: a server of somebody else's */
	unsigned patience_s;	       /* for an answer; 0: minutes */
};
enum assay_code assay_http_client_identify(struct assay_http_client *client, const struct assay_http_identity *identity,
					   struct assay_error *err) ASSAY_CHECKED;
void assay_http_client_free(struct assay_http_client *client);
void assay_http_client_freep(struct assay_http_client **client);

/* One request.  body NULL: none.  *ret_answer is the parsed JSON of a 2xx answer, NULL when it has none (the caller
 * drops it).  A problem document becomes an error: 404 and 409 ASSAY_ENOTFOUND, 400 ASSAY_EUSAGE, 403
 * ASSAY_EUNTRUSTED, no connection ASSAY_EBUSY, the rest ASSAY_EIO. */
enum assay_code assay_http_call(struct assay_http_client *client, const char *method,
				const char *path, const json_t *body, json_t **ret_answer,
				struct assay_error *err) ASSAY_CHECKED;
/* The same with bytes of any kind. */
enum assay_code assay_http_send(struct assay_http_client *client, const char *method,
				const char *path, struct assay_span body, struct assay_buf *answer,
				struct assay_error *err) ASSAY_CHECKED;
/* Over https, and so perhaps on another machine. */
bool assay_http_is_remote(const struct assay_http_client *client);
/* The status of the last answer; 0 when there was none. */
long assay_http_status(const struct assay_http_client *client);
/* A file as a blob of the scheduler's, in parts when it is large; what an earlier try brought there is not sent again.
 * ret_hex[ASSAY_DIGEST_TEXT] is its digest. */
enum assay_code assay_http_upload(struct assay_http_client *client, const char *path, char *ret_hex,
				  struct assay_error *err) ASSAY_CHECKED;

/* One POST to a server that is no scheduler, by http or https; headers are whole lines, NULL-terminated.  ASSAY_EBUSY when it
 * does not answer; *ret_status is what it answered with. */
enum assay_code assay_http_post(const char *url, const char *const *headers, struct assay_span body,
				struct assay_buf *answer, long *ret_status,
				struct assay_error *err) ASSAY_CHECKED;

#endif
