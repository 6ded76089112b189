/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of our own and the statements they sign: in-toto Statements v1 in DSSE v1.0.2 envelopes,
 * Ed25519 or ECDSA P-256 keys in PEM files.  The predicate is the caller's JSON; this module knows
 * the envelope, the statement frame and the keys.
 *
 * A job signs through assay/signer.h, so that the key is never in a process that reads artifacts.
 */
#ifndef ASSAY_ATTESTATION_H
#define ASSAY_ATTESTATION_H

#include "assay/buf.h"
#include "assay/digest.h"
#include "assay/error.h"
#include "assay/json.h"

#define ASSAY_STATEMENT_TYPE "https://in-toto.io/Statement/v1"
#define ASSAY_STATEMENT_TYPE_OLD "https://in-toto.io/Statement/v0.1" /* read, never written */
#define ASSAY_PAYLOAD_TYPE "application/vnd.in-toto+json"
#define ASSAY_PREDICATE_PROVENANCE "https://slsa.dev/provenance/v1"
#define ASSAY_PREDICATE_COMPARISON "https://assay.dev/attestation/rebuild-comparison/v0.1"

struct assay_key; /* private or public */

void assay_key_free(struct assay_key *key);
void assay_key_freep(struct assay_key **key);
/* $XDG_DATA_HOME/assay/key.pem, else ~/.local/share/assay/key.pem; malloc'ed, NULL when out of
 * memory. */
char *assay_key_default_path(void);
/* Writes an Ed25519 key to <path> (0600, PKCS#8 PEM) and its public half to <path>.pub (SPKI PEM);
 * makes the directory, refuses to overwrite either file (ASSAY_EUSAGE).  The private file appears
 * whole or not at all, also when two processes try at once. */
enum assay_code assay_key_generate(const char *path, struct assay_error *err) ASSAY_CHECKED;
/* Makes the key at path unless there is one; *ret_made says which it was. */
enum assay_code assay_key_ensure(const char *path, bool *ret_made, struct assay_error *err)
	ASSAY_CHECKED;
/* Loads a private key; refuses a file others can read or that is another user's. */
enum assay_code assay_key_load(const char *path, struct assay_key **ret, struct assay_error *err)
	ASSAY_CHECKED;
enum assay_code assay_key_load_public(const char *path, struct assay_key **ret,
				      struct assay_error *err) ASSAY_CHECKED;
/* The same from text; what names it in errors. */
enum assay_code assay_key_parse_public(struct assay_span pem, const char *what, struct assay_key **ret,
				       struct assay_error *err) ASSAY_CHECKED;
/* Lowercase hex SHA-256 of the SubjectPublicKeyInfo, into out[ASSAY_DIGEST_TEXT]. */
void assay_key_id(const struct assay_key *key, char *out);
/* Appends the public half as SPKI PEM. */
enum assay_code assay_key_public_pem(const struct assay_key *key, struct assay_buf *out,
				     struct assay_error *err) ASSAY_CHECKED;
/* Signs the bytes as they are: Ed25519 (64 bytes), or ECDSA over their SHA-256 (DER). */
enum assay_code assay_key_sign(const struct assay_key *key, struct assay_span bytes,
			       struct assay_buf *out, struct assay_error *err) ASSAY_CHECKED;
bool assay_key_verify(const struct assay_key *key, struct assay_span bytes,
		      struct assay_span signature);

/* minisign's view of an Ed25519 key: the base64 line of its public key file, and a prehashed
 * signature of a file with its trusted comment (one line).  Both are appended. */
enum assay_code assay_key_minisign_public(const struct assay_key *key, struct assay_buf *out,
					  struct assay_error *err) ASSAY_CHECKED;
enum assay_code assay_key_minisign_sign(const struct assay_key *key, const char *path,
					const char *comment, struct assay_buf *out,
					struct assay_error *err) ASSAY_CHECKED;

/* {"_type", "subject": [...], "predicateType", "predicate"}; steals subject and predicate. */
json_t *assay_statement_new(json_t *subjects, const char *predicate_type, json_t *predicate);
/* {"name", "digest": {"sha256"}} */
json_t *assay_statement_subject(struct assay_span name, const struct assay_digest *digest);
/* The frame: type, predicateType, at least one subject, each with a digest. */
enum assay_code assay_statement_check(const json_t *statement, struct assay_error *err)
	ASSAY_CHECKED;
/* Whether a subject has this SHA-256.  Names and every other algorithm say nothing. */
bool assay_statement_covers(const json_t *statement, const struct assay_digest *digest);

/* Signs the compact dump of statement; appends the envelope as one line of JSON to out. */
enum assay_code assay_dsse_sign(const json_t *statement, const struct assay_key *key,
				struct assay_buf *out, struct assay_error *err) ASSAY_CHECKED;
/* Verifies an envelope with any of the public keys (count of them): *ret_statement is parsed from
 * exactly the bytes that were verified, and its frame is checked.  ASSAY_EUNTRUSTED when no
 * signature holds, ASSAY_EINPUT when it is no envelope or what was signed is no statement. */
enum assay_code assay_dsse_verify(struct assay_span envelope, struct assay_key *const *keys,
				  size_t count, json_t **ret_statement, struct assay_error *err)
	ASSAY_CHECKED;
/* As above, with signatures by at least threshold different keys.  A key counts once, however often
 * it is listed or has signed; keyid is never looked at.  *ret_used[i] says whether keys[i] signed
 * (may be NULL). */
enum assay_code assay_dsse_verify_quorum(struct assay_span envelope, struct assay_key *const *keys,
					 size_t count, size_t threshold, bool *ret_used,
					 json_t **ret_statement, struct assay_error *err)
	ASSAY_CHECKED;
/* The statement of an envelope without looking at its signatures: for showing, never for deciding. */
enum assay_code assay_dsse_peek(struct assay_span envelope, json_t **ret_statement,
				struct assay_error *err) ASSAY_CHECKED;

#endif
