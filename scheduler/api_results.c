/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was found: the history of one target, the causes that many share, what changed.  Only verdicts that are evidence
 * count as good or bad: what could not be tried is in a history, and tells nothing.
 */
#include <string.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/limits.h"
#include "nightly.h"
#include "scheduler.h"

enum { PAGE = 100, PAGE_MAX = 1000 };

#define GOOD "('reproducible', 'equivalent')"
#define BAD "('divergent', 'incomplete', 'flaky', 'rejected')"

static const char *const run_names[] = { "#job",    "target",	"state",    "verdict", "reason",
					 "version", "#created", "#finished", "report",  NULL };

/* $1: the target; a package URL without version means all its versions. */
#define RUNS                                                                                             \
	"SELECT id, target, state, verdict, reason, (SELECT min(version) FROM subject WHERE subject.job = "   \
	"job.id AND version <> '') AS version, created, finished, report FROM job WHERE (target = $1 OR "    \
	"substr(target, 1, length($1) + 1) = $1 || '@')"

static enum assay_code one_run(struct api_call *call, const char *sql, const char *target, json_t *answer,
			       const char *key, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	json_t *list;

	if (assay_database_run(call->db, sql, ASSAY_VALUES(assay_text(target)), &rows, err))
		return err->code;
	if (!assay_rows_count(rows))
		return ASSAY_OK;
	list = api_rows(rows, run_names);
	assay_json_set(answer, key, json_incref(json_array_get(list, 0)));
	json_decref(list);
	return ASSAY_OK;
}

static enum assay_code fill_history(struct api_call *call, const char *target, json_t *answer,
				    struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	int64_t before, most;
	size_t count;

	if (api_query_int(call, "before", INT64_MAX, 1, INT64_MAX, &before, err) ||
	    api_query_int(call, "limit", PAGE, 1, PAGE_MAX, &most, err) ||
	    assay_database_run(call->db, RUNS " AND id < $2 ORDER BY id DESC LIMIT $3",
			       ASSAY_VALUES(assay_text(target), assay_int(before), assay_int(most)), &rows, err))
		return err->code;
	count = assay_rows_count(rows);
	assay_json_set_text(answer, "target", target);
	assay_json_set(answer, "runs", api_rows(rows, run_names));
	if (count == (size_t)most)
		assay_json_set_int(answer, "before", assay_rows_int(rows, count - 1, 0));
	if (one_run(call, RUNS " AND state = 'done' AND verdict IN " GOOD " ORDER BY id DESC LIMIT 1", target,
		    answer, "last_good", err) ||
	    one_run(call,
		    RUNS " AND state = 'done' AND verdict IN " BAD " AND id > coalesce((SELECT max(id) FROM job WHERE "
			 "(target = $1 OR substr(target, 1, length($1) + 1) = $1 || '@') AND state = 'done' AND verdict "
			 "IN " GOOD "), 0) ORDER BY id LIMIT 1",
		    target, answer, "first_bad", err))
		return err->code;
	return ASSAY_OK;
}

/* "first_bad" is the first bad run since the last good one: absent while the last word is good. */
static enum assay_code history(struct api_call *call, struct assay_error *err)
{
	assay_auto(assay_json_freep) json_t *answer = assay_json_object();
	const char *target;

	if (api_query(call, "target", "", &target, err))
		return err->code;
	if (!*target)
		return assay_fail(err, ASSAY_EUSAGE, "target: want one");
	if (fill_history(call, target, answer, err))
		return err->code;
	if (!json_array_size(json_object_get(answer, "runs")) && !assay_http_query(call->request, "before"))
		return assay_fail(err, ASSAY_ENOTFOUND, "%s was never submitted", target);
	assay_http_answer(call->response, 200, assay_steal(answer));
	return ASSAY_OK;
}

static enum assay_code changes(struct api_call *call, struct assay_error *err)
{
	int64_t since;
	json_t *answer;

	if (api_query_int(call, "since", call->now - NIGHTLY_MS, 0, INT64_MAX, &since, err))
		return err->code;
	answer = assay_json_object();
	assay_json_set_int(answer, "since", since);
	if (nightly_section(call->db, "changes", since, call->now, answer, err)) {
		json_decref(answer);
		return err->code;
	}
	assay_http_answer(call->response, 200, answer);
	return ASSAY_OK;
}

/* Who shares one cause. */
static enum assay_code cluster(struct api_call *call, struct assay_error *err)
{
	static const char *const names[] = { "#job", "target", "verdict", "severity", "#divergences", "#bytes", NULL };
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	json_t *answer;

	if (assay_database_run(call->db,
			       "SELECT job.id, job.target, job.verdict, severity, divergences, bytes FROM finding JOIN job "
			       "ON job.id = finding.job AND job.fence = finding.fence WHERE cause = $1 AND job.state = "
			       "'done' AND NOT EXISTS (SELECT 1 FROM job later WHERE later.target = job.target AND later.id "
			       "> job.id AND later.state = 'done') ORDER BY job.target, severity LIMIT $2",
			       ASSAY_VALUES(assay_text(call->argument), assay_int(PAGE_MAX)), &rows, err))
		return err->code;
	if (!assay_rows_count(rows))
		return assay_fail(err, ASSAY_ENOTFOUND, "no target differs because of %s", call->argument);
	answer = assay_json_object();
	assay_json_set_text(answer, "cause", call->argument);
	assay_json_set(answer, "targets", api_rows(rows, names));
	assay_json_set_bool(answer, "truncated", assay_rows_count(rows) == PAGE_MAX);
	assay_http_answer(call->response, 200, answer);
	return ASSAY_OK;
}

static enum assay_code clusters(struct api_call *call, struct assay_error *err)
{
	int64_t since;
	json_t *answer;

	if (api_query_int(call, "since", 0, 0, INT64_MAX, &since, err))
		return err->code;
	answer = assay_json_object();
	assay_json_set_int(answer, "since", since);
	if (nightly_section(call->db, "clusters", since, INT64_MAX, answer, err)) {
		json_decref(answer);
		return err->code;
	}
	assay_http_answer(call->response, 200, answer);
	return ASSAY_OK;
}

static enum assay_code nightly(struct api_call *call, struct assay_error *err)
{
	int64_t from;
	json_t *answer;

	if (api_query_int(call, "since", call->now - NIGHTLY_MS, 0, INT64_MAX, &from, err) ||
	    nightly_digest(call->db, from, call->now, &answer, err))
		return err->code;
	assay_http_answer(call->response, 200, answer);
	return ASSAY_OK;
}

const struct api_endpoint api_results[] = {
	{ "GET", "/v1/history", history, "the runs of one target, the last good and the first bad", NEED_VIEWER, NULL },
	{ "GET", "/v1/changes", changes, "targets that end otherwise than the time before", NEED_VIEWER, NULL },
	{ "GET", "/v1/clusters", clusters, "causes of differences, by how many targets share them", NEED_VIEWER, NULL },
	{ "GET", "/v1/clusters/*", cluster, "the targets that share one cause", NEED_VIEWER, NULL },
	{ "GET", "/v1/nightly", nightly, "what is new since a time", NEED_VIEWER, NULL },
	{ .method = NULL },
};
