/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the file of issuers, strictly: a slip in it must not let anybody in. */
#include "users_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"

enum { ISSUERS_MAX = 16 };

static enum assay_code only_keys(const json_t *object, const char *const *keys, const char *where, struct assay_error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value) {
		const char *const *known = keys;

		while (*known && strcmp(*known, key) != 0)
			known++;
		if (!*known)
			return assay_fail(err, ASSAY_EUSAGE, "%s: there is no key \"%.60s\"", where, key);
	}
	return ASSAY_OK;
}

static enum assay_code text_of(const json_t *object, const char *key, const char *fallback, const char *where,
			       const char **ret, struct assay_error *err)
{
	const json_t *value = json_object_get(object, key);

	*ret = value ? json_string_value(value) : fallback;
	if (!*ret || !**ret)
		return assay_fail(err, ASSAY_EUSAGE, "%s: want a text \"%s\"", where, key);
	return ASSAY_OK;
}

static enum assay_code read_algorithms(const json_t *list, struct issuer *issuer, const char *where, struct assay_error *err)
{
	static const char *const known[USERS_ALGORITHMS] = { "EdDSA", "ES256", "RS256" };
	const json_t *name;
	size_t i, k;

	if (list && (!json_array_size(list) || json_array_size(list) > USERS_ALGORITHMS))
		return assay_fail(err, ASSAY_EUSAGE, "%s: algorithms: want a list of RS256, ES256, EdDSA", where);
	memcpy(issuer->algorithms, known, sizeof(known));
	json_array_foreach(list, i, name) {
		for (k = 0; k < USERS_ALGORITHMS && strcmp(known[k], json_string_value(name) ?: "") != 0;)
			k++;
		if (k == USERS_ALGORITHMS)
			return assay_fail(err, ASSAY_EUSAGE, "%s: algorithms: want RS256, ES256 or EdDSA, have \"%.20s\"", where,
					  json_string_value(name) ?: "something else");
		issuer->algorithms[i] = known[k];
		issuer->algorithms[i + 1] = NULL;
	}
	return ASSAY_OK;
}

static enum assay_code check_roles(const json_t *roles, const char *where, struct assay_error *err)
{
	static const char *const keys[] = { "claim", "value", "role", NULL };
	const char *claim, *value, *role;
	const json_t *rule;
	size_t i;

	if (!json_array_size(roles))
		return assay_fail(err, ASSAY_EUSAGE, "%s: want a list \"roles\" that is not empty", where);
	json_array_foreach(roles, i, rule) {
		if (only_keys(rule, keys, where, err) || text_of(rule, "claim", NULL, where, &claim, err) ||
		    text_of(rule, "value", NULL, where, &value, err) || text_of(rule, "role", NULL, where, &role, err))
			return err->code;
		if (identity_role_parse(role) == ROLE_NONE)
			return assay_fail(err, ASSAY_EUSAGE,
					  "%s: role: want viewer, submitter, operator or admin, have \"%.20s\"", where, role);
	}
	return ASSAY_OK;
}

static enum assay_code read_issuer(const json_t *json, const char *path, size_t number, struct issuer *ret,
				   struct assay_error *err)
{
	static const char *const keys[] = { "issuer", "audience", "keys", "authority", "algorithms", "name", "roles", NULL };
	char where[400];
	const char *host;

	snprintf(where, sizeof(where), "%.300s: issuer %zu", path, number + 1);
	if (!json_is_object(json))
		return assay_fail(err, ASSAY_EUSAGE, "%s: want an object", where);
	ret->roles = json_object_get(json, "roles");
	if (only_keys(json, keys, where, err) || text_of(json, "issuer", NULL, where, &ret->url, err) ||
	    text_of(json, "audience", NULL, where, &ret->audience, err) || text_of(json, "keys", NULL, where, &ret->keys, err) ||
	    text_of(json, "name", "sub", where, &ret->name, err) ||
	    read_algorithms(json_object_get(json, "algorithms"), ret, where, err) || check_roles(ret->roles, where, err))
		return err->code;
	ret->authority = json_string_value(json_object_get(json, "authority"));
	if (json_object_get(json, "authority") && (!ret->authority || ret->authority[0] != '/'))
		return assay_fail(err, ASSAY_EUSAGE, "%s: authority: want the absolute path of a PEM file", where);
	if (ret->keys[0] != '/' && strncmp(ret->keys, "https://", 8) != 0)
		return assay_fail(err, ASSAY_EUSAGE, "%s: keys: want https://... or the absolute path of a file", where);
	host = strstr(ret->url, "://");
	host = host ? host + 3 : ret->url;
	snprintf(ret->label, sizeof(ret->label), "%.*s", (int)strcspn(host, "/"), host);
	return ASSAY_OK;
}

enum assay_code users_file_read(const char *path, struct users_file *ret, struct assay_error *err)
{
	static const char *const keys[] = { "issuers", NULL };
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_RECIPE);
	struct users_file file = { .json = NULL };
	const json_t *list;

	if (assay_file_read(AT_FDCWD, path, &text, err) || assay_json_parse(assay_buf_span(&text), path, &file.json, err))
		return assay_context(err, "users");
	list = json_object_get(file.json, "issuers");
	if (!json_is_array(list) || json_array_size(list) > ISSUERS_MAX)
		assay_fail(err, ASSAY_EUSAGE, "%s: want an object with \"issuers\", a list of at most %d", path, ISSUERS_MAX);
	else if (!only_keys(file.json, keys, path, err)) {
		file.count = json_array_size(list);
		file.issuers = calloc(file.count + 1, sizeof(*file.issuers));
		if (!file.issuers)
			assay_fail(err, ASSAY_ENOMEM, "out of memory");
	}
	for (size_t i = 0; i < file.count && !err->code; i++)
		(void)!read_issuer(json_array_get(list, i), path, i, &file.issuers[i], err);
	if (err->code)
		users_file_release(&file);
	else
		*ret = file;
	return err->code;
}

void users_file_release(struct users_file *file)
{
	for (size_t i = 0; i < file->count && file->issuers; i++)
		assay_jwks_free(file->issuers[i].jwks);
	free(file->issuers);
	json_decref(file->json);
	*file = (struct users_file){ .json = NULL };
}

static bool has_value(const json_t *claim, const char *value)
{
	bool found = strcmp(json_string_value(claim) ?: "", value) == 0;
	const json_t *one;
	size_t i;

	json_array_foreach(claim, i, one)
		found = found || strcmp(json_string_value(one) ?: "", value) == 0;
	return found;
}

enum identity_role users_file_role(const struct issuer *issuer, const json_t *claims)
{
	enum identity_role best = ROLE_NONE, role;
	const json_t *rule;
	size_t i;

	json_array_foreach(issuer->roles, i, rule) {
		role = identity_role_parse(assay_json_text(rule, "role", ""));
		if (role > best && has_value(json_object_get(claims, assay_json_text(rule, "claim", "")),
					     assay_json_text(rule, "value", "")))
			best = role;
	}
	return best;
}
