/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256, the digest that names blobs and attests artifacts.  Shown and parsed as lowercase hex. */
#ifndef ASSAY_DIGEST_H
#define ASSAY_DIGEST_H

#include "assay/error.h"
#include "assay/span.h"

#define ASSAY_DIGEST_SIZE 32
#define ASSAY_DIGEST_TEXT 65 /* hex digits and NUL */

struct assay_digest {
	uint8_t bytes[ASSAY_DIGEST_SIZE];
};

/* Starts as little of OpenSSL as digests need, once: for verbs that do nothing else with it, before they
 * enter a jail.  What the machine's OpenSSL configuration says of other things is not read after that. */
void assay_digest_prepare(void);

/* Incremental; free with assay_hasher_free (accepts NULL). */
struct assay_hasher;
struct assay_hasher *assay_hasher_new(void); /* NULL when out of memory */
void assay_hasher_free(struct assay_hasher *hasher);
void assay_hasher_freep(struct assay_hasher **hasher);
void assay_hasher_add(struct assay_hasher *hasher, const void *data, size_t len);
void assay_hasher_end(struct assay_hasher *hasher, struct assay_digest *ret);

/* The same for MD5, which checks what old formats claim and is never trusted: hex and NUL into out[33]. */
struct assay_hasher *assay_hasher_new_md5(void);
void assay_hasher_end_md5(struct assay_hasher *hasher, char *out);

void assay_digest_span(struct assay_span s, struct assay_digest *ret);
/* From the descriptor's current position to the end; *ret_size may be NULL. */
enum assay_code assay_digest_fd(int fd, struct assay_digest *ret, uint64_t *ret_size,
				struct assay_error *err) ASSAY_CHECKED;
enum assay_code assay_digest_file(const char *path, struct assay_digest *ret, uint64_t *ret_size,
				  struct assay_error *err) ASSAY_CHECKED;

/* What formats claim about their own content: for checking claims, never for trust. */
enum assay_hash {
	ASSAY_MD5,
	ASSAY_SHA1,
	ASSAY_SHA224,
	ASSAY_SHA256,
	ASSAY_SHA384,
	ASSAY_SHA512,
};
#define ASSAY_HASH_TEXT 129 /* hex digits of the longest and NUL */
/* Writes hex into out[ASSAY_HASH_TEXT]; returns out. */
char *assay_hash_hex(enum assay_hash hash, struct assay_span s, char *out);

bool assay_digest_equal(const struct assay_digest *a, const struct assay_digest *b);
/* Writes hex into out[ASSAY_DIGEST_TEXT]; returns out. */
char *assay_digest_hex(const struct assay_digest *digest, char *out);
/* 64 hex digits, either case; false otherwise. */
bool assay_digest_parse(struct assay_span text, struct assay_digest *ret);

#endif
