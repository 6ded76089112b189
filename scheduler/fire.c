/* SPDX-License-Identifier: Apache-2.0 */
/* From a schedule to jobs; see the header. */
#include "fire.h"

#include <fcntl.h>
#include <string.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/debian.h"
#include "assay/digest.h"
#include "assay/file.h"
#include "assay/json.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/process.h"
#include "clock.h"
#include "pool.h"
#include "queue.h"
#include "schedule.h"

enum { HOLD_EVERY = 500 };

struct firing {
	struct assay_database *db;
	struct schedule_claim claim;
	size_t queued, known, refused;
	char first_refusal[ASSAY_ERROR_MAX];
};

static enum assay_code read_list(struct assay_store *store, const struct schedule *s, struct assay_buf *out,
				 struct assay_error *err)
{
	if (strcmp(s->list, "installed") == 0)
		return assay_debian_list_installed(out, err);
	if (strcmp(s->list, "archive") == 0)
		return assay_debian_list_archive(store, s->argument, out, err);
	if (strcmp(s->list, "file") == 0)
		return assay_file_read(AT_FDCWD, s->argument, out, err);
	assay_buf_add_text(out, s->argument);
	return assay_buf_check(out, "list", err);
}

/* As canonical JSON: what the schedule says, what its pool demands, and of a recipe which one it is. */
static enum assay_code options_of(const struct firing *f, const char *target, struct assay_buf *out,
				  struct assay_error *err)
{
	assay_auto(assay_json_freep) json_t *options = NULL;
	struct assay_digest digest;
	char hex[ASSAY_DIGEST_TEXT];

	if (assay_json_parse(assay_span_text(f->claim.schedule.options), "options", &options, err))
		return err->code;
	if (*target == '/') {
		if (assay_digest_file(target, &digest, NULL, err))
			return err->code;
		assay_json_set_text(options, "recipe", assay_digest_hex(&digest, hex));
	}
	if (pool_admit(f->db, f->claim.schedule.pool, options, err))
		return err->code;
	assay_json_dump_compact(options, out);
	return assay_buf_check(out, "options", err);
}

/* When all are to be built again, a claim that was taken over must not begin anew: a key for each. */
static void key_of(const struct firing *f, const char *target, struct assay_buf *out)
{
	const struct schedule *s = &f->claim.schedule;

	assay_buf_printf(out, "schedule %s %lld %s", s->name, (long long)f->claim.fire, target);
}

static enum assay_code submit(struct firing *f, const char *target, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf options = ASSAY_BUF_INIT(ASSAY_MAX_RECIPE);
	assay_auto(assay_buf_release) struct assay_buf key = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	const struct schedule *s = &f->claim.schedule;
	struct queue_submission given = { .target = target,
					  .submitter = s->submitter,
					  .pool = s->pool,
					  .needs = s->needs,
					  .priority = s->priority,
					  .again = s->again };
	enum queue_admission how;
	int64_t job;

	if (*target != '/' && strncmp(target, "pkg:", 4) != 0)
		return assay_fail(err, ASSAY_EUSAGE, "want a package URL or an absolute path");
	if (options_of(f, target, &options, err))
		return err->code;
	given.options = assay_buf_text(&options);
	if (s->again) {
		key_of(f, target, &key);
		if (assay_buf_check(&key, "target", err))
			return err->code;
		given.key = assay_buf_text(&key);
	}
	if (queue_submit(f->db, &given, scheduler_now(), &job, &how, err))
		return err->code;
	*(how == QUEUE_NEW ? &f->queued : &f->known) += 1;
	return ASSAY_OK;
}

/* A line that cannot be queued is counted, and the others are; trouble of the database ends it. */
static enum assay_code submit_line(struct firing *f, struct assay_span line, struct assay_error *err)
{
	assay_auto(assay_freep) char *target = NULL;
	char shown[200];

	line = assay_span_trim(line);
	if (!line.len || line.data[0] == '#')
		return ASSAY_OK;
	target = assay_span_dup(line);
	if (!target)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (!submit(f, target, err))
		return ASSAY_OK;
	if (err->code == ASSAY_EBUSY || err->code == ASSAY_EIO || err->code == ASSAY_ENOMEM)
		return err->code;
	if (!f->refused++)
		snprintf(f->first_refusal, sizeof(f->first_refusal), "%.200s: %.300s",
			 assay_span_show(line, shown, sizeof(shown)), err->msg);
	*err = (struct assay_error)ASSAY_ERROR_INIT;
	return ASSAY_OK;
}

static enum assay_code submit_all(struct firing *f, struct assay_span text, struct assay_error *err)
{
	struct assay_span line;

	for (size_t number = 1; assay_span_next_line(&text, &line); number++) {
		if (assay_interrupted)
			return assay_fail(err, ASSAY_EBUSY, "the scheduler is to stop");
		if (submit_line(f, line, err) ||
		    (number % HOLD_EVERY == 0 && schedule_hold(f->db, &f->claim, scheduler_now(), err)))
			return err->code;
	}
	return ASSAY_OK;
}

static void describe(const struct firing *f, struct assay_buf *note)
{
	assay_buf_printf(note, "%zu queued, %zu known", f->queued, f->known);
	if (f->refused)
		assay_buf_printf(note, ", %zu refused (%s)", f->refused, f->first_refusal);
}

/* A list that cannot be read now may be later: the mirror is away, the file is being replaced. */
static enum assay_code fire(struct firing *f, struct assay_span list, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf note = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);

	if (submit_all(f, list, err))
		return err->code;
	describe(f, &note);
	assay_log(ASSAY_LOG_NOTE, "schedule %s: %s", f->claim.schedule.name, assay_buf_text(&note));
	return schedule_done(f->db, &f->claim, assay_buf_text(&note), scheduler_now(), err);
}

enum assay_code schedule_fire(struct assay_database *db, struct assay_store *store, size_t *ret_queued,
			      struct assay_error *err)
{
	assay_auto(assay_arena_release) struct assay_arena arena = ASSAY_ARENA_INIT(ASSAY_MAX_RECIPE);
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_CONTROL);
	struct firing f = { .db = db };
	char note[ASSAY_ERROR_MAX];
	enum assay_code code;

	*ret_queued = 0;
	if (schedule_claim(db, scheduler_now(), &arena, &f.claim, err))
		return err->code;
	if (f.claim.missed)
		return schedule_done(db, &f.claim, "missed", scheduler_now(), err);
	if (read_list(store, &f.claim.schedule, &text, err)) {
		assay_log(ASSAY_LOG_WARNING, "schedule %s: %s", f.claim.schedule.name, err->msg);
		snprintf(note, sizeof(note), "%s", err->msg);
		return schedule_note(db, &f.claim, note, err);
	}
	code = fire(&f, assay_buf_span(&text), err);
	*ret_queued = f.queued;
	return code;
}
