/* SPDX-License-Identifier: Apache-2.0 */
/* fork, exec, poll both pipes until they close or the deadline passes, kill the group, reap. */
#include "assay/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "assay/cleanup.h"
#include "assay/time.h"

#define DEFAULT_TIMEOUT_S 600
#define LAST_LINE_MAX 400

volatile int assay_interrupted;

static void on_signal(int signal_number)
{
	assay_interrupted = signal_number;
}

void assay_interrupt_init(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static _Noreturn void exec_child(const struct assay_process *p, int out, int error_out, pid_t parent)
{
	sigset_t none;
	int in = p->stdin_fd >= 0 ? p->stdin_fd : open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	/* a tool must not outlive us, even when we are killed with SIGKILL */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(error_out, 2) < 0)
		_exit(127);
	if (p->keep_fd >= 0 && (p->keep_fd == 3 ? fcntl(3, F_SETFD, 0) : dup2(p->keep_fd, 3)) < 0)
		_exit(127);
	close_range(p->keep_fd >= 0 ? 4 : 3, ~0U, 0);
	if (p->directory && chdir(p->directory))
		_exit(127);
	for (const char *const *e = p->env; e && *e; e++)
		putenv((char *)*e);
	execvp(p->argv[0], (char *const *)p->argv);
	dprintf(2, "%s: %s\n", p->argv[0], strerror(errno));
	_exit(127);
}

/* The stream of one pipe: where it goes, and the line being collected for on_line. */
struct stream {
	int fd;
	struct assay_buf *keep;
	char line[LAST_LINE_MAX];
	size_t line_len;
	char last[LAST_LINE_MAX];
};

static void feed_lines(struct stream *s, const struct assay_process *p, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] != '\n' && data[i] != '\r') {
			if (s->line_len + 1 < sizeof(s->line))
				s->line[s->line_len++] = data[i];
			continue;
		}
		s->line[s->line_len] = '\0';
		if (s->line_len) {
			memcpy(s->last, s->line, s->line_len + 1);
			if (p->on_line)
				p->on_line(p->on_line_data, s->line);
		}
		s->line_len = 0;
	}
}

static void drain(struct stream *s, const struct assay_process *p, bool lines)
{
	char block[16384];
	ssize_t got = read(s->fd, block, sizeof(block));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0) {
		if (lines)
			feed_lines(s, p, "\n", 1);
		close(s->fd);
		s->fd = -1;
		return;
	}
	if (s->keep)
		assay_buf_add(s->keep, block, (size_t)got);
	if (lines)
		feed_lines(s, p, block, (size_t)got);
}

static enum assay_code pump(const struct assay_process *p, struct stream *out, struct stream *error,
			    struct assay_error *err)
{
	double deadline = assay_time_monotonic() + (p->timeout_s ? p->timeout_s : DEFAULT_TIMEOUT_S);

	while (out->fd >= 0 || error->fd >= 0) {
		struct pollfd fds[2] = { { out->fd, POLLIN, 0 }, { error->fd, POLLIN, 0 } };

		if (assay_interrupted)
			return assay_fail(err, ASSAY_EINTERRUPTED, "%s: interrupted", p->argv[0]);
		if (assay_time_monotonic() > deadline)
			return assay_fail(err, ASSAY_ETIMEOUT, "%s: still running after %u s",
					  p->argv[0],
					  p->timeout_s ? p->timeout_s : DEFAULT_TIMEOUT_S);
		if (poll(fds, 2, 200) <= 0)
			continue;
		if (fds[0].revents)
			drain(out, p, false);
		if (fds[1].revents)
			drain(error, p, true);
	}
	return ASSAY_OK;
}

static int reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static enum assay_code run(const struct assay_process *p, int *ret_status, struct stream *error,
			   struct assay_error *err)
{
	struct stream out = { .fd = -1, .keep = p->out };
	pid_t parent = getpid(), pid;
	int out_pipe[2], error_pipe[2];
	enum assay_code code;

	if (pipe2(out_pipe, O_CLOEXEC))
		return assay_fail_errno(err, "pipe");
	if (pipe2(error_pipe, O_CLOEXEC)) {
		close(out_pipe[0]);
		close(out_pipe[1]);
		return assay_fail_errno(err, "pipe");
	}
	pid = fork();
	if (pid == 0)
		exec_child(p, out_pipe[1], error_pipe[1], parent);
	close(out_pipe[1]);
	close(error_pipe[1]);
	out.fd = out_pipe[0];
	error->fd = error_pipe[0];
	if (pid < 0) {
		code = assay_fail_errno(err, "fork");
	} else {
		code = pump(p, &out, error, err);
		if (code)
			kill(-pid, SIGKILL);
		*ret_status = reap(pid);
	}
	if (out.fd >= 0)
		close(out.fd);
	if (error->fd >= 0)
		close(error->fd);
	return code;
}

enum assay_code assay_process_run(const struct assay_process *process, int *ret_status,
				  struct assay_error *err)
{
	struct stream error = { .fd = -1, .keep = process->error_out };

	return run(process, ret_status, &error, err);
}

enum assay_code assay_process_must(const struct assay_process *process, struct assay_error *err)
{
	struct stream error = { .fd = -1, .keep = process->error_out };
	int status = 0;

	if (run(process, &status, &error, err))
		return err->code;
	if (status)
		return assay_fail(err, ASSAY_EIO, "%s: exit status %d: %s", process->argv[0], status,
				  error.last);
	return ASSAY_OK;
}
