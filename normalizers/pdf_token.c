/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting PDF into tokens; see the header. */
#include "pdf_token.h"

static bool is_space(uint8_t c)
{
	return c == 0 || c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == ' ';
}

static bool is_delimiter(uint8_t c)
{
	return c && memchr("()<>[]{}/%", c, 10);
}

size_t pdf_space_length(struct assay_span rest)
{
	size_t i = 0;

	while (i < rest.len && is_space(rest.data[i]))
		i++;
	return i;
}

size_t pdf_word_length(struct assay_span rest)
{
	size_t i = 1;

	while (i < rest.len && !is_space(rest.data[i]))
		i++;
	return i < rest.len ? i : rest.len;
}

static size_t skip_space(struct assay_span file, size_t at)
{
	while (at < file.len) {
		if (is_space(file.data[at]))
			at++;
		else if (file.data[at] == '%')
			while (at < file.len && file.data[at] != '\n' && file.data[at] != '\r')
				at++;
		else
			break;
	}
	return at;
}

/* Brackets nest, a backslash takes the next byte with it (7.3.4.2). */
static size_t string_end(struct assay_span file, size_t at)
{
	size_t depth = 0;

	for (; at < file.len; at++) {
		if (file.data[at] == '\\')
			at++;
		else if (file.data[at] == '(')
			depth++;
		else if (file.data[at] == ')' && --depth == 0)
			return at + 1;
	}
	return 0;
}

static size_t hex_end(struct assay_span file, size_t at)
{
	const uint8_t *end = memchr(file.data + at, '>', file.len - at);

	return end ? (size_t)(end - file.data) + 1 : 0;
}

static size_t word_end(struct assay_span file, size_t at)
{
	at++;
	while (at < file.len && !is_space(file.data[at]) && !is_delimiter(file.data[at]))
		at++;
	return at;
}

bool pdf_token_next(struct assay_span file, size_t at, struct pdf_token *ret)
{
	struct pdf_token token = { .at = skip_space(file, at) };
	bool doubled;

	if (token.at >= file.len)
		return false;
	at = token.at;
	doubled = at + 1 < file.len && file.data[at + 1] == file.data[at];
	switch (file.data[at]) {
	case '(':
		token.kind = PDF_STRING;
		token.end = string_end(file, at);
		break;
	case '<':
		token.kind = doubled ? PDF_DICT : PDF_HEX;
		token.end = doubled ? at + 2 : hex_end(file, at);
		break;
	case '>':
		token.kind = PDF_DICT_END;
		token.end = doubled ? at + 2 : 0;
		break;
	case '[':
	case ']':
		token.kind = file.data[at] == '[' ? PDF_ARRAY : PDF_ARRAY_END;
		token.end = at + 1;
		break;
	default:
		token.kind = file.data[at] == '/' ? PDF_NAME : PDF_WORD;
		token.end = word_end(file, at);
	}
	token.text = assay_span_cut(file, at, token.end > at ? token.end - at : 0);
	*ret = token;
	return token.end > at;
}

bool pdf_object_at(struct assay_span file, size_t at, struct pdf_object *ret)
{
	struct pdf_token number, generation, word;
	uint64_t ignored;

	if (!pdf_token_next(file, at, &number) || !assay_span_parse_u64(number.text, &ret->number) ||
	    !pdf_token_next(file, number.end, &generation) ||
	    !assay_span_parse_u64(generation.text, &ignored) ||
	    !pdf_token_next(file, generation.end, &word) || !assay_span_equal_text(word.text, "obj"))
		return false;
	ret->at = number.at;
	ret->body = word.end;
	ret->label = assay_span_cut(file, number.at, generation.end - number.at);
	return true;
}
