/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets out of text on its way: declared values (as they are, and in base64), and what has the shape of a known kind
 * of secret: keys and tokens of clouds, forges and registries, JSON Web Tokens, private keys in PEM, passwords in URLs
 * and Authorization headers.  Each becomes "[redacted: KIND]" and is counted.  A secret that comes in pieces is
 * found; for that, what may be the beginning of one is held back until more comes.
 *
 *	r = assay_redactor_new(write_it, &file);
 *	assay_redactor_feed(r, bytes, len);	as often as there are bytes
 *	assay_redactor_end(r);
 *
 * It cannot know a secret that is neither declared nor has a known shape, nor one that the build has encoded.
 */
#ifndef ASSAY_REDACT_H
#define ASSAY_REDACT_H

#include "assay/error.h"
#include "assay/json.h"
#include "assay/span.h"

struct assay_redactor;
typedef void assay_redact_sink(void *data, const char *bytes, size_t len);

struct assay_redactor *assay_redactor_new(assay_redact_sink *sink, void *data); /* NULL when out of memory */
void assay_redactor_free(struct assay_redactor *redactor);			 /* accepts NULL */
void assay_redactor_freep(struct assay_redactor **redactor);
/* Values to look for, one a line, of ASSAY_MIN_SECRET bytes or more (less is ASSAY_EUSAGE: it would be found
 * everywhere).  what names the text in errors. */
enum assay_code assay_redactor_declare(struct assay_redactor *redactor, struct assay_span lines, const char *what,
				       struct assay_error *err) ASSAY_CHECKED;
/* Errors of memory are kept for the end. */
void assay_redactor_feed(struct assay_redactor *redactor, const char *bytes, size_t len);
enum assay_code assay_redactor_end(struct assay_redactor *redactor, struct assay_error *err) ASSAY_CHECKED;
/* {"KIND": how often, ...}; empty when nothing was found. */
json_t *assay_redactor_counts(const struct assay_redactor *redactor);

#endif
