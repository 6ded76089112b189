/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder know of a key and an envelope. */
#ifndef ASSAY_KEY_INT_H
#define ASSAY_KEY_INT_H

#include <openssl/evp.h>

#include "assay/attestation.h"

struct assay_key {
	EVP_PKEY *pkey;
	bool is_ed25519; /* else ECDSA P-256 */
	char id[ASSAY_DIGEST_TEXT];
};

/* Refuses a file that others can read, or that is another user's. */
enum assay_code key_check_private(const char *path, int fd, struct assay_error *err) ASSAY_CHECKED;
/* Signs payload under ASSAY_PAYLOAD_TYPE; appends the envelope as one line. */
enum assay_code dsse_sign_payload(struct assay_span payload, const struct assay_key *key,
				  struct assay_buf *out, struct assay_error *err) ASSAY_CHECKED;
/* BLAKE2b-512 of a file, appended. */
enum assay_code minisign_hash(const char *path, struct assay_buf *out, struct assay_error *err)
	ASSAY_CHECKED;

#endif
