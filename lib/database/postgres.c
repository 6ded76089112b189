/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL through libpq: several schedulers, one database.  Read committed, with the rows that matter locked by
 * the statements themselves.  What PostgreSQL calls a serialization failure or a deadlock, and a connection that
 * went away, end the transaction and are worth another try; a connection is made again when one begins.
 *
 * What costs is the way to the server.  Within a transaction a statement that gives nothing back is sent and not waited
 * for (libpq's pipeline): its answer is read with that of the next one that gives something, or of the commit, and its
 * error is theirs.  What follows an error on that way the server skips, the commit too.  Each statement is prepared
 * when it is first used.
 */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "database_int.h"

enum {
	PARAMETERS = 32,
	TYPE_INT8 = 20, /* types: pg_type.dat */
	TYPE_TEXT = 25,
	PREPARED = 256, /* further ones are parsed each time */
	UNREAD = 64,	/* answers that are not waited for; far less than what a socket holds */
};

struct statement {
	char *sql;
	bool prepared; /* on this connection */
};

/* An answer that was not read yet. */
struct unread {
	struct statement *preparing; /* the answer says whether that went well; or NULL */
	char what[200];		     /* for an error */
};

struct postgres {
	PGconn *connection;
	struct statement statements[PREPARED];
	size_t statement_count;
	struct unread unread[UNREAD];
	size_t unread_count;
};

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

static void postgres_close(struct assay_database *db)
{
	struct postgres *postgres = db->connection;

	for (size_t i = 0; i < postgres->statement_count; i++)
		free(postgres->statements[i].sql);
	PQfinish(postgres->connection);
	free(postgres);
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
	struct postgres *postgres = calloc(1, sizeof(*postgres));

	if (!postgres)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	db->connection = postgres;
	postgres->connection = PQconnectdbParams(names, values, 1);
	if (!postgres->connection) {
		assay_fail(err, ASSAY_ENOMEM, "out of memory");
	} else if (PQstatus(postgres->connection) != CONNECTION_OK) {
		fail(postgres->connection, NULL, "connecting", err);
		err->code = ASSAY_EIO;
	} else {
		PQsetNoticeProcessor(postgres->connection, no_notice, NULL);
		return ASSAY_OK;
	}
	postgres_close(db);
	return err->code;
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

/* ---- sending --------------------------------------------------------------------------------------- */

/* NULL when there are too many, or no memory. */
static struct statement *statement_of(struct postgres *postgres, const char *sql)
{
	struct statement *found = postgres->statements;

	for (size_t i = 0; i < postgres->statement_count; i++, found++)
		if (strcmp(found->sql, sql) == 0)
			return found;
	if (postgres->statement_count == PREPARED || !(found->sql = strdup(sql)))
		return NULL;
	found->prepared = false;
	postgres->statement_count++;
	return found;
}

static void expect(struct postgres *postgres, const char *what, struct statement *preparing)
{
	struct unread *unread = &postgres->unread[postgres->unread_count++];

	unread->preparing = preparing;
	snprintf(unread->what, sizeof(unread->what), "%s", what);
}

struct parameters {
	int count;
	const char *texts[PARAMETERS];
	char numbers[PARAMETERS][24];
	Oid types[PARAMETERS];
};

static enum assay_code make_parameters(const char *sql, const struct assay_value *values, size_t count,
				       struct parameters *p, struct assay_error *err)
{
	size_t used = parameters_of(sql);

	if (count > PARAMETERS)
		return assay_fail(err, ASSAY_EBUG, "database: more than %d parameters", PARAMETERS);
	p->count = (int)(count > used ? used : count);
	for (int i = 0; i < p->count; i++) {
		p->types[i] = values[i].type == ASSAY_VALUE_INT ? TYPE_INT8 : TYPE_TEXT;
		p->texts[i] = values[i].text;
		if (values[i].type == ASSAY_VALUE_INT) {
			snprintf(p->numbers[i], sizeof(p->numbers[i]), "%lld", (long long)values[i].number);
			p->texts[i] = p->numbers[i];
		}
	}
	return ASSAY_OK;
}

/* Into the pipeline; nothing is read. */
static enum assay_code send_statement(struct postgres *postgres, const char *sql, const struct assay_value *values,
				      size_t count, struct assay_error *err)
{
	PGconn *connection = postgres->connection;
	struct statement *statement = statement_of(postgres, sql);
	struct parameters p;
	char name[24];
	int sent = 1;

	if (make_parameters(sql, values, count, &p, err))
		return err->code;
	if (PQpipelineStatus(connection) == PQ_PIPELINE_OFF && !PQenterPipelineMode(connection))
		return fail(connection, NULL, sql, err);
	snprintf(name, sizeof(name), "s%td", statement ? statement - postgres->statements : -1);
	if (statement && !statement->prepared) {
		sent = PQsendPrepare(connection, name, sql, p.count, p.types);
		if (sent)
			expect(postgres, sql, statement);
		statement->prepared = sent;
	}
	if (sent)
		sent = statement ? PQsendQueryPrepared(connection, name, p.count, p.texts, NULL, NULL, 0) :
				   PQsendQueryParams(connection, sql, p.count, p.types, p.texts, NULL, NULL, 0);
	if (!sent)
		return fail(connection, NULL, sql, err);
	expect(postgres, sql, NULL);
	return ASSAY_OK;
}

/* ---- reading --------------------------------------------------------------------------------------- */

static bool is_good(ExecStatusType status)
{
	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

/* One answer; of several errors the first is told, for the others follow from it. */
static PGresult *read_one(struct postgres *postgres, struct unread *unread, struct assay_error *err)
{
	PGconn *connection = postgres->connection;
	PGresult *result = PQgetResult(connection), *more;
	bool good = is_good(PQresultStatus(result));

	if (unread->preparing && !good)
		unread->preparing->prepared = false;
	if (!good && !err->code)
		fail(connection, result, unread->what, err);
	/* behind each answer NULL; a connection that is gone gives nothing else */
	while (result && (more = PQgetResult(connection)))
		PQclear(more);
	return result;
}

/* All that was sent, to its end; afterwards the pipeline is closed.  *ret_last: the last answer, if wanted. */
static enum assay_code read_all(struct postgres *postgres, PGresult **ret_last, struct assay_error *err)
{
	PGconn *connection = postgres->connection;
	PGresult *result = NULL;

	if (PQpipelineStatus(connection) == PQ_PIPELINE_OFF)
		return err->code;
	if (!PQpipelineSync(connection) && !err->code)
		fail(connection, NULL, "pipeline", err);
	for (size_t i = 0; i < postgres->unread_count; i++) {
		PQclear(result);
		result = read_one(postgres, &postgres->unread[i], err);
	}
	postgres->unread_count = 0;
	PQclear(PQgetResult(connection)); /* of the sync */
	if (!PQexitPipelineMode(connection) && !err->code)
		fail(connection, NULL, "pipeline", err);
	if (ret_last && !err->code)
		*ret_last = result;
	else
		PQclear(result);
	return err->code;
}

static enum assay_code postgres_run(struct assay_database *db, const char *sql,
				    const struct assay_value *values, size_t count,
				    struct assay_rows *rows, struct assay_error *err)
{
	struct postgres *postgres = db->connection;
	PGresult *result = NULL;

	/* room for two: it may have to be prepared */
	if (postgres->unread_count + 2 > UNREAD && read_all(postgres, NULL, err))
		return err->code;
	if (send_statement(postgres, sql, values, count, err))
		return err->code;
	if (db->in_transaction && !rows)
		return ASSAY_OK;
	if (!read_all(postgres, &result, err) && rows && PQresultStatus(result) == PGRES_TUPLES_OK)
		take_rows(result, rows, err);
	PQclear(result);
	return err->code;
}

static enum assay_code postgres_script(struct assay_database *db, const char *sql,
				       struct assay_error *err)
{
	struct postgres *postgres = db->connection;
	PGresult *result;

	if (read_all(postgres, NULL, err))
		return err->code;
	result = PQexec(postgres->connection, sql);
	if (!is_good(PQresultStatus(result)))
		fail(postgres->connection, result, "script", err);
	PQclear(result);
	return err->code;
}

static void postgres_revive(struct assay_database *db)
{
	struct postgres *postgres = db->connection;

	if (PQstatus(postgres->connection) == CONNECTION_OK)
		return;
	db->listens = false;
	postgres->unread_count = 0;
	for (size_t i = 0; i < postgres->statement_count; i++)
		postgres->statements[i].prepared = false;
	PQreset(postgres->connection);
}

static enum assay_code postgres_begin(struct assay_database *db, struct assay_error *err)
{
	return send_statement(db->connection, "BEGIN", NULL, 0, err);
}

static enum assay_code postgres_commit(struct assay_database *db, struct assay_error *err)
{
	struct postgres *postgres = db->connection;
	PGresult *result = NULL;

	if (send_statement(postgres, "COMMIT", NULL, 0, err) || read_all(postgres, &result, err))
		return err->code;
	if (strcmp(PQcmdStatus(result), "COMMIT") != 0) /* how it answers when a statement failed */
		assay_fail(err, ASSAY_EBUG, "database: commit of a failed transaction");
	PQclear(result);
	return err->code;
}

static void postgres_rollback(struct assay_database *db)
{
	struct postgres *postgres = db->connection;
	struct assay_error ignored = ASSAY_ERROR_INIT;

	(void)!read_all(postgres, NULL, &ignored);
	if (PQtransactionStatus(postgres->connection) != PQTRANS_IDLE)
		PQclear(PQexec(postgres->connection, "ROLLBACK"));
}

static enum assay_code postgres_notify(struct assay_database *db, struct assay_error *err)
{
	return postgres_run(db, "NOTIFY assay", NULL, 0, NULL, err);
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
	struct postgres *postgres = db->connection;
	PGresult *result = PQexec(postgres->connection, "LISTEN assay");

	db->listens = PQresultStatus(result) == PGRES_COMMAND_OK;
	PQclear(result);
	return db->listens;
}

static bool postgres_wait(struct assay_database *db, int timeout_ms)
{
	struct postgres *postgres = db->connection;
	struct pollfd fd = { .events = POLLIN };

	postgres_revive(db);
	if (!db->listens && begin_to_listen(db))
		return true;
	if (got_notification(postgres->connection))
		return true;
	fd.fd = PQsocket(postgres->connection);
	/* no socket while the server is away: poll ignores it, and only sleeps */
	return poll(&fd, 1, timeout_ms) > 0 && got_notification(postgres->connection);
}

const struct database_ops database_postgres = {
	.scheme = "postgresql://",
	.id = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
	.skip = " FOR UPDATE SKIP LOCKED",
	.lock = " FOR UPDATE",
	.now = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint",
	.joined = "string_agg",
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
