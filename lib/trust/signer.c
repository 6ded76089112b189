/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that holds the key.  It is forked before anything hostile is read, loads the key
 * itself, keeps one socket and nothing else, and parses nothing: it gets a payload, signs it as an
 * in-toto statement and as nothing else (the type is under the signature, so it cannot be made to
 * sign a release or a login), and gives back the envelope.
 *
 * The socket is inherited by every process that is forked later, also by those that read hostile
 * bytes.  So the signer takes bytes from its parent alone: the kernel says with each piece who sent
 * it (SCM_CREDENTIALS, unix(7)), and never joins pieces of different senders.
 *
 * Messages in both directions: struct head, bytes.
 */
#include "assay/signer.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "key_int.h"

#define PAYLOAD_MAX (ASSAY_MAX_ENVELOPE / 2)

/* peer 0: whoever; else the process that alone may speak */
struct channel {
	int fd;
	pid_t peer;
};

struct assay_signer {
	pid_t pid;
	struct channel channel;
	char *public_pem;
	char key_id[ASSAY_DIGEST_TEXT];
};

struct head {
	uint32_t len;
	uint32_t code; /* enum assay_code of an answer */
};

/* Neither side may be killed by the other's death. */
static bool send_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t put = send(fd, p, len, MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		p += put;
		len -= (size_t)put;
	}
	return true;
}

static bool send_message(int fd, enum assay_code code, struct assay_span bytes)
{
	struct head head = { (uint32_t)bytes.len, (uint32_t)code };

	return send_all(fd, &head, sizeof(head)) && send_all(fd, bytes.data, bytes.len);
}

static ssize_t receive_some(const struct channel *channel, void *data, size_t len)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	struct iovec piece = { data, len };
	struct msghdr message = { .msg_iov = &piece,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };
	ssize_t got = recvmsg(channel->fd, &message, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *head = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	struct ucred sender = { .pid = -1 };

	if (got <= 0 || !channel->peer)
		return got;
	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_CREDENTIALS)
		memcpy(&sender, CMSG_DATA(head), sizeof(sender));
	return sender.pid == channel->peer ? got : 0;
}

static bool receive_exact(const struct channel *channel, void *data, size_t len)
{
	char *p = data;

	while (len) {
		ssize_t got = receive_some(channel, p, len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		p += got;
		len -= (size_t)got;
	}
	return true;
}

static bool receive(const struct channel *channel, enum assay_code *ret_code, struct assay_buf *ret)
{
	struct head head;
	char *bytes;
	bool good;

	if (!receive_exact(channel, &head, sizeof(head)) || head.len > ASSAY_MAX_ENVELOPE)
		return false;
	bytes = malloc(head.len + 1UL);
	good = bytes && receive_exact(channel, bytes, head.len);
	if (good)
		assay_buf_add(ret, bytes, head.len);
	free(bytes);
	*ret_code = (enum assay_code)head.code;
	return good && !ret->failed;
}

/* ---- the child ------------------------------------------------------------------------------- */

/* What can be had without a filter library: no core file, no debugger, no new files or programs. */
static void shut_in(int fd, pid_t parent)
{
	struct rlimit none = { 0, 0 };
	int yes = 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	prctl(PR_SET_NAME, "assay-signer");
	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
	/* a terminal's Ctrl-C ends the program, which still wants its last statement signed */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (dup2(fd, 0) < 0)
		_exit(1);
	close_range(1, ~0U, 0);
	if (setsockopt(0, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)))
		_exit(1);
}

/* After the key has been read no file can be opened or written any more. */
static void lock(void)
{
	struct rlimit one = { 1, 1 }, none = { 0, 0 };

	setrlimit(RLIMIT_NOFILE, &one);
	setrlimit(RLIMIT_NPROC, &none);
	setrlimit(RLIMIT_FSIZE, &none);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void answer(int fd, const struct assay_key *key, struct assay_span payload)
{
	struct assay_buf envelope = ASSAY_BUF_INIT(ASSAY_MAX_ENVELOPE);
	struct assay_error err = ASSAY_ERROR_INIT;
	bool sent;

	if (dsse_sign_payload(payload, key, &envelope, &err))
		sent = send_message(fd, err.code, assay_span_text(err.msg));
	else
		sent = send_message(fd, ASSAY_OK, assay_buf_span(&envelope));
	assay_buf_release(&envelope);
	if (!sent)
		_exit(1);
}

static _Noreturn void serve(int fd, const char *key_path, pid_t parent)
{
	const struct channel channel = { .fd = 0, .peer = parent };
	struct assay_buf message = ASSAY_BUF_INIT(ASSAY_MAX_ENVELOPE);
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_key *key = NULL;
	enum assay_code unused;

	shut_in(fd, parent);
	if (assay_key_load(key_path, &key, &err) || assay_key_public_pem(key, &message, &err)) {
		send_message(0, err.code, assay_span_text(err.msg));
		_exit(1);
	}
	lock();
	if (!send_message(0, ASSAY_OK, assay_span_of(key->id, strlen(key->id))) ||
	    !send_message(0, ASSAY_OK, assay_buf_span(&message)))
		_exit(1);
	for (assay_buf_clear(&message); receive(&channel, &unused, &message); assay_buf_clear(&message))
		answer(0, key, assay_buf_span(&message));
	assay_buf_release(&message);
	assay_key_free(key);
	_exit(0);
}

/* ---- the parent ------------------------------------------------------------------------------ */

/* Reads one answer; an error of the child becomes ours. */
static enum assay_code read_answer(struct assay_signer *signer, struct assay_buf *ret,
				   struct assay_error *err)
{
	enum assay_code code = ASSAY_OK;

	if (!receive(&signer->channel, &code, ret))
		return assay_fail(err, ASSAY_EIO, "signer: the process that holds the key is gone");
	if (code > ASSAY_EBUG)
		code = ASSAY_EBUG;
	if (code)
		return assay_fail(err, code, "%s", assay_buf_text(ret));
	return ASSAY_OK;
}

static enum assay_code read_greeting(struct assay_signer *signer, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf id = ASSAY_BUF_INIT(ASSAY_ERROR_MAX);
	assay_auto(assay_buf_release) struct assay_buf pem = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);

	if (read_answer(signer, &id, err) || read_answer(signer, &pem, err))
		return err->code;
	if (id.len != ASSAY_DIGEST_TEXT - 1)
		return assay_fail(err, ASSAY_EBUG, "signer: key id of %zu bytes", id.len);
	memcpy(signer->key_id, id.data, ASSAY_DIGEST_TEXT);
	signer->public_pem = assay_buf_take(&pem);
	return signer->public_pem ? ASSAY_OK : assay_fail(err, ASSAY_ENOMEM, "out of memory");
}

static enum assay_code start(const char *key_path, struct assay_signer **ret,
			     struct assay_error *err)
{
	assay_auto(assay_signer_stopp) struct assay_signer *signer = calloc(1, sizeof(*signer));
	pid_t parent = getpid();
	int pair[2];

	if (!signer)
		return assay_fail(err, ASSAY_ENOMEM, "signer: out of memory");
	signer->channel.fd = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return assay_fail_errno(err, "signer: socketpair");
	signer->pid = fork();
	if (signer->pid == 0)
		serve(pair[1], key_path, parent);
	close(pair[1]);
	signer->channel.fd = pair[0];
	if (signer->pid < 0)
		return assay_fail_errno(err, "signer: fork");
	if (read_greeting(signer, err))
		return err->code;
	*ret = assay_steal(signer);
	return ASSAY_OK;
}

enum assay_code assay_signer_start(const char *key_path, struct assay_signer **ret,
				   struct assay_error *err)
{
	assay_auto(assay_freep) char *fallback = NULL;
	bool made = false;

	if (key_path)
		return start(key_path, ret, err);
	fallback = assay_key_default_path();
	if (!fallback)
		return assay_fail(err, ASSAY_ENOMEM, "signer: out of memory");
	if (assay_key_ensure(fallback, &made, err))
		return err->code;
	if (made)
		assay_log(ASSAY_LOG_NOTE, "made a signing key: %s (public: %s.pub)", fallback,
			  fallback);
	return start(fallback, ret, err);
}

enum assay_code assay_signer_sign(struct assay_signer *signer, const json_t *statement,
				  struct assay_buf *out, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf payload = ASSAY_BUF_INIT(PAYLOAD_MAX);
	assay_auto(assay_buf_release) struct assay_buf envelope = ASSAY_BUF_INIT(ASSAY_MAX_ENVELOPE);

	if (assay_statement_check(statement, err))
		return err->code;
	assay_json_dump_compact(statement, &payload);
	if (assay_buf_check(&payload, "statement", err))
		return err->code;
	if (!send_message(signer->channel.fd, ASSAY_OK, assay_buf_span(&payload)))
		return assay_fail_errno(err, "signer: send");
	if (read_answer(signer, &envelope, err))
		return err->code;
	assay_buf_add_span(out, assay_buf_span(&envelope));
	return assay_buf_check(out, "envelope", err);
}

const char *assay_signer_key_id(const struct assay_signer *signer)
{
	return signer->key_id;
}

const char *assay_signer_public_pem(const struct assay_signer *signer)
{
	return signer->public_pem;
}

/* The child ends when its socket does. */
void assay_signer_stop(struct assay_signer *signer)
{
	if (!signer)
		return;
	assay_fd_closep(&signer->channel.fd);
	if (signer->pid > 0)
		while (waitpid(signer->pid, NULL, 0) < 0 && errno == EINTR)
			;
	free(signer->public_pem);
	free(signer);
}

void assay_signer_stopp(struct assay_signer **signer)
{
	assay_signer_stop(*signer);
}
