/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The farm's own certificate authority, X.509 by OpenSSL.  It says who somebody is by one URI in the form of SPIFFE,
 *
 *	spiffe://farm-0123456789abcdef/worker/w1
 *
 * where the trust domain is made from the authority's key, so that a certificate of another farm is never taken for one
 * of this.  Of a request to sign only the public key is taken; the name, the times and the uses are decided here.
 */
#ifndef ASSAY_AUTHORITY_H
#define ASSAY_AUTHORITY_H

#include "assay/buf.h"
#include "assay/digest.h"
#include "assay/error.h"
#include "assay/limits.h"
#include "assay/span.h"

struct assay_authority;

/* The authority in one PEM file (key and certificate, mode 0600), made now when there is none.  Two processes that try
 * at once end up with the same one.  A file that others can read is refused.
 * key: NULL, or where the key is instead of in the file: a URI "pkcs11:..." (RFC 7512; lib/trust/pkcs11_int.h).  The file
 * then has a secret for the MACs, and the certificate. */
enum assay_code assay_authority_open(const char *path, const char *key, struct assay_authority **ret,
				     struct assay_error *err) ASSAY_CHECKED;
/* Whether such a key is there. */
enum assay_code assay_authority_try(const char *key, struct assay_error *err) ASSAY_CHECKED;
void assay_authority_free(struct assay_authority *authority); /* accepts NULL */
void assay_authority_freep(struct assay_authority **authority);
/* Its certificate, as PEM, and the trust domain. */
const char *assay_authority_pem(const struct assay_authority *authority);
const char *assay_authority_domain(const struct assay_authority *authority);
/* SHA-256 of the certificate's DER, lowercase hex into out[ASSAY_DIGEST_TEXT]. */
void assay_authority_fingerprint(const struct assay_authority *authority, char *out);

/* Who a certificate names. */
struct assay_certificate {
	char kind[8];			     /* "worker", "user" */
	char name[ASSAY_MAX_IDENTITY + 1];
	char serial[41];		     /* lowercase hex */
	int64_t issued, expires;	     /* seconds since 1970 */
};

/* 1 to ASSAY_MAX_IDENTITY of letters, digits, '.', '_' and '-', not beginning with a dot or a dash. */
bool assay_identity_is_valid(const char *name);

/* Signs a request (PKCS#10 as PEM): ASSAY_EINPUT when it is malformed, not signed by its own key, or the key is not
 * EC P-256 or P-384, Ed25519, or RSA of 2048 to 8192 bits.  Valid from a minute ago, in all for lifetime_s. */
enum assay_code assay_authority_issue(struct assay_authority *authority, struct assay_span request,
				      const char *kind, const char *name, int64_t now, int64_t lifetime_s,
				      struct assay_buf *out, struct assay_certificate *ret,
				      struct assay_error *err) ASSAY_CHECKED;
/* A peer's certificate (DER): ASSAY_EUNTRUSTED unless this authority signed it for a client, it is valid at now, and
 * it has exactly one name, in this trust domain. */
enum assay_code assay_authority_check(const struct assay_authority *authority, struct assay_span der, int64_t now,
				      struct assay_certificate *ret, struct assay_error *err) ASSAY_CHECKED;
/* A new key and a certificate for a server at these hosts (names or addresses; NULL-terminated), both as PEM; for a
 * year. */
enum assay_code assay_authority_serve(struct assay_authority *authority, const char *const *hosts, int64_t now,
				      struct assay_buf *ret_key, struct assay_buf *ret_certificate,
				      struct assay_error *err) ASSAY_CHECKED;
/* HMAC-SHA-256 under a key that only holders of the authority's file can have; purpose keeps uses apart. */
void assay_authority_mac(const struct assay_authority *authority, const char *purpose, struct assay_span bytes,
			 struct assay_digest *ret);

/* ---- the other side ------------------------------------------------------------------------------ */

/* A new EC P-256 key and the request to certify it, both as PEM. */
enum assay_code assay_certificate_request(struct assay_buf *ret_key, struct assay_buf *ret_request,
					  struct assay_error *err) ASSAY_CHECKED;
/* What a certificate (PEM) says of itself; nothing is verified. */
enum assay_code assay_certificate_read(struct assay_span pem, struct assay_certificate *ret,
				       struct assay_error *err) ASSAY_CHECKED;
/* SHA-256 of its DER, as assay_authority_fingerprint(). */
enum assay_code assay_certificate_fingerprint(struct assay_span pem, char *out, struct assay_error *err)
	ASSAY_CHECKED;

/* So many random bytes of the kernel. */
void assay_random(void *out, size_t len);
/* Whether two spans are equal, in a time that does not depend on where they differ. */
bool assay_equal_secret(struct assay_span a, struct assay_span b);

#endif
