/* SPDX-License-Identifier: Apache-2.0 */
/* Who is who: tokens, certificates, users, and what the farm remembers of them all. */
#include <string.h>

#include "assay/authority.h"
#include "assay/cleanup.h"
#include "assay/limits.h"
#include "enrol.h"
#include "identity.h"
#include "scheduler.h"

static enum assay_code token(struct api_call *call, struct assay_error *err)
{
	static const char *const keys[] = { "kind", "name", "role", "pool", "#minutes", NULL };
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	struct enrol_token wanted = { .kind = assay_json_text(call->body, "kind", "worker"),
				      .pool = assay_json_text(call->body, "pool", NULL),
				      .minutes = assay_json_int(call->body, "minutes", ENROL_MINUTES) };
	const char *role = assay_json_text(call->body, "role", "none");
	int64_t expires = 0;
	json_t *answer;

	if (api_only(call, keys, err) || api_text(call, "name", &wanted.name, err))
		return err->code;
	if (wanted.pool && (!*wanted.pool || strlen(wanted.pool) >= sizeof(call->identity.pool)))
		return assay_fail(err, ASSAY_EUSAGE, "pool: want 1 to %zu bytes", sizeof(call->identity.pool) - 1);
	wanted.role = identity_role_parse(role);
	if (wanted.role == ROLE_NONE && strcmp(role, "none") != 0)
		return assay_fail(err, ASSAY_EUSAGE, "role: want viewer, submitter, operator or admin, have \"%s\"", role);
	if (enrol_make_token(call->scheduler, call->db, &wanted, call->now, &text, &expires, err))
		return err->code;
	api_about(call, "kind", wanted.kind);
	api_about(call, "name", wanted.name);
	api_about(call, "role", role);
	if (wanted.pool)
		api_about(call, "pool", wanted.pool);
	answer = assay_json_object();
	assay_json_set_text(answer, "token", assay_buf_text(&text));
	assay_json_set_int(answer, "expires", expires);
	assay_http_answer(call->response, 201, answer);
	return ASSAY_OK;
}

static enum assay_code authority(struct api_call *call, struct assay_error *err)
{
	json_t *answer = assay_json_object();
	char fingerprint[ASSAY_DIGEST_TEXT];

	(void)err;
	assay_authority_fingerprint(call->scheduler->authority, fingerprint);
	assay_json_set_text(answer, "certificate", assay_authority_pem(call->scheduler->authority));
	assay_json_set_text(answer, "domain", assay_authority_domain(call->scheduler->authority));
	assay_json_set_text(answer, "sha256", fingerprint);
	assay_http_answer(call->response, 200, answer);
	return ASSAY_OK;
}

static void answer_certificate(struct api_call *call, const struct enrol_certificate *made)
{
	json_t *answer = assay_json_object();

	api_about(call, "kind", made->about.kind);
	api_about(call, "name", made->about.name);
	api_about(call, "serial", made->about.serial);
	assay_json_set_text(answer, "certificate", assay_buf_text(&made->pem));
	assay_json_set_text(answer, "authority", assay_authority_pem(call->scheduler->authority));
	assay_json_set_text(answer, "kind", made->about.kind);
	assay_json_set_text(answer, "name", made->about.name);
	assay_json_set_int(answer, "expires", made->about.expires * 1000);
	assay_http_answer(call->response, 201, answer);
}

static enum assay_code enrol(struct api_call *call, struct assay_error *err)
{
	static const char *const keys[] = { "token", "request", NULL };
	struct enrol_certificate made = { .pem = ASSAY_BUF_INIT(ASSAY_MAX_FIELD) };
	const char *token_text, *request;

	if (!api_only(call, keys, err) && !api_text(call, "token", &token_text, err) &&
	    !api_text(call, "request", &request, err) &&
	    !enrol_spend(call->scheduler, call->db, token_text, assay_span_text(request), call->now, &made, err))
		answer_certificate(call, &made);
	if (err->code == ASSAY_EUNTRUSTED)
		call->problem = 401; /* whoever asks: the token does not hold */
	assay_buf_release(&made.pem);
	return err->code;
}

static enum assay_code renew(struct api_call *call, struct assay_error *err)
{
	static const char *const keys[] = { "request", NULL };
	struct enrol_certificate made = { .pem = ASSAY_BUF_INIT(ASSAY_MAX_FIELD) };
	const char *request;

	if (!api_only(call, keys, err) && !api_text(call, "request", &request, err) &&
	    !enrol_renew(call->scheduler, call->db, &call->identity, assay_span_text(request), call->now, &made, err))
		answer_certificate(call, &made);
	assay_buf_release(&made.pem);
	return err->code;
}

static enum assay_code whoami(struct api_call *call, struct assay_error *err)
{
	json_t *answer = assay_json_object();
	char name[300];

	(void)err;
	assay_json_set_text(answer, "name", identity_text(&call->identity, name, sizeof(name)));
	assay_json_set_text(answer, "role", identity_role_text(call->identity.role));
	assay_http_answer(call->response, 200, answer);
	return ASSAY_OK;
}

/* ---- users with certificates --------------------------------------------------------------------- */

static enum assay_code users(struct api_call *call, struct assay_error *err)
{
	static const char *const names[] = { "name", "role", "#since", "#certificates", NULL };
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	struct api_page page;

	if (api_page_read(call, &page, err) ||
	    assay_database_run(call->db,
			       "SELECT name, role, since, (SELECT count(*) FROM certificate WHERE "
			       "kind = 'user' AND "
			       "certificate.name = account.name AND revoked = 0 AND expires > $3) "
			       "FROM account WHERE name > $1 ORDER BY name LIMIT "
			       "$2",
			       ASSAY_VALUES(assay_text(page.after), assay_int(page.most),
					    assay_int(call->now)),
			       &rows, err))
		return err->code;
	return api_page_answer(call, &page, "users", rows, names);
}

static enum assay_code set_role(struct api_call *call, struct assay_error *err)
{
	static const char *const keys[] = { "role", NULL };
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	int64_t revoked = 0;
	json_t *answer;
	const char *role;

	if (api_only(call, keys, err) || api_text(call, "role", &role, err))
		return err->code;
	if (identity_role_parse(role) == ROLE_NONE && strcmp(role, "none") != 0)
		return assay_fail(err, ASSAY_EUSAGE, "role: want viewer, submitter, operator, admin or none, have \"%s\"", role);
	if (assay_database_run(call->db, "UPDATE account SET role = $2 WHERE name = $1 RETURNING name",
			       ASSAY_VALUES(assay_text(call->argument), assay_text(role)), &rows, err))
		return err->code;
	if (!assay_rows_count(rows))
		return assay_fail(err, ASSAY_ENOTFOUND, "there is no user %s", call->argument);
	if (strcmp(role, "none") == 0 && enrol_revoke(call->db, "user", call->argument, call->now, &revoked, err))
		return err->code;
	api_about(call, "role", role);
	answer = assay_json_object();
	assay_json_set_int(answer, "certificates", revoked);
	assay_http_answer(call->response, 200, answer);
	return ASSAY_OK;
}

/* ---- the audit log ------------------------------------------------------------------------------- */

enum { PAGE = 1000 };

static enum assay_code list(struct api_call *call, const char *sql, const char *name, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	int64_t from;
	json_t *answer, *found;

	if (api_query_int(call, "after", 0, 0, INT64_MAX, &from, err) ||
	    assay_database_run(call->db, sql, ASSAY_VALUES(assay_int(from), assay_int(PAGE)), &rows, err))
		return err->code;
	answer = assay_json_object();
	found = assay_json_array();
	assay_json_set(answer, name, found);
	for (size_t i = 0; i < assay_rows_count(rows); i++) {
		json_t *record = NULL;

		/* what somebody has put there is shown as it is; that it is no record is the reader's finding */
		if (assay_json_parse(assay_span_text(assay_rows_text(rows, i, 0)), "record", &record, err))
			record = json_string(assay_rows_text(rows, i, 0));
		assay_json_append(found, record);
	}
	*err = (struct assay_error)ASSAY_ERROR_INIT;
	assay_http_answer(call->response, 200, answer);
	return ASSAY_OK;
}

static enum assay_code audit(struct api_call *call, struct assay_error *err)
{
	return list(call, "SELECT record FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2", "records", err);
}

static enum assay_code checkpoints(struct api_call *call, struct assay_error *err)
{
	return list(call, "SELECT record FROM audit_checkpoint WHERE seq > $1 ORDER BY seq LIMIT $2", "checkpoints", err);
}

static enum assay_code audit_key(struct api_call *call, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf pem = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	json_t *answer;

	if (assay_key_public_pem(call->scheduler->audit_key, &pem, err))
		return err->code;
	answer = assay_json_object();
	assay_json_set_text(answer, "key", assay_buf_text(&pem));
	assay_http_answer(call->response, 200, answer);
	return ASSAY_OK;
}

const struct api_endpoint api_identity[] = {
	{ "POST", "/v1/tokens", token, "a token to enrol with, once", NEED_ADMIN, NULL },
	{ "GET", "/v1/authority", authority, "the farm's certificate authority", NEED_NOTHING, NULL },
	{ "POST", "/v1/enrol", enrol, "a token and a request for a certificate", NEED_NOTHING, NULL },
	{ "POST", "/v1/renew", renew, "another certificate before this one ends", NEED_CERTIFICATE, NULL },
	{ "GET", "/v1/whoami", whoami, "who the scheduler takes the caller for", NEED_KNOWN, NULL },
	{ "GET", "/v1/users", users, "users that have certificates", NEED_OPERATOR, NULL },
	{ "POST", "/v1/users/*/role", set_role, "give a user another role, or none", NEED_ADMIN, NULL },
	{ "GET", "/v1/audit", audit, "audit records, oldest first", NEED_OPERATOR, NULL },
	{ "GET", "/v1/audit/checkpoints", checkpoints, "signed checkpoints of the audit log", NEED_OPERATOR, NULL },
	{ "GET", "/v1/audit/key", audit_key, "the key that signs them", NEED_KNOWN, NULL },
	{ .method = NULL },
};
