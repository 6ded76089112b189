/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rebuild-comparison predicate of one subject (docs/schema/rebuild-comparison-v0.1.schema.json).
 *
 * Its subject is the published artifact, the thing that people hold.  Negative verdicts are stated
 * like positive ones.  `verdict` has the five values that a gate needs; `result` is the verdict in
 * assay's own words.  No field that can be dropped makes a statement better than it was.
 */
#include "assay/attest.h"
#include "assay/attestation.h"
#include "assay/verdict.h"
#include "statements.h"

/* What built and is not the same contradicts the publisher; what did not build says nothing. */
static const char *const stated[] = {
	[ASSAY_REPRODUCIBLE] = "IDENTICAL",   [ASSAY_EQUIVALENT] = "EQUIVALENT",
	[ASSAY_INPUTS_LOST] = "INCONCLUSIVE", [ASSAY_FARM_ERROR] = "INCONCLUSIVE",
	[ASSAY_TIMED_OUT] = "INCONCLUSIVE",   [ASSAY_BUILD_FAILED] = "UNBUILDABLE",
	[ASSAY_INCOMPLETE] = "DIVERGENT",     [ASSAY_FLAKY] = "DIVERGENT",
	[ASSAY_DIVERGENT] = "DIVERGENT",      [ASSAY_REJECTED] = "INCONCLUSIVE",
};

static json_t *verifier(void)
{
	json_t *object = assay_json_object(), *version = assay_json_object();

	assay_json_set_text(version, "assay", ASSAY_VERSION);
	assay_json_set_text(object, "id", ASSAY_VERIFIER);
	assay_json_set(object, "version", version);
	return object;
}

/* The passes under which the two are equal: another party can replay them. */
static json_t *method(const json_t *subject)
{
	const json_t *passes = json_object_get(subject, "passes");
	json_t *object = assay_json_object(), *normalizers = assay_json_array();

	for (size_t i = 0; i < json_array_size(passes); i++) {
		const json_t *pass = json_array_get(passes, i);
		json_t *normalizer = assay_json_object();

		statement_copy(normalizer, "name", pass, "name");
		statement_copy(normalizer, "version", pass, "version");
		statement_copy(normalizer, "fields", pass, "fields");
		statement_copy(normalizer, "bytes", pass, "bytes");
		assay_json_append(normalizers, normalizer);
	}
	assay_json_set(object, "normalizers", normalizers);
	return object;
}

/* The digest of the output of that name; names are compared as the report has them. */
static json_t *output_digest(const json_t *attempt, const json_t *name)
{
	const json_t *outputs = json_object_get(attempt, "outputs");

	for (size_t i = 0; i < json_array_size(outputs); i++) {
		const json_t *output = json_array_get(outputs, i);
		json_t *descriptor, *digest;

		if (!json_equal(json_object_get(output, "name"), name))
			continue;
		descriptor = statement_descriptor(output);
		digest = json_incref(json_object_get(descriptor, "digest"));
		json_decref(descriptor);
		return digest;
	}
	return NULL;
}

/* One row for each attempt; more than one distinct digest is a build that is not deterministic. */
static json_t *rebuilds(const struct statement_context *context, const json_t *name)
{
	const json_t *attempts = json_object_get(context->report, "attempts");
	json_t *list = assay_json_array();

	for (size_t i = 0; i < json_array_size(attempts); i++) {
		const json_t *attempt = json_array_get(attempts, i);
		json_t *provenance = json_array_get(context->provenances, i);
		json_t *row = assay_json_object(), *digest = output_digest(attempt, name);

		statement_copy(row, "attempt", attempt, "number");
		statement_copy(row, "result", attempt, "result");
		assay_json_set(row, "builderId",
			       statement_builder_id(json_object_get(attempt, "isolation")));
		if (digest)
			assay_json_set(row, "outputDigest", digest);
		if (json_is_object(provenance))
			assay_json_set(row, "provenance", json_incref(provenance));
		assay_json_append(list, row);
	}
	return list;
}

static int severity_rank(const char *name)
{
	static const char *const order[] = { "metadata", "structure", "data", "code" };

	for (int i = 0; i < (int)(sizeof(order) / sizeof(order[0])); i++)
		if (strcmp(order[i], name) == 0)
			return i + 1;
	return 0;
}

static json_t *divergences(const json_t *subject)
{
	const json_t *list = json_object_get(subject, "divergences");
	json_t *object = assay_json_object(), *causes = assay_json_object();
	const char *worst = "";

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *divergence = json_array_get(list, i);
		const char *cause = assay_json_text(divergence, "cause", "unexplained");
		const char *severity = assay_json_text(divergence, "severity", "");

		assay_json_set_int(causes, cause, assay_json_int(causes, cause, 0) + 1);
		if (severity_rank(severity) > severity_rank(worst))
			worst = severity;
	}
	assay_json_set_int(object, "total", (int64_t)json_array_size(list));
	assay_json_set(object, "byCause", causes);
	if (*worst)
		assay_json_set_text(object, "severityMax", worst);
	statement_copy(object, "accounting", subject, "accounting");
	/* absent and true are both "maybe more": only a stated false says that this is all */
	statement_copy(object, "truncated", subject, "truncated");
	return object;
}

/* What was checked before anything was built. */
static json_t *inputs(const struct statement_context *context, const json_t *artifact)
{
	const json_t *signature = json_object_get(artifact, "signature");
	json_t *object = assay_json_object(), *shown = assay_json_object();

	if (json_is_object(signature)) {
		statement_copy(shown, "scheme", signature, "scheme");
		statement_copy(shown, "status", signature, "status");
		statement_copy(shown, "keyId", signature, "key");
	} else {
		assay_json_set_text(shown, "status", "not-checked");
	}
	assay_json_set(object, "subjectSignature", shown);
	statement_copy(object, "chain", context->report, "chain");
	return object;
}

/* On one machine every attempt has the same operator: said, so that nobody counts them as two. */
static json_t *independence(const struct statement_context *context)
{
	json_t *object = assay_json_object();

	assay_json_set(object, "operator", json_sprintf("key:%s", context->key_id));
	assay_json_set_text(object, "sameOperatorAsOriginal", "unknown");
	return object;
}

static void add_outcome(json_t *predicate, const json_t *subject, enum assay_verdict verdict)
{
	json_t *candidate = statement_descriptor(json_object_get(subject, "candidate"));

	assay_json_set_text(predicate, "verdict", stated[verdict]);
	assay_json_set_text(predicate, "result", assay_verdict_name(verdict));
	statement_copy(predicate, "reason", subject, "reason");
	if (verdict == ASSAY_EQUIVALENT)
		statement_copy(predicate, "grade", subject, "grade");
	statement_copy(predicate, "stable", subject, "stable");
	if (candidate)
		assay_json_set(predicate, "candidate", candidate);
	assay_json_set(predicate, "method", method(subject));
	assay_json_set(predicate, "divergences", divergences(subject));
}

json_t *statement_comparison(const struct statement_context *context, const json_t *subject)
{
	const json_t *artifact = json_object_get(subject, "subject");
	const json_t *environment = json_object_get(context->report, "environment");
	const json_t *isolation = json_object_get(context->report, "isolation");
	json_t *descriptor = statement_descriptor(artifact), *predicate, *subjects;
	enum assay_verdict verdict = ASSAY_FARM_ERROR; /* for a word that is no verdict */

	if (!descriptor)
		return NULL;
	assay_verdict_parse(assay_json_text(subject, "verdict", ""), &verdict);
	predicate = assay_json_object();
	assay_json_set(predicate, "verifier", verifier());
	assay_json_set_text(predicate, "comparedAt", context->now);
	statement_copy(predicate, "resourceUri", descriptor, "name");
	statement_copy(predicate, "resourceUri", artifact, "purl");
	add_outcome(predicate, subject, verdict);
	assay_json_set(predicate, "rebuilds",
		       rebuilds(context, json_object_get(artifact, "name")));
	assay_json_set(predicate, "inputs", inputs(context, artifact));
	assay_json_set_text(predicate, "isolation", assay_json_text(isolation, "class", "none"));
	assay_json_set_text(predicate, "environment", assay_json_text(environment, "kind", "none"));
	assay_json_set(predicate, "independence", independence(context));
	subjects = assay_json_array();
	assay_json_append(subjects, descriptor);
	return assay_statement_new(subjects, ASSAY_PREDICATE_COMPARISON, predicate);
}
