/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: taken apart, signature first, claims after it.  See the header. */
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "jwt_int.h"

enum { RAW_ECDSA = 64 };

/* The three parts; signed_part is header and payload with the dot between them. */
struct token {
	struct assay_span header, payload, signature, signed_part;
};

static bool split(struct assay_span text, struct token *ret)
{
	const uint8_t *first = text.len && text.len <= ASSAY_MAX_JWT ? memchr(text.data, '.', text.len) : NULL;
	const uint8_t *second, *end = text.data + text.len;

	if (!first)
		return false;
	second = memchr(first + 1, '.', (size_t)(end - first - 1));
	if (!second || memchr(second + 1, '.', (size_t)(end - second - 1)))
		return false;
	ret->header = assay_span_of(text.data, (size_t)(first - text.data));
	ret->payload = assay_span_of(first + 1, (size_t)(second - first - 1));
	ret->signature = assay_span_of(second + 1, (size_t)(end - second - 1));
	ret->signed_part = assay_span_of(text.data, (size_t)(second - text.data));
	return ret->header.len && ret->payload.len && ret->signature.len;
}

/* A part that is a JSON object; NULL when it is not. */
static json_t *object_of(struct assay_span part)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_JWT);
	struct assay_error err = ASSAY_ERROR_INIT;
	json_t *json = NULL;

	if (!jwt_decode(part, &text) || assay_json_parse(assay_buf_span(&text), "token", &json, &err))
		return NULL;
	if (json_is_object(json))
		return json;
	json_decref(json);
	return NULL;
}

bool assay_jwt_issuer(struct assay_span text, char *out, size_t size)
{
	struct token token;
	assay_auto(assay_json_freep) json_t *claims = split(text, &token) ? object_of(token.payload) : NULL;
	const char *issuer = assay_json_text(claims, "iss", NULL);

	if (!issuer || strlen(issuer) >= size)
		return false;
	memcpy(out, issuer, strlen(issuer) + 1);
	return true;
}

/* ---- the key ------------------------------------------------------------------------------------- */

/* By its id; without one only when there is no choice. */
static const struct jwks_key *find_key(const struct assay_jwks *jwks, const char *id, enum jwt_algorithm algorithm)
{
	const struct jwks_key *found = NULL;

	for (size_t i = 0; i < jwks->count; i++) {
		const struct jwks_key *key = &jwks->keys[i];

		if (key->algorithm != algorithm || (id && (!key->id || strcmp(key->id, id) != 0)))
			continue;
		if (found)
			return NULL;
		found = key;
	}
	return found;
}

bool assay_jwks_knows(const struct assay_jwks *jwks, struct assay_span text)
{
	struct token token;
	assay_auto(assay_json_freep) json_t *header = split(text, &token) ? object_of(token.header) : NULL;
	enum jwt_algorithm algorithm = jwt_algorithm_parse(assay_json_text(header, "alg", ""));

	return algorithm != JWT_ALGORITHMS && find_key(jwks, assay_json_text(header, "kid", NULL), algorithm);
}

static bool is_allowed(const struct assay_jwt_rules *rules, const char *algorithm)
{
	const char *const *allowed = rules->algorithms;

	while (allowed && *allowed && strcmp(*allowed, algorithm) != 0)
		allowed++;
	return !allowed || *allowed;
}

static enum assay_code choose_key(const json_t *header, const struct assay_jwks *jwks, const struct assay_jwt_rules *rules,
				  const struct jwks_key **ret, struct assay_error *err)
{
	const char *name = assay_json_text(header, "alg", ""), *type = assay_json_text(header, "typ", "JWT");
	enum jwt_algorithm algorithm = jwt_algorithm_parse(name);

	if (algorithm == JWT_ALGORITHMS || !is_allowed(rules, name))
		return assay_fail(err, ASSAY_EUNTRUSTED, "token: algorithm \"%.20s\" is not taken", name);
	if (json_object_get(header, "crit") || (strcasecmp(type, "JWT") != 0 && strcasecmp(type, "at+jwt") != 0))
		return assay_fail(err, ASSAY_EUNTRUSTED, "token: its header has extensions or another type");
	*ret = find_key(jwks, assay_json_text(header, "kid", NULL), algorithm);
	if (!*ret)
		return assay_fail(err, ASSAY_EUNTRUSTED, "token: the issuer has no %s key \"%.60s\"", name,
				  assay_json_text(header, "kid", ""));
	return ASSAY_OK;
}

/* ---- the signature ------------------------------------------------------------------------------- */

/* JOSE has r and s side by side, OpenSSL wants them in DER. */
static bool to_der(struct assay_buf *signature)
{
	ECDSA_SIG *pair = signature->len == RAW_ECDSA ? ECDSA_SIG_new() : NULL;
	BIGNUM *r = pair ? BN_bin2bn((const uint8_t *)signature->data, RAW_ECDSA / 2, NULL) : NULL;
	BIGNUM *s = pair ? BN_bin2bn((const uint8_t *)signature->data + RAW_ECDSA / 2, RAW_ECDSA / 2, NULL) : NULL;
	uint8_t *der = NULL;
	int len = 0;

	if (r && s && ECDSA_SIG_set0(pair, r, s) == 1) {
		r = s = NULL;
		len = i2d_ECDSA_SIG(pair, &der);
	}
	if (len > 0) {
		assay_buf_clear(signature);
		assay_buf_add(signature, der, (size_t)len);
	}
	OPENSSL_free(der);
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(pair);
	return len > 0 && !signature->failed;
}

static bool is_signed(const struct token *token, const struct jwks_key *key)
{
	assay_auto(assay_buf_release) struct assay_buf signature = ASSAY_BUF_INIT(ASSAY_MAX_JWT);
	const EVP_MD *digest = key->algorithm == JWT_EDDSA ? NULL : EVP_sha256();
	EVP_MD_CTX *context;
	bool good;

	if (!jwt_decode(token->signature, &signature) || !signature.len ||
	    (key->algorithm == JWT_ES256 && !to_der(&signature)))
		return false;
	context = EVP_MD_CTX_new();
	good = context && EVP_DigestVerifyInit(context, NULL, digest, NULL, key->pkey) == 1 &&
	       EVP_DigestVerify(context, (const uint8_t *)signature.data, signature.len, token->signed_part.data,
				token->signed_part.len) == 1;
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return good;
}

/* ---- the claims ---------------------------------------------------------------------------------- */

static bool is_for(const json_t *claims, const char *audience)
{
	const json_t *said = json_object_get(claims, "aud"), *one;
	bool found = strcmp(json_string_value(said) ?: "", audience) == 0;
	size_t i;

	json_array_foreach(said, i, one)
		found = found || strcmp(json_string_value(one) ?: "", audience) == 0;
	return found;
}

/* A NumericDate; false when it is there and none. */
static bool time_of(const json_t *claims, const char *key, double *ret)
{
	const json_t *value = json_object_get(claims, key);

	if (value && !json_is_number(value))
		return false;
	if (value)
		*ret = json_number_value(value);
	return true;
}

static enum assay_code check_times(const json_t *claims, int64_t now, struct assay_error *err)
{
	double expires = -1, from = 0, issued = 0, at = (double)now;

	if (!time_of(claims, "exp", &expires) || !time_of(claims, "nbf", &from) || !time_of(claims, "iat", &issued))
		return assay_fail(err, ASSAY_EUNTRUSTED, "token: exp, nbf, iat: want numbers");
	if (expires < 0)
		return assay_fail(err, ASSAY_EUNTRUSTED, "token: says no time at which it ends");
	if (at >= expires + ASSAY_JWT_LEEWAY_S)
		return assay_fail(err, ASSAY_EUNTRUSTED, "token: ended %.0f s ago", at - expires);
	if (at + ASSAY_JWT_LEEWAY_S < from || at + ASSAY_JWT_LEEWAY_S < issued)
		return assay_fail(err, ASSAY_EUNTRUSTED, "token: is not valid yet");
	return ASSAY_OK;
}

static enum assay_code check_claims(const json_t *claims, const struct assay_jwt_rules *rules, int64_t now,
				    struct assay_error *err)
{
	if (strcmp(assay_json_text(claims, "iss", ""), rules->issuer) != 0)
		return assay_fail(err, ASSAY_EUNTRUSTED, "token: is not by %s", rules->issuer);
	if (!is_for(claims, rules->audience))
		return assay_fail(err, ASSAY_EUNTRUSTED, "token: is not for \"%s\"", rules->audience);
	if (!*assay_json_text(claims, "sub", ""))
		return assay_fail(err, ASSAY_EUNTRUSTED, "token: names no subject");
	return check_times(claims, now, err);
}

enum assay_code assay_jwt_verify(struct assay_span text, const struct assay_jwks *jwks, const struct assay_jwt_rules *rules,
				 int64_t now, json_t **ret_claims, struct assay_error *err)
{
	struct token token;
	assay_auto(assay_json_freep) json_t *header = split(text, &token) ? object_of(token.header) : NULL;
	assay_auto(assay_json_freep) json_t *claims = NULL;
	const struct jwks_key *key;

	if (!header)
		return assay_fail(err, ASSAY_EUNTRUSTED, "token: malformed");
	if (choose_key(header, jwks, rules, &key, err))
		return err->code;
	if (!is_signed(&token, key))
		return assay_fail(err, ASSAY_EUNTRUSTED, "token: its signature does not hold");
	claims = object_of(token.payload);
	if (!claims)
		return assay_fail(err, ASSAY_EUNTRUSTED, "token: its payload is no object");
	if (check_claims(claims, rules, now, err))
		return err->code;
	*ret_claims = assay_steal(claims);
	return ASSAY_OK;
}
