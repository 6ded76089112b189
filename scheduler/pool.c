/* SPDX-License-Identifier: Apache-2.0 */
/* Pools' rules; see the header.  What workers must have is checked where leases are given. */
#include "pool.h"

#include <string.h>

#include "assay/cleanup.h"
#include "assay/digest.h"

/* From the strictest on; the last two accept the same. */
static const char *const grades[] = { "reproducible", "encoding", "container", "code", "equivalent" };

enum { GRADES = sizeof(grades) / sizeof(grades[0]) };

static size_t laxness(const char *grade)
{
	size_t i = 0;

	while (i < GRADES && strcmp(grades[i], grade) != 0)
		i++;
	return i;
}

static enum assay_code check_grade(const char *grade, struct assay_error *err)
{
	if (laxness(grade) < GRADES)
		return ASSAY_OK;
	return assay_fail(err, ASSAY_EUSAGE,
			  "accept: want reproducible, encoding, container, code or equivalent, have \"%.60s\"", grade);
}

struct setting {
	const char *pool;
	const struct pool_rules *rules;
};

static enum assay_code set(struct assay_database *db, void *data, struct assay_error *err)
{
	const struct setting *s = data;

	if (assay_database_run(db,
			       "INSERT INTO pool (name, needs, accept, require_signature) VALUES ($1, $2, $3, $4) ON "
			       "CONFLICT (name) DO UPDATE SET needs = $2, accept = $3, require_signature = $4",
			       ASSAY_VALUES(assay_text(s->pool), assay_text(s->rules->needs), assay_text(s->rules->accept),
					    assay_int(s->rules->require_signature)),
			       NULL, err))
		return err->code;
	return assay_database_notify(db, err);
}

enum assay_code pool_set(struct assay_database *db, const char *pool, const struct pool_rules *rules,
			 struct assay_error *err)
{
	struct setting s = { pool, rules };

	if (rules->accept && check_grade(rules->accept, err))
		return err->code;
	return assay_database_transact(db, set, &s, err);
}

/* What a job may say, and of which type. */
static enum assay_code check_options(const json_t *options, struct assay_error *err)
{
	static const struct {
		const char *key, *wanted;
		json_type type;
		bool digest;
	} known[] = { { "accept", "a string", JSON_STRING, false },
		      { "buildinfo", "a string", JSON_STRING, true },
		      { "files", "an object", JSON_OBJECT, false },
		      { "recipe", "a string", JSON_STRING, true },
		      { "require_signature", "true or false", JSON_TRUE, false } };
	struct assay_digest digest;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)options, key, value) {
		size_t i = 0;

		while (i < sizeof(known) / sizeof(known[0]) && strcmp(known[i].key, key) != 0)
			i++;
		if (i == sizeof(known) / sizeof(known[0]))
			return assay_fail(err, ASSAY_EUSAGE, "options: there is no key \"%.60s\"",
					  key);
		if (json_typeof(value) != known[i].type &&
		    !(known[i].type == JSON_TRUE && json_is_false(value)))
			return assay_fail(err, ASSAY_EUSAGE, "options: \"%s\": want %s", key,
					  known[i].wanted);
		if (known[i].digest &&
		    !assay_digest_parse(assay_span_text(json_string_value(value)), &digest))
			return assay_fail(err, ASSAY_EUSAGE,
					  "options: \"%s\": want a SHA-256 in hex, have \"%.70s\"",
					  key, json_string_value(value));
	}
	return ASSAY_OK;
}

enum assay_code pool_admit(struct assay_database *db, const char *pool, json_t *options,
			   struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	const char *accept = assay_json_text(options, "accept", NULL), *most;

	if (check_options(options, err) || (accept && check_grade(accept, err)) ||
	    assay_database_run(db, "SELECT accept, require_signature FROM pool WHERE name = $1",
			       ASSAY_VALUES(assay_text(pool)), &rows, err))
		return err->code;
	if (!assay_rows_count(rows))
		return ASSAY_OK;
	most = assay_rows_text(rows, 0, 0);
	if (accept && most && laxness(accept) > laxness(most))
		return assay_fail(err, ASSAY_EUSAGE, "pool %s accepts \"%s\" at most, have \"%s\"", pool, most, accept);
	if (assay_rows_int(rows, 0, 1))
		assay_json_set_bool(options, "require_signature", true);
	return ASSAY_OK;
}
