/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of our own and the statements they sign: in-toto Statements v1 in DSSE v1.0.2 envelopes,
 * Ed25519 or ECDSA P-256 keys in PEM files.  The predicate is the caller's JSON; this module knows
 * the envelope, the statement frame and the keys.
 */
#ifndef ASSAY_ATTESTATION_H
#define ASSAY_ATTESTATION_H

#include "assay/buf.h"
#include "assay/digest.h"
#include "assay/error.h"
#include "assay/json.h"

#define ASSAY_STATEMENT_TYPE "https://in-toto.io/Statement/v1"
#define ASSAY_PAYLOAD_TYPE "application/vnd.in-toto+json"
#define ASSAY_PREDICATE_PROVENANCE "https://slsa.dev/provenance/v1"
#define ASSAY_PREDICATE_COMPARISON "https://assay.dev/attestation/rebuild-comparison/v0.1"

struct assay_key; /* private or public */

void assay_key_free(struct assay_key *key);
void assay_key_freep(struct assay_key **key);
/* Writes <path> (0600, PKCS#8 PEM) and <path>.pub (SPKI PEM); refuses to overwrite. */
enum assay_code assay_key_generate(const char *path, struct assay_error *err) ASSAY_CHECKED;
/* Loads a private key; refuses a file others can read. */
enum assay_code assay_key_load(const char *path, struct assay_key **ret, struct assay_error *err)
	ASSAY_CHECKED;
enum assay_code assay_key_load_public(const char *path, struct assay_key **ret,
				      struct assay_error *err) ASSAY_CHECKED;
/* Lowercase hex SHA-256 of the SubjectPublicKeyInfo, into out[ASSAY_DIGEST_TEXT]. */
void assay_key_id(const struct assay_key *key, char *out);

/* {"_type", "subject": [...], "predicateType", "predicate"}; steals subject and predicate. */
json_t *assay_statement_new(json_t *subjects, const char *predicate_type, json_t *predicate);
/* {"name", "digest": {"sha256"}} */
json_t *assay_statement_subject(struct assay_span name, const struct assay_digest *digest);
/* Signs the compact dump of statement; appends the envelope as one line of JSON to out. */
enum assay_code assay_dsse_sign(const json_t *statement, const struct assay_key *key,
				struct assay_buf *out, struct assay_error *err) ASSAY_CHECKED;
/* Verifies an envelope with any of the public keys (count of them): *ret_statement is parsed from
 * exactly the bytes that were verified. ASSAY_EUNTRUSTED when no signature holds. */
enum assay_code assay_dsse_verify(struct assay_span envelope, struct assay_key *const *keys,
				  size_t count, json_t **ret_statement, struct assay_error *err)
	ASSAY_CHECKED;

#endif
