/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, transactions and migrations; what is common to both kinds.  See the header. */
#include "assay/database.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/limits.h"
#include "database_int.h"

enum {
	TRIES = 40,	    /* of a transaction: half a minute, in which a server may restart */
	TRIES_READING = 10, /* of a lone SELECT: a second */
	WAIT_MS_MAX = 1000,
};

static const struct database_ops *const kinds[] = { &database_postgres, &database_sqlite };

enum assay_code assay_database_open(const char *url, struct assay_database **ret,
				    struct assay_error *err)
{
	struct assay_database *db = calloc(1, sizeof(*db));

	*err = (struct assay_error)ASSAY_ERROR_INIT;
	if (!db)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(url, kinds[i]->scheme, strlen(kinds[i]->scheme)) == 0)
			db->ops = kinds[i];
	db->url = strdup(url);
	if (!db->url)
		assay_fail(err, ASSAY_ENOMEM, "out of memory");
	else if (!db->ops)
		assay_fail(err, ASSAY_EUSAGE,
			   "database: want sqlite:PATH or postgresql://..., have \"%s\"", url);
	else if (!db->ops->open(db, url, err)) {
		*ret = db;
		return ASSAY_OK;
	}
	free(db->url);
	free(db);
	return err->code;
}

void assay_database_close(struct assay_database *db)
{
	if (!db)
		return;
	db->ops->close(db);
	free(db->url);
	free(db);
}

void assay_database_closep(struct assay_database **db)
{
	assay_database_close(*db);
}

bool assay_database_is_shared(const struct assay_database *db)
{
	return db->ops->shared;
}

enum assay_code assay_database_copy(struct assay_database *db, const char *path, struct assay_error *err)
{
	return db->ops->copy ? db->ops->copy(db, path, err) :
			       assay_fail(err, ASSAY_EUNSUPPORTED,
					  "database: this one has tools of its own for backups: pg_dump and pg_restore");
}

/* Replaces the words in which the two differ. */
static void translate(const struct assay_database *db, const char *sql, struct assay_buf *out)
{
	const struct {
		const char *word, *text;
	} words[] = { { "@ID@", db->ops->id },
		      { "@SKIP@", db->ops->skip },
		      { "@LOCK@", db->ops->lock },
		      { "@JOINED@", db->ops->joined },
		      { "@NOW@", db->ops->now } };
	size_t count = sizeof(words) / sizeof(words[0]);

	while (*sql) {
		size_t plain = strcspn(sql, "@"), i = 0;

		assay_buf_add(out, sql, plain);
		sql += plain;
		while (i < count && strncmp(sql, words[i].word, strlen(words[i].word)) != 0)
			i++;
		if (i < count) {
			assay_buf_add_text(out, words[i].text);
			sql += strlen(words[i].word);
		} else if (*sql) {
			assay_buf_add(out, sql++, 1);
		}
	}
}

static enum assay_code run_once(struct assay_database *db, const char *sql,
				const struct assay_value *values, size_t count,
				struct assay_rows **ret_rows, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	*err = (struct assay_error)ASSAY_ERROR_INIT;
	if (!ret_rows)
		return db->ops->run(db, sql, values, count, NULL, err);
	rows = calloc(1, sizeof(*rows));
	if (!rows)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	rows->arena = (struct assay_arena)ASSAY_ARENA_INIT(ASSAY_MAX_ROWS_BYTES);
	if (db->ops->run(db, sql, values, count, rows, err))
		return err->code;
	*ret_rows = assay_steal(rows);
	return ASSAY_OK;
}

static void pause_before(unsigned attempt)
{
	unsigned ms = attempt < 10 ? 1u << attempt : WAIT_MS_MAX;
	struct timespec wait = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&wait, NULL);
}

enum assay_code assay_database_run(struct assay_database *db, const char *sql,
				   const struct assay_value *values, size_t count,
				   struct assay_rows **ret_rows, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	/* only what changes nothing may be said twice */
	bool may_repeat = !db->in_transaction && strncmp(sql, "SELECT", strlen("SELECT")) == 0;

	if (strchr(sql, '@')) {
		translate(db, sql, &text);
		if (assay_buf_check(&text, "statement", err))
			return err->code;
		sql = assay_buf_text(&text);
	}
	for (unsigned attempt = 0;; attempt++) {
		if (!db->in_transaction)
			db->ops->revive(db);
		if (run_once(db, sql, values, count, ret_rows, err) != ASSAY_EBUSY || !may_repeat ||
		    attempt == TRIES_READING)
			return err->code;
		pause_before(attempt);
	}
}

/* ---- transactions -------------------------------------------------------------------------------- */

static enum assay_code try_once(struct assay_database *db, assay_database_step *step, void *data,
				struct assay_error *err)
{
	*err = (struct assay_error)ASSAY_ERROR_INIT;
	db->ops->revive(db);
	if (db->ops->begin(db, err))
		return err->code;
	db->in_transaction = true;
	if (step(db, data, err) || db->ops->commit(db, err))
		db->ops->rollback(db);
	db->in_transaction = false;
	return err->code;
}

enum assay_code assay_database_transact(struct assay_database *db, assay_database_step *step,
					void *data, struct assay_error *err)
{
	if (db->in_transaction)
		return step(db, data, err);
	for (unsigned attempt = 0;; attempt++) {
		if (!try_once(db, step, data, err))
			return ASSAY_OK;
		if (err->code != ASSAY_EBUSY || attempt == TRIES)
			return err->code;
		pause_before(attempt);
	}
}

/* ---- migrations ---------------------------------------------------------------------------------- */

struct migration {
	const char *const *steps;
	size_t count;
};

static enum assay_code migrate(struct assay_database *db, void *data, struct assay_error *err)
{
	const struct migration *m = data;
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	int64_t version;

	if (db->ops->script(db, "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)", err) ||
	    assay_database_run(db, "SELECT max(version) FROM schema_version", NULL, 0, &rows, err))
		return err->code;
	version = assay_rows_int(rows, 0, 0);
	if ((uint64_t)version > m->count)
		return assay_fail(err, ASSAY_EUNSUPPORTED,
				  "database: schema version %lld is newer than this program's %zu",
				  (long long)version, m->count);
	for (size_t i = (size_t)version; i < m->count; i++) {
		struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MIB);

		translate(db, m->steps[i], &text);
		if (!assay_buf_check(&text, "migration", err) &&
		    !db->ops->script(db, assay_buf_text(&text), err) &&
		    assay_database_run(db, "INSERT INTO schema_version VALUES ($1)",
				       ASSAY_VALUES(assay_int((int64_t)i + 1)), NULL, err))
			assay_context(err, "migration %zu", i + 1);
		assay_buf_release(&text);
		if (err->code)
			return err->code;
	}
	return ASSAY_OK;
}

enum assay_code assay_database_migrate(struct assay_database *db, const char *const *steps,
				       size_t count, struct assay_error *err)
{
	struct migration m = { steps, count };

	return assay_database_transact(db, migrate, &m, err);
}

enum assay_code assay_database_notify(struct assay_database *db, struct assay_error *err)
{
	return db->ops->notify(db, err);
}

bool assay_database_wait(struct assay_database *db, int timeout_ms)
{
	return db->ops->wait(db, timeout_ms);
}
