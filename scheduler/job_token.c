/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of jobs: "assay-job.<time it ends>.<mac>"; see job_token.h. */
#include "job_token.h"

#include <stdio.h>
#include <string.h>

static void mac(const struct assay_authority *authority, int64_t job, int64_t fence, const char *worker, int64_t expires,
		char *hex)
{
	struct assay_digest digest;
	char text[4 * 24 + 256];
	int len = snprintf(text, sizeof(text), "%lld %lld %lld %.200s", (long long)job, (long long)fence, (long long)expires,
			   worker);

	assay_authority_mac(authority, "job token", assay_span_of(text, (size_t)len), &digest);
	assay_digest_hex(&digest, hex);
}

static void write_token(const struct assay_authority *authority, int64_t job, int64_t fence, const char *worker,
			int64_t expires, char *out)
{
	char hex[ASSAY_DIGEST_TEXT];

	mac(authority, job, fence, worker, expires, hex);
	snprintf(out, JOB_TOKEN_TEXT, JOB_TOKEN_PREFIX "%lld.%s", (long long)expires, hex);
}

void job_token_make(const struct assay_authority *authority, int64_t job, int64_t fence, const char *worker,
		    int64_t now, char *out)
{
	write_token(authority, job, fence, worker, now + JOB_TOKEN_MS, out);
}

enum assay_code job_token_check(const struct assay_authority *authority, const char *token, int64_t job, int64_t fence,
				const char *worker, int64_t now, struct assay_error *err)
{
	const size_t prefix = strlen(JOB_TOKEN_PREFIX);
	char expected[JOB_TOKEN_TEXT];
	uint64_t expires = 0;
	size_t digits;

	if (strncmp(token, JOB_TOKEN_PREFIX, prefix) != 0)
		return assay_fail(err, ASSAY_EUNTRUSTED, "token: want the one that came with the lease or its last heartbeat");
	digits = strcspn(token + prefix, ".");
	if (!assay_span_parse_u64(assay_span_of(token + prefix, digits), &expires) || expires > INT64_MAX)
		return assay_fail(err, ASSAY_EUNTRUSTED, "token: malformed");
	write_token(authority, job, fence, worker, (int64_t)expires, expected);
	if (!assay_equal_secret(assay_span_text(token), assay_span_text(expected)))
		return assay_fail(err, ASSAY_EUNTRUSTED, "token: is not for job %lld with fence %lld by worker %s",
				  (long long)job, (long long)fence, worker);
	if ((int64_t)expires <= now || (int64_t)expires > now + 2 * JOB_TOKEN_MS)
		return assay_fail(err, ASSAY_EUNTRUSTED, "token: is too old; a heartbeat brings another one");
	return ASSAY_OK;
}
