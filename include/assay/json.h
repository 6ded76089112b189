/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON, by jansson: this header is the only place that includes it, and states our rules.
 *   - Output is deterministic: keys sorted, two spaces of indent, one newline at the end.
 *   - Names from artifacts are bytes: assay_json_name() gives a string when they are UTF-8 and
 *     {"bytes": "<hex>"} when they are not.
 *   - Input is strict: no duplicate keys, nothing after the value, bounded size and depth.
 */
#ifndef ASSAY_JSON_H
#define ASSAY_JSON_H

#include <jansson.h>

#include "assay/buf.h"
#include "assay/error.h"
#include "assay/span.h"

static inline void assay_json_freep(json_t **json)
{
	json_decref(*json);
}

/* New reference.  Aborts when out of memory, as do the next three: a report is built from small
 * bounded pieces, and a half report must never pass for a whole one. */
json_t *assay_json_name(struct assay_span name);
/* Sets a value (reference stolen) under a key. */
void assay_json_set(json_t *object, const char *key, json_t *value);
void assay_json_set_text(json_t *object, const char *key, const char *text);
void assay_json_set_int(json_t *object, const char *key, int64_t value);
void assay_json_set_bool(json_t *object, const char *key, bool value);
void assay_json_append(json_t *array, json_t *value);
json_t *assay_json_object(void);
json_t *assay_json_array(void);

/* Borrowed text of a key, fallback when absent or not a string. */
const char *assay_json_text(const json_t *object, const char *key, const char *fallback);
int64_t assay_json_int(const json_t *object, const char *key, int64_t fallback);
bool assay_json_bool(const json_t *object, const char *key);

/* Pretty, sorted, ends in a newline.  Characters that steer a terminal or turn the text around them are
 * written as \u and their number: people look at this form. */
void assay_json_dump(const json_t *json, struct assay_buf *out);
/* Sorted, without white space: the form that is signed. */
void assay_json_dump_compact(const json_t *json, struct assay_buf *out);
enum assay_code assay_json_parse(struct assay_span text, const char *what, json_t **ret,
				 struct assay_error *err) ASSAY_CHECKED;

#endif
