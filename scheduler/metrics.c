/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics as a table: a family, and the query that gives its samples, the last column the value and the ones
 * before it the labels.  All of them are words of ours: no label holds the name of an artifact.
 */
#include "metrics.h"

#include <stdio.h>

#include "assay/cleanup.h"

enum { ALIVE_MS = 120000, LABELS_MAX = 3 };

static const struct family {
	const char *name, *type, *help;
	const char *labels[LABELS_MAX];
	const char *query; /* $1: now, $2: who was not seen since is offline */
} families[] = {
	{ "assay_queue_depth", "gauge", "Jobs that are not over, by pool and state.", { "pool", "state" },
	  "SELECT pool, state, count(*) FROM job WHERE state IN ('queued', 'waiting', 'running') GROUP BY pool, "
	  "state ORDER BY pool, state" },
	{ "assay_jobs_total", "counter", "Jobs that are over, by how they ended.", { "state", "verdict" },
	  "SELECT state, coalesce(verdict, 'none'), count(*) FROM job WHERE finished > 0 GROUP BY 1, 2 ORDER BY 1, 2" },
	{ "assay_attempts_total", "counter", "Attempts that are over, by verdict.", { "verdict" },
	  "SELECT verdict, count(*) FROM attempt WHERE finished > 0 GROUP BY verdict ORDER BY verdict" },
	{ "assay_workers", "gauge", "Workers by what they do.", { "state" },
	  "SELECT CASE WHEN state = 'revoked' THEN 'revoked' WHEN seen < $2 THEN 'offline' WHEN name IN (SELECT "
	  "worker FROM lease) THEN 'busy' ELSE 'available' END, count(*) FROM worker GROUP BY 1 ORDER BY 1" },
	{ "assay_oldest_queued_seconds", "gauge", "How long the job that waits longest has been in the queue.",
	  { NULL },
	  "SELECT coalesce(($1 - min(created)) / 1000, 0) FROM job WHERE state = 'queued'" },
};

/* How long jobs waited for their first lease. */
static const int64_t bounds_s[] = { 1, 10, 60, 300, 1800, 7200, 43200, 86400 };

enum { BOUNDS = sizeof(bounds_s) / sizeof(bounds_s[0]) };

static enum assay_code write_family(struct assay_database *db, const struct family *f, int64_t now,
				    struct assay_buf *out, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(db, f->query, ASSAY_VALUES(assay_int(now), assay_int(now - ALIVE_MS)), &rows, err))
		return err->code;
	assay_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name, f->type);
	for (size_t i = 0; i < assay_rows_count(rows); i++) {
		int label = 0;

		assay_buf_add_text(out, f->name);
		for (; label < LABELS_MAX && f->labels[label]; label++)
			assay_buf_printf(out, "%s%s=\"%s\"", label ? "," : "{", f->labels[label],
					 assay_rows_text(rows, i, label));
		assay_buf_printf(out, "%s %lld\n", label ? "}" : "", (long long)assay_rows_int(rows, i, label));
	}
	return ASSAY_OK;
}

static enum assay_code write_waits(struct assay_database *db, struct assay_buf *out,
				   struct assay_error *err)
{
	static const char name[] = "assay_queue_wait_seconds";
	assay_auto(assay_rows_freep) struct assay_rows *sums = NULL;

	assay_buf_printf(out, "# HELP %s From submission to the first lease.\n# TYPE %s histogram\n", name, name);
	for (size_t i = 0; i < BOUNDS; i++) {
		assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

		if (assay_database_run(db,
				       "SELECT count(*) FROM attempt JOIN job ON job.id = attempt.job WHERE attempt.fence = 1 "
				       "AND started - created <= $1",
				       ASSAY_VALUES(assay_int(bounds_s[i] * 1000)), &rows, err))
			return err->code;
		assay_buf_printf(out, "%s_bucket{le=\"%lld\"} %lld\n", name, (long long)bounds_s[i],
				 (long long)assay_rows_int(rows, 0, 0));
	}
	if (assay_database_run(db,
			       "SELECT count(*), coalesce(sum(started - created) / 1000, 0) FROM attempt JOIN job ON "
			       "job.id = attempt.job WHERE attempt.fence = 1",
			       NULL, 0, &sums, err))
		return err->code;
	assay_buf_printf(out, "%s_bucket{le=\"+Inf\"} %lld\n%s_sum %lld\n%s_count %lld\n", name,
			 (long long)assay_rows_int(sums, 0, 0), name, (long long)assay_rows_int(sums, 0, 1), name,
			 (long long)assay_rows_int(sums, 0, 0));
	return ASSAY_OK;
}

enum assay_code metrics_write(struct assay_database *db, int64_t now, struct assay_buf *out,
			      struct assay_error *err)
{
	assay_buf_printf(out, "# HELP assay_build_info The program.\n# TYPE assay_build_info gauge\n"
			      "assay_build_info{version=\"%s\"} 1\n", ASSAY_VERSION);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (write_family(db, &families[i], now, out, err))
			return err->code;
	return write_waits(db, out, err);
}
