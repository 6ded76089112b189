/* SPDX-License-Identifier: Apache-2.0 */
/* The file of issuers, checked; see users.h. */
#ifndef ASSAY_SCHEDULER_USERS_FILE_H
#define ASSAY_SCHEDULER_USERS_FILE_H

#include "assay/json.h"
#include "assay/jwt.h"
#include "identity.h"

enum { USERS_ALGORITHMS = 3 };

struct issuer {
	const char *url, *audience, *keys, *name; /* in the file's JSON */
	const char *authority;			  /* PEM file; NULL: the system's */
	const char *algorithms[USERS_ALGORITHMS + 1];
	char label[128]; /* host of the URL */
	const json_t *roles;
	/* what is fetched */
	struct assay_jwks *jwks;
	int64_t fetched, tried;
	bool wanted; /* a token named a key that is not here */
};

struct users_file {
	json_t *json;
	struct issuer *issuers;
	size_t count;
};

/* Errors name the file, the issuer and the key. */
enum assay_code users_file_read(const char *path, struct users_file *ret, struct assay_error *err) ASSAY_CHECKED;
void users_file_release(struct users_file *file);
/* The highest role that the claims are worth. */
enum identity_role users_file_role(const struct issuer *issuer, const json_t *claims);

#endif
