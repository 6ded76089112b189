/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of keys (RFC 7517); each kind of key has one algorithm. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/hex.h"
#include "jwt_int.h"

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, EXPONENT_BYTES_MAX = 8, COORDINATE = 32 };

static const char *const names[JWT_ALGORITHMS] = { [JWT_RS256] = "RS256", [JWT_ES256] = "ES256", [JWT_EDDSA] = "EdDSA" };

enum jwt_algorithm jwt_algorithm_parse(const char *name)
{
	size_t i = 0;

	while (i < JWT_ALGORITHMS && strcmp(names[i], name) != 0)
		i++;
	return (enum jwt_algorithm)i;
}

bool jwt_decode(struct assay_span text, struct assay_buf *out)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] == '+' || text.data[i] == '/' || text.data[i] == '=')
			return false;
	return assay_base64_decode(text, out);
}

/* One base64url member of a key. */
static bool member(const json_t *jwk, const char *key, struct assay_buf *out)
{
	return jwt_decode(assay_span_text(assay_json_text(jwk, key, "")), out) && out->len;
}

/* ---- kinds of keys ------------------------------------------------------------------------------- */

static EVP_PKEY *from_data(const char *type, OSSL_PARAM_BLD *builder)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;

	if (!params || !context || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(params);
	return pkey;
}

static EVP_PKEY *make_rsa(const json_t *jwk)
{
	assay_auto(assay_buf_release) struct assay_buf n = ASSAY_BUF_INIT(RSA_BITS_MAX / 8);
	assay_auto(assay_buf_release) struct assay_buf e = ASSAY_BUF_INIT(EXPONENT_BYTES_MAX);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	BIGNUM *modulus = NULL, *exponent = NULL;
	EVP_PKEY *pkey = NULL;

	if (member(jwk, "n", &n) && member(jwk, "e", &e)) {
		modulus = BN_bin2bn((const uint8_t *)n.data, (int)n.len, NULL);
		exponent = BN_bin2bn((const uint8_t *)e.data, (int)e.len, NULL);
	}
	if (builder && modulus && exponent && BN_num_bits(modulus) >= RSA_BITS_MIN && BN_is_odd(exponent) &&
	    !BN_is_one(exponent) && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
		pkey = from_data("RSA", builder);
	OSSL_PARAM_BLD_free(builder);
	BN_free(modulus);
	BN_free(exponent);
	return pkey;
}

static EVP_PKEY *make_p256(const json_t *jwk)
{
	assay_auto(assay_buf_release) struct assay_buf point = ASSAY_BUF_INIT(1 + 2 * COORDINATE);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;

	assay_buf_add(&point, "\x04", 1);
	if (builder && strcmp(assay_json_text(jwk, "crv", ""), "P-256") == 0 && member(jwk, "x", &point) &&
	    point.len == 1 + COORDINATE && member(jwk, "y", &point) && point.len == 1 + 2 * COORDINATE &&
	    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.data, point.len) == 1)
		pkey = from_data("EC", builder);
	OSSL_PARAM_BLD_free(builder);
	return pkey;
}

static EVP_PKEY *make_ed25519(const json_t *jwk)
{
	assay_auto(assay_buf_release) struct assay_buf x = ASSAY_BUF_INIT(COORDINATE);

	if (strcmp(assay_json_text(jwk, "crv", ""), "Ed25519") != 0 || !member(jwk, "x", &x) || x.len != COORDINATE)
		return NULL;
	return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const uint8_t *)x.data, x.len);
}

static const struct {
	const char *type;
	enum jwt_algorithm algorithm;
	EVP_PKEY *(*make)(const json_t *jwk);
} kinds[] = {
	{ "RSA", JWT_RS256, make_rsa },
	{ "EC", JWT_ES256, make_p256 },
	{ "OKP", JWT_EDDSA, make_ed25519 },
};

/* ---- sets ---------------------------------------------------------------------------------------- */

/* For signatures, and not declared for anything else. */
static bool is_for_signing(const json_t *jwk, enum jwt_algorithm algorithm)
{
	const json_t *operations = json_object_get(jwk, "key_ops"), *operation;
	bool verifies = !operations;
	size_t i;

	json_array_foreach(operations, i, operation)
		verifies = verifies || strcmp(json_string_value(operation) ?: "", "verify") == 0;
	return verifies && strcmp(assay_json_text(jwk, "use", "sig"), "sig") == 0 &&
	       strcmp(assay_json_text(jwk, "alg", names[algorithm]), names[algorithm]) == 0;
}

static void add_key(struct assay_jwks *jwks, const json_t *jwk)
{
	const char *type = assay_json_text(jwk, "kty", ""), *id = assay_json_text(jwk, "kid", NULL);
	struct jwks_key key = { .pkey = NULL };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !key.pkey; i++)
		if (strcmp(kinds[i].type, type) == 0 && is_for_signing(jwk, kinds[i].algorithm)) {
			key.algorithm = kinds[i].algorithm;
			key.pkey = kinds[i].make(jwk);
		}
	if (!key.pkey)
		return;
	key.id = id ? strdup(id) : NULL;
	if (id && !key.id)
		EVP_PKEY_free(key.pkey);
	else
		jwks->keys[jwks->count++] = key;
}

enum assay_code assay_jwks_parse(struct assay_span text, const char *what, struct assay_jwks **ret, struct assay_error *err)
{
	assay_auto(assay_jwks_freep) struct assay_jwks *jwks = calloc(1, sizeof(*jwks));
	assay_auto(assay_json_freep) json_t *parsed = NULL;
	const json_t *keys, *jwk;
	size_t i;

	if (!jwks)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (assay_json_parse(text, what, &parsed, err))
		return err->code;
	keys = json_object_get(parsed, "keys");
	if (!json_is_array(keys) || json_array_size(keys) > ASSAY_MAX_JWKS_KEYS)
		return assay_fail(err, ASSAY_EINPUT, "%s: want an object with \"keys\", a list of at most %d", what,
				  ASSAY_MAX_JWKS_KEYS);
	json_array_foreach(keys, i, jwk)
		add_key(jwks, jwk);
	ERR_clear_error();
	if (!jwks->count)
		return assay_fail(err, ASSAY_EINPUT,
				  "%s: no key in it is RSA of 2048 bits or more, EC P-256 or Ed25519, and for signatures", what);
	*ret = assay_steal(jwks);
	return ASSAY_OK;
}

void assay_jwks_free(struct assay_jwks *jwks)
{
	if (!jwks)
		return;
	for (size_t i = 0; i < jwks->count; i++) {
		EVP_PKEY_free(jwks->keys[i].pkey);
		free(jwks->keys[i].id);
	}
	free(jwks);
}

void assay_jwks_freep(struct assay_jwks **jwks)
{
	assay_jwks_free(*jwks);
}
