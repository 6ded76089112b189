/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our Ed25519 key in minisign's clothes, so that people with nothing but minisign(1) can check what
 * we signed.  The format is in minisign.c; the key id, which minisign draws at random, is here the
 * first eight bytes of the SHA-256 of the public key, so that it is always the same.
 */
#include "assay/cleanup.h"
#include "assay/hex.h"
#include "key_int.h"
#include "signature_int.h"

#define BYTES_MAX (2 + MINISIGN_ID_SIZE + ED25519_SIGNATURE_SIZE)

static enum assay_code raw_public(const struct assay_key *key, uint8_t out[ED25519_KEY_SIZE],
				  uint8_t id[MINISIGN_ID_SIZE], struct assay_error *err)
{
	size_t len = ED25519_KEY_SIZE;
	struct assay_digest digest;

	if (!key->is_ed25519 || EVP_PKEY_get_raw_public_key(key->pkey, out, &len) != 1)
		return assay_fail(err, ASSAY_EUSAGE, "minisign: want an Ed25519 key, have ECDSA");
	assay_digest_span(assay_span_of(out, len), &digest);
	memcpy(id, digest.bytes, MINISIGN_ID_SIZE);
	return ASSAY_OK;
}

enum assay_code assay_key_minisign_public(const struct assay_key *key, struct assay_buf *out,
					  struct assay_error *err)
{
	uint8_t bytes[2 + MINISIGN_ID_SIZE + ED25519_KEY_SIZE] = { 'E', 'd' };

	if (raw_public(key, bytes + 2 + MINISIGN_ID_SIZE, bytes + 2, err))
		return err->code;
	assay_base64_encode(assay_span_of(bytes, sizeof(bytes)), out);
	return assay_buf_check(out, "public key", err);
}

/* "ED" || id || signature over the file's digest */
static enum assay_code sign_file(const struct assay_key *key, const char *path,
				 uint8_t bytes[BYTES_MAX], struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf digest = ASSAY_BUF_INIT(64);
	assay_auto(assay_buf_release) struct assay_buf signature =
		ASSAY_BUF_INIT(ED25519_SIGNATURE_SIZE);
	uint8_t unused[ED25519_KEY_SIZE];

	if (raw_public(key, unused, bytes + 2, err) || minisign_hash(path, &digest, err) ||
	    assay_key_sign(key, assay_buf_span(&digest), &signature, err))
		return err->code;
	memcpy(bytes, "ED", 2);
	memcpy(bytes + 2 + MINISIGN_ID_SIZE, signature.data, ED25519_SIGNATURE_SIZE);
	return ASSAY_OK;
}

enum assay_code assay_key_minisign_sign(const struct assay_key *key, const char *path,
					const char *comment, struct assay_buf *out,
					struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf message = ASSAY_BUF_INIT(ASSAY_ERROR_MAX * 8);
	assay_auto(assay_buf_release) struct assay_buf signature =
		ASSAY_BUF_INIT(ED25519_SIGNATURE_SIZE);
	uint8_t bytes[BYTES_MAX];

	if (strpbrk(comment, "\r\n"))
		return assay_fail(err, ASSAY_EUSAGE, "trusted comment: want one line");
	if (sign_file(key, path, bytes, err))
		return err->code;
	assay_buf_add(&message, bytes + 2 + MINISIGN_ID_SIZE, ED25519_SIGNATURE_SIZE);
	assay_buf_add_text(&message, comment);
	if (assay_buf_check(&message, "trusted comment", err) ||
	    assay_key_sign(key, assay_buf_span(&message), &signature, err))
		return err->code;
	assay_buf_add_text(out, "untrusted comment: signature from assay\n");
	assay_base64_encode(assay_span_of(bytes, sizeof(bytes)), out);
	assay_buf_printf(out, "\ntrusted comment: %s\n", comment);
	assay_base64_encode(assay_buf_span(&signature), out);
	assay_buf_add_text(out, "\n");
	return assay_buf_check(out, "signature", err);
}
