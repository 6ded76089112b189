/* SPDX-License-Identifier: Apache-2.0 */
#include "retention.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/retention.h"
#include "assay/time.h"
#include "place.h"

enum { JOBS_AT_ONCE = 1000, NAMES_S = 3600 };

struct retention {
	struct assay_store *store;
	char *database;
	struct assay_retention policy;
	pthread_t thread;
	bool running;
	/* from here on under the lock */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping;
	struct assay_store_collected all, last; /* since the start; of the last collection */
	uint64_t collections, failures;
};

/* ---- what the database names --------------------------------------------------------------------- */

/* Whoever puts the digest of a blob into a table adds its query here: digest, or options that hold one, and milliseconds
 * or 0 for a job that is not over, of the jobs from $1 to before $2. */
static const struct {
	enum assay_store_class class;
	const char *query;
} named[] = {
	{ ASSAY_CLASS_REPORTS, "SELECT report, finished FROM job WHERE id >= $1 AND id < $2 AND report IS NOT NULL" },
	{ ASSAY_CLASS_REPORTS,
	  "SELECT report, finished FROM attempt WHERE job >= $1 AND job < $2 AND report IS NOT NULL" },
	{ ASSAY_CLASS_REPORTS,
	  "SELECT attestations, finished FROM attempt WHERE job >= $1 AND job < $2 AND attestations IS NOT NULL" },
	{ ASSAY_CLASS_LOGS, "SELECT log, finished FROM attempt WHERE job >= $1 AND job < $2 AND log IS NOT NULL" },
	{ ASSAY_CLASS_LOGS, "SELECT digest, 0 FROM log_part WHERE job >= $1 AND job < $2" },
	{ ASSAY_CLASS_LOCKS, "SELECT options, finished FROM job WHERE id >= $1 AND id < $2 AND "
			     "(options LIKE '%\"buildinfo\"%' OR target LIKE "
			     "'recipe:%')" },
};

static void write_name(enum assay_store_class class, const char *hex, int64_t time,
		       struct assay_buf *out)
{
	if (hex && *hex)
		assay_buf_printf(out, "%s %s %lld\n", assay_store_class_name(class), hex,
				 (long long)time);
}

/* What a submitter brought with a job. */
static void write_brought(enum assay_store_class class, const char *text, int64_t time,
			  struct assay_buf *out)
{
	assay_auto(assay_json_freep) json_t *options = NULL;
	struct assay_error ignored = ASSAY_ERROR_INIT;
	const char *path;
	json_t *hex;

	if (assay_json_parse(assay_span_text(text), "options", &options, &ignored))
		return;
	write_name(class, assay_json_text(options, "buildinfo", NULL), time, out);
	write_name(class, assay_json_text(options, "recipe", NULL), time, out);
	json_object_foreach (json_object_get(options, "files"), path, hex)
		write_name(class, json_string_value(hex), time, out);
}

static enum assay_code write_some(struct assay_database *db, size_t which, int64_t from, int64_t now,
				  struct assay_buf *out, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(db, named[which].query,
			       ASSAY_VALUES(assay_int(from), assay_int(from + JOBS_AT_ONCE)), &rows, err))
		return err->code;
	for (size_t i = 0; i < assay_rows_count(rows); i++) {
		int64_t finished = assay_rows_int(rows, i, 1) / 1000;

		const char *text = assay_rows_text(rows, i, 0);

		(text[0] == '{' ? write_brought : write_name)(named[which].class, text,
							      finished ? finished : now, out);
	}
	return ASSAY_OK;
}

enum assay_code retention_write_names(struct assay_database *db, struct assay_store *store, int64_t now,
				      struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_FARM_NAMES);
	assay_auto(assay_rows_freep) struct assay_rows *last = NULL;
	assay_auto(assay_freep) char *path = NULL;

	assay_buf_printf(&text, ASSAY_STORE_FARM_MAGIC "%lld\n", (long long)now);
	if (assay_database_run(db, "SELECT coalesce(max(id), 0) FROM job", NULL, 0, &last, err))
		return err->code;
	for (int64_t from = 0; from <= assay_rows_int(last, 0, 0); from += JOBS_AT_ONCE)
		for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
			if (write_some(db, i, from, now, &text, err))
				return err->code;
	if (assay_buf_check(&text, "names of blobs", err) ||
	    scheduler_path(store, ASSAY_STORE_FARM_NAMES_FILE, &path, err))
		return err->code;
	return assay_file_write(AT_FDCWD, path, assay_buf_span(&text), 0644, err);
}

/* ---- the thread ---------------------------------------------------------------------------------- */

static void add(struct assay_store_collected *all, const struct assay_store_collected *one)
{
	for (size_t i = 0; i < ASSAY_CLASS_COUNT; i++) {
		all->removed[i].count += one->removed[i].count;
		all->removed[i].bytes += one->removed[i].bytes;
	}
	all->removed_bytes += one->removed_bytes;
}

static enum assay_code collect(struct retention *r, struct assay_error *err)
{
	struct assay_store_collected got;
	bool done;
	enum assay_code code = assay_store_collect_if_due(r->store, &r->policy, &done, &got, err);

	pthread_mutex_lock(&r->lock);
	r->failures += code != ASSAY_OK;
	if (!code && done) {
		r->collections++;
		r->last = got;
		add(&r->all, &got);
	}
	pthread_mutex_unlock(&r->lock);
	if (got.removed_bytes)
		assay_log(ASSAY_LOG_NOTE, "store: %llu bytes removed", (unsigned long long)got.removed_bytes);
	return code;
}

/* What was used before now is named by the database, or was put here less than the grace ago. */
static enum assay_code look_after(struct retention *r, int64_t now, struct assay_error *err)
{
	assay_auto(assay_database_closep) struct assay_database *db = NULL;

	assay_store_renew(r->store);
	if (assay_database_open(r->database, &db, err) || retention_write_names(db, r->store, now, err))
		return err->code;
	return collect(r, err);
}

static void *thread_main(void *data)
{
	struct retention *r = data;
	int64_t next = assay_time_now() + NAMES_S;

	pthread_mutex_lock(&r->lock);
	while (!r->stopping) {
		struct assay_error err = ASSAY_ERROR_INIT;
		struct timespec until;
		int64_t now;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		pthread_cond_timedwait(&r->wake, &r->lock, &until);
		now = assay_time_now();
		if (r->stopping || (now < next && !assay_store_is_due(r->store, &r->policy)))
			continue;
		next = now + NAMES_S;
		pthread_mutex_unlock(&r->lock);
		if (look_after(r, now, &err) && err.code != ASSAY_EINTERRUPTED)
			assay_log(ASSAY_LOG_ERROR, "store: %s", err.msg);
		pthread_mutex_lock(&r->lock);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

/* ---- start --------------------------------------------------------------------------------------- */

static enum assay_code begin(struct retention *r, struct assay_error *err)
{
	assay_auto(assay_database_closep) struct assay_database *db = NULL;

	if (assay_database_open(r->database, &db, err) ||
	    retention_write_names(db, r->store, assay_time_now(), err))
		return err->code;
	r->running = pthread_create(&r->thread, NULL, thread_main, r) == 0;
	return r->running ? ASSAY_OK : assay_fail(err, ASSAY_EIO, "retention: no thread");
}

enum assay_code retention_start(struct assay_store *store, const char *database, const char *text,
				struct retention **ret, struct assay_error *err)
{
	struct retention *r = calloc(1, sizeof(*r));

	if (r)
		r->database = strdup(database);
	if (!r || !r->database) {
		free(r);
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	}
	r->store = store;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->wake, NULL);
	assay_retention_init(&r->policy);
	if ((text && assay_retention_parse(&r->policy, text, err)) || begin(r, err)) {
		retention_stop(r);
		return err->code;
	}
	*ret = r;
	return ASSAY_OK;
}

void retention_stop(struct retention *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->stopping = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	if (r->running)
		pthread_join(r->thread, NULL);
	free(r->database);
	free(r);
}

/* ---- metrics ------------------------------------------------------------------------------------- */

static void write_classes(struct assay_buf *out, const char *name, const char *type, const char *help,
			  const struct assay_store_count *counts, bool bytes)
{
	assay_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
	for (int i = 0; i < ASSAY_CLASS_COUNT; i++)
		assay_buf_printf(out, "%s{class=\"%s\"} %llu\n", name, assay_store_class_name(i),
				 (unsigned long long)(bytes ? counts[i].bytes : counts[i].count));
}

void retention_metrics(struct retention *r, struct assay_buf *out)
{
	pthread_mutex_lock(&r->lock);
	assay_buf_printf(out,
			 "# HELP assay_store_collections_total Collections of the store, by how they ended.\n"
			 "# TYPE assay_store_collections_total counter\n"
			 "assay_store_collections_total{outcome=\"done\"} %llu\n"
			 "assay_store_collections_total{outcome=\"failed\"} %llu\n",
			 (unsigned long long)r->collections, (unsigned long long)r->failures);
	write_classes(out, "assay_store_removed_total", "counter", "What collections removed, by class.",
		      r->all.removed, false);
	write_classes(out, "assay_store_removed_bytes_total", "counter", "Bytes that collections freed, by class.",
		      r->all.removed, true);
	write_classes(out, "assay_store_entries", "gauge", "What the last collection left in the store, by class.",
		      r->last.kept, false);
	pthread_mutex_unlock(&r->lock);
}
