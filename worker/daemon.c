/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker's loop.  Each job runs in a process of its own, so that a crash, or all that a job needs in memory, ends
 * with it; what comes back is its report in a file.  The daemon itself reads no artifact.
 */
#include "assay/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/digest.h"
#include "assay/enrolment.h"
#include "assay/file.h"
#include "assay/hex.h"
#include "assay/http.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/path.h"
#include "assay/process.h"
#include "assay/store.h"
#include "assay/time.h"
#include "brought.h"
#include "labels.h"
#include "summary.h"
#include "tail.h"
#include "telemetry.h"
#include "tidy.h"

enum {
	LEASE_MS = 60000,
	WAIT_MS = 20000,  /* for a job, on the scheduler's side */
	TICK_MS = 200,
	GRACE_MS = 1500,  /* between asking a job to end and killing it */
	RETRY_S = 3,	  /* while the scheduler is away */
	RENEW_AGAIN_MS = 30000,
	ONCE_TRIES = 3,
	REPORT_TRIES = 600, /* half an hour: an outcome is worth more patience than a heartbeat */
	LAST_TRIES = 3,	    /* when this worker is to end */
};

struct daemon {
	const struct assay_worker_options *options;
	struct assay_http_client *client;
	struct assay_store *store;
	struct assay_retention retention;
	char name[200];
	struct assay_buf labels;
	char request[40]; /* of the lease that is asked for, until it is answered */
	/* over https */
	char *identity;
	struct assay_certificate certificate;
	int64_t renew_after; /* a renewal that failed is tried again then */
	struct telemetry telemetry;
};

struct task {
	int64_t job, fence;
	char *target, *given, *directory, *log,
		token[200]; /* given: what `assay verify` is given for its target */
	const json_t *options;
	pid_t pid;
	struct tail tail;
	int64_t started_ns;
};

enum ending { ENDED, CANCELLED, LEASE_LOST, STOPPED };

static int64_t now_ms(void)
{
	return (int64_t)(assay_time_monotonic() * 1000);
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void sleep_ms(int ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

/* ---- the job's process ---------------------------------------------------------------------------- */

/* What a submitter may choose.  Nothing else of the options reaches a command line. */
static const struct {
	const char *key, *option;
	bool flag;
} passed[] = {
	{ "accept", "--accept=", false },
	{ "recipe", "--recipe-digest=", false },
	{ "require_signature", "--require-signature", true },
};

static bool add_option(char **argv, size_t *count, size_t i, const json_t *options)
{
	const json_t *value = json_object_get(options, passed[i].key);

	if (passed[i].flag && json_is_true(value))
		argv[(*count)++] = strdup(passed[i].option);
	else if (!passed[i].flag && json_is_string(value)) {
		if (asprintf(&argv[*count], "%s%s", passed[i].option, json_string_value(value)) < 0)
			return false;
		(*count)++;
	} else {
		return true;
	}
	return argv[*count - 1] != NULL;
}

static bool make_command(const struct daemon *d, const struct task *task, char **argv)
{
	size_t count = 0;
	bool ok = (argv[count++] = strdup("assay")) && (argv[count++] = strdup("verify")) &&
		  asprintf(&argv[count++], "--store=%s", assay_store_name(d->store)) > 0 &&
		  asprintf(&argv[count++], "--json=%s/report.json", task->directory) > 0 &&
		  asprintf(&argv[count++], "--output=%s/run", task->directory) > 0 &&
		  (argv[count++] = strdup("--attempts=1")) && (argv[count++] = strdup("--verbose"));

	if (ok && json_object_get(task->options, "buildinfo"))
		ok = asprintf(&argv[count++], "--buildinfo=%s/" BROUGHT_BUILDINFO,
			      task->directory) > 0;
	if (ok && d->options->secrets)
		ok = asprintf(&argv[count++], "--secrets=%s", d->options->secrets) > 0;
	for (size_t i = 0; ok && i < sizeof(passed) / sizeof(passed[0]); i++)
		ok = add_option(argv, &count, i, task->options);
	/* nothing behind "--" is taken for an option */
	return ok && (argv[count++] = strdup("--")) &&
	       (argv[count] = strdup(task->given ? task->given : task->target));
}

/* All that it says, and its build, is the job's log. */
static void child_main(const struct task *task, char **argv)
{
	static const char *const secrets[] = { "ASSAY_IDENTITY", "ASSAY_SCHEDULER", "ASSAY_TOKEN", "ASSAY_TOKEN_FILE" };
	int null = open("/dev/null", O_RDWR);
	int log = open(task->log, O_WRONLY | O_CREAT | O_APPEND, 0600);

	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		unsetenv(secrets[i]);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
	}
	if (log >= 0)
		dup2(log, STDERR_FILENO);
	execv("/proc/self/exe", argv);
	_exit(127);
}

static enum assay_code start(const struct daemon *d, struct task *task, struct assay_error *err)
{
	char *argv[16] = { NULL };
	bool ok = make_command(d, task, argv);

	if (ok) {
		task->pid = fork();
		if (task->pid == 0)
			child_main(task, argv);
		if (task->pid < 0)
			assay_fail_errno(err, "fork");
		else
			setpgid(task->pid, task->pid);
	} else {
		assay_fail(err, ASSAY_ENOMEM, "out of memory");
	}
	for (size_t i = 0; i < sizeof(argv) / sizeof(argv[0]); i++)
		free(argv[i]);
	return err->code;
}

static bool has_ended(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == pid;
}

/* Asked first, so that it removes its box and its files; then killed. */
static void stop(struct task *task)
{
	int64_t until = now_ms() + GRACE_MS;

	kill(-task->pid, SIGTERM);
	while (now_ms() < until) {
		if (has_ended(task->pid))
			return;
		sleep_ms(20);
	}
	kill(-task->pid, SIGKILL);
	waitpid(task->pid, NULL, 0);
}

/* ---- the scheduler -------------------------------------------------------------------------------- */

static enum assay_code show_identity(struct daemon *d, struct assay_error *err)
{
	assay_http_client_free(assay_steal(d->client));
	return assay_enrolment_connect(d->options->socket, d->identity, &d->client, &d->certificate, err);
}

/* The certificate is replaced when half of its time is over; there is the other half to try again in. */
static void keep_identity(struct daemon *d)
{
	struct assay_error err = ASSAY_ERROR_INIT;

	if (!d->identity || !assay_enrolment_is_due(&d->certificate, assay_time_now()) || now_ms() < d->renew_after)
		return;
	d->renew_after = now_ms() + RENEW_AGAIN_MS;
	if (assay_enrolment_renew(d->client, d->identity, &err) || show_identity(d, &err))
		assay_log(ASSAY_LOG_WARNING, "certificate: not renewed: %s", err.msg);
	else
		assay_log(ASSAY_LOG_NOTE, "certificate: renewed");
}

/* The newest is the one that holds longest. */
static void take_token(struct task *task, const json_t *answer)
{
	snprintf(task->token, sizeof(task->token), "%s", assay_json_text(answer, "token", task->token));
}

/* ASSAY_ENOTFOUND: the lease is gone; ASSAY_EUNTRUSTED: so are we.  A scheduler that does not answer is no reason to stop: the lease may well
 * live, and if not the outcome is refused. */
static enum assay_code beat(struct daemon *d, struct task *task, bool *ret_cancel,
			    bool *ret_follow, struct assay_error *err)
{
	assay_auto(assay_json_freep) json_t *body = assay_json_object();
	assay_auto(assay_json_freep) json_t *answer = NULL;
	char path[80];

	keep_identity(d);
	snprintf(path, sizeof(path), "/v1/jobs/%lld/heartbeat", (long long)task->job);
	assay_json_set_text(body, "worker", d->name);
	assay_json_set_int(body, "fence", task->fence);
	assay_json_set_int(body, "length_ms", LEASE_MS);
	if (assay_http_call(d->client, "POST", path, body, &answer, err))
		return err->code;
	*ret_cancel = assay_json_bool(answer, "cancel");
	*ret_follow = assay_json_bool(answer, "follow");
	take_token(task, answer);
	return ASSAY_OK;
}

static enum ending watch(struct daemon *d, struct task *task)
{
	int64_t next = now_ms() + TICK_MS;

	while (!has_ended(task->pid)) {
		struct assay_error err = ASSAY_ERROR_INIT;
		bool cancel = false, follow = false;

		if (assay_interrupted) {
			stop(task);
			return STOPPED;
		}
		sleep_ms(TICK_MS);
		if (now_ms() < next)
			continue;
		/* often enough that a cancelled build is dead within two seconds of being told */
		next = now_ms() + TICK_MS * 2;
		switch (beat(d, task, &cancel, &follow, &err)) {
		case ASSAY_ENOTFOUND:
		case ASSAY_EUNTRUSTED:
			stop(task);
			return LEASE_LOST;
		case ASSAY_OK:
			if (follow && !cancel && tail_send(d->client, &task->tail, &err))
				assay_log(ASSAY_LOG_WARNING, "job %lld: log: %s", (long long)task->job, err.msg);
			if (!cancel)
				break;
			stop(task);
			return CANCELLED;
		default:
			assay_log(ASSAY_LOG_WARNING, "job %lld: %s", (long long)task->job, err.msg);
			next = now_ms() + RETRY_S * 1000;
		}
	}
	return ENDED;
}

/* The scheduler, or what it stands on, is in trouble now and may not be later. */
static bool is_worth_another_try(enum assay_code code, int tries)
{
	return (code == ASSAY_EBUSY || code == ASSAY_EIO) && tries < (assay_interrupted ? LAST_TRIES : REPORT_TRIES);
}

static enum assay_code upload(struct daemon *d, const char *path, char *hex, struct assay_error *err)
{
	for (int tries = 1;; tries++) {
		*err = (struct assay_error)ASSAY_ERROR_INIT;
		if (!is_worth_another_try(assay_http_upload(d->client, path, hex, err), tries))
			return err->code;
		sleep_ms(RETRY_S * 1000);
	}
}

static enum assay_code send_outcome(struct daemon *d, const struct task *task, const json_t *body,
				    struct assay_error *err)
{
	char path[80];

	snprintf(path, sizeof(path), "/v1/jobs/%lld/outcome", (long long)task->job);
	for (int tries = 1;; tries++) {
		assay_auto(assay_json_freep) json_t *answer = NULL;

		*err = (struct assay_error)ASSAY_ERROR_INIT;
		if (!assay_http_call(d->client, "POST", path, body, &answer, err)) {
			assay_log(ASSAY_LOG_NOTE, "job %lld: %s, %s", (long long)task->job,
				  assay_json_text(body, "verdict", ""), assay_json_text(answer, "state", ""));
			return ASSAY_OK;
		}
		if (!is_worth_another_try(err->code, tries))
			return err->code;
		sleep_ms(RETRY_S * 1000);
	}
}

/* Its report; without one it died, and that is our own trouble. */
static void read_report(const struct task *task, struct assay_buf *text, json_t **ret)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	assay_auto(assay_freep) char *path = assay_path_join(task->directory, "report.json");

	*ret = NULL;
	if (!path || assay_file_read(AT_FDCWD, path, text, &err) ||
	    assay_json_parse(assay_buf_span(text), "report", ret, &err))
		assay_log(ASSAY_LOG_WARNING, "job %lld: no report: %s", (long long)task->job, err.msg);
}

/* The statements of the run, one envelope a line. */
static enum assay_code gather_statements(const struct task *task, const json_t *report, const char *path,
					 struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf all = ASSAY_BUF_INIT(ASSAY_MAX_ENVELOPE);
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(report, "attestations"), i, item) {
		char name[8192];

		snprintf(name, sizeof(name), "%s/run/%s", task->directory, assay_json_text(item, "path", ""));
		if (assay_file_read(AT_FDCWD, name, &all, err))
			return assay_context(err, "statements");
	}
	if (assay_buf_check(&all, "statements", err))
		return err->code;
	return assay_file_write(AT_FDCWD, path, assay_buf_span(&all), 0600, err);
}

/* What is not there, or cannot be sent, is missing in the outcome; the verdict does not wait for it. */
static void send_file(struct daemon *d, const struct task *task, const char *path, const char *key, json_t *body)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	char hex[ASSAY_DIGEST_TEXT];

	if (!upload(d, path, hex, &err))
		assay_json_set_text(body, key, hex);
	else
		assay_log(ASSAY_LOG_WARNING, "job %lld: %s: %s", (long long)task->job, key, err.msg);
}

static void send_evidence(struct daemon *d, const struct task *task, const json_t *found, json_t *body)
{
	assay_auto(assay_buf_release) struct assay_buf path = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	struct assay_error err = ASSAY_ERROR_INIT;

	if (task->log)
		send_file(d, task, task->log, "log", body);
	if (!found)
		return;
	summary_add(found, body);
	assay_buf_printf(&path, "%s/report.json", task->directory);
	send_file(d, task, assay_buf_text(&path), "report", body);
	if (!json_array_size(json_object_get(found, "attestations")))
		return;
	assay_buf_clear(&path);
	assay_buf_printf(&path, "%s/statements.jsonl", task->directory);
	if (gather_statements(task, found, assay_buf_text(&path), &err))
		assay_log(ASSAY_LOG_WARNING, "job %lld: %s", (long long)task->job, err.msg);
	else
		send_file(d, task, assay_buf_text(&path), "attestations", body);
}

static void keep_trace(struct daemon *d, const struct task *task, const json_t *found, const char *verdict)
{
	struct spans_attempt attempt = { .scheduler = d->options->socket,
					 .worker = d->name,
					 .pool = d->options->pool ? d->options->pool : "default",
					 .target = task->target,
					 .verdict = verdict,
					 .job = task->job,
					 .fence = task->fence,
					 .started_ns = task->started_ns,
					 .ended_ns = now_ns(),
					 .report = found };

	telemetry_keep(&d->telemetry, &attempt);
}

/* trouble: why the job could not even be started; else NULL. */
static void report(struct daemon *d, const struct task *task, enum ending ending, const char *trouble)
{
	static const char *const words[] = { [ENDED] = "farm-error", [CANCELLED] = "cancelled", [STOPPED] = "lost" };
	static const char *const reasons[] = { [ENDED] = "the job's process died without a report",
					       [CANCELLED] = "it was cancelled",
					       [STOPPED] = "the worker was stopped" };
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	assay_auto(assay_json_freep) json_t *found = NULL;
	assay_auto(assay_json_freep) json_t *body = assay_json_object();
	struct assay_error err = ASSAY_ERROR_INIT;

	if (ending == LEASE_LOST) {
		assay_log(ASSAY_LOG_WARNING, "job %lld: the lease was lost", (long long)task->job);
		keep_trace(d, task, NULL, "lost");
		return;
	}
	assay_json_set_text(body, "worker", d->name);
	assay_json_set_int(body, "fence", task->fence);
	assay_json_set_text(body, "token", task->token);
	if (ending == ENDED && !trouble)
		read_report(task, &text, &found);
	if (found) {
		assay_json_set_text(body, "verdict", assay_json_text(found, "verdict", "farm-error"));
		assay_json_set_text(body, "reason", assay_json_text(found, "reason", ""));
	} else {
		assay_json_set_text(body, "verdict", words[ending]);
		assay_json_set_text(body, "reason", trouble ? trouble : reasons[ending]);
	}
	send_evidence(d, task, found, body);
	keep_trace(d, task, found, assay_json_text(body, "verdict", ""));
	if (send_outcome(d, task, body, &err))
		assay_log(ASSAY_LOG_ERROR, "job %lld: the outcome was not taken: %s", (long long)task->job, err.msg);
}

static enum assay_code open_log(const struct daemon *d, struct task *task, struct assay_error *err)
{
	task->log = assay_path_join(task->directory, "log");
	if (!task->log)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	task->tail = (struct tail){ task->log, d->name, task->job, task->fence, 0 };
	return ASSAY_OK;
}

static enum assay_code run_task(struct daemon *d, struct task *task, struct assay_error *err)
{
	struct assay_error ignored = ASSAY_ERROR_INIT;

	assay_log(ASSAY_LOG_NOTE, "job %lld: %s", (long long)task->job, task->target);
	if (assay_store_make_temp(d->store, &task->directory, err) || open_log(d, task, err) ||
	    brought_fetch(d->client, task->directory, task->target, task->options, &task->given,
			  err) ||
	    start(d, task, err))
		report(d, task, ENDED, err->msg);
	else
		report(d, task, watch(d, task), NULL);
	if (task->directory && assay_path_remove_tree(AT_FDCWD, task->directory, &ignored))
		assay_log(ASSAY_LOG_WARNING, "%s: %s", task->directory, ignored.msg);
	return err->code;
}

/* ---- the loop ------------------------------------------------------------------------------------- */

/* One key until there is an answer, so that a lease whose answer was lost is not lost with it. */
static void name_request(struct daemon *d)
{
	unsigned char bytes[16];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		abort();
	assay_hex_encode(assay_span_of(bytes, sizeof(bytes)), d->request);
}

static enum assay_code ask(struct daemon *d, json_t **ret, struct assay_error *err)
{
	assay_auto(assay_json_freep) json_t *body = assay_json_object();

	keep_identity(d);
	if (!*d->request)
		name_request(d);

	assay_json_set_text(body, "worker", d->name);
	assay_json_set_text(body, "pool", d->options->pool ? d->options->pool : "default");
	assay_json_set_text(body, "labels", assay_buf_text(&d->labels));
	assay_json_set_text(body, "version", ASSAY_VERSION);
	assay_json_set_text(body, "request", d->request);
	assay_json_set_int(body, "length_ms", LEASE_MS);
	assay_json_set_int(body, "wait_ms", d->options->once ? WAIT_MS / 4 : WAIT_MS);
	if (assay_http_call(d->client, "POST", "/v1/lease", body, ret, err))
		return err->code;
	*d->request = '\0';
	return ASSAY_OK;
}

static enum assay_code one_job(struct daemon *d, bool *ret_had, struct assay_error *err)
{
	assay_auto(assay_json_freep) json_t *lease = NULL;
	struct task task = { .job = 0 };
	enum assay_code code;

	*ret_had = false;
	worker_tidy(d->store, &d->retention);
	if (ask(d, &lease, err))
		return err->code;
	if (!lease)
		return ASSAY_OK;
	*ret_had = true;
	task = (struct task){ .job = assay_json_int(lease, "job", 0),
			      .fence = assay_json_int(lease, "fence", 0),
			      .target = strdup(assay_json_text(lease, "target", "")),
			      .options = json_object_get(lease, "options"),
			      .started_ns = now_ns() };
	take_token(&task, lease);
	code = task.target ? run_task(d, &task, err) : assay_fail(err, ASSAY_ENOMEM, "out of memory");
	free(task.target);
	free(task.given);
	free(task.directory);
	free(task.log);
	return code;
}

/* To ask for a job in a wrong way, or without being allowed to, will not be better next time; everything else may, and
 * what is wrong with one job says nothing of the next. */
static bool is_final(enum assay_code code, bool had)
{
	return !had && (code == ASSAY_EUSAGE || code == ASSAY_EUNTRUSTED || code == ASSAY_EBUG);
}

static enum assay_code loop(struct daemon *d, struct assay_error *err)
{
	for (int idle = 0; !assay_interrupted;) {
		bool had = false;

		*err = (struct assay_error)ASSAY_ERROR_INIT;
		if (one_job(d, &had, err)) {
			if (is_final(err->code, had))
				return err->code;
			assay_log(ASSAY_LOG_WARNING, "%s", err->msg);
			sleep_ms(RETRY_S * 1000);
		}
		telemetry_send(&d->telemetry);
		idle = had ? 0 : idle + 1;
		if (d->options->once && (had || idle == ONCE_TRIES))
			return had ? err->code : assay_fail(err, ASSAY_ENOTFOUND, "no job to do");
	}
	return ASSAY_OK;
}

static void name_worker(struct daemon *d)
{
	char host[100] = "host";

	gethostname(host, sizeof(host) - 1);
	if (d->options->name)
		snprintf(d->name, sizeof(d->name), "%s", d->options->name);
	else
		snprintf(d->name, sizeof(d->name), "%s-%d", host, (int)getpid());
}

/* Over the socket nobody asks who we are. */
static enum assay_code introduce(struct daemon *d, struct assay_error *err)
{
	const struct assay_worker_options *o = d->options;

	if (strncmp(o->socket, "https://", 8) != 0)
		return assay_http_client_new(o->socket, &d->client, err);
	d->identity = o->identity ? strdup(o->identity) : assay_path_join(assay_store_root(d->store), "worker");
	if (!d->identity)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if ((o->token && assay_enrol(o->socket, o->token, d->identity, &d->certificate, err)) || show_identity(d, err))
		return err->code;
	snprintf(d->name, sizeof(d->name), "%s", d->certificate.name);
	return ASSAY_OK;
}

enum assay_code assay_worker_run(const struct assay_worker_options *options, struct assay_error *err)
{
	struct daemon d = { .options = options, .labels = ASSAY_BUF_INIT(ASSAY_MAX_FIELD) };
	enum assay_code code = assay_store_open(options->store, &d.store, err);

	if (!code && options->name && strlen(options->name) >= sizeof(d.name))
		code = assay_fail(err, ASSAY_EUSAGE, "--name: want at most %zu bytes", sizeof(d.name) - 1);
	name_worker(&d);
	worker_labels(options->box, options->labels, &d.labels);
	assay_retention_init(&d.retention);
	if (!code && options->retention)
		code = assay_retention_parse(&d.retention, options->retention, err);
	if (!code)
		code = assay_buf_check(&d.labels, "labels", err);
	if (!code)
		code = introduce(&d, err);
	if (!code)
		code = telemetry_open(assay_store_root(d.store), options->telemetry, options->telemetry_limit, &d.telemetry,
				      err);
	if (!code) {
		assay_log(ASSAY_LOG_NOTE, "worker %s: %s", d.name, assay_buf_text(&d.labels));
		code = loop(&d, err);
	}
	telemetry_send(&d.telemetry);
	telemetry_close(&d.telemetry);
	assay_http_client_free(d.client);
	assay_buf_release(&d.labels);
	assay_store_free(d.store);
	free(d.identity);
	return code;
}
