/* SPDX-License-Identifier: Apache-2.0 */
/* See the header. */
#include "evidence.h"

#include <string.h>

#include "assay/cleanup.h"
#include "assay/digest.h"

enum { KEYS_MAX = 9, TEXT_MAX = 1000 };

/* One list of an outcome: the keys of its items, those with a '#' numbers, and where they are kept. */
static const struct list {
	const char *key;
	size_t most;
	const char *const keys[KEYS_MAX];
	const char *insert; /* $1: job, $2: fence, then the keys in their order */
} lists[] = {
	{ "subjects",
	  EVIDENCE_SUBJECTS_MAX,
	  { "name", "verdict", "sha256", "distribution", "package", "version", "architecture", NULL },
	  "INSERT INTO subject (job, fence, name, verdict, sha256, distribution, package, version, architecture) VALUES "
	  "($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING" },
	{ "causes",
	  EVIDENCE_CAUSES_MAX,
	  { "cause", "severity", "#divergences", "#bytes", NULL },
	  "INSERT INTO finding (job, fence, cause, severity, divergences, bytes) VALUES ($1, $2, $3, $4, $5, $6) ON "
	  "CONFLICT DO NOTHING" },
};

enum { LISTS = sizeof(lists) / sizeof(lists[0]) };

static const char *const numbers[] = { "fields_present", "fields_required", "egress_denied" };
static const char *const blobs[] = { "log", "attestations" };

/* Causes and severities become labels of metrics, so they are plain words. */
static bool is_word(const char *text)
{
	size_t len = strlen(text);

	return len && len <= 64 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

static enum assay_code check_item(const struct list *list, const json_t *item, struct assay_error *err)
{
	for (size_t k = 0; list->keys[k]; k++) {
		bool number = list->keys[k][0] == '#';
		const json_t *value = json_object_get(item, list->keys[k] + number);
		const char *text = json_string_value(value);

		if (!value && !number && k > 1)
			continue;
		if (number ? !json_is_integer(value) || json_integer_value(value) < 0 :
			     !text || strlen(text) > TEXT_MAX)
			return assay_fail(err, ASSAY_EUSAGE, "%s: \"%s\": want %s", list->key, list->keys[k] + number,
					  number ? "a number that is not negative" : "a text");
	}
	if (list == &lists[1] && (!is_word(assay_json_text(item, "cause", "")) ||
				  !is_word(assay_json_text(item, "severity", ""))))
		return assay_fail(err, ASSAY_EUSAGE, "causes: want words of a-z, 0-9, - and _");
	return ASSAY_OK;
}

static enum assay_code check_list(const struct list *list, const json_t *items, struct assay_error *err)
{
	size_t i;
	json_t *item;

	if (items && (!json_is_array(items) || json_array_size(items) > list->most))
		return assay_fail(err, ASSAY_EUSAGE, "%s: want a list of at most %zu", list->key, list->most);
	json_array_foreach(items, i, item)
		if (check_item(list, item, err))
			return err->code;
	return ASSAY_OK;
}

enum assay_code evidence_check(const json_t *outcome, struct assay_error *err)
{
	struct assay_digest digest;

	for (size_t i = 0; i < LISTS; i++)
		if (check_list(&lists[i], json_object_get(outcome, lists[i].key), err))
			return err->code;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (assay_json_int(outcome, numbers[i], 0) < 0 ||
		    assay_json_int(outcome, numbers[i], 0) > 1000000000)
			return assay_fail(err, ASSAY_EUSAGE, "%s: want 0 to 1000000000", numbers[i]);
	for (size_t i = 0; i < sizeof(blobs) / sizeof(blobs[0]); i++) {
		const char *hex = assay_json_text(outcome, blobs[i], NULL);

		if (hex && !assay_digest_parse(assay_span_text(hex), &digest))
			return assay_fail(err, ASSAY_EUSAGE, "%s: want a SHA-256 in hex", blobs[i]);
	}
	return ASSAY_OK;
}

static enum assay_code write_list(struct assay_database *db, int64_t job, int64_t fence,
				  const struct list *list, const json_t *items, struct assay_error *err)
{
	size_t i;
	json_t *item;

	json_array_foreach(items, i, item) {
		struct assay_value values[2 + KEYS_MAX] = { assay_int(job), assay_int(fence) };
		size_t count = 2;

		for (size_t k = 0; list->keys[k]; k++)
			values[count++] = list->keys[k][0] == '#' ?
						  assay_int(assay_json_int(item, list->keys[k] + 1, 0)) :
						  assay_text(assay_json_text(item, list->keys[k], ""));
		if (assay_database_run(db, list->insert, values, count, NULL, err))
			return err->code;
	}
	return ASSAY_OK;
}

enum assay_code evidence_write(struct assay_database *db, int64_t job, int64_t fence,
			       const json_t *outcome, struct assay_error *err)
{
	for (size_t i = 0; i < LISTS; i++)
		if (write_list(db, job, fence, &lists[i], json_object_get(outcome, lists[i].key), err))
			return err->code;
	return assay_database_run(
		db,
		"UPDATE attempt SET log = $3, attestations = $4, fields_present = $5, fields_required = $6, "
		"egress_denied = $7 WHERE job = $1 AND fence = $2",
		ASSAY_VALUES(assay_int(job), assay_int(fence), assay_text(assay_json_text(outcome, "log", NULL)),
			     assay_text(assay_json_text(outcome, "attestations", NULL)),
			     assay_int(assay_json_int(outcome, "fields_present", 0)),
			     assay_int(assay_json_int(outcome, "fields_required", 0)),
			     assay_int(assay_json_int(outcome, "egress_denied", 0))),
		NULL, err);
}
