/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network side of git.  libgit2 1.5 has no timeout on its sockets, and what a server sends is
 * hostile; so the transfer runs in a forked child that has the network and the repository and nothing
 * else, reports over a pipe, and is killed when it falls silent.  Objects arrive as a pack under a temporary name that libgit2 renames once its index
 * is complete, so a killed child leaves nothing that is taken for whole.
 */
#include "fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/jail.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/process.h"
#include "assay/time.h"
#include "repository.h"

/* What the child says; small enough that a pipe takes it whole. */
struct message {
	bool done;
	uint64_t received, objects, objects_total;
	struct assay_error err;
};

_Static_assert(sizeof(struct message) <= 4096, "PIPE_BUF");

struct transfer {
	int pipe;
	double last; /* when progress was last told */
	bool too_large;
};

static int tell_progress(const git_indexer_progress *stats, void *data)
{
	struct transfer *transfer = data;
	double now = assay_time_monotonic();
	struct message message = { .received = stats->received_bytes,
				   .objects = stats->received_objects,
				   .objects_total = stats->total_objects };
	struct assay_error ignored;

	if (stats->received_bytes > ASSAY_MAX_GIT_FETCH) {
		transfer->too_large = true;
		return -1;
	}
	if (now - transfer->last < 0.2)
		return 0;
	transfer->last = now;
	return assay_fd_write(transfer->pipe, &message, sizeof(message), &ignored) ? -1 : 0;
}

static int fetch_refs(git_remote *remote, struct transfer *transfer, const char *const *refs,
		      size_t count, bool everything)
{
	git_fetch_options options;
	git_strarray list = { .strings = (char **)refs, .count = count };

	if (git_fetch_options_init(&options, GIT_FETCH_OPTIONS_VERSION))
		return -1;
	options.callbacks.transfer_progress = tell_progress;
	options.callbacks.payload = transfer;
	options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	options.prune = everything ? GIT_FETCH_PRUNE : GIT_FETCH_NO_PRUNE;
	return git_remote_fetch(remote, &list, &options, NULL);
}

static void note_head(git_repository *repository, git_remote *remote)
{
	git_buf name = { 0 };

	if (git_remote_default_branch(&name, remote) == 0)
		(void)git_repository_set_head(repository, name.ptr);
	git_buf_dispose(&name);
}

static enum assay_code transfer_all(git_repository *repository, const char *url, const char *commit,
				    struct transfer *transfer, struct assay_error *err)
{
	static const char *const all[] = { "+refs/heads/*:refs/heads/*",
					   "+refs/tags/*:refs/tags/*" };
	git_remote *remote = NULL;
	char exact[160];
	const char *const one[] = { exact };
	git_oid oid;
	int status = git_remote_create_anonymous(&remote, repository, url);

	if (!status && commit) {
		/* most servers hand out a commit by its id: only its history is fetched then */
		snprintf(exact, sizeof(exact), "+%s:refs/assay/%s", commit, commit);
		if (fetch_refs(remote, transfer, one, 1, false) == 0 &&
		    git_oid_fromstr(&oid, commit) == 0) {
			git_remote_free(remote);
			return ASSAY_OK;
		}
		git_error_clear();
	}
	if (!status && !transfer->too_large)
		status = fetch_refs(remote, transfer, all, 2, true);
	if (!status)
		note_head(repository, remote);
	if (transfer->too_large)
		assay_fail(err, ASSAY_ELIMIT, "fetch %s: want at most %llu GiB", url,
			   ASSAY_MAX_GIT_FETCH / ASSAY_GIB);
	else if (status)
		repository_fail(err, status, "fetch %s", url);
	git_remote_free(remote);
	return err->code;
}

/* The network, the repository, and what name resolution and TLS read; no more. */
static void enter_jail(const char *path, const char *url)
{
	/* the resolver's file is often a link to somewhere else */
	const char *const readable[] = { "/etc", "/usr/lib/ssl", "/usr/share/ca-certificates",
					 "/usr/local/share/ca-certificates", "/run",
					 "/etc/resolv.conf", NULL };
	struct assay_jail jail = {
		.what = url,
		.cpu_s = 3600,
		.readable = readable,
		.writable_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.network = true,
	};

	if (jail.writable_fd < 0)
		_exit(1);
	assay_jail_enter(&jail);
}

static void child_main(int pipe, const char *path, const char *url, const char *commit)
{
	struct message message = { .done = true, .err = ASSAY_ERROR_INIT };
	struct transfer transfer = { .pipe = pipe };
	struct assay_error ignored;
	git_repository *repository = NULL;
	int status;

	enter_jail(path, url);
	status = git_repository_open_bare(&repository, path);
	if (status)
		repository_fail(&message.err, status, "open %s", path);
	else
		transfer_all(repository, url, commit, &transfer, &message.err);
	_exit(assay_fd_write(pipe, &message, sizeof(message), &ignored) ? 1 : 0);
}

/* Reads messages until the child is done, dies, falls silent, or we are asked to stop. */
static enum assay_code watch(int pipe, const char *url, struct assay_error *err)
{
	struct pollfd ready = { .fd = pipe, .events = POLLIN };
	double heard = assay_time_monotonic();
	struct message message;

	for (;;) {
		int status = poll(&ready, 1, 200);

		if (assay_interrupted)
			return assay_fail(err, ASSAY_EINTERRUPTED, "fetch %s: interrupted", url);
		if (status < 0 && errno != EINTR)
			return assay_fail_errno(err, "fetch %s: poll", url);
		if (status <= 0) {
			if (assay_time_monotonic() - heard > ASSAY_GIT_SILENCE_S)
				return assay_fail(err, ASSAY_ETIMEOUT,
						  "fetch %s: the server sent nothing for %d s", url,
						  ASSAY_GIT_SILENCE_S);
			continue;
		}
		if (assay_fd_read_exact(pipe, &message, sizeof(message), err))
			return assay_fail(err, ASSAY_EIO, "fetch %s: the fetching process died", url);
		heard = assay_time_monotonic();
		if (message.done) {
			*err = message.err;
			return err->code;
		}
		assay_progress_update(message.objects, message.objects_total, "objects");
	}
}

enum assay_code fetch_into(const char *repository, const char *url, const char *commit,
			   struct assay_error *err)
{
	pid_t parent = getpid();
	enum assay_code code;
	int pipes[2];
	pid_t child;

	if (assay_jail_prepare(err))
		return err->code;
	if (pipe2(pipes, O_CLOEXEC))
		return assay_fail_errno(err, "pipe");
	child = fork();
	if (child < 0) {
		close(pipes[0]);
		close(pipes[1]);
		return assay_fail_errno(err, "fork");
	}
	if (child == 0) {
		close(pipes[0]);
		/* dies with us, also when we died before this call */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
			_exit(1);
		signal(SIGINT, SIG_IGN);
		child_main(pipes[1], repository, url, commit);
	}
	close(pipes[1]);
	code = watch(pipes[0], url, err);
	close(pipes[0]);
	kill(child, SIGKILL);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return code;
}
