/* SPDX-License-Identifier: Apache-2.0 */
/* Control data, read in place: an index of 50 MB is scanned, never copied. */
#include "assay/deb822.h"

#include <strings.h>

#define MAX_FIELDS 512

static bool is_blank(struct assay_span line)
{
	for (size_t i = 0; i < line.len; i++)
		if (line.data[i] != ' ' && line.data[i] != '\t' && line.data[i] != '\r')
			return false;
	return true;
}

static bool is_continuation(struct assay_span line)
{
	return line.len && (line.data[0] == ' ' || line.data[0] == '\t');
}

bool assay_deb822_next(struct assay_span *rest, struct assay_span *stanza)
{
	struct assay_span line, after;
	const uint8_t *start, *end;

	do {
		start = rest->data;
		if (!assay_span_next_line(rest, &line))
			return false;
	} while (is_blank(line));
	end = line.data + line.len;
	after = *rest;
	while (assay_span_next_line(&after, &line) && !is_blank(line)) {
		end = line.data + line.len;
		*rest = after;
	}
	*stanza = assay_span_of(start, (size_t)(end - start));
	return true;
}

/* The length of the field name a line begins with; 0 when it begins with none. */
static size_t name_length(struct assay_span line)
{
	const uint8_t *colon;

	if (!line.len || line.data[0] == '#' || line.data[0] == '-' || is_continuation(line))
		return 0;
	colon = memchr(line.data, ':', line.len);
	return colon ? (size_t)(colon - line.data) : 0;
}

struct assay_span assay_deb822_field(struct assay_span stanza, const char *name)
{
	size_t len = strlen(name);
	struct assay_span line, value = { NULL, 0 };

	while (assay_span_next_line(&stanza, &line)) {
		if (line.len <= len || line.data[len] != ':' ||
		    strncasecmp((const char *)line.data, name, len) != 0 ||
		    name_length(line) != len)
			continue;
		value = assay_span_cut(line, len + 1, line.len);
		while (assay_span_next_line(&stanza, &line)) {
			if (line.len && line.data[0] == '#')
				continue;
			if (!is_continuation(line))
				break;
			value.len = (size_t)(line.data + line.len - value.data);
		}
		return assay_span_trim(value);
	}
	return value;
}

static bool is_name(struct assay_span name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] < 0x21 || name.data[i] > 0x7e)
			return false;
	return name.len > 0;
}

static bool is_same_name(struct assay_span a, struct assay_span b)
{
	return a.len == b.len &&
	       strncasecmp((const char *)a.data, (const char *)b.data, a.len) == 0;
}

enum assay_code assay_deb822_check(struct assay_span stanza, struct assay_error *err)
{
	struct assay_span seen[MAX_FIELDS], line, name;
	size_t count = 0, number = 0;
	char shown[80];

	if (stanza.len && memchr(stanza.data, '\0', stanza.len))
		return assay_fail(err, ASSAY_EINPUT, "control data: want text, have a NUL byte");
	while (assay_span_next_line(&stanza, &line)) {
		number++;
		if (line.len && line.data[0] == '#')
			continue;
		if (is_continuation(line)) {
			if (count == 0)
				return assay_fail(err, ASSAY_EINPUT,
						  "line %zu: continues a field, but there is none",
						  number);
			continue;
		}
		name = assay_span_cut(line, 0, name_length(line));
		if (!is_name(name))
			return assay_fail(err, ASSAY_EINPUT,
					  "line %zu: want \"Field: value\", have \"%s\"", number,
					  assay_span_show(line, shown, sizeof(shown)));
		for (size_t i = 0; i < count; i++)
			if (is_same_name(seen[i], name))
				return assay_fail(err, ASSAY_EINPUT,
						  "line %zu: field %s stands there twice", number,
						  assay_span_show(name, shown, sizeof(shown)));
		if (count == MAX_FIELDS)
			return assay_fail(err, ASSAY_ELIMIT, "want at most %d fields", MAX_FIELDS);
		seen[count++] = name;
	}
	return ASSAY_OK;
}

bool assay_deb822_next_line(struct assay_span *rest, struct assay_span *line)
{
	while (assay_span_next_line(rest, line)) {
		*line = assay_span_trim(*line);
		if (line->len && line->data[0] != '#')
			return true;
	}
	return false;
}

static bool is_space(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

bool assay_deb822_next_word(struct assay_span *rest, struct assay_span *word)
{
	size_t start = 0, end;

	while (start < rest->len && is_space(rest->data[start]))
		start++;
	for (end = start; end < rest->len && !is_space(rest->data[end]); end++)
		;
	*word = assay_span_cut(*rest, start, end - start);
	*rest = assay_span_cut(*rest, end, rest->len);
	return word->len > 0;
}

bool assay_deb822_next_item(struct assay_span *rest, struct assay_span *item)
{
	while (rest->len) {
		const uint8_t *comma = memchr(rest->data, ',', rest->len);
		size_t len = comma ? (size_t)(comma - rest->data) : rest->len;

		*item = assay_span_trim(assay_span_cut(*rest, 0, len));
		*rest = assay_span_cut(*rest, len + (comma ? 1 : 0), rest->len);
		if (item->len)
			return true;
	}
	return false;
}

enum assay_code assay_deb822_unwrap(struct assay_span text, struct assay_buf *ret, bool *ret_signed,
				    struct assay_error *err)
{
	struct assay_span rest = text, line = { NULL, 0 };
	bool ended = false;

	*ret_signed = false;
	assay_buf_clear(ret);
	while (assay_span_next_line(&rest, &line) && is_blank(line))
		;
	if (!assay_span_starts(line, "-----BEGIN PGP SIGNED MESSAGE-----")) {
		assay_buf_add_span(ret, text);
		return assay_buf_check(ret, "control data", err);
	}
	*ret_signed = true;
	while (assay_span_next_line(&rest, &line) && !is_blank(line))
		; /* the armor's headers */
	while (!ended && assay_span_next_line(&rest, &line)) {
		ended = assay_span_starts(line, "-----BEGIN PGP SIGNATURE-----");
		if (ended)
			break;
		if (assay_span_starts(line, "- "))
			line = assay_span_cut(line, 2, line.len);
		assay_buf_add_span(ret, line);
		assay_buf_add(ret, "\n", 1);
	}
	if (!ended)
		return assay_fail(err, ASSAY_EINPUT,
				  "signed text: want a signature at its end, have none");
	return assay_buf_check(ret, "control data", err);
}
