/* SPDX-License-Identifier: Apache-2.0 */
/* Our rules on top of jansson; see the header. */
#include "assay/json.h"

#include <stdlib.h>

#include "assay/cleanup.h"
#include "assay/hex.h"

static json_t *must(json_t *json)
{
	if (!json)
		abort();
	return json;
}

json_t *assay_json_name(struct assay_span name)
{
	json_t *object;
	char *hex;

	if (assay_span_is_utf8(name) && !memchr(name.data ? (const char *)name.data : "", 0, name.len))
		return must(json_stringn((const char *)(name.data ? name.data : (const uint8_t *)""),
					 name.len));
	hex = malloc(2 * name.len + 1);
	if (!hex)
		abort();
	object = assay_json_object();
	assay_json_set_text(object, "bytes", assay_hex_encode(name, hex));
	free(hex);
	return object;
}

void assay_json_set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, must(value)))
		abort();
}

void assay_json_set_text(json_t *object, const char *key, const char *text)
{
	assay_json_set(object, key, assay_json_name(assay_span_text(text)));
}

void assay_json_set_int(json_t *object, const char *key, int64_t value)
{
	assay_json_set(object, key, json_integer(value));
}

void assay_json_set_bool(json_t *object, const char *key, bool value)
{
	assay_json_set(object, key, json_boolean(value));
}

void assay_json_append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, must(value)))
		abort();
}

json_t *assay_json_object(void)
{
	return must(json_object());
}

json_t *assay_json_array(void)
{
	return must(json_array());
}

const char *assay_json_text(const json_t *object, const char *key, const char *fallback)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : fallback;
}

int64_t assay_json_int(const json_t *object, const char *key, int64_t fallback)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool assay_json_bool(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static int add_to_buf(const char *data, size_t len, void *buf)
{
	assay_buf_add(buf, data, len);
	return 0;
}

/* What steers a terminal or turns text around stands in texts alone, and may be written by its number. */
static int add_escaped(const char *data, size_t len, void *buf)
{
	struct assay_span rest = assay_span_of(data, len);
	size_t plain = 0, steers;

	while (plain < rest.len) {
		steers = assay_span_steers(assay_span_cut(rest, plain, rest.len));
		if (!steers) {
			plain++;
			continue;
		}
		assay_buf_add(buf, rest.data, plain);
		assay_buf_printf(buf, "\\u%04x",
				 steers == 2 ? (rest.data[plain] & 0x1fu) << 6 | (rest.data[plain + 1] & 0x3fu) :
					       (rest.data[plain] & 0xfu) << 12 |
						       (rest.data[plain + 1] & 0x3fu) << 6 |
						       (rest.data[plain + 2] & 0x3fu));
		rest = assay_span_cut(rest, plain + steers, rest.len);
		plain = 0;
	}
	assay_buf_add(buf, rest.data, rest.len);
	return 0;
}

void assay_json_dump(const json_t *json, struct assay_buf *out)
{
	json_dump_callback(json, add_escaped, out, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	assay_buf_add_text(out, "\n");
}

void assay_json_dump_compact(const json_t *json, struct assay_buf *out)
{
	json_dump_callback(json, add_to_buf, out,
			   JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
}

enum assay_code assay_json_parse(struct assay_span text, const char *what, json_t **ret,
				 struct assay_error *err)
{
	json_error_t at;

	*ret = json_loadb((const char *)(text.data ? text.data : (const uint8_t *)""), text.len,
			  JSON_REJECT_DUPLICATES, &at);
	if (!*ret)
		return assay_fail(err, ASSAY_EINPUT, "%s: line %d, column %d: %s", what, at.line,
				  at.column, at.text);
	return ASSAY_OK;
}
