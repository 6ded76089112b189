/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger as the "divergences" and "passes" of assay.report/1. */
#include <string.h>

#include "assay/limits.h"
#include "ledger_int.h"

static const char *const confidences[] = {
	[ASSAY_GUESS] = "guess",
	[ASSAY_LIKELY] = "likely",
	[ASSAY_CERTAIN] = "certain",
};

static const char *cause_of(const struct assay_divergence *d)
{
	if (d->cause)
		return d->cause;
	if (d->severity == ASSAY_SEVERITY_CODE)
		return ASSAY_CAUSE_CODE;
	return d->field->kind == ASSAY_CONTENT ? ASSAY_CAUSE_DATA : ASSAY_CAUSE_METADATA;
}

static json_t *value_of(struct assay_span text, bool present)
{
	return present ? assay_json_name(text) : json_null();
}

static json_t *pair_of(uint64_t offset, uint64_t length)
{
	json_t *pair = assay_json_array();

	assay_json_append(pair, json_integer((json_int_t)offset));
	assay_json_append(pair, json_integer((json_int_t)length));
	return pair;
}

static json_t *ranges_of(const struct assay_divergence *d)
{
	json_t *list = assay_json_array();

	for (size_t i = 0; i < d->range_count; i++) {
		const struct assay_range *range = &d->ranges[i];
		json_t *item = assay_json_object();

		assay_json_set(item, "left", pair_of(range->left, range->left_length));
		assay_json_set(item, "right", pair_of(range->right, range->right_length));
		assay_json_append(list, item);
	}
	return list;
}

/* A group of members is named by its archive, with the first member as the example. */
static void set_path(json_t *object, const struct assay_divergence *d)
{
	bool group = d->members > 1;
	size_t count = group ? d->container_count : d->path_count;
	json_t *path = assay_json_array(), *example = assay_json_array();

	for (size_t i = 0; i < d->path_count; i++) {
		if (i < count)
			assay_json_append(path, assay_json_name(d->path[i]));
		assay_json_append(example, assay_json_name(d->path[i]));
	}
	assay_json_set(object, "path", path);
	if (!group) {
		json_decref(example);
		return;
	}
	assay_json_set(object, "example", example);
	assay_json_set_int(object, "members", (json_int_t)d->members);
}

static json_t *divergence_json(const struct assay_divergence *d)
{
	const struct assay_cause *cause = assay_cause_find(cause_of(d));
	json_t *object = assay_json_object();

	set_path(object, d);
	assay_json_set_text(object, "field", d->field->name);
	assay_json_set_text(object, "kind", assay_kind_name(d->field->kind));
	assay_json_set_text(object, "cause", cause_of(d));
	assay_json_set_text(object, "severity", assay_severity_name(d->severity));
	assay_json_set_text(object, "confidence", confidences[d->confidence]);
	assay_json_set(object, "left", value_of(d->values.text.left, d->values.left_present));
	assay_json_set(object, "right", value_of(d->values.text.right, d->values.right_present));
	assay_json_set(object, "ranges", ranges_of(d));
	assay_json_set_int(object, "bytes", (json_int_t)d->bytes);
	assay_json_set(object, "pass", d->pass ? json_string(d->pass) : json_null());
	assay_json_set_text(object, "explanation", d->explanation ? d->explanation : "");
	assay_json_set_text(object, "remedy", cause ? cause->remedy : "");
	if (d->condition)
		assay_json_set_text(object, "condition", d->condition);
	if (d->diff)
		assay_json_set_text(object, "diff", d->diff);
	if (d->ranges_cut || d->values_cut)
		assay_json_set_bool(object, "shortened", true);
	return object;
}

json_t *assay_ledger_divergences(const struct assay_ledger *ledger)
{
	json_t *list = assay_json_array();

	for (size_t i = 0; i < ledger->count; i++)
		assay_json_append(list, divergence_json(ledger->list[i]));
	return list;
}

static json_t *find_pass(const json_t *list, const char *name)
{
	size_t i;
	json_t *pass;

	json_array_foreach(list, i, pass)
		if (strcmp(assay_json_text(pass, "name", ""), name) == 0)
			return pass;
	return NULL;
}

json_t *assay_ledger_passes(const struct assay_ledger *ledger)
{
	json_t *list = assay_json_array();

	for (size_t i = 0; i < ledger->count; i++) {
		const struct assay_divergence *d = ledger->list[i];
		json_t *pass = d->pass ? find_pass(list, d->pass) : NULL;

		if (!d->pass)
			continue;
		if (!pass) {
			pass = assay_json_object();
			assay_json_set_text(pass, "name", d->pass);
			assay_json_set_int(pass, "version", 1);
			assay_json_set_text(pass, "grade", assay_grade_name(d->field->grade));
			if (d->condition)
				assay_json_set_text(pass, "condition", d->condition);
			assay_json_append(list, pass);
		}
		assay_json_set_int(pass, "fields",
				   assay_json_int(pass, "fields", 0) + (json_int_t)d->members);
		assay_json_set_int(pass, "bytes",
				   assay_json_int(pass, "bytes", 0) + (json_int_t)d->bytes);
	}
	return list;
}
