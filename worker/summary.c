/* SPDX-License-Identifier: Apache-2.0 */
/* See the header. */
#include "summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/debian.h"
#include "assay/digest.h"
#include "assay/log.h"

enum { SUBJECTS_MAX = 1000, CAUSES_MAX = 200 };

static json_t *subject_of(const json_t *item)
{
	const json_t *artifact = json_object_get(item, "subject");
	struct assay_debian_target target = { .name = "" };
	struct assay_error ignored = ASSAY_ERROR_INIT;
	const char *purl = assay_json_text(artifact, "purl", "");
	json_t *subject = assay_json_object();
	bool debian = *purl && assay_debian_target_parse(purl, &target, &ignored);

	assay_json_set_text(subject, "name", assay_json_text(artifact, "name", "unnamed"));
	assay_json_set_text(subject, "verdict", assay_json_text(item, "verdict", ""));
	assay_json_set_text(subject, "sha256", assay_json_text(json_object_get(artifact, "digest"), "sha256", ""));
	assay_json_set_text(subject, "distribution", debian ? "debian" : "");
	assay_json_set_text(subject, "package", debian ? target.name : "");
	assay_json_set_text(subject, "version", debian ? target.version : "");
	assay_json_set_text(subject, "architecture", debian ? target.architecture : "");
	return subject;
}

/* One row for each cause and severity, however many divergences have it; one for those that find no room. */
static void count_cause(json_t *table, const json_t *divergence)
{
	const char *cause = assay_json_text(divergence, "cause", "unknown");
	const char *severity = assay_json_text(divergence, "severity", "unknown");
	char key[200];
	json_t *row;

	snprintf(key, sizeof(key), "%s %s", cause, severity);
	row = json_object_get(table, key);
	if (!row && json_object_size(table) >= CAUSES_MAX - 1) {
		cause = "further_causes";
		severity = "unknown";
		row = json_object_get(table, cause);
		snprintf(key, sizeof(key), "%s", cause);
	}
	if (!row) {
		row = assay_json_object();
		assay_json_set_text(row, "cause", cause);
		assay_json_set_text(row, "severity", severity);
		assay_json_set(table, key, row);
	}
	assay_json_set_int(row, "divergences", assay_json_int(row, "divergences", 0) + 1);
	assay_json_set_int(row, "bytes",
			   assay_json_int(row, "bytes", 0) + assay_json_int(divergence, "bytes", 0));
}

static json_t *causes_of(const json_t *report)
{
	json_t *table = assay_json_object(), *list = assay_json_array(), *subject, *divergence, *row;
	const char *key;
	size_t i, k;

	json_array_foreach(json_object_get(report, "subjects"), i, subject)
		json_array_foreach(json_object_get(subject, "divergences"), k, divergence)
			count_cause(table, divergence);
	json_object_foreach(table, key, row)
		assay_json_append(list, json_incref(row));
	json_decref(table);
	return list;
}

/* What a whole record of a rebuild has, as places in the report. */
static const char *const fields[][3] = {
	{ "target" },	  { "source", "kind" },	   { "environment", "digest" }, { "build", "commands" },
	{ "inputs" },	  { "attempts" },	   { "isolation", "layers" },	{ "chain" },
	{ "tool", "version" }, { "attestations" }, { "subjects" },
};

static bool is_present(const json_t *report, const char *const *place)
{
	const json_t *value = report;

	for (; *place; place++)
		value = json_object_get(value, *place);
	return json_is_string(value) ? json_string_length(value) > 0 :
	       json_is_array(value)  ? json_array_size(value) > 0 :
				       json_is_object(value);
}

/* The digest over what was built: two attempts with the same one built the same. */
static void candidate_of(const json_t *report, json_t *outcome)
{
	struct assay_hasher *hasher = assay_hasher_new();
	struct assay_digest digest;
	char hex[ASSAY_DIGEST_TEXT];
	size_t i, found = 0;
	json_t *subject;

	if (!hasher)
		abort();
	json_array_foreach(json_object_get(report, "subjects"), i, subject) {
		const json_t *candidate = json_object_get(subject, "candidate");
		const char *name = assay_json_text(candidate, "name", "");
		const char *sha256 = assay_json_text(json_object_get(candidate, "digest"), "sha256", "");

		found += *sha256 != '\0';
		assay_hasher_add(hasher, name, strlen(name) + 1);
		assay_hasher_add(hasher, sha256, strlen(sha256) + 1);
	}
	assay_hasher_end(hasher, &digest);
	assay_hasher_free(hasher);
	if (found)
		assay_json_set_text(outcome, "candidate", assay_digest_hex(&digest, hex));
}

static void tell_peak(const json_t *found, const char *key, const char *told, json_t *body)
{
	int64_t peak = 0;
	json_t *attempt;
	size_t i;

	json_array_foreach(json_object_get(found, "attempts"), i, attempt) {
		int64_t had = assay_json_int(attempt, key, 0);

		peak = had > peak ? had : peak;
	}
	if (peak > 0)
		assay_json_set_int(body, told, peak);
}

/* Under which isolation it was built, and what memory and disk it took: for the scheduler's rules. */
static void tell_conditions(const json_t *found, json_t *body)
{
	const char *class = assay_json_text(json_object_get(found, "isolation"), "class", NULL);

	if (class)
		assay_json_set_text(body, "isolation", class);
	tell_peak(found, "memory_peak", "memory", body);
	tell_peak(found, "disk_peak", "disk", body);
}

void summary_add(const json_t *report, json_t *outcome)
{
	const json_t *network = json_object_get(json_object_get(report, "isolation"), "network");
	json_t *subjects = assay_json_array(), *item;
	int64_t present = 0;
	size_t i;

	json_array_foreach(json_object_get(report, "subjects"), i, item)
		if (i < SUBJECTS_MAX)
			assay_json_append(subjects, subject_of(item));
	if (i > SUBJECTS_MAX)
		assay_log(ASSAY_LOG_WARNING, "of %zu artifacts the scheduler is told of %d; the report has them all", i,
			  SUBJECTS_MAX);
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		present += is_present(report, fields[i]);
	candidate_of(report, outcome);
	tell_conditions(report, outcome);
	assay_json_set(outcome, "subjects", subjects);
	assay_json_set(outcome, "causes", causes_of(report));
	assay_json_set_int(outcome, "fields_present", present);
	assay_json_set_int(outcome, "fields_required", (int64_t)(sizeof(fields) / sizeof(fields[0])));
	assay_json_set_int(outcome, "egress_denied", assay_json_int(network, "attempt_count", 0));
}
