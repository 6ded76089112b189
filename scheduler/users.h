/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users that somebody else vouches for: OpenID Connect providers, whose tokens come as "Authorization: Bearer".  Which
 * ones, and what their claims are worth, is in one JSON file:
 *
 *	{"issuers": [{
 *		"issuer": "https://gitlab.example",	as the claim "iss" has it
 *		"audience": "assay",			that the claim "aud" must contain
 *		"keys": "https://gitlab.example/oauth/discovery/keys",	or the path of a file
 *		"authority": "/etc/ssl/site.pem",	optional: whom to believe there, instead of the system's
 *		"algorithms": ["RS256"],		optional: of RS256, ES256, EdDSA
 *		"name": "preferred_username",		optional: the claim that names the user; "sub"
 *		"roles": [{"claim": "groups", "value": "release", "role": "operator"}]}]}
 *
 * A claim's value may be a list.  The highest role that fits counts; who has none may do nothing.  A user is called
 * "<host of the issuer>/<name>", so that no provider can name another's users, nor those with certificates.
 *
 * Keys are fetched by a thread of its own, anew every ten minutes, and when a token names one that is not known, but
 * not more than once in half a minute.  When they cannot be fetched the old ones hold for a day.
 */
#ifndef ASSAY_SCHEDULER_USERS_H
#define ASSAY_SCHEDULER_USERS_H

#include "identity.h"

struct users;

/* Reads the file and begins to fetch.  The file is read again when it changes; one that is wrong then is told of and
 * changes nothing.  path NULL: there are no such users. */
enum assay_code users_start(const char *path, struct users **ret, struct assay_error *err) ASSAY_CHECKED;
void users_stop(struct users *users); /* accepts NULL */
/* Who a token names.  ASSAY_EUNTRUSTED when it does not hold. */
enum assay_code users_identify(struct users *users, struct assay_span token, int64_t now, struct identity *ret,
			       struct assay_error *err) ASSAY_CHECKED;

#endif
