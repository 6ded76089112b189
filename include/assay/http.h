/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP for the farm: a server by libmicrohttpd, a client by libcurl, both over a Unix socket.  Bodies are JSON
 * or bytes and bounded; errors are problem documents (RFC 9457).
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
	uid_t peer_uid; /* whoever connected, by the kernel's word */
	pid_t peer_pid;
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

struct assay_http_server;

/* Listens at a Unix socket, which only this user (and root) may connect to. */
enum assay_code assay_http_serve(const char *socket, assay_http_handler *handler, void *data,
				 struct assay_http_server **ret, struct assay_error *err) ASSAY_CHECKED;
/* Requests that were put aside are asked again. */
void assay_http_wake(struct assay_http_server *server);
/* Waits for the requests that are being answered; accepts NULL. */
void assay_http_stop(struct assay_http_server *server);

/* ---- client -------------------------------------------------------------------------------------- */

struct assay_http_client;

enum assay_code assay_http_client_new(const char *socket, struct assay_http_client **ret,
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
/* The status of the last answer; 0 when there was none. */
long assay_http_status(const struct assay_http_client *client);
/* A file as a blob of the scheduler's, in parts when it is large; what an earlier try brought there is not sent again.
 * ret_hex[ASSAY_DIGEST_TEXT] is its digest. */
enum assay_code assay_http_upload(struct assay_http_client *client, const char *path, char *ret_hex,
				  struct assay_error *err) ASSAY_CHECKED;

#endif
