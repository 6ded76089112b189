/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bare signatures under a PEM SubjectPublicKeyInfo: what `openssl pkeyutl -sign -rawin` and
 * `openssl dgst -sign` write.  The key's type decides what the bytes mean, never the signature
 * file: Ed25519 over the file itself; ECDSA (DER, or the raw r||s of JOSE and hardware tokens) and
 * RSA (PKCS#1 v1.5 or PSS) over its SHA-256, SHA-384 or SHA-512.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "assay/cleanup.h"
#include "assay/digest.h"
#include "assay/file.h"
#include "assay/hex.h"
#include "assay/limits.h"
#include "signature_int.h"

#define RSA_BITS_MIN 2048
#define DIGESTS 3

static const char *const digest_names[DIGESTS] = { "SHA256", "SHA384", "SHA512" };

struct digests {
	uint8_t bytes[DIGESTS][EVP_MAX_MD_SIZE];
	unsigned len[DIGESTS];
};

static void pkey_freep(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static int no_password(char *buf, int size, int writing, void *data)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)data;
	return 0;
}

static enum assay_code load_key(const char *path, EVP_PKEY **ret, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	BIO *bio;

	if (assay_file_read(AT_FDCWD, path, &text, err)) {
		err->code = err->code == ASSAY_ENOTFOUND ? ASSAY_EINPUT : err->code;
		return assay_context(err, "public key");
	}
	bio = BIO_new_mem_buf(assay_buf_text(&text), (int)text.len);
	*ret = bio ? PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL) : NULL;
	BIO_free(bio);
	if (!*ret)
		return assay_fail(err, ASSAY_EINPUT,
				  "public key %s: want a PEM file with BEGIN PUBLIC KEY", path);
	return ASSAY_OK;
}

static void show_id(EVP_PKEY *key, char *out)
{
	struct assay_digest digest;
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(key, &der);

	if (len <= 0)
		return;
	assay_digest_span(assay_span_of(der, (size_t)len), &digest);
	assay_digest_hex(&digest, out);
	OPENSSL_free(der);
}

static enum assay_code hash_artifact(const char *path, struct digests *ret,
				     struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = -1;
	EVP_MD_CTX *contexts[DIGESTS] = { NULL };
	uint8_t block[65536];
	ssize_t got = 1;
	int ok = 1;

	if (assay_file_open(AT_FDCWD, path, &fd, err))
		return assay_context(err, "artifact");
	for (int i = 0; i < DIGESTS; i++) {
		contexts[i] = EVP_MD_CTX_new();
		ok = ok && contexts[i] &&
		     EVP_DigestInit_ex(contexts[i], EVP_get_digestbyname(digest_names[i]), NULL);
	}
	while (ok && got) {
		got = read(fd, block, sizeof(block));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		for (int i = 0; i < DIGESTS; i++)
			ok = ok && EVP_DigestUpdate(contexts[i], block, (size_t)got);
	}
	for (int i = 0; i < DIGESTS; i++) {
		ok = ok && got == 0 &&
		     EVP_DigestFinal_ex(contexts[i], ret->bytes[i], &ret->len[i]);
		EVP_MD_CTX_free(contexts[i]);
	}
	if (got < 0)
		return assay_fail_errno(err, "artifact %s: read", path);
	if (!ok)
		return assay_fail(err, ASSAY_EUNSUPPORTED, "SHA-2: OpenSSL cannot");
	return ASSAY_OK;
}

/* padding 0: not RSA */
static bool verify_digest(EVP_PKEY *key, int padding, const char *digest_name,
			  struct assay_span digest, struct assay_span signature)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	const EVP_MD *md = EVP_get_digestbyname(digest_name);
	bool good = context && EVP_PKEY_verify_init(context) == 1 &&
		    (!padding || EVP_PKEY_CTX_set_rsa_padding(context, padding) == 1) &&
		    EVP_PKEY_CTX_set_signature_md(context, md) == 1 &&
		    (padding != RSA_PKCS1_PSS_PADDING ||
		     (EVP_PKEY_CTX_set_rsa_mgf1_md(context, md) == 1 &&
		      EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_AUTO) == 1)) &&
		    EVP_PKEY_verify(context, signature.data, signature.len, digest.data,
				    digest.len) == 1;

	EVP_PKEY_CTX_free(context);
	return good;
}

static bool verify_any_digest(EVP_PKEY *key, int padding, const struct digests *digests,
			      struct assay_span signature)
{
	for (int i = 0; i < DIGESTS; i++)
		if (verify_digest(key, padding, digest_names[i],
				  assay_span_of(digests->bytes[i], digests->len[i]), signature))
			return true;
	return false;
}

/* r||s, each as long as the curve's order, becomes the DER that OpenSSL wants. */
static bool verify_raw_pair(EVP_PKEY *key, const struct digests *digests,
			    struct assay_span signature, size_t half)
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(signature.data, (int)half, NULL);
	BIGNUM *s = BN_bin2bn(signature.data + half, (int)half, NULL);
	uint8_t *der = NULL;
	bool good = false;
	int len;

	if (pair && r && s && ECDSA_SIG_set0(pair, r, s) == 1) {
		r = s = NULL; /* the pair owns them now */
		len = i2d_ECDSA_SIG(pair, &der);
		good = len > 0 &&
		       verify_any_digest(key, 0, digests, assay_span_of(der, (size_t)len));
	}
	OPENSSL_free(der);
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(pair);
	return good;
}

static bool verify_ecdsa(EVP_PKEY *key, const struct digests *digests, struct assay_span signature)
{
	size_t half = (size_t)(EVP_PKEY_get_bits(key) + 7) / 8;

	return (signature.len == 2 * half &&
		verify_raw_pair(key, digests, signature, half)) ||
	       verify_any_digest(key, 0, digests, signature);
}

static bool verify_rsa(EVP_PKEY *key, const struct digests *digests, struct assay_span signature)
{
	/* a key marked for PSS signs nothing else (RFC 4055 section 1.2) */
	return verify_any_digest(key, RSA_PKCS1_PSS_PADDING, digests, signature) ||
	       (!EVP_PKEY_is_a(key, "RSA-PSS") &&
		verify_any_digest(key, RSA_PKCS1_PADDING, digests, signature));
}

static bool verify_ed25519(EVP_PKEY *key, struct assay_span artifact, struct assay_span signature)
{
	uint8_t raw[ED25519_KEY_SIZE];
	size_t len = sizeof(raw);

	return signature.len == ED25519_SIGNATURE_SIZE &&
	       EVP_PKEY_get_raw_public_key(key, raw, &len) == 1 && len == sizeof(raw) &&
	       ed25519_verify(raw, artifact, signature.data);
}

enum key_kind { KEY_ED25519, KEY_ECDSA, KEY_RSA };

static enum assay_code classify(EVP_PKEY *key, enum key_kind *ret, struct assay_error *err)
{
	char curve[64] = "";

	if (EVP_PKEY_is_a(key, "ED25519")) {
		*ret = KEY_ED25519;
		return ASSAY_OK;
	}
	if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS")) {
		*ret = KEY_RSA;
		if (EVP_PKEY_get_bits(key) < RSA_BITS_MIN)
			return assay_fail(err, ASSAY_EINPUT,
					  "public key: RSA: want at least %d bits, have %d",
					  RSA_BITS_MIN, EVP_PKEY_get_bits(key));
		return ASSAY_OK;
	}
	EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, curve, sizeof(curve),
				       NULL);
	if (EVP_PKEY_is_a(key, "EC") &&
	    (strcmp(curve, "prime256v1") == 0 || strcmp(curve, "secp384r1") == 0)) {
		*ret = KEY_ECDSA;
		return ASSAY_OK;
	}
	return assay_fail(err, ASSAY_EINPUT,
			  "public key: want Ed25519, ECDSA P-256 or P-384, or RSA, have %s%s%s",
			  EVP_PKEY_get0_type_name(key) ? EVP_PKEY_get0_type_name(key) : "another",
			  curve[0] ? " " : "", curve);
}

/* What is signed, in the form that the kind of key signs. */
struct signed_data {
	struct assay_buf bytes;
	struct digests digests;
};

static bool holds(EVP_PKEY *key, enum key_kind kind, const struct signed_data *data,
		  struct assay_span signature)
{
	if (kind == KEY_ED25519)
		return verify_ed25519(key, assay_buf_span(&data->bytes), signature);
	if (kind == KEY_ECDSA)
		return verify_ecdsa(key, &data->digests, signature);
	return verify_rsa(key, &data->digests, signature);
}

/* base64 with any line breaks */
static bool decode_text(struct assay_span text, struct assay_buf *out)
{
	assay_auto(assay_buf_release) struct assay_buf dense = ASSAY_BUF_INIT(ASSAY_MAX_SIGNATURE);
	struct assay_span line;

	while (assay_span_next_line(&text, &line))
		assay_buf_add_span(&dense, assay_span_trim(line));
	return dense.len && !dense.failed && assay_base64_decode(assay_buf_span(&dense), out);
}

enum assay_code raw_verify(const struct assay_signature_request *request,
			   struct assay_span signature, struct assay_signature_result *ret,
			   struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf decoded = ASSAY_BUF_INIT(ASSAY_MAX_SIGNATURE);
	assay_auto(pkey_freep) EVP_PKEY *key = NULL;
	struct signed_data data = { .bytes = ASSAY_BUF_INIT(ASSAY_MAX_SIGNED) };
	enum key_kind kind = KEY_ED25519;
	bool good;

	if (load_key(request->key, &key, err) || classify(key, &kind, err))
		return err->code;
	if (kind == KEY_ED25519 ? signature_read_artifact(request->artifact, &data.bytes, err)
				: hash_artifact(request->artifact, &data.digests, err)) {
		assay_buf_release(&data.bytes);
		return err->code;
	}
	good = holds(key, kind, &data, signature) ||
	       (decode_text(signature, &decoded) &&
		holds(key, kind, &data, assay_buf_span(&decoded)));
	assay_buf_release(&data.bytes);
	if (!good)
		return signature_result(ret, ASSAY_SIGNATURE_INVALID,
					"the signature (%zu bytes) does not match the artifact "
					"under this %s key",
					signature.len, EVP_PKEY_get0_type_name(key));
	show_id(key, ret->key_id);
	return signature_result(ret, ASSAY_SIGNATURE_VALID, "signed by %s key %s",
				EVP_PKEY_get0_type_name(key), ret->key_id);
}
