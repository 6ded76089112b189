/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of OpenID Connect providers: made here with OpenSSL, for each algorithm, and then spoilt in every way. */
#include <check.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/hex.h"
#include "assay/jwt.h"

enum { NOW = 1800000000 };

#define CLAIMS                                                                                     \
	"{\"iss\":\"https://id.example\",\"aud\":\"assay\",\"sub\":\"alice\",\"exp\":1800000600,"   \
	"\"nbf\":1799999999,\"iat\":1799999999}"

static const struct assay_jwt_rules rules = { .issuer = "https://id.example", .audience = "assay" };
static struct assay_error err;
static EVP_PKEY *rsa, *ec, *ed;
static struct assay_jwks *jwks;
static char jwks_text[8192];

/* Base64url without padding, appended. */
static void encode(struct assay_span bytes, struct assay_buf *out)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(65536);

	assay_base64_encode(bytes, &text);
	for (size_t i = 0; i < text.len && text.data[i] != '='; i++)
		assay_buf_add(out, text.data[i] == '+' ? "-" : text.data[i] == '/' ? "_" : &text.data[i], 1);
}

static void encode_text(const char *text, struct assay_buf *out)
{
	encode(assay_span_text(text), out);
}

static void sign_bytes(EVP_PKEY *key, struct assay_span bytes, struct assay_buf *out)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t signature[1024], raw[64];
	const uint8_t *at = signature;
	size_t len = sizeof(signature);
	ECDSA_SIG *pair;

	ck_assert_int_eq(EVP_DigestSignInit(context, NULL, key == ed ? NULL : EVP_sha256(), NULL, key), 1);
	ck_assert_int_eq(EVP_DigestSign(context, signature, &len, bytes.data, bytes.len), 1);
	EVP_MD_CTX_free(context);
	if (key != ec) {
		encode(assay_span_of(signature, len), out);
		return;
	}
	pair = d2i_ECDSA_SIG(NULL, &at, (long)len);
	BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + 32, 32);
	ECDSA_SIG_free(pair);
	encode(assay_span_of(raw, sizeof(raw)), out);
}

/* malloc'ed */
static char *make(const char *header, const char *claims, EVP_PKEY *key)
{
	struct assay_buf text = ASSAY_BUF_INIT(65536);

	encode_text(header, &text);
	assay_buf_add(&text, ".", 1);
	encode_text(claims, &text);
	if (key) {
		assay_auto(assay_buf_release) struct assay_buf signature = ASSAY_BUF_INIT(65536);

		sign_bytes(key, assay_buf_span(&text), &signature);
		assay_buf_add(&text, ".", 1);
		assay_buf_add_span(&text, assay_buf_span(&signature));
	}
	return assay_buf_take(&text);
}

static enum assay_code verify(const char *token, const struct assay_jwt_rules *with)
{
	json_t *claims = NULL;
	enum assay_code code;

	err = (struct assay_error)ASSAY_ERROR_INIT;
	code = assay_jwt_verify(assay_span_text(token), jwks, with, NOW, &claims, &err);
	ck_assert(!code == !!claims);
	json_decref(claims);
	return code;
}

static void member(struct assay_buf *out, const char *key, EVP_PKEY *pkey, const char *param)
{
	BIGNUM *number = NULL;
	uint8_t bytes[512];

	ck_assert_int_eq(EVP_PKEY_get_bn_param(pkey, param, &number), 1);
	assay_buf_printf(out, ",\"%s\":\"", key);
	encode(assay_span_of(bytes, (size_t)(pkey == ec ? BN_bn2binpad(number, bytes, 32) : BN_bn2bin(number, bytes))), out);
	assay_buf_add_text(out, "\"");
	BN_free(number);
}

static void setup(void)
{
	struct assay_buf text = ASSAY_BUF_INIT(sizeof(jwks_text) - 1);
	uint8_t raw[32];
	size_t len = sizeof(raw);

	rsa = EVP_RSA_gen(2048);
	ec = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	assay_buf_add_text(&text, "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"o\",\"k\":\"AAAA\"},{\"kty\":\"RSA\",\"kid\":\"r\"");
	member(&text, "n", rsa, OSSL_PKEY_PARAM_RSA_N);
	member(&text, "e", rsa, OSSL_PKEY_PARAM_RSA_E);
	assay_buf_add_text(&text, "},{\"kty\":\"EC\",\"kid\":\"e\",\"crv\":\"P-256\",\"use\":\"sig\"");
	member(&text, "x", ec, OSSL_PKEY_PARAM_EC_PUB_X);
	member(&text, "y", ec, OSSL_PKEY_PARAM_EC_PUB_Y);
	assay_buf_add_text(&text, "},{\"kty\":\"OKP\",\"kid\":\"d\",\"crv\":\"Ed25519\",\"alg\":\"EdDSA\",\"x\":\"");
	ck_assert_int_eq(EVP_PKEY_get_raw_public_key(ed, raw, &len), 1);
	encode(assay_span_of(raw, len), &text);
	assay_buf_add_text(&text, "\"}]}");
	snprintf(jwks_text, sizeof(jwks_text), "%s", assay_buf_text(&text));
	assay_buf_release(&text);
	ck_assert_msg(!assay_jwks_parse(assay_span_text(jwks_text), "keys", &jwks, &err), "%s", err.msg);
}

static void teardown(void)
{
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(ed);
	assay_jwks_free(jwks);
}

START_TEST(test_good)
{
	static const char *const headers[] = { "{\"alg\":\"RS256\",\"kid\":\"r\",\"typ\":\"JWT\"}",
					       "{\"alg\":\"ES256\",\"kid\":\"e\"}",
					       "{\"alg\":\"EdDSA\",\"kid\":\"d\",\"typ\":\"at+jwt\"}", "{\"alg\":\"EdDSA\"}" };
	EVP_PKEY *const keys[] = { rsa, ec, ed, ed };
	char issuer[100];

	for (size_t i = 0; i < 4; i++) {
		assay_auto(assay_freep) char *token = make(headers[i], CLAIMS, keys[i]);
		assay_auto(assay_freep) char *spoilt = strdup(token);

		ck_assert_msg(!verify(token, &rules), "%s: %s", headers[i], err.msg);
		ck_assert(assay_jwt_issuer(assay_span_text(token), issuer, sizeof(issuer)));
		ck_assert_str_eq(issuer, rules.issuer);
		/* any other character anywhere, anything cut off, anything behind */
		for (size_t k = 0; token[k]; k++) {
			spoilt[k] = token[k] == 'A' ? 'Q' : 'A';
			ck_assert_int_eq(verify(spoilt, &rules), ASSAY_EUNTRUSTED);
			spoilt[k] = token[k];
		}
		for (size_t len = strlen(token); len-- > 0;) {
			spoilt[len] = '\0';
			ck_assert_int_eq(verify(spoilt, &rules), ASSAY_EUNTRUSTED);
		}
		free(spoilt);
		ck_assert(asprintf(&spoilt, "%s.x", token) > 0 && verify(spoilt, &rules) == ASSAY_EUNTRUSTED);
		free(spoilt);
		ck_assert(asprintf(&spoilt, "%s=", token) > 0 && verify(spoilt, &rules) == ASSAY_EUNTRUSTED);
	}
}
END_TEST

/* A header that must not be believed, signed by a key that the set has. */
static const struct {
	const char *header;
	char key;
} headers[] = {
	{ "{\"alg\":\"none\"}", 'r' },
	{ "{\"alg\":\"None\",\"kid\":\"r\"}", 'r' },
	{ "{\"kid\":\"r\"}", 'r' },
	{ "{\"alg\":\"HS256\",\"kid\":\"r\"}", 'r' },
	{ "{\"alg\":\"PS256\",\"kid\":\"r\"}", 'r' },
	{ "{\"alg\":\"RS512\",\"kid\":\"r\"}", 'r' },
	{ "{\"alg\":\"rs256\",\"kid\":\"r\"}", 'r' },
	{ "{\"alg\":[\"RS256\"],\"kid\":\"r\"}", 'r' },
	{ "{\"alg\":\"ES256\",\"kid\":\"r\"}", 'e' },
	{ "{\"alg\":\"RS256\",\"kid\":\"e\"}", 'r' },
	{ "{\"alg\":\"RS256\",\"kid\":\"x\"}", 'r' },
	{ "{\"alg\":\"RS256\",\"kid\":\"r\",\"crit\":[\"b64\"],\"b64\":false}", 'r' },
	{ "{\"alg\":\"RS256\",\"kid\":\"r\",\"typ\":\"JOSE\"}", 'r' },
	{ "{\"alg\":\"RS256\",\"alg\":\"none\",\"kid\":\"r\"}", 'r' },
	{ "[\"RS256\"]", 'r' },
	{ "{\"alg\":\"EdDSA\",\"kid\":\"d\"}", 'e' },
	{ "{\"alg\":\"RS256\",\"kid\":\"r\"}", 'e' },
};

START_TEST(test_header)
{
	EVP_PKEY *key = headers[_i].key == 'r' ? rsa : ec;
	assay_auto(assay_freep) char *token = make(headers[_i].header, CLAIMS, key);

	ck_assert_msg(verify(token, &rules) == ASSAY_EUNTRUSTED, "%s", headers[_i].header);
}
END_TEST

/* The oldest trick: a MAC with the public key as its secret. */
START_TEST(test_confusion)
{
	struct assay_buf text = ASSAY_BUF_INIT(65536), full = ASSAY_BUF_INIT(65536);
	uint8_t *der = NULL, mac[32];
	int len = i2d_PUBKEY(rsa, &der);

	for (int alg = 0; alg < 2; alg++) {
		assay_buf_clear(&text);
		assay_buf_clear(&full);
		encode_text(alg ? "{\"alg\":\"RS256\",\"kid\":\"r\"}" : "{\"alg\":\"HS256\",\"kid\":\"r\"}", &text);
		assay_buf_add(&text, ".", 1);
		encode_text(CLAIMS, &text);
		ck_assert(HMAC(EVP_sha256(), der, len, (uint8_t *)text.data, text.len, mac, NULL) != NULL);
		assay_buf_printf(&full, "%s.", assay_buf_text(&text));
		encode(assay_span_of(mac, sizeof(mac)), &full);
		ck_assert_int_eq(verify(assay_buf_text(&full), &rules), ASSAY_EUNTRUSTED);
	}
	for (int dots = 0; dots < 4; dots++) {
		assay_auto(assay_freep) char *bare = make("{\"alg\":\"none\"}", CLAIMS, NULL);

		assay_buf_clear(&full);
		assay_buf_printf(&full, "%s%.*s", bare, dots, "....");
		ck_assert_int_eq(verify(assay_buf_text(&full), &rules), ASSAY_EUNTRUSTED);
	}
	OPENSSL_free(der);
	assay_buf_release(&text);
	assay_buf_release(&full);
}
END_TEST

#define BASE "\"iss\":\"https://id.example\",\"aud\":\"assay\",\"sub\":\"alice\",\"exp\":1800000600"

static const struct {
	const char *claims;
	bool good;
} claims[] = {
	{ "{" BASE "}", true },
	{ "{\"iss\":\"https://id.example\",\"aud\":[\"x\",\"assay\"],\"sub\":\"a\",\"exp\":1800000600.5}", true },
	{ "{\"iss\":\"https://id.example\",\"aud\":\"assay\",\"sub\":\"a\",\"exp\":1799999950}", true }, /* within the leeway */
	{ "{\"iss\":\"https://id.example\",\"aud\":\"assay\",\"sub\":\"a\",\"exp\":1799999940}", false },
	{ "{\"iss\":\"https://id.example\",\"aud\":\"assay\",\"sub\":\"a\"}", false },
	{ "{\"iss\":\"https://id.example\",\"aud\":\"assay\",\"sub\":\"a\",\"exp\":\"1800000600\"}", false },
	{ "{\"iss\":\"https://id.example\",\"aud\":\"assay\",\"sub\":\"a\",\"exp\":-1}", false },
	{ "{\"iss\":\"https://id.example\",\"aud\":\"assay\",\"sub\":\"\",\"exp\":1800000600}", false },
	{ "{\"iss\":\"https://id.example\",\"aud\":\"assay\",\"exp\":1800000600}", false },
	{ "{\"iss\":\"https://id.example/\",\"aud\":\"assay\",\"sub\":\"a\",\"exp\":1800000600}", false },
	{ "{\"aud\":\"assay\",\"sub\":\"a\",\"exp\":1800000600}", false },
	{ "{\"iss\":\"https://id.example\",\"aud\":\"assay2\",\"sub\":\"a\",\"exp\":1800000600}", false },
	{ "{\"iss\":\"https://id.example\",\"aud\":[],\"sub\":\"a\",\"exp\":1800000600}", false },
	{ "{\"iss\":\"https://id.example\",\"aud\":{\"assay\":1},\"sub\":\"a\",\"exp\":1800000600}", false },
	{ "{\"iss\":\"https://id.example\",\"sub\":\"a\",\"exp\":1800000600}", false },
	{ "{" BASE ",\"nbf\":1800000061}", false },
	{ "{" BASE ",\"nbf\":\"now\"}", false },
	{ "{" BASE ",\"iat\":1800000061}", false },
	{ "{" BASE ",\"sub\":\"bob\"}", false },
	{ "[" CLAIMS "]", false },
	{ "", false },
};

START_TEST(test_claims)
{
	assay_auto(assay_freep) char *token = make("{\"alg\":\"ES256\",\"kid\":\"e\"}", claims[_i].claims, ec);

	ck_assert_msg((verify(token, &rules) == ASSAY_OK) == claims[_i].good, "%s: %s", claims[_i].claims, err.msg);
}
END_TEST

START_TEST(test_rules)
{
	static const char *const only[] = { "EdDSA", NULL };
	const struct assay_jwt_rules strict = { .issuer = rules.issuer, .audience = rules.audience, .algorithms = only };
	assay_auto(assay_freep) char *good = make("{\"alg\":\"EdDSA\",\"kid\":\"d\"}", CLAIMS, ed);
	assay_auto(assay_freep) char *other = make("{\"alg\":\"ES256\",\"kid\":\"e\"}", CLAIMS, ec);

	ck_assert_int_eq(verify(good, &strict), ASSAY_OK);
	ck_assert_int_eq(verify(other, &strict), ASSAY_EUNTRUSTED);
}
END_TEST

static const char *const bad_sets[] = {
	"", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[]}", "{\"keys\":[7,null,[]]}",
	"{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}",
	"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}]}",
	"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}",
	"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}",
	"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"enc\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}",
};

START_TEST(test_bad_sets)
{
	struct assay_jwks *none = NULL;

	ck_assert_int_eq(assay_jwks_parse(assay_span_text(bad_sets[_i]), "keys", &none, &err), ASSAY_EINPUT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("jwt");
	TCase *tests = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_unchecked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, test_good);
	tcase_add_loop_test(tests, test_header, 0, sizeof(headers) / sizeof(headers[0]));
	tcase_add_test(tests, test_confusion);
	tcase_add_loop_test(tests, test_claims, 0, sizeof(claims) / sizeof(claims[0]));
	tcase_add_test(tests, test_rules);
	tcase_add_loop_test(tests, test_bad_sets, 0, sizeof(bad_sets) / sizeof(bad_sets[0]));
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
