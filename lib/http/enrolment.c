/* SPDX-License-Identifier: Apache-2.0 */
/* From a token to a certificate and on; see the header. */
#include "assay/enrolment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/path.h"

static void wipe_and_release(struct assay_buf *buf)
{
	if (buf->data)
		explicit_bzero(buf->data, buf->capacity);
	assay_buf_release(buf);
}

static enum assay_code write_into(const char *directory, const char *name, struct assay_span bytes, mode_t mode,
				  struct assay_error *err)
{
	assay_auto(assay_freep) char *path = assay_path_join(directory, name);

	if (!path)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	return assay_path_make_dirs(directory, 0700, err) ? err->code :
							     assay_file_write(AT_FDCWD, path, bytes, mode, err);
}

/* The last part of the token: 64 hex digits. */
static enum assay_code expected_authority(const char *token, char *out, struct assay_error *err)
{
	const char *last = strrchr(token, '.');
	struct assay_digest digest;

	if (!last || !assay_digest_parse(assay_span_text(last + 1), &digest))
		return assay_fail(err, ASSAY_EUSAGE, "that is no token of `assay scheduler token`");
	assay_digest_hex(&digest, out);
	return ASSAY_OK;
}

/* Asked of a server that is not believed yet, and checked against the token. */
static enum assay_code fetch_authority(const char *url, const char *token, const char *directory,
				       struct assay_error *err)
{
	assay_auto(assay_http_client_freep) struct assay_http_client *client = NULL;
	assay_auto(assay_json_freep) json_t *answer = NULL;
	char want[ASSAY_DIGEST_TEXT], have[ASSAY_DIGEST_TEXT];
	const char *pem;

	if (expected_authority(token, want, err) || assay_http_client_new(url, &client, err) ||
	    assay_http_client_identify(client, &(struct assay_http_identity){ .unverified = true }, err) ||
	    assay_http_call(client, "GET", "/v1/authority", NULL, &answer, err))
		return err->code;
	pem = assay_json_text(answer, "certificate", "");
	if (assay_certificate_fingerprint(assay_span_text(pem), have, err))
		return assay_context(err, "%s", url);
	if (strcmp(want, have) != 0)
		return assay_fail(err, ASSAY_EUNTRUSTED,
				  "%s: its authority is %.16s, the token is of another farm's, %.16s; it was not shown", url,
				  have, want);
	return write_into(directory, ASSAY_ENROLMENT_AUTHORITY, assay_span_text(pem), 0644, err);
}

/* Sends a request for a certificate, with what is in body already; keeps the answer. */
static enum assay_code ask(struct assay_http_client *client, const char *path, json_t *body, const char *directory,
			   struct assay_error *err)
{
	assay_auto(wipe_and_release) struct assay_buf identity = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	assay_auto(assay_buf_release) struct assay_buf request = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	assay_auto(assay_json_freep) json_t *answer = NULL;

	if (assay_certificate_request(&identity, &request, err))
		return err->code;
	assay_json_set_text(body, "request", assay_buf_text(&request));
	if (assay_http_call(client, "POST", path, body, &answer, err))
		return err->code;
	assay_buf_add_text(&identity, assay_json_text(answer, "certificate", ""));
	return assay_buf_check(&identity, "certificate", err) ?
		       err->code :
		       write_into(directory, ASSAY_ENROLMENT_IDENTITY, assay_buf_span(&identity), 0600, err);
}

static enum assay_code connect_verified(const char *url, const char *directory, bool with_identity,
					struct assay_http_client **ret, struct assay_error *err)
{
	assay_auto(assay_freep) char *authority = assay_path_join(directory, ASSAY_ENROLMENT_AUTHORITY);
	assay_auto(assay_freep) char *identity = assay_path_join(directory, ASSAY_ENROLMENT_IDENTITY);
	assay_auto(assay_http_client_freep) struct assay_http_client *client = NULL;
	struct assay_http_identity who = { .authority = authority };

	if (!authority || !identity)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (with_identity)
		who.certificate = who.key = identity;
	if (assay_http_client_new(url, &client, err) || assay_http_client_identify(client, &who, err))
		return err->code;
	*ret = assay_steal(client);
	return ASSAY_OK;
}

static enum assay_code read_certificate(const char *directory, struct assay_certificate *ret, struct assay_error *err)
{
	assay_auto(wipe_and_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	assay_auto(assay_freep) char *path = assay_path_join(directory, ASSAY_ENROLMENT_IDENTITY);

	if (!path)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (assay_file_read(AT_FDCWD, path, &text, err))
		return err->sys != ENOENT ? err->code :
					    assay_fail(err, ASSAY_ENOTFOUND,
						       "%s: nobody enrolled here; ask for a token of `assay scheduler token`",
						       directory);
	return assay_certificate_read(assay_buf_span(&text), ret, err) ? assay_context(err, "%s", path) : ASSAY_OK;
}

enum assay_code assay_enrol(const char *url, const char *token, const char *directory, struct assay_certificate *ret,
			    struct assay_error *err)
{
	assay_auto(assay_http_client_freep) struct assay_http_client *client = NULL;
	assay_auto(assay_json_freep) json_t *body = assay_json_object();

	assay_json_set_text(body, "token", token);
	if (fetch_authority(url, token, directory, err) || connect_verified(url, directory, false, &client, err) ||
	    ask(client, "/v1/enrol", body, directory, err))
		return err->code;
	return read_certificate(directory, ret, err);
}

enum assay_code assay_enrolment_connect(const char *url, const char *directory, struct assay_http_client **ret,
					struct assay_certificate *ret_about, struct assay_error *err)
{
	struct assay_certificate about;

	if (read_certificate(directory, ret_about ? ret_about : &about, err))
		return err->code;
	return connect_verified(url, directory, true, ret, err);
}

enum assay_code assay_enrolment_renew(struct assay_http_client *client, const char *directory, struct assay_error *err)
{
	assay_auto(assay_json_freep) json_t *body = assay_json_object();

	return ask(client, "/v1/renew", body, directory, err);
}

bool assay_enrolment_is_due(const struct assay_certificate *certificate, int64_t now)
{
	return now >= certificate->issued + (certificate->expires - certificate->issued) / 2;
}
