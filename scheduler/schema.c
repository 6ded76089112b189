/* SPDX-License-Identifier: Apache-2.0 */
/* The tables, as migrations.  A step that has landed is never edited; a change is another step. */
#include "schema.h"

static const char *const steps[] = {
	/* 1: the queue */
	"CREATE TABLE job ("
	" id @ID@,"
	" target TEXT NOT NULL," /* what to verify */
	" options TEXT NOT NULL," /* how, as canonical JSON */
	" digest TEXT NOT NULL," /* of both: what counts as the same job */
	" submitter TEXT NOT NULL,"
	" submission TEXT," /* the submitter's own key */
	" pool TEXT NOT NULL,"
	" needs TEXT NOT NULL," /* labels a worker must have, sorted */
	" priority BIGINT NOT NULL,"
	" rank BIGINT NOT NULL," /* whose is smallest is next */
	" state TEXT NOT NULL," /* queued, waiting, running, done, parked, cancelled */
	" not_before BIGINT NOT NULL DEFAULT 0," /* of a waiting one */
	" deadline BIGINT NOT NULL DEFAULT 0," /* 0: none */
	" avoid TEXT," /* the worker to ask last */
	" fence BIGINT NOT NULL DEFAULT 0," /* grows with each lease */
	" failures BIGINT NOT NULL DEFAULT 0," /* tries without evidence */
	" cancelling BIGINT NOT NULL DEFAULT 0,"
	" verdict TEXT, reason TEXT," /* of the latest attempt, or of them all */
	" unconfirmed TEXT, candidate TEXT," /* verdict, and digest of what was built, that another is to confirm */
	" report TEXT," /* digest of the report */
	" created BIGINT NOT NULL, changed BIGINT NOT NULL, finished BIGINT NOT NULL DEFAULT 0);"
	"CREATE UNIQUE INDEX job_submission ON job (submitter, submission);"
	"CREATE UNIQUE INDEX job_open ON job (digest) WHERE state IN ('queued', 'waiting', 'running');"
	"CREATE INDEX job_digest ON job (digest, id);"
	"CREATE INDEX job_next ON job (pool, needs, rank, id) WHERE state = 'queued';"
	"CREATE INDEX job_due ON job (not_before) WHERE state = 'waiting';"
	"CREATE INDEX job_late ON job (deadline)"
	" WHERE deadline > 0 AND state IN ('queued', 'waiting', 'running');"
	"CREATE INDEX job_target ON job (target, id);"
	"CREATE INDEX job_finished ON job (finished) WHERE finished > 0;"
	"CREATE TABLE lease ("
	" job BIGINT PRIMARY KEY REFERENCES job (id),"
	" worker TEXT NOT NULL, fence BIGINT NOT NULL,"
	" granted BIGINT NOT NULL, expires BIGINT NOT NULL);"
	"CREATE INDEX lease_expires ON lease (expires);"
	"CREATE INDEX lease_worker ON lease (worker);"
	"CREATE TABLE attempt ("
	" job BIGINT NOT NULL REFERENCES job (id), fence BIGINT NOT NULL,"
	" worker TEXT NOT NULL, started BIGINT NOT NULL, finished BIGINT NOT NULL DEFAULT 0,"
	" verdict TEXT, reason TEXT, candidate TEXT, report TEXT, PRIMARY KEY (job, fence));"
	"CREATE INDEX attempt_finished ON attempt (finished);"
	"CREATE TABLE worker ("
	" name TEXT PRIMARY KEY, pool TEXT NOT NULL, labels TEXT NOT NULL,"
	" state TEXT NOT NULL," /* active, draining, revoked */
	" version TEXT NOT NULL, seen BIGINT NOT NULL, since BIGINT NOT NULL);"
	/* the kinds of needs ever asked for: few, so that the next job is found by index in each */
	"CREATE TABLE class (pool TEXT NOT NULL, needs TEXT NOT NULL, PRIMARY KEY (pool, needs));"
	"CREATE TABLE pool (name TEXT PRIMARY KEY, paused BIGINT NOT NULL DEFAULT 0);"
	/* how far each submitter's share is used up: see submit.c */
	"CREATE TABLE share (submitter TEXT PRIMARY KEY, used BIGINT NOT NULL)",
	/* 2: leases that outlive jumps of the clock and lost answers; a second opinion never by the first worker */
	"ALTER TABLE lease ADD COLUMN length BIGINT NOT NULL DEFAULT 60000;"
	"ALTER TABLE lease ADD COLUMN request TEXT;" /* the worker's own key of the request that brought it */
	"ALTER TABLE job ADD COLUMN witness TEXT;" /* who made the attempt that waits to be confirmed */
	"CREATE TABLE watch (swept BIGINT NOT NULL);" /* one row: when leases were last looked after */
	"INSERT INTO watch VALUES (0)",
	/* 3: rules of pools; what attempts needed */
	"ALTER TABLE pool ADD COLUMN needs TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE pool ADD COLUMN accept TEXT;"
	"ALTER TABLE pool ADD COLUMN require_signature BIGINT NOT NULL DEFAULT 0;"
	"INSERT INTO pool (name, needs) VALUES ('staging', 'isolation=full') ON CONFLICT DO NOTHING;"
	"INSERT INTO pool (name, needs, require_signature) VALUES ('prod', 'isolation=full', 1) ON CONFLICT DO NOTHING;"
	"ALTER TABLE attempt ADD COLUMN memory BIGINT NOT NULL DEFAULT 0;"
	"CREATE TABLE resource (name TEXT PRIMARY KEY, memory BIGINT NOT NULL, duration BIGINT NOT NULL, "
	"changed BIGINT NOT NULL)",
	/* 4: what an outcome says beside its verdict: see evidence.h; and the log of a running attempt, part by part */
	"ALTER TABLE attempt ADD COLUMN log TEXT;" /* digests of blobs */
	"ALTER TABLE attempt ADD COLUMN attestations TEXT;"
	"ALTER TABLE attempt ADD COLUMN fields_present BIGINT NOT NULL DEFAULT 0;" /* of the provenance */
	"ALTER TABLE attempt ADD COLUMN fields_required BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE attempt ADD COLUMN egress_denied BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE lease ADD COLUMN followed BIGINT NOT NULL DEFAULT 0;" /* when somebody last read its log */
	"CREATE TABLE subject ("
	" job BIGINT NOT NULL REFERENCES job (id), fence BIGINT NOT NULL, name TEXT NOT NULL,"
	" verdict TEXT NOT NULL, sha256 TEXT NOT NULL, distribution TEXT NOT NULL, package TEXT NOT NULL,"
	" version TEXT NOT NULL, architecture TEXT NOT NULL, PRIMARY KEY (job, fence, name));"
	"CREATE INDEX subject_package ON subject (package, job);"
	"CREATE TABLE finding ("
	" job BIGINT NOT NULL REFERENCES job (id), fence BIGINT NOT NULL, cause TEXT NOT NULL,"
	" severity TEXT NOT NULL, divergences BIGINT NOT NULL, bytes BIGINT NOT NULL,"
	" PRIMARY KEY (job, fence, cause, severity));"
	"CREATE INDEX finding_cause ON finding (cause, job);"
	"CREATE TABLE log_part ("
	" job BIGINT NOT NULL REFERENCES job (id), fence BIGINT NOT NULL, position BIGINT NOT NULL,"
	" length BIGINT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (job, fence, position))",
	/* 5: who is who, and what they did */
	"CREATE TABLE enrolment ("
	" id TEXT PRIMARY KEY, hash TEXT NOT NULL," /* of the token's secret */
	" kind TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL,"
	" created BIGINT NOT NULL, expires BIGINT NOT NULL, spent BIGINT NOT NULL DEFAULT 0);"
	"CREATE TABLE certificate ("
	" serial TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL,"
	" issued BIGINT NOT NULL, expires BIGINT NOT NULL, revoked BIGINT NOT NULL DEFAULT 0);"
	"CREATE INDEX certificate_name ON certificate (kind, name);"
	"CREATE TABLE account (name TEXT PRIMARY KEY, role TEXT NOT NULL, since BIGINT NOT NULL);"
	"CREATE TABLE audit (seq BIGINT PRIMARY KEY, record TEXT NOT NULL);"
	"CREATE TABLE audit_head (id BIGINT PRIMARY KEY, seq BIGINT NOT NULL, hash TEXT NOT NULL);"
	"INSERT INTO audit_head VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');"
	"CREATE TABLE audit_checkpoint (seq BIGINT PRIMARY KEY, record TEXT NOT NULL)",
	/* 6: schedules */
	"CREATE TABLE schedule ("
	" name TEXT PRIMARY KEY, cron TEXT NOT NULL, zone TEXT NOT NULL, jitter BIGINT NOT NULL, catch_up TEXT NOT NULL,"
	" list TEXT NOT NULL, argument TEXT NOT NULL, pool TEXT NOT NULL, needs TEXT NOT NULL, options TEXT NOT NULL,"
	" submitter TEXT NOT NULL, priority BIGINT NOT NULL, again BIGINT NOT NULL,"
	" next BIGINT NOT NULL, due BIGINT NOT NULL," /* by the expression; with its jitter */
	" forced BIGINT NOT NULL DEFAULT 0," /* when somebody wanted it at once */
	" claimed BIGINT NOT NULL DEFAULT 0," /* until then a scheduler is at it */
	" last BIGINT NOT NULL DEFAULT 0, note TEXT NOT NULL DEFAULT '')",
	/* 7: the one pool that a worker may draw from; NULL is any */
	("ALTER TABLE enrolment ADD COLUMN pool TEXT;"
	 "ALTER TABLE certificate ADD COLUMN pool TEXT"),
	/* 8: the disk that attempts needed */
	("ALTER TABLE attempt ADD COLUMN disk BIGINT NOT NULL DEFAULT 0;"
	 "ALTER TABLE resource ADD COLUMN disk BIGINT NOT NULL DEFAULT 0"),
	/* 9: of a job with a key, a digest of all that was said with it; when a class was last asked for; jobs in a
	 * pool's hands and those it gave up, to count them */
	("ALTER TABLE job ADD COLUMN wish TEXT;"
	 "ALTER TABLE class ADD COLUMN used BIGINT NOT NULL DEFAULT 0;"
	 "CREATE INDEX job_busy ON job (pool, state) WHERE state IN ('waiting', 'running', "
	 "'parked')"),
};

enum assay_code scheduler_schema(struct assay_database *db, struct assay_error *err)
{
	return assay_database_migrate(db, steps, sizeof(steps) / sizeof(steps[0]), err);
}
