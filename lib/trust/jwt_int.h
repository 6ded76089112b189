/* SPDX-License-Identifier: Apache-2.0 */
/* What the set of keys and the tokens know of each other. */
#ifndef ASSAY_JWT_INT_H
#define ASSAY_JWT_INT_H

#include <openssl/evp.h>

#include "assay/jwt.h"
#include "assay/limits.h"

enum jwt_algorithm { JWT_RS256, JWT_ES256, JWT_EDDSA, JWT_ALGORITHMS };

struct jwks_key {
	EVP_PKEY *pkey;
	enum jwt_algorithm algorithm; /* the only one it is for */
	char *id;		      /* NULL: has none */
};

struct assay_jwks {
	struct jwks_key keys[ASSAY_MAX_JWKS_KEYS];
	size_t count;
};

/* JWT_ALGORITHMS for another name. */
enum jwt_algorithm jwt_algorithm_parse(const char *name);
/* Base64url without padding, as JOSE wants it; appended. */
bool jwt_decode(struct assay_span text, struct assay_buf *out);

#endif
