/* SPDX-License-Identifier: Apache-2.0 */
/*
 * minisign and signify.  Both sign with Ed25519 and write one base64 line behind a comment:
 *
 *	public key   "Ed" || id[8] || key[32]
 *	signature    "Ed" || id[8] || sig[64]            over the file
 *	             "ED" || id[8] || sig[64]            over BLAKE2b-512(file), minisign only
 *
 * minisign adds "trusted comment: <text>" and a line base64(Ed25519(sig || text)); without it a
 * comment could be moved from one signature to another.  Nothing may follow the last line.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/hex.h"
#include "assay/limits.h"
#include "key_int.h"
#include "signature_int.h"

#define KEY_BYTES (2 + MINISIGN_ID_SIZE + ED25519_KEY_SIZE)
#define SIGNATURE_BYTES (2 + MINISIGN_ID_SIZE + ED25519_SIGNATURE_SIZE)
#define UNTRUSTED "untrusted comment: "
#define TRUSTED "trusted comment: "

struct minisign_key {
	uint8_t id[MINISIGN_ID_SIZE];
	uint8_t key[ED25519_KEY_SIZE];
};

/* base64 of exactly len bytes */
static bool decode(struct assay_span text, uint8_t *out, size_t len)
{
	assay_auto(assay_buf_release) struct assay_buf bytes = ASSAY_BUF_INIT(SIGNATURE_BYTES + 3);

	if (!assay_base64_decode(text, &bytes) || bytes.len != len)
		return false;
	memcpy(out, bytes.data, len);
	return true;
}

/* A line without the carriage returns that mail and some editors add. */
static bool next_line(struct assay_span *rest, struct assay_span *line)
{
	if (!assay_span_next_line(rest, line))
		return false;
	while (line->len && line->data[line->len - 1] == '\r')
		line->len--;
	return true;
}

static const char *parse_first_lines(struct assay_span *rest, struct minisign_file *ret)
{
	uint8_t bytes[SIGNATURE_BYTES];
	struct assay_span line;

	if (!next_line(rest, &line) || !assay_span_starts(line, UNTRUSTED))
		return "line 1: want \"" UNTRUSTED "...\"";
	if (!next_line(rest, &line) || !decode(line, bytes, sizeof(bytes)))
		return "line 2: want 74 bytes in base64";
	if (bytes[0] != 'E' || (bytes[1] != 'd' && bytes[1] != 'D'))
		return "line 2: want algorithm Ed or ED";
	ret->prehashed = bytes[1] == 'D';
	memcpy(ret->id, bytes + 2, sizeof(ret->id));
	memcpy(ret->signature, bytes + 2 + sizeof(ret->id), sizeof(ret->signature));
	return NULL;
}

const char *minisign_file_parse(struct assay_span text, struct minisign_file *ret)
{
	const char *wrong = parse_first_lines(&text, ret);
	struct assay_span line;

	if (wrong)
		return wrong;
	if (!next_line(&text, &line) || !assay_span_starts(line, TRUSTED))
		return "line 3: want \"" TRUSTED "...\"";
	ret->comment = assay_span_cut(line, strlen(TRUSTED), line.len);
	if (!next_line(&text, &line) ||
	    !decode(line, ret->comment_signature, sizeof(ret->comment_signature)))
		return "line 4: want 64 bytes in base64";
	if (assay_span_trim(text).len)
		return "want 4 lines, have more";
	return NULL;
}

const char *signify_file_parse(struct assay_span text, struct minisign_file *ret)
{
	const char *wrong = parse_first_lines(&text, ret);

	if (wrong)
		return wrong;
	if (ret->prehashed)
		return "line 2: want algorithm Ed";
	if (assay_span_trim(text).len)
		return "want 2 lines, have more";
	return NULL;
}

static bool key_from_line(struct assay_span line, struct minisign_key *ret)
{
	uint8_t bytes[KEY_BYTES];

	if (!decode(assay_span_trim(line), bytes, sizeof(bytes)) || memcmp(bytes, "Ed", 2) != 0)
		return false;
	memcpy(ret->id, bytes + 2, sizeof(ret->id));
	memcpy(ret->key, bytes + 2 + sizeof(ret->id), sizeof(ret->key));
	return true;
}

/* The key itself, or the path of a file whose first or second line it is. */
static enum assay_code load_key(const char *key, struct minisign_key *ret, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	struct assay_span rest, line;

	if (key_from_line(assay_span_text(key), ret))
		return ASSAY_OK;
	if (assay_file_read(AT_FDCWD, key, &text, err)) {
		err->code = err->code == ASSAY_ENOTFOUND ? ASSAY_EINPUT : err->code;
		return assay_context(err, "public key: want 42 bytes in base64 or a file");
	}
	rest = assay_buf_span(&text);
	if (next_line(&rest, &line) && assay_span_starts(line, UNTRUSTED) &&
	    !next_line(&rest, &line))
		line = assay_span_of(NULL, 0);
	if (!key_from_line(line, ret) || assay_span_trim(rest).len)
		return assay_fail(err, ASSAY_EINPUT,
				  "public key %s: want a comment line and 42 bytes in base64", key);
	return ASSAY_OK;
}

/* minisign prints the id as a little-endian number. */
static void show_id(const uint8_t id[MINISIGN_ID_SIZE], char out[2 * MINISIGN_ID_SIZE + 1])
{
	for (size_t i = 0; i < MINISIGN_ID_SIZE; i++)
		snprintf(out + 2 * i, 3, "%02X", id[MINISIGN_ID_SIZE - 1 - i]);
}

enum assay_code minisign_hash(const char *path, struct assay_buf *out, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = -1;
	uint8_t block[65536], digest[64];
	EVP_MD_CTX *context;
	ssize_t got = 1;
	int ok;

	if (assay_file_open(AT_FDCWD, path, &fd, err))
		return assay_context(err, "artifact");
	context = EVP_MD_CTX_new();
	ok = context && EVP_DigestInit_ex(context, EVP_blake2b512(), NULL);
	while (ok && got) {
		got = read(fd, block, sizeof(block));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		ok = EVP_DigestUpdate(context, block, (size_t)got);
	}
	ok = ok && EVP_DigestFinal_ex(context, digest, NULL);
	EVP_MD_CTX_free(context);
	if (got < 0)
		return assay_fail_errno(err, "artifact %s: read", path);
	if (!ok)
		return assay_fail(err, ASSAY_EUNSUPPORTED, "BLAKE2b-512: OpenSSL cannot");
	assay_buf_add(out, digest, sizeof(digest));
	return assay_buf_check(out, "digest", err);
}

static bool comment_holds(const struct minisign_file *file, const struct minisign_key *key,
			  struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf message =
		ASSAY_BUF_INIT(ASSAY_MAX_SIGNATURE + ED25519_SIGNATURE_SIZE);

	assay_buf_add(&message, file->signature, sizeof(file->signature));
	assay_buf_add_span(&message, file->comment);
	return !assay_buf_check(&message, "trusted comment", err) &&
	       ed25519_verify(key->key, assay_buf_span(&message), file->comment_signature);
}

static enum assay_code verify(const struct assay_signature_request *request,
			      const struct minisign_file *file, bool with_comment,
			      struct assay_signature_result *ret, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf message = ASSAY_BUF_INIT(ASSAY_MAX_SIGNED);
	char want[2 * MINISIGN_ID_SIZE + 1], have[2 * MINISIGN_ID_SIZE + 1];
	struct minisign_key key;

	if (load_key(request->key, &key, err))
		return err->code;
	show_id(key.id, want);
	show_id(file->id, have);
	memcpy(ret->key_id, have, sizeof(have));
	if (memcmp(key.id, file->id, sizeof(key.id)) != 0)
		return signature_result(ret, ASSAY_SIGNATURE_UNTRUSTED,
					"want a signature by key %s, have one by key %s", want,
					have);
	if (file->prehashed ? minisign_hash(request->artifact, &message, err)
			    : signature_read_artifact(request->artifact, &message, err))
		return err->code;
	if (!ed25519_verify(key.key, assay_buf_span(&message), file->signature))
		return signature_result(ret, ASSAY_SIGNATURE_INVALID,
					"the signature does not match the artifact under key %s",
					want);
	if (!with_comment)
		return signature_result(ret, ASSAY_SIGNATURE_VALID, "signed by key %s", have);
	if (!comment_holds(file, &key, err))
		return signature_result(ret, ASSAY_SIGNATURE_INVALID,
					"the trusted comment was not signed by key %s", want);
	return signature_result(ret, ASSAY_SIGNATURE_VALID, "signed by key %s: %.*s", have,
				ASSAY_SPAN_ARGS(file->comment));
}

enum assay_code minisign_verify(const struct assay_signature_request *request,
				struct assay_span signature, struct assay_signature_result *ret,
				struct assay_error *err)
{
	struct minisign_file file;
	const char *wrong = minisign_file_parse(signature, &file);

	if (wrong)
		return signature_result(ret, ASSAY_SIGNATURE_INVALID, "minisign signature: %s",
					wrong);
	return verify(request, &file, true, ret, err);
}

enum assay_code signify_verify(const struct assay_signature_request *request,
			       struct assay_span signature, struct assay_signature_result *ret,
			       struct assay_error *err)
{
	struct minisign_file file;
	const char *wrong = signify_file_parse(signature, &file);

	if (wrong)
		return signature_result(ret, ASSAY_SIGNATURE_INVALID, "signify signature: %s",
					wrong);
	return verify(request, &file, false, ret, err);
}
