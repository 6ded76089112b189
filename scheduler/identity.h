/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks, and what they may.
 *
 * Over the Unix socket it is the user who runs the scheduler, or root: an admin, who may also work.  Over TLS it is whom
 * the certificate names, if the authority here issued it, it is valid now and was not revoked; or whom a bearer token
 * names (users.h); or nobody.  It is asked anew for every request, so that a revocation holds for the next one, also on
 * a connection that is open.
 */
#ifndef ASSAY_SCHEDULER_IDENTITY_H
#define ASSAY_SCHEDULER_IDENTITY_H

#include "assay/database.h"
#include "assay/http.h"

struct scheduler;

enum identity_kind { IDENTITY_NOBODY, IDENTITY_LOCAL, IDENTITY_WORKER, IDENTITY_USER };

/* Each may what the ones before it may. */
enum identity_role { ROLE_NONE, ROLE_VIEWER, ROLE_SUBMITTER, ROLE_OPERATOR, ROLE_ADMIN };

struct identity {
	enum identity_kind kind;
	enum identity_role role;
	char name[200];
	char serial[41]; /* of the certificate; "" without one */
	char pool[100];	 /* the only one that a worker may draw from; "": any */
};

/* What an endpoint wants.  The strictest is 0, so that an endpoint that says nothing is closed. */
enum identity_need {
	NEED_ADMIN,
	NEED_OPERATOR,
	NEED_SUBMITTER,
	NEED_VIEWER,
	NEED_WORKER,	  /* a worker, for itself */
	NEED_CERTIFICATE, /* a worker or user that has one */
	NEED_SUPPLIER,	  /* a worker, or a submitter: who brings blobs */
	NEED_KNOWN,	  /* anybody but nobody */
	NEED_NOTHING,
};

/* ASSAY_EUNTRUSTED when what was shown does not hold; to show nothing is no error. */
enum assay_code identity_of(struct scheduler *scheduler, struct assay_database *db,
			    const struct assay_http_request *request, int64_t now, struct identity *ret,
			    struct assay_error *err) ASSAY_CHECKED;
bool identity_may(const struct identity *identity, enum identity_need need);
const char *identity_need_text(enum identity_need need);
const char *identity_role_text(enum identity_role role);
/* ROLE_NONE for another word. */
enum identity_role identity_role_parse(const char *text);
/* "worker:w1", "user:alice", "local:0", "nobody" */
const char *identity_text(const struct identity *identity, char *out, size_t size);

#endif
