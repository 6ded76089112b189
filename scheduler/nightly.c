/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A target's news is its latest verdict of the night against the latest before it.  Each section is one query;
 * what did not change is counted and not listed.
 */
#include "nightly.h"

#include <string.h>

#include "assay/cleanup.h"
#include "scheduler.h"

/* Jobs of the night that are the latest of their target, with the verdict that stood before. */
#define NEWS                                                                                        \
	"SELECT job.id, job.target, job.verdict, job.reason, (SELECT earlier.verdict FROM job earlier WHERE " \
	"earlier.target = job.target AND earlier.state = 'done' AND earlier.id < job.id AND earlier.finished < $1 "  \
	"ORDER BY earlier.id DESC LIMIT 1) AS was FROM job WHERE job.finished >= $1 AND job.finished < $2 AND NOT "  \
	"EXISTS (SELECT 1 FROM job later WHERE later.target = job.target AND later.id > job.id AND later.finished "  \
	">= $1 AND later.finished < $2)"

/* No later job of the same target ended in that time. */
#define LATEST                                                                                          \
	"NOT EXISTS (SELECT 1 FROM job later WHERE later.target = job.target AND later.id > job.id AND "      \
	"later.state = 'done' AND later.finished >= $1 AND later.finished < $2)"

enum { SECTION_MAX = 1000 };

static const char *const job_keys[] = { "#job", "target", "verdict", "reason", "was", NULL };
static const char *const slow_keys[] = { "#job", "target", "worker", "#ms", NULL };
static const char *const cluster_keys[] = { "cause", "severity", "#targets", "#divergences", "example", "#job", NULL };
static const char *const count_keys[] = { "state", "verdict", "#jobs", NULL };

static const struct section {
	const char *name;
	const char *const *keys;
	const char *query; /* $1: from, $2: to */
} sections[] = {
	{ "totals", count_keys,
	  "SELECT state, coalesce(verdict, 'none'), count(*) FROM job WHERE finished >= $1 AND finished < $2 GROUP BY 1, "
	  "2 ORDER BY 1, 2" },
	{ "new_divergences", job_keys,
	  "SELECT * FROM (" NEWS ") n WHERE verdict IN ('divergent', 'incomplete') AND (was IS NULL OR was NOT IN "
	  "('divergent', 'incomplete')) ORDER BY target LIMIT 1000" },
	{ "fixed", job_keys,
	  "SELECT * FROM (" NEWS ") n WHERE verdict IN ('reproducible', 'equivalent') AND was IN ('divergent', "
	  "'incomplete', 'flaky', 'build-failed') ORDER BY target LIMIT 1000" },
	{ "flaky", job_keys, "SELECT * FROM (" NEWS ") n WHERE verdict = 'flaky' ORDER BY target LIMIT 1000" },
	{ "newly_failing", job_keys,
	  "SELECT * FROM (" NEWS ") n WHERE verdict IN ('build-failed', 'rejected') AND (was IS NULL OR was <> verdict) "
	  "ORDER BY target LIMIT 1000" },
	{ "parked", job_keys,
	  "SELECT id, target, verdict, reason, NULL FROM job WHERE state = 'parked' ORDER BY target LIMIT 1000" },
	{ "slowest", slow_keys,
	  "SELECT attempt.job, job.target, attempt.worker, attempt.finished - attempt.started FROM attempt JOIN job ON "
	  "job.id = attempt.job WHERE attempt.finished >= $1 AND attempt.finished < $2 AND attempt.verdict <> 'lost' "
	  "ORDER BY 4 DESC, 1 LIMIT 10" },
	{ "lost_inputs", job_keys,
	  "SELECT job.id, job.target, min(attempt.verdict), min(attempt.reason), NULL FROM attempt JOIN job ON job.id = "
	  "attempt.job WHERE attempt.finished >= $1 AND attempt.finished < $2 AND attempt.verdict = 'inputs-lost' GROUP "
	  "BY job.id, job.target ORDER BY job.target, job.id LIMIT 1000" },
	{ "changes", job_keys,
	  "SELECT * FROM (SELECT job.id, job.target, job.verdict, job.reason, (SELECT earlier.verdict FROM job earlier "
	  "WHERE earlier.target = job.target AND earlier.state = 'done' AND earlier.id < job.id ORDER BY earlier.id DESC "
	  "LIMIT 1) AS was FROM job WHERE job.state = 'done' AND job.finished >= $1 AND job.finished < $2 AND " LATEST
	  ") n WHERE was <> verdict ORDER BY target LIMIT 1000" },
	{ "clusters", cluster_keys,
	  "SELECT cause, severity, count(DISTINCT job.target), sum(divergences), min(job.target), max(job.id) FROM "
	  "finding JOIN job ON job.id = finding.job AND job.fence = finding.fence WHERE job.state = 'done' AND "
	  "job.finished >= $1 AND job.finished < $2 AND " LATEST " GROUP BY cause, severity ORDER BY 3 DESC, 1, 2 LIMIT "
	  "1000" },
};

static enum assay_code fill(struct assay_database *db, const struct section *section, int64_t from,
			    int64_t to, json_t *digest, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(db, section->query, ASSAY_VALUES(assay_int(from), assay_int(to)), &rows, err))
		return err->code;
	assay_json_set(digest, section->name, api_rows(rows, section->keys));
	if (assay_rows_count(rows) == SECTION_MAX)
		assay_json_append(json_object_get(digest, "truncated"), json_string(section->name));
	return ASSAY_OK;
}

enum assay_code nightly_section(struct assay_database *db, const char *name, int64_t from,
				int64_t to, json_t *digest, struct assay_error *err)
{
	assay_json_set(digest, "truncated", assay_json_array());
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (strcmp(sections[i].name, name) == 0)
			return fill(db, &sections[i], from, to, digest, err);
	return assay_fail(err, ASSAY_ENOTFOUND, "there is no section %s", name);
}

enum assay_code nightly_digest(struct assay_database *db, int64_t from, int64_t to, json_t **ret,
			       struct assay_error *err)
{
	assay_auto(assay_json_freep) json_t *digest = assay_json_object();

	assay_json_set_text(digest, "schema", "assay.nightly/1");
	assay_json_set_int(digest, "from", from);
	assay_json_set_int(digest, "to", to);
	assay_json_set(digest, "truncated", assay_json_array());
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (fill(db, &sections[i], from, to, digest, err))
			return err->code;
	*ret = assay_steal(digest);
	return ASSAY_OK;
}
