/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon.  Three things run: the server's threads, a thread that listens for what other schedulers on the same
 * database changed, and this one, which sweeps.  None of them holds a truth of its own: all of it is in the
 * database, and a scheduler that dies between any two lines is started again.
 */
#include "assay/scheduler.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "assay/cleanup.h"
#include "assay/log.h"
#include "assay/process.h"
#include "assay/time.h"
#include "place.h"
#include "queue.h"
#include "retention.h"
#include "scheduler.h"
#include "schema.h"
#include "upload.h"

enum { SWEEP_AT_ONCE = 200, SWEEP_MS = 1000, LISTEN_MS = 1000, UPLOADS_EVERY_S = 3600, UPLOADS_KEPT_S = 24 * 3600 };

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

	do {
		if (scheduler_clock_look(db, &err) || queue_sweep(db, scheduler_now(), SWEEP_AT_ONCE, &done, &err)) {
			assay_log(ASSAY_LOG_ERROR, "sweep: %s", err.msg);
			return;
		}
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

static enum assay_code run(struct scheduler *scheduler, const char *socket, const char *retention,
			   struct assay_error *err)
{
	assay_auto(assay_database_closep) struct assay_database *db = NULL;
	pthread_t listener;
	bool listening;
	const struct timespec pause = { .tv_sec = SWEEP_MS / 1000, .tv_nsec = SWEEP_MS % 1000 * 1000000L };

	if (assay_database_open(scheduler->database, &db, err) || scheduler_schema(db, err) ||
	    scheduler_clock_look(db, err) ||
	    retention_start(scheduler->store, scheduler->database, retention, &scheduler->retention, err) ||
	    assay_http_serve(socket, api_serve, scheduler, &scheduler->server, err))
		return err->code;
	listening = assay_database_is_shared(db) &&
		    pthread_create(&listener, NULL, listen_main, scheduler) == 0;
	assay_log(ASSAY_LOG_NOTE, "scheduler: listening at %s, state in %.*s", socket,
		  (int)strcspn(scheduler->database, ":"), scheduler->database);
	while (!assay_interrupted) {
		sweep(scheduler, db);
		sweep_uploads(scheduler);
		nanosleep(&pause, NULL);
	}
	__atomic_store_n(&scheduler->stopping, true, __ATOMIC_RELEASE);
	if (listening)
		pthread_join(listener, NULL);
	assay_http_stop(scheduler->server);
	assay_log(ASSAY_LOG_NOTE, "scheduler: stopped");
	return ASSAY_OK;
}

/* ---- start -------------------------------------------------------------------------------------- */

static enum assay_code default_database(struct assay_store *store, char **ret, struct assay_error *err)
{
	assay_auto(assay_freep) char *path = NULL;

	if (scheduler_path(store, "queue.db", &path, err))
		return err->code;
	if (asprintf(ret, "sqlite:%s", path) < 0)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	return ASSAY_OK;
}

enum assay_code assay_scheduler_run(const struct assay_scheduler_options *options,
				    struct assay_error *err)
{
	struct scheduler scheduler = { .lock = PTHREAD_MUTEX_INITIALIZER };
	assay_auto(assay_freep) char *socket = NULL;
	enum assay_code code = assay_store_open(options->store, &scheduler.store, err);

	if (!code && options->database)
		scheduler.database = strdup(options->database);
	else if (!code)
		code = default_database(scheduler.store, &scheduler.database, err);
	if (!code && options->socket)
		socket = strdup(options->socket);
	else if (!code)
		code = scheduler_path(scheduler.store, "socket", &socket, err);
	if (!code)
		code = scheduler.database && socket ? run(&scheduler, socket, options->retention, err) :
						      assay_fail(err, ASSAY_ENOMEM, "out of memory");
	for (size_t i = 0; i < scheduler.idle_count; i++)
		assay_database_close(scheduler.idle[i]);
	retention_stop(scheduler.retention);
	assay_store_free(scheduler.store);
	free(scheduler.database);
	return code;
}
