/* SPDX-License-Identifier: Apache-2.0 */
/* The table of signature schemes, and what they have in common. */
#include "assay/signature.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "signature_int.h"

static const struct {
	const char *name;
	signature_verify_fn *verify;
} schemes[] = {
	{ "minisign", minisign_verify },
	{ "openpgp", openpgp_verify },
	{ "raw", raw_verify },
	{ "signify", signify_verify },
};

static const char *const status_names[] = {
	[ASSAY_SIGNATURE_VALID] = "valid",
	[ASSAY_SIGNATURE_INVALID] = "invalid",
	[ASSAY_SIGNATURE_MISSING] = "missing",
	[ASSAY_SIGNATURE_UNTRUSTED] = "untrusted",
};

const char *assay_signature_status_name(enum assay_signature_status status)
{
	return status_names[status];
}

static signature_verify_fn *find_scheme(const char *name)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strcmp(schemes[i].name, name) == 0)
			return schemes[i].verify;
	return NULL;
}

bool assay_signature_scheme_is_known(const char *scheme)
{
	return find_scheme(scheme) != NULL;
}

enum assay_code signature_result(struct assay_signature_result *ret,
				 enum assay_signature_status status, const char *fmt, ...)
{
	char text[sizeof(ret->detail)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	assay_span_show(assay_span_text(text), ret->detail, sizeof(ret->detail));
	ret->status = status;
	return ASSAY_OK;
}

enum assay_code signature_read_artifact(const char *path, struct assay_buf *ret,
					struct assay_error *err)
{
	if (assay_file_read(AT_FDCWD, path, ret, err))
		return assay_context(err, "artifact");
	return ASSAY_OK;
}

bool ed25519_verify(const uint8_t key[ED25519_KEY_SIZE], struct assay_span message,
		    const uint8_t signature[ED25519_SIGNATURE_SIZE])
{
	EVP_PKEY *pkey =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, ED25519_KEY_SIZE);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = pkey && context &&
		    EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) == 1 &&
		    EVP_DigestVerify(context, signature, ED25519_SIGNATURE_SIZE,
				     message.len ? message.data : (const uint8_t *)"",
				     message.len) == 1;

	EVP_MD_CTX_free(context);
	EVP_PKEY_free(pkey);
	return good;
}

enum assay_code assay_signature_verify(const struct assay_signature_request *request,
				       struct assay_signature_result *ret, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf signature =
		ASSAY_BUF_INIT(ASSAY_MAX_SIGNATURE);
	signature_verify_fn *verify = find_scheme(request->scheme);
	struct assay_signature_result result = { .status = ASSAY_SIGNATURE_INVALID };
	enum assay_code code;

	if (!verify)
		return assay_fail(err, ASSAY_EUSAGE,
				  "signature scheme: want minisign, openpgp, raw or signify, have "
				  "\"%s\"",
				  request->scheme);
	code = assay_file_read(AT_FDCWD, request->signature, &signature, err);
	if (code == ASSAY_ENOTFOUND) {
		*err = (struct assay_error)ASSAY_ERROR_INIT;
		*ret = result;
		return signature_result(ret, ASSAY_SIGNATURE_MISSING, "no signature file %s",
					request->signature);
	}
	if (code == ASSAY_ELIMIT) {
		*err = (struct assay_error)ASSAY_ERROR_INIT;
		*ret = result;
		return signature_result(ret, ASSAY_SIGNATURE_INVALID,
					"signature file: want at most %llu bytes, %s has more",
					(unsigned long long)ASSAY_MAX_SIGNATURE,
					request->signature);
	}
	if (code)
		return assay_context(err, "signature");
	if (verify(request, assay_buf_span(&signature), &result, err))
		return err->code;
	*ret = result;
	return ASSAY_OK;
}
