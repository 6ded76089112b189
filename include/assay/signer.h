/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that holds the signing key.  It is forked before anything hostile is read, gets payloads
 * over a socket, and gives back DSSE envelopes; it signs in-toto statements and nothing else, and
 * listens to the process that started it alone (forked children inherit the socket in vain).
 */
#ifndef ASSAY_SIGNER_H
#define ASSAY_SIGNER_H

#include "assay/buf.h"
#include "assay/error.h"
#include "assay/json.h"

struct assay_signer;

/* Forks it; the key is loaded in the child and never in this process.  key_path NULL: the default
 * key (assay_key_default_path), made now, with a note, when there is none yet. */
enum assay_code assay_signer_start(const char *key_path, struct assay_signer **ret,
				   struct assay_error *err) ASSAY_CHECKED;
/* Appends the envelope of a statement as one line. */
enum assay_code assay_signer_sign(struct assay_signer *signer, const json_t *statement,
				  struct assay_buf *out, struct assay_error *err) ASSAY_CHECKED;
/* The id of its key, lowercase hex. */
const char *assay_signer_key_id(const struct assay_signer *signer);
/* Its public key as SPKI PEM. */
const char *assay_signer_public_pem(const struct assay_signer *signer);
/* Ends the process and waits for it; accepts NULL. */
void assay_signer_stop(struct assay_signer *signer);
void assay_signer_stopp(struct assay_signer **signer);

#endif
