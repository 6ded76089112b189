/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who names which blob.  A report is read as JSON; what stands under "candidate" or "outputs" was built, every other
 * SHA-256 in it is an input.  In a lock, and in a report that cannot be read, every SHA-256 counts: too much is held
 * rather than too little.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "census.h"

struct holding {
	struct assay_store *store;
	struct store_census *census;
	const struct assay_retention *policy;
	int64_t now, time; /* of the document at hand */
};

static void hold(struct holding *h, const struct assay_digest *digest, enum assay_store_class class, bool keep)
{
	struct store_blob *blob = store_census_find(h->census, digest);

	if (!blob)
		return;
	if (class != ASSAY_CLASS_BLOBS)
		blob->class = class;
	blob->held |= keep;
}

/* ---- documents ----------------------------------------------------------------------------------- */

static void hold_text(struct holding *h, const char *text, enum assay_store_class class)
{
	struct assay_digest digest;

	if (strncmp(text, "sha256:", 7) == 0)
		text += 7;
	if (strlen(text) == ASSAY_DIGEST_TEXT - 1 && assay_digest_parse(assay_span_text(text), &digest))
		hold(h, &digest, class, store_is_kept(h->policy, class, h->time, h->now));
}

static void hold_json(struct holding *h, json_t *value, enum assay_store_class class)
{
	const char *key;
	json_t *child;
	size_t i;

	if (json_is_string(value))
		hold_text(h, json_string_value(value), class);
	json_array_foreach(value, i, child)
		hold_json(h, child, class);
	json_object_foreach(value, key, child) {
		bool built = strcmp(key, "candidate") == 0 || strcmp(key, "outputs") == 0;

		hold_json(h, child, built ? ASSAY_CLASS_CANDIDATES : class);
	}
}

/* Every run of as many hex digits as a digest has. */
static void hold_all(struct holding *h, struct assay_span text, bool keep)
{
	struct assay_digest digest;

	for (size_t i = 0, start = 0; i <= text.len; i++) {
		if (i < text.len && isxdigit(text.data[i]))
			continue;
		if (i - start == ASSAY_DIGEST_TEXT - 1 &&
		    assay_digest_parse((struct assay_span){ text.data + start, i - start }, &digest))
			hold(h, &digest, ASSAY_CLASS_BLOBS, keep);
		start = i + 1;
	}
}

/* Once a report is too old to hold anything, it is not read. */
static bool holds_anything(const struct holding *h)
{
	return store_is_kept(h->policy, ASSAY_CLASS_BLOBS, h->time, h->now) ||
	       store_is_kept(h->policy, ASSAY_CLASS_CANDIDATES, h->time, h->now);
}

static void hold_report(struct holding *h, struct assay_span text)
{
	assay_auto(assay_json_freep) json_t *report = NULL;
	struct assay_error ignored = ASSAY_ERROR_INIT;

	if (text.len <= ASSAY_MAX_REPORT && !assay_json_parse(text, "report", &report, &ignored))
		hold_json(h, report, ASSAY_CLASS_BLOBS);
	else
		hold_all(h, text, true);
}

/* A blob that is not there names nothing; one that is and cannot be read stops all, as a run's report does. */
static enum assay_code map_blob(struct holding *h, const struct assay_digest *digest, struct assay_map *ret,
				struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = -1;
	const struct store_blob *blob = store_census_find(h->census, digest);
	char name[BLOB_NAME_MAX], hex[ASSAY_DIGEST_TEXT];

	assay_digest_hex(digest, hex);
	snprintf(name, sizeof(name), "%.2s/%s", hex, hex);
	if (!blob)
		return ASSAY_OK;
	if (blob->here ? assay_file_open(h->store->blobs_fd, name, &fd, err) :
			 assay_store_get(h->store, digest, &fd, err)) {
		if (err->code != ASSAY_ENOTFOUND)
			return assay_context(err, "blob %s", hex);
		*err = (struct assay_error)ASSAY_ERROR_INIT;
		return ASSAY_OK;
	}
	return assay_map_fd(fd, ret, err);
}

/* ---- runs, locks --------------------------------------------------------------------------------- */

/* What is there and cannot be read stops all: nobody knows what it names. */
static enum assay_code hold_run(struct holding *h, const struct store_entry *run, struct assay_error *err)
{
	assay_auto(assay_map_release) struct assay_map map = { 0 };
	assay_auto(assay_freep) char *path = assay_path_join(run->path, "report.json");
	assay_auto(assay_fd_closep) int fd = -1;

	if (!path)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	fd = openat(h->store->root_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? ASSAY_OK : assay_fail_errno(err, "%s", path);
	if (assay_map_fd(fd, &map, err))
		return assay_context(err, "%s", path);
	hold_report(h, map.bytes);
	return ASSAY_OK;
}

static enum assay_code hold_lock(struct holding *h, const struct store_entry *entry, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf name = ASSAY_BUF_INIT(2 * ASSAY_DIGEST_TEXT);
	assay_auto(assay_map_release) struct assay_map map = { 0 };
	struct assay_digest digest;

	if (assay_file_read(h->store->root_fd, entry->path, &name, err)) {
		if (err->code != ASSAY_ENOTFOUND && err->code != ASSAY_ELIMIT)
			return err->code;
		*err = (struct assay_error)ASSAY_ERROR_INIT;
		return ASSAY_OK;
	}
	if (!assay_digest_parse(assay_span_trim(assay_buf_span(&name)), &digest))
		return ASSAY_OK; /* whoever reads it resolves anew */
	hold(h, &digest, ASSAY_CLASS_LOCKS, true);
	if (map_blob(h, &digest, &map, err))
		return err->code;
	hold_all(h, map.bytes, true);
	return ASSAY_OK;
}

/* ---- the farm ------------------------------------------------------------------------------------ */

#define FARM_NAMES "farm/" ASSAY_STORE_FARM_NAMES_FILE

static enum assay_code farm_is_odd(struct assay_error *err)
{
	return assay_fail(err, ASSAY_EUNTRUSTED,
			  FARM_NAMES ": want what the scheduler writes there; remove it and start the scheduler once");
}

/* "reports DIGEST SECONDS" */
static bool parse_farm_line(struct assay_span line, enum assay_store_class *ret_class, struct assay_digest *ret_digest,
			    int64_t *ret_time)
{
	char text[160], class[20], hex[ASSAY_DIGEST_TEXT];
	long long time;
	int end = 0;

	if (line.len >= sizeof(text))
		return false;
	memcpy(text, line.data, line.len);
	text[line.len] = '\0';
	if (sscanf(text, "%19s %64s %lld%n", class, hex, &time, &end) != 3 || (size_t)end != line.len ||
	    !assay_digest_parse(assay_span_text(hex), ret_digest))
		return false;
	*ret_time = time;
	for (*ret_class = 0; *ret_class < ASSAY_CLASS_COUNT; ++*ret_class)
		if (strcmp(class, assay_store_class_name(*ret_class)) == 0)
			return true;
	return false;
}

static enum assay_code hold_farm_line(struct holding *h, struct assay_span line, struct assay_error *err)
{
	assay_auto(assay_map_release) struct assay_map map = { 0 };
	enum assay_store_class class;
	struct assay_digest digest;

	if (!parse_farm_line(line, &class, &digest, &h->time))
		return farm_is_odd(err);
	hold(h, &digest, class, store_is_kept(h->policy, class, h->time, h->now));
	if (class != ASSAY_CLASS_REPORTS || !holds_anything(h))
		return ASSAY_OK;
	if (map_blob(h, &digest, &map, err))
		return err->code;
	hold_report(h, map.bytes);
	return ASSAY_OK;
}

static enum assay_code hold_farm(struct holding *h, struct assay_error *err)
{
	assay_auto(assay_map_release) struct assay_map map = { 0 };
	assay_auto(assay_fd_closep) int fd =
		openat(h->store->root_fd, FARM_NAMES, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct assay_span rest, line = { NULL, 0 };
	char first[60] = "";
	long long time;

	if (fd < 0 && errno == ENOENT) {
		if (faccessat(h->store->root_fd, "farm/queue.db", F_OK, 0) == 0)
			return assay_fail(err, ASSAY_EUNTRUSTED,
					  "the farm of this store has not said what it needs: start its scheduler once");
		return ASSAY_OK;
	}
	if (fd < 0 || assay_map_fd(fd, &map, err))
		return fd < 0 ? assay_fail_errno(err, FARM_NAMES) : err->code;
	rest = map.bytes;
	if (assay_span_next_line(&rest, &line) && line.len < sizeof(first))
		memcpy(first, line.data, line.len);
	if (sscanf(first, ASSAY_STORE_FARM_MAGIC "%lld", &time) != 1)
		return farm_is_odd(err);
	h->census->farm_time = time;
	while (assay_span_next_line(&rest, &line))
		if (hold_farm_line(h, line, err))
			return err->code;
	return ASSAY_OK;
}

enum assay_code store_census_hold(struct assay_store *store, struct store_census *census,
				  const struct assay_retention *policy, int64_t now, struct assay_error *err)
{
	struct holding h = { store, census, policy, now, 0 };

	for (size_t i = 0; i < census->entry_count; i++) {
		const struct store_entry *entry = &census->entries[i];

		h.time = entry->used;
		if (entry->gone)
			continue;
		if ((entry->class == ASSAY_CLASS_REPORTS && holds_anything(&h) && hold_run(&h, entry, err)) ||
		    (entry->class == ASSAY_CLASS_LOCKS && hold_lock(&h, entry, err)))
			return assay_context(err, "store %s", store->root);
	}
	if (hold_farm(&h, err))
		return assay_context(err, "store %s", store->root);
	return ASSAY_OK;
}
