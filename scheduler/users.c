/* SPDX-License-Identifier: Apache-2.0 */
/* Users that somebody else vouches for; see users.h. */
#include "users.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/http.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/time.h"
#include "users_file.h"

enum { TICK_MS = 500, FRESH_S = 600, AGAIN_S = 30, STALE_S = 24 * 3600, FETCH_S = 10 };

struct users {
	char *path;
	pthread_mutex_t lock; /* over the file's keys */
	struct users_file file;
	struct timespec changed;
	pthread_t thread;
	bool stopping;
};

/* ---- keys ---------------------------------------------------------------------------------------- */

static enum assay_code fetch_url(const char *url, const char *authority, struct assay_buf *out, struct assay_error *err)
{
	assay_auto(assay_http_client_freep) struct assay_http_client *client = NULL;
	const struct assay_http_identity nobody = { .authority = authority, .older = true, .patience_s = FETCH_S };

	if (assay_http_client_new(url, &client, err) || assay_http_client_identify(client, &nobody, err))
		return err->code;
	return assay_http_send(client, "GET", "", assay_span_of(NULL, 0), out, err);
}

static enum assay_code fetch(const char *keys, const char *authority, struct assay_jwks **ret, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_JWKS);

	if (keys[0] == '/' ? assay_file_read(AT_FDCWD, keys, &text, err) : fetch_url(keys, authority, &text, err))
		return err->code;
	return assay_jwks_parse(assay_buf_span(&text), keys, ret, err);
}

/* Without the lock: a provider that does not answer holds up nobody. */
static void refresh(struct users *users, struct issuer *issuer)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_jwks *fresh = NULL, *old;
	int64_t now = assay_time_now();

	if (fetch(issuer->keys, issuer->authority, &fresh, &err))
		assay_log(ASSAY_LOG_WARNING, "users: keys of %s: %s", issuer->url, err.msg);
	pthread_mutex_lock(&users->lock);
	old = fresh ? issuer->jwks : NULL;
	issuer->tried = now;
	issuer->wanted = false;
	if (fresh) {
		issuer->jwks = fresh;
		issuer->fetched = now;
	}
	pthread_mutex_unlock(&users->lock);
	assay_jwks_free(old);
}

static bool is_due(struct users *users, const struct issuer *issuer, int64_t now)
{
	bool due;

	pthread_mutex_lock(&users->lock);
	due = (issuer->wanted || !issuer->jwks || now - issuer->fetched >= FRESH_S) && now - issuer->tried >= AGAIN_S;
	pthread_mutex_unlock(&users->lock);
	return due;
}

/* ---- the file ------------------------------------------------------------------------------------ */

static bool has_changed(struct users *users)
{
	struct stat st;
	bool changed;

	if (stat(users->path, &st))
		return false;
	changed = st.st_mtim.tv_sec != users->changed.tv_sec || st.st_mtim.tv_nsec != users->changed.tv_nsec;
	users->changed = st.st_mtim;
	return changed;
}

static void read_again(struct users *users)
{
	struct users_file fresh, old;
	struct assay_error err = ASSAY_ERROR_INIT;

	if (users_file_read(users->path, &fresh, &err)) {
		assay_log(ASSAY_LOG_ERROR, "%s; what it said before still holds", err.msg);
		return;
	}
	pthread_mutex_lock(&users->lock);
	old = users->file;
	users->file = fresh;
	pthread_mutex_unlock(&users->lock);
	users_file_release(&old);
	assay_log(ASSAY_LOG_NOTE, "users: %s was read again", users->path);
}

static void *users_main(void *data)
{
	struct users *users = data;
	const struct timespec tick = { .tv_nsec = TICK_MS * 1000000L };

	while (!__atomic_load_n(&users->stopping, __ATOMIC_ACQUIRE)) {
		if (has_changed(users))
			read_again(users);
		for (size_t i = 0; i < users->file.count; i++)
			if (is_due(users, &users->file.issuers[i], assay_time_now()))
				refresh(users, &users->file.issuers[i]);
		nanosleep(&tick, NULL);
	}
	return NULL;
}

enum assay_code users_start(const char *path, struct users **ret, struct assay_error *err)
{
	struct users *users;

	*ret = NULL;
	if (!path)
		return ASSAY_OK;
	users = calloc(1, sizeof(*users));
	if (!users)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	*users = (struct users){ .path = strdup(path), .lock = PTHREAD_MUTEX_INITIALIZER };
	if (!users->path)
		assay_fail(err, ASSAY_ENOMEM, "out of memory");
	else if (has_changed(users) || !users->changed.tv_sec)
		(void)!users_file_read(path, &users->file, err);
	if (!err->code && pthread_create(&users->thread, NULL, users_main, users))
		assay_fail(err, ASSAY_EIO, "the thread that fetches keys does not start");
	if (err->code) {
		users_file_release(&users->file);
		free(users->path);
		free(users);
		return err->code;
	}
	*ret = users;
	return ASSAY_OK;
}

void users_stop(struct users *users)
{
	if (!users)
		return;
	__atomic_store_n(&users->stopping, true, __ATOMIC_RELEASE);
	pthread_join(users->thread, NULL);
	users_file_release(&users->file);
	pthread_mutex_destroy(&users->lock);
	free(users->path);
	free(users);
}

/* ---- tokens -------------------------------------------------------------------------------------- */

static struct issuer *find(struct users *users, const char *url)
{
	for (size_t i = 0; i < users->file.count; i++)
		if (strcmp(users->file.issuers[i].url, url) == 0)
			return &users->file.issuers[i];
	return NULL;
}

static enum assay_code judge(struct issuer *issuer, struct assay_span token, int64_t now, struct identity *ret,
			     struct assay_error *err)
{
	const struct assay_jwt_rules rules = { issuer->url, issuer->audience, issuer->algorithms };
	assay_auto(assay_json_freep) json_t *claims = NULL;
	const char *name;

	if (!issuer->jwks || now - issuer->fetched > STALE_S) {
		issuer->wanted = true;
		return assay_fail(err, ASSAY_EBUSY, "the keys of %s are not here yet; try again", issuer->url);
	}
	if (!assay_jwks_knows(issuer->jwks, token))
		issuer->wanted = true;
	if (assay_jwt_verify(token, issuer->jwks, &rules, now, &claims, err))
		return err->code;
	name = assay_json_text(claims, issuer->name, NULL);
	if (!name || !*name || strlen(name) > ASSAY_MAX_IDENTITY)
		return assay_fail(err, ASSAY_EUNTRUSTED, "token: claim \"%s\": want a text of at most %d bytes", issuer->name,
				  ASSAY_MAX_IDENTITY);
	*ret = (struct identity){ .kind = IDENTITY_USER, .role = users_file_role(issuer, claims) };
	snprintf(ret->name, sizeof(ret->name), "%.120s/%s", issuer->label, name);
	return ASSAY_OK;
}

enum assay_code users_identify(struct users *users, struct assay_span token, int64_t now, struct identity *ret,
			       struct assay_error *err)
{
	char url[1024];
	struct issuer *issuer;

	if (!users)
		return assay_fail(err, ASSAY_EUNTRUSTED, "token: this scheduler was started without --users");
	if (!assay_jwt_issuer(token, url, sizeof(url)))
		return assay_fail(err, ASSAY_EUNTRUSTED, "token: malformed");
	pthread_mutex_lock(&users->lock);
	issuer = find(users, url);
	if (issuer)
		(void)!judge(issuer, token, now, ret, err);
	else
		assay_fail(err, ASSAY_EUNTRUSTED, "token: its issuer is not known here");
	pthread_mutex_unlock(&users->lock);
	return err->code;
}
