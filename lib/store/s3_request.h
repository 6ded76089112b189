/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request to an S3 service: signed by libcurl (AWS Signature Version 4), and tried again with growing pauses, no
 * two alike, as long as the service or the network says "later".
 */
#ifndef ASSAY_STORE_S3_REQUEST_H
#define ASSAY_STORE_S3_REQUEST_H

#include <pthread.h>

#include "assay/buf.h"
#include "remote.h"

enum { S3_HANDLES = 8 };

struct s3 {
	struct store_remote remote;
	char *bucket, *prefix; /* the prefix is empty or ends in a slash */
	char *endpoint, *region;
	char *key_id, *secret, *token; /* token: NULL for none */
	/* connections that nobody uses just now */
	pthread_mutex_t lock;
	CURL *idle[S3_HANDLES];
	size_t idle_count;
	pid_t pid;
};

struct s3_request {
	const char *method;
	const char *key;   /* within the bucket; NULL: the bucket itself */
	const char *query; /* parameters in the order of their names, encoded; NULL: none */
	const char *copy_source;
	/* what is sent: bytes, or a piece of a file */
	struct assay_span body;
	int fd;
	uint64_t offset, length;
	const struct assay_digest *payload; /* of what is sent; NULL: is hashed */
	struct store_draft *draft; /* where the answer of a good request goes; NULL: into the buffer */
};

#define S3_REQUEST(...) { .fd = -1, __VA_ARGS__ }

struct s3_answer {
	long status;
	char etag[200];
	uint64_t size; /* by its header */
	int64_t time;
	struct assay_buf body;
};

#define S3_ANSWER_INIT { .body = ASSAY_BUF_INIT(ASSAY_MAX_S3_ANSWER) }

/* "s3://bucket/prefix?endpoint=URL&region=NAME"; keys from the environment or the shared credentials file. */
enum assay_code s3_configure(const char *url, struct s3 *s3, struct assay_error *err) ASSAY_CHECKED;
void s3_release(struct s3 *s3);
/* ASSAY_ENOTFOUND for 404, ASSAY_EUNTRUSTED for 401 and 403; the error names service, object and reason. */
enum assay_code s3_call(struct s3 *s3, const struct s3_request *request, struct s3_answer *ret,
			struct assay_error *err) ASSAY_CHECKED;
/* The text of the first such element from *at on, which moves behind it; an empty span when there is none.  What the
 * service lists are names of ours, without anything that XML would escape. */
struct assay_span s3_element(struct assay_span *at, const char *name);
/* Encoded for a query; NULL when out of memory. */
char *s3_escape(const char *text);

#endif
