/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens and certificates; see enrol.h. */
#include "enrol.h"

#include <stdio.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/hex.h"
#include "scheduler.h"

#define PREFIX "assay-enrol"

enum { ID_BYTES = 8, SECRET_BYTES = 32, DAY_MS = 24 * 3600 * 1000 };

struct parts {
	char id[2 * ID_BYTES + 1], hash[ASSAY_DIGEST_TEXT];
};

static void hash_secret(const char *secret, char *out)
{
	struct assay_digest digest;

	assay_digest_span(assay_span_text(secret), &digest);
	assay_digest_hex(&digest, out);
}

static enum assay_code check_token(const struct enrol_token *token, struct assay_error *err)
{
	bool user = strcmp(token->kind, "user") == 0;

	if (!user && strcmp(token->kind, "worker") != 0)
		return assay_fail(err, ASSAY_EUSAGE, "kind: want worker or user, have \"%s\"", token->kind);
	if (user != (token->role != ROLE_NONE))
		return assay_fail(err, ASSAY_EUSAGE, "role: want viewer, submitter, operator or admin for a user, and none for a worker");
	if (user && token->pool)
		return assay_fail(err, ASSAY_EUSAGE, "pool: is for workers");
	if (token->minutes < 1 || token->minutes > ENROL_MINUTES_MAX)
		return assay_fail(err, ASSAY_EUSAGE, "minutes: want 1 to %d, have %lld", ENROL_MINUTES_MAX,
				  (long long)token->minutes);
	if (!assay_identity_is_valid(token->name))
		return assay_fail(err, ASSAY_EUSAGE,
				  "name: want at most %d letters, digits, '.', '_' and '-', beginning with none of '.-'",
				  ASSAY_MAX_IDENTITY);
	return ASSAY_OK;
}

enum assay_code enrol_make_token(struct scheduler *scheduler, struct assay_database *db,
				 const struct enrol_token *token, int64_t now, struct assay_buf *out, int64_t *ret_expires,
				 struct assay_error *err)
{
	uint8_t id[ID_BYTES], secret[SECRET_BYTES];
	char secret_text[2 * SECRET_BYTES + 1], fingerprint[ASSAY_DIGEST_TEXT];
	struct parts parts;

	if (check_token(token, err))
		return err->code;
	assay_random(id, sizeof(id));
	assay_random(secret, sizeof(secret));
	assay_hex_encode(assay_span_of(id, sizeof(id)), parts.id);
	assay_hex_encode(assay_span_of(secret, sizeof(secret)), secret_text);
	hash_secret(secret_text, parts.hash);
	*ret_expires = now + token->minutes * 60000;
	if (assay_database_run(db,
			       "INSERT INTO enrolment (id, hash, kind, name, role, created, expires, pool) VALUES ($1, $2, $3, "
			       "$4, $5, $6, $7, $8)",
			       ASSAY_VALUES(assay_text(parts.id), assay_text(parts.hash), assay_text(token->kind),
					    assay_text(token->name), assay_text(identity_role_text(token->role)),
					    assay_int(now), assay_int(*ret_expires), assay_text(token->pool)),
			       NULL, err))
		return err->code;
	assay_authority_fingerprint(scheduler->authority, fingerprint);
	assay_buf_printf(out, PREFIX ".%s.%s.%s", parts.id, secret_text, fingerprint);
	return assay_buf_check(out, "token", err);
}

/* "assay-enrol.<id>.<secret>", whatever stands behind. */
static bool split(const char *token, struct parts *ret)
{
	const size_t id = sizeof(PREFIX), secret = id + 2 * ID_BYTES + 1, end = secret + 2 * SECRET_BYTES;
	char text[2 * SECRET_BYTES + 1];

	if (strncmp(token, PREFIX ".", id) != 0 || strlen(token) < end || token[secret - 1] != '.' ||
	    (token[end] != '.' && token[end] != '\0'))
		return false;
	memcpy(ret->id, token + id, 2 * ID_BYTES);
	ret->id[2 * ID_BYTES] = '\0';
	memcpy(text, token + secret, 2 * SECRET_BYTES);
	text[2 * SECRET_BYTES] = '\0';
	hash_secret(text, ret->hash);
	return true;
}

/* ---- certificates -------------------------------------------------------------------------------- */

struct bearer {
	const char *kind, *name, *pool;
};

static enum assay_code issue(struct scheduler *scheduler, struct assay_database *db, const struct bearer *to,
			     struct assay_span request, int64_t now, struct enrol_certificate *ret, struct assay_error *err)
{
	int64_t lifetime = strcmp(to->kind, "user") == 0 ? USER_LIFETIME_S : scheduler->lifetime_s;

	assay_buf_clear(&ret->pem);
	if (assay_authority_issue(scheduler->authority, request, to->kind, to->name, now / 1000, lifetime, &ret->pem,
				  &ret->about, err))
		return err->code;
	return assay_database_run(db,
				  "INSERT INTO certificate (serial, kind, name, issued, expires, pool) VALUES ($1, $2, $3, $4, $5, "
				  "$6)",
				  ASSAY_VALUES(assay_text(ret->about.serial), assay_text(to->kind), assay_text(to->name),
					       assay_int(now), assay_int(ret->about.expires * 1000), assay_text(to->pool)),
				  NULL, err);
}

/* The worker, so that it is listed and can be revoked; the user, with the role that the token says. */
static enum assay_code make_known(struct assay_database *db, const char *kind, const char *name, const char *role,
				  int64_t now, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (strcmp(kind, "user") == 0)
		return assay_database_run(db,
					  "INSERT INTO account (name, role, since) VALUES ($1, $2, $3) ON CONFLICT (name) DO "
					  "UPDATE SET role = $2",
					  ASSAY_VALUES(assay_text(name), assay_text(role), assay_int(now)), NULL, err);
	if (assay_database_run(db,
			       "INSERT INTO worker (name, pool, labels, state, version, seen, since) VALUES ($1, 'default', '', "
			       "'active', '', $2, $2) ON CONFLICT (name) DO UPDATE SET seen = worker.seen RETURNING state",
			       ASSAY_VALUES(assay_text(name), assay_int(now)), &rows, err))
		return err->code;
	if (strcmp(assay_rows_text(rows, 0, 0), "revoked") == 0)
		return assay_fail(err, ASSAY_EUNTRUSTED, "worker %s is revoked", name);
	return ASSAY_OK;
}

static enum assay_code take_token(struct assay_database *db, const struct parts *parts, int64_t now,
				  struct assay_rows **ret, struct assay_error *err)
{
	const char *hash;

	if (assay_database_run(db,
			       "SELECT hash, kind, name, role, spent, expires, pool FROM enrolment WHERE id = $1@LOCK@",
			       ASSAY_VALUES(assay_text(parts->id)), ret, err))
		return err->code;
	hash = assay_rows_count(*ret) ? assay_rows_text(*ret, 0, 0) : "";
	if (!assay_equal_secret(assay_span_text(hash), assay_span_text(parts->hash)))
		return assay_fail(err, ASSAY_EUNTRUSTED, "the token is not known");
	if (assay_rows_int(*ret, 0, 4))
		return assay_fail(err, ASSAY_EUNTRUSTED, "the token was used before");
	if (assay_rows_int(*ret, 0, 5) <= now)
		return assay_fail(err, ASSAY_EUNTRUSTED, "the token is too old; ask for another one");
	return assay_database_run(db, "UPDATE enrolment SET spent = $2 WHERE id = $1",
				  ASSAY_VALUES(assay_text(parts->id), assay_int(now)), NULL, err);
}

struct spending {
	struct scheduler *scheduler;
	const struct parts *parts;
	struct assay_span request;
	int64_t now;
	struct enrol_certificate *ret;
};

static enum assay_code spend(struct assay_database *db, void *data, struct assay_error *err)
{
	const struct spending *s = data;
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	struct bearer to;

	if (take_token(db, s->parts, s->now, &rows, err))
		return err->code;
	to = (struct bearer){ assay_rows_text(rows, 0, 1), assay_rows_text(rows, 0, 2), assay_rows_text(rows, 0, 6) };
	if (make_known(db, to.kind, to.name, assay_rows_text(rows, 0, 3), s->now, err))
		return err->code;
	return issue(s->scheduler, db, &to, s->request, s->now, s->ret, err);
}

enum assay_code enrol_spend(struct scheduler *scheduler, struct assay_database *db, const char *token,
			    struct assay_span request, int64_t now, struct enrol_certificate *ret, struct assay_error *err)
{
	struct parts parts;
	struct spending s = { scheduler, &parts, request, now, ret };

	if (!split(token, &parts))
		return assay_fail(err, ASSAY_EUNTRUSTED, "that is no token of `assay scheduler token`");
	return assay_database_transact(db, spend, &s, err);
}

enum assay_code enrol_renew(struct scheduler *scheduler, struct assay_database *db, const struct identity *identity,
			    struct assay_span request, int64_t now, struct enrol_certificate *ret, struct assay_error *err)
{
	const struct bearer to = { identity->kind == IDENTITY_USER ? "user" : "worker", identity->name,
				   identity->pool[0] ? identity->pool : NULL };

	return issue(scheduler, db, &to, request, now, ret, err);
}

enum assay_code enrol_revoke(struct assay_database *db, const char *kind, const char *name, int64_t now,
			     int64_t *ret_count, struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	/* a token that was made before is no way back either */
	if (assay_database_run(db, "UPDATE enrolment SET spent = $3 WHERE kind = $1 AND name = $2 AND spent = 0",
			       ASSAY_VALUES(assay_text(kind), assay_text(name), assay_int(now)), NULL, err) ||
	    assay_database_run(db,
			       "UPDATE certificate SET revoked = $3 WHERE kind = $1 AND name = $2 AND revoked = 0 AND expires "
			       "> $3 RETURNING serial",
			       ASSAY_VALUES(assay_text(kind), assay_text(name), assay_int(now)), &rows, err))
		return err->code;
	*ret_count = (int64_t)assay_rows_count(rows);
	return ASSAY_OK;
}

enum assay_code enrol_sweep(struct assay_database *db, int64_t now, struct assay_error *err)
{
	if (assay_database_run(db, "DELETE FROM enrolment WHERE expires < $1", ASSAY_VALUES(assay_int(now - DAY_MS)), NULL,
			       err))
		return err->code;
	return assay_database_run(db, "DELETE FROM certificate WHERE expires < $1", ASSAY_VALUES(assay_int(now - DAY_MS)),
				  NULL, err);
}
