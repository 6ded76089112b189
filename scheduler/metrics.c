/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics as tables: a family, and the query that gives its samples.  Labels are words of ours, or of a catalogue: none
 * holds the name of an artifact, so that their number is bounded.
 */
#include "metrics.h"

#include <stdio.h>
#include <string.h>

#include "assay/cleanup.h"

enum { ALIVE_MS = 120000, LABELS_MAX = 3, BOUNDS_MAX = 10 };

#define ECOSYSTEM "CASE WHEN job.target LIKE 'pkg:deb/%' THEN 'deb' WHEN job.target LIKE 'pkg:%' THEN 'other' ELSE 'recipe' END"

/* The last column of a query is the value, the ones before it are the labels. */
static const struct family {
	const char *name, *type, *help;
	const char *labels[LABELS_MAX];
	const char *query; /* $1: now, $2: who was not seen since is offline */
} families[] = {
	{ "assay_builds_total", "counter", "Attempts that are over, by what they found and whether signed statements came with it.",
	  { "ecosystem", "result", "signed" },
	  "SELECT " ECOSYSTEM ", attempt.verdict, CASE WHEN attestations IS NULL THEN 'false' ELSE 'true' END, count(*) FROM "
	  "attempt JOIN job ON job.id = attempt.job WHERE attempt.finished > 0 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3" },
	{ "assay_provenance_fields_total", "counter", "Fields of the record of attempts: those there ought to be, and those there are.",
	  { "state" },
	  "SELECT 'present', coalesce(sum(fields_present), 0) FROM attempt UNION ALL SELECT 'required', "
	  "coalesce(sum(fields_required), 0) FROM attempt" },
	{ "assay_workers", "gauge", "Workers by what they do.", { "state" },
	  "SELECT CASE WHEN state = 'revoked' THEN 'revoked' WHEN seen < $2 THEN 'offline' WHEN name IN (SELECT "
	  "worker FROM lease) THEN 'busy' ELSE 'available' END, count(*) FROM worker GROUP BY 1 ORDER BY 1" },
	{ "assay_egress_connections_total", "counter", "Connections that builds tried to make.", { "verdict", "reason" },
	  "SELECT 'deny', 'no-network', coalesce(sum(egress_denied), 0) FROM attempt" },
	{ "assay_artifacts_total", "counter", "Artifacts of jobs that are done, by verdict.", { "ecosystem", "verdict" },
	  "SELECT " ECOSYSTEM ", CASE subject.verdict WHEN 'reproducible' THEN 'identical' WHEN 'equivalent' THEN 'equivalent' "
	  "WHEN 'divergent' THEN 'divergent' WHEN 'incomplete' THEN 'divergent' WHEN 'flaky' THEN 'divergent' WHEN "
	  "'build-failed' THEN 'unbuildable' ELSE 'inconclusive' END, count(*) FROM subject JOIN job ON job.id = subject.job "
	  "AND job.fence = subject.fence WHERE job.state = 'done' GROUP BY 1, 2 ORDER BY 1, 2" },
	{ "assay_telemetry_records_expected_total", "counter", "Reports and logs that attempts ought to have left.", { NULL },
	  "SELECT 2 * count(*) FROM attempt WHERE finished > 0 AND verdict <> 'cancelled'" },
	{ "assay_telemetry_records_received_total", "counter", "Reports and logs that are here.", { NULL },
	  "SELECT coalesce(sum(CASE WHEN report IS NULL THEN 0 ELSE 1 END + CASE WHEN log IS NULL THEN 0 ELSE 1 END), 0) FROM "
	  "attempt WHERE finished > 0 AND verdict <> 'cancelled'" },
	{ "assay_secret_leases_active", "gauge", "Certificates that hold now.", { NULL },
	  "SELECT count(*) FROM certificate WHERE expires > $1 AND revoked = 0" },
	{ "assay_queue_depth", "gauge", "Jobs that are not over, by pool and state.", { "pool", "state" },
	  "SELECT pool, state, count(*) FROM job WHERE state IN ('queued', 'waiting', 'running') GROUP BY pool, "
	  "state ORDER BY pool, state" },
	{ "assay_oldest_queued_seconds", "gauge", "How long the job that waits longest has been in the queue.", { NULL },
	  "SELECT coalesce(($1 - min(created)) / 1000, 0) FROM job WHERE state = 'queued'" },
	{ "assay_incidents_total", "counter", "Confirmed differences in code or structure, by cause.", { "cause", "severity" },
	  "SELECT cause, severity, count(DISTINCT finding.job) FROM finding JOIN job ON job.id = finding.job AND job.fence = "
	  "finding.fence WHERE job.state = 'done' AND job.verdict IN ('divergent', 'incomplete') AND severity IN ('code', "
	  "'structure') GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 200" },
	{ "assay_divergence_causes_total", "counter", "Jobs that are done and differ, by cause.", { "cause" },
	  "SELECT cause, count(DISTINCT finding.job) FROM finding JOIN job ON job.id = finding.job AND job.fence = finding.fence "
	  "WHERE job.state = 'done' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 200" },
	{ "assay_jobs_total", "counter", "Jobs that are over, by how they ended.", { "state", "verdict" },
	  "SELECT state, coalesce(verdict, 'none'), count(*) FROM job WHERE finished > 0 GROUP BY 1, 2 ORDER BY 1, 2" },
	{ "assay_last_success_timestamp_seconds", "gauge", "When a job of the pool was last found reproducible.", { "pipeline" },
	  "SELECT pool, max(finished) / 1000 FROM job WHERE state = 'done' AND verdict = 'reproducible' GROUP BY pool ORDER BY "
	  "pool" },
};

/* Distributions: a query that gives the label and a value in milliseconds, and where its buckets end, in seconds. */
static const struct histogram {
	const char *name, *help, *label; /* label NULL: none, and the query's is a dummy */
	int64_t bounds[BOUNDS_MAX];	 /* ends with a zero */
	const char *query;
} histograms[] = {
	{ "assay_queue_wait_seconds", "From submission to the first lease.", "priority",
	  { 1, 10, 60, 120, 300, 1800, 7200, 43200, 86400 },
	  "SELECT CASE WHEN job.priority > 0 THEN 'high' WHEN job.priority < 0 THEN 'low' ELSE 'normal' END AS label, started "
	  "- created AS value FROM attempt JOIN job ON job.id = attempt.job WHERE attempt.fence = 1" },
	{ "assay_worker_lifetime_seconds", "From a worker's first word to its last, of those that are gone.", NULL,
	  { 60, 300, 900, 1800, 3600, 7200, 21600, 86400, 604800 },
	  "SELECT '' AS label, seen - since AS value FROM worker WHERE seen < $2 OR state = 'revoked'" },
	{ "assay_secret_lease_duration_seconds", "For how long certificates were issued.", NULL,
	  { 60, 300, 900, 1800, 3600, 7200 }, "SELECT '' AS label, expires - issued AS value FROM certificate" },
	{ "assay_key_revoke_to_rotate_seconds", "From a revocation to the next certificate of the same name.", "key_class",
	  { 1, 10, 60, 300, 900, 3600, 86400 },
	  "SELECT kind AS label, (SELECT min(issued) FROM certificate next WHERE next.kind = certificate.kind AND next.name = "
	  "certificate.name AND next.issued > certificate.revoked) - revoked AS value FROM certificate WHERE revoked > 0 AND "
	  "EXISTS (SELECT 1 FROM certificate next WHERE next.kind = certificate.kind AND next.name = certificate.name AND "
	  "next.issued > certificate.revoked)" },
	{ "assay_compromise_detection_seconds", "From a job's submission to its confirmed divergence.", NULL,
	  { 60, 300, 900, 1800, 3600, 14400, 86400 },
	  "SELECT '' AS label, finished - created AS value FROM job WHERE state = 'done' AND verdict IN ('divergent', "
	  "'incomplete', 'rejected')" },
	{ "assay_attempt_seconds", "How long attempts took, by verdict.", "verdict", { 1, 10, 30, 60, 300, 1200, 3600, 7200 },
	  "SELECT attempt.verdict AS label, finished - started AS value FROM attempt WHERE finished > 0" },
};

/* The text format has three characters that need a backslash. */
static void add_label(struct assay_buf *out, const char *name, const char *value, bool first)
{
	assay_buf_printf(out, "%s%s=\"", first ? "{" : ",", name);
	for (; *value; value++) {
		if (*value == '\n')
			assay_buf_add_text(out, "\\n");
		else
			assay_buf_printf(out, "%s%c", *value == '"' || *value == '\\' ? "\\" : "", *value);
	}
	assay_buf_add_text(out, "\"");
}

static void add_head(struct assay_buf *out, const char *name, const char *help, const char *type)
{
	assay_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static enum assay_code write_family(struct assay_database *db, const struct family *f, int64_t now,
				    struct assay_buf *out, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(db, f->query, ASSAY_VALUES(assay_int(now), assay_int(now - ALIVE_MS)), &rows, err))
		return err->code;
	add_head(out, f->name, f->help, f->type);
	for (size_t i = 0; i < assay_rows_count(rows); i++) {
		int label = 0;

		assay_buf_add_text(out, f->name);
		for (; label < LABELS_MAX && f->labels[label]; label++)
			add_label(out, f->labels[label], assay_rows_text(rows, i, label) ?: "", !label);
		assay_buf_printf(out, "%s %lld\n", label ? "}" : "", (long long)assay_rows_int(rows, i, label));
	}
	return ASSAY_OK;
}

/* One row a label: count, sum, and how many lie at or below each bound. */
static void make_query(const struct histogram *h, struct assay_buf *out)
{
	assay_buf_add_text(out, "SELECT label, count(*), coalesce(sum(value), 0)");
	for (int i = 0; h->bounds[i]; i++)
		assay_buf_printf(out, ", coalesce(sum(CASE WHEN value <= %lld THEN 1 ELSE 0 END), 0)",
				 (long long)h->bounds[i] * 1000);
	assay_buf_printf(out, " FROM (%s) samples GROUP BY label ORDER BY label", h->query);
}

static void add_bucket(const struct histogram *h, const char *label, const char *bound, int64_t count,
		       struct assay_buf *out)
{
	assay_buf_printf(out, "%s_bucket", h->name);
	if (h->label)
		add_label(out, h->label, label, true);
	add_label(out, "le", bound, !h->label);
	assay_buf_printf(out, "} %lld\n", (long long)count);
}

/* rows NULL: nothing was seen yet, which is said. */
static void add_samples(const struct histogram *h, const struct assay_rows *rows, size_t row, struct assay_buf *out)
{
	const char *label = rows ? assay_rows_text(rows, row, 0) ?: "" : "";
	long long count = rows ? assay_rows_int(rows, row, 1) : 0, sum = rows ? assay_rows_int(rows, row, 2) : 0;
	char bound[24];

	for (int i = 0; h->bounds[i]; i++) {
		snprintf(bound, sizeof(bound), "%lld", (long long)h->bounds[i]);
		add_bucket(h, label, bound, rows ? assay_rows_int(rows, row, 3 + i) : 0, out);
	}
	add_bucket(h, label, "+Inf", count, out);
	for (int i = 0; i < 2; i++) {
		assay_buf_printf(out, "%s_%s", h->name, i ? "count" : "sum");
		if (h->label)
			add_label(out, h->label, label, true);
		assay_buf_printf(out, "%s ", h->label ? "}" : "");
		if (i)
			assay_buf_printf(out, "%lld\n", count);
		else
			assay_buf_printf(out, "%lld.%03lld\n", sum / 1000, sum % 1000);
	}
}

static enum assay_code write_histogram(struct assay_database *db, const struct histogram *h, int64_t now,
				       struct assay_buf *out, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf query = ASSAY_BUF_INIT(16384);
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	make_query(h, &query);
	if (assay_buf_check(&query, h->name, err) ||
	    assay_database_run(db, assay_buf_text(&query), ASSAY_VALUES(assay_int(now), assay_int(now - ALIVE_MS)), &rows,
			       err))
		return err->code;
	add_head(out, h->name, h->help, "histogram");
	for (size_t i = 0; i < assay_rows_count(rows); i++)
		add_samples(h, rows, i, out);
	if (!assay_rows_count(rows) && !h->label)
		add_samples(h, NULL, 0, out);
	return ASSAY_OK;
}

static void write_decisions(const struct metrics_decisions *decisions, struct assay_buf *out)
{
	static const char name[] = "assay_policy_decisions_total";
	static const char *const policies[] = { [METRICS_ADMISSION] = "admission", [METRICS_ACCESS] = "access" };
	static const char *const words[] = { [METRICS_ALLOW] = "allow", [METRICS_DENY] = "deny", [METRICS_ERROR] = "error" };

	add_head(out, name, "Requests by what was decided about them, since this scheduler started.", "counter");
	for (int p = 0; p < METRICS_POLICIES; p++)
		for (int d = 0; d < METRICS_DECISIONS; d++)
			assay_buf_printf(out, "%s{policy=\"%s\",decision=\"%s\"} %lld\n", name, policies[p], words[d],
					 (long long)__atomic_load_n(&decisions->count[p][d], __ATOMIC_RELAXED));
}

enum assay_code metrics_write(struct assay_database *db, const struct metrics_decisions *decisions, int64_t now,
			      struct assay_buf *out, struct assay_error *err)
{
	add_head(out, "assay_build_info", "The program.", "gauge");
	assay_buf_printf(out, "assay_build_info{version=\"%s\"} 1\n", ASSAY_VERSION);
	write_decisions(decisions, out);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (write_family(db, &families[i], now, out, err))
			return err->code;
	for (size_t i = 0; i < sizeof(histograms) / sizeof(histograms[0]); i++)
		if (write_histogram(db, &histograms[i], now, out, err))
			return err->code;
	return ASSAY_OK;
}
