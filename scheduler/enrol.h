/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a token to a certificate.  A token is made by an operator, is worth one certificate for one name, for minutes, and
 * is kept as its hash.  What it looks like:
 *
 *	assay-enrol.<id>.<secret>.<SHA-256 of the authority's certificate>
 *
 * The last part lets whoever enrols know the right farm, before it believes anything that a server says.
 */
#ifndef ASSAY_SCHEDULER_ENROL_H
#define ASSAY_SCHEDULER_ENROL_H

#include "assay/authority.h"
#include "assay/database.h"
#include "identity.h"

enum {
	ENROL_MINUTES = 10,
	ENROL_MINUTES_MAX = 60,
	WORKER_LIFETIME_MINUTES = 60, /* at most, and unless the scheduler was told less */
	WORKER_LIFETIME_MINUTES_MIN = 2,
	USER_LIFETIME_S = 12 * 3600,
};

struct enrol_token {
	const char *kind, *name; /* "worker" or "user" */
	enum identity_role role; /* of a user */
	const char *pool;	 /* the only one a worker may draw from; NULL: any */
	int64_t minutes;
};

/* Makes one; the text is appended to out, and is nowhere else. */
enum assay_code enrol_make_token(struct scheduler *scheduler, struct assay_database *db,
				 const struct enrol_token *token, int64_t now, struct assay_buf *out, int64_t *ret_expires,
				 struct assay_error *err) ASSAY_CHECKED;

struct enrol_certificate {
	struct assay_certificate about;
	struct assay_buf pem;
};

/* Spends a token.  ASSAY_EUNTRUSTED: unknown, spent, too old, or a worker that was revoked since. */
enum assay_code enrol_spend(struct scheduler *scheduler, struct assay_database *db, const char *token,
			    struct assay_span request, int64_t now, struct enrol_certificate *ret,
			    struct assay_error *err) ASSAY_CHECKED;
/* Another certificate for whoever has one that holds. */
enum assay_code enrol_renew(struct scheduler *scheduler, struct assay_database *db, const struct identity *identity,
			    struct assay_span request, int64_t now, struct enrol_certificate *ret,
			    struct assay_error *err) ASSAY_CHECKED;
/* Every certificate of a name is void from now on; *ret_count says how many would have held. */
enum assay_code enrol_revoke(struct assay_database *db, const char *kind, const char *name, int64_t now,
			     int64_t *ret_count, struct assay_error *err) ASSAY_CHECKED;
/* Forgets tokens and certificates that ran out a day ago. */
enum assay_code enrol_sweep(struct assay_database *db, int64_t now, struct assay_error *err) ASSAY_CHECKED;

#endif
