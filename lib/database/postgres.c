/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL through libpq: several schedulers, one database.  Read committed, with the rows that matter locked by
 * the statements themselves.  What PostgreSQL calls a serialization failure or a deadlock, and a connection that
 * went away, end the transaction and are worth another try; a connection is made again when one begins.
 */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "database_int.h"

enum { PARAMETERS = 32, TYPE_INT8 = 20, TYPE_TEXT = 25 }; /* types: pg_type.dat */

static enum assay_code fail(PGconn *connection, const PGresult *result, const char *what,
			    struct assay_error *err)
{
	const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	const char *said = result ? PQresultErrorMessage(result) : PQerrorMessage(connection);
	/* 40001, 40P01: transaction rollback; 57P0x: the server goes away; 08xxx: the connection did */
	bool again = PQstatus(connection) != CONNECTION_OK ||
		     (state && (strncmp(state, "40", 2) == 0 || strncmp(state, "57P", 3) == 0 ||
				strncmp(state, "08", 2) == 0));

	return assay_fail(err, again ? ASSAY_EBUSY : ASSAY_EIO, "database: %s: %.*s", what,
			  (int)strcspn(said, "\n"), said);
}

/* "relation already exists, skipping" is no news. */
static void no_notice(void *data, const char *message)
{
	(void)data;
	(void)message;
}

static enum assay_code postgres_open(struct assay_database *db, const char *url,
				     struct assay_error *err)
{
	/* A server that is gone is noticed within seconds, and of several hosts the one that takes writes is meant; the
	 * URL may say otherwise. */
	static const char *const names[] = { "connect_timeout",	   "keepalives_idle",  "keepalives_interval",
					     "keepalives_count",   "tcp_user_timeout", "target_session_attrs",
					     "fallback_application_name", "dbname", NULL };
	const char *const values[] = { "5", "10", "5", "3", "20000", "read-write", "assay", url, NULL };

	db->connection = PQconnectdbParams(names, values, 1);
	if (!db->connection)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	PQsetNoticeProcessor(db->connection, no_notice, NULL);
	if (PQstatus(db->connection) != CONNECTION_OK) {
		fail(db->connection, NULL, "connecting", err);
		PQfinish(db->connection);
		return err->code = ASSAY_EIO;
	}
	return ASSAY_OK;
}

static void postgres_close(struct assay_database *db)
{
	PQfinish(db->connection);
}

static enum assay_code take_rows(const PGresult *result, struct assay_rows *rows,
				 struct assay_error *err)
{
	int columns = PQnfields(result);

	for (int i = 0; i < PQntuples(result); i++) {
		const char **row = rows_add(rows, columns, err);

		if (!row)
			return err->code;
		for (int k = 0; k < columns; k++) {
			if (PQgetisnull(result, i, k))
				continue;
			row[k] = assay_arena_text(&rows->arena,
						  assay_span_of(PQgetvalue(result, i, k),
								(size_t)PQgetlength(result, i, k)));
			if (!row[k])
				return assay_fail(err, ASSAY_ELIMIT,
						  "database: the answer is too large");
		}
	}
	return ASSAY_OK;
}

/* A statement may use fewer parameters than it is given, as those of a table of statements do. */
static size_t parameters_of(const char *sql)
{
	size_t most = 0;

	for (const char *at = strchr(sql, '$'); at; at = strchr(at + 1, '$')) {
		size_t number = strtoul(at + 1, NULL, 10);

		if (number > most)
			most = number;
	}
	return most;
}

static enum assay_code postgres_run(struct assay_database *db, const char *sql,
				    const struct assay_value *values, size_t count,
				    struct assay_rows *rows, struct assay_error *err)
{
	const char *texts[PARAMETERS];
	char numbers[PARAMETERS][24];
	Oid types[PARAMETERS];
	size_t used = parameters_of(sql);
	PGresult *result;
	ExecStatusType status;

	if (count > PARAMETERS)
		return assay_fail(err, ASSAY_EBUG, "database: more than %d parameters", PARAMETERS);
	if (count > used)
		count = used;
	for (size_t i = 0; i < count; i++) {
		types[i] = values[i].type == ASSAY_VALUE_INT ? TYPE_INT8 : TYPE_TEXT;
		texts[i] = values[i].text;
		if (values[i].type == ASSAY_VALUE_INT) {
			snprintf(numbers[i], sizeof(numbers[i]), "%lld", (long long)values[i].number);
			texts[i] = numbers[i];
		}
	}
	result = PQexecParams(db->connection, sql, (int)count, types, texts, NULL, NULL, 0);
	status = PQresultStatus(result);
	if (status == PGRES_TUPLES_OK)
		take_rows(result, rows, err);
	else if (status != PGRES_COMMAND_OK)
		fail(db->connection, result, sql, err);
	PQclear(result);
	return err->code;
}

static enum assay_code postgres_script(struct assay_database *db, const char *sql,
				       struct assay_error *err)
{
	PGresult *result = PQexec(db->connection, sql);
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		fail(db->connection, result, "script", err);
	PQclear(result);
	return err->code;
}

static void postgres_revive(struct assay_database *db)
{
	if (PQstatus(db->connection) == CONNECTION_OK)
		return;
	db->listens = false;
	PQreset(db->connection);
}

static enum assay_code postgres_begin(struct assay_database *db, struct assay_error *err)
{
	return postgres_script(db, "BEGIN", err);
}

static enum assay_code postgres_commit(struct assay_database *db, struct assay_error *err)
{
	PGresult *result = PQexec(db->connection, "COMMIT");

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		fail(db->connection, result, "commit", err);
	else if (strcmp(PQcmdStatus(result), "COMMIT") != 0) /* how it answers when a statement failed */
		assay_fail(err, ASSAY_EBUG, "database: commit of a failed transaction");
	PQclear(result);
	return err->code;
}

static void postgres_rollback(struct assay_database *db)
{
	if (PQtransactionStatus(db->connection) != PQTRANS_IDLE)
		PQclear(PQexec(db->connection, "ROLLBACK"));
}

static enum assay_code postgres_notify(struct assay_database *db, struct assay_error *err)
{
	return postgres_script(db, "NOTIFY assay", err);
}

static bool got_notification(PGconn *connection)
{
	bool got = false;

	PQconsumeInput(connection);
	for (PGnotify *n = PQnotifies(connection); n; n = PQnotifies(connection)) {
		got = true;
		PQfreemem(n);
	}
	return got;
}

/* True when it listens from now on: what was said before that was not heard. */
static bool begin_to_listen(struct assay_database *db)
{
	PGresult *result = PQexec(db->connection, "LISTEN assay");

	db->listens = PQresultStatus(result) == PGRES_COMMAND_OK;
	PQclear(result);
	return db->listens;
}

static bool postgres_wait(struct assay_database *db, int timeout_ms)
{
	struct pollfd fd = { .events = POLLIN };

	postgres_revive(db);
	if (!db->listens && begin_to_listen(db))
		return true;
	if (got_notification(db->connection))
		return true;
	fd.fd = PQsocket(db->connection);
	/* no socket while the server is away: poll ignores it, and only sleeps */
	return poll(&fd, 1, timeout_ms) > 0 && got_notification(db->connection);
}

const struct database_ops database_postgres = {
	.scheme = "postgresql://",
	.id = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
	.skip = " FOR UPDATE SKIP LOCKED",
	.lock = " FOR UPDATE",
	.now = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint",
	.shared = true,
	.open = postgres_open,
	.close = postgres_close,
	.revive = postgres_revive,
	.begin = postgres_begin,
	.commit = postgres_commit,
	.rollback = postgres_rollback,
	.run = postgres_run,
	.script = postgres_script,
	.notify = postgres_notify,
	.wait = postgres_wait,
};
