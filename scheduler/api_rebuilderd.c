/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of rebuilderd's API (version 0) that its consumers read: which packages are good, and why not.  The number
 * of a build is that of our job.  GOOD means bit for bit and nothing else; what could not be tried is UNKWN there.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/digest.h"
#include "assay/limits.h"
#include "assay/report.h"
#include "scheduler.h"

enum { TIME_TEXT = 32 };

/* Their times are UTC without saying so. */
static const char *naive(int64_t ms, char *out)
{
	time_t seconds = ms / 1000;
	struct tm tm;
	size_t len;

	gmtime_r(&seconds, &tm);
	len = strftime(out, TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + len, TIME_TEXT - len, ".%03d", (int)(ms % 1000));
	return out;
}

static const char *status_of(const char *verdict)
{
	static const struct {
		const char *verdict, *status;
	} words[] = {
		{ "reproducible", "GOOD" }, { "equivalent", "BAD" }, { "divergent", "BAD" },
		{ "incomplete", "BAD" },    { "flaky", "BAD" },	     { "rejected", "BAD" },
		{ "build-failed", "BAD" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].verdict, verdict) == 0)
			return words[i].status;
	return "UNKWN";
}

/* The latest evidence of each binary package of each version. */
#define PACKAGES                                                                                           \
	"SELECT s.package, s.version, s.verdict, s.distribution, s.architecture, s.name, s.job, "            \
	"attempt.finished, attempt.report, attempt.attestations FROM subject s JOIN job ON job.id = s.job AND " \
	"job.fence = s.fence JOIN attempt ON attempt.job = s.job AND attempt.fence = s.fence WHERE job.state = " \
	"'done' AND s.package <> '' AND ($1 = '' OR s.package = $1) AND ($2 = '' OR s.distribution = $2) AND "  \
	"($3 = '' OR s.architecture = $3) AND NOT EXISTS (SELECT 1 FROM subject later JOIN job newer ON "      \
	"newer.id = later.job AND newer.state = 'done' WHERE later.package = s.package AND later.version = "   \
	"s.version AND later.architecture = s.architecture AND later.job > s.job) ORDER BY s.package, "        \
	"s.version, s.architecture, s.name"

static json_t *release(const struct assay_rows *rows, size_t i)
{
	static const char *const names[] = { "name", "version", NULL, "distro", "architecture", "artifact_url" };
	json_t *object = assay_json_object();
	const char *status = status_of(assay_rows_text(rows, i, 2));
	char when[TIME_TEXT];

	for (int k = 0; k < 6; k++)
		if (names[k])
			assay_json_set_text(object, names[k], assay_rows_text(rows, i, k));
	assay_json_set_text(object, "status", status);
	assay_json_set_text(object, "suite", "");
	assay_json_set_int(object, "build_id", assay_rows_int(rows, i, 6));
	assay_json_set_text(object, "built_at", naive(assay_rows_int(rows, i, 7), when));
	assay_json_set_bool(object, "has_diffoscope", strcmp(status, "GOOD") != 0 && assay_rows_text(rows, i, 8));
	assay_json_set_bool(object, "has_attestation", assay_rows_text(rows, i, 9) != NULL);
	return object;
}

static enum assay_code packages(struct api_call *call, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	const char *name, *distro, *architecture, *status, *suite;
	json_t *list;

	if (api_query(call, "name", "", &name, err) || api_query(call, "distro", "", &distro, err) ||
	    api_query(call, "architecture", "", &architecture, err) || api_query(call, "status", "", &status, err) ||
	    api_query(call, "suite", "", &suite, err) ||
	    assay_database_run(call->db, PACKAGES,
			       ASSAY_VALUES(assay_text(name), assay_text(distro), assay_text(architecture)), &rows, err))
		return err->code;
	list = assay_json_array();
	for (size_t i = 0; i < assay_rows_count(rows); i++)
		if ((!*status || strcmp(status, status_of(assay_rows_text(rows, i, 2))) == 0) && !*suite)
			assay_json_append(list, release(rows, i));
	assay_http_answer(call->response, 200, list);
	return ASSAY_OK;
}

/* A blob of the job's latest attempt, by the column that names it. */
static enum assay_code blob(struct api_call *call, const char *sql, struct assay_buf *out,
			    struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	assay_auto(assay_fd_closep) int fd = -1;
	struct assay_digest digest;
	int64_t job;

	if (api_job(call, &job, err) || assay_database_run(call->db, sql, ASSAY_VALUES(assay_int(job)), &rows, err))
		return err->code;
	if (!assay_rows_count(rows) ||
	    !assay_digest_parse(assay_span_text(assay_rows_text(rows, 0, 0)), &digest))
		return assay_fail(err, ASSAY_ENOTFOUND, "build %s has none", call->argument);
	if (assay_store_get(call->scheduler->store, &digest, &fd, err) || assay_buf_read_fd(out, fd, err))
		return err->code;
	call->response->status = 200;
	call->response->type = "text/plain; charset=utf-8";
	return ASSAY_OK;
}

#define LATEST_OF(column) \
	"SELECT " column " FROM attempt WHERE job = $1 AND " column " IS NOT NULL ORDER BY fence DESC LIMIT 1"

static enum assay_code build_log(struct api_call *call, struct assay_error *err)
{
	return blob(call, LATEST_OF("log"), &call->response->body, err);
}

static enum assay_code attestation(struct api_call *call, struct assay_error *err)
{
	if (blob(call, LATEST_OF("attestations"), &call->response->body, err))
		return err->code;
	call->response->type = "application/json; charset=utf-8";
	return ASSAY_OK;
}

/* Our explanation where theirs would have diffoscope's. */
static enum assay_code diffoscope(struct api_call *call, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	assay_auto(assay_json_freep) json_t *report = NULL;
	struct assay_report_style style = { .verbose = true };

	if (blob(call, LATEST_OF("report"), &text, err) ||
	    assay_json_parse(assay_buf_span(&text), "report", &report, err))
		return err->code;
	assay_report_writer_find("text")->write(report, &style, &call->response->body);
	return assay_buf_check(&call->response->body, "report", err);
}

const struct api_endpoint api_rebuilderd[] = {
	{ "GET", "/api/v0/pkgs/list", packages, "packages and how they came out, as rebuilderd lists them", NEED_VIEWER, NULL },
	{ "GET", "/api/v0/builds/*/log", build_log, "the log of a build", NEED_VIEWER, NULL },
	{ "GET", "/api/v0/builds/*/attestation", attestation, "its statements, one DSSE envelope a line", NEED_VIEWER, NULL },
	{ "GET", "/api/v0/builds/*/diffoscope", diffoscope, "what differs and why, as text", NEED_VIEWER, NULL },
	{ .method = NULL },
};
