/* SPDX-License-Identifier: Apache-2.0 */
/* The passes, as the field tables have them. */
#include <string.h>

#include "assay/normalize.h"
#include "passes.h"

static const char *rating_of(const struct assay_field *field)
{
	return field->rating == ASSAY_RATE_NEVER ? "unsafe" : assay_rating_name(field->rating);
}

static json_t *find(const json_t *list, const char *name)
{
	json_t *pass;
	size_t i;

	json_array_foreach(list, i, pass)
		if (strcmp(assay_json_text(pass, "name", ""), name) == 0)
			return pass;
	return NULL;
}

static void add_condition(json_t *pass, const char *condition)
{
	json_t *list = json_object_get(pass, "conditions"), *each;
	size_t i;

	if (!list) {
		list = assay_json_array();
		assay_json_set(pass, "conditions", list);
	}
	json_array_foreach(list, i, each)
		if (strcmp(json_string_value(each), condition) == 0)
			return;
	assay_json_append(list, json_string(condition));
}

static bool has_field(const json_t *fields, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach(fields, i, item)
		if (strcmp(assay_json_text(item, "field", ""), name) == 0)
			return true;
	return false;
}

/* The gravest rating of its fields is the pass's. */
static void add_field(json_t *list, const struct assay_field *field)
{
	json_t *pass = find(list, field->pass), *item;

	if (!pass) {
		pass = assay_json_object();
		assay_json_set_text(pass, "name", field->pass);
		assay_json_set_text(pass, "rating", "safe");
		assay_json_set(pass, "fields", assay_json_array());
		assay_json_append(list, pass);
	}
	/* two formats may share a table */
	if (has_field(json_object_get(pass, "fields"), field->name))
		return;
	if (strcmp(rating_of(field), "safe") != 0 &&
	    strcmp(assay_json_text(pass, "rating", ""), "unsafe") != 0)
		assay_json_set_text(pass, "rating", rating_of(field));
	if (field->rating != ASSAY_RATE_NEVER)
		assay_json_set_text(pass, "grade", assay_grade_name(field->grade));
	if (field->rating == ASSAY_RATE_CHECKED && field->check)
		add_condition(pass, field->check->condition);
	item = assay_json_object();
	assay_json_set_text(item, "field", field->name);
	assay_json_set_text(item, "rule", field->rule ? field->rule : "");
	assay_json_append(json_object_get(pass, "fields"), item);
}

json_t *assay_normalize_passes(void)
{
	json_t *object = assay_json_object(), *list = assay_json_array();

	for (const struct assay_format *const *format = assay_formats; *format; format++)
		for (const struct assay_field *field = (*format)->fields; field->name; field++)
			if ((*format)->emit && field->pass)
				add_field(list, field);
	assay_json_set_text(object, "schema", "assay.passes/1");
	assay_json_set(object, "passes", list);
	return object;
}

/* How a rewritten header is written is no choice of its own. */
static bool is_form(const char *pass)
{
	static const char *const ends[] = { "-dialect", "-blocking", "-header", "-creator",
					    "-inode",	"-index",    "-check" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (assay_span_ends(assay_span_text(pass), ends[i]))
			return true;
	return false;
}

const char *assay_normalize_refuses(const char *pass, bool unsafe)
{
	json_t *object = assay_normalize_passes();
	const json_t *known = find(json_object_get(object, "passes"), pass);
	bool is_unsafe = known && strcmp(assay_json_text(known, "rating", ""), "unsafe") == 0;
	const char *why = NULL;

	if (!known)
		why = "there is no such pass";
	else if (unsafe && !is_unsafe)
		why = "the pass is not unsafe: it is applied anyway";
	else if (!unsafe && is_unsafe)
		why = "the pass is unsafe: it is never applied by itself";
	else if (!unsafe && is_form(pass))
		why = "what is rewritten is written one way";
	json_decref(object);
	return why;
}
