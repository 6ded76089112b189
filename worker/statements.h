/* SPDX-License-Identifier: Apache-2.0 */
/* The predicates, made from the report and nothing else. */
#ifndef ASSAY_WORKER_STATEMENTS_H
#define ASSAY_WORKER_STATEMENTS_H

#include "assay/digest.h"
#include "assay/json.h"

/* What is the same in every statement of a run. */
struct statement_context {
	const json_t *report;
	const char *key_id;
	char invocation[33]; /* random: two runs are two builds */
	char now[24];
	json_t *provenances; /* per attempt, in order: {"name", "digest"}, or null when it made
			      * nothing */
};

/* NULL when the attempt has no output: provenance is of something. */
json_t *statement_provenance(const struct statement_context *context, const json_t *attempt);
/* NULL when the subject's digest is not known. */
json_t *statement_comparison(const struct statement_context *context, const json_t *subject);

/* {"name", "digest": {"sha256"}} of a report's artifact; NULL without a digest. */
json_t *statement_descriptor(const json_t *artifact);
/* "https://assay.dev/builder/<driver>/<class>" of an attempt's isolation. */
json_t *statement_builder_id(const json_t *isolation);
/* Copies a key's value when it is there and not null. */
void statement_copy(json_t *to, const char *to_key, const json_t *from, const char *from_key);

#endif
