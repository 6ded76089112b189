/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks; see identity.h. */
#include "identity.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "assay/authority.h"
#include "assay/cleanup.h"
#include "scheduler.h"
#include "users.h"

static const char *const roles[] = { [ROLE_NONE] = "none",
				     [ROLE_VIEWER] = "viewer",
				     [ROLE_SUBMITTER] = "submitter",
				     [ROLE_OPERATOR] = "operator",
				     [ROLE_ADMIN] = "admin" };

const char *identity_role_text(enum identity_role role)
{
	return roles[role];
}

enum identity_role identity_role_parse(const char *text)
{
	for (size_t i = ROLE_VIEWER; i <= ROLE_ADMIN; i++)
		if (strcmp(roles[i], text) == 0)
			return (enum identity_role)i;
	return ROLE_NONE;
}

static const struct {
	enum identity_role role;
	const char *text;
} needs[] = {
	[NEED_ADMIN] = { ROLE_ADMIN, "role admin" },
	[NEED_OPERATOR] = { ROLE_OPERATOR, "role operator" },
	[NEED_SUBMITTER] = { ROLE_SUBMITTER, "role submitter" },
	[NEED_VIEWER] = { ROLE_VIEWER, "role viewer" },
	[NEED_WORKER] = { ROLE_NONE, "a worker's certificate" },
	[NEED_SUPPLIER] = { ROLE_SUBMITTER, "a worker's certificate or role submitter" },
	[NEED_CERTIFICATE] = { ROLE_NONE, "a certificate of this farm" },
	[NEED_KNOWN] = { ROLE_NONE, "a certificate or a token" },
	[NEED_NOTHING] = { ROLE_NONE, "nothing" },
};

const char *identity_need_text(enum identity_need need)
{
	return needs[need].text;
}

bool identity_may(const struct identity *identity, enum identity_need need)
{
	switch (need) {
	case NEED_NOTHING:
		return true;
	case NEED_KNOWN:
		return identity->kind != IDENTITY_NOBODY;
	case NEED_CERTIFICATE:
		return identity->serial[0] != '\0';
	case NEED_WORKER:
		return identity->kind == IDENTITY_WORKER || identity->kind == IDENTITY_LOCAL;
	case NEED_SUPPLIER:
		return identity->kind == IDENTITY_WORKER || identity->role >= needs[need].role;
	default:
		return identity->role >= needs[need].role;
	}
}

const char *identity_text(const struct identity *identity, char *out, size_t size)
{
	static const char *const kinds[] = { [IDENTITY_NOBODY] = "nobody",
					     [IDENTITY_LOCAL] = "local",
					     [IDENTITY_WORKER] = "worker",
					     [IDENTITY_USER] = "user" };

	snprintf(out, size, "%s%s%s", kinds[identity->kind], identity->name[0] ? ":" : "", identity->name);
	return out;
}

/* The certificate is good; is it still wanted?  A worker or user that is revoked has none, whatever it shows. */
static enum assay_code look_up(struct assay_database *db, const struct assay_certificate *shown, struct identity *ret,
			       struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;
	bool user = strcmp(shown->kind, "user") == 0;

	if (assay_database_run(db,
			       "SELECT revoked, coalesce((SELECT state FROM worker WHERE name = $3 AND $2 = 'worker'), "
			       "'active'), coalesce((SELECT role FROM account WHERE name = $3 AND $2 = 'user'), 'none'), "
			       "pool FROM certificate WHERE serial = $1 AND kind = $2 AND name = $3",
			       ASSAY_VALUES(assay_text(shown->serial), assay_text(shown->kind), assay_text(shown->name)),
			       &rows, err))
		return err->code;
	if (!assay_rows_count(rows))
		return assay_fail(err, ASSAY_EUNTRUSTED, "certificate %s is not known here", shown->serial);
	if (assay_rows_int(rows, 0, 0) || strcmp(assay_rows_text(rows, 0, 1), "revoked") == 0)
		return assay_fail(err, ASSAY_EUNTRUSTED, "%s %s is revoked", shown->kind, shown->name);
	ret->kind = user ? IDENTITY_USER : IDENTITY_WORKER;
	ret->role = user ? identity_role_parse(assay_rows_text(rows, 0, 2)) : ROLE_NONE;
	snprintf(ret->name, sizeof(ret->name), "%s", shown->name);
	snprintf(ret->serial, sizeof(ret->serial), "%s", shown->serial);
	snprintf(ret->pool, sizeof(ret->pool), "%s", assay_rows_text(rows, 0, 3) ?: "");
	return ASSAY_OK;
}

static enum assay_code by_token(struct scheduler *scheduler, const char *authorization, int64_t now,
				struct identity *ret, struct assay_error *err)
{
	static const char scheme[] = "Bearer ";
	size_t len = sizeof(scheme) - 1;

	if (strncasecmp(authorization, scheme, len) != 0)
		return assay_fail(err, ASSAY_EUNTRUSTED, "Authorization: want a Bearer token");
	return users_identify(scheduler->users, assay_span_trim(assay_span_text(authorization + len)), now / 1000, ret, err);
}

enum assay_code identity_of(struct scheduler *scheduler, struct assay_database *db,
			    const struct assay_http_request *request, int64_t now, struct identity *ret,
			    struct assay_error *err)
{
	struct assay_certificate shown;

	*ret = (struct identity){ .kind = IDENTITY_NOBODY };
	if (!request->secure) {
		/* the socket's mode lets in nobody else */
		*ret = (struct identity){ .kind = IDENTITY_LOCAL, .role = ROLE_ADMIN };
		snprintf(ret->name, sizeof(ret->name), "%u", (unsigned)request->peer_uid);
		return ASSAY_OK;
	}
	if (request->authorization)
		return by_token(scheduler, request->authorization, now, ret, err);
	if (!request->certificate.len)
		return ASSAY_OK;
	if (assay_authority_check(scheduler->authority, request->certificate, now / 1000, &shown, err))
		return err->code;
	return look_up(db, &shown, ret, err);
}
