/* SPDX-License-Identifier: Apache-2.0 */
/* What the authority and the certificates have in common. */
#ifndef ASSAY_X509_INT_H
#define ASSAY_X509_INT_H

#include <openssl/x509.h>

#include "assay/authority.h"

#define X509_URI_SCHEME "spiffe://"

/* The reason OpenSSL gives for its last failure, "unknown reason" without one. */
const char *x509_reason(void);
/* Serial number, times and the single URI.  domain NULL: any. */
enum assay_code x509_describe(X509 *certificate, const char *domain, struct assay_certificate *ret,
			      struct assay_error *err) ASSAY_CHECKED;
/* Append, as PEM: a private key, a request, a certificate. */
enum assay_code x509_write_key(const EVP_PKEY *key, struct assay_buf *out, struct assay_error *err) ASSAY_CHECKED;
enum assay_code x509_write_request(const X509_REQ *request, struct assay_buf *out, struct assay_error *err) ASSAY_CHECKED;
enum assay_code x509_write(const X509 *certificate, struct assay_buf *out, struct assay_error *err) ASSAY_CHECKED;
/* A PEM certificate; NULL when it is none. */
X509 *x509_read(struct assay_span pem);

#endif
