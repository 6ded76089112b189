/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of a container image (OCI image-spec, config.md): JSON in which the times of creation,
 * of the image and in its history, are fields of their own.  Entrypoint, environment, user, labels and
 * layers are content, and never folded.
 */
#include "assay/json.h"
#include "assay/limits.h"
#include "field_rows.h"
#include "stamp.h"

enum {
	CREATED,
	DIFF_ID,
	TEXT,
};

static const struct assay_field imageconfig_fields[] = {
	[CREATED] = ASSAY_ROW_SAFE(ASSAY_METADATA, "imageconfig.created", "image-created",
				   ASSAY_GRADE_CONTAINER, "timestamps_embedded_in_content",
				   "\"created\", of the image or of a step of its history: a time and "
				   "nothing else; runtimes do not read it"),
	[DIFF_ID] = ASSAY_ROW_NEVER(ASSAY_METADATA, "imageconfig.diff_id", ASSAY_SEVERITY_METADATA,
				    "checksum_of_changed_content",
				    "digest of an uncompressed layer (rootfs.diff_ids), which runtimes "
				    "verify"),
	[TEXT] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "imageconfig.text", ASSAY_SEVERITY_CODE, NULL,
				 "what a runtime runs and with what: Entrypoint, Cmd, Env, User, Labels, "
				 "the layers and how they came about"),
	{ .name = NULL },
};

#define F(x) (&imageconfig_fields[x])

#define TIME_MAX 35 /* "2020-01-01T00:00:00.000000000+00:00" */

static unsigned imageconfig_bid(struct assay_span file)
{
	struct assay_error ignored = ASSAY_ERROR_INIT;
	json_t *json = NULL;
	bool is_config;

	if (file.len < 2 || file.len > ASSAY_MAX_DIFF_INPUT || file.data[0] != '{' ||
	    assay_span_find(file, 0, assay_span_text("\"diff_ids\"")) == SIZE_MAX ||
	    assay_json_parse(file, "image configuration", &json, &ignored))
		return 0;
	is_config = json_is_array(json_object_get(json_object_get(json, "rootfs"), "diff_ids"));
	json_decref(json);
	return is_config ? 80 : 0;
}

/* RFC 3339, the whole of it. */
static bool is_time(struct assay_span s)
{
	struct assay_stamp stamp;

	if (s.len < 20 || s.len > TIME_MAX || s.data[10] != 'T')
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!memchr("0123456789-:.TZ+", s.data[i], 16))
			return false;
	return assay_stamp_find(s, 0, s.len, &stamp) && stamp.has_date && stamp.has_clock;
}

/* The value of the next "created" at or behind from; false when there is none. */
static bool next_created(struct assay_span file, size_t from, size_t *ret_at, size_t *ret_length)
{
	static const char key[] = "\"created\"";

	for (size_t at = from; (at = assay_span_find(file, at, assay_span_text(key))) != SIZE_MAX;) {
		size_t value, end;

		/* inside a string the quotes of the key would be escaped */
		value = at += sizeof(key) - 1;
		if (at > sizeof(key) - 1 && file.data[at - sizeof(key)] == '\\')
			continue;
		while (value < file.len && memchr(" \t\r\n:", file.data[value], 5))
			value++;
		if (value >= file.len || file.data[value] != '"')
			continue;
		for (end = ++value; end < file.len && file.data[end] != '"'; end++)
			;
		if (!is_time(assay_span_cut(file, value, end - value)))
			continue;
		*ret_at = value;
		*ret_length = end - value;
		return true;
	}
	return false;
}

#define DIGEST_LENGTH 71 /* "sha256:" and 64 digits */

/* The next digest in the list behind "diff_ids". */
static bool next_diff_id(struct assay_span file, size_t from, size_t *ret_at)
{
	size_t list = assay_span_find(file, 0, assay_span_text("\"diff_ids\"")), end, at;

	if (list == SIZE_MAX)
		return false;
	end = assay_span_find(file, list, assay_span_text("]"));
	at = assay_span_find(file, from > list ? from : list, assay_span_text("\"sha256:"));
	if (at == SIZE_MAX || end == SIZE_MAX || at + 1 + DIGEST_LENGTH >= end ||
	    file.data[at + 1 + DIGEST_LENGTH] != '"')
		return false;
	*ret_at = at + 1;
	return true;
}

static enum assay_code imageconfig_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	size_t here = 0;

	(void)err;
	while (!assay_layout_failed(l)) {
		size_t at = SIZE_MAX, length = 0, digest = SIZE_MAX;
		bool dated = next_created(file, here, &at, &length);
		bool listed = next_diff_id(file, here, &digest);

		if (!dated && !listed)
			break;
		if (listed && (!dated || digest < at)) {
			at = digest;
			length = DIGEST_LENGTH;
		}
		assay_layout_leaf(l, F(TEXT), at - here);
		assay_layout_leaf(l, F(at == digest ? DIFF_ID : CREATED), length);
		here = at + length;
	}
	if (here < file.len)
		assay_layout_leaf(l, F(TEXT), file.len - here);
	return ASSAY_OK;
}

const struct assay_format assay_format_imageconfig = {
	.name = "imageconfig",
	.bid = imageconfig_bid,
	.lay_out = imageconfig_lay_out,
	.fields = imageconfig_fields,
};
