/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of PDF (ISO 32000-2, 7.2 and 7.3): enough to find where values and objects begin and end. */
#ifndef ASSAY_NORMALIZERS_PDF_TOKEN_H
#define ASSAY_NORMALIZERS_PDF_TOKEN_H

#include "assay/span.h"

enum pdf_kind {
	PDF_WORD,   /* number or keyword */
	PDF_NAME,   /* "/Name" */
	PDF_STRING, /* "(text)" */
	PDF_HEX,    /* "<hex>" */
	PDF_DICT,
	PDF_DICT_END,
	PDF_ARRAY,
	PDF_ARRAY_END,
};

struct pdf_token {
	enum pdf_kind kind;
	size_t at, end;
	struct assay_span text; /* with its brackets */
};

/* The next token at or behind at; comments and white space are passed over.  False at the end of the file,
 * and where a string does not end. */
bool pdf_token_next(struct assay_span file, size_t at, struct pdf_token *ret);

/* "12 0 obj" */
struct pdf_object {
	size_t at, body; /* body: behind "obj" */
	struct assay_span label; /* "12 0" */
	uint64_t number;
};

bool pdf_object_at(struct assay_span file, size_t at, struct pdf_object *ret);
size_t pdf_space_length(struct assay_span rest);
/* Bytes up to the next white space, at least one. */
size_t pdf_word_length(struct assay_span rest);

#endif
