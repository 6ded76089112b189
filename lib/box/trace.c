/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines are written as they come and end at a ceiling.  What fanotify says is what the kernel did: a
 * build cannot forge it, and can at most outrun it, which the kernel then tells.  Arguments of programs
 * and addresses are as they stood in the caller's memory when it asked.
 */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/time.h"
#include "caller.h"
#include "proc.h"

#define WATCHED (FAN_OPEN | FAN_OPEN_EXEC | FAN_CLOSE_WRITE)
#define BLOCK 65536
#define BLOCKS_AT_ONCE 32
#define SEEN 16384   /* processes remembered as known */
#define PENDING 1024 /* arguments that wait for their program to be loaded */

struct box_trace {
	struct assay_box_trace *out;
	struct assay_buf buf;
	struct assay_error failure;
	double started;
	int fan; /* -1: files are not watched by the kernel */
	pid_t seen[SEEN];
	struct {
		pid_t pid;
		json_t *argv;
	} pending[PENDING];
};

static void flush(struct box_trace *t)
{
	if (t->buf.len && !t->failure.code &&
	    assay_fd_write(t->out->fd, t->buf.data, t->buf.len, &t->failure))
		assay_context(&t->failure, "trace");
	assay_buf_clear(&t->buf);
}

/* Takes line. */
static void add_line(struct box_trace *t, json_t *line)
{
	size_t before = t->buf.len;

	assay_json_dump_compact(line, &t->buf);
	assay_buf_add_text(&t->buf, "\n");
	json_decref(line);
	t->out->bytes += t->buf.len - before;
	if (t->buf.len > BLOCK)
		flush(t);
}

/* An event, or NULL when the ceiling is reached. */
static json_t *new_event(struct box_trace *t, const char *op, pid_t pid)
{
	json_t *line;

	if (t->out->bytes > ASSAY_MAX_TRACE) {
		t->out->truncated = true;
		return NULL;
	}
	t->out->events++;
	line = assay_json_object();
	assay_json_set_text(line, "op", op);
	assay_json_set_int(line, "pid", pid);
	assay_json_set_int(line, "ms", (int64_t)(1e3 * (assay_time_monotonic() - t->started)));
	return line;
}

/* Who it is, the first time it is met. */
static void introduce(struct box_trace *t, pid_t pid)
{
	char name[64];
	pid_t parent;
	json_t *line;

	if (t->seen[pid % SEEN] == pid)
		return;
	t->seen[pid % SEEN] = pid;
	parent = box_proc_parent(pid);
	box_caller_name(pid, name, sizeof(name));
	line = parent ? new_event(t, "process", pid) : NULL;
	if (!line)
		return;
	assay_json_set_int(line, "parent", parent);
	assay_json_set(line, "name", assay_json_name(assay_span_text(name)));
	add_line(t, line);
}

static void add_path(struct box_trace *t, const char *op, pid_t pid, const char *path, json_t *argv)
{
	json_t *line;

	introduce(t, pid);
	line = new_event(t, op, pid);
	if (!line) {
		json_decref(argv);
		return;
	}
	assay_json_set(line, "path", assay_json_name(assay_span_text(path)));
	if (argv)
		assay_json_set(line, "argv", argv);
	add_line(t, line);
}

static json_t *take_argv(struct box_trace *t, pid_t pid)
{
	json_t *argv = NULL;

	if (t->pending[pid % PENDING].pid == pid) {
		argv = t->pending[pid % PENDING].argv;
		t->pending[pid % PENDING].argv = NULL;
		t->pending[pid % PENDING].pid = 0;
	}
	return argv;
}

void box_trace_exec(struct box_trace *t, pid_t pid, const char *path, json_t *argv)
{
	if (!t || !box_trace_watches(t)) {
		if (t)
			add_path(t, "exec", pid, path, argv);
		else
			json_decref(argv);
		return;
	}
	/* a search along PATH asks many times: what counts is what the kernel then loads */
	json_decref(t->pending[pid % PENDING].argv);
	t->pending[pid % PENDING].argv = argv;
	t->pending[pid % PENDING].pid = pid;
}

void box_trace_asked(struct box_trace *t, pid_t pid, const char *path)
{
	if (t)
		add_path(t, "ask", pid, path, NULL);
}

void box_trace_network(struct box_trace *t, pid_t pid, const char *call, const char *address)
{
	json_t *line;

	if (!t)
		return;
	introduce(t, pid);
	line = new_event(t, "network", pid);
	if (!line)
		return;
	assay_json_set_text(line, "call", call);
	assay_json_set_text(line, "address", address);
	add_line(t, line);
}

/* ---- fanotify(7) ------------------------------------------------------------------------------ */

bool box_trace_watches(const struct box_trace *t)
{
	return t && t->fan >= 0;
}

int box_trace_fd(const struct box_trace *t)
{
	return t ? t->fan : -1;
}

/* proc(5), mountinfo: the fifth field, with blanks as \040. */
static bool mount_point(char *line, char *out, size_t size)
{
	size_t len = 0;

	for (int field = 0; field < 4; field++) {
		line = strchr(line, ' ');
		if (!line++)
			return false;
	}
	for (; *line && *line != ' ' && len + 1 < size; line++) {
		unsigned char c = (unsigned char)*line;

		if (c == '\\' && line[1] && line[2] && line[3]) {
			c = (unsigned char)((line[1] - '0') << 6 | (line[2] - '0') << 3 |
					    (line[3] - '0'));
			line += 3;
		}
		out[len++] = (char)c;
	}
	out[len] = '\0';
	return true;
}

void box_trace_watch(struct box_trace *t, pid_t pid)
{
	char path[4400], line[8192], point[4096];
	FILE *mounts;

	if (!box_trace_watches(t))
		return;
	snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)pid);
	mounts = fopen(path, "re");
	while (mounts && fgets(line, sizeof(line), mounts)) {
		if (!mount_point(line, point, sizeof(point)))
			continue;
		/* the command does not run yet: nothing in there moves */
		snprintf(path, sizeof(path), "/proc/%d/root%s", (int)pid, point);
		if (fanotify_mark(t->fan, FAN_MARK_ADD | FAN_MARK_MOUNT, WATCHED, AT_FDCWD, path))
			t->out->unwatched++;
	}
	if (!mounts)
		t->out->unwatched++;
	else
		fclose(mounts);
}

static void take_event(struct box_trace *t, const struct fanotify_event_metadata *event)
{
	static const struct {
		uint64_t mask;
		const char *op;
	} ops[] = { { FAN_OPEN_EXEC, "exec" }, { FAN_OPEN, "open" }, { FAN_CLOSE_WRITE, "write" } };
	char link[64], path[4096];
	uint64_t mask = event->mask;
	ssize_t len;

	if (mask & FAN_Q_OVERFLOW || event->fd < 0) {
		t->out->lost = true;
		return;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", event->fd);
	len = readlink(link, path, sizeof(path) - 1);
	path[len > 0 ? len : 0] = '\0';
	close(event->fd);
	/* a program is opened in order to be run: that is one event, not two */
	if (mask & FAN_OPEN_EXEC)
		mask &= ~(uint64_t)FAN_OPEN;
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (mask & ops[i].mask)
			add_path(t, ops[i].op, event->pid, path,
				 ops[i].mask == FAN_OPEN_EXEC ? take_argv(t, event->pid) : NULL);
}

/* Few at a time: each comes with an open descriptor.  False when nothing was there. */
static bool take_block(struct box_trace *t)
{
	_Alignas(struct fanotify_event_metadata) char block[4096];
	ssize_t got = read(t->fan, block, sizeof(block));
	const struct fanotify_event_metadata *event = (const void *)block;

	if (got <= 0)
		return false;
	for (; FAN_EVENT_OK(event, got); event = FAN_EVENT_NEXT(event, got))
		take_event(t, event);
	return true;
}

void box_trace_take(struct box_trace *t)
{
	/* a flood must not keep us from the limits, which end whoever makes it */
	for (int i = 0; box_trace_watches(t) && i < BLOCKS_AT_ONCE && take_block(t); i++)
		;
}

/* ---- beginning and end ------------------------------------------------------------------------ */

static void add_head(struct box_trace *t)
{
	char text[ASSAY_TIME_TEXT];
	json_t *line = assay_json_object();

	assay_json_set_text(line, "schema", "assay.trace/1");
	assay_json_set_text(line, "started", assay_time_format(assay_time_now(), text));
	assay_json_set_text(line, "files", t->fan >= 0 ? "fanotify" : "seccomp");
	add_line(t, line);
}

enum assay_code box_trace_open(struct assay_box_trace *out, struct box_trace **ret,
			       struct assay_error *err)
{
	struct box_trace *t;

	*ret = NULL;
	if (!out)
		return ASSAY_OK;
	t = calloc(1, sizeof(*t));
	if (!t)
		return assay_fail(err, ASSAY_ENOMEM, "trace");
	t->out = out;
	t->buf = (struct assay_buf)ASSAY_BUF_INIT(BLOCK + ASSAY_MIB);
	t->started = assay_time_monotonic();
	/* O_NONBLOCK: a FIFO must not hold us up.  Without privileges there is no fanotify. */
	t->fan = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_MARKS,
			       O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NONBLOCK | O_NOATIME);
	out->files = t->fan >= 0 ? "fanotify" : "seccomp";
	add_head(t);
	*ret = t;
	return ASSAY_OK;
}

enum assay_code box_trace_close(struct box_trace *t, struct assay_error *err)
{
	json_t *line;
	enum assay_code code;

	if (!t)
		return ASSAY_OK;
	/* nobody is left who makes more */
	while (t->fan >= 0 && take_block(t))
		;
	line = assay_json_object();
	assay_json_set_text(line, "op", "end");
	assay_json_set_int(line, "events", (int64_t)t->out->events);
	assay_json_set_bool(line, "lost", t->out->lost);
	assay_json_set_bool(line, "truncated", t->out->truncated);
	assay_json_set_int(line, "unwatched", (int64_t)t->out->unwatched);
	add_line(t, line);
	flush(t);
	for (int i = 0; i < PENDING; i++)
		json_decref(t->pending[i].argv);
	if (t->fan >= 0)
		close(t->fan);
	code = t->failure.code;
	if (code)
		*err = t->failure;
	assay_buf_release(&t->buf);
	free(t);
	return code;
}
