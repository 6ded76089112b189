/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes of files on disk; see the header. */
#include "xattr.h"

#include <errno.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

static const struct assay_field field_xattr = {
	.name = "directory.xattr",
	.kind = ASSAY_METADATA,
	.cause = "extended_attributes_differ",
	.severity = ASSAY_SEVERITY_CODE,
	.rule = "file capabilities and ACLs are among the extended attributes",
};

static const char *const of_the_host[] = { "security.selinux", "security.ima", "security.evm" };

struct xattrs {
	char *names; /* NUL after each */
	const char **sorted;
	size_t count;
};

static void release(struct xattrs *list)
{
	free(list->names);
	free(list->sorted);
}

static bool is_of_the_host(const char *name)
{
	for (size_t i = 0; i < sizeof(of_the_host) / sizeof(of_the_host[0]); i++)
		if (strcmp(name, of_the_host[i]) == 0)
			return true;
	return false;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A file system without extended attributes has none of them. */
static enum assay_code list(int fd, struct xattrs *ret, struct assay_error *err)
{
	ssize_t length = flistxattr(fd, NULL, 0), got;
	size_t count = 0;

	*ret = (struct xattrs){ .names = NULL };
	if (length == 0 || (length < 0 && errno == ENOTSUP))
		return ASSAY_OK;
	if (length < 0)
		return assay_fail_errno(err, "extended attributes");
	ret->names = malloc((size_t)length);
	if (!ret->names)
		return assay_fail(err, ASSAY_ENOMEM, "extended attributes: out of memory");
	got = flistxattr(fd, ret->names, (size_t)length);
	if (got < 0)
		return assay_fail_errno(err, "extended attributes");
	for (ssize_t i = 0; i < got; i++)
		count += !ret->names[i];
	ret->sorted = calloc(count + 1, sizeof(*ret->sorted));
	if (!ret->sorted)
		return assay_fail(err, ASSAY_ENOMEM, "extended attributes: out of memory");
	for (const char *name = ret->names; name < ret->names + got; name += strlen(name) + 1)
		if (!is_of_the_host(name))
			ret->sorted[ret->count++] = name;
	qsort(ret->sorted, ret->count, sizeof(*ret->sorted), by_text);
	return ASSAY_OK;
}

static enum assay_code read_value(int fd, const char *name, char value[XATTR_SIZE_MAX],
				  struct assay_span *ret, struct assay_error *err)
{
	ssize_t length = fgetxattr(fd, name, value, XATTR_SIZE_MAX);

	if (length < 0)
		return assay_fail_errno(err, "extended attribute %s", name);
	*ret = assay_span_of(value, (size_t)length);
	return ASSAY_OK;
}

static enum assay_code record(struct assay_walk *walk, const char *name, const struct assay_span *left,
			      const struct assay_span *right, struct assay_error *err)
{
	const struct assay_span none = assay_span_of(NULL, 0);
	const char *of = left && right ? "differs" : left ? "is on the left only" : "is on the right only";
	char text[XATTR_NAME_MAX + 200];
	struct assay_difference d = {
		.field = &field_xattr,
		.left_present = left,
		.right_present = right,
		.values = { { left ? *left : none, right ? *right : none }, left, right },
		.bytes = left && right ? assay_bytes_differing(*left, *right) :
					 strlen(name) + (left ? left : right)->len,
		.confidence = ASSAY_CERTAIN,
		.severity = field_xattr.severity,
		.explanation = text,
	};

	snprintf(text, sizeof(text), "the extended attribute %s %s: %s", name, of, field_xattr.rule);
	return assay_walk_record(walk, NULL, &d, NULL, err);
}

/* The two sides of one comparison.  Without a walk nothing is recorded. */
struct pair {
	struct assay_walk *walk;
	int fd[2];
	struct xattrs lists[2];
	char *values[2];
	bool differ;
};

/* A name that order says one side has (-1 left, 1 right), or both (0). */
static enum assay_code compare_one(struct pair *pair, const char *name, int order, struct assay_error *err)
{
	struct assay_span left, right;

	if (order <= 0 && read_value(pair->fd[0], name, pair->values[0], &left, err))
		return err->code;
	if (order >= 0 && read_value(pair->fd[1], name, pair->values[1], &right, err))
		return err->code;
	if (order == 0 && assay_span_equal(left, right))
		return ASSAY_OK;
	pair->differ = true;
	return pair->walk ? record(pair->walk, name, order <= 0 ? &left : NULL, order >= 0 ? &right : NULL, err) :
			    ASSAY_OK;
}

static enum assay_code merge(struct pair *pair, struct assay_error *err)
{
	const struct xattrs *l = &pair->lists[0], *r = &pair->lists[1];

	for (size_t i = 0, k = 0; i < l->count || k < r->count; ) {
		int order = i == l->count ? 1 : k == r->count ? -1 : strcmp(l->sorted[i], r->sorted[k]);

		if (compare_one(pair, order <= 0 ? l->sorted[i] : r->sorted[k], order, err))
			return err->code;
		i += order <= 0;
		k += order >= 0;
	}
	return ASSAY_OK;
}

static enum assay_code compare(struct pair *pair, struct assay_error *err)
{
	enum assay_code code = list(pair->fd[0], &pair->lists[0], err);

	if (!code)
		code = list(pair->fd[1], &pair->lists[1], err);
	if (!code && (pair->lists[0].count || pair->lists[1].count)) {
		pair->values[0] = malloc(XATTR_SIZE_MAX);
		pair->values[1] = malloc(XATTR_SIZE_MAX);
		code = pair->values[0] && pair->values[1] ?
			       merge(pair, err) :
			       assay_fail(err, ASSAY_ENOMEM, "extended attributes: out of memory");
	}
	for (int side = 0; side < 2; side++) {
		release(&pair->lists[side]);
		free(pair->values[side]);
	}
	return code;
}

enum assay_code assay_xattrs_compare(struct assay_walk *walk, int left_fd, int right_fd,
				     struct assay_error *err)
{
	struct pair pair = { .walk = walk, .fd = { left_fd, right_fd } };

	return compare(&pair, err);
}

enum assay_code assay_xattrs_equal(int left_fd, int right_fd, bool *ret, struct assay_error *err)
{
	struct pair pair = { .fd = { left_fd, right_fd } };
	enum assay_code code = compare(&pair, err);

	*ret = !code && !pair.differ;
	return code;
}
