/* SPDX-License-Identifier: Apache-2.0 */
/* The two kinds of databases behind one struct of functions. */
#ifndef ASSAY_DATABASE_INT_H
#define ASSAY_DATABASE_INT_H

#include "assay/arena.h"
#include "assay/database.h"

struct assay_rows {
	struct assay_arena arena;
	const char **cells;
	size_t count, room;
	int columns;
};

struct database_ops {
	const char *scheme; /* of its URLs, with the colon */
	const char *id, *skip, *lock, *now, *joined; /* what replaces @ID@, @SKIP@ and so on */
	bool shared;
	enum assay_code (*open)(struct assay_database *db, const char *url, struct assay_error *err);
	void (*close)(struct assay_database *db);
	/* A connection that was lost is made again, if it can be. */
	void (*revive)(struct assay_database *db);
	enum assay_code (*begin)(struct assay_database *db, struct assay_error *err);
	enum assay_code (*commit)(struct assay_database *db, struct assay_error *err);
	void (*rollback)(struct assay_database *db);
	/* rows: NULL when nothing is wanted back; within a transaction its error may then come later, at the latest with
	 * the commit's */
	enum assay_code (*run)(struct assay_database *db, const char *sql,
			       const struct assay_value *values, size_t count,
			       struct assay_rows *rows, struct assay_error *err);
	/* Several statements without parameters or results. */
	enum assay_code (*script)(struct assay_database *db, const char *sql, struct assay_error *err);
	/* A copy as a SQLite file while others write; NULL: this kind has tools of its own. */
	enum assay_code (*copy)(struct assay_database *db, const char *path, struct assay_error *err);
	enum assay_code (*notify)(struct assay_database *db, struct assay_error *err);
	bool (*wait)(struct assay_database *db, int timeout_ms);
};

struct assay_database {
	const struct database_ops *ops;
	void *connection; /* of the driver */
	char *url;
	bool in_transaction;
	bool listens; /* since the connection was made */
};

extern const struct database_ops database_sqlite, database_postgres;

/* A new row of NULLs; NULL when out of memory or beyond the limit. */
const char **rows_add(struct assay_rows *rows, int columns, struct assay_error *err);

#endif
