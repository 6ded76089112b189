/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon.  Four things run: the server's threads, a thread that listens for what other schedulers on the same
 * database changed, one that fires schedules, and this one, which sweeps.  None of them holds a truth of its own: all of it is in the
 * database, and a scheduler that dies between any two lines is started again.
 */
#include "assay/scheduler.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/process.h"
#include "audit.h"
#include "enrol.h"
#include "assay/time.h"
#include "fire.h"
#include "place.h"
#include "queue.h"
#include "retention.h"
#include "scheduler.h"
#include "schema.h"
#include "upload.h"
#include "users.h"

enum {
	SWEEP_AT_ONCE = 200,
	SWEEP_MS = 1000,
	LISTEN_MS = 1000,
	SCHEDULE_MS = 2000,
	HOSTS = 8,
	UPLOADS_EVERY_S = 3600,
	UPLOADS_KEPT_S = 24 * 3600,
};

/* ---- connections --------------------------------------------------------------------------------- */

enum assay_code scheduler_borrow(struct scheduler *scheduler, struct assay_database **ret,
				 struct assay_error *err)
{
	*ret = NULL;
	pthread_mutex_lock(&scheduler->lock);
	if (scheduler->idle_count)
		*ret = scheduler->idle[--scheduler->idle_count];
	pthread_mutex_unlock(&scheduler->lock);
	if (*ret || !assay_database_open(scheduler->database, ret, err))
		return ASSAY_OK;
	return err->code = ASSAY_EBUSY; /* it was there when we started, and will be again */
}

void scheduler_return(struct scheduler *scheduler, struct assay_database *db)
{
	if (!db)
		return;
	pthread_mutex_lock(&scheduler->lock);
	if (scheduler->idle_count < sizeof(scheduler->idle) / sizeof(scheduler->idle[0])) {
		scheduler->idle[scheduler->idle_count++] = db;
		db = NULL;
	}
	pthread_mutex_unlock(&scheduler->lock);
	assay_database_close(db);
}

/* ---- threads ------------------------------------------------------------------------------------- */

static void *listen_main(void *data)
{
	struct scheduler *scheduler = data;
	assay_auto(assay_database_closep) struct assay_database *db = NULL;
	struct assay_error err = ASSAY_ERROR_INIT;

	while (!__atomic_load_n(&scheduler->stopping, __ATOMIC_ACQUIRE)) {
		if (db && assay_database_wait(db, LISTEN_MS)) {
			assay_http_wake(scheduler->server);
		} else if (!db && assay_database_open(scheduler->database, &db, &err)) {
			assay_log(ASSAY_LOG_WARNING, "listening for other schedulers: %s", err.msg);
			nanosleep(&(struct timespec){ .tv_sec = LISTEN_MS / 1000 }, NULL);
		}
	}
	return NULL;
}

static void sweep(struct scheduler *scheduler, struct assay_database *db)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	size_t done = 0;
	int64_t now = 0;

	do {
		if (scheduler_clock_look(db, &now, &err) || queue_sweep(db, now, SWEEP_AT_ONCE, &done, &err)) {
			assay_log(ASSAY_LOG_ERROR, "sweep: %s", err.msg);
			return;
		}
		scheduler_clock_set(now);
		if (done)
			assay_http_wake(scheduler->server);
	} while (done >= SWEEP_AT_ONCE && !assay_interrupted);
	__atomic_store_n(&scheduler->swept, scheduler_now(), __ATOMIC_RELEASE);
}

/* Uploads that were given up. */
static void sweep_uploads(struct scheduler *scheduler)
{
	int64_t now = assay_time_now();

	if (now - scheduler->uploads_swept < UPLOADS_EVERY_S)
		return;
	scheduler->uploads_swept = now;
	upload_sweep(scheduler->store, now - UPLOADS_KEPT_S);
}

/* Lists may take a while to read, so that this has a thread of its own. */
static void *schedule_main(void *data)
{
	struct scheduler *scheduler = data;
	const struct timespec pause = { .tv_sec = SCHEDULE_MS / 1000 };

	while (!__atomic_load_n(&scheduler->stopping, __ATOMIC_ACQUIRE)) {
		struct assay_database *db = NULL;
		struct assay_error err = ASSAY_ERROR_INIT;
		size_t queued = 0;
		enum assay_code code = scheduler_borrow(scheduler, &db, &err);

		if (!code) {
			code = schedule_fire(db, scheduler->store, &queued, &err);
			scheduler_return(scheduler, db);
		}
		if (code && code != ASSAY_ENOTFOUND)
			assay_log(ASSAY_LOG_WARNING, "schedules: %s", err.msg);
		if (queued)
			assay_http_wake(scheduler->server);
		if (code)
			nanosleep(&pause, NULL);
	}
	return NULL;
}

/* Checkpoints, and what ran out; at_once when the scheduler starts or ends. */
static void sweep_identity(struct scheduler *scheduler, struct assay_database *db, bool at_once)
{
	struct assay_error err = ASSAY_ERROR_INIT;

	if (audit_sweep(scheduler, db, scheduler_now(), at_once, &err) || enrol_sweep(db, scheduler_now(), &err))
		assay_log(ASSAY_LOG_ERROR, "sweep: %s", err.msg);
}

/* ---- TLS ----------------------------------------------------------------------------------------- */

/* The names under which the scheduler is believed to be itself: where it listens, this machine's, and what it was
 * told. */
static enum assay_code listen_tls(struct scheduler *scheduler, const struct assay_scheduler_options *options,
				  struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf key = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	assay_auto(assay_buf_release) struct assay_buf certificate = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	assay_auto(assay_freep) char *address = strdup(options->listen);
	const char *hosts[HOSTS] = { "localhost", "127.0.0.1", "::1" };
	char *host, *port, name[256] = "";
	unsigned bound = 0;
	size_t count = 3;

	if (!address)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (!assay_http_split_address(address, &host, &port))
		return assay_fail(err, ASSAY_EUSAGE, "--listen: want HOST:PORT, [ADDRESS]:PORT or :PORT, have \"%s\"",
				  options->listen);
	if (*host && strcmp(host, "localhost") != 0)
		hosts[count++] = host;
	if (gethostname(name, sizeof(name) - 1) == 0 && *name)
		hosts[count++] = name;
	if (options->name)
		hosts[count++] = options->name;
	if (assay_authority_serve(scheduler->authority, hosts, scheduler_now() / 1000, &key, &certificate, err) ||
	    assay_http_serve_tls(scheduler->server,
				 &(struct assay_http_tls){ .address = options->listen,
							   .key = assay_buf_text(&key),
							   .certificate = assay_buf_text(&certificate),
							   .authorities = assay_authority_pem(scheduler->authority) },
				 &bound, err))
		return err->code;
	assay_log(ASSAY_LOG_NOTE, "scheduler: listening at https://%s:%u", *host ? host : name, bound);
	return ASSAY_OK;
}

/* ---- the daemon ---------------------------------------------------------------------------------- */

static void sweep_until_end(struct scheduler *scheduler, struct assay_database *db)
{
	const struct timespec pause = { .tv_sec = SWEEP_MS / 1000, .tv_nsec = SWEEP_MS % 1000 * 1000000L };

	sweep_identity(scheduler, db, true);
	while (!assay_interrupted) {
		sweep(scheduler, db);
		sweep_identity(scheduler, db, false);
		sweep_uploads(scheduler);
		nanosleep(&pause, NULL);
	}
}

static enum assay_code run(struct scheduler *scheduler, const char *socket,
			   const struct assay_scheduler_options *options, struct assay_error *err)
{
	assay_auto(assay_database_closep) struct assay_database *db = NULL;
	pthread_t listener, schedules;
	bool listening, scheduling;
	int64_t now;

	if (assay_database_open(scheduler->database, &db, err) || scheduler_schema(db, err) ||
	    scheduler_clock_look(db, &now, err) ||
	    retention_start(scheduler->store, scheduler->database, options->retention, &scheduler->retention, err) ||
	    assay_http_serve(socket, api_serve, api_limit, scheduler, &scheduler->server, err))
		return err->code;
	scheduler_clock_set(now);
	if (options->listen && listen_tls(scheduler, options, err)) {
		assay_http_stop(scheduler->server);
		return err->code;
	}
	listening = assay_database_is_shared(db) &&
		    pthread_create(&listener, NULL, listen_main, scheduler) == 0;
	scheduling = pthread_create(&schedules, NULL, schedule_main, scheduler) == 0;
	assay_log(ASSAY_LOG_NOTE, "scheduler: listening at %s, state in %.*s", socket,
		  (int)strcspn(scheduler->database, ":"), scheduler->database);
	sweep_until_end(scheduler, db);
	__atomic_store_n(&scheduler->stopping, true, __ATOMIC_RELEASE);
	if (listening)
		pthread_join(listener, NULL);
	if (scheduling)
		pthread_join(schedules, NULL);
	assay_http_stop(scheduler->server);
	sweep_identity(scheduler, db, true);
	assay_log(ASSAY_LOG_NOTE, "scheduler: stopped");
	return ASSAY_OK;
}

/* ---- start -------------------------------------------------------------------------------------- */

/* The authority and the key of the audit log, made on the first start. */
static enum assay_code load_keys(struct scheduler *scheduler, const char *authority_key, struct assay_error *err)
{
	assay_auto(assay_freep) char *authority = NULL;
	assay_auto(assay_freep) char *audit = NULL;
	bool made;

	if (scheduler_path(scheduler->store, "authority.pem", &authority, err) ||
	    scheduler_path(scheduler->store, "audit.key", &audit, err) ||
	    assay_authority_open(authority, authority_key, &scheduler->authority, err) || assay_key_ensure(audit, &made, err) ||
	    assay_key_load(audit, &scheduler->audit_key, err))
		return err->code;
	return ASSAY_OK;
}

enum assay_code assay_scheduler_run(const struct assay_scheduler_options *options,
				    struct assay_error *err)
{
	struct scheduler scheduler = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.lifetime_s = 60 * (options->lifetime_minutes ? options->lifetime_minutes : WORKER_LIFETIME_MINUTES),
	};
	assay_auto(assay_freep) char *socket = NULL;
	enum assay_code code = assay_store_open(options->store, &scheduler.store, err);

	if (!code && options->database)
		scheduler.database = strdup(options->database);
	else if (!code)
		code = scheduler_default_database(scheduler.store, &scheduler.database, err);
	if (!code && options->socket)
		socket = strdup(options->socket);
	else if (!code)
		code = scheduler_path(scheduler.store, "socket", &socket, err);
	if (!code)
		code = load_keys(&scheduler, options->authority_key, err);
	if (!code)
		code = users_start(options->users, &scheduler.users, err);
	if (!code)
		code = scheduler.database && socket ? run(&scheduler, socket, options, err) :
						      assay_fail(err, ASSAY_ENOMEM, "out of memory");
	for (size_t i = 0; i < scheduler.idle_count; i++)
		assay_database_close(scheduler.idle[i]);
	retention_stop(scheduler.retention);
	users_stop(scheduler.users);
	assay_authority_free(scheduler.authority);
	assay_key_free(scheduler.audit_key);
	assay_store_free(scheduler.store);
	free(scheduler.database);
	return code;
}
