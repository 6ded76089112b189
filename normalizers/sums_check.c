/* SPDX-License-Identifier: Apache-2.0 */
/* A directory held against a list of digests: every file hashed, what is not listed named. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "assay/buf.h"
#include "assay/digest.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "directory.h"
#include "sums.h"

/* One run: a list, a directory, and which of them is the left side. */
struct check {
	struct assay_walk *walk;
	struct assay_sums sums;
	struct stat list; /* which file not to expect in it */
	bool list_is_left;
};

static enum assay_code record(const struct check *check, const struct assay_field *field,
			      struct assay_span name, const struct assay_span *listed,
			      const struct assay_span *found, const char *explanation,
			      struct assay_error *err)
{
	return assay_sums_record(check->walk, field, name, check->list_is_left ? listed : found,
				 check->list_is_left ? found : listed, explanation, err);
}

static struct assay_sum *find(struct assay_sums *sums, struct assay_span name)
{
	size_t low = 0, high = sums->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = assay_span_compare(sums->items[middle].name, name);

		if (!order)
			return &sums->items[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* sha256sum writes names as it was given them. */
static struct assay_span plain_name(struct assay_span name)
{
	while (assay_span_starts(name, "./") && name.len > 2)
		name = assay_span_cut(name, 2, name.len);
	return name;
}

static enum assay_code check_file(struct check *check, int fd, struct assay_span name,
				  struct assay_error *err)
{
	struct assay_sum *sum = find(&check->sums, name);
	struct assay_digest digest;
	char hex[ASSAY_DIGEST_TEXT];
	struct assay_span found;

	if (assay_digest_fd(fd, &digest, NULL, err))
		return err->code;
	found = assay_span_text(assay_digest_hex(&digest, hex));
	if (!sum)
		return record(check, &assay_field_added, name, NULL, &found,
			      "this file is not in the list", err);
	sum->matched = true;
	if (strncasecmp(hex, (const char *)sum->digest.data, sum->digest.len) == 0)
		return ASSAY_OK;
	return record(check, NULL, name, &sum->digest, &found, "the file has another SHA-256 than the list",
		      err);
}

static enum assay_code check_directory(struct check *check, int fd, const char *below, unsigned depth,
				       struct assay_error *err);

static enum assay_code check_entry(struct check *check, int dirfd, const char *name, const char *path,
				   unsigned depth, struct assay_error *err)
{
	struct assay_span shown = assay_span_text("not a file");
	struct stat st;
	int fd;
	enum assay_code code;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
		return assay_fail_errno(err, "%s", path);
	if (st.st_dev == check->list.st_dev && st.st_ino == check->list.st_ino)
		return ASSAY_OK;
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return record(check, &assay_field_added, assay_span_text(path), NULL, &shown,
			      "a link or a special file, which no list of digests covers", err);
	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return assay_fail_errno(err, "%s", path);
	code = S_ISDIR(st.st_mode) ? check_directory(check, fd, path, depth + 1, err) :
				     check_file(check, fd, assay_span_text(path), err);
	close(fd);
	return code;
}

static enum assay_code check_directory(struct check *check, int fd, const char *below, unsigned depth,
				       struct assay_error *err)
{
	struct assay_names_list list = { 0 };
	enum assay_code code;

	if (depth > ASSAY_MAX_CHECKOUT_DEPTH) {
		assay_walk_truncated(check->walk, "directories nested too deeply");
		return ASSAY_OK;
	}
	code = assay_directory_list(fd, &list, err);
	for (size_t i = 0; !code && i < list.count; i++) {
		struct assay_buf path = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);

		assay_buf_printf(&path, "%s%s%s", below, *below ? "/" : "", list.names[i]);
		code = assay_buf_check(&path, "path", err);
		if (!code)
			code = check_entry(check, fd, list.names[i], assay_buf_text(&path), depth, err);
		assay_buf_release(&path);
	}
	assay_directory_list_release(&list);
	return code;
}

static enum assay_code check_names(struct assay_sums *sums, struct assay_error *err)
{
	char shown[200];

	if (sums->digits != 2 * ASSAY_DIGEST_SIZE)
		return assay_fail(err, ASSAY_EUSAGE,
				  "list of digests: want SHA-256 (64 digits) to hold files against, "
				  "have %zu digits",
				  sums->digits);
	for (size_t i = 0; i < sums->count; i++) {
		sums->items[i].name = plain_name(sums->items[i].name);
		if (!assay_path_is_contained(sums->items[i].name))
			return assay_fail(err, ASSAY_EUSAGE,
					  "list of digests: want names below the directory, have \"%s\"",
					  assay_span_show(sums->items[i].name, shown, sizeof(shown)));
	}
	return ASSAY_OK;
}

static enum assay_code run(struct check *check, int dirfd, struct assay_error *err)
{
	if (check_names(&check->sums, err))
		return err->code;
	assay_sums_sort(&check->sums);
	if (check_directory(check, dirfd, "", 0, err))
		return err->code;
	for (size_t i = 0; i < check->sums.count; i++) {
		const struct assay_sum *sum = &check->sums.items[i];

		if (!sum->matched && record(check, &assay_field_added, sum->name, &sum->digest, NULL,
					    "the directory has no file of this name", err))
			return err->code;
	}
	return ASSAY_OK;
}

enum assay_code assay_sums_check(struct assay_walk *walk, int list_fd, int dirfd, bool list_is_left,
				 struct assay_error *err)
{
	struct check check = { .walk = walk, .list_is_left = list_is_left };
	struct assay_map map = { 0 };
	enum assay_code code;

	if (fstat(list_fd, &check.list))
		return assay_fail_errno(err, "list of digests");
	if (assay_map_fd(list_fd, &map, err))
		return err->code;
	if (assay_sums_parse(map.bytes, &check.sums))
		code = run(&check, dirfd, err);
	else
		code = assay_fail(err, ASSAY_EUSAGE,
				  "want two files, two directories, or a list of digests and a "
				  "directory; this file is no list");
	assay_sums_release(&check.sums);
	assay_map_release(&map);
	return code;
}
