/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenPGP by gpgv(1); no packet is parsed here.  gpgv gets a home directory of its own, the wanted
 * keyrings and nothing else, and speaks on a status descriptor that no message can write to.  Its
 * exit status is not looked at: it also complains about a second signature by a key we do not have,
 * as InRelease files carry around every change of key.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/hex.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/path.h"
#include "assay/process.h"
#include "signature_int.h"

#define KEYRINGS_MAX 32
#define ARGUMENTS_MAX (2 * KEYRINGS_MAX + 12)
#define GPGV_TIMEOUT_S 300
#define ARMOR "-----BEGIN PGP PUBLIC KEY BLOCK-----"
#define ARMOR_END "-----END PGP PUBLIC KEY BLOCK-----"
#define CLEARSIGNED "-----BEGIN PGP SIGNED MESSAGE-----"

/* One run of gpgv and the private directory it works in. */
struct run {
	char *home;
	char *keyrings[KEYRINGS_MAX]; /* absolute; armored ones as a binary copy in home */
	size_t keyring_count;
};

static void run_release(struct run *run)
{
	struct assay_error ignored = ASSAY_ERROR_INIT;

	for (size_t i = 0; i < run->keyring_count; i++)
		free(run->keyrings[i]);
	if (run->home && assay_path_remove_tree(AT_FDCWD, run->home, &ignored))
		assay_log(ASSAY_LOG_WARNING, "%s", ignored.msg);
	free(run->home);
}

/* Absolute, because gpgv looks for a name without a slash in its home, and takes "-" as stdin. */
static char *absolute(const char *path)
{
	assay_auto(assay_freep) char *here = NULL;

	if (path[0] == '/')
		return strdup(path);
	here = getcwd(NULL, 0);
	return here ? assay_path_join(here, path) : NULL;
}

/* All blocks of an armored file (RFC 9580 section 6.2), appended as bytes. */
static bool dearmor(struct assay_span text, struct assay_buf *out)
{
	enum { OUTSIDE, HEADERS, BODY } where = OUTSIDE;
	assay_auto(assay_buf_release) struct assay_buf body = ASSAY_BUF_INIT(ASSAY_MAX_CONTROL);
	struct assay_span line;
	bool any = false;

	while (assay_span_next_line(&text, &line)) {
		line = assay_span_trim(line);
		if (where == OUTSIDE && assay_span_equal_text(line, ARMOR)) {
			where = HEADERS;
		} else if (where == HEADERS && line.len == 0) {
			where = BODY;
		} else if (where == BODY && (assay_span_starts(line, "=") ||
					     assay_span_equal_text(line, ARMOR_END))) {
			if (!assay_base64_decode(assay_buf_span(&body), out))
				return false;
			assay_buf_clear(&body);
			where = OUTSIDE;
			any = true;
		} else if (where == BODY) {
			assay_buf_add_span(&body, line);
		}
	}
	return any && where == OUTSIDE && !body.failed && !out->failed;
}

static enum assay_code add_armored(struct run *run, const char *path, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_CONTROL);
	assay_auto(assay_buf_release) struct assay_buf bytes = ASSAY_BUF_INIT(ASSAY_MAX_CONTROL);
	char *copy = NULL;

	if (assay_file_read(AT_FDCWD, path, &text, err))
		return assay_context(err, "keyring");
	if (!dearmor(assay_buf_span(&text), &bytes))
		return assay_fail(err, ASSAY_EINPUT, "keyring %s: armor: want whole key blocks in "
						     "base64",
				  path);
	if (asprintf(&copy, "%s/keyring-%zu.gpg", run->home, run->keyring_count) < 0)
		return assay_fail(err, ASSAY_ENOMEM, "keyring: out of memory");
	run->keyrings[run->keyring_count++] = copy;
	return assay_file_write(AT_FDCWD, copy, assay_buf_span(&bytes), 0600, err);
}

static enum assay_code add_keyring(struct run *run, const char *path, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = -1;
	char head[64] = "";
	ssize_t got;

	if (run->keyring_count == KEYRINGS_MAX)
		return assay_fail(err, ASSAY_ELIMIT, "keyrings: want at most %d", KEYRINGS_MAX);
	if (assay_file_open(AT_FDCWD, path, &fd, err)) {
		err->code = err->code == ASSAY_ENOTFOUND ? ASSAY_EINPUT : err->code;
		return assay_context(err, "keyring");
	}
	got = pread(fd, head, sizeof(head) - 1, 0);
	if (got < 0)
		return assay_fail_errno(err, "keyring %s: read", path);
	if (got == 0) /* an empty trusted.gpg is common and adds no key */
		return ASSAY_OK;
	if (assay_span_starts(assay_span_trim(assay_span_of(head, (size_t)got)), "-----BEGIN PGP"))
		return add_armored(run, path, err);
	/* a keybox, or packets: the first byte of one has its high bit set */
	if (got < 12 || (!(head[0] & 0x80) && memcmp(head + 8, "KBXf", 4) != 0))
		return assay_fail(err, ASSAY_EINPUT,
				  "keyring %s: want OpenPGP keys, binary or armored, or a keybox",
				  path);
	run->keyrings[run->keyring_count] = absolute(path);
	if (!run->keyrings[run->keyring_count])
		return assay_fail(err, ASSAY_ENOMEM, "keyring: out of memory");
	run->keyring_count++;
	return ASSAY_OK;
}

static enum assay_code run_init(struct run *run, const char *const *keyrings,
				struct assay_error *err)
{
	const char *parent = getenv("TMPDIR");

	if (assay_path_make_temp(parent && parent[0] == '/' ? parent : "/tmp", "assay-gpgv-",
				 &run->home, err))
		return err->code;
	for (size_t i = 0; keyrings[i]; i++)
		if (add_keyring(run, keyrings[i], err))
			return err->code;
	if (!run->keyring_count)
		return assay_fail(err, ASSAY_EUSAGE, "keyrings: want at least one with keys in it");
	return ASSAY_OK;
}

static enum assay_code read_status(int fd, struct gpgv_status *ret, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_TOOL_OUTPUT);

	if (lseek(fd, 0, SEEK_SET) != 0)
		return assay_fail_errno(err, "gpgv: status");
	if (assay_buf_read_fd(&text, fd, err))
		return assay_context(err, "gpgv: status");
	gpgv_status_parse(assay_buf_span(&text), ret);
	return ASSAY_OK;
}

/* gpgv [--output output] first [second] */
static enum assay_code run_gpgv(const struct run *run, const char *output, const char *first,
				const char *second, struct gpgv_status *ret,
				struct assay_error *err)
{
	static const char *const environment[] = { "LC_ALL=C", NULL };
	const char *argv[ARGUMENTS_MAX] = { "gpgv",	 "--homedir", run->home, "--status-fd",
					    "3",	 "--output",  output };
	assay_auto(assay_buf_release) struct assay_buf said = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	assay_auto(assay_fd_closep) int status_fd = memfd_create("gpgv-status", MFD_CLOEXEC);
	struct assay_process process = ASSAY_PROCESS_INIT;
	int argc = 7, status = 0;

	if (status_fd < 0)
		return assay_fail_errno(err, "gpgv: memfd");
	for (size_t i = 0; i < run->keyring_count; i++) {
		argv[argc++] = "--keyring";
		argv[argc++] = run->keyrings[i];
	}
	argv[argc++] = "--";
	argv[argc++] = first;
	argv[argc++] = second;
	process.argv = argv;
	process.env = environment;
	process.keep_fd = status_fd;
	process.error_out = &said;
	process.timeout_s = GPGV_TIMEOUT_S;
	if (assay_process_run(&process, &status, err))
		return err->code;
	if (status == 127)
		return assay_fail(err, ASSAY_EUNSUPPORTED,
				  "gpgv cannot be run (package gpgv): %.200s",
				  assay_buf_text(&said));
	if (status >= 128)
		return assay_fail(err, ASSAY_EIO, "gpgv: killed by signal %d", status - 128);
	return read_status(status_fd, ret, err);
}

/* Everything but "a valid signature and no bad one" is a reason, and the first that applies is told. */
static enum assay_code judge(const struct gpgv_status *s, struct assay_signature_result *ret)
{
	if (s->broken)
		return signature_result(ret, ASSAY_SIGNATURE_INVALID,
					"the OpenPGP message is malformed or ambiguous");
	if (s->bad)
		return signature_result(ret, ASSAY_SIGNATURE_INVALID,
					"an OpenPGP signature does not match the data");
	if (s->valid) {
		snprintf(ret->key_id, sizeof(ret->key_id), "%s", s->fingerprint);
		return signature_result(ret, ASSAY_SIGNATURE_VALID, "signed by %s, %s", s->signer,
					s->user);
	}
	if (s->weak)
		return signature_result(ret, ASSAY_SIGNATURE_UNTRUSTED,
					"the OpenPGP signature uses a digest that is no longer safe");
	if (s->stale)
		return signature_result(ret, ASSAY_SIGNATURE_UNTRUSTED,
					"the OpenPGP key or signature has expired or was revoked");
	if (s->unknown) {
		snprintf(ret->key_id, sizeof(ret->key_id), "%s", s->unknown_key);
		return signature_result(ret, ASSAY_SIGNATURE_UNTRUSTED,
					"signed by key %s, which the keyring does not have",
					s->unknown_key);
	}
	return signature_result(ret, ASSAY_SIGNATURE_INVALID, "no OpenPGP signature was found");
}

/* signature has been read once already; gpgv gets these bytes, not what the path may hold later. */
enum assay_code openpgp_verify(const struct assay_signature_request *request,
			       struct assay_span signature, struct assay_signature_result *ret,
			       struct assay_error *err)
{
	assay_auto(run_release) struct run run = { .home = NULL };
	assay_auto(assay_freep) char *artifact = absolute(request->artifact);
	assay_auto(assay_freep) char *copy = NULL, *output = NULL;
	const char *keyrings[] = { request->key, NULL };
	struct gpgv_status status;

	if (access(request->artifact, R_OK))
		return assay_fail_errno(err, "artifact %s", request->artifact);
	if (run_init(&run, keyrings, err))
		return err->code;
	copy = assay_path_join(run.home, "signature");
	output = assay_path_join(run.home, "output");
	if (!artifact || !copy || !output)
		return assay_fail(err, ASSAY_ENOMEM, "gpgv: out of memory");
	if (assay_file_write(AT_FDCWD, copy, signature, 0600, err) ||
	    run_gpgv(&run, output, copy, artifact, &status, err))
		return err->code;
	/* gpgv then verifies what the signature file brought along and not the artifact */
	if (status.plaintexts)
		return signature_result(ret, ASSAY_SIGNATURE_INVALID,
					"want a detached signature, have a signed message");
	return judge(&status, ret);
}

static bool is_clearsigned(const char *path, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = -1;
	char head[256];
	ssize_t got;

	if (assay_file_open(AT_FDCWD, path, &fd, err))
		return false;
	got = pread(fd, head, sizeof(head), 0);
	if (got >= 0 &&
	    assay_span_starts(assay_span_trim(assay_span_of(head, (size_t)got)), CLEARSIGNED))
		return true;
	/* other forms may be compressed, to any size */
	assay_fail(err, ASSAY_EUNTRUSTED, "%s: want a file that begins with %s", path, CLEARSIGNED);
	return false;
}

enum assay_code assay_openpgp_open_inline(const char *path, const char *const *keyrings,
					  struct assay_buf *ret_text,
					  struct assay_signature_result *ret_result,
					  struct assay_error *err)
{
	assay_auto(run_release) struct run run = { .home = NULL };
	assay_auto(assay_freep) char *file = absolute(path);
	assay_auto(assay_freep) char *output = NULL;
	struct gpgv_status status;

	*ret_result = (struct assay_signature_result){ .status = ASSAY_SIGNATURE_INVALID };
	if (!is_clearsigned(path, err) || run_init(&run, keyrings, err))
		return err->code;
	output = assay_path_join(run.home, "output");
	if (!file || !output)
		return assay_fail(err, ASSAY_ENOMEM, "gpgv: out of memory");
	if (run_gpgv(&run, output, file, NULL, &status, err))
		return assay_context(err, "%s", path);
	if (status.plaintexts != 1)
		status.broken = true;
	if (judge(&status, ret_result))
		return assay_fail(err, ASSAY_EBUG, "%s: no judgement", path);
	if (ret_result->status != ASSAY_SIGNATURE_VALID)
		return assay_fail(err, ASSAY_EUNTRUSTED, "%s: %s", path, ret_result->detail);
	if (assay_file_read(AT_FDCWD, output, ret_text, err))
		return assay_context(err, "%s: verified text", path);
	return ASSAY_OK;
}
