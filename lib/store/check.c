/* SPDX-License-Identifier: Apache-2.0 */
/* Looking after a store: what it holds, and whether every blob still has its bytes. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "assay/cleanup.h"
#include "assay/log.h"
#include "assay/path.h"
#include "assay/time.h"
#include "census.h"

/* ---- stats --------------------------------------------------------------------------------------- */

static void add_tree(struct assay_store *store, const char *path, struct assay_store_count *count)
{
	struct stat st;

	if (fstatat(store->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		store_count_add(count, store_tree_bytes(store->root, path), st.st_mtim.tv_sec);
}

static enum assay_code count_one_there(const struct store_remote_entry *entry, void *data, struct assay_error *err)
{
	(void)err;
	store_count_add(data, entry->bytes, entry->time);
	return ASSAY_OK;
}

static enum assay_code count_there(struct assay_store *store, struct assay_store_usage *ret, struct assay_error *err)
{
	return store->remote ? store->remote->ops->each(store->remote, count_one_there, &ret->remote, err) : ASSAY_OK;
}

enum assay_code assay_store_stats(struct assay_store *store, struct assay_store_usage *ret, struct assay_error *err)
{
	struct store_census census = { 0 };
	struct assay_retention policy;
	enum assay_code code = store_census_take(store, true, &census, err);

	*ret = (struct assay_store_usage){ 0 };
	assay_retention_init(&policy);
	for (size_t i = 0; i < ASSAY_CLASS_COUNT; i++)
		policy.keep_s[i] = ASSAY_KEEP_FOREVER; /* every document is read */
	if (!code)
		code = store_census_hold(store, &census, &policy, assay_time_now(), err);
	for (size_t i = 0; !code && i < census.blob_count; i++)
		store_count_add(&ret->classes[census.blobs[i].class], census.blobs[i].bytes, census.blobs[i].used);
	for (size_t i = 0; !code && i < census.entry_count; i++)
		store_count_add(&ret->classes[census.entries[i].class], census.entries[i].bytes,
				census.entries[i].used);
	if (!code)
		code = count_there(store, ret, err);
	ret->quarantined = census.quarantined;
	add_tree(store, "apt", &ret->caches);
	add_tree(store, "git", &ret->caches);
	add_tree(store, "tmp", &ret->work);
	store_census_release(&census);
	return code;
}

/* ---- check --------------------------------------------------------------------------------------- */

struct checking {
	struct assay_store *store;
	struct assay_store_checked *result;
	char folder[3];
};

static void add_problem(struct checking *c, const char *name, const char *problem)
{
	json_t *object = assay_json_object();

	assay_json_set(object, "name", assay_json_name(assay_span_text(name)));
	assay_json_set_text(object, "problem", problem);
	assay_json_append(c->result->problems, object);
	assay_log(ASSAY_LOG_WARNING, "%s: %s", name, problem);
}

static void add_stranger(struct checking *c, const char *name)
{
	char path[300];

	c->result->strange++;
	snprintf(path, sizeof(path), "blobs/%s%s%s", c->folder, c->folder[0] ? "/" : "", name);
	add_problem(c, path, "not a blob's name");
}

static enum assay_code check_one(int dirfd, const char *name, void *data, struct assay_error *err)
{
	struct checking *c = data;
	struct assay_error bad = ASSAY_ERROR_INIT;
	assay_auto(assay_fd_closep) int fd = -1;
	const char *dot = strrchr(name, '.');
	struct assay_digest digest;
	struct stat st;

	if (dot && strcmp(dot, STORE_CORRUPT) == 0)
		return ASSAY_OK; /* found and named before */
	if (!assay_digest_parse(assay_span_text(name), &digest) || strncmp(name, c->folder, 2) != 0) {
		add_stranger(c, name);
		return ASSAY_OK;
	}
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
		return ASSAY_OK; /* collected meanwhile */
	c->result->blobs++;
	c->result->bytes += (uint64_t)st.st_size;
	assay_progress_update(c->result->bytes, 0, "bytes");
	if (!store_blob_check(c->store, &digest, &bad))
		return ASSAY_OK;
	if (bad.code == ASSAY_ENOTFOUND)
		return ASSAY_OK;
	if (bad.code != ASSAY_EUNTRUSTED && bad.code != ASSAY_EIO) {
		*err = bad;
		return err->code;
	}
	c->result->bad++;
	add_problem(c, name, bad.msg);
	return ASSAY_OK;
}

static enum assay_code check_there(const struct store_remote_entry *entry, void *data, struct assay_error *err)
{
	struct checking *c = data;
	struct assay_error bad = ASSAY_ERROR_INIT;
	char hex[ASSAY_DIGEST_TEXT];

	c->result->blobs++;
	c->result->bytes += entry->bytes;
	if (!store_remote_check(c->store, &entry->digest, &bad) || bad.code == ASSAY_ENOTFOUND)
		return ASSAY_OK;
	if (bad.code != ASSAY_EUNTRUSTED) {
		*err = bad;
		return err->code;
	}
	c->result->bad++;
	add_problem(c, assay_digest_hex(&entry->digest, hex), bad.msg);
	return ASSAY_OK;
}

static enum assay_code check_folder(int dirfd, const char *name, void *data, struct assay_error *err)
{
	struct checking *c = data;
	struct stat st;

	c->folder[0] = '\0';
	if (strlen(name) != 2 || fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(st.st_mode)) {
		add_stranger(c, name);
		return ASSAY_OK;
	}
	memcpy(c->folder, name, sizeof(c->folder));
	return store_each(dirfd, name, check_one, c, err);
}

enum assay_code assay_store_check(struct assay_store *store, struct assay_store_checked *ret, struct assay_error *err)
{
	struct checking c = { .store = store, .result = ret };
	enum assay_code code;

	*ret = (struct assay_store_checked){ .problems = assay_json_array() };
	assay_progress_start("check", "%s", store->root);
	code = store_each(store->root_fd, "blobs", check_folder, &c, err);
	if (!code && store->remote)
		code = store->remote->ops->each(store->remote, check_there, &c, err);
	assay_progress_end("%llu blobs, %llu bad", (unsigned long long)ret->blobs, (unsigned long long)ret->bad);
	return code;
}
