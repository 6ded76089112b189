/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The farm's state in SQLite or PostgreSQL, by one set of SQL.  Statements use $1, $2 ... and what both know
 * (INSERT ... ON CONFLICT, RETURNING); where they differ, the text holds a word that is replaced:
 *
 *	@ID@	a column that numbers its rows
 *	@LOCK@	behind a SELECT: lock the rows until the transaction ends
 *	@SKIP@	the same, but pass over those that others hold
 *	@NOW@	milliseconds since 1970 by the database's clock, which is the same for all who share it
 *	@JOINED@(x, y)	the texts x of all rows in one, with y between them, in no certain order
 *
 * A database belongs to one thread.  Everything that changes more than one row goes through
 * assay_database_transact(), which runs its step again when another transaction was in the way or the server went
 * away: a step must start from nothing each time, and must recognise its own work done by an attempt whose
 * COMMIT was not answered.  A lone SELECT is tried again as well, for a second.
 */
#ifndef ASSAY_DATABASE_H
#define ASSAY_DATABASE_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"

struct assay_database;

/* "sqlite:PATH" ("sqlite::memory:" for one that is forgotten), or "postgresql://...".  ASSAY_EUSAGE for another
 * scheme, ASSAY_EIO when there is no connection. */
enum assay_code assay_database_open(const char *url, struct assay_database **ret,
				    struct assay_error *err) ASSAY_CHECKED;
void assay_database_close(struct assay_database *db); /* accepts NULL */
void assay_database_closep(struct assay_database **db);
/* Several schedulers may share it. */
bool assay_database_is_shared(const struct assay_database *db);

/* Writes the state as of one moment into a new SQLite file, while others go on.  ASSAY_EUNSUPPORTED for PostgreSQL. */
enum assay_code assay_database_copy(struct assay_database *db, const char *path, struct assay_error *err)
	ASSAY_CHECKED;

enum assay_value_type { ASSAY_VALUE_NULL, ASSAY_VALUE_INT, ASSAY_VALUE_TEXT };

struct assay_value {
	enum assay_value_type type;
	int64_t number;
	const char *text; /* borrowed until the statement has run */
};

static inline struct assay_value assay_int(int64_t number)
{
	return (struct assay_value){ ASSAY_VALUE_INT, number, NULL };
}

/* NULL is NULL. */
static inline struct assay_value assay_text(const char *text)
{
	return (struct assay_value){ text ? ASSAY_VALUE_TEXT : ASSAY_VALUE_NULL, 0, text };
}

#define ASSAY_VALUES(...)                                                                          \
	(const struct assay_value[]){ __VA_ARGS__ },                                               \
		sizeof((const struct assay_value[]){ __VA_ARGS__ }) / sizeof(struct assay_value)

/* What a statement gave back, all in memory, at most ASSAY_MAX_ROWS of it (more is ASSAY_ELIMIT). */
struct assay_rows;
size_t assay_rows_count(const struct assay_rows *rows); /* 0 for NULL */
/* NULL for NULL.  Valid until the rows are freed. */
const char *assay_rows_text(const struct assay_rows *rows, size_t row, int column);
int64_t assay_rows_int(const struct assay_rows *rows, size_t row, int column); /* 0 for NULL */
void assay_rows_free(struct assay_rows *rows);
void assay_rows_freep(struct assay_rows **rows);

/* One statement; use as
 *
 *	assay_database_run(db, "DELETE FROM lease WHERE job = $1", ASSAY_VALUES(assay_int(job)), NULL, err)
 *
 * ret_rows may be NULL when nothing is wanted back: within a transaction such a statement is not waited for, and its
 * error may be that of a later one, or of the commit.  ASSAY_EBUSY: another transaction was in the way, or the
 * connection is gone; the transaction is over, and is worth another try. */
enum assay_code assay_database_run(struct assay_database *db, const char *sql,
				   const struct assay_value *values, size_t count,
				   struct assay_rows **ret_rows, struct assay_error *err) ASSAY_CHECKED;

typedef enum assay_code assay_database_step(struct assay_database *db, void *data,
					    struct assay_error *err);

/* All of a step, or nothing.  Within a step it is part of the transaction that is under way: the outer step must fail
 * when the inner one has. */
enum assay_code assay_database_transact(struct assay_database *db, assay_database_step *step,
					void *data, struct assay_error *err) ASSAY_CHECKED;

/* Brings the schema to the newest version, each step in a transaction; several may try at once.  A database that
 * is newer than the list is refused. */
enum assay_code assay_database_migrate(struct assay_database *db, const char *const *steps,
				       size_t count, struct assay_error *err) ASSAY_CHECKED;

/* Tells whoever waits, in this process or another, once the transaction is committed. */
enum assay_code assay_database_notify(struct assay_database *db, struct assay_error *err) ASSAY_CHECKED;
/* Waits for such a word, at most so long; false on a time-out.  Also true after a connection was made (again), for
 * what was said before then was not heard.  SQLite has no such thing across connections: it
 * only sleeps there, and whoever uses it tells its own threads. */
bool assay_database_wait(struct assay_database *db, int timeout_ms);

#endif
