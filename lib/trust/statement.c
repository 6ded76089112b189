/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of an in-toto Statement v1: written by us, checked when read. */
#include "assay/attestation.h"

json_t *assay_statement_new(json_t *subjects, const char *predicate_type, json_t *predicate)
{
	json_t *statement = assay_json_object();

	assay_json_set_text(statement, "_type", ASSAY_STATEMENT_TYPE);
	assay_json_set(statement, "subject", subjects);
	assay_json_set_text(statement, "predicateType", predicate_type);
	assay_json_set(statement, "predicate", predicate);
	return statement;
}

json_t *assay_statement_subject(struct assay_span name, const struct assay_digest *digest)
{
	json_t *subject = assay_json_object(), *digests = assay_json_object();
	char hex[ASSAY_DIGEST_TEXT];

	assay_json_set_text(digests, "sha256", assay_digest_hex(digest, hex));
	assay_json_set(subject, "name", assay_json_name(name));
	assay_json_set(subject, "digest", digests);
	return subject;
}

static enum assay_code check_subject(const json_t *subject, size_t i, struct assay_error *err)
{
	const json_t *digest = json_object_get(subject, "digest");
	const char *algorithm;
	json_t *value;

	if (!json_is_object(digest) || json_object_size(digest) == 0)
		return assay_fail(err, ASSAY_EINPUT, "statement: subject %zu: want a digest", i);
	json_object_foreach((json_t *)digest, algorithm, value)
		if (!json_is_string(value))
			return assay_fail(err, ASSAY_EINPUT,
					  "statement: subject %zu: digest %s: want text", i,
					  algorithm);
	return ASSAY_OK;
}

enum assay_code assay_statement_check(const json_t *statement, struct assay_error *err)
{
	const char *type = assay_json_text(statement, "_type", "");
	const json_t *subjects = json_object_get(statement, "subject");
	const json_t *predicate = json_object_get(statement, "predicate");

	if (strcmp(type, ASSAY_STATEMENT_TYPE) != 0 && strcmp(type, ASSAY_STATEMENT_TYPE_OLD) != 0)
		return assay_fail(err, ASSAY_EINPUT, "statement: _type: want %s, have \"%s\"",
				  ASSAY_STATEMENT_TYPE, type);
	if (!*assay_json_text(statement, "predicateType", ""))
		return assay_fail(err, ASSAY_EINPUT, "statement: want a predicateType");
	if (predicate && !json_is_object(predicate) && !json_is_null(predicate))
		return assay_fail(err, ASSAY_EINPUT, "statement: predicate: want an object");
	if (!json_is_array(subjects) || json_array_size(subjects) == 0)
		return assay_fail(err, ASSAY_EINPUT, "statement: want at least one subject");
	for (size_t i = 0; i < json_array_size(subjects); i++)
		if (check_subject(json_array_get(subjects, i), i, err))
			return err->code;
	return ASSAY_OK;
}

bool assay_statement_covers(const json_t *statement, const struct assay_digest *digest)
{
	const json_t *subjects = json_object_get(statement, "subject");

	for (size_t i = 0; i < json_array_size(subjects); i++) {
		const json_t *digests = json_object_get(json_array_get(subjects, i), "digest");
		const char *hex = assay_json_text(digests, "sha256", "");
		struct assay_digest have;

		/* lowercase is the rule; a published example prints mixed case */
		if (assay_digest_parse(assay_span_text(hex), &have) &&
		    assay_digest_equal(&have, digest))
			return true;
	}
	return false;
}
