/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler: holds the queue (scheduler/queue.h) and answers at a Unix socket and over TLS.  It never parses an artifact;
 * reports are blobs to it.  What it answers is in docs/schema/api-1.json.
 */
#ifndef ASSAY_SCHEDULER_H
#define ASSAY_SCHEDULER_H

#include "assay/error.h"

struct assay_scheduler_options {
	const char *database; /* NULL: sqlite:<store>/farm/queue.db */
	const char *store;    /* directory; NULL = default */
	const char *socket;   /* NULL: <store>/farm/socket */
	const char *retention; /* "every=24h,grace=1d,blobs=30d"...; NULL: the usual (scheduler/retention.h) */
	const char *listen;   /* "host:port" for TLS as well; NULL: none */
	const char *name;     /* under which clients know it there, beside host and host name; or NULL */
	int64_t lifetime_minutes; /* of workers' certificates, 2 to 60; 0: 60 */
	const char *authority_key; /* "pkcs11:...": the authority's key is in a token; NULL: in its file */
	const char *users;    /* file of OpenID Connect providers (scheduler/users.h); NULL: none */
};

/* Runs until SIGINT or SIGTERM. */
enum assay_code assay_scheduler_run(const struct assay_scheduler_options *options,
				    struct assay_error *err) ASSAY_CHECKED;

/* Whether it could start so, and how it would: lines on stdout.  Makes and changes nothing. */
enum assay_code assay_scheduler_check(const struct assay_scheduler_options *options,
				      struct assay_error *err) ASSAY_CHECKED;

/* The socket of a store, malloc'ed, for those who call. */
enum assay_code assay_scheduler_socket(const char *store, char **ret, struct assay_error *err)
	ASSAY_CHECKED;

#endif
