/* SPDX-License-Identifier: Apache-2.0 */
/* The authority; see the header. */
#include "assay/authority.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/time.h"
#include "key_int.h"
#include "pkcs11_int.h"
#include "x509_int.h"

enum { YEAR_S = 365 * 86400, AUTHORITY_YEARS = 20, BACKDATED_S = 60, SERIAL_BYTES = 16, RSA_MIN = 2048, RSA_MAX = 8192, SECRET_BYTES = 32 };

/* Beside the certificate of a key that is in a token: what tokens of jobs are made with. */
#define SECRET "ASSAY JOB TOKEN SECRET"

struct assay_authority {
	EVP_PKEY *key;
	struct pkcs11 token;   /* that has the key; or empty */
	pthread_mutex_t lock;  /* of the token: its key signs for one thread at a time */
	X509 *certificate;
	struct assay_buf pem;
	struct assay_digest mac_key;
	char domain[32];
};

/* ---- one certificate ----------------------------------------------------------------------------- */

struct extension {
	int nid;
	const char *value;
};

static bool add_extensions(X509 *certificate, X509 *issuer, const struct extension *list, size_t count)
{
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	for (size_t i = 0; i < count; i++) {
		X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, list[i].nid, list[i].value);
		bool added = extension && X509_add_ext(certificate, extension, -1) == 1;

		X509_EXTENSION_free(extension);
		if (!added)
			return false;
	}
	return true;
}

static bool set_serial(X509 *certificate)
{
	uint8_t bytes[SERIAL_BYTES];
	BIGNUM *number;
	bool good;

	assay_random(bytes, sizeof(bytes));
	bytes[0] = (bytes[0] & 0x7f) | 0x40; /* positive, and of one length */
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	good = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
	BN_free(number);
	return good;
}

static bool set_subject(X509 *certificate, const char *name)
{
	return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
					  (const unsigned char *)name, -1, -1, 0) == 1;
}

/* Everything but extensions and signature. */
static X509 *begin(EVP_PKEY *key, const char *subject, int64_t from, int64_t lifetime_s)
{
	X509 *certificate = X509_new();

	if (certificate && X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
	    set_subject(certificate, subject) && X509_set_pubkey(certificate, key) == 1 &&
	    ASN1_TIME_set(X509_getm_notBefore(certificate), from) &&
	    ASN1_TIME_set(X509_getm_notAfter(certificate), from + lifetime_s))
		return certificate;
	X509_free(certificate);
	return NULL;
}

static bool sign_with(struct assay_authority *authority, X509 *certificate)
{
	bool good;

	pthread_mutex_lock(&authority->lock);
	good = X509_sign(certificate, authority->key, EVP_sha256()) > 0;
	pthread_mutex_unlock(&authority->lock);
	return good;
}

static X509 *sign(struct assay_authority *authority, EVP_PKEY *key, const char *subject, int64_t from,
		  int64_t lifetime_s, const struct extension *extensions, size_t count)
{
	X509 *certificate = begin(key, subject, from, lifetime_s);

	if (certificate &&
	    X509_set_issuer_name(certificate, X509_get_subject_name(authority->certificate)) == 1 &&
	    add_extensions(certificate, authority->certificate, extensions, count) &&
	    sign_with(authority, certificate))
		return certificate;
	X509_free(certificate);
	return NULL;
}

/* ---- the authority's file ------------------------------------------------------------------------ */

static bool self_sign(X509 *certificate, EVP_PKEY *key)
{
	static const struct extension extensions[] = {
		{ NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
		{ NID_key_usage, "critical,keyCertSign,cRLSign" },
		{ NID_subject_key_identifier, "hash" },
	};

	return X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1 &&
	       add_extensions(certificate, certificate, extensions, 3) && X509_sign(certificate, key, EVP_sha256()) > 0;
}

/* In the place of a key that is in a token. */
static enum assay_code write_secret(struct assay_buf *out, struct assay_error *err)
{
	uint8_t secret[SECRET_BYTES];
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	size_t len = 0;

	assay_random(secret, sizeof(secret));
	if (bio && PEM_write_bio(bio, SECRET, "", secret, sizeof(secret)) > 0)
		len = (size_t)BIO_get_mem_data(bio, &data);
	else
		assay_fail(err, ASSAY_ENOMEM, "out of memory");
	assay_buf_add(out, data, len);
	OPENSSL_cleanse(secret, sizeof(secret));
	BIO_free(bio);
	return err->code ? err->code : assay_buf_check(out, "secret", err);
}

/* token: the key of one, or NULL for a new key in the file. */
static enum assay_code make(const char *path, EVP_PKEY *token, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	EVP_PKEY *key = token ? token : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *certificate = key ? begin(key, "assay farm", assay_time_now() - BACKDATED_S,
					(int64_t)AUTHORITY_YEARS * YEAR_S) :
				  NULL;

	if (!certificate || !self_sign(certificate, key))
		assay_fail(err, ASSAY_EUNSUPPORTED, "certificate authority: %s", x509_reason());
	else if (!(token ? write_secret(&text, err) : x509_write_key(key, &text, err)) && !x509_write(certificate, &text, err))
		(void)!assay_file_write_new(path, assay_buf_span(&text), 0600, err);
	if (text.data)
		OPENSSL_cleanse(text.data, text.len);
	X509_free(certificate);
	if (!token)
		EVP_PKEY_free(key);
	return err->code;
}

static enum assay_code derive_domain(struct assay_authority *authority, struct assay_error *err)
{
	struct assay_digest digest;
	char hex[ASSAY_DIGEST_TEXT];
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(authority->key, &der);

	if (len <= 0)
		return assay_fail(err, ASSAY_EINPUT, "the key has no public half");
	assay_digest_span(assay_span_of(der, (size_t)len), &digest);
	snprintf(authority->domain, sizeof(authority->domain), "farm-%.16s", assay_digest_hex(&digest, hex));
	OPENSSL_free(der);
	return x509_write(authority->certificate, &authority->pem, err);
}

static enum assay_code read_key(struct assay_authority *authority, BIO *bio, struct assay_error *err)
{
	uint8_t *der = NULL;
	int len;

	authority->key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"");
	if (!authority->key)
		return assay_fail(err, ASSAY_EINPUT,
				  "want a PEM file with a private key and its certificate, or --authority-key if it is in a token: %s",
				  x509_reason());
	len = i2d_PrivateKey(authority->key, &der);
	if (len <= 0)
		return assay_fail(err, ASSAY_EINPUT, "the key has no private half");
	assay_digest_span(assay_span_of(der, (size_t)len), &authority->mac_key);
	OPENSSL_clear_free(der, (size_t)len);
	return ASSAY_OK;
}

static enum assay_code read_secret(struct assay_authority *authority, BIO *bio, struct assay_error *err)
{
	char *name = NULL, *header = NULL;
	uint8_t *data = NULL;
	long len = 0;

	if (PEM_read_bio(bio, &name, &header, &data, &len) != 1 || strcmp(name, SECRET) != 0 || len != SECRET_BYTES)
		assay_fail(err, ASSAY_EINPUT,
			   "want the file that was made for a key in a token (%s and a certificate); for another key move it aside",
			   SECRET);
	else
		assay_digest_span(assay_span_of(data, (size_t)len), &authority->mac_key);
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_clear_free(data, (size_t)len);
	return err->code;
}

static enum assay_code load(struct assay_authority *authority, struct assay_span text, struct assay_error *err)
{
	BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);

	if (!bio)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	authority->key = authority->token.key;
	if (!(authority->key ? read_secret(authority, bio, err) : read_key(authority, bio, err)))
		authority->certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (err->code)
		return err->code;
	if (!authority->certificate || X509_check_private_key(authority->certificate, authority->key) != 1)
		return assay_fail(err, ASSAY_EINPUT, "want a certificate of the key%s: %s",
				  authority->token.key ? " in the token" : " before it", x509_reason());
	return derive_domain(authority, err);
}

static enum assay_code read_file(struct assay_authority *authority, const char *path, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	assay_auto(assay_fd_closep) int fd = -1;

	if (assay_file_open(AT_FDCWD, path, &fd, err) || key_check_private(path, fd, err))
		return err->code;
	if (!assay_buf_read_fd(&text, fd, err))
		(void)!load(authority, assay_buf_span(&text), err);
	if (text.data)
		OPENSSL_cleanse(text.data, text.len);
	return err->code ? assay_context(err, "%s", path) : ASSAY_OK;
}

enum assay_code assay_authority_open(const char *path, const char *key, struct assay_authority **ret,
				     struct assay_error *err)
{
	assay_auto(assay_authority_freep) struct assay_authority *authority = calloc(1, sizeof(*authority));

	if (!authority)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	authority->pem = (struct assay_buf)ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	pthread_mutex_init(&authority->lock, NULL);
	if (key && pkcs11_open(key, &authority->token, err))
		return assay_context(err, "certificate authority: %s", key);
	/* another process may be faster; its file is the one then */
	if (access(path, F_OK) && make(path, authority->token.key, err) && access(path, F_OK))
		return err->code;
	*err = (struct assay_error)ASSAY_ERROR_INIT;
	if (read_file(authority, path, err))
		return assay_context(err, "certificate authority");
	*ret = assay_steal(authority);
	return ASSAY_OK;
}

enum assay_code assay_authority_try(const char *key, struct assay_error *err)
{
	struct pkcs11 token = { NULL, NULL };

	if (pkcs11_open(key, &token, err))
		return assay_context(err, "certificate authority: %s", key);
	pkcs11_close(&token);
	return ASSAY_OK;
}

void assay_authority_free(struct assay_authority *authority)
{
	if (!authority)
		return;
	if (authority->key != authority->token.key)
		EVP_PKEY_free(authority->key);
	pkcs11_close(&authority->token);
	pthread_mutex_destroy(&authority->lock);
	X509_free(authority->certificate);
	assay_buf_release(&authority->pem);
	OPENSSL_cleanse(&authority->mac_key, sizeof(authority->mac_key));
	free(authority);
}

void assay_authority_freep(struct assay_authority **authority)
{
	assay_authority_free(*authority);
}

const char *assay_authority_pem(const struct assay_authority *authority)
{
	return assay_buf_text(&authority->pem);
}

const char *assay_authority_domain(const struct assay_authority *authority)
{
	return authority->domain;
}

void assay_authority_fingerprint(const struct assay_authority *authority, char *out)
{
	struct assay_digest digest = { .bytes = { 0 } };

	if (X509_digest(authority->certificate, EVP_sha256(), digest.bytes, NULL) != 1)
		abort();
	assay_digest_hex(&digest, out);
}

void assay_authority_mac(const struct assay_authority *authority, const char *purpose, struct assay_span bytes,
			 struct assay_digest *ret)
{
	struct assay_digest key;

	/* a key for each purpose, so that a value made for one is worth nothing for another */
	if (!HMAC(EVP_sha256(), authority->mac_key.bytes, sizeof(authority->mac_key.bytes),
		  (const uint8_t *)purpose, strlen(purpose), key.bytes, NULL) ||
	    !HMAC(EVP_sha256(), key.bytes, sizeof(key.bytes), bytes.data, bytes.len, ret->bytes, NULL))
		abort();
}

/* ---- issuing ------------------------------------------------------------------------------------- */

static bool is_acceptable(const EVP_PKEY *key)
{
	char curve[64] = "";

	if (EVP_PKEY_is_a(key, "ED25519"))
		return true;
	if (EVP_PKEY_is_a(key, "RSA"))
		return EVP_PKEY_get_bits(key) >= RSA_MIN && EVP_PKEY_get_bits(key) <= RSA_MAX;
	return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) == 1 &&
	       (strcmp(curve, "prime256v1") == 0 || strcmp(curve, "secp384r1") == 0);
}

/* The key of a request that proves to hold its private half. */
static enum assay_code key_of(struct assay_span request, EVP_PKEY **ret, struct assay_error *err)
{
	BIO *bio = request.len <= ASSAY_MAX_FIELD ? BIO_new_mem_buf(request.data, (int)request.len) : NULL;
	X509_REQ *parsed = bio ? PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL) : NULL;
	EVP_PKEY *key = parsed ? X509_REQ_get_pubkey(parsed) : NULL;

	BIO_free(bio);
	if (!key)
		assay_fail(err, ASSAY_EINPUT, "certificate request: want PEM with BEGIN CERTIFICATE REQUEST: %s",
			   x509_reason());
	else if (!is_acceptable(key))
		assay_fail(err, ASSAY_EINPUT,
			   "certificate request: key: want EC P-256 or P-384, Ed25519, or RSA of %d to %d bits", RSA_MIN,
			   RSA_MAX);
	else if (X509_REQ_verify(parsed, key) != 1)
		assay_fail(err, ASSAY_EINPUT, "certificate request: is not signed by its own key: %s", x509_reason());
	X509_REQ_free(parsed);
	if (err->code)
		EVP_PKEY_free(key);
	else
		*ret = key;
	return err->code;
}

enum assay_code assay_authority_issue(struct assay_authority *authority, struct assay_span request,
				      const char *kind, const char *name, int64_t now, int64_t lifetime_s,
				      struct assay_buf *out, struct assay_certificate *ret, struct assay_error *err)
{
	char uri[200];
	const struct extension extensions[] = {
		{ NID_basic_constraints, "critical,CA:FALSE" }, { NID_key_usage, "critical,digitalSignature" },
		{ NID_ext_key_usage, "clientAuth" },		{ NID_subject_alt_name, uri },
		{ NID_subject_key_identifier, "hash" },		{ NID_authority_key_identifier, "keyid" },
	};
	EVP_PKEY *key = NULL;
	X509 *certificate;

	if (!assay_identity_is_valid(name))
		return assay_fail(err, ASSAY_EUSAGE,
				  "name: want at most %d letters, digits, '.', '_' and '-', beginning with none of '.-'",
				  ASSAY_MAX_IDENTITY);
	if (key_of(request, &key, err))
		return err->code;
	snprintf(uri, sizeof(uri), "URI:" X509_URI_SCHEME "%s/%s/%s", authority->domain, kind, name);
	certificate = sign(authority, key, name, now - BACKDATED_S, lifetime_s, extensions, 6);
	EVP_PKEY_free(key);
	if (!certificate)
		return assay_fail(err, ASSAY_EIO, "certificate: cannot be signed: %s", x509_reason());
	if (!x509_describe(certificate, authority->domain, ret, err))
		(void)!x509_write(certificate, out, err);
	X509_free(certificate);
	return err->code;
}

/* "DNS:host" or "IP:address", several with commas. */
static void add_host(const char *host, struct assay_buf *out)
{
	bool address = strchr(host, ':') || strspn(host, "0123456789.") == strlen(host);

	assay_buf_printf(out, "%s%s:%s", out->len ? "," : "", address ? "IP" : "DNS", host);
}

enum assay_code assay_authority_serve(struct assay_authority *authority, const char *const *hosts, int64_t now,
				      struct assay_buf *ret_key, struct assay_buf *ret_certificate,
				      struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf names = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	struct extension extensions[] = {
		{ NID_basic_constraints, "critical,CA:FALSE" }, { NID_key_usage, "critical,digitalSignature" },
		{ NID_ext_key_usage, "serverAuth" },		{ NID_subject_alt_name, NULL },
		{ NID_subject_key_identifier, "hash" },		{ NID_authority_key_identifier, "keyid" },
	};
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *certificate;

	for (; *hosts; hosts++)
		add_host(*hosts, &names);
	extensions[3].value = assay_buf_text(&names);
	certificate = key ? sign(authority, key, "assay scheduler", now - BACKDATED_S, YEAR_S, extensions, 6) : NULL;
	if (!certificate)
		assay_fail(err, ASSAY_EUSAGE, "certificate for a server at %s: %s", assay_buf_text(&names), x509_reason());
	else if (!x509_write_key(key, ret_key, err))
		(void)!x509_write(certificate, ret_certificate, err);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return err->code;
}

/* ---- checking ------------------------------------------------------------------------------------ */

static bool is_signed(const struct assay_authority *authority, X509 *certificate, int64_t now, int *ret_reason)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	bool good = false;

	*ret_reason = X509_V_ERR_OUT_OF_MEM;
	if (store && context && X509_STORE_add_cert(store, authority->certificate) == 1 &&
	    X509_STORE_CTX_init(context, store, certificate, NULL) == 1) {
		X509_STORE_CTX_set_time(context, 0, now);
		X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_CLIENT);
		good = X509_verify_cert(context) == 1;
		*ret_reason = X509_STORE_CTX_get_error(context);
	}
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	return good;
}

enum assay_code assay_authority_check(const struct assay_authority *authority, struct assay_span der, int64_t now,
				      struct assay_certificate *ret, struct assay_error *err)
{
	const uint8_t *at = der.data;
	X509 *certificate = der.len <= ASSAY_MAX_FIELD ? d2i_X509(NULL, &at, (long)der.len) : NULL;
	int reason;

	if (!certificate || at != der.data + der.len)
		assay_fail(err, ASSAY_EUNTRUSTED, "certificate: malformed");
	else if (!is_signed(authority, certificate, now, &reason))
		assay_fail(err, ASSAY_EUNTRUSTED, "certificate: %s", X509_verify_cert_error_string(reason));
	else
		(void)!x509_describe(certificate, authority->domain, ret, err);
	X509_free(certificate);
	return err->code;
}
