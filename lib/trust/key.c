/* SPDX-License-Identifier: Apache-2.0 */
/* Our signing keys: PEM files, by OpenSSL. */
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <sys/stat.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "key_int.h"

void assay_key_free(struct assay_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

void assay_key_freep(struct assay_key **key)
{
	assay_key_free(*key);
}

char *assay_key_default_path(void)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	char *path = NULL;
	int len = data && data[0] == '/'
			  ? asprintf(&path, "%s/assay/key.pem", data)
			  : asprintf(&path, "%s/.local/share/assay/key.pem", home ? home : "");

	return len < 0 ? NULL : path;
}

static enum assay_code set_id(struct assay_key *key, struct assay_error *err)
{
	struct assay_digest digest;
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(key->pkey, &der);

	if (len <= 0)
		return assay_fail(err, ASSAY_EINPUT, "key: has no public half");
	assay_digest_span(assay_span_of(der, (size_t)len), &digest);
	assay_digest_hex(&digest, key->id);
	OPENSSL_free(der);
	return ASSAY_OK;
}

/* Takes pkey over, also on failure. */
static enum assay_code wrap(EVP_PKEY *pkey, struct assay_key **ret, struct assay_error *err)
{
	assay_auto(assay_key_freep) struct assay_key *key = calloc(1, sizeof(*key));
	char curve[64] = "";

	if (!key) {
		EVP_PKEY_free(pkey);
		return assay_fail(err, ASSAY_ENOMEM, "key: out of memory");
	}
	key->pkey = pkey;
	key->is_ed25519 = EVP_PKEY_is_a(pkey, "ED25519");
	if (!key->is_ed25519)
		EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, curve,
					       sizeof(curve), NULL);
	if (!key->is_ed25519 && (!EVP_PKEY_is_a(pkey, "EC") || strcmp(curve, "prime256v1") != 0))
		return assay_fail(err, ASSAY_EINPUT, "key: want Ed25519 or ECDSA P-256, have %s %s",
				  EVP_PKEY_get0_type_name(pkey), curve);
	if (set_id(key, err))
		return err->code;
	*ret = assay_steal(key);
	return ASSAY_OK;
}

/* Keys on disk are not encrypted: who can read the file can sign, so its mode is the protection. */
static int no_password(char *buf, int size, int writing, void *data)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)data;
	return 0;
}

enum assay_code key_check_private(const char *path, int fd, struct assay_error *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return assay_fail_errno(err, "key %s", path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return assay_fail(err, ASSAY_EUNTRUSTED, "key %s: want a file of our own, have one "
							 "of user %u",
				  path, (unsigned)st.st_uid);
	if (st.st_mode & 077)
		return assay_fail(err, ASSAY_EUNTRUSTED,
				  "key %s: want mode 0600, have %04o: others can read it", path,
				  (unsigned)st.st_mode & 07777);
	return ASSAY_OK;
}

enum assay_code assay_key_load(const char *path, struct assay_key **ret, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = -1;
	char text[16384];
	EVP_PKEY *pkey;
	ssize_t got;
	BIO *bio;

	if (assay_file_open(AT_FDCWD, path, &fd, err))
		return assay_context(err, "key");
	if (key_check_private(path, fd, err))
		return err->code;
	got = read(fd, text, sizeof(text));
	if (got < 0)
		return assay_fail_errno(err, "key %s: read", path);
	bio = BIO_new_mem_buf(text, (int)got);
	pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
	BIO_free(bio);
	OPENSSL_cleanse(text, sizeof(text));
	if (!pkey)
		return assay_fail(err, ASSAY_EINPUT,
				  "key %s: want a PEM file with BEGIN PRIVATE KEY, not encrypted",
				  path);
	if (wrap(pkey, ret, err))
		return assay_context(err, "%s", path);
	return ASSAY_OK;
}

enum assay_code assay_key_parse_public(struct assay_span pem, const char *what, struct assay_key **ret,
				       struct assay_error *err)
{
	BIO *bio = pem.len <= ASSAY_MAX_FIELD ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
	EVP_PKEY *pkey = bio ? PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL) : NULL;

	BIO_free(bio);
	if (!pkey)
		return assay_fail(err, ASSAY_EINPUT, "public key %s: want a PEM file with BEGIN PUBLIC KEY", what);
	return wrap(pkey, ret, err);
}

enum assay_code assay_key_load_public(const char *path, struct assay_key **ret,
				      struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);

	if (assay_file_read(AT_FDCWD, path, &text, err))
		return assay_context(err, "public key");
	return assay_key_parse_public(assay_buf_span(&text), path, ret, err);
}

void assay_key_id(const struct assay_key *key, char *out)
{
	memcpy(out, key->id, sizeof(key->id));
}

enum assay_code assay_key_public_pem(const struct assay_key *key, struct assay_buf *out,
				     struct assay_error *err)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len = bio && PEM_write_bio_PUBKEY(bio, key->pkey) ? BIO_get_mem_data(bio, &text) : 0;

	if (len > 0)
		assay_buf_add(out, text, (size_t)len);
	BIO_free(bio);
	if (len <= 0)
		return assay_fail(err, ASSAY_ENOMEM, "key: out of memory");
	return assay_buf_check(out, "public key", err);
}

static enum assay_code write_private(const struct assay_key *key, const char *path,
				     struct assay_error *err)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *text = NULL;
	enum assay_code code;
	long len = 0;

	if (bio && PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL))
		len = BIO_get_mem_data(bio, &text);
	code = len > 0 ? assay_file_write_new(path, assay_span_of(text, (size_t)len), 0600, err)
		       : assay_fail(err, ASSAY_ENOMEM, "key %s: cannot be written as PEM", path);
	BIO_free(bio);
	return code;
}

static enum assay_code make_parent(const char *path, struct assay_error *err)
{
	assay_auto(assay_freep) char *parent = strdup(path);
	char *slash = parent ? strrchr(parent, '/') : NULL;

	if (!parent)
		return assay_fail(err, ASSAY_ENOMEM, "key: out of memory");
	if (!slash || slash == parent)
		return ASSAY_OK;
	*slash = '\0';
	return assay_path_make_dirs(parent, 0700, err);
}

enum assay_code assay_key_generate(const char *path, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf public = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	assay_auto(assay_key_freep) struct assay_key *key = NULL;
	assay_auto(assay_freep) char *public_path = NULL;
	EVP_PKEY *pkey;

	if (asprintf(&public_path, "%s.pub", path) < 0) {
		public_path = NULL;
		return assay_fail(err, ASSAY_ENOMEM, "key: out of memory");
	}
	if (access(public_path, F_OK) == 0)
		return assay_fail(err, ASSAY_EUSAGE, "%s: exists and is not overwritten",
				  public_path);
	pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (!pkey)
		return assay_fail(err, ASSAY_EUNSUPPORTED, "key: OpenSSL cannot make Ed25519 keys");
	if (wrap(pkey, &key, err) || make_parent(path, err) || write_private(key, path, err) ||
	    assay_key_public_pem(key, &public, err))
		return err->code;
	return assay_file_write_new(public_path, assay_buf_span(&public), 0644, err);
}

enum assay_code assay_key_ensure(const char *path, bool *ret_made, struct assay_error *err)
{
	*ret_made = false;
	if (access(path, F_OK) == 0)
		return ASSAY_OK;
	if (assay_key_generate(path, err) == ASSAY_OK) {
		*ret_made = true;
		return ASSAY_OK;
	}
	/* another process was faster */
	return access(path, F_OK) == 0 ? ASSAY_OK : err->code;
}

enum assay_code assay_key_sign(const struct assay_key *key, struct assay_span bytes,
			       struct assay_buf *out, struct assay_error *err)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	const uint8_t *data = bytes.len ? bytes.data : (const uint8_t *)"";
	uint8_t signature[256];
	size_t len = sizeof(signature);
	bool good = context &&
		    EVP_DigestSignInit(context, NULL, key->is_ed25519 ? NULL : EVP_sha256(), NULL,
				       key->pkey) == 1 &&
		    EVP_DigestSign(context, signature, &len, data, bytes.len) == 1;

	EVP_MD_CTX_free(context);
	if (!good)
		return assay_fail(err, ASSAY_EUSAGE, "key %.16s: cannot sign: want a private key",
				  key->id);
	assay_buf_add(out, signature, len);
	return assay_buf_check(out, "signature", err);
}

bool assay_key_verify(const struct assay_key *key, struct assay_span bytes,
		      struct assay_span signature)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	const uint8_t *data = bytes.len ? bytes.data : (const uint8_t *)"";
	bool good = context && signature.len &&
		    EVP_DigestVerifyInit(context, NULL, key->is_ed25519 ? NULL : EVP_sha256(), NULL,
					 key->pkey) == 1 &&
		    EVP_DigestVerify(context, signature.data, signature.len, data, bytes.len) == 1;

	EVP_MD_CTX_free(context);
	return good;
}
