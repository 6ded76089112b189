/* SPDX-License-Identifier: Apache-2.0 */
/* What the signature schemes of this folder share. */
#ifndef ASSAY_SIGNATURE_INT_H
#define ASSAY_SIGNATURE_INT_H

#include "assay/buf.h"
#include "assay/signature.h"

#define ED25519_KEY_SIZE 32
#define ED25519_SIGNATURE_SIZE 64
#define MINISIGN_ID_SIZE 8

/* signature: the bytes of the signature file */
typedef enum assay_code signature_verify_fn(const struct assay_signature_request *request,
					    struct assay_span signature,
					    struct assay_signature_result *ret,
					    struct assay_error *err);

signature_verify_fn minisign_verify, signify_verify, raw_verify, openpgp_verify;

/* Writes a result and returns ASSAY_OK. */
enum assay_code signature_result(struct assay_signature_result *ret,
				 enum assay_signature_status status, const char *fmt, ...)
	ASSAY_PRINTF(3, 4);
/* Reads the artifact for schemes that sign the bytes and not a digest of them. */
enum assay_code signature_read_artifact(const char *path, struct assay_buf *ret,
					struct assay_error *err) ASSAY_CHECKED;

bool ed25519_verify(const uint8_t key[ED25519_KEY_SIZE], struct assay_span message,
		    const uint8_t signature[ED25519_SIGNATURE_SIZE]);

/* A signature file of minisign or signify, taken apart; spans point into the file. */
struct minisign_file {
	bool prehashed; /* "ED": the message is the BLAKE2b-512 of the file */
	uint8_t id[MINISIGN_ID_SIZE];
	uint8_t signature[ED25519_SIGNATURE_SIZE];
	struct assay_span comment; /* trusted comment, minisign only */
	uint8_t comment_signature[ED25519_SIGNATURE_SIZE];
};

/* NULL when it is one, else what is wrong with it. */
const char *minisign_file_parse(struct assay_span text, struct minisign_file *ret);
const char *signify_file_parse(struct assay_span text, struct minisign_file *ret);

/* What gpgv said on its status descriptor. */
struct gpgv_status {
	unsigned valid;      /* good signatures by keys of the keyring that are neither expired nor
			      * revoked, with a strong digest */
	unsigned bad;        /* signatures by keys of the keyring that do not match the data */
	unsigned unknown;    /* signatures by keys that are not in the keyring */
	unsigned stale;      /* expired or revoked key or signature */
	unsigned weak;       /* digest algorithm that is no longer trusted */
	unsigned plaintexts; /* data that came inside the signature file */
	bool broken;         /* malformed or ambiguous message */
	char fingerprint[65];         /* primary key of the first valid signature */
	char signer[65];              /* the (sub)key that made it */
	char user[200];               /* its user id, printable */
	char unknown_key[65];         /* of the first unknown signature */
};

void gpgv_status_parse(struct assay_span text, struct gpgv_status *ret);

#endif
