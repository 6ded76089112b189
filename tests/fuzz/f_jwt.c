/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens and sets of keys: nothing that this makes up is ever signed by the key here, so nothing is ever let in. */
#include <stdlib.h>

#include "assay/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char keys[] =
	"{\"keys\":[{\"kty\":\"OKP\",\"kid\":\"d\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"},"
	"{\"kty\":\"EC\",\"kid\":\"e\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

static void try_token(const struct assay_jwks *jwks, struct assay_span token)
{
	static const struct assay_jwt_rules rules = { .issuer = "https://id.example", .audience = "assay" };
	struct assay_error err = ASSAY_ERROR_INIT;
	json_t *claims = NULL;
	char issuer[64];

	if (assay_jwt_issuer(token, issuer, sizeof(issuer)) && !issuer[0] && token.len < 3)
		abort();
	if (assay_jwks_knows(jwks, token) && !token.len)
		abort();
	if (!assay_jwt_verify(token, jwks, &rules, 1800000000, &claims, &err))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_span text = assay_span_of(data, size);
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_jwks *jwks = NULL;

	if (assay_jwks_parse(assay_span_text(keys), "keys", &jwks, &err))
		abort();
	try_token(jwks, text);
	assay_jwks_free(jwks);
	jwks = NULL;
	if (!assay_jwks_parse(text, "keys", &jwks, &err)) {
		struct assay_error ignored = ASSAY_ERROR_INIT;
		json_t *claims = NULL;
		const struct assay_jwt_rules rules = { .issuer = "i", .audience = "a" };

		(void)!assay_jwt_verify(assay_span_text("eyJhbGciOiJFUzI1NiJ9.e30.AA"), jwks, &rules, 1, &claims, &ignored);
		json_decref(claims);
		assay_jwks_free(jwks);
	}
	return 0;
}
