/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Web Tokens as OpenID Connect providers sign them (RFC 7519, compact serialisation), judged by a JSON Web Key Set.
 * Three algorithms are known: RS256, ES256 and EdDSA (Ed25519).  The token chooses among them only as far as the key allows:
 * a key is of one kind, and is never used for another.  What a token says about where keys are (jku, jwk, x5u, x5c) is
 * not looked at; a critical extension makes it invalid.
 */
#ifndef ASSAY_JWT_H
#define ASSAY_JWT_H

#include "assay/error.h"
#include "assay/json.h"
#include "assay/span.h"

struct assay_jwks;

/* Keys of other kinds or uses are passed over; a set without any that can be used is ASSAY_EINPUT.  At most
 * ASSAY_MAX_JWKS_KEYS. */
enum assay_code assay_jwks_parse(struct assay_span text, const char *what, struct assay_jwks **ret,
				 struct assay_error *err) ASSAY_CHECKED;
void assay_jwks_free(struct assay_jwks *jwks); /* accepts NULL */
void assay_jwks_freep(struct assay_jwks **jwks);
/* Whether the set has the key that a token names: if not, there may be a newer set. */
bool assay_jwks_knows(const struct assay_jwks *jwks, struct assay_span token);

struct assay_jwt_rules {
	const char *issuer, *audience;
	const char *const *algorithms; /* NULL-terminated; NULL: all three */
};

#define ASSAY_JWT_LEEWAY_S 60 /* clocks differ */

/* ASSAY_EUNTRUSTED unless it is well-formed, signed by a key of the set, by this issuer, for this audience, with a
 * subject, and valid now (seconds since 1970); "exp" must be there. */
enum assay_code assay_jwt_verify(struct assay_span token, const struct assay_jwks *jwks,
				 const struct assay_jwt_rules *rules, int64_t now, json_t **ret_claims,
				 struct assay_error *err) ASSAY_CHECKED;
/* Who it says it is by, to find the rules: into out; false when it is no token.  Nothing is verified. */
bool assay_jwt_issuer(struct assay_span token, char *out, size_t size);

#endif
