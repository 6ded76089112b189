/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SLSA provenance v1 of one attempt (https://slsa.dev/spec/v1.2/provenance).
 *
 * externalParameters holds what the user chose and nothing else, so that a strict verifier can pin
 * it; how we built it is internal; what went in is resolvedDependencies, each with a digest.
 */
#include "assay/attest.h"
#include "assay/attestation.h"
#include "assay/cleanup.h"
#include "assay/hex.h"
#include "assay/limits.h"
#include "statements.h"

void statement_copy(json_t *to, const char *to_key, const json_t *from, const char *from_key)
{
	json_t *value = json_object_get(from, from_key);

	if (value && !json_is_null(value))
		assay_json_set(to, to_key, json_incref(value));
}

/* Names of statements are text; one that is not is shown with its odd bytes escaped. */
static json_t *name_text(const json_t *name)
{
	assay_auto(assay_buf_release) struct assay_buf bytes = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	const char *hex = assay_json_text(name, "bytes", "");
	char shown[1024];
	uint8_t byte;

	if (json_is_string(name))
		return json_incref((json_t *)name);
	for (; hex[0] && hex[1] && assay_hex_decode(assay_span_of(hex, 2), &byte, 1); hex += 2)
		assay_buf_add(&bytes, &byte, 1);
	return json_string(assay_span_show(assay_buf_span(&bytes), shown, sizeof(shown)));
}

static json_t *digest_of(const char *hex)
{
	static const struct assay_digest never; /* all zero: a digest nobody has computed */
	struct assay_digest digest;
	json_t *object;

	if (!assay_digest_parse(assay_span_text(hex), &digest) ||
	    assay_digest_equal(&digest, &never))
		return NULL;
	object = assay_json_object();
	assay_json_set_text(object, "sha256", hex);
	return object;
}

json_t *statement_descriptor(const json_t *artifact)
{
	const char *hex = assay_json_text(artifact, "sha256", "");
	json_t *descriptor, *digest;

	if (!*hex)
		hex = assay_json_text(json_object_get(artifact, "digest"), "sha256", "");
	digest = digest_of(hex);
	if (!digest)
		return NULL;
	descriptor = assay_json_object();
	assay_json_set(descriptor, "name", name_text(json_object_get(artifact, "name")));
	assay_json_set(descriptor, "digest", digest);
	return descriptor;
}

json_t *statement_builder_id(const json_t *isolation)
{
	return json_sprintf("%s/%s/%s", ASSAY_BUILDER, assay_json_text(isolation, "driver", "none"),
			    assay_json_text(isolation, "class", "none"));
}

/* ---- buildDefinition ------------------------------------------------------------------------- */

static json_t *source_uri(const json_t *source)
{
	const char *kind = assay_json_text(source, "kind", "");
	const char *location = assay_json_text(source, "location", "");

	if (strcmp(kind, "git") == 0)
		return json_sprintf("git+%s@%s", location, assay_json_text(source, "commit", ""));
	if (strcmp(kind, "apt-source") == 0)
		return json_sprintf("pkg:deb/debian/%s@%s?arch=source", location,
				    assay_json_text(source, "version", ""));
	return json_string(location);
}

static json_t *external_parameters(const json_t *report)
{
	const json_t *source = json_object_get(report, "source");
	const json_t *inputs = json_object_get(report, "inputs");
	json_t *parameters = assay_json_object(), *where = assay_json_object();

	assay_json_set(where, "uri", source_uri(source));
	statement_copy(where, "ref", source, "commit");
	assay_json_set(parameters, "source", where);
	statement_copy(parameters, "target", report, "target");
	statement_copy(parameters, "sourceDateEpoch", source, "source_date_epoch");
	for (size_t i = 0; i < json_array_size(inputs); i++) {
		const json_t *input = json_array_get(inputs, i);
		json_t *recipe;

		if (strcmp(assay_json_text(input, "kind", ""), "recipe") != 0)
			continue;
		recipe = statement_descriptor(input);
		if (recipe)
			assay_json_set(parameters, "recipe", recipe);
	}
	return parameters;
}

/* What was asked of the network, and what passed: zeros are the evidence. */
static json_t *short_network(const json_t *network)
{
	const json_t *interfaces = json_object_get(network, "interfaces");
	json_t *object = assay_json_object();
	int64_t packets = 0;

	for (size_t i = 0; i < json_array_size(interfaces); i++) {
		const json_t *interface = json_array_get(interfaces, i);

		packets += assay_json_int(interface, "rx_packets", 0) +
			   assay_json_int(interface, "tx_packets", 0);
	}
	statement_copy(object, "attempts", network, "attempt_count");
	assay_json_set_int(object, "interfaces", (int64_t)json_array_size(interfaces));
	assay_json_set_int(object, "packets", packets);
	return object;
}

static json_t *short_isolation(const json_t *isolation)
{
	json_t *object = assay_json_object(), *applied = assay_json_array();
	const json_t *layers = json_object_get(isolation, "layers");

	statement_copy(object, "class", isolation, "class");
	statement_copy(object, "driver", isolation, "driver");
	statement_copy(object, "missing", isolation, "missing");
	statement_copy(object, "refused", isolation, "refused");
	if (json_object_get(isolation, "network"))
		assay_json_set(object, "network",
			       short_network(json_object_get(isolation, "network")));
	for (size_t i = 0; i < json_array_size(layers); i++) {
		const json_t *layer = json_array_get(layers, i);
		json_t *name = json_object_get(layer, "name");

		if (assay_json_bool(layer, "applied") && json_is_string(name))
			assay_json_append(applied, json_incref(name));
	}
	assay_json_set(object, "applied", applied);
	return object;
}

static json_t *internal_parameters(const json_t *report, const json_t *attempt)
{
	const json_t *environment = json_object_get(report, "environment");
	static const char *const told[] = { "kind",	"suite", "architecture", "epoch",
					    "packages", "lock",	 "digest",	 "digest_of",
					    "weakness", "tools" };
	json_t *parameters = assay_json_object(), *where = assay_json_object();

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		statement_copy(where, told[i], environment, told[i]);
	assay_json_set(parameters, "environment", where);
	statement_copy(parameters, "build", report, "build");
	statement_copy(parameters, "attempt", attempt, "number");
	assay_json_set(parameters, "isolation",
		       short_isolation(json_object_get(attempt, "isolation")));
	return parameters;
}

/* The source: a git commit speaks for itself, an archive by its SHA-256.  The files of a Debian
 * source package are among the inputs. */
static void add_source(json_t *list, const json_t *source)
{
	json_t *dependency, *digest = assay_json_object();

	statement_copy(digest, "gitCommit", source, "commit");
	statement_copy(digest, "gitTree", source, "git_tree");
	statement_copy(digest, "sha256", source, "sha256");
	if (json_object_size(digest) == 0) {
		json_decref(digest);
		return;
	}
	dependency = assay_json_object();
	assay_json_set(dependency, "uri", source_uri(source));
	assay_json_set(dependency, "digest", digest);
	assay_json_append(list, dependency);
}

static void add_inputs(json_t *list, const json_t *inputs)
{
	for (size_t i = 0; i < json_array_size(inputs); i++) {
		const json_t *input = json_array_get(inputs, i);
		json_t *dependency = statement_descriptor(input), *annotations;

		if (!dependency)
			continue;
		annotations = assay_json_object();
		statement_copy(annotations, "kind", input, "kind");
		assay_json_set(dependency, "annotations", annotations);
		assay_json_append(list, dependency);
	}
}

/* An environment made from a lock is named by the digest of its tree (the lock, which pins every
 * package by SHA-256, is among the inputs); the host's by the digest of its list of packages. */
static void add_environment(json_t *list, const json_t *environment)
{
	bool is_host = strcmp(assay_json_text(environment, "kind", ""), "host") == 0;
	json_t *dependency, *digest;

	if (!*assay_json_text(environment, "digest", ""))
		return;
	dependency = assay_json_object();
	digest = assay_json_object();
	statement_copy(digest, is_host ? "sha256" : "assayTree", environment, "digest");
	assay_json_set_text(dependency, "name", is_host ? "packages of the host" : "environment");
	assay_json_set(dependency, "digest", digest);
	assay_json_append(list, dependency);
}

static json_t *resolved_dependencies(const json_t *report)
{
	json_t *list = assay_json_array();

	add_source(list, json_object_get(report, "source"));
	add_inputs(list, json_object_get(report, "inputs"));
	add_environment(list, json_object_get(report, "environment"));
	return list;
}

/* ---- runDetails ------------------------------------------------------------------------------ */

static json_t *run_details(const struct statement_context *context, const json_t *attempt)
{
	const json_t *log = json_object_get(attempt, "log");
	json_t *details = assay_json_object(), *builder = assay_json_object();
	json_t *metadata = assay_json_object(), *version = assay_json_object();
	json_t *byproducts = assay_json_array(), *byproduct;

	assay_json_set(builder, "id", statement_builder_id(json_object_get(attempt, "isolation")));
	assay_json_set_text(version, "assay", ASSAY_VERSION);
	assay_json_set(builder, "version", version);
	assay_json_set(details, "builder", builder);
	assay_json_set(metadata, "invocationId",
		       json_sprintf("%s/%lld", context->invocation,
				    (long long)assay_json_int(attempt, "number", 0)));
	statement_copy(metadata, "startedOn", attempt, "started");
	statement_copy(metadata, "finishedOn", attempt, "finished");
	assay_json_set(details, "metadata", metadata);
	byproduct = statement_descriptor(log);
	if (byproduct) {
		assay_json_set_text(byproduct, "name", "build.log");
		assay_json_set_text(byproduct, "mediaType", "text/plain");
		assay_json_append(byproducts, byproduct);
	}
	assay_json_set(details, "byproducts", byproducts);
	return details;
}

json_t *statement_provenance(const struct statement_context *context, const json_t *attempt)
{
	const json_t *outputs = json_object_get(attempt, "outputs");
	json_t *subjects = assay_json_array(), *predicate, *definition;

	for (size_t i = 0; i < json_array_size(outputs); i++) {
		json_t *subject = statement_descriptor(json_array_get(outputs, i));

		if (subject)
			assay_json_append(subjects, subject);
	}
	if (json_array_size(subjects) == 0) {
		json_decref(subjects);
		return NULL;
	}
	definition = assay_json_object();
	assay_json_set_text(definition, "buildType", ASSAY_BUILD_TYPE);
	assay_json_set(definition, "externalParameters", external_parameters(context->report));
	assay_json_set(definition, "internalParameters",
		       internal_parameters(context->report, attempt));
	assay_json_set(definition, "resolvedDependencies",
		       resolved_dependencies(context->report));
	predicate = assay_json_object();
	assay_json_set(predicate, "buildDefinition", definition);
	assay_json_set(predicate, "runDetails", run_details(context, attempt));
	return assay_statement_new(subjects, ASSAY_PREDICATE_PROVENANCE, predicate);
}
