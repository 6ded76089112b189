/* SPDX-License-Identifier: Apache-2.0 */
/* What is queued again and again. */
#include <string.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/limits.h"
#include "admission.h"
#include "pool.h"
#include "schedule.h"
#include "scheduler.h"

static enum assay_code list(struct api_call *call, struct assay_error *err)
{
	static const char *const names[] = { "name",	  "cron",  "zone",	"#jitter_ms", "catch_up",  "list",
					     "argument",  "pool",  "needs",	"submitter",  "#priority", "#again",
					     "#next",	  "#due",  "#last",	"note",	      NULL };
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	struct api_page page;

	if (api_page_read(call, &page, err) ||
	    assay_database_run(call->db,
			       "SELECT name, cron, zone, jitter, catch_up, list, argument, pool, "
			       "needs, submitter, "
			       "priority, again, next, due, last, note FROM schedule WHERE name > "
			       "$1 ORDER BY name LIMIT $2",
			       ASSAY_VALUES(assay_text(page.after), assay_int(page.most)), &rows,
			       err))
		return err->code;
	return api_page_answer(call, &page, "schedules", rows, names);
}

static enum assay_code done(struct api_call *call, enum assay_code code)
{
	if (!code)
		assay_http_answer(call->response, 200, assay_json_object());
	return code;
}

/* A list that is a file, or names recipes. */
static enum assay_code check_files(const struct api_call *call, const struct schedule *s, struct assay_error *err)
{
	struct assay_span rest = assay_span_text(s->argument), line;

	if (strcmp(s->list, "file") == 0)
		return api_may_name_files(call, "list: that", err);
	while (assay_span_next_line(&rest, &line))
		if (assay_span_starts(assay_span_trim(line), "/") && api_may_name_files(call, "targets: a recipe", err))
			return err->code;
	return ASSAY_OK;
}

/* A schedule is of many targets. */
static enum assay_code check_options(const json_t *options, struct assay_error *err)
{
	static const char *const of_one[] = { "buildinfo", "files", "recipe" };

	for (size_t i = 0; i < sizeof(of_one) / sizeof(of_one[0]); i++)
		if (json_object_get(options, of_one[i]))
			return assay_fail(err, ASSAY_EUSAGE,
					  "options: \"%s\" is of one job, and a schedule has many",
					  of_one[i]);
	return ASSAY_OK;
}

static enum assay_code set(struct api_call *call, struct assay_error *err)
{
	static const char *const keys[] = { "cron",  "zone",	 "#jitter_ms", "catch_up",  "list",   "argument", "pool",
					    "needs", "{options", "submitter",  "#priority", "?again", NULL };
	assay_auto(assay_buf_release) struct assay_buf options = ASSAY_BUF_INIT(ASSAY_MAX_RECIPE);
	json_t *given = json_object_get(call->body, "options");
	assay_auto(assay_json_freep) json_t *wanted = given ? json_incref(given) : assay_json_object();
	struct schedule s = { .name = call->argument,
			      .zone = assay_json_text(call->body, "zone", "UTC"),
			      .jitter_ms = assay_json_int(call->body, "jitter_ms", 0),
			      .catch_up = assay_json_text(call->body, "catch_up", "one"),
			      .argument = assay_json_text(call->body, "argument", ""),
			      .pool = assay_json_text(call->body, "pool", "default"),
			      .needs = assay_json_text(call->body, "needs", ""),
			      .submitter = api_submitter(call),
			      .priority = assay_json_int(call->body, "priority", 0),
			      .again = assay_json_bool(call->body, "again") };

	if (!json_is_object(wanted))
		return assay_fail(err, ASSAY_EUSAGE, "body of the request: want an object \"options\"");
	if (s.priority < -100 || s.priority > 100)
		return assay_fail(err, ASSAY_EUSAGE, "priority: want -100 to 100, have %lld", (long long)s.priority);
	if (api_only(call, keys, err) || api_text(call, "cron", &s.cron, err) ||
	    api_text(call, "list", &s.list, err) || check_files(call, &s, err) ||
	    admission_check_needs(s.needs, err) || check_options(wanted, err) ||
	    pool_admit(call->db, s.pool, wanted, err))
		return err->code;
	assay_json_dump_compact(wanted, &options);
	s.options = assay_buf_text(&options);
	if (assay_buf_check(&options, "options", err))
		return err->code;
	return done(call, schedule_set(call->db, &s, call->now, err));
}

static enum assay_code remove_one(struct api_call *call, struct assay_error *err)
{
	return api_only(call, api_no_keys, err)
		       ? err->code
		       : done(call, schedule_remove(call->db, call->argument, err));
}

static enum assay_code run(struct api_call *call, struct assay_error *err)
{
	return api_only(call, api_no_keys, err)
		       ? err->code
		       : done(call, schedule_force(call->db, call->argument, call->now, err));
}

const struct api_endpoint api_schedules[] = {
	{ "GET", "/v1/schedules", list, "schedules and when they fire", NEED_VIEWER, NULL },
	{ "POST", "/v1/schedules/*", set, "make one, or another under its name", NEED_OPERATOR,
	  NULL },
	{ "DELETE", "/v1/schedules/*", remove_one, "end one", NEED_OPERATOR, NULL },
	{ "POST", "/v1/schedules/*/run", run, "fire one at once", NEED_OPERATOR, NULL },
	{ .method = NULL },
};
