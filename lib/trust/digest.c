/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 by OpenSSL's EVP.  A digest decides whether bytes are trusted, so there is no "failed"
 * digest: when OpenSSL cannot compute one (no memory, no SHA-256 in a crippled configuration) the
 * program stops rather than hand out a value that nobody computed.
 */
#include "assay/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "assay/file.h"
#include "assay/hex.h"

#define BLOCK 131072

struct assay_hasher {
	EVP_MD_CTX *context;
	const EVP_MD *kind;
};

static void must(int ok)
{
	if (ok == 1)
		return;
	fputs("assay: a digest cannot be computed by this OpenSSL\n", stderr);
	abort();
}

/* Four fifths of what OpenSSL does at its first use are names of ciphers, words for errors and a configuration. */
void assay_digest_prepare(void)
{
	struct assay_digest first;

	must(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ADD_ALL_CIPHERS |
					 OPENSSL_INIT_NO_ADD_ALL_DIGESTS | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS,
				 NULL));
	assay_digest_span(assay_span_of(NULL, 0), &first);
}

static struct assay_hasher *new_hasher(const EVP_MD *kind)
{
	struct assay_hasher *hasher = calloc(1, sizeof(*hasher));

	if (!hasher)
		return NULL;
	hasher->context = EVP_MD_CTX_new();
	if (!hasher->context) {
		free(hasher);
		return NULL;
	}
	hasher->kind = kind;
	must(EVP_DigestInit_ex(hasher->context, kind, NULL));
	return hasher;
}

struct assay_hasher *assay_hasher_new(void)
{
	return new_hasher(EVP_sha256());
}

struct assay_hasher *assay_hasher_new_md5(void)
{
	return new_hasher(EVP_md5());
}

void assay_hasher_free(struct assay_hasher *hasher)
{
	if (!hasher)
		return;
	EVP_MD_CTX_free(hasher->context);
	free(hasher);
}

void assay_hasher_freep(struct assay_hasher **hasher)
{
	assay_hasher_free(*hasher);
}

void assay_hasher_add(struct assay_hasher *hasher, const void *data, size_t len)
{
	must(EVP_DigestUpdate(hasher->context, data, len));
}

void assay_hasher_end(struct assay_hasher *hasher, struct assay_digest *ret)
{
	must(EVP_DigestFinal_ex(hasher->context, ret->bytes, NULL));
	/* ready for the next stream */
	must(EVP_DigestInit_ex(hasher->context, hasher->kind, NULL));
}

void assay_hasher_end_md5(struct assay_hasher *hasher, char *out)
{
	uint8_t md5[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	must(EVP_DigestFinal_ex(hasher->context, md5, &len));
	must(EVP_DigestInit_ex(hasher->context, hasher->kind, NULL));
	assay_hex_encode(assay_span_of(md5, len), out);
}

void assay_digest_span(struct assay_span s, struct assay_digest *ret)
{
	must(EVP_Digest(s.len ? s.data : (const uint8_t *)"", s.len, ret->bytes, NULL, EVP_sha256(),
			NULL));
}

enum assay_code assay_digest_fd(int fd, struct assay_digest *ret, uint64_t *ret_size,
				struct assay_error *err)
{
	assay_auto(assay_hasher_freep) struct assay_hasher *hasher = assay_hasher_new();
	assay_auto(assay_freep) uint8_t *block = malloc(BLOCK);
	uint64_t size = 0;

	if (!hasher || !block)
		return assay_fail(err, ASSAY_ENOMEM, "digest: out of memory");
	for (;;) {
		ssize_t got = read(fd, block, BLOCK);

		if (got == 0)
			break;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return assay_fail_errno(err, "read");
		assay_hasher_add(hasher, block, (size_t)got);
		size += (uint64_t)got;
	}
	assay_hasher_end(hasher, ret);
	if (ret_size)
		*ret_size = size;
	return ASSAY_OK;
}

enum assay_code assay_digest_file(const char *path, struct assay_digest *ret, uint64_t *ret_size,
				  struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = -1;

	if (assay_file_open(AT_FDCWD, path, &fd, err))
		return err->code;
	if (assay_digest_fd(fd, ret, ret_size, err))
		return assay_context(err, "%s", path);
	return ASSAY_OK;
}

bool assay_digest_equal(const struct assay_digest *a, const struct assay_digest *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

char *assay_digest_hex(const struct assay_digest *digest, char *out)
{
	return assay_hex_encode(assay_span_of(digest->bytes, sizeof(digest->bytes)), out);
}

bool assay_digest_parse(struct assay_span text, struct assay_digest *ret)
{
	return assay_hex_decode(text, ret->bytes, sizeof(ret->bytes));
}

char *assay_hash_hex(enum assay_hash hash, struct assay_span s, char *out)
{
	static const EVP_MD *(*const algorithms[])(void) = {
		[ASSAY_MD5] = EVP_md5,	     [ASSAY_SHA1] = EVP_sha1,	  [ASSAY_SHA224] = EVP_sha224,
		[ASSAY_SHA256] = EVP_sha256, [ASSAY_SHA384] = EVP_sha384, [ASSAY_SHA512] = EVP_sha512,
	};
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	must(EVP_Digest(s.len ? (const void *)s.data : "", s.len, digest, &len, algorithms[hash](),
			NULL));
	return assay_hex_encode(assay_span_of(digest, len), out);
}
