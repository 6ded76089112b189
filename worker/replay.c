/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replay: the plan's commands in a box, once.  The build is over when its shell is; what the kernel
 * says of its end becomes the attempt's record.
 */
#include "job_int.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/codec.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/path.h"
#include "assay/redact.h"
#include "assay/time.h"

#define MAX_MOUNTS 32
#define LOG_TAIL 8192 /* bytes of the log that a report quotes */

/* Where a build's output goes, without its secrets: the log, and the console. */
struct output {
	int fd;
	bool verbose;
	uint64_t bytes;
	struct assay_redactor *redactor;
	struct assay_buf line;	   /* the beginning of one, for the console */
	struct assay_error failed; /* of the first write that did not work */
};

/* Whole lines, however they come. */
static void show_lines(struct output *output, bool rest_too)
{
	struct assay_span rest = assay_buf_span(&output->line), line;
	size_t whole = rest.len;

	while (!rest_too && whole && rest.data[whole - 1] != '\n')
		whole--;
	if (!whole && rest.len < LOG_TAIL)
		return;
	whole = whole ? whole : rest.len;
	rest.len = whole;
	while (assay_span_next_line(&rest, &line))
		assay_progress_note("%.*s", ASSAY_SPAN_ARGS(line));
	memmove(output->line.data, output->line.data + whole, output->line.len - whole);
	output->line.len -= whole;
}

static void write_output(void *data, const char *bytes, size_t len)
{
	struct output *output = data;

	if (!output->failed.code && len)
		(void)!assay_fd_write(output->fd, bytes, len, &output->failed);
	if (!output->verbose || !len)
		return;
	assay_buf_add(&output->line, bytes, len);
	show_lines(output, false);
}

static void on_output(void *data, const char *bytes, size_t len)
{
	struct output *output = data;

	output->bytes += len;
	assay_redactor_feed(output->redactor, bytes, len);
	assay_progress_update(output->bytes >> 10, 0, "KiB of log");
}

/* Ready to take a build's output; what the site declared is looked for as well. */
static enum assay_code open_output(const struct assay_job *job, int fd, struct output *ret, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf secrets = ASSAY_BUF_INIT(ASSAY_MAX_RECIPE);
	const char *path = job->options->secrets;

	*ret = (struct output){ .fd = fd, .verbose = job->options->verbose, .line = ASSAY_BUF_INIT(ASSAY_MAX_REPORT) };
	ret->redactor = assay_redactor_new(write_output, ret);
	if (!ret->redactor)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (path && (assay_file_read(AT_FDCWD, path, &secrets, err) ||
		     assay_redactor_declare(ret->redactor, assay_buf_span(&secrets), path, err)))
		(void)!assay_context(err, "secrets");
	if (secrets.data)
		explicit_bzero(secrets.data, secrets.len);
	return err->code;
}

static enum assay_code close_output(struct output *output, struct assay_error *err)
{
	if (assay_redactor_end(output->redactor, err))
		return err->code;
	if (output->line.len)
		show_lines(output, true);
	if (output->failed.code) {
		*err = output->failed;
		return assay_context(err, "build log");
	}
	return ASSAY_OK;
}

/* All commands in one shell, each shown before it runs, stopping at the first that fails. */
static enum assay_code make_script(const struct assay_plan *plan, struct assay_buf *script,
				   struct assay_error *err)
{
	assay_buf_add_text(script, "set -e\n");
	for (const char *const *command = plan->commands; *command; command++) {
		assay_buf_add_text(script, "printf '%s\\n' '$ ");
		for (const char *p = *command; *p; p++) {
			if (*p == '\'')
				assay_buf_add_text(script, "'\\''");
			else
				assay_buf_add(script, p, 1);
		}
		assay_buf_printf(script, "'\n%s\n", *command);
	}
	return assay_buf_check(script, "build commands", err);
}

static enum assay_code run_box(struct assay_job *job, struct output *output, struct assay_error *err)
{
	const struct assay_plan *plan = &job->plan;
	assay_auto(assay_buf_release) struct assay_buf script = ASSAY_BUF_INIT(ASSAY_MAX_RECIPE);
	struct assay_box_mount mounts[MAX_MOUNTS + 2] = { { NULL, NULL } };
	const char *argv[] = { "/bin/sh", "-c", NULL, NULL };
	struct assay_box_policy policy = {
		.root = job->environment.root,
		.mounts = mounts,
		.workspace = plan->workspace,
		.argv = argv,
		.env = plan->env,
		.directory = plan->workspace,
		.hostname = plan->hostname,
		.uid = plan->uid,
		.gid = plan->uid,
		.umask = plan->umask,
		.cpus = plan->cpus,
		.time_s = job->options->time_s ? job->options->time_s : plan->limits.time_s,
		.memory = plan->limits.memory,
		.disk = plan->limits.disk,
		.processes = plan->limits.processes,
		.log = plan->limits.log,
		.log_fd = -1,
		.on_output = on_output,
		.on_output_data = output,
		.epoch = plan->source_date_epoch,
		.trace = job->trace.fd >= 0 ? &job->trace : NULL,
	};
	size_t count = 0;

	if (job->options->box)
		policy.choice = *job->options->box;
	for (const struct assay_box_mount *m = job->environment.mounts; m && m->source; m++) {
		if (count == MAX_MOUNTS)
			return assay_fail(err, ASSAY_ELIMIT, "mounts: want at most %d", MAX_MOUNTS);
		mounts[count++] = *m;
	}
	mounts[count] = (struct assay_box_mount){ job->sources, ASSAY_DEBIAN_INPUTS };
	if (make_script(plan, &script, err))
		return err->code;
	argv[2] = assay_buf_text(&script);
	return assay_box_run(&policy, &job->box, err);
}

/* The limits are verdicts of their own; anything else that is not exit status 0 is a failed build,
 * whatever files it left behind. */
static const struct {
	enum assay_verdict verdict;
	const char *text;
} ends[] = {
	[ASSAY_BOX_EXITED] = { ASSAY_BUILD_FAILED, "the build failed" },
	[ASSAY_BOX_SIGNALED] = { ASSAY_BUILD_FAILED, "the build was killed by a signal" },
	[ASSAY_BOX_TIME] = { ASSAY_TIMED_OUT, "the time limit was reached" },
	[ASSAY_BOX_MEMORY] = { ASSAY_TIMED_OUT, "the memory limit was reached" },
	[ASSAY_BOX_HOST_MEMORY] = { ASSAY_FARM_ERROR,
				    "the host ran out of memory and killed a process of the build" },
	[ASSAY_BOX_PROCESSES] = { ASSAY_TIMED_OUT, "the limit on processes was reached" },
	[ASSAY_BOX_DISK] = { ASSAY_TIMED_OUT, "the disk limit was reached" },
	[ASSAY_BOX_LOG] = { ASSAY_TIMED_OUT, "the limit on log output was reached" },
	[ASSAY_BOX_INTERRUPTED] = { ASSAY_FARM_ERROR, "interrupted" },
};

static void describe_end(const struct assay_box_result *box, char *out, size_t size)
{
	if (box->reason == ASSAY_BOX_EXITED && box->exit_code == 0)
		snprintf(out, size, "built");
	else if (box->reason == ASSAY_BOX_EXITED)
		snprintf(out, size, "%s with exit status %d", ends[box->reason].text, box->exit_code);
	else if (box->reason == ASSAY_BOX_SIGNALED)
		snprintf(out, size, "%s: %s", ends[box->reason].text, strsignal(box->signal));
	else
		snprintf(out, size, "%s", ends[box->reason].text);
}

static double rounded(double seconds)
{
	return (double)(int64_t)(seconds * 1000) / 1000;
}

static json_t *describe_attempt(const struct assay_job *job, int64_t started)
{
	const struct assay_box_result *box = &job->box;
	json_t *attempt = assay_json_object();
	char when[ASSAY_TIME_TEXT], end[160];
	bool built = box->reason == ASSAY_BOX_EXITED && box->exit_code == 0;

	describe_end(box, end, sizeof(end));
	assay_json_set_int(attempt, "number", job->attempt + 1);
	assay_json_set_text(attempt, "result",
			    built ? "built" : assay_verdict_name(ends[box->reason].verdict));
	assay_json_set_text(attempt, "reason", end);
	assay_json_set_text(attempt, "end", assay_box_reason_name(box->reason));
	assay_json_set_text(attempt, "started", assay_time_format(started, when));
	assay_json_set_text(attempt, "finished", assay_time_format(assay_time_now(), when));
	assay_json_set(attempt, "wall_s", json_real(rounded(box->wall_s)));
	assay_json_set(attempt, "cpu_s", json_real(rounded(box->cpu_user_s + box->cpu_system_s)));
	assay_json_set_int(attempt, "memory_peak", (int64_t)box->memory_peak);
	assay_json_set_int(attempt, "disk_peak", (int64_t)box->disk_peak);
	assay_json_set_int(attempt, "processes_peak", (int64_t)box->processes_peak);
	assay_json_set_int(attempt, "io_read", (int64_t)box->io_read_bytes);
	assay_json_set_int(attempt, "io_written", (int64_t)box->io_write_bytes);
	assay_json_set(attempt, "isolation", json_incref(box->isolation));
	assay_json_set(attempt, "outputs", assay_json_array());
	return attempt;
}

static enum assay_code read_tail(int fd, struct assay_buf *tail, struct assay_error *err)
{
	off_t size = lseek(fd, 0, SEEK_END);

	if (size < 0 || lseek(fd, size > LOG_TAIL ? size - LOG_TAIL : 0, SEEK_SET) < 0)
		return assay_fail_errno(err, "build log");
	return assay_buf_read_fd(tail, fd, err);
}

/* The tail begins at a line, and is text even when the build printed something else. */
static json_t *text_of_tail(const struct assay_buf *tail)
{
	struct assay_span rest = assay_buf_span(tail), line;
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(8 * LOG_TAIL);
	char shown[4096];

	if (rest.len == LOG_TAIL)
		assay_span_next_line(&rest, &line);
	while (assay_span_next_line(&rest, &line)) {
		assay_buf_add_text(&text, assay_span_show(line, shown, sizeof(shown)));
		assay_buf_add_text(&text, "\n");
	}
	return json_string(assay_buf_text(&text));
}

/* <output>/attempt-N.log.zst, and what the report says of it. */
static enum assay_code keep_log(struct assay_job *job, const struct output *output, json_t *attempt,
				struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf tail = ASSAY_BUF_INIT(LOG_TAIL);
	assay_auto(assay_draft_release) struct assay_draft draft = ASSAY_DRAFT_INIT;
	assay_auto(assay_freep) char *path = NULL;
	char name[64], hex[ASSAY_DIGEST_TEXT];
	struct assay_digest digest;
	json_t *log = assay_json_object();
	uint64_t size = 0;
	int fd = output->fd;

	assay_json_set(attempt, "log", log);
	snprintf(name, sizeof(name), "attempt-%u.log.zst", job->attempt + 1);
	path = assay_path_join(job->output, name);
	if (!path)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (read_tail(fd, &tail, err) || lseek(fd, 0, SEEK_SET) < 0 ||
	    assay_digest_fd(fd, &digest, &size, err) || lseek(fd, 0, SEEK_SET) < 0 ||
	    assay_draft_open(&draft, AT_FDCWD, path, 0644, err) ||
	    assay_codec_zstd_compress_fd(fd, draft.fd, err) || assay_draft_commit(&draft, err))
		return assay_context(err, "build log");
	assay_json_set_text(log, "path", name);
	assay_json_set_text(log, "sha256", assay_digest_hex(&digest, hex));
	assay_json_set_int(log, "bytes", (int64_t)size);
	assay_json_set_bool(log, "truncated", job->box.log_truncated);
	assay_json_set(log, "tail", text_of_tail(&tail));
	assay_json_set(log, "redacted", assay_redactor_counts(output->redactor));
	return ASSAY_OK;
}

/* A build that worked once and fails the second time is nondeterministic, unless it was a limit that
 * ended it. */
static void end_without_candidate(struct assay_job *job, const char *end)
{
	enum assay_verdict verdict = ends[job->box.reason].verdict;

	if (job->attempt > 0 && verdict == ASSAY_BUILD_FAILED)
		verdict = ASSAY_FLAKY;
	assay_job_end(job, verdict, "attempt %u: %s", job->attempt + 1, end);
}

static enum assay_code replay(struct assay_job *job, struct output *output, struct assay_error *err)
{
	int64_t started = assay_time_now();
	json_t *attempt;
	char end[160];

	assay_progress_start("rebuild", "attempt %u, in %s", job->attempt + 1, job->plan.build_path);
	if (assay_job_trace_start(job, err) || run_box(job, output, err) || close_output(output, err))
		return err->code;
	if (job->box.reason == ASSAY_BOX_INTERRUPTED)
		return assay_fail(err, ASSAY_EINTERRUPTED, "interrupted during the build");
	attempt = describe_attempt(job, started);
	assay_json_append(job->attempts, attempt);
	describe_end(&job->box, end, sizeof(end));
	if (keep_log(job, output, attempt, err) || assay_job_trace_keep(job, attempt, err))
		return err->code;
	assay_progress_end("%s", end);
	if (job->box.reason != ASSAY_BOX_EXITED || job->box.exit_code != 0)
		end_without_candidate(job, end);
	return ASSAY_OK;
}

enum assay_code assay_stage_replay(struct assay_job *job, struct assay_error *err)
{
	assay_auto(assay_freep) char *path = assay_path_join(job->directory, "build.log");
	assay_auto(assay_fd_closep) int fd = -1;
	struct output output = { .fd = -1 };

	if (!path)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return assay_fail_errno(err, "%s", path);
	if (!open_output(job, fd, &output, err))
		(void)!replay(job, &output, err);
	assay_redactor_free(output.redactor);
	assay_buf_release(&output.line);
	return err->code;
}
