/* SPDX-License-Identifier: Apache-2.0 */
/* The server: libmicrohttpd with a pool of threads; see the header. */
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/http.h"
#include "assay/limits.h"
#include "server_int.h"

enum { TICK_MS = 200 };

/* One request on its way: its body as it arrives, and until when it may be put aside. */
struct exchange {
	struct assay_buf body;
	size_t patience; /* how many bytes more are read */
	bool aside;
	int64_t until;
	struct MHD_Connection *connection;
	struct exchange *next;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- answers ------------------------------------------------------------------------------------- */

void assay_http_answer(struct assay_http_response *response, unsigned status, json_t *body)
{
	response->status = status;
	response->type = NULL;
	assay_buf_clear(&response->body);
	assay_json_dump(body, &response->body);
	json_decref(body);
}

/* The first status of a code is its own; the others are given. */
static const struct {
	enum assay_code code;
	unsigned status;
	const char *title;
} problems[] = {
	{ ASSAY_EUSAGE, 400, "Wrong request" },
	{ ASSAY_EINPUT, 400, "Malformed request" },
	{ ASSAY_EUNTRUSTED, 403, "Not allowed" },
	{ ASSAY_EUNTRUSTED, 401, "Who are you?" },
	{ ASSAY_ENOTFOUND, 404, "Not found" },
	{ ASSAY_EUSAGE, 405, "Not for this" },
	{ ASSAY_ENOTFOUND, 409, "Not in this state" },
	{ ASSAY_ELIMIT, 413, "Too large" },
	{ ASSAY_EUSAGE, 415, "Wrong media type" },
	{ ASSAY_EUNTRUSTED, 422, "Not what it is called" },
	{ ASSAY_EBUSY, 503, "Busy; try again" },
	{ ASSAY_EIO, 500, "Trouble of the scheduler" },
};

enum { PROBLEMS = sizeof(problems) / sizeof(problems[0]) };

void assay_http_problem(struct assay_http_response *response, unsigned status,
			const struct assay_error *err)
{
	json_t *body = assay_json_object();
	size_t i = 0;

	while (i < PROBLEMS - 1 &&
	       (status ? problems[i].status != status : problems[i].code != err->code))
		i++;
	assay_json_set_text(body, "type", "about:blank");
	assay_json_set_text(body, "title", problems[i].title);
	assay_json_set_int(body, "status", problems[i].status);
	assay_json_set_text(body, "detail", err->msg);
	assay_http_answer(response, problems[i].status, body);
	response->type = "application/problem+json";
	response->etag[0] = '\0';
}

void assay_http_add_header(struct assay_http_response *response, const char *name,
			   const char *value)
{
	size_t i = 0;

	while (i < ASSAY_HTTP_HEADERS - 1 && response->headers[i].name)
		i++;
	response->headers[i].name = name;
	snprintf(response->headers[i].value, sizeof(response->headers[i].value), "%s", value);
}

const char *assay_http_query(const struct assay_http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *assay_http_header(const struct assay_http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

/* Tags are compared weakly: W/"x" is "x". */
bool assay_http_matches(const struct assay_http_request *request, const char *etag)
{
	const char *at = assay_http_header(request, MHD_HTTP_HEADER_IF_NONE_MATCH);

	while (at && *at) {
		struct assay_span tag = assay_span_trim(assay_span_of(at, strcspn(at, ",")));

		if (assay_span_starts(tag, "W/"))
			tag = assay_span_cut(tag, 2, tag.len);
		if (assay_span_equal_text(tag, etag) || assay_span_equal_text(tag, "*"))
			return true;
		at += strcspn(at, ",");
		at += *at == ',';
	}
	return false;
}

static enum MHD_Result queue(struct MHD_Connection *connection, struct assay_http_response *response)
{
	bool file = response->fd >= 0 && response->status / 100 == 2;
	struct MHD_Response *answer =
		file ? MHD_create_response_from_fd_at_offset64(response->fd_size, response->fd,
							       response->fd_offset) :
		       MHD_create_response_from_buffer(response->body.len, response->body.data,
						       MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (answer && file)
		response->fd = -1;
	if (!answer)
		return MHD_NO;
	MHD_add_response_header(answer, MHD_HTTP_HEADER_CONTENT_TYPE,
				response->type ? response->type : "application/json");
	if (response->etag[0])
		MHD_add_response_header(answer, MHD_HTTP_HEADER_ETAG, response->etag);
	for (size_t i = 0; i < ASSAY_HTTP_HEADERS && response->headers[i].name; i++)
		MHD_add_response_header(answer, response->headers[i].name,
					response->headers[i].value);
	MHD_add_response_header(answer, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
	if (response->status == 401)
		MHD_add_response_header(answer, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
	MHD_add_response_header(answer, MHD_HTTP_HEADER_X_CONTENT_TYPE_OPTIONS, "nosniff");
	result = MHD_queue_response(connection, response->status, answer);
	MHD_destroy_response(answer);
	return result;
}

/* ---- requests ------------------------------------------------------------------------------------ */

static void identify(const struct http_listener *listener, struct MHD_Connection *connection,
		     struct assay_http_request *request)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);

	request->connection = connection;
	request->authorization = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
	request->secure = listener->secure;
	if (listener->secure)
		http_tls_peer(connection, request);
	else if (info)
		getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	request->peer_uid = peer.uid;
	request->peer_pid = peer.pid;
}

/* From then on nobody waits: a server with requests that were put aside cannot be stopped. */
static bool is_stopping(struct assay_http_server *server)
{
	return __atomic_load_n(&server->stopping, __ATOMIC_ACQUIRE);
}

static uint64_t wakes_of(struct assay_http_server *server)
{
	uint64_t wakes;

	pthread_mutex_lock(&server->lock);
	wakes = server->wakes;
	pthread_mutex_unlock(&server->lock);
	return wakes;
}

/* Something that happened since the handler looked must not be slept through. */
static void put_aside(struct assay_http_server *server, struct exchange *exchange, uint64_t seen)
{
	pthread_mutex_lock(&server->lock);
	MHD_suspend_connection(exchange->connection);
	if (seen != server->wakes || is_stopping(server)) {
		MHD_resume_connection(exchange->connection);
	} else {
		exchange->aside = true;
		exchange->next = server->aside;
		server->aside = exchange;
	}
	pthread_mutex_unlock(&server->lock);
}

static enum MHD_Result respond(const struct http_listener *listener, struct exchange *exchange,
			       const char *method, const char *path)
{
	struct assay_http_server *server = listener->server;
	struct assay_http_response response = { .body = ASSAY_BUF_INIT(ASSAY_MAX_REPORT), .fd = -1 };
	struct assay_http_request request = {
		.method = method,
		.path = path,
		.body = assay_buf_span(&exchange->body),
		.again = exchange->until != 0,
		.waited = is_stopping(server) || (exchange->until && now_ms() >= exchange->until),
		.connection = exchange->connection,
	};
	struct assay_error err = ASSAY_ERROR_INIT;
	enum MHD_Result result = MHD_YES;
	uint64_t seen = wakes_of(server);

	identify(listener, exchange->connection, &request);
	if (assay_buf_check(&exchange->body, "body of the request", &err))
		assay_http_problem(&response, 0, &err);
	else
		server->handler(server->data, &request, &response);
	/* half an answer is none */
	if (assay_buf_check(&response.body, "answer", &err))
		assay_http_problem(&response, 500, &err);
	if (response.wait_ms > 0 && !request.waited) {
		if (!exchange->until)
			exchange->until = now_ms() + response.wait_ms;
		put_aside(server, exchange, seen);
	} else {
		result = queue(exchange->connection, &response);
	}
	assay_buf_release(&response.body);
	assay_fd_closep(&response.fd);
	return result;
}

/* Nothing of such a body is read. */
static enum MHD_Result refuse_length(struct MHD_Connection *connection, uint64_t announced, size_t most)
{
	struct assay_http_response response = { .body = ASSAY_BUF_INIT(ASSAY_MAX_FIELD), .fd = -1 };
	struct assay_error err = ASSAY_ERROR_INIT;
	enum MHD_Result result;

	assay_fail(&err, ASSAY_ELIMIT, "body of the request: want at most %zu bytes, have %llu", most,
		   (unsigned long long)announced);
	assay_http_problem(&response, 0, &err);
	result = queue(connection, &response);
	assay_buf_release(&response.body);
	return result;
}

/* The headers are here: how much of a body will be taken. */
static enum MHD_Result begin(const struct http_listener *listener, struct MHD_Connection *connection, const char *method,
			     const char *path, struct exchange **ret)
{
	struct exchange *exchange = calloc(1, sizeof(*exchange));
	struct assay_http_request request = { .method = method, .path = path };
	const char *length;
	uint64_t announced;

	if (!exchange)
		return MHD_NO;
	identify(listener, connection, &request);
	*exchange = (struct exchange){ .connection = connection };
	exchange->body = (struct assay_buf)ASSAY_BUF_INIT(listener->server->limit(listener->server->data, &request));
	/* what is more is read without being kept, so that the answer is heard; but not for ever */
	exchange->patience = 2 * exchange->body.max + ASSAY_MIB;
	*ret = exchange;
	length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	if (length && assay_span_parse_u64(assay_span_text(length), &announced) && announced > exchange->patience)
		return refuse_length(connection, announced, exchange->body.max);
	return MHD_YES;
}

static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **slot)
{
	const struct http_listener *listener = data;
	struct exchange *exchange = *slot;

	(void)version;
	if (!exchange)
		return begin(listener, connection, method, url, (struct exchange **)slot);
	if (*upload_size) {
		if (*upload_size > exchange->patience)
			return MHD_NO;
		exchange->patience -= *upload_size;
		assay_buf_add(&exchange->body, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	return respond(listener, exchange, method, url);
}

static void on_end(void *data, struct MHD_Connection *connection, void **slot,
		   enum MHD_RequestTerminationCode code)
{
	struct exchange *exchange = *slot;

	(void)data;
	(void)connection;
	(void)code;
	if (!exchange)
		return;
	assay_buf_release(&exchange->body);
	free(exchange);
	*slot = NULL;
}

/* ---- what was put aside --------------------------------------------------------------------------- */

static void resume(struct assay_http_server *server, bool all)
{
	struct exchange **at;
	int64_t now = now_ms();

	pthread_mutex_lock(&server->lock);
	server->wakes += all;
	at = &server->aside;
	while (*at) {
		struct exchange *exchange = *at;

		if (!all && now < exchange->until) {
			at = &exchange->next;
			continue;
		}
		*at = exchange->next;
		exchange->aside = false;
		MHD_resume_connection(exchange->connection);
	}
	pthread_mutex_unlock(&server->lock);
}

void assay_http_wake(struct assay_http_server *server)
{
	resume(server, true);
}

static void *clock_main(void *data)
{
	struct assay_http_server *server = data;
	const struct timespec tick = { .tv_nsec = TICK_MS * 1000000L };

	while (!is_stopping(server)) {
		nanosleep(&tick, NULL);
		resume(server, false);
	}
	return NULL;
}

/* ---- start and stop ------------------------------------------------------------------------------ */

/* A socket that nobody answers at is left over from a scheduler that died. */
static enum assay_code clear_socket(const char *path, const struct sockaddr_un *address,
				    struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return assay_fail_errno(err, "socket");
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return assay_fail(err, ASSAY_EUSAGE, "%s: another scheduler is listening there", path);
	if (errno == ECONNREFUSED)
		unlink(path);
	return ASSAY_OK;
}

static enum assay_code listen_at(const char *path, int *ret, struct assay_error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	assay_auto(assay_fd_closep) int fd = -1;
	mode_t mask;
	int failed;

	if (strlen(path) >= sizeof(address.sun_path))
		return assay_fail(err, ASSAY_EUSAGE, "%s: want a path of at most %zu bytes for a socket", path,
				  sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (clear_socket(path, &address, err))
		return err->code;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0177);
	failed = fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, SOMAXCONN);
	umask(mask);
	if (failed)
		return assay_fail_errno(err, "%s", path);
	*ret = fd;
	fd = -1;
	return ASSAY_OK;
}

static enum assay_code start_clock(struct assay_http_server *server, struct assay_error *err)
{
	if (pthread_create(&server->clock, NULL, clock_main, server)) {
		MHD_stop_daemon(server->listeners[0].daemon);
		return assay_fail(err, ASSAY_EIO, "the HTTP server's clock does not start");
	}
	return ASSAY_OK;
}

enum assay_code assay_http_serve(const char *socket, assay_http_handler *handler, assay_http_limit *limit, void *data,
				 struct assay_http_server **ret, struct assay_error *err)
{
	struct assay_http_server *server = calloc(1, sizeof(*server));
	int fd;

	if (!server)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	*server = (struct assay_http_server){ .handler = handler,
					      .limit = limit,
					      .data = data,
					      .socket = strdup(socket),
					      .lock = PTHREAD_MUTEX_INITIALIZER };
	if (!server->socket)
		assay_fail(err, ASSAY_ENOMEM, "out of memory");
	else if (!listen_at(socket, &fd, err)) {
		struct http_listener *listener = &server->listeners[0];

		*listener = (struct http_listener){ .server = server };
		listener->daemon = MHD_start_daemon(HTTP_FLAGS, 0, NULL, NULL, on_request, listener,
						    MHD_OPTION_LISTEN_SOCKET, fd, HTTP_OPTIONS,
						    MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_END);
		if (!listener->daemon) {
			close(fd);
			assay_fail(err, ASSAY_EIO, "%s: the HTTP server does not start", socket);
		} else if (!start_clock(server, err)) {
			*ret = server;
			return ASSAY_OK;
		}
	}
	free(server->socket);
	free(server);
	return err->code;
}

enum assay_code assay_http_serve_tls(struct assay_http_server *server, const struct assay_http_tls *tls,
				     unsigned *ret_port, struct assay_error *err)
{
	struct http_listener *listener = &server->listeners[1];
	int fd;

	if (http_tcp_listen(tls->address, &fd, ret_port, err))
		return err->code;
	*listener = (struct http_listener){ .server = server, .secure = true };
	listener->daemon = MHD_start_daemon(
		HTTP_FLAGS | MHD_USE_TLS, 0, NULL, NULL, on_request, listener, MHD_OPTION_LISTEN_SOCKET, fd, HTTP_OPTIONS,
		MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)HTTP_PER_ADDRESS,
		MHD_OPTION_HTTPS_MEM_KEY, tls->key, MHD_OPTION_HTTPS_MEM_CERT, tls->certificate,
		MHD_OPTION_HTTPS_MEM_TRUST, tls->authorities, MHD_OPTION_HTTPS_PRIORITIES, HTTP_TLS_PRIORITIES,
		MHD_OPTION_END);
	if (listener->daemon)
		return ASSAY_OK;
	close(fd);
	return assay_fail(err, ASSAY_EIO, "%s: the HTTPS server does not start", tls->address);
}

void assay_http_stop(struct assay_http_server *server)
{
	if (!server)
		return;
	__atomic_store_n(&server->stopping, true, __ATOMIC_RELEASE);
	pthread_join(server->clock, NULL);
	resume(server, true);
	for (size_t i = 0; i < HTTP_LISTENERS; i++)
		if (server->listeners[i].daemon)
			MHD_stop_daemon(server->listeners[i].daemon);
	unlink(server->socket);
	pthread_mutex_destroy(&server->lock);
	free(server->socket);
	free(server);
}
