/* SPDX-License-Identifier: Apache-2.0 */
#include "backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/database.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "place.h"
#include "schema.h"

/* So far may a farm that went on after the backup have come with a job: what its workers still say is never taken for
 * the newest. */
#define FENCE_LEAP "1000000"

/* Without these the workers' certificates, and the audit log's signatures, would be a stranger's. */
static const char *const keys[] = { "authority.pem", "audit.key", "audit.key.pub" };

struct backup {
	struct assay_store *store;
	char *database, *path; /* URL, and its file */
	const char *file;
	char *draft; /* on its way to file, or to the database's place */
};

static enum assay_code out_of_memory(struct assay_error *err)
{
	return assay_fail(err, ASSAY_ENOMEM, "out of memory");
}

static enum assay_code open_draft(const struct backup *b, struct assay_database **ret, struct assay_error *err)
{
	assay_auto(assay_freep) char *url = NULL;

	if (asprintf(&url, "sqlite:%s", b->draft) < 0) {
		url = NULL;
		return out_of_memory(err);
	}
	return assay_database_open(url, ret, err);
}

/* Flushed, and in its place in one step. */
static enum assay_code put_in_place(const struct backup *b, const char *final, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = open(b->draft, O_RDWR | O_CLOEXEC);
	assay_auto(assay_freep) char *folder = strdup(final);
	assay_auto(assay_fd_closep) int directory = -1;

	if (!folder)
		return out_of_memory(err);
	folder[assay_path_base(folder) - folder] = '\0';
	directory = open(*folder ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || directory < 0 || fchmod(fd, 0600) || fsync(fd) || rename(b->draft, final) ||
	    (fsync(directory) && errno != EINVAL))
		return assay_fail_errno(err, "%s", final);
	return ASSAY_OK;
}

static enum assay_code check_whole(struct assay_database *db, const char *name, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	const char *said;

	if (assay_database_run(db, "PRAGMA integrity_check", NULL, 0, &rows, err))
		return assay_context(err, "%s", name);
	said = assay_rows_count(rows) ? assay_rows_text(rows, 0, 0) : NULL;
	return said && strcmp(said, "ok") == 0 ? ASSAY_OK :
						 assay_fail(err, ASSAY_EUNTRUSTED, "%s: damaged: %s", name, said ? said : "");
}

/* ---- backup -------------------------------------------------------------------------------------- */

static enum assay_code keep_key(const struct backup *b, struct assay_database *db, const char *name,
				struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	assay_auto(assay_freep) char *path = NULL;

	if (scheduler_path(b->store, name, &path, err))
		return err->code;
	if (access(path, F_OK))
		return ASSAY_OK;
	if (assay_file_read(AT_FDCWD, path, &text, err))
		return err->code;
	return assay_database_run(db, "INSERT INTO kept_file (name, content) VALUES ($1, $2)",
				  ASSAY_VALUES(assay_text(name), assay_text(assay_buf_text(&text))), NULL, err);
}

static enum assay_code keep_keys(struct assay_database *db, void *data, struct assay_error *err)
{
	if (assay_database_run(db, "CREATE TABLE kept_file (name TEXT PRIMARY KEY, content TEXT NOT NULL)", NULL, 0, NULL,
			       err))
		return err->code;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keep_key(data, db, keys[i], err))
			return err->code;
	return ASSAY_OK;
}

static enum assay_code say(struct assay_database *db, const char *what, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(db, "SELECT count(*), coalesce(sum(CASE WHEN finished = 0 THEN 1 ELSE 0 END), 0) FROM job",
			       NULL, 0, &rows, err))
		return err->code;
	printf("%s: %lld jobs, %lld of them not over\n", what, (long long)assay_rows_int(rows, 0, 0),
	       (long long)assay_rows_int(rows, 0, 1));
	return fflush(stdout) ? assay_fail_errno(err, "standard output") : ASSAY_OK;
}

static enum assay_code make_copy(struct backup *b, struct assay_error *err)
{
	assay_auto(assay_database_closep) struct assay_database *db = NULL;

	if (b->path && access(b->path, F_OK))
		return assay_fail_errno(err, "%s", b->path);
	if (assay_database_open(b->database, &db, err) || assay_database_copy(db, b->draft, err))
		return err->code;
	return ASSAY_OK;
}

static enum assay_code backup(struct backup *b, struct assay_error *err)
{
	struct assay_database *db = NULL;

	if (make_copy(b, err) || open_draft(b, &db, err))
		return err->code;
	if (!check_whole(db, b->database, err) && !assay_database_transact(db, keep_keys, b, err))
		say(db, b->file, err);
	assay_database_close(db); /* all of it is in the file then */
	return err->code ? err->code : put_in_place(b, b->file, err);
}

/* ---- restore ------------------------------------------------------------------------------------- */

static enum assay_code restore_key(const struct backup *b, const char *name, const char *content,
				   struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf have = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	assay_auto(assay_freep) char *path = NULL;

	if (scheduler_path(b->store, name, &path, err))
		return err->code;
	if (access(path, F_OK))
		return assay_file_write(AT_FDCWD, path, assay_span_text(content), 0600, err);
	if (assay_file_read(AT_FDCWD, path, &have, err))
		return err->code;
	return strcmp(assay_buf_text(&have), content) == 0 ?
		       ASSAY_OK :
		       assay_fail(err, ASSAY_EUSAGE, "%s: another farm's is there: move it away first", path);
}

static enum assay_code restore_keys(const struct backup *b, struct assay_database *db, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(db, "SELECT name, content FROM kept_file ORDER BY name", NULL, 0, &rows, err))
		return assay_context(err, "%s: want a file of `assay scheduler backup`", b->file);
	for (size_t i = 0; i < assay_rows_count(rows); i++)
		for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			if (strcmp(assay_rows_text(rows, i, 0), keys[k]) == 0 &&
			    restore_key(b, keys[k], assay_rows_text(rows, i, 1), err))
				return err->code;
	return ASSAY_OK;
}

static enum assay_code begin_anew(struct assay_database *db, void *data, struct assay_error *err)
{
	(void)data;
	if (assay_database_run(db, "UPDATE job SET fence = fence + " FENCE_LEAP " WHERE state IN ('queued', 'waiting')", NULL, 0,
			       NULL, err))
		return err->code;
	return assay_database_run(db, "DROP TABLE kept_file", NULL, 0, NULL, err);
}

static enum assay_code copy_file(const struct backup *b, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int from = -1;
	assay_auto(assay_fd_closep) int to = -1;

	if (assay_file_open(AT_FDCWD, b->file, &from, err))
		return err->code;
	to = open(b->draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0)
		return assay_fail_errno(err, "%s", b->draft);
	return assay_fd_copy(from, to, NULL, err);
}

static enum assay_code restore(struct backup *b, struct assay_error *err)
{
	struct assay_database *db = NULL;

	if (!b->path)
		return assay_fail(err, ASSAY_EUNSUPPORTED, "restore: want a database sqlite:PATH");
	if (access(b->path, F_OK) == 0)
		return assay_fail(err, ASSAY_EUSAGE, "%s: a scheduler's state is there: stop it and move that away first",
				  b->path);
	if (copy_file(b, err) || open_draft(b, &db, err))
		return assay_context(err, "%s", b->file);
	if (!check_whole(db, b->file, err) && !restore_keys(b, db, err) && !scheduler_schema(db, err) &&
	    !assay_database_transact(db, begin_anew, NULL, err))
		say(db, b->path, err);
	assay_database_close(db);
	return err->code ? err->code : put_in_place(b, b->path, err);
}

/* ---- both ---------------------------------------------------------------------------------------- */

static enum assay_code prepare(struct backup *b, bool restoring, const char *store, const char *database,
			       struct assay_error *err)
{
	if (assay_store_open(store, &b->store, err))
		return err->code;
	if (database)
		b->database = strdup(database);
	else if (scheduler_default_database(b->store, &b->database, err))
		return err->code;
	if (b->database && strncmp(b->database, "sqlite:", 7) == 0)
		b->path = b->database + 7;
	if (!b->database || asprintf(&b->draft, "%s.%d", restoring && b->path ? b->path : b->file, (int)getpid()) < 0) {
		b->draft = NULL;
		return out_of_memory(err);
	}
	return ASSAY_OK;
}

/* SQLite keeps two more files beside one that is open. */
static void remove_draft(const char *draft)
{
	static const char *const endings[] = { "", "-wal", "-shm", "-journal" };
	char path[PATH_MAX];

	for (size_t i = 0; draft && i < sizeof(endings) / sizeof(endings[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", draft, endings[i]);
		unlink(path);
	}
}

int backup_answer(bool restoring, const char *store, const char *database, const char *file)
{
	struct backup b = { .file = file };
	struct assay_error err = ASSAY_ERROR_INIT;
	enum assay_code code;

	umask(077);
	code = prepare(&b, restoring, store, database, &err);
	if (!code)
		code = restoring ? restore(&b, &err) : backup(&b, &err);
	remove_draft(b.draft);
	free(b.draft);
	free(b.database);
	assay_store_free(b.store);
	if (code)
		fprintf(stderr, "assay: %s\n", err.msg);
	return assay_code_exit_status(code);
}
