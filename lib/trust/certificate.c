/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates as those see them who ask for one, and what they say. */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "x509_int.h"

#include "assay/cleanup.h"
#include "assay/hex.h"

void assay_random(void *out, size_t len)
{
	for (uint8_t *at = out; len;) {
		ssize_t got = getrandom(at, len, 0);

		if (got < 0)
			abort(); /* only on a bad address */
		at += got;
		len -= (size_t)got;
	}
}

bool assay_equal_secret(struct assay_span a, struct assay_span b)
{
	return a.len == b.len && CRYPTO_memcmp(a.data, b.data, a.len) == 0;
}

bool assay_identity_is_valid(const char *name)
{
	size_t len = strlen(name);

	return len >= 1 && len <= ASSAY_MAX_IDENTITY && name[0] != '.' && name[0] != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

const char *x509_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return reason ? reason : "unknown reason";
}

/* Appends what was written into bio, and frees it. */
static enum assay_code take(BIO *bio, bool written, struct assay_buf *out, struct assay_error *err)
{
	char *text = NULL;
	long len = written ? BIO_get_mem_data(bio, &text) : 0;

	if (len > 0)
		assay_buf_add(out, text, (size_t)len);
	BIO_free(bio);
	if (len <= 0)
		return assay_fail(err, ASSAY_ENOMEM, "certificate: cannot be written: %s", x509_reason());
	return assay_buf_check(out, "certificate", err);
}

enum assay_code x509_write_key(const EVP_PKEY *key, struct assay_buf *out, struct assay_error *err)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	bool written = bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;

	return take(bio, written, out, err);
}

enum assay_code x509_write_request(const X509_REQ *request, struct assay_buf *out, struct assay_error *err)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool written = bio && PEM_write_bio_X509_REQ(bio, request) == 1;

	return take(bio, written, out, err);
}

enum assay_code x509_write(const X509 *certificate, struct assay_buf *out, struct assay_error *err)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool written = bio && PEM_write_bio_X509(bio, certificate) == 1;

	return take(bio, written, out, err);
}

X509 *x509_read(struct assay_span pem)
{
	BIO *bio = pem.len <= ASSAY_MAX_FIELD ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
	X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return certificate;
}

/* ---- requests ------------------------------------------------------------------------------------ */

enum assay_code assay_certificate_request(struct assay_buf *ret_key, struct assay_buf *ret_request,
					  struct assay_error *err)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509_REQ *request = X509_REQ_new();

	if (!key || !request || X509_REQ_set_pubkey(request, key) != 1 ||
	    X509_REQ_sign(request, key, EVP_sha256()) <= 0)
		assay_fail(err, ASSAY_EUNSUPPORTED, "certificate request: %s", x509_reason());
	else if (!x509_write_key(key, ret_key, err))
		(void)!x509_write_request(request, ret_request, err);
	X509_REQ_free(request);
	EVP_PKEY_free(key);
	return err->code;
}

/* ---- what one says ------------------------------------------------------------------------------- */

static bool seconds_of(const ASN1_TIME *time, int64_t *ret)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return false;
	*ret = timegm(&tm);
	return true;
}

static bool set_serial(X509 *certificate, struct assay_certificate *ret)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);

	if (!serial || serial->length < 1 || serial->length * 2 >= (int)sizeof(ret->serial))
		return false;
	assay_hex_encode(assay_span_of(serial->data, (size_t)serial->length), ret->serial);
	return true;
}

/* spiffe://DOMAIN/KIND/NAME */
static bool split_uri(struct assay_span uri, const char *domain, struct assay_certificate *ret)
{
	char text[200];
	char *kind, *name;

	if (uri.len >= sizeof(text) || memchr(uri.data, 0, uri.len) || !assay_span_starts(uri, X509_URI_SCHEME))
		return false;
	memcpy(text, uri.data, uri.len);
	text[uri.len] = '\0';
	kind = strchr(text + strlen(X509_URI_SCHEME), '/');
	name = kind ? strchr(kind + 1, '/') : NULL;
	if (!name)
		return false;
	*kind++ = '\0';
	*name++ = '\0';
	if ((domain && strcmp(text + strlen(X509_URI_SCHEME), domain) != 0) || strlen(kind) >= sizeof(ret->kind) ||
	    !assay_identity_is_valid(name))
		return false;
	memcpy(ret->kind, kind, strlen(kind) + 1);
	memcpy(ret->name, name, strlen(name) + 1);
	return true;
}

static bool set_name(X509 *certificate, const char *domain, struct assay_certificate *ret)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	const GENERAL_NAME *name = names && sk_GENERAL_NAME_num(names) == 1 ? sk_GENERAL_NAME_value(names, 0) : NULL;
	bool good = false;

	if (name && name->type == GEN_URI) {
		const ASN1_IA5STRING *uri = name->d.uniformResourceIdentifier;

		good = split_uri(assay_span_of(uri->data, (size_t)uri->length), domain, ret);
	}
	GENERAL_NAMES_free(names);
	return good;
}

enum assay_code x509_describe(X509 *certificate, const char *domain, struct assay_certificate *ret,
			      struct assay_error *err)
{
	struct assay_certificate found = { .kind = "" };

	if (!set_serial(certificate, &found) || !seconds_of(X509_get0_notBefore(certificate), &found.issued) ||
	    !seconds_of(X509_get0_notAfter(certificate), &found.expires))
		return assay_fail(err, ASSAY_EUNTRUSTED, "certificate: serial number or times are malformed");
	if (!set_name(certificate, domain, &found))
		return assay_fail(err, ASSAY_EUNTRUSTED,
				  "certificate: want one name, a URI like " X509_URI_SCHEME "%s/worker/NAME",
				  domain ? domain : "DOMAIN");
	*ret = found;
	return ASSAY_OK;
}

enum assay_code assay_certificate_read(struct assay_span pem, struct assay_certificate *ret, struct assay_error *err)
{
	X509 *certificate = x509_read(pem);

	if (!certificate)
		return assay_fail(err, ASSAY_EINPUT, "want a PEM file with BEGIN CERTIFICATE: %s", x509_reason());
	(void)!x509_describe(certificate, NULL, ret, err);
	X509_free(certificate);
	return err->code;
}

enum assay_code assay_certificate_fingerprint(struct assay_span pem, char *out, struct assay_error *err)
{
	X509 *certificate = x509_read(pem);
	struct assay_digest digest;
	bool good = certificate && X509_digest(certificate, EVP_sha256(), digest.bytes, NULL) == 1;

	X509_free(certificate);
	if (!good)
		return assay_fail(err, ASSAY_EINPUT, "want a PEM file with BEGIN CERTIFICATE: %s", x509_reason());
	assay_digest_hex(&digest, out);
	return ASSAY_OK;
}
