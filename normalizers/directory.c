/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing two directories; see the header. */
#include "directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "assay/file.h"
#include "assay/limits.h"
#include "directory_image.h"
#include "stray.h"
#include "xattr.h"

/* Below the 64 parts that a path has, so that archives in directories can be named. */
#define DIRECTORY_DEPTH 40
#define LINK_MAX_SHOWN 4096

static const struct assay_field field_type = {
	.name = "directory.type",
	.kind = ASSAY_METADATA,
	.severity = ASSAY_SEVERITY_STRUCTURE,
	.rule = "a file, a directory and a link are used in different ways",
};

static const struct assay_field field_mode = {
	.name = "directory.mode",
	.kind = ASSAY_METADATA,
	.cause = "permissions_differ",
	.severity = ASSAY_SEVERITY_DATA,
	.rule = "the permission bits decide who may read, write and run it",
};

static const struct assay_field field_link = {
	.name = "directory.linkname",
	.kind = ASSAY_METADATA,
	.cause = "link_target_differs",
	.severity = ASSAY_SEVERITY_DATA,
	.rule = "where a link leads decides what is read or written through it",
};

/* Two directories on the way through both. */
struct pair {
	struct assay_walk *walk;
	struct assay_strays strays;
};

/* One name on one side. */
struct entry {
	int fd; /* of a file or directory, -1 otherwise */
	struct stat st;
	char link[LINK_MAX_SHOWN];
	size_t link_length;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool list_add(struct assay_names_list *list, size_t *room, const char *name)
{
	if (list->count == *room) {
		size_t bigger = *room ? 2 * *room : 64;
		void *names = reallocarray(list->names, bigger, sizeof(*list->names));

		if (!names)
			return false;
		list->names = names;
		*room = bigger;
	}
	list->names[list->count] = strdup(name);
	return list->names[list->count] && ++list->count;
}

enum assay_code assay_directory_list(int fd, struct assay_names_list *ret, struct assay_error *err)
{
	struct assay_names_list list = { 0 };
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;
	size_t room = 0;
	bool ok = true;

	if (!dir) {
		assay_fail_errno(err, "directory");
		if (copy >= 0)
			close(copy);
		return err->code;
	}
	while (ok && list.count <= ASSAY_MAX_MEMBERS && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			ok = list_add(&list, &room, entry->d_name);
	closedir(dir);
	if (!ok || list.count > ASSAY_MAX_MEMBERS) {
		assay_directory_list_release(&list);
		return ok ? assay_fail(err, ASSAY_ELIMIT, "directory: more than %d names",
				       ASSAY_MAX_MEMBERS) :
			    assay_fail(err, ASSAY_ENOMEM, "directory: out of memory");
	}
	if (list.count)
		qsort(list.names, list.count, sizeof(*list.names), by_text);
	*ret = list;
	return ASSAY_OK;
}

void assay_directory_list_release(struct assay_names_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->names[i]);
	free(list->names);
	*list = (struct assay_names_list){ 0 };
}

static void entry_release(struct entry *entry)
{
	if (entry->fd >= 0)
		close(entry->fd);
	entry->fd = -1;
}

static enum assay_code entry_open(int dirfd, const char *name, struct entry *ret,
				  struct assay_error *err)
{
	ssize_t length;

	ret->fd = -1;
	if (fstatat(dirfd, name, &ret->st, AT_SYMLINK_NOFOLLOW))
		return assay_fail_errno(err, "%s", name);
	if (S_ISLNK(ret->st.st_mode)) {
		length = readlinkat(dirfd, name, ret->link, sizeof(ret->link));
		if (length < 0)
			return assay_fail_errno(err, "%s", name);
		ret->link_length = (size_t)length;
		return ASSAY_OK;
	}
	if (!S_ISREG(ret->st.st_mode) && !S_ISDIR(ret->st.st_mode))
		return ASSAY_OK;
	ret->fd = openat(dirfd, name,
			 O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
	return ret->fd < 0 ? assay_fail_errno(err, "%s", name) : ASSAY_OK;
}

static enum assay_code record_text(struct assay_walk *walk, const struct assay_field *field,
				   struct assay_span left, struct assay_span right,
				   enum assay_severity severity, struct assay_error *err)
{
	char text[512], l[160], r[160];
	struct assay_difference d = {
		.field = field,
		.left_present = true,
		.right_present = true,
		.values = { { left, right }, true, true },
		.bytes = assay_bytes_differing(left, right),
		.confidence = ASSAY_CERTAIN,
		.severity = severity,
		.explanation = text,
	};

	snprintf(text, sizeof(text), "%s is %s on the left and %s on the right: %s", field->name,
		 assay_span_show(left, l, sizeof(l)), assay_span_show(right, r, sizeof(r)),
		 field->rule);
	return assay_walk_record(walk, NULL, &d, NULL, err);
}

static const char *type_word(mode_t mode)
{
	static const struct {
		mode_t type;
		const char *word;
	} words[] = {
		{ S_IFREG, "file" },	     { S_IFDIR, "directory" },	      { S_IFLNK, "symlink" },
		{ S_IFIFO, "fifo" },	     { S_IFSOCK, "socket" },	      { S_IFBLK, "block device" },
		{ S_IFCHR, "character device" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if ((mode & S_IFMT) == words[i].type)
			return words[i].word;
	return "unknown";
}

static enum assay_code compare_modes(struct assay_walk *walk, mode_t left, mode_t right,
				     struct assay_error *err)
{
	char l[16], r[16];

	snprintf(l, sizeof(l), "%04o", (unsigned)left & 07777);
	snprintf(r, sizeof(r), "%04o", (unsigned)right & 07777);
	return record_text(walk, &field_mode, assay_span_text(l), assay_span_text(r),
			   (left ^ right) & 07111 ? ASSAY_SEVERITY_CODE : ASSAY_SEVERITY_DATA, err);
}

static enum assay_code compare_content(struct assay_walk *walk, const struct entry *left,
				       const struct entry *right, struct assay_error *err)
{
	assay_auto(assay_map_release) struct assay_map l = { 0 };
	assay_auto(assay_map_release) struct assay_map r = { 0 };

	if (assay_map_fd(left->fd, &l, err) || assay_map_fd(right->fd, &r, err))
		return err->code;
	return assay_walk_content(walk, NULL, l.bytes, r.bytes, err);
}

static enum assay_code compare_tree(struct pair *pair, int left_fd, int right_fd,
				    struct assay_error *err);

static enum assay_code compare_entries(struct pair *pair, const struct entry *left,
				       const struct entry *right, struct assay_error *err)
{
	struct assay_walk *walk = pair->walk;
	mode_t type = left->st.st_mode & S_IFMT;

	if (type != (right->st.st_mode & S_IFMT))
		return record_text(walk, &field_type, assay_span_text(type_word(left->st.st_mode)),
				   assay_span_text(type_word(right->st.st_mode)),
				   field_type.severity, err);
	if (type != S_IFLNK && (left->st.st_mode ^ right->st.st_mode) & 07777 &&
	    compare_modes(walk, left->st.st_mode, right->st.st_mode, err))
		return err->code;
	if (left->fd >= 0 && assay_xattrs_compare(walk, left->fd, right->fd, err))
		return err->code;
	if (type == S_IFDIR)
		return compare_tree(pair, left->fd, right->fd, err);
	if (type == S_IFREG)
		return compare_content(walk, left, right, err);
	if (type == S_IFLNK && (left->link_length != right->link_length ||
				memcmp(left->link, right->link, left->link_length) != 0))
		return record_text(walk, &field_link,
				   assay_span_of(left->link, left->link_length),
				   assay_span_of(right->link, right->link_length),
				   field_link.severity, err);
	if ((type == S_IFCHR || type == S_IFBLK) && left->st.st_rdev != right->st.st_rdev)
		return record_text(walk, &field_type, assay_span_text("device"),
				   assay_span_text("another device"), field_type.severity, err);
	return ASSAY_OK;
}

static enum assay_code compare_name(struct pair *pair, int left_fd, int right_fd,
				    const char *name, struct assay_error *err)
{
	struct entry left, right = { .fd = -1 };
	enum assay_code code;

	if (!assay_walk_push(pair->walk, assay_span_text(name)))
		return ASSAY_OK;
	code = entry_open(left_fd, name, &left, err);
	if (!code)
		code = entry_open(right_fd, name, &right, err);
	if (!code)
		code = compare_entries(pair, &left, &right, err);
	entry_release(&left);
	entry_release(&right);
	assay_walk_pop(pair->walk);
	return code;
}

/* A directory of one side only is one finding, and so is each thing in it. */
static enum assay_code gather(struct pair *pair, int fd, const char *name, bool is_right,
			      struct assay_error *err)
{
	struct entry entry;
	struct assay_names_list list = { 0 };
	enum assay_code code = entry_open(fd, name, &entry, err);

	if (!code)
		code = assay_strays_add(&pair->strays, pair->walk, name, &entry.st, is_right, err);
	if (!code && S_ISDIR(entry.st.st_mode)) {
		if (pair->walk->path_count >= DIRECTORY_DEPTH) {
			assay_walk_truncated(pair->walk, "directories nested too deeply");
		} else if (assay_walk_push(pair->walk, assay_span_text(name))) {
			code = assay_directory_list(entry.fd, &list, err);
			for (size_t i = 0; !code && i < list.count; i++)
				code = gather(pair, entry.fd, list.names[i], is_right, err);
			assay_walk_pop(pair->walk);
		}
	}
	assay_directory_list_release(&list);
	entry_release(&entry);
	return code;
}

static enum assay_code compare_lists(struct pair *pair, int left_fd, int right_fd,
				     const struct assay_names_list *left,
				     const struct assay_names_list *right, struct assay_error *err)
{
	enum assay_code code = ASSAY_OK;
	size_t l = 0, r = 0;

	while (!code && (l < left->count || r < right->count)) {
		int order = l == left->count  ? 1 :
			    r == right->count ? -1 :
						strcmp(left->names[l], right->names[r]);

		if (order < 0)
			code = gather(pair, left_fd, left->names[l++], false, err);
		else if (order > 0)
			code = gather(pair, right_fd, right->names[r++], true, err);
		else {
			code = compare_name(pair, left_fd, right_fd, left->names[l++], err);
			r++;
		}
	}
	return code;
}

static enum assay_code compare_tree(struct pair *pair, int left_fd, int right_fd,
				    struct assay_error *err)
{
	struct assay_walk *walk = pair->walk;
	struct assay_names_list left = { 0 }, right = { 0 };
	size_t container = walk->container_count;
	enum assay_code code;

	if (assay_image_directory_is(left_fd) && assay_image_directory_is(right_fd))
		return assay_image_directory_compare(walk, left_fd, right_fd, err);
	if (walk->path_count >= DIRECTORY_DEPTH) {
		assay_walk_truncated(walk, "directories nested too deeply");
		return ASSAY_OK;
	}
	walk->container_count = walk->path_count;
	code = assay_directory_list(left_fd, &left, err);
	if (!code)
		code = assay_directory_list(right_fd, &right, err);
	if (!code)
		code = compare_lists(pair, left_fd, right_fd, &left, &right, err);
	assay_directory_list_release(&left);
	assay_directory_list_release(&right);
	walk->container_count = container;
	return code;
}

enum assay_code assay_directory_compare(struct assay_walk *walk, int left_fd, int right_fd,
					struct assay_error *err)
{
	struct pair pair = { .walk = walk };
	const int roots[2] = { left_fd, right_fd };
	enum assay_code code = compare_tree(&pair, left_fd, right_fd, err);

	if (!code)
		code = assay_strays_settle(&pair.strays, walk, roots, err);
	assay_strays_release(&pair.strays);
	return code;
}
