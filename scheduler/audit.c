/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log; see audit.h. */
#include "audit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "assay/audit.h"
#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "place.h"
#include "scheduler.h"

enum { STRANGERS_A_SECOND = 50, CHECKPOINT_MS = 10000 };

static enum assay_code head(struct assay_database *db, struct assay_audit_walk *ret, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(db, "SELECT seq, hash FROM audit_head WHERE id = 1@LOCK@", NULL, 0, &rows, err))
		return err->code;
	if (!assay_rows_count(rows))
		return assay_fail(err, ASSAY_EIO, "audit: the head of the chain is gone from the database");
	ret->seq = assay_rows_int(rows, 0, 0);
	snprintf(ret->hash, sizeof(ret->hash), "%s", assay_rows_text(rows, 0, 1));
	return ASSAY_OK;
}

static enum assay_code append(struct assay_database *db, void *data, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_RECIPE);
	struct assay_audit_walk walk;
	json_t *record = data;

	if (head(db, &walk, err))
		return err->code;
	assay_audit_link(&walk, record);
	assay_json_dump_compact(record, &text);
	if (assay_buf_check(&text, "audit record", err) ||
	    assay_database_run(db, "INSERT INTO audit (seq, record) VALUES ($1, $2)",
			       ASSAY_VALUES(assay_int(walk.seq), assay_text(assay_buf_text(&text))), NULL, err) ||
	    assay_database_run(db, "UPDATE audit_head SET seq = $1, hash = $2 WHERE id = 1",
			       ASSAY_VALUES(assay_int(walk.seq), assay_text(walk.hash)), NULL, err))
		return err->code;
	return ASSAY_OK;
}

enum assay_code audit_append(struct assay_database *db, json_t *record, struct assay_error *err)
{
	return assay_database_transact(db, append, record, err);
}

/* ---- strangers ----------------------------------------------------------------------------------- */

bool audit_admit(struct scheduler *scheduler, int64_t now)
{
	bool admitted;

	pthread_mutex_lock(&scheduler->lock);
	if (now / 1000 != scheduler->strangers.second) {
		scheduler->strangers.second = now / 1000;
		scheduler->strangers.count = 0;
	}
	admitted = scheduler->strangers.count++ < STRANGERS_A_SECOND;
	scheduler->strangers.untold += !admitted;
	pthread_mutex_unlock(&scheduler->lock);
	return admitted;
}

static enum assay_code tell_untold(struct scheduler *scheduler, struct assay_database *db, int64_t now,
				   struct assay_error *err)
{
	assay_auto(assay_json_freep) json_t *record = NULL;
	int64_t untold;

	pthread_mutex_lock(&scheduler->lock);
	untold = scheduler->strangers.untold;
	scheduler->strangers.untold = 0;
	pthread_mutex_unlock(&scheduler->lock);
	if (!untold)
		return ASSAY_OK;
	record = assay_json_object();
	assay_json_set_int(record, "time", now);
	assay_json_set_text(record, "actor", "nobody");
	assay_json_set_text(record, "action", "more refused requests, too many to tell one by one");
	assay_json_set_int(record, "status", 401);
	assay_json_set_int(record, "count", untold);
	return audit_append(db, record, err);
}

/* ---- checkpoints --------------------------------------------------------------------------------- */

/* Beside the database, not in it: whoever can cut the chain there cannot cut it here. */
static enum assay_code keep(struct scheduler *scheduler, const char *line, struct assay_error *err)
{
	assay_auto(assay_freep) char *path = NULL;
	assay_auto(assay_fd_closep) int fd = -1;

	if (scheduler_path(scheduler->store, "audit-checkpoints.jsonl", &path, err))
		return err->code;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX))
		return assay_fail_errno(err, "%s", path);
	if (assay_fd_write(fd, line, strlen(line), err))
		return assay_context(err, "%s", path);
	return fsync(fd) ? assay_fail_errno(err, "%s", path) : ASSAY_OK;
}

static enum assay_code checkpoint(struct scheduler *scheduler, struct assay_database *db, int64_t now,
				  struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf line = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	assay_auto(assay_json_freep) json_t *signed_head = NULL;
	struct assay_audit_walk walk;

	if (head(db, &walk, err))
		return err->code;
	if (walk.seq == scheduler->checkpoint.seq)
		return ASSAY_OK;
	if (assay_audit_sign(&walk, now, scheduler->audit_key, &signed_head, err))
		return err->code;
	assay_json_dump_compact(signed_head, &line);
	if (assay_database_run(db, "INSERT INTO audit_checkpoint (seq, record) VALUES ($1, $2) ON CONFLICT (seq) DO NOTHING",
			       ASSAY_VALUES(assay_int(walk.seq), assay_text(assay_buf_text(&line))), NULL, err))
		return err->code;
	assay_buf_add_text(&line, "\n");
	scheduler->checkpoint.seq = walk.seq;
	scheduler->checkpoint.time = now;
	return assay_buf_check(&line, "checkpoint", err) ? err->code : keep(scheduler, assay_buf_text(&line), err);
}

enum assay_code audit_sweep(struct scheduler *scheduler, struct assay_database *db, int64_t now, bool at_once,
			    struct assay_error *err)
{
	if (tell_untold(scheduler, db, now, err))
		return err->code;
	if (!at_once && now < scheduler->checkpoint.time + CHECKPOINT_MS)
		return ASSAY_OK;
	return checkpoint(scheduler, db, now, err);
}
