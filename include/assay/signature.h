/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detached signatures over an artifact, checked before anything else is done with it.
 *
 * scheme      key                                   signature file
 * minisign    public key text (one base64 line) or  minisign: "Ed" legacy or "ED" prehashed, and the
 *             path of a .pub file                   trusted comment's own signature
 * signify     as above (OpenBSD signify)            "Ed" over the raw file
 * raw         PEM SubjectPublicKeyInfo path:        the signature bytes, raw or base64; Ed25519 over
 *             Ed25519, ECDSA P-256/P-384, RSA       the file, ECDSA DER or raw r||s and RSA PKCS#1
 *                                                   v1.5 or PSS over its SHA-256
 * openpgp     keyring path (.gpg or armored)        detached signature, checked by gpgv
 *
 * A signature that does not verify is a *result* (status), not an error: the job ends `rejected`.
 * Errors are for our own trouble (no gpgv, no memory).
 */
#ifndef ASSAY_SIGNATURE_H
#define ASSAY_SIGNATURE_H

#include "assay/error.h"
#include "assay/span.h"

enum assay_signature_status {
	ASSAY_SIGNATURE_VALID,
	ASSAY_SIGNATURE_INVALID,   /* does not match the artifact, or malformed */
	ASSAY_SIGNATURE_MISSING,   /* no signature file */
	ASSAY_SIGNATURE_UNTRUSTED, /* valid or unknown, but not by the key that was asked for */
};

struct assay_signature_request {
	const char *scheme;    /* "minisign", "signify", "raw", "openpgp" */
	const char *artifact;  /* path */
	const char *signature; /* path */
	const char *key;       /* as in the table above */
};

struct assay_signature_result {
	enum assay_signature_status status;
	char key_id[129];  /* hex key id or fingerprint of the key that signed, "" when unknown */
	char detail[512];  /* one sentence: what was wanted and what was found */
};

enum assay_code assay_signature_verify(const struct assay_signature_request *request,
				       struct assay_signature_result *ret,
				       struct assay_error *err) ASSAY_CHECKED;
const char *assay_signature_status_name(enum assay_signature_status status);
bool assay_signature_scheme_is_known(const char *scheme);

/* Runs gpgv over an inline-signed file (InRelease, .dsc, .buildinfo, .changes) with the keyrings
 * (NULL-terminated) and hands back the signed text exactly as gpgv verified it.  At least one
 * signature must be valid and made by a key of the keyrings; *ret_result names the key. */
struct assay_buf;
enum assay_code assay_openpgp_open_inline(const char *path, const char *const *keyrings,
					  struct assay_buf *ret_text,
					  struct assay_signature_result *ret_result,
					  struct assay_error *err) ASSAY_CHECKED;

#endif
