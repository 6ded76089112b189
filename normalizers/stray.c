/* SPDX-License-Identifier: Apache-2.0 */
/* Files of one side only: moved, or missing; see the header. */
#include "stray.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "assay/file.h"
#include "assay/limits.h"
#include "xattr.h"

void assay_strays_release(struct assay_strays *strays)
{
	for (size_t i = 0; i < strays->count; i++)
		free(strays->items[i].path);
	free(strays->items);
	*strays = (struct assay_strays){ .items = NULL };
}

enum assay_code assay_strays_add(struct assay_strays *strays, const struct assay_walk *walk,
				 const char *name, const struct stat *st, bool is_right,
				 struct assay_error *err)
{
	struct assay_buf path = ASSAY_BUF_INIT(ASSAY_MAX_CHECKOUT_PATH * ASSAY_MAX_PATH);
	struct assay_stray *stray;

	if (strays->count == strays->room) {
		size_t room = strays->room ? 2 * strays->room : 64;
		void *items = reallocarray(strays->items, room, sizeof(*strays->items));

		if (!items)
			return assay_fail(err, ASSAY_ENOMEM, "directory: out of memory");
		strays->items = items;
		strays->room = room;
	}
	for (size_t i = 0; i < walk->path_count; i++) {
		assay_buf_add_span(&path, walk->path[i]);
		assay_buf_add_text(&path, "/");
	}
	assay_buf_add_text(&path, name);
	stray = &strays->items[strays->count];
	*stray = (struct assay_stray){ .path = assay_buf_take(&path),
				       .size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : strlen(name),
				       .mode = st->st_mode,
				       .is_file = S_ISREG(st->st_mode),
				       .is_right = is_right };
	if (!stray->path)
		return assay_fail(err, ASSAY_ENOMEM, "directory: out of memory");
	strays->count++;
	return ASSAY_OK;
}

/* ---- what was moved ------------------------------------------------------------------------------ */

/* Name by name, so that no link on the way is followed. */
static enum assay_code open_below(int root, const char *path, int *ret, struct assay_error *err)
{
	int at = root, next;

	for (const char *name = path; name; ) {
		const char *slash = strchr(name, '/');
		char *part = strndup(name, slash ? (size_t)(slash - name) : strlen(name));

		if (!part)
			return assay_fail(err, ASSAY_ENOMEM, "%s: out of memory", path);
		next = openat(at, part,
			      O_RDONLY | O_CLOEXEC | O_NOFOLLOW | (slash ? O_DIRECTORY : O_NONBLOCK));
		free(part);
		if (next < 0)
			assay_fail_errno(err, "%s", path);
		if (at != root)
			close(at);
		if (next < 0)
			return err->code;
		at = next;
		name = slash ? slash + 1 : NULL;
	}
	*ret = at;
	return ASSAY_OK;
}

/* Opens it and maps its bytes; the caller closes *ret_fd. */
static enum assay_code map_stray(const struct assay_stray *stray, const int roots[2], int *ret_fd,
				 struct assay_map *ret, struct assay_error *err)
{
	if (open_below(roots[stray->is_right], stray->path, ret_fd, err))
		return err->code;
	return assay_map_fd(*ret_fd, ret, err);
}

static int by_size(const void *a, const void *b)
{
	const struct assay_stray *x = a, *y = b;

	if (x->is_file != y->is_file)
		return x->is_file ? -1 : 1;
	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	if (x->is_right != y->is_right)
		return x->is_right - y->is_right;
	return strcmp(x->path, y->path);
}

static int by_path(const void *a, const void *b)
{
	const struct assay_stray *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	return order ? order : x->is_right - y->is_right;
}

/* Behind the last file of the size, and hash, of the first. */
static size_t end_of_run(const struct assay_strays *strays, size_t first, bool same_hash)
{
	size_t end = first;

	while (end < strays->count && strays->items[end].is_file &&
	       strays->items[end].size == strays->items[first].size &&
	       (!same_hash || strays->items[end].hash == strays->items[first].hash))
		end++;
	return end;
}

/* Only sizes that both sides have are worth reading. */
static enum assay_code hash_candidates(struct assay_strays *strays, const int roots[2],
				       struct assay_error *err)
{
	size_t end;

	for (size_t first = 0; first < strays->count && strays->items[first].is_file; first = end) {
		end = end_of_run(strays, first, false);
		if (!strays->items[first].size ||
		    strays->items[first].is_right == strays->items[end - 1].is_right)
			continue;
		for (size_t i = first; i < end; i++) {
			assay_auto(assay_fd_closep) int fd = -1;
			struct assay_map map = { 0 };

			if (map_stray(&strays->items[i], roots, &fd, &map, err))
				return err->code;
			strays->items[i].hash = XXH3_64bits(map.bytes.data, map.bytes.len);
			assay_map_release(&map);
		}
	}
	return ASSAY_OK;
}

/* The same bytes and the same extended attributes. */
static enum assay_code are_equal(const struct assay_stray *l, const struct assay_stray *r,
				 const int roots[2], bool *ret, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int left_fd = -1;
	assay_auto(assay_fd_closep) int right_fd = -1;
	assay_auto(assay_map_release) struct assay_map left = { 0 };
	assay_auto(assay_map_release) struct assay_map right = { 0 };

	if (map_stray(l, roots, &left_fd, &left, err) || map_stray(r, roots, &right_fd, &right, err))
		return err->code;
	if (!assay_span_equal(left.bytes, right.bytes))
		return ASSAY_OK;
	return assay_xattrs_equal(left_fd, right_fd, ret, err);
}

/* ---- writing down -------------------------------------------------------------------------------- */

static enum assay_code record_at(struct assay_walk *walk, const char *path,
				 const struct assay_difference *d, struct assay_error *err)
{
	size_t count = walk->path_count, container = walk->container_count;
	struct assay_span rest = assay_span_text(path);
	enum assay_code code = ASSAY_OK;
	bool fits = true;

	while (fits && rest.len) {
		size_t slash = assay_span_find(rest, 0, assay_span_text("/"));

		walk->container_count = walk->path_count;
		fits = assay_walk_push(walk, assay_span_cut(rest, 0, slash));
		rest = slash == SIZE_MAX ? assay_span_of(NULL, 0) :
					   assay_span_cut(rest, slash + 1, rest.len);
	}
	if (fits)
		code = assay_walk_record(walk, NULL, d, NULL, err);
	while (walk->path_count > count)
		assay_walk_pop(walk);
	walk->container_count = container;
	return code;
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static enum assay_code record_missing(struct assay_walk *walk, const struct assay_stray *stray,
				      struct assay_error *err)
{
	const char *name = name_of(stray->path);
	char text[512], shown[300];
	struct assay_difference d = {
		.field = &assay_field_added,
		.left_present = !stray->is_right,
		.right_present = stray->is_right,
		.bytes = stray->size,
		.confidence = ASSAY_CERTAIN,
		.severity = assay_field_added.severity,
		.explanation = text,
	};

	d.values.left_present = d.left_present;
	d.values.right_present = d.right_present;
	*(stray->is_right ? &d.values.text.right : &d.values.text.left) = assay_span_text(name);
	snprintf(text, sizeof(text), "only the %s side has %s: %s", stray->is_right ? "right" : "left",
		 assay_span_show(assay_span_text(name), shown, sizeof(shown)),
		 assay_field_added.rule);
	return record_at(walk, stray->path, &d, err);
}

static enum assay_code record_moved(struct assay_walk *walk, struct assay_stray *l,
				    struct assay_stray *r, struct assay_error *err)
{
	struct assay_span left = assay_span_text(l->path), right = assay_span_text(r->path);
	char text[512], shown_left[160], shown_right[160];
	struct assay_difference d = {
		.field = &assay_field_renamed,
		.left_present = true,
		.right_present = true,
		.values = { { left, right }, true, true },
		.bytes = assay_bytes_differing(left, right),
		.confidence = ASSAY_CERTAIN,
		.severity = assay_field_renamed.severity,
		.explanation = text,
	};

	snprintf(text, sizeof(text), "%s on the left is %s on the right, with the same content",
		 assay_span_show(left, shown_left, sizeof(shown_left)),
		 assay_span_show(right, shown_right, sizeof(shown_right)));
	l->done = r->done = true;
	/* one path for both sides, so that swapping them changes nothing else */
	return record_at(walk, strcmp(l->path, r->path) < 0 ? l->path : r->path, &d, err);
}

static enum assay_code match(struct assay_strays *strays, struct assay_walk *walk,
			     const int roots[2], struct assay_error *err)
{
	struct assay_stray *items = strays->items;

	for (size_t i = 0; i < strays->count && items[i].is_file; i++) {
		size_t end = items[i].hash ? end_of_run(strays, i, true) : i;

		if (items[i].is_right || items[i].done)
			continue;
		for (size_t k = i + 1; k < end && !items[i].done; k++) {
			bool equal = false;

			if (!items[k].is_right || items[k].done || items[k].mode != items[i].mode)
				continue;
			if (are_equal(&items[i], &items[k], roots, &equal, err))
				return err->code;
			if (equal && record_moved(walk, &items[i], &items[k], err))
				return err->code;
		}
	}
	return ASSAY_OK;
}

enum assay_code assay_strays_settle(struct assay_strays *strays, struct assay_walk *walk,
				    const int roots[2], struct assay_error *err)
{
	if (!strays->count)
		return ASSAY_OK;
	qsort(strays->items, strays->count, sizeof(*strays->items), by_size);
	if (hash_candidates(strays, roots, err))
		return err->code;
	qsort(strays->items, strays->count, sizeof(*strays->items), by_size);
	if (match(strays, walk, roots, err))
		return err->code;
	qsort(strays->items, strays->count, sizeof(*strays->items), by_path);
	for (size_t i = 0; i < strays->count; i++)
		if (!strays->items[i].done && record_missing(walk, &strays->items[i], err))
			return err->code;
	return ASSAY_OK;
}
