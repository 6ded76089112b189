/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite: one file, one scheduler.  WAL, so that readers do not wait for the writer, and full synchronisation: a
 * result that was acknowledged outlives the power.  A writing transaction takes its lock at the start, so that it
 * cannot fail half way for want of it.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "database_int.h"

enum { CACHED = 64, BUSY_MS = 10000 };

struct sqlite {
	sqlite3 *db;
	/* statements that were run before, so that each is parsed once */
	struct {
		char *sql;
		sqlite3_stmt *statement;
	} cache[CACHED];
	size_t used;
};

static enum assay_code fail(sqlite3 *db, const char *what, struct assay_error *err)
{
	int code = sqlite3_errcode(db) & 0xff;
	bool busy = code == SQLITE_BUSY || code == SQLITE_LOCKED;
	bool damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;

	return assay_fail(err, busy ? ASSAY_EBUSY : damaged ? ASSAY_EUNTRUSTED : ASSAY_EIO, "database: %s: %s", what,
			  sqlite3_errmsg(db));
}

static enum assay_code sqlite_script(struct assay_database *db, const char *sql,
				     struct assay_error *err)
{
	struct sqlite *sqlite = db->connection;

	if (sqlite3_exec(sqlite->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return fail(sqlite->db, "script", err);
	return ASSAY_OK;
}

static void sqlite_close(struct assay_database *db)
{
	struct sqlite *sqlite = db->connection;

	for (size_t i = 0; i < sqlite->used; i++) {
		sqlite3_finalize(sqlite->cache[i].statement);
		free(sqlite->cache[i].sql);
	}
	sqlite3_close(sqlite->db);
	free(sqlite);
}

static enum assay_code sqlite_open(struct assay_database *db, const char *url,
				   struct assay_error *err)
{
	const char *path = url + strlen("sqlite:");
	struct sqlite *sqlite = calloc(1, sizeof(*sqlite));

	if (!sqlite)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	db->connection = sqlite;
	if (sqlite3_open_v2(path, &sqlite->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK ||
	    sqlite3_busy_timeout(sqlite->db, BUSY_MS) != SQLITE_OK)
		fail(sqlite->db, path, err);
	else
		sqlite_script(db,
			      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			      "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF",
			      err);
	if (err->code)
		sqlite_close(db);
	return err->code;
}

/* In one step: with WAL a reader sees one moment and keeps nobody from writing. */
static enum assay_code sqlite_copy(struct assay_database *db, const char *path, struct assay_error *err)
{
	struct sqlite *sqlite = db->connection;
	sqlite3_backup *backup = NULL;
	sqlite3 *to = NULL;
	int code = SQLITE_ERROR;

	if (sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK)
		backup = sqlite3_backup_init(to, "main", sqlite->db, "main");
	if (backup) {
		code = sqlite3_backup_step(backup, -1);
		sqlite3_backup_finish(backup);
	}
	if (code != SQLITE_DONE)
		assay_fail(err, ASSAY_EIO, "database: copy to %s: %s", path,
			   backup ? sqlite3_errstr(code) : sqlite3_errmsg(to));
	sqlite3_close(to);
	return err->code;
}

/* ---- statements ---------------------------------------------------------------------------------- */

/* "$1" is a name to SQLite, "?1" the first parameter. */
static sqlite3_stmt *prepare(struct sqlite *sqlite, const char *sql)
{
	char *numbered = strdup(sql);
	sqlite3_stmt *statement = NULL;

	for (char *at = numbered; at && (at = strchr(at, '$')); at++)
		*at = '?';
	if (numbered && sqlite3_prepare_v2(sqlite->db, numbered, -1, &statement, NULL) != SQLITE_OK)
		statement = NULL;
	free(numbered);
	return statement;
}

static sqlite3_stmt *prepared(struct sqlite *sqlite, const char *sql, bool *ret_cached)
{
	sqlite3_stmt *statement;

	for (size_t i = 0; i < sqlite->used; i++)
		if (strcmp(sqlite->cache[i].sql, sql) == 0) {
			*ret_cached = true;
			return sqlite->cache[i].statement;
		}
	*ret_cached = false;
	statement = prepare(sqlite, sql);
	if (!statement)
		return NULL;
	if (sqlite->used < CACHED) {
		char *copy = strdup(sql);

		if (copy) {
			sqlite->cache[sqlite->used].sql = copy;
			sqlite->cache[sqlite->used++].statement = statement;
			*ret_cached = true;
		}
	}
	return statement;
}

static bool bind(sqlite3_stmt *statement, const struct assay_value *values, size_t count)
{
	size_t used = (size_t)sqlite3_bind_parameter_count(statement);

	/* a statement may use fewer than it is given */
	for (size_t i = 0; i < count && i < used; i++) {
		int index = (int)i + 1, code = SQLITE_OK;

		if (values[i].type == ASSAY_VALUE_INT)
			code = sqlite3_bind_int64(statement, index, values[i].number);
		else if (values[i].type == ASSAY_VALUE_TEXT)
			code = sqlite3_bind_text(statement, index, values[i].text, -1, SQLITE_STATIC);
		if (code != SQLITE_OK)
			return false;
	}
	return true;
}

static enum assay_code keep_row(sqlite3_stmt *statement, struct assay_rows *rows,
				struct assay_error *err)
{
	int columns = sqlite3_column_count(statement);
	const char **row = rows_add(rows, columns, err);

	if (!row)
		return err->code;
	for (int i = 0; i < columns; i++) {
		const char *text = (const char *)sqlite3_column_text(statement, i);

		if (!text)
			continue;
		row[i] = assay_arena_text(&rows->arena, assay_span_text(text));
		if (!row[i])
			return assay_fail(err, ASSAY_ELIMIT, "database: the answer is too large");
	}
	return ASSAY_OK;
}

static enum assay_code step_through(struct sqlite *sqlite, sqlite3_stmt *statement,
				    struct assay_rows *rows, struct assay_error *err)
{
	int code;

	while ((code = sqlite3_step(statement)) == SQLITE_ROW)
		if (rows && keep_row(statement, rows, err))
			return err->code;
	return code == SQLITE_DONE ? ASSAY_OK : fail(sqlite->db, sqlite3_sql(statement), err);
}

static enum assay_code sqlite_run(struct assay_database *db, const char *sql,
				  const struct assay_value *values, size_t count,
				  struct assay_rows *rows, struct assay_error *err)
{
	struct sqlite *sqlite = db->connection;
	bool cached;
	sqlite3_stmt *statement = prepared(sqlite, sql, &cached);

	if (!statement)
		return fail(sqlite->db, sql, err);
	if (!bind(statement, values, count))
		fail(sqlite->db, sql, err);
	else
		step_through(sqlite, statement, rows, err);
	if (cached) {
		sqlite3_reset(statement);
		sqlite3_clear_bindings(statement);
	} else {
		sqlite3_finalize(statement);
	}
	return err->code;
}

/* A file does not go away. */
static void sqlite_revive(struct assay_database *db)
{
	(void)db;
}

static enum assay_code sqlite_begin(struct assay_database *db, struct assay_error *err)
{
	return sqlite_run(db, "BEGIN IMMEDIATE", NULL, 0, NULL, err);
}

static enum assay_code sqlite_commit(struct assay_database *db, struct assay_error *err)
{
	return sqlite_run(db, "COMMIT", NULL, 0, NULL, err);
}

static void sqlite_rollback(struct assay_database *db)
{
	struct sqlite *sqlite = db->connection;

	if (!sqlite3_get_autocommit(sqlite->db))
		sqlite3_exec(sqlite->db, "ROLLBACK", NULL, NULL, NULL);
}

static enum assay_code sqlite_notify(struct assay_database *db, struct assay_error *err)
{
	(void)db;
	(void)err;
	return ASSAY_OK;
}

static bool sqlite_wait(struct assay_database *db, int timeout_ms)
{
	struct timespec wait = { .tv_sec = timeout_ms / 1000,
				 .tv_nsec = (long)(timeout_ms % 1000) * 1000000 };

	(void)db;
	nanosleep(&wait, NULL);
	return false;
}

const struct database_ops database_sqlite = {
	.scheme = "sqlite:",
	.id = "INTEGER PRIMARY KEY AUTOINCREMENT",
	.skip = "",
	.lock = "",
	.now = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
	.joined = "group_concat",
	.open = sqlite_open,
	.close = sqlite_close,
	.revive = sqlite_revive,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.run = sqlite_run,
	.script = sqlite_script,
	.copy = sqlite_copy,
	.notify = sqlite_notify,
	.wait = sqlite_wait,
};
