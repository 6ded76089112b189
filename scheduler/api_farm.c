/* SPDX-License-Identifier: Apache-2.0 */
/* What operators look at and turn: workers, pools, health, metrics, the nightly digest. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "admission.h"
#include "enrol.h"
#include "pool.h"
#include "queue.h"
#include "retention.h"
#include "scheduler.h"

enum { SWEPT_MS = 60000, PROBE_BYTES = 65536 };

static enum assay_code workers(struct api_call *call, struct assay_error *err)
{
	static const char *const names[] = { "name", "pool", "labels", "state", "version", "#seen", "#since",
					     "#job", NULL };
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	struct api_page page;

	if (api_page_read(call, &page, err) ||
	    assay_database_run(call->db,
			       "SELECT name, pool, labels, state, version, seen, since, (SELECT "
			       "min(job) FROM lease "
			       "WHERE lease.worker = worker.name) FROM worker WHERE name > $1 "
			       "ORDER BY name LIMIT $2",
			       ASSAY_VALUES(assay_text(page.after), assay_int(page.most)), &rows,
			       err))
		return err->code;
	return api_page_answer(call, &page, "workers", rows, names);
}

/* Its certificates are void; the answer says how many, and which jobs it has now. */
static enum assay_code take_away(struct api_call *call, json_t *answer, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	json_t *jobs = assay_json_array();
	int64_t certificates = 0;

	assay_json_set(answer, "jobs", jobs);
	if (enrol_revoke(call->db, "worker", call->argument, call->now, &certificates, err) ||
	    assay_database_run(call->db, "SELECT job FROM lease WHERE worker = $1 ORDER BY job",
			       ASSAY_VALUES(assay_text(call->argument)), &rows, err))
		return err->code;
	for (size_t i = 0; i < assay_rows_count(rows); i++)
		assay_json_append(jobs, json_integer(assay_rows_int(rows, i, 0)));
	assay_json_set_int(answer, "certificates", certificates);
	return ASSAY_OK;
}

static enum assay_code worker_state(struct api_call *call, struct assay_error *err)
{
	static const char *const keys[] = { "state", NULL };
	const char *state;
	json_t *answer;

	if (api_only(call, keys, err) || api_text(call, "state", &state, err))
		return err->code;
	if (strcmp(state, "active") != 0 && strcmp(state, "draining") != 0 && strcmp(state, "revoked") != 0)
		return assay_fail(err, ASSAY_EUSAGE, "state: want active, draining or revoked, have \"%s\"", state);
	answer = assay_json_object();
	if (strcmp(state, "revoked") == 0 && take_away(call, answer, err)) {
		json_decref(answer);
		return err->code;
	}
	if (queue_worker_state(call->db, call->argument, state, call->now, err)) {
		json_decref(answer);
		return err->code;
	}
	api_about(call, "state", state);
	call->wake = true;
	assay_http_answer(call->response, 200, answer);
	return ASSAY_OK;
}

/* The index of these has the predicate in just these words. */
#define BUSY "state IN ('waiting', 'running', 'parked')"

static enum assay_code pools(struct api_call *call, struct assay_error *err)
{
	static const char *const names[] = { "name", "#paused", "#queued", "#waiting", "#running", "#parked", "needs",
					     "accept", "#require_signature", NULL };
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	struct api_page page;

	if (api_page_read(call, &page, err) ||
	    assay_database_run(
		    call->db,
		    "SELECT p.name, coalesce((SELECT paused FROM pool WHERE pool.name = p.name), 0), "
		    "(SELECT count(*) FROM job WHERE pool = p.name AND state = 'queued'), "
		    "(SELECT count(*) FROM job WHERE pool = p.name AND " BUSY
		    " AND state = 'waiting'), "
		    "(SELECT count(*) FROM job WHERE pool = p.name AND " BUSY
		    " AND state = 'running'), "
		    "(SELECT count(*) FROM job WHERE pool = p.name AND " BUSY
		    " AND state = 'parked'), "
		    "coalesce((SELECT needs FROM pool WHERE pool.name = p.name), ''), "
		    "(SELECT accept FROM pool WHERE pool.name = p.name), "
		    "coalesce((SELECT require_signature FROM pool WHERE pool.name = p.name), 0) "
		    "FROM (SELECT DISTINCT pool AS name FROM class UNION SELECT name FROM pool) p "
		    "WHERE p.name > $1 ORDER BY 1 LIMIT "
		    "$2",
		    ASSAY_VALUES(assay_text(page.after), assay_int(page.most)), &rows, err))
		return err->code;
	return api_page_answer(call, &page, "pools", rows, names);
}

static enum assay_code set_pool(struct api_call *call, struct assay_error *err)
{
	static const char *const keys[] = { "needs", "accept", "?require_signature", NULL };
	struct pool_rules rules = { .needs = assay_json_text(call->body, "needs", ""),
				    .accept = assay_json_text(call->body, "accept", NULL),
				    .require_signature = assay_json_bool(call->body, "require_signature") };

	if (api_only(call, keys, err) || admission_check_needs(rules.needs, err) ||
	    pool_set(call->db, call->argument, &rules, err))
		return err->code;
	api_about(call, "needs", rules.needs);
	if (rules.accept)
		api_about(call, "accept", rules.accept);
	api_about_int(call, "require_signature", rules.require_signature);
	call->wake = true;
	assay_http_answer(call->response, 200, assay_json_object());
	return ASSAY_OK;
}

static enum assay_code pause_pool(struct api_call *call, struct assay_error *err)
{
	static const char *const keys[] = { "?paused", NULL };

	if (api_only(call, keys, err))
		return err->code;
	if (!json_is_boolean(json_object_get(call->body, "paused")))
		return assay_fail(err, ASSAY_EUSAGE, "body of the request: want true or false for \"paused\"");
	if (queue_pool_pause(call->db, call->argument, assay_json_bool(call->body, "paused"), err))
		return err->code;
	api_about_int(call, "paused", assay_json_bool(call->body, "paused"));
	call->wake = true;
	assay_http_answer(call->response, 200, assay_json_object());
	return ASSAY_OK;
}

/* The process answers. */
static enum assay_code healthz(struct api_call *call, struct assay_error *err)
{
	(void)err;
	assay_http_answer(call->response, 200, json_pack("{s:s}", "status", "ok"));
	return ASSAY_OK;
}

static enum assay_code database_answers(struct api_call *call, struct assay_error *err)
{
	if (assay_database_run(call->db, "SELECT version FROM schema_version", NULL, 0, NULL, err))
		return assay_fail(err, ASSAY_EBUSY, "the database does not answer");
	return ASSAY_OK;
}

/* A full or read-only disk is found out here, not by a worker with a result. */
static enum assay_code store_takes(struct api_call *call, struct assay_error *err)
{
	static const uint8_t block[PROBE_BYTES];
	assay_auto(assay_freep) char *folder = NULL;
	assay_auto(assay_freep) char *file = NULL;
	struct assay_error ignored = ASSAY_ERROR_INIT;
	enum assay_code code = assay_store_make_temp(call->scheduler->store, &folder, err);

	if (!code)
		file = assay_path_join(folder, "probe");
	if (file)
		code = assay_file_write(AT_FDCWD, file, assay_span_of(block, sizeof(block)), 0600, err);
	if (folder && assay_path_remove_tree(AT_FDCWD, folder, &ignored))
		code = ignored.code;
	return code ? assay_fail(err, ASSAY_EBUSY, "the store cannot be written") : ASSAY_OK;
}

/* Without the sweeper no lost worker is ever missed. */
static enum assay_code sweeper_lives(struct api_call *call, struct assay_error *err)
{
	int64_t swept = __atomic_load_n(&call->scheduler->swept, __ATOMIC_ACQUIRE);

	if (scheduler_now() - swept > SWEPT_MS)
		return assay_fail(err, ASSAY_EBUSY, "nobody has swept the queue for %lld s",
				  (long long)(scheduler_now() - swept) / 1000);
	return ASSAY_OK;
}

static const struct {
	const char *name;
	enum assay_code (*run)(struct api_call *call, struct assay_error *err);
} checks[] = {
	{ "database", database_answers },
	{ "store", store_takes },
	{ "sweeper", sweeper_lives },
};

static enum assay_code readyz(struct api_call *call, struct assay_error *err)
{
	assay_auto(assay_json_freep) json_t *found = assay_json_object();
	json_t *answer;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (checks[i].run(call, err))
			return err->code;
		assay_json_set_text(found, checks[i].name, "ok");
	}
	answer = assay_json_object();
	assay_json_set_text(answer, "status", "ok");
	assay_json_set(answer, "checks", assay_steal(found));
	assay_http_answer(call->response, 200, answer);
	return ASSAY_OK;
}

static enum assay_code metrics(struct api_call *call, struct assay_error *err)
{
	if (metrics_write(call->db, &call->scheduler->decisions, call->now, &call->response->body, err))
		return err->code;
	retention_metrics(call->scheduler->retention, &call->response->body);
	call->response->status = 200;
	call->response->type = "text/plain; version=0.0.4; charset=utf-8";
	return ASSAY_OK;
}

const struct api_endpoint api_farm[] = {
	{ "GET", "/v1/workers", workers, "workers and what they build", NEED_VIEWER, NULL },
	{ "POST", "/v1/workers/*/state", worker_state, "activate, drain or revoke one", NEED_OPERATOR, NULL },
	{ "GET", "/v1/pools", pools, "pools and how full they are", NEED_VIEWER, NULL },
	{ "POST", "/v1/pools/*", set_pool, "give one its rules", NEED_OPERATOR, NULL },
	{ "POST", "/v1/pools/*/pause", pause_pool, "hold a pool back, or let it go", NEED_OPERATOR, NULL },
	{ "GET", "/metrics", metrics, "Prometheus text", NEED_VIEWER, NULL },
	{ "GET", "/healthz", healthz, "whether the process lives", NEED_NOTHING, NULL },
	{ "GET", "/readyz", readyz, "whether it can work", NEED_NOTHING, NULL },
	{ .method = NULL },
};
